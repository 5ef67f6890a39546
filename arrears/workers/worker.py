"""The worker: runs all workflows and activities, until it is asked to end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError
from temporalio.client import Client
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from arrears.activities import Activities
from arrears.config.settings import MetricsSettings, Settings
from arrears.gateways.registry import Gateways
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.workers.connection import connect, register_search_attributes
from arrears.workers.early_events import OnTime
from arrears.workers.heartbeats import SignsOfLife
from arrears.workers.schedules import register_schedules
from arrears.workers.stopping import Stopped, stop_signals, unless
from arrears.workflows.case import CollectionCase
from arrears.workflows.contract import TASK_QUEUE
from arrears.workflows.retention import RetentionSweep

DRAIN = timedelta(seconds=15)
"""How long activities in hand may take to end once the worker is asked to; whatever is left is done again by another worker."""

_SERVER_COMES_BACK = timedelta(seconds=60)
# A worker that was killed keeps its cases' tasks reserved for so long.
_STICKY_FOR = timedelta(seconds=5)
_PURE = ("arrears.domain", "arrears.workflows.contract")

_log = logging.getLogger(__name__)


def workflow_runner() -> WorkflowRunner:
    """Temporal's sandbox, with our pure modules shared by all cases instead of loaded for each, and nothing shown to a case before its time."""
    return OnTime(SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*_PURE)))


def collections_worker(client: Client, activities: Sequence[Callable[..., Any]]) -> Worker:
    """A worker on the cases' queue with these activities."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CollectionCase, RetentionSweep],
        activities=activities,
        interceptors=[SignsOfLife()],
        workflow_runner=workflow_runner(),
        graceful_shutdown_timeout=DRAIN,
        sticky_queue_schedule_to_start_timeout=_STICKY_FOR,
    )


async def serve(settings: Settings) -> None:
    """Work until SIGTERM or Ctrl-C, then end what is in hand and return. Raises ``TemporalUnreachable``, ``SearchAttributeMismatch``, ``KeyProblem``."""
    with stop_signals() as stop:
        try:
            client = await unless(stop, connect(runtime=_runtime(settings.metrics), within=_SERVER_COMES_BACK))
            await unless(stop, register_search_attributes(client))
            await unless(stop, register_schedules(client))
        except Stopped:
            return
        ledger = Ledger(settings.ledger_url, open_vault(settings))
        try:
            with suppress(DBAPIError, OSError):  # a ledger that does not answer may come back; one with another key will not
                await ledger.check()
            async with Gateways(settings) as gateways:
                activities = Activities(ledger, gateways, settings)
                await _work(collections_worker(client, activities.all()), stop)
        finally:
            await ledger.close()


async def _work(worker: Worker, stop: asyncio.Event) -> None:
    working = asyncio.create_task(worker.run())
    asked = asyncio.create_task(stop.wait())
    _log.info("working on queue %s", TASK_QUEUE)
    await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not working.done():
        _log.info("asked to end: no new work, at most %s for what is in hand", DRAIN)
        await worker.shutdown()
    await working


def _runtime(metrics: MetricsSettings) -> Runtime:
    """The SDK's core: warnings to the log, and Prometheus metrics where settings say so."""
    exporter = PrometheusConfig(bind_address=f"{metrics.host}:{metrics.port}", durations_as_seconds=True) if metrics.port else None
    logging_config = LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR"))
    return Runtime(telemetry=TelemetryConfig(metrics=exporter, logging=logging_config))
