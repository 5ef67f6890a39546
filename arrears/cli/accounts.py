"""`arrears accounts …`: how operators sign in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.table import Table
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.cli.clients import COMMAND_LINE
from arrears.cli.output import JsonFlag, out, print_json, refuse
from arrears.cli.site import DataDir, find_site
from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger import accounts, audit
from arrears.ledger.accounts import AccountUnknown, PasswordRefused
from arrears.ledger.tables import AccountRow, OperatorRow

app = typer.Typer(help="How operators sign in: passwords, the identity provider, and who may not any more.", no_args_is_help=True)

Operator = Annotated[str, typer.Argument(metavar="OPERATOR", help="The operator's id.")]


class Account(BaseModel):
    """How an operator signs in."""

    operator: str
    role: Role
    active: bool
    password: bool
    must_change: bool
    issuer: str | None
    subject: str | None


@app.command("set-password")
def set_password(
    operator_id: Operator,
    must_change: Annotated[bool, typer.Option(help="Whether they must choose their own when they sign in with it.")] = True,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Give an operator a password, asked for here or read as one line from standard input; every session of theirs ends.

    It never stands on the command line, where other programs could see it.
    """
    password = _asked_for()

    async def go() -> None:
        async with find_site(data_dir).ledger() as ledger:
            try:
                await accounts.set_password(ledger, operator_id, password, datetime.now(UTC), by=COMMAND_LINE, must_change=must_change)
            except (AccountUnknown, PasswordRefused) as refused:
                refuse(str(refused))

    asyncio.run(go())
    _done({"operator": operator_id, "must_change": must_change}, f"{operator_id} has a password", as_json=as_json)


@app.command("link-oidc")
def link_oidc(
    operator_id: Operator,
    issuer: Annotated[str, typer.Argument(help="The provider, as in ARREARS_OIDC_ISSUER.")],
    subject: Annotated[str, typer.Argument(help="Who they are there: the claim sub.")],
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Let an operator in as whom the lender's identity provider knows them."""
    known = issuer.rstrip("/")
    site = find_site(data_dir)
    if site.settings.oidc is not None and site.settings.oidc.issuer != known:
        refuse(f"the provider here is {site.settings.oidc.issuer} (ARREARS_OIDC_ISSUER), not {known}")

    async def link(session: AsyncSession) -> None:
        try:
            await accounts.link(session, operator_id, known, subject, datetime.now(UTC))
        except ValueError as taken:
            refuse(str(taken))

    _change(operator_id, "linked to the identity provider", link, data_dir)
    _done({"operator": operator_id, "issuer": known, "subject": subject}, f"{operator_id} is {subject} at {known}", as_json=as_json)


@app.command()
def unlock(operator_id: Operator, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Let somebody who failed too often try again at once."""
    waited: list[bool] = []

    async def free(session: AsyncSession) -> None:
        waited.append(await accounts.unlock(session, operator_id))

    _change(operator_id, "unlocked", free, data_dir)
    said = "may try again at once" if waited[0] else "did not have to wait"
    _done({"operator": operator_id, "had_failed": waited[0]}, f"{operator_id} {said}", as_json=as_json)


@app.command("set-role")
def set_role(operator_id: Operator, role: Role, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Give an operator another role; every session of theirs ends."""
    _change(operator_id, f"role {role}", lambda session: accounts.change_role(session, operator_id, role, datetime.now(UTC)), data_dir)
    _done({"operator": operator_id, "role": role}, f"operator {operator_id} is {role}", as_json=as_json)


@app.command()
def close(operator_id: Operator, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Somebody does not work here any more: nothing that they do counts, and every session of theirs ends."""
    _change(operator_id, "closed", lambda session: accounts.close(session, operator_id, datetime.now(UTC)), data_dir)
    _done({"operator": operator_id, "active": False}, f"{operator_id} does not work here any more", as_json=as_json)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """List the operators and how each signs in."""

    async def go() -> list[Account]:
        async with find_site(data_dir).ledger() as ledger, ledger.reading() as session:
            known = {row.operator_id: row for row in await session.exec(select(AccountRow))}
            return [_account(o, known.get(o.id)) for o in await session.exec(select(OperatorRow).order_by(col(OperatorRow.id)))]

    found = asyncio.run(go())
    if as_json:
        print_json(found)
        return
    table = Table("operator", "role", "signs in with", box=None, header_style="bold")
    for one in found:
        password = "a password to change" if one.must_change else "a password" if one.password else ""
        ways = [way for way in (password, f"{one.subject} at {one.issuer}" if one.subject else "") if way]
        table.add_row(one.operator, one.role, " or ".join(ways) or "nothing yet" if one.active else "does not work here any more")
    out.print(table)


def _asked_for() -> str:
    """A password from the terminal, unseen and twice, or the first line of what is piped in."""
    if sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\r\n")


def _change(operator_id: str, did: str, change: Callable[[AsyncSession], Awaitable[None]], data_dir: DataDir) -> None:
    """Make a change and note it, in one transaction."""

    async def go() -> None:
        async with find_site(data_dir).ledger() as ledger, ledger.exclusive() as session:
            try:
                await change(session)
            except AccountUnknown as unknown:
                refuse(str(unknown))
            audit.note(session, COMMAND_LINE, Action.MANAGE_ACCESS, subject=operator_id, reason=f"account {did}")

    asyncio.run(go())


def _account(operator: OperatorRow, account: AccountRow | None) -> Account:
    return Account(
        operator=operator.id,
        role=operator.role,
        active=operator.active,
        password=account is not None and account.password_hash is not None,
        must_change=account is not None and account.must_change,
        issuer=account.issuer if account else None,
        subject=account.subject if account else None,
    )


def _done(document: object, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        out.print(said)
