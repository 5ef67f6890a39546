"""A world, orders for it, and an Arrears that notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr

from arrears.api.serving import serving
from arrears.config.settings import Settings
from arrears.domain.loan import Instalment
from arrears.domain.orders import Purpose
from arrears.domain.strategy import Channel
from arrears.gateways.contract import Outgoing
from arrears.gateways.registry import Gateways
from arrears.gateways.signing import verify_signature
from arrears.sandbox.temperament import Resident, Temperament
from arrears.sandbox.world import SandboxWorld

DAY_ONE = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
"""10:00 in Shanghai, one day past due."""


def order(channel: Channel = Channel.CALL, key: str = "L-1.1/call.1", at: datetime = DAY_ONE, url: str | None = None) -> Outgoing:
    return Outgoing(
        key=key,
        channel=channel,
        to="zhang.san@mail.example" if channel is Channel.EMAIL else "+8613000000001",
        text="你好",
        subject="Hello",
        language="zh-CN",
        purpose=Purpose.COLLECT,
        requested_at=at,
        callback_url=url,
    )


def resident(temperament: Temperament, loan_id: str = "L-1") -> Resident:
    owed = (Instalment(due_on=date(2026, 11, 1), amount=Decimal("300.00")), Instalment(due_on=date(2026, 12, 1), amount=Decimal("300.00")))
    return Resident(loan_id=loan_id, temperament=temperament, instalments=owed)


@asynccontextmanager
async def gateways_of(world: SandboxWorld) -> AsyncIterator[Gateways]:
    async with Gateways(Settings.model_validate(world.gateway_settings())) as gateways:
        yield gateways


class Listener:
    """Notes every message with its verified id; answers as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes]] = []
        self.answers: list[int] = []
        self.url = ""
        self._new = asyncio.Event()
        self.secrets: Mapping[str, SecretStr] = {}
        self.app = FastAPI()
        self.app.post("/{path:path}")(self._hear)

    async def hear_something(self, seconds: float = 10) -> None:
        await asyncio.wait_for(self._new.wait(), seconds)

    async def _hear(self, path: str, request: Request) -> Response:
        body = await request.body()
        gateway = path.rpartition("/")[2] if "callbacks" in path else "loan_system"
        message_id = verify_signature(self.secrets[gateway], request.headers, body)
        self.heard.append((path, message_id, body))
        self._new.set()
        return Response(status_code=self.answers.pop(0) if self.answers else 204)


@pytest.fixture
async def arrears() -> AsyncIterator[Listener]:
    listener = Listener()
    async with serving(listener.app, 0) as port:
        listener.url = f"http://127.0.0.1:{port}"
        yield listener
