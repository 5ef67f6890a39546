"""`arrears case verdicts`: what the law said of every contact and handover of a loan, rule by rule, for whoever reads one case."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import col, select

from arrears.cli.output import JsonFlag, out, print_json
from arrears.cli.running_case import NoSuchCase
from arrears.cli.site import DataDir, Site, find_site
from arrears.cli.verdict import COLOURS, in_words
from arrears.domain.calendar import local_text
from arrears.domain.verdict import Effect, Verdict
from arrears.ledger.tables import LoanRow, PersonRow
from arrears.ledger.verdicts import VerdictNow, verdicts

_REFUSALS = (Effect.DENY, Effect.NEEDS_APPROVAL, Effect.DEFER)


def case_verdicts(
    loan_id: Annotated[str, typer.Argument(metavar="LOAN", help="The loan's id, such as L-1001.")],
    refused: Annotated[bool, typer.Option("--refused", help="Only what was not allowed.")] = False,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Tell what the law said of every contact and handover of the loan: each rule that spoke, what it saw, and what it allows."""
    told, zones = asyncio.run(_read(find_site(data_dir), loan_id, _REFUSALS if refused else ()))
    if as_json:
        print_json(told)
        return
    if not told:
        raise NoSuchCase(f"the ledger has no {'refusal' if refused else 'verdict'} for loan {loan_id}")
    for one in told:
        _print(one, zones.get(one.person_id) or zones[None] or "UTC")


async def _read(site: Site, loan_id: str, effects: tuple[Effect, ...]) -> tuple[list[VerdictNow], Mapping[str | None, str | None]]:
    """The verdicts, and the zones of whom they are about, by person; under ``None`` that of the borrower."""
    async with site.ledger() as ledger, ledger.reading() as session:
        told = await verdicts(session, loan_id, effects=effects)
        rows = await session.exec(select(PersonRow.id, PersonRow.zone).where(col(PersonRow.id).in_({v.person_id for v in told})))
        borrower = select(PersonRow.zone).join(LoanRow, col(LoanRow.borrower_id) == col(PersonRow.id)).where(col(LoanRow.id) == loan_id)
        return told, {None: (await session.exec(borrower)).first(), **dict(rows.all())}


def _print(one: VerdictNow, zone: str) -> None:
    said = Verdict(effect=one.verdict, until=one.until, permanent=bool(one.permanent), findings=one.findings, regimes=one.regimes)
    headline, *sentences = in_words(said, zone)
    whom = f" to {one.person_id}" if one.person_id else ""
    whom += f", on the approval {one.approval_id}" if one.approval_id else ""
    out.print(
        Text(f"{local_text(one.decided_at, zone)} in {zone}  {one.attempt_id or one.case_id}  {one.action or 'contact'}{whom}", "bold")
    )
    out.print(Text(f"  {headline}", style=COLOURS[one.verdict]))
    for sentence in sentences:
        out.print(Text(f"    {sentence}"), soft_wrap=True)
