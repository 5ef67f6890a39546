"""Everything fails at random, money comes, cases compete for one person: afterwards the world and the ledger tell the same story."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from arrears.domain.orders import ContactOrder, ContactReport
from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.domain.strategy import Channel
from arrears.ledger.tables import AttemptRow, AttemptState, ContactKind
from arrears.sandbox.faults import Fault, FaultKind
from arrears.sandbox.world import SandboxWorld
from tests.activities.house import WAITS, House, at, loan, point, to_borrower
from tests.sealing import person

TRIES = 5
LOANS = (1, 2, 3, 4, 5, 6)
FAULTS: tuple[FaultKind, ...] = ("timeout", "error", "rate_limited", "garbage", "lost_answer")
MOST_A_DAY = {Channel.SMS: 2, Channel.EMAIL: 1, Channel.IN_APP: 1, Channel.CALL: 6}
MORNING, PAID, NOON = at(3, 10), at(3, 11), at(3, 12)


def owner(n: int) -> str:
    """Half of the loans are one person's, who must not be reached more often for it."""
    return "P-1" if n % 2 else f"B-{n}"


def contacts(round_: str) -> Iterator[ContactOrder]:
    for n in LOANS:
        for channel in MOST_A_DAY:
            yield to_borrower(channel, case_id=f"L-{n}.1", loan_id=f"L-{n}", attempt_id=f"L-{n}.1/{channel}.{round_}")


async def borrow(house: House) -> None:
    for n in LOANS:
        if n % 2 == 0:
            await house.add(
                *person(owner(n), f"Borrower {n}", zone="Asia/Shanghai", language="en"),
                point(10 * n, owner(n), ContactKind.MOBILE, f"+861300000010{n}"),
                point(10 * n + 1, owner(n), ContactKind.EMAIL, f"b{n}@borrower.example"),
                point(10 * n + 2, owner(n), ContactKind.IN_APP, f"account-{n}"),
            )
        if n > 1:
            await house.add(*loan(f"L-{n}", owner(n)))
        await house.open(f"L-{n}", run_key=f"run-{n}")


async def carried_through(house: House, order: ContactOrder, luck: random.Random, start: datetime) -> ContactReport:
    """The activity with its retries, as the server would run it; now and then a run is cut off in the middle."""
    for attempt in range(1, TRIES + 1):
        now = start + timedelta(minutes=attempt)
        run = asyncio.create_task(house.contact(order, now, attempt=attempt, most=TRIES, scheduled=start))
        if attempt < TRIES and luck.random() < 0.2:
            await asyncio.sleep(luck.random() * 0.05)
            run.cancel()
        try:
            return await run
        except (ApplicationError, asyncio.CancelledError):
            continue
        except WAITS:
            await asyncio.sleep(0.06)
    raise AssertionError("the last attempt always settles")


def may_have_left(attempt: AttemptRow) -> bool:
    return attempt.state in (AttemptState.SENT, AttemptState.SETTLED) and attempt.outcome not in NOT_MADE | {Outcome.FAILED}


def surely_left(attempt: AttemptRow) -> bool:
    return may_have_left(attempt) and attempt.outcome is not Outcome.UNKNOWN and attempt.gateway_ref is not None


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_none_is_lost_none_is_sent_twice_and_none_leaves_after_payment(house: House, world: SandboxWorld, seed: int) -> None:
    luck = random.Random(seed)
    await borrow(house)
    for kind in FAULTS:
        world.fail(Fault(kind=kind, times=None, share=0.15, seconds=0.1))
    world.fail(Fault(kind="error", on="look_up", times=None, share=0.15))

    first = await asyncio.gather(*(carried_through(house, order, luck, MORNING) for order in contacts("1")))
    await house.pay("500.00", PAID)
    second = await asyncio.gather(*(carried_through(house, order, luck, NOON) for order in contacts("2")))

    left = {order.key: order for order in world.sent()}
    known = {attempt.id: attempt for n in LOANS for attempt in await house.attempts(f"L-{n}")}
    assert [order.key for order in left.values() if order.sends != 1] == []
    assert left.keys() <= {key for key, attempt in known.items() if may_have_left(attempt)}
    assert {key for key, attempt in known.items() if surely_left(attempt)} <= left.keys()
    assert {report.attempt_id for report in (*first, *second) if report.verdict == "allow"} <= known.keys()

    assert [key for key in left if key.startswith("L-1.1/") and key.endswith(".2")] == []
    reached = Counter((known[key].person_id, known[key].channel) for key in left)
    assert [who for who, times in reached.items() if times > MOST_A_DAY[who[1]]] == []
