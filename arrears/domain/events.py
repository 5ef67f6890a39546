"""What can happen in a case. Each event is a fact with its instant and a natural key, so that hearing it twice changes nothing.

Events carry opaque ids, dates, amounts and codes only: they are written to workflow histories.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from arrears.domain.loan import Instalment, Payment, PaymentId, TakenBack
from arrears.domain.money import Currency, PositiveAmount
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Slug

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.:/@-]{0,119}$")]
"""A reason as a code or a few words; never a name, a number to call or an address."""

Ending = Literal["cured", "settled", "on_plan_completed", "withdrawn", "sold", "written_off", "judgment", "deceased_estate"]
"""How a case can end (`nothing owed` at opening counts as cured)."""

PAID_ENDINGS: frozenset[Ending] = frozenset({"cured", "settled", "on_plan_completed"})
"""The endings that rest on payments: when one of them is taken back, the loan has a case again."""

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}$")]
"""An opaque identifier."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime


class PaymentReceived(_Event):
    kind: Literal["payment_received"] = "payment_received"
    payment: Payment


class PaymentReversed(_Event):
    """A payment was taken back by the bank, or had been booked by mistake: it counts no more since ``at``, when the case heard of it."""

    kind: Literal["payment_reversed"] = "payment_reversed"
    payment_id: PaymentId
    reason: Code
    reversed_at: AwareDatetime


class StepTaken(_Event):
    """A step of the ladder was made, refused by the law, or passed over by its own condition."""

    kind: Literal["step_taken"] = "step_taken"
    step: str = Field(description="the step's key, with the person's id after a slash if it was a relative")
    outcome: Outcome
    attempt_id: str | None = None
    channel: Channel | None = None
    rules: tuple[str, ...] = Field(default=(), description="ids of the rules that refused it")
    why: str | None = Field(default=None, description="for a step passed over: the condition that did not hold")


class StepDeferred(_Event):
    """The law allows the step later: it is tried again at ``until``."""

    kind: Literal["step_deferred"] = "step_deferred"
    step: str
    until: AwareDatetime
    rules: tuple[str, ...] = ()


class ApprovalAsked(_Event):
    kind: Literal["approval_asked"] = "approval_asked"
    approval_id: Id
    step: str
    people: tuple[Id, ...] = ()
    remind_at: AwareDatetime
    deadline: AwareDatetime


class ApprovalReminded(_Event):
    kind: Literal["approval_reminded"] = "approval_reminded"
    approval_id: Id


class ApprovalDecided(_Event):
    """A decision that counts: the ledger has confirmed that the operator may take it."""

    kind: Literal["approval_decided"] = "approval_decided"
    approval_id: Id
    decision: Literal["approve", "deny"]
    operator: Id
    reason: Code | None = None


class ApprovalExpired(_Event):
    kind: Literal["approval_expired"] = "approval_expired"
    approval_id: Id


class ApprovalRetracted(_Event):
    """The ledger knows that a void request or grant no longer stands."""

    kind: Literal["approval_retracted"] = "approval_retracted"
    approval_id: Id


class PromiseMade(_Event):
    kind: Literal["promise_made"] = "promise_made"
    amount: PositiveAmount
    currency: Currency
    due_on: date


class PromiseJudged(_Event):
    kind: Literal["promise_judged"] = "promise_judged"
    amount: PositiveAmount
    due_on: date
    kept: bool


class PlanAgreed(_Event):
    kind: Literal["plan_agreed"] = "plan_agreed"
    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=120)
    currency: Currency


class PlanBroken(_Event):
    kind: Literal["plan_broken"] = "plan_broken"
    due_on: date


class HoldPlaced(_Event):
    kind: Literal["hold_placed"] = "hold_placed"
    reason: Code
    until: AwareDatetime | None = None


class HoldLifted(_Event):
    """``reason`` names the hold; without one every hold is lifted."""

    kind: Literal["hold_lifted"] = "hold_lifted"
    reason: Code | None = None


class ContactReported(_Event):
    """Contact that others saw: an inbound call, an agency's visit, a late outcome of one of our attempts."""

    kind: Literal["contact_reported"] = "contact_reported"
    attempt_id: Id | None = None
    channel: Channel
    outcome: Outcome
    party: Literal["borrower", "relative", "someone_else"]


class Placed(_Event):
    """The case went to an institution that works it until ``until``."""

    kind: Literal["placed"] = "placed"
    placement_id: Id
    agency: Slug
    until: AwareDatetime


class Recalled(_Event):
    kind: Literal["recalled"] = "recalled"
    placement_id: Id


class Withdrawn(_Event):
    kind: Literal["withdrawn"] = "withdrawn"
    reason: Code


class MessageIgnored(_Event):
    """A signal or decision that did not count, with the reason why."""

    kind: Literal["message_ignored"] = "message_ignored"
    name: str
    why: str


class CaseClosed(_Event):
    kind: Literal["case_closed"] = "case_closed"
    outcome: Ending


Event = Annotated[
    PaymentReceived
    | PaymentReversed
    | StepTaken
    | StepDeferred
    | ApprovalAsked
    | ApprovalReminded
    | ApprovalDecided
    | ApprovalExpired
    | ApprovalRetracted
    | PromiseMade
    | PromiseJudged
    | PlanAgreed
    | PlanBroken
    | HoldPlaced
    | HoldLifted
    | ContactReported
    | Placed
    | Recalled
    | Withdrawn
    | MessageIgnored
    | CaseClosed,
    Field(discriminator="kind"),
]


class OpeningFacts(BaseModel):
    """What the ledger knows of a loan when its case opens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_id: Id
    loan_id: Id
    borrower_id: Id
    product: str
    currency: Currency
    instalments: tuple[Instalment, ...]
    payments_counted: tuple[str, ...] = Field(default=(), description="ids of the payments that the instalments' amounts already reflect")
    counted: tuple[Payment, ...] = Field(default=(), description="those payments; a case that an older version opened does not know them")
    settled: tuple[Instalment, ...] = Field(default=(), description="what those payments settled, by instalment")
    taken_back: tuple[TakenBack, ...] = Field(default=(), description="payments that were taken back before the opening")
    opened_at: AwareDatetime
    held_for: Code | None = Field(default=None, description="a hold that stands from the start, such as suspected fraud")
