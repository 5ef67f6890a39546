"""The operator console: pages for people, over the same operations as the API."""

from __future__ import annotations

from fastapi import FastAPI

from arrears.api.console import assets, audit, case, inbox, live, oidc, portfolio, search, shell, signing_in

routers = (
    assets.router,
    signing_in.router,
    oidc.router,
    shell.router,
    live.router,
    inbox.router,
    portfolio.router,
    audit.router,
    search.router,
    case.router,
)
"""What the console answers, a router for each room."""


def open_console(app: FastAPI) -> None:
    """Serve the console at ``/``. The app knows its house already."""
    pulse = live.Pulse(app.state.house.ledger)
    app.state.pulse = pulse
    app.state.before_closing = pulse.end
    for router in routers:
        app.include_router(router)
