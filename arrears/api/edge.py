"""What every request to ``/v1`` passes before its route, and every answer after it.

    headers ─▶ size ─▶ form ─▶ who calls ─▶ how often ─▶ done before? ─▶ route ─▶ changed since you read it?

Callbacks prove who they are in their own way, in their route, and have ids of their own.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arrears.api import etags, idempotency, limits
from arrears.api.caller import Caller, identify
from arrears.api.house import House
from arrears.api.limits import Quota, Rates
from arrears.api.problems import Problem, as_response, unserved
from arrears.ledger.answers import Answer
from arrears.ledger.engine import passes

API = "/v1/"
_CALLBACKS = "/v1/callbacks/"
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Edge:
    """The middleware. Pages and health checks pass it untouched, but for the size of what they bring."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        here: House = scope["app"].state.house
        headers = Headers(scope=scope)
        in_api = scope["path"].startswith(API)
        quota: list[Quota] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and in_api:
                added = MutableHeaders(scope=message)
                for name, value in (_HEADERS | (quota[0].headers if quota else {})).items():
                    added.setdefault(name, value)
            await send(message)

        try:
            body = await limits.read_body(receive, headers.get("content-length"), limits.largest_body(scope["path"], here.settings.api))
            if body is None:
                return
            if not in_api:
                await self._app(scope, _again(body, receive), send)
                return
            limits.check_form(body, headers.get("content-type", ""))
            if scope["path"].startswith(_CALLBACKS):
                await self._called_back(scope, _again(body, receive), sending)
                return
            caller = await self._known(here, scope, _again(body, receive))
            quota.append(await self._rates.admit(caller))
            await self._once(here, caller, scope, body, _again(body, receive), sending)
        except Problem as problem:
            await as_response(problem)(scope, receive, sending)
        except Exception as error:
            if not passes(error):
                raise
            await as_response(unserved(error))(scope, receive, sending)

    async def _known(self, here: House, scope: Scope, receive: Receive) -> Caller:
        """Who calls; their routes find them under ``request.state.caller``. Raises ``Problem``."""
        request = Request(scope, receive)
        try:
            caller = await identify(request, here)
        except Problem as unknown:
            if unknown.status is HTTPStatus.UNAUTHORIZED:
                await self._rates.turn_away(_address(scope))
            raise
        request.state.caller = caller
        return caller

    async def _called_back(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route see who it is; whoever fails too often is told to wait."""
        held: list[Message] = []

        async def hearing(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hearing)
        if held and held[0].get("status") == HTTPStatus.UNAUTHORIZED:
            await self._rates.turn_away(_address(scope))
        for message in held:
            await send(message)

    async def _once(self, here: House, caller: Caller, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if scope["method"] not in idempotency.WRITES:
            await etags.tagged(self._app, scope, receive, send)
        elif (key := idempotency.key_of(headers)) is None or not _is_offered(scope):
            await self._app(scope, receive, send)
        else:
            match await idempotency.begin(here.ledger, caller, key, idempotency.request_digest(scope, body)):
                case Answer() as known:
                    again = Response(known.text, known.status, known.headers | idempotency.REPLAYED)
                    await again(scope, receive, send)
                case claimed:
                    Request(scope).state.caller = replace(caller, sent_as=claimed.mark)
                    held: list[Message] = []
                    async with idempotency.keeping(here.ledger, claimed) as kept:

                        async def hearing(message: Message) -> None:
                            kept.hear(message)
                            held.append(message)

                        await self._app(scope, receive, hearing)
                    for message in held:
                        await send(message)


def _is_offered(scope: Scope) -> bool:
    """Whether there is such an operation: what there is none for is told so, whatever its key was used for."""
    return any(route.matches(scope)[0] is Match.FULL for route in scope["app"].routes)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already, and then whatever else comes."""
    first = True

    async def giving() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return giving


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "unknown"
