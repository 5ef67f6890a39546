"""The way from the ledger to the loan system: what the chain records is made into events, and events are sent until they are taken.

Both run beside the requests of an API process; several processes do it together, and none of it keeps a request waiting.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

import httpx

from arrears.config import strategies
from arrears.config.settings import EventsSettings
from arrears.config.strategies import StrategyInvalid, StrategyUnknown
from arrears.domain.clock import Clock
from arrears.gateways.http import retry_after
from arrears.gateways.signing import signature_headers
from arrears.gateways.trust import trusted
from arrears.ledger.engine import Ledger
from arrears.ledger.events_out import outbox, reader
from arrears.ledger.events_out.scene import TracksOf
from arrears.ledger.stages import Tracks, tracks_of
from arrears.ledger.tables import CaseRow, DeliveryRow

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rhythm:
    """How often is looked and sent. After the n-th failure the n-th of ``pauses`` is waited out, give or take ``jitter``; after the last one nobody tries."""

    look_every: timedelta = timedelta(seconds=1)
    forget_every: timedelta = timedelta(hours=1)
    pauses: tuple[timedelta, ...] = (
        *(timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1)),
        *(timedelta(hours=6), timedelta(hours=14), timedelta(hours=24), timedelta(hours=24)),
    )
    jitter: float = 0.2
    at_once: int = 8
    lease_beyond_answer: timedelta = timedelta(seconds=60)
    longest_throttle: timedelta = timedelta(minutes=1)
    end_within: timedelta = timedelta(seconds=5)


RHYTHM = Rhythm()


class Telling:
    """Makes events and sends them, from :meth:`run` to :meth:`stop`."""

    def __init__(self, ledger: Ledger, to: EventsSettings, clock: Clock, tracks: TracksOf, rhythm: Rhythm = RHYTHM) -> None:
        self._ledger = ledger
        self._to = to
        self._clock = clock
        self._tracks = tracks
        self._rhythm = rhythm
        self._whole = timedelta(seconds=to.connect_seconds + 2 * to.answer_seconds)
        self._stopping = asyncio.Event()
        self._left = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._not_before = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Do it until :meth:`stop`. Whatever fails is tried again."""
        timeout = httpx.Timeout(self._to.answer_seconds, connect=self._to.connect_seconds)
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False, verify=trusted()) as http:
            try:
                await asyncio.gather(
                    self._repeat(self.read, self._rhythm.look_every, "events could not be read off the chain"),
                    self._repeat(self._forget, self._rhythm.forget_every, "old events could not be forgotten"),
                    self._repeat(
                        lambda: self._send_due(http), self._rhythm.look_every, "events could not be taken for sending", self._left
                    ),
                )
            finally:
                await self._end_sending()

    def stop(self) -> None:
        """Let :meth:`run` end what it has in hand and return; what is cut off is sent again by whoever runs then."""
        self._stopping.set()
        self._left.set()

    def ring(self) -> None:
        """Something is to be sent."""
        self._left.set()

    async def read(self) -> int:
        """Make events of everything that the chain has recorded; how many there were."""
        count = 0
        async with self._ledger.reading() as session:
            anything = await reader.behind(session, self._now())
        while anything and not self._stopping.is_set():
            async with self._ledger.exclusive() as session:
                turn = await reader.read(session, self._now(), self._tracks)
            count += turn.events
            anything = not turn.at_head
            if turn.events:
                self.ring()
        return count

    def _now(self) -> datetime:
        return self._clock.at(datetime.now(UTC))

    async def _repeat(
        self, work: Callable[[], Awaitable[object]], pause: timedelta, trouble: str, bell: asyncio.Event | None = None
    ) -> None:
        bell = bell or self._stopping
        while not self._stopping.is_set():
            try:
                await work()
            except Exception:
                _log.exception(trouble)
            await _set_within(bell, pause)
            if bell is not self._stopping:
                bell.clear()

    async def _forget(self) -> None:
        forgotten = 1
        while forgotten:
            async with self._ledger.session() as session:
                forgotten = await outbox.forget(session, datetime.now(UTC))

    async def _send_due(self, http: httpx.AsyncClient) -> None:
        """Send what is due, as much at once as the loan system is to bear; what is on its way goes on by itself."""
        while (free := self._rhythm.at_once - len(self._sending)) > 0 and not self._stopping.is_set():
            now = datetime.now(UTC)
            if now < self._not_before:
                return
            async with self._ledger.reading() as session:
                due = await outbox.next_due(session)
            if due is None or due > now:
                return
            async with self._ledger.exclusive() as session:
                taken = await outbox.claim(session, now, self._whole + self._rhythm.lease_beyond_answer, free)
            if not taken:
                return
            for row in taken:
                sending = asyncio.create_task(self._send(http, row), name=f"send {row.id}")
                self._sending.add(sending)
                sending.add_done_callback(self._sent)

    def _sent(self, sending: asyncio.Task[None]) -> None:
        self._sending.discard(sending)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            _log.error("what became of an event could not be written down, it is sent again: %s", type(error).__name__, exc_info=error)
        self.ring()

    async def _send(self, http: httpx.AsyncClient, row: DeliveryRow) -> None:
        answer = await self._post(http, row)
        now = datetime.now(UTC)
        async with self._ledger.exclusive() as session:
            if answer.taken:
                assert answer.status is not None
                await outbox.delivered(session, row, now, answer.status)
            else:
                await outbox.failed(session, row, self._again_at(row, answer, now), answer.status, answer.problem)

    async def _post(self, http: httpx.AsyncClient, row: DeliveryRow) -> _Answer:
        body = json.dumps(row.body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signature_headers(self._to.believed, row.id, body) | {"content-type": "application/json"}
        try:
            # httpx bounds each read; one that drips its answer must not hold a place longer than one that is silent.
            async with (
                asyncio.timeout(self._whole.total_seconds()),
                http.stream("POST", self._to.url, content=body, headers=headers) as answer,
            ):
                return _Answer(f"http_{answer.status_code}", answer.status_code, retry_after(answer))
        except TimeoutError:
            return _Answer("read_timeout")
        except (httpx.HTTPError, httpx.InvalidURL) as unreached:
            return _Answer(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(unreached).__name__).lower())

    def _again_at(self, row: DeliveryRow, answer: _Answer, now: datetime) -> datetime | None:
        """When an event that was not taken is sent again; ``None`` if nobody tries any more."""
        if answer.status == HTTPStatus.GONE or row.tries > len(self._rhythm.pauses):
            _log.error("event %s is dead after %s tries: %s; see `arrears events show %s`", row.id, row.tries, answer.problem, row.id)
            return None
        _log.warning("event %s was not taken (%s), it is sent again", row.id, answer.problem)
        if answer.wait is not None:
            self._not_before = now + min(answer.wait, self._rhythm.longest_throttle)
        spread = 1 + self._rhythm.jitter * random.uniform(-1, 1)  # noqa: S311 (so that not all come at once)
        return now + max(self._rhythm.pauses[row.tries - 1] * spread, answer.wait or timedelta())

    async def _end_sending(self) -> None:
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=self._rhythm.end_within.total_seconds())
            for sending in late:
                sending.cancel()
            await asyncio.gather(*late, return_exceptions=True)


@dataclass(frozen=True)
class _Answer:
    """What the loan system said, or why it said nothing, as a code; ``wait`` is how long it wants to be left alone."""

    problem: str
    status: int | None = None
    wait: timedelta | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and HTTPStatus(200) <= self.status < HTTPStatus(300)


def tracks_in(directory: Path) -> TracksOf:
    """The tracks of cases by the strategies' files as they are now; a case whose file is gone, or wrong, has none."""

    def of(case: CaseRow) -> Tracks:
        file = directory / f"{case.strategy}.yaml"
        return _tracks(case.strategy, directory, file.stat().st_mtime_ns if file.is_file() else 0)

    return of


@lru_cache(maxsize=64)
def _tracks(name: str, directory: Path, changed_at: int) -> Tracks:  # noqa: ARG001 (a file that changed is read again)
    try:
        return tracks_of(strategies.load(name, directory))
    except (StrategyUnknown, StrategyInvalid) as wrong:
        _log.warning("the stages of cases of strategy %s are told without its tracks: %s", name, wrong)
        return ()


async def _set_within(event: asyncio.Event, pause: timedelta) -> None:
    """Wait for the event, but not longer than that."""
    try:
        await asyncio.wait_for(event.wait(), pause.total_seconds())
    except TimeoutError:
        return
