"""A ledger of version 0.1.0, full of plain rows, is sealed when it is brought up to date, and can be taken back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlmodel import col, select

from arrears.ledger import approvals
from arrears.ledger.engine import Ledger, alembic_config, upgrade
from arrears.ledger.tables import ApprovalRow, AttemptRow, ContactPointRow, PersonRow, SubjectKeyRow
from arrears.ledger.vault import Field, KeyMissing, Vault, WrongKey, keyring
from tests.ledger.databases import on
from tests.sealing import KEY, VAULT

T = TypeVar("T")

PEOPLE = 600
"""More than the migration takes at once."""

AT = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
SAID = "王示例0001，您好：请拨打 400-000-0000。"
RELAYED = "李示例，您好：请转告 王示例0001。"
REASON = "她说丈夫在医院"


def name(n: int) -> str:
    return f"王示例{n:04}"


def number(n: int) -> str:
    return f"+86130{n:08}"


def fill(connection: Connection) -> None:
    """A 0.1.0 ledger: people with numbers, a loan with a case, a text to its borrower and one to her sister, a decision with its reason."""
    command.upgrade(alembic_config(connection), "0001")

    def add(table: str, *rows: dict[str, Any]) -> None:
        names = ", ".join(rows[0])
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{n}' for n in rows[0])})"), list(rows))

    at = AT if connection.dialect.name == "postgresql" else "2026-11-02 02:00:00.000000"
    born = date(1990, 12, 31) if connection.dialect.name == "postgresql" else "1990-12-31"
    document = json.dumps({})
    add("operators", {"id": "sue", "name": "Sue", "role": "supervisor", "active": True})
    add(
        "persons",
        *(
            {"id": f"B-{n:04}", "name": name(n), "zone": "Asia/Shanghai", "language": "zh-CN", "birth_date": born if n % 2 else None}
            for n in range(PEOPLE)
        ),
    )
    point = {"kind": "mobile", "line": "registered", "source": "contract", "legal_basis": "contract"}
    add("contact_points", *({"id": n + 1, "person_id": f"B-{n:04}", "address": number(n), **point} for n in range(PEOPLE)))
    loan = {"lender": "Example", "product": "cash", "currency": "CNY", "strategy": "fenqile", "imported_at": at}
    add("loans", {"id": "L-1", "borrower_id": "B-0001", **loan})
    add("relations", {"loan_id": "L-1", "person_id": "B-0002", "role": "emergency"})
    case = {"strategy": "fenqile", "strategy_version": 1, "strategy_hash": "0" * 64, "payments_counted": "[]", "opened_at": at}
    add("cases", {"id": "L-1.1", "loan_id": "L-1", "cycle": 1, "run_key": "r", **case})
    asked = {"role": "supervisor", "purpose": "relay", "message": "relay-request", "evidence": document, "requested_by": "case"}
    until = datetime(2026, 11, 4, 2, 0, tzinfo=UTC) if connection.dialect.name == "postgresql" else "2026-11-04 02:00:00.000000"
    times = {"asked_at": at, "remind_at": at, "deadline": until, "state": "approved", "decided_by": "sue", "decided_at": at}
    add("approvals", {"id": "L-1.1/a", "case_id": "L-1.1", "step": "relay.1", "reason": REASON, **asked, **times})
    add("approval_persons", {"approval_id": "L-1.1/a", "person_id": "B-0002", "content_hash": "1" * 64})
    attempt = {"case_id": "L-1.1", "loan_id": "L-1", "locale": "zh-CN", "state": "reserved", "reserved_at": at, "channel": "sms"}
    add(
        "attempts",
        {
            **attempt,
            "id": "L-1.1/first.1",
            "person_id": "B-0001",
            "contact_point_id": 2,
            "purpose": "collect",
            "approval_id": None,
            "message": "overdue-sms",
            "content_hash": "0" * 64,
            "text": SAID,
        },
        {
            **attempt,
            "id": "L-1.1/relay.1/B-0002",
            "person_id": "B-0002",
            "contact_point_id": 3,
            "purpose": "relay",
            "approval_id": "L-1.1/a",
            "message": "relay-request",
            "content_hash": "1" * 64,
            "text": RELAYED,
        },
    )


def plain(connection: Connection) -> dict[str, list[Any]]:
    """What a 0.1.0 ledger says of people."""
    queries = {
        "persons": "SELECT id, name, birth_date FROM persons ORDER BY id",
        "points": "SELECT id, person_id, kind, address FROM contact_points ORDER BY id",
        "attempts": "SELECT id, text FROM attempts ORDER BY id",
        "approvals": "SELECT id, reason FROM approvals ORDER BY id",
    }
    return {what: [tuple(row) for row in connection.execute(text(query))] for what, query in queries.items()}


@pytest.fixture
async def old(empty_url: str) -> str:
    await on(empty_url, fill)
    return empty_url


def content(url: str) -> bytes:
    """Everything that an SQLite ledger has on the disk."""
    file = Path(make_url(url).database or "")
    return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))


async def test_every_value_is_sealed_for_its_person_and_can_be_opened(old: str) -> None:
    await upgrade(old, VAULT)

    ledger = Ledger(old, VAULT)
    async with ledger.reading() as session:
        people = (await session.exec(select(PersonRow).order_by(col(PersonRow.id)))).all()
        keys = await keyring(session, [p.id for p in people])
        assert [keys.open(p.id, Field.NAME, p.name) for p in people] == [name(n) for n in range(PEOPLE)]
        assert [keys.open(p.id, Field.BIRTH_DATE, p.birth_date) for p in people[:2]] == [None, "1990-12-31"]
        points = (await session.exec(select(ContactPointRow).order_by(col(ContactPointRow.id)))).all()
        assert [keys.open(p.person_id, Field.ADDRESS, p.address) for p in points] == [number(n) for n in range(PEOPLE)]
        assert all(p.address_mark == keys.mark(p.person_id, number(n)) for n, p in enumerate(points))
        said, relayed = (await session.exec(select(AttemptRow).order_by(col(AttemptRow.id)))).all()
        assert keys.open(("B-0001",), Field.TEXT, said.text) == SAID
        assert keys.open(("B-0002", "B-0001"), Field.TEXT, relayed.text) == RELAYED
        assert await approvals.reason(session, (await session.exec(select(ApprovalRow))).one()) == REASON
        stored = (await session.exec(select(SubjectKeyRow))).all()
        assert len(stored) == PEOPLE
        assert len({row.wrapped_key for row in stored}) == PEOPLE
    await ledger.close()


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_nothing_of_it_is_left_in_the_file(old: str) -> None:
    private = [name(7).encode(), number(7).encode(), SAID.encode(), RELAYED.encode(), REASON.encode()]
    assert all(value in content(old) for value in private)

    await upgrade(old, VAULT)

    assert [value for value in private if value in content(old)] == []


async def test_it_can_be_taken_back(old: str) -> None:
    before = await on(old, plain)
    await upgrade(old, VAULT)

    await on(old, lambda connection: command.downgrade(alembic_config(connection, VAULT), "0001"))

    assert await on(old, plain) == before


async def test_taken_back_it_can_be_sealed_again(old: str) -> None:
    await upgrade(old, VAULT)
    await on(old, lambda connection: command.downgrade(alembic_config(connection, VAULT), "0001"))

    await upgrade(old, VAULT)

    ledger = Ledger(old, VAULT)
    async with ledger.reading() as session:
        person = (await session.exec(select(PersonRow).where(col(PersonRow.id) == "B-0007"))).one()
        assert (await keyring(session, ["B-0007"])).open("B-0007", Field.NAME, person.name) == name(7)
    await ledger.close()


async def test_who_was_erased_stays_erased_when_it_is_taken_back(old: str) -> None:
    await upgrade(old, VAULT)
    ledger = Ledger(old, VAULT)
    async with ledger.session() as session:
        row = (await session.exec(select(SubjectKeyRow).where(col(SubjectKeyRow.person_id) == "B-0001"))).one()
        row.wrapped_key, row.wrapped_by, row.destroyed_at, row.reason = None, None, AT, "test"
    await ledger.close()

    await on(old, lambda connection: command.downgrade(alembic_config(connection, VAULT), "0001"))

    there = await on(old, plain)
    assert there["persons"][1][:2] == ("B-0001", "(erased)")
    assert there["persons"][2][1] == name(2)
    assert str(there["points"][1][3]).startswith("(erased)")
    assert [row[1] for row in there["attempts"]] == [None, None]
    assert [row[1] for row in there["approvals"]] == [None]


async def test_without_a_key_nothing_is_changed(old: str) -> None:
    before = await on(old, plain)

    with pytest.raises(KeyMissing, match="ARREARS_LEDGER_KEY"):
        await upgrade(old)

    assert await on(old, plain) == before


async def test_an_upgrade_with_another_key_says_so(old: str) -> None:
    await upgrade(old, VAULT)

    with pytest.raises(WrongKey, match=f"{VAULT.fingerprint}.*ARREARS_LEDGER_KEY"):
        await upgrade(old, Vault(KEY[::-1]))
