"""The chain's own statements. Every transaction that writes makes them while others wait, so they go to the driver at once and say as much as they can.

They run in a transaction that has begun. What is read comes as the database stores it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection
from sqlalchemy.exc import OperationalError

from arrears.ledger.digest import canonical
from arrears.ledger.tables import METADATA

Key = tuple[Any, ...]
Record = tuple[int, datetime, str, str, str, str, str, str]
"""A record's fields in the order of ``FIELDS``."""

FIELDS = ("seq", "at", "tbl", "row_key", "op", "row_digest", "previous", "hash")
_INTO = f"INSERT INTO records ({', '.join(FIELDS)})"
_HEAD = "SELECT seq, hash FROM chain_heads"
_APPEND_ON_POSTGRES = f"""
    WITH moved AS (UPDATE chain_heads SET seq = $1, hash = $2) {_INTO}
    SELECT * FROM unnest($3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
"""  # noqa: S608


@dataclass(frozen=True)
class Shape:
    """A table as the chain sees it: its primary key's columns in their order, and all columns sorted by name; ``documents`` are those of JSON."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    documents: frozenset[str] = frozenset()

    @property
    def wanted(self) -> str:
        """The columns for a SELECT. A document is wanted as its text; the driver would read it."""
        return ", ".join(f"CAST({name} AS TEXT)" if name in self.documents else name for name in self.columns)


@cache
def shape_of(name: str) -> Shape:
    """A table of ours."""
    found = METADATA.tables[name]
    documents = frozenset(c.name for c in found.columns if isinstance(c.type, JSON))
    return Shape(name, tuple(c.name for c in found.primary_key), tuple(sorted(c.name for c in found.columns)), documents)


def rows(connection: Connection, shape: Shape, keys: Sequence[Key]) -> Sequence[Sequence[Any]]:
    """The rows of these keys that there are, column by column."""
    return _run(connection, _select(shape, len(keys), connection.dialect.name), [part for key in keys for part in key])


def lock_head(connection: Connection) -> Sequence[Any] | None:
    """The head's ``seq`` and ``hash``, which are ours until the transaction ends. On SQLite everything is, by then."""
    found = _run(connection, _HEAD if connection.dialect.name == "sqlite" else f"{_HEAD} FOR UPDATE", [])
    return found[0] if found else None


def write(connection: Connection, records: Sequence[Record]) -> None:
    """Write records, and make the last of them the head."""
    seq, last = records[-1][0], records[-1][-1]
    if connection.dialect.name == "sqlite":
        values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * len(records))
        _run(connection, f"{_INTO} VALUES {values}", [f if type(f) is not datetime else canonical(f) for record in records for f in record])
        _run(connection, "UPDATE chain_heads SET seq = ?, hash = ?", [seq, last])
    else:
        _run(connection, _APPEND_ON_POSTGRES, [seq, last, *(list(column) for column in zip(*records, strict=True))])


@cache
def _select(shape: Shape, count: int, dialect: str) -> str:
    width = len(shape.key)
    if dialect == "sqlite":
        given = "VALUES " + ", ".join([f"({', '.join('?' * width)})"] * count)
    else:
        given = ", ".join(f"({', '.join(f'${n * width + i + 1}' for i in range(width))})" for n in range(count))
    return f"SELECT {shape.wanted} FROM {shape.name} WHERE ({', '.join(shape.key)}) IN ({given})"  # noqa: S608 (names of ours)


def _run(connection: Connection, sql: str, given: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """A statement's rows, straight from the driver: on SQLite one visit to its thread instead of five. Raises ``OperationalError``."""
    dbapi: Any = connection.dialect.dbapi
    adapted: Any = connection.connection.dbapi_connection
    on_sqlite = connection.dialect.name == "sqlite"
    errors = (sqlite3.Error,) if on_sqlite else (dbapi.asyncpg.PostgresError, dbapi.asyncpg.InterfaceError)

    def work(driver: Any) -> Any:
        return driver.execute_fetchall(sql, given) if on_sqlite else driver.fetch(sql, *given)

    try:
        return adapted.run_async(work)
    except errors as error:
        raise OperationalError(sql, None, error, hide_parameters=True) from error
