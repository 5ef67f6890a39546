"""A payment stops contact before the next send, however it arrives and whatever the case is doing, and closes the case when it cures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import WorkflowHandle

from arrears.domain.loan import Payment
from arrears.sandbox.temperament import never_answers
from arrears.workflows.contract import Signal, Update
from tests.acceptance.town import Town, a_town, loan_row

HALF_A_DAY = timedelta(hours=12)


async def _asleep(town: Town, case: WorkflowHandle) -> None:
    await town.live_until(town.at(1, 12), case, HALF_A_DAY)


async def _in_the_middle_of_a_call(town: Town, case: WorkflowHandle) -> asyncio.Task[None]:
    meanwhile = asyncio.create_task(town.live_until(town.at(0, 12), case))
    async with asyncio.timeout(20):
        while not town.world.sent():  # noqa: ASYNC110 (the world has no event for it)
            await asyncio.sleep(0.01)
    return meanwhile


async def _waiting_for_approval(town: Town, case: WorkflowHandle) -> None:
    await town.live_until(town.at(6, 12), case, HALF_A_DAY)
    assert (await case.query("case"))["stage"] == "awaiting_approval"


async def _placed_with_an_agency(town: Town, case: WorkflowHandle) -> None:
    town.operators_say = "approve"
    await town.live_until(town.at(11, 12), case, HALF_A_DAY)
    assert (await case.query("case"))["stage"] == "placed"


def _payment(town: Town, at: str, amount: str, payment_id: str = "pay-1") -> dict[str, str]:
    return {"payment_id": payment_id, "amount": amount, "currency": "CNY", "received_at": at}


async def _by_signal(town: Town, case: WorkflowHandle, payment: dict[str, str]) -> None:
    await case.signal(Signal.PAYMENT_RECEIVED, payment)


async def _by_update(town: Town, case: WorkflowHandle, payment: dict[str, str]) -> None:
    answer = await case.execute_update(Update.RECORD_PAYMENT, payment)
    assert Decimal(answer["owed"]) == Decimal("1200.00") - Decimal(payment["amount"])


async def _by_the_loan_system(town: Town, case: WorkflowHandle, payment: dict[str, str]) -> None:
    town.world.pay("L-1", Payment.model_validate(payment))
    await town.world.told()


Arrival = Callable[[Town, WorkflowHandle, dict[str, str]], Awaitable[None]]
State = Callable[[Town, WorkflowHandle], Awaitable[asyncio.Task[None] | None]]
"""Brings the case into a state; if time is still passing there, the task to wait for."""


@pytest.mark.parametrize("arrives", [_by_signal, _by_update, _by_the_loan_system])
@pytest.mark.parametrize("state", [_asleep, _in_the_middle_of_a_call, _waiting_for_approval, _placed_with_an_agency])
async def test_a_payment_that_cures_ends_the_case_and_nothing_leaves_any_more(tmp_path: Path, state: State, arrives: Arrival) -> None:
    async with a_town(tmp_path, answer_seconds=0.7 if state is _in_the_middle_of_a_call else 0.05) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        meanwhile = await state(town, case)
        left = {order.key for order in town.world.sent()}
        await arrives(town, case, _payment(town, (await town.now()).isoformat(), "1200.00"))
        if meanwhile is not None:
            await meanwhile
        await town.live_until(await town.now() + timedelta(days=30), case, HALF_A_DAY)
        assert (await case.result())["outcome"] == "cured"
        later = [order for order in town.world.sent() if order.key not in left]
        # Nobody was contacted any more; at most the agency was told to hand the case back.
        assert [order.gateway for order in later] == (["agency"] if state is _placed_with_an_agency else [])
        told = await town.told(loan_id)
        assert "case closed: cured" in told
        if state is _waiting_for_approval:
            assert "is void: a payment arrived" in told


async def test_a_partial_payment_quiets_the_ladder_and_replans_it(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until(town.at(1, 12), case, HALF_A_DAY)
        answer = await case.execute_update(Update.RECORD_PAYMENT, _payment(town, (await town.now()).isoformat(), "200.00"))
        assert answer["owed"] == "1000.00"
        assert answer["blocked_by"] == "payment"
        assert town.day(town.at(4, 0)) == 4
        await town.live_until(town.at(5, 12), case, HALF_A_DAY)
        assert [town.day(order.requested_at) for order in town.world.sent()] == [0, 0, 4, 4, 4, 4]


async def test_a_payment_told_twice_and_out_of_order_counts_once(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until(town.at(0, 12), case, HALF_A_DAY)
        now, before = await town.now(), (await town.now()) - timedelta(days=3)
        second = _payment(town, now.isoformat(), "300.00", "pay-2")
        first = _payment(town, before.isoformat(), "100.00", "pay-1") | {"value_date": str(before.date())}
        for payment in (second, first, second, first):
            await case.execute_update(Update.RECORD_PAYMENT, payment)
        await case.signal(Signal.PAYMENT_RECEIVED, first)
        await _by_the_loan_system(town, case, second)
        view = await case.query("case")
        assert view["owed"] == "800.00"
        assert [line for line in (await town.told(loan_id)).splitlines() if "payment  " in line and "received" in line].__len__() == 2


async def test_money_that_is_only_in_the_ledger_stops_the_next_contact(tmp_path: Path) -> None:
    """The API may have booked a payment while Temporal was away: the moment of contact sees it, and the case hears of it there."""
    from arrears.ledger.loans import record_payment

    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until(town.at(1, 12), case, HALF_A_DAY)
        left = len(town.world.sent())
        paid = Payment.model_validate(_payment(town, (await town.now()).isoformat(), "1200.00"))
        async with town.ledger.session() as session:
            await record_payment(session, loan_id, paid, "loan_system", await town.now())
        await town.live_until(town.at(3, 12), case, HALF_A_DAY)
        assert (await case.result())["outcome"] == "cured"
        assert len(town.world.sent()) == left


async def test_a_loan_with_nothing_owed_closes_at_once_without_a_contact(tmp_path: Path) -> None:
    """A missed payment that is told again after the cure is harmless."""
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        first = await town.open(loan_id)
        await first.signal(Signal.PAYMENT_RECEIVED, _payment(town, (await town.now()).isoformat(), "1200.00"))
        assert (await first.result())["outcome"] == "cured"
        again = await town.open(loan_id)
        summary = await again.result()
        assert (summary["case_id"], summary["outcome"], summary["contacts"]) == ("L-1.2", "cured", 0)
        assert town.world.sent() == ()
