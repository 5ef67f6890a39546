"""Erasing people: their keys are destroyed when nothing speaks for keeping them any more. The rows stay, sealed for ever, so that what was done can be proved.

ErasureRefused   it is not possible now; says why, and from when on it is
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, func
from sqlalchemy import select as columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain import retention
from arrears.domain.person import Region
from arrears.domain.retention import FINAL, CountedFrom, Keeping, Kept, Refusal, RetentionRule, SweepReport
from arrears.domain.strategy import Channel, Role
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.tables import (
    AttemptRow,
    CaseEventRow,
    CaseRow,
    InstalmentRow,
    LoanRow,
    OperatorRow,
    PaymentReversalRow,
    PaymentRow,
    PersonRow,
    ReferralRow,
    RelationRow,
    ReportedContactRow,
    SubjectKeyRow,
    VerdictRow,
)

BY_THE_SWEEP = "retention-ended"
"""Why the sweep destroys keys."""


class ErasureRefused(LedgerRefusal):
    """A person cannot be erased now."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.person_id} cannot be erased: {refusal.why}")
        self.refusal = refusal


class PersonUnknown(LedgerRefusal):
    """No such person or loan is in the ledger."""

    def __init__(self, id: str) -> None:
        super().__init__(f"there is no person and no loan {id} in the ledger")


class Erased(BaseModel):
    """Whose keys were destroyed. ``kept`` are people whom the debtor named and who stay, because somebody else's loan names them or they owe one."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    relatives: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    at: datetime


class Outlook(BaseModel):
    """When a person's data end. ``in_use_for`` are the cases and loans that still need them; ``possible_from`` is empty if no term runs any more."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    keeping: Keeping
    in_use_for: tuple[str, ...]
    possible_from: date | None
    clause: str | None


class NotAllowed(LedgerRefusal):
    """The operator may not erase anybody."""


@dataclass(frozen=True)
class Policy:
    """The retention rule, and where the lender is seated."""

    rule: RetentionRule
    seat: Region


async def authorise(session: AsyncSession, operator_id: str) -> None:
    """Raise ``NotAllowed`` unless the operator is an active admin."""
    operator = await session.get(OperatorRow, operator_id)
    if operator is None or not operator.active or operator.role is not Role.ADMIN:
        why = "does not exist" if operator is None else f"is {operator.role}" if operator.active else "is not active"
        raise NotAllowed(f"operator {operator_id} {why}: only an active admin erases")


async def person_of(session: AsyncSession, id: str) -> str:
    """The person of this id, or the borrower of the loan of this id. Raises ``PersonUnknown``."""
    if await session.get(PersonRow, id) is not None:
        return id
    loan = await session.get(LoanRow, id)
    if loan is None:
        raise PersonUnknown(id)
    return loan.borrower_id


async def erase(session: AsyncSession, person_id: str, policy: Policy, operator_id: str, reason: str, now: datetime) -> Erased:
    """Destroy a person's key, and the keys of people whom nobody but they have named. Raises ``ErasureRefused``."""
    named = await session.exec(
        select(RelationRow.person_id).join(LoanRow).where(col(LoanRow.borrower_id) == person_id, col(RelationRow.person_id) != person_id)
    )
    relatives = sorted(set(named))
    await _lock(session, [person_id, *relatives])
    known = await kept(session, [person_id, *relatives])
    if person_id not in known:
        raise PersonUnknown(person_id)
    if refusal := retention.refusal(known[person_id], policy.rule, policy.seat, now):
        raise ErasureRefused(refusal)
    theirs = [r for r in relatives if known[r].keeping is not Keeping.DELETED]
    going = [r for r in theirs if retention.goes_with(known[r], person_id)]
    await _destroy(session, [person_id, *going], operator_id, reason, now)
    return Erased(person_id=person_id, relatives=tuple(going), kept=tuple(r for r in theirs if r not in going), at=now)


async def sweep(session: AsyncSession, after: str, most: int, policy: Policy, now: datetime) -> SweepReport:
    """Bring the next ``most`` people, in the order of their ids, into the state that the retention rule wants."""
    ids = await next_people(session, after, most)
    before = await kept(session, ids)
    changing = [p for p, k in before.items() if retention.due(k, policy.rule, policy.seat, now) is not k.keeping]
    await _lock(session, changing)
    turned: dict[Keeping, list[str]] = defaultdict(list)
    for person_id, known in (await kept(session, changing)).items():
        state = retention.due(known, policy.rule, policy.seat, now)
        if state is not known.keeping:
            turned[state].append(person_id)
    await _destroy(session, turned[Keeping.DELETED], None, BY_THE_SWEEP, now)
    for row in await _keys(session, [*turned[Keeping.STORE_ONLY], *turned[Keeping.ACTIVE]]):
        row.store_only_since = now if row.person_id in turned[Keeping.STORE_ONLY] else None
        session.add(row)
    return SweepReport(
        looked_at=len(ids),
        stored_only=len(turned[Keeping.STORE_ONLY]),
        in_use_again=len(turned[Keeping.ACTIVE]),
        erased=len(turned[Keeping.DELETED]),
        last=ids[-1] if len(ids) == most else None,
    )


async def outlook(session: AsyncSession, person_ids: Collection[str], policy: Policy, now: datetime) -> list[Outlook]:
    """When these people's data end."""
    return [_outlook(one, policy, now) for one in (await kept(session, person_ids)).values()]


def _outlook(one: Kept, policy: Policy, now: datetime) -> Outlook:
    longest = next((term for term in retention.terms(one, policy.rule, policy.seat) if term.ends > now), None)
    return Outlook(
        person_id=one.person_id,
        keeping=one.keeping,
        in_use_for=(*one.open_cases, *one.owing),
        possible_from=longest.ends.date() if longest else None,
        clause=longest.clause if longest else None,
    )


async def count_erased(session: AsyncSession) -> int:
    """How many people are erased."""
    return (await session.exec(select(func.count()).select_from(SubjectKeyRow).where(col(SubjectKeyRow.destroyed_at).is_not(None)))).one()


async def next_people(session: AsyncSession, after: str, most: int) -> list[str]:
    """The ids of the next people who are not erased yet."""
    query = select(SubjectKeyRow.person_id).where(col(SubjectKeyRow.person_id) > after, col(SubjectKeyRow.destroyed_at).is_(None))
    return list(await session.exec(query.order_by(col(SubjectKeyRow.person_id)).limit(most)))


async def kept(session: AsyncSession, person_ids: Collection[str]) -> dict[str, Kept]:
    """What is known of these people as far as the keeping of their data goes, in the order of their ids; who is unknown is left out."""
    ids = sorted(set(person_ids))
    keys = {row.person_id: row for row in await _keys(session, ids)}
    homes = await session.exec(select(PersonRow.id, PersonRow.residence).where(col(PersonRow.id).in_(ids)))
    residence = dict(homes.all())
    parts = await _parts(session, ids)
    loans = await _loans(session, {loan_id for part in parts.values() for loan_id in part.loans})
    return {person_id: _kept(keys[person_id], residence[person_id], parts[person_id], loans) for person_id in ids if person_id in keys}


@dataclass
class _Part:
    """What a person has to do with loans: those they owe or are named for, and the debtors, not erased, who named them."""

    loans: set[str] = field(default_factory=set[str])
    owes: bool = False
    named_by: set[str] = field(default_factory=set[str])


@dataclass
class _Loan:
    """One loan as far as keeping goes."""

    open_cases: list[str] = field(default_factory=list[str])
    owing: bool = False
    happened: dict[CountedFrom, datetime] = field(default_factory=dict[CountedFrom, datetime])

    def note(self, what: CountedFrom, at: datetime | None) -> None:
        if at is not None:
            self.happened[what] = max(at, self.happened.get(what, at))


def _kept(key: SubjectKeyRow, residence: Region | None, part: _Part, loans: dict[str, _Loan]) -> Kept:
    mine = {loan_id: loans[loan_id] for loan_id in sorted(part.loans)}
    happened: dict[CountedFrom, datetime] = {CountedFrom.LAST_ACTIVITY: key.created_at}
    for loan in mine.values():
        for what, at in loan.happened.items():
            happened[what] = max(at, happened.get(what, at))
    state = Keeping.STORE_ONLY if key.store_only_since else Keeping.ACTIVE
    return Kept(
        person_id=key.person_id,
        keeping=Keeping.DELETED if key.destroyed_at else state,
        residence=residence,
        open_cases=tuple(case for loan in mine.values() for case in loan.open_cases),
        owing=tuple(loan_id for loan_id, loan in mine.items() if loan.owing),
        owes=part.owes,
        named_by=tuple(sorted(part.named_by)),
        happened=happened,
    )


async def _parts(session: AsyncSession, ids: Collection[str]) -> dict[str, _Part]:
    parts: dict[str, _Part] = defaultdict(_Part)
    for loan_id, borrower_id in await session.exec(select(LoanRow.id, LoanRow.borrower_id).where(col(LoanRow.borrower_id).in_(ids))):
        parts[borrower_id].loans.add(loan_id)
        parts[borrower_id].owes = True
    named = await session.exec(
        select(RelationRow.person_id, LoanRow.id, LoanRow.borrower_id, SubjectKeyRow.destroyed_at)
        .join(LoanRow, col(LoanRow.id) == col(RelationRow.loan_id))
        .join(SubjectKeyRow, col(SubjectKeyRow.person_id) == col(LoanRow.borrower_id))
        .where(col(RelationRow.person_id).in_(ids))
    )
    for person_id, loan_id, borrower_id, destroyed_at in named:
        parts[person_id].loans.add(loan_id)
        if destroyed_at is None:
            parts[person_id].named_by.add(borrower_id)
    return parts


async def _loans(session: AsyncSession, ids: Collection[str]) -> dict[str, _Loan]:
    loans: dict[str, _Loan] = defaultdict(_Loan)
    given_up: set[str] = set()
    rows = await session.exec(select(CaseRow).where(col(CaseRow.loan_id).in_(ids)).order_by(col(CaseRow.loan_id), col(CaseRow.cycle)))
    for case in rows:
        loan = loans[case.loan_id]
        loan.note(CountedFrom.LAST_ACTIVITY, case.closed_at or case.opened_at)
        if case.closed_at is None:
            loan.open_cases.append(case.id)
        (given_up.add if case.outcome in FINAL else given_up.discard)(case.loan_id)
    for loan_id, amount in await _left(session, ids):
        loans[loan_id].owing = amount > 0 and loan_id not in given_up
    for what, query in _happenings(ids):
        for loan_id, *instants in await (await session.connection()).execute(query):
            for at in instants:
                loans[loan_id].note(what, at)
    return loans


async def _left(session: AsyncSession, ids: Collection[str]) -> Iterable[tuple[str, Decimal]]:
    """What is unpaid of each loan. Sums are made here: SQLite has no exact decimals."""
    left: dict[str, Decimal] = defaultdict(Decimal)
    for row in await session.exec(select(InstalmentRow).where(col(InstalmentRow.loan_id).in_(ids))):
        left[row.loan_id] += row.amount
    gone = select(PaymentReversalRow.payment_id)
    standing = col(PaymentRow.payment_id).not_in(gone)
    for payment in await session.exec(select(PaymentRow).where(col(PaymentRow.loan_id).in_(ids), standing)):
        left[payment.loan_id] -= payment.amount
    return left.items()


def _happenings(ids: Collection[str]) -> Iterator[tuple[CountedFrom, Select[*tuple[Any, ...]]]]:
    """Queries for the latest instants of each loan."""

    def latest(loan: Any, *instants: Any) -> Select[*tuple[Any, ...]]:
        return columns(loan, *(func.max(instant) for instant in instants)).where(loan.in_(ids)).group_by(loan)

    attempt, report = col(AttemptRow.loan_id), col(ReportedContactRow.loan_id)
    referral, of_case = col(ReferralRow.loan_id), col(CaseRow.loan_id)
    activity = CountedFrom.LAST_ACTIVITY
    yield activity, latest(col(LoanRow.id), LoanRow.imported_at)
    yield activity, latest(attempt, AttemptRow.reserved_at, AttemptRow.sent_at, AttemptRow.settled_at)
    yield activity, latest(report, ReportedContactRow.at)
    yield activity, latest(col(PaymentRow.loan_id), PaymentRow.received_at, PaymentRow.recorded_at)
    reversed_of = latest(col(PaymentRow.loan_id), PaymentReversalRow.recorded_at)
    yield activity, reversed_of.join(PaymentReversalRow, col(PaymentReversalRow.payment_id) == col(PaymentRow.payment_id))
    yield activity, latest(referral, ReferralRow.sent_at, ReferralRow.recalled_at)
    yield activity, latest(of_case, CaseEventRow.recorded_at).join(CaseRow, col(CaseRow.id) == col(CaseEventRow.case_id))
    yield activity, latest(of_case, VerdictRow.decided_at).join(CaseRow, col(CaseRow.id) == col(VerdictRow.case_id))
    yield CountedFrom.LAST_CALL, latest(attempt, AttemptRow.sent_at, AttemptRow.settled_at).where(col(AttemptRow.channel) == Channel.CALL)
    yield CountedFrom.LAST_CALL, latest(report, ReportedContactRow.at).where(col(ReportedContactRow.channel) == Channel.CALL)
    yield CountedFrom.LAST_HANDOVER, latest(referral, ReferralRow.sent_at, ReferralRow.recalled_at)


async def _lock(session: AsyncSession, person_ids: Collection[str]) -> None:
    """Nobody opens a case for these people, or writes about them, before this transaction ends. People come before loans, as everywhere."""
    await session.exec(select(PersonRow.id).where(col(PersonRow.id).in_(person_ids)).order_by(col(PersonRow.id)).with_for_update())
    parts = await _parts(session, person_ids)
    loans = {loan_id for part in parts.values() for loan_id in part.loans}
    await session.exec(select(LoanRow.id).where(col(LoanRow.id).in_(loans)).order_by(col(LoanRow.id)).with_for_update())


async def _destroy(session: AsyncSession, person_ids: Collection[str], operator_id: str | None, reason: str, now: datetime) -> None:
    for row in await _keys(session, person_ids):
        row.wrapped_key, row.wrapped_by = None, None
        row.destroyed_at, row.destroyed_by, row.reason = now, operator_id, reason
        session.add(row)
    await session.flush()


async def _keys(session: AsyncSession, person_ids: Collection[str]) -> list[SubjectKeyRow]:
    query = select(SubjectKeyRow).where(col(SubjectKeyRow.person_id).in_(person_ids)).execution_options(populate_existing=True)
    return list(await session.exec(query))
