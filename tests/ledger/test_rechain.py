"""The chain and migrations: what stood there before the chain began, and what a migration rewrites."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from alembic import command
from sqlalchemy import Connection, text

from arrears.ledger import rechain
from arrears.ledger.chain import ChainBroken
from arrears.ledger.engine import Ledger, alembic_config, upgrade
from tests.chain_scene import furnish, verified
from tests.ledger.databases import on

T = TypeVar("T")


def run(*statements: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return work


async def test_the_rows_that_a_ledger_holds_already_are_the_first_records(empty_url: str) -> None:
    await on(empty_url, lambda connection: command.upgrade(alembic_config(connection), "0002"))
    many = "INSERT INTO operators (id, name, role, active) VALUES ('{0:05}', 'x', 'admin', TRUE), ('{0:05}b', 'y', 'auditor', FALSE)"
    await on(empty_url, run(*(many.format(n) for n in range(1200))))
    assert (await verified(empty_url)).state == "absent"

    await upgrade(empty_url)

    found = await verified(empty_url)
    assert (found.state, found.records, found.rows) == ("whole", 2400, 2400)


async def test_a_migration_that_rewrites_rows_appends_a_record_for_each(ledger: Ledger, url: str) -> None:
    await furnish(ledger)
    before = await verified(url)

    def migrate(connection: Connection) -> None:
        with rechain.rewriting(connection, "operators", "instalments", "attempts"):
            run(
                "UPDATE operators SET name = 'nobody' WHERE id = 'rob'",
                "DELETE FROM operators WHERE id = 'gone'",
                "INSERT INTO operators (id, name, role, active) VALUES ('new', 'n', 'admin', TRUE)",
                "UPDATE instalments SET n = 9 WHERE loan_id = 'L-2' AND n = 2",
                "ALTER TABLE attempts ADD COLUMN remark VARCHAR(10)",
                "UPDATE attempts SET remark = 'x' WHERE state = 'settled'",
            )(connection)
            connection.execute(text("ALTER TABLE operators ADD COLUMN extra VARCHAR(10)"))

    await on(url, migrate)

    after = await verified(url)
    assert after.state == "whole"
    assert after.records == before.records + 6


async def test_a_column_that_is_added_empty_changes_nothing(ledger: Ledger, url: str) -> None:
    await furnish(ledger)
    await on(url, run("ALTER TABLE attempts ADD COLUMN aaa VARCHAR(10)", "ALTER TABLE persons ADD COLUMN zzz INTEGER"))

    assert (await verified(url)).state == "whole"


async def test_a_table_that_a_migration_fills_is_recorded(ledger: Ledger, url: str) -> None:
    def migrate(connection: Connection) -> None:
        with rechain.rewriting(connection, "lists"):
            run("CREATE TABLE lists (id INTEGER PRIMARY KEY, word VARCHAR(9))", "INSERT INTO lists VALUES (1, 'a'), (2, 'b')")(connection)

    await on(url, migrate)

    found = await verified(url)
    assert (found.state, found.records) == ("whole", 2)


async def test_a_migration_does_not_make_a_forgery_look_right(ledger: Ledger, url: str) -> None:
    await furnish(ledger)
    await on(url, run("UPDATE operators SET role = 'admin' WHERE id = 'rob'"))

    def migrate(connection: Connection) -> None:
        with rechain.rewriting(connection, "operators"):
            run("UPDATE operators SET name = 'x'")(connection)

    with pytest.raises(ChainBroken, match="operators rob"):
        await on(url, migrate)
