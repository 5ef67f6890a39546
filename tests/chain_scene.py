"""A small chained ledger: rows inserted, changed twice in one transaction, and deleted; and the vectors that both implementations of the digest must give."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from arrears.domain.outcome import Outcome
from arrears.ledger import attempts, cases, loans
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import OperatorRow, TaskRow
from arrears.prove.chain import Verified, verify
from tests.ledger.scene import NOW, approval, attempt, later, lend, named, open_case, payment, store

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("chain_vectors.json").read_text(encoding="utf-8"))


def stored(value: Any) -> Any:
    """A value of the vectors as a driver would give it: what JSON has no word for stands in an object that names its kind."""
    match value:
        case {"instant": text}:
            return datetime.fromisoformat(text)
        case {"day": text}:
            return date.fromisoformat(text)
        case {"amount": text}:
            return Decimal(text)
        case {"bytes": text}:
            return bytes.fromhex(text)
        case _:
            return value


def columns(row: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """Names, sorted, and values."""
    names = sorted(row)
    return names, [stored(row[name]) for name in names]


async def furnish(ledger: Ledger) -> None:
    """Two loans, a case with its attempts, verdict and request, a payment; somebody's role changed, and a row deleted."""
    await lend(ledger)
    await lend(ledger, "L-2", held_for="dispute")
    await open_case(ledger)
    await open_case(ledger, "L-2", "run-2")
    await store(ledger, approval(), named(), attempt(), attempt("L-1.1/first,sms.2", text=b"\x00sealed\xff"))
    async with ledger.session() as session:
        await attempts.mark_sent(session, "L-1.1/first-sms.1", later(minutes=1), b"token")
        await session.flush()
        await attempts.settle(session, "L-1.1/first-sms.1", Outcome.DELIVERED, later(minutes=2))
    async with ledger.session() as session:
        await loans.record_payment(session, "L-1", payment(amount="120.5"), "test", NOW)
        session.add(OperatorRow(id="temp", name="Temp", role="collector"))
    async with ledger.session() as session:
        temp = await session.get_one(OperatorRow, "temp")
        await session.delete(temp)
        session.add(TaskRow(id="t-1", case_id="L-1.1", loan_id="L-1", step="x", kind="counselling", role="collector", opened_at=NOW))
    async with ledger.session() as session:
        await cases.close_case_row(session, "L-1.1", "cured", later(hours=1))


async def verified(url: str, published: str | None = None) -> Verified:
    """The checker runs in a thread: on PostgreSQL it has an event loop of its own."""
    return await asyncio.to_thread(verify, url, published)
