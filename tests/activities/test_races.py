"""However many cases want to reach one person at once, from however many workers: no cap is ever exceeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from arrears.domain.orders import ContactReport
from arrears.domain.strategy import Channel
from arrears.sandbox.world import SandboxWorld
from tests.activities.conftest import lender, settings_for
from tests.activities.house import WAITS, House, at, loan, settle_in, to_borrower

NOON = at(3, 12)
LOANS = 8


@pytest.fixture
async def workers(url: str, world: SandboxWorld) -> AsyncGenerator[tuple[House, House]]:
    """Two workers over one ledger, and a borrower with many loans."""
    settings = settings_for(url, world)
    async with lender(settings) as one, lender(settings) as other:
        await settle_in(one)
        await one.open()
        for n in range(2, LOANS + 1):
            await one.add(*loan(f"L-{n}"))
            await one.open(f"L-{n}", run_key=f"run-{n}")
        yield one, other


async def all_at_once(workers: tuple[House, House], channel: Channel) -> list[ContactReport]:
    """Every case of the borrower wants to reach them now, twice; the reports, without those of calls that wait for their outcome."""

    async def reach(house: House, n: int, step: str) -> ContactReport | None:
        with suppress(WAITS):
            order = to_borrower(channel, case_id=f"L-{n}.1", loan_id=f"L-{n}", attempt_id=f"L-{n}.1/{step}")
            return await house.contact(order, NOON)
        return None

    wanted = [(house, n, step) for n in range(1, LOANS + 1) for house, step in zip(workers, ("a.1", "b.1"), strict=True)]
    return [r for r in await asyncio.gather(*(reach(*w) for w in wanted)) if r is not None]


@pytest.mark.parametrize(("channel", "most", "rule"), [(Channel.SMS, 2, "CN-07"), (Channel.CALL, 3, "CN-02"), (Channel.IN_APP, 1, "CN-07")])
async def test_a_cap_holds_over_all_loans_and_workers(
    workers: tuple[House, House], world: SandboxWorld, channel: Channel, most: int, rule: str
) -> None:
    reports = await all_at_once(workers, channel)
    assert len(world.sent()) == most
    assert all(order.sends == 1 for order in world.sent())
    deferred = [r for r in reports if r.verdict == "defer"]
    assert len(deferred) == 2 * LOANS - most
    assert {(r.rules, r.until) for r in deferred} == {((rule,), at(4, 8))}
