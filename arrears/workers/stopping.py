"""How a process is asked to end: Ctrl-C, SIGTERM or a closed terminal. The first time asks, the second insists."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The process was asked to end while it did something else."""


@contextmanager
def stop_signals(insist: Callable[[], None] = lambda: None) -> Generator[asyncio.Event]:
    """An event that is set when the process is asked to end; ``insist`` is called if it is asked again. Needs a running loop."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def hear() -> None:
        if asked.is_set():
            insist()
        asked.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, hear)
    try:
        yield asked
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def unless(asked: asyncio.Event, work: Awaitable[T]) -> T:
    """The result of ``work``, which is cancelled as soon as the process is asked to end. Raises ``Stopped``."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(asked.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Stopped
        return working.result()
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
