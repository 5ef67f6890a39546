"""From the loan system's report to the cured case, with nothing pretended: Temporal, worker, ledger, API and the world outside are all real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from arrears.activities import Activities
from arrears.api.app import create_app
from arrears.api.serving import serving
from arrears.config.settings import Settings
from arrears.domain.calendar import local_instant
from arrears.domain.clock import Clock
from arrears.domain.loan import Payment
from arrears.domain.outcome import Outcome
from arrears.gateways.registry import Gateways
from arrears.ledger import attempts
from arrears.ledger.engine import Ledger
from arrears.sandbox import temperament as t
from arrears.sandbox.faults import Fault
from arrears.sandbox.world import SandboxWorld
from arrears.workers.connection import TemporalUnreachable, register_search_attributes
from arrears.workers.server import TUNING, temporal_binary
from arrears.workers.worker import collections_worker
from arrears.workflows.contract import CaseSummary, workflow_id
from tests.api.conftest import LOAN

DUE_ON = date(2026, 11, 1)
DAY_SECONDS = 6.0
FLAGS = [part for key, value in TUNING.items() for part in ("--dynamic-config-value", f"{key}={value}")]


@dataclass
class Whole:
    client: Client
    world: SandboxWorld
    ledger: Ledger
    settings: Settings
    away: asyncio.Event = field(default_factory=asyncio.Event)

    async def temporal(self) -> Client:
        if self.away.is_set():
            raise TemporalUnreachable("here", "the test took it away")
        return self.client

    @property
    def now(self) -> datetime:
        return self.settings.clock.at(datetime.now(UTC))

    async def live(self) -> None:
        """Let the borrowers live by the business clock."""
        while True:
            self.world.tick(self.now)
            await asyncio.sleep(0.1)

    async def summary(self) -> CaseSummary:
        """The end of the loan's case."""
        handle = self.client.get_workflow_handle(workflow_id(LOAN), result_type=CaseSummary)
        return await asyncio.wait_for(handle.result(), 60)

    async def contacts(self, least: int) -> list[attempts.AttemptRow]:
        """The attempts, once there are so many settled ones."""
        async with asyncio.timeout(60):
            while True:
                async with self.ledger.reading() as session:
                    rows = await attempts.history(session, LOAN)
                if sum(row.outcome is not None for row in rows) >= least:
                    return rows
                await asyncio.sleep(0.05)


@asynccontextmanager
async def whole(directory: Path, ledger: Ledger, temperament: t.Temperament) -> AsyncIterator[Whole]:
    """Everything, at five to ten in the morning of the first day past due."""
    async with AsyncExitStack() as running:
        env = await running.enter_async_context(
            await WorkflowEnvironment.start_local(
                dev_server_existing_path=temporal_binary(), data_converter=pydantic_data_converter, dev_server_extra_args=FLAGS
            )
        )
        await register_search_attributes(env.client)
        world = await running.enter_async_context(SandboxWorld.running(directory=directory / "world"))
        morning = local_instant(DUE_ON + timedelta(days=1), time(9, 55), "Asia/Shanghai")
        clock = Clock(real_epoch=datetime.now(UTC), business_epoch=morning, day_seconds=DAY_SECONDS)
        given = {"data_dir": directory, "clock": clock, "call_timeout_seconds": 20, **world.gateway_settings()}
        parts = Whole(env.client, world, ledger, Settings.model_validate(given))
        port = await running.enter_async_context(serving(create_app(ledger, parts.temporal, parts.settings), 0))
        world.callback_base = f"http://127.0.0.1:{port}"
        parts.settings = parts.settings.model_copy(update={"callback_base": world.callback_base})
        world.settle_in(
            [
                t.Resident(
                    loan_id=LOAN,
                    temperament=temperament,
                    instalments=(t.Instalment(due_on=DUE_ON, amount=Decimal("120.50")),),
                    addresses={"+8613000000001": "registered"},
                )
            ]
        )
        gateways = await running.enter_async_context(Gateways(parts.settings))
        await running.enter_async_context(collections_worker(env.client, Activities(ledger, gateways, parts.settings).all()))
        living = asyncio.create_task(parts.live())
        try:
            yield parts
        finally:
            living.cancel()


@pytest.mark.timeout(180)
async def test_a_missed_payment_becomes_a_case_that_ends_when_the_borrower_has_paid(tmp_path: Path, ledger: Ledger):
    async with whole(tmp_path, ledger, t.willing(1)) as here:
        here.world.fail(Fault(kind="duplicate_callback", gateway="voice", seconds=0.1))
        here.world.miss(LOAN)
        call = (await here.contacts(1))[0]
        assert (call.channel, call.outcome) == ("call", Outcome.ANSWERED_WILLING)
        ended = await here.summary()
        assert (ended.outcome, ended.paid, ended.owed) == ("cured", Decimal("120.50"), 0)
        await here.world.told()
        assert {r.state for r in here.world.record.reports()} == {"delivered"}
        async with ledger.reading() as session:
            recorded = {row.id: row.outcome for row in await attempts.history(session, LOAN)}
        assert recorded == {order.key: order.outcome for order in here.world.sent()}
        assert {order.sends for order in here.world.sent()} == {1}


@pytest.mark.timeout(180)
async def test_a_payment_told_while_temporal_is_away_reaches_the_case_when_it_is_back(tmp_path: Path, ledger: Ledger):
    async with whole(tmp_path, ledger, t.never_answers()) as here:
        here.world.miss(LOAN)
        await here.contacts(1)
        here.away.set()
        paid = Payment(payment_id="P-9", amount=Decimal("120.50"), currency="CNY", received_at=here.now)
        here.world.pay(LOAN, paid)
        await here.world.told()
        assert [r.state for r in here.world.record.reports() if r.message_id == "P-9"] == ["delivered"]
        here.away.clear()
        assert (await here.summary()).outcome == "cured"
