"""What the ledger knows and a case has not heard of: payments and holds, told as the events that the case would have heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field, TypeAdapter
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import Event, HoldPlaced, PaymentReceived
from arrears.domain.loan import Payment
from arrears.domain.verdict import Effect
from arrears.ledger.tables import CaseEventRow, CaseRow, HoldRow, LoanRow, VerdictRow

_HEARD: TypeAdapter[PaymentReceived | HoldPlaced] = TypeAdapter(Annotated[PaymentReceived | HoldPlaced, Field(discriminator="kind")])
_TELLING = ("AR-04", "AR-05")
"""The rules whose findings name the holds and payments that a refusal told the case of."""


@dataclass(frozen=True)
class Ordered:
    """When the case gave an order: what it heard later it could not take into account, so that is news to it.

    ``again``: the order is tried again, and what the try before wanted to tell the case may have been lost.
    """

    at: datetime
    again: bool = False


@dataclass(frozen=True)
class News:
    """What the ledger knows and the case has not heard of, by id, as the events that the case would have heard."""

    payments: dict[str, Event]
    holds: dict[str, Event]

    @property
    def events(self) -> tuple[Event, ...]:
        return (*self.payments.values(), *self.holds.values())


async def news(
    session: AsyncSession,
    case: CaseRow,
    loan: LoanRow,
    payments: Iterable[Payment],
    holds: Iterable[HoldRow],
    ordered: Ordered,
    now: datetime,
) -> News:
    """What is news to a case. ``holds`` are all that concern it, also those of the borrower's other loans.

    Of a hold it has heard if it was told of one for the same reason, at that instant or since.
    """
    events = await session.exec(
        select(CaseEventRow).where(
            col(CaseEventRow.case_id) == case.id,
            col(CaseEventRow.kind).in_(["payment_received", "hold_placed"]),
            col(CaseEventRow.recorded_at) <= ordered.at,
        )
    )
    heard = [_HEARD.validate_python(row.body) for row in events]
    told = await _told(session, case.id, ordered)
    known = told | {e.payment.payment_id for e in heard if isinstance(e, PaymentReceived)} | set(case.payments_counted)
    placed = {(e.reason, e.at) for e in heard if isinstance(e, HoldPlaced)} | {(loan.held_for, case.opened_at)}

    def has_heard(hold: HoldRow) -> bool:
        return str(hold.id) in told or any(reason == hold.reason and hold.placed_at <= at for reason, at in placed)

    return News(
        payments={p.payment_id: PaymentReceived(at=now, payment=p) for p in payments if p.payment_id not in known},
        holds={str(h.id): HoldPlaced(at=h.placed_at, reason=h.reason, until=h.until) for h in holds if not has_heard(h)},
    )


async def _told(session: AsyncSession, case_id: str, ordered: Ordered) -> set[str]:
    """Ids of what earlier verdicts have told the case: nothing is told twice, so that a case never goes round in circles."""
    query = select(VerdictRow).where(col(VerdictRow.case_id) == case_id, col(VerdictRow.verdict) == Effect.DENY)
    if ordered.again:
        query = query.where(col(VerdictRow.decided_at) < ordered.at)
    found = await session.exec(query)
    return {fact for row in found for finding in row.observed if finding.get("rule") in _TELLING for fact in finding.get("facts", ())}
