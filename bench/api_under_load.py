"""What an installation bears: hundreds of callers report payments to a real `arrears up` while Temporal is killed, and the API too in the middle.

    python bench/api_under_load.py [--clients 200] [--payments 3000] [--loans 200] [--ledger URL] [--no-kill]

Everything is a process of its own: Temporal, `arrears up` with its API and worker, and the callers here, each on one connection that stays open. Every
second request brings ten payments, every request carries an idempotency key and is sent again with it until it is answered, one in twenty is sent once more
after that. Temporal is killed before the first payment and comes back after the last; the API is killed (SIGKILL) after a third of them.

Said in the end: how long answers took, every status, what the processes took of memory and CPU. The exit code is 1 if a payment is missing or stands twice,
if a case heard its payments in another order than they were taken, if anything was tried after a loan was paid, if the same key got two answers, or if an
answer was 500 or a 503 without ``Retry-After``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import resource
import signal
import ssl
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func
from sqlmodel import col, select

from arrears.cli.main import run as arrears
from arrears.config.settings import Settings
from arrears.domain.access import Action
from arrears.ledger import access
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.ledger.tables import AttemptRow, CaseEventRow, CaseOutcome, CaseRow, PaymentRow, RelayRow
from arrears.workers.server import ServerPlan, free_port, server_command

COLUMNS = ("loan_id", "lender", "product", "currency", "strategy", "borrower_id", "name", "language", "mobile", "instalments")
IN_A_BATCH = 10
ONCE_MORE = 20
PATIENCE = 600.0
TLS = ssl.create_default_context()
"""One for all callers: it is not used, but making one takes a client longer than a hundred calls."""


@dataclass
class Seen:
    """What the callers saw."""

    took: dict[str, list[float]] = field(default_factory=lambda: {"one": [], "batch": []})
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """How many callers report how many payments of how many loans; ``kill``: whether the API is killed in the middle."""

    clients: int
    payments: int
    loans: int
    kill: bool

    @property
    def of_each(self) -> int:
        return self.payments // self.loans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--payments", type=int, default=3000)
    parser.add_argument("--loans", type=int, default=200)
    parser.add_argument("--ledger", help="SQLAlchemy async URL of an empty database")
    parser.add_argument("--no-kill", action="store_true", help="leave the API alone")
    given = parser.parse_args()
    plan = Plan(given.clients, given.payments // given.loans * given.loans, given.loans, not given.no_kill)
    if given.ledger:
        os.environ["ARREARS_LEDGER_URL"] = given.ledger
    os.environ |= {"ARREARS_API_CALLS_PER_MINUTE": "1000000", "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryDirectory(prefix="arrears-load-") as folder:
        prepare(Path(folder), plan)
        right = asyncio.run(measure(Path(folder), plan))
    sys.stdout.flush()
    os._exit(0 if right else 1)


async def measure(folder: Path, plan: Plan) -> bool:
    settings = Settings(data_dir=folder, **({"ledger_url": os.environ["ARREARS_LEDGER_URL"]} if "ARREARS_LEDGER_URL" in os.environ else {}))
    ledger = Ledger(settings.ledger_url, open_vault(settings))
    async with ledger.session() as session:
        token = await access.add_client(session, "bench", "bench", frozenset(Action), datetime.now(UTC))
    temporal = ServerPlan(folder / "temporal.db", free_port(), free_port())
    os.environ["TEMPORAL_ADDRESS"] = temporal.address
    server = await started(*server_command(temporal))
    house = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "arrears.cli.main", "up", "--json", "--data-dir", str(folder), "--api-port", str(free_port())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        api = await where(house)
        headers = {"authorization": f"Bearer {token}"}
        await opened(api, headers, ledger, plan)
        server.kill()
        await server.wait()
        say("Temporal is killed")
        seen = await reported(api, headers, plan, house)
        told(seen)
        usage(house)
        server = await started(*server_command(temporal))
        back = time.perf_counter()
        say("Temporal is started again")
        return await reached(ledger, plan, back) and await in_order(ledger) and not seen.wrong
    finally:
        usage(house)
        house.send_signal(signal.SIGTERM)
        await house.wait()
        if server.returncode is None:
            server.kill()
        await server.wait()
        complaints(folder)
        await ledger.close()


def say(text: str) -> None:
    print(text, flush=True)


def prepare(folder: Path, plan: Plan) -> None:
    """A ledger with the loans, each with one instalment that fell due the day before yesterday and that its payments pay exactly."""
    due = (datetime.now(UTC) - timedelta(days=2)).date()
    rows = [f"L-{n},Example,instalment,CNY,fenqile,B-{n},测试,zh-CN,+86130{n:08},{due}:{plan.of_each}.00" for n in range(plan.loans)]
    book = folder / "book.csv"
    book.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    if arrears(["db", "upgrade", "--data-dir", str(folder)]) != 0 or arrears(["import", str(book), "--data-dir", str(folder)]) != 0:
        raise SystemExit("the loans could not be imported")


async def started(*command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)


async def where(house: asyncio.subprocess.Process) -> str:
    """The API's address, once everything runs."""
    assert house.stdout is not None
    text = b""
    while True:
        line = await house.stdout.readline()
        if not line:
            raise SystemExit("arrears up did not start")
        text += line
        try:
            return json.loads(text)["api"]
        except json.JSONDecodeError:
            continue


async def opened(api: str, headers: dict[str, str], ledger: Ledger, plan: Plan) -> None:
    begun = time.perf_counter()
    async with httpx.AsyncClient(base_url=api, headers=headers, timeout=120) as client:
        missed = [{"loan_id": f"L-{n}"} for n in range(plan.loans)]
        for first in range(0, len(missed), 1000):
            answer = await client.post("/v1/missed-payments/batch", json={"missed_payments": missed[first : first + 1000]})
            assert answer.json()["refused"] == 0, answer.text
    await until(lambda: count(ledger, select(func.count()).select_from(CaseRow)), plan.loans)
    say(f"{plan.loans} cases opened in {time.perf_counter() - begun:.1f} s")


async def reported(api: str, headers: dict[str, str], plan: Plan, house: asyncio.subprocess.Process) -> Seen:
    """Report every payment; the callers take the next piece of work as soon as they are answered."""
    now = datetime.now(UTC).isoformat()
    bodies = [
        {"loan_id": f"L-{n % plan.loans}", "payment_id": f"P-{n}", "amount": "1.00", "currency": "CNY", "received_at": now}
        for n in range(plan.payments)
    ]
    work = iter(enumerate(_pieces(bodies)))
    seen, taken, killed = Seen(), 0, not plan.kill
    begun = time.perf_counter()

    async def calls() -> None:
        nonlocal taken, killed
        async with httpx.AsyncClient(
            base_url=api, headers=headers, timeout=90, verify=TLS, limits=httpx.Limits(max_connections=1)
        ) as client:
            for n, some in work:
                await _answered(client, n, some, seen)
                taken += len(some)
                if not killed and taken >= plan.payments / 3:
                    killed = True
                    for pid in processes(house, "api"):
                        os.kill(pid, signal.SIGKILL)
                    say(f"the API is killed, {time.perf_counter() - begun:.1f} s after the first call")

    async with asyncio.TaskGroup() as calling:
        for _ in range(plan.clients):
            calling.create_task(calls())
    seconds = time.perf_counter() - begun
    say(f"{plan.payments} payments of {plan.clients} callers taken in {seconds:.1f} s ({plan.payments / seconds:.0f}/s)")
    return seen


def _pieces(bodies: Sequence[dict[str, Any]]) -> list[Sequence[dict[str, Any]]]:
    """One alone, ten together, in turn."""
    pieces: list[Sequence[dict[str, Any]]] = []
    at = 0
    for size in itertools.cycle((1, IN_A_BATCH)):
        if at >= len(bodies):
            return pieces
        pieces.append(bodies[at : at + size])
        at += size
    return pieces


async def _answered(client: httpx.AsyncClient, n: int, some: Sequence[dict[str, Any]], seen: Seen) -> None:
    """Send it until it is taken, each time under the same key; now and then once more."""
    kind = "one" if len(some) == 1 else "batch"
    path, body = ("/v1/payments", some[0]) if kind == "one" else ("/v1/payments/batch", {"payments": list(some)})
    headers = {"idempotency-key": f"key-{n}"}
    begun = time.perf_counter()
    while True:
        try:
            answer = await client.post(path, json=body, headers=headers)
        except httpx.TransportError as lost:
            seen.statuses[type(lost).__name__] += 1
            await asyncio.sleep(0.5)
            continue
        seen.statuses[str(answer.status_code)] += 1
        if answer.is_success:
            break
        again = answer.headers.get("retry-after")
        problem = answer.headers.get("content-type") == "application/problem+json"
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and not (
            answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and again and problem
        ):
            seen.wrong.append(f"{answer.status_code}: {answer.text[:200]}")
        await asyncio.sleep(float(again or 0.5))
    seen.took[kind].append(time.perf_counter() - begun)
    if kind == "batch" and answer.json()["refused"]:
        seen.wrong.append(f"a batch was refused: {answer.text[:200]}")
    if n % ONCE_MORE == 0:
        same = await _told_again(client, path, body, headers)
        if same.is_success and same.content != answer.content:
            seen.wrong.append(f"the key of request {n} got two answers")


async def _told_again(client: httpx.AsyncClient, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
    while True:
        try:
            return await client.post(path, json=body, headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(0.5)


def told(seen: Seen) -> None:
    for kind, took in seen.took.items():
        cuts = statistics.quantiles(took, n=100) if len(took) > 1 else took * 99
        say(
            f"{kind:6} {len(took):6} answered within {cuts[49] * 1000:.0f} ms (half), {cuts[94] * 1000:.0f} ms (95%), {cuts[98] * 1000:.0f} ms (99%), "
            f"{max(took) * 1000:.0f} ms (all)"
        )
    say(f"answers: {dict(sorted(seen.statuses.items()))}")
    for wrong, times in Counter(seen.wrong).most_common(5):
        say(f"WRONG {times} times: {wrong}")


def processes(house: asyncio.subprocess.Process, command: str) -> list[int]:
    """The children of `arrears up` that run this command of ours."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if parent == house.pid and command in words:
            found.append(int(entry.name))
    return found


def usage(house: asyncio.subprocess.Process) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    parts: list[str] = []
    for name in ("api", "worker"):
        for pid in processes(house, name):
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            cpu = (int(stat[11]) + int(stat[12])) / ticks
            parts.append(f"{name} {int(status['VmHWM'].split()[0]) / 1024:.0f} MB at most, {cpu:.1f} s of CPU")
    mine = resource.getrusage(resource.RUSAGE_SELF)
    say(f"processes: {'; '.join(parts)}; the callers {mine.ru_utime + mine.ru_stime:.1f} s of CPU; load {os.getloadavg()[0]:.1f}")


async def reached(ledger: Ledger, plan: Plan, back: float) -> bool:
    """Whether everything arrived; says when what did."""
    steps: list[tuple[str, Callable[[], Awaitable[int]], int]] = [
        ("payments stand in the ledger", lambda: count(ledger, select(func.count()).select_from(PaymentRow)), plan.payments),
        ("messages were delivered", lambda: count(ledger, _delivered()), plan.payments),
        ("payments were counted by their cases", lambda: counted(ledger), plan.payments),
        ("cases closed as cured", lambda: count(ledger, _cured()), plan.loans),
    ]
    complete = True
    for says, asked, wanted in steps:
        found = await until(asked, wanted)
        complete &= found == wanted
        say(f"{found} of {wanted} {says}, {time.perf_counter() - back:.1f} s after Temporal was started again")
    return complete


async def counted(ledger: Ledger) -> int:
    """How many payments the cases count: those that they found in the ledger when they opened, and those that they were told since."""
    async with ledger.reading() as session:
        found = {payment for row in await session.exec(select(CaseRow)) for payment in row.payments_counted}
        told_of = (await session.exec(_heard())).all()
    return len(found | {row.body["payment"]["payment_id"] for row in told_of})


async def in_order(ledger: Ledger) -> bool:
    """Whether every case heard its payments in the order in which they were taken, and nothing was tried after the last of a loan."""
    left = select(RelayRow).where(col(RelayRow.name) == "payment_received").order_by(col(RelayRow.id))
    latest = select(PaymentRow.loan_id, func.max(PaymentRow.recorded_at)).group_by(col(PaymentRow.loan_id))
    taken: dict[str, list[str]] = {}
    async with ledger.reading() as session:
        for row in await session.exec(left):
            taken.setdefault(row.loan_id, []).append(row.body["payment_id"])
        last = dict((await session.exec(latest)).all())
        # Several may be heard at the same instant, and are written down side by side.
        heard_at = {row.body["payment"]["payment_id"]: row.at for row in await session.exec(_heard())}
        tried = (await session.exec(select(AttemptRow))).all()
    mixed: list[str] = []
    for loan, payments in taken.items():
        instants = [heard_at[payment] for payment in payments if payment in heard_at]
        if instants != sorted(instants):
            mixed.append(loan)
    late = [row.id for row in tried if row.reserved_at > last[row.loan_id]]
    say(
        f"{len(taken) - len(mixed)} of {len(taken)} cases heard their payments in order; {len(late)} contacts were tried after the last payment"
    )
    return not mixed and not late


def _heard() -> Any:
    return select(CaseEventRow).where(col(CaseEventRow.kind) == "payment_received")


def complaints(folder: Path) -> None:
    """What the processes complained of in their logs."""
    for name in ("api", "worker"):
        log = folder / "logs" / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        locked = sum("database is locked" in line for line in lines)
        traces = sum(line.startswith("Traceback") for line in lines)
        say(f"{name}.log: {len(lines)} lines, {traces} tracebacks, 'database is locked' {locked} times")
        ends = (
            line.partition(":")[0]
            for line in lines
            if line and line[0].isalpha() and line.partition(":")[0].endswith(("Error", "Busy", "Failed"))
        )
        for what, times in Counter(ends).most_common(4):
            say(f"    {times} times {what}")


def _delivered() -> Any:
    return (
        select(func.count()).select_from(RelayRow).where(col(RelayRow.delivered_at).is_not(None), col(RelayRow.name) == "payment_received")
    )


def _cured() -> Any:
    return select(func.count()).select_from(CaseRow).where(col(CaseRow.outcome) == CaseOutcome.CURED)


async def count(ledger: Ledger, asked: Any) -> int:
    async with ledger.reading() as session:
        return (await session.exec(asked)).one()


async def until(asked: Callable[[], Awaitable[int]], wanted: int) -> int:
    """Ask until there are so many, but not for ever; how many there are."""
    end = time.monotonic() + PATIENCE
    while (found := await asked()) != wanted and time.monotonic() < end:  # noqa: ASYNC110 (it happens elsewhere)
        await asyncio.sleep(0.25)
    return found


if __name__ == "__main__":
    main()
