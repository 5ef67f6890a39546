"""A ledger with operators and an agency, for commands about who may come in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.tables import AgencyRow, AuditRow, OperatorRow
from tests.sealing import VAULT

T = TypeVar("T")


def in_ledger(data_dir: Path, work: Callable[[Ledger], Awaitable[T]]) -> T:
    async def go() -> T:
        ledger = Ledger(f"sqlite+aiosqlite:///{data_dir / 'ledger.db'}", VAULT)
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    return asyncio.run(go())


def fill(data_dir: Path) -> None:
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{data_dir / 'ledger.db'}", VAULT))

    async def people(ledger: Ledger) -> None:
        async with ledger.session() as session:
            session.add(OperatorRow(id="wei", name="Wei Example", role=Role.COLLECTOR))
            session.add(OperatorRow(id="lan", name="Lan Example", role=Role.ADMIN))
            session.add(AgencyRow(id="north", recorded_at=datetime(2026, 1, 1, tzinfo=UTC)))

    in_ledger(data_dir, people)


def noted(data_dir: Path) -> list[tuple[str, str | None, str | None]]:
    """What the record says: action, subject, reason."""

    async def rows(ledger: Ledger) -> list[tuple[str, str | None, str | None]]:
        async with ledger.reading() as session:
            found = await session.exec(select(AuditRow).order_by(col(AuditRow.id)))
            return [(row.action, row.subject, row.reason) for row in found]

    return in_ledger(data_dir, rows)


def reading(data_dir: Path, look: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async def go(ledger: Ledger) -> T:
        async with ledger.reading() as session:
            return await look(session)

    return in_ledger(data_dir, go)
