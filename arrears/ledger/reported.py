"""Contacts that did not leave by our own gateways: agencies', those by hand, and those that people began. They count like ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.outcome import ANSWERED, Outcome
from arrears.domain.strategy import Channel, Referral
from arrears.ledger import lapses, persons
from arrears.ledger.tables import Direction, ReferralRow, ReferralState, RelationRow, ReportedContactRow


@dataclass(frozen=True)
class Heard:
    """What somebody else says of a contact."""

    channel: Channel
    direction: Direction
    outcome: Outcome | None
    at: datetime
    contact_point_id: int | None = None


async def record(session: AsyncSession, source: str, key: str, loan_id: str, person_id: str, heard: Heard, now: datetime) -> bool:
    """Write a contact down, once for its key at its source; whether it was new. A relative's refusal is final, as if they had told us."""
    await persons.lock(session, [person_id])
    known = await session.exec(
        select(ReportedContactRow.id).where(col(ReportedContactRow.source) == source, col(ReportedContactRow.key) == key)
    )
    if known.first() is not None:
        return False
    session.add(
        ReportedContactRow(
            source=source,
            key=key,
            loan_id=loan_id,
            person_id=person_id,
            channel=heard.channel,
            direction=heard.direction,
            outcome=heard.outcome,
            contact_point_id=heard.contact_point_id,
            at=heard.at,
            recorded_at=now,
        )
    )
    if heard.outcome is Outcome.RELATIVE_REFUSED:
        await refused(session, person_id, heard.at)
    if heard.outcome in ANSWERED:
        # Who is nobody's borrower has no requests that would lapse.
        await lapses.borrower_reached(session, person_id, "the borrower answered", heard.at, now)
    await session.flush()
    return True


async def refused(session: AsyncSession, person_id: str, at: datetime) -> None:
    """Somebody else's contact asked never to be contacted again: that is final, on all loans that name them."""
    for relation in await session.exec(select(RelationRow).where(col(RelationRow.person_id) == person_id)):
        relation.refused_at = relation.refused_at or at
        session.add(relation)


async def agency_of(session: AsyncSession, loan_id: str, key: str | None) -> str | None:
    """The agency of the placement ``key``, else the one that has the loan now, or had it last."""
    named = await session.get(ReferralRow, key) if key else None
    if named is not None and named.agency is not None:
        return named.agency
    found = await session.exec(
        select(ReferralRow)
        .where(col(ReferralRow.loan_id) == loan_id, col(ReferralRow.target) == Referral.AGENCY)
        .order_by(col(ReferralRow.state) != ReferralState.SENT, col(ReferralRow.sent_at).desc())
    )
    last = found.first()
    return last.agency if last else None
