"""One loan's case as a client of Temporal sees it. Anything that goes wrong becomes an error that says what to do."""

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

from arrears.cli.output import CommandFailed, Unreachable, refuse
from arrears.ledger import loans
from arrears.ledger.engine import Ledger
from arrears.workflows.contract import QUERY_CASE, CaseRequest, CaseView, workflow_id
from arrears.workflows.starting import start_case

T = TypeVar("T")

_ANSWER_WITHIN = timedelta(seconds=10)
_ASK_AGAIN_AFTER = 0.4


class NoSuchCase(CommandFailed):
    """No case of that loan is known, or none that still runs."""


class NotReadyYet(CommandFailed):
    """The case cannot answer at this moment: it has just been started, or something has just happened to it that it was not told of yet."""


class CaseFailed(CommandFailed):
    """The workflow of the case ended without closing the case, most often because it could not be opened."""


async def open_case(client: Client, ledger: Ledger, request: CaseRequest) -> str:
    """Start the loan's case, or join the one that runs; the run's id. Raises ``CommandFailed`` if the loan is not known, ``Unreachable``."""
    try:
        async with ledger.reading() as session:
            known = await loans.known(session, request.loan_id)
    except loans.LoanUnknown as unknown:
        refuse(str(unknown))
    handle = await _answered(start_case(client, request, known, _ANSWER_WITHIN), request.loan_id)
    return handle.first_execution_run_id or ""


async def view(client: Client, loan_id: str, within: timedelta = _ANSWER_WITHIN, tries: int = 5) -> CaseView:
    """Where the case stands, also after it closed; one that cannot say so just now is asked again.

    Raises ``NoSuchCase``, ``CaseFailed``, ``NotReadyYet``, ``Unreachable``.
    """
    handle = client.get_workflow_handle(workflow_id(loan_id))
    try:
        return await _answered(handle.query(QUERY_CASE, result_type=CaseView, rpc_timeout=within), loan_id)
    except NotReadyYet:
        if (why := await _answered(_failure(handle), loan_id)) is not None:
            raise CaseFailed(f"the case of loan {loan_id} failed: {why}") from None
        if tries <= 1:
            raise
    await asyncio.sleep(_ASK_AGAIN_AFTER)
    return await view(client, loan_id, within, tries - 1)


async def update(client: Client, loan_id: str, name: str, message: BaseModel, update_id: str | None = None) -> CaseView:
    """Tell the case a fact and wait until it has taken it in.

    Raises ``CommandFailed`` with the case's own reason if it refuses, ``NoSuchCase``, ``Unreachable``.
    """
    handle = client.get_workflow_handle(workflow_id(loan_id))
    told = handle.execute_update(name, message, id=update_id, result_type=CaseView, rpc_timeout=_ANSWER_WITHIN)  # pyright: ignore[reportUnknownMemberType]
    return await _answered(told, loan_id)


async def signal(client: Client, loan_id: str, name: str, message: BaseModel) -> None:
    """Leave a message for the case; it need not be awake. Raises ``NoSuchCase``, ``Unreachable``."""
    handle = client.get_workflow_handle(workflow_id(loan_id))
    await _answered(handle.signal(name, message, rpc_timeout=_ANSWER_WITHIN), loan_id)


async def _answered(asked: Awaitable[T], loan_id: str) -> T:
    try:
        return await asyncio.wait_for(asked, _ANSWER_WITHIN.total_seconds() + 1)
    except WorkflowUpdateFailedError as refused:
        refuse(_said(refused.cause))
    except WorkflowQueryFailedError as failed:
        raise NotReadyYet(f"the case of loan {loan_id} cannot answer: {failed}") from failed
    except (RPCTimeoutOrCancelledError, TimeoutError) as late:
        raise Unreachable(
            f"the case of loan {loan_id} did not answer in time: does a worker run? Start one with `arrears worker`"
        ) from late
    except RPCError as failed:
        match failed.status:
            case RPCStatusCode.NOT_FOUND:
                raise NoSuchCase(f"no case of loan {loan_id} is running; open one with `arrears case open {loan_id}`") from failed
            case RPCStatusCode.DEADLINE_EXCEEDED | RPCStatusCode.CANCELLED:
                raise Unreachable(
                    f"the case of loan {loan_id} did not answer in time: does a worker run? Start one with `arrears worker`"
                ) from failed
            case RPCStatusCode.FAILED_PRECONDITION:
                raise Unreachable(f"no worker answers for the case of loan {loan_id}; start one with `arrears worker`") from failed
            case RPCStatusCode.UNAVAILABLE:
                raise Unreachable(f"the Temporal server does not answer ({failed.message})") from failed
            case _:
                refuse(f"Temporal refused: {failed.message}")


async def _failure(handle: WorkflowHandle[Any, Any]) -> str | None:
    """Why the workflow failed; ``None`` if it runs or ended well."""
    if (await handle.describe(rpc_timeout=_ANSWER_WITHIN)).status in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED):
        return None
    try:
        await handle.result(rpc_timeout=_ANSWER_WITHIN)
    except WorkflowFailureError as failed:
        cause: BaseException = failed
        while cause.__cause__ is not None:
            cause = cause.__cause__
        return _said(cause)
    return None


def _said(error: BaseException) -> str:
    return error.message if isinstance(error, ApplicationError) else str(error)
