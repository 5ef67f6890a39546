"""Every write of the ledger is chained: whoever changes a row later, beside this program, cannot hide it.

A session of the ledger notes which rows its flushes wrote. Right before it commits it reads them back as the database stored them and appends a record
for each (``RecordRow``): whether it was inserted, updated or deleted, the digest of what stands in it now, and the hash of the record before. What was
written several times in a transaction is chained once, what was rolled back never. The head of the chain is locked last, when all other locks are held,
so that writers wait for each other briefly and never in a circle.

All tables are chained, operators too (who may approve is worth a forger's while), except for ``OPERATIONAL``: outboxes and caches, whose facts stand
in other tables; who is signed in just now; strategies, whose hash stands in the cases that run by them; the chain itself; and
alembic's own. Rows are digested whole, sealed texts as they are sealed.

Only the unit of work may write chained tables: other statements are refused where they reach the database, because nobody would note their rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event, insert, inspect, select
from sqlalchemy.orm import Mapper, SessionTransaction, UOWTransaction
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session, SQLModel

from arrears.ledger import chain_sql
from arrears.ledger.chain_sql import Key, Record, Shape, shape_of
from arrears.ledger.digest import GENESIS, record_hash, row_digest, row_key
from arrears.ledger.tables import METADATA, Op

OPERATIONAL = frozenset(
    {
        *("records", "chain_heads", "alembic_version"),
        *("relays", "deliveries", "cursors", "answers", "heard_messages"),
        *("sessions", "login_failures", "work_lists"),
        "strategies",
    }
)
"""The tables that are not chained."""

_SESSION = "arrears_session"
_BATCH = 500
_WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:\w+\.)?[\"`\[]?(\w+)", re.IGNORECASE)
_T = TypeVar("_T")

_heads = METADATA.tables["chain_heads"]


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
        self.touched: dict[str, dict[Key, bool]] = {}

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


def head(connection: Connection) -> Head:
    """The last record's number and hash. Raises ``ChainBroken`` if there is no head."""
    return _head(connection.execute(select(_heads.c.seq, _heads.c.hash)).first())


def append(connection: Connection, changes: Iterable[Change]) -> None:
    """Append a record for each change and move the head, which stays locked until the transaction ends. Raises ``ChainBroken`` if there is no head."""
    last = _head(chain_sql.lock_head(connection))
    at = datetime.now(UTC)
    for batch in batches(changes):
        records: list[Record] = []
        for change in batch:
            fields = (last.seq + 1, at, change.tbl, change.row_key, change.op.value, change.digest, last.hash)
            last = Head(fields[0], record_hash(*fields))
            records.append((*fields, last.hash))
        chain_sql.write(connection, records)


def _head(found: Sequence[Any] | None) -> Head:
    if found is None:
        raise ChainBroken("the chain has lost its head: the table chain_heads is empty")
    return Head(found[0], found[1])


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


def _changes(connection: Connection, shape: Shape, keys: Mapping[Key, bool]) -> Iterator[Change]:
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


def _stored(connection: Connection, shape: Shape, keys: Sequence[Key]) -> Iterator[tuple[Key, str]]:
    places = [shape.columns.index(name) for name in shape.key]
    for row in chain_sql.rows(connection, shape, keys):
        yield tuple(row[place] for place in places), row_digest(shape.columns, row)
