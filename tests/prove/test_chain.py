"""Whatever is changed past the program in the rows, the checker says where."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from arrears.ledger.engine import upgrade
from arrears.prove import chain
from arrears.prove.chain import verify
from arrears.prove.database import Unreadable
from tests.chain_scene import VECTORS, columns, stored
from tests.prove.forging import check, file, forger, furnished, places, record

__all__ = ["file", "forger", "furnished"]


@pytest.mark.parametrize("vector", VECTORS["rows"], ids=lambda v: v["why"])
def test_the_checker_gives_rows_the_same_digest(vector: dict[str, Any]) -> None:
    names, values = columns(vector["row"])
    assert chain.digester(names)(values) == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda v: v["key"])
def test_the_checker_names_keys_alike(vector: dict[str, Any]) -> None:
    assert chain.key_text(vector["values"]) == vector["key"]


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda v: v["op"])
def test_the_checker_gives_records_the_same_hash(vector: dict[str, Any]) -> None:
    fields = [stored(vector[name]) for name in ("seq", "at", "tbl", "row_key", "op", "row_digest", "previous")]
    assert chain.record_hash(*fields) == vector["hash"]


def test_an_untouched_ledger_is_whole(file: Path) -> None:
    found = check(file)

    assert found.state == "whole"
    assert found.breaks == ()
    assert found.records > found.rows >= 30
    assert check(file, found.head).state == "whole"


def test_every_column_of_every_row_is_guarded(file: Path, forger: sqlite3.Connection) -> None:
    tried = 0
    for table, rowid, name, value, key, is_key in _values(forger):
        forger.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (_other(value), rowid))
        found = places(check(file))
        forger.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (value, rowid))
        whats = sorted((what, row_key == key) for _, at, row_key, what in found if at == table)
        assert len(whats) == len(found)
        assert whats == ([("row missing", True), ("row without record", False)] if is_key else [("row changed", True)]), (table, name)
        tried += 1

    assert tried > 280
    assert check(file).state == "whole"


def test_every_row_is_missed(file: Path, forger: sqlite3.Connection) -> None:
    seen = set[tuple[str, int]]()
    for table, rowid, _, _, key, _ in list(_values(forger)):
        if (table, rowid) in seen:
            continue
        seen.add((table, rowid))
        names = ", ".join(column[1] for column in forger.execute(f"PRAGMA table_info({table})"))
        row = forger.execute(f"SELECT rowid, {names} FROM {table} WHERE rowid = ?", (rowid,)).fetchone()
        forger.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
        [(seq, at, row_key, what)] = places(check(file))
        assert (at, row_key, what) == (table, key, "row missing")
        assert seq is not None
        assert record(forger, seq)[2:4] == (table, key)
        forger.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * (len(row) - 1))})", row[1:])

    assert len(seen) >= 30


def _values(forger: sqlite3.Connection) -> Iterator[tuple[str, int, str, Any, str, bool]]:
    """Every value of every chained row: table, rowid, column, value, the row's key, and whether the column is a part of it."""
    for (table,) in forger.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    ).fetchall():
        if table in chain.UNCHAINED:
            continue
        info = forger.execute(f"PRAGMA table_info({table})").fetchall()
        names = [column[1] for column in info]
        keys = [column[1] for column in sorted((c for c in info if c[5]), key=lambda c: c[5])]
        for rowid, *row in forger.execute(f"SELECT rowid AS r, {', '.join(names)} FROM {table}").fetchall():
            values = dict(zip(names, row, strict=True))
            # Where an integer is the primary key it is the rowid: changing it would lose the row.
            for name, value in values.items():
                if not (name in keys and keys == [name] and isinstance(value, int)):
                    yield table, rowid, name, value, chain.key_text([values[k] for k in keys]), name in keys


def _other(value: Any) -> Any:
    match value:
        case None:
            return 1
        case int():
            return value + 1000
        case bytes():
            return value + b"x"
        case _:
            return f"{value}x"


@pytest.mark.parametrize("value", [0.5, b"\xff", "'\"\\\n", 2**62, ""])
def test_strange_values_are_changes_too(file: Path, forger: sqlite3.Connection, value: Any) -> None:
    forger.execute("UPDATE operators SET name = ? WHERE id = 'rob'", (value,))

    assert [(at, key, what) for _, at, key, what in places(check(file))] == [("operators", "rob", "row changed")]


def test_text_that_is_no_text_makes_the_ledger_unreadable(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("UPDATE operators SET name = CAST(x'ff' AS TEXT) WHERE id = 'rob'")

    with pytest.raises(Unreadable, match="operators"):
        check(file)


def test_a_row_added_past_the_program_is_found(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("INSERT INTO operators (id, name, role, active) VALUES ('eve', 'Eve', 'admin', 1)")

    assert places(check(file)) == [(None, "operators", "eve", "row without record")]


def test_a_deleted_row_that_comes_back_is_found(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("INSERT INTO operators (id, name, role, active) VALUES ('temp', 'Temp', 'collector', 1)")

    [(seq, at, key, what)] = places(check(file))
    assert (at, key, what) == ("operators", "temp", "row without record")
    assert seq is not None
    assert record(forger, seq)[4] == "delete"


def test_a_row_that_was_swapped_with_an_older_state_of_itself_is_found(file: Path, forger: sqlite3.Connection) -> None:
    """Each state was recorded once; only the last counts."""
    forger.execute("UPDATE tasks SET state = 'open', done_at = NULL WHERE id = 't-1'")

    assert [(at, key, what) for _, at, key, what in places(check(file))] == [("tasks", "t-1", "row changed")]


def test_a_table_that_is_gone_or_lost_its_key_is_found(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("DROP TABLE payments")
    forger.execute("CREATE TABLE copy AS SELECT * FROM operators")
    forger.execute("DROP TABLE operators")
    forger.execute("ALTER TABLE copy RENAME TO operators")

    found = {(at, what) for _, at, _, what in places(check(file))}
    assert found == {("payments", "row missing"), ("operators", "row missing"), ("operators", "row without record")}


def test_a_row_that_stands_there_twice_is_found(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("ALTER TABLE operators RENAME TO old")
    forger.execute("CREATE TABLE operators (id TEXT, name TEXT, role TEXT, active INTEGER, two INTEGER, PRIMARY KEY (id, two))")
    forger.execute("INSERT INTO operators SELECT *, 1 FROM old UNION ALL SELECT *, 2 FROM old")
    forger.execute("DROP TABLE old")

    assert check(file).state == "broken"


def test_so_many_breaks_are_listed_and_the_rest_counted(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("UPDATE records SET at = 'x'")

    found = verify(f"sqlite:///{file}", most_listed=3)
    assert (len(found.breaks), len(found.breaks) + found.breaks_left_out) == (3, found.records)


async def test_a_ledger_that_was_never_migrated_has_no_chain(tmp_path: Path) -> None:
    file = tmp_path / "empty.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE x (y)")

    assert check(file).state == "absent"


async def test_a_new_ledger_is_whole(tmp_path: Path) -> None:
    await upgrade(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")

    assert check(tmp_path / "new.db").state == "whole"


def test_the_examples_of_the_documentation_are_right() -> None:
    page = (Path(__file__).parents[2] / "docs" / "chain.md").read_text(encoding="utf-8")
    row, line = [block.strip() for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    fields = json.loads(line)
    digest = chain.digester(sorted(json.loads(row)))([json.loads(row)[name] for name in sorted(json.loads(row))])

    assert fields[5] == digest == hashlib.sha256(row.encode()).hexdigest()
    assert chain.record_hash(*fields) == hashlib.sha256(line.encode()).hexdigest()
