"""Contacts: the attempts, the verdicts of the law on them, and the approvals that some of them need."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Role
from arrears.domain.verdict import Effect
from arrears.ledger.tables.columns import ID_LENGTH, JSON_VALUE, OPTIONAL_JSON, SEALED, Row, Sealed, code, must, together


class AttemptState(StrEnum):
    """How far an attempt came: written down, handed to a gateway, its outcome known, or given up before anything left."""

    RESERVED = "reserved"
    SENT = "sent"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class ApprovalState(StrEnum):
    """A request is open until it is decided or expires; ``void``: what it asked for no longer applies, or a grant was taken back."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    VOID = "void"


class AttemptRow(Row, table=True):
    """One contact tried with one person; ``id`` is its business key and the idempotency key at the gateway.

    ``text`` is what was sent or said, sealed with the keys of the person and the borrower together; ``content_hash`` is the SHA-256 of it. Whoever is
    asked where the borrower is, or to pass a message on, must be named in an approval, with exactly this content.
    ``klass``, ``notice`` and ``artificial_voice`` say what kind of text it was and who spoke it, ``sender`` from which number or account; none: not known.
    ``task_token`` completes the activity that waits for a call's outcome.
    """

    __table_args__ = (
        ForeignKeyConstraint(["case_id", "loan_id"], ["cases.id", "cases.loan_id"]),
        ForeignKeyConstraint(["contact_point_id", "person_id"], ["contact_points.id", "contact_points.person_id"]),
        ForeignKeyConstraint(
            ["approval_id", "person_id", "content_hash"],
            ["approval_persons.approval_id", "approval_persons.person_id", "approval_persons.content_hash"],
        ),
        Index("ix_attempts_person_reserved", "person_id", "reserved_at"),
        Index("ix_attempts_loan_reserved", "loan_id", "reserved_at"),
        must("others_only_if_approved", "purpose NOT IN ('locate', 'relay') OR approval_id IS NOT NULL"),
        must("outcome_when_settled", "(state = 'settled') = (outcome IS NOT NULL)"),
        must("settled_with_time", "state <> 'settled' OR settled_at IS NOT NULL"),
        must("sent_with_time", "state <> 'sent' OR sent_at IS NOT NULL"),
        must("unsent_without_time", "sent_at IS NULL OR state IN ('sent', 'settled')"),
        must("unsettled_without_time", "settled_at IS NULL OR state IN ('settled', 'cancelled')"),
        must("content_hash", "length(content_hash) = 64"),
    )

    id: str = Field(primary_key=True, max_length=200)
    case_id: str = Field(index=True, max_length=ID_LENGTH)
    loan_id: str = Field(max_length=ID_LENGTH)
    person_id: str = Field(foreign_key="persons.id", max_length=ID_LENGTH)
    contact_point_id: int | None = None
    channel: Channel = Field(sa_type=code(Channel))
    purpose: Purpose = Field(sa_type=code(Purpose))
    message: str = Field(max_length=48)
    klass: MessageClass | None = Field(default=None, sa_type=code(MessageClass))
    notice: NoticeKind | None = Field(default=None, sa_type=code(NoticeKind))
    content_hash: str = Field(max_length=64)
    locale: str = Field(max_length=35)
    sender: str | None = Field(default=None, max_length=64)
    artificial_voice: bool | None = None
    state: AttemptState = Field(default=AttemptState.RESERVED, sa_type=code(AttemptState))
    outcome: Outcome | None = Field(default=None, sa_type=code(Outcome))
    gateway_ref: str | None = Field(default=None, max_length=200)
    approval_id: str | None = Field(default=None, max_length=ID_LENGTH)
    reserved_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    task_token: bytes | None = Field(default=None, repr=False)
    text: Sealed | None = Field(default=None, sa_type=SEALED, repr=False)


class VerdictRow(Row, table=True):
    """What the law said of an action, also of one that was never made: the rules that fired, what was observed, and which law spoke.

    ``action`` is ``contact``, or where a referral would go. ``attempt_id`` names the attempt or the referral; there is none if nothing was reserved.
    ``observed`` holds the findings as JSON, ``rules`` the ids of those that stand against it; ``facts_hash`` is the SHA-256 of the situation that was
    judged. ``permanent``: no waiting and no human can change it. ``regimes`` are the laws by name, version and hash, ``clock`` is the business clock
    that ``decided_at`` was read from. Old rows have one ``regime`` with a version instead.
    """

    __table_args__ = (
        must("deferred_until", "(verdict = 'defer') = (until IS NOT NULL)"),
        must("facts_hash", "length(facts_hash) = 64"),
    )

    id: int | None = Field(default=None, primary_key=True)
    attempt_id: str = Field(index=True, max_length=200)
    case_id: str = Field(foreign_key="cases.id", index=True, max_length=ID_LENGTH)
    person_id: str | None = Field(default=None, foreign_key="persons.id", max_length=ID_LENGTH)
    decided_at: datetime
    verdict: Effect = Field(sa_type=code(Effect))
    until: datetime | None = None
    rules: list[str] = Field(sa_type=JSON_VALUE)
    observed: list[dict[str, Any]] = Field(sa_type=JSON_VALUE)
    facts_hash: str = Field(max_length=64)
    action: str | None = Field(default=None, max_length=32)
    permanent: bool | None = None
    regimes: list[dict[str, Any]] | None = Field(default=None, sa_type=OPTIONAL_JSON)
    clock: dict[str, Any] | None = Field(default=None, sa_type=OPTIONAL_JSON)
    regime: str | None = Field(default=None, max_length=48)
    regime_version: int | None = None
    approval_id: str | None = Field(default=None, foreign_key="approvals.id", max_length=ID_LENGTH)


class ApprovalRow(Row, table=True):
    """A request for a human's yes before a step, with the evidence it rests on.

    One that concerns people names them (``ApprovalPersonRow``), with the purpose and the message. Nobody decides their own request.
    ``reason`` is what the operator wrote, sealed with the borrower's key.
    """

    __table_args__ = (
        together("purpose_and_message", "purpose", "message"),
        together("decided_by_and_at", "decided_by", "decided_at"),
        must("decided_by_somebody", "state NOT IN ('approved', 'denied') OR decided_by IS NOT NULL"),
        must("undecided_by_nobody", "state NOT IN ('open', 'expired') OR decided_by IS NULL"),
        must("void_with_reason", "(state = 'void') = (why_void IS NOT NULL)"),
        together("void_at_and_why", "void_at", "why_void"),
        must("four_eyes", "decided_by IS NULL OR decided_by <> requested_by"),
        must("reminds_before_deadline", "remind_at < deadline"),
        Index("ix_approvals_state_deadline", "state", "deadline"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    case_id: str = Field(foreign_key="cases.id", index=True, max_length=ID_LENGTH)
    step: str = Field(max_length=200)
    role: Role = Field(sa_type=code(Role))
    purpose: Purpose | None = Field(default=None, sa_type=code(Purpose))
    message: str | None = Field(default=None, max_length=48)
    evidence: dict[str, Any] = Field(sa_type=JSON_VALUE)
    requested_by: str = Field(max_length=ID_LENGTH)
    asked_at: datetime
    remind_at: datetime
    deadline: datetime
    reminded_at: datetime | None = None
    state: ApprovalState = Field(default=ApprovalState.OPEN, sa_type=code(ApprovalState))
    decided_by: str | None = Field(default=None, foreign_key="operators.id", max_length=ID_LENGTH)
    decided_at: datetime | None = None
    reason: Sealed | None = Field(default=None, sa_type=SEALED, repr=False)
    void_at: datetime | None = None
    why_void: str | None = Field(default=None, max_length=200)


class ApprovalPersonRow(Row, table=True):
    """A person whom an approval names, with the SHA-256 of the only text that they may be sent or told."""

    __table_args__ = (UniqueConstraint("approval_id", "person_id", "content_hash"), must("content_hash", "length(content_hash) = 64"))

    approval_id: str = Field(primary_key=True, foreign_key="approvals.id", max_length=ID_LENGTH)
    person_id: str = Field(primary_key=True, foreign_key="persons.id", max_length=ID_LENGTH)
    content_hash: str = Field(max_length=64)
