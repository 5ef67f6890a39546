"""Promises to pay: the borrower's word, which the case judges and keeps in mind."""

from __future__ import annotations

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import ask_the_case
from arrears.domain.access import Action
from arrears.workflows.contract import CaseView, Promise, Update


async def make(here: House, caller: Caller, loan_id: str, body: Promise) -> CaseView:
    """Write down that the borrower promises an amount by a day; the same promise again, while it stands, is the same. Raises ``Problem``."""
    return await ask_the_case(here, caller, Action.MAKE_PROMISE, loan_id, Update.MAKE_PROMISE, body, subject=str(body.due_on))
