"""Migrated ledgers for the checker's tests, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from tests.ledger.conftest import backend, migrated_postgres, migrated_sqlite, postgres, url

__all__ = ["backend", "migrated_postgres", "migrated_sqlite", "postgres", "url"]
