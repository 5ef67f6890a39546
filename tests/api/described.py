"""Every answer of the API that a test sees is one that the description lists: its status, its code, its headers."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
from fastapi.routing import APIRoute
from starlette.routing import Match

from arrears.api.app import create_app
from arrears.api.openapi import api_routes
from arrears.api.routes import every_route
from arrears.config.settings import Settings
from arrears.ledger.engine import Ledger

PROBLEM = "application/problem+json"
_OURS = ("etag", "idempotent-replay", "link", "ratelimit", "ratelimit-policy", "retry-after", "www-authenticate")
_ALWAYS = {"500"}
"""What nobody foresaw is no answer of an operation."""


async def _nowhere() -> Any:
    raise AssertionError("nobody is asked anything here")


@cache
def _described() -> dict[str, dict[str, Any]]:
    document = create_app(Ledger("sqlite+aiosqlite:///never-opened.db"), _nowhere, Settings()).openapi()
    return {operation["operationId"]: operation["responses"] for ways in document["paths"].values() for operation in ways.values()}


@cache
def _routes() -> tuple[APIRoute, ...]:
    return tuple(route for route in api_routes(every_route()) if route.include_in_schema)


async def as_described(answer: httpx.Response) -> None:
    """Raise ``AssertionError`` for an answer of ``/v1`` that its operation does not list; see ``arrears.api.refusals`` for its codes."""
    path, method = answer.request.url.path, answer.request.method
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    route = next((route for route in _routes() if route.matches(scope)[0] is Match.FULL), None)
    if not path.startswith("/v1/") or route is None or str(answer.status_code) in _ALWAYS:
        return
    name = route.operation_id or route.name
    here = f"{name} {answer.status_code}"
    assert str(answer.status_code) in _described()[name], f"{here} is not described"
    listed = _described()[name][str(answer.status_code)]
    if answer.headers.get("content-type") == PROBLEM:
        code = (await _read(answer))["code"]
        assert code in listed["content"][PROBLEM]["examples"], f"{here} {code} is not described"
    headers = {known.lower() for known in listed.get("headers", {})}
    assert {known for known in _OURS if known in answer.headers} <= headers, f"{here} has headers that are not described"


async def _read(answer: httpx.Response) -> dict[str, Any]:
    await answer.aread()
    return answer.json()
