"""A worker, in a process of its own, that dies by ``kill -9`` at a named point of a contact.

The points: ``transaction-<n>`` right after the n-th commit, ``after-send`` between the gateway's answer and everything that would follow it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.activities import Activities
from arrears.config.settings import Settings
from arrears.domain.orders import ContactOrder
from arrears.domain.strategy import Channel
from arrears.gateways.contract import Gateway, Handover, Outgoing, Receipt
from arrears.gateways.registry import Gateways
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.ledger.vault import Vault
from tests.activities.house import House


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingLedger(Ledger):
    """Dies right after a commit."""

    def __init__(self, url: str, vault: Vault, after: int) -> None:
        super().__init__(url, vault)
        self._left = after

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[AsyncSession]:
        async with super().exclusive() as session:
            yield session
        self._left -= 1
        if self._left == 0:
            die()


class DyingGateway:
    """A real gateway whose caller dies once it has sent."""

    def __init__(self, real: Gateway, point: str) -> None:
        self._real, self._point = real, point
        self.name = real.name

    async def send(self, order: Outgoing | Handover) -> Receipt:
        receipt = await self._real.send(order)
        if self._point == "after-send":
            die()
        return receipt

    async def look_up(self, key: str) -> Receipt | None:
        return await self._real.look_up(key)


class DyingGateways(Gateways):
    def __init__(self, settings: Settings, point: str) -> None:
        super().__init__(settings)
        self._point = point

    def channel(self, channel: Channel) -> Any:
        real = super().channel(channel)
        return DyingGateway(real, self._point) if real else None


async def _contact(point: str, order: ContactOrder, now: datetime, settings: Settings) -> None:
    kind, _, n = point.partition("-")
    vault = open_vault(settings)
    ledger = DyingLedger(settings.ledger_url, vault, int(n)) if kind == "transaction" else Ledger(settings.ledger_url, vault)
    async with DyingGateways(settings, point) as gateways:
        await House(ledger, settings, gateways, Activities(ledger, gateways, settings)).contact(order, now)


def _worker(point: str, order: ContactOrder, now: datetime, settings: Settings) -> None:
    asyncio.run(_contact(point, order, now, settings))


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.activities.crash"])


async def killed(point: str, order: ContactOrder, now: datetime, settings: Settings) -> None:
    """Run a contact in a process of its own until it dies at ``point``."""
    worker = _PROCESSES.Process(target=_worker, args=(point, order, now, settings))
    worker.start()
    await asyncio.to_thread(worker.join)
    assert worker.exitcode == -signal.SIGKILL
