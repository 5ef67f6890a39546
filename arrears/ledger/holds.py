"""Holds in the ledger: which of them concern a loan and the people tied to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain import holds as law
from arrears.domain.money import Amount
from arrears.domain.situation import Hold
from arrears.ledger.tables import HoldRow, LoanRow


class Details(BaseModel):
    """What a hold may say besides its reason: see ``HoldRow``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Amount | None = None
    treatment_ends_on: date | None = None
    agency: str | None = None

    def stored(self) -> dict[str, Any] | None:
        return self.model_dump(mode="json", exclude_none=True) or None


@dataclass(frozen=True)
class Concerning:
    """A hold that concerns a loan, and the person whom it is about."""

    row: HoldRow
    person_id: str

    @property
    def hold_id(self) -> str:
        return str(self.row.id)

    def seen_from(self, loan_id: str, now: datetime, *, heard: bool = True) -> Hold:
        """The hold as the law sees it when it looks at one loan. What is written down stands, even if a clock elsewhere was a moment ahead."""
        row, details = self.row, Details.model_validate(self.row.details or {})
        here = row.loan_id == loan_id
        return Hold(
            hold_id=self.hold_id,
            reason=row.reason,
            placed_at=min(row.placed_at, now),
            until=row.until,
            lifted_at=row.lifted_at,
            loan=loan_id if here else None,
            person=row.person_id if here else self.person_id,
            agency=details.agency,
            part=details.part,
            treatment_ends_on=details.treatment_ends_on,
            heard=heard,
        )

    def stands(self, now: datetime) -> bool:
        """Whether it is in force."""
        return law.in_force(self.seen_from(self.row.loan_id, now), now)


async def concerning(session: AsyncSession, loan: LoanRow, people: Collection[str], now: datetime) -> tuple[Concerning, ...]:
    """The holds that concern a loan: its own, whichever of its cases they were placed in, and those that reach the whole of one of the
    people tied to it, on whatever loan they were placed; also one that was placed while this very try was under way. They stand, or are over and of
    such a kind that the law looks back on them."""
    found = await _about(
        session,
        loan,
        people,
        or_(
            col(HoldRow.reason).in_(law.LOOKED_BACK_ON),
            and_(
                or_(col(HoldRow.lifted_at).is_(None), col(HoldRow.lifted_at) > now),
                or_(col(HoldRow.until).is_(None), col(HoldRow.until) > now),
            ),
        ),
    )
    return tuple(hold for hold in found if hold.row.reason in law.LOOKED_BACK_ON or hold.stands(now))


async def ever_concerning(session: AsyncSession, loan: LoanRow, people: Collection[str]) -> tuple[Concerning, ...]:
    """The holds that concern a loan as ``concerning`` says, whether they stand or are over, oldest first."""
    return await _about(session, loan, people)


async def _about(session: AsyncSession, loan: LoanRow, people: Collection[str], *further: ColumnElement[bool]) -> tuple[Concerning, ...]:
    found = await session.exec(
        select(HoldRow, LoanRow.borrower_id)
        .join(LoanRow, col(LoanRow.id) == col(HoldRow.loan_id))
        .where(
            or_(
                col(HoldRow.loan_id) == loan.id,
                col(HoldRow.person_id).in_(people),
                and_(col(LoanRow.borrower_id).in_(people), col(HoldRow.person_id).is_(None)),
            ),
            *further,
        )
        .order_by(col(HoldRow.placed_at), col(HoldRow.id))
    )
    concerned = (Concerning(row, row.person_id or borrower_id) for row, borrower_id in found)
    return tuple(hold for hold in concerned if hold.row.loan_id == loan.id or reaches_the_person(hold.row.reason))


def reaches_the_person(reason: str) -> bool:
    """Whether a hold for this reason stands on all loans of the person."""
    return law.terms(reason).scope == "person"


async def lift(
    session: AsyncSession, loan: LoanRow, reason: str | None, at: datetime, now: datetime, *, person_id: str | None = None
) -> list[HoldRow]:
    """Lift the holds that stand on a loan, all or those for one reason; one that reaches the whole person is lifted on all their loans.

    The rows that were lifted. A loan's next case starts without a hold that it was imported with, once that is lifted.
    """
    found = await session.exec(
        select(HoldRow, LoanRow.borrower_id)
        .join(LoanRow, col(LoanRow.id) == col(HoldRow.loan_id))
        .where(
            or_(col(HoldRow.loan_id) == loan.id, col(LoanRow.borrower_id) == loan.borrower_id),
            col(HoldRow.lifted_at).is_(None),
            col(HoldRow.placed_at) <= at,
            or_(col(HoldRow.until).is_(None), col(HoldRow.until) > at),
        )
        .order_by(col(HoldRow.id))
    )
    about = person_id or loan.borrower_id
    lifted = [
        row
        for row, borrower_id in found
        if reason in (None, row.reason)
        and (row.person_id or borrower_id) == about
        and (row.loan_id == loan.id or reaches_the_person(row.reason))
    ]
    for row in lifted:
        row.lifted_at, row.lift_recorded_at = at, now
        session.add(row)
    if loan.held_for is not None and reason in (None, loan.held_for):
        loan.held_for = None
        session.add(loan)
    return lifted


async def loans_reached(session: AsyncSession, loan: LoanRow, reason: str) -> list[str]:
    """The loans of a borrower whose cases a hold on one of them stops: that one, or all of them."""
    if not reaches_the_person(reason):
        return [loan.id]
    found = await session.exec(select(LoanRow.id).where(col(LoanRow.borrower_id) == loan.borrower_id).order_by(col(LoanRow.id)))
    return list(found)
