"""A transaction that is dropped in the middle, as when a worker is told to stop, keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlmodel import select

from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger, _SqliteConnection  # pyright: ignore[reportPrivateUsage]
from arrears.ledger.tables import OperatorRow

TASKS = 80


def test_a_closed_connection_gives_its_place_up_although_a_cursor_of_it_lives_on(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    dropped = sqlite3.connect(file, isolation_level=None, factory=_SqliteConnection)
    dropped.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1), (2)")
    dropped.execute("BEGIN IMMEDIATE")
    half_read = dropped.execute("SELECT n FROM t")
    half_read.fetchone()
    dropped.close()
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
    assert half_read is not None


@pytest.mark.parametrize("seed", [102, 118])
async def test_tasks_cancelled_at_any_moment_leave_no_lock(ledger: Ledger, seed: int) -> None:
    luck = random.Random(seed)

    async def write(n: int) -> None:
        async with ledger.exclusive() as session:
            session.add(OperatorRow(id=f"op-{n}", name="Somebody", role=Role.ADMIN))
            await session.flush()
            await session.exec(select(OperatorRow))

    async def try_to_write(n: int) -> None:
        writing = asyncio.create_task(write(n))
        if luck.random() < 0.7:
            await asyncio.sleep(luck.random() * 0.3)
            writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing

    async with asyncio.timeout(25):
        await asyncio.gather(*(try_to_write(n) for n in range(TASKS)))
        await write(TASKS)
