"""The first minutes of an installation: what the API is told waits for Temporal, whatever is not there yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from arrears.api.serve import Connection
from arrears.ledger import relays
from arrears.ledger.engine import Ledger
from arrears.workers.server import temporal_binary
from arrears.workflows.contract import workflow_id
from tests.api.conftest import LOAN, running_api


@pytest.fixture
async def server() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server that nobody has prepared for us."""
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=temporal_binary(), dev_server_log_level="error") as server:
        yield server


async def left_undelivered(ledger: Ledger) -> int:
    async with ledger.reading() as session:
        return len(await relays.undelivered(session))


async def test_a_missed_payment_opens_its_case_before_any_worker_ever_ran(server: WorkflowEnvironment, ledger: Ledger) -> None:
    address = server.client.service_client.config.target_host
    async with running_api(ledger, Connection(address)) as api:
        assert (await api.tell("loan_system", "/v1/missed-payments", {"loan_id": LOAN})).status_code == 202
        await api.cases.deliver()
    opened = await server.client.get_workflow_handle(workflow_id(LOAN)).describe()
    assert opened.status is WorkflowExecutionStatus.RUNNING
    assert await left_undelivered(ledger) == 0


async def test_a_missed_payment_waits_for_a_namespace_that_is_not_there_yet(
    server: WorkflowEnvironment, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.client.service_client.config.target_host)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "not-yet")
    async with running_api(ledger, Connection()) as api:
        assert (await api.tell("loan_system", "/v1/missed-payments", {"loan_id": LOAN})).status_code == 202
        assert (await api.http.get("/readyz")).json() == {"ledger": "ok", "temporal": "away"}
        assert await left_undelivered(ledger) == 1
        await register("not-yet", server)
        async with asyncio.timeout(60):
            await until_delivered(ledger)


async def until_delivered(ledger: Ledger) -> None:
    while await left_undelivered(ledger):  # noqa: ASYNC110 (the ledger sets no event)
        await asyncio.sleep(0.2)


async def register(namespace: str, server: WorkflowEnvironment) -> None:
    request = RegisterNamespaceRequest(namespace=namespace)
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await server.client.workflow_service.register_namespace(request)
