"""Whatever is changed past the program, in the rows or in their record, the checker says where."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from arrears.ledger.engine import Ledger, upgrade
from arrears.prove import chain
from arrears.prove.chain import ChainBreak, Published, Verified, verify
from arrears.prove.database import Unreadable
from tests.chain_scene import VECTORS, columns, furnish, stored, verified
from tests.ledger.conftest import apart
from tests.ledger.scene import store
from tests.ledger.test_chain import operator
from tests.sealing import VAULT


async def _furnish(url: str) -> None:
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    await ledger.close()


@pytest.fixture(scope="module")
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
    with closing(_forging(file)) as connection:
        yield connection


def _forging(file: Path) -> sqlite3.Connection:
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


_FIELDS = chain._RECORD.split(", ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@given(data=st.data())
def test_every_field_of_every_record_is_guarded(furnished: Path, tmp_path: Path, data: st.DataObject) -> None:
    file = Path(shutil.copy(furnished, tmp_path / "forged.db"))
    with closing(_forging(file)) as forger:
        (last,) = forger.execute("SELECT max(seq) FROM records").fetchone()
        seq = data.draw(st.integers(1, last), "record")
        name = data.draw(st.sampled_from(_FIELDS[1:]), "field")
        old = record(forger, seq)[_FIELDS.index(name)]
        new = data.draw(
            st.one_of(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.just(f"{old}0"), st.just(old[:-1] + "\n")), "value"
        )
        if new == old:
            return
        forger.execute(f"UPDATE records SET {name} = ? WHERE seq = ?", (new, seq))
        found = check(file)

    assert (seq, "record changed") in {(at, what) for at, _, _, what in places(found)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=100)
@given(data=st.data())
def test_records_that_are_removed_swapped_or_replaced_are_found_with_their_place(
    furnished: Path, tmp_path: Path, data: st.DataObject
) -> None:
    head = check(furnished).head
    file = Path(shutil.copy(furnished, tmp_path / "forged.db"))
    with closing(_forging(file)) as forger:
        (last,) = forger.execute("SELECT max(seq) FROM records").fetchone()
        seq = data.draw(st.integers(1, last), "record")
        kind = data.draw(st.sampled_from(["removed", "swapped", "replaced", "rewritten", "truncated"]), "forgery")
        match kind:
            case "removed":
                forger.execute("DELETE FROM records WHERE seq = ?", (seq,))
                expected = {(seq, "record missing" if seq < last else "records missing")}
            case "swapped":
                other = data.draw(st.integers(1, last).filter(lambda n: n != seq), "other")
                a, b = record(forger, seq), record(forger, other)
                for at, row in ((seq, b), (other, a)):
                    pairs = ", ".join(f"{name} = ?" for name in _FIELDS[1:])
                    forger.execute(f"UPDATE records SET {pairs} WHERE seq = ?", (*row[1:], at))
                expected = {(seq, "record changed"), (other, "record changed")}
            case "replaced":
                row = record(forger, seq)
                new = chain.record_hash(*row[:3], "forged", *row[4:7])
                forger.execute("UPDATE records SET row_key = 'forged', hash = ? WHERE seq = ?", (new, seq))
                expected = {(seq + 1, "fork")} if seq < last else {(last, "head differs")}
            case "rewritten":
                forger.execute("UPDATE records SET at = '2020-01-01 00:00:00.000000' WHERE seq = ?", (seq,))
                rewrite_from(forger, seq)
                expected = {(last, "published head")}
            case _:
                forger.execute("DELETE FROM records WHERE seq >= ?", (seq,))
                expected = {(seq, "records missing"), (last, "published head")}
        found = places(check(file, head))

    assert expected <= {(at, what) for at, _, _, what in found}


def test_a_tail_that_is_cut_off_with_its_rows_is_found_by_a_published_head_only(file: Path, forger: sqlite3.Connection) -> None:
    before = check(file)
    asyncio.run(_more(f"sqlite+aiosqlite:///{file}"))
    published = check(file).head
    forger.execute("DELETE FROM operators WHERE id IN ('late', 'later')")
    seq, digest = (before.head or "").split(":")
    forger.execute("DELETE FROM records WHERE seq > ?", (int(seq),))
    forger.execute("UPDATE chain_heads SET seq = ?, hash = ?", (int(seq), digest))

    assert check(file).state == "whole"
    assert check(file, before.head).state == "whole"
    found = check(file, published)
    assert places(found) == [(int(seq) + 2, None, None, "published head")]
    assert f"ends with {seq}" in found.breaks[0].what


async def _more(url: str) -> None:
    ledger = Ledger(url, VAULT)
    await store(ledger, operator("late"))
    await store(ledger, operator("later"))
    await ledger.close()


def test_a_head_that_is_missing_doubled_or_wrong_is_found(file: Path, forger: sqlite3.Connection) -> None:
    last = check(file).records
    forger.execute("UPDATE chain_heads SET hash = ?", ("0" * 64,))
    assert places(check(file)) == [(last, "chain_heads", None, "head differs")]
    forger.execute("UPDATE chain_heads SET seq = ?", (last + 5,))
    assert places(check(file)) == [(last + 1, None, None, "records missing")]
    forger.execute("INSERT INTO chain_heads VALUES (2, 1, ?)", ("0" * 64,))
    assert places(check(file)) == [(None, "chain_heads", None, "several heads")]
    forger.execute("DELETE FROM chain_heads")
    assert places(check(file)) == [(None, "chain_heads", None, "head missing")]
    forger.execute("DROP TABLE chain_heads")
    assert places(check(file)) == [(None, "chain_heads", None, "head missing")]


def test_records_before_the_first_are_found(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute(
        f"INSERT INTO records ({chain._RECORD}) SELECT -3, at, tbl, row_key, op, row_digest, previous, hash FROM records WHERE seq = 1"
    )

    assert (1, None, None, "records out of order") in places(check(file))


@pytest.mark.parametrize("column", chain._RECORD.split(", "))
@pytest.mark.parametrize("value", [None, b"x", 0.5, "x"])
def test_records_that_no_program_writes_are_found(file: Path, forger: sqlite3.Connection, column: str, value: Any) -> None:
    columns = ", ".join(name.strip() for name in chain._RECORD.split(","))
    forger.execute(f"CREATE TABLE free ({columns})")
    forger.execute(f"INSERT INTO free SELECT {columns} FROM records")
    forger.execute(f"UPDATE free SET {column} = ? WHERE seq = 3", (value,))
    forger.execute("DROP TABLE records")
    forger.execute("ALTER TABLE free RENAME TO records")
    forger.execute("UPDATE chain_heads SET seq = 'x'")

    found = places(check(file))
    assert any(what == "record changed" for _, _, _, what in found)
    assert any(what == "head differs" for _, _, _, what in found)


def test_a_ledger_older_than_its_chain_says_so(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("DROP TABLE records")
    forger.execute("DROP TABLE chain_heads")

    assert check(file).state == "absent"


def test_records_that_are_gone_while_their_head_stands_are_no_older_ledger(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("DROP TABLE records")

    found = check(file)
    assert found.state == "broken"
    assert places(found)[0] == (None, "records", None, "records missing")


def test_a_ledger_that_had_a_chain_when_its_head_was_published_is_no_older_ledger(file: Path, forger: sqlite3.Connection) -> None:
    published = check(file).head
    forger.execute("DROP TABLE records")
    forger.execute("DROP TABLE chain_heads")

    assert check(file, published).state == "broken"


@pytest.mark.parametrize("text", ["", "7", "7:abc", "x:" + "0" * 64, "7:" + "G" * 64])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SEQ:HASH"):
        Published.read(text)


def test_so_many_breaks_are_listed_and_the_rest_counted(file: Path, forger: sqlite3.Connection) -> None:
    forger.execute("UPDATE records SET at = 'x'")

    found = verify(f"sqlite:///{file}", most_listed=3)
    assert (len(found.breaks), len(found.breaks) + found.breaks_left_out) == (3, found.records)


FORGERIES: dict[str, tuple[str, list[ChainBreak]]] = {
    "a changed text": ("UPDATE operators SET name = 'Bob' WHERE id = 'rob'", [ChainBreak(None, "operators", "rob", "row changed")]),
    "a changed amount": ("UPDATE payments SET amount = 1", [ChainBreak(None, "payments", "pay-1", "row changed")]),
    "a changed instant": (
        "UPDATE payments SET recorded_at = recorded_at - INTERVAL '1 microsecond'",
        [ChainBreak(None, "payments", "pay-1", "row changed")],
    ),
    "a changed day": (
        "UPDATE instalments SET due_on = due_on + 1 WHERE n = 1 AND loan_id = 'L-2'",
        [ChainBreak(None, "instalments", "L-2,1", "row changed")],
    ),
    "a changed truth": ("UPDATE operators SET active = NOT active WHERE id = 'sue'", [ChainBreak(None, "operators", "sue", "row changed")]),
    "changed sealed bytes": (
        "UPDATE persons SET name = name || '\\x00'::bytea WHERE id = 'B-1'",
        [ChainBreak(None, "persons", "B-1", "row changed")],
    ),
    "a changed document": ("UPDATE approvals SET evidence = '{}'", [ChainBreak(None, "approvals", "L-1.1/relatives.1", "row changed")]),
    "a removed row": ("DELETE FROM payments", [ChainBreak(None, "payments", "pay-1", "row missing")]),
    "an added row": (
        "INSERT INTO operators VALUES ('eve', 'Eve', 'admin', TRUE)",
        [ChainBreak(None, "operators", "eve", "row without record")],
    ),
    "a changed record": ("UPDATE records SET at = now() WHERE seq = 7", [ChainBreak(7, None, None, "record changed")]),
    "a removed record": ("DELETE FROM records WHERE op = 'delete'", [ChainBreak(None, None, None, "record missing")]),
    "a removed tail": ("DELETE FROM records WHERE seq > 20", [ChainBreak(21, None, None, "records missing")]),
    "a removed head": ("DELETE FROM chain_heads", [ChainBreak(None, "chain_heads", None, "head missing")]),
}


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_forgeries_on_a_server_are_found_as_well(url: str) -> None:
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    await ledger.close()
    whole = await verified(url)
    assert (whole.state, whole.breaks) == ("whole", ())
    assert (await verified(url, whole.head)).state == "whole"
    engine = create_async_engine(url)
    for name, (statement, expected) in FORGERIES.items():
        async with engine.connect() as connection:
            await connection.execute(text("CREATE SCHEMA kept"))
            for table in ("operators", "payments", "instalments", "persons", "approvals", "records", "chain_heads"):
                await connection.execute(text(f"CREATE TABLE kept.{table} AS SELECT * FROM {table}"))
            await connection.execute(text(statement))
            await connection.commit()
            found = await verified(url)
            blurred = {replace(one, seq=None, what=one.what.partition(":")[0]) for one in found.breaks}
            assert {replace(one, seq=None) for one in expected} <= {
                replace(one, table=e.table and one.table, row_key=e.row_key and one.row_key) for one in blurred for e in expected
            }, name
            assert all(e.seq in {one.seq for one in found.breaks} for e in expected if e.seq), name
            await connection.execute(text("SET session_replication_role = replica"))
            for table in ("operators", "payments", "instalments", "persons", "approvals", "records", "chain_heads"):
                await connection.execute(text(f"DELETE FROM {table}"))
                await connection.execute(text(f"INSERT INTO {table} SELECT * FROM kept.{table}"))
            await connection.execute(text("DROP SCHEMA kept CASCADE"))
            await connection.execute(text("SET session_replication_role = DEFAULT"))
            await connection.commit()
    await engine.dispose()
    assert (await verified(url)).state == "whole"


async def test_the_checker_sees_one_moment_while_others_write(url: str) -> None:
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    writing = asyncio.create_task(_keep_writing(ledger))
    found = [await verified(url)]
    while len(found) < 5 or found[-1].records == found[0].records:
        found.append(await verified(url))
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await ledger.close()

    assert all(one.breaks == () for one in found)


async def _keep_writing(ledger: Ledger) -> None:
    for n in range(10_000):
        await store(ledger, operator(f"op-{n}"))


async def test_both_databases_give_the_same_digests(url: str, furnished: Path, tmp_path: Path) -> None:
    """The same rows, sealed with random bytes aside, have the same records on SQLite and on PostgreSQL."""
    ledger = Ledger(url, VAULT)
    await furnish(ledger)
    await ledger.close()
    engine = create_async_engine(url)
    unsealed = "tbl IN ('operators', 'loans', 'instalments', 'relations', 'payments', 'cases', 'tasks', 'approval_persons', 'holds')"
    async with engine.connect() as connection:
        here = (await connection.execute(text(f"SELECT tbl, row_key, op, row_digest FROM records WHERE {unsealed} ORDER BY seq"))).all()
    await engine.dispose()
    with closing(sqlite3.connect(furnished)) as connection:
        there = connection.execute(f"SELECT tbl, row_key, op, row_digest FROM records WHERE {unsealed} ORDER BY seq").fetchall()

    assert [tuple(row) for row in here] == there


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
