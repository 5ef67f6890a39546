"""What outsiders say to a case: plain JSON, read into events or refused with a reason that names the field."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ValidationError

from arrears.domain.events import (
    ApprovalDecided,
    ContactReported,
    Event,
    HoldLifted,
    HoldPlaced,
    PaymentReceived,
    PaymentReversed,
    PlanAgreed,
    PromiseMade,
    Withdrawn,
)
from arrears.domain.loan import Payment
from arrears.workflows.contract import Decision, Hold, Lift, Plan, Promise, Report, Reversal, Signal, Update, Withdrawal

_MODELS: dict[str, type[BaseModel]] = {
    Signal.PAYMENT_RECEIVED: Payment,
    Signal.PAYMENT_REVERSED: Reversal,
    Signal.APPROVAL_DECIDED: Decision,
    Signal.PROMISE_MADE: Promise,
    Signal.PLAN_AGREED: Plan,
    Signal.HOLD_PLACED: Hold,
    Signal.HOLD_LIFTED: Lift,
    Signal.CONTACT_REPORTED: Report,
    Signal.CASE_WITHDRAWN: Withdrawal,
    Update.RECORD_PAYMENT: Payment,
    Update.REVERSE_PAYMENT: Reversal,
    Update.DECIDE_APPROVAL: Decision,
    Update.MAKE_PROMISE: Promise,
    Update.AGREE_PLAN: Plan,
    Update.PLACE_HOLD: Hold,
    Update.LIFT_HOLD: Lift,
    Update.WITHDRAW: Withdrawal,
}


class Unreadable(ValueError):
    """The message does not have the shape of its name; the text says which field is wrong, never what stood in it."""


def explain(error: ValidationError) -> str:
    """A validation error as fields and reasons, without the values: those may be anything, also personal."""
    return "; ".join(
        f"{'.'.join(str(part) for part in e['loc']) or 'message'}: {e['msg']}" for e in error.errors(include_input=False, include_url=False)
    )


def read(name: str, payload: object, now: datetime, open_approval: str | None) -> Event:
    """The event that a signal or update of ``name`` reports at ``now``.

    A decision without an id means ``open_approval``; whether its operator may take it is for the ledger to say. Raises ``Unreadable``.
    """
    try:
        said = _MODELS[name].model_validate({} if payload is None else payload)
    except ValidationError as error:
        raise Unreadable(explain(error)) from None
    match said:
        case Payment():
            return PaymentReceived(at=now, payment=said)
        case Reversal():
            return PaymentReversed(at=now, payment_id=said.payment_id, reason=said.reason, reversed_at=said.reversed_at or now)
        case Decision():
            approval_id = said.approval_id or open_approval
            if approval_id is None:
                raise Unreadable("approval_id: no request is open in this case")
            return ApprovalDecided(at=now, approval_id=approval_id, decision=said.decision, operator=said.operator, reason=said.reason)
        case Promise():
            return PromiseMade(at=now, amount=said.amount, currency=said.currency, due_on=said.due_on)
        case Plan():
            return PlanAgreed(at=now, instalments=said.instalments, currency=said.currency)
        case Hold():
            return HoldPlaced(at=now, reason=said.reason, until=said.until)
        case Lift():
            return HoldLifted(at=now, reason=said.reason)
        case Report():
            return ContactReported(at=said.at, attempt_id=said.attempt_id, channel=said.channel, outcome=said.outcome, party=said.party)
        case Withdrawal():
            return Withdrawn(at=now, reason=said.reason)
        case _:
            raise AssertionError(f"no event for {name}")
