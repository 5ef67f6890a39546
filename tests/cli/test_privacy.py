"""`arrears erase`, `arrears retention`, `arrears db rekey`: people are forgotten when the law allows it, and who asks too early is told from when on."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.tables import InstalmentRow, LoanRow, OperatorRow, PaymentRow, RelationRow
from tests.cli.conftest import Said
from tests.sealing import KEY, LEDGER_KEY, VAULT, person, point

Arrears = Callable[..., Said]

LONG_AGO = datetime(2015, 3, 1, 12, tzinfo=UTC)
LATELY = datetime(datetime.now(UTC).year - 1, 1, 15, tzinfo=UTC)
BY_ROOT = ("--operator", "root", "--reason", "request-1")


def loan(n: int, at: datetime) -> tuple[SQLModel, ...]:
    """A borrower with a number and a loan, paid off at an instant."""
    borrower, key = person(f"B-{n}", "王示例")
    key.created_at = at  # type: ignore[attr-defined]
    fields = {"lender": "Example", "product": "cash", "currency": "CNY", "strategy": "fenqile"}
    return (
        borrower,
        key,
        point(n, f"B-{n}", f"+861300000000{n}"),
        LoanRow(id=f"L-{n}", borrower_id=f"B-{n}", imported_at=at, **fields),
        InstalmentRow(loan_id=f"L-{n}", n=1, due_on=date(2015, 1, 1), principal=Decimal(100)),
        PaymentRow(
            payment_id=f"p-{n}", loan_id=f"L-{n}", amount=Decimal(100), currency="CNY", source="test", received_at=at, recorded_at=at
        ),
    )


async def _fill(url: str) -> None:
    await upgrade(url, VAULT)
    ledger = Ledger(url, VAULT)
    sister, key = person("P-1", "李示例")
    key.created_at = LONG_AGO  # type: ignore[attr-defined]
    rows = (
        OperatorRow(id="root", name="Root", role=Role.ADMIN),
        OperatorRow(id="sue", name="Sue", role=Role.SUPERVISOR),
        *loan(1, LONG_AGO),
        *loan(2, LATELY),
        *(sister, key),
        RelationRow(loan_id="L-1", person_id="P-1", role="emergency"),
    )
    async with ledger.session() as session:
        for row in rows:
            session.add(row)
            await session.flush()
    await ledger.close()


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The option that names a ledger with two borrowers, one of whom is past all terms."""
    monkeypatch.setenv("ARREARS_LEDGER_KEY", LEDGER_KEY)
    asyncio.run(_fill(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"))
    return "--data-dir", str(tmp_path)


def test_a_borrower_whose_terms_are_over_is_erased_with_their_relative(arrears: Arrears, there: tuple[str, str]) -> None:
    said = arrears("erase", "L-1", *BY_ROOT, *there, "--json")
    assert said.code == 0
    assert {k: v for k, v in said.json.items() if k != "at"} == {"person_id": "B-1", "relatives": ["P-1"], "kept": []}

    again = arrears("erase", "B-1", *BY_ROOT, *there)
    assert again.code == 1
    assert "B-1 cannot be erased: is erased already" in again.text


def test_one_who_comes_too_early_is_told_from_when_on_and_why(arrears: Arrears, there: tuple[str, str]) -> None:
    day = LATELY.date().replace(year=LATELY.year + 5) + timedelta(days=1)
    said = arrears("erase", "B-2", *BY_ROOT, *there, "--json")
    assert said.code == 1
    assert (said.json["possible_from"], said.json["clause"]) == (day.isoformat(), "CN-48")
    assert f"until {day} (CN-48)" in arrears("erase", "B-2", *BY_ROOT, *there).text.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("erase", "X-1", *BY_ROOT), 1, "no person and no loan X-1"),
        (("erase", "B-1", "--operator", "sue", "--reason", "r"), 1, "only an active admin erases"),
        (("erase", "B-1", "--operator", "root", "--reason", "王示例 asked"), 2, "a code or a few words"),
        (("erase", "B-1", "--operator", "root"), 2, "--reason"),
        (("erase", "B-1", "--reason", "r"), 2, "--operator"),
        (("retention", "--until", "soon"), 2, "a date such as"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_what_cannot_be_done_is_refused(arrears: Arrears, there: tuple[str, str], words: tuple[str, ...], code: int, why: str) -> None:
    said = arrears(*words, *there)
    assert said.code == code
    assert why in said.text.replace("\n", " ")


def test_retention_shows_whose_data_end_when(arrears: Arrears, there: tuple[str, str]) -> None:
    seen = arrears("retention", *there, "--json").json
    assert (seen["active"], seen["store_only"], seen["deleted"]) == (3, 0, 0)
    assert [(p["person_id"], p["possible_from"] is None, p["clause"]) for p in seen["people"]] == [
        ("B-1", True, None),
        ("P-1", True, None),
        ("B-2", False, "CN-48"),
    ]
    soon = arrears("retention", "--until", str(datetime.now(UTC).date()), *there, "--json").json
    assert [p["person_id"] for p in soon["people"]] == ["B-1", "P-1"]
    assert "3 in use" in arrears("retention", *there).text


def test_a_ledger_with_another_key_is_refused(arrears: Arrears, there: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_LEDGER_KEY", base64.b64encode(KEY[::-1]).decode())
    for words in (("db", "upgrade"), ("db", "rekey")):
        said = arrears(*words, *there)
        assert said.code == 1
        assert "ARREARS_LEDGER_KEY" in said.text.replace("\n", " ")


def test_the_ledger_key_can_be_changed(arrears: Arrears, there: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new = base64.b64encode(KEY[::-1]).decode()
    monkeypatch.setenv("ARREARS_LEDGER_KEY", new)
    assert arrears("db", "rekey", *there).code == 1
    monkeypatch.setenv("ARREARS_LEDGER_OLD_KEYS", LEDGER_KEY)
    assert arrears("db", "rekey", *there, "--json").json == {"rewrapped": 3}
    assert arrears("db", "rekey", *there, "--json").json == {"rewrapped": 0}
    monkeypatch.delenv("ARREARS_LEDGER_OLD_KEYS")
    assert arrears("db", "upgrade", *there).code == 0
    assert arrears("erase", "L-1", *BY_ROOT, *there).code == 0


def test_an_embedded_ledger_gets_a_key_of_its_own(arrears: Arrears, tmp_path: Path) -> None:
    there = tmp_path / "data"
    assert arrears("db", "upgrade", "--data-dir", str(there)).code == 0
    assert (there / "ledger.key").stat().st_mode & 0o777 == 0o600
    assert there.stat().st_mode & 0o777 == 0o700


def test_a_ledger_on_a_server_without_a_key_names_the_variable(arrears: Arrears, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_LEDGER_URL", "postgresql+asyncpg://nobody@127.0.0.1:9/ledger")
    said = arrears("db", "upgrade", "--json")
    assert said.code == 1
    assert said.json["problem"].startswith("ARREARS_LEDGER_KEY is not set")


def test_sealed_data_are_not_in_the_file(there: tuple[str, str], tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        ((name,),) = ledger.execute("SELECT name FROM persons WHERE id = 'B-1'")
    assert isinstance(name, bytes)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert [word for word in ("王示例", "李示例", "13000000001", json.dumps("王示例")[1:-1]) if word.encode() in stored] == []
