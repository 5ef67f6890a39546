"""The lender takes a case back."""

from __future__ import annotations

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import ask_the_case
from arrears.domain.access import Action
from arrears.workflows.contract import CaseView, Update, Withdrawal


async def withdraw(here: House, caller: Caller, loan_id: str, body: Withdrawal) -> CaseView:
    """End the case: what was placed is recalled, what was asked is void. Raises ``Problem``."""
    return await ask_the_case(here, caller, Action.WITHDRAW_CASE, loan_id, Update.WITHDRAW, body, "withdraw", subject=body.reason)
