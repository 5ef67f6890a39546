"""What every fact has in common when it is written: who is locked, what it may refer to, who is told.

FactRefused    the fact cannot stand in the ledger; it names the field, what is wrong, and what to do
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.situation import LENDER
from arrears.ledger import cases, loans, persons, relays
from arrears.ledger.facts.kinds import AboutAPoint
from arrears.ledger.tables import ContactPointRow, LoanRow, PersonRow
from arrears.ledger.vault import keyring

_AHEAD = timedelta(minutes=5)
"""How far another clock may be ahead of ours."""


class FactRefused(loans.LedgerRefusal):
    """The fact cannot stand in the ledger. It repeats no name, number or address."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field} {problem}: {remedy}")
        self.field, self.problem, self.remedy = field, problem, remedy


class Recorded(BaseModel):
    """What became of a fact: whether it was new, and the loans whose running cases are told."""

    model_config = ConfigDict(frozen=True)

    fact: str
    new: bool
    told: tuple[str, ...] = ()


@dataclass
class Writing:
    """One fact on its way into the ledger. ``source`` is who tells it."""

    session: AsyncSession
    now: datetime
    source: str = LENDER
    told: list[str] = field(default_factory=list[str])

    def not_ahead(self, name: str, at: datetime | None) -> None:
        """Raise ``FactRefused`` if an instant lies in the future."""
        if at is not None and at > self.now + _AHEAD:
            raise FactRefused(name, "lies in the future", "tell what has happened, once it has")

    async def loan(self, loan_id: str) -> LoanRow:
        """The loan, locked. Raises ``FactRefused``."""
        try:
            return await loans.lock_loan(self.session, loan_id)
        except loans.LoanUnknown:
            raise FactRefused("loan_id", f"{loan_id} is not in the ledger", "import the loan first") from None

    async def people(self, person_ids: Collection[str], name: str = "person_id") -> dict[str, PersonRow]:
        """These people, locked: whoever is judging a contact with one of them has finished, or waits. Raises ``FactRefused``."""
        found = await persons.lock(self.session, person_ids)
        for person_id in person_ids:
            if person_id not in found:
                raise FactRefused(name, f"{person_id} is not in the ledger", "import the person with a loan, or tell what they are to one")
        return found

    async def person(self, person_id: str) -> PersonRow:
        return (await self.people([person_id]))[person_id]

    async def point(self, person_id: str, about: AboutAPoint) -> ContactPointRow | None:
        """The contact point that is meant; nothing if none is named. Raises ``FactRefused``."""
        if not about.names_a_point:
            return None
        wanted = select(ContactPointRow).where(col(ContactPointRow.person_id) == person_id)
        if about.contact_point_id is not None:
            wanted = wanted.where(col(ContactPointRow.id) == about.contact_point_id)
        else:
            keys = await keyring(self.session, [person_id])
            wanted = wanted.where(col(ContactPointRow.address_mark) == keys.mark(person_id, about.address or ""))
        row = (await self.session.exec(wanted.order_by(col(ContactPointRow.id)))).first()
        if row is None:
            name = "address" if about.contact_point_id is None else "contact_point_id"
            raise FactRefused(name, f"is none of {person_id}'s", "give one that the ledger has; a number as it was imported, in E.164")
        return row

    async def tell(self, loan_id: str, name: str, key: str, message: BaseModel) -> None:
        """Leave a message for the loan's case, if one is open."""
        if await cases.open_case(self.session, loan_id) is not None:
            await relays.leave(self.session, loan_id, name, key[:256], message, self.now)
            self.told.append(loan_id)

    async def loans_of(self, person_id: str) -> list[str]:
        """The loans that a person owes."""
        found = await self.session.exec(select(LoanRow.id).where(col(LoanRow.borrower_id) == person_id).order_by(col(LoanRow.id)))
        return list(found)

    def add(self, row: object) -> bool:
        """Add or change a row; always true, for saying that a fact was new."""
        self.session.add(row)
        return True
