"""A case as a value, and what can be read off it.

``Case`` holds what decides the next move; the ledger holds what happened. It is handed on whole when the workflow continues as new.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from arrears.domain.attitude import Attitude, attitude
from arrears.domain.calendar import ONE_DAY, LadderCalendar, Pause
from arrears.domain.events import ContactReported, Ending, MessageIgnored, OpeningFacts
from arrears.domain.loan import Arrears, Instalment, Payment, TakenBack, arrears_on, times_covered
from arrears.domain.outcome import LOST_AFTER_FAILURES, Outcome
from arrears.domain.strategy import Channel, Strategy, Track

_MIDNIGHT = time(0)


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True)


class StepNote(_Note):
    """What became of a step."""

    at: AwareDatetime
    outcome: Outcome
    attempt_id: str | None = None
    channel: Channel | None = None
    rules: tuple[str, ...] = ()
    why: str | None = None


class Deferral(_Note):
    until: AwareDatetime
    rules: tuple[str, ...] = ()


class Promise(_Note):
    """``paid_before`` is all that had been paid in this case when the promise was made."""

    made_at: AwareDatetime
    amount: Decimal
    due_on: date
    paid_before: Decimal
    stops_ladder: bool
    judged_at: AwareDatetime | None = None
    kept: bool | None = None


class Plan(_Note):
    agreed_at: AwareDatetime
    instalments: tuple[Instalment, ...]
    paid_before: Decimal
    broken_at: AwareDatetime | None = None


class Request(_Note):
    """A request for approval. ``void`` is a request or grant that events have overtaken; ``retracted`` once the ledger knows it."""

    approval_id: str
    step: str
    people: tuple[str, ...]
    remind_at: AwareDatetime
    deadline: AwareDatetime
    reminded: bool = False
    state: Literal["open", "approved", "denied", "expired", "void"] = "open"
    void_why: str | None = None
    retracted: bool = False


class Placement(_Note):
    placement_id: str
    agency: str
    until: AwareDatetime
    recalled_at: AwareDatetime | None = None


class Case(_Note):
    """Everything that decides the next move, and nothing else."""

    facts: OpeningFacts
    strategy: Strategy
    calendar: LadderCalendar
    steps: dict[str, StepNote] = {}
    deferred: dict[str, Deferral] = {}
    payments: tuple[Payment, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    holds: tuple[Pause, ...] = ()
    quiet: tuple[Pause, ...] = ()
    promises: tuple[Promise, ...] = ()
    plan: Plan | None = None
    requests: tuple[Request, ...] = ()
    answers: tuple[StepNote, ...] = ()
    reports: tuple[ContactReported, ...] = ()
    failures_in_a_row: int = 0
    placements: tuple[Placement, ...] = ()
    withdrawn: str | None = None
    ignored: tuple[MessageIgnored, ...] = ()
    outcome: Ending | None = None
    closed_at: AwareDatetime | None = None


def open_case(facts: OpeningFacts, strategy: Strategy, calendar: LadderCalendar) -> Case:
    """The case as it starts; a hold that stood before is in force from the opening."""
    held = (Pause(reason=facts.held_for, since=facts.opened_at),) if facts.held_for else ()
    return Case(facts=facts, strategy=strategy, calendar=calendar, holds=held, taken_back=facts.taken_back)


def paid(case: Case) -> Decimal:
    """All that was paid since the opening, without what was taken back."""
    return sum((p.amount for p in case.payments), Decimal(0))


def arrears(case: Case, now: datetime) -> Arrears:
    """What is overdue on the borrower's day of ``now``."""
    return _arrears(case, case.calendar.day_of(now))


def is_cured(case: Case, now: datetime) -> bool:
    """Whether nothing is overdue and nothing falls due today."""
    return not _arrears(case, case.calendar.day_of(now) + ONE_DAY).amount


def _arrears(case: Case, on: date) -> Arrears:
    return arrears_on(on, _instalments(case), sum((p.amount for p in counted(case)), paid(case)))


def _instalments(case: Case) -> tuple[Instalment, ...]:
    """What was due before any payment; an instalment that was paid in part stands in two parts."""
    return case.facts.settled + case.facts.instalments


def counted(case: Case) -> tuple[Payment, ...]:
    """The payments that were counted at the opening and still count."""
    gone = {t.payment.payment_id for t in case.taken_back}
    return tuple(p for p in case.facts.counted if p.payment_id not in gone)


def days_past_due(case: Case, now: datetime) -> int:
    """Days since the oldest unpaid instalment fell due; never stops until cured, 0 when nothing is overdue."""
    since = arrears(case, now).due_since
    return max((case.calendar.day_of(now) - since).days, 0) if since else 0


def ladder_zero(case: Case) -> date:
    """The local day on which the ordinary ladder counts 0: it moves on when a payment settles the oldest instalment."""
    since = _arrears(case, date.max).due_since
    return (since or case.calendar.day_of(case.facts.opened_at)) + ONE_DAY * case.strategy.day_zero


def entry_day(case: Case) -> int:
    """The ladder day on which the case was opened: rungs of earlier days belong to the time before the case and are never taken."""
    before = counted(case)
    first_due = arrears_on(date.max, _instalments(case), sum((p.amount for p in before), Decimal(0))).due_since
    if first_due is None:
        return 0
    opened_on, zero = case.calendar.day_of(case.facts.opened_at), first_due + ONE_DAY * case.strategy.day_zero
    return case.calendar.ladder_day(zero, _while_paid(case, first_due, before), opened_on)


def _while_paid(case: Case, due_on: date, payments: Iterable[Payment]) -> tuple[Pause, ...]:
    """The times in which an instalment that is unpaid again was paid: they are no days of the ladder, so that it goes on where it stood."""
    if not case.taken_back:
        return ()
    owed = sum((i.amount for i in _instalments(case) if i.due_on <= due_on), Decimal(0))
    return tuple(Pause(reason="payment", since=since, until=until) for since, until in times_covered(owed, payments, case.taken_back))


def standing_holds(case: Case, now: datetime) -> tuple[Pause, ...]:
    return tuple(h for h in case.holds if h.in_force(now))


def track_in_force(case: Case, now: datetime) -> tuple[Track, Pause] | None:
    """The track that a standing hold puts the case on, with that hold; the strategy's later track wins."""
    holds = standing_holds(case, now)
    found = [(track, hold) for track in case.strategy.tracks for hold in holds if hold.reason == track.while_held_for]
    return found[-1] if found else None


def pending_promise(case: Case) -> Promise | None:
    """The latest promise that has not been judged yet."""
    return next((p for p in reversed(case.promises) if p.judged_at is None), None)


def grace_ends(case: Case, due_on: date) -> datetime:
    """The instant from which money that was promised or planned for a day counts as not paid; what was taken back may be paid again as long."""
    latest = max((due_on, *(case.calendar.day_of(t.at) for t in case.taken_back)))
    return case.calendar.instant(latest + ONE_DAY * (case.strategy.promises.grace_days + 1), _MIDNIGHT)


def plan_in_force(case: Case) -> Plan | None:
    return case.plan if case.plan and case.plan.broken_at is None else None


def pauses(case: Case) -> tuple[Pause, ...]:
    """Everything that makes the ladder's count stand still, past and present."""
    promised = tuple(
        Pause(reason="promise", since=p.made_at, until=p.judged_at or grace_ends(case, p.due_on)) for p in case.promises if p.stops_ladder
    )
    planned = (Pause(reason="plan", since=case.plan.agreed_at, until=case.plan.broken_at),) if case.plan else ()
    since = _arrears(case, date.max).due_since
    paid_for_a_time = _while_paid(case, since, (*counted(case), *case.payments)) if since else ()
    return case.holds + case.quiet + promised + planned + paid_for_a_time


def promises_broken(case: Case) -> int:
    return sum(p.kept is False for p in case.promises)


def attitude_of(case: Case) -> Attitude:
    last_answer = case.answers[-1].at if case.answers else None
    return attitude(
        [a.outcome for a in case.answers],
        promises_broken=promises_broken(case),
        paid_since_last_answer=last_answer is not None and any(p.received_at > last_answer for p in case.payments),
    )


def contact_lost(case: Case) -> bool:
    """Whether the last attempts to reach the borrower all failed (CN-11); any answer or payment starts the count anew."""
    return case.failures_in_a_row >= LOST_AFTER_FAILURES


def placement(case: Case) -> Placement | None:
    """Where the case is placed now."""
    return next((p for p in case.placements if p.recalled_at is None), None)


def open_request(case: Case) -> Request | None:
    return next((r for r in case.requests if r.state == "open"), None)
