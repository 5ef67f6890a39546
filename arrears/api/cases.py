"""The way from the ledger to the cases: messages are delivered in the order in which they were left, and wait while Temporal is away."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from arrears.domain.clock import Clock
from arrears.domain.orders import ContactReport
from arrears.ledger import loans, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import RelayRow
from arrears.workers.connection import TemporalUnreachable
from arrears.workflows.contract import CaseRequest, workflow_id
from arrears.workflows.starting import start_case

TemporalClient = Callable[[], Awaitable[Client]]
"""Gives a connected client, the same one each time; raises ``TemporalUnreachable`` while there is no server."""

_ANSWER_WITHIN = timedelta(seconds=5)
_LOOK_EVERY = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_AT_ONCE = 8
"""So many cases are told at the same time: one by one a backlog of an hour would take hours, all at once they would starve the cases that run."""

_log = logging.getLogger(__name__)


class TemporalAway(Exception):
    """Temporal did not take it now; later it may."""


class Cases:
    """Tells cases what the ledger knows. Several of these may run at once: a message that is told twice counts once."""

    def __init__(self, ledger: Ledger, temporal: TemporalClient, clock: Clock) -> None:
        self._ledger = ledger
        self._temporal = temporal
        self._clock = clock
        self._left = asyncio.Event()
        self._stopping = asyncio.Event()
        self._completing: set[asyncio.Task[None]] = set()

    def ring(self) -> None:
        """A message was left in the ledger."""
        self._left.set()

    async def client(self) -> Client:
        """A client of Temporal. Raises ``TemporalAway``."""
        try:
            return await self._temporal()
        except TemporalUnreachable as away:
            raise TemporalAway(str(away)) from away

    async def check(self) -> None:
        """Raise ``TemporalAway`` if no server answers."""
        try:
            client = await self._temporal()
            await client.service_client.check_health(timeout=_ANSWER_WITHIN)
        except (TemporalUnreachable, RPCError, TimeoutError) as away:
            raise TemporalAway(str(away)) from away

    def complete(self, task_token: bytes, report: ContactReport) -> None:
        """End the activity that waits for a call's outcome, without keeping anybody waiting for that.

        An activity that no longer waits, or that cannot be told now, finds the outcome in the ledger when it is tried again: that is no error.
        """
        completing = asyncio.create_task(self._complete(task_token, report))
        self._completing.add(completing)
        completing.add_done_callback(self._completing.discard)

    async def run(self) -> None:
        """Deliver messages until :meth:`stop`. Whatever fails is tried again."""
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            self._left.clear()
            try:
                await self.deliver()
            except TemporalAway as away:
                _log.warning("Temporal takes no messages, they wait in the ledger: %s", away)
            except Exception:
                _log.exception("messages could not be delivered, they wait in the ledger")
            else:
                pause = _FIRST_PAUSE
                await _set_within(self._left, _LOOK_EVERY)
                continue
            await _set_within(self._stopping, pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def stop(self) -> None:
        """Let :meth:`run` end what it has in hand and return."""
        self._stopping.set()
        self._left.set()

    async def deliver(self) -> int:
        """Deliver all messages that wait, those of a loan one after another; how many there were.

        Raises ``TemporalAway`` with the rest still waiting.
        """
        count = 0
        while True:
            async with self._ledger.reading() as session:
                waiting = await relays.undelivered(session)
            if not waiting:
                return count
            taken: list[int] = []
            try:
                await self._tell_all(waiting, taken)
            finally:
                if taken:
                    async with self._ledger.session() as session:
                        await relays.delivered(session, taken, self._clock.at(datetime.now(UTC)))
            count += len(taken)

    async def _tell_all(self, waiting: Sequence[RelayRow], taken: list[int]) -> None:
        """Tell the cases; what they took is noted in ``taken``. After the first that could not be told nobody else is tried."""
        by_loan: defaultdict[str, list[RelayRow]] = defaultdict(list)
        for row in waiting:
            by_loan[row.loan_id].append(row)
        places, away = asyncio.Semaphore(_AT_ONCE), asyncio.Event()

        async def tell_in_order(rows: Sequence[RelayRow]) -> None:
            async with places:
                try:
                    for row in rows:
                        if away.is_set():
                            return
                        await self._tell(row)
                        taken.append(row.id or 0)
                except BaseException:
                    away.set()
                    raise

        for ended in await asyncio.gather(*map(tell_in_order, by_loan.values()), return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended

    async def _complete(self, task_token: bytes, report: ContactReport) -> None:
        try:
            client = await self._temporal()
            await client.get_async_activity_handle(task_token=task_token).complete(report, rpc_timeout=_ANSWER_WITHIN)
        except (TemporalUnreachable, RPCError, TimeoutError) as missed:
            _log.info("call %s: its activity was not told (%s)", report.attempt_id, type(missed).__name__)

    async def _tell(self, row: RelayRow) -> None:
        try:
            client = await self._temporal()
            if row.name == relays.OPEN:
                async with self._ledger.reading() as session:
                    known = await loans.known(session, row.loan_id)
                await start_case(client, CaseRequest.model_validate(row.body), known, _ANSWER_WITHIN)
            else:
                await client.get_workflow_handle(workflow_id(row.loan_id)).signal(row.name, row.body, rpc_timeout=_ANSWER_WITHIN)
        except RPCError as failed:
            match failed.status:
                case RPCStatusCode.ALREADY_EXISTS:
                    return
                case RPCStatusCode.NOT_FOUND if row.name != relays.OPEN:
                    return  # no case of this loan runs that could care
                case RPCStatusCode.INVALID_ARGUMENT:
                    # The others must not wait behind it. The ledger has the fact, and whoever wants to contact the person asks the ledger.
                    _log.error("message %s for loan %s is dropped: Temporal refuses it", row.id, row.loan_id)
                case _:
                    raise TemporalAway(failed.status.name) from failed
        except (TemporalUnreachable, TimeoutError) as away:
            raise TemporalAway(str(away)) from away


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but not longer than that."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
