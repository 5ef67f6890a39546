"""A foreign log on disk, ordered by borrower and time: the log may have any order and any size, and memory stays flat.

The file lies in the system's directory for temporary files, readable by its owner only, and is gone when the store is closed.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path

from arrears.prove.foreign.entries import Entry

_BATCH = 5_000
_COLUMNS = ", ".join(Entry._fields)
_MARKS = ", ".join("?" * len(Entry._fields))

Owned = tuple[str, Entry]
"""An entry with the borrower in whose file it belongs."""


class Store:
    """Entries on disk. ``fill`` once, then ask. With the path of another store's file it reads that one, and leaves it there."""

    def __init__(self, path: Path | None = None) -> None:
        self._owned = path is None
        if path is None:
            handle, name = tempfile.mkstemp(prefix="arrears-prove-", suffix=".sqlite")
            os.close(handle)
            path = Path(name)
        self.path = path
        self._db = _open(path)
        if self._owned:
            self._db.execute(f"CREATE TABLE entries ({_COLUMNS})")
        self._shared: frozenset[str] | None = None

    def close(self) -> None:
        self._db.close()
        if self._owned:
            self.path.unlink(missing_ok=True)

    def fill(self, entries: Iterable[Entry]) -> None:
        """Take all entries in, and put them into order."""
        rows = iter(entries)
        self._db.execute("BEGIN")
        while batch := list(islice(rows, _BATCH)):
            self._db.executemany(f"INSERT INTO entries VALUES ({_MARKS})", batch)  # noqa: S608
        self._db.executescript(
            f"""
            CREATE TABLE debts (debt TEXT PRIMARY KEY, borrower TEXT NOT NULL) WITHOUT ROWID;
            INSERT INTO debts SELECT debt, coalesce(min(CASE WHEN party IS NULL OR party = 'borrower' THEN person END), 'debtor of ' || debt)
                FROM entries GROUP BY debt;
            CREATE TABLE ordered (borrower, {_COLUMNS});
            INSERT INTO ordered SELECT borrower, {", ".join(f"e.{name}" for name in Entry._fields)}
                FROM entries e JOIN debts d ON d.debt = e.debt ORDER BY borrower, at, file, line;
            DROP TABLE entries;
            CREATE TABLE shared (person TEXT PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO shared SELECT person FROM ordered GROUP BY person HAVING min(borrower) <> max(borrower);
            """  # noqa: S608
        )
        if self._db.execute("SELECT EXISTS (SELECT 1 FROM shared)").fetchone()[0]:
            self._db.execute("CREATE INDEX ordered_person ON ordered (person)")
        self._db.commit()

    def groups(self, shard: int, shards: int) -> Iterator[tuple[str, list[Entry]]]:
        """Each borrower with their entries in order of time, for one part of the borrowers."""
        rows = self._db.execute(f"SELECT borrower, {_COLUMNS} FROM ordered ORDER BY rowid")  # noqa: S608
        for n, (borrower, found) in enumerate(groupby(rows, key=lambda row: row[0])):
            if n % shards == shard:
                yield borrower, [Entry._make(row[1:]) for row in found]

    def elsewhere(self, borrower: str, people: Iterable[str]) -> Iterator[Owned]:
        """What happened to these people over debts of other borrowers."""
        if self._shared is None:
            self._shared = frozenset(row[0] for row in self._db.execute("SELECT person FROM shared"))
        for person in sorted(self._shared.intersection(people)):
            rows = self._db.execute(f"SELECT borrower, {_COLUMNS} FROM ordered WHERE person = ? AND borrower <> ?", (person, borrower))  # noqa: S608
            for row in rows:
                yield row[0], Entry._make(row[1:])


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -65536;")
    return db
