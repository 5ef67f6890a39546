"""Pages that stay true while they are open: one look a second at the ledger's head, however many listen, told as server-sent events.

The event ``ledger`` carries the number of the last record. The event ``touched`` after it names what was written: the tables, ``loan:`` with the id of
each loan, ``other`` for what is no loan's, ``*`` for more than can be named. The page then asks anew for its parts that are marked ``data-live``: at once
for those of which ``data-moves`` names it, and for all after half a minute.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.caller import session_cookie
from arrears.api.console.desk import Desk, at_desk, console_router
from arrears.ledger import access, touched
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import ChainHeadRow

LOOK_EVERY = 1.0
HEARTBEAT_EVERY = 15.0
"""Something is sent at least so often (seconds), so that no proxy takes the line for dead; the session is looked at then, too."""

_RETRY_MILLISECONDS, _NO_ROOM_MILLISECONDS = 3000, 60_000
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}

router = console_router()
_log = logging.getLogger(__name__)


MOST_AT_ONCE = 20
"""So many pages of one session are told at the same time. Each looks at the session whenever the ledger moves: nobody is to keep everybody busy."""


_EVERYTHING, _OTHER = "*", "other"
_OF_NO_PAGE = frozenset({"audits"})
_MOST_RECORDS, _MOST_TICKS = 2000, 60


class _Tick(NamedTuple):
    """What was touched by the records after ``before``, up to ``seq``."""

    before: int
    seq: int
    names: frozenset[str]


class Pulse:
    """The ledger's head, looked at once a second for all who listen, and not at all while nobody does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seq: int | None = None
        self._moved = asyncio.Event()
        self.ended = False
        self._listeners: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._ticks: deque[_Tick] = deque(maxlen=_MOST_TICKS)

    @property
    def is_looking(self) -> bool:
        return self._looking is not None

    @asynccontextmanager
    async def listening(self, whose: str = "") -> AsyncGenerator[bool]:
        """While this is open, the ledger is looked at for a page of a session; false if there are ``MOST_AT_ONCE`` of them already."""
        if self._listeners[whose] >= MOST_AT_ONCE:
            yield False
            return
        self._listeners[whose] += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="look at the ledger's head")
        try:
            yield True
        finally:
            self._listeners -= Counter((whose,))
            if not self._listeners:
                self._looking.cancel()
                self._looking = self._seq = None

    async def after(self, seq: int | None, within: float) -> int | None:
        """The head once it is another than ``seq``, or what it was if it did not move within so many seconds."""
        try:
            async with asyncio.timeout(within):
                while self._seq == seq and not self.ended:
                    await self._moved.wait()
        except TimeoutError:
            return seq
        return self._seq

    def touched(self, since: int) -> frozenset[str]:
        """What was touched after this record."""
        ticks = [tick for tick in self._ticks if tick.seq > since]
        if not ticks or ticks[0].before > since:
            return frozenset({_EVERYTHING})
        return frozenset[str]().union(*(tick.names for tick in ticks))

    def end(self) -> None:
        """The server ends: nobody is kept waiting for news."""
        self.ended = True
        self._tell()

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _look(self) -> None:
        while True:
            try:
                async with self._ledger.reading() as session:
                    seq = (await session.exec(select(ChainHeadRow.seq))).one()
                    if self._seq is not None and seq != self._seq:
                        self._ticks.append(_Tick(self._seq, seq, await _names(session, self._seq)))
            except Exception:
                _log.warning("the ledger's head cannot be read just now; pages wait", exc_info=True)
            else:
                if seq != self._seq:
                    self._seq = seq
                    self._tell()
            await asyncio.sleep(LOOK_EVERY)


async def _names(session: AsyncSession, since: int) -> frozenset[str]:
    found = await touched.written(session, since, _MOST_RECORDS)
    if found is None or found.removed:
        return frozenset({_EVERYTHING})
    names = set(found.keys)
    for table, keys in found.keys.items():
        if table in touched.OF_LOANS:
            names |= {f"loan:{loan_id}" for loan_id in await touched.loans_of(session, table, keys)}
        elif table not in _OF_NO_PAGE:
            names.add(_OTHER)
    return frozenset(names)


@router.get("/live")
async def live(desk: Annotated[Desk, Depends(at_desk())], request: Request) -> StreamingResponse:
    """The numbers of the ledger's last record, as they come. Ends with the session."""
    pulse: Pulse = request.app.state.pulse
    token = request.cookies[session_cookie(desk.here.settings)]
    return StreamingResponse(_told(desk.here.ledger, pulse, token), media_type="text/event-stream", headers=_HEADERS)


async def _told(ledger: Ledger, pulse: Pulse, token: str) -> AsyncIterator[str]:
    seq: int | None = None
    async with pulse.listening(token) as room:
        yield f"retry: {_RETRY_MILLISECONDS if room else _NO_ROOM_MILLISECONDS}\n\n"
        while room:
            moved = await pulse.after(seq, HEARTBEAT_EVERY)
            if pulse.ended:
                return
            async with ledger.reading() as session:
                if await access.signed_in(session, token, datetime.now(UTC)) is None:
                    yield "event: signed-out\ndata:\n\n"
                    return
            if moved == seq:
                yield ": still here\n\n"
                continue
            yield f"event: ledger\nid: {moved}\ndata: {moved}\n\n"
            if seq is not None:
                yield f"event: touched\ndata: {json.dumps(sorted(pulse.touched(seq)))}\n\n"
            seq = moved
