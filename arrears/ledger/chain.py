"""Every write of the ledger is chained: whoever changes a row later, beside this program, cannot hide it.

A session of the ledger notes which rows its flushes wrote. Right before it commits it reads them back as the database stored them and appends a record
for each (``RecordRow``): whether it was inserted, updated or deleted, the digest of what stands in it now, and the hash of the record before. What was
written several times in a transaction is chained once, what was rolled back never. The head of the chain is locked last, when all other locks are held,
so that writers wait for each other briefly and never in a circle.

All tables are chained, operators too (who may approve is worth a forger's while), except for ``OPERATIONAL``: ``relays``, an outbox whose facts
stand in other tables; the chain itself; and alembic's own. Rows are digested whole, sealed texts as they are sealed.

Only the unit of work may write chained tables: other statements are refused where they reach the database, because nobody would note their rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    ColumnClause,
    Connection,
    Engine,
    String,
    bindparam,
    cast,
    column,
    event,
    insert,
    inspect,
    select,
    table,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapper, SessionTransaction, UOWTransaction
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.sql import Select
from sqlmodel import Session, SQLModel

from arrears.ledger.digest import GENESIS, record_hash, row_digest, row_key
from arrears.ledger.tables import METADATA, Op

OPERATIONAL = frozenset({"relays", "records", "chain_heads", "alembic_version"})
"""The tables that are not chained."""

_SESSION = "arrears_session"
_BATCH = 500
_WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:\w+\.)?[\"`\[]?(\w+)", re.IGNORECASE)
_T = TypeVar("_T")
_Key = tuple[Any, ...]

_records = METADATA.tables["records"]
_heads = METADATA.tables["chain_heads"]
_FIELDS = ("seq", "at", "tbl", "row_key", "op", "row_digest", "previous", "hash")
_APPEND = text(f"""
    WITH moved AS (UPDATE chain_heads SET seq = CAST(:seq AS bigint), hash = :hash)
    INSERT INTO records ({", ".join(_FIELDS)}) SELECT * FROM unnest(
        CAST(:c0 AS bigint[]), CAST(:c1 AS timestamptz[]), CAST(:c2 AS text[]), CAST(:c3 AS text[]),
        CAST(:c4 AS text[]), CAST(:c5 AS text[]), CAST(:c6 AS text[]), CAST(:c7 AS text[])
    )
""")  # noqa: S608


class ChainBroken(RuntimeError):
    """The chain is not what it must be; the message says where. ``arrears chain verify`` says more."""


class Unchained(RuntimeError):
    """A statement would write rows of a chained table that nobody notes."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is chained: change its rows as objects of a ledger's session (add, change, delete), not by a statement")


@dataclass(frozen=True)
class Head:
    """The last record of the chain. As text, ``SEQ:HASH``, it is what is published."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True)
class Shape:
    """A table as the chain sees it: its primary key's columns in their order, and all columns sorted by name; ``documents`` are those of JSON."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    documents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """A row that a transaction changed; ``digest`` is empty if it was deleted."""

    tbl: str
    row_key: str
    op: Op
    digest: str = ""


class ChainedSession(Session):
    """A session that appends to the chain what it wrote."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.flushing = False
        self.appended = False
        # Whether a row stood there before this transaction touched it.
        self.touched: dict[str, dict[_Key, bool]] = {}

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        self.flushing = True
        try:
            super().flush(objects)
        finally:
            self.flushing = False


def is_chained(name: str) -> bool:
    return name not in OPERATIONAL


def guard(engine: Engine) -> None:
    """Refuse every statement that writes a chained table on this engine, except for those of a session's flush. Raises ``Unchained``."""

    def look_at(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT"):
            return
        options = connection.get_execution_options()
        # A reading connection is refused by the database itself.
        if options.get("postgresql_readonly") or (_SESSION in options and options[_SESSION].flushing):
            return
        for name in _WRITES.findall(statement):
            if name.lower() in METADATA.tables and is_chained(name.lower()):
                raise Unchained(name)

    event.listen(engine, "before_cursor_execute", look_at)


def head(connection: Connection, *, lock: bool = False) -> Head:
    """The last record's number and hash. Raises ``ChainBroken`` if there is no head."""
    wanted = select(_heads.c.seq, _heads.c.hash)
    found = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    if found is None:
        raise ChainBroken("the chain has lost its head: the table chain_heads is empty")
    return Head(found.seq, found.hash)


def append(connection: Connection, changes: Iterable[Change]) -> Head:
    """Append a record for each change and move the head, which stays locked until the transaction ends."""
    last = head(connection, lock=True)
    at = datetime.now(UTC)
    for batch in batches(changes):
        records: list[Record] = []
        for change in batch:
            fields = (last.seq + 1, at, change.tbl, change.row_key, change.op.value, change.digest, last.hash)
            last = Head(fields[0], record_hash(*fields))
            records.append((*fields, last.hash))
        _write(connection, records, last)
    return last


Record = tuple[int, datetime, str, str, str, str, str, str]


def _write(connection: Connection, records: Sequence[Record], last: Head) -> None:
    if connection.dialect.name == "postgresql":
        # One statement: others wait for the head while this one travels.
        columns = {f"c{n}": list(column) for n, column in enumerate(zip(*records, strict=True))}
        connection.execute(_APPEND, {"seq": last.seq, "hash": last.hash, **columns})
        return
    connection.execute(insert(_records), [dict(zip(_FIELDS, record, strict=True)) for record in records])
    connection.execute(update(_heads).values(seq=last.seq, hash=last.hash))


def start(connection: Connection) -> None:
    """Put the head of an empty chain in its place."""
    connection.execute(insert(_heads).values(id=1, seq=0, hash=GENESIS))


def batches(things: Iterable[_T]) -> Iterator[list[_T]]:
    """The things in lists of a handy length."""
    rest = iter(things)
    while batch := list(islice(rest, _BATCH)):
        yield batch


@event.listens_for(ChainedSession, "after_begin")
def _introduce(session: ChainedSession, _transaction: SessionTransaction, connection: Connection) -> None:
    connection.execution_options(**{_SESSION: session})


@event.listens_for(ChainedSession, "after_flush")
def _note(session: ChainedSession, _flush: UOWTransaction) -> None:
    for row in session.new:
        _touch(session, row, existed=False)
    for row in session.dirty:
        if session.is_modified(row):
            _touch(session, row, existed=True)
    for row in session.deleted:
        _touch(session, row, existed=True)


@event.listens_for(ChainedSession, "before_commit")
def _chain(session: ChainedSession) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    if session.touched:
        connection = session.connection()
        changes = [change for name, keys in session.touched.items() for change in _changes(connection, shape_of(name), keys)]
        if changes:
            append(connection, changes)
    session.appended = True


@event.listens_for(ChainedSession, "after_transaction_end")
def _forget(session: OrmSession, transaction: SessionTransaction) -> None:
    if transaction.parent is None and isinstance(session, ChainedSession):
        session.touched.clear()
        session.appended = False


def _touch(session: ChainedSession, row: SQLModel, *, existed: bool) -> None:
    mapper: Mapper[Any] = inspect(type(row))
    name = str(mapper.local_table.name)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    if not is_chained(name):
        return
    if session.appended:
        raise ChainBroken(f"a row of {name} was written after the transaction's records")
    key = tuple(mapper.primary_key_from_instance(row))
    identity = inspect(row).identity
    if identity is not None and tuple(identity) != key:
        raise ChainBroken(f"the primary key of a row of {name} was changed; delete the row and add another")
    session.touched.setdefault(name, {}).setdefault(key, existed)


@cache
def shape_of(name: str) -> Shape:
    """A table of ours."""
    found = METADATA.tables[name]
    documents = frozenset(c.name for c in found.columns if isinstance(c.type, JSON))
    return Shape(name, tuple(c.name for c in found.primary_key), tuple(sorted(c.name for c in found.columns)), documents)


def _changes(connection: Connection, shape: Shape, keys: Mapping[_Key, bool]) -> Iterator[Change]:
    """What became of the touched rows of a table."""
    for batch in batches(keys):
        stored = dict(_stored(connection, shape, batch))
        for key in batch:
            match keys[key], stored.get(key):
                case True, None:
                    yield Change(shape.name, row_key(key), Op.DELETE)
                case False, None:
                    pass
                case True, digest:
                    yield Change(shape.name, row_key(key), Op.UPDATE, digest)
                case False, digest:
                    yield Change(shape.name, row_key(key), Op.INSERT, digest)


def _stored(connection: Connection, shape: Shape, keys: Sequence[_Key]) -> Iterator[tuple[_Key, str]]:
    places = [shape.columns.index(name) for name in shape.key]
    wanted = keys if len(shape.key) > 1 else [key[0] for key in keys]
    for row in connection.execute(_rows(shape), {"keys": wanted}):
        yield tuple(row[place] for place in places), row_digest(shape.columns, row)


@cache
def _rows(shape: Shape) -> Select[Any]:
    """Rows by key. The columns have no types here, so that values come as they are stored; only documents would be read by the driver."""
    columns: list[ColumnClause[Any]] = [column(name) for name in shape.columns]
    raw = table(shape.name, *columns)
    key = [raw.c[name] for name in shape.key]
    wanted = (cast(raw.c[name], String).label(name) if name in shape.documents else raw.c[name] for name in shape.columns)
    return select(*wanted).where((key[0] if len(key) == 1 else tuple_(*key)).in_(bindparam("keys", expanding=True)))
