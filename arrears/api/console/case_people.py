"""The people of a case as its forms name them: by id and by what they are to the loan, with how they can be reached, what they want and agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.operations import personal
from arrears.api.operations.personal import ConsentNow, WishNow
from arrears.domain.person import Relation
from arrears.ledger import loans
from arrears.ledger.tables import AgencyRow, ContactPointRow


@dataclass(frozen=True)
class Party:
    """Somebody of a loan, without their name and their numbers: whoever wants those says why."""

    person_id: str
    role: Relation
    points: tuple[ContactPointRow, ...]
    wishes: tuple[WishNow, ...]
    consents: tuple[ConsentNow, ...]


async def parties(session: AsyncSession, loan_id: str, now: datetime) -> tuple[Party, ...]:
    """The borrower, and then everybody who is tied to the loan, by their ids."""
    borrower = await loans.borrower(session, loan_id)
    tied = [(Relation.BORROWER, borrower.id), *((relation.role, person.id) for relation, person in await loans.relatives(session, loan_id))]
    return tuple(
        [
            Party(
                person_id=person_id,
                role=role,
                points=tuple(await loans.contact_points(session, person_id)),
                wishes=await personal.standing_wishes(session, person_id),
                consents=await personal.standing_consents(session, person_id, now),
            )
            for role, person_id in tied
        ]
    )


async def agencies(session: AsyncSession) -> tuple[str, ...]:
    """The agencies that the ledger knows."""
    return tuple(await session.exec(select(AgencyRow.id).order_by(col(AgencyRow.id))))
