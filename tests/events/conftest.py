"""A ledger on both databases, a loan system that listens, and somebody who tells it what happens."""

from __future__ import annotations

from tests.ledger.conftest import backend, ledger, migrated_postgres, migrated_sqlite, postgres, url

__all__ = ["backend", "ledger", "migrated_postgres", "migrated_sqlite", "postgres", "url"]
