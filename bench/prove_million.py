"""How long the checker takes for a ledger of a million contacts, and how much memory.

    python bench/prove_million.py [--contacts 1000000] [--processes 2] [--ledger FILE]

Writes a ledger of that size by plain SQL (about 40 000 borrowers in China, the United States, the United Kingdom and India, every contact lawful), plants one
violation of a few kinds, lets ``arrears.prove`` judge it, and prints seconds, contacts a second, the peak of memory and what was found.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from arrears.ledger.engine import upgrade
from arrears.prove import judge, rows

ZONES = (
    *("Asia/Shanghai",) * 14,
    *("America/New_York", "America/Chicago", "America/Los_Angeles"),
    *("Europe/London", "Europe/London"),
    "Asia/Kolkata",
)
COUNTRIES = {"Asia": "CN", "America": "US", "Europe": "GB"}
FIRST = date(2026, 3, 1)
DAYS = 60
LENDER, STRATEGY = "Example", "gentle"
HASH = "a" * 64
TEXTS = [f"Example: a payment is due. Please call us back, reference {n}. Reply STOP to end these messages." for n in range(50)]
HASHES = [hashlib.sha256(text.encode()).hexdigest() for text in TEXTS]
SILENT = "Please ask your friend to call Example back. Reply STOP to end these messages."
SILENT_HASH = hashlib.sha256(SILENT.encode()).hexdigest()
_ONE_TEXT = "(SELECT id FROM attempts WHERE channel = 'sms' AND purpose = 'collect' ORDER BY id LIMIT 1 OFFSET {})"
_ONE_MESSAGE = "(SELECT approval_id FROM attempts WHERE approval_id IS NOT NULL ORDER BY id LIMIT 1 OFFSET {})"
PLANTED = {
    "PR-01": f"DELETE FROM verdicts WHERE attempt_id = {_ONE_TEXT.format(100)}",
    "PR-02": f"UPDATE verdicts SET verdict = 'deny' WHERE attempt_id = {_ONE_TEXT.format(200)}",
    "PR-05": f"UPDATE verdicts SET decided_at = datetime(decided_at, '-2 hours') WHERE attempt_id = {_ONE_TEXT.format(300)}",
    "AR-02": f"UPDATE approvals SET purpose = 'locate' WHERE id = {_ONE_MESSAGE.format(5)}",
    "AR-03": f"UPDATE attempts SET contact_point_id = contact_point_id + 1 WHERE id = {_ONE_TEXT.format(400)}",
    "AR-06": f"UPDATE attempts SET text = 'Pay at once.' WHERE id = {_ONE_TEXT.format(500)}",
    "CN-13": f"UPDATE relations SET refused_at = '2026-01-01 00:00:00.000000' WHERE person_id = "
    f"(SELECT person_id FROM attempts WHERE approval_id = {_ONE_MESSAGE.format(9)})",
}
_MAKES_UP = {"INTEGER": 0, "BOOLEAN": 0, "BLOB": b"\0" * 32, "DATETIME": "2026-01-01 00:00:00.000000"}


@dataclass
class Pages:
    """Rows that wait to be written, by table."""

    connection: sqlite3.Connection
    waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _shapes: dict[str, tuple[list[str], dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        self.waiting.setdefault(table, []).append(row)

    def write(self) -> None:
        for table, waiting in self.waiting.items():
            columns, filling = self._shape(table)
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            self.connection.executemany(statement, ([row.get(c, filling[c]) for c in columns] for row in waiting))
        self.waiting.clear()

    def _shape(self, table: str) -> tuple[list[str], dict[str, Any]]:
        """The table's columns, and what stands in those that nobody gives."""
        if table not in self._shapes:
            info = list(self.connection.execute(f"PRAGMA table_info({table})"))
            keep = [r for r in info if not (r[5] and r[2] == "INTEGER" and sum(1 for i in info if i[5]) == 1)]
            filling = {r[1]: _MAKES_UP.get(r[2], "") if r[3] and not r[5] else None for r in keep}
            self._shapes[table] = [r[1] for r in keep], filling
        return self._shapes[table]


@dataclass
class Planned:
    """One contact as it is to be written down."""

    at: datetime
    channel: str
    outcome: str
    point: str
    person: str
    purpose: str = "collect"
    approval: str | None = None


def text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def main() -> None:
    given = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(given.ledger or f"{folder}/million.db")
        if not file.exists():
            began = time.perf_counter()
            written = generate(file, given.contacts)
            plant(file)
            print(f"wrote {written:,} contacts, {file.stat().st_size / 1e6:,.0f} MB, in {time.perf_counter() - began:.1f} s")
        measure(file, given.processes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--ledger", help="keep the ledger in this file, or use the one that is there")
    return parser.parse_args()


def measure(file: Path, processes: int) -> None:
    began = time.perf_counter()
    source = rows.open(f"sqlite+aiosqlite:///{file}")
    result = judge.run(source, processes=processes)
    source.close()
    took = time.perf_counter() - began
    who = resource.RUSAGE_CHILDREN if processes > 1 else resource.RUSAGE_SELF
    used = resource.getrusage(who)
    coverage = result.coverage
    print(
        f"judged {coverage.contacts:,} contacts of {coverage.borrowers:,} borrowers and {coverage.placements:,} placements in {took:.1f} s"
    )
    print(f"{coverage.contacts / took:,.0f} contacts a second with {processes} processes, {used.ru_utime + used.ru_stime:.1f} s of CPU")
    print(f"peak memory of a process: {used.ru_maxrss / 1024:,.0f} MB; rules asked {sum(coverage.asked.values()):,} times")
    found = {v.rule for v in result.violations}
    print(f"violations: {dict(result.broken) or 'none'}; planted kinds missed: {sorted(set(PLANTED) - found) or 'none'}")
    print(f"not judged: {dict(coverage.unjudged) or 'nothing'}")
    for violation in result.violations[:20]:
        print(f"  {violation.when:%Y-%m-%d %H:%M:%S} {violation.rule} {violation.contact_id}: {violation.words} ({violation.observed})")


def plant(file: Path) -> None:
    """Change one row for each of a few kinds of violation, past everything that guards a ledger."""
    with sqlite3.connect(file) as connection:
        for statement in PLANTED.values():
            changed = connection.execute(statement).rowcount
            assert changed == 1, statement


def generate(file: Path, contacts: int) -> int:
    """Write a ledger of about so many contacts."""
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{file}"))
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -200000;")
    chance = random.Random(7)
    pages = Pages(connection)
    pages.add("operators", id="sue", name="Sue", role="supervisor", active=1)
    written = n = 0
    while written < contacts:
        written += _borrower(pages, n, chance)
        n += 1
        if n % 500 == 0:
            pages.write()
    pages.write()
    connection.commit()
    connection.execute("ANALYZE")
    connection.close()
    return written


def _borrower(pages: Pages, n: int, chance: random.Random) -> int:
    person, sister, loan, case = f"B-{n:06}", f"R-{n:06}", f"L-{n:06}", f"L-{n:06}.1"
    zone = chance.choice(ZONES)
    country = COUNTRIES.get(zone.partition("/")[0], "CN") if zone != "Asia/Kolkata" else "IN"
    opened = datetime.combine(FIRST + timedelta(days=n % 200), clock(6), UTC)
    for who in (person, sister):
        pages.add("persons", id=who, name=b"x" * 40, zone=zone, language="en", residence=country, birth_date=None)
        if country == "US":
            pages.add("consents", person_id=who, kind="texts", given_at=text(opened), evidence="form", recorded_at=text(opened))
        for kind in ("mobile", "email"):
            pages.add(
                "contact_points", person_id=who, kind=kind, address=b"y" * 40, address_mark=hashlib.sha256(f"{who}{kind}".encode()).digest(),
                line="registered", source="application", legal_basis="contract" if who == person else "consent", zone=zone,
                reassignment_checked_at=text(opened + timedelta(days=DAYS // 2)),
            )  # fmt: skip
    pages.add(
        "loans", id=loan, borrower_id=person, lender=LENDER, product="cash-loan", currency="CNY", strategy=STRATEGY, imported_at=text(opened)
    )  # fmt: skip
    due = opened.date() - timedelta(days=2)
    for i in range(3):
        pages.add(
            "instalments",
            loan_id=loan,
            n=i + 1,
            due_on=str(due + timedelta(days=30 * i)),
            principal="500.0000",
            interest="15.0000",
            fees="0.0000",
        )
    pages.add("relations", loan_id=loan, person_id=sister, role="emergency")
    pages.add(
        "cases", id=case, loan_id=loan, cycle=1, run_key=loan, strategy=STRATEGY, strategy_version=1, strategy_hash=HASH, payments_counted="[]",
        opened_at=text(opened),
    )  # fmt: skip
    until = opened + timedelta(days=chance.randint(8, DAYS) if chance.random() < 0.4 else DAYS)
    if until < opened + timedelta(days=DAYS):
        pages.add(
            "payments", payment_id=f"pay-{n}", loan_id=loan, amount="1545.0000", currency="CNY", received_at=text(until), source="loan_system",
            recorded_at=text(until),
        )  # fmt: skip
    # The contact points have the numbers of the order in which they were added.
    points = {"call": str(4 * n + 1), "sms": str(4 * n + 1), "email": str(4 * n + 2), "sister": str(4 * n + 3)}
    return sum(
        _contact(pages, loan, case, i, planned)
        for i, planned in enumerate(_plan(pages, n, case, person, sister, zone, country, opened, until, points, chance))
    )


def _plan(
    pages: Pages, n: int, case: str, person: str, sister: str, zone: str, country: str, opened: datetime, until: datetime, points: dict[str, str],
    chance: random.Random,
) -> Iterator[Planned]:  # fmt: skip
    """What a lender may do in two months: a message or a call on most days, and once a sister if nobody answers for days."""
    local = ZoneInfo(zone)
    reachable = chance.random() < 0.85
    failed = 0
    asked = False
    for day in range(1, DAYS):
        on = opened.date() + timedelta(days=day)
        if on.weekday() == 6 or chance.random() < 0.2:
            continue
        minute = timedelta(minutes=chance.randint(0, 200))
        morning = datetime.combine(on, clock(10), local).astimezone(UTC) + minute
        if morning >= until:
            return
        if day % 9 == 0 or (country == "CN" and day % 3 == 0):
            outcome = (
                chance.choice(("answered_delaying", "answered_willing", "no_answer"))
                if reachable
                else chance.choice(("no_answer", "voicemail"))
            )
            failed = 0 if outcome.startswith("answered") else failed + 1
            yield Planned(morning, "call", outcome, points["call"], person)
            if country == "CN" and failed >= 3 and not asked:
                asked = True
                evening = morning + timedelta(hours=3)
                if evening < until:
                    yield Planned(
                        evening, "sms", "delivered", points["sister"], sister, "relay", _approval(pages, n, case, sister, morning, evening)
                    )
        else:
            channel = "email" if day % 5 == 0 else "sms"
            yield Planned(morning, channel, "delivered", points[channel], person)


def _approval(pages: Pages, n: int, case: str, sister: str, asked: datetime, sent: datetime) -> str:
    key = f"{case}/sister"
    pages.add(
        "approvals", id=key, case_id=case, step="sister", role="supervisor", purpose="relay", message="relay", evidence="{}", requested_by="case",
        asked_at=text(asked + timedelta(hours=1)), remind_at=text(sent), deadline=text(sent + timedelta(hours=40)), state="approved", decided_by="sue",
        decided_at=text(sent - timedelta(minutes=n % 50 + 1)), reason=None,
    )  # fmt: skip
    pages.add("approval_persons", approval_id=key, person_id=sister, content_hash=SILENT_HASH)
    return key


def _contact(pages: Pages, loan: str, case: str, i: int, planned: Planned) -> int:
    key, at = f"{case}/step-{i}", text(planned.at)
    relayed = planned.purpose == "relay"
    words, content = (SILENT, SILENT_HASH) if relayed else (TEXTS[i % 50], HASHES[i % 50])
    pages.add(
        "attempts", id=key, case_id=case, loan_id=loan, person_id=planned.person, contact_point_id=int(planned.point), channel=planned.channel,
        purpose=planned.purpose, message="gentle", content_hash=content, locale="en", state="settled", outcome=planned.outcome,
        gateway_ref=f"gw-{key}", approval_id=planned.approval, reserved_at=at, sent_at=at, settled_at=text(planned.at + timedelta(seconds=40)),
        text=words, klass="locate_only" if relayed else "collect", artificial_voice=0,
    )  # fmt: skip
    pages.add(
        "verdicts", attempt_id=key, case_id=case, person_id=planned.person, decided_at=at, verdict="allow", rules="[]", observed="[]", facts_hash=HASH,
        regime="cn", regime_version=1, approval_id=planned.approval, regimes=None,
    )  # fmt: skip
    body = {"kind": "step_taken", "at": at, "step": f"step-{i}", "outcome": planned.outcome, "attempt_id": key, "channel": planned.channel}
    pages.add("case_events", case_id=case, event_key=f"step_taken/{i}", kind="step_taken", at=at, body=json.dumps(body), recorded_at=at)
    return 1


if __name__ == "__main__":
    main()
