"""`arrears erase` and `arrears retention`: what is forgotten of people, when, and why not yet."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError
from rich.table import Table

from arrears.cli.output import CommandFailed, ExitCode, JsonFlag, WrongUsage, out, print_json
from arrears.cli.site import DataDir, Site, find_site
from arrears.config.retention import RetentionProblem, retention_rule
from arrears.domain.events import Code
from arrears.domain.retention import Keeping
from arrears.ledger import erasure
from arrears.ledger.erasure import Erased, ErasureRefused, Outlook, Policy

_AT_ONCE = 500
_REASON: TypeAdapter[str] = TypeAdapter(Code)


class Overview(BaseModel):
    """How many people are in each state, and whose data end when."""

    active: int = 0
    store_only: int = 0
    deleted: int = 0
    people: list[Outlook]


def erase(
    whom: Annotated[str, typer.Argument(metavar="PERSON|LOAN", help="The id of a person, or of a loan whose borrower is meant.")],
    operator: Annotated[str, typer.Option(help="The id of the operator who does it: an active admin.", envvar="ARREARS_OPERATOR")],
    reason: Annotated[str, typer.Option(help="Why, as a code or a few words without personal data, such as request-2031-14.")],
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Erase a person for ever: names, addresses and texts cannot be read any more. People whom nobody else has named go with a borrower.

    It is refused (exit code 1) while a case is open or a law wants the data kept; the answer says which, and from when on it is possible.
    """
    try:
        why = _REASON.validate_python(reason)
    except ValidationError as wrong:
        raise WrongUsage(
            "--reason is a code or a few words of Latin letters and digits, at most 120; it stays when the person is erased"
        ) from wrong

    async def go() -> Erased:
        site = find_site(data_dir)
        async with site.ledger() as ledger:
            async with ledger.exclusive() as session:
                await erasure.authorise(session, operator)
                person_id = await erasure.person_of(session, whom)
                done = await erasure.erase(session, person_id, _policy(site), operator, why, site.now)
            await ledger.forget()
        return done

    try:
        erased = asyncio.run(go())
    except ErasureRefused as refused:
        if not as_json:
            raise
        print_json({"problem": str(refused), "exit_code": ExitCode.REFUSED, **refused.refusal.model_dump()})
        raise typer.Exit(ExitCode.REFUSED) from None
    if as_json:
        print_json(erased)
        return
    out.print(f"{erased.person_id} is erased", markup=False)
    if erased.relatives:
        out.print(f"erased with them: {', '.join(erased.relatives)}", markup=False)
    if erased.kept:
        out.print(f"kept, because other loans need them: {', '.join(erased.kept)}", markup=False)


def retention(
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only people whose data can be erased by this day, such as 2031-12-31.")
    ] = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Show whose data are erased when, and by which rule. The sweep erases every night what has come to its end."""
    try:
        last = date.fromisoformat(until) if until else None
    except ValueError as wrong:
        raise WrongUsage("--until is a date such as 2031-12-31") from wrong
    overview = asyncio.run(_overview(find_site(data_dir), last))
    if as_json:
        print_json(overview)
        return
    table = Table("person", "state", "erased from", "because of", "in use for", box=None, header_style="bold")
    for one in overview.people:
        table.add_row(one.person_id, one.keeping, str(one.possible_from or "now"), one.clause or "", ", ".join(one.in_use_for))
    out.print(table)
    out.print(f"{overview.active} in use, {overview.store_only} only kept, {overview.deleted} erased")


async def _overview(site: Site, last: date | None) -> Overview:
    policy, overview = _policy(site), Overview(people=[])
    async with site.ledger() as ledger, ledger.reading() as session:
        overview.deleted = await erasure.count_erased(session)
        after: str | None = ""
        while after is not None:
            ids = await erasure.next_people(session, after, _AT_ONCE)
            for one in await erasure.outlook(session, ids, policy, site.now):
                overview.active += one.keeping is Keeping.ACTIVE
                overview.store_only += one.keeping is Keeping.STORE_ONLY
                if last is None or (not one.in_use_for and (one.possible_from or last) <= last):
                    overview.people.append(one)
            after = ids[-1] if len(ids) == _AT_ONCE else None
    overview.people.sort(key=lambda one: (bool(one.in_use_for), one.possible_from or date.min, one.person_id))
    return overview


def _policy(site: Site) -> Policy:
    try:
        return Policy(retention_rule(), site.settings.lender_seat)
    except RetentionProblem as wrong:
        raise CommandFailed(str(wrong)) from wrong
