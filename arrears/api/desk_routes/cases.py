"""What is done to a case: promises, plans, holds, objections, its withdrawal; and its people and messages, for whom may read them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict

from arrears.api.caller import Caller, allowed
from arrears.api.desk_routes.ways import BY_THE_CASE, UNKNOWN, LoanId
from arrears.api.house import Here
from arrears.api.operations import holds, objections, personal, plans, promises, withdrawal
from arrears.api.operations.holds import LiftedHold, NewHold
from arrears.api.operations.objections import Complaint, Dispute
from arrears.api.operations.personal import MessageNow, PersonNow
from arrears.domain.access import Action
from arrears.ledger.facts import Recorded
from arrears.workflows.contract import CaseView, Plan, Promise, Withdrawal

router = APIRouter(prefix="/v1/cases/{loan_id:path}", tags=["cases"])

_A_PLAN = {"instalments": [{"due_on": "2026-12-01", "amount": "600.00"}, {"due_on": "2027-01-01", "amount": "600.00"}], "currency": "CNY"}


class People(BaseModel):
    """The people of a loan, the borrower first."""

    model_config = ConfigDict(frozen=True)

    items: list[PersonNow]


class Messages(BaseModel):
    """What was sent or said for a loan, the newest first."""

    model_config = ConfigDict(frozen=True)

    items: list[MessageNow]


@router.post("/promises", operation_id="make_promise", responses=BY_THE_CASE)
async def make_promise(
    loan_id: LoanId,
    body: Annotated[Promise, Body(examples=[{"amount": "600.00", "currency": "CNY", "due_on": "2026-12-01"}])],
    caller: Annotated[Caller, Depends(allowed(Action.MAKE_PROMISE))],
    here: Here,
) -> CaseView:
    """The borrower promises an amount by a day. The ladder stands still until then; the answer is where the case stands."""
    return await promises.make(here, caller, loan_id, body)


@router.post("/plans", operation_id="agree_plan", responses=BY_THE_CASE)
async def agree_plan(
    loan_id: LoanId,
    body: Annotated[Plan, Body(examples=[_A_PLAN])],
    caller: Annotated[Caller, Depends(allowed(Action.AGREE_PLAN))],
    here: Here,
) -> CaseView:
    """A repayment plan is agreed. The ladder stands still while it is kept; the answer is where the case stands."""
    return await plans.agree(here, caller, loan_id, body)


@router.post("/withdrawal", operation_id="withdraw_case", responses=BY_THE_CASE)
async def withdraw(
    loan_id: LoanId,
    body: Annotated[Withdrawal, Body(examples=[{"reason": "sold"}])],
    caller: Annotated[Caller, Depends(allowed(Action.WITHDRAW_CASE))],
    here: Here,
) -> CaseView:
    """The lender takes the case back: nothing more is done, what was placed is recalled."""
    return await withdrawal.withdraw(here, caller, loan_id, body)


@router.post("/holds", operation_id="place_hold", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def place_hold(
    loan_id: LoanId, body: NewHold, caller: Annotated[Caller, Depends(allowed(Action.PLACE_HOLD))], here: Here
) -> Recorded:
    """Place a hold. Once this is answered, nothing leaves that it forbids, also while Temporal is away."""
    return await holds.place(here, caller, loan_id, body)


@router.post("/holds/lift", operation_id="lift_hold", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def lift_hold(
    loan_id: LoanId, body: LiftedHold, caller: Annotated[Caller, Depends(allowed(Action.LIFT_HOLD))], here: Here
) -> Recorded:
    """Lift the holds for a reason; on all loans of the person, if it reaches the person. `new` is false if none stood."""
    return await holds.lift(here, caller, loan_id, body)


@router.post("/disputes", operation_id="record_dispute", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def dispute(
    loan_id: LoanId, body: Dispute, caller: Annotated[Caller, Depends(allowed(Action.RECORD_OBJECTION))], here: Here
) -> Recorded:
    """The debt is disputed. Nobody is asked to pay until the hold `dispute` is lifted."""
    return await objections.dispute(here, caller, loan_id, body)


@router.post("/complaints", operation_id="record_complaint", status_code=HTTPStatus.ACCEPTED, responses=UNKNOWN)
async def complain(
    loan_id: LoanId, body: Complaint, caller: Annotated[Caller, Depends(allowed(Action.RECORD_OBJECTION))], here: Here
) -> Recorded:
    """Somebody complains of how they were treated. The agency that it is about does nothing until the hold `complaint` is lifted."""
    return await objections.complain(here, caller, loan_id, body)


@router.get("/people", operation_id="read_people", responses=UNKNOWN)
async def people(loan_id: LoanId, caller: Annotated[Caller, Depends(allowed(Action.READ_PERSON))], here: Here) -> People:
    """Who the people are and how they can be reached. Each reading is written down, with the reason in `X-Arrears-Reason`."""
    return People(items=await personal.people(here, caller, loan_id))


@router.get("/messages", operation_id="read_messages", responses=UNKNOWN)
async def messages(loan_id: LoanId, caller: Annotated[Caller, Depends(allowed(Action.READ_MESSAGES))], here: Here) -> Messages:
    """What was sent or said, word for word. Each reading is written down, with the reason in `X-Arrears-Reason`."""
    return Messages(items=await personal.messages(here, caller, loan_id))
