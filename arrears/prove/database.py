"""Reading a ledger's tables by plain SQL, on SQLite or PostgreSQL, at one moment of it: whatever is written meanwhile is not seen.

A column or a table that an older ledger does not have reads as empty.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from arrears.prove.model import Amount, Day, Instant, amount, day_number, instant

Row = Sequence[Any]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (SQLite's rows name no zone: all of them are UTC)
_DAY = 86_400_000_000
_SECOND = 1_000_000
_BUSY_SECONDS = 30.0


class Unreadable(Exception):
    """The ledger cannot be opened or read. The message names no data."""


class Database(Protocol):
    """An open ledger at one moment. ``{ids}`` in a statement is a test against the list of texts that is its only argument."""

    def columns(self, table: str) -> frozenset[str]: ...

    def read(self, sql: str, ids: Sequence[str] | None = None) -> Iterable[Row]: ...

    def close(self) -> None: ...

    def shared(self) -> AbstractContextManager[str]: ...


class Sqlite:
    """A ledger in a file. ``shared`` keeps writers out for the moment in which others open it, so that all see the same."""

    def __init__(self, path: str, moment: str = "") -> None:  # noqa: ARG002 (PostgreSQL's has a name, SQLite's has none)
        if not Path(path).is_file():
            raise Unreadable("there is no ledger in that file")
        self._path = path
        try:
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA query_only = ON")
            self._connection.execute("PRAGMA cache_size = -65536")
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise Unreadable(f"the ledger's file cannot be read: {error}") from None

    def columns(self, table: str) -> frozenset[str]:
        return frozenset(row[1] for row in self._connection.execute(f"PRAGMA table_info({table})"))

    def read(self, sql: str, ids: Sequence[str] | None = None) -> Iterable[Row]:
        sql = sql.replace("{ids}", "IN (SELECT value FROM json_each(?))").replace("{after}", "> ?")
        try:
            return self._connection.execute(sql, () if ids is None else (_argument(ids),))
        except sqlite3.Error as error:
            raise Unreadable(f"the ledger cannot be read: {error}") from None

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def shared(self) -> Generator[str]:
        try:
            lock = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            yield ""  # nobody can write to a ledger that cannot be locked
            return
        try:
            yield ""
        finally:
            lock.execute("ROLLBACK")
            lock.close()


def _argument(ids: Sequence[str] | str) -> str:
    return ids if isinstance(ids, str) else json.dumps(ids)


class Postgres:
    """A ledger on a server, in a transaction that sees one moment; ``moment`` is the name of one that another connection shares."""

    def __init__(self, dsn: str, moment: str = "") -> None:
        import asyncpg  # a ledger in a file needs no server's driver

        self._runner = asyncio.Runner()
        try:
            driver: Any = asyncpg
            self._connection: Any = self._runner.run(driver.connect(dsn, timeout=10))
            self._do("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if moment:
                self._do(f"SET TRANSACTION SNAPSHOT '{moment}'")
            self._rows("SELECT 1")
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._runner.close()
            raise Unreadable(f"the ledger's server cannot be read: {type(error).__name__}") from None

    def columns(self, table: str) -> frozenset[str]:
        sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1"
        return frozenset(row[0] for row in self._rows(sql, table))

    def read(self, sql: str, ids: Sequence[str] | None = None) -> Iterable[Row]:
        sql = sql.replace("{ids}", "= ANY($1::text[])").replace("{after}", "> $1")
        return self._rows(sql) if ids is None else self._rows(sql, ids if isinstance(ids, str) else list(ids))

    def close(self) -> None:
        self._runner.run(self._connection.close(timeout=10))
        self._runner.close()

    @contextmanager
    def shared(self) -> Generator[str]:
        yield str(self._rows("SELECT pg_export_snapshot()")[0][0])

    def _do(self, sql: str) -> None:
        self._runner.run(self._connection.execute(sql))

    def _rows(self, sql: str, *arguments: Any) -> list[Row]:
        return self._runner.run(self._connection.fetch(sql, *arguments))


def connect(url: str, moment: str = "") -> Database:
    """Open the ledger of a URL such as ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/database``. Raises ``Unreadable``."""
    scheme, _, rest = url.partition("://")
    match scheme.partition("+")[0]:
        case "sqlite":
            return Sqlite(unquote(rest.removeprefix("/").partition("?")[0]), moment)
        case "postgresql" | "postgres":
            return Postgres(f"postgresql://{rest}", moment)
        case _:
            raise Unreadable("a ledger's URL begins with sqlite:// or postgresql://")


def as_instant(value: Any) -> Instant | None:
    """An instant as either database gives it."""
    if value is None:
        return None
    at: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    if at.tzinfo is not None:
        return instant(at.astimezone(UTC))
    since = at - _EPOCH
    return since.days * _DAY + since.seconds * _SECOND + since.microseconds


def as_day(value: Any) -> Day | None:
    """A date as either database gives it."""
    if value is None:
        return None
    return day_number(date.fromisoformat(value[:10]) if isinstance(value, str) else value)


def as_amount(value: Any) -> Amount:
    """An amount as either database gives it."""
    return amount(value if isinstance(value, Decimal) else str(value))


def as_json(value: Any) -> Any:
    """A JSON document as either database gives it."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def as_second(value: Any) -> int | None:
    """A local time ``HH:MM`` as the second of the day."""
    if value is None:
        return None
    if not isinstance(value, str):
        return value.hour * 3600 + value.minute * 60 + value.second
    hour, minute, *rest = value.split(":")
    return int(hour) * 3600 + int(minute) * 60 + (int(rest[0].partition(".")[0]) if rest else 0)
