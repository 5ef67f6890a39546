"""Comparing the ledger with what a provider says it sent: everything that left is in the ledger once, and nothing else left.

An export is CSV or JSON lines with ``key`` (the idempotency key: an attempt's id), ``channel``, ``sent_at`` and ``count`` (how often it really left), or
the record of the sandbox, which is a SQLite file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from arrears.prove import words
from arrears.prove.database import as_instant, connect
from arrears.prove.foreign.instants import NotAnInstant, read_instant
from arrears.prove.foreign.reader import LogUnreadable, rows_of
from arrears.prove.foreign.words import plain
from arrears.prove.model import Instant, instant
from arrears.prove.report import CrossCheck, Disagreement, listed
from arrears.prove.shelf import Shelf

_KEYS = ("key", "idempotency key", "attempt id", "attempt", "message id", "reference", "client reference", "external id")
_CHANNELS = ("channel", "gateway", "medium", "type")
_TIMES = ("sent at", "requested at", "created at", "timestamp", "time", "date")
_COUNTS = ("count", "sends", "times", "quantity")
_STATES = ("status", "state", "outcome", "result")
_NOT_SENT = frozenset({"failed", "rejected", "not sent", "error", "cancelled", "canceled"})
_CHANNEL_OF = {
    "voice": "call",
    "phone": "call",
    "push": "in_app",
    "inapp": "in_app",
    "in app": "in_app",
    "text": "sms",
    "mail": "email",
    "e mail": "email",
}
_UTC = ZoneInfo("UTC")
_SLACK = timedelta(hours=1)
_SQLITE = b"SQLite format 3\x00"


class Sent(NamedTuple):
    """What a provider says of one key. ``times`` is how often something left for it."""

    key: str
    channel: str
    at: Instant | None
    times: int


def compare(url: str, path: Path) -> CrossCheck:
    """Compare a ledger with an export. Raises ``database.Unreadable``, ``foreign.LogUnreadable`` and ``OSError``."""
    wrong: list[int] = []
    store = sqlite3.connect("")  # a private file that the system removes
    try:
        store.execute("PRAGMA journal_mode = OFF")
        store.execute(
            "CREATE TABLE sent (key TEXT PRIMARY KEY, channel TEXT, at INTEGER, times INTEGER, seen INTEGER DEFAULT 0) WITHOUT ROWID"
        )
        store.executemany(
            "INSERT INTO sent (key, channel, at, times) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times",
            _sent(path, wrong),
        )
        database = connect(url)
        try:
            findings, left_out = listed(_findings(Shelf(database), store))
        finally:
            database.close()
        compared = store.execute("SELECT count(*) FROM sent").fetchone()[0]
    finally:
        store.close()
    notes = (
        [f"{len(wrong)} lines could not be read, the first is line {wrong[0]}; each names its key and, if it says so, how often it left"]
        if wrong
        else []
    )
    return CrossCheck(
        kind="export",
        source=path.name,
        compared=compared,
        findings=findings,
        findings_left_out=left_out,
        notes=tuple(notes),
    )


def _findings(shelf: Shelf, store: sqlite3.Connection) -> Iterator[Disagreement]:
    covered = {row[0]: (row[1], row[2]) for row in store.execute("SELECT channel, min(at), max(at) FROM sent GROUP BY channel")}
    for row in shelf.all("attempts", "id", "channel", "state", "outcome", "sent_at"):
        key, channel, state, outcome, sent_at = row
        left = sent_at is not None or (state == "settled" and outcome not in words.NEVER_LEFT | {"failed", "unknown"})
        other = store.execute("SELECT times FROM sent WHERE key = ?", (key,)).fetchone()
        if other is not None:
            store.execute("UPDATE sent SET seen = 1 WHERE key = ?", (key,))
            yield from _both(key, channel, left, state, other[0])
        elif left and _in(covered.get(channel) or covered.get(""), as_instant(sent_at)):
            yield Disagreement(what="not sent", key=key, words="the ledger says that it left, and the provider does not know it")
    for row in shelf.all("referrals", "id"):
        # A recall goes out under the referral's own key with something behind it.
        store.execute("UPDATE sent SET seen = 1 WHERE key = ? OR substr(key, 1, ?) = ?", (row[0], len(row[0]) + 1, f"{row[0]}/"))
    for key, channel in store.execute("SELECT key, channel FROM sent WHERE NOT seen AND times > 0 ORDER BY key"):
        yield Disagreement(
            what="not in the ledger", key=key, words=f"it left ({channel or 'channel not said'}), and the ledger does not know it"
        )


def _both(key: str, channel: str, left: bool, state: str, times: int) -> Iterator[Disagreement]:
    if times and not left and state != "reserved":
        yield Disagreement(what="left all the same", key=key, words=f"it left, and the ledger has it as {state}")
    if times > 1:
        yield Disagreement(what="left more than once", key=key, words=f"it left {times} times ({channel})")
    if not times and left and state != "settled":
        yield Disagreement(what="not sent", key=key, words="the ledger says that it left, and the provider says that it did not")


def _in(span: tuple[Instant | None, Instant | None] | None, at: Instant | None) -> bool:
    """Whether an export reaches over an instant: it lists a channel, from its first to its last line."""
    if span is None:
        return False
    first, last = span
    slack = _SLACK // timedelta(microseconds=1)
    return at is None or first is None or last is None or first - slack <= at <= last + slack


def _sent(path: Path, wrong: list[int]) -> Iterator[Sent]:
    with path.open("rb") as opened:
        start = opened.read(len(_SQLITE))
    yield from _sandbox(path) if start == _SQLITE else _lines(path, wrong)


def _sandbox(path: Path) -> Iterator[Sent]:
    record = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for key, gateway, requested_at, sends in record.execute("SELECT key, gateway, requested_at, sends FROM orders"):
            yield Sent(key, _channel(gateway), instant(datetime.fromisoformat(requested_at)), sends)
    except sqlite3.Error:
        raise LogUnreadable(f"{path.name} is a database, and not the sandbox's record") from None
    finally:
        record.close()


def _lines(path: Path, wrong: list[int]) -> Iterator[Sent]:
    with rows_of(path) as (header, rows):
        names = [plain(name) for name in header]
        key, channel, at, count, state = (_place(names, among) for among in (_KEYS, _CHANNELS, _TIMES, _COUNTS, _STATES))
        if key < 0:
            raise LogUnreadable(f"{path.name} has no column key: the idempotency key under which each message was asked for")
        for row in rows:
            try:
                cells = [*(cell.strip() for cell in row.cells), ""]
                if row.wrong is not None or not cells[key]:
                    raise ValueError
                times = int(cells[count]) if cells[count] else int(plain(cells[state]) not in _NOT_SENT)
                when = read_instant(cells[at], _UTC).at if cells[at] else None
            except (ValueError, NotAnInstant):
                wrong.append(row.line)
                continue
            yield Sent(cells[key], _channel(cells[channel]), None if when is None else instant(when), times)


def _place(names: list[str], among: tuple[str, ...]) -> int:
    return next((names.index(name) for name in among if name in names), -1)


def _channel(name: str) -> str:
    said = plain(name)
    return _CHANNEL_OF.get(said, said.replace(" ", "_"))
