"""A write that carries an ``Idempotency-Key`` is carried out once: the same request again gets the same answer, byte for byte.

The answer is kept before it is given. Who never got it, because this process died in between, sends the request again; after a while it is taken over and
carried out anew, which changes nothing: every write is known by a natural key of its own, or to the running case by the mark of its request.
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import Message, Scope

from arrears.api.caller import Caller
from arrears.api.problems import FieldProblem, Problem
from arrears.ledger import answers
from arrears.ledger.answers import Answer, Claim, KeyTaken, StillWorking
from arrears.ledger.engine import Ledger

KEY_HEADER = "idempotency-key"
REPLAYED = {"Idempotent-Replay": "true"}
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_LOOK_AGAIN_SECONDS = 1
_KEPT_HEADERS = frozenset({"content-type", "location", "etag", "link"})
_log = logging.getLogger(__name__)


def key_of(headers: Headers) -> str | None:
    """The key that a write carries, if it does. Raises ``Problem`` (400) if it is none."""
    key = headers.get(KEY_HEADER)
    if key is not None and not _KEY.fullmatch(key):
        said = "up to 255 visible ASCII characters, such as a UUID"
        raise Problem(
            HTTPStatus.BAD_REQUEST, "bad_idempotency_key", f"Idempotency-Key: {said}", [FieldProblem(field=KEY_HEADER, problem=said)]
        )
    return key


def request_digest(scope: Scope, body: bytes) -> str:
    """The SHA-256 of what makes a request the same: method, path, query and body."""
    parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body)
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


@dataclass
class Kept:
    """An answer as it is given, message by message."""

    start: Message | None = None
    body: bytes = b""

    def hear(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start":
                self.start = message
            case "http.response.body":
                self.body += message.get("body", b"")
            case _:
                pass

    @property
    def answer(self) -> Answer | None:
        """The answer, if it is worth keeping: what it answers was done."""
        if self.start is None or not HTTPStatus.OK <= self.start["status"] < HTTPStatus.MULTIPLE_CHOICES:
            return None
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in self.start["headers"]}
        return Answer(self.start["status"], self.body.decode(), {name: headers[name] for name in headers if name in _KEPT_HEADERS})


async def begin(ledger: Ledger, caller: Caller, key: str, digest: str) -> Claim | Answer:
    """Take the request on, or find what was answered to it. Raises ``Problem`` (409)."""
    name = hashlib.sha256(f"{caller.actor.kind}/{caller.id}".encode()).hexdigest()
    try:
        async with ledger.session() as session:
            return await answers.claim(session, name, key, digest, datetime.now(UTC))
    except KeyTaken:
        said = "this key was used for another request; take a new key for a new request"
        raise Problem(HTTPStatus.CONFLICT, "idempotency_conflict", said, [FieldProblem(field=KEY_HEADER, problem=said)]) from None
    except StillWorking as working:
        wait = min(_LOOK_AGAIN_SECONDS, math.ceil(working.wait.total_seconds()))
        said = "the same request is being worked on; send it again in a moment"
        raise Problem(HTTPStatus.CONFLICT, "idempotency_in_progress", said, headers={"Retry-After": str(wait)}) from None


@asynccontextmanager
async def keeping(ledger: Ledger, claimed: Claim) -> AsyncGenerator[Kept]:
    """Carry the request out; what is heard of its answer is kept at the end, and a refusal or an error frees the key.

    An answer that cannot be kept is given all the same: what it says was done.
    """
    kept = Kept()
    try:
        yield kept
    finally:
        answer = kept.answer
        try:
            async with ledger.session() as session:
                await (answers.keep(session, claimed, answer) if answer else answers.let_go(session, claimed))
        except Exception:
            _log.exception("what was answered to an idempotency key could not be kept")
