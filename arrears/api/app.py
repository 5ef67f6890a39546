"""The HTTP API: one app over a ledger and the cases that run in Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI

from arrears.api import console, events
from arrears.api.cases import Cases, TemporalClient
from arrears.api.edge import Edge
from arrears.api.headers import SafeHeaders
from arrears.api.house import House
from arrears.api.limits import Rates
from arrears.api.openapi import DescribedApi
from arrears.api.problems import answer_with_problems
from arrears.api.routes import every_route
from arrears.api.telling import Telling, tracks_in
from arrears.config.settings import Settings
from arrears.ledger.engine import Ledger

_END_WITHIN = 6.0


def create_app(ledger: Ledger, temporal: TemporalClient, settings: Settings) -> FastAPI:
    """The app. ``ledger`` is at its newest version and stays the caller's to close; ``temporal`` may be away for a while."""
    cases = Cases(ledger, temporal, settings.clock)
    tellers: list[Cases | Telling] = [cases]
    if settings.events is not None:
        tellers.append(Telling(ledger, settings.events, settings.clock, tracks_in(settings.strategies_dir)))

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncGenerator[None]:
        telling = [asyncio.create_task(teller.run(), name=f"tell {type(teller).__name__}") for teller in tellers]
        try:
            yield
        finally:
            for teller in tellers:
                teller.stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*telling), _END_WITHIN)

    app = DescribedApi(
        title="Arrears",
        version=version("arrears"),
        lifespan=living,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would send browsers to whichever host a request names
    )
    app.state.house = House(ledger=ledger, cases=cases, settings=settings)
    app.add_middleware(Edge, rates=Rates(settings.api))
    app.add_middleware(SafeHeaders, https=settings.console_is_https)
    answer_with_problems(app)
    app.router.routes.extend(every_route())
    events.describe_webhooks(app)
    console.open_console(app)
    return app
