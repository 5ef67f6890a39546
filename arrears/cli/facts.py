"""`arrears facts`: what the law asks for, told from a file."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.table import Table

from arrears.cli.output import CommandFailed, ExitCode, JsonFlag, out, print_json
from arrears.cli.site import DataDir, Site, find_site
from arrears.ledger.facts import FactProblem, FileRefused, Recorded, read, schema, write

app = typer.Typer(
    no_args_is_help=True, help="Facts that the law asks for: wishes, consents, holds, agencies, notices and more (docs/facts.md)."
)
_SHOWN = 50


class FactsTaken(BaseModel):
    """What became of a file. Nothing was written if lines were refused, or it was a trial."""

    lines: int
    new: int
    recorded: list[Recorded]
    refused: list[FactProblem]


@app.command("record")
def record_facts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, one fact each; docs/facts.md describes them.")],
    dry_run: Annotated[bool, typer.Option("--check", help="Check every line, write nothing.")] = False,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Record facts. Every line is checked first; if one is refused, nothing is written and the exit code is 1.

    A fact that the ledger has already changes nothing, so that a file can be recorded again. Running cases are told by the API process.
    """
    site = find_site(data_dir)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as wrong:
        raise CommandFailed(f"{file.name} is not in UTF-8; save it as UTF-8") from wrong
    taken = asyncio.run(_record(site, lines, dry_run=dry_run))
    if as_json:
        print_json(taken)
    else:
        _tell(taken, dry_run=dry_run)
    if taken.refused:
        raise typer.Exit(ExitCode.REFUSED)


@app.command("schema")
def facts_schema() -> None:
    """Print the JSON schema of a fact."""
    print_json(schema())


class _Trial(Exception):
    """Everything could be written, and nothing is to be."""

    def __init__(self, recorded: tuple[Recorded, ...]) -> None:
        self.recorded = recorded


async def _record(site: Site, lines: list[str], *, dry_run: bool) -> FactsTaken:
    facts, problems = read(lines)
    recorded: tuple[Recorded, ...] = ()
    try:
        async with site.ledger() as ledger, ledger.exclusive() as session:
            recorded = await write(session, facts, site.now)
            if problems:
                raise FileRefused(())
            if dry_run:
                raise _Trial(recorded)
    except FileRefused as refused:
        everything = sorted([*problems, *refused.problems], key=lambda p: p.line)
        return FactsTaken(lines=len(lines), new=0, recorded=[], refused=everything)
    except _Trial as trial:
        recorded = trial.recorded
    return FactsTaken(lines=len(lines), new=sum(r.new for r in recorded), recorded=list(recorded), refused=[])


def _tell(taken: FactsTaken, *, dry_run: bool) -> None:
    if taken.refused:
        table = Table("line", "fact", "field", "problem", "remedy", box=None, header_style="bold")
        for problem in taken.refused[:_SHOWN]:
            table.add_row(str(problem.line), problem.fact or "", problem.field, problem.problem, problem.remedy)
        out.print(table)
        if len(taken.refused) > _SHOWN:
            out.print(f"… and {len(taken.refused) - _SHOWN} more; --json shows all")
        out.print("lines are refused: nothing was recorded", style="bold red")
        return
    kinds = Counter(r.fact for r in taken.recorded if r.new)
    said = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "nothing new"
    told = len({loan for r in taken.recorded for loan in r.told})
    if dry_run:
        out.print(f"{len(taken.recorded)} facts are in order ({said}); nothing was written, as asked")
    else:
        out.print(f"{len(taken.recorded)} facts: {said}; {told} open cases are told")
