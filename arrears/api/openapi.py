"""The API's own description: what FastAPI knows of the routes, and what is true of all of them.

Who may call what is read from the routes' dependencies, so that the description cannot say anything else than the door does.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from arrears.api import schemas
from arrears.api.caller import SESSION_COOKIE, SIGNED
from arrears.api.examples import ANSWERS, REQUEST_BODIES, REQUESTS
from arrears.api.idempotency import WRITES
from arrears.api.refusals import Refusal, Traits, refusals
from arrears.api.schemas import Schema
from arrears.config.access import packaged_access
from arrears.domain.access import Action
from arrears.domain.strategy import Role

ABOUT = """Durable loan collections: a loan system tells what was missed and what was paid, operators decide, gateways and agencies report.

* **Who calls**: a machine shows a token (`Authorization: Bearer arr_…`) with the scopes it was given, or signs its requests by the
  [Standard Webhooks](https://www.standardwebhooks.com) scheme; an operator's browser carries the session of the console.
* **Writing**: every write may be sent again. With an `Idempotency-Key` the same request gets the same answer, byte for byte, for 48 hours; another
  request under the same key is a 409. What was refused changed nothing, and frees its key.
* **Reading**: lists come a page at a time, with the `next` cursor in the body and the next address in `Link`. Every answer has an `ETag`; name it in
  `If-None-Match` and be told 304 while nothing changed.
* **Errors** are RFC 9457 problems (`application/problem+json`) with a `code` for programs, and the fields that are wrong under `errors`.
* **What may grow**: answers and events get new fields, and their lists of words (enums) new words, without a new version. Let pass what you do not know.
* **Money** is a string such as `"120.50"` beside an ISO 4217 code. Instants are RFC 3339 with an offset, days are ISO dates.
* **Nobody's name, number or address** is in an address, an id or a reason.
"""
TAGS = {
    "loan system": "What loan systems report: missed payments, payments, payments that are taken back.",
    "cases": "Where cases stand, what happened in them, and what is done to them.",
    "persons": "What people want and agreed to.",
    "approvals": "Requests for a human's yes.",
    "tasks": "Work for humans.",
    "agencies": "Agencies: their records, and what they report.",
    "facts": "Any other fact that the law asks for.",
    "events": "Which events the loan system is told, and telling them again.",
    "webhooks": "The events themselves, as they come to the loan system.",
    "portfolio": "The portfolio in figures.",
    "audit": "Who did what, and what the proof says.",
    "gateways": "What gateways report of calls and messages.",
    "health": "Whether the process lives and can do its work.",
}

_PROBLEM = "application/problem+json"
_BEARER, _SIGNED, _SESSION = "token", "signature", "session"
_API, _CALLBACKS = "/v1/", "/v1/callbacks/"
_METER = ("RateLimit", "RateLimit-Policy")
_BEFORE_THE_METER = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
"""What is answered before anybody knows whose call it is."""
_COME_BACK = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class DescribedApi(FastAPI):
    """An app whose description says what its edge does."""

    def openapi(self) -> Schema:
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi(), demands(self.routes))
        return self.openapi_schema


def demands(routes: Iterable[object]) -> dict[str, Action]:
    """What each operation lets nobody do who may not, by its id."""
    return {route.operation_id or route.name: action for route in api_routes(routes) for action in _actions(route.dependant)}


def complete(document: Schema, actions: Mapping[str, Action]) -> Schema:
    """The document with everything in it that is true of all routes."""
    document["info"]["description"] = ABOUT
    document["servers"] = [{"url": "/", "description": "Where this document came from: generated clients are told the address"}]
    components = document.setdefault("components", {})
    components["securitySchemes"] = _security_schemes()
    components["headers"] = _headers()
    components["examples"] = {}
    for path, method, operation in _operations(document):
        refused = _operation(path, method, operation, actions.get(operation["operationId"]))
        components["examples"] |= {refusal.name: {"value": refusal.body} for refusal in refused}
        if (bodies := REQUEST_BODIES.get(operation["operationId"])) is not None:
            examples = {name: {"value": body} for name, body in bodies.items()}
            operation["requestBody"]["content"]["application/json"].setdefault("examples", examples)
    for hook in document.get("webhooks", {}).values():
        for operation in hook.values():
            operation["responses"].pop("422", None)
    used = {
        tag for part in ("paths", "webhooks") for ways in document.get(part, {}).values() for way in ways.values() for tag in way["tags"]
    }
    document["tags"] = [{"name": name, "description": says} for name, says in TAGS.items() if name in used]
    schemas.mend(document)
    for name, example in [*REQUESTS.items(), *ANSWERS.items()]:
        if name in components["schemas"]:
            components["schemas"][name].setdefault("examples", [example])
    return document


def _operation(path: str, method: str, operation: Schema, action: Action | None) -> Sequence[Refusal]:
    """Say of an operation who may call it and how it can fail; the ways in which it can."""
    responses: Schema = operation["responses"]
    said = {
        status: responses.pop(status).get("description", "")
        for status in list(responses)
        if not status.startswith(("2", "3")) and _is_problem(responses[status])
    }
    if not path.startswith(_API):
        return ()
    writes = method.upper() in WRITES
    is_callback = path.startswith(_CALLBACKS)
    operation["security"] = [{_SIGNED: []}] if is_callback else [] if action is None else _security(path, action)
    wants_reason = action is not None and packaged_access().wants_reason(action)
    known = Traits(
        operation=operation["operationId"],
        is_callback=is_callback,
        writes=writes,
        has_body="requestBody" in operation,
        has_input=bool(operation.get("parameters")) or "requestBody" in operation,
        in_path="{" in path,
        paged=any(p["name"] == "cursor" for p in operation.get("parameters", ())),
        signed={_SIGNED: []} in operation["security"],
        session={_SESSION: []} in operation["security"],
        wants_reason=wants_reason,
    )
    if wants_reason:
        _parameter(operation, "X-Arrears-Reason", _REASON, "seen at the customer's request")
    if not is_callback:
        _say_headers(operation, known)
    refused = refusals(known)
    for status, ways in refused.items():
        responses[str(int(status))] = _problem(status, said.get(str(int(status)), ""), ways, metered=not is_callback)
    operation["responses"] = dict(sorted(responses.items()))
    return [refusal for ways in refused.values() for refusal in ways]


_REASON = "Why it is done, in at most 200 characters without personal data. Operators must say it; what a machine says is kept as well."
_KEY = "The same request under the same key is carried out once and answered the same each time, for 48 hours."
_KEY_SHAPE = {"type": "string", "pattern": "^[!-~]{1,255}$"}


def _parameter(operation: Schema, name: str, says: str, example: str, schema: Schema | None = None) -> None:
    parameters: list[Schema] = operation.setdefault("parameters", [])
    if all(p["name"].lower() != name.lower() for p in parameters):
        shape = schema or {"type": "string"}
        parameters.append({"name": name, "in": "header", "required": False, "description": says, "schema": shape, "example": example})


def _say_headers(operation: Schema, of: Traits) -> None:
    """Say which headers a request may have, and which an answer has that is no problem."""
    if of.writes:
        _parameter(operation, "Idempotency-Key", _KEY, "6f9d2c1e-7a34-4c55-9b0e-0f5d9b6f2a11", _KEY_SHAPE)
    else:
        says = "The `ETag` of the answer that the caller has; while it is the same, 304 is answered."
        _parameter(operation, "If-None-Match", says, '"5f2c"')
        operation["responses"]["304"] = {"description": "The caller has the newest answer already"}
    names = [*_METER, "Idempotent-Replay" if of.writes else "ETag", *(["Link"] if of.paged else [])]
    for response in operation["responses"].values():
        response.setdefault("headers", {}).update({name: _header(name) for name in names})


def _security(path: str, action: Action) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{_BEARER: [str(action)]}]
    if action in SIGNED["agency" if path.startswith("/v1/agencies/") else "loan_system"]:
        ways.append({_SIGNED: []})
    if any(packaged_access().allows(role, action) for role in Role):
        ways.append({_SESSION: []})
    return ways


def _security_schemes() -> Schema:
    signed = (
        "A request that is signed by the Standard Webhooks scheme: `webhook-id`, `webhook-timestamp` (seconds, within five minutes of now) and "
        "`webhook-signature`, which is `v1,` and the base64 of the HMAC-SHA256 over id, timestamp and body with dots between, by the shared secret. "
        "The same message at another address is refused (409). Every request has a signature of its own: sign in the transport, or a middleware, of a "
        "generated client, once the body is written."
    )
    session = "An operator's browser that signed in to the console. A write also carries the session's token in `X-CSRF-Token`."
    return {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "arr_…",
            "description": "A machine's token, with the scopes it was given.",
        },
        _SIGNED: {"type": "apiKey", "in": "header", "name": "webhook-signature", "description": signed},
        _SESSION: {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": session},
    }


def _headers() -> Schema:
    says = {
        "ETag": ("The tag of this answer, for `If-None-Match` and `If-Match`.", '"5f2c0b7a"'),
        "Idempotent-Replay": ("`true` if this is what was answered before to the same request under the same key.", "true"),
        "Link": ('The address of the next page, with `rel="next"`; none on the last page.', '</v1/cases?cursor=WyJv>; rel="next"'),
        "RateLimit": ("How many calls are left, and after how many seconds more are.", '"caller";r=599;t=60'),
        "RateLimit-Policy": ("How many calls the caller has in how many seconds.", '"caller";q=600;w=60'),
        "Retry-After": ("After so many seconds the same request may be sent again.", "1"),
        "WWW-Authenticate": ("How a caller shows who they are.", "Bearer"),
    }
    return {name: {"description": text, "schema": {"type": "string"}, "example": example} for name, (text, example) in says.items()}


def _header(name: str) -> Schema:
    return {"$ref": f"#/components/headers/{name}"}


def _problem(status: HTTPStatus, says: str, refused: Sequence[Refusal], *, metered: bool) -> Schema:
    """The answer of one status, with the codes that it may have."""
    examples = {refusal.code: {"$ref": f"#/components/examples/{refusal.name}"} for refusal in refused}
    codes = ", ".join(f"`{code}`" for code in examples)
    names = [
        *(_METER if (metered and status not in _BEFORE_THE_METER) or status is HTTPStatus.TOO_MANY_REQUESTS else ()),
        *(["Retry-After"] if status in _COME_BACK else ()),
        *(["WWW-Authenticate"] if status is HTTPStatus.UNAUTHORIZED else ()),
    ]
    return {
        "description": f"{says or status.phrase}. Codes: {codes}",
        "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemBody"}, "examples": examples}},
    } | ({"headers": {name: _header(name) for name in names}} if names else {})


def _is_problem(response: Schema) -> bool:
    shapes = (media.get("schema", {}).get("$ref", "") for media in response.get("content", {}).values())
    return any(shape.endswith(("/ProblemBody", "/HTTPValidationError")) for shape in shapes)


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def api_routes(routes: Iterable[object]) -> Iterator[APIRoute]:
    """The routes, also those of routers that were included."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from api_routes(inner.routes)


def _actions(dependant: Any) -> Iterator[Action]:
    """What the dependencies made by ``caller.allowed`` ask for."""
    for inner in dependant.dependencies:
        if inspect.isfunction(inner.call) and inner.call.__module__ == "arrears.api.caller":
            known = inspect.getclosurevars(inner.call).nonlocals.get("action")
            if isinstance(known, Action):
                yield known
        yield from _actions(inner)
