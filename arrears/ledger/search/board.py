"""The open cases as a search sees them, kept in memory and brought up to the ledger's last record before every answer.

It is no truth of its own. Every row that decides what a search says is chained, so the records since the last look name the loans of which something
changed (``ledger.chain``): those are read again, as all are the first time, in the transaction that answers. What time alone changes is read again too.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import and_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import ONE_DAY, local_date, local_instant
from arrears.ledger.chain import batches
from arrears.ledger.search.asked import Query, Sort
from arrears.ledger.search.money import rows
from arrears.ledger.search.reading import read
from arrears.ledger.search.seeing import Key, Seen, key, seen
from arrears.ledger.stages import WORDS, Tracks
from arrears.ledger.tables import CaseEventRow, CaseRow, ChainHeadRow, HoldRow, RecordRow
from arrears.ledger.touched import OF_LOANS, loans_of, written

SESSION_KEY = "arrears_board"
"""Under this name a session that sees one moment of the ledger has its board."""

_OPEN = col(CaseRow.closed_at).is_(None)
_MOST_RECORDS = 20_000
_LAG = timedelta(minutes=1)
"""Who asks side by side does not ask in order: what was seen so much later is as good."""
_SHOWN = frozenset(OF_LOANS) - {"attempts", "verdicts"}
"""The tables whose rows decide what a search says. ``ledger.search.reading`` reads no other."""


class Place(NamedTuple):
    """A case with its place in an order."""

    key: Key
    seen: Seen


@dataclass
class _State:
    """What was seen, by loan: as of which record, at which instant, and until when time changes nothing of it but holds."""

    seq: int
    hash: str
    at: datetime
    until: datetime
    tracks: Mapping[str, Tracks]
    seen: dict[str, Seen]
    orders: dict[Sort, list[Place]] = field(default_factory=dict[Sort, list[Place]])


class Board:
    """The open cases of one ledger. Whoever asks has a transaction that sees one moment."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._state: _State | None = None

    async def cases(self, session: AsyncSession, sort: Sort, now: datetime, tracks: Mapping[str, Tracks]) -> Sequence[Place] | None:
        """All open cases in this order, as they are in this transaction; ``None`` if it sees an older moment than the board.

        The list is to be looked at before anything is awaited.
        """
        async with self._lock:
            seq, head = (await rows(session, select(col(ChainHeadRow.seq), col(ChainHeadRow.hash))))[0]
            state, self._state = self._state, None  # should this fail in the middle, all is read again
            if state is not None and seq < state.seq:
                self._state = state
                return None
            if state is not None and now < state.at <= now + _LAG:
                now = state.at
            changed = None if state is None else await _changed(session, state, seq, now, tracks)
            if state is None or changed is None:
                found = {one.case.loan_id: one for one in seen(await read(session, _OPEN, now), tracks)}
                state = _State(seq, head, now, _stays(found.values(), now), tracks, found)
            else:
                await _read_again(session, state, changed, now)
                state.seq, state.hash, state.at = seq, head, now
            self._state = state
            if sort not in state.orders:
                state.orders[sort] = sorted(Place(key(one, sort, now), one) for one in state.seen.values())
            return state.orders[sort]


def answers(query: Query) -> bool:
    """Whether a query may be about many open cases; few are read more quickly by themselves."""
    return query.state != "closed" and query.text is None and query.owner is None and query.hold is None and query.agency is None


async def _changed(session: AsyncSession, state: _State, seq: int, now: datetime, tracks: Mapping[str, Tracks]) -> set[str] | None:
    """The loans of which something may have changed since; ``None`` if that cannot be told, or it is too much."""
    if tracks != state.tracks or not state.at <= now < state.until or seq - state.seq > _MOST_RECORDS:
        return None
    if state.seq and await rows(session, select(col(RecordRow.hash)).where(col(RecordRow.seq) == state.seq)) != [(state.hash,)]:
        return None  # it is not the ledger any more that was looked at
    found = await written(session, state.seq, _MOST_RECORDS)
    if found is None or found.removed & _SHOWN:
        return None  # of a row that is gone nothing tells any more whose it was
    loans = await _by_time(session, state.at, now)
    for table in _SHOWN & found.tables:
        only = (col(CaseEventRow.kind).in_(WORDS),) if table == "case_events" else ()
        loans |= await loans_of(session, table, found.keys[table], *only)
    return loans


async def _by_time(session: AsyncSession, before: datetime, now: datetime) -> set[str]:
    """The loans of which a hold came into force, or ran out."""
    begun = and_(col(HoldRow.placed_at) > before, col(HoldRow.placed_at) <= now)
    over = and_(col(HoldRow.until) > before, col(HoldRow.until) <= now)
    return {loan_id for (loan_id,) in await rows(session, select(col(HoldRow.loan_id)).where(or_(begun, over)))}


async def _read_again(session: AsyncSession, state: _State, loans: Collection[str], now: datetime) -> None:
    """Put what is now true of these loans in the place of what was."""
    if not loans:
        return
    gone = {loan_id for loan_id in loans if state.seen.pop(loan_id, None) is not None}
    found: list[Seen] = []
    for some in batches(loans):
        found += seen(await read(session, and_(_OPEN, col(CaseRow.loan_id).in_(some)), now), state.tracks)
    state.seen |= {one.case.loan_id: one for one in found}
    state.until = min(state.until, _stays(found, now))
    for sort, order in state.orders.items():
        if gone:
            order[:] = [place for place in order if place.seen.case.loan_id not in gone]
        for one in found:
            insort(order, Place(key(one, sort, now), one))


def _stays(found: Iterable[Seen], now: datetime) -> datetime:
    """The instant from which on time may change what was seen: somewhere a day begins, or a promise becomes urgent."""
    zones, instants = {"UTC"}, set[datetime]()
    for one in found:
        zones.add(one.case.zone)
        if (at := one.urgent_at) is not None and at > now:
            instants.add(at)
    return min(instants | {local_instant(local_date(now, zone) + ONE_DAY, time(0), zone) for zone in zones})
