"""Work that a case gives away: tasks for humans, referrals to institutions.

LedgerRefusal
├── TaskUnknown    no such task
├── TaskTaken      somebody else has taken it
└── TaskOver       it was finished, or nobody needs it any more
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.orders import ReferralOrder, TaskOrder
from arrears.domain.strategy import Role
from arrears.ledger import loans
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.tables import ReferralRow, ReferralState, TaskResult, TaskResultRow, TaskRow, TaskState
from arrears.ledger.vault import Field, keyring


class TaskUnknown(LedgerRefusal):
    """No such task is in the ledger."""


class TaskTaken(LedgerRefusal):
    """Somebody else has taken the task."""


class TaskOver(LedgerRefusal):
    """The task was finished, or nobody needs it any more."""


async def assign(session: AsyncSession, order: TaskOrder, now: datetime) -> TaskRow:
    """Open the task, once however often it is ordered."""
    row = await session.get(TaskRow, order.task_id)
    if row is None:
        row = TaskRow(
            id=order.task_id,
            case_id=order.case_id,
            loan_id=order.loan_id,
            step=order.step,
            kind=order.task,
            role=order.role,
            opened_at=now,
        )
        session.add(row)
        await session.flush()
    return row


async def tasks(
    session: AsyncSession,
    *,
    role: Role | None = None,
    loan_id: str | None = None,
    still_open: bool = True,
    after: tuple[datetime, str] | None = None,
    most: int | None = None,
) -> list[tuple[TaskRow, TaskResultRow | None]]:
    """Tasks, the oldest first, each with what came of it: those of a role or a loan, if it is given; those that are over too, if wanted.

    ``after``: only those that follow this opening and id.
    """
    wanted = (
        select(TaskRow, TaskResultRow)
        .join(TaskResultRow, col(TaskResultRow.task_id) == col(TaskRow.id), isouter=True)
        .order_by(col(TaskRow.opened_at), col(TaskRow.id))
        .limit(most)
    )
    if role is not None:
        wanted = wanted.where(col(TaskRow.role) == role)
    if loan_id is not None:
        wanted = wanted.where(col(TaskRow.loan_id) == loan_id)
    if still_open:
        wanted = wanted.where(col(TaskRow.state) == TaskState.OPEN)
    if after is not None:
        wanted = wanted.where(tuple_(col(TaskRow.opened_at), col(TaskRow.id)) > after)
    return list((await session.exec(wanted)).all())


async def task(session: AsyncSession, task_id: str) -> TaskRow:
    """The task, locked until the transaction ends, and its loan before it, as whoever closes the case does. Raises ``TaskUnknown``."""
    loan_id = (await session.exec(select(TaskRow.loan_id).where(col(TaskRow.id) == task_id))).one_or_none()
    if loan_id is None:
        raise TaskUnknown(f"task {task_id} is not in the ledger")
    await loans.lock_loan(session, loan_id)
    return (await session.exec(select(TaskRow).where(col(TaskRow.id) == task_id).with_for_update(key_share=True))).one()


async def take(session: AsyncSession, row: TaskRow, operator: str) -> bool:
    """Give an open task to an operator; ``False`` if they have it already. Raises ``TaskTaken``, ``TaskOver``."""
    if row.state is not TaskState.OPEN:
        result = await session.get(TaskResultRow, row.id)
        by = f" by {result.operator_id}" if result else ""
        raise TaskOver(f"task {row.id} is {row.state} already{by}, since {row.done_at.isoformat() if row.done_at else 'before'}")
    if row.assignee not in (None, operator):
        raise TaskTaken(f"task {row.id} was taken by {row.assignee}")
    new = row.assignee is None
    row.assignee = operator
    session.add(row)
    return new


async def finish(session: AsyncSession, row: TaskRow, operator: str, result: TaskResult, note: str | None, now: datetime) -> bool:
    """Write down what came of a task, for good; ``False`` if the same operator said the same before. Raises ``TaskTaken``, ``TaskOver``.

    The note is sealed with the borrower's key; nothing is kept of it once they are erased.
    """
    known = await session.get(TaskResultRow, row.id)
    if known is not None and (known.operator_id, known.result) == (operator, result):
        return False
    await take(session, row, operator)
    row.state, row.done_at = (TaskState.CANCELLED if result is TaskResult.NOT_NEEDED else TaskState.DONE), now
    session.add(row)
    borrower_id = (await loans.loan(session, row.loan_id)).borrower_id
    keys = await keyring(session, {borrower_id})
    sealed = keys.seal(borrower_id, Field.NOTE, note) if note and not keys.erased(borrower_id) else None
    session.add(TaskResultRow(task_id=row.id, operator_id=operator, result=result, at=now, note=sealed))
    await session.flush()
    return True


async def note(session: AsyncSession, row: TaskRow, result: TaskResultRow) -> str | None:
    """What the operator wrote to a task that they finished; ``None`` if nothing, or if the borrower is erased."""
    borrower_id = (await loans.loan(session, row.loan_id)).borrower_id
    return (await keyring(session, {borrower_id})).open(borrower_id, Field.NOTE, result.note)


async def referral(session: AsyncSession, referral_id: str) -> ReferralRow | None:
    """The referral, locked until the transaction ends, if it was made."""
    return (await session.exec(select(ReferralRow).where(col(ReferralRow.id) == referral_id).with_for_update())).one_or_none()


async def hand_over(session: AsyncSession, order: ReferralOrder, now: datetime) -> None:
    """From here on the institution may have it."""
    if await referral(session, order.referral_id) is None:
        session.add(
            ReferralRow(
                id=order.referral_id,
                case_id=order.case_id,
                loan_id=order.loan_id,
                step=order.step,
                target=order.to,
                agency=order.agency,
                sent_at=now,
                until=order.until,
                approval_id=order.approval_id,
            )
        )
        await session.flush()


async def taken(session: AsyncSession, referral_id: str, gateway_ref: str | None) -> None:
    """The institution has it, under a reference of its own, or under ours if it gives none."""
    row = await referral(session, referral_id)
    if row is not None:
        row.gateway_ref = gateway_ref or row.gateway_ref or row.id
        session.add(row)


async def not_taken(session: AsyncSession, referral_id: str) -> None:
    """The institution surely does not have it."""
    row = await referral(session, referral_id)
    if row is not None:
        await session.delete(row)


async def recalled(session: AsyncSession, referral_id: str, now: datetime) -> None:
    """The institution knows that it no longer has it."""
    row = await referral(session, referral_id)
    if row is not None and row.state is ReferralState.SENT:
        row.state, row.recalled_at = ReferralState.RECALLED, now
        session.add(row)
