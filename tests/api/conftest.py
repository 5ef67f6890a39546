"""The API over a real ledger and a real Temporal server, spoken to as gateways and loan systems speak to it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from arrears.api.app import create_app
from arrears.api.cases import Cases, TemporalClient
from arrears.config.settings import GatewaySettings, Settings
from arrears.domain.orders import Purpose
from arrears.domain.strategy import Channel
from arrears.gateways.signing import signature_headers
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.tables import (
    AttemptRow,
    AttemptState,
    CaseRow,
    InstalmentRow,
    LoanRow,
)
from arrears.sandbox.world import make_secret
from arrears.workers.connection import TemporalUnreachable
from tests.api.browsers import Browser, browsing
from tests.api.described import as_described
from tests.sealing import VAULT, person, point

LOAN = "L-1"
CALL = "L-1.1/call.1"
NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
PAYMENT = {"loan_id": LOAN, "payment_id": "P-1", "amount": "120.50", "currency": "CNY", "received_at": "2026-11-02T10:00:00+08:00"}
OUTCOME = {"kind": "call_outcome", "key": CALL, "outcome": "no_answer", "at": "2026-11-02T02:00:41Z"}


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "new.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def ledger(new_ledger: Path, tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger with one loan, its borrower and an open case."""
    shutil.copy(new_ledger, tmp_path / "ledger.db")
    ledger = Ledger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", VAULT)
    async with ledger.session() as session:
        session.add_all(person("B-1", "测试", zone="Asia/Shanghai", language="zh-CN"))
        await session.flush()
        session.add(LoanRow(id=LOAN, borrower_id="B-1", lender="x", product="cash", currency="CNY", strategy="fenqile", imported_at=NOW))
        session.add(point(None, "B-1", "+8613000000001"))
        await session.flush()
        session.add(InstalmentRow(loan_id=LOAN, n=1, due_on=date(2026, 11, 1), principal=Decimal("120.50")))
        session.add(
            CaseRow(
                id="L-1.1",
                loan_id=LOAN,
                cycle=1,
                run_key="r",
                strategy="fenqile",
                strategy_version=1,
                strategy_hash="0" * 64,
                opened_at=NOW,
            )
        )
    yield ledger
    await ledger.close()


async def attempted(ledger: Ledger, key: str = CALL, channel: Channel = Channel.CALL, token: bytes | None = None) -> None:
    """Write an attempt down that a gateway has."""
    async with ledger.session() as session:
        session.add(
            AttemptRow(
                id=key,
                case_id="L-1.1",
                loan_id=LOAN,
                person_id="B-1",
                contact_point_id=1,
                channel=channel,
                purpose=Purpose.COLLECT,
                message="first-call",
                content_hash="0" * 64,
                locale="zh-CN",
                state=AttemptState.SENT,
                reserved_at=NOW,
                sent_at=NOW,
                task_token=token,
            )
        )


async def nowhere() -> Any:
    raise TemporalUnreachable("nowhere", "this test has no server")


@dataclass
class Api:
    """The running API, and the secrets of those who speak to it."""

    http: httpx.AsyncClient
    settings: Settings
    cases: Cases

    async def tell(
        self,
        sender: str,
        path: str,
        body: dict[str, Any] | bytes,
        message_id: str = "m-1",
        secret: SecretStr | None = None,
        headers: dict[str, str] | None = None,
    ):
        """POST what a sender would."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        known = self.settings.gateway(sender)  # type: ignore[arg-type]
        assert known is not None
        signed = signature_headers(secret or known.secret, message_id, raw)
        return await self.http.post(path, content=raw, headers={"content-type": "application/json"} | signed | (headers or {}))


@asynccontextmanager
async def running_api(ledger: Ledger, temporal: TemporalClient = nowhere, **settings_: Any) -> AsyncGenerator[Api]:
    parties = {
        name: GatewaySettings(url="http://gateway.example", secret=make_secret()) for name in ("voice", "sms", "agency", "loan_system")
    }
    settings = Settings.model_validate(parties | settings_)
    app = create_app(ledger, temporal, settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://arrears", event_hooks={"response": [as_described]}) as http,
    ):
        yield Api(http, settings, app.state.house.cases)


@pytest.fixture
async def api(ledger: Ledger) -> AsyncIterator[Api]:
    """The API while Temporal is away."""
    async with running_api(ledger) as api:
        yield api


@pytest.fixture
def app(ledger: Ledger) -> FastAPI:
    """The API and console as they are without any setting, while Temporal is away."""
    return create_app(ledger, nowhere, Settings())


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    async with browsing(app) as browser:
        yield browser
