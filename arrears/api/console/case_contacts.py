"""What a case tried and what the law said of it, each try with every rule that spoke."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.verdict import Finding
from arrears.ledger import attempts
from arrears.ledger.tables import AttemptRow, CaseRow, VerdictRow

_ALLOWED = "allow"


@dataclass(frozen=True)
class Judged:
    """A verdict; ``findings`` are the rules that spoke, each with what it saw and what it allows.

    What was said again and again in a row is one, as it was said last; ``times`` counts, and ``since`` is when it was said first.
    """

    at: datetime
    times: int
    since: datetime
    effect: str
    until: datetime | None
    findings: tuple[Finding, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Tried:
    """A contact or a referral that was tried, or that the law did not let leave. ``step`` is its place on the ladder."""

    id: str
    step: str
    at: datetime
    person_id: str | None
    channel: str | None
    message: str | None
    outcome: str
    made: bool
    approval_id: str | None
    verdicts: tuple[Judged, ...]


async def tried(session: AsyncSession, loan_id: str) -> tuple[Tried, ...]:
    """Everything that was tried for a loan, the newest first."""
    ours = select(CaseRow.id).where(col(CaseRow.loan_id) == loan_id)
    rows = (await session.exec(select(VerdictRow).where(col(VerdictRow.case_id).in_(ours)).order_by(col(VerdictRow.id)))).all()
    of: defaultdict[str, list[VerdictRow]] = defaultdict(list)
    for row in rows:
        of[row.attempt_id].append(row)
    made = [_made(row, of.pop(row.id, [])) for row in await attempts.history(session, loan_id)]
    refused = [_refused(attempt_id, verdicts) for attempt_id, verdicts in of.items()]
    return tuple(sorted([*made, *refused], key=lambda one: (one.at, one.id), reverse=True))


def _made(row: AttemptRow, verdicts: Sequence[VerdictRow]) -> Tried:
    return Tried(
        id=row.id,
        step=row.id.removeprefix(f"{row.case_id}/"),
        at=row.sent_at or row.reserved_at,
        person_id=row.person_id,
        channel=row.channel,
        message=row.message,
        outcome=row.outcome or row.state,
        made=True,
        approval_id=row.approval_id,
        verdicts=_judged(verdicts),
    )


def _refused(attempt_id: str, verdicts: Sequence[VerdictRow]) -> Tried:
    last = verdicts[-1]
    return Tried(
        id=attempt_id,
        step=attempt_id.removeprefix(f"{last.case_id}/"),
        at=last.decided_at,
        person_id=last.person_id,
        channel=None,
        message=None if last.action in (None, "contact") else last.action,
        outcome=last.verdict,
        made=False,
        approval_id=last.approval_id,
        verdicts=_judged(verdicts),
    )


def _judged(rows: Sequence[VerdictRow]) -> tuple[Judged, ...]:
    """The newest first."""
    runs = [tuple(run) for _, run in groupby(rows, key=lambda row: (row.verdict, row.rules))]
    return tuple(
        Judged(
            at=run[-1].decided_at,
            times=len(run),
            since=run[0].decided_at,
            effect=run[-1].verdict,
            until=run[-1].until,
            findings=tuple(map(Finding.model_validate, run[-1].observed)),
            rules=tuple(run[-1].rules),
        )
        for run in reversed(runs)
    )
