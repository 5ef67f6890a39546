"""What a search rests on, read for all cases that may fit by a handful of statements, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import local_date
from arrears.domain.strategy import Referral
from arrears.ledger import stages
from arrears.ledger.search import money
from arrears.ledger.search.asked import NOBODY, Query
from arrears.ledger.search.money import Owed, rows
from arrears.ledger.stages import Standing
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    CaseRow,
    HoldRow,
    LoanRow,
    PersonRow,
    ReferralRow,
    ReferralState,
    TaskRow,
    TaskState,
)

_WIDEST_ZONE = timedelta(hours=14)


class Candidate(NamedTuple):
    """A case that may fit, with its loan's currency and its borrower's zone; UTC stands in for one that nobody knows."""

    case_id: str
    loan_id: str
    borrower_id: str
    strategy: str
    strategy_version: int
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None
    currency: str
    zone: str


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Work that a human has not done yet, and who took it, if anybody did."""

    assignee: str | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Placement:
    """Which agency has a case, until when."""

    agency: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says of the cases that may fit, by case id, of their loans' money, by loan id, and which day it is, by zone."""

    candidates: Sequence[Candidate]
    today: Mapping[str, date]
    standing: Mapping[str, Standing]
    owed: Mapping[str, Owed]
    deadline: Mapping[str, datetime]
    tasks: Mapping[str, tuple[OpenTask, ...]]
    placed: Mapping[str, Placement]


async def read(session: AsyncSession, which: ColumnElement[bool], now: datetime) -> Known:
    """Everything that decides about the cases of which a condition on ``CaseRow`` alone is true."""
    candidates = await _candidates(session, which)
    today = {zone: local_date(now, zone) for zone in {case.zone for case in candidates}}
    return Known(
        candidates=candidates,
        today=today,
        standing=await stages.standings_where(session, now, which),
        owed=await money.overdue(session, which, {case.loan_id: today[case.zone] for case in candidates}),
        deadline=await _deadlines(session, which),
        tasks=await _tasks(session, which),
        placed=await _placements(session, which),
    )


def which(query: Query, now: datetime) -> ColumnElement[bool]:
    """What the database can decide, as a condition on ``CaseRow`` alone."""
    wanted: list[ColumnElement[bool]] = []
    match query.state:
        case "open":
            wanted.append(col(CaseRow.closed_at).is_(None))
        case "closed":
            wanted.append(col(CaseRow.closed_at).is_not(None))
        case "all":
            pass
    if query.text is not None:
        theirs = select(col(LoanRow.id)).where(col(LoanRow.borrower_id) == query.text)
        wanted.append(or_(col(CaseRow.loan_id) == query.text, col(CaseRow.id) == query.text, col(CaseRow.loan_id).in_(theirs)))
    if query.strategy is not None:
        wanted.append(col(CaseRow.strategy) == query.strategy)
    if query.currency is not None:
        wanted.append(col(CaseRow.loan_id).in_(select(col(LoanRow.id)).where(col(LoanRow.currency) == query.currency)))
    if query.owner is not None:
        wanted.append(col(CaseRow.id).in_(select(col(TaskRow.case_id)).where(col(TaskRow.state) == TaskState.OPEN, _owned_by(query.owner))))
    if query.hold is not None:
        wanted.append(col(CaseRow.loan_id).in_(select(col(HoldRow.loan_id)).where(col(HoldRow.reason) == query.hold, _in_force(now))))
    if query.agency is not None:
        wanted.append(col(CaseRow.id).in_(select(col(ReferralRow.case_id)).where(col(ReferralRow.agency) == query.agency, _PLACED)))
    wanted += _between(col(CaseRow.opened_at), query.opened_from, query.opened_to)
    wanted += _between(col(CaseRow.closed_at), query.closed_from, query.closed_to)
    return and_(true(), *wanted)


_PLACED = and_(col(ReferralRow.target) == Referral.AGENCY, col(ReferralRow.state) == ReferralState.SENT)


def _owned_by(owner: str) -> ColumnElement[bool]:
    return col(TaskRow.assignee).is_(None) if owner == NOBODY else col(TaskRow.assignee) == owner


def _in_force(now: datetime) -> ColumnElement[bool]:
    until = col(HoldRow.until)
    return and_(col(HoldRow.placed_at) <= now, col(HoldRow.lifted_at).is_(None), or_(until.is_(None), until > now))


def _between(instant: Any, first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """What may fall on these days somewhere; whose days they are is looked at afterwards."""
    midnight = time(0, tzinfo=UTC)
    starts = [] if first is None else [instant >= datetime.combine(first, midnight) - _WIDEST_ZONE]
    ends = [] if last is None else [instant < datetime.combine(last, midnight) + timedelta(days=1) + _WIDEST_ZONE]
    return starts + ends


async def _candidates(session: AsyncSession, which: ColumnElement[bool]) -> list[Candidate]:
    asked = (
        select(
            col(CaseRow.id),
            col(CaseRow.loan_id),
            col(LoanRow.borrower_id),
            col(CaseRow.strategy),
            col(CaseRow.strategy_version),
            col(CaseRow.opened_at),
            col(CaseRow.closed_at),
            col(CaseRow.outcome),
            col(LoanRow.currency),
            func.coalesce(col(PersonRow.zone), "UTC"),
        )
        .join(LoanRow, col(LoanRow.id) == col(CaseRow.loan_id))
        .join(PersonRow, col(PersonRow.id) == col(LoanRow.borrower_id))
        .where(which)
    )
    return [Candidate._make(row) for row in await rows(session, asked)]


async def _deadlines(session: AsyncSession, which: ColumnElement[bool]) -> dict[str, datetime]:
    """Until when a human must have decided."""
    asked = (
        select(col(ApprovalRow.case_id), col(ApprovalRow.deadline))
        .join(CaseRow, col(CaseRow.id) == col(ApprovalRow.case_id))
        .where(which, col(ApprovalRow.state) == ApprovalState.OPEN)
        .order_by(col(ApprovalRow.deadline).desc())
    )
    return dict(await rows(session, asked))


async def _tasks(session: AsyncSession, which: ColumnElement[bool]) -> dict[str, tuple[OpenTask, ...]]:
    """The open tasks, oldest first."""
    asked = (
        select(col(TaskRow.case_id), col(TaskRow.assignee), col(TaskRow.opened_at))
        .join(CaseRow, col(CaseRow.id) == col(TaskRow.case_id))
        .where(which, col(TaskRow.state) == TaskState.OPEN)
        .order_by(col(TaskRow.opened_at), col(TaskRow.id))
    )
    found: defaultdict[str, tuple[OpenTask, ...]] = defaultdict(tuple)
    for case_id, assignee, opened_at in await rows(session, asked):
        found[case_id] = (*found[case_id], OpenTask(assignee, opened_at))
    return found


async def _placements(session: AsyncSession, which: ColumnElement[bool]) -> dict[str, Placement]:
    asked = (
        select(col(ReferralRow.case_id), col(ReferralRow.agency), col(ReferralRow.until))
        .join(CaseRow, col(CaseRow.id) == col(ReferralRow.case_id))
        .where(which, _PLACED)
        .order_by(col(ReferralRow.sent_at), col(ReferralRow.id))
    )
    return {case_id: Placement(agency, until) for case_id, agency, until in await rows(session, asked)}
