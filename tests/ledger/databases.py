"""Databases worked on from outside the ledger: by a migration, and by a process that is going to be killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

T = TypeVar("T")

WRITE_UNTIL_KILLED = """
import asyncio, sys
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import OperatorRow

async def main():
    ledger = Ledger(sys.argv[1])
    for n in range(100_000):
        async with ledger.session() as session:
            session.add(OperatorRow(id=f"op-{n:06}", name="x", role="collector"))
        print(n, flush=True)

asyncio.run(main())
"""
"""A program that writes to the ledger it is given, and says after every transaction that it is done."""


async def on(url: str, work: Callable[[Connection], T]) -> T:
    """What some work in one transaction of its own comes to."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        result = await connection.run_sync(work)
    await engine.dispose()
    return result
