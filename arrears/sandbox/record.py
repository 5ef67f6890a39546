"""What really left, what was paid and what is still to be reported: an SQLite file that survives ``kill -9``.

Everything is committed before anybody is answered. The calls are short and local, so they are made without leaving the event loop.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from arrears.config.settings import GatewayName
from arrears.domain.loan import Payment
from arrears.domain.outcome import Outcome
from arrears.gateways.contract import Party, Receipt
from arrears.sandbox.temperament import Resident, Spoken, Whom

_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    key TEXT PRIMARY KEY, gateway TEXT NOT NULL, loan_id TEXT, whom TEXT, sent_to TEXT, requested_at TEXT NOT NULL, outcome TEXT, ended_at TEXT,
    ends_at REAL NOT NULL, gateway_ref TEXT NOT NULL, requests INTEGER NOT NULL, sends INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_of_loan ON orders (loan_id, gateway);
CREATE TABLE IF NOT EXISTS payments (
    payment_id TEXT PRIMARY KEY, loan_id TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL, received_at TEXT NOT NULL, value_date TEXT);
CREATE TABLE IF NOT EXISTS reports (
    n INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL, gateway TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL,
    due_at REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'waiting', answer TEXT);
CREATE INDEX IF NOT EXISTS reports_waiting ON reports (due_at) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS events (
    message_id TEXT PRIMARY KEY, kind TEXT NOT NULL, loan_id TEXT NOT NULL, body TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS residents (loan_id TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class Order(_Row):
    """An order that the world took: ``sends`` is how often something really left for it, ``requests`` how often it was asked to.

    Email has no idempotency, so there a second request is a second letter; everywhere else ``sends`` stays 1. ``ended_at`` is business time,
    ``ends_at`` the real time (seconds of the epoch) from which the outcome is told. ``body`` is the order as it arrived.
    """

    key: str
    gateway: GatewayName
    loan_id: str | None
    whom: Whom | None
    sent_to: str | None = Field(default=None, repr=False)
    requested_at: AwareDatetime
    outcome: Outcome | None
    ended_at: AwareDatetime | None
    ends_at: float
    gateway_ref: str
    requests: int = 1
    sends: int = 1
    body: str = Field(repr=False)


class LoanPayment(_Row):
    """A payment as the loan system booked it."""

    loan_id: str
    payment: Payment


class Report(_Row):
    """A signed message to Arrears that is to be delivered, was delivered, or was refused for good."""

    n: int
    message_id: str
    gateway: GatewayName
    url: str
    body: str = Field(repr=False)
    due_at: float
    tries: int
    state: str
    answer: str | None


class HeardEvent(_Row):
    """An event that Arrears told the loan system, as it arrived first; ``times`` is how often it was told."""

    message_id: str
    kind: str
    loan_id: str
    body: dict[str, Any]
    times: int


class Record:
    """The record on file. One process writes it at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def at_once(self) -> Generator[None]:
        """All that is written inside is written, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def order(self, key: str) -> Order | None:
        return next(iter(self._orders("WHERE key = ?", key)), None)

    def orders(self, loan_id: str | None = None) -> tuple[Order, ...]:
        """All orders, or those of one loan, in the order in which they first came."""
        return self._orders("ORDER BY rowid") if loan_id is None else self._orders("WHERE loan_id = ? ORDER BY rowid", loan_id)

    def agencies(self) -> tuple[str, ...]:
        """The agencies that have cases, each once."""
        found = self._db.execute(
            "SELECT DISTINCT json_extract(body, '$.agency') FROM orders WHERE gateway = 'agency' AND json_extract(body, '$.recalls') IS NULL "
            "AND key NOT IN (SELECT json_extract(body, '$.recalls') FROM orders WHERE json_extract(body, '$.recalls') IS NOT NULL)"
        )
        return tuple(sorted(agency for (agency,) in found if agency))

    def add_order(self, order: Order) -> None:
        fields = order.model_dump(mode="json")
        self._db.execute(f"INSERT INTO orders ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})", tuple(fields.values()))  # noqa: S608

    def asked_again(self, key: str, *, sent_again: bool) -> None:
        """The order came once more; whether something left for it once more."""
        self._db.execute("UPDATE orders SET requests = requests + 1, sends = sends + ? WHERE key = ?", (int(sent_again), key))

    def spoken(self, loan_id: str) -> tuple[Spoken, ...]:
        """The calls to a loan's borrower and relatives, oldest first."""
        calls = self._orders("WHERE loan_id = ? AND gateway = 'voice' ORDER BY rowid", loan_id)
        return tuple(Spoken(whom=c.whom, outcome=c.outcome, at=c.ended_at) for c in calls if c.whom and c.outcome and c.ended_at)

    def pay(self, paid: LoanPayment) -> bool:
        """Book a payment; ``False`` if that payment is booked already."""
        fields = paid.payment.model_dump(mode="json")
        values = (fields["payment_id"], paid.loan_id, fields["amount"], fields["currency"], fields["received_at"], fields["value_date"])
        return self._db.execute("INSERT OR IGNORE INTO payments VALUES (?, ?, ?, ?, ?, ?)", values).rowcount == 1

    def payments(self, loan_id: str | None = None) -> tuple[LoanPayment, ...]:
        """All payments, or one loan's, as they were booked."""
        rows = self._db.execute("SELECT * FROM payments WHERE ? IS NULL OR loan_id = ? ORDER BY rowid", (loan_id, loan_id))
        return tuple(LoanPayment(loan_id=row["loan_id"], payment=Payment.model_validate(dict(row))) for row in rows)

    def paid(self, loan_id: str) -> Decimal:
        return sum((p.payment.amount for p in self.payments(loan_id)), Decimal(0))

    def add_report(self, message_id: str, gateway: GatewayName, url: str, body: str, due_at: float) -> None:
        self._db.execute(
            "INSERT INTO reports (message_id, gateway, url, body, due_at) VALUES (?, ?, ?, ?, ?)", (message_id, gateway, url, body, due_at)
        )

    def reports(self, *, due_before: float | None = None) -> tuple[Report, ...]:
        """All reports, or those that are waiting and due before a real instant (seconds of the epoch)."""
        if due_before is None:
            rows = self._db.execute("SELECT * FROM reports ORDER BY n")
        else:
            rows = self._db.execute(
                "SELECT * FROM reports WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, n LIMIT 64", (due_before,)
            )
        return tuple(Report.model_validate(dict(row)) for row in rows)

    def next_report_due(self) -> float | None:
        """When the next waiting report is due, if any waits."""
        return self._db.execute("SELECT min(due_at) FROM reports WHERE state = 'waiting'").fetchone()[0]

    def report_told(self, n: int, state: Literal["delivered", "refused"], answer: str) -> None:
        self._db.execute("UPDATE reports SET state = ?, answer = ?, tries = tries + 1 WHERE n = ?", (state, answer, n))

    def report_again(self, n: int, due_at: float, answer: str) -> None:
        self._db.execute("UPDATE reports SET due_at = ?, answer = ?, tries = tries + 1 WHERE n = ?", (due_at, answer, n))

    def hear(self, message_id: str, kind: str, loan_id: str, body: str) -> None:
        """The loan system was told an event; one that it knows is only counted."""
        self._db.execute(
            "INSERT INTO events (message_id, kind, loan_id, body) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET times = times + 1",
            (message_id, kind, loan_id, body),
        )

    def events(self, loan_id: str | None = None) -> tuple[HeardEvent, ...]:
        """What the loan system was told, of all loans or of one, in the order in which it first came."""
        rows = self._db.execute("SELECT * FROM events WHERE ? IS NULL OR loan_id = ? ORDER BY rowid", (loan_id, loan_id))
        return tuple(HeardEvent.model_validate({**row, "body": json.loads(row["body"])}) for row in map(dict, rows))

    def settle_in(self, residents: Iterable[Resident]) -> None:
        """Residents of the world; one that is known already is replaced."""
        self._db.executemany("INSERT OR REPLACE INTO residents VALUES (?, ?)", [(r.loan_id, r.model_dump_json()) for r in residents])

    def residents(self) -> tuple[Resident, ...]:
        return tuple(Resident.model_validate_json(row["body"]) for row in self._db.execute("SELECT body FROM residents ORDER BY loan_id"))

    def _orders(self, where: str, *values: str) -> tuple[Order, ...]:
        return tuple(Order.model_validate(dict(row)) for row in self._db.execute(f"SELECT * FROM orders {where}", values))  # noqa: S608


def receipt(order: Order) -> Receipt:
    """What the gateway says of an order now."""
    over = order.outcome is not None and time.time() >= order.ends_at
    return Receipt(
        status="final" if over else "accepted",
        outcome=order.outcome if over else None,
        gateway_ref=order.gateway_ref,
        at=order.ended_at if over else None,
    )


def party(order: Order) -> Party:
    """Who was on the line."""
    if order.whom == "relative":
        return "relative"
    return "someone_else" if order.outcome is Outcome.SOMEONE_ELSE else "borrower"
