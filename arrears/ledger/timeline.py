"""What happened to a loan, told in order: cases, contacts and verdicts, approvals, payments, holds, tasks, referrals, and what people said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import (
    ContactReported,
    Event,
    MessageIgnored,
    PlanAgreed,
    PlanBroken,
    PromiseJudged,
    PromiseMade,
    StepDeferred,
    StepTaken,
    Withdrawn,
)
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Effect
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    CaseEventRow,
    CaseRow,
    HoldRow,
    LoanRow,
    PaymentReversalRow,
    PaymentRow,
    ReferralRow,
    RelationRow,
    SubjectKeyRow,
    TaskRow,
    TaskState,
    VerdictRow,
)

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_Row = TypeVar("_Row", ApprovalRow, AttemptRow, CaseEventRow, HoldRow, ReferralRow, TaskRow, VerdictRow)


class TimelineEntry(BaseModel):
    """One thing that happened. ``text`` says it in a few words, with ids instead of names; ``rules`` are those that stood against it."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    kind: str
    text: str
    case_id: str | None = None
    step: str | None = None
    rules: tuple[str, ...] = ()
    outcome: Outcome | None = None
    channel: Channel | None = None
    person_id: str | None = None


async def timeline(session: AsyncSession, loan_id: str) -> list[TimelineEntry]:
    """Everything that the ledger knows of a loan's cases, oldest first; nothing for a loan that never had one."""
    cases = (await session.exec(select(CaseRow).where(col(CaseRow.loan_id) == loan_id).order_by(col(CaseRow.cycle)))).all()
    attempts = await _of_cases(session, AttemptRow, cases)
    verdicts = await _of_cases(session, VerdictRow, cases)
    told = {a.id for a in attempts} | {v.attempt_id for v in verdicts}
    payments = (await session.exec(select(PaymentRow).where(col(PaymentRow.loan_id) == loan_id))).all()
    reversals = await session.exec(
        select(PaymentReversalRow).where(col(PaymentReversalRow.payment_id).in_([p.payment_id for p in payments]))
    )
    entries = [
        *(entry for case in cases for entry in _case(case)),
        *(_payment(row) for row in payments),
        *(_reversal(row) for row in reversals),
        *(entry for row in await _of_cases(session, HoldRow, cases) for entry in _hold(row)),
        *(entry for row in await _of_cases(session, ApprovalRow, cases) for entry in _approval(row)),
        *(entry for row in verdicts for entry in _verdict(row)),
        *(_attempt(row) for row in attempts),
        *(entry for row in await _of_cases(session, TaskRow, cases) for entry in _task(row)),
        *(entry for row in await _of_cases(session, ReferralRow, cases) for entry in _referral(row)),
        *(entry for row in await _of_cases(session, CaseEventRow, cases) for entry in _event(row, told)),
        *(_erased(row) for row in await _erased_people(session, loan_id)),
    ]
    order = {case.id: n for n, case in enumerate(cases)}
    return sorted(entries, key=lambda e: (e.at, order.get(e.case_id or "", 0), e.kind == "case_closed"))


async def _of_cases(session: AsyncSession, table: type[_Row], cases: Iterable[CaseRow]) -> Sequence[_Row]:
    ids = [case.id for case in cases]
    return (await session.exec(select(table).where(col(table.case_id).in_(ids)).order_by(col(table.id)))).all()


async def _erased_people(session: AsyncSession, loan_id: str) -> Sequence[SubjectKeyRow]:
    borrower = select(LoanRow.borrower_id).where(col(LoanRow.id) == loan_id)
    relatives = select(RelationRow.person_id).where(col(RelationRow.loan_id) == loan_id)
    theirs = or_(col(SubjectKeyRow.person_id).in_(borrower), col(SubjectKeyRow.person_id).in_(relatives))
    erased = select(SubjectKeyRow).where(theirs, col(SubjectKeyRow.destroyed_at).is_not(None)).order_by(col(SubjectKeyRow.person_id))
    return (await session.exec(erased)).all()


def _case(row: CaseRow) -> Iterator[TimelineEntry]:
    opened = f"case opened with strategy {row.strategy}, version {row.strategy_version}"
    yield TimelineEntry(at=row.opened_at, kind="case_opened", text=opened, case_id=row.id)
    if row.closed_at is not None:
        yield TimelineEntry(at=row.closed_at, kind="case_closed", text=f"case closed: {row.outcome}", case_id=row.id)


def _payment(row: PaymentRow) -> TimelineEntry:
    if row.value_date:
        text = f"{row.amount} {row.currency} received, counts from {row.value_date} (payment {row.payment_id}, by way of {row.source})"
    else:
        text = f"{row.amount} {row.currency} received (payment {row.payment_id}, by way of {row.source})"
    return TimelineEntry(at=row.received_at, kind="payment", text=text)


def _reversal(row: PaymentReversalRow) -> TimelineEntry:
    text = f"payment {row.payment_id} taken back at {_minute(row.reversed_at)}: {row.reason} (by way of {row.source})"
    return TimelineEntry(at=row.recorded_at, kind="payment_reversed", text=text)


def _hold(row: HoldRow) -> Iterator[TimelineEntry]:
    until = f" until {_minute(row.until)}" if row.until else ""
    yield TimelineEntry(at=row.placed_at, kind="hold_placed", text=f"held for {row.reason}{until}", case_id=row.case_id)
    if row.lifted_at is not None:
        yield TimelineEntry(at=row.lifted_at, kind="hold_lifted", text=f"no longer held for {row.reason}", case_id=row.case_id)


def _approval(row: ApprovalRow) -> Iterator[TimelineEntry]:
    def entry(at: datetime, kind: str, text: str) -> TimelineEntry:
        return TimelineEntry(at=at, kind=kind, text=f"approval {row.id} {text}", case_id=row.case_id, step=row.step)

    yield entry(row.asked_at, "approval_asked", f"asked of {row.role}, to be decided before {_minute(row.deadline)}")
    if row.reminded_at is not None:
        yield entry(row.reminded_at, "approval_reminded", "brought to mind again")
    if row.decided_at is not None:
        approved = row.state is not ApprovalState.DENIED
        yield entry(row.decided_at, "approval_decided", f"{'given' if approved else 'denied'} by {row.decided_by}")
    if row.state is ApprovalState.EXPIRED:
        yield entry(row.deadline, "approval_expired", "expired: nobody decided")
    if row.void_at is not None:
        yield entry(row.void_at, "approval_void", f"is void: {row.why_void}")


def _verdict(row: VerdictRow) -> Iterator[TimelineEntry]:
    """Verdicts that stopped a contact; one that allowed it shows as the contact itself."""
    match row.verdict:
        case Effect.ALLOW:
            return
        case Effect.DEFER:
            text = f"contact put off until {_minute(row.until)}" if row.until else "contact put off"
        case Effect.NEEDS_APPROVAL:
            text = "contact needs approval"
        case Effect.DENY:
            text = "contact denied"
    yield TimelineEntry(
        at=row.decided_at,
        kind=f"contact_{row.verdict}",
        text=text,
        case_id=row.case_id,
        step=_step(row.case_id, row.attempt_id),
        rules=tuple(row.rules),
        person_id=row.person_id,
    )


def _attempt(row: AttemptRow) -> TimelineEntry:
    became = row.outcome if row.outcome is not None else {AttemptState.SENT: "handed over"}.get(row.state, str(row.state))
    return TimelineEntry(
        at=row.sent_at or row.reserved_at,
        kind="contact",
        text=f"{row.channel.replace('_', '-')} to {row.person_id} ({row.message}): {became.replace('_', ' ')}",
        case_id=row.case_id,
        step=_step(row.case_id, row.id),
        outcome=row.outcome,
        channel=row.channel,
        person_id=row.person_id,
    )


def _task(row: TaskRow) -> Iterator[TimelineEntry]:
    name = row.kind.replace("_", " ")
    yield TimelineEntry(at=row.opened_at, kind="task_opened", text=f"task for {row.role}: {name}", case_id=row.case_id, step=row.step)
    if row.done_at is not None:
        kind = "task_done" if row.state is TaskState.DONE else "task_cancelled"
        yield TimelineEntry(at=row.done_at, kind=kind, text=f"task {row.state}: {name}", case_id=row.case_id, step=row.step)


def _referral(row: ReferralRow) -> Iterator[TimelineEntry]:
    target = row.agency or row.target.replace("_", " ")
    until = f" until {_minute(row.until)}" if row.until else ""
    yield TimelineEntry(at=row.sent_at, kind="referred", text=f"sent to {target}{until}", case_id=row.case_id, step=row.step)
    if row.recalled_at is not None:
        yield TimelineEntry(at=row.recalled_at, kind="recalled", text=f"called back from {target}", case_id=row.case_id, step=row.step)


def _event(row: CaseEventRow, told: set[str]) -> Iterator[TimelineEntry]:
    """Events that no other table tells."""
    event = _EVENT.validate_python(row.body)
    step, rules, outcome, channel = None, (), None, None
    match event:
        case StepTaken() if event.attempt_id not in told:
            step, rules, outcome, channel = event.step, event.rules, event.outcome, event.channel
            text = f"{event.outcome.replace('_', ' ')}: {event.why}" if event.why else event.outcome.replace("_", " ")
        case StepDeferred() if f"{row.case_id}/{event.step}" not in told:
            step, rules, text = event.step, event.rules, f"put off until {_minute(event.until)}"
        case PromiseMade():
            text = f"promised to pay {event.amount} {event.currency} by {event.due_on}"
        case PromiseJudged():
            text = f"promise for {event.due_on} kept" if event.kept else f"promise for {event.due_on} broken"
        case PlanAgreed():
            total = sum(i.amount for i in event.instalments)
            text = f"plan agreed: {total} {event.currency} in {len(event.instalments)} instalments from {event.instalments[0].due_on}"
        case PlanBroken():
            text = f"plan broken: the instalment of {event.due_on} was not paid"
        case ContactReported():
            outcome, channel = event.outcome, event.channel
            text = f"{event.channel.replace('_', '-')} with {event.party.replace('_', ' ')} reported: {event.outcome.replace('_', ' ')}"
        case Withdrawn():
            text = f"withdrawn: {event.reason}"
        case MessageIgnored():
            text = f"{event.name} ignored: {event.why}"
        case _:
            return
    yield TimelineEntry(at=row.at, kind=row.kind, text=text, case_id=row.case_id, step=step, rules=rules, outcome=outcome, channel=channel)


def _erased(row: SubjectKeyRow) -> TimelineEntry:
    assert row.destroyed_at is not None
    text = f"{row.person_id} is erased: {row.reason}"
    return TimelineEntry(at=row.destroyed_at, kind="person_erased", text=text, person_id=row.person_id)


def _step(case_id: str, attempt_id: str) -> str:
    return attempt_id.removeprefix(f"{case_id}/")


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
