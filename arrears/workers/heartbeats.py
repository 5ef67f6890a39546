"""Signs of life of activities, so that a worker that was killed is missed within seconds instead of at the end of an activity's time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

_BEATS_A_TIMEOUT = 3


class SignsOfLife(Interceptor):
    """Beats for every activity that was given a heartbeat timeout. One that ends before the first beat, as almost all do, costs nothing."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        missed_after = activity.info().heartbeat_timeout
        if missed_after is None:
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat(missed_after / _BEATS_A_TIMEOUT))
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()


async def _beat(every: timedelta) -> None:
    while True:
        await asyncio.sleep(every.total_seconds())
        activity.heartbeat()
