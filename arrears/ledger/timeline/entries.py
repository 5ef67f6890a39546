"""The entries of a timeline: what sorts there are, and what one says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel

CaseAt = Callable[[datetime], str | None]
"""The loan's case that was open at an instant, else its last one before."""


class EntryKind(StrEnum):
    """What sort of thing an entry of a timeline tells. Those that a case itself tells of are called like its events."""

    CASE_OPENED = "case_opened"
    CASE_CLOSED = "case_closed"
    PAYMENT = "payment"
    PAYMENT_REVERSED = "payment_reversed"
    CONTACT = "contact"
    CONTACT_DEFER = "contact_defer"
    CONTACT_NEEDS_APPROVAL = "contact_needs_approval"
    CONTACT_DENY = "contact_deny"
    CONTACT_REPORTED = "contact_reported"
    STEP_TAKEN = "step_taken"
    STEP_DEFERRED = "step_deferred"
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_REMINDED = "approval_reminded"
    APPROVAL_DECIDED = "approval_decided"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_VOID = "approval_void"
    HOLD_PLACED = "hold_placed"
    HOLD_LIFTED = "hold_lifted"
    PROMISE_MADE = "promise_made"
    PROMISE_JUDGED = "promise_judged"
    PLAN_AGREED = "plan_agreed"
    PLAN_BROKEN = "plan_broken"
    OPT_OUT_RECORDED = "opt_out_recorded"
    OPT_OUT_WITHDRAWN = "opt_out_withdrawn"
    CONSENT_GIVEN = "consent_given"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    REFUSAL = "refusal"
    NOTICE_SENT = "notice_sent"
    NOTICE_DELIVERED = "notice_delivered"
    NOTICE_RETURNED = "notice_returned"
    TASK_OPENED = "task_opened"
    TASK_DONE = "task_done"
    TASK_CANCELLED = "task_cancelled"
    REFERRED = "referred"
    RECALLED = "recalled"
    WITHDRAWN = "withdrawn"
    MESSAGE_IGNORED = "message_ignored"
    PERSON_ERASED = "person_erased"


class TimelineEntry(BaseModel):
    """One thing that happened. ``text`` says it in a few words, with ids instead of names; ``rules`` are those that stood against it."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    kind: EntryKind
    text: str
    case_id: str | None = None
    step: str | None = None
    rules: tuple[str, ...] = ()
    outcome: Outcome | None = None
    channel: Channel | None = None
    person_id: str | None = None


def minute(instant: datetime) -> str:
    """An instant as a text says it."""
    return f"{instant:%Y-%m-%d %H:%M} UTC"
