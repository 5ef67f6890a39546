"""The connection to the ledger, on SQLite or PostgreSQL, and its migrations.

A ledger is named by a URL: ``sqlite+aiosqlite:///path/to/file`` or ``postgresql+asyncpg://user@host/database``.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger import chain
from arrears.ledger.search.board import SESSION_KEY as BOARD
from arrears.ledger.search.board import Board
from arrears.ledger.vault import SESSION_KEY as VAULT
from arrears.ledger.vault import Vault
from arrears.ledger.vault import check as check_keys

WAIT_SECONDS = 30
"""So long a transaction waits for its turn to write."""

_PATIENT = f"busy_timeout = {1000 * WAIT_SECONDS}"
_SQLITE_PRAGMAS = (_PATIENT, "journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL", "secure_delete = ON")
# SQLite asks for a lock ever more rarely, so that who comes late and asks often gets it first. Writers therefore ask anew after a moment.
_IMPATIENT = "busy_timeout = 20"
# Whoever starts while another process migrates a large ledger waits until it has done so.
_VERY_PATIENT = "busy_timeout = 600000"
_MORE_PRAGMAS = {"IMMEDIATE": (_IMPATIENT,), "DEFERRED": ("query_only = ON",), "MIGRATION": (_VERY_PATIENT, "foreign_keys = OFF")}
# One that is not kept open is opened anew for the next in line, with a thread or a process of its own.
_POOLS = {"IMMEDIATE": (2, 6), "DEFERRED": (16, 8), "MIGRATION": (1, 0)}
_POSTGRES_POOL = {"pool_size": 12, "max_overflow": 4, "pool_pre_ping": True}
_POSTGRES_CONNECTION = {"timeout": 10, "command_timeout": 60}
_SQLITE_PASSES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_POSTGRES_PASSES = ("08", "40", "53", "57")
"""Classes of SQLSTATE: no connection, a deadlock, no resources, an operator's intervention (the server is shut down, or starts)."""
_MIGRATIONS_LOCK = 0x41525245
_ALEMBIC_INI = Path(__file__).with_name("alembic.ini")


class LedgerBusy(Exception):
    """So many write that this transaction did not get its turn in time. It has changed nothing; later it may."""

    def __init__(self) -> None:
        super().__init__(f"the ledger is busy: no turn to write came within {WAIT_SECONDS} s")


def passes(failed: BaseException) -> bool:
    """Whether a failure of the ledger is one that may be over in a moment: it is busy, or cannot be reached."""
    match failed:
        case LedgerBusy() | NoConnection() | ConnectionError() | TimeoutError():
            return True
        case DBAPIError(connection_invalidated=True):
            return True
        case DBAPIError(orig=sqlite3.OperationalError(sqlite_errorcode=code)):
            return code & 0xFF in _SQLITE_PASSES
        case DBAPIError(orig=cause):
            return str(getattr(cause, "sqlstate", "")).startswith(_POSTGRES_PASSES)
        case _:
            return str(getattr(failed, "sqlstate", "")).startswith(_POSTGRES_PASSES)


class Ledger:
    """An open ledger. Sessions are short: nothing slow, and no call to the outside world, happens while one is open."""

    def __init__(self, url: str, vault: Vault | None = None) -> None:
        """``vault`` opens personal data; without it they stay closed, and everything else can be read and written."""
        self._vault = vault
        self._info: dict[str, object] = {VAULT: vault}
        self._reading_info = self._info | {BOARD: Board()}
        self._writing = _connect(url, "IMMEDIATE")
        chain.guard(self._writing.sync_engine)
        self._writers = asyncio.Lock()
        one_moment = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        self._reading = _connect(url, "DEFERRED") if self.on_sqlite else self._writing.execution_options(**one_moment)

    @property
    def on_sqlite(self) -> bool:
        return self._writing.dialect.name == "sqlite"

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that commits on success and rolls back on any error.

        On SQLite, where there is one writer at a time, those of a process take their turns in the order in which they came; with its first statement a
        transaction keeps all other processes from writing, as one that began by reading could not write any more once another had written.

        What it wrote is appended to the chain right before it commits (``ledger.chain``). Raises ``LedgerBusy``.
        """
        options: dict[str, Any] = {"expire_on_commit": False, "info": self._info}
        async with (
            self._turn(),
            AsyncSession(self._writing, sync_session_class=chain.ChainedSession, **options) as session,
            session.begin(),
        ):
            yield session

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """On SQLite, the turn to write of this process's sessions."""
        if not self.on_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._writers.acquire()
        except TimeoutError:
            raise LedgerBusy from None
        try:
            yield
        finally:
            self._writers.release()

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that reads facts and acts on them before anybody changes them.

        On SQLite nobody else writes from here on. On PostgreSQL it is an ordinary transaction: what must not change is read ``FOR UPDATE``.
        """
        async with self.session() as session:
            if self.on_sqlite:
                await session.connection()
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that waits for nobody and sees one moment of the ledger. The database refuses to write in it."""
        async with AsyncSession(self._reading, expire_on_commit=False, info=self._reading_info) as session, session.begin():
            yield session

    async def check(self) -> None:
        """Raise if the ledger cannot be reached, or ``WrongKey`` if the vault does not open what it holds."""
        async with self.reading() as session:
            await session.exec(select(1))
            if self._vault is not None:
                await check_keys(session, self._vault)

    async def forget(self) -> None:
        """See to it that what was removed from the tables does not go on standing beside them, as far as this database lets us.

        SQLite's log goes into the file, where removed content is overwritten, and is emptied, unless somebody reads just now: then it happens later, by
        itself. PostgreSQL forgets when it vacuums and drops old log segments.
        """
        if self.on_sqlite:
            await _outside_transactions(self._writing, f"PRAGMA {_PATIENT}", "PRAGMA wal_checkpoint(TRUNCATE)", f"PRAGMA {_IMPATIENT}")

    async def close(self) -> None:
        await self._writing.dispose()
        await self._reading.dispose()


async def upgrade(url: str, vault: Vault | None = None) -> None:
    """Bring the ledger's tables to the newest version, in one transaction; whoever comes at the same time waits and finds them done.

    Raises ``WrongKey`` if the vault does not open what the ledger holds, ``KeyMissing`` if there are personal data to seal and no vault is given.
    """
    engine = _connect(url, "MIGRATION")
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATIONS_LOCK})"))
            changed = await connection.run_sync(_to_head, vault)
        if changed and engine.dialect.name == "sqlite":
            # What the migration has sealed or removed must not go on standing in the file's free pages, or in its log.
            await _outside_transactions(engine, "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        await engine.dispose()
    if vault is not None:
        ledger = Ledger(url, vault)
        try:
            await ledger.check()
        finally:
            await ledger.close()


def _to_head(connection: Connection, vault: Vault | None) -> bool:
    """Migrate; whether there was anything to do."""
    before = MigrationContext.configure(connection).get_current_revision()
    command.upgrade(alembic_config(connection, vault), "head")
    if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise RuntimeError(f"after the migration a row of {broken[0]} refers to nothing in {broken[2]}; nothing was changed")
    return before != MigrationContext.configure(connection).get_current_revision()


async def _outside_transactions(engine: AsyncEngine, *statements: str) -> None:
    """Carry out what cannot be done in a transaction: the engine would begin one."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        for statement in statements:
            await driver.execute(statement)


def alembic_config(connection: Connection, vault: Vault | None = None) -> Config:
    """The configuration with which alembic's commands run on an open connection."""
    config = Config(_ALEMBIC_INI)
    config.attributes["connection"] = connection
    config.attributes["vault"] = vault
    return config


class _SqliteConnection(sqlite3.Connection):
    """Ends its transaction when it is closed.

    SQLite keeps a closed connection, with its locks, for as long as any cursor of it is referred to, and the traceback of a cancelled task refers
    to one: without this a worker that drops a transaction in the middle could keep all others from writing.
    """

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self.rollback()
        super().close()


def _connect(url: str, begin: Literal["IMMEDIATE", "DEFERRED", "MIGRATION"]) -> AsyncEngine:
    """An engine whose errors carry no values; on SQLite, transactions start with ``BEGIN <begin>`` and deferred ones may only read.

    A migration is immediate. SQLite has it rebuild tables that others refer to, so references are checked at its end instead of all the time.
    """
    if make_url(url).get_backend_name() == "sqlite":
        kept, more = _POOLS[begin]
        engine = create_async_engine(
            url, hide_parameters=True, connect_args={"factory": _SqliteConnection}, pool_size=kept, max_overflow=more
        )
        pragmas = (*_SQLITE_PRAGMAS, *_MORE_PRAGMAS.get(begin, ()))
        words = "BEGIN DEFERRED" if begin == "DEFERRED" else "BEGIN IMMEDIATE"

        def set_up(raw: Any, _: ConnectionPoolEntry) -> None:
            # The driver's own habit of opening transactions late is switched off: the engine says when one begins.
            raw.isolation_level = None
            cursor = raw.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        def start(connection: Connection) -> None:
            if begin != "IMMEDIATE" or not _begun(connection, words):
                connection.exec_driver_sql(words)

        event.listen(engine.sync_engine, "connect", set_up)
        event.listen(engine.sync_engine, "begin", start)
    else:
        engine = create_async_engine(url, hide_parameters=True, connect_args=_POSTGRES_CONNECTION, **_POSTGRES_POOL)
    event.listen(engine.sync_engine, "handle_error", _drop_values)
    return engine


def _begun(connection: Connection, words: str) -> bool:
    """Begin, as soon as no other process writes; whether it came to that."""
    adapted: Any = connection.connection.dbapi_connection
    end = time.monotonic() + WAIT_SECONDS

    def work(driver: Any) -> Any:
        return driver.execute_fetchall(words)

    while time.monotonic() < end:
        try:
            adapted.run_async(work)
        except sqlite3.OperationalError as failed:
            if failed.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                return False
        else:
            return True
    return False


def _drop_values(context: ExceptionContext) -> None:
    """PostgreSQL's errors quote values, which may be names and numbers to call: drop that part, keep what is wrong and where."""
    wrapper = context.sqlalchemy_exception
    error: BaseException | None = context.original_exception
    while error is not None:
        if getattr(error, "detail", None):
            error.detail = None  # pyright: ignore[reportAttributeAccessIssue]
        if error.args and _is_about_data(error):
            quoting = str(error.args[0])
            plain = quoting.partition(":")[0]
            error.args = (plain, *error.args[1:])
            if wrapper is not None and wrapper.args:
                wrapper.args = (str(wrapper.args[0]).replace(quoting, plain), *wrapper.args[1:])
        error = error.__cause__


def _is_about_data(error: BaseException) -> bool:
    sqlstate = getattr(error, "sqlstate", None) or ""
    return sqlstate.startswith("22") or "DataError" in {base.__name__ for base in type(error).__mro__}
