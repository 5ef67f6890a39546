"""What a loan's cases did, and what was paid: entries from the rows that tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import TypeAdapter

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
from arrears.domain.verdict import Effect
from arrears.ledger import opt_outs
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    CaseEventRow,
    CaseRow,
    PaymentReversalRow,
    PaymentRow,
    ReferralRow,
    ReportedContactRow,
    TaskRow,
    TaskState,
    VerdictRow,
    WishRow,
)
from arrears.ledger.timeline.entries import EntryKind, TimelineEntry, minute

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def of_case(row: CaseRow) -> Iterator[TimelineEntry]:
    opened = f"case opened with strategy {row.strategy}, version {row.strategy_version}"
    yield TimelineEntry(at=row.opened_at, kind=EntryKind.CASE_OPENED, text=opened, case_id=row.id)
    if row.closed_at is not None:
        yield TimelineEntry(at=row.closed_at, kind=EntryKind.CASE_CLOSED, text=f"case closed: {row.outcome}", case_id=row.id)


def of_payment(row: PaymentRow) -> TimelineEntry:
    if row.value_date:
        text = f"{row.amount} {row.currency} received, counts from {row.value_date} (payment {row.payment_id}, by way of {row.source})"
    else:
        text = f"{row.amount} {row.currency} received (payment {row.payment_id}, by way of {row.source})"
    return TimelineEntry(at=row.received_at, kind=EntryKind.PAYMENT, text=text)


def of_reversal(row: PaymentReversalRow) -> TimelineEntry:
    text = f"payment {row.payment_id} taken back at {minute(row.reversed_at)}: {row.reason} (by way of {row.source})"
    return TimelineEntry(at=row.recorded_at, kind=EntryKind.PAYMENT_REVERSED, text=text)


def of_approval(row: ApprovalRow) -> Iterator[TimelineEntry]:
    def entry(at: datetime, kind: EntryKind, text: str) -> TimelineEntry:
        return TimelineEntry(at=at, kind=kind, text=f"approval {row.id} {text}", case_id=row.case_id, step=row.step)

    yield entry(row.asked_at, EntryKind.APPROVAL_ASKED, f"asked of {row.role}, to be decided before {minute(row.deadline)}")
    if row.reminded_at is not None:
        yield entry(row.reminded_at, EntryKind.APPROVAL_REMINDED, "brought to mind again")
    if row.decided_at is not None:
        approved = row.state is not ApprovalState.DENIED
        yield entry(row.decided_at, EntryKind.APPROVAL_DECIDED, f"{'given' if approved else 'denied'} by {row.decided_by}")
    if row.state is ApprovalState.EXPIRED:
        yield entry(row.deadline, EntryKind.APPROVAL_EXPIRED, "expired: nobody decided")
    if row.void_at is not None:
        yield entry(row.void_at, EntryKind.APPROVAL_VOID, f"is void: {row.why_void}")


def of_verdict(row: VerdictRow) -> Iterator[TimelineEntry]:
    """Verdicts that stopped a contact; one that allowed it shows as the contact itself."""
    match row.verdict:
        case Effect.ALLOW:
            return
        case Effect.DEFER:
            kind = EntryKind.CONTACT_DEFER
            text = f"contact put off until {minute(row.until)}" if row.until else "contact put off"
        case Effect.NEEDS_APPROVAL:
            kind, text = EntryKind.CONTACT_NEEDS_APPROVAL, "contact needs approval"
        case Effect.DENY:
            kind, text = EntryKind.CONTACT_DENY, "contact denied"
    yield TimelineEntry(
        at=row.decided_at,
        kind=kind,
        text=text,
        case_id=row.case_id,
        step=_step(row.case_id, row.attempt_id),
        rules=tuple(row.rules),
        person_id=row.person_id,
    )


def of_attempt(row: AttemptRow) -> TimelineEntry:
    became = row.outcome if row.outcome is not None else {AttemptState.SENT: "handed over"}.get(row.state, str(row.state))
    return TimelineEntry(
        at=row.sent_at or row.reserved_at,
        kind=EntryKind.CONTACT,
        text=f"{row.channel.replace('_', '-')} to {row.person_id} ({row.message}): {became.replace('_', ' ')}",
        case_id=row.case_id,
        step=_step(row.case_id, row.id),
        outcome=row.outcome,
        channel=row.channel,
        person_id=row.person_id,
    )


def of_task(row: TaskRow) -> Iterator[TimelineEntry]:
    name = row.kind.replace("_", " ")
    yield TimelineEntry(
        at=row.opened_at, kind=EntryKind.TASK_OPENED, text=f"task for {row.role}: {name}", case_id=row.case_id, step=row.step
    )
    if row.done_at is not None:
        kind = EntryKind.TASK_DONE if row.state is TaskState.DONE else EntryKind.TASK_CANCELLED
        yield TimelineEntry(at=row.done_at, kind=kind, text=f"task {row.state}: {name}", case_id=row.case_id, step=row.step)


def of_referral(row: ReferralRow) -> Iterator[TimelineEntry]:
    target = row.agency or row.target.replace("_", " ")
    until = f" until {minute(row.until)}" if row.until else ""
    yield TimelineEntry(at=row.sent_at, kind=EntryKind.REFERRED, text=f"sent to {target}{until}", case_id=row.case_id, step=row.step)
    if row.recalled_at is not None:
        yield TimelineEntry(
            at=row.recalled_at, kind=EntryKind.RECALLED, text=f"called back from {target}", case_id=row.case_id, step=row.step
        )


def of_event(
    row: CaseEventRow, told: set[str], reported: Sequence[ReportedContactRow], wishes: Sequence[WishRow]
) -> Iterator[TimelineEntry]:
    """Events that no other table tells."""
    event = _EVENT.validate_python(row.body)
    step, rules, outcome, channel = None, (), None, None
    match event:
        case StepTaken() if event.attempt_id not in told:
            step, rules, outcome, channel = event.step, event.rules, event.outcome, event.channel
            text = f"{event.outcome.replace('_', ' ')}: {event.why}" if event.why else event.outcome.replace("_", " ")
        case StepDeferred() if f"{row.case_id}/{event.step}" not in told:
            step, rules, text = event.step, event.rules, f"put off until {minute(event.until)}"
        case PromiseMade():
            text = f"promised to pay {event.amount} {event.currency} by {event.due_on}"
        case PromiseJudged():
            text = f"promise for {event.due_on} kept" if event.kept else f"promise for {event.due_on} broken"
        case PlanAgreed():
            total = sum(i.amount for i in event.instalments)
            text = f"plan agreed: {total} {event.currency} in {len(event.instalments)} instalments from {event.instalments[0].due_on}"
        case PlanBroken():
            text = f"plan broken: the instalment of {event.due_on} was not paid"
        case ContactReported() if any((c.channel, c.at) == (event.channel, event.at) for c in reported):
            return
        case ContactReported() if opt_outs.is_no_contact(event, wishes):
            return
        case ContactReported():
            outcome, channel = event.outcome, event.channel
            text = f"{event.channel.replace('_', '-')} with {event.party.replace('_', ' ')} reported: {event.outcome.replace('_', ' ')}"
        case Withdrawn():
            text = f"withdrawn: {event.reason}"
        case MessageIgnored():
            text = f"{event.name} ignored: {event.why}"
        case _:
            return
    kind = EntryKind(row.kind)
    yield TimelineEntry(at=row.at, kind=kind, text=text, case_id=row.case_id, step=step, rules=rules, outcome=outcome, channel=channel)


def _step(case_id: str, attempt_id: str) -> str:
    return attempt_id.removeprefix(f"{case_id}/")
