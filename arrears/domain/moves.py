"""What the planner can want: one dataclass a move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from arrears.domain.events import Ending, Event
from arrears.domain.strategy import Approval, ContactRung, ReferralRung, RelativesRung, TaskRung


@dataclass(frozen=True)
class Contact:
    """Reach one person once. ``person_id`` is empty for the borrower; a relative is contacted under the approval that names them."""

    step: str
    rung: ContactRung | RelativesRung
    person_id: str | None = None
    approval_id: str | None = None

    @property
    def key(self) -> str:
        return f"{self.step}/{self.person_id}" if self.person_id else self.step


@dataclass(frozen=True)
class AskApproval:
    step: str
    rung: RelativesRung | ReferralRung
    terms: Approval
    approval_id: str
    remind_at: datetime
    deadline: datetime


@dataclass(frozen=True)
class RemindApprovers:
    approval_id: str


@dataclass(frozen=True)
class RetractApproval:
    """Tell the ledger that a request or grant no longer stands."""

    approval_id: str
    why: str


@dataclass(frozen=True)
class AssignTask:
    step: str
    rung: TaskRung


@dataclass(frozen=True)
class Refer:
    step: str
    rung: ReferralRung
    until: datetime | None = None
    approval_id: str | None = None


@dataclass(frozen=True)
class Recall:
    placement_id: str
    agency: str
    why: str


@dataclass(frozen=True)
class Note:
    """Time has made something true: apply the event and ask again."""

    event: Event


@dataclass(frozen=True)
class Close:
    outcome: Ending
    why: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do before ``until`` (for ever, if empty) unless a message arrives. ``next`` is what is waited for, ``why`` the reason in words."""

    until: datetime | None
    next: str
    why: str
    blocked_by: str | None = None


@dataclass(frozen=True)
class Finished:
    """The case is closed."""


Move = Contact | AskApproval | RemindApprovers | RetractApproval | AssignTask | Refer | Recall | Note | Close | Wait | Finished
