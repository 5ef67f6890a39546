"""Whatever dies between reserve, send and settle: one contact leaves, and the ledger knows of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from arrears.config.settings import Settings
from arrears.domain.orders import ContactOrder
from arrears.domain.outcome import UNREACHED, Outcome
from arrears.domain.strategy import Channel
from arrears.sandbox.faults import Fault, FaultKind
from arrears.sandbox.world import SandboxWorld
from tests.activities.crash import killed
from tests.activities.house import WAITS, House, at, to_borrower

TEN = at(3, 10)
LATER = TEN + timedelta(minutes=2)


async def retried(house: House, order: ContactOrder, attempt: int = 2, now: datetime = LATER) -> Outcome | None:
    """The outcome of the next attempt; for a call, once the gateway knows it."""
    try:
        return (await house.contact(order, now, attempt=attempt, scheduled=TEN)).outcome
    except WAITS:
        await asyncio.sleep(0.06)
        return await retried(house, order, attempt + 1, now)


def sends(world: SandboxWorld) -> list[tuple[str, int]]:
    return [(order.key, order.sends) for order in world.sent()]


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.CALL])
@pytest.mark.parametrize(
    "point", ["transaction-1", "after-send", "transaction-2"],
    ids=["before sending", "after sending", "after the receipt"],
)  # fmt: skip
async def test_a_worker_killed_anywhere_leaves_exactly_one_contact(
    house: House, world: SandboxWorld, settings: Settings, channel: Channel, point: str
) -> None:
    await house.open()
    order = to_borrower(channel)
    await killed(point, order, TEN, settings)
    outcome = await retried(house, order)
    assert sends(world) == [("L-1.1/first.1", 1)]
    assert outcome in (UNREACHED if channel is Channel.CALL else {Outcome.DONE, Outcome.DELIVERED})
    assert [a.id for a in await house.attempts()] == ["L-1.1/first.1"]


@pytest.mark.parametrize(
    ("point", "letters", "outcome"),
    [
        ("transaction-1", 0, Outcome.UNKNOWN),
        ("after-send", 1, Outcome.UNKNOWN),
    ],
)
async def test_a_letter_is_never_sent_twice_because_a_mail_server_cannot_be_asked(
    house: House, world: SandboxWorld, settings: Settings, point: str, letters: int, outcome: Outcome
) -> None:
    await house.open()
    order = to_borrower(Channel.EMAIL)
    await killed(point, order, TEN, settings)
    assert await retried(house, order) is outcome
    assert sum(n for _, n in sends(world)) == letters


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.CALL])
async def test_a_lost_answer_is_asked_for_and_not_sent_again(house: House, world: SandboxWorld, channel: Channel) -> None:
    await house.open()
    world.fail(Fault(kind="lost_answer"))
    order = to_borrower(channel)
    with pytest.raises(ApplicationError) as failed:
        await house.contact(order, TEN)
    assert not failed.value.non_retryable
    await retried(house, order)
    assert [(o.key, o.sends, o.requests) for o in world.sent()] == [("L-1.1/first.1", 1, 1)]


@pytest.mark.parametrize("kind", ["timeout", "error", "garbage", "rate_limited"])
async def test_what_failed_before_it_left_is_sent_by_the_next_attempt(house: House, world: SandboxWorld, kind: FaultKind) -> None:
    await house.open()
    world.fail(Fault(kind=kind, seconds=2))
    with pytest.raises(ApplicationError):
        await house.contact(to_borrower(), TEN)
    assert sends(world) == []
    assert await retried(house, to_borrower()) is Outcome.DONE
    assert sends(world) == [("L-1.1/first.1", 1)]


async def test_a_gateway_that_wants_us_to_wait_is_waited_for(house: House, world: SandboxWorld) -> None:
    await house.open()
    world.fail(Fault(kind="rate_limited", seconds=7))
    with pytest.raises(ApplicationError) as failed:
        await house.contact(to_borrower(), TEN)
    assert failed.value.next_retry_delay == timedelta(seconds=7)
    assert (await house.attempt("L-1.1/first.1")).state == "reserved"


async def test_an_error_names_neither_the_person_nor_the_number(house: House, world: SandboxWorld) -> None:
    await house.open()
    world.fail(Fault(kind="error"))
    with pytest.raises(ApplicationError) as failed:
        await house.contact(to_borrower(), TEN)
    assert str(failed.value) == "GatewayRetryable: gateway sms: http_500_broken"


class TestTheLastAttempt:
    """Nobody will try again: what is known then stands."""

    async def test_what_may_have_left_counts_as_made(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        world.fail(Fault(kind="error", times=None))
        report = await house.contact(to_borrower(), TEN, attempt=4, most=4)
        assert (report.verdict, report.outcome) == ("allow", Outcome.UNKNOWN)
        assert (await house.attempt("L-1.1/first.1")).outcome is Outcome.UNKNOWN

    async def test_what_surely_did_not_leave_has_failed(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        world.fail(Fault(kind="rate_limited", times=None))
        report = await house.contact(to_borrower(), TEN, attempt=4, most=4)
        assert report.outcome is Outcome.FAILED

    async def test_a_gateway_that_cannot_be_asked_leaves_it_unknown(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        world.fail(Fault(kind="lost_answer"))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), TEN)
        world.fail(Fault(kind="error", on="look_up", times=None))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), LATER, attempt=2)
        report = await house.contact(to_borrower(), LATER, attempt=4, most=4)
        assert report.outcome is Outcome.UNKNOWN
        assert sends(world) == [("L-1.1/first.1", 1)]


async def test_a_gateway_that_refuses_for_good_has_failed_at_once(house: House, world: SandboxWorld) -> None:
    await house.open()
    world.fail(Fault(kind="refused"))
    report = await house.contact(to_borrower(), TEN)
    assert (report.verdict, report.outcome) == ("allow", Outcome.FAILED)
    assert sends(world) == []


async def test_a_run_thought_dead_and_its_successor_send_one_contact(house: House, world: SandboxWorld) -> None:
    await house.open()
    both = await asyncio.gather(
        house.contact(to_borrower(), TEN), house.contact(to_borrower(), LATER, attempt=2, scheduled=TEN), return_exceptions=True
    )
    assert all(not isinstance(end, BaseException) or isinstance(end, ApplicationError) for end in both)
    await retried(house, to_borrower(), attempt=3)
    assert sends(world) == [("L-1.1/first.1", 1)]


async def test_a_settled_contact_is_only_reported_again(house: House, world: SandboxWorld) -> None:
    await house.open()
    world.fail(Fault(kind="refused"))
    first = await house.contact(to_borrower(), TEN)
    again = await house.contact(to_borrower(), LATER, attempt=2)
    assert (first.outcome, again.outcome) == (Outcome.FAILED, Outcome.FAILED)
    assert world.sent() == ()
