"""How long the portfolio's figures take over a large ledger, on SQLite.

    python bench/figures.py [--cases 20000] [--verdicts 500000] [--ledger FILE]

Writes a ledger of that size by plain SQL (about a year of an invented lender, by a seed), reads the figures of the usual twelve weeks, of a year and of one
strategy, each as the page does, and says how long that took cold, again, and while they are kept. With ``--ledger`` the file stays, to be looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.figures import Asked, figures, read, usual

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
TODAY = date(2026, 11, 20)
STRATEGIES = ("fenqile", "huabei", "paipai")
CHANNELS = ("call", "call", "call", "sms", "sms", "email", "in_app", "letter")
CALLED = (
    "no_answer",
    "no_answer",
    "busy",
    "voicemail",
    "answered",
    "answered_willing",
    "answered_delaying",
    "answered_refusing",
    "invalid_number",
)
ENDINGS = ("cured",) * 14 + ("settled", "on_plan_completed", "on_plan_completed", "withdrawn", "sold", "written_off", "judgment")
REFUSALS = (
    ("allow", []),
    ("allow", []),
    ("allow", []),
    ("allow", []),
    ("defer", ["CN-01"]),
    ("defer", ["CN-02"]),
    ("deny", ["CN-16"]),
    ("deny", ["AR-04"]),
    ("deny", ["AR-01"]),
    ("needs_approval", ["AR-02"]),
    ("deny", ["AR-02", "CN-10", "CN-11"]),
    ("defer", ["CN-07"]),
    ("deny", ["CN-08"]),
)
_MAKES_UP: dict[str, Any] = {"INTEGER": 0, "BOOLEAN": 0, "BLOB": b"\0" * 48, "DATETIME": "2026-01-01 00:00:00.000000"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--verdicts", type=int, default=500_000)
    parser.add_argument("--ledger", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder:
        file = given.ledger or Path(folder) / "ledger.db"
        if not file.exists():
            asyncio.run(upgrade(f"sqlite+aiosqlite:///{file}"))
            print(f"{furnish(file, given.cases, given.verdicts):,} rows, {file.stat().st_size / 2**20:,.0f} MB")
        asyncio.run(measure(file))


async def measure(file: Path) -> None:
    ledger = Ledger(f"sqlite+aiosqlite:///{file}")
    twelve_weeks = usual(NOW, ZONE)
    of_one = twelve_weeks.model_copy(update={"strategy": STRATEGIES[0]})
    a_year = twelve_weeks.model_copy(update={"since": TODAY - timedelta(days=365)})
    for name, asked in (("twelve weeks", twelve_weeks), ("twelve weeks again", twelve_weeks), ("one strategy", of_one), ("a year", a_year)):
        took, _ = await _timed(ledger, asked)
        print(f"{name}: {took:.0f} ms")
    await figures(ledger, twelve_weeks, NOW)
    began = time.perf_counter()
    await figures(ledger, twelve_weeks, NOW)
    print(f"kept: {(time.perf_counter() - began) * 1000:.2f} ms")
    await ledger.close()


async def _timed(ledger: Ledger, asked: Asked) -> tuple[float, int]:
    began = time.perf_counter()
    async with ledger.reading() as session:
        found = await read(session, asked, NOW)
    return (time.perf_counter() - began) * 1000, found.verdicts


@dataclass
class Writer:
    """Rows by plain SQL: columns that are not given are made up where they may not be empty."""

    connection: sqlite3.Connection
    rows: int = 0
    shapes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        shape = self.shapes.setdefault(table, self._shape(table))
        given = list(rows)
        if not given:
            return
        names = [name for name in shape if any(name in row for row in given) or shape[name] is not None]
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self.connection.executemany(statement, ([row.get(name, shape[name]) for name in names] for row in given))
        self.rows += len(given)

    def _shape(self, table: str) -> dict[str, Any]:
        columns = self.connection.execute(f"PRAGMA table_info({table})").fetchall()
        return {name: _MAKES_UP.get(kind.split("(")[0], "x") if needed and not key else None for _, name, kind, needed, _, key in columns}


def furnish(file: Path, cases: int, verdicts: int, seed: int = 1) -> int:
    """Write the ledger; how many rows."""
    connection = sqlite3.connect(file)
    connection.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;"
    )
    writer = Writer(connection)
    chance = random.Random(seed)
    writer.write("operators", [{"id": "op-lin", "role": "supervisor", "active": 1}])
    for first in range(0, cases, 1000):
        _write_cases(writer, chance, range(first, min(first + 1000, cases)), verdicts / cases)
        connection.commit()
    connection.executescript("PRAGMA journal_mode = WAL; ANALYZE;")
    connection.close()
    return writer.rows


def _write_cases(writer: Writer, chance: random.Random, numbers: range, verdicts_each: float) -> None:
    found: dict[str, list[dict[str, Any]]] = {}
    for n in numbers:
        for table, row in _case(chance, n, verdicts_each):
            found.setdefault(table, []).append(row)
    for table, rows in found.items():
        writer.write(table, rows)


def _case(chance: random.Random, n: int, verdicts_each: float) -> Iterator[tuple[str, dict[str, Any]]]:
    loan, case, person = f"L-{n:05}", f"L-{n:05}.1", f"B-{n:05}"
    days = int(chance.expovariate(1 / 55)) + 1
    opened = NOW - timedelta(days=days, hours=chance.uniform(0, 20))
    closed = opened + timedelta(days=chance.uniform(1, 90)) if chance.random() < 0.7 else None
    closed = closed if closed is not None and closed < NOW else None
    strategy = chance.choice(STRATEGIES)
    currency = "CNY" if n % 40 else "USD"
    end = closed or NOW
    yield "persons", {"id": person, "zone": ZONE, "language": "zh-CN"}
    yield "loans", {"id": loan, "borrower_id": person, "currency": currency, "strategy": strategy, "product": "cash"}
    for k in range(6):
        yield (
            "instalments",
            {
                "loan_id": loan,
                "n": k + 1,
                "due_on": (opened.date() - timedelta(days=1) + timedelta(days=30 * k)).isoformat(),
                "principal": f"{chance.randint(200, 3000)}.0000",
                "interest": "12.3400",
                "fees": "0.0000",
            },
        )
    yield (
        "cases",
        {
            "id": case,
            "loan_id": loan,
            "cycle": 1,
            "run_key": case,
            "strategy": strategy,
            "strategy_version": 1,
            "strategy_hash": "a" * 64,
            "payments_counted": "[]",
            "opened_at": _at(opened),
            "closed_at": _at(closed),
            "outcome": chance.choice(ENDINGS) if closed else None,
        },
    )
    span = (end - opened).total_seconds()
    for k in range(round(verdicts_each)):
        at = opened + timedelta(seconds=chance.uniform(0, span))
        yield from _step(chance, case, loan, person, k, at)
    if chance.random() < 0.5:
        paid = {
            "payment_id": f"P-{n}",
            "loan_id": loan,
            "amount": f"{chance.randint(50, 900)}.0000",
            "currency": currency,
            "source": "loan_system",
        }
        yield "payments", paid | {"received_at": _at(opened + timedelta(seconds=chance.uniform(0, span)))}
    if chance.random() < 0.3:
        yield from _promise(chance, case, opened, span)
    if chance.random() < 0.1:
        yield "approvals", _approval(chance, case, NOW - timedelta(hours=chance.expovariate(1 / 200)))
    if chance.random() < 0.05:
        done = closed is not None or chance.random() < 0.5
        task = {
            "id": f"{case}/t",
            "case_id": case,
            "loan_id": loan,
            "step": "t",
            "kind": "investigation",
            "role": "collector",
            "opened_at": _at(opened),
        }
        yield "tasks", task | {"state": "done" if done else "open", "done_at": _at(end) if done else None}
    if days > 60 and chance.random() < 0.3:
        sent = {
            "id": f"{case}/r",
            "case_id": case,
            "loan_id": loan,
            "step": "r",
            "target": "agency",
            "agency": chance.choice(("anxin", "hengtong")),
        }
        until = opened + timedelta(days=150)
        yield "referrals", sent | {"state": "ended" if closed else "sent", "sent_at": _at(opened + timedelta(days=58)), "until": _at(until)}


def _step(chance: random.Random, case: str, loan: str, person: str, k: int, at: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    effect, rules = chance.choice(REFUSALS)
    attempt = f"{case}/step.{k}"
    observed = [
        {"rule": r, "effect": effect, "observed": "3 calls since midnight", "limit": "3", "source": "history", "facts": []} for r in rules
    ]
    yield (
        "verdicts",
        {
            "attempt_id": attempt,
            "case_id": case,
            "person_id": person,
            "decided_at": _at(at),
            "verdict": effect,
            "until": _at(at + timedelta(hours=9)) if effect == "defer" else None,
            "rules": json.dumps(rules),
            "observed": json.dumps(observed),
            "facts_hash": "b" * 64,
            "action": "contact",
            "regimes": json.dumps([{"name": "cn", "version": 2, "hash": "c" * 64}]),
            "clock": json.dumps({"real_epoch": "2026-01-01T00:00:00Z", "business_epoch": "2026-01-01T00:00:00Z", "day_seconds": 86400}),
        },
    )
    if effect == "allow":
        channel = chance.choice(CHANNELS)
        outcome = chance.choice(CALLED) if channel == "call" else chance.choice(("delivered", "delivered", "delivered", "bounced"))
        yield (
            "attempts",
            {
                "id": attempt,
                "case_id": case,
                "loan_id": loan,
                "person_id": person,
                "channel": channel,
                "purpose": "collect",
                "message": "first-call",
                "content_hash": "a" * 64,
                "locale": "zh-CN",
                "state": "settled",
                "outcome": outcome,
                "reserved_at": _at(at),
                "sent_at": _at(at),
                "settled_at": _at(at),
            },
        )


def _promise(chance: random.Random, case: str, opened: datetime, span: float) -> Iterator[tuple[str, dict[str, Any]]]:
    made = opened + timedelta(seconds=chance.uniform(0, span))
    due = (made + timedelta(days=5)).date().isoformat()
    said = {"amount": "100.00", "currency": "CNY", "due_on": due}
    yield (
        "case_events",
        {
            "case_id": case,
            "event_key": "made",
            "kind": "promise_made",
            "at": _at(made),
            "body": json.dumps({"kind": "promise_made", **said}),
        },
    )
    if made + timedelta(days=6) < NOW:
        judged = {"kind": "promise_judged", "amount": "100.00", "due_on": due, "kept": chance.random() < 0.6}
        at = _at(made + timedelta(days=6))
        yield "case_events", {"case_id": case, "event_key": "judged", "kind": "promise_judged", "at": at, "body": json.dumps(judged)}


def _approval(chance: random.Random, case: str, asked: datetime) -> dict[str, Any]:
    row = {
        "id": f"{case}/a",
        "case_id": case,
        "step": "relatives.1",
        "role": chance.choice(("supervisor", "supervisor", "risk_control")),
        "evidence": "{}",
        "requested_by": "case",
        "asked_at": _at(asked),
        "remind_at": _at(asked + timedelta(hours=24)),
        "deadline": _at(asked + timedelta(hours=72)),
    }
    took = chance.expovariate(1 / 9)
    if asked + timedelta(hours=took) < NOW and chance.random() < 0.9:
        state = chance.choice(("approved", "approved", "approved", "denied"))
        return row | {"state": state, "decided_by": "op-lin", "decided_at": _at(asked + timedelta(hours=took))}
    return row | {"state": "open" if asked + timedelta(hours=72) > NOW else "expired"}


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%Y-%m-%d %H:%M:%S.%f}"


if __name__ == "__main__":
    main()
