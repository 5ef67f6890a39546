"""Which tables and columns a ledger has; what it has not reads as nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arrears.prove.database import Database, Row


class Shelf:
    """A ledger's tables by name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._columns: dict[str, frozenset[str]] = {}

    def has(self, table: str, column: str | None = None) -> bool:
        columns = self._of(table)
        return bool(columns) if column is None else column in columns

    def all(self, table: str, *columns: str) -> Iterable[Row]:
        """The columns of all rows."""
        return self._database.read(f"SELECT {self._list(table, columns)} FROM {table}") if self.has(table) else ()  # noqa: S608 (names of ours)

    def where(self, table: str, key: str, ids: Sequence[str], *columns: str, only: str = "") -> Iterable[Row]:
        """The columns of the rows whose ``key`` is one of ``ids``; a missing column is empty. ``only`` is a further condition."""
        if not ids or not self.has(table, key):
            return ()
        return self._database.read(f"SELECT {self._list(table, columns)} FROM {table} WHERE {key} {{ids}}{only}", ids)  # noqa: S608 (names of ours)

    def read(self, sql: str, ids: Sequence[str]) -> Iterable[Row]:
        return self._database.read(sql, ids) if ids else ()

    def names(self, table: str, columns: Iterable[str], prefix: str = "") -> str:
        """The columns for a SELECT, with NULL for those that the ledger does not have."""
        known = self._of(table)
        return ", ".join(f"{prefix}{column}" if column in known else "NULL" for column in columns)

    def _list(self, table: str, columns: Iterable[str]) -> str:
        return self.names(table, columns)

    def _of(self, table: str) -> frozenset[str]:
        if table not in self._columns:
            self._columns[table] = self._database.columns(table)
        return self._columns[table]
