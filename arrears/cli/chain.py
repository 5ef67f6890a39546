"""`arrears chain …`: the tamper-evident record of the ledger, its head, and whether it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from arrears.cli.output import ExitCode, JsonFlag, Unreachable, WrongUsage, out, print_json, refuse
from arrears.cli.site import DataDir, find_site
from arrears.ledger import chain as ledger_chain
from arrears.prove import chain
from arrears.prove.database import Unreadable

app = typer.Typer(help="The tamper-evident record of the ledger.", no_args_is_help=True)

T = TypeVar("T")

LedgerUrl = Annotated[str | None, typer.Option("--ledger", metavar="URL", help="The ledger. Default: this installation's.")]
_SHOWN = 50


@app.command()
def head(data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Print the chain's head, SEQ:HASH, to be kept where nobody who can write the ledger can change it: printed, or mailed to the auditor."""

    async def go() -> ledger_chain.Head:
        async with find_site(data_dir).ledger() as ledger, ledger.reading() as session:
            return await session.run_sync(lambda s: ledger_chain.head(s.connection()))

    try:
        found = asyncio.run(go())
    except ledger_chain.ChainBroken as broken:
        refuse(str(broken))
    if as_json:
        print_json({"seq": found.seq, "hash": found.hash, "head": str(found)})
    else:
        out.print(str(found), soft_wrap=True)


@app.command()
def verify(
    published: Annotated[str | None, typer.Option("--head", metavar="SEQ:HASH", help="A head that was published before.")] = None,
    ledger: LedgerUrl = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that every row of the ledger is as it was recorded, that no record is missing or changed, and that a published head is in the chain."""
    url = ledger or find_site(data_dir).settings.ledger_url
    found = _or_explain(lambda: chain.verify(url, published))
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found.state != "whole":
        raise typer.Exit(ExitCode.REFUSED)


def _or_explain(work: Callable[[], T]) -> T:
    try:
        return work()
    except Unreadable as unreadable:
        raise Unreachable(str(unreadable)) from unreadable
    except ValueError as wrong:
        raise WrongUsage(str(wrong)) from wrong


def _show(found: chain.Verified) -> None:
    if found.state == "absent":
        out.print(
            "there is no chain: the ledger's tables are older than it; bring them up to date with `arrears db upgrade`", soft_wrap=True
        )
        return
    for one in found.breaks[:_SHOWN]:
        place = " ".join(part for part in (f"record {one.seq}" if one.seq else "", one.table or "", one.row_key or "") if part)
        out.print(f"{place or 'chain'}: {one.what}", markup=False, soft_wrap=True)
    more = len(found.breaks) + found.breaks_left_out - _SHOWN
    if more > 0:
        out.print(f"and {more:,} more")
    out.print(f"{found.records:,} records, {found.rows:,} rows: the chain is {found.state}", soft_wrap=True)
    if found.head:
        out.print(f"head {found.head}", soft_wrap=True)
