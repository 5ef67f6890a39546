"""Tasks for humans: the list, taking one, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import TypeAdapter

from arrears.api.caller import Caller, allowed
from arrears.api.desk_routes.ways import IN_OTHER_HANDS, TaskId
from arrears.api.house import Here
from arrears.api.operations import tasks
from arrears.api.operations.tasks import TaskNow, TaskOutcome
from arrears.api.paging import Asking, Cursors, Page
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Id
from arrears.domain.strategy import Role

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])
Worker = Annotated[Caller, Depends(allowed(Action.WORK_TASK))]
_POSITION: TypeAdapter[tuple[Instant, str]] = TypeAdapter(tuple[Instant, str])


@router.get("", operation_id="list_tasks")
async def waiting(
    asked: Asking,
    _: Annotated[Caller, Depends(allowed(Action.READ_TASKS))],
    here: Here,
    role: Annotated[Role | None, Query(description="for whom they are")] = None,
    loan_id: Annotated[Id | None, Query(examples=["L-1001"])] = None,
) -> Page[TaskNow]:
    """The tasks that are open, the oldest first."""
    cursors = Cursors(f"tasks/{role}/{loan_id}", _POSITION)
    found = await tasks.waiting(here, role=role, loan_id=loan_id, after=cursors.read(asked.cursor), most=asked.limit + 1)
    return asked.of(found, cursors, lambda last: (last.opened_at, last.task_id))


@router.post("/{task_id:path}/take", operation_id="take_task", responses=IN_OTHER_HANDS)
async def take(task_id: TaskId, caller: Worker, here: Here) -> TaskNow:
    """Take a task upon oneself, as an operator of its role. Of two who take it at once one has it; the other is told by 409."""
    return await tasks.take(here, caller, task_id)


@router.post("/{task_id:path}/result", operation_id="finish_task", responses=IN_OTHER_HANDS)
async def finish(task_id: TaskId, body: TaskOutcome, caller: Worker, here: Here) -> TaskNow:
    """Say what came of a task, for good. A contact that was made for it counts as any other, and the case hears of it."""
    return await tasks.finish(here, caller, task_id, body)
