"""`arrears accounts`: how operators sign in, and who does not any more."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arrears.domain.strategy import Role
from arrears.ledger import access, accounts
from arrears.ledger.accounts import SignInRefused
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import OperatorRow
from tests.cli.conftest import Said
from tests.cli.doors import in_ledger, noted, reading
from tests.sealing import LEDGER_KEY

Arrears = Callable[..., Said]
Types = Callable[[str], None]
PASSWORD = "a sentence of mine"
ISSUER = "https://login.lender.example"


@pytest.fixture
def on(staffed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("ARREARS_LEDGER_KEY", LEDGER_KEY)
    shutil.copy(staffed, tmp_path)
    return "--data-dir", str(tmp_path)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Types:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def signs_in(on: tuple[str, str], name: str, password: str) -> bool:
    async def go(ledger: Ledger) -> bool:
        try:
            await accounts.check_password(ledger, name, password, "192.0.2.1", datetime.now(UTC))
        except SignInRefused:
            return False
        return True

    return in_ledger(Path(on[1]), go)


def signed_in(on: tuple[str, str], name: str) -> str:
    async def go(ledger: Ledger) -> str:
        async with ledger.session() as session:
            return await access.begin(session, name, datetime.now(UTC))

    return in_ledger(Path(on[1]), go)


def is_in(on: tuple[str, str], token: str) -> bool:
    return reading(Path(on[1]), lambda session: access.signed_in(session, token, datetime.now(UTC))) is not None


def test_a_password_is_read_from_standard_input_and_must_be_changed(arrears: Arrears, on: tuple[str, str], piped: Types):
    piped(f"{PASSWORD}\n")
    said = arrears("accounts", "set-password", "wei", *on)
    assert said.code == 0, said.text
    assert PASSWORD not in said.text
    assert signs_in(on, "wei", PASSWORD)
    (lan, wei) = arrears("accounts", "list", *on, "--json").json
    assert (lan["password"], wei["password"], wei["must_change"]) == (False, True, True)
    assert noted(Path(on[1])) == [("door.password_changed", "wei", None)]
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in Path(on[1]).glob("ledger.db*"))


@pytest.mark.parametrize(
    ("name", "typed", "why"), [("wei", "short", "at least 12"), ("nobody", PASSWORD, "no operator nobody"), ("wei", "", "at least 12")]
)
def test_a_password_that_cannot_be_is_refused(arrears: Arrears, on: tuple[str, str], piped: Types, name: str, typed: str, why: str):
    piped(typed)
    said = arrears("accounts", "set-password", name, *on)
    assert (said.code, why in said.text.replace("\n", " ")) == (1, True), said.text


def test_a_password_is_no_argument(arrears: Arrears, on: tuple[str, str]):
    assert arrears("accounts", "set-password", "wei", PASSWORD, *on).code == 2


def test_an_operator_is_linked_to_one_subject(arrears: Arrears, on: tuple[str, str]):
    assert arrears("accounts", "link-oidc", "wei", ISSUER + "/", "sub-1", *on).code == 0
    assert arrears("accounts", "list", *on, "--json").json[1]["issuer"] == ISSUER
    taken = arrears("accounts", "link-oidc", "lan", ISSUER, "sub-1", *on)
    assert (taken.code, "wei already" in taken.text.replace("\n", " ")) == (1, True)


def test_another_provider_than_the_configured_one_is_refused(arrears: Arrears, on: tuple[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in {"ISSUER": ISSUER, "CLIENT_ID": "arrears", "CLIENT_SECRET": "known to both"}.items():
        monkeypatch.setenv(f"ARREARS_OIDC_{name}", value)
    said = arrears("accounts", "link-oidc", "wei", "https://other.example", "sub-1", *on)
    assert (said.code, ISSUER in said.text.replace("\n", "")) == (1, True)
    assert arrears("accounts", "link-oidc", "wei", ISSUER, "sub-1", *on).code == 0


def test_who_failed_too_often_may_try_again_when_unlocked(arrears: Arrears, on: tuple[str, str], piped: Types):
    piped(PASSWORD)
    arrears("accounts", "set-password", "wei", *on)
    assert not any(signs_in(on, "wei", "certainly wrong") for _ in range(accounts.FREE_TRIES))
    assert not signs_in(on, "wei", PASSWORD)
    assert arrears("accounts", "unlock", "wei", *on, "--json").json == {"operator": "wei", "had_failed": True}
    assert signs_in(on, "wei", PASSWORD)


@pytest.mark.parametrize("words", [("set-role", "wei", "supervisor"), ("close", "wei"), ("link-oidc", "wei", ISSUER, "sub-1")])
def test_whoever_is_changed_must_sign_in_again(arrears: Arrears, on: tuple[str, str], words: tuple[str, ...]):
    mine, other = signed_in(on, "wei"), signed_in(on, "lan")
    assert arrears("accounts", *words, *on).code == 0
    assert (is_in(on, mine), is_in(on, other)) == (False, True)
    (note,) = noted(Path(on[1]))
    assert note[:2] == ("access.manage", "wei")


def test_a_role_is_one_of_ours_and_an_operator_who_left_has_none(arrears: Arrears, on: tuple[str, str]):
    assert arrears("accounts", "set-role", "wei", "king", *on).code == 2
    assert arrears("accounts", "set-role", "wei", "risk_control", *on).code == 0
    row = reading(Path(on[1]), lambda session: session.get_one(OperatorRow, "wei"))
    assert (row.role, row.active) == (Role.RISK_CONTROL, True)
    assert arrears("accounts", "close", "wei", *on).code == 0
    assert arrears("accounts", "set-role", "wei", "collector", *on).code == 1
