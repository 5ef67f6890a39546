"""A peer on a real socket that answers with exactly the bytes a test gives it, or in no good way at all."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from arrears.config.settings import GatewaySettings
from arrears.domain.strategy import Channel
from arrears.gateways.contract import Outgoing

SECRET = SecretStr("whsec_" + base64.b64encode(b"a secret of gateway tests, only").decode())
Answer = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def http(status: str, body: str = "", *headers: str) -> bytes:
    """A whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body.encode())}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Peer:
    """A TCP server with one behaviour; ``requests`` holds what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[bytes] = []
        self.port = 0
        self._answer = answer

    @property
    def settings(self) -> GatewaySettings:
        return GatewaySettings(url=f"http://127.0.0.1:{self.port}", secret=SECRET, connect_seconds=1, answer_seconds=0.3)

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if callable(self._answer):
                await self._answer(reader, writer)
            else:
                self.requests.append(await read_request(reader))
                writer.write(self._answer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Head and body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return head + (await reader.readexactly(int(lengths[0])) if lengths else b"")


@asynccontextmanager
async def peer(answer: Answer) -> AsyncIterator[Peer]:
    """A running :class:`Peer` on a free port."""
    it = Peer(answer)
    server = await asyncio.start_server(it.speak, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()


@pytest.fixture
def order() -> Outgoing:
    return Outgoing(
        key="L-1001.1/first-call.1",
        channel=Channel.SMS,
        to="+8613000000001",
        text="您的账单已逾期",
        subject="Your loan",
        html="<p>Your loan</p>",
        language="zh-CN",
        requested_at=datetime(2026, 11, 2, 2, 0, tzinfo=UTC),
        callback_url="http://127.0.0.1:1/v1/callbacks/sms",
    )
