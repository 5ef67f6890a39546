"""Real processes contend for one person, on SQLite and on PostgreSQL: no cap is exceeded, and what forbids a contact is never too late by a moment."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from arrears.domain.loan import Payment
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel
from arrears.ledger import facts, loans
from arrears.ledger.facts import FACT
from arrears.sandbox.world import SandboxWorld
from tests.activities.conftest import lender, settings_for
from tests.activities.contest import Wanted, all_at_once
from tests.activities.house import WAITS, House, at, loan, settle_in, to_borrower

NOON = at(3, 12)
LOANS = 6
MOST = {Channel.CALL: 3, Channel.SMS: 2, Channel.EMAIL: 1, Channel.IN_APP: 1}
"""What the law of the regime allows one person in a day, over all loans; of calls, those that may have been effective."""


@pytest.fixture
async def house(url: str, world: SandboxWorld) -> AsyncGenerator[House]:
    """A borrower with many loans, each with an open case."""
    async with lender(settings_for(url, world)) as house:
        await settle_in(house)
        await house.open()
        for n in range(2, LOANS + 1):
            await house.add(*loan(f"L-{n}"))
            await house.open(f"L-{n}", run_key=f"run-{n}")
        yield house


def wanted(n: int, step: str, channel: Channel, when: datetime) -> Wanted:
    order = to_borrower(channel, case_id=f"L-{n}.1", loan_id=f"L-{n}", attempt_id=f"L-{n}.1/{step}", step=step)
    return Wanted(order, when)


@pytest.mark.parametrize("seed", range(3))
async def test_many_workers_and_many_cases_of_one_person_exceed_no_cap(house: House, world: SandboxWorld, seed: int) -> None:
    chance = random.Random(seed)
    mix = [
        wanted(n, f"{channel}.{k}", channel, NOON + timedelta(milliseconds=chance.randrange(50)))
        for n in range(1, LOANS + 1)
        for channel in MOST
        for k in range(chance.randint(1, 2))
    ]
    await all_at_once(house.settings, mix, workers=4, seed=seed)
    left = Counter(order.key.rpartition("/")[2].partition(".")[0] for order in world.sent())
    assert left == {channel.value: most for channel, most in MOST.items()}
    assert all(order.sends == 1 for order in world.sent())
    assert len(await verdicts(house)) == len(mix)


async def verdicts(house: House) -> list[Any]:
    return [row for n in range(1, LOANS + 1) for row in await house.verdict_rows(f"L-{n}")]


Telling = Callable[[House], Awaitable[None]]


async def pays(house: House) -> None:
    async with house.ledger.session() as session:
        for n in range(1, LOANS + 1):
            paid = Payment.model_validate({"payment_id": f"pay-{n}", "amount": "500.00", "currency": "CNY", "received_at": NOON})
            await loans.record_payment(session, f"L-{n}", paid, "api", NOON)


def told(**fact: Any) -> Telling:
    async def tell(house: House) -> None:
        async with house.ledger.exclusive() as session:
            await facts.record(session, FACT.validate_python(fact), NOON)

    return tell


FORBIDDING: dict[str, Telling] = {
    "a payment": pays,
    "an opt-out": told(fact="wish", person_id="P-1", kind="no_contact", at=NOON),
    "a hold on one of the loans": told(fact="hold", loan_id="L-6", reason="cease", at=NOON),
    "a death": told(fact="hold", loan_id="L-1", reason="deceased", at=NOON),
}


@pytest.mark.parametrize("after", [0.02, 0.25])
@pytest.mark.parametrize("name", FORBIDDING)
async def test_once_it_is_told_nothing_leaves(house: House, world: SandboxWorld, name: str, after: float) -> None:
    """The contacts are under way when the fact is told: each was decided and marked as sent before the fact, or it never leaves."""
    mix = [
        wanted(n, f"{channel}.1", channel, NOON) for n in range(1, LOANS + 1) for channel in (Channel.SMS, Channel.EMAIL, Channel.IN_APP)
    ]

    async def reach(one: Wanted) -> None:
        with suppress(WAITS):
            await house.contact(one.order, one.at)

    told_when: list[int] = []

    async def tell() -> None:
        await asyncio.sleep(after)
        await FORBIDDING[name](house)
        told_when.append(sum(1 for row in await verdicts(house) if row.verdict == "allow"))

    await asyncio.gather(tell(), *(reach(one) for one in mix))
    allowed = sum(1 for row in await verdicts(house) if row.verdict == "allow")
    assert allowed == told_when[0], "something was allowed after the fact stood in the ledger"
    assert len(world.sent()) == allowed
    late = [wanted(n, "late.1", Channel.CALL, NOON + timedelta(seconds=1)) for n in range(1, LOANS + 1)]
    await all_at_once(house.settings, late, workers=3, seed=1)
    assert len(world.sent()) == allowed


async def test_an_agencys_report_and_our_own_calls_share_one_count(house: House, world: SandboxWorld) -> None:
    await told(fact="agency", agency="north", listed_from="2026-01-01")(house)
    calls = [
        {"key": f"c-{n}", "loan_id": "L-1", "channel": "call", "outcome": Outcome.ANSWERED_WILLING, "at": NOON - timedelta(hours=1)}
        for n in range(2)
    ]
    feed = told(fact="agency_contacts", agency="north", up_to=NOON, contacts=calls)
    mix = [wanted(n, "call.1", Channel.CALL, NOON) for n in range(1, LOANS + 1)]
    await feed(house)
    await all_at_once(house.settings, mix, workers=3, seed=1)
    assert len(world.sent()) == 1


async def test_two_loans_ask_one_relative_no_more_often_than_one(house: House, world: SandboxWorld) -> None:
    """A refusal on one loan, and a call for another, at the same instant: after the refusal stands nobody is called."""
    order = to_borrower(
        Channel.CALL, case_id="L-1.1", loan_id="L-1", attempt_id="L-1.1/r", step="r", person_id="P-2", purpose=Purpose.RELAY
    )
    await told(fact="refusal", person_id="P-2", at=NOON)(house)
    report = await house.contact(order, NOON)
    assert report.verdict == "deny"
    assert "CN-13" in report.rules
    assert world.sent() == ()
