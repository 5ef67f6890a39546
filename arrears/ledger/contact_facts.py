"""Everything that the ledger knows at the moment of contact, read in the transaction that will reserve it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field, TypeAdapter
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import local_date
from arrears.domain.events import ContactReported, Event, HoldPlaced, PaymentReceived
from arrears.domain.facts import Facts, Grant, Past, Point, Proposal, Reach, Recipient, Relation, StandingHold
from arrears.domain.loan import Arrears, Instalment, Payment, arrears_on
from arrears.domain.money import Money
from arrears.domain.outcome import ANSWERED
from arrears.domain.rules import Effect
from arrears.domain.strategy import Channel, Line
from arrears.ledger import cases, loans
from arrears.ledger.attempts import CHANNEL_KINDS
from arrears.ledger.tables import (
    ApprovalPersonRow,
    ApprovalRow,
    AttemptRow,
    AttemptState,
    CaseEventRow,
    CaseRow,
    ContactKind,
    ContactPointRow,
    HoldRow,
    InstalmentRow,
    LoanRow,
    PersonRow,
    RelationRow,
    Sealed,
    VerdictRow,
)
from arrears.ledger.vault import Field as Secret
from arrears.ledger.vault import Keyring, keyring

_LONGEST_DAY = timedelta(hours=48)
"""No local day, in whatever zone, began longer ago."""

_CALLS_LOOKED_AT = 30
_PHONES = (ContactKind.MOBILE, ContactKind.LANDLINE)
_SIGNS = ("promise_made", "plan_agreed")
_HEARD: TypeAdapter[PaymentReceived | HoldPlaced] = TypeAdapter(Annotated[PaymentReceived | HoldPlaced, Field(discriminator="kind")])


class PersonUnknown(loans.LedgerRefusal):
    """The person to contact is neither the borrower nor named for this loan."""


@dataclass(frozen=True)
class News:
    """What the ledger knows and the case has not heard of, by id, as the events that the case would have heard."""

    payments: dict[str, Event]
    holds: dict[str, Event]

    @property
    def events(self) -> tuple[Event, ...]:
        return (*self.payments.values(), *self.holds.values())


@dataclass(frozen=True)
class LoanScene:
    """A loan at one instant, with its lock held: what is owed of it, what holds it, and what its case has not heard of."""

    now: datetime
    loan: LoanRow
    case: CaseRow
    borrower: PersonRow
    instalments: tuple[InstalmentRow, ...]
    payments: tuple[Payment, ...]
    holds: tuple[StandingHold, ...]
    news: News
    reach: Reach

    @property
    def arrears(self) -> Arrears:
        """What is overdue on the borrower's day; on the day in UTC if their zone is not known."""
        due = [Instalment(due_on=row.due_on, amount=row.amount) for row in self.instalments]
        return arrears_on(self.today, due, sum((p.amount for p in self.payments), Decimal(0)))

    @property
    def owed(self) -> Money:
        return Money(amount=self.arrears.amount, currency=self.loan.currency)

    @property
    def today(self) -> date:
        return local_date(self.now, self.borrower.zone or "UTC")


@dataclass(frozen=True)
class PersonScene:
    """A person who might be contacted: what they are to the loan, their addresses for the channel, and what was said to them of late.

    ``keys`` open what is sealed of them and of the borrower. Nobody has an address whose data are erased, or only kept any more.
    """

    person: PersonRow
    borrower: PersonRow
    recipient: Recipient
    points: tuple[ContactPointRow, ...]
    history: tuple[Past, ...]
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


@dataclass(frozen=True)
class Ordered:
    """When the case gave an order: what it heard later it could not take into account, so that is news to it.

    ``again``: the order is tried again, and what the try before wanted to tell the case may have been lost.
    """

    at: datetime
    again: bool = False


async def read_loan(
    session: AsyncSession, case_id: str, loan_id: str, now: datetime, ordered: Ordered, *, attempt_id: str = ""
) -> LoanScene:
    """The loan of a case that ordered something, with what is news to it.

    Raises ``LoanUnknown`` or ``CaseUnknown``.
    """
    loan = await loans.lock_loan(session, loan_id)
    case = await cases.case(session, case_id)
    borrower = await loans.borrower(session, loan_id)
    payments = await loans.payments(session, loan_id)
    holds = await _holds(session, loan_id, now)
    return LoanScene(
        now=now,
        loan=loan,
        case=case,
        borrower=borrower,
        instalments=tuple(await loans.instalments(session, loan_id)),
        payments=payments,
        holds=tuple(StandingHold(hold_id=str(h.id), reason=h.reason, until=h.until) for h in holds),
        news=await _news(session, case, loan, payments, holds, ordered, now),
        reach=await _reach(session, loan, borrower, payments, attempt_id),
    )


async def read_person(
    session: AsyncSession, scene: LoanScene, person_id: str | None, channel: Channel, line: Line, *, attempt_id: str = ""
) -> PersonScene:
    """The person whom a contact would reach, locked until the transaction ends; the borrower if ``person_id`` is empty.

    A borrower is reached on the named line, another person on any of theirs. Raises ``PersonUnknown``.
    """
    found = await session.exec(
        select(PersonRow).where(col(PersonRow.id) == (person_id or scene.borrower.id)).with_for_update(key_share=True)
    )
    person = found.one_or_none()
    relation = await session.get(RelationRow, (scene.loan.id, person.id)) if person else None
    if person is None or (person.id != scene.borrower.id and relation is None):
        raise PersonUnknown(f"person {person_id} is not named for loan {scene.loan.id}")
    is_borrower = person.id == scene.borrower.id
    keys = await keyring(session, {person.id, scene.borrower.id})
    birth_date = keys.open(person.id, Secret.BIRTH_DATE, person.birth_date)
    refused = await session.exec(
        select(RelationRow.person_id).where(col(RelationRow.person_id) == person.id, col(RelationRow.refused_at).is_not(None)).limit(1)
    )
    return PersonScene(
        person=person,
        borrower=scene.borrower,
        recipient=Recipient(
            person_id=person.id,
            relation=Relation.BORROWER if is_borrower or relation is None else relation.role,
            zone=person.zone,
            birth_date=date.fromisoformat(birth_date) if birth_date else None,
            evidence=None if relation is None else relation.evidence,
            refused=refused.first() is not None,
            opted_out=person.opted_out_at is not None,
        ),
        points=await _points(session, person.id, channel, line if is_borrower else None) if keys.usable(person.id) else (),
        history=await _history(session, person.id, scene.now - _LONGEST_DAY, attempt_id),
        keys=keys,
    )


def assemble(scene: LoanScene, person: PersonScene, proposal: Proposal, grant: Grant | None) -> tuple[Facts, ...]:
    """The facts of a proposed contact, once for each address that it could use, the best one first; once without any if there is none."""
    facts = Facts(
        proposal=proposal,
        recipient=person.recipient,
        point=None,
        owed=scene.owed if scene.borrower.zone else None,
        case_open=scene.case.closed_at is None,
        unheard=tuple(scene.news.payments),
        holds=scene.holds,
        history=person.history,
        reach=scene.reach,
        grant=grant,
    )
    return tuple(facts.model_copy(update={"point": _point(row)}) for row in person.points) or (facts,)


async def read_grant(session: AsyncSession, approval_id: str) -> Grant | None:
    """The request for approval of this id as it stands now, if there is one."""
    row = await session.get(ApprovalRow, approval_id)
    if row is None:
        return None
    people = await session.exec(select(ApprovalPersonRow).where(col(ApprovalPersonRow.approval_id) == approval_id))
    return Grant(
        approval_id=row.id,
        case_id=row.case_id,
        step=row.step,
        state=row.state.value,
        role=row.role,
        purpose=row.purpose,
        contents={p.person_id: p.content_hash for p in people},
        decided_at=row.decided_at,
    )


def _point(row: ContactPointRow) -> Point:
    assert row.id is not None
    return Point(contact_point_id=row.id, invalid=row.invalid_since is not None, opted_out=row.opted_out_at is not None)


async def _points(session: AsyncSession, person_id: str, channel: Channel, line: Line | None) -> tuple[ContactPointRow, ...]:
    kinds = CHANNEL_KINDS[channel]
    rows = [p for p in await loans.contact_points(session, person_id) if p.kind in kinds and line in (None, p.line)]
    return tuple(sorted(rows, key=lambda p: (p.invalid_since is not None, p.opted_out_at is not None, kinds.index(p.kind), p.line, p.id)))


async def _holds(session: AsyncSession, loan_id: str, now: datetime) -> list[HoldRow]:
    """The holds that stand on a loan, whichever of its cases they were placed in; also one that was placed while this try was under way."""
    found = await session.exec(
        select(HoldRow).where(
            col(HoldRow.loan_id) == loan_id,
            or_(col(HoldRow.lifted_at).is_(None), col(HoldRow.lifted_at) > now),
            or_(col(HoldRow.until).is_(None), col(HoldRow.until) > now),
        )
    )
    return list(found)


async def _news(
    session: AsyncSession,
    case: CaseRow,
    loan: LoanRow,
    payments: Iterable[Payment],
    holds: Iterable[HoldRow],
    ordered: Ordered,
    now: datetime,
) -> News:
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
    return News(
        payments={p.payment_id: PaymentReceived(at=now, payment=p) for p in payments if p.payment_id not in known},
        holds={
            str(h.id): HoldPlaced(at=h.placed_at, reason=h.reason, until=h.until)
            for h in holds
            if (h.reason, h.placed_at) not in placed and str(h.id) not in told
        },
    )


async def _told(session: AsyncSession, case_id: str, ordered: Ordered) -> set[str]:
    """Ids of what earlier verdicts have told the case: nothing is told twice, so that a case never goes round in circles."""
    query = select(VerdictRow).where(col(VerdictRow.case_id) == case_id, col(VerdictRow.verdict) == Effect.DENY)
    if ordered.again:
        query = query.where(col(VerdictRow.decided_at) < ordered.at)
    found = await session.exec(query)
    return {fact for row in found for finding in row.observed for fact in finding.get("facts", ())}


async def _history(session: AsyncSession, person_id: str, since: datetime, attempt_id: str) -> tuple[Past, ...]:
    """What was said to a person since then: our attempts for whatever loan, and what others report of the loans that they owe."""
    attempts = await session.exec(
        select(AttemptRow).where(
            col(AttemptRow.person_id) == person_id,
            col(AttemptRow.id) != attempt_id,
            col(AttemptRow.state) != AttemptState.CANCELLED,
            or_(col(AttemptRow.reserved_at) >= since, col(AttemptRow.sent_at) >= since),
        )
    )
    reports = await _reports(session, person_id, since)
    return (*(_past(a) for a in attempts), *(Past(at=r.at, channel=r.channel, outcome=r.outcome) for r in reports))


async def _reach(session: AsyncSession, loan: LoanRow, borrower: PersonRow, payments: Iterable[Payment], attempt_id: str) -> Reach:
    calls = await session.exec(
        select(AttemptRow)
        .where(
            col(AttemptRow.person_id) == borrower.id,
            col(AttemptRow.channel) == Channel.CALL,
            col(AttemptRow.id) != attempt_id,
            col(AttemptRow.state) != AttemptState.CANCELLED,
        )
        .order_by(col(AttemptRow.reserved_at).desc())
        .limit(_CALLS_LOOKED_AT)
    )
    reports = [r for r in await _reports(session, borrower.id, None) if r.channel is Channel.CALL or r.outcome in ANSWERED]
    past = [*(_past(a) for a in calls), *(Past(at=r.at, channel=r.channel, outcome=r.outcome) for r in reports)]
    signs = await session.exec(
        select(CaseEventRow.at)
        .join(CaseRow, col(CaseRow.id) == col(CaseEventRow.case_id))
        .where(col(CaseRow.loan_id) == loan.id, col(CaseEventRow.kind).in_(_SIGNS))
    )
    numbers = [p for p in await loans.contact_points(session, borrower.id) if p.kind in _PHONES]
    return Reach(
        zone=borrower.zone,
        calls=tuple(sorted(past, key=lambda c: c.at)),
        numbers=tuple(n.invalid_since is None for n in numbers),
        last_sign_at=max([*(p.received_at for p in payments), *signs], default=None),
    )


async def _reports(session: AsyncSession, borrower_id: str, since: datetime | None) -> list[ContactReported]:
    """Contact with a borrower that others reported and that is none of our own attempts."""
    query = (
        select(CaseEventRow)
        .join(CaseRow, col(CaseRow.id) == col(CaseEventRow.case_id))
        .join(LoanRow, col(LoanRow.id) == col(CaseRow.loan_id))
        .where(col(LoanRow.borrower_id) == borrower_id, col(CaseEventRow.kind) == "contact_reported")
    )
    if since is not None:
        query = query.where(col(CaseEventRow.at) >= since)
    reports = [ContactReported.model_validate(row.body) for row in await session.exec(query)]
    return [r for r in reports if r.party == "borrower" and r.attempt_id is None]


def _past(row: AttemptRow) -> Past:
    return Past(at=row.sent_at or row.reserved_at, channel=row.channel, outcome=row.outcome, contact_point_id=row.contact_point_id)
