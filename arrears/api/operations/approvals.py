"""Requests for a human's yes: what waits, and the decision of an operator, which counts once."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.telling import ask_the_case, turned_away, unfit
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger import approvals, cases
from arrears.ledger.approvals import OpenRequest
from arrears.ledger.tables import ActorKind, ApprovalRow, ApprovalState
from arrears.workflows.contract import CaseView, Decision, Update

Answer = Literal["approve", "deny"]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
"""Why an operator decides as they do, in their own words; it is sealed with the borrower's key and goes nowhere else."""

_DECIDED: dict[ApprovalState, Answer] = {ApprovalState.APPROVED: "approve", ApprovalState.DENIED: "deny"}


class ApprovalNow(OpenRequest):
    """A request as it stands: with its decision, if there is one, or why it is void."""

    state: ApprovalState
    decided_by: str | None = None
    decided_at: AwareDatetime | None = None
    void_at: AwareDatetime | None = None
    why_void: str | None = None


class Decided(BaseModel):
    """A decision that counts. ``case`` is where the case stands after it; none if it was taken before."""

    model_config = ConfigDict(frozen=True)

    approval_id: str
    loan_id: str
    decision: Answer
    decided_by: str
    decided_at: AwareDatetime
    case: CaseView | None = Field(default=None, description="where the case stands now; none if the decision counted already")


async def waiting(
    here: House,
    *,
    role: Role | None = None,
    loan_id: str | None = None,
    after: tuple[datetime, str] | None = None,
    most: int | None = None,
) -> list[OpenRequest]:
    """The requests that can still be decided, the most urgent first; those of one role or loan, if it is given, ``after`` a deadline and id."""
    async with here.ledger.reading() as session:
        return await approvals.open_approvals(session, here.now(), loan_id, role=role, after=after, most=most)


async def one(here: House, approval_id: str) -> ApprovalNow:
    """The request as it stands. Raises ``Problem`` (404)."""
    return await _standing(here, approval_id)


async def decide(here: House, caller: Caller, approval_id: str, decision: Answer, reason: str) -> Decided:
    """Approve or deny. Of two who decide at once one wins; the same decision by the same operator, sent again, is answered as before.

    Raises ``Problem``: 403 ``humans_only``, ``wrong_role``, ``own_request``; 404 ``unknown_approval``; 409 ``already_decided`` (by whom, how and when),
    ``expired``, ``void``; 422 without a reason; 503 ``temporal_away``.
    """
    if not reason.strip():
        raise unfit("reason_required", [FieldProblem(field="reason", problem="say in your own words why you decide so")])
    standing = await _standing(here, approval_id)
    if (refusal := _may_not(caller, standing)) is not None:
        raise await turned_away(here, caller, Action.DECIDE_APPROVAL, refusal, loan_id=standing.loan_id, subject=approval_id)
    if _as_decided(standing, caller, decision) is not None:
        return await _explained(here, caller, approval_id, decision, reason)
    _still_open(standing, here.now())
    told = Decision(approval_id=approval_id, decision=decision, operator=caller.id)
    try:
        case = await ask_the_case(
            here,
            caller,
            Action.DECIDE_APPROVAL,
            standing.loan_id,
            Update.DECIDE_APPROVAL,
            told,
            f"decide/{approval_id}/{caller.id}/{decision}",
            subject=approval_id,
            details={"decision": decision},
        )
    except Problem:
        # Somebody else was first, or ours counted and the answer was lost on the way: the ledger knows which.
        standing = await _standing(here, approval_id)
        if _as_decided(standing, caller, decision) is None:
            _still_open(standing, here.now())
            raise
        case = None
    return (await _explained(here, caller, approval_id, decision, reason)).model_copy(update={"case": case})


async def _explained(here: House, caller: Caller, approval_id: str, decision: Answer, reason: str) -> Decided:
    """The decision, with the words to it. They come after it, so that they can never stand beside somebody else's."""
    async with here.ledger.session() as session:
        await approvals.explain(session, approval_id, caller.id, reason.strip())
    decided = _as_decided(await _standing(here, approval_id), caller, decision)
    if decided is None:
        raise Problem(HTTPStatus.CONFLICT, "void", f"{approval_id} was decided, and events have overtaken it in the same moment")
    return decided


async def _standing(here: House, approval_id: str) -> ApprovalNow:
    async with here.ledger.reading() as session:
        try:
            row = await approvals.approval(session, approval_id)
        except approvals.ApprovalUnknown as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_approval", str(unknown)) from None
        request = approvals.request(row, await cases.case(session, row.case_id), tuple(await approvals.people(session, row.id)))
        return _now(row, request)


def _now(row: ApprovalRow, request: OpenRequest) -> ApprovalNow:
    return ApprovalNow(
        **dict(request),
        state=row.state,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        void_at=row.void_at,
        why_void=row.why_void,
    )


def _may_not(caller: Caller, standing: ApprovalNow) -> Problem | None:
    """Why they may not decide this, if they may not."""
    if caller.actor.kind is not ActorKind.OPERATOR:
        return Problem(HTTPStatus.FORBIDDEN, "humans_only", f"{caller.id} is a machine; a human decides, signed in as themselves")
    if caller.role is not standing.role:
        return Problem(HTTPStatus.FORBIDDEN, "wrong_role", f"{caller.id} is {caller.role}, but {standing.role} must decide")
    if caller.id == standing.requested_by:
        return Problem(
            HTTPStatus.FORBIDDEN, "own_request", f"{caller.id} requested it; somebody else who is {standing.role} must decide it"
        )
    return None


def _as_decided(standing: ApprovalNow, caller: Caller, decision: Answer) -> Decided | None:
    """The decision, if it counts already."""
    if standing.decided_by != caller.id or standing.decided_at is None or _DECIDED.get(standing.state) != decision:
        return None
    return Decided(
        approval_id=standing.approval_id,
        loan_id=standing.loan_id,
        decision=decision,
        decided_by=caller.id,
        decided_at=standing.decided_at,
    )


def _still_open(standing: ApprovalNow, now: datetime) -> None:
    match standing.state:
        case ApprovalState.APPROVED | ApprovalState.DENIED:
            when = standing.decided_at.isoformat() if standing.decided_at else "before"
            said = f"{standing.approval_id} was {standing.state} by {standing.decided_by} at {when}"
            raise Problem(HTTPStatus.CONFLICT, "already_decided", said)
        case ApprovalState.VOID:
            raise Problem(HTTPStatus.CONFLICT, "void", f"{standing.approval_id} is void: {standing.why_void}")
        case ApprovalState.EXPIRED:
            raise Problem(HTTPStatus.CONFLICT, "expired", _expired(standing))
        case ApprovalState.OPEN if now >= standing.deadline:
            raise Problem(HTTPStatus.CONFLICT, "expired", _expired(standing))
        case ApprovalState.OPEN:
            return


def _expired(standing: ApprovalNow) -> str:
    return f"{standing.approval_id} was to be decided before {standing.deadline.isoformat()}; the step is passed over or asked for again"
