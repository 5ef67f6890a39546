"""ETags: a reader who has the newest answer is not sent it again, and a writer can see to it that what they read still stands.

The tag of an answer is the digest of its bytes. Every JSON answer to a GET under ``/v1`` carries one. A write that depends on what was read names the tag
in ``If-Match``: its operation calls :func:`unchanged` with the answer as it would be now.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arrears.api.problems import FieldProblem, Problem

_ANY = "*"
_JSON = "application/json"


def tag(body: bytes) -> str:
    """The strong tag of an answer's body, with its quotes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def tag_of(answer: BaseModel) -> str:
    """The tag that a model has when a route answers with it."""
    return tag(answer.model_dump_json(by_alias=True).encode())


def unchanged(request: Request, now: str, *, demanded: bool = False) -> None:
    """Raise ``Problem`` if the caller read something else than what has the tag ``now``: 412; 428 if they do not say what they read and must."""
    read = request.headers.get("if-match")
    if read is None:
        if demanded:
            raise _wrong(HTTPStatus.PRECONDITION_REQUIRED, "if_match_required", "name the ETag of what you read, in the header If-Match")
    elif not _names(read, now):
        raise _wrong(HTTPStatus.PRECONDITION_FAILED, "changed_since", "it has changed since you read it; read it again and decide anew")


async def tagged(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the app answer a GET, give a JSON answer its tag, and answer 304 to a reader who has it already."""
    known = Headers(scope=scope).get("if-none-match")
    start: Message | None = None
    body = b""

    async def hearing(message: Message) -> None:
        nonlocal start, body
        if (
            message["type"] == "http.response.start"
            and message["status"] == HTTPStatus.OK
            and Headers(scope=message).get("content-type") == _JSON
        ):
            start = message
        elif start is None:
            await send(message)
        elif message["type"] == "http.response.body":
            body += message.get("body", b"")
            if not message.get("more_body", False):
                await _answer(start, body, known, send)

    await app(scope, receive, hearing)


async def _answer(start: Message, body: bytes, known: str | None, send: Send) -> None:
    headers = MutableHeaders(scope=start)
    if "etag" not in headers:
        headers["etag"] = tag(body)
    if known is not None and _names(known, headers["etag"]):
        del headers["content-length"]
        del headers["content-type"]
        start["status"], body = HTTPStatus.NOT_MODIFIED, b""
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _names(header: str, current: str) -> bool:
    """Whether a list of tags, or ``*``, names the current one."""
    return any(one.strip().removeprefix("W/") in (_ANY, current) for one in header.split(","))


def _wrong(status: HTTPStatus, code: str, said: str) -> Problem:
    return Problem(status, code, said, [FieldProblem(field="if-match", problem=said)])
