"""What the law said of the contacts and handovers of a loan, as it was written down."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.verdict import Effect, Finding, RegimeVersion
from arrears.ledger.tables import CaseRow, VerdictRow


class VerdictNow(BaseModel):
    """What the law said of an action, also of one that was never made. ``rules`` are the ids of those that stand against it."""

    model_config = ConfigDict(frozen=True)

    verdict_id: int
    case_id: str
    attempt_id: str
    action: str | None
    person_id: str | None
    decided_at: AwareDatetime
    verdict: Effect
    until: AwareDatetime | None
    permanent: bool | None
    rules: tuple[str, ...]
    findings: tuple[Finding, ...]
    regimes: tuple[RegimeVersion, ...]
    approval_id: str | None


async def verdicts(
    session: AsyncSession, loan_id: str, *, after: int = 0, effects: Collection[Effect] = (), most: int | None = None
) -> list[VerdictNow]:
    """The verdicts on all cases of a loan, in the order in which they were given; those after a verdict's id, of these effects if any are named."""
    asked = (
        select(VerdictRow)
        .join(CaseRow, col(CaseRow.id) == col(VerdictRow.case_id))
        .where(col(CaseRow.loan_id) == loan_id, col(VerdictRow.id) > after)
        .order_by(col(VerdictRow.id))
        .limit(most)
    )
    found = await session.exec(asked.where(col(VerdictRow.verdict).in_(effects)) if effects else asked)
    return [_told(row) for row in found]


def _told(row: VerdictRow) -> VerdictNow:
    return VerdictNow(
        verdict_id=row.id or 0,
        case_id=row.case_id,
        attempt_id=row.attempt_id,
        action=row.action,
        person_id=row.person_id,
        decided_at=row.decided_at,
        verdict=row.verdict,
        until=row.until,
        permanent=row.permanent,
        rules=tuple(row.rules),
        findings=tuple(map(Finding.model_validate, row.observed)),
        regimes=tuple(map(RegimeVersion.model_validate, row.regimes or ())),
        approval_id=row.approval_id,
    )
