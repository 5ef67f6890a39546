"""What loan systems report: payments and missed payments."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from arrears.api.house import Here, verify_sender
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.loan import Payment
from arrears.gateways.contract import MissedPayment, PaymentReport
from arrears.ledger import loans, relays
from arrears.workflows.contract import CaseRequest, Signal


async def signed_by_the_loan_system(request: Request, here: Here) -> str:
    """The id of the message. Raises ``Problem``."""
    return await verify_sender(request, here, "loan_system")


MessageId = Annotated[str, Depends(signed_by_the_loan_system)]
router = APIRouter(prefix="/v1", tags=["loan system"])


class PaymentTaken(BaseModel):
    """The payment is in the ledger; ``new`` is false if it was there before."""

    loan_id: str
    payment_id: str
    new: bool


class MissedTaken(BaseModel):
    """The loan's case is opened, or the one that runs goes on; ``new`` is false if this very message came before."""

    loan_id: str
    new: bool


@router.post("/payments", status_code=HTTPStatus.ACCEPTED)
async def payment(report: PaymentReport, _: MessageId, here: Here) -> PaymentTaken:
    """Money was received for a loan. Telling it again changes nothing. Once this is answered, no contact leaves that the payment forbids."""
    paid = Payment.model_validate(report.model_dump(exclude={"loan_id"}))
    now = here.now()
    try:
        async with here.ledger.session() as session:
            new = await loans.record_payment(session, report.loan_id, paid, "loan_system", now)
            if new:
                await relays.leave(session, report.loan_id, Signal.PAYMENT_RECEIVED, f"payment/{paid.payment_id}", paid, now)
    except loans.LoanUnknown as unknown:
        raise refused(HTTPStatus.NOT_FOUND, "unknown_loan", "loan_id", unknown) from None
    except loans.PaymentConflict as conflict:
        raise refused(HTTPStatus.CONFLICT, "payment_conflict", "payment_id", conflict) from None
    except loans.PaymentRefused as unfit:
        raise refused(HTTPStatus.UNPROCESSABLE_ENTITY, "payment_refused", "currency", unfit) from None
    here.cases.ring()
    return PaymentTaken(loan_id=report.loan_id, payment_id=paid.payment_id, new=new)


@router.post("/missed-payments", status_code=HTTPStatus.ACCEPTED)
async def missed_payment(missed: MissedPayment, message_id: MessageId, here: Here) -> MissedTaken:
    """A loan has an overdue instalment: its case is opened. The loan must be imported; a case that runs is joined, never doubled."""
    now = here.now()
    try:
        async with here.ledger.session() as session:
            await loans.loan(session, missed.loan_id)
            request = CaseRequest(loan_id=missed.loan_id, strategy=missed.strategy)
            new = await relays.leave(session, missed.loan_id, relays.OPEN, f"missed/{message_id}", request, now)
    except loans.LoanUnknown as unknown:
        raise refused(HTTPStatus.NOT_FOUND, "unknown_loan", "loan_id", unknown) from None
    here.cases.ring()
    return MissedTaken(loan_id=missed.loan_id, new=new)


def refused(status: HTTPStatus, code: str, field: str, why: Exception) -> Problem:
    """The problem of a fact that the ledger does not take."""
    return Problem(status, code, str(why), [FieldProblem(field=field, problem=str(why))])
