"""`arrears case …`: open, look at and talk to the cases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError
from rich.table import Table
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from arrears.cli import running_case
from arrears.cli.case_view import case_panel
from arrears.cli.output import JsonFlag, Unreachable, WrongUsage, checked, out, print_json
from arrears.cli.running_case import NoSuchCase
from arrears.cli.site import DataDir, Site, find_site
from arrears.domain.loan import Payment
from arrears.ledger import loans, reversals
from arrears.ledger import timeline as ledger_timeline
from arrears.workflows.contract import (
    CASE_STAGE,
    DUE_SINCE,
    HOLD_REASON,
    LOAN_ID,
    NEXT_MOVE_AT,
    STRATEGY,
    WORKFLOW_TYPE,
    CaseRequest,
    CaseView,
    Decision,
    Hold,
    Lift,
    Plan,
    Promise,
    Report,
    Reversal,
    Signal,
    Update,
    Withdrawal,
)

app = typer.Typer(help="Open, look at and talk to the cases.", no_args_is_help=True)

LoanId = Annotated[str, typer.Argument(metavar="LOAN", help="The loan's id, such as L-1001.")]

_SIGNALS: dict[str, type[BaseModel]] = {
    Signal.PAYMENT_RECEIVED: Payment,
    Signal.PAYMENT_REVERSED: Reversal,
    Signal.APPROVAL_DECIDED: Decision,
    Signal.PROMISE_MADE: Promise,
    Signal.PLAN_AGREED: Plan,
    Signal.HOLD_PLACED: Hold,
    Signal.HOLD_LIFTED: Lift,
    Signal.CONTACT_REPORTED: Report,
    Signal.CASE_WITHDRAWN: Withdrawal,
}
_OBJECT: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


class Listed(BaseModel):
    """A case in the list, from Temporal's index."""

    loan_id: str
    status: str
    stage: str | None
    strategy: str | None
    due_since: datetime | None
    next_move_at: datetime | None
    held_for: str | None


@app.command("open")
def open_(
    loan_id: LoanId,
    strategy: Annotated[str | None, typer.Option(help="The ladder to run instead of the loan's own.")] = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Open the loan's case, or join the one that runs."""
    request = checked(CaseRequest, {"loan_id": loan_id, "strategy": strategy})

    async def go() -> str:
        site = find_site(data_dir)
        async with site.ledger() as ledger:
            return await running_case.open_case(await site.temporal(), ledger, request)

    run_id = asyncio.run(go())
    if as_json:
        print_json({"loan_id": loan_id, "run_id": run_id})
    else:
        out.print(f"case of loan {loan_id} runs; look at it with: arrears case show {loan_id}")


@app.command()
def show(loan_id: LoanId, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Show where the case stands, what happens next and why."""

    async def go() -> CaseView:
        return await running_case.view(await find_site(data_dir).temporal(), loan_id)

    _show(asyncio.run(go()), as_json=as_json)


@app.command()
def timeline(loan_id: LoanId, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Tell what happened to the loan, oldest first, as the ledger has it."""

    async def go() -> list[ledger_timeline.TimelineEntry]:
        async with find_site(data_dir).ledger() as ledger, ledger.reading() as session:
            return await ledger_timeline.timeline(session, loan_id)

    entries = asyncio.run(go())
    if as_json:
        print_json(entries)
        return
    if not entries:
        raise NoSuchCase(f"the ledger has nothing about loan {loan_id}")
    table = Table("when (UTC)", "what", "step", "details", "rules", box=None, header_style="bold")
    for entry in entries:
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M}", entry.kind, entry.step or "", entry.text, " ".join(entry.rules))
    out.print(table)


@app.command("list")
def list_(
    stage: Annotated[str | None, typer.Option(help="Only cases in this stage.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only cases of this strategy.")] = None,
    days_past_due_from: Annotated[int | None, typer.Option(min=0, help="Only cases at least so many days past due.")] = None,
    closed: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 200,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """List the cases that run, from Temporal's index."""
    site = find_site(data_dir)
    query = _query(site, stage, strategy, days_past_due_from, closed=closed)

    async def go() -> list[Listed]:
        client: Client = await site.temporal()
        return [_listed(found) async for found in client.list_workflows(query, limit=limit)]

    cases = asyncio.run(go())
    if as_json:
        print_json(cases)
        return
    table = Table("loan", "status", "stage", "strategy", "due since", "until (UTC)", "held for", box=None, header_style="bold")
    for case in cases:
        due, move = case.due_since, case.next_move_at
        table.add_row(
            *(case.loan_id, case.status, case.stage, case.strategy),
            *(f"{due:%Y-%m-%d}" if due else "", f"{move:%Y-%m-%d %H:%M}" if move else "", case.held_for),
        )
    out.print(table)
    out.print(f"{len(cases)} cases" + (f" (the first {limit}; ask for more with --limit)" if len(cases) == limit else ""))


@app.command()
def pay(
    loan_id: LoanId,
    amount: Annotated[str, typer.Argument(help="Such as 120.50.")],
    currency: Annotated[str, typer.Argument(help="Such as CNY.")],
    payment_id: Annotated[str | None, typer.Option("--id", help="The payment's id; saying the same payment twice changes nothing.")] = None,
    received_at: Annotated[datetime | None, typer.Option(help="Business time in UTC; now if not given.")] = None,
    value_date: Annotated[str | None, typer.Option(help="The day from which it counts, such as 2026-11-01.")] = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Record a payment in the ledger and tell the case, which stops contact before the next one leaves."""
    site = find_site(data_dir)
    payment = checked(
        Payment,
        {
            "payment_id": payment_id or f"cli-{uuid4().hex[:12]}",
            "amount": amount,
            "currency": currency,
            "received_at": received_at.replace(tzinfo=UTC) if received_at else site.now,
            "value_date": value_date,
        },
    )
    view = asyncio.run(_pay(site, loan_id, payment))
    if view:
        _show(view, as_json=as_json)
    elif as_json:
        print_json({"payment_id": payment.payment_id, "case": None})
    else:
        out.print(f"payment {payment.payment_id} stands in the ledger; no case of loan {loan_id} is running")


@app.command()
def reverse(
    loan_id: LoanId,
    payment_id: Annotated[str, typer.Argument(metavar="PAYMENT", help="The payment's id, such as P-7001.")],
    reason: Annotated[str, typer.Option(help="A code or a few words, without personal data, such as bounced.")],
    reversed_at: Annotated[datetime | None, typer.Option(help="Business time in UTC; now if not given.")] = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Take a payment back: the bank did, or it was booked by mistake. A case that it had closed is opened again by the API."""
    site = find_site(data_dir)
    instant = reversed_at.replace(tzinfo=UTC) if reversed_at else site.now
    said = checked(Reversal, {"payment_id": payment_id, "reason": reason, "reversed_at": instant})
    view = asyncio.run(_reverse(site, loan_id, said))
    if view:
        _show(view, as_json=as_json)
    elif as_json:
        print_json({"payment_id": payment_id, "case": None})
    else:
        out.print(f"payment {payment_id} counts no more; no case of loan {loan_id} is running")


@app.command()
def signal(
    loan_id: LoanId,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(_SIGNALS)}.")],
    message: Annotated[str, typer.Argument(help='A JSON object, such as \'{"reason": "dispute"}\'; @FILE reads it from a file.')],
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Leave a message for the case, checked first against the shape that it expects."""
    if name not in _SIGNALS:
        raise WrongUsage(f"no signal is called {name!r}; there are: {', '.join(_SIGNALS)}")
    text = Path(message[1:]).read_text() if message.startswith("@") else message
    body = checked(_SIGNALS[name], _json_object(text))

    async def go() -> None:
        await running_case.signal(await find_site(data_dir).temporal(), loan_id, name, body)

    asyncio.run(go())
    if as_json:
        print_json({"loan_id": loan_id, "signal": name, "message": body})
    else:
        out.print(f"left {name} for the case of loan {loan_id}")


@app.command()
def withdraw(
    loan_id: LoanId,
    reason: Annotated[str, typer.Option(help="A code or a few words, without personal data.")],
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """End the case: the lender takes the loan back."""
    withdrawal = checked(Withdrawal, {"reason": reason})

    async def go() -> CaseView:
        return await running_case.update(await find_site(data_dir).temporal(), loan_id, Update.WITHDRAW, withdrawal)

    _show(asyncio.run(go()), as_json=as_json)


async def _pay(site: Site, loan_id: str, payment: Payment) -> CaseView | None:
    # The ledger first: a case that cannot be told now refuses the next contact all the same.
    async with site.ledger() as ledger, ledger.exclusive() as session:
        await loans.record_payment(session, loan_id, payment, "cli", site.now)
    stands = f"payment {payment.payment_id} stands in the ledger, but its case could not be told yet"
    return await _told(site, loan_id, Update.RECORD_PAYMENT, payment, f"payment-{payment.payment_id}", stands)


async def _reverse(site: Site, loan_id: str, said: Reversal) -> CaseView | None:
    async with site.ledger() as ledger, ledger.exclusive() as session:
        await reversals.reverse(session, said, "cli", site.now, loan_id=loan_id)
    stands = f"payment {said.payment_id} counts no more; its case is told as soon as it can be"
    return await _told(site, loan_id, Update.REVERSE_PAYMENT, said, f"reversal-{said.payment_id}", stands)


async def _told(site: Site, loan_id: str, name: str, message: BaseModel, update_id: str, stands: str) -> CaseView | None:
    """What the case makes of a fact that stands in the ledger; nothing if none runs. Raises ``Unreachable``, which says what ``stands``."""
    try:
        return await running_case.update(await site.temporal(), loan_id, name, message, update_id)
    except NoSuchCase:
        return None
    except Unreachable as gone:
        raise Unreachable(f"{stands}: {gone}") from gone


def _show(view: CaseView, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
    else:
        out.print(case_panel(view))


def _query(site: Site, stage: str | None, strategy: str | None, days_past_due_from: int | None, *, closed: bool) -> str:
    terms = [f"WorkflowType = '{WORKFLOW_TYPE}'"]
    if not closed:
        terms.append("ExecutionStatus = 'Running'")
    for key, value in ((CASE_STAGE, stage), (STRATEGY, strategy)):
        if value is not None:
            terms.append(f"{key.name} = '{_quotable(value)}'")
    if days_past_due_from is not None:
        since = site.now - timedelta(days=days_past_due_from)
        terms.append(f"{DUE_SINCE.name} <= '{since.isoformat()}'")
    return " AND ".join(terms)


def _quotable(value: str) -> str:
    if not value.replace("_", "").replace("-", "").isalnum():
        raise WrongUsage(f"{value!r} is no name of a stage or strategy")
    return value


def _listed(found: WorkflowExecution) -> Listed:
    known = found.typed_search_attributes

    def keyword(key: SearchAttributeKey[str]) -> str | None:
        return known.get(key)

    return Listed(
        loan_id=keyword(LOAN_ID) or found.id.removeprefix("case-"),
        status=(found.status or WorkflowExecutionStatus.RUNNING).name.lower(),
        stage=keyword(CASE_STAGE),
        strategy=keyword(STRATEGY),
        due_since=known.get(DUE_SINCE),
        next_move_at=known.get(NEXT_MOVE_AT),
        held_for=keyword(HOLD_REASON),
    )


def _json_object(text: str) -> dict[str, object]:
    try:
        return _OBJECT.validate_json(text)
    except ValidationError as wrong:
        raise WrongUsage(f"the message is no JSON object: {wrong.errors(include_input=False)[0]['msg']}") from wrong
