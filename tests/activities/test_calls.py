"""A call lasts: its activity waits for the outcome, wherever that comes from, and no call is placed twice for one step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from arrears.domain.orders import ContactReport
from arrears.domain.outcome import UNREACHED, Outcome
from arrears.domain.strategy import Channel
from arrears.ledger import attempts
from arrears.ledger.attempts import Settled
from arrears.ledger.tables import ContactPointRow
from arrears.sandbox.faults import Fault
from arrears.sandbox.world import SandboxWorld
from tests.activities.conftest import lender, settings_for
from tests.activities.house import WAITS, House, at, settle_in, to_borrower

TEN = at(3, 10)
LATER = TEN + timedelta(minutes=2)
CALL = to_borrower(Channel.CALL, step="call.1")


@pytest.fixture
async def slow_world() -> AsyncGenerator[SandboxWorld]:
    """A world in which nobody hangs up before the test is over."""
    async with SandboxWorld.running(answer_seconds=3600) as world:
        yield world


async def called(house: House, **how: Any) -> None:
    """Place the call; its activity waits."""
    with pytest.raises(WAITS):
        await house.contact(CALL, TEN, **how)


async def hears(house: House, outcome: Outcome, attempt_id: str = CALL.attempt_id) -> Settled:
    """What the API does with a gateway's callback."""
    async with house.ledger.exclusive() as session:
        return await attempts.settle(session, attempt_id, outcome, LATER, "gw-1")


async def test_the_activity_waits_under_its_task_token(house: House, world: SandboxWorld) -> None:
    await house.open()
    await called(house, token=b"the first run")
    row = await house.attempt(CALL.attempt_id)
    assert (row.state, row.task_token) == ("sent", b"the first run")


async def test_the_callback_settles_the_call_and_says_whom_to_wake(house: House, world: SandboxWorld) -> None:
    await house.open()
    await called(house)
    settled = await hears(house, Outcome.ANSWERED_WILLING)
    assert (settled.changed, settled.task_token, settled.case_id, settled.to_borrower) == (True, b"token", "L-1.1", True)
    assert settled.report == ContactReport(attempt_id=CALL.attempt_id, at=LATER, verdict="allow", outcome=Outcome.ANSWERED_WILLING)


async def test_a_callback_told_twice_wakes_nobody_twice(house: House, world: SandboxWorld) -> None:
    await house.open()
    await called(house)
    await hears(house, Outcome.NO_ANSWER)
    again = await hears(house, Outcome.ANSWERED_REFUSING)
    assert (again.changed, again.task_token, again.report.outcome) == (False, None, Outcome.NO_ANSWER)


async def test_a_callback_before_the_gateways_own_answer_ends_the_activity(house: House, world: SandboxWorld) -> None:
    await house.open()
    world.fail(Fault(kind="lost_answer"))
    with pytest.raises(ApplicationError):
        await house.contact(CALL, TEN)
    await hears(house, Outcome.VOICEMAIL)
    report = await house.contact(CALL, LATER, attempt=2, scheduled=TEN)
    assert report.outcome is Outcome.VOICEMAIL


async def test_when_no_callback_comes_the_next_attempt_asks_the_gateway(house: House, world: SandboxWorld) -> None:
    await house.open()
    await called(house)
    await asyncio.sleep(0.06)
    report = await house.contact(CALL, LATER, attempt=2, scheduled=TEN)
    assert report.outcome in UNREACHED
    assert [(o.key, o.sends, o.requests) for o in world.sent()] == [(CALL.attempt_id, 1, 1)]


async def test_a_call_that_still_goes_on_is_waited_for_again(url: str, slow_world: SandboxWorld) -> None:
    async with lender(settings_for(url, slow_world)) as house:
        await settle_in(house)
        await house.open()
        await called(house, token=b"first")
        with pytest.raises(WAITS):
            await house.contact(CALL, LATER, attempt=2, scheduled=TEN, token=b"second")
        assert (await house.attempt(CALL.attempt_id)).task_token == b"second"
        assert [o.sends for o in slow_world.sent()] == [1]


async def test_the_last_attempt_settles_a_call_without_an_outcome_as_unknown(url: str, slow_world: SandboxWorld) -> None:
    async with lender(settings_for(url, slow_world)) as house:
        await settle_in(house)
        await house.open()
        await called(house)
        report = await house.contact(CALL, LATER, attempt=4, most=4, scheduled=TEN)
        assert (report.verdict, report.outcome) == ("allow", Outcome.UNKNOWN)
        late = await hears(house, Outcome.ANSWERED_DELAYING)
        assert (late.changed, late.task_token, late.report.outcome) == (True, None, Outcome.ANSWERED_DELAYING)


async def test_an_unknown_outcome_counts_as_a_call_made(house: House, world: SandboxWorld) -> None:
    await house.open()
    for n in range(3):
        order = to_borrower(Channel.CALL, step=f"call.{n}")
        with pytest.raises(WAITS):
            await house.contact(order, TEN)
        await hears(house, Outcome.UNKNOWN, order.attempt_id)
    report = await house.contact(to_borrower(Channel.CALL, step="call.9"), LATER)
    assert (report.verdict, report.rules, report.until) == ("defer", ("CN-02",), at(4, 8))


async def test_a_payment_lets_a_running_call_end_and_stops_the_next_contact(house: House, world: SandboxWorld) -> None:
    await house.open()
    await called(house)
    await house.pay("500.00", TEN + timedelta(seconds=20))
    assert (await hears(house, Outcome.ANSWERED_WILLING)).task_token == b"token"
    report = await house.contact(to_borrower(step="sms.1"), LATER)
    assert (report.verdict, [e.kind for e in report.news]) == ("deny", ["payment_received"])
    assert [o.key for o in world.sent()] == [CALL.attempt_id]


async def test_a_number_that_does_not_exist_is_marked_so(house: House, world: SandboxWorld) -> None:
    await house.open()
    await called(house)
    await hears(house, Outcome.INVALID_NUMBER)
    async with house.ledger.reading() as session:
        number = await session.get(ContactPointRow, 1)
    assert number is not None
    assert number.invalid_since == LATER


async def test_a_call_placed_by_the_last_attempt_is_unknown_until_its_callback_reaches_the_case(house: House, world: SandboxWorld) -> None:
    await house.open()
    report = await house.contact(CALL, TEN, attempt=4, most=4)
    assert report.outcome is Outcome.UNKNOWN
    late = await hears(house, Outcome.NO_ANSWER)
    assert (late.changed, late.task_token) == (True, None)
