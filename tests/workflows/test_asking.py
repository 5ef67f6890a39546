"""A case that is asked answers, refuses in its own words, or it is said why nobody answers for it, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from arrears.domain.orders import OpenOrder
from arrears.workers.connection import register_search_attributes
from arrears.workers.server import temporal_binary
from arrears.workers.worker import collections_worker
from arrears.workflows import asking
from arrears.workflows.contract import TASK_QUEUE, WORKFLOW_TYPE, Promise, Signal, Update, Withdrawal, workflow_id

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
SOON = timedelta(seconds=1)


@activity.defn(name="open_case")
async def never_opens(_: OpenOrder) -> dict[str, Any]:
    raise ConnectionError("the ledger is not there yet")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Client]:
    starting = WorkflowEnvironment.start_local(dev_server_existing_path=temporal_binary(), data_converter=pydantic_data_converter)  # pyright: ignore[reportUnknownMemberType]
    async with await starting as env:
        await register_search_attributes(env.client)
        yield env.client


async def started(client: Client, loan_id: str, request: Any = None) -> str:
    await client.start_workflow(WORKFLOW_TYPE, request or {"loan_id": loan_id}, id=workflow_id(loan_id), task_queue=TASK_QUEUE)
    return loan_id


async def test_a_loan_without_a_case_has_none(server: Client):
    for asked in (
        asking.view(server, "L-404"),
        asking.update(server, "L-404", Update.WITHDRAW, Withdrawal(reason="sold")),
        asking.signal(server, "L-404", Signal.CASE_WITHDRAWN, Withdrawal(reason="sold")),
    ):
        with pytest.raises(asking.NoSuchCase, match="no case of loan L-404 is running") as told:
            await asked
        assert told.value.loan_id == "L-404"


async def test_a_case_that_no_worker_works_is_away_and_takes_signals_all_the_same(server: Client):
    loan_id = await started(server, "L-1")
    with pytest.raises(asking.CaseAway, match=r"tart one with `arrears worker`"):
        await asking.view(server, loan_id, SOON)
    with pytest.raises(asking.CaseAway, match="does a worker run"):
        await asking.update(server, loan_id, Update.WITHDRAW, Withdrawal(reason="sold"), "once", SOON)
    await asking.signal(server, loan_id, Signal.CASE_WITHDRAWN, Withdrawal(reason="sold"))


async def test_a_case_that_is_being_opened_is_not_ready_yet_and_refuses_what_has_no_shape(server: Client):
    async with collections_worker(server, [never_opens]):
        loan_id = await started(server, "L-2")
        with pytest.raises(asking.NotReadyYet, match="still being opened"):
            await asking.view(server, loan_id, tries=1)
        unfit = Promise.model_construct(amount=Decimal("-5"), currency="CNY", due_on="someday")
        with pytest.raises(asking.CaseRefused) as refused:
            await asking.update(server, loan_id, Update.MAKE_PROMISE, unfit)
        assert refused.value.why.startswith("amount: Input should be greater than 0; due_on: ")


async def test_a_case_that_could_not_begin_has_failed(server: Client):
    async with collections_worker(server, [never_opens]):
        loan_id = await started(server, "L-3", {"loan_id": "L-3", "strategy": "No Such Name"})
        await server.get_workflow_handle(workflow_id(loan_id)).describe()
        with pytest.raises(asking.CaseFailed, match="the case of loan L-3 failed: the case's input is not usable: strategy: "):
            await asking.view(server, loan_id)
