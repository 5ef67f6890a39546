"""The chain of a ledger on a server, and of one that is written to, is checked as that of a file."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from arrears.ledger.engine import Ledger
from arrears.prove.chain import ChainBreak
from tests.chain_scene import furnish, verified
from tests.ledger.scene import store
from tests.ledger.test_chain import operator
from tests.prove.forging import file, forger, furnished
from tests.sealing import VAULT

__all__ = ["file", "forger", "furnished"]


FORGERIES: dict[str, tuple[str, list[ChainBreak]]] = {
    "a changed text": ("UPDATE operators SET name = 'Bob' WHERE id = 'rob'", [ChainBreak(None, "operators", "rob", "row changed")]),
    "a changed amount": ("UPDATE payments SET amount = 1", [ChainBreak(None, "payments", "pay-1", "row changed")]),
    "a changed instant": (
        "UPDATE payments SET recorded_at = recorded_at - INTERVAL '1 microsecond'",
        [ChainBreak(None, "payments", "pay-1", "row changed")],
    ),
    "a changed day": (
        "UPDATE instalments SET due_on = due_on + 1 WHERE n = 1 AND loan_id = 'L-2'",
        [ChainBreak(None, "instalments", "L-2,1", "row changed")],
    ),
    "a changed truth": ("UPDATE operators SET active = NOT active WHERE id = 'sue'", [ChainBreak(None, "operators", "sue", "row changed")]),
    "changed sealed bytes": (
        "UPDATE persons SET name = name || '\\x00'::bytea WHERE id = 'B-1'",
        [ChainBreak(None, "persons", "B-1", "row changed")],
    ),
    "a changed document": ("UPDATE approvals SET evidence = '{}'", [ChainBreak(None, "approvals", "L-1.1/relatives.1", "row changed")]),
    "a removed row": ("DELETE FROM payments", [ChainBreak(None, "payments", "pay-1", "row missing")]),
    "an added row": (
        "INSERT INTO operators VALUES ('eve', 'Eve', 'admin', TRUE)",
        [ChainBreak(None, "operators", "eve", "row without record")],
    ),
    "a changed record": ("UPDATE records SET at = now() WHERE seq = 7", [ChainBreak(7, None, None, "record changed")]),
    "a removed record": ("DELETE FROM records WHERE op = 'delete'", [ChainBreak(None, None, None, "record missing")]),
    "a removed tail": ("DELETE FROM records WHERE seq > 20", [ChainBreak(21, None, None, "records missing")]),
    "a removed head": ("DELETE FROM chain_heads", [ChainBreak(None, "chain_heads", None, "head missing")]),
}


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_forgeries_on_a_server_are_found_as_well(url: str) -> None:
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    await ledger.close()
    whole = await verified(url)
    assert (whole.state, whole.breaks) == ("whole", ())
    assert (await verified(url, whole.head)).state == "whole"
    engine = create_async_engine(url)
    for name, (statement, expected) in FORGERIES.items():
        async with engine.connect() as connection:
            await connection.execute(text("CREATE SCHEMA kept"))
            for table in ("operators", "payments", "instalments", "persons", "approvals", "records", "chain_heads"):
                await connection.execute(text(f"CREATE TABLE kept.{table} AS SELECT * FROM {table}"))
            await connection.execute(text(statement))
            await connection.commit()
            found = await verified(url)
            blurred = {replace(one, seq=None, what=one.what.partition(":")[0]) for one in found.breaks}
            assert {replace(one, seq=None) for one in expected} <= {
                replace(one, table=e.table and one.table, row_key=e.row_key and one.row_key) for one in blurred for e in expected
            }, name
            assert all(e.seq in {one.seq for one in found.breaks} for e in expected if e.seq), name
            await connection.execute(text("SET session_replication_role = replica"))
            for table in ("operators", "payments", "instalments", "persons", "approvals", "records", "chain_heads"):
                await connection.execute(text(f"DELETE FROM {table}"))
                await connection.execute(text(f"INSERT INTO {table} SELECT * FROM kept.{table}"))
            await connection.execute(text("DROP SCHEMA kept CASCADE"))
            await connection.execute(text("SET session_replication_role = DEFAULT"))
            await connection.commit()
    await engine.dispose()
    assert (await verified(url)).state == "whole"


async def test_the_checker_sees_one_moment_while_others_write(url: str) -> None:
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    writing = asyncio.create_task(_keep_writing(ledger))
    found = [await verified(url)]
    while len(found) < 5 or found[-1].records == found[0].records:
        found.append(await verified(url))
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await ledger.close()

    assert all(one.breaks == () for one in found)


async def _keep_writing(ledger: Ledger) -> None:
    for n in range(10_000):
        await store(ledger, operator(f"op-{n}"))


async def test_both_databases_give_the_same_digests(url: str, furnished: Path, tmp_path: Path) -> None:
    """The same rows, sealed with random bytes aside, have the same records on SQLite and on PostgreSQL."""
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    await ledger.close()
    engine = create_async_engine(url)
    unsealed = "tbl IN ('operators', 'loans', 'instalments', 'relations', 'payments', 'cases', 'tasks', 'approval_persons', 'holds')"
    async with engine.connect() as connection:
        here = (await connection.execute(text(f"SELECT tbl, row_key, op, row_digest FROM records WHERE {unsealed} ORDER BY seq"))).all()
    await engine.dispose()
    with closing(sqlite3.connect(furnished)) as connection:
        there = connection.execute(f"SELECT tbl, row_key, op, row_digest FROM records WHERE {unsealed} ORDER BY seq").fetchall()

    assert [tuple(row) for row in here] == there
