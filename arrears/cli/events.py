"""`arrears events …`: what the loan system is told, what could not be delivered, and having it sent again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from arrears.cli.output import JsonFlag, WrongUsage, checked, out, print_json
from arrears.cli.site import DataDir, Site, find_site
from arrears.domain.access import Action
from arrears.ledger import audit
from arrears.ledger.audit import Actor
from arrears.ledger.events_out import outbox
from arrears.ledger.events_out.kinds import KINDS
from arrears.ledger.events_out.outbox import Wanted
from arrears.ledger.tables import ActorKind, DeliveryRow, DeliveryState

app = typer.Typer(help="What the loan system is told, and having it told again.", no_args_is_help=True)

_BY_HAND = Actor(ActorKind.HOUSE, "command")
EventId = Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, as `arrears events list` shows it.")]
Kind = Annotated[str | None, typer.Option(help="Only events of this kind, such as case.closed.")]
Loan = Annotated[str | None, typer.Option("--loan", help="Only this loan's events.")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only what was written down then (UTC) or later.")
]


@app.command("list")
def list_(
    state: Annotated[DeliveryState | None, typer.Option(help="Only events in this state.")] = None,
    kind: Kind = None,
    loan_id: Loan = None,
    since: Since = None,
    most: Annotated[int, typer.Option(min=1, help="How many at most, the newest ones.")] = 100,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """List events in the order in which they are told."""
    wanted = _wanted(state, kind, loan_id, since)
    site = find_site(data_dir)

    async def go() -> tuple[list[DeliveryRow], int]:
        async with site.ledger() as ledger, ledger.reading() as session:
            return list(await outbox.events(session, wanted, most=most, newest=True)), await outbox.count(session, wanted)

    found, count = asyncio.run(go())
    if as_json:
        print_json([_shown(row) for row in found])
        return
    table = Table("event", "kind", "loan", "state", "tries", "last problem", "written down (UTC)", box=None, header_style="bold")
    for row in found:
        written = f"{row.recorded_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(row.id, row.kind, row.loan_id, row.state, str(row.tries), row.last_problem or "", written)
    if found:
        out.print(table)
    out.print(("1 event" if count == 1 else f"{count} events") + (f", the newest {len(found)} shown" if len(found) < count else ""))


@app.command()
def show(event_id: EventId, data_dir: DataDir = None) -> None:
    """Print an event, with what is sent, as JSON."""
    site = find_site(data_dir)

    async def go() -> DeliveryRow:
        async with site.ledger() as ledger, ledger.reading() as session:
            return await outbox.event(session, event_id)

    row = asyncio.run(go())
    print_json(_shown(row) | {"body": row.body or None})


@app.command()
def replay(
    event_id: Annotated[str | None, typer.Argument(metavar="[EVENT]", help="One event; without it, say --all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead events, or those in --state.")] = False,
    state: Annotated[DeliveryState, typer.Option(help="With --all: events in this state.")] = DeliveryState.DEAD,
    kind: Kind = None,
    loan_id: Loan = None,
    since: Since = None,
    data_dir: DataDir = None,
    as_json: JsonFlag = False,
) -> None:
    """Have events sent again under their old ids, from the first try on; a running API sends them."""
    if (event_id is None) != everything:
        raise WrongUsage("name one event, or say --all")
    count = asyncio.run(_replay(find_site(data_dir), event_id, _wanted(state, kind, loan_id, since)))
    if as_json:
        print_json({"events": count})
    else:
        out.print(f"{count} events are sent again" if count != 1 else "1 event is sent again")


async def _replay(site: Site, event_id: str | None, wanted: Wanted) -> int:
    now = datetime.now(UTC)
    async with site.ledger() as ledger, ledger.exclusive() as session:
        if event_id is not None:
            row = await outbox.replay(session, event_id, now)
            audit.note(session, _BY_HAND, Action.REPLAY_EVENTS, loan_id=row.loan_id, subject=row.id)
            return 1
        count = await outbox.replay_all(session, wanted, now)
        audit.note(session, _BY_HAND, Action.REPLAY_EVENTS, loan_id=wanted.loan_id, details={"events": count, "state": wanted.state})
        return count


def _wanted(state: DeliveryState | None, kind: str | None, loan_id: str | None, since: datetime | None) -> Wanted:
    if kind is not None and kind not in KINDS:
        raise WrongUsage(f"there is no event {kind}; there are: {', '.join(sorted(KINDS))}")
    in_utc = since.replace(tzinfo=UTC) if since else None
    return checked(Wanted, {"state": state, "kind": kind, "loan_id": loan_id, "since": in_utc})


def _shown(row: DeliveryRow) -> dict[str, Any]:
    shown = row.model_dump(exclude={"key", "body", "kind"})
    return {"id": row.id, "type": row.kind, **shown}
