"""`arrears operators …`: who works the cases, and what their role allows."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from sqlmodel import col, select

from arrears.cli.output import JsonFlag, out, print_json, refuse
from arrears.cli.site import DataDir, find_site
from arrears.domain.strategy import Role
from arrears.ledger.tables import OperatorRow

app = typer.Typer(help="Who works the cases, and what their role allows.", no_args_is_help=True)


@app.command()
def add(
    operator_id: Annotated[str, typer.Argument(metavar="OPERATOR", help="The id that decisions are signed with.")],
    name: Annotated[str, typer.Option(help="The person's name; it stays in the ledger.")],
    role: Annotated[Role, typer.Option()],
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Add an operator."""

    async def go() -> None:
        async with find_site(data_dir).ledger() as ledger, ledger.exclusive() as session:
            if await session.get(OperatorRow, operator_id):
                refuse(f"there is an operator {operator_id} already")
            session.add(OperatorRow(id=operator_id, name=name, role=role))

    asyncio.run(go())
    if as_json:
        print_json({"operator": operator_id, "role": role})
    else:
        out.print(f"operator {operator_id} is {role}")


@app.command("list")
def list_(data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """List the operators."""

    async def go() -> list[OperatorRow]:
        async with find_site(data_dir).ledger() as ledger, ledger.reading() as session:
            return list(await session.exec(select(OperatorRow).order_by(col(OperatorRow.id))))

    operators = asyncio.run(go())
    if as_json:
        print_json([{"operator": o.id, "name": o.name, "role": o.role, "active": o.active} for o in operators])
        return
    table = Table("operator", "name", "role", "active", box=None, header_style="bold")
    for operator in operators:
        table.add_row(operator.id, operator.name, operator.role, "yes" if operator.active else "no")
    out.print(table)
