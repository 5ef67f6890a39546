"""The events that the loan system is told, as they stand on the wire: ``{"type", "timestamp", "data"}``, by the Standard Webhooks scheme.

They carry ids, codes, days and amounts, never a name, a number, an address or a text. ``data.at`` is when it happened, in business time;
``timestamp`` is when the ledger wrote it down.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, SerializeAsAny, create_model

from arrears.domain.calendar import Window
from arrears.domain.events import Ending, Id
from arrears.domain.loan import Instalment
from arrears.domain.money import Currency, PositiveAmount
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.person import WishKind
from arrears.domain.strategy import Channel, Role, Slug


class Event(BaseModel):
    """What every event says: which loan, when it happened in business time, and which case: the one that ran then, else the loan's last one before.

    A loan that has had no case yet has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    loan_id: Id
    case_id: Id | None = None
    at: AwareDatetime


class CaseOpened(Event):
    """The loan has an overdue instalment, and its case runs."""

    strategy: Slug
    strategy_version: int


class StageChanged(Event):
    """The case does something else now.

    ``stage`` is ``contacting``, ``awaiting_approval``, ``promised``, ``on_plan``, ``placed``, ``on_hold``, the name of a strategy's track, or, for a closed
    case, its outcome. ``hold`` is the reason of the hold that stands longest among the latest, ``agency`` who has the case.
    """

    stage: str
    before: str
    hold: str | None = None
    agency: Slug | None = None


class ContactMade(Event):
    """Somebody was contacted, or contacted us. Without an ``outcome`` a gateway has the message, and what becomes of it is told later, if anybody learns it.

    ``by`` is ``lender`` or the agency; ``direction`` is ``in`` if the person began. ``party`` is ``other`` for whoever is not the borrower.
    """

    contact_id: str
    by: str = "lender"
    direction: Literal["out", "in"] = "out"
    party: Literal["borrower", "other"]
    channel: Channel
    purpose: Purpose | None = None
    step: str | None = None
    outcome: Outcome | None = None


class ContactOutcomeKnown(Event):
    """What became of a contact that was told before: it was not known then, or it was thought to be another. ``not_sent``: it never left after all."""

    contact_id: str
    channel: Channel
    step: str | None = None
    outcome: Outcome


class PromiseMade(Event):
    """The borrower promised to pay this much by that day."""

    amount: PositiveAmount
    currency: Currency
    due_on: date


class PromiseKept(Event):
    """What was promised for that day was paid."""

    amount: PositiveAmount
    currency: Currency
    due_on: date


class PromiseBroken(Event):
    """What was promised for that day was not paid, days of grace included."""

    amount: PositiveAmount
    currency: Currency
    due_on: date


class PlanAgreed(Event):
    """The borrower pays in instalments; one that was agreed before no longer counts."""

    instalments: tuple[Instalment, ...]
    currency: Currency


class PlanBroken(Event):
    """The plan's instalment of that day was not paid, days of grace included."""

    due_on: date


class PlanCompleted(Event):
    """Every instalment of the plan was paid."""


class ApprovalAsked(Event):
    """A human of that role must say yes before the deadline, or the step is not taken."""

    approval_id: str
    step: str
    role: Role
    purpose: Purpose | None = None
    deadline: AwareDatetime


class ApprovalDecided(Event):
    """A human has decided."""

    approval_id: str
    step: str
    decision: Literal["approve", "deny"]


class ApprovalExpired(Event):
    """Nobody decided in time: the step is not taken."""

    approval_id: str
    step: str


class ApprovalVoid(Event):
    """What was asked for, or had been given, no longer stands: events have overtaken it, such as a payment."""

    approval_id: str
    step: str


class CasePlaced(Event):
    """An agency has the case, until then."""

    placement_id: str
    agency: Slug
    until: AwareDatetime | None = None


class CaseRecalled(Event):
    """The agency was told that it no longer has the case."""

    placement_id: str
    agency: Slug


class HoldPlaced(Event):
    """For this reason nothing, or little, may be done, until then or until it is lifted. ``person_id`` is whom it is about, if not the borrower."""

    hold_id: str
    reason: str
    until: AwareDatetime | None = None
    person_id: str | None = None


class HoldLifted(Event):
    """The hold stands no longer: somebody ``lifted`` it, or its time ``ended``."""

    hold_id: str
    reason: str
    because: Literal["lifted", "ended"]


class OptOutRecorded(Event):
    """Somebody said how they do not want to be contacted: at all, by a ``channel``, at a contact point, in some local ``hours``. Nobody was contacted by it.

    It stands until it is withdrawn. ``person_id`` is who said so, if not the borrower.
    """

    opt_out_id: str
    kind: WishKind
    channel: Channel | None = None
    contact_point_id: int | None = None
    hours: Window | None = None
    person_id: str | None = None


class OptOutTakenBack(Event):
    """What was recorded under this ``opt_out_id`` stands no longer: they took it back."""

    opt_out_id: str
    kind: WishKind
    channel: Channel | None = None
    person_id: str | None = None


class PaymentReversed(Event):
    """A payment was taken back: from then on it counts as never made."""

    payment_id: str
    amount: PositiveAmount
    currency: Currency
    reason: str


class CaseClosed(Event):
    """The case is over."""

    outcome: Ending


class Message(BaseModel):
    """An event as it is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    timestamp: AwareDatetime
    data: SerializeAsAny[Event]


KINDS: dict[str, type[Event]] = {
    "case.opened": CaseOpened,
    "case.stage_changed": StageChanged,
    "contact.made": ContactMade,
    "contact.outcome_known": ContactOutcomeKnown,
    "promise.made": PromiseMade,
    "promise.kept": PromiseKept,
    "promise.broken": PromiseBroken,
    "plan.agreed": PlanAgreed,
    "plan.broken": PlanBroken,
    "plan.completed": PlanCompleted,
    "approval.asked": ApprovalAsked,
    "approval.decided": ApprovalDecided,
    "approval.expired": ApprovalExpired,
    "approval.void": ApprovalVoid,
    "case.placed": CasePlaced,
    "case.recalled": CaseRecalled,
    "hold.placed": HoldPlaced,
    "hold.lifted": HoldLifted,
    "opt_out.recorded": OptOutRecorded,
    "opt_out.withdrawn": OptOutTakenBack,
    "payment.reversed": PaymentReversed,
    "case.closed": CaseClosed,
}
"""All kinds of events by their ``type`` on the wire."""

_TYPES = {data: kind for kind, data in KINDS.items()}


def _message_of(kind: str, data: type[Event]) -> type[Message]:
    fields: dict[str, Any] = {"type": (Literal[kind], ...), "data": (data, ...)}
    return create_model(f"{data.__name__}Message", __base__=Message, __doc__=data.__doc__, **fields)


MESSAGES: dict[str, type[Message]] = {kind: _message_of(kind, data) for kind, data in KINDS.items()}
"""The message of each kind, for whoever describes or reads them."""


def kind_of(event: Event) -> str:
    """The event's ``type`` on the wire."""
    return _TYPES[type(event)]


def message(event: Event, timestamp: AwareDatetime) -> Message:
    """The event as it is sent."""
    return Message(type=kind_of(event), timestamp=timestamp, data=event)


def read(body: dict[str, Any]) -> Message:
    """The message in a JSON object. Raises ``KeyError`` for a kind that is not known, ``pydantic.ValidationError`` for what is none of that kind."""
    return MESSAGES[body["type"]].model_validate(body)
