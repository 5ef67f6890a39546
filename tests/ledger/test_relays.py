"""A message for a case stands with the fact that it tells, goes out in order, and is left once."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from arrears.ledger import loans, relays
from arrears.ledger.engine import Ledger
from arrears.workflows.contract import Signal
from tests.ledger.scene import NOW, later, lend, payment


async def leave(ledger: Ledger, *ids: str) -> list[bool]:
    async with ledger.session() as session:
        return [await relays.leave(session, "L-1", Signal.PAYMENT_RECEIVED, f"payment/{i}", payment(i), NOW) for i in ids]


async def waiting(ledger: Ledger) -> list[tuple[int, str]]:
    async with ledger.reading() as session:
        return [(row.id or 0, row.key) for row in await relays.undelivered(session)]


async def test_a_message_is_left_once_and_goes_out_in_order(ledger: Ledger):
    await lend(ledger)
    assert await leave(ledger, "P-2", "P-1", "P-2") == [True, True, False]
    assert [key for _, key in await waiting(ledger)] == ["payment/P-2", "payment/P-1"]


async def test_a_delivered_message_does_not_go_out_again_nor_is_it_left_again(ledger: Ledger):
    await lend(ledger)
    await leave(ledger, "P-1", "P-2")
    first, _ = await waiting(ledger)
    async with ledger.session() as session:
        await relays.delivered(session, [first[0]], later(minutes=1))
    assert await leave(ledger, "P-1") == [False]
    assert [key for _, key in await waiting(ledger)] == ["payment/P-2"]


async def test_neither_payment_nor_message_stands_without_the_other(ledger: Ledger):
    await lend(ledger)

    async def die() -> None:
        async with ledger.session() as session:
            await loans.record_payment(session, "L-1", payment("P-1"), "loan_system", NOW)
            await relays.leave(session, "L-1", Signal.PAYMENT_RECEIVED, "payment/P-1", payment("P-1"), NOW)
            raise RuntimeError("the process ends here")

    with pytest.raises(RuntimeError):
        await die()
    async with ledger.reading() as session:
        assert await loans.payments(session, "L-1") == ()
    assert await waiting(ledger) == []


async def test_the_same_message_left_at_the_same_time_by_two_stands_once(ledger: Ledger):
    await lend(ledger)
    answers = await asyncio.gather(leave(ledger, "P-1"), leave(ledger, "P-1"), return_exceptions=True)
    assert [True] in answers
    assert all(a in ([True], [False]) or isinstance(a, IntegrityError) for a in answers)
    assert [key for _, key in await waiting(ledger)] == ["payment/P-1"]
