"""Who may do what: the actions that people and machines take, and the table of roles that says whose they are."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from arrears.domain.strategy import Role


class Action(StrEnum):
    """What somebody may be let do. A machine's token is given some of them as its scopes."""

    READ_CASES = "cases.read"
    READ_PERSON = "persons.read"
    READ_MESSAGES = "messages.read"
    OPEN_CASE = "cases.open"
    WITHDRAW_CASE = "cases.withdraw"
    RECORD_PAYMENT = "payments.record"
    REVERSE_PAYMENT = "payments.reverse"
    MAKE_PROMISE = "promises.make"
    AGREE_PLAN = "plans.agree"
    PLACE_HOLD = "holds.place"
    LIFT_HOLD = "holds.lift"
    RECORD_OBJECTION = "objections.record"
    RECORD_WISH = "wishes.record"
    RECORD_CONSENT = "consents.record"
    RECORD_FACT = "facts.record"
    READ_APPROVALS = "approvals.read"
    DECIDE_APPROVAL = "approvals.decide"
    READ_TASKS = "tasks.read"
    WORK_TASK = "tasks.work"
    REPORT_AS_AGENCY = "agencies.report"
    MANAGE_AGENCY = "agencies.manage"
    READ_PORTFOLIO = "portfolio.read"
    EXPORT = "lists.export"
    READ_AUDIT = "audit.read"
    READ_PROOF = "proof.read"
    REPLAY_EVENTS = "events.replay"
    MANAGE_ACCESS = "access.manage"


class Permission(BaseModel):
    """One row of the table. ``reason``: whoever does it as a human says why, and that stands in the audit record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    roles: frozenset[Role]
    reason: bool = False


class Access(BaseModel):
    """The table of roles and actions. Every action has its row, so that none is open by being forgotten."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    actions: dict[Action, Permission]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = sorted(set(Action) - set(self.actions))
        if missing:
            raise ValueError(f"has no row for {', '.join(missing)}; say which roles may do it, if any")
        return self

    def allows(self, role: Role, action: Action) -> bool:
        return role in self.actions[action].roles

    def wants_reason(self, action: Action) -> bool:
        return self.actions[action].reason
