"""From what the ledger knows to the page that was asked for."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from pydantic import TypeAdapter
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.search import board
from arrears.ledger.search.asked import CursorRefused, Found, Query, Sort
from arrears.ledger.search.board import Board, Place
from arrears.ledger.search.money import amount_of
from arrears.ledger.search.reading import read, which
from arrears.ledger.search.seeing import Key, fits, key, seen, shown
from arrears.ledger.stages import Tracks

_CURSOR: TypeAdapter[tuple[Sort, Key]] = TypeAdapter(tuple[Sort, Key])


async def find(
    session: AsyncSession, query: Query, now: datetime, tracks: Mapping[str, Tracks], *, most: int = 50, after: str | None = None
) -> Found:
    """The cases that fit, ``most`` at a time; ``after`` is the ``next`` of the page before. ``tracks`` are those of the strategies, by name.

    Raises ``CursorRefused``.
    """
    start = None if after is None else _position(after, query.sort)
    fitting = await _fitting(session, query, now, tracks)
    first = 0 if start is None else bisect_right(fitting, start, key=lambda place: place.key)
    page = fitting[first : first + most]
    return Found(
        cases=tuple(shown(place.seen) for place in page),
        total=len(fitting),
        owed=_together(fitting),
        next=_cursor(query.sort, page[-1].key) if first + most < len(fitting) else None,
    )


async def _fitting(session: AsyncSession, query: Query, now: datetime, tracks: Mapping[str, Tracks]) -> Sequence[Place]:
    """The cases that fit, in order: the open ones off the board, if that may be many and sees this very moment; else they are read."""
    kept: Board | None = session.info.get(board.SESSION_KEY)
    if kept is None or not board.answers(query):
        return await _read(session, query, now, tracks)
    closed = [] if query.state == "open" else await _read(session, query.model_copy(update={"state": "closed"}), now, tracks)
    every = await kept.cases(session, query.sort, now, tracks)
    if every is None:
        return await _read(session, query, now, tracks)
    fitting = [place for place in every if fits(place.seen, query)] if query.filters else every
    return sorted([*fitting, *closed]) if closed else fitting


async def _read(session: AsyncSession, query: Query, now: datetime, tracks: Mapping[str, Tracks]) -> list[Place]:
    found = seen(await read(session, which(query, now), now), tracks)
    return sorted(Place(key(one, query.sort, now), one) for one in found if fits(one, query))


def _together(places: Iterable[Place]) -> dict[str, Decimal]:
    sums: defaultdict[str, int] = defaultdict(int)
    for _, one in places:
        sums[one.case.currency] += one.owed.units
    return {currency: amount_of(units) for currency, units in sorted(sums.items())}


def _cursor(sort: Sort, key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, key], ensure_ascii=False, separators=(",", ":")).encode()).decode().rstrip("=")


def _position(cursor: str, sort: Sort) -> Key:
    try:
        given, key = _CURSOR.validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise CursorRefused("the cursor is not one that a page gave; begin with the first page") from None
    if given is not sort:
        raise CursorRefused("the cursor belongs to another order; begin with the first page")
    return key
