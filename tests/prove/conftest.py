"""Migrated ledgers for the checker's tests, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.ledger.conftest import backend, migrated_postgres, migrated_sqlite, postgres, url
from tests.prove.raw import RawLedger, settle_in

__all__ = ["backend", "migrated_postgres", "migrated_sqlite", "postgres", "url"]


@pytest.fixture
def settled(tmp_path: Path, migrated_sqlite: Path) -> Generator[RawLedger]:
    """A ledger of its own with one borrower, their loan and their sister, and nothing said to anybody yet."""
    shutil.copy(migrated_sqlite, tmp_path / "ledger.db")
    ledger = RawLedger(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    settle_in(ledger)
    yield ledger
    ledger.close()
