"""How our own programs start a case. Anybody else starts it with plain JSON; it comes to the same, at the price of one more write of attributes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from arrears.domain.loan import KnownLoan
from arrears.workflows import contract
from arrears.workflows.contract import CaseRequest


async def start_case(client: Client, request: CaseRequest, known: KnownLoan, rpc_timeout: timedelta) -> WorkflowHandle[Any, Any]:
    """Start the loan's case, or join the one that runs. Raises ``RPCError``."""
    strategy = request.strategy or known.strategy
    try:
        return await _start(client, request, strategy, _attributes(known, strategy), rpc_timeout)
    except RPCError as refused:
        if refused.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        # For some seconds after its attributes were registered a server may not know them; the case sets them itself.
        return await _start(client, request, strategy, TypedSearchAttributes.empty, rpc_timeout)


async def _start(
    client: Client, request: CaseRequest, strategy: str, attributes: TypedSearchAttributes, rpc_timeout: timedelta
) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        contract.WORKFLOW_TYPE,
        request,
        id=contract.workflow_id(request.loan_id),
        task_queue=contract.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"loan {request.loan_id} on the ladder {strategy}",
        search_attributes=attributes,
        rpc_timeout=rpc_timeout,
    )


def _attributes(known: KnownLoan, strategy: str) -> TypedSearchAttributes:
    """What an ordinary case says of itself once it is open: set here they cost nothing, and the case finds them true."""
    pairs = [
        SearchAttributePair(contract.CASE_STAGE, contract.STAGE_CONTACTING),
        SearchAttributePair(contract.LOAN_ID, known.loan_id),
        SearchAttributePair(contract.BORROWER_ID, known.borrower_id),
        SearchAttributePair(contract.STRATEGY, strategy),
    ]
    due = [SearchAttributePair(contract.DUE_SINCE, known.due_since)] if known.due_since else []
    return TypedSearchAttributes([*pairs, *due])
