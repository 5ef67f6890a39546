"""A case as a value, and what can be read off it.

``Case`` holds what decides the next move; the ledger holds what happened. It is handed on whole when the workflow continues as new.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from arrears.domain.attitude import Attitude, attitude
from arrears.domain.calendar import ONE_DAY, LadderCalendar, Pause
from arrears.domain.events import ContactReported, Ending, MessageIgnored, OpeningFacts
from arrears.domain.loan import Arrears, Instalment, Payment, arrears_on
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
    return Case(facts=facts, strategy=strategy, calendar=calendar, holds=held)


def paid(case: Case) -> Decimal:
    """All that was paid since the opening."""
    return sum((p.amount for p in case.payments), Decimal(0))


def arrears(case: Case, now: datetime) -> Arrears:
    """What is overdue on the borrower's day of ``now``."""
    return arrears_on(case.calendar.day_of(now), case.facts.instalments, paid(case))


def is_cured(case: Case, now: datetime) -> bool:
    """Whether nothing is overdue and nothing falls due today."""
    return not arrears_on(case.calendar.day_of(now) + ONE_DAY, case.facts.instalments, paid(case)).amount


def days_past_due(case: Case, now: datetime) -> int:
    """Days since the oldest unpaid instalment fell due; never stops until cured, 0 when nothing is overdue."""
    since = arrears(case, now).due_since
    return max((case.calendar.day_of(now) - since).days, 0) if since else 0


def ladder_zero(case: Case) -> date:
    """The local day on which the ordinary ladder counts 0: it moves on when a payment settles the oldest instalment."""
    since = arrears_on(date.max, case.facts.instalments, paid(case)).due_since
    return (since or case.calendar.day_of(case.facts.opened_at)) + ONE_DAY * case.strategy.day_zero


def entry_day(case: Case) -> int:
    """The ladder day on which the case was opened: rungs of earlier days belong to the time before the case and are never taken."""
    first_due = min((i.due_on for i in case.facts.instalments), default=None)
    opened_on = case.calendar.day_of(case.facts.opened_at)
    return 0 if first_due is None else (opened_on - first_due).days - case.strategy.day_zero


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
    """The instant from which money that was promised or planned for a day counts as not paid."""
    return case.calendar.instant(due_on + ONE_DAY * (case.strategy.promises.grace_days + 1), _MIDNIGHT)


def plan_in_force(case: Case) -> Plan | None:
    return case.plan if case.plan and case.plan.broken_at is None else None


def pauses(case: Case) -> tuple[Pause, ...]:
    """Everything that makes the ladder's count stand still, past and present."""
    promised = tuple(
        Pause(reason="promise", since=p.made_at, until=p.judged_at or grace_ends(case, p.due_on)) for p in case.promises if p.stops_ladder
    )
    planned = (Pause(reason="plan", since=case.plan.agreed_at, until=case.plan.broken_at),) if case.plan else ()
    return case.holds + case.quiet + promised + planned


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
