"""What the SDK shows a workflow before any task has begun for it is refused; everything else goes through."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowRunner

from arrears.workers.early_events import REFUSAL, OnTime


class Recording(WorkflowInstance, WorkflowRunner):
    """Takes every activation and remembers it."""

    def __init__(self) -> None:
        self.taken: list[WorkflowActivation] = []

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self.taken.append(act)
        return WorkflowActivationCompletion(run_id=act.run_id)

    def create_instance(self, det: Any) -> WorkflowInstance:
        return self

    def prepare_workflow(self, defn: Any) -> None: ...

    def get_info(self) -> Any: ...

    def get_serialization_context(self, command_info: Any) -> Any: ...

    def get_external_store_context(self, command_info: Any) -> Any: ...


def job(name: str, **fields: Any) -> WorkflowActivationJob:
    made = WorkflowActivationJob(**{name: fields})
    made.__getattribute__(name).SetInParent()
    return made


def activation(second: int, *jobs: WorkflowActivationJob, replaying: bool = False) -> WorkflowActivation:
    made = WorkflowActivation(run_id="run", is_replaying=replaying, jobs=jobs)
    made.timestamp.seconds = second
    return made


START, TIMER, SIGNAL = job("initialize_workflow"), job("fire_timer"), job("signal_workflow")
QUERY = job("query_workflow", query_id="legacy_query")
DONE = job("resolve_activity", result={"completed": {}})
CANCELLED = job("resolve_activity", result={"cancelled": {}})


@pytest.fixture
def case():
    inner = Recording()
    return OnTime(inner).create_instance(None), inner  # type: ignore[arg-type]


@pytest.mark.parametrize("early", [(TIMER,), (SIGNAL,), (DONE,), (SIGNAL, TIMER)])
def test_news_at_the_time_of_the_last_task_is_refused_and_never_shown(case, early):
    instance, inner = case
    instance.activate(activation(10, START, replaying=True))
    answer = instance.activate(activation(10, *early))
    assert answer.failed.failure.message == REFUSAL
    assert len(inner.taken) == 1


def test_a_task_of_its_own_time_a_query_and_a_replayed_one_go_through(case):
    instance, inner = case
    shown = [
        activation(10, START, replaying=True),
        activation(10, TIMER, replaying=True),
        activation(11, TIMER),
        activation(11, QUERY),
        activation(12, SIGNAL, TIMER),
    ]
    assert not any(instance.activate(act).HasField("failed") for act in shown)
    assert inner.taken == shown


def test_an_activity_that_was_cancelled_within_a_task_is_no_news(case):
    instance, _ = case
    instance.activate(activation(10, TIMER))
    assert not instance.activate(activation(10, CANCELLED)).HasField("failed")


def test_a_query_does_not_make_a_task_early(case):
    instance, _ = case
    instance.activate(activation(10, START))
    instance.activate(activation(11, QUERY))
    assert not instance.activate(activation(11, TIMER)).HasField("failed")
