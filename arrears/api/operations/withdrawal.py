"""The lender takes a case back."""

from __future__ import annotations

from http import HTTPStatus

from arrears.api.caller import Caller
from arrears.api.cases import TemporalAway
from arrears.api.house import House
from arrears.api.operations.telling import ask_the_case, temporal_away
from arrears.api.problems import Problem
from arrears.domain.access import Action
from arrears.ledger import cases, journal
from arrears.workflows import asking
from arrears.workflows.contract import CaseView, Update, Withdrawal


async def withdraw(here: House, caller: Caller, loan_id: str, body: Withdrawal) -> CaseView:
    """End the case: what was placed is recalled, what was asked is void. One that was closed so, for the same reason, is answered as it stands.

    Raises ``Problem``.
    """
    try:
        return await ask_the_case(here, caller, Action.WITHDRAW_CASE, loan_id, Update.WITHDRAW, body, subject=body.reason)
    except Problem as refused:
        if refused.status is not HTTPStatus.CONFLICT or not await _closed_so(here, loan_id, body):
            raise
    try:
        return await asking.view(await here.cases.client(), loan_id)
    except (asking.CaseProblem, TemporalAway) as away:
        raise temporal_away(str(away)) from None


async def _closed_so(here: House, loan_id: str, body: Withdrawal) -> bool:
    """Whether the loan's last case is closed because it was withdrawn for this reason: whoever says so may not have heard the answer."""
    async with here.ledger.reading() as session:
        try:
            last = await cases.latest_case(session, loan_id)
        except cases.CaseUnknown:
            return False
        return last.closed_at is not None and await journal.withdrawn_for(session, last.id) == body.reason
