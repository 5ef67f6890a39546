"""The API's own description: what FastAPI knows of the routes, and what is true of all of them.

Who may call what is read from the routes' dependencies, so that the description cannot say anything else than the door does.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from arrears.api.caller import SESSION_COOKIE, SIGNED
from arrears.api.examples import ANSWERS, PROBLEMS, REQUEST_BODIES, REQUESTS
from arrears.api.idempotency import WRITES
from arrears.config.access import packaged_access
from arrears.domain.access import Action
from arrears.domain.strategy import Role

Schema = dict[str, Any]

ABOUT = """Durable loan collections: a loan system tells what was missed and what was paid, operators decide, gateways and agencies report.

* **Who calls**: a machine shows a token (`Authorization: Bearer arr_…`) with the scopes it was given, or signs its requests by the
  [Standard Webhooks](https://www.standardwebhooks.com) scheme; an operator's browser carries the session of the console.
* **Writing**: every write may be sent again. With an `Idempotency-Key` the same request gets the same answer, byte for byte, for 48 hours; another
  request under the same key is a 409. What was refused changed nothing, and frees its key.
* **Reading**: lists come a page at a time, with the `next` cursor in the body and the next address in `Link`. Every answer has an `ETag`; name it in
  `If-None-Match` and be told 304 while nothing changed.
* **Errors** are RFC 9457 problems (`application/problem+json`) with a `code` for programs, and the fields that are wrong under `errors`.
* **Money** is a string such as `"120.50"` beside an ISO 4217 code. Instants are RFC 3339 with an offset, days are ISO dates.
* **Nobody's name, number or address** is in an address, an id or a reason.
"""
TAGS = {
    "loan system": "What loan systems report: missed payments, payments, payments that are taken back.",
    "cases": "Where cases stand, what happened in them, and what is done to them.",
    "payments": "What was booked for a loan.",
    "persons": "What people want and agreed to.",
    "approvals": "Requests for a human's yes.",
    "tasks": "Work for humans.",
    "agencies": "Agencies: their records, and what they report.",
    "facts": "Any other fact that the law asks for.",
    "events": "What the loan system is told, and telling it again.",
    "portfolio": "The portfolio in figures.",
    "audit": "Who did what, and what the proof says.",
    "gateways": "What gateways report of calls and messages.",
    "health": "Whether the process lives and can do its work.",
}

_PROBLEM = "application/problem+json"
_FIGURES = "figures__"
_BEARER, _SIGNED, _SESSION = "token", "signature", "session"
_API, _CALLBACKS = "/v1/", "/v1/callbacks/"
_AMOUNT = {"type": "string", "pattern": r"^[0-9]{1,11}(\.[0-9]{1,4})?$", "examples": ["120.50"]}
_POSITIVE = _AMOUNT | {"pattern": r"^(?=.*[1-9])[0-9]{1,11}(\.[0-9]{1,4})?$"}


class DescribedApi(FastAPI):
    """An app whose description says what its edge does."""

    def openapi(self) -> Schema:
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi(), demands(self.routes))
        return self.openapi_schema


def demands(routes: Iterable[object]) -> dict[str, Action]:
    """What each operation lets nobody do who may not, by its id."""
    return {route.operation_id or route.name: action for route in _api_routes(routes) for action in _actions(route.dependant)}


def complete(document: Schema, actions: Mapping[str, Action]) -> Schema:
    """The document with everything in it that is true of all routes."""
    document["info"]["description"] = ABOUT
    document["servers"] = [{"url": "/"}]
    used = {tag for _, _, operation in _operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [{"name": name, "description": says} for name, says in TAGS.items() if name in used]
    components = document.setdefault("components", {})
    components["securitySchemes"] = _security_schemes()
    components["responses"] = {_name(status): _problem(status) for status in PROBLEMS}
    components["headers"] = _headers()
    for path, method, operation in _operations(document):
        _operation(path, method, operation, actions.get(operation["operationId"]))
        if (bodies := REQUEST_BODIES.get(operation["operationId"])) is not None:
            examples = {name: {"value": body} for name, body in bodies.items()}
            operation["requestBody"]["content"]["application/json"].setdefault("examples", examples)
    for hook in document.get("webhooks", {}).values():
        for operation in hook.values():
            operation["responses"].pop("422", None)
    schemas: Schema = components["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _money(document)
    _short_names(document, schemas)
    _join(document, schemas)
    _plain_words(document)
    for name, example in [*REQUESTS.items(), *ANSWERS.items()]:
        if name in schemas:
            schemas[name].setdefault("examples", [example])
    return document


def _operation(path: str, method: str, operation: Schema, action: Action | None) -> None:
    responses: Schema = operation["responses"]
    for status in [status for status in responses if not status.startswith(("2", "3"))]:
        if _is_problem(responses[status]):
            told = responses.pop(status)
            if status.isdecimal():
                responses[status] = _problem(HTTPStatus(int(status)), told.get("description"))
    if not path.startswith(_API):
        return
    writes = method.upper() in WRITES
    expected = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    if operation.get("parameters") or "requestBody" in operation:
        expected.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if "{" in path:
        expected.add(HTTPStatus.NOT_FOUND)
    if "requestBody" in operation:
        expected |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        }
    if path.startswith(_CALLBACKS):
        operation["security"] = [{_SIGNED: []}]
        expected.add(HTTPStatus.CONFLICT)
    else:
        expected.add(HTTPStatus.FORBIDDEN)
        if action is not None:
            operation["security"] = _security(path, action)
            if {_SIGNED: []} in operation["security"]:
                expected.add(HTTPStatus.CONFLICT)
            if packaged_access().wants_reason(action):
                expected.add(HTTPStatus.PRECONDITION_REQUIRED)
                _parameter(operation, "X-Arrears-Reason", _REASON, "seen at the customer's request")
        if writes:
            expected |= {
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.CONFLICT,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            }
            _parameter(operation, "Idempotency-Key", _KEY, "6f9d2c1e-7a34-4c55-9b0e-0f5d9b6f2a11", _KEY_SHAPE)
        else:
            says = "The `ETag` of the answer that the caller has; while it is the same, 304 is answered."
            _parameter(operation, "If-None-Match", says, '"5f2c"')
            responses["304"] = {"description": "The caller has the newest answer already", "headers": {"ETag": _header("ETag")}}
        _say_headers(responses, writes, paged=any(p["name"] == "cursor" for p in operation.get("parameters", ())))
    for status in expected:
        responses.setdefault(str(int(status)), {"$ref": f"#/components/responses/{_name(status)}"})
    operation["responses"] = dict(sorted(responses.items()))


_REASON = "Why an operator does it, in at most 200 characters without personal data; a machine needs none."
_KEY = "The same request under the same key is carried out once and answered the same each time, for 48 hours."
_KEY_SHAPE = {"type": "string", "pattern": "^[!-~]{1,255}$"}


def _parameter(operation: Schema, name: str, says: str, example: str, schema: Schema | None = None) -> None:
    parameters: list[Schema] = operation.setdefault("parameters", [])
    if all(p["name"].lower() != name.lower() for p in parameters):
        shape = schema or {"type": "string"}
        parameters.append({"name": name, "in": "header", "required": False, "description": says, "schema": shape, "example": example})


def _say_headers(responses: Schema, writes: bool, *, paged: bool) -> None:
    names = ["RateLimit", "RateLimit-Policy", *(["Idempotent-Replay"] if writes else ["ETag"]), *(["Link"] if paged else [])]
    for status, response in responses.items():
        if status.startswith("2"):
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
        "The same message at another address is refused (409)."
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
    }
    return {name: {"description": text, "schema": {"type": "string"}, "example": example} for name, (text, example) in says.items()}


def _header(name: str) -> Schema:
    return {"$ref": f"#/components/headers/{name}"}


def _problem(status: HTTPStatus, says: str | None = None) -> Schema:
    examples = {problem["code"]: {"value": _example(status, problem)} for problem in PROBLEMS.get(status, ())}
    content: Schema = {"schema": {"$ref": "#/components/schemas/ProblemBody"}} | ({"examples": examples} if examples else {})
    again = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.CONFLICT)
    headers = {"headers": {"Retry-After": _header("Retry-After")}} if again else {}
    return {"description": says or status.phrase, "content": {_PROBLEM: content}} | headers


def _example(status: HTTPStatus, problem: Mapping[str, Any]) -> Schema:
    return {"type": "about:blank", "title": status.phrase, "status": int(status)} | dict(problem)


def _is_problem(response: Schema) -> bool:
    shapes = (media.get("schema", {}).get("$ref", "") for media in response.get("content", {}).values())
    return any(shape.endswith(("/ProblemBody", "/HTTPValidationError")) for shape in shapes)


def _name(status: HTTPStatus) -> str:
    return "".join(word.capitalize() for word in status.name.split("_"))


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _money(part: Any) -> None:
    """Say how money is written, in place: FastAPI lets it be a number, which not every client keeps exactly, or any string at all."""
    match part:
        case {"anyOf": [{"type": "number", **bounds}, {"type": "string"}, *others]}:
            del part["anyOf"]
            amount = _POSITIVE if "exclusiveMinimum" in bounds else _AMOUNT
            part.update({"anyOf": [amount, *others]} if others else amount)
        case dict():
            for inner in part.values():  # pyright: ignore[reportUnknownVariableType]
                _money(inner)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                _money(inner)
        case _:
            pass


def _plain_words(part: Any) -> None:
    """What is code in a docstring is code in Markdown, in place."""
    match part:
        case dict():
            for name, inner in part.items():  # pyright: ignore[reportUnknownVariableType]
                if name == "description" and isinstance(inner, str):
                    part[name] = inner.replace("``", "`")
                else:
                    _plain_words(inner)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                _plain_words(inner)
        case _:
            pass


def _join(document: Schema, schemas: Schema) -> None:
    """One name for what is written and read alike: FastAPI keeps two where a number could be given for money."""
    for name in [name.removesuffix("-Input") for name in schemas if name.endswith("-Input")]:
        given, told = schemas[f"{name}-Input"], schemas.get(f"{name}-Output")
        if told is not None and _shape(given) == _shape(told) and name not in schemas:
            schemas[name] = given
            del schemas[f"{name}-Input"], schemas[f"{name}-Output"]
            _rename(document, {f"#/components/schemas/{name}-{way}": f"#/components/schemas/{name}" for way in ("Input", "Output")})


def _short_names(document: Schema, schemas: Schema) -> None:
    """Names without our modules in them: FastAPI adds those where two shapes are called the same. The portfolio's figures say whose they are."""
    names: dict[str, str] = {}
    for name in [name for name in schemas if "__" in name or name.endswith(("-Input", "-Output"))]:
        plain = name.rpartition("__")[2]
        short = f"Portfolio{plain}" if _FIGURES in name else plain
        same = short.removesuffix("-Input").removesuffix("-Output")
        if "enum" in schemas[name]:
            short = same  # what is one of these words is so in both directions
        if short != name and (short not in schemas or schemas[short] == schemas[name]):
            schemas[short] = schemas.pop(name)
            names[f"#/components/schemas/{name}"] = f"#/components/schemas/{short}"
    _rename(document, names)


def _shape(schema: Any) -> Any:
    """A schema without what only money that is given has."""
    match schema:
        case dict():
            return {name: _shape(inner) for name, inner in schema.items() if name not in ("pattern", "examples")}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [_shape(inner) for inner in schema]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return schema


def _rename(part: Any, names: Mapping[str, str]) -> None:
    match part:
        case {"$ref": str() as name} if name in names:
            part["$ref"] = names[name]
        case dict():
            for inner in part.values():  # pyright: ignore[reportUnknownVariableType]
                _rename(inner, names)
        case list():
            for inner in part:  # pyright: ignore[reportUnknownVariableType]
                _rename(inner, names)
        case _:
            pass


def _api_routes(routes: Iterable[object]) -> Iterator[APIRoute]:
    """The routes, also those of routers that were included."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from _api_routes(inner.routes)


def _actions(dependant: Any) -> Iterator[Action]:
    """What the dependencies made by ``caller.allowed`` ask for."""
    for inner in dependant.dependencies:
        if inspect.isfunction(inner.call) and inner.call.__module__ == "arrears.api.caller":
            known = inspect.getclosurevars(inner.call).nonlocals.get("action")
            if isinstance(known, Action):
                yield known
        yield from _actions(inner)
