"""Work that a case gives away: tasks for humans, referrals to institutions."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.orders import ReferralOrder, TaskOrder
from arrears.ledger.tables import ReferralRow, ReferralState, TaskRow


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
    """The institution has it, under a reference of its own."""
    row = await referral(session, referral_id)
    if row is not None:
        row.gateway_ref = gateway_ref or row.gateway_ref
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
