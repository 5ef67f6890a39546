"""Whether the ledger's record is whole: every record follows from the one before, every row is as its last record says, and a published head is in it.

The encoding is written down in ``docs/chain.md``; this is its second implementation, which shares nothing with the one that writes.

    verified = verify("sqlite+aiosqlite:///ledger.db", published="1024:5c0e…")
    verified.state, verified.head, verified.breaks
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Literal

from arrears.prove.database import Database, Row, Sqlite, Unreadable, connect
from arrears.prove.piles import PILES, Piles

UNCHAINED = frozenset(
    {
        *("records", "chain_heads", "alembic_version"),
        *("relays", "deliveries", "cursors", "answers", "heard_messages"),
        *("sessions", "login_failures", "work_lists"),
        "strategies",
    }
)
"""Tables without records: outboxes, caches and sessions, strategies under their hash, the chain itself, and the version of the tables."""

NOTHING_BEFORE = "0" * 64
MOST_LISTED = 1000
_PAGE = 20_000
_RECORD = "seq, at, tbl, row_key, op, row_digest, previous, hash"
_PUBLISHED = re.compile(r"(\d+):([0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_cursors = count()
_document = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_text = json.encoder.encode_basestring


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """A place where the record is broken: the record's number, the row that it tells of, and what is wrong, as far as each can be said."""

    seq: int | None
    table: str | None
    row_key: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a check. ``absent``: the ledger is older than its chain. ``head`` and ``published`` are ``SEQ:HASH``."""

    state: Literal["whole", "broken", "absent"]
    records: int
    rows: int
    head: str | None
    published: str | None
    breaks: tuple[ChainBreak, ...]
    breaks_left_out: int


@dataclass(frozen=True, slots=True)
class Published:
    """A head that somebody kept outside the ledger."""

    seq: int
    hash: str

    @classmethod
    def read(cls, text: str) -> Published:
        """Read ``SEQ:HASH``. Raises ``ValueError``."""
        found = _PUBLISHED.fullmatch(text.strip())
        if found is None:
            raise ValueError("a head is written SEQ:HASH, such as 1024:5c0e…, with all 64 digits of the hash")
        return cls(int(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass
class Walk:
    """How much was read, and where the chain ends."""

    records: int = 0
    rows: int = 0
    last: Published | None = None


def verify(url: str, published: str | None = None, most_listed: int = MOST_LISTED) -> Verified:
    """Check a whole ledger at one moment of it. Raises ``Unreadable``, and ``ValueError`` for a head that is none."""
    expected = None if published is None else Published.read(published)
    database = connect(url)
    try:
        if expected is None and not database.columns("records") and not database.columns("chain_heads"):
            return Verified("absent", 0, 0, None, published, (), 0)
        walk, listed, found = Walk(), list[ChainBreak](), 0
        for one in breaks(database, walk, expected):
            found += 1
            if len(listed) < most_listed:
                listed.append(one)
    finally:
        database.close()
    head = None if walk.last is None else str(walk.last)
    return Verified("broken" if found else "whole", walk.records, walk.rows, head, published, tuple(listed), found - len(listed))


def breaks(database: Database, walk: Walk | None = None, published: Published | None = None) -> Iterator[ChainBreak]:
    """Every place where the record is broken; ``walk`` counts what was read."""
    walk = Walk() if walk is None else walk
    if not database.columns("records"):
        yield ChainBreak(None, "records", None, "records missing: their table is gone")
        return
    with Piles() as recorded, Piles() as standing:
        yield from _records(database, walk, recorded, published)
        yield from _head(database, walk)
        for table in sorted(_tables(database)):
            walk.rows += _lay_rows(database, table, standing)
        for n in range(PILES):
            yield from _compared(recorded.pile(n), standing.pile(n))


def _records(database: Database, walk: Walk, recorded: Piles, published: Published | None) -> Iterator[ChainBreak]:
    """Each record's own hash, and that it follows the one before."""
    expected, before, stored = 1, NOTHING_BEFORE, NOTHING_BEFORE
    found = published is None or published.seq == 0
    for seq, at, table, key, op, digest, previous, stored in _stream(database, f"SELECT {_RECORD} FROM records ORDER BY seq"):  # noqa: S608
        walk.records += 1
        if type(seq) is not int or type(key) is not str:
            yield ChainBreak(None, None, None, "record changed: its number or its key is none")
            continue
        if seq != expected:
            yield ChainBreak(expected, None, None, _gap(expected, seq))
            before = None
        if record_hash(seq, at, table, key, op, digest, previous) != stored:
            yield ChainBreak(seq, table, key, "record changed: its hash is not that of what it says")
        elif before is not None and previous != before:
            yield ChainBreak(seq, table, key, "fork: it does not follow the record before it, one of the two was replaced")
        if published is not None and seq == published.seq:
            found = True
            if stored != published.hash:
                yield ChainBreak(seq, table, key, "published head: this record had another hash when the head was published")
        name = f"{table}\0{key}"
        recorded.lay(name, (name, seq, "" if op == "delete" else digest))
        expected, before = seq + 1, stored
    if walk.records:
        walk.last = Published(expected - 1, stored)
    if published is not None and not found:
        yield ChainBreak(published.seq, None, None, f"published head: there is no such record any more, the chain ends with {expected - 1}")


def _head(database: Database, walk: Walk) -> Iterator[ChainBreak]:
    heads = [(row[0], row[1]) for row in database.read("SELECT seq, hash FROM chain_heads")] if database.columns("chain_heads") else []
    last = (walk.last.seq, walk.last.hash) if walk.last else (0, NOTHING_BEFORE)
    if len(heads) != 1:
        yield ChainBreak(None, "chain_heads", None, "head missing" if not heads else "several heads")
    elif type(heads[0][0]) is int and heads[0][0] > last[0]:
        yield ChainBreak(last[0] + 1, None, None, f"records missing: the head names record {heads[0][0]}, the chain ends with {last[0]}")
    elif heads[0] != last:
        yield ChainBreak(last[0], "chain_heads", None, "head differs: it does not name the last record")


def _lay_rows(database: Database, table: str, standing: Piles) -> int:
    """Digest the rows of a table; how many there are. One that has lost its primary key has rows that no record knows."""
    columns = sorted(database.columns(table))
    places = [columns.index(name) for name in _key(database, table)]
    digest, rows = digester(columns), 0
    for row in _stream(database, f"SELECT {', '.join(columns)} FROM {table}"):  # noqa: S608 (names of this ledger's catalogue)
        name = f"{table}\0{key_text([row[place] for place in places])}"
        standing.lay(name, (name, digest(row)))
        rows += 1
    return rows


def _compared(recorded: list[Any], standing: list[Any]) -> Iterator[ChainBreak]:
    """Each row of a pile against its last record, both ways."""
    last: dict[str, tuple[int, str]] = dict(zip(recorded[0::3], zip(recorded[1::3], recorded[2::3], strict=True), strict=True))
    for name, digest in zip(standing[0::2], standing[1::2], strict=True):
        seq, expected = last.pop(name, (None, ""))
        if digest == expected:
            continue
        table, _, key = name.partition("\0")
        if seq is None:
            yield ChainBreak(None, table, key, "row without record: it was added past the chain")
        elif not expected:
            yield ChainBreak(seq, table, key, "row without record: its last record says that it was deleted")
        else:
            yield ChainBreak(seq, table, key, "row changed: it is not what its last record says")
    for name, (seq, expected) in last.items():
        if expected:
            table, _, key = name.partition("\0")
            yield ChainBreak(seq, table, key, "row missing: no record says that it was deleted")


def record_hash(seq: int, at: Any, table: str, key: str, op: str, digest: str, previous: str) -> str:
    """The hash that a record must have. Only keys can hold characters that JSON escapes; elsewhere they make the hash a wrong one, as they should."""
    when = at if type(at) is str else plain(at)
    line = f'["{seq}","{when}","{table}",{_text(key)},"{op}","{digest}","{previous}"]'
    return hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()


def digester(columns: Sequence[str]) -> Callable[[Sequence[Any]], str]:
    """What gives the digest of a row of these columns, which are sorted."""
    names = [f"{_text(name)}:" for name in columns]

    def digest(row: Sequence[Any]) -> str:
        parts = [
            name + (_text(value) if type(value) is str else _document(plain(value)))
            for name, value in zip(names, row, strict=True)
            if value is not None
        ]
        return hashlib.sha256(f"{{{','.join(parts)}}}".encode("utf-8", "surrogatepass")).hexdigest()

    return digest


def key_text(values: Sequence[Any]) -> str:
    """A primary key as records name it."""
    return ",".join([_escaped(value if type(value) is str else str(plain(value))) for value in values])


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace(",", "\\,") if "," in part or "\\" in part else part


def plain(value: Any) -> Any:
    """A stored value as the text that is hashed. What no ledger stores becomes something that no record can have."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return {"strange": repr(value)}


def _gap(expected: int, found: int) -> str:
    if found < expected:
        return f"records out of order: there is a record {found}"
    return f"records missing: {expected} to {found - 1}" if found - 1 > expected else "record missing"


def _stream(database: Database, sql: str) -> Iterator[Row]:
    """Rows in flat memory."""
    if isinstance(database, Sqlite):
        try:
            yield from database.read(sql)
        except sqlite3.Error as error:
            raise Unreadable(
                f"the ledger cannot be read: {error} (while reading{sql.partition(' FROM')[2].partition(' ORDER')[0]})"
            ) from None
        return
    name = f"chain_{next(_cursors)}"
    database.read(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}")
    while page := database.read(f"FETCH {_PAGE} FROM {name}"):
        yield from page
    database.read(f"CLOSE {name}")


def _tables(database: Database) -> set[str]:
    if isinstance(database, Sqlite):
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    else:
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
    return {row[0] for row in database.read(sql) if _NAME.fullmatch(row[0])} - UNCHAINED


def _key(database: Database, table: str) -> list[str]:
    if isinstance(database, Sqlite):
        sql = f"SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"  # noqa: S608 (a table of this ledger)
    else:
        sql = f"""
            SELECT a.attname FROM pg_index AS i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, place), pg_attribute AS a
            WHERE i.indrelid = to_regclass('{table}') AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.place
        """  # noqa: S608 (a table of this ledger)
    return [row[0] for row in database.read(sql)]
