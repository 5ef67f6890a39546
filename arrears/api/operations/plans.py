"""Repayment plans: agreed once, watched by the case."""

from __future__ import annotations

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import ask_the_case
from arrears.domain.access import Action
from arrears.workflows.contract import CaseView, Plan, Update


async def agree(here: House, caller: Caller, loan_id: str, body: Plan) -> CaseView:
    """Agree a plan, which pauses the ladder while it is kept; the same plan again, while it stands, is the same. Raises ``Problem``."""
    subject, details = str(body.instalments[0].due_on), {"instalments": len(body.instalments)}
    return await ask_the_case(here, caller, Action.AGREE_PLAN, loan_id, Update.AGREE_PLAN, body, subject=subject, details=details)
