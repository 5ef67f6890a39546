"""One loan's case as our own programs speak to it: ask where it stands, tell it a fact and hear whether it counts, leave it a message.

CaseProblem
├── NoSuchCase      no case of the loan is known, or none that still runs
├── CaseRefused     the case says why the fact cannot count; telling it again cannot help
├── NotReadyYet     the case cannot answer at this moment: it has just been started, or something has just happened that it was not told of yet
├── CaseFailed      the workflow ended without closing the case, most often because it could not be opened
└── CaseAway        nobody answers for the case; later somebody may, and what is told again under the same id counts once
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from arrears.domain.loan import KnownLoan
from arrears.workflows.contract import QUERY_CASE, CaseRequest, CaseView, workflow_id
from arrears.workflows.starting import start_case

T = TypeVar("T")

ANSWER_WITHIN = timedelta(seconds=10)
_ASK_AGAIN_AFTER = 0.4
_ENDED_WELL = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED)


class CaseProblem(Exception):
    """The case of ``loan_id`` did not do what it was asked."""

    def __init__(self, loan_id: str, why: str) -> None:
        super().__init__(why)
        self.loan_id = loan_id
        self.why = why


class NoSuchCase(CaseProblem):
    """No case of that loan is known, or none that still runs."""


class CaseRefused(CaseProblem):
    """The fact cannot count; ``why`` are the case's own words."""


class NotReadyYet(CaseProblem):
    """The case cannot answer at this moment; asked a little later, it can."""


class CaseFailed(CaseProblem):
    """The workflow of the case ended without closing the case."""


class CaseAway(CaseProblem):
    """Nobody answers for the case: Temporal is not there, or no worker is; ``why`` says what to do."""


async def start(client: Client, request: CaseRequest, known: KnownLoan) -> str:
    """Start the loan's case, or join the one that runs; the run's id. Raises ``CaseRefused``, ``CaseAway``."""
    handle = await _answered(start_case(client, request, known, ANSWER_WITHIN), request.loan_id, ANSWER_WITHIN)
    return handle.first_execution_run_id or ""


async def view(client: Client, loan_id: str, within: timedelta = ANSWER_WITHIN, tries: int = 5) -> CaseView:
    """Where the case stands, also after it closed; one that cannot say so just now is asked again, ``tries`` times in all.

    Raises ``NoSuchCase``, ``CaseFailed``, ``NotReadyYet``, ``CaseAway``.
    """
    handle = client.get_workflow_handle(workflow_id(loan_id))
    try:
        return await _answered(handle.query(QUERY_CASE, result_type=CaseView, rpc_timeout=within), loan_id, within)
    except NotReadyYet:
        if (why := await _answered(_failure(handle, within), loan_id, within)) is not None:
            raise CaseFailed(loan_id, f"the case of loan {loan_id} failed: {why}") from None
        if tries <= 1:
            raise
    await asyncio.sleep(_ASK_AGAIN_AFTER)
    return await view(client, loan_id, within, tries - 1)


async def update(
    client: Client, loan_id: str, name: str, message: BaseModel, update_id: str | None = None, within: timedelta = ANSWER_WITHIN
) -> CaseView:
    """Tell the case a fact, wait until it has taken it in, and hear where it stands. Under the same ``update_id`` it counts once.

    Raises ``CaseRefused``, ``NoSuchCase``, ``CaseAway``; with an ``update_id`` also ``CaseFailed``, ``NotReadyYet``.
    """
    handle = client.get_workflow_handle(workflow_id(loan_id))
    told = handle.execute_update(name, message, id=update_id, result_type=CaseView, rpc_timeout=within)  # pyright: ignore[reportUnknownMemberType]
    answer = await _answered(told, loan_id, within)
    # An update whose id is known, also to a case that has closed since, is answered as it was at first: where the case stands now is asked for.
    return answer if update_id is None else await view(client, loan_id, within)


async def signal(client: Client, loan_id: str, name: str, message: BaseModel) -> None:
    """Leave a message for the case; it need not be awake. Raises ``NoSuchCase``, ``CaseRefused``, ``CaseAway``."""
    handle = client.get_workflow_handle(workflow_id(loan_id))
    await _answered(handle.signal(name, message, rpc_timeout=ANSWER_WITHIN), loan_id, ANSWER_WITHIN)


async def _answered(asked: Awaitable[T], loan_id: str, within: timedelta) -> T:
    try:
        return await asyncio.wait_for(asked, within.total_seconds() + 1)
    except WorkflowUpdateFailedError as refused:
        raise CaseRefused(loan_id, _said(refused.cause)) from None
    except WorkflowQueryFailedError as failed:
        raise NotReadyYet(loan_id, f"the case of loan {loan_id} cannot answer: {failed}") from failed
    except (RPCTimeoutOrCancelledError, TimeoutError) as late:
        raise _late(loan_id) from late
    except RPCError as failed:
        raise _problem(loan_id, failed) from failed


def _problem(loan_id: str, failed: RPCError) -> CaseProblem:
    match failed.status:
        case RPCStatusCode.NOT_FOUND:
            return NoSuchCase(loan_id, f"no case of loan {loan_id} is running")
        case RPCStatusCode.DEADLINE_EXCEEDED | RPCStatusCode.CANCELLED:
            return _late(loan_id)
        case RPCStatusCode.FAILED_PRECONDITION:
            return CaseAway(loan_id, f"no worker answers for the case of loan {loan_id}; start one with `arrears worker`")
        case RPCStatusCode.UNAVAILABLE | RPCStatusCode.RESOURCE_EXHAUSTED:
            return CaseAway(loan_id, f"the Temporal server does not answer ({failed.message})")
        case _:
            return CaseRefused(loan_id, f"Temporal refused: {failed.message}")


def _late(loan_id: str) -> CaseAway:
    return CaseAway(loan_id, f"the case of loan {loan_id} did not answer in time: does a worker run? Start one with `arrears worker`")


async def _failure(handle: WorkflowHandle[Any, Any], within: timedelta) -> str | None:
    """Why the workflow failed; ``None`` if it runs or ended well."""
    if (await handle.describe(rpc_timeout=within)).status in _ENDED_WELL:
        return None
    try:
        await handle.result(rpc_timeout=within)
    except WorkflowFailureError as failed:
        cause: BaseException = failed
        while cause.__cause__ is not None:
            cause = cause.__cause__
        return _said(cause)
    return None


def _said(error: BaseException) -> str:
    return error.message if isinstance(error, ApplicationError) else str(error)
