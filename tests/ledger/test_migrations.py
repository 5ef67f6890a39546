"""The migrations, from nothing, lead to exactly the tables that the code works with."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from alembic import command
from sqlalchemy import Connection, inspect

from arrears.ledger.engine import alembic_config, upgrade
from arrears.ledger.tables import METADATA
from tests.ledger.databases import on

T = TypeVar("T")


async def test_migrations_from_nothing_reach_the_metadata(empty_url: str) -> None:
    await upgrade(empty_url)

    await on(empty_url, lambda connection: command.check(alembic_config(connection)))


async def test_migrations_set_every_check_constraint_of_the_metadata(empty_url: str) -> None:
    """Alembic's own comparison does not look at CHECK constraints."""
    await upgrade(empty_url)
    migrated = await on(empty_url, _checks)
    await on(empty_url, lambda connection: command.downgrade(alembic_config(connection), "base"))
    await on(empty_url, METADATA.create_all)

    assert migrated == await on(empty_url, _checks)
    assert len(migrated) > 40


async def test_upgrading_again_changes_nothing(empty_url: str) -> None:
    await upgrade(empty_url)
    before = await on(empty_url, _tables)

    await upgrade(empty_url)

    assert await on(empty_url, _tables) == before


async def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_url) for _ in range(4)))

    assert set(METADATA.tables) < await on(empty_url, _tables)


async def test_the_migrations_can_be_taken_back(empty_url: str) -> None:
    await upgrade(empty_url)

    await on(empty_url, lambda connection: command.downgrade(alembic_config(connection), "base"))

    assert await on(empty_url, _tables) == {"alembic_version"}


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _checks(connection: Connection) -> dict[str, str]:
    found = inspect(connection)
    return {f"{check['name']}": check["sqltext"] for table in METADATA.tables for check in found.get_check_constraints(table)}
