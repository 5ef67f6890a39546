"""The operator console: pages for people, over the same operations as the API."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from arrears.api.console import assets, audit, case, inbox, live, oidc, portfolio, search, shell, signing_in
from arrears.api.console.desk import tell
from arrears.api.problems import Problem, as_response

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
    """Make the app what the console's pages need. It knows its house already."""
    pulse = live.Pulse(app.state.house.ledger)
    app.state.pulse = pulse
    app.state.before_closing = pulse.end

    @app.exception_handler(HTTPStatus.NOT_FOUND)
    async def nowhere(request: Request, error: HTTPException) -> Response:
        """An address that nothing answers: a page for a browser, a problem for a program."""
        if "text/html" in request.headers.get("accept", ""):
            return await tell(request, Problem(HTTPStatus.NOT_FOUND, "not_found", "there is no such page"))
        return as_response(Problem(HTTPStatus.NOT_FOUND, "not_found", str(error.detail)))
