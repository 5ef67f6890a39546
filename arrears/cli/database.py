"""`arrears db …`: the ledger's tables."""

from __future__ import annotations

import asyncio

import typer
from sqlalchemy.engine import make_url

from arrears.cli.output import JsonFlag, out, print_json
from arrears.cli.site import DataDir, find_site
from arrears.ledger import vault
from arrears.ledger.engine import upgrade as upgrade_ledger
from arrears.ledger.keys import open_vault

_AT_ONCE = 500

app = typer.Typer(help="The ledger's tables.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The ledger's tables."""


@app.command()
def upgrade(data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Create the ledger's tables, or bring them to the newest version. Doing it again changes nothing."""
    settings = find_site(data_dir).settings
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(upgrade_ledger(settings.ledger_url, open_vault(settings)))
    shown = make_url(settings.ledger_url).render_as_string(hide_password=True)
    if as_json:
        print_json({"ledger": shown, "upgraded": True})
    else:
        out.print(f"the ledger {shown} is at its newest version", markup=False, soft_wrap=True)


@app.command()
def rekey(data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Lock every person's key with the present ledger key, after it was changed. The earlier one is given in ARREARS_LEDGER_OLD_KEYS until then.

    Nothing else is written: what is sealed stays as it is. Doing it again changes nothing.
    """

    async def go() -> int:
        changed = 0
        async with find_site(data_dir).ledger() as ledger:
            async with ledger.reading() as session:
                people = await vault.strangers(session)
            for start in range(0, len(people), _AT_ONCE):
                async with ledger.session() as session:
                    changed += await vault.rewrap(session, people[start : start + _AT_ONCE])
            await ledger.forget()
        return changed

    changed = asyncio.run(go())
    if as_json:
        print_json({"rewrapped": changed})
    else:
        out.print(f"{changed} keys are locked with the present ledger key now; ARREARS_LEDGER_OLD_KEYS is not needed any more")
