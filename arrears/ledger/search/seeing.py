"""A case as a search sees it: with what decides whether it fits, and where it stands in an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import NamedTuple

from arrears.domain.calendar import ONE_DAY, local_date, local_instant
from arrears.ledger.search.asked import FoundCase, Query, Sort, Waiting
from arrears.ledger.search.money import Owed, amount_of
from arrears.ledger.search.reading import Candidate, Known
from arrears.ledger.stages import Standing, Tracks, stage

_NOTHING, _QUIET = Owed(), Standing()
_CLIMBING = (Waiting.LADDER,)

Key = tuple[int, str, int, str]
"""What an answer is sorted by; it ends with the case's id, so that no two are the same."""


class Seen(NamedTuple):
    """A case with all that is known of it. ``until`` is when the most pressing of what it waits for is over or due."""

    case: Candidate
    standing: Standing
    stage: str
    owed: Owed
    days: int
    waiting: tuple[Waiting, ...]
    until: datetime | None
    agency: str | None
    owners: tuple[str, ...]

    @property
    def urgent_at(self) -> datetime | None:
        """When a promise that it waits for becomes urgent: as its day begins."""
        return self.until - ONE_DAY if self.until is not None and self.waiting[:1] == (Waiting.PROMISE,) else None


def seen(known: Known, tracks: Mapping[str, Tracks]) -> Iterator[Seen]:
    """The cases of which something is known. ``tracks`` are those of the strategies, by name."""
    for case in known.candidates:
        standing = known.standing.get(case.case_id, _QUIET) if case.outcome is None else Standing(outcome=case.outcome)
        owed = known.owed.get(case.loan_id, _NOTHING)
        waiting, until = _waits(case, standing, known)
        days = (known.today[case.zone] - owed.since).days if owed.since else 0
        placed = known.placed.get(case.case_id)
        owners = tuple(sorted({task.assignee for task in known.tasks.get(case.case_id, ()) if task.assignee}))
        named = stage(standing, tracks.get(case.strategy, ()))
        yield Seen(case, standing, named, owed, days, waiting, until, placed.agency if placed else None, owners)


def shown(one: Seen) -> FoundCase:
    """The case as lists show it."""
    case = one.case
    return FoundCase(
        loan_id=case.loan_id,
        case_id=case.case_id,
        borrower_id=case.borrower_id,
        stage=one.stage,
        strategy=case.strategy,
        strategy_version=case.strategy_version,
        owed=amount_of(one.owed.units),
        currency=case.currency,
        days_past_due=one.days,
        due_since=one.owed.since,
        holds=one.standing.holds,
        agency=one.agency,
        owners=one.owners,
        waiting=one.waiting,
        waits_until=one.until,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        outcome=case.outcome,
        zone=case.zone,
    )


def _waits(case: Candidate, standing: Standing, known: Known) -> tuple[tuple[Waiting, ...], datetime | None]:
    """What a case waits for, the most pressing first, and until when that may last."""
    if case.closed_at is not None:
        return (), None
    if standing is _QUIET and case.case_id not in known.tasks:
        return _CLIMBING, None
    found: list[tuple[Waiting, datetime | None]] = []
    if standing.approval_open:
        found.append((Waiting.DECISION, known.deadline.get(case.case_id)))
    if case.case_id in known.tasks:
        found.append((Waiting.TASK, None))
    if standing.holds:
        found.append((Waiting.HOLD, None))
    if standing.on_plan:
        found.append((Waiting.PLAN, None))
    if standing.promised_for is not None:
        found.append((Waiting.PROMISE, local_instant(standing.promised_for + ONE_DAY, time(0), case.zone)))
    if placed := known.placed.get(case.case_id):
        found.append((Waiting.AGENCY, placed.until))
    if not found or found == [(Waiting.TASK, None)]:
        found.append((Waiting.LADDER, None))
    return tuple(what for what, _ in found), found[0][1]


def fits(one: Seen, query: Query) -> bool:
    """Whether a case is wanted, as far as it can be told from it alone."""
    case = one.case
    return (
        query.stage in (None, one.stage)
        and query.strategy in (None, case.strategy)
        and query.currency in (None, case.currency)
        and (query.waiting is None or query.waiting in one.waiting)
        and _within(one.days, query.days_from, query.days_to)
        and _within(one.owed.units, *query.owed_units)
        and _on_a_day(case.opened_at, query.opened_from, query.opened_to, case.zone)
        and _on_a_day(case.closed_at, query.closed_from, query.closed_to, case.zone)
    )


def _within(value: int, first: int | None, last: int | None) -> bool:
    return (first is None or value >= first) and (last is None or value <= last)


def _on_a_day(instant: datetime | None, first: date | None, last: date | None, zone: str) -> bool:
    if first is None and last is None:
        return True
    if instant is None:
        return False
    day = local_date(instant, zone)
    return (first is None or day >= first) and (last is None or day <= last)


def key(one: Seen, sort: Sort, now: datetime) -> Key:
    """Its place in an order."""
    id, days, amount = one.case.case_id, -one.days, -one.owed.units
    match sort:
        case Sort.URGENT:
            return (*_pressing(one, now), days, id)
        case Sort.DAYS:
            return (days, "", amount, id)
        case Sort.AMOUNT:
            return (0, one.case.currency, amount, id)
        case Sort.OPENED:
            return (0, "", -int(one.case.opened_at.timestamp() * 1000), id)


def _pressing(one: Seen, now: datetime) -> tuple[int, str]:
    """How soon a human is wanted: to decide, to do a task, to look after a promise whose day is here; then whoever is past due; then the rest."""
    until = one.until
    match one.waiting:
        case (Waiting.DECISION, *_):
            return 0, until.isoformat() if until else ""
        case (Waiting.TASK, *_):
            return 1, ""
        case (Waiting.PROMISE, *_) if one.urgent_at is not None and one.urgent_at <= now:
            return 2, until.isoformat() if until else ""
        case (Waiting.LADDER | Waiting.PROMISE | Waiting.AGENCY, *_):
            return 3, ""
        case _:
            return 4, ""
