"""When each remaining step of a case falls due: the ladder laid over the calendar, the pauses and what has happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby

from arrears.domain.calendar import ONE_DAY, Pause
from arrears.domain.case import Case, entry_day, ladder_zero, open_request, pauses, track_in_force
from arrears.domain.outcome import NOT_MADE
from arrears.domain.strategy import ContactRung, RelativesRung, Rung, Step, steps


@dataclass(frozen=True)
class Due:
    """A remaining step with the instant from which it may be taken; ``None`` while an open-ended pause stands before it."""

    step: Step
    rung: Rung
    at: datetime | None


@dataclass(frozen=True)
class Ladder:
    """The ladder that the case is on: the ordinary one, or a track's."""

    name: str
    rungs: tuple[Rung, ...]
    zero: date
    entry_day: int
    pauses: tuple[Pause, ...]


def ladder_of(case: Case, now: datetime) -> Ladder:
    """The ladder in force. A track counts its days from its hold; that hold does not pause it, every other pause does."""
    track = track_in_force(case, now)
    if track is None:
        return Ladder("", case.strategy.ladder, ladder_zero(case), entry_day(case), pauses(case))
    found, hold = track
    others = tuple(p for p in pauses(case) if p.reason not in {t.while_held_for for t in case.strategy.tracks})
    return Ladder(found.track, found.ladder, case.calendar.day_of(hold.since), 0, others)


def ladder_day(case: Case, now: datetime) -> int:
    """The day that the ladder in force shows on the borrower's day of ``now``."""
    ladder = ladder_of(case, now)
    return case.calendar.ladder_day(ladder.zero, ladder.pauses, case.calendar.day_of(now))


def agenda(case: Case, now: datetime) -> tuple[Due, ...]:
    """The remaining steps, the next one first.

    The contacts of two ladder days never fall on the same day of the borrower's: a case that is late works off one ladder day a day, so a worker
    that was down for a week does not make a borrower's phone ring for a week in an hour.
    """
    ladder = ladder_of(case, now)
    rungs = {rung.rung: rung for rung in ladder.rungs}
    today = case.calendar.day_of(now)
    request = open_request(case)
    remaining: list[Due] = []
    earliest = date.min
    for day, group in groupby(_from_entry(case, ladder), key=lambda step: step.day):
        in_group = tuple(group)
        planned = case.calendar.date_of(day, ladder.zero, ladder.pauses)
        planned = None if planned is None else max(_open_day(case, planned), earliest)
        waiting: dict[str, datetime | None] = {}
        for step in in_group:
            if step.key not in case.steps:
                due = _due(case, ladder, step, rungs[step.rung], planned, waiting, now)
                waiting[step.rung] = due
                remaining.append(Due(step, rungs[step.rung], due))
        busy = [case.calendar.day_of(case.steps[s.key].at) for s in in_group if _touched(case, s, rungs[s.rung])]
        awaited = {request.step} if request else set[str]()
        untouched = [s for s in in_group if s.key not in case.steps and s.key not in case.deferred and s.key not in awaited]
        if planned is not None and any(isinstance(rungs[s.rung], ContactRung) for s in untouched):
            busy.append(max(planned, today))
        if busy:
            earliest = max(earliest, max(busy) + ONE_DAY)
    return tuple(sorted(remaining, key=lambda d: (d.at is None, d.at or now)))


def _from_entry(case: Case, ladder: Ladder) -> Iterator[Step]:
    return (step for step in steps(ladder.rungs, case.facts.loan_id) if step.day >= ladder.entry_day)


def _open_day(case: Case, day: date) -> date:
    return case.calendar.open_day(day) if case.strategy.rest_days == "skip" else day


def _touched(case: Case, step: Step, rung: Rung) -> bool:
    note = case.steps.get(step.key)
    return isinstance(rung, ContactRung | RelativesRung) and note is not None and note.outcome not in NOT_MADE


def _due(
    case: Case, ladder: Ladder, step: Step, rung: Rung, planned: date | None, waiting: dict[str, datetime | None], now: datetime
) -> datetime | None:
    if planned is None:
        return None
    first = case.calendar.instant(planned, step.at)
    if step.key in case.deferred:
        first = max(first, case.deferred[step.key].until)
    due = _after_pauses(case, ladder.pauses, first, step.at, now)
    after = rung.only_if.not_reached_by
    if after in waiting and due is not None:
        awaited = waiting[after]
        due = None if awaited is None else max(due, awaited)
    return due


def _after_pauses(case: Case, standing: Iterable[Pause], due: datetime, at: time, now: datetime) -> datetime | None:
    """``due`` moved behind every pause that covers it or has begun since, to the step's own time of day: the step was not made, so it waits too."""
    standing = tuple(p for p in standing if p.since <= max(due, now))
    while covering := [p for p in standing if p.until is None or p.until > due]:
        ends = [p.until for p in covering]
        if None in ends:
            return None
        resume = max(e for e in ends if e is not None)
        due = case.calendar.instant(case.calendar.day_of(resume), at)
        if due < resume:
            due = case.calendar.instant(case.calendar.day_of(resume) + ONE_DAY, at)
    return due
