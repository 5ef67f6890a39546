"""`arrears clients …`: the machines that speak to the API with a token, and what each may do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import typer
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError
from rich.table import Table
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.cli.output import JsonFlag, WrongUsage, out, print_json, refuse
from arrears.cli.site import DataDir, find_site
from arrears.domain.access import Action
from arrears.domain.strategy import Slug
from arrears.ledger import access, audit
from arrears.ledger.access import ClientUnknown
from arrears.ledger.audit import Actor
from arrears.ledger.tables import ActorKind, AgencyRow, ClientRow

app = typer.Typer(help="Machines that speak to the API with a token, and what each may do.", no_args_is_help=True)

COMMAND_LINE = Actor(ActorKind.HOUSE, "command line")
"""Who acts, in the record, when a command is given on the machine itself."""

_CLIENT_ID: TypeAdapter[str] = TypeAdapter(Slug)
AGENCY_SCOPES = frozenset({Action.REPORT_AS_AGENCY, Action.READ_CASES})
"""All that an agency's token may be given: it sees and tells its own cases, and nothing else."""

ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]


class Token(BaseModel):
    """A token, which is shown this once."""

    client: str
    token: str
    scopes: list[Action]


class Client(BaseModel):
    """A client as it stands. ``state``: in force, revoked, or past its end."""

    client: str
    name: str
    scopes: list[str]
    agency: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    state: str = Field(pattern="^(in force|revoked|expired)$")


@app.command()
def add(
    client_id: ClientId,
    name: Annotated[str, typer.Option(help="What it is, for people.")],
    scope: Annotated[list[str], typer.Option(help="An action that it may take, such as payments.record; give it again for more.")],
    agency: Annotated[str | None, typer.Option(help="The agency whose token it is: it reads and tells its own cases only.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="The first day (UTC) on which it counts no more.", formats=["%Y-%m-%d"])] = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Let a machine in, and print its token, which nobody can read again later."""
    _check_id(client_id)
    scopes = frozenset(map(_scope, scope))
    if agency and (beyond := sorted(scopes - AGENCY_SCOPES)):
        raise WrongUsage(f"an agency's token is not given {', '.join(beyond)}; it may have: {', '.join(sorted(AGENCY_SCOPES))}")
    until = expires.replace(tzinfo=UTC) if expires else None
    now = datetime.now(UTC)
    if until and until <= now:
        raise WrongUsage(f"--expires {until.date()} is over already; give a later day")

    async def go() -> str:
        async with find_site(data_dir).ledger() as ledger, ledger.exclusive() as session:
            if await session.get(ClientRow, client_id):
                refuse(f"there is a client {client_id} already; `arrears clients rotate {client_id}` gives it another token")
            if agency and await session.get(AgencyRow, agency) is None:
                refuse(f"there is no agency {agency}; tell it first as a fact, see `arrears facts`")
            token = await access.add_client(session, client_id, name, scopes, now, agency=agency, expires_at=until)
            _note(session, client_id, "added", scopes=sorted(scopes))
            return token

    _show(Token(client=client_id, token=asyncio.run(go()), scopes=sorted(scopes)), as_json=as_json)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """List the machines, with what each may do."""

    async def go() -> list[Client]:
        async with find_site(data_dir).ledger() as ledger, ledger.reading() as session:
            return [_client(row, datetime.now(UTC)) for row in await access.clients(session)]

    found = asyncio.run(go())
    if as_json:
        print_json(found)
        return
    table = Table("client", "name", "may", "agency", "until", "state", box=None, header_style="bold")
    for one in found:
        until = str(one.expires_at.date()) if one.expires_at else ""
        table.add_row(one.client, one.name, " ".join(one.scopes), one.agency or "", until, one.state)
    out.print(table)


@app.command()
def rotate(client_id: ClientId, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Give a machine another token; the former one counts no more from now on.

    For a change without a gap, add a second client with the same scopes, change over, and revoke the first.
    """

    async def go() -> tuple[str, ClientRow]:
        async with find_site(data_dir).ledger() as ledger, ledger.exclusive() as session:
            try:
                token = await access.rotate(session, client_id)
            except ClientUnknown:
                refuse(_unknown(client_id))
            _note(session, client_id, "rotated")
            return token, await session.get_one(ClientRow, client_id)

    token, row = asyncio.run(go())
    _show(Token(client=client_id, token=token, scopes=[Action(scope) for scope in row.scopes]), as_json=as_json)


@app.command()
def revoke(client_id: ClientId, data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Let a machine in no more."""

    async def go() -> None:
        async with find_site(data_dir).ledger() as ledger, ledger.exclusive() as session:
            try:
                await access.revoke(session, client_id, datetime.now(UTC))
            except ClientUnknown:
                refuse(_unknown(client_id))
            _note(session, client_id, "revoked")

    asyncio.run(go())
    if as_json:
        print_json({"client": client_id, "state": "revoked"})
    else:
        out.print(f"{client_id} is let in no more")


def _scope(text: str) -> Action:
    if text in set(Action):
        return Action(text)
    close = get_close_matches(text, list(Action), 1)
    meant = f"; did you mean {close[0]}?" if close else ""
    raise WrongUsage(f"--scope {text}: there is no such action{meant} There are: {', '.join(Action)}")


def _check_id(client_id: str) -> None:
    try:
        _CLIENT_ID.validate_python(client_id)
    except ValidationError as wrong:
        raise WrongUsage(
            "a client's id is at most 48 small letters, digits and hyphens, beginning with a letter, such as loan-system"
        ) from wrong


def _note(session: AsyncSession, client_id: str, did: str, **details: object) -> None:
    audit.note(session, COMMAND_LINE, Action.MANAGE_ACCESS, subject=client_id, reason=f"client {did}", details=details or None)


def _client(row: ClientRow, now: datetime) -> Client:
    state = "revoked" if row.revoked_at else "expired" if row.expires_at and row.expires_at <= now else "in force"
    known = row.model_dump(include={"name", "scopes", "agency", "created_at", "expires_at"})
    return Client(client=row.id, state=state, **known)


def _show(made: Token, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    out.print(f"client {made.client} may: {', '.join(made.scopes)}")
    out.print(made.token, soft_wrap=True)
    out.print("This is its token, shown this once: keep it where secrets are kept, and send it as the header Authorization: Bearer …")


def _unknown(client_id: str) -> str:
    return f"no client {client_id} is let in; `arrears clients list` shows all, `arrears clients add` adds one"
