"""Repayment plans: agreed once, watched by the case."""

from __future__ import annotations

import hashlib

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import ask_the_case
from arrears.domain.access import Action
from arrears.workflows.contract import CaseView, Plan, Update


async def agree(here: House, caller: Caller, loan_id: str, body: Plan) -> CaseView:
    """Agree a plan, which pauses the ladder while it is kept; the same plan again is the same. Raises ``Problem``."""
    parts = ";".join(f"{part.due_on}={part.amount.normalize():f}" for part in body.instalments)
    digest = hashlib.sha256(f"{body.currency}:{parts}".encode()).hexdigest()[:32]
    return await ask_the_case(
        here,
        caller,
        Action.AGREE_PLAN,
        loan_id,
        Update.AGREE_PLAN,
        body,
        f"plan/{digest}",
        subject=str(body.instalments[0].due_on),
        details={"instalments": len(body.instalments)},
    )
