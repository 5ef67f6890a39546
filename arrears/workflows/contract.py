"""The names and payloads that outsiders use: any Temporal client starts and signals a case with plain JSON of these shapes."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from temporalio.common import SearchAttributeKey

from arrears.domain.calendar import Day, Instant
from arrears.domain.events import Code, Ending, Id
from arrears.domain.loan import Instalment, PaymentId
from arrears.domain.money import Amount, Currency, PositiveAmount
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Slug

WORKFLOW_TYPE = "CollectionCase"
TASK_QUEUE = "collections"


def workflow_id(loan_id: str) -> str:
    """The id under which a loan's case runs."""
    return f"case-{loan_id}"


class Signal:
    """Signal names; each takes one JSON object."""

    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_REVERSED = "payment_reversed"
    APPROVAL_DECIDED = "approval_decided"
    PROMISE_MADE = "promise_made"
    PLAN_AGREED = "plan_agreed"
    HOLD_PLACED = "hold_placed"
    HOLD_LIFTED = "hold_lifted"
    CONTACT_REPORTED = "contact_reported"
    CASE_WITHDRAWN = "case_withdrawn"


class Update:
    """Update names: the same facts as the signals, validated, with an answer."""

    DECIDE_APPROVAL = "decide_approval"
    RECORD_PAYMENT = "record_payment"
    REVERSE_PAYMENT = "reverse_payment"
    MAKE_PROMISE = "make_promise"
    AGREE_PLAN = "agree_plan"
    PLACE_HOLD = "place_hold"
    LIFT_HOLD = "lift_hold"
    WITHDRAW = "withdraw"


QUERY_CASE = "case"

STAGE_CONTACTING = "contacting"
"""The stage of a case that is climbing its ladder."""

CASE_STAGE = SearchAttributeKey.for_keyword("CaseStage")
LOAN_ID = SearchAttributeKey.for_keyword("LoanId")
BORROWER_ID = SearchAttributeKey.for_keyword("BorrowerId")
STRATEGY = SearchAttributeKey.for_keyword("Strategy")
HOLD_REASON = SearchAttributeKey.for_keyword("HoldReason")
APPROVAL_ID = SearchAttributeKey.for_keyword("ApprovalId")
AGENCY = SearchAttributeKey.for_keyword("Agency")
DUE_SINCE = SearchAttributeKey.for_datetime("DueSince")
NEXT_MOVE_AT = SearchAttributeKey.for_datetime("NextMoveAt")
SEARCH_ATTRIBUTES: tuple[SearchAttributeKey[Any], ...] = (
    CASE_STAGE,
    LOAN_ID,
    BORROWER_ID,
    STRATEGY,
    HOLD_REASON,
    APPROVAL_ID,
    AGENCY,
    DUE_SINCE,
    NEXT_MOVE_AT,
)


class _Message(BaseModel):
    # A field that we do not know never costs a borrower their payment: it is ignored, what we know counts.
    model_config = ConfigDict(frozen=True, extra="ignore")


class CaseRequest(_Message):
    """The input of a case. Only ``loan_id`` is required; without a strategy the loan's own is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loan_id: Id
    strategy: Slug | None = None


class Reversal(_Message):
    """A payment that the bank took back or that was booked by mistake; ``reversed_at`` is now if not given."""

    payment_id: PaymentId
    reason: Code
    reversed_at: Instant | None = None


class Decision(_Message):
    """Without ``approval_id`` the open request is meant."""

    approval_id: Id | None = None
    decision: Literal["approve", "deny"]
    operator: Id
    reason: Code | None = None


class Promise(_Message):
    amount: PositiveAmount
    currency: Currency
    due_on: Day


class Plan(_Message):
    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=120)
    currency: Currency


class Hold(_Message):
    reason: Code
    until: Instant | None = None


class Lift(_Message):
    """Without a reason every hold is lifted."""

    reason: Code | None = None


class Report(_Message):
    attempt_id: Id | None = None
    channel: Channel
    outcome: Outcome
    at: Instant
    party: Literal["borrower", "relative", "someone_else"]


class Withdrawal(_Message):
    reason: Code


class RecentContact(_Message):
    step: str
    at: AwareDatetime
    outcome: Outcome
    channel: Channel | None = None
    rules: tuple[str, ...] = ()
    why: str | None = None


class OpenApproval(_Message):
    approval_id: Id
    step: str
    people: tuple[Id, ...]
    deadline: AwareDatetime


class CaseView(_Message):
    """The answer of the query ``case`` and of every update: where the case stands, what happens next and why, what blocks it."""

    case_id: Id
    loan_id: Id
    borrower_id: Id
    strategy: str
    stage: str
    outcome: Ending | None = None
    owed: Amount
    currency: Currency
    due_since: date | None
    days_past_due: int
    ladder_day: int
    attitude: str
    next: str
    next_at: AwareDatetime | None
    why: str
    blocked_by: str | None = None
    approval: OpenApproval | None = None
    agency: str | None = None
    holds: tuple[str, ...] = ()
    contacts: tuple[RecentContact, ...] = ()
    ignored: tuple[str, ...] = ()


class CaseSummary(_Message):
    """The result of a finished case."""

    loan_id: Id
    case_id: Id
    outcome: Ending
    closed_at: AwareDatetime
    contacts: int
    paid: Amount
    owed: Amount
    currency: Currency
