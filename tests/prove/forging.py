"""A ledger with a chain for tests to forge, and what a forger can do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from arrears.ledger.engine import Ledger
from arrears.prove import chain
from arrears.prove.chain import Verified, verify
from tests.chain_scene import furnish
from tests.ledger.conftest import apart
from tests.sealing import VAULT


async def _furnish(url: str) -> None:
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    await ledger.close()


@pytest.fixture(scope="session")
def furnished(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in a file, with a chain of some 50 records, that tests copy."""
    file = tmp_path_factory.mktemp("chain") / "ledger.db"
    shutil.copy(migrated_sqlite, file)
    apart(_furnish(f"sqlite+aiosqlite:///{file}"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return file


@pytest.fixture
def file(furnished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(furnished, tmp_path / "ledger.db"))


@pytest.fixture
def forger(file: Path) -> Generator[sqlite3.Connection]:
    """Whoever has the file and no respect for constraints."""
    with closing(forging(file)) as connection:
        yield connection


def forging(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("foreign_keys = OFF", "ignore_check_constraints = ON", "synchronous = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def check(file: Path, published: str | None = None) -> Verified:
    return verify(f"sqlite:///{file}", published)


def places(found: Verified) -> list[tuple[int | None, str | None, str | None, str]]:
    return [(one.seq, one.table, one.row_key, one.what.partition(":")[0]) for one in found.breaks]


def record(forger: sqlite3.Connection, seq: int) -> tuple[Any, ...]:
    return forger.execute(f"SELECT {chain._RECORD} FROM records WHERE seq = ?", (seq,)).fetchone()


def rewrite_from(forger: sqlite3.Connection, seq: int) -> None:
    """Compute the chain anew from a record on, as somebody would who knows how it is made."""
    previous = record(forger, seq - 1)[7] if seq > 1 else chain.NOTHING_BEFORE
    for row in forger.execute(f"SELECT {chain._RECORD} FROM records WHERE seq >= ? ORDER BY seq", (seq,)).fetchall():
        new = chain.record_hash(*row[:6], previous)
        forger.execute("UPDATE records SET previous = ?, hash = ? WHERE seq = ?", (previous, new, row[0]))
        previous = new
    forger.execute("UPDATE chain_heads SET hash = ?", (previous,))
