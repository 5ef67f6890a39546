"""The HTTP contract as Arrears speaks it, and what each way of failing means for a retry."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from arrears.domain.outcome import Outcome
from arrears.gateways.contract import GatewayError, GatewayFinal, GatewayRetryable, Outgoing
from arrears.gateways.http import HttpGateway
from arrears.gateways.signing import verify_signature
from tests.gateways.conftest import SECRET, Answer, http, peer, read_request

ACCEPTED = http("202 Accepted", '{"status": "accepted", "gateway_ref": "g-1"}')


async def send_to(answer: Answer, order: Outgoing) -> GatewayError:
    """The error that sending ``order`` to such a peer ends with."""
    async with peer(answer) as there:
        gateway = HttpGateway("sms", there.settings)
        with pytest.raises(GatewayError) as raised:
            await gateway.send(order)
        await gateway.aclose()
        return raised.value


async def test_an_accepted_order_gives_a_receipt(order: Outgoing):
    async with peer(ACCEPTED) as there:
        gateway = HttpGateway("sms", there.settings)
        receipt = await gateway.send(order)
        await gateway.aclose()
    assert (receipt.status, receipt.gateway_ref, receipt.outcome) == ("accepted", "g-1", None)


async def test_an_order_travels_signed_under_its_idempotency_key(order: Outgoing):
    async with peer(ACCEPTED) as there:
        gateway = HttpGateway("sms", there.settings)
        await gateway.send(order)
        await gateway.aclose()
    head, _, body = there.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert head.startswith(b"POST /v1/orders HTTP/1.1")
    assert headers["idempotency-key"] == order.key
    assert verify_signature(SECRET, headers, body) == order.key
    assert json.loads(body)["requested_at"] == "2026-11-02T02:00:00Z"


async def test_a_final_receipt_carries_the_outcome(order: Outgoing):
    async with peer(http("200 OK", '{"status": "final", "outcome": "invalid_number", "at": "2026-11-02T02:00:09Z"}')) as there:
        gateway = HttpGateway("voice", there.settings)
        receipt = await gateway.send(order)
        await gateway.aclose()
    assert receipt.outcome is Outcome.INVALID_NUMBER
    assert receipt.at == datetime(2026, 11, 2, 2, 0, 9, tzinfo=UTC)


async def test_a_known_key_is_looked_up_by_its_quoted_path(order: Outgoing):
    async with peer(http("200 OK", '{"status": "final", "outcome": "no_answer"}')) as there:
        gateway = HttpGateway("voice", there.settings)
        receipt = await gateway.look_up(order.key)
        await gateway.aclose()
    assert receipt is not None
    assert receipt.outcome is Outcome.NO_ANSWER
    assert there.requests[0].startswith(b"GET /v1/orders/L-1001.1%2Ffirst-call.1 HTTP/1.1")


async def test_a_key_that_the_gateway_does_not_know_is_none(order: Outgoing):
    async with peer(http("404 Not Found", '{"code": "unknown_key"}')) as there:
        gateway = HttpGateway("sms", there.settings)
        assert await gateway.look_up(order.key) is None
        await gateway.aclose()


async def test_a_404_that_does_not_speak_the_contract_never_passes_for_an_unknown_key(order: Outgoing):
    """A wrong base URL must not make a message that was sent look unsent."""
    async with peer(http("404 Not Found", "<html>nothing here</html>")) as there:
        gateway = HttpGateway("sms", there.settings)
        with pytest.raises(GatewayFinal):
            await gateway.look_up(order.key)
        await gateway.aclose()


async def test_a_refused_connection_may_be_retried_and_nothing_was_sent(order: Outgoing):
    async with peer(b"") as gone:
        settings = gone.settings
    await asyncio.sleep(0)
    gateway = HttpGateway("sms", settings)
    with pytest.raises(GatewayRetryable) as raised:
        await gateway.send(order)
    await gateway.aclose()
    assert (raised.value.code, raised.value.maybe_sent) == ("connect_error", False)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(5)


async def test_a_time_out_may_be_retried_and_something_may_have_left(order: Outgoing):
    error = await send_to(_silent, order)
    assert isinstance(error, GatewayRetryable)
    assert (error.code, error.maybe_sent) == ("read_timeout", True)


async def _dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n")
    for _ in range(50):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def test_an_answer_that_drips_is_a_time_out_too(order: Outgoing):
    error = await send_to(_dripping, order)
    assert isinstance(error, GatewayRetryable)
    assert (error.code, error.maybe_sent) == ("read_timeout", True)


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{")
    await writer.drain()


async def test_a_connection_cut_in_the_answer_may_be_retried_and_something_may_have_left(order: Outgoing):
    error = await send_to(_cut, order)
    assert isinstance(error, GatewayRetryable)
    assert error.maybe_sent


@pytest.mark.parametrize("body", ["not json", "[]", '{"status": "perhaps"}', '{"status": "final", "outcome": "abducted"}'])
async def test_a_success_that_cannot_be_read_may_be_retried_and_something_may_have_left(order: Outgoing, body: str):
    error = await send_to(http("200 OK", body), order)
    assert isinstance(error, GatewayRetryable)
    assert (error.code, error.maybe_sent) == ("unreadable_answer", True)


async def test_a_server_error_may_be_retried_and_something_may_have_left(order: Outgoing):
    error = await send_to(http("500 Internal Server Error"), order)
    assert isinstance(error, GatewayRetryable)
    assert (error.code, error.maybe_sent, error.retry_after) == ("http_500", True, None)


async def test_too_many_requests_says_when_to_come_back_in_seconds(order: Outgoing):
    error = await send_to(http("429 Too Many Requests", "", "retry-after: 7"), order)
    assert isinstance(error, GatewayRetryable)
    assert (error.retry_after, error.maybe_sent) == (timedelta(seconds=7), False)


async def test_too_many_requests_says_when_to_come_back_as_a_date(order: Outgoing):
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = await send_to(http("429 Too Many Requests", "", f"retry-after: {when}"), order)
    assert isinstance(error, GatewayRetryable)
    assert error.retry_after is not None
    assert timedelta(seconds=50) < error.retry_after <= timedelta(seconds=60)


@pytest.mark.parametrize(
    ("given", "wait"),
    [("soon", None), ("-5", None), ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta()), ("9" * 30, None), ("999999999", timedelta(days=1))],
)
async def test_a_strange_retry_after_is_bounded_or_left_out(order: Outgoing, given: str, wait: timedelta | None):
    error = await send_to(http("503 Service Unavailable", "", f"retry-after: {given}"), order)
    assert isinstance(error, GatewayRetryable)
    assert error.retry_after == wait


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found", "422 Unprocessable", "301 Moved Permanently"])
async def test_a_refusal_is_final(order: Outgoing, status: str):
    error = await send_to(http(status, "", "location: http://127.0.0.1:9/"), order)
    assert isinstance(error, GatewayFinal)
    assert error.code == f"http_{status[:3]}"


async def test_a_refusal_keeps_the_code_and_never_the_text(order: Outgoing):
    error = await send_to(http("422 Unprocessable", f'{{"code": "template_refused", "detail": "bad text for {order.to}"}}'), order)
    assert str(error) == "gateway sms: http_422_template_refused"


async def test_a_code_that_is_no_code_is_left_out(order: Outgoing):
    error = await send_to(http("422 Unprocessable", f'{{"code": "{order.to}"}}'), order)
    assert error.code == "http_422"


@pytest.mark.parametrize("status", ["408 Request Timeout", "409 Conflict", "425 Too Early"])
async def test_a_client_error_that_passes_may_be_retried(order: Outgoing, status: str):
    assert isinstance(await send_to(http(status), order), GatewayRetryable)


def test_what_goes_out_never_shows_a_person_when_printed(order: Outgoing):
    for private in (order.to, order.text, "Your loan"):
        assert private not in repr(order)
        assert private not in str(order)
