"""Tasks: work that cases give to humans of a role. One operator takes each, does it, and says what came of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import as_fact, fact_problem, source, turned_away
from arrears.api.problems import Problem
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Id
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Role, TaskKind
from arrears.ledger import work
from arrears.ledger.facts import FactRefused, Recorded, record
from arrears.ledger.facts.kinds import ContactTold
from arrears.ledger.tables import ActorKind, Direction, TaskResult, TaskResultRow, TaskRow, TaskState

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
"""What an operator writes in their own words; it is sealed with the borrower's key."""


class TaskNow(BaseModel):
    """A task as it stands. ``result`` is what came of it; ``noted``: the operator wrote something to it."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    case_id: str
    loan_id: str
    step: str
    kind: TaskKind
    role: Role
    state: TaskState
    opened_at: AwareDatetime
    done_at: AwareDatetime | None
    assignee: str | None
    result: TaskResult | None = None
    finished_by: str | None = None
    noted: bool = False


class TaskContact(BaseModel):
    """The contact that was made, or tried, for a task; it counts against the caps as any other. Without ``person_id`` it was with the borrower."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Channel = Channel.CALL
    outcome: Outcome
    at: Instant | None = Field(default=None, description="now if left out")
    person_id: Id | None = None
    contact_point_id: int | None = Field(default=None, ge=1, le=2**31 - 1)


class TaskOutcome(BaseModel):
    """What came of a task."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"result": "done", "note": "asks for a plan", "contact": {"channel": "call", "outcome": "answered_willing"}}]
        },
    )

    result: TaskResult
    note: Note | None = Field(default=None, repr=False)
    contact: TaskContact | None = None

    @model_validator(mode="after")
    def _tried(self) -> Self:
        if self.result is TaskResult.NOT_REACHED and self.contact is None:
            raise ValueError("contact: say how it was tried, so that the try counts")
        return self


async def waiting(
    here: House,
    *,
    role: Role | None = None,
    loan_id: str | None = None,
    after: tuple[datetime, str] | None = None,
    most: int | None = None,
) -> list[TaskNow]:
    """The tasks that are open, the oldest first; those of one role or loan, if it is given, ``after`` an opening and id."""
    async with here.ledger.reading() as session:
        found = await work.tasks(session, role=role, loan_id=loan_id, after=after, most=most)
        return [task_now(row, result) for row, result in found]


async def take(here: House, caller: Caller, task_id: str) -> TaskNow:
    """Take a task upon oneself. Raises ``Problem``: 403 ``humans_only``, ``wrong_role``; 404 ``unknown_task``; 409 ``task_taken``, ``task_over``."""
    async with _worked(here, caller, task_id) as (session, row):
        new = await work.take(session, row, caller.id)
        caller.note(session, Action.WORK_TASK, loan_id=row.loan_id, subject=task_id, details={"taken": new})
        return task_now(row, None)


async def finish(here: House, caller: Caller, task_id: str, body: TaskOutcome) -> TaskNow:
    """Say what came of a task, which ends it; a contact that was made for it counts from here on, and the case hears of it.

    Who has not taken it takes it with that. Raises ``Problem`` as ``take``, and 422 for a contact that cannot have been.
    """
    told: Recorded | None = None
    async with _worked(here, caller, task_id) as (session, row):
        if await work.finish(session, row, caller.id, body.result, body.note, here.now()):
            if body.contact is not None:
                told = await record(session, _contact(row, body.contact, here), here.now(), source(caller))
            caller.note(session, Action.WORK_TASK, loan_id=row.loan_id, subject=task_id, details={"result": body.result})
        answer = task_now(row, await session.get(TaskResultRow, task_id))
    if told is not None and told.told:
        here.cases.ring()
    return answer


@asynccontextmanager
async def _worked(here: House, caller: Caller, task_id: str) -> AsyncGenerator[tuple[AsyncSession, TaskRow]]:
    """The task, locked, for an operator of its role. Raises ``Problem``, with nothing written but that somebody was turned away."""
    try:
        async with here.ledger.exclusive() as session:
            row = await work.task(session, task_id)
            refusal = _may_not(caller, row)
            if refusal is None:
                yield session, row
    except FactRefused as refused:
        raise fact_problem(refused) from None
    except work.LedgerRefusal as refused:
        raise _problem(refused) from None
    if refusal is not None:
        raise await turned_away(here, caller, Action.WORK_TASK, refusal, loan_id=row.loan_id, subject=task_id)


def task_now(row: TaskRow, result: TaskResultRow | None) -> TaskNow:
    """A task as it is shown."""
    return TaskNow(
        task_id=row.id,
        case_id=row.case_id,
        loan_id=row.loan_id,
        step=row.step,
        kind=row.kind,
        role=row.role,
        state=row.state,
        opened_at=row.opened_at,
        done_at=row.done_at,
        assignee=row.assignee,
        result=result.result if result else None,
        finished_by=result.operator_id if result else None,
        noted=result is not None and result.note is not None,
    )


def _contact(row: TaskRow, made: TaskContact, here: House) -> ContactTold:
    given = made.model_dump() | {"at": made.at or here.now()}
    return as_fact(ContactTold, fact="contact", key=f"task/{row.id}", loan_id=row.loan_id, direction=Direction.OUT, **given)


def _may_not(caller: Caller, row: TaskRow) -> Problem | None:
    """Why they may not work on this, if they may not."""
    if caller.actor.kind is not ActorKind.OPERATOR:
        return Problem(HTTPStatus.FORBIDDEN, "humans_only", f"{caller.id} is a machine; tasks are for humans, signed in as themselves")
    if caller.role is not row.role:
        return Problem(HTTPStatus.FORBIDDEN, "wrong_role", f"{caller.id} is {caller.role}, but task {row.id} is for {row.role}")
    return None


def _problem(refused: work.LedgerRefusal) -> Problem:
    match refused:
        case work.TaskUnknown():
            return Problem(HTTPStatus.NOT_FOUND, "unknown_task", str(refused))
        case work.TaskTaken():
            return Problem(HTTPStatus.CONFLICT, "task_taken", f"{refused}; take another one")
        case _:
            return Problem(HTTPStatus.CONFLICT, "task_over", str(refused))
