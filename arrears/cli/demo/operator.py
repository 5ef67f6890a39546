"""The demo's operators: who they are, and how requests for approval are decided while nobody else does it."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Literal

from rich.prompt import Prompt
from temporalio.client import Client

from arrears.cli import running_case
from arrears.cli.output import CommandFailed, out
from arrears.domain.strategy import Role
from arrears.ledger import accounts
from arrears.ledger.approvals import OpenRequest, open_approvals
from arrears.ledger.audit import Actor
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import ActorKind, OperatorRow
from arrears.workflows.contract import Decision, Update

STAFF = {
    "op-lin": ("林 示例 (demo)", Role.SUPERVISOR),
    "op-shen": ("沈 示例 (demo)", Role.RISK_CONTROL),
    "op-gray": ("Gray Sample (demo)", Role.COLLECTOR),
    "op-reed": ("Reed Sample (demo)", Role.AUDITOR),
    "op-admin": ("Admin Sample (demo)", Role.ADMIN),
}
"""The operators of the demo: id → name and role."""

PASSWORD = "thirty invented borrowers"  # noqa: S105 (of the demo's accounts, which guard nothing real)
"""With which every operator of the demo signs in to the console."""

THINKS_FOR = timedelta(hours=6)
"""How long the scripted operator lets a request lie, in business time."""

_DEMO = Actor(ActorKind.HOUSE, "demo")
_DENIED_ONE_IN = 4
_ASKING = ThreadPoolExecutor(1, "asking")

Answer = Literal["approve", "deny"]


Approving = Literal["auto", "ask", "never"]
"""Who decides requests for approval: a scripted operator, the person at the terminal, or nobody but other terminals."""


async def hire(ledger: Ledger) -> None:
    """Enter the demo's operators into the ledger, each with an account."""
    async with ledger.session() as session:
        session.add_all(OperatorRow(id=operator_id, name=name, role=role) for operator_id, (name, role) in STAFF.items())
    for operator_id in STAFF:
        await accounts.set_password(ledger, operator_id, PASSWORD, datetime.now(UTC), by=_DEMO)


def accounts_line() -> str:
    """The accounts of the demo, in a line."""
    listed = ", ".join(f"{operator_id} ({role.replace('_', ' ')})" for operator_id, (_, role) in STAFF.items())
    return f"{listed}; password: {PASSWORD}"


def scripted(request: OpenRequest) -> Answer:
    """What the scripted operator says: mostly yes, always the same for the same request."""
    return "deny" if hashlib.sha256(request.approval_id.encode()).digest()[0] % _DENIED_ONE_IN == 0 else "approve"


async def asked(request: OpenRequest) -> Answer:
    """What the person at the terminal says."""
    who = f" about {', '.join(request.people)}" if request.people else ""
    question = f"{request.approval_id}: {request.step} ({request.purpose or 'refer'}){who}, as {request.role}. Approve?"
    # On a thread of its own, which nobody waits for if the demo ends while the question stands.
    answering = asyncio.get_running_loop().run_in_executor(_ASKING, lambda: Prompt.ask(question, choices=["y", "n"], console=out))
    yes = await answering
    return "approve" if yes == "y" else "deny"


async def waiting(ledger: Ledger, now: datetime) -> list[OpenRequest]:
    """The requests that wait for a decision."""
    async with ledger.reading() as session:
        return await open_approvals(session, now)


async def decide(client: Client, request: OpenRequest, answer: Answer) -> str:
    """Tell the case the decision of an operator whose role allows it; what came of it, in a line."""
    operator = next(operator_id for operator_id, (_, role) in STAFF.items() if role is request.role)
    decision = Decision(approval_id=request.approval_id, decision=answer, operator=operator, reason="demo")
    try:
        await running_case.update(client, request.loan_id, Update.DECIDE_APPROVAL, decision)
    except CommandFailed as late:
        return f"{request.approval_id}: {answer} by {operator} does not count: {late}"
    return f"{request.approval_id}: {answer} by {operator}"
