"""Rows written past everything that guards a ledger, by plain SQL: what the checker is there to find."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg

from tests.prove.scenes import DIGEST, TEXT, at

OPENED = "2026-11-02 06:00"
HASH = "a" * 64
_FILLING: dict[str, Any] = {
    "INTEGER": 0, "BIGINT": 0, "BOOLEAN": False, "BLOB": b"\0" * 32, "BYTEA": b"\0" * 32, "DATETIME": at(OPENED), "JSON": {},
    "TIMESTAMP WITH TIME ZONE": at(OPENED),
}  # fmt: skip


def plain(field: str, owners: tuple[str, ...], sealed: bytes) -> str | None:
    """Opens what these tests write unsealed."""
    return sealed.decode()


class RawLedger:
    """A ledger's tables. Close it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._shapes: dict[str, dict[str, tuple[str, bool]]] = {}
        self._runner = asyncio.Runner()
        if self.on_sqlite:
            self._connection: Any = sqlite3.connect(url.partition(":///")[2], isolation_level=None)
        else:
            self._connection = self._runner.run(asyncpg.connect(url.replace("+asyncpg", "")))

    @property
    def on_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def run(self, sql: str, *values: Any) -> list[Any]:
        """One statement; ``?`` stands for a value."""
        if self.on_sqlite:
            return self._connection.execute(sql, [_for_sqlite(value) for value in values]).fetchall()
        for n in range(1, len(values) + 1):
            sql = sql.replace("?", f"${n}", 1)
        return self._runner.run(self._connection.fetch(sql, *map(_for_postgres, values)))

    def close(self) -> None:
        if self.on_sqlite:
            self._connection.close()
        else:
            self._runner.run(self._connection.close())
        self._runner.close()

    def add(self, table: str, **row: Any) -> None:
        """A row; columns that must have a value and are not given get one that means nothing."""
        shape = self._shape(table)
        filled = {name: _FILLING.get(kind, "x") for name, (kind, needed) in shape.items() if needed and name not in row} | row
        filled = {name: _bytes(value) if shape[name][0] in ("BLOB", "BYTEA") else value for name, value in filled.items() if name in shape}
        marks = ", ".join("?" * len(filled))
        self.run(f"INSERT INTO {table} ({', '.join(filled)}) VALUES ({marks})", *filled.values())

    def _shape(self, table: str) -> dict[str, tuple[str, bool]]:
        """The table's columns: their type, and whether a row needs a value of them."""
        if table not in self._shapes:
            if self.on_sqlite:
                info = self.run(f"PRAGMA table_info({table})")
                self._shapes[table] = {r[1]: (r[2], bool(r[3]) and not (r[5] and r[1] == "id")) for r in info}
            else:
                info = self.run(
                    "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = ?", table
                )
                self._shapes[table] = {r[0]: (r[1].upper(), r[2] == "NO" and r[3] is None) for r in info}
        return self._shapes[table]


def _bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _for_sqlite(value: Any) -> Any:
    match value:
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:.4f}"
        case dict() | list():
            return json.dumps(value)
        case _:
            return value


def _for_postgres(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def settle_in(ledger: RawLedger, borrower: str = "B", loan: str = "L", first_point: int = 1) -> None:
    """A borrower with an overdue loan and an open case, and a sister who was named beside it."""
    sister = f"{borrower}-sister"
    for n, person in enumerate((borrower, sister)):
        ledger.add("persons", id=person, zone="Asia/Shanghai", language="en", residence="CN", birth_date="1990-01-01")
        basis = "contract" if person == borrower else "consent"
        ledger.add(
            "contact_points", id=first_point + n, person_id=person, kind="mobile", line="registered", source="application", legal_basis=basis,
            address=f"+861300000000{n}", address_mark=hashlib.sha256(person.encode()).digest(),
        )  # fmt: skip
    ledger.add("loans", id=loan, borrower_id=borrower, lender="Example", product="cash-loan", currency="CNY", strategy="gentle")
    ledger.add("instalments", loan_id=loan, n=1, due_on=date(2026, 11, 1), principal=Decimal(500), interest=Decimal(0), fees=Decimal(0))
    ledger.add("relations", loan_id=loan, person_id=sister, role="emergency")
    ledger.add(
        "cases", id=f"{loan}.1", loan_id=loan, cycle=1, run_key=loan, strategy="gentle", strategy_version=1, strategy_hash=HASH,
        payments_counted=[], opened_at=at(OPENED),
    )  # fmt: skip


def contact(
    ledger: RawLedger, key: str, when: str, channel: str = "sms", *, loan: str = "L", person: str = "B", point: int = 1, **more: Any
) -> None:
    """A contact that left at a local time, with its slot and its verdict."""
    moment = at(when)
    others = person != "B"
    given: dict[str, Any] = {
        "purpose": "relay" if others else "collect",
        "klass": "locate_only" if others else "collect",
        "outcome": "no_answer" if channel == "call" else "delivered",
        "approval_id": None,
    }
    given |= more
    ledger.add(
        "attempts", id=key, case_id=f"{loan}.1", loan_id=loan, person_id=person, contact_point_id=point, channel=channel, message="gentle",
        content_hash=DIGEST, locale="en", state="settled", reserved_at=moment, sent_at=moment, settled_at=moment, text=TEXT, artificial_voice=False,
        **given,
    )  # fmt: skip
    verdict(ledger, key, when, loan=loan, person=person, approval=given["approval_id"])


def verdict(ledger: RawLedger, key: str, when: str, *, loan: str = "L", person: str | None = "B", approval: str | None = None) -> None:
    ledger.add(
        "verdicts", attempt_id=key, case_id=f"{loan}.1", person_id=person, decided_at=at(when), verdict="allow", rules=[], observed=[],
        facts_hash=HASH, approval_id=approval, regimes=[{"name": "cn", "version": 2, "hash": HASH}], action="contact", regime="cn", regime_version=2,
    )  # fmt: skip


def approve(ledger: RawLedger, when: str, key: str = "A", *, loan: str = "L", person: str = "B-sister") -> None:
    """A supervisor's yes to a message for the sister, asked for two hours before."""
    ledger.add("operators", id="sue", name="Sue", role="supervisor", active=True)
    decided = at(when)
    ledger.add(
        "approvals", id=key, case_id=f"{loan}.1", step="sister", role="supervisor", purpose="relay", message="gentle", evidence={},
        requested_by="case", asked_at=decided.replace(hour=0), remind_at=decided, deadline=decided.replace(year=2027), state="approved",
        decided_by="sue", decided_at=decided,
    )  # fmt: skip
    ledger.add("approval_persons", approval_id=key, person_id=person, content_hash=DIGEST)
