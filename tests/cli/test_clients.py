"""`arrears clients`: machines are let in with a token that is shown once, and let in no more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arrears.ledger import access
from tests.cli.conftest import Said
from tests.cli.doors import noted, reading
from tests.sealing import LEDGER_KEY

Arrears = Callable[..., Said]
LOANS = ("clients", "add", "loans", "--name", "Loan system", "--scope", "payments.record", "--scope", "cases.open")


@pytest.fixture
def on(staffed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("ARREARS_LEDGER_KEY", LEDGER_KEY)
    shutil.copy(staffed, tmp_path)
    return "--data-dir", str(tmp_path)


def known(on: tuple[str, str], token: str, at: datetime | None = None) -> str | None:
    row = reading(Path(on[1]), lambda session: access.client(session, token, at or datetime.now(UTC)))
    return row and row.id


def test_a_clients_token_is_shown_once_and_only_its_digest_is_kept(arrears: Arrears, on: tuple[str, str]):
    made = arrears(*LOANS, *on, "--json")
    assert made.code == 0, made.text
    assert made.json["scopes"] == ["cases.open", "payments.record"]
    token = made.json["token"]
    assert token.startswith("arr_")
    assert len(token) >= 43
    assert known(on, token) == "loans"
    assert token not in arrears("clients", "list", *on, "--json").text
    assert token.encode() not in b"".join(path.read_bytes() for path in Path(on[1]).glob("ledger.db*"))
    assert noted(Path(on[1])) == [("access.manage", "loans", "client added")]


def test_another_token_replaces_the_former_and_a_revoked_client_is_not_let_in(arrears: Arrears, on: tuple[str, str]):
    first = arrears(*LOANS, *on, "--json").json["token"]
    second = arrears("clients", "rotate", "loans", *on, "--json").json["token"]
    assert (known(on, first), known(on, second)) == (None, "loans")
    assert arrears("clients", "revoke", "loans", *on).code == 0
    assert known(on, second) is None
    assert [c["state"] for c in arrears("clients", "list", *on, "--json").json] == ["revoked"]
    again = arrears("clients", "rotate", "loans", *on)
    assert (again.code, "no client loans is let in" in again.text.replace("\n", " ")) == (1, True)


def test_a_token_counts_until_its_day(arrears: Arrears, on: tuple[str, str]):
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    token = arrears(*LOANS, "--expires", str(day), *on, "--json").json["token"]
    end = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert (known(on, token, end - timedelta(seconds=1)), known(on, token, end)) == ("loans", None)


def test_an_agencys_token_is_bound_to_the_agency(arrears: Arrears, on: tuple[str, str]):
    words = ("clients", "add", "north-feed", "--name", "North", "--scope", "agencies.report", "--agency")
    assert arrears(*words, "north", *on).code == 0
    assert [c["agency"] for c in arrears("clients", "list", *on, "--json").json] == ["north"]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("add", "x", "--name", "X", "--scope", "payment.record"), 2, "did you mean payments.record?"),
        (("add", "x", "--name", "X", "--scope", "everything"), 2, "There are: cases.read"),
        (("add", "x", "--name", "X"), 2, "--scope"),
        (("add", "X y", "--name", "X", "--scope", "cases.read"), 2, "small letters"),
        (("add", "x", "--name", "X", "--scope", "cases.read", "--expires", "2020-01-01"), 2, "is over already"),
        (("add", "x", "--name", "X", "--scope", "cases.read", "--agency", "south"), 1, "there is no agency south"),
        (("add", "x", "--name", "X", "--scope", "persons.read", "--agency", "north"), 2, "an agency's token is not given persons.read"),
        (("revoke", "nobody"), 1, "no client nobody"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(arrears: Arrears, on: tuple[str, str], words: tuple[str, ...], code: int, why: str):
    said = arrears("clients", *words, *on)
    assert (said.code, why in said.text.replace("\n", " ")) == (code, True), said.text
    assert noted(Path(on[1])) == []


def test_a_client_is_added_once(arrears: Arrears, on: tuple[str, str]):
    arrears(*LOANS, *on)
    again = arrears(*LOANS, *on)
    assert (again.code, "rotate loans" in again.text.replace("\n", " ")) == (1, True)
