"""What needs a human, from facts that the ledger already has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Referral, Role
from arrears.ledger.tables import (
    AgencyRow,
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    AuditRow,
    CaseEventRow,
    CaseRow,
    DeliveryRow,
    DeliveryState,
    ReferralRow,
    ReferralState,
    RelayRow,
    TaskRow,
    TaskState,
    VerdictRow,
)
from arrears.ledger.tables.access import ActorKind

LOOKS_BACK = timedelta(days=7)
"""What happened once is an alert for so long."""
STALLED_AFTER = timedelta(hours=1)
"""A case that lets a deadline pass for so long, or does not take its messages, does not run as it should."""
ABOUT_TO_EXPIRE = timedelta(hours=4)
FEED_LASTS = timedelta(hours=24)
_MOST_OF_A_KIND = 20


class AlertKind(StrEnum):
    """What is the matter, the most urgent first."""

    APPROVAL_EXPIRING = "approval_expiring"
    CASE_STALLED = "case_stalled"
    MESSAGES_WAIT = "messages_wait"
    STEP_FAILED = "step_failed"
    DENIED_BY_LAW = "denied_by_law"
    OUTCOME_UNKNOWN = "outcome_unknown"
    AGENCY_SILENT = "agency_silent"
    DEAD_EVENT = "dead_event"
    CALLER_REFUSED = "caller_refused"


@dataclass(frozen=True)
class Alert:
    """One thing that needs a human. ``subject`` is the id of what it is about; ``count`` how often it was seen, ``at`` when last."""

    kind: AlertKind
    at: datetime
    subject: str
    loan_id: str | None = None
    step: str | None = None
    rules: tuple[str, ...] = ()
    count: int = 1


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


async def alerts(session: AsyncSession, now: datetime, real_now: datetime) -> list[Alert]:
    """All that needs a human now, the most urgent kinds first. ``now`` is business time, ``real_now`` the machine's, by which audit records count."""
    found = [
        *await _expiring(session, now),
        *await _stalled(session, now),
        *await _messages_that_wait(session, now),
        *await _failed_steps(session, now),
        *await _denied(session, now),
        *await _unknown_outcomes(session, now),
        *await _silent_agencies(session, now),
        *await _dead_events(session),
        *await _refused_callers(session, real_now),
    ]
    order = list(AlertKind)
    return sorted(found, key=lambda alert: (order.index(alert.kind), -alert.at.timestamp()))


async def _expiring(session: AsyncSession, now: datetime) -> list[Alert]:
    """Requests that nobody has decided, and whose time is nearly over."""
    rows = await session.exec(
        select(ApprovalRow, CaseRow.loan_id)
        .join(CaseRow)
        .where(
            col(ApprovalRow.state) == ApprovalState.OPEN,
            col(ApprovalRow.deadline) > now,
            col(ApprovalRow.deadline) <= now + ABOUT_TO_EXPIRE,
        )
        .order_by(col(ApprovalRow.deadline))
        .limit(_MOST_OF_A_KIND)
    )
    return [Alert(AlertKind.APPROVAL_EXPIRING, row.deadline, row.id, loan_id, row.step) for row, loan_id in rows]


async def _stalled(session: AsyncSession, now: datetime) -> list[Alert]:
    """Cases that should long have noticed that a request's time was over: their workflow does not run, or fails."""
    rows = await session.exec(
        select(ApprovalRow, CaseRow.loan_id)
        .join(CaseRow)
        .where(col(ApprovalRow.state) == ApprovalState.OPEN, col(ApprovalRow.deadline) <= now - STALLED_AFTER)
        .order_by(col(ApprovalRow.deadline))
        .limit(_MOST_OF_A_KIND)
    )
    return [Alert(AlertKind.CASE_STALLED, row.deadline, row.id, loan_id, row.step) for row, loan_id in rows]


async def _messages_that_wait(session: AsyncSession, now: datetime) -> list[Alert]:
    """Facts that cases have not heard of yet, because nobody takes messages for them."""
    query = select(func.count(), func.min(RelayRow.recorded_at), func.min(RelayRow.loan_id)).where(
        col(RelayRow.delivered_at).is_(None), col(RelayRow.recorded_at) <= now - STALLED_AFTER
    )
    count, since, loan_id = (await session.exec(query)).one()
    if not count:
        return []
    return [Alert(AlertKind.MESSAGES_WAIT, since, "relays", loan_id if count == 1 else None, count=count)]


async def _failed_steps(session: AsyncSession, now: datetime) -> list[Alert]:
    """Steps that were tried and failed for technical reasons."""
    rows = await session.exec(
        select(CaseEventRow, CaseRow.loan_id)
        .join(CaseRow)
        .where(
            col(CaseEventRow.kind) == "step_taken",
            col(CaseEventRow.at) > now - LOOKS_BACK,
            col(CaseEventRow.body)["outcome"].as_string() == Outcome.FAILED,
            col(CaseRow.closed_at).is_(None),
        )
        .order_by(col(CaseEventRow.at).desc())
        .limit(_MOST_OF_A_KIND)
    )
    return [Alert(AlertKind.STEP_FAILED, row.at, row.case_id, loan_id, str(row.body.get("step"))) for row, loan_id in rows]


async def _denied(session: AsyncSession, now: datetime) -> list[Alert]:
    """Contacts and steps of open cases that the law denies whatever a human says and however long one waits, one for each case and its rules."""
    rows = await session.exec(
        select(VerdictRow, CaseRow.loan_id)
        .join(CaseRow)
        .where(col(VerdictRow.permanent).is_(True), col(VerdictRow.decided_at) > now - LOOKS_BACK, col(CaseRow.closed_at).is_(None))
        .order_by(col(VerdictRow.decided_at).desc(), col(VerdictRow.id).desc())
        .limit(10 * _MOST_OF_A_KIND)
    )
    return _counted(
        Alert(
            AlertKind.DENIED_BY_LAW,
            row.decided_at,
            row.attempt_id,
            loan_id,
            row.attempt_id.removeprefix(f"{row.case_id}/"),
            tuple(row.rules),
        )
        for row, loan_id in rows
    )


async def _unknown_outcomes(session: AsyncSession, now: datetime) -> list[Alert]:
    """Contacts that left, and of which nobody knows what became of them; they count as made."""
    rows = await session.exec(
        select(AttemptRow)
        .where(
            or_(
                col(AttemptRow.outcome) == Outcome.UNKNOWN,
                (col(AttemptRow.state) == AttemptState.SENT) & (col(AttemptRow.channel) == "call"),
            ),
            col(AttemptRow.sent_at) <= now - STALLED_AFTER,
            col(AttemptRow.sent_at) > now - LOOKS_BACK,
        )
        .order_by(col(AttemptRow.sent_at).desc())
        .limit(_MOST_OF_A_KIND)
    )
    return [
        Alert(AlertKind.OUTCOME_UNKNOWN, row.sent_at or row.reserved_at, row.id, row.loan_id, row.id.removeprefix(f"{row.case_id}/"))
        for row in rows
    ]


async def _silent_agencies(session: AsyncSession, now: datetime) -> list[Alert]:
    """Agencies that have cases and do not say what they did: until they do, nobody may contact those people."""
    rows = await session.exec(
        select(ReferralRow.agency, func.count(), func.min(ReferralRow.sent_at), func.max(AgencyRow.feed_at))
        .join(AgencyRow, col(AgencyRow.id) == col(ReferralRow.agency), isouter=True)
        .where(col(ReferralRow.target) == Referral.AGENCY, col(ReferralRow.state) == ReferralState.SENT)
        .group_by(col(ReferralRow.agency))
    )
    return [
        Alert(AlertKind.AGENCY_SILENT, feed_at or since, agency or "", count=count)
        for agency, count, since, feed_at in rows
        if (feed_at or since) <= now - FEED_LASTS
    ]


async def _dead_events(session: AsyncSession) -> list[Alert]:
    """Events that the loan system did not take however often they were sent."""
    rows = await session.exec(
        select(DeliveryRow.kind, func.count(), func.max(DeliveryRow.recorded_at))
        .where(col(DeliveryRow.state) == DeliveryState.DEAD)
        .group_by(col(DeliveryRow.kind))
    )
    return [Alert(AlertKind.DEAD_EVENT, at, kind, count=count) for kind, count, at in rows]


async def _refused_callers(session: AsyncSession, real_now: datetime) -> list[Alert]:
    """Machines that could not prove who they are, or asked for what they may not."""
    rows = await session.exec(
        select(AuditRow.actor, func.count(), func.max(AuditRow.at))
        .where(
            col(AuditRow.allowed).is_(False),
            col(AuditRow.actor_kind).in_([ActorKind.GATEWAY, ActorKind.CLIENT]),
            col(AuditRow.at) > real_now - timedelta(days=1),
        )
        .group_by(col(AuditRow.actor))
    )
    return [Alert(AlertKind.CALLER_REFUSED, at, actor, count=count) for actor, count, at in rows]


def _counted(alerts: Iterable[Alert]) -> list[Alert]:
    """Each case's alerts of the same rules as one, with their number and the newest of them."""
    kept: dict[tuple[str | None, tuple[str, ...]], Alert] = {}
    for alert in alerts:
        key = (alert.loan_id, alert.rules)
        newest = kept.setdefault(key, alert)
        if newest is not alert:
            kept[key] = Alert(newest.kind, newest.at, newest.subject, newest.loan_id, newest.step, newest.rules, newest.count + 1)
    return list(kept.values())[:_MOST_OF_A_KIND]
