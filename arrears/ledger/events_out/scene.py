"""What a turn of the reader must know beside the rows that it looks at, loaded in a handful of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.events_out.course import DECISIVE, Course, course
from arrears.ledger.events_out.from_rows import About
from arrears.ledger.events_out.turn import Known
from arrears.ledger.stages import Tracks
from arrears.ledger.tables import (
    ApprovalRow,
    AttemptRow,
    AttemptState,
    CaseEventRow,
    CaseRow,
    DeliveryRow,
    HoldRow,
    LoanRow,
    PaymentReversalRow,
    PaymentRow,
    ReferralRow,
    RelationRow,
    ReportedContactRow,
    Row,
    WishRow,
)

_OfCase = TypeVar("_OfCase", ApprovalRow, AttemptRow, CaseEventRow, HoldRow, ReferralRow)

TracksOf = Callable[[CaseRow], Tracks]
"""The tracks of the strategy that a case goes by."""


def written_at(rows: Iterable[Row]) -> Iterator[datetime]:
    """Business instants at which rows were surely written."""
    for row in rows:
        match row:
            case CaseRow():
                yield row.closed_at or row.opened_at
            case CaseEventRow() | ReportedContactRow() | PaymentReversalRow() | WishRow():
                yield row.recorded_at
            case AttemptRow():
                yield row.reserved_at
            case ApprovalRow():
                yield row.asked_at
            case ReferralRow():
                yield row.sent_at
            case _:
                pass


async def known(session: AsyncSession, rows: Collection[Row], now: datetime, since: datetime, tracks: TracksOf) -> Known:
    """All that there is to know about these rows."""
    payments = await _payments(session, rows)
    case_ids = {row.case_id for row in rows if isinstance(row, CaseEventRow | ApprovalRow | ReferralRow | AttemptRow)}
    loan_ids = {row.loan_id for row in rows if isinstance(row, CaseRow | AttemptRow | ReportedContactRow | ReferralRow | HoldRow)}
    loan_ids |= {payment.loan_id for payment in payments.values()}
    people = await _loans_of_people(session, {row.person_id for row in rows if isinstance(row, WishRow)})
    loan_ids |= {loan_id for theirs in people.values() for loan_id in theirs}
    every_case = await _cases(session, case_ids, loan_ids)
    case_ids |= {row.id for row in rows if isinstance(row, CaseRow)}
    cases = [case for case in every_case if case.id in case_ids or case.closed_at is None]
    loan_ids |= {case.loan_id for case in every_case}
    loans = await _loans(session, loan_ids)
    reports = {row.case_id for row in rows if isinstance(row, CaseEventRow) and row.kind == "contact_reported"}
    told_of = {loans[case.loan_id] for case in every_case if case.id in reports}
    return Known(
        now=now,
        since=since,
        loans=loans,
        cases=_by_loan(every_case),
        people=people,
        wishes=await _wishes(session, told_of),
        courses=await _courses(session, cases, tracks),
        waiting=_by_case(await _waiting(session, [case.id for case in cases if case.closed_at is not None])),
        payments=payments,
        told=await _told(session, loan_ids),
    )


async def _payments(session: AsyncSession, rows: Iterable[Row]) -> Mapping[str, PaymentRow]:
    ids = [row.payment_id for row in rows if isinstance(row, PaymentReversalRow)]
    if not ids:
        return {}
    found = await session.exec(select(PaymentRow).where(col(PaymentRow.payment_id).in_(ids)))
    return {row.payment_id: row for row in found}


async def _cases(session: AsyncSession, ids: Collection[str], loan_ids: Collection[str]) -> Sequence[CaseRow]:
    """All cases of these loans, and of those that these cases are of."""
    named = select(CaseRow.loan_id).where(col(CaseRow.id).in_(ids))
    return (await session.exec(select(CaseRow).where(or_(col(CaseRow.loan_id).in_(loan_ids), col(CaseRow.loan_id).in_(named))))).all()


async def _loans_of_people(session: AsyncSession, person_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The loans that each of these people owes, or is tied to."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    if person_ids:
        owed = select(LoanRow.borrower_id, LoanRow.id).where(col(LoanRow.borrower_id).in_(person_ids)).order_by(col(LoanRow.id))
        tied = select(RelationRow.person_id, RelationRow.loan_id).where(col(RelationRow.person_id).in_(person_ids))
        for person_id, loan_id in (*await session.exec(owed), *await session.exec(tied.order_by(col(RelationRow.loan_id)))):
            found[person_id].append(loan_id)
    return found


async def _wishes(session: AsyncSession, loans: Collection[About]) -> Mapping[str, Sequence[WishRow]]:
    """What each loan's borrower ever wished."""
    if not loans:
        return {}
    rows = await session.exec(select(WishRow).where(col(WishRow.person_id).in_({loan.borrower_id for loan in loans})))
    of_person: defaultdict[str, list[WishRow]] = defaultdict(list)
    for row in rows:
        of_person[row.person_id].append(row)
    return {loan.loan_id: of_person[loan.borrower_id] for loan in loans}


async def _loans(session: AsyncSession, ids: Collection[str]) -> Mapping[str, About]:
    asked = select(LoanRow.id, LoanRow.borrower_id, LoanRow.currency).where(col(LoanRow.id).in_(ids))
    return {loan_id: About(loan_id, borrower_id, currency) for loan_id, borrower_id, currency in await session.exec(asked)}


async def _courses(session: AsyncSession, cases: Sequence[CaseRow], tracks: TracksOf) -> Mapping[str, Course]:
    ids = [case.id for case in cases]
    decisive = col(CaseEventRow.kind).in_(DECISIVE)
    events = _by_case(
        (await session.exec(select(CaseEventRow).where(col(CaseEventRow.case_id).in_(ids), decisive).order_by(col(CaseEventRow.id)))).all()
    )
    holds = _by_case((await session.exec(select(HoldRow).where(col(HoldRow.case_id).in_(ids)).order_by(col(HoldRow.id)))).all())
    asked = _by_case((await session.exec(select(ApprovalRow).where(col(ApprovalRow.case_id).in_(ids)))).all())
    sent = _by_case((await session.exec(select(ReferralRow).where(col(ReferralRow.case_id).in_(ids)))).all())
    return {case.id: course(case, events[case.id], holds[case.id], asked[case.id], sent[case.id], tracks(case)) for case in cases}


async def _waiting(session: AsyncSession, case_ids: Collection[str]) -> Sequence[AttemptRow]:
    asked = select(AttemptRow).where(col(AttemptRow.case_id).in_(case_ids), col(AttemptRow.state) == AttemptState.SENT)
    return (await session.exec(asked.order_by(col(AttemptRow.reserved_at)))).all()


async def _told(session: AsyncSession, loan_ids: Collection[str]) -> Mapping[str, set[str]]:
    """The keys of all that was told of these loans."""
    found: dict[str, set[str]] = {loan_id: set() for loan_id in loan_ids}
    asked = select(DeliveryRow.loan_id, DeliveryRow.key).where(col(DeliveryRow.loan_id).in_(loan_ids))
    for loan_id, key in await session.exec(asked):
        found[loan_id].add(key)
    return found


def _by_loan(cases: Sequence[CaseRow]) -> Mapping[str, Sequence[CaseRow]]:
    grouped: defaultdict[str, list[CaseRow]] = defaultdict(list)
    for case in cases:
        grouped[case.loan_id].append(case)
    return grouped


def _by_case(rows: Sequence[_OfCase]) -> defaultdict[str, list[_OfCase]]:
    grouped: defaultdict[str, list[_OfCase]] = defaultdict(list)
    for row in rows:
        grouped[row.case_id or ""].append(row)
    return grouped
