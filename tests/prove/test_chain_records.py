"""Whatever is changed past the program in the record of the rows, or at its head, the checker says where."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrears.ledger.engine import Ledger
from arrears.prove import chain
from arrears.prove.chain import Published
from tests.ledger.scene import store
from tests.ledger.test_chain import operator
from tests.prove.forging import check, file, forger, forging, furnished, places, record, rewrite_from
from tests.sealing import VAULT

__all__ = ["file", "forger", "furnished"]

_FIELDS = chain._RECORD.split(", ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@given(data=st.data())
def test_every_field_of_every_record_is_guarded(furnished: Path, tmp_path: Path, data: st.DataObject) -> None:
    file = Path(shutil.copy(furnished, tmp_path / "forged.db"))
    with closing(forging(file)) as forger:
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
    with closing(forging(file)) as forger:
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
