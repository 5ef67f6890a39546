"""A worker that lives says so: long activities are not taken for lost, and need not know of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from arrears.workers.heartbeats import SignsOfLife
from arrears.workers.server import temporal_binary

QUEUE = "heartbeats"


@activity.defn
async def slow() -> str:
    await asyncio.sleep(2)
    return "done"


@workflow.defn
class Slow:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(
            slow,
            start_to_close_timeout=timedelta(seconds=20),
            heartbeat_timeout=timedelta(seconds=1),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@pytest.mark.parametrize("interceptors", [[SignsOfLife()], []], ids=["with", "without"])
async def test_an_activity_longer_than_its_heartbeat_timeout_survives_by_its_signs_of_life(interceptors):
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=temporal_binary()) as env:
        worker = Worker(env.client, task_queue=QUEUE, workflows=[Slow], activities=[slow], interceptors=interceptors)
        async with worker:
            ran = env.client.execute_workflow(Slow.run, id="slow", task_queue=QUEUE)
            if interceptors:
                assert await ran == "done"
            else:
                with pytest.raises(Exception, match="Workflow execution failed"):
                    await ran
