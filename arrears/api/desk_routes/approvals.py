"""Requests for a human's yes: the list, one of them, and the decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from arrears.api.caller import Caller, allowed
from arrears.api.desk_routes.ways import BY_THE_CASE, CHANGED_SINCE, IN_OTHER_HANDS, UNKNOWN, ApprovalId
from arrears.api.etags import tag_of, unchanged
from arrears.api.house import Here
from arrears.api.operations import approvals
from arrears.api.operations.approvals import Answer, ApprovalNow, Decided, Reason
from arrears.api.paging import Asking, Cursors, Page
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Id
from arrears.domain.strategy import Role
from arrears.ledger.approvals import OpenRequest

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])
Reader = Annotated[Caller, Depends(allowed(Action.READ_APPROVALS))]
_POSITION: TypeAdapter[tuple[Instant, str]] = TypeAdapter(tuple[Instant, str])


class NewDecision(BaseModel):
    """An operator's decision. ``reason`` is in their own words, sealed with the borrower's key; without it the one in ``X-Arrears-Reason`` is kept."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"decision": "approve", "reason": "three failed attempts on different days; both relatives were named"}]
        },
    )

    decision: Answer
    reason: Reason | None = Field(default=None, repr=False)


@router.get("", operation_id="list_approvals")
async def waiting(
    asked: Asking,
    _: Reader,
    here: Here,
    role: Annotated[Role | None, Query(description="whose decision is asked")] = None,
    loan_id: Annotated[Id | None, Query(examples=["L-1001"])] = None,
) -> Page[OpenRequest]:
    """The requests that wait for a decision, the most urgent first, with the evidence that they rest on."""
    cursors = Cursors(f"approvals/{role}/{loan_id}", _POSITION)
    found = await approvals.waiting(here, role=role, loan_id=loan_id, after=cursors.read(asked.cursor), most=asked.limit + 1)
    return asked.of(found, cursors, lambda last: (last.deadline, last.approval_id))


@router.get("/{approval_id:path}", operation_id="read_approval", responses=UNKNOWN)
async def one(approval_id: ApprovalId, _: Reader, here: Here) -> ApprovalNow:
    """A request as it stands, with its decision, if there is one. Its ETag may be named in `If-Match` when it is decided."""
    return await approvals.one(here, approval_id)


@router.post("/{approval_id:path}/decision", operation_id="decide_approval", responses=BY_THE_CASE | IN_OTHER_HANDS | CHANGED_SINCE)
async def decide(
    approval_id: ApprovalId,
    body: NewDecision,
    request: Request,
    caller: Annotated[Caller, Depends(allowed(Action.DECIDE_APPROVAL))],
    here: Here,
    if_match: Annotated[str | None, Header(alias="If-Match", description="the `ETag` of the request that the decision rests on")] = None,
) -> Decided:
    """Approve or deny, as an operator of the role that is asked, who did not ask for it. Of two who decide at once one wins; the other is told by 409."""
    if if_match is not None:
        unchanged(request, tag_of(await approvals.one(here, approval_id)))
    return await approvals.decide(here, caller, approval_id, body.decision, body.reason or caller.reason or "")
