"""How much one caller may ask for: how often, how large, and in which form. Counted in this process's memory, over a moving minute."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.types import Receive

from arrears.api.caller import Caller
from arrears.api.problems import Problem
from arrears.config.settings import ApiSettings
from arrears.ledger.tables import ActorKind

BODY_WITHIN = timedelta(seconds=30)
"""Whoever drips a body byte by byte would keep a connection, and what hangs on it, for as long as they like."""

_BATCH = "/batch"
_LEFT_UNREAD = {"Connection": "close"}
"""What the caller still sends would be taken for the next request."""


@dataclass(frozen=True)
class Quota:
    """How many calls a minute somebody has, how many are left of them, and in how many seconds the first of them counts no more."""

    policy: str
    most: int
    left: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """As the IETF's draft on rate limit headers has it."""
        return {"RateLimit-Policy": f'"{self.policy}";q={self.most};w=60', "RateLimit": f'"{self.policy}";r={self.left};t={self.seconds}'}


class Rates:
    """Counts calls. Each process counts its own."""

    def __init__(self, api: ApiSettings) -> None:
        self._calls = MovingWindowRateLimiter(MemoryStorage())
        self._with_token = RateLimitItemPerMinute(api.calls_per_minute)
        self._signed = RateLimitItemPerMinute(api.signed_calls_per_minute)
        self._refused = RateLimitItemPerMinute(api.refusals_per_minute)

    async def admit(self, caller: Caller) -> Quota:
        """Count a call of somebody who is known. Raises ``Problem`` (429) if they had their share."""
        signed = caller.actor.kind is ActorKind.GATEWAY
        item, policy = (self._signed, "signed") if signed else (self._with_token, "caller")
        return await self._count(item, policy, f"{caller.actor.kind}/{caller.id}")

    async def turn_away(self, address: str) -> None:
        """Count a call of somebody whom nobody knows, by the address it came from. Raises ``Problem`` (429) if that happens too often.

        Who can prove who they are is never kept waiting for what others at the same address (a proxy's, say) try.
        """
        await self._count(self._refused, "refused", f"address/{address}")

    async def _count(self, item: RateLimitItem, policy: str, name: str) -> Quota:
        taken = await self._calls.hit(item, name)
        reset_at, left = await self._calls.get_window_stats(item, name)
        quota = Quota(policy, item.amount, left, max(1, math.ceil(reset_at - time.time())))
        if not taken:
            detail = f"{item.amount} calls a minute are allowed; wait {quota.seconds} s, or report many payments in one batch"
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS, "too_many_calls", detail, headers=quota.headers | {"Retry-After": str(quota.seconds)}
            )
        return quota


def largest_body(path: str, api: ApiSettings) -> int:
    """How many bytes a request to this path may bring."""
    return 1024 * (api.batch_kilobytes if path.endswith(_BATCH) else api.body_kilobytes)


async def read_body(receive: Receive, length: str | None, most: int, within: timedelta = BODY_WITHIN) -> bytes | None:
    """The whole body of a request that says it is ``length`` bytes long; ``None`` if the caller went away.

    Raises ``Problem``: 413 if it is too large, 408 if it is not here in time.
    """
    if length is not None and length.isdecimal() and int(length) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await _whole_body(receive, most)
    except TimeoutError:
        said = f"the body did not come within {within.total_seconds():.0f} seconds; send it at once"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "too_slow", said, headers=_LEFT_UNREAD) from None


async def _whole_body(receive: Receive, most: int) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


def check_form(body: bytes, content_type: str) -> None:
    """Raise ``Problem`` (415) if a body is not said to be JSON in UTF-8."""
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if body and (kind.strip().lower() != "application/json" or charset not in ("", "utf-8")):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "send JSON in UTF-8, with the header Content-Type: application/json")


def _too_large(most: int) -> Problem:
    detail = f"a body has at most {most // 1024} KiB here; send less at once"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail, headers=_LEFT_UNREAD)
