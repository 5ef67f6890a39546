"""`arrears db …`: the ledger's tables."""

from __future__ import annotations

import asyncio

import typer
from sqlalchemy.engine import make_url

from arrears.cli.output import JsonFlag, out, print_json
from arrears.cli.site import DataDir, find_site
from arrears.ledger.engine import upgrade as upgrade_ledger
from arrears.ledger.keys import open_vault

app = typer.Typer(help="The ledger's tables.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The ledger's tables."""


@app.command()
def upgrade(data_dir: DataDir = None, as_json: JsonFlag = False) -> None:
    """Create the ledger's tables, or bring them to the newest version. Doing it again changes nothing."""
    settings = find_site(data_dir).settings
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(upgrade_ledger(settings.ledger_url, open_vault(settings)))
    shown = make_url(settings.ledger_url).render_as_string(hide_password=True)
    if as_json:
        print_json({"ledger": shown, "upgraded": True})
    else:
        out.print(f"the ledger {shown} is at its newest version", markup=False, soft_wrap=True)
