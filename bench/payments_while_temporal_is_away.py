"""Payments that are reported while Temporal is down: how fast they are taken, and whether every one reaches its case once it is back.

    python bench/payments_while_temporal_is_away.py [--payments 2000] [--per-second 100] [--loans 200] [--batch 1] [--ledger URL]

Everything is real: the API on a socket, a worker, the embedded Temporal server as a process, a ledger in a file (or at ``--ledger``, an empty PostgreSQL).
Cases are opened first. Then the server is killed, payments arrive at the given pace, each sent again until it is answered, and the server comes back on the
same data. In the end every payment must stand in the ledger once, be delivered, and be counted by its case; and every case must have closed as cured, because
together the payments pay each loan exactly. The exit code is 1 if anything is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func
from sqlmodel import col, select
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from arrears.activities import Activities
from arrears.api.app import create_app
from arrears.api.serve import Connection
from arrears.api.serving import serving
from arrears.cli.main import run as arrears
from arrears.config.settings import ApiSettings, Settings
from arrears.domain.access import Action
from arrears.gateways.registry import Gateways
from arrears.ledger import access
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.ledger.tables import CaseEventRow, CaseOutcome, CaseRow, PaymentRow, RelayRow
from arrears.workers.connection import connect, register_search_attributes
from arrears.workers.server import ServerPlan, free_port, server_command
from arrears.workers.worker import collections_worker

COLUMNS = ("loan_id", "lender", "product", "currency", "strategy", "borrower_id", "name", "language", "mobile", "instalments")


@dataclass(frozen=True)
class Load:
    """How many payments, of how many loans, how fast, and how many in one request."""

    payments: int
    per_second: int
    loans: int
    batch: int

    @property
    def of_each(self) -> int:
        return self.payments // self.loans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=2000)
    parser.add_argument("--per-second", type=int, default=100)
    parser.add_argument("--loans", type=int, default=200)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--ledger", help="SQLAlchemy async URL of an empty database")
    given = parser.parse_args()
    load = Load(given.payments // given.loans * given.loans, given.per_second, given.loans, given.batch)
    with tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder:
        settings = prepared(Path(folder), load, given.ledger)
        complete = asyncio.run(measure(settings, Path(folder), load))
    sys.stdout.flush()
    os._exit(0 if complete else 1)  # the SDK's runtime does not always end by itself


def prepared(folder: Path, load: Load, ledger_url: str | None) -> Settings:
    """The settings of an installation that holds the loans, each with one instalment that fell due yesterday."""
    given: dict[str, Any] = {"data_dir": folder} | ({"ledger_url": ledger_url} if ledger_url else {})
    if ledger_url:
        os.environ["ARREARS_LEDGER_URL"] = ledger_url
    due = (datetime.now(UTC) - timedelta(days=2)).date()
    rows = [f"L-{n},Example,instalment,CNY,fenqile,B-{n},测试,zh-CN,+86130{n:08},{due}:{load.of_each}.00" for n in range(load.loans)]
    book = folder / "book.csv"
    book.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    if arrears(["db", "upgrade", "--data-dir", str(folder)]) != 0 or arrears(["import", str(book), "--data-dir", str(folder)]) != 0:
        raise SystemExit("the loans could not be imported")
    return Settings(api=ApiSettings(calls_per_minute=10**6), **given)


async def measure(settings: Settings, folder: Path, load: Load) -> bool:
    quiet = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=quiet)))
    plan = ServerPlan(folder / "temporal.db", free_port(), free_port())
    ledger = Ledger(settings.ledger_url, open_vault(settings))
    async with ledger.session() as session:
        token = await access.add_client(session, "bench", "bench", frozenset(Action), datetime.now(UTC))
    async with AsyncExitStack() as running:
        running.push_async_callback(ledger.close)
        server = await started(plan)
        client = await connect(address=plan.address, within=timedelta(seconds=30))
        await register_search_attributes(client)
        gateways = await running.enter_async_context(Gateways(settings))
        await running.enter_async_context(collections_worker(client, Activities(ledger, gateways, settings).all()))
        port = await running.enter_async_context(serving(create_app(ledger, Connection(plan.address), settings), 0, log_level="critical"))
        api = await running.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", headers={"authorization": f"Bearer {token}"}, timeout=60)
        )
        await opened(api, ledger, load)
        server.kill()
        await server.wait()
        print("Temporal is killed")
        await paid(api, load)
        server = await started(plan)
        back = time.perf_counter()
        print("Temporal is started again")
        complete = await reached(ledger, load, back)
        server.kill()
        await server.wait()
    return complete


async def started(plan: ServerPlan) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(*server_command(plan), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)


async def opened(api: httpx.AsyncClient, ledger: Ledger, load: Load) -> None:
    begun = time.perf_counter()
    for start in range(0, load.loans, 1000):
        missed = [{"loan_id": f"L-{n}"} for n in range(start, min(start + 1000, load.loans))]
        answer = await api.post("/missed-payments/batch", json={"missed_payments": missed})
        assert answer.json()["refused"] == 0, answer.text
    await until(lambda: count(ledger, select(func.count()).select_from(CaseRow)), load.loans)
    print(f"{load.loans} cases opened in {time.perf_counter() - begun:.1f} s")


async def paid(api: httpx.AsyncClient, load: Load) -> None:
    """Report the payments at the pace that is asked for, whether or not the ones before were answered."""
    now = datetime.now(UTC).isoformat()
    bodies = [
        {"loan_id": f"L-{n % load.loans}", "payment_id": f"P-{n}", "amount": "1.00", "currency": "CNY", "received_at": now}
        for n in range(load.payments)
    ]
    requests = [bodies[n : n + load.batch] for n in range(0, len(bodies), load.batch)]
    took: list[float] = []
    again = 0

    async def tell(some: list[dict[str, Any]]) -> None:
        nonlocal again
        begun = time.perf_counter()
        while True:
            try:
                if load.batch == 1:
                    answer = await api.post("/payments", json=some[0])
                    taken = answer.status_code == 202
                else:
                    answer = await api.post("/payments/batch", json={"payments": some})
                    taken = answer.status_code == 200 and answer.json()["refused"] == 0
            except httpx.TransportError:
                taken = False
            if taken:
                took.append(time.perf_counter() - begun)
                return
            again += 1
            await asyncio.sleep(0.5)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as telling:
        for n, some in enumerate(requests):
            await asyncio.sleep(max(0.0, begun + n * load.batch / load.per_second - time.perf_counter()))
            telling.create_task(tell(some))
    seconds = time.perf_counter() - begun
    cuts = statistics.quantiles(took, n=100) if len(took) > 1 else took * 99
    print(
        f"{load.payments} payments in {len(requests)} requests taken in {seconds:.1f} s ({load.payments / seconds:.0f}/s, asked for {load.per_second}/s); "
        f"answered within {cuts[49] * 1000:.0f} ms (half), {cuts[94] * 1000:.0f} ms (95%), {cuts[98] * 1000:.0f} ms (99%); {again} sent again"
    )


async def reached(ledger: Ledger, load: Load, back: float) -> bool:
    """Whether everything arrived; says when what did."""
    steps: list[tuple[str, Callable[[], Awaitable[int]], int]] = [
        ("payments stand in the ledger", lambda: count(ledger, select(func.count()).select_from(PaymentRow)), load.payments),
        ("messages were delivered", lambda: count(ledger, _delivered()), load.payments),
        ("payments were counted by their cases", lambda: count(ledger, _counted()), load.payments),
        ("cases closed as cured", lambda: count(ledger, _cured()), load.loans),
    ]
    complete = True
    for says, asked, wanted in steps:
        found = await until(asked, wanted)
        complete &= found == wanted
        print(f"{found} of {wanted} {says}, {time.perf_counter() - back:.1f} s after Temporal was started again")
    return complete


def _delivered() -> Any:
    return (
        select(func.count()).select_from(RelayRow).where(col(RelayRow.delivered_at).is_not(None), col(RelayRow.name) == "payment_received")
    )


def _counted() -> Any:
    return select(func.count()).select_from(CaseEventRow).where(col(CaseEventRow.kind) == "payment_received")


def _cured() -> Any:
    return select(func.count()).select_from(CaseRow).where(col(CaseRow.outcome) == CaseOutcome.CURED)


async def count(ledger: Ledger, asked: Any) -> int:
    async with ledger.reading() as session:
        return (await session.exec(asked)).one()


async def until(asked: Callable[[], Awaitable[int]], wanted: int, patience: float = 300) -> int:
    """Ask until there are so many, but not for ever; how many there are."""
    end = time.monotonic() + patience
    while (found := await asked()) != wanted and time.monotonic() < end:  # noqa: ASYNC110 (it happens elsewhere)
        await asyncio.sleep(0.2)
    return found


if __name__ == "__main__":
    main()
