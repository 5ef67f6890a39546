"""Workers in processes of their own that all reach for the same people at the same instant, and somebody who tells the ledger facts meanwhile."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arrears.activities import Activities
from arrears.config.settings import Settings
from arrears.domain.orders import ContactOrder
from arrears.gateways.registry import Gateways
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from tests.activities.house import WAITS, House

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.activities.contest"])


@dataclass(frozen=True)
class Wanted:
    """A contact that a case wants to make at an instant."""

    order: ContactOrder
    at: datetime


async def _worker(settings: Settings, wanted: Sequence[Wanted], start: Any) -> None:
    ledger = Ledger(settings.ledger_url, open_vault(settings))
    async with Gateways(settings) as gateways:
        house = House(ledger, settings, gateways, Activities(ledger, gateways, settings))
        await ledger.check()
        await asyncio.to_thread(start.wait)

        async def reach(one: Wanted) -> None:
            with suppress(WAITS):
                await house.contact(one.order, one.at)

        try:
            await asyncio.gather(*(reach(one) for one in wanted))
        finally:
            await ledger.close()


def _run(settings: Settings, wanted: Sequence[Wanted], start: Any) -> None:
    asyncio.run(_worker(settings, wanted, start))


async def all_at_once(settings: Settings, wanted: Sequence[Wanted], *, workers: int, seed: int) -> None:
    """Let so many processes make all contacts together, each its share in an order of its own; they wait for each other before they start."""
    shares = [list(wanted[n::workers]) for n in range(workers)]
    for n, share in enumerate(shares):
        random.Random(seed * 1000 + n).shuffle(share)
    start = _PROCESSES.Barrier(workers)
    running = [_PROCESSES.Process(target=_run, args=(settings, share, start)) for share in shares]
    for process in running:
        process.start()
    for process in running:
        await asyncio.to_thread(process.join)
    assert [process.exitcode for process in running] == [0] * workers
