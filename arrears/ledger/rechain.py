"""The chain and migrations: a ledger's first records, and records of the rows that a migration rewrites."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import JSON, Connection, inspect, text

from arrears.ledger.chain import ChainBroken, Change, append, is_chained, start
from arrears.ledger.chain_sql import Shape
from arrears.ledger.digest import row_digest, row_key
from arrears.ledger.tables import Op

_BUFFERED = 1000
_cursors = count()


def genesis(connection: Connection) -> None:
    """Start the chain of a ledger: an ``insert`` for every row that it has, table by table."""
    start(connection)
    names = [name for name in sorted(inspect(connection).get_table_names()) if is_chained(name)]
    append(connection, (change for name in names for change in _inserted(connection, name)))


@contextmanager
def rewriting(connection: Connection, *names: str) -> Generator[None]:
    """Rows of these tables may be changed inside, by whatever statements; at the end there is a record for each that is not as it was.

    A table may be created there, columns may come and go: what changes the digest of a row is recorded. Raises ``ChainBroken`` if a row is not as
    recorded before: a migration must not make a forgery look right.
    """
    for name in set(inspect(connection).get_table_names()).intersection(names):
        if found := next(_differing(connection, name), None):
            raise ChainBroken(f"{name} {found.row_key} is not as it was recorded: see `arrears chain verify`")
    yield
    append(connection, (change for name in names for change in _differing(connection, name)))


def _inserted(connection: Connection, name: str) -> Iterator[Change]:
    shape = _reflect(connection, name)
    places = [shape.columns.index(column) for column in shape.key]
    for row in _stream(connection, f"SELECT {shape.wanted} FROM {name} AS t ORDER BY {', '.join(shape.key)}"):  # noqa: S608
        yield Change(name, row_key(row[place] for place in places), Op.INSERT, row_digest(shape.columns, row))


def _differing(connection: Connection, name: str) -> Iterator[Change]:
    """Rows that are not as their last record says."""
    shape = _reflect(connection, name)
    places = [shape.columns.index(column) for column in shape.key]
    for recorded, *row in _stream(connection, _rows_beside_records(shape)):
        found = row_digest(shape.columns, row)
        if found != recorded:
            yield Change(name, row_key(row[place] for place in places), Op.UPDATE if recorded else Op.INSERT, found)
    for (key,) in _stream(connection, _records_without_row(shape)):
        yield Change(name, key, Op.DELETE)


def _rows_beside_records(shape: Shape) -> str:
    return f"SELECT r.row_digest, {shape.wanted} FROM {shape.name} AS t LEFT JOIN ({_latest(shape)}) AS r ON r.row_key = {_key(shape)}"  # noqa: S608


def _records_without_row(shape: Shape) -> str:
    # Neither database compares all with all for this.
    return f"SELECT row_key FROM ({_latest(shape)}) AS r WHERE row_digest <> '' EXCEPT SELECT {_key(shape)} FROM {shape.name} AS t"  # noqa: S608


def _latest(shape: Shape) -> str:
    numbered = "row_number() OVER (PARTITION BY row_key ORDER BY seq DESC) AS age"
    return f"SELECT row_key, row_digest FROM (SELECT row_key, row_digest, {numbered} FROM records WHERE tbl = '{shape.name}') AS n WHERE age = 1"  # noqa: S608


def _key(shape: Shape) -> str:
    return " || ',' || ".join(f"replace(replace(CAST(t.{column} AS TEXT), '\\', '\\\\'), ',', '\\,')" for column in shape.key)


def _stream(connection: Connection, statement: str) -> Iterator[tuple[Any, ...]]:
    """Rows, some at a time. On PostgreSQL the driver's own cursors stay open too long: a table that one has read cannot be altered."""
    if connection.dialect.name == "sqlite":
        yield from map(tuple, connection.execute(text(statement), execution_options={"yield_per": _BUFFERED}))
        return
    name = f"chain_{next(_cursors)}"
    connection.execute(text(f"DECLARE {name} NO SCROLL CURSOR FOR {statement}"))
    while rows := connection.execute(text(f"FETCH {_BUFFERED} FROM {name}")).all():
        yield from map(tuple, rows)
    connection.execute(text(f"CLOSE {name}"))


def _reflect(connection: Connection, name: str) -> Shape:
    found = inspect(connection)
    key = tuple(found.get_pk_constraint(name)["constrained_columns"])
    columns = found.get_columns(name)
    documents = frozenset(column["name"] for column in columns if isinstance(column["type"], JSON))
    return Shape(name, key, tuple(sorted(column["name"] for column in columns)), documents)
