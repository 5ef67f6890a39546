"""From what the ledger knows to the page that was asked for."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import ONE_DAY, local_date, local_instant
from arrears.ledger.search.asked import CursorRefused, Found, FoundCase, Query, Sort, Waiting
from arrears.ledger.search.money import Owed, amount_of
from arrears.ledger.search.reading import Candidate, Known, read
from arrears.ledger.stages import Standing, Tracks, stage

_NOTHING, _QUIET = Owed(), Standing()
_CLIMBING = (Waiting.LADDER,)

_Key = tuple[int, str, int, str]
"""What an answer is sorted by; it ends with the case's id, so that no two are the same."""

_CURSOR: TypeAdapter[tuple[Sort, _Key]] = TypeAdapter(tuple[Sort, _Key])


async def find(
    session: AsyncSession, query: Query, now: datetime, tracks: Mapping[str, Tracks], *, most: int = 50, after: str | None = None
) -> Found:
    """The cases that fit, ``most`` at a time; ``after`` is the ``next`` of the page before. ``tracks`` are those of the strategies, by name.

    Raises ``CursorRefused``.
    """
    start = None if after is None else _position(after, query.sort)
    known = await read(session, query, now)
    wanted = ((_key(seen, query.sort, now), seen) for seen in _seen(known, tracks) if _fits(seen, query))
    fitting = sorted(wanted, key=itemgetter(0))
    rest = fitting if start is None else [found for found in fitting if found[0] > start]
    page = rest[:most]
    return Found(
        cases=tuple(_shown(seen, known) for _, seen in page),
        total=len(fitting),
        owed=_together(seen for _, seen in fitting),
        next=_cursor(query.sort, page[-1][0]) if len(rest) > most else None,
    )


class _Seen(NamedTuple):
    """A case with what decides whether it fits, and where it stands in the answer."""

    case: Candidate
    standing: Standing
    stage: str
    owed: Owed
    days: int
    waiting: tuple[Waiting, ...]
    until: datetime | None


def _seen(known: Known, tracks: Mapping[str, Tracks]) -> Iterator[_Seen]:
    for case in known.candidates:
        standing = known.standing.get(case.case_id, _QUIET) if case.outcome is None else Standing(outcome=case.outcome)
        owed = known.owed.get(case.loan_id, _NOTHING)
        waiting, until = _waits(case, standing, known)
        days = (known.today[case.zone] - owed.since).days if owed.since else 0
        yield _Seen(case, standing, stage(standing, tracks.get(case.strategy, ())), owed, days, waiting, until)


def _shown(seen: _Seen, known: Known) -> FoundCase:
    case, placed = seen.case, known.placed.get(seen.case.case_id)
    return FoundCase(
        loan_id=case.loan_id,
        case_id=case.case_id,
        borrower_id=case.borrower_id,
        stage=seen.stage,
        strategy=case.strategy,
        strategy_version=case.strategy_version,
        owed=amount_of(seen.owed.units),
        currency=case.currency,
        days_past_due=seen.days,
        due_since=seen.owed.since,
        holds=seen.standing.holds,
        agency=placed.agency if placed else None,
        owners=tuple(sorted({task.assignee for task in known.tasks.get(case.case_id, ()) if task.assignee})),
        waiting=seen.waiting,
        waits_until=seen.until,
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


def _fits(seen: _Seen, query: Query) -> bool:
    """What the database could not decide."""
    case = seen.case
    return (
        query.stage in (None, seen.stage)
        and (query.waiting is None or query.waiting in seen.waiting)
        and _within(seen.days, query.days_from, query.days_to)
        and _within(seen.owed.units, *query.owed_units)
        and _on_a_day(case.opened_at, query.opened_from, query.opened_to, seen.case.zone)
        and _on_a_day(case.closed_at, query.closed_from, query.closed_to, seen.case.zone)
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


def _key(seen: _Seen, sort: Sort, now: datetime) -> _Key:
    id, days, amount = seen.case.case_id, -seen.days, -seen.owed.units
    match sort:
        case Sort.URGENT:
            return (*_pressing(seen, now), days, id)
        case Sort.DAYS:
            return (days, "", amount, id)
        case Sort.AMOUNT:
            return (0, seen.case.currency, amount, id)
        case Sort.OPENED:
            return (0, "", -int(seen.case.opened_at.timestamp() * 1000), id)


def _pressing(seen: _Seen, now: datetime) -> tuple[int, str]:
    """How soon a human is wanted: to decide, to do a task, to look after a promise whose day is here; then whoever is past due; then the rest."""
    until = seen.until
    match seen.waiting:
        case (Waiting.DECISION, *_):
            return 0, until.isoformat() if until else ""
        case (Waiting.TASK, *_):
            return 1, ""
        case (Waiting.PROMISE, *_) if until is not None and until - ONE_DAY <= now:
            return 2, until.isoformat()
        case (Waiting.LADDER | Waiting.PROMISE | Waiting.AGENCY, *_):
            return 3, ""
        case _:
            return 4, ""


def _together(cases: Iterable[_Seen]) -> dict[str, Decimal]:
    sums: defaultdict[str, int] = defaultdict(int)
    for seen in cases:
        sums[seen.case.currency] += seen.owed.units
    return {currency: amount_of(units) for currency, units in sorted(sums.items())}


def _cursor(sort: Sort, key: _Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, key], ensure_ascii=False, separators=(",", ":")).encode()).decode().rstrip("=")


def _position(cursor: str, sort: Sort) -> _Key:
    try:
        given, key = _CURSOR.validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise CursorRefused("the cursor is not one that a page gave; begin with the first page") from None
    if given is not sort:
        raise CursorRefused("the cursor belongs to another order; begin with the first page")
    return key
