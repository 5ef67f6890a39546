"""Cases: their runs, what was recorded of them, what holds them, and the work they gave to humans and institutions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from arrears.domain.strategy import Referral, Role, TaskKind
from arrears.ledger.tables.columns import ID_LENGTH, JSON_VALUE, OPTIONAL_JSON, Row, code, must, together


class CaseOutcome(StrEnum):
    """How a case can end: the values of ``domain.events.Ending``."""

    CURED = "cured"
    SETTLED = "settled"
    ON_PLAN_COMPLETED = "on_plan_completed"
    WITHDRAWN = "withdrawn"
    SOLD = "sold"
    WRITTEN_OFF = "written_off"
    JUDGMENT = "judgment"
    DECEASED_ESTATE = "deceased_estate"


class TaskState(StrEnum):
    """A task is open until somebody did it or nobody needs it any more."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class ReferralState(StrEnum):
    """A referral was sent; we may have called it back, or its term ended."""

    SENT = "sent"
    RECALLED = "recalled"
    ENDED = "ended"


class CaseRow(Row, table=True):
    """One run through a ladder, such as ``L-1001.1``: the loan's id and its ``cycle``. A loan has at most one open case.

    ``payments_counted`` are the ids of the payments that were already counted when it opened.
    """

    __table_args__ = (
        UniqueConstraint("loan_id", "cycle"),
        # Whatever belongs to a case refers to (id, loan_id), so that it cannot be booked on another loan.
        UniqueConstraint("id", "loan_id"),
        Index(
            "uq_cases_one_open_per_loan",
            "loan_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        together("closed_with_outcome", "closed_at", "outcome"),
        must("cycle", "cycle >= 1"),
        must("strategy_hash", "length(strategy_hash) = 64"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    loan_id: str = Field(foreign_key="loans.id", max_length=ID_LENGTH)
    cycle: int
    run_key: str = Field(unique=True, max_length=200)
    strategy: str = Field(max_length=48)
    strategy_version: int
    strategy_hash: str = Field(max_length=64)
    payments_counted: list[str] = Field(default_factory=list, sa_type=JSON_VALUE)
    opened_at: datetime
    closed_at: datetime | None = None
    outcome: CaseOutcome | None = Field(default=None, sa_type=code(CaseOutcome))


class StrategyRow(Row, table=True):
    """A strategy that cases run by, as JSON under its SHA-256, which the cases name as their ``strategy_hash``: it proves itself, and is not chained."""

    __tablename__ = "strategies"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (must("content_hash", "length(content_hash) = 64"),)

    content_hash: str = Field(primary_key=True, max_length=64)
    body: str = Field(sa_type=Text)


class CaseEventRow(Row, table=True):
    """A fact of a case as the core heard it; ``body`` is the event's JSON. ``event_key`` is the fact's natural key: recorded twice, it stands once."""

    __table_args__ = (UniqueConstraint("case_id", "event_key"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(foreign_key="cases.id", max_length=ID_LENGTH)
    event_key: str = Field(max_length=200)
    kind: str = Field(max_length=64)
    at: datetime
    body: dict[str, Any] = Field(sa_type=JSON_VALUE)
    recorded_at: datetime


class HoldRow(Row, table=True):
    """A reason why nothing, or little, may be done about a loan, until it is lifted or ``until`` comes.

    ``reason`` is a kind of ``domain.holds``, which says how far it reaches, or any other code. ``details`` say more: ``part`` (the disputed amount),
    ``treatment_ends_on``, ``agency`` (the only one that is barred). ``person_id`` is whom it is about, if not the borrower; ``case_id`` the case that was
    told, none if none was open. ``recorded_at`` and ``lift_recorded_at`` are when the ledger knew.
    """

    __table_args__ = (
        ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"]),
        UniqueConstraint("case_id", "reason", "placed_at"),
        must("until_after_placed", "until IS NULL OR until > placed_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_id: str | None = Field(default=None, max_length=ID_LENGTH)
    loan_id: str = Field(foreign_key="loans.id", index=True, max_length=ID_LENGTH)
    person_id: str | None = Field(default=None, foreign_key="persons.id", max_length=ID_LENGTH)
    reason: str = Field(max_length=120)
    placed_at: datetime
    until: datetime | None = None
    lifted_at: datetime | None = None
    details: dict[str, Any] | None = Field(default=None, sa_type=OPTIONAL_JSON)
    recorded_at: datetime | None = None
    lift_recorded_at: datetime | None = None


class TaskRow(Row, table=True):
    """Work for a human of a role. ``done_at`` is when it was done or cancelled."""

    __table_args__ = (
        ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"]),
        must("ended_with_time", "(state = 'open') = (done_at IS NULL)"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    case_id: str = Field(index=True, max_length=ID_LENGTH)
    loan_id: str = Field(max_length=ID_LENGTH)
    step: str = Field(max_length=200)
    kind: TaskKind = Field(sa_type=code(TaskKind))
    role: Role = Field(sa_type=code(Role))
    state: TaskState = Field(default=TaskState.OPEN, sa_type=code(TaskState))
    opened_at: datetime
    done_at: datetime | None = None
    assignee: str | None = Field(default=None, foreign_key="operators.id", max_length=ID_LENGTH)


class ReferralRow(Row, table=True):
    """A case, or a fact about it, that went to an institution; an agency has it until ``until``."""

    __table_args__ = (
        ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"]),
        must("names_the_agency", "(target = 'agency') = (agency IS NOT NULL)"),
        must("recalled_with_time", "(state = 'recalled') = (recalled_at IS NOT NULL)"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    case_id: str = Field(index=True, max_length=ID_LENGTH)
    loan_id: str = Field(max_length=ID_LENGTH)
    step: str = Field(max_length=200)
    target: Referral = Field(sa_type=code(Referral))
    agency: str | None = Field(default=None, max_length=48)
    state: ReferralState = Field(default=ReferralState.SENT, sa_type=code(ReferralState))
    gateway_ref: str | None = Field(default=None, max_length=200)
    sent_at: datetime
    until: datetime | None = None
    recalled_at: datetime | None = None
    approval_id: str | None = Field(default=None, foreign_key="approvals.id", max_length=ID_LENGTH)


class RelayRow(Row, table=True):
    """A message for a case that the ledger knows and Temporal may not have taken yet; it is sent again until ``delivered_at`` says that it was.

    ``name`` is a signal's name, or ``open`` to start the case; ``body`` is its JSON. ``key`` is the fact's natural key: told twice, it goes out once.
    """

    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_relays_undelivered", "id", sqlite_where=text("delivered_at IS NULL"), postgresql_where=text("delivered_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    loan_id: str = Field(foreign_key="loans.id", max_length=ID_LENGTH)
    name: str = Field(max_length=64)
    key: str = Field(max_length=256)
    body: dict[str, Any] = Field(sa_type=JSON_VALUE)
    recorded_at: datetime
    delivered_at: datetime | None = None
