"""Payments that are taken back, and how the loan's case hears of it: the one that runs, or the next one if the payment had closed it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import PAID_ENDINGS
from arrears.ledger import cases, loans, relays
from arrears.ledger.loans import Reversed
from arrears.workflows.contract import CaseRequest, Reversal, Signal


async def reverse(session: AsyncSession, said: Reversal, source: str, now: datetime, *, loan_id: str | None = None) -> Reversed:
    """Take a payment back, once for its id, and leave word of it for the loan's case; ``now`` is also when it happened, if that is not said.

    A case that closed because it was paid is opened again. One that ended otherwise stays closed: the lender has taken it back, or given it up.
    Raises ``PaymentUnknown`` or ``ReversalConflict``.
    """
    said = said.model_copy(update={"reversed_at": said.reversed_at or now})
    taken = await loans.reverse_payment(session, said.payment_id, said.reason, said.reversed_at or now, source, now, loan_id=loan_id)
    if taken.new:
        await _tell(session, taken.loan_id, said, now)
    return taken


async def _tell(session: AsyncSession, loan_id: str, said: Reversal, now: datetime) -> None:
    try:
        case = await cases.latest_case(session, loan_id)
    except cases.CaseUnknown:
        return
    ended = None if case.outcome is None else case.outcome.value
    if ended is None or ended in PAID_ENDINGS:
        # A case that closes at this moment may still run: it is told, and begins anew.
        await relays.leave(session, loan_id, Signal.PAYMENT_REVERSED, f"reversal/{said.payment_id}", said, now)
    if ended in PAID_ENDINGS:
        await relays.leave(session, loan_id, relays.OPEN, f"reopen/{said.payment_id}", CaseRequest(loan_id=loan_id), now)
