"""A loan and the people tied to it at the moment of contact, read and locked in the transaction that will reserve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import local_date
from arrears.domain.loan import Arrears, Instalment, Payment, arrears_on
from arrears.domain.message import ScheduleLine
from arrears.domain.money import Money
from arrears.domain.strategy import Channel, Line
from arrears.ledger import cases, holds, loans, persons
from arrears.ledger.attempts import CHANNEL_KINDS
from arrears.ledger.holds import Concerning
from arrears.ledger.news import News, Ordered, news
from arrears.ledger.tables import CaseRow, ContactPointRow, InstalmentRow, LoanRow, PersonRow, RelationRow, Sealed
from arrears.ledger.vault import Field as Secret
from arrears.ledger.vault import Keyring, keyring


class PersonUnknown(loans.LedgerRefusal):
    """The person to contact is neither the borrower nor named for this loan."""


@dataclass(frozen=True)
class LoanScene:
    """A loan at one instant, with everybody tied to it, all of them locked: what is owed, what holds it, and what its case has not heard of.

    ``keys`` open what is sealed of the people.
    """

    now: datetime
    loan: LoanRow
    case: CaseRow
    borrower: PersonRow
    people: Mapping[str, PersonRow]
    ties: tuple[RelationRow, ...]
    instalments: tuple[InstalmentRow, ...]
    payments: tuple[Payment, ...]
    holds: tuple[Concerning, ...]
    news: News
    keys: Keyring = field(repr=False)

    @property
    def paid(self) -> Decimal:
        return sum((p.amount for p in self.payments), Decimal(0))

    @property
    def arrears(self) -> Arrears:
        """What is overdue on the borrower's day; on the day in UTC if their zone is not known."""
        return arrears_on(self.today, [Instalment(due_on=row.due_on, amount=row.amount) for row in self.instalments], self.paid)

    @property
    def owed(self) -> Money:
        return Money(amount=self.arrears.amount, currency=self.loan.currency)

    @property
    def schedule(self) -> tuple[ScheduleLine, ...]:
        """What is left of each instalment after all payments went to the oldest first."""
        paid = self.paid
        lines: list[ScheduleLine] = []
        for row in self.instalments:
            settled = min(paid, row.amount)
            paid -= settled
            parts = {"principal": row.principal, "interest": row.interest, "fees": row.fees}
            lines.append(ScheduleLine(n=row.n, due_on=row.due_on, unpaid=row.amount - settled, **parts))
        return tuple(lines)

    @property
    def today(self) -> date:
        return local_date(self.now, self.borrower.zone or "UTC")


@dataclass(frozen=True)
class PersonScene:
    """A person who might be contacted, and their addresses for the channel, the best one first.

    ``keys`` open what is sealed of them and of the borrower. Nobody has an address whose data are erased, or only kept any more.
    """

    person: PersonRow
    borrower: PersonRow
    points: tuple[ContactPointRow, ...]
    keys: Keyring = field(repr=False)

    @property
    def name(self) -> str | None:
        """The person's name; ``None`` if they are erased."""
        return self.keys.open(self.person.id, Secret.NAME, self.person.name)

    @property
    def borrower_name(self) -> str | None:
        """The borrower's name; ``None`` if they are erased."""
        return self.keys.open(self.borrower.id, Secret.NAME, self.borrower.name)

    def address(self, point: ContactPointRow) -> str:
        """One of the person's addresses, in the clear."""
        address = self.keys.open(self.person.id, Secret.ADDRESS, point.address)
        assert address is not None, "an erased person has no points"
        return address

    def seal_text(self, text: str) -> Sealed:
        """What is written or said to the person, sealed for the ledger: it tells of them and of the borrower."""
        return self.keys.seal((self.person.id, self.borrower.id), Secret.TEXT, text)

    def starting_with(self, contact_point_id: int | None) -> PersonScene:
        """The same with the address that an attempt has chosen before in the first place, so that under one key it stays with one address."""
        return replace(self, points=tuple(sorted(self.points, key=lambda p: p.id != contact_point_id)))


async def read_loan(session: AsyncSession, case_id: str, loan_id: str, now: datetime, ordered: Ordered) -> LoanScene:
    """The loan of a case that ordered something, with what is news to it.

    The loan is locked first, then everybody tied to it in the order of their ids: whoever writes a fact of one of them waits, or has written it.
    Raises ``LoanUnknown`` or ``CaseUnknown``.
    """
    loan = await loans.lock_loan(session, loan_id)
    case = await cases.case(session, case_id)
    tied = await session.exec(select(RelationRow.person_id).where(col(RelationRow.loan_id) == loan_id))
    people = await persons.lock(session, {loan.borrower_id, *tied})
    ties = await session.exec(select(RelationRow).where(col(RelationRow.loan_id) == loan_id).order_by(col(RelationRow.person_id)))
    payments = await loans.payments(session, loan_id)
    concerning = await holds.concerning(session, loan, people, now)
    standing = (h.row for h in concerning if h.person_id == loan.borrower_id and h.stands(now))
    return LoanScene(
        now=now,
        loan=loan,
        case=case,
        borrower=people[loan.borrower_id],
        people=people,
        ties=tuple(ties),
        instalments=tuple(await loans.instalments(session, loan_id)),
        payments=payments,
        holds=concerning,
        news=await news(session, case, loan, payments, standing, ordered, now),
        keys=await keyring(session, people),
    )


async def read_person(session: AsyncSession, scene: LoanScene, person_id: str | None, channel: Channel, line: Line) -> PersonScene:
    """The person whom a contact would reach; the borrower if ``person_id`` is empty.

    A borrower is reached on the named line, another person on any of theirs. Raises ``PersonUnknown``.
    """
    person = scene.people.get(person_id or scene.borrower.id)
    if person is None:
        raise PersonUnknown(f"person {person_id} is not named for loan {scene.loan.id}")
    is_borrower = person.id == scene.borrower.id
    return PersonScene(
        person=person,
        borrower=scene.borrower,
        points=await _points(session, person.id, channel, line if is_borrower else None) if scene.keys.usable(person.id) else (),
        keys=scene.keys,
    )


async def _points(session: AsyncSession, person_id: str, channel: Channel, line: Line | None) -> tuple[ContactPointRow, ...]:
    kinds = CHANNEL_KINDS[channel]
    rows = [p for p in await loans.contact_points(session, person_id) if p.kind in kinds and line in (None, p.line)]
    return tuple(sorted(rows, key=lambda p: (p.invalid_since is not None, kinds.index(p.kind), p.line, p.id)))
