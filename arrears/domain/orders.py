"""What a case asks of the world, and what the world answers: the payloads of the activities.

They are part of workflow histories: opaque ids, dates, amounts and codes only, and fields are only ever added, with a default.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from arrears.domain.calendar import LadderCalendar
from arrears.domain.clock import REAL_TIME, Clock
from arrears.domain.events import Ending, Event, Id, OpeningFacts
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Line, Offer, Referral, Role, Slug, Strategy, TaskKind


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True)


class Activity(StrEnum):
    """The names under which the activities are registered."""

    OPEN_CASE = "open_case"
    CONTACT = "contact"
    REQUEST_APPROVAL = "request_approval"
    REMIND_APPROVERS = "remind_approvers"
    CHECK_DECISION = "check_decision"
    RETRACT_APPROVAL = "retract_approval"
    ASSIGN_TASK = "assign_task"
    REFER = "refer"
    RECALL = "recall"
    RECORD = "record"
    CLOSE_CASE = "close_case"
    SWEEP_RETENTION = "sweep_retention"


class Purpose(StrEnum):
    """Why a person is contacted."""

    COLLECT = "collect"
    REMIND = "remind"
    OFFER = "offer"
    LOCATE = "locate"
    RELAY = "relay"
    NOTICE = "notice"
    REPLY = "reply"
    VERIFICATION = "verification"
    CONFIRM_OPT_OUT = "confirm_opt_out"
    TERMINATE = "terminate"
    MAY_REMEDY = "may_remedy"
    WILL_REMEDY = "will_remedy"


class OpenOrder(_Payload):
    """``run_key`` is the same for every attempt, continuation and reset of one case, and differs for the loan's next case."""

    loan_id: Id
    run_key: str
    strategy: Slug | None = None


class OpenedCase(_Payload):
    """The case as it starts: facts, the pinned strategy, the borrower's calendar and the clock. Nothing owed leaves no instalments.

    ``call_timeout`` is the real time after which a call without an outcome is asked about at its gateway.
    """

    facts: OpeningFacts
    strategy: Strategy
    calendar: LadderCalendar
    clock: Clock = REAL_TIME
    call_timeout: timedelta = timedelta(minutes=15)


class ContactOrder(_Payload):
    """One contact with one person. ``person_id`` is empty for the borrower; ``attempt_id`` is the business key of the contact."""

    case_id: Id
    loan_id: Id
    attempt_id: Id
    step: str
    channel: Channel
    message: Slug
    purpose: Purpose = Purpose.COLLECT
    line: Line = Line.REGISTERED
    offers: tuple[Offer, ...] = ()
    person_id: Id | None = None
    approval_id: Id | None = None


class ContactReport(_Payload):
    """What became of a contact.

    ``deny``: nothing left, ``rules`` say why, ``news`` holds what the ledger knew and the case did not (a payment, a hold).
    ``defer``: nothing left, ask again at ``until``. ``allow``: ``outcome`` says how it went; ``not_sent`` if no gateway is configured.
    """

    attempt_id: Id
    at: AwareDatetime
    verdict: Literal["allow", "defer", "deny"]
    outcome: Outcome | None = None
    until: AwareDatetime | None = None
    rules: tuple[str, ...] = ()
    news: tuple[Event, ...] = ()


class ApprovalOrder(_Payload):
    """Ask a human of ``role`` before a step. For relatives, ``most_people`` candidates are chosen from the ledger."""

    case_id: Id
    loan_id: Id
    approval_id: Id
    step: str
    role: Role
    remind_at: AwareDatetime
    deadline: AwareDatetime
    purpose: Purpose | None = None
    channel: Channel | None = None
    message: Slug | None = None
    most_people: int = 0
    referral: Referral | None = None


class ApprovalAnswer(_Payload):
    """Either the request stands (``people`` are the ids it names), or it was never asked because ``rules`` deny the step anyway."""

    approval_id: Id
    asked: bool
    at: AwareDatetime
    people: tuple[Id, ...] = ()
    rules: tuple[str, ...] = ()


class ApprovalRef(_Payload):
    """Names one approval, with the reason for what is done to it."""

    case_id: Id
    approval_id: Id
    why: str = ""


class DecisionOrder(_Payload):
    """A decision as somebody sent it, to be checked against operators, roles and the state of the request."""

    case_id: Id
    approval_id: Id
    decision: Literal["approve", "deny"]
    operator: str
    reason: str | None = None


class DecisionCheck(_Payload):
    """Whether the decision counts; if not, ``why``."""

    counts: bool
    at: AwareDatetime
    why: str | None = None


class TaskOrder(_Payload):
    case_id: Id
    loan_id: Id
    task_id: Id
    step: str
    task: TaskKind
    role: Role


class ReferralOrder(_Payload):
    case_id: Id
    loan_id: Id
    referral_id: Id
    step: str
    to: Referral
    agency: Slug | None = None
    until: AwareDatetime | None = None
    approval_id: Id | None = None


class RecallOrder(_Payload):
    case_id: Id
    loan_id: Id
    referral_id: Id
    agency: Slug
    why: str


class StepReport(_Payload):
    """How a task, a referral or a recall went: ``done``, ``not_sent`` without a gateway, ``denied`` with rules, or ``failed``."""

    at: AwareDatetime
    outcome: Outcome
    rules: tuple[str, ...] = ()
    news: tuple[Event, ...] = ()


class RecordOrder(_Payload):
    """Facts that reached the case by a message and must stand in the ledger before anything else is sent."""

    case_id: Id
    loan_id: Id
    events: tuple[Event, ...]


class CloseOrder(_Payload):
    """``events`` are those that time alone brought about and that no order has carried to the ledger yet."""

    case_id: Id
    loan_id: Id
    outcome: Ending
    why: str
    events: tuple[Event, ...] = ()


class Done(_Payload):
    """The order was carried out at ``at``."""

    at: AwareDatetime
