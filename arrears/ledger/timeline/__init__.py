"""What happened to a loan, told in order: cases, contacts and verdicts, approvals, payments, holds, tasks, referrals, and what people said and wished."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import inspect
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger import cases as ledger_cases
from arrears.ledger import holds
from arrears.ledger.tables import (
    ApprovalRow,
    AttemptRow,
    CaseEventRow,
    CaseRow,
    ConsentRow,
    LoanRow,
    NoticeRow,
    PaymentReversalRow,
    PaymentRow,
    ReferralRow,
    RelationRow,
    ReportedContactRow,
    SubjectKeyRow,
    TaskRow,
    VerdictRow,
    WishRow,
)
from arrears.ledger.timeline import of_cases, of_people
from arrears.ledger.timeline.entries import EntryKind, TimelineEntry

__all__ = ["EntryKind", "TimelineEntry", "timeline"]

_OfCase = TypeVar("_OfCase", ApprovalRow, AttemptRow, CaseEventRow, ReferralRow, TaskRow, VerdictRow)
_OfPerson = TypeVar("_OfPerson", ConsentRow, SubjectKeyRow, WishRow)
_OfLoan = TypeVar("_OfLoan", CaseRow, NoticeRow, PaymentRow, RelationRow, ReportedContactRow)


async def timeline(session: AsyncSession, loan_id: str) -> list[TimelineEntry]:
    """Everything that the ledger knows to have happened to a loan and its cases, and to the people tied to it as far as it concerns the loan: holds that
    reach them from other loans, what they wish and agreed to. Oldest first; nothing for a loan that nobody knows.
    """
    loan = await session.get(LoanRow, loan_id)
    if loan is None:
        return []
    cases = sorted(await _of_loan(session, CaseRow, loan_id), key=lambda case: case.cycle)
    ties = await _of_loan(session, RelationRow, loan_id)
    people = {loan.borrower_id, *(tie.person_id for tie in ties)}
    attempts = await _of_cases(session, AttemptRow, cases)
    verdicts = await _of_cases(session, VerdictRow, cases)
    told = {a.id for a in attempts} | {v.attempt_id for v in verdicts}
    payments = await _of_loan(session, PaymentRow, loan_id)
    reversals = await session.exec(
        select(PaymentReversalRow).where(col(PaymentReversalRow.payment_id).in_([p.payment_id for p in payments]))
    )
    reported = await _of_loan(session, ReportedContactRow, loan_id)
    wishes = await _of_people(session, WishRow, people)
    theirs = [wish for wish in wishes if wish.person_id == loan.borrower_id]
    concerning = await holds.ever_concerning(session, loan, people)

    def case_at(at: datetime) -> str | None:
        row = ledger_cases.latest_by(cases, at)
        return row.id if row else None

    entries = [
        *(entry for case in cases for entry in of_cases.of_case(case)),
        *(of_cases.of_payment(row) for row in payments),
        *(of_cases.of_reversal(row) for row in reversals),
        *(entry for hold in of_people.once(concerning) for entry in of_people.of_hold(hold, loan, case_at)),
        *(entry for row in await _of_cases(session, ApprovalRow, cases) for entry in of_cases.of_approval(row)),
        *(entry for row in verdicts for entry in of_cases.of_verdict(row)),
        *(of_cases.of_attempt(row) for row in attempts),
        *(entry for row in await _of_cases(session, TaskRow, cases) for entry in of_cases.of_task(row)),
        *(entry for row in await _of_cases(session, ReferralRow, cases) for entry in of_cases.of_referral(row)),
        *(of_people.of_reported(row, loan, case_at) for row in reported),
        *(entry for row in await _of_cases(session, CaseEventRow, cases) for entry in of_cases.of_event(row, told, reported, theirs)),
        *(entry for row in wishes for entry in of_people.of_wish(row, case_at)),
        *(entry for row in await _of_people(session, ConsentRow, people) for entry in of_people.of_consent(row, case_at)),
        *(entry for row in ties for entry in of_people.of_refusal(row, case_at)),
        *(entry for row in await _of_loan(session, NoticeRow, loan_id) for entry in of_people.of_notice(row, case_at)),
        *(entry for row in await _of_people(session, SubjectKeyRow, people) for entry in of_people.of_erased(row)),
    ]
    order = {case.id: n for n, case in enumerate(cases)}
    return sorted(entries, key=lambda e: (e.at, order.get(e.case_id or "", 0), e.kind is EntryKind.CASE_CLOSED))


async def _of_cases(session: AsyncSession, table: type[_OfCase], cases: Iterable[CaseRow]) -> Sequence[_OfCase]:
    ids = [case.id for case in cases]
    return (await session.exec(select(table).where(col(table.case_id).in_(ids)).order_by(col(table.id)))).all()


async def _of_loan(session: AsyncSession, table: type[_OfLoan], loan_id: str) -> Sequence[_OfLoan]:
    return (await session.exec(select(table).where(col(table.loan_id) == loan_id).order_by(*inspect(table).primary_key))).all()


async def _of_people(session: AsyncSession, table: type[_OfPerson], people: Collection[str]) -> Sequence[_OfPerson]:
    return (await session.exec(select(table).where(col(table.person_id).in_(people)).order_by(*inspect(table).primary_key))).all()
