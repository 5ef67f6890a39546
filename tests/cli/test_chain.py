"""`arrears chain …`: the head that is published, and the check that compares."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def ledger(arrears, tmp_path):
    """The option of an installation whose ledger has one operator."""
    options = ("--data-dir", str(tmp_path))
    assert arrears("db", "upgrade", *options).code == 0
    assert arrears("operators", "add", "sue", "--name", "Sue", "--role", "supervisor", *options).code == 0
    return options


def test_the_head_can_be_published_and_compared(arrears, ledger):
    published = arrears("chain", "head", *ledger).text.strip()
    assert published == arrears("chain", "head", *ledger, "--json").json["head"]
    assert published.startswith("1:")
    arrears("operators", "add", "rob", "--name", "Rob", "--role", "auditor", *ledger)

    found = arrears("chain", "verify", "--head", published, *ledger, "--json")

    assert found.code == 0
    assert (found.json["state"], found.json["records"], found.json["breaks"]) == ("whole", 2, [])
    assert "2 records, 2 rows: the chain is whole" in arrears("chain", "verify", *ledger).text


def test_a_break_is_told_with_its_place_and_ends_with_1(arrears, ledger, tmp_path):
    [file] = tmp_path.glob("*.db")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE operators SET role = 'admin'")
        connection.commit()

    found = arrears("chain", "verify", *ledger)

    assert found.code == 1
    assert "record 1 operators sue: row changed" in found.text


def test_a_head_that_is_none_is_wrong_usage(arrears, ledger):
    found = arrears("chain", "verify", "--head", "yesterday", *ledger)

    assert found.code == 2
    assert "SEQ:HASH" in found.text


def test_a_ledger_that_is_not_there_cannot_be_verified(arrears, tmp_path):
    found = arrears("chain", "verify", "--ledger", f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")

    assert found.code == 3
