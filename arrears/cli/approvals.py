"""`arrears approvals …`: what waits for a human's yes, and the yes or no."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import typer
from rich.table import Table

from arrears.cli import running_case
from arrears.cli.output import JsonFlag, checked, out, print_json
from arrears.cli.site import DataDir, Site, find_site
from arrears.ledger.approvals import OpenRequest, approval, open_approvals
from arrears.ledger.cases import case
from arrears.workflows.contract import CaseView, Decision, Update

app = typer.Typer(help="What waits for a human's yes, and the yes or no.", no_args_is_help=True)

ApprovalId = Annotated[str, typer.Argument(metavar="APPROVAL", help="The request's id, as `arrears approvals list` shows it.")]
Operator = Annotated[
    str, typer.Option(help="The id of the operator who decides; their role must be the one that is asked.", envvar="ARREARS_OPERATOR")
]
Reason = Annotated[str | None, typer.Option(help="A code or a few words, without personal data.")]


@app.command("list")
def list_(
    loan_id: Annotated[str | None, typer.Option("--loan", help="Only this loan's requests.")] = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """List the requests that wait, the most urgent first."""

    site = find_site(data_dir)

    async def go() -> list[OpenRequest]:
        async with site.ledger() as ledger, ledger.reading() as session:
            return await open_approvals(session, site.now, loan_id)

    requests = asyncio.run(go())
    if as_json:
        print_json(requests)
        return
    table = Table("approval", "step", "role", "purpose", "people", "decide before (UTC)", box=None, header_style="bold")
    for request in requests:
        table.add_row(
            *(request.approval_id, request.step, request.role, request.purpose or "refer"),
            *(", ".join(request.people), f"{request.deadline:%Y-%m-%d %H:%M}"),
        )
    out.print(table)
    out.print(f"{len(requests)} waiting" if requests else "nothing waits for a decision")


@app.command()
def approve(
    approval_id: ApprovalId, operator: Operator, reason: Reason = None, data_dir: DataDir = None, as_json: JsonFlag = False
) -> None:
    """Say yes: to these people, for this purpose and text, until the request's deadline."""
    _decide(approval_id, "approve", operator, reason, data_dir, as_json=as_json)


@app.command()
def deny(approval_id: ApprovalId, operator: Operator, reason: Reason = None, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Say no: the step is passed over."""
    _decide(approval_id, "deny", operator, reason, data_dir, as_json=as_json)


def _decide(
    approval_id: str, decision: Literal["approve", "deny"], operator: str, reason: str | None, data_dir: DataDir, *, as_json: bool
) -> None:
    fields = {"approval_id": approval_id, "decision": decision, "operator": operator, "reason": reason}
    view = asyncio.run(_tell_case(find_site(data_dir), checked(Decision, fields), approval_id))
    if as_json:
        print_json(view)
    else:
        out.print(f"{approval_id}: {decision} counts; next: {view.next} because {view.why}", markup=False)


async def _tell_case(site: Site, decision: Decision, approval_id: str) -> CaseView:
    async with site.ledger() as ledger, ledger.reading() as session:
        loan_id = (await case(session, (await approval(session, approval_id)).case_id)).loan_id
    return await running_case.update(await site.temporal(), loan_id, Update.DECIDE_APPROVAL, decision)
