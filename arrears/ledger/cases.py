"""Cases: opened once for each run, closed with everything that was still open in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import Ending, OpeningFacts
from arrears.domain.loan import Instalment, Payment
from arrears.domain.orders import OpenOrder
from arrears.domain.strategy import Strategy
from arrears.ledger import loans, pinned
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    CaseOutcome,
    CaseRow,
    HoldRow,
    InstalmentRow,
    LoanRow,
    TaskRow,
    TaskState,
)


class CaseUnknown(loans.LedgerRefusal):
    """No such case is in the ledger."""


async def case(session: AsyncSession, case_id: str) -> CaseRow:
    """The case. Raises ``CaseUnknown``."""
    row = await session.get(CaseRow, case_id)
    if row is None:
        raise CaseUnknown(f"case {case_id} is not in the ledger")
    return row


async def open_case(session: AsyncSession, loan_id: str) -> CaseRow | None:
    """The loan's open case, if it has one."""
    found = await session.exec(select(CaseRow).where(col(CaseRow.loan_id) == loan_id, col(CaseRow.closed_at).is_(None)))
    return found.first()


async def latest_case(session: AsyncSession, loan_id: str) -> CaseRow:
    """The loan's open case, else its last one. Raises ``CaseUnknown``."""
    found = await session.exec(select(CaseRow).where(col(CaseRow.loan_id) == loan_id).order_by(col(CaseRow.cycle).desc()))
    row = found.first()
    if row is None:
        raise CaseUnknown(f"loan {loan_id} has had no case yet")
    return row


def latest_by(of_loan: Iterable[CaseRow], at: datetime) -> CaseRow | None:
    """Of a loan's cases the one that was open at an instant, else the last one before; none before the first."""
    return max((row for row in of_loan if row.opened_at <= at), key=lambda row: row.cycle, default=None)


async def open_case_row(session: AsyncSession, order: OpenOrder, strategy: Strategy, now: datetime) -> OpeningFacts:
    """Open the loan's next case, or find the one that this run has opened already, and say what is owed.

    Instalments in the answer are what recorded payments leave of them; nothing owed leaves none. A case that another run left open is closed as
    withdrawn: Temporal runs one case of a loan at a time, so that run is no more. Raises ``LoanUnknown``.
    """
    loan = await loans.lock_loan(session, order.loan_id)
    row = await _case_of_run(session, order.run_key)
    if row is None:
        if left := await open_case(session, loan.id):
            await close_case_row(session, left.id, "withdrawn", now)
        row = await _next_case(session, loan, order.run_key, strategy, now)
    paid = await loans.payments(session, loan.id)
    settled, unpaid = _split(await loans.instalments(session, loan.id), paid)
    row.payments_counted = [p.payment_id for p in paid]
    session.add(row)
    return OpeningFacts(
        case_id=row.id,
        loan_id=loan.id,
        borrower_id=loan.borrower_id,
        product=loan.product,
        currency=loan.currency,
        instalments=unpaid,
        payments_counted=tuple(row.payments_counted),
        counted=paid,
        settled=settled,
        taken_back=await loans.taken_back(session, loan.id),
        opened_at=row.opened_at,
        held_for=loan.held_for,
    )


async def close_case_row(session: AsyncSession, case_id: str, outcome: Ending, now: datetime) -> None:
    """Close a case: requests for approval become void, open tasks are cancelled. Closing it again changes nothing. Raises ``CaseUnknown``."""
    row = await case(session, case_id)
    if row.closed_at is not None:
        return
    row.closed_at, row.outcome = now, CaseOutcome(outcome)
    session.add(row)
    await session.flush()
    asked = select(ApprovalRow).where(col(ApprovalRow.case_id) == case_id, col(ApprovalRow.state) == ApprovalState.OPEN)
    for request in await session.exec(asked.order_by(col(ApprovalRow.id)).with_for_update()):
        request.state, request.void_at, request.why_void = ApprovalState.VOID, now, "the case was closed"
        session.add(request)
    given = select(TaskRow).where(col(TaskRow.case_id) == case_id, col(TaskRow.state) == TaskState.OPEN)
    for task in await session.exec(given.order_by(col(TaskRow.id)).with_for_update()):
        task.state, task.done_at = TaskState.CANCELLED, now
        session.add(task)


async def _case_of_run(session: AsyncSession, run_key: str) -> CaseRow | None:
    found = await session.exec(select(CaseRow).where(col(CaseRow.run_key) == run_key))
    return found.first()


async def _next_case(session: AsyncSession, loan: LoanRow, run_key: str, strategy: Strategy, now: datetime) -> CaseRow:
    last = (await session.exec(select(func.max(CaseRow.cycle)).where(col(CaseRow.loan_id) == loan.id))).one()
    cycle = (last or 0) + 1
    row = CaseRow(
        id=f"{loan.id}.{cycle}",
        loan_id=loan.id,
        cycle=cycle,
        run_key=run_key,
        strategy=strategy.strategy,
        strategy_version=strategy.version,
        strategy_hash=strategy.content_hash,
        opened_at=now,
    )
    session.add(row)
    await session.flush()
    await pinned.keep(session, strategy)
    if loan.held_for is not None:
        session.add(HoldRow(case_id=row.id, loan_id=loan.id, reason=loan.held_for, placed_at=now))
        await session.flush()
    return row


def _split(due: Sequence[InstalmentRow], paid: Sequence[Payment]) -> tuple[tuple[Instalment, ...], tuple[Instalment, ...]]:
    """What the payments settled of each instalment, the oldest first, and what is left of each; parts of nothing are left out."""
    rest = sum((p.amount for p in paid), Decimal(0))
    settled: list[Instalment] = []
    left: list[Instalment] = []
    for row in due:
        part = min(rest, row.amount)
        rest -= part
        if part > 0:
            settled.append(Instalment(due_on=row.due_on, amount=part))
        if row.amount > part:
            left.append(Instalment(due_on=row.due_on, amount=row.amount - part))
    return tuple(settled), tuple(left)
