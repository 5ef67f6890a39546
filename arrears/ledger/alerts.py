"""What needs a human, from facts that the ledger already has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.strategy import Role
from arrears.ledger.tables import ApprovalRow, ApprovalState, TaskRow, TaskState


@dataclass(frozen=True)
class InboxCount:
    """How many approvals and tasks wait for a role."""

    approvals: int
    tasks: int

    @property
    def all(self) -> int:
        return self.approvals + self.tasks


async def inbox_count(session: AsyncSession, role: Role, now: datetime) -> InboxCount:
    """What waits for a role at this moment."""
    approvals = (
        select(func.count())
        .select_from(ApprovalRow)
        .where(col(ApprovalRow.state) == ApprovalState.OPEN, col(ApprovalRow.deadline) > now, col(ApprovalRow.role) == role)
    )
    tasks = select(func.count()).select_from(TaskRow).where(col(TaskRow.state) == TaskState.OPEN, col(TaskRow.role) == role)
    return InboxCount((await session.exec(approvals)).one(), (await session.exec(tasks)).one())
