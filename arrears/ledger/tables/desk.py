"""What operators leave behind at their desk: what came of tasks, and the work lists they saved."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from arrears.ledger.tables.columns import ID_LENGTH, JSON_VALUE, SEALED, Row, Sealed, code


class TaskResult(StrEnum):
    """What came of a task: it was done, nobody was reached, it turned out not to be needed, or it belongs to somebody else."""

    DONE = "done"
    NOT_REACHED = "not_reached"
    NOT_NEEDED = "not_needed"
    PASSED_ON = "passed_on"


class TaskResultRow(Row, table=True):
    """What an operator says came of a task; ``note`` is in their own words, sealed with the borrower's key."""

    task_id: str = Field(primary_key=True, foreign_key="tasks.id", max_length=ID_LENGTH)
    operator_id: str = Field(foreign_key="operators.id", max_length=ID_LENGTH)
    result: TaskResult = Field(sa_type=code(TaskResult))
    at: datetime
    note: Sealed | None = Field(default=None, sa_type=SEALED, repr=False)


class WorkListRow(Row, table=True):
    """A search that an operator keeps under a name; ``query`` are its filters. Operational: not chained."""

    __table_args__ = (UniqueConstraint("operator_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    operator_id: str = Field(foreign_key="operators.id", max_length=ID_LENGTH)
    name: str = Field(max_length=80)
    query: dict[str, Any] = Field(sa_type=JSON_VALUE)
    saved_at: datetime
