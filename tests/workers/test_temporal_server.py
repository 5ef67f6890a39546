"""The embedded server and the connection to it, on the real server."""

from __future__ import annotations

import os
import signal
import socket
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
    RemoveSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment

from arrears.workers import server as embedded
from arrears.workers.connection import SearchAttributeMismatch, TemporalUnreachable, connect, register_search_attributes
from arrears.workers.server import ServerPlan, free_port, keep_closed_cases, port_or_free, server_child
from arrears.workers.supervisor import Supervisor
from arrears.workflows.contract import LOAN_ID, SEARCH_ATTRIBUTES


@pytest.fixture
async def running(tmp_path):
    plan = ServerPlan(db_file=tmp_path / "temporal.db", port=free_port(), ui_port=free_port(), synchronous="NORMAL")
    async with Supervisor([server_child(plan)], tmp_path / "logs") as supervisor:
        yield plan, supervisor


async def registered(client) -> dict[str, int]:
    answer = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    return {name: int(kind) for name, kind in answer.custom_attributes.items()}


async def test_search_attributes_are_registered_once_however_often_it_is_asked(running):
    plan, _ = running
    client = await connect(address=plan.address)
    for _ in range(2):
        await register_search_attributes(client)
    there = await registered(client)
    assert {key.name: int(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}.items() <= there.items()


async def test_a_search_attribute_of_another_type_is_refused_by_name(running):
    plan, _ = running
    client = await connect(address=plan.address)
    await register_search_attributes(client)
    await client.operator_service.remove_search_attributes(
        RemoveSearchAttributesRequest(namespace="default", search_attributes=["CaseStage"])
    )
    wrong = {"CaseStage": IndexedValueType.INDEXED_VALUE_TYPE_INT}
    await client.operator_service.add_search_attributes(AddSearchAttributesRequest(namespace="default", search_attributes=wrong))
    with pytest.raises(SearchAttributeMismatch, match="CaseStage=Keyword"):
        await register_search_attributes(client)


async def test_search_attributes_are_registered_on_the_time_skipping_server_too():
    server = os.path.join(os.path.dirname(embedded.temporal_binary()), "temporal-test-server")
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=server) as env:
        for _ in range(2):
            await register_search_attributes(env.client)
        await env.client.start_workflow(
            "Nothing", id="w", task_queue="q", search_attributes=TypedSearchAttributes([SearchAttributePair(LOAN_ID, "L-1")])
        )


async def test_the_servers_data_survives_its_killing(running):
    plan, supervisor = running
    client = await connect(address=plan.address)
    await client.start_workflow("Sleeper", id="sleeps", task_queue="q")
    os.kill(supervisor.pid("temporal"), signal.SIGKILL)
    again = await connect(address=plan.address, within=timedelta(seconds=30))
    assert (await again.get_workflow_handle("sleeps").describe()).workflow_type == "Sleeper"


async def test_closed_cases_stay_visible_longer_than_a_day(running):
    plan, _ = running
    client = await connect(address=plan.address)
    await keep_closed_cases(client, timedelta(days=90))
    namespace = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    assert namespace.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=90)


async def test_without_a_server_the_error_says_where_it_looked_and_what_to_do():
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(TemporalUnreachable, match=rf"{address}.*arrears up"):
        await connect(address=address, within=timedelta(0))


def test_a_port_in_use_is_replaced_by_a_free_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port_or_free(port) != port
