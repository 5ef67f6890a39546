"""How alembic runs: on the connection that ``arrears.ledger.engine.upgrade`` gives it, or, for developers, on the ledger that the settings name."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from arrears.config.settings import Settings
from arrears.ledger.keys import open_vault
from arrears.ledger.tables import METADATA
from arrears.ledger.tables.columns import ExactAmount


def _plain_type(kind: str, value: Any, _: Any) -> str | Literal[False]:
    """Migrations are history: they name the database's types, not ours, which may change."""
    match value:
        case _ if kind != "type":
            return False
        case AutoString(length=None):
            return "sa.String()"
        case AutoString(length=length):
            return f"sa.String({length})"
        case UTCDateTime():
            return "sa.DateTime(timezone=True)"
        case ExactAmount():
            return 'sa.Numeric(18, 4).with_variant(sa.String(20), "sqlite")'
        case _:
            return False


def _migrate(connection: Connection) -> None:
    # SQLite cannot alter most of a table: there, alembic copies it (batch mode).
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, render_item=_plain_type)
    with context.begin_transaction():
        context.run_migrations()


async def _migrate_named_ledger() -> None:
    settings = Settings()
    context.config.attributes["vault"] = open_vault(settings)
    engine = create_async_engine(settings.ledger_url)
    async with engine.begin() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is None:
    asyncio.run(_migrate_named_ledger())
else:
    _migrate(given)
