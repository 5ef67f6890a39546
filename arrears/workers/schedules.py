"""What runs by the calendar: schedules that live in Temporal, so that they run whichever worker is there."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)

from arrears.workflows.contract import TASK_QUEUE
from arrears.workflows.retention import SWEEP_TYPE

RETENTION_SWEEP = "retention-sweep"
"""The id of the schedule, and the beginning of its workflows' ids."""

_HOUR = 3


async def register_schedules(client: Client) -> None:
    """See to it that the retention sweep runs every night at 03:00 UTC. A schedule that is there stays as it is, also if somebody has changed it."""
    nightly = Schedule(
        action=ScheduleActionStartWorkflow(SWEEP_TYPE, id=RETENTION_SWEEP, task_queue=TASK_QUEUE),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(_HOUR)])], jitter=timedelta(minutes=10)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    )
    with suppress(ScheduleAlreadyRunningError):
        await client.create_schedule(RETENTION_SWEEP, nightly)
