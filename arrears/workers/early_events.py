"""A guard against events that are shown to a workflow before their time.

A query that finds no cached run (a worker or the server has just come back) is answered from the whole history. If something has happened since the
last workflow task, a timer, a signal, the end of an activity, the SDK (1.35) shows that to the workflow too, at the time of the last task, and then
keeps the run as if the next task had begun. The case would decide by a clock that stands still, and its history could not be replayed.

Such an activation is told by its time, which is that of the activation before it. It is refused: the query fails and can be asked again, the run is
dropped and read anew, and the next task sees everything at its own time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import Failure as FailedActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

REFUSAL = "something has just happened to this workflow that no workflow task has told it of yet; ask again"


class OnTime(WorkflowRunner):
    """Runs workflows as ``runner`` does, except for activations that come before their time."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: workflow._Definition) -> None:
        self._runner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._runner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Instance(self._runner.create_instance(det))


class _Instance(WorkflowInstance):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance
        self._shown_at: tuple[int, int] | None = None

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        shown_at = (act.timestamp.seconds, act.timestamp.nanos)
        if not act.is_replaying and shown_at == self._shown_at and any(map(_is_news, act.jobs)):
            return WorkflowActivationCompletion(run_id=act.run_id, failed=_refused())
        if any(not job.HasField("query_workflow") for job in act.jobs):
            self._shown_at = shown_at
        return self._instance.activate(act)

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()

    def get_info(self) -> workflow.Info:
        return self._instance.get_info()

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._instance.get_external_store_context(command_info)


def _is_news(job: WorkflowActivationJob) -> bool:
    """Whether the job tells of an event of the history; a cancelled activity may be the SDK's own doing, within a task."""
    if job.HasField("resolve_activity"):
        return not job.resolve_activity.result.HasField("cancelled")
    return job.HasField("fire_timer") or job.HasField("signal_workflow")


def _refused() -> FailedActivation:
    return FailedActivation(failure=Failure(message=REFUSAL, application_failure_info=ApplicationFailureInfo(type="NotYet")))
