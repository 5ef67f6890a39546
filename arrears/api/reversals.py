"""Payments that loan systems take back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict

from arrears.api.caller import Caller, allowed
from arrears.api.house import Here
from arrears.api.loan_system import refused
from arrears.api.operations.telling import source
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Code, Id
from arrears.ledger import loans, reversals
from arrears.workflows.contract import Reversal

router = APIRouter(prefix="/v1", tags=["loan system"])
Reverser = Annotated[Caller, Depends(allowed(Action.REVERSE_PAYMENT))]
PaymentOf = Annotated[str, Path(pattern=r"^[!-~]{1,128}$", description="the loan system's id of the payment")]


class PaymentReversal(BaseModel):
    """The bank took a payment back, or it had been booked by mistake. With ``loan_id`` it must be a payment of that loan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loan_id: Id | None = None
    reason: Code
    reversed_at: Instant


class ReversalTaken(BaseModel):
    """The payment counts no more; ``new`` is false if it did not before."""

    loan_id: str
    payment_id: str
    new: bool


@router.post("/payments/{payment_id:path}/reversal", status_code=HTTPStatus.ACCEPTED)
async def reverse_payment(payment_id: PaymentOf, reversal: PaymentReversal, caller: Reverser, here: Here) -> ReversalTaken:
    """A payment is taken back: it counts no more from now on. Telling it again changes nothing. A case that the payment had closed is opened again."""
    said = Reversal(payment_id=payment_id, reason=reversal.reason, reversed_at=reversal.reversed_at)
    try:
        async with here.ledger.exclusive() as session:
            taken = await reversals.reverse(session, said, source(caller), here.now(), loan_id=reversal.loan_id)
            if taken.new:
                caller.note(session, Action.REVERSE_PAYMENT, loan_id=taken.loan_id, subject=payment_id)
    except loans.PaymentUnknown as unknown:
        raise refused(HTTPStatus.NOT_FOUND, "unknown_payment", "payment_id", unknown) from None
    except loans.ReversalConflict as conflict:
        raise refused(HTTPStatus.CONFLICT, "reversal_conflict", "payment_id", conflict) from None
    here.cases.ring()
    return ReversalTaken(loan_id=taken.loan_id, payment_id=payment_id, new=taken.new)
