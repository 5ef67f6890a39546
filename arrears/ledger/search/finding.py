"""From what the ledger knows to the page that was asked for."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from operator import itemgetter

from pydantic import TypeAdapter
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import ONE_DAY, local_date, local_instant
from arrears.domain.loan import Arrears
from arrears.ledger.search.asked import CursorRefused, Found, FoundCase, Query, Sort, Waiting
from arrears.ledger.search.reading import Candidate, Known, read
from arrears.ledger.stages import Standing, Tracks, stage

_NOTHING = Arrears(amount=Decimal(0), due_since=None)
_UNITS = 10_000

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
    wanted = ((_key(case, query.sort, now), case) for case in _described(known, now, tracks) if _fits(case, query))
    fitting = sorted(wanted, key=itemgetter(0))
    rest = fitting if start is None else [found for found in fitting if found[0] > start]
    page = rest[:most]
    return Found(
        cases=tuple(case for _, case in page),
        total=len(fitting),
        owed=_together(case for _, case in fitting),
        next=_cursor(query.sort, page[-1][0]) if len(rest) > most else None,
    )


def _described(known: Known, now: datetime, tracks: Mapping[str, Tracks]) -> Iterator[FoundCase]:
    today: dict[str, date] = {}
    for case in known.candidates:
        zone = case.zone or "UTC"
        day = today.setdefault(zone, local_date(now, zone))
        standing = Standing(outcome=case.outcome) if case.outcome else known.standing.get(case.case_id, Standing())
        arrears = known.arrears.get(case.loan_id, _NOTHING)
        waiting, until = _waits(case, standing, known, zone)
        placed = known.placed.get(case.case_id)
        yield FoundCase(
            loan_id=case.loan_id,
            case_id=case.case_id,
            borrower_id=case.borrower_id,
            stage=stage(standing, tracks.get(case.strategy, ())),
            strategy=case.strategy,
            strategy_version=case.strategy_version,
            owed=arrears.amount,
            currency=case.currency,
            days_past_due=max((day - arrears.due_since).days, 0) if arrears.due_since else 0,
            due_since=arrears.due_since,
            holds=standing.holds,
            agency=placed.agency if placed else None,
            owners=tuple(sorted({task.assignee for task in known.tasks.get(case.case_id, ()) if task.assignee})),
            waiting=waiting,
            waits_until=until,
            opened_at=case.opened_at,
            closed_at=case.closed_at,
            outcome=case.outcome,
            zone=zone,
        )


def _waits(case: Candidate, standing: Standing, known: Known, zone: str) -> tuple[tuple[Waiting, ...], datetime | None]:
    """What a case waits for, the most pressing first, and until when that may last."""
    if case.closed_at is not None:
        return (), None
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
        found.append((Waiting.PROMISE, local_instant(standing.promised_for + ONE_DAY, time(0), zone)))
    if placed := known.placed.get(case.case_id):
        found.append((Waiting.AGENCY, placed.until))
    if not found or found == [(Waiting.TASK, None)]:
        found.append((Waiting.LADDER, None))
    return tuple(what for what, _ in found), found[0][1]


def _fits(case: FoundCase, query: Query) -> bool:
    """What the database could not decide."""
    return (
        query.stage in (None, case.stage)
        and (query.waiting is None or query.waiting in case.waiting)
        and _within(case.days_past_due, query.days_from, query.days_to)
        and _within(case.owed, query.owed_from, query.owed_to)
        and _on_a_day(case.opened_at, query.opened_from, query.opened_to, case.zone)
        and _on_a_day(case.closed_at, query.closed_from, query.closed_to, case.zone)
    )


def _within(value: int | Decimal, first: int | Decimal | None, last: int | Decimal | None) -> bool:
    return (first is None or value >= first) and (last is None or value <= last)


def _on_a_day(instant: datetime | None, first: date | None, last: date | None, zone: str) -> bool:
    if first is None and last is None:
        return True
    if instant is None:
        return False
    day = local_date(instant, zone)
    return (first is None or day >= first) and (last is None or day <= last)


def _key(case: FoundCase, sort: Sort, now: datetime) -> _Key:
    days, amount = -case.days_past_due, -int(case.owed * _UNITS)
    match sort:
        case Sort.URGENT:
            return (*_pressing(case, now), days, case.case_id)
        case Sort.DAYS:
            return (days, "", amount, case.case_id)
        case Sort.AMOUNT:
            return (0, case.currency, amount, case.case_id)
        case Sort.OPENED:
            return (0, "", -int(case.opened_at.timestamp() * 1000), case.case_id)


def _pressing(case: FoundCase, now: datetime) -> tuple[int, str]:
    """How soon a human is wanted: to decide, to do a task, to look after a promise whose day is here; then whoever is past due; then the rest."""
    until = case.waits_until
    match case.waiting:
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


def _together(cases: Iterable[FoundCase]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for case in cases:
        sums[case.currency] += case.owed
    return dict(sorted(sums.items()))


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
