"""`arrears import`: a portfolio of loans from a file into the ledger, all of it or nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from arrears.cli.opening import Opening, open_cases, openings
from arrears.cli.output import CommandFailed, ExitCode, JsonFlag, err, out, print_json
from arrears.cli.site import DataDir, Site, find_site
from arrears.config.strategies import StrategyInvalid, load_all
from arrears.ledger.portfolio import Format, RowProblem, Unreadable, Written, check, compare, read, write

_SHOWN = 50


class Imported(BaseModel):
    """What became of a file. ``written`` is empty if nothing was: rows were refused, or it was a trial."""

    rows: int
    known: int
    refused: list[RowProblem]
    written: Written | None
    opened: int = 0


def import_portfolio(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or JSON lines; docs/import.md describes both.")],
    format: Annotated[Format | None, typer.Option(help="The file's format, if its name does not tell.")] = None,
    dry_run: Annotated[bool, typer.Option("--check", help="Check every row, write nothing.")] = False,
    open_overdue: Annotated[bool, typer.Option("--open", help="Also open a case for every loan in the file that is overdue now.")] = False,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Import a portfolio of loans. Every row is checked first; if one is refused, nothing is written and the exit code is 1.

    Rows that the ledger has already are passed over, so that a file can be imported again.
    """
    site = find_site(data_dir)
    try:
        imported = asyncio.run(_import(site, file, format, dry_run=dry_run, open_overdue=open_overdue))
    except (Unreadable, StrategyInvalid) as wrong:
        raise CommandFailed(str(wrong)) from wrong
    if as_json:
        print_json(imported)
    else:
        _tell(imported)
    if imported.refused:
        raise typer.Exit(ExitCode.REFUSED)


async def _import(site: Site, file: Path, form: Format | None, *, dry_run: bool, open_overdue: bool) -> Imported:
    client = await site.temporal() if open_overdue and not dry_run else None
    rows = list(read(file, form))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        checking = progress.add_task("checking", total=len(rows))
        checked = check(rows, _currencies(site), lambda: progress.advance(checking))
        async with site.ledger() as ledger:
            async with ledger.exclusive() as session:
                checked = await compare(session, checked)
                written = None
                if not checked.refused and not dry_run:
                    writing = progress.add_task("writing", total=len(checked.accepted))
                    written = await write(session, checked.accepted, site.now, lambda n: progress.advance(writing, n))
            overdue: list[Opening] = []
            if client and written:
                loans = {row.loan.loan_id for row in (*checked.accepted, *checked.known)}
                overdue = [o for o in await openings(ledger) if o.loan_id in loans and o.at <= site.now]
                opening = progress.add_task("opening cases", total=len(overdue))
                await open_cases(client, ledger, site.settings.clock, overdue, lambda _: progress.advance(opening))
    return Imported(rows=len(rows), known=len(checked.known), refused=list(checked.refused), written=written, opened=len(overdue))


def _currencies(site: Site) -> dict[str, str]:
    return {name: strategy.currency for name, strategy in load_all(site.settings.strategies_dir).items()}


def _tell(imported: Imported) -> None:
    if imported.refused:
        table = Table("line", "loan", "field", "problem", "remedy", box=None, header_style="bold")
        for problem in imported.refused[:_SHOWN]:
            table.add_row(str(problem.line), problem.loan_id, problem.field, problem.problem, problem.remedy)
        out.print(table)
        if len(imported.refused) > _SHOWN:
            out.print(f"… and {len(imported.refused) - _SHOWN} more; --json shows all")
        lines = len({problem.line for problem in imported.refused})
        out.print(f"{lines} of {imported.rows} rows are refused: nothing was imported", style="bold red")
    elif imported.written is None:
        out.print(f"{imported.rows} rows are in order, {imported.known} of them in the ledger already; nothing was written, as asked")
    else:
        what = imported.written
        out.print(
            f"{what.loans} loans imported, with {what.people} people and {what.contact_points} contact points; {imported.known} were known already"
        )
        if imported.opened:
            out.print(f"{imported.opened} cases opened, or joined where they ran; look at them with: arrears case list")
