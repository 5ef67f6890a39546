"""What each event makes of a case, and which reported events can count at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from decimal import Decimal
from itertools import pairwise

from arrears.domain.calendar import ONE_DAY, Pause
from arrears.domain.case import (
    Case,
    Deferral,
    Placement,
    Plan,
    Promise,
    Request,
    StepNote,
    open_request,
    paid,
    plan_in_force,
    promises_broken,
    standing_holds,
)
from arrears.domain.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalReminded,
    ApprovalRetracted,
    CaseClosed,
    ContactReported,
    Event,
    HoldLifted,
    HoldPlaced,
    MessageIgnored,
    PaymentReceived,
    PaymentReversed,
    Placed,
    PlanAgreed,
    PlanBroken,
    PromiseJudged,
    PromiseMade,
    Recalled,
    StepDeferred,
    StepTaken,
    Withdrawn,
)
from arrears.domain.loan import Payment, TakenBack
from arrears.domain.outcome import ANSWERED, LOST_AFTER_FAILURES, UNREACHED, Outcome

_IGNORED_KEPT = 10
_REPORTS_KEPT = 100
_MIDNIGHT = time(0)


def objection(case: Case, event: Event) -> str | None:
    """Why an event that somebody reports cannot count in this case; ``None`` if it can."""
    if case.outcome is not None and not isinstance(event, PaymentReceived | PaymentReversed | ContactReported):
        return f"the case is closed ({case.outcome})"
    match event:
        case PaymentReceived(payment=p) if p.currency != case.facts.currency:
            return f"currency: the loan is in {case.facts.currency}, not {p.currency}"
        case PaymentReversed(payment_id=p) if _known(case, p) is None:
            return f"payment_id: no payment {p} that could be taken back is known to this case"
        case PromiseMade(currency=c) | PlanAgreed(currency=c) if c != case.facts.currency:
            return f"currency: the loan is in {case.facts.currency}, not {c}"
        case PromiseMade(due_on=due):
            today, longest = case.calendar.day_of(event.at), case.strategy.promises.longest_days
            if not today <= due <= today + ONE_DAY * longest:
                return f"due_on: a promise must fall between today and {longest} days from now"
        case PlanAgreed(instalments=parts) if any(a.due_on >= b.due_on for a, b in pairwise(parts)):
            return "instalments: must be in order of due_on, one a day at most"
        case PlanAgreed(instalments=parts) if parts[0].due_on < case.calendar.day_of(event.at):
            return "instalments: the first one lies in the past"
        case HoldPlaced(until=until) if until is not None and until <= event.at:
            return "until: lies in the past"
        case HoldLifted(reason=reason) if not any(reason in (None, h.reason) for h in standing_holds(case, event.at)):
            return "no such hold is in force"
        case ApprovalDecided(approval_id=wanted):
            standing = open_request(case)
            if standing is None or standing.approval_id != wanted:
                return "no such request is open"
            if event.at >= standing.deadline:
                return "the request's deadline has passed"
        case _:
            pass
    return None


def contradiction(case: Case, event: Event) -> str | None:
    """Why somebody who waits for an answer is told that an event changes nothing, although it is no repetition; ``None`` if it does, or is one."""
    plan = case.plan
    match event:
        case PlanAgreed(at=at, instalments=parts) if plan is not None and plan.agreed_at == at and plan.instalments != parts:
            return "another plan was agreed in this very moment"
        case Withdrawn(reason=reason) if case.withdrawn not in (None, reason):
            return f"the case is withdrawn already: {case.withdrawn}"
        case _:
            return None


def promised_before(case: Case, event: Event) -> bool:
    """Whether an event is a promise in the words of an earlier one."""
    return isinstance(event, PromiseMade) and any((p.amount, p.due_on) == (event.amount, event.due_on) for p in case.promises)


def apply(case: Case, event: Event) -> Case:
    """The case after ``event``. Applying an event that has already counted returns the case unchanged."""
    match event:
        case PaymentReceived():
            return _payment(case, event)
        case PaymentReversed():
            return _taken_back(case, event)
        case StepTaken():
            return _step_taken(case, event)
        case StepDeferred():
            if event.step in case.steps:
                return case
            known = case.deferred.get(event.step)
            later = known is None or known.until < event.until
            deferral = Deferral(until=event.until, rules=event.rules)
            return _with(case, deferred={**case.deferred, event.step: deferral}) if later else case
        case ApprovalAsked() | ApprovalReminded() | ApprovalDecided() | ApprovalExpired() | ApprovalRetracted():
            return _approval(case, event)
        case PromiseMade():
            return _promise(case, event)
        case PromiseJudged():
            return _with(
                case,
                promises=tuple(
                    p.model_copy(update={"judged_at": event.at, "kept": event.kept})
                    if (p.amount, p.due_on, p.judged_at) == (event.amount, event.due_on, None)
                    else p
                    for p in case.promises
                ),
            )
        case PlanAgreed():
            return _plan(case, event)
        case PlanBroken():
            plan = plan_in_force(case)
            broken = plan is not None and plan.agreed_at <= event.at
            return _with(case, plan=plan.model_copy(update={"broken_at": event.at})) if plan and broken else case
        case HoldPlaced():
            return _hold_placed(case, event)
        case HoldLifted():
            lifted = tuple(
                h.model_copy(update={"until": event.at}) if h.in_force(event.at) and event.reason in (None, h.reason) else h
                for h in case.holds
            )
            return _with(case, holds=lifted)
        case ContactReported():
            return _reported(case, event)
        case Placed():
            placed = Placement(placement_id=event.placement_id, agency=event.agency, until=event.until)
            known = any(p.placement_id == event.placement_id for p in case.placements)
            return case if known else _with(case, placements=(*case.placements, placed))
        case Recalled():
            return _with(
                case,
                placements=tuple(
                    p.model_copy(update={"recalled_at": event.at}) if p.placement_id == event.placement_id and not p.recalled_at else p
                    for p in case.placements
                ),
            )
        case Withdrawn():
            return case if case.withdrawn else _void_requests(_with(case, withdrawn=event.reason), "the case was withdrawn")
        case MessageIgnored():
            known = case.ignored if event in case.ignored else (*case.ignored, event)
            noted = sorted(known, key=lambda e: (e.at, e.name, e.why))
            return _with(case, ignored=tuple(noted[-_IGNORED_KEPT:]))
        case CaseClosed():
            return case if case.outcome else _with(case, outcome=event.outcome, closed_at=event.at)


def apply_all(case: Case, events: Iterable[Event]) -> Case:
    for event in events:
        case = apply(case, event)
    return case


def _with(case: Case, **changes: object) -> Case:
    return case.model_copy(update=changes)


def _void_requests(case: Case, why: str) -> Case:
    """Requests and unused grants that an event has overtaken no longer stand."""
    return _with(
        case,
        requests=tuple(
            r.model_copy(update={"state": "void", "void_why": why}) if r.state in ("open", "approved") and r.step not in case.steps else r
            for r in case.requests
        ),
    )


def _payment(case: Case, event: PaymentReceived) -> Case:
    payment = event.payment
    known = payment.payment_id in case.facts.payments_counted or _known(case, payment.payment_id) is not None
    if known or payment.currency != case.facts.currency:
        return case
    quiet = _quiet(case, "payment", event.at, case.strategy.quiet_days_after_payment)
    return _void_requests(_with(case, payments=(*case.payments, payment), failures_in_a_row=0, quiet=quiet), "a payment arrived")


def _known(case: Case, payment_id: str) -> Payment | None:
    """The payment of that id that the case knows, also if it counts no more."""
    gone = (t.payment for t in case.taken_back)
    return next((p for p in (*case.facts.counted, *case.payments, *gone) if p.payment_id == payment_id), None)


def _taken_back(case: Case, event: PaymentReversed) -> Case:
    """As if it had never been paid, but for what was done about it: quiet days, requests made void and promises that were judged stay as they are.

    A promise or a plan that still stands is counted as if the payment had never been there before.
    """
    payment = _known(case, event.payment_id)
    if payment is None or any(t.payment.payment_id == event.payment_id for t in case.taken_back):
        return case

    def without(paid_before: Decimal) -> Decimal:
        earlier = Decimal(0)
        for p in case.payments:
            earlier += p.amount
            if p is payment and earlier <= paid_before:
                return paid_before - p.amount
        return paid_before

    plan = case.plan
    return _with(
        case,
        payments=tuple(p for p in case.payments if p is not payment),
        taken_back=(*case.taken_back, TakenBack(payment=payment, at=event.at)),
        promises=tuple(p.model_copy(update={"paid_before": without(p.paid_before)}) if p.judged_at is None else p for p in case.promises),
        plan=plan.model_copy(update={"paid_before": without(plan.paid_before)}) if plan and plan.broken_at is None else plan,
    )


def _quiet(case: Case, reason: str, since: datetime, days: int) -> tuple[Pause, ...]:
    if not days:
        return case.quiet
    ends = case.calendar.instant(case.calendar.day_of(since) + ONE_DAY * days, _MIDNIGHT)
    return (*case.quiet, Pause(reason=reason, since=since, until=ends)) if ends > since else case.quiet


def _step_taken(case: Case, event: StepTaken) -> Case:
    if event.step in case.steps:
        return case
    note = StepNote(
        at=event.at, outcome=event.outcome, attempt_id=event.attempt_id, channel=event.channel, rules=event.rules, why=event.why
    )
    deferred = {step: d for step, d in case.deferred.items() if step != event.step}
    case = _with(case, steps={**case.steps, event.step: note}, deferred=deferred)
    to_borrower = "/" not in event.step
    return _heard(case, note) if to_borrower else case


def _heard(case: Case, note: StepNote) -> Case:
    """What an attempt to speak to the borrower says about reaching them."""
    if note.outcome in ANSWERED:
        days = case.strategy.quiet_days_after_answer if note.outcome is Outcome.ANSWERED_WILLING else 0
        heard = _with(case, answers=(*case.answers, note), failures_in_a_row=0, quiet=_quiet(case, "answer", note.at, days))
        return _void_requests(heard, "the borrower answered")
    if note.outcome is Outcome.INVALID_NUMBER:
        return _with(case, failures_in_a_row=max(case.failures_in_a_row + 1, LOST_AFTER_FAILURES))
    if note.outcome in UNREACHED:
        return _with(case, failures_in_a_row=case.failures_in_a_row + 1)
    return case


def _reported(case: Case, event: ContactReported) -> Case:
    if event in case.reports:
        return case
    case = _with(case, reports=(*case.reports, event)[-_REPORTS_KEPT:])
    note = StepNote(at=event.at, outcome=event.outcome, attempt_id=event.attempt_id, channel=event.channel)
    own = next((key for key, s in case.steps.items() if event.attempt_id and s.attempt_id == event.attempt_id), None)
    if own is not None:
        if case.steps[own].outcome == event.outcome:
            return case
        case = _with(case, steps={**case.steps, own: note.model_copy(update={"at": case.steps[own].at})})
    return _heard(case, note) if event.party == "borrower" else case


def _promise(case: Case, event: PromiseMade) -> Case:
    """A promise that stands already in the same words is the same one; after it was kept or broken the same words are another."""
    same = (p for p in case.promises if (p.amount, p.due_on) == (event.amount, event.due_on))
    if any(p.judged_at is None or p.made_at == event.at for p in same):
        return case
    promise = Promise(
        made_at=event.at,
        amount=event.amount,
        due_on=event.due_on,
        paid_before=paid(case),
        stops_ladder=promises_broken(case) < case.strategy.promises.most_broken,
    )
    return _void_requests(_with(case, promises=(*case.promises, promise), failures_in_a_row=0), "the borrower promised to pay")


def _plan(case: Case, event: PlanAgreed) -> Case:
    """A plan that stands already with the same instalments is the same one; once it was replaced or broken the same instalments are another."""
    last = case.plan
    if last and (last.agreed_at == event.at or (last.broken_at is None and last.instalments == event.instalments)):
        return case
    plan = Plan(agreed_at=event.at, instalments=event.instalments, paid_before=paid(case))
    return _void_requests(_with(case, plan=plan), "a repayment plan was agreed")


def _hold_placed(case: Case, event: HoldPlaced) -> Case:
    """A hold placed again while it stands overlaps itself: the later end counts, and days count once."""
    if any(h.reason == event.reason and h.since == event.at for h in case.holds):
        return case
    return _with(case, holds=(*case.holds, Pause(reason=event.reason, since=event.at, until=event.until)))


def _approval(case: Case, event: ApprovalAsked | ApprovalReminded | ApprovalDecided | ApprovalExpired | ApprovalRetracted) -> Case:
    known = next((r for r in case.requests if r.approval_id == event.approval_id), None)
    if isinstance(event, ApprovalAsked):
        if known is not None:
            return case
        request = Request(
            approval_id=event.approval_id, step=event.step, people=event.people, remind_at=event.remind_at, deadline=event.deadline
        )
        return _with(case, requests=(*case.requests, request))
    if known is None:
        return case
    match event:
        case ApprovalReminded():
            return _request(case, known, reminded=True)
        case ApprovalRetracted():
            return _request(case, known, retracted=True, state="void" if known.state == "open" else known.state)
        case _ if known.state != "open":
            return case
        case ApprovalDecided(decision="approve"):
            return _request(case, known, state="approved")
        case ApprovalDecided():
            denied = StepTaken(at=event.at, step=known.step, outcome=Outcome.SKIPPED, why="approval was denied")
            return _step_taken(_request(case, known, state="denied"), denied)
        case ApprovalExpired():
            return _request(case, known, state="expired")


def _request(case: Case, request: Request, **changes: object) -> Case:
    changed = request.model_copy(update=changes)
    return _with(case, requests=tuple(changed if r is request else r for r in case.requests))
