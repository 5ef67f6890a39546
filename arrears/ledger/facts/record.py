"""One way into the ledger for every fact: written once, in one transaction with the messages to the cases that it concerns."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.situation import LENDER
from arrears.ledger.facts import debts, kinds, people
from arrears.ledger.facts.kinds import Fact
from arrears.ledger.facts.writing import Recorded, Writing


async def record(session: AsyncSession, fact: Fact, now: datetime, source: str = LENDER) -> Recorded:
    """Write a fact down in an exclusive transaction; told again it changes nothing.

    Once the transaction has committed, nothing leaves that the fact forbids. Raises ``FactRefused`` before anything is written.
    """
    writing = Writing(session=session, now=now, source=source)
    new = await _write(writing, fact)
    await session.flush()
    return Recorded(fact=fact.fact, new=new, told=tuple(dict.fromkeys(writing.told)))


async def _write(w: Writing, fact: Fact) -> bool:
    match fact:
        case kinds.WishTold():
            return await people.wish(w, fact)
        case kinds.WishWithdrawn():
            return await people.wish_withdrawn(w, fact)
        case kinds.ConsentGiven():
            return await people.consent(w, fact)
        case kinds.ConsentWithdrawn():
            return await people.consent_withdrawn(w, fact)
        case kinds.CircumstanceTold():
            return await people.circumstance(w, fact)
        case kinds.PersonTold():
            return await people.person(w, fact)
        case kinds.PointTold():
            return await people.contact_point(w, fact)
        case kinds.RelationTold():
            return await people.relation(w, fact)
        case kinds.Refusal():
            return await people.refusal(w, fact)
        case kinds.HoldTold():
            return await debts.hold(w, fact)
        case kinds.HoldOver():
            return await debts.hold_lifted(w, fact)
        case kinds.NoticeTold():
            return await debts.notice(w, fact)
        case kinds.AgencyTold():
            return await debts.agency(w, fact)
        case kinds.AgencyContacts():
            return await debts.agency_contacts(w, fact)
        case kinds.ContactTold():
            return await debts.contact(w, fact)
        case kinds.LoanTold():
            return await debts.loan(w, fact)
