"""Permission to ask others lapses the moment the borrower is reached: requests and grants are made void, and say why."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.orders import Purpose
from arrears.ledger.tables import ApprovalRow, ApprovalState, CaseRow, LoanRow

_THROUGH_OTHERS = (Purpose.LOCATE, Purpose.RELAY)


async def borrower_reached(session: AsyncSession, borrower_id: str, why: str, at: datetime, now: datetime) -> None:
    """The borrower answered, paid or promised at ``at``, for whatever loan: what was asked before rests on lost contact no more."""
    found = await session.exec(
        select(ApprovalRow)
        .join(CaseRow, col(CaseRow.id) == col(ApprovalRow.case_id))
        .join(LoanRow, col(LoanRow.id) == col(CaseRow.loan_id))
        .where(
            col(LoanRow.borrower_id) == borrower_id,
            col(ApprovalRow.purpose).in_(_THROUGH_OTHERS),
            col(ApprovalRow.state).in_([ApprovalState.OPEN, ApprovalState.APPROVED]),
            col(ApprovalRow.asked_at) <= at,
        )
        .order_by(col(ApprovalRow.id))
        .with_for_update(of=ApprovalRow, key_share=True)
    )
    for row in found:
        row.state, row.void_at, row.why_void = ApprovalState.VOID, now, why
        session.add(row)
