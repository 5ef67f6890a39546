"""Whatever is sent to the API, it answers as its description says, and never fails: generated requests against a real API, ledger and Temporal."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from pydantic import SecretStr
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from arrears.api.app import create_app
from arrears.api.serving import serving
from arrears.config.settings import ApiSettings, GatewaySettings, Settings
from arrears.domain.access import Action
from arrears.domain.strategy import Role, TaskKind
from arrears.ledger import access
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.tables import ApprovalRow, CaseOutcome, CaseRow, InstalmentRow, LoanRow, OperatorRow, TaskRow
from arrears.workers.connection import register_search_attributes
from arrears.workers.server import temporal_binary
from tests.api.conftest import nowhere
from tests.sealing import VAULT, person, point

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SECRET = SecretStr("whsec_" + "c2lnbmVkLWJ5LXRoZS1sb2FuLXN5c3RlbS1vbmx5")
GATEWAY = GatewaySettings(url="http://gateway.example", secret=SECRET)
SETTINGS = Settings(api=ApiSettings(calls_per_minute=10**6, refusals_per_minute=10**6), voice=GATEWAY, loan_system=GATEWAY, agency=GATEWAY)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


description = create_app(Ledger("sqlite+aiosqlite:///never-opened.db"), nowhere, SETTINGS).openapi()
schema = schemathesis.openapi.from_dict(description)


@dataclass(frozen=True)
class Served:
    """Where the API is, and the token of a machine that may do everything."""

    url: str
    token: str


async def told(ledger: Ledger) -> str:
    """The loan, the case, the request and the task that the description's examples are about; the token."""
    async with ledger.session() as session:
        session.add_all(person("B-1001", "测试", zone="Asia/Shanghai", language="zh-CN"))
        await session.flush()
        session.add(
            LoanRow(id="L-1001", borrower_id="B-1001", lender="x", product="cash", currency="CNY", strategy="fenqile", imported_at=NOW)
        )
        session.add(OperatorRow(id="wei", name="Wei", role=Role.SUPERVISOR))
        session.add(point(None, "B-1001", "+8613000000001"))
        await session.flush()
        session.add(InstalmentRow(loan_id="L-1001", n=1, due_on=date(2026, 11, 20), principal=Decimal("359.00")))
        opened = {"strategy": "fenqile", "strategy_version": 1, "strategy_hash": "0" * 64, "opened_at": NOW}
        over = {"closed_at": NOW, "outcome": CaseOutcome.CURED}  # none runs, so that nobody has to wait for one
        session.add(CaseRow(id="L-1001.1", loan_id="L-1001", cycle=1, run_key="r", **opened, **over))
        await session.flush()
        asked = {"asked_at": NOW, "remind_at": NOW + timedelta(hours=4), "deadline": NOW + timedelta(days=900), "requested_by": "workflow"}
        request = {"step": "agency", "role": Role.SUPERVISOR, "evidence": {"calls": 3}, **asked}
        session.add(ApprovalRow(id="L-1001.1/ask-relatives.1/a1", case_id="L-1001.1", **request))
        task = {"step": "assign.1", "kind": TaskKind.DEDICATED_COLLECTOR, "role": Role.COLLECTOR, "opened_at": NOW}
        session.add(TaskRow(id="L-1001.1/assign.1", case_id="L-1001.1", loan_id="L-1001", **task))
        return await access.add_client(session, "all", "all", frozenset(Action), datetime.now(UTC), agency="agency-one")


@asynccontextmanager
async def api(directory: Path) -> AsyncIterator[Served]:
    async with AsyncExitStack() as running:
        env = await running.enter_async_context(
            await WorkflowEnvironment.start_local(dev_server_existing_path=temporal_binary(), data_converter=pydantic_data_converter)
        )
        await register_search_attributes(env.client)

        async def temporal() -> Client:
            return env.client

        url = f"sqlite+aiosqlite:///{directory / 'ledger.db'}"
        await upgrade(url, VAULT)
        ledger = Ledger(url, VAULT)
        running.push_async_callback(ledger.close)
        token = await told(ledger)
        port = await running.enter_async_context(serving(create_app(ledger, temporal, SETTINGS), 0))
        yield Served(f"http://127.0.0.1:{port}", token)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API in a thread and an event loop of its own, as the generated requests come from outside of any."""
    ready, found, leave = threading.Event(), list[Served](), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with api(tmp_path_factory.mktemp("fuzz")) as here:
            found.append(here)
            ready.set()
            await leave.wait()

    def main() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            ready.set()

    thread = threading.Thread(target=main)
    thread.start()
    ready.wait(60)
    assert found, "the API did not start; see the thread's error"
    yield found[0]
    loop.call_soon_threadsafe(leave.set)
    thread.join(30)
    loop.close()


def tried(most: int) -> settings:
    """The same requests each time, so many for each operation."""
    phases = [Phase.explicit, Phase.generate]
    return settings(
        max_examples=most, deadline=None, derandomize=True, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )


def answers_as_it_says(case: Case, served: Served) -> None:
    case.call_and_validate(base_url=served.url, headers={"authorization": f"Bearer {served.token}"}, checks=CHECKS)


@schema.exclude(path_regex="/facts$").parametrize()
@tried(5)
def test_every_operation_answers_as_it_says(case: Case, served: Served):
    answers_as_it_says(case, served)


@schema.include(path_regex="/facts$").parametrize()
@tried(2)  # a body of many kinds takes seconds to make up
def test_every_kind_of_fact_is_answered_as_it_says(case: Case, served: Served):
    answers_as_it_says(case, served)
