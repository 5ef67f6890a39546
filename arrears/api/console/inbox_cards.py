"""What the inbox shows of a request, a task and an alert: read in one look at the ledger, by ids, without anybody's name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.console.desk import Desk
from arrears.api.operations.tasks import TaskNow, task_now
from arrears.api.problems import Problem
from arrears.config.law import RegimeProblem
from arrears.domain.access import Action
from arrears.domain.attitude import Attitude
from arrears.domain.law import RULES
from arrears.domain.outcome import Outcome
from arrears.domain.regime import Regime
from arrears.domain.strategy import Channel, Referral
from arrears.ledger import alerts, approvals
from arrears.ledger.alerts import Alert
from arrears.ledger.approvals import OpenRequest
from arrears.ledger.attitudes import attitudes
from arrears.ledger.tables import ApprovalRow, ApprovalState, CaseRow, LoanRow, PersonRow, TaskResultRow, TaskRow, TaskState

Shown = Literal["mine", "role", "all"]
"""What an operator wants to see: what they have taken or must decide, what waits for their role, or everything."""

KEPT_FOR = timedelta(minutes=5)
"""What was just decided or done stays in its place for so long (of the machine's time), so that nothing vanishes under somebody's eyes."""
KEPT_AT_MOST = timedelta(days=7)
"""The same in business time: where a day lasts seconds, the inbox must not fill with what is over."""
PASSED_BY_AT_MOST = timedelta(days=1)
"""The same for a request that nobody decided: what waits must not be pushed down by what can no longer be done."""

_MOST = 100
_OTHERS = ("CN-08", "CN-10", "CN-11", "CN-12", "CN-13", "CN-14", "CN-28", "EU-04", "UK-02", "US-22")
"""The rules about people other than the borrower that whoever decides about contacting them must know."""
_OF_EVERY_REQUEST = ("AR-01", "AR-02", "AR-04")


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tried(_Shown):
    """An attempt to speak to the borrower, on their local day."""

    attempt: str
    at: AwareDatetime
    day: date
    outcome: Outcome | None
    by: str


class Evidence(_Shown):
    """What a request rests on, as it was when it was asked. Amounts are text with their currency."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    owed: str = ""
    due_since: date | None = None
    days_past_due: int = 0
    payments: int = 0
    channel: Channel | None = None
    referral: Referral | None = None
    last_reached_at: AwareDatetime | None = None
    lost_contact: tuple[Tried, ...] = ()
    numbers_valid: tuple[bool, ...] = ()

    @property
    def owed_money(self) -> tuple[str, str]:
        amount, _, currency = self.owed.partition(" ")
        return amount, currency


class Card(_Shown):
    """A request: open, or just decided. The last fields are what a form that was sent led to."""

    id: str
    request: OpenRequest
    evidence: Evidence
    attitude: Attitude
    zone: str
    rules: tuple[str, ...]
    state: ApprovalState
    over: bool
    mine: bool
    can_decide: bool
    decided_by: str | None
    decided_at: AwareDatetime | None
    why_void: str | None
    error: str = ""
    chosen: str = ""
    note: str = ""
    next_move: str | None = None
    answered: bool = False


class TaskCard(_Shown):
    """A task: open, or just finished."""

    id: str
    task: TaskNow
    zone: str
    can_work: bool
    mine: bool
    error: str = ""
    chosen: str = ""
    note: str = ""
    answered: bool = False


class Inbox(_Shown):
    """Everything that is shown at once."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    show: Shown
    approvals: tuple[Card, ...]
    tasks: tuple[TaskCard, ...]
    alerts: tuple[Alert, ...]

    @property
    def open_approvals(self) -> int:
        return sum(card.state is ApprovalState.OPEN and not card.over for card in self.approvals)

    @property
    def open_tasks(self) -> int:
        return sum(card.task.state is TaskState.OPEN for card in self.tasks)

    @property
    def waiting(self) -> int:
        return self.open_approvals + self.open_tasks


async def read_inbox(desk: Desk, show: Shown) -> Inbox:
    """What waits for this operator: the most urgent first."""
    kept_since = desk.now - min(_business(desk, KEPT_FOR), KEPT_AT_MOST)
    async with desk.here.ledger.reading() as session:
        passed_by_since = max(kept_since, desk.now - PASSED_BY_AT_MOST)
        approval_rows = await _approval_rows(session, desk, show, kept_since, passed_by_since) if desk.may(Action.READ_APPROVALS) else ()
        task_rows = await _task_rows(session, desk, show, kept_since) if desk.may(Action.READ_TASKS) else ()
        cards = await _cards(session, desk, approval_rows)
        task_cards = await _task_cards(session, desk, task_rows)
        found = await alerts.alerts(session, desk.now, datetime.now(UTC)) if desk.may(Action.READ_CASES) else ()
    return Inbox(show=show, approvals=cards, tasks=task_cards, alerts=tuple(found))


async def read_card(desk: Desk, approval_id: str) -> Card:
    """One request. Raises ``Problem`` (404)."""
    async with desk.here.ledger.reading() as session:
        row = await session.get(ApprovalRow, approval_id)
        if row is None or not desk.may(Action.READ_APPROVALS):
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_approval", "no such request is in the ledger")
        (card,) = await _cards(session, desk, [(row, await session.get_one(CaseRow, row.case_id))])
        return card


async def read_task_card(desk: Desk, task_id: str) -> TaskCard:
    """One task. Raises ``Problem`` (404)."""
    async with desk.here.ledger.reading() as session:
        row = await session.get(TaskRow, task_id)
        if row is None or not desk.may(Action.READ_TASKS):
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_task", "no such task is in the ledger")
        (card,) = await _task_cards(session, desk, [(row, await session.get(TaskResultRow, task_id))])
        return card


async def _approval_rows(
    session: AsyncSession, desk: Desk, show: Shown, kept_since: datetime, passed_by_since: datetime
) -> Sequence[tuple[ApprovalRow, CaseRow]]:
    """Requests that are open, or were just decided, void or past their deadline."""
    wanted = (
        select(ApprovalRow, CaseRow)
        .join(CaseRow)
        .where(
            or_(
                (col(ApprovalRow.state) == ApprovalState.OPEN) & (col(ApprovalRow.deadline) > passed_by_since),
                col(ApprovalRow.decided_at) > kept_since,
                col(ApprovalRow.void_at) > passed_by_since,
                (col(ApprovalRow.state) == ApprovalState.EXPIRED) & (col(ApprovalRow.deadline) > passed_by_since),
            )
        )
        .order_by(col(ApprovalRow.deadline), col(ApprovalRow.id))
        .limit(_MOST)
    )
    if show != "all":
        wanted = wanted.where(col(ApprovalRow.role) == desk.role)
    return (await session.exec(wanted)).all()


async def _task_rows(
    session: AsyncSession, desk: Desk, show: Shown, kept_since: datetime
) -> Sequence[tuple[TaskRow, TaskResultRow | None]]:
    """Tasks that are open, those that were taken first, and those that were just ended."""
    wanted = (
        select(TaskRow, TaskResultRow)
        .join(TaskResultRow, col(TaskResultRow.task_id) == col(TaskRow.id), isouter=True)
        .where(or_(col(TaskRow.state) == TaskState.OPEN, col(TaskRow.done_at) > kept_since))
        .order_by(col(TaskRow.opened_at), col(TaskRow.id))
        .limit(_MOST)
    )
    match show:
        case "mine":
            wanted = wanted.where(col(TaskRow.assignee) == desk.operator_id)
        case "role":
            wanted = wanted.where(col(TaskRow.role) == desk.role)
        case "all":
            pass
    return [(row, result) for row, result in (await session.exec(wanted)).all()]


async def _cards(session: AsyncSession, desk: Desk, rows: Sequence[tuple[ApprovalRow, CaseRow]]) -> tuple[Card, ...]:
    judged = await attitudes(session, {case.id for _, case in rows})
    borrowers = await _borrowers(session, {case.loan_id for _, case in rows})
    regimes = _regimes(desk)
    shown: list[Card] = []
    for row, case in rows:
        request = approvals.request(row, case, tuple(await approvals.people(session, row.id)))
        evidence = Evidence.model_validate(row.evidence)
        borrower = borrowers[case.loan_id]
        mine = row.role is desk.role and row.requested_by != desk.operator_id
        shown.append(
            Card(
                id=row.id,
                request=request,
                evidence=evidence,
                attitude=judged[case.id],
                zone=borrower.zone or "UTC",
                rules=_rules(request, evidence, borrower, regimes, desk),
                state=row.state,
                over=row.deadline <= desk.now,
                mine=mine,
                can_decide=mine and desk.may(Action.DECIDE_APPROVAL),
                decided_by=row.decided_by,
                decided_at=row.decided_at,
                why_void=row.why_void,
            )
        )
    return tuple(shown)


async def _task_cards(session: AsyncSession, desk: Desk, rows: Sequence[tuple[TaskRow, TaskResultRow | None]]) -> tuple[TaskCard, ...]:
    borrowers = await _borrowers(session, {row.loan_id for row, _ in rows})
    return tuple(
        TaskCard(
            id=row.id,
            task=task_now(row, result),
            zone=borrowers[row.loan_id].zone or "UTC",
            can_work=desk.may(Action.WORK_TASK) and row.role is desk.role and row.assignee in (None, desk.operator_id),
            mine=row.assignee == desk.operator_id,
        )
        for row, result in rows
    )


async def _borrowers(session: AsyncSession, loan_ids: set[str]) -> dict[str, PersonRow]:
    rows = await session.exec(
        select(LoanRow.id, PersonRow).join(PersonRow, col(PersonRow.id) == col(LoanRow.borrower_id)).where(col(LoanRow.id).in_(loan_ids))
    )
    return dict(rows.all())


def _regimes(desk: Desk) -> tuple[Regime, ...]:
    """The law in its newest version; nothing if it cannot be read, which stops every contact anyway."""
    try:
        return desk.law.current()
    except RegimeProblem:
        return ()


def _rules(request: OpenRequest, evidence: Evidence, borrower: PersonRow, regimes: tuple[Regime, ...], desk: Desk) -> tuple[str, ...]:
    """The rules to know for this decision: ours, and of the law where the borrower or the lender is, those about such a step."""
    here = {place.partition("-")[0] for place in (borrower.residence, desk.here.settings.lender_seat) if place}
    in_force = [r for regime in regimes if here & {place.partition("-")[0] for place in regime.applies.regions} for r in regime.terms]
    if evidence.referral is not None:
        about = [rule for rule in in_force if evidence.referral in RULES[rule].about and "contact" not in RULES[rule].about]
    else:
        about = [rule for rule in _OTHERS if rule in in_force and request.purpose is not None]
    return (*_OF_EVERY_REQUEST, *dict.fromkeys(about))


def _business(desk: Desk, real: timedelta) -> timedelta:
    """How much business time passes in so much of the machine's."""
    return timedelta(days=real.total_seconds() / desk.here.settings.clock.day_seconds)
