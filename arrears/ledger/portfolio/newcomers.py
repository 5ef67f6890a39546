"""A single person admitted to the ledger beside a portfolio, such as a borrower's attorney."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.portfolio.addresses import canonical
from arrears.ledger.portfolio.entries import PersonEntry
from arrears.ledger.portfolio.store import person_row, point_row
from arrears.ledger.tables import ContactPointRow, PersonRow, SubjectKeyRow
from arrears.ledger.vault import of_session

_BASIS = "acts_for_borrower"


async def admit(session: AsyncSession, person: PersonEntry, now: datetime) -> bool:
    """Write a person with their contact points down, sealed with a key of their own, unless the ledger knows them; whether they were new.

    Raises ``AddressRefused`` if one of the addresses cannot be used.
    """
    if await session.get(PersonRow, person.id) is not None:
        return False
    points = [
        point.model_copy(update={"address": canonical(point, None), "legal_basis": point.legal_basis or _BASIS})
        for point in person.contact_points
    ]
    keys, wrapped = of_session(session).fresh([person.id])
    session.add(PersonRow(**person_row(person, keys)))
    await session.flush()
    session.add(SubjectKeyRow(person_id=person.id, created_at=now, **vars(wrapped[person.id])))
    for point in points:
        session.add(ContactPointRow(**point_row((person.id, point.kind, keys.mark(person.id, point.address)), point, keys)))
    await session.flush()
    return True
