"""What the demo asks of its outside world, which is a process of its own."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import httpx
from pydantic import TypeAdapter

from arrears.sandbox.record import HeardEvent, LoanPayment, Order, Report

T = TypeVar("T")

_TIMEOUT = httpx.Timeout(10)
_ORDERS = TypeAdapter(tuple[Order, ...])
_PAYMENTS = TypeAdapter(tuple[LoanPayment, ...])
_EVENTS = TypeAdapter(tuple[HeardEvent, ...])
_REPORTS = TypeAdapter(tuple[Report, ...])


class World:
    """The world's control endpoints. Its errors are ``httpx.HTTPError``."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT)

    async def close(self) -> None:
        await self._http.aclose()

    async def sent(self) -> tuple[Order, ...]:
        """What really left, and how often."""
        return await self._get("/control/sent", _ORDERS)

    async def payments(self) -> tuple[LoanPayment, ...]:
        """What the loan system booked."""
        return await self._get("/control/payments", _PAYMENTS)

    async def events(self) -> tuple[HeardEvent, ...]:
        """What the loan system was told."""
        return await self._get("/control/events", _EVENTS)

    async def quiet(self, seconds: float) -> None:
        """Wait until the world has told Arrears all that it knows, at most so long."""
        async with asyncio.timeout(seconds):
            while any(report.state == "waiting" for report in await self._get("/control/reports", _REPORTS)):  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    async def _get(self, path: str, shape: TypeAdapter[T]) -> T:
        answer = await self._http.get(path)
        return shape.validate_json(answer.raise_for_status().content)
