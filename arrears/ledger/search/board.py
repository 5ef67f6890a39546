"""The open cases as a search sees them, kept in memory and brought up to the ledger's last record before every answer.

It is no truth of its own. Every row that decides what a search says is chained, so the records since the last look name the loans of which something
changed (``ledger.chain``): those are read again, as all are the first time, in the transaction that answers. What time alone changes is read again too.
"""

from __future__ import annotations

import asyncio
import re
from bisect import insort
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, and_, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import ONE_DAY, local_date, local_instant
from arrears.ledger.chain import batches
from arrears.ledger.search.asked import Query, Sort
from arrears.ledger.search.money import rows
from arrears.ledger.search.reading import read
from arrears.ledger.search.seeing import Key, Seen, key, seen
from arrears.ledger.stages import WORDS, Tracks
from arrears.ledger.tables import (
    ApprovalRow,
    CaseEventRow,
    CaseRow,
    ChainHeadRow,
    HoldRow,
    LoanRow,
    Op,
    PaymentRow,
    RecordRow,
    ReferralRow,
    TaskRow,
)

SESSION_KEY = "arrears_board"
"""Under this name a session that sees one moment of the ledger has its board."""

_OPEN = col(CaseRow.closed_at).is_(None)
_MOST_RECORDS = 20_000
_LAG = timedelta(minutes=1)
"""Who asks side by side does not ask in order: what was seen so much later is as good."""
_FIRST_OF_KEY = re.compile(r"((?:[^\\,]|\\.)*),")
_UNESCAPED = re.compile(r"\\(.)")


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
    loans = await _by_time(session, state.at, now)
    since = select(col(RecordRow.tbl), col(RecordRow.row_key), col(RecordRow.op)).where(
        col(RecordRow.seq) > state.seq, col(RecordRow.tbl).in_(_OF_KEYS)
    )
    keys: dict[str, list[str]] = {}
    for name, row_key, op in await rows(session, since):
        if op == Op.DELETE:
            return None  # nothing tells any more whose it was
        keys.setdefault(name, []).append(row_key)
    for name, theirs in keys.items():
        for some in batches(theirs):
            loans |= await _OF_KEYS[name](session, some)
    return loans


async def _by_time(session: AsyncSession, before: datetime, now: datetime) -> set[str]:
    """The loans of which a hold came into force, or ran out."""
    begun = and_(col(HoldRow.placed_at) > before, col(HoldRow.placed_at) <= now)
    over = and_(col(HoldRow.until) > before, col(HoldRow.until) <= now)
    return await _loans(session, select(col(HoldRow.loan_id)).where(or_(begun, over)))


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


async def _loans(session: AsyncSession, asked: Any) -> set[str]:
    return {loan_id for (loan_id,) in await rows(session, asked)}


_OfKeys = Callable[[AsyncSession, Sequence[str]], Any]


def _by(loan_id: Any, key: Any, *further: ColumnElement[bool]) -> _OfKeys:
    """Finds the loans of rows by their keys."""
    numbered = isinstance(key.type, Integer)

    async def found(session: AsyncSession, keys: Sequence[str]) -> set[str]:
        given = [int(k) for k in keys] if numbered else _plain(keys)
        return await _loans(session, select(loan_id).where(key.in_(given), *further))

    return found


def _by_case(key: Any, case_id: Any, *further: ColumnElement[bool]) -> _OfKeys:
    return _by(col(CaseRow.loan_id), key, case_id == col(CaseRow.id), *further)


async def _their_first(_: AsyncSession, keys: Sequence[str]) -> set[str]:
    """The loans of rows whose keys begin with them."""
    return set(_plain(found[1] for key in keys if (found := _FIRST_OF_KEY.match(key))))


def _plain(keys: Iterable[str]) -> list[str]:
    return [_UNESCAPED.sub(r"\1", key) for key in keys]


_OF_KEYS: Mapping[str, _OfKeys] = {
    "loans": _by(col(LoanRow.id), col(LoanRow.id)),
    "persons": _by(col(LoanRow.id), col(LoanRow.borrower_id)),
    "instalments": _their_first,
    "payments": _by(col(PaymentRow.loan_id), col(PaymentRow.payment_id)),
    "payment_reversals": _by(col(PaymentRow.loan_id), col(PaymentRow.payment_id)),
    "cases": _by(col(CaseRow.loan_id), col(CaseRow.id)),
    "case_events": _by_case(col(CaseEventRow.id), col(CaseEventRow.case_id), col(CaseEventRow.kind).in_(WORDS)),
    "holds": _by(col(HoldRow.loan_id), col(HoldRow.id)),
    "approvals": _by_case(col(ApprovalRow.id), col(ApprovalRow.case_id)),
    "tasks": _by(col(TaskRow.loan_id), col(TaskRow.id)),
    "referrals": _by(col(ReferralRow.loan_id), col(ReferralRow.id)),
}
"""How the loans are found whose rows of a table were written. ``ledger.search.reading`` reads no other table."""
