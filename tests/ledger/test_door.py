"""What is counted and remembered at the door holds when much comes at once, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from arrears.domain.strategy import Role
from arrears.ledger import access, accounts, heard
from arrears.ledger.accounts import FREE_TRIES, SignInRefused
from arrears.ledger.audit import Actor
from arrears.ledger.engine import Ledger
from arrears.ledger.heard import OtherContent
from arrears.ledger.tables import ActorKind, HeardMessageRow, LoginFailureRow, OperatorRow, SessionRow

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
BY = Actor(ActorKind.HOUSE, "test")


@pytest.fixture
async def wei(ledger: Ledger) -> str:
    async with ledger.session() as session:
        session.add(OperatorRow(id="wei", name="Wei Example", role=Role.COLLECTOR))
    await accounts.set_password(ledger, "wei", "a sentence of mine", NOW, by=BY)
    return "wei"


async def tried(ledger: Ledger, name: str, password: str, at: datetime = NOW) -> str:
    try:
        return await accounts.check_password(ledger, name, password, "192.0.2.1", at)
    except SignInRefused as refused:
        return "wait" if refused.again_at else "no"


async def test_many_tries_at_once_are_as_many_as_one_after_the_other(ledger: Ledger, wei: str):
    answers = await asyncio.gather(*(tried(ledger, wei, f"certainly wrong {n}") for n in range(10)))
    assert sorted(answers) == ["no"] * FREE_TRIES + ["wait"] * (10 - FREE_TRIES)
    assert await tried(ledger, wei, "a sentence of mine", NOW + timedelta(minutes=20)) == wei


@pytest.mark.parametrize("name", ["nobody\x00", "\ud800", "x" * 128, "'; DROP TABLE operators; --", ""])
async def test_a_name_that_no_database_would_hold_is_a_name_that_nobody_has(ledger: Ledger, name: str):
    assert await tried(ledger, name, "a sentence of mine") == "no"


async def test_copies_at_once_are_one_message(ledger: Ledger):
    async def hear(body: bytes) -> bool | str:
        try:
            async with ledger.session() as session:
                return await heard.first_time(session, heard.message("voice", "m-1", body), NOW)
        except OtherContent:
            return "other"

    assert sorted(await asyncio.gather(*(hear(b"one") for _ in range(6)))) == [False] * 5 + [True]
    assert await hear(b"two") == "other"


async def test_what_is_kept_for_a_while_is_forgotten_and_nothing_else(ledger: Ledger, wei: str):
    async with ledger.session() as session:
        await access.begin(session, wei, NOW - timedelta(days=40))
        await access.begin(session, wei, NOW - timedelta(days=20))
        await heard.first_time(session, heard.message("voice", "old", b""), NOW - timedelta(minutes=20))
        await heard.first_time(session, heard.message("voice", "new", b""), NOW)
    await tried(ledger, "old", "certainly wrong", NOW - timedelta(days=1))
    await tried(ledger, "new", "certainly wrong", NOW)
    async with ledger.session() as session:
        for kept in (access, accounts, heard):
            await kept.forget(session, NOW)
    async with ledger.reading() as session:
        assert [row.message_id for row in await session.exec(select(HeardMessageRow))] == ["new"]
        assert len((await session.exec(select(SessionRow))).all()) == 1
        assert len((await session.exec(select(LoginFailureRow))).all()) == 2  # the name, and the address that both tries came from
