"""The one HTTP contract that sms, voice, in-app, agency, bureau and legal gateways speak (docs/gateways.md)."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from arrears.config.settings import GatewayName, GatewaySettings
from arrears.domain import handover
from arrears.gateways.contract import GatewayFinal, GatewayRetryable, Handover, Outgoing, Receipt
from arrears.gateways.signing import signature_headers
from arrears.gateways.trust import trusted

_ORDERS = "/v1/orders"
_LONGEST_WAIT = timedelta(days=1)
_TRY_LATER = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.LOCKED, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,47}")


class HttpGateway:
    """One gateway that speaks the HTTP contract. It holds one connection pool, so keep it and close it."""

    def __init__(self, name: GatewayName, settings: GatewaySettings) -> None:
        self.name: GatewayName = name
        self._secret = settings.secret
        self._whole_seconds = settings.connect_seconds + 2 * settings.answer_seconds
        self._http = httpx.AsyncClient(
            base_url=settings.url,
            timeout=httpx.Timeout(settings.answer_seconds, connect=settings.connect_seconds),
            follow_redirects=False,
            trust_env=False,
            verify=trusted(),
        )

    async def send(self, order: Outgoing | Handover) -> Receipt:
        """POST the order under its key; see :class:`arrears.gateways.contract.Gateway`. One that tells an institution too much never leaves."""
        if isinstance(order, Handover):
            self._check(order)
        body = order.model_dump_json(exclude_none=True).encode()
        answer = await self._ask("POST", _ORDERS, order.key, body)
        if answer.is_success:
            return self._receipt(answer)
        raise self._refusal(answer)

    async def look_up(self, key: str) -> Receipt | None:
        """GET what became of the key; see :class:`arrears.gateways.contract.Gateway`."""
        answer = await self._ask("GET", f"{_ORDERS}/{quote(key, safe='')}", key, b"")
        if answer.is_success:
            return self._receipt(answer)
        if answer.status_code == HTTPStatus.NOT_FOUND and _problem_code(answer) == "unknown_key":
            return None
        raise self._refusal(answer)

    async def aclose(self) -> None:
        await self._http.aclose()

    def _check(self, order: Handover) -> None:
        try:
            handover.check(order.target, order.model_dump(exclude_none=True))
        except handover.ToldTooMuch:
            raise GatewayFinal(self.name, "told_too_much") from None

    async def _ask(self, method: str, path: str, key: str, body: bytes) -> httpx.Response:
        headers = signature_headers(self._secret, key, body) | {"accept": "application/json"}
        if method == "POST":
            headers |= {"idempotency-key": key, "content-type": "application/json"}
        try:
            # httpx bounds each read; a gateway that drips its answer must not hold us longer than one that is silent.
            async with asyncio.timeout(self._whole_seconds):
                return await self._http.request(method, path, content=body, headers=headers)
        except TimeoutError:
            raise GatewayRetryable(self.name, "read_timeout", maybe_sent=True) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as unreached:
            raise self._retryable(unreached, maybe_sent=False) from None
        except httpx.TransportError as cut:
            raise self._retryable(cut, maybe_sent=True) from None

    def _retryable(self, error: httpx.TransportError, *, maybe_sent: bool) -> GatewayRetryable:
        code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
        return GatewayRetryable(self.name, code, maybe_sent=maybe_sent)

    def _receipt(self, answer: httpx.Response) -> Receipt:
        try:
            return Receipt.model_validate_json(answer.content)
        except ValidationError:
            raise GatewayRetryable(self.name, "unreadable_answer", maybe_sent=True) from None

    def _refusal(self, answer: httpx.Response) -> GatewayRetryable | GatewayFinal:
        status = answer.status_code
        code = f"http_{status}" if (named := _problem_code(answer)) is None else f"http_{status}_{named}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return GatewayRetryable(self.name, code, maybe_sent=True, retry_after=retry_after(answer))
        if status in _TRY_LATER:
            return GatewayRetryable(self.name, code, maybe_sent=status == HTTPStatus.CONFLICT, retry_after=retry_after(answer))
        return GatewayFinal(self.name, code)


class _Problem(BaseModel):
    model_config = ConfigDict(extra="ignore")

    code: str


def _problem_code(answer: httpx.Response) -> str | None:
    """The machine-readable code of an RFC 9457 problem; nothing else of a refusal is kept, as it may quote what was sent."""
    try:
        code = _Problem.model_validate_json(answer.content).code
    except ValidationError:
        return None
    return code if _CODE.fullmatch(code) else None


def retry_after(answer: httpx.Response) -> timedelta | None:
    """``Retry-After`` as a span, given in seconds or as a date; at most a day, ``None`` if absent or unreadable."""
    given = answer.headers.get("retry-after", "").strip()
    try:
        wait = (
            timedelta(seconds=int(given))
            if given.isascii() and given.isdigit()
            else _aware(parsedate_to_datetime(given)) - datetime.now(UTC)
        )
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta()), _LONGEST_WAIT)


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
