"""A case's ladder as people look at it: what was done, what was passed over and why, what comes next, what is planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from arrears.domain.agenda import agenda, ladder_day, ladder_of
from arrears.domain.apply import apply
from arrears.domain.calendar import ONE_DAY
from arrears.domain.case import Case, StepNote
from arrears.domain.events import StepTaken
from arrears.domain.moves import Note
from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.domain.planner import next_move
from arrears.domain.strategy import ContactRung, ReferralRung, RelativesRung, Rung, Step, TaskRung, steps
from arrears.workflows import view
from arrears.workflows.contract import CaseView

_SHOWN_BEHIND, _SHOWN_AHEAD = 8, 6
_A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True)
class Rail:
    """One step of the ladder. ``at`` is when it was taken, or from when it may be; none: it waits for something without a date."""

    key: str
    day: int
    state: Literal["done", "skipped", "refused", "next", "waiting", "planned"]
    at: datetime | None
    does: str
    about: str
    needs_approval: bool
    outcome: str | None = None
    why: str | None = None
    rules: tuple[str, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True)
class LadderNow:
    """The ladder in force, oldest step first; of what is behind and ahead only the closest is shown at once."""

    track: str
    day: int
    behind: tuple[Rail, ...]
    ahead: tuple[Rail, ...]

    @property
    def earlier(self) -> tuple[Rail, ...]:
        return self.behind[:-_SHOWN_BEHIND]

    @property
    def lately(self) -> tuple[Rail, ...]:
        return self.behind[-_SHOWN_BEHIND:]

    @property
    def soon(self) -> tuple[Rail, ...]:
        return self.ahead[:_SHOWN_AHEAD]

    @property
    def later(self) -> tuple[Rail, ...]:
        return self.ahead[_SHOWN_AHEAD:]


def ladder(case: Case, now: datetime, *, over: bool = False) -> LadderNow:
    """The ladder of a case at an instant; nothing lies ahead of one that is ``over``."""
    on = ladder_of(case, now)
    rungs = {rung.rung: rung for rung in case.strategy.rungs()}
    days = {
        step.key: step.day
        for of in (case.strategy.ladder, *(t.ladder for t in case.strategy.tracks))
        for step in steps(of, case.facts.loan_id)
    }
    runs = case.outcome is None and not over
    if runs:
        case = _caught_up(case, now)
    taken = sorted(case.steps.items(), key=lambda item: item[1].at)
    behind = tuple(
        _taken(key, note, rungs[_rung_of(key)], days.get(key.partition("/")[0], 0)) for key, note in taken if _rung_of(key) in rungs
    )
    ahead: list[Rail] = []
    if runs:
        for due in agenda(case, now):
            ahead.append(_due(case, due.step, due.rung, due.at, first=not ahead))
    return LadderNow(on.name, ladder_day(case, now), behind, tuple(ahead))


def _caught_up(case: Case, now: datetime) -> Case:
    """The case with the steps that time has passed over, each at the instant for which it was planned: these are written down only on an occasion.

    Out of the lender's hours a case takes no step, nor does it pass over one, so it is looked at as it was when they ended.
    """
    now = _in_hours(case, now)
    planned = {due.step.key: due.at for due in agenda(case, now) if due.at is not None and due.at <= now}
    while isinstance(move := next_move(case, now), Note) and isinstance(note := move.event, StepTaken):
        case = apply(case, note.model_copy(update={"at": planned.get(note.step, now)}))
    return case


def _in_hours(case: Case, now: datetime) -> datetime:
    """The latest instant that lies within the lender's hours."""
    window, calendar = case.strategy.window, case.calendar
    if window.contains(now, calendar.zone):
        return now
    ends = (calendar.instant(calendar.day_of(now) - ONE_DAY * n, window.end) for n in (0, 1))
    return next(end for end in ends if end <= now) - _A_MOMENT


def described(case: Case, now: datetime) -> CaseView:
    """What the case would say of itself, as far as the ledger tells."""
    return view.describe(case, next_move(case, now), now)


def _rung_of(key: str) -> str:
    return key.partition("/")[0].rpartition(".")[0]


def _taken(key: str, note: StepNote, rung: Rung, day: int) -> Rail:
    match note.outcome:
        case Outcome.DENIED:
            state = "refused"
        case outcome if outcome in NOT_MADE:
            state = "skipped"
        case _:
            state = "done"
    does, about = _words(rung)
    return Rail(key, day, state, note.at, does, about, _asks(rung), note.outcome, note.why, note.rules)


def _due(case: Case, step: Step, rung: Rung, at: datetime | None, *, first: bool) -> Rail:
    deferral = case.deferred.get(step.key)
    asked = next((r for r in case.requests if r.state == "open" and r.step == step.key), None)
    does, about = _words(rung)
    state = "next" if first and at is not None else "waiting" if at is None else "planned"
    return Rail(
        step.key,
        step.day,
        state,
        at,
        does,
        about,
        _asks(rung),
        rules=deferral.rules if deferral else (),
        until=asked.deadline if asked else deferral.until if deferral else None,
    )


def _words(rung: Rung) -> tuple[str, str]:
    """What a rung does, as a code, and the code of what it is about."""
    match rung:
        case ContactRung():
            return rung.do, rung.message
        case RelativesRung():
            return "relatives", rung.message
        case TaskRung():
            return "task", rung.task
        case ReferralRung():
            return "refer", rung.agency or rung.to


def _asks(rung: Rung) -> bool:
    return isinstance(rung, RelativesRung | ReferralRung) and rung.approval is not None
