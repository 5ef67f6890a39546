"""What loan systems report: payments and missed payments, one or many at a time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.batch import MOST, OrProblem, take_each, told
from arrears.api.caller import Caller, allowed
from arrears.api.house import Here, House, verify_sender
from arrears.api.idempotency import KEY_HEADER
from arrears.api.operations.telling import source
from arrears.api.problems import FieldProblem, Problem, ProblemBody
from arrears.domain.access import Action
from arrears.domain.loan import Payment
from arrears.gateways.contract import MissedPayment, PaymentReport
from arrears.ledger import loans, relays
from arrears.ledger.tables import ActorKind
from arrears.workflows.contract import CaseRequest, Signal


async def signed_by_the_loan_system(request: Request, here: Here) -> str:
    """The id of the message. Raises ``Problem``."""
    return await verify_sender(request, here, "loan_system")


router = APIRouter(prefix="/v1", tags=["loan system"])
_LONGEST_ID = 128
_NOT_IMPORTED: dict[int | str, dict[str, Any]] = {404: {"model": ProblemBody, "description": "the loan is not imported"}}
Payer = Annotated[Caller, Depends(allowed(Action.RECORD_PAYMENT))]
Opener = Annotated[Caller, Depends(allowed(Action.OPEN_CASE))]


class PaymentTaken(BaseModel):
    """The payment is in the ledger; ``new`` is false if it was there before."""

    loan_id: str
    payment_id: str
    new: bool


class MissedTaken(BaseModel):
    """The loan's case is opened, or the one that runs goes on; ``new`` is false if this very message came before."""

    loan_id: str
    new: bool


class _Batch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PaymentBatch(_Batch):
    """Payments of any loans. Each counts by itself: one that is refused keeps no other from counting."""

    payments: list[OrProblem[PaymentReport]] = Field(min_length=1, max_length=MOST)


class MissedBatch(_Batch):
    """Loans with overdue instalments. Each counts by itself."""

    missed_payments: list[OrProblem[MissedPayment]] = Field(min_length=1, max_length=MOST)


class PaymentResult(BaseModel):
    """What became of one payment of a batch: the status that it would have had alone, and what was taken or what is wrong with it."""

    status: int
    taken: PaymentTaken | None = None
    problem: ProblemBody | None = None


class MissedResult(BaseModel):
    """What became of one missed payment of a batch: the status that it would have had alone, and what was taken or what is wrong with it."""

    status: int
    taken: MissedTaken | None = None
    problem: ProblemBody | None = None


class PaymentResults(BaseModel):
    """The results, in the order of the payments. Send again what was refused once it is put right, in a new batch."""

    taken: int = Field(description="how many are in the ledger")
    refused: int
    results: list[PaymentResult]


class MissedResults(BaseModel):
    """The results, in the order of the missed payments."""

    taken: int
    refused: int
    results: list[MissedResult]


@router.post("/payments", status_code=HTTPStatus.ACCEPTED, responses=_NOT_IMPORTED)
async def record_payment(report: PaymentReport, caller: Payer, here: Here) -> PaymentTaken:
    """Money was received for a loan. Telling it again changes nothing. Once this is answered, no contact leaves that the payment forbids."""
    async with here.ledger.session() as session:
        taken = await _take_payment(here, caller, session, report)
    here.cases.ring()
    return taken


@router.post("/payments/batch")
async def record_payments(batch: PaymentBatch, caller: Payer, here: Here) -> PaymentResults:
    """Up to 1,000 payments at once, each with a result of its own. What is answered as taken is in the ledger."""

    async def take(session: AsyncSession, report: PaymentReport) -> PaymentTaken:
        return await _take_payment(here, caller, session, report)

    done = await take_each(here.ledger, cast(Sequence[PaymentReport | Problem], batch.payments), take)
    here.cases.ring()
    return PaymentResults(**told(done, PaymentResult))


@router.post("/missed-payments", status_code=HTTPStatus.ACCEPTED, responses=_NOT_IMPORTED)
async def report_missed_payment(missed: MissedPayment, caller: Opener, request: Request, here: Here) -> MissedTaken:
    """A loan has an overdue instalment: its case is opened. The loan must be imported; a case that runs is joined, never doubled."""
    async with here.ledger.session() as session:
        taken = await _open(here, caller, session, missed, f"missed/{_message(request, caller)}")
    here.cases.ring()
    return taken


@router.post("/missed-payments/batch")
async def report_missed_payments(batch: MissedBatch, caller: Opener, request: Request, here: Here) -> MissedResults:
    """Up to 1,000 missed payments at once, each with a result of its own."""
    message = _digest(_message(request, caller))

    async def take(session: AsyncSession, missed: MissedPayment) -> MissedTaken:
        return await _open(here, caller, session, missed, f"missed/{message}/{missed.loan_id}")

    done = await take_each(here.ledger, cast(Sequence[MissedPayment | Problem], batch.missed_payments), take)
    here.cases.ring()
    return MissedResults(**told(done, MissedResult))


async def _take_payment(here: House, caller: Caller, session: AsyncSession, report: PaymentReport) -> PaymentTaken:
    """Book it and leave word for the case. Raises ``Problem``, before anything is written."""
    paid, now = Payment.model_validate(report.model_dump(exclude={"loan_id"})), here.now()
    try:
        new = await loans.record_payment(session, report.loan_id, paid, source(caller), now)
    except loans.LoanUnknown as unknown:
        raise refused(HTTPStatus.NOT_FOUND, "unknown_loan", "loan_id", unknown) from None
    except loans.PaymentConflict as conflict:
        raise refused(HTTPStatus.CONFLICT, "payment_conflict", "payment_id", conflict) from None
    except loans.PaymentRefused as unfit:
        raise refused(HTTPStatus.UNPROCESSABLE_ENTITY, "payment_refused", "currency", unfit) from None
    if new:
        await relays.leave(session, report.loan_id, Signal.PAYMENT_RECEIVED, f"payment/{paid.payment_id}", paid, now)
        caller.note(session, Action.RECORD_PAYMENT, loan_id=report.loan_id, subject=paid.payment_id)
    return PaymentTaken(loan_id=report.loan_id, payment_id=paid.payment_id, new=new)


async def _open(here: House, caller: Caller, session: AsyncSession, missed: MissedPayment, key: str) -> MissedTaken:
    """Leave word that the loan's case is to be opened. Raises ``Problem``, before anything is written."""
    try:
        await loans.loan(session, missed.loan_id)
    except loans.LoanUnknown as unknown:
        raise refused(HTTPStatus.NOT_FOUND, "unknown_loan", "loan_id", unknown) from None
    request = CaseRequest(loan_id=missed.loan_id, strategy=missed.strategy)
    new = await relays.leave(session, missed.loan_id, relays.OPEN, key, request, here.now())
    if new:
        caller.note(session, Action.OPEN_CASE, loan_id=missed.loan_id)
    return MissedTaken(loan_id=missed.loan_id, new=new)


def _message(request: Request, caller: Caller) -> str:
    """What makes a message the same when it is sent again: its id if it is signed, else the caller's idempotency key, else nothing does."""
    if caller.actor.kind is ActorKind.GATEWAY:
        signed = request.headers["webhook-id"]
        return signed if len(signed) <= _LONGEST_ID else _digest(signed)
    key = request.headers.get(KEY_HEADER)
    return secrets.token_hex(16) if key is None else _digest(f"{caller.id}/{key}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def refused(status: HTTPStatus, code: str, field: str, why: Exception) -> Problem:
    """The problem of a fact that the ledger does not take."""
    return Problem(status, code, str(why), [FieldProblem(field=field, problem=str(why))])
