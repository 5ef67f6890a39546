"""The HTTP API: one app over a ledger and the cases that run in Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI

from arrears.api import callbacks, console, desk_routes, facts, health, loan_system, reading
from arrears.api.cases import Cases, TemporalClient
from arrears.api.edge import Edge
from arrears.api.headers import SafeHeaders
from arrears.api.house import House
from arrears.api.limits import Rates
from arrears.api.problems import ProblemBody, answer_with_problems
from arrears.config.settings import Settings
from arrears.ledger.engine import Ledger

_END_WITHIN = 6.0


def create_app(ledger: Ledger, temporal: TemporalClient, settings: Settings) -> FastAPI:
    """The app. ``ledger`` is at its newest version and stays the caller's to close; ``temporal`` may be away for a while."""
    cases = Cases(ledger, temporal, settings.clock)

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncGenerator[None]:
        telling = asyncio.create_task(cases.run(), name="tell cases")
        try:
            yield
        finally:
            cases.stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(telling, _END_WITHIN)

    app = FastAPI(
        title="Arrears",
        version=version("arrears"),
        description="Durable loan collections. Messages are signed by the Standard Webhooks scheme; errors are RFC 9457 problems.",
        lifespan=living,
        responses={"4XX": {"model": ProblemBody, "content": {"application/problem+json": {}}}},
        docs_url=None,
        redoc_url=None,
    )
    app.state.house = House(ledger=ledger, cases=cases, settings=settings)
    app.add_middleware(Edge, rates=Rates(settings.api))
    app.add_middleware(SafeHeaders, https=settings.console_is_https)
    answer_with_problems(app)
    for router in desk_routes.routers:
        app.include_router(router)
    for subject in (health, callbacks, loan_system, facts, reading):
        app.include_router(subject.router)
    app.include_router(reading.whole_paths)  # after every other route
    console.open_console(app)
    return app
