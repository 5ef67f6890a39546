"""What outsiders say to a case: heard if it can count, recorded and ignored (signals) or refused with a reason (updates) if not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError

from arrears.sandbox.temperament import never_answers
from arrears.workflows.contract import TASK_QUEUE, WORKFLOW_TYPE, Signal, Update
from tests.acceptance.town import Town, a_town, eventually, loan_row

HALF_A_DAY = timedelta(hours=12)


async def _a_case(town: Town, until: tuple[int, int] = (0, 12)):
    loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
    case = await town.open(loan_id)
    await town.live_until(town.at(*until), case, HALF_A_DAY)
    return case


async def _told(town: Town, words: str) -> bool:
    return words in await town.told("L-1")


async def _ignored(case: WorkflowHandle, count: int) -> bool:
    return len((await case.query("case"))["ignored"]) == count


@pytest.mark.parametrize(
    ("name", "payload", "why"),
    [
        ("payment_received", None, "amount: Field required"),
        ("payment_received", {"payment_id": "p", "amount": "a lot", "currency": "CNY", "received_at": "2026-11-02T00:00:00Z"}, "amount:"),
        ("payment_received", {"payment_id": "p", "amount": "-5", "currency": "CNY", "received_at": "2026-11-02T00:00:00Z"}, "amount:"),
        ("payment_received", {"payment_id": "p", "amount": "5", "currency": "USD", "received_at": "2026-11-02T00:00:00Z"}, "currency:"),
        ("payment_received", {"payment_id": "p", "amount": "5", "currency": "CNY", "received_at": "2026-11-02T00:00:00"}, "received_at:"),
        ("payment_received", "not an object", "message:"),
        ("approval_decided", {"decision": "approve", "operator": "op-super"}, "approval_id: no request is open"),
        ("promise_made", {"amount": "10", "currency": "CNY", "due_on": "2001-01-01"}, "due_on:"),
        ("hold_placed", {"reason": "call 13800000000 <now>"}, "reason:"),
        ("hold_lifted", {}, "no such hold is in force"),
        ("contact_reported", {"channel": "pigeon"}, "channel:"),
        ("case_withdrawn", {}, "reason:"),
        ("payment_recieved", {"payment_id": "p"}, "no signal of this name is known"),
    ],
)
async def test_a_signal_that_cannot_count_is_recorded_and_ignored(tmp_path: Path, name: str, payload: object, why: str) -> None:
    async with a_town(tmp_path) as town:
        case = await _a_case(town)
        await case.signal(name, payload)
        await eventually(lambda: _told(town, "ignored"))
        view = await case.query("case")
        assert why in view["ignored"][-1]
        assert view["stage"] == "contacting"
        # The case goes on as if nothing had been said.
        await town.live_until(town.at(2, 12), case, HALF_A_DAY)
        assert any(town.day(order.requested_at) == 2 for order in town.world.sent())


async def test_an_update_that_cannot_count_is_refused_with_the_field_and_leaves_no_trace(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        case = await _a_case(town)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await case.execute_update(Update.MAKE_PROMISE, {"amount": "10", "currency": "EUR", "due_on": str(town.at(3, 0).date())})
        assert "currency: the loan is in CNY, not EUR" in str(refused.value.cause)
        assert not [e async for e in case.fetch_history_events() if e.HasField("workflow_execution_update_accepted_event_attributes")]


async def test_a_decision_counts_only_from_an_operator_whose_role_allows_it(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        case = await _a_case(town, (6, 12))
        for operator in ("nobody", "op-collect", "op-risk"):
            refused = len((await case.query("case"))["ignored"])
            await case.signal(Signal.APPROVAL_DECIDED, {"decision": "approve", "operator": operator})
            await eventually(lambda before=refused: _ignored(case, before + 1))
            assert (await case.query("case"))["stage"] == "awaiting_approval"
            with pytest.raises(WorkflowUpdateFailedError):
                await case.execute_update(Update.DECIDE_APPROVAL, {"decision": "approve", "operator": operator})
        assert not any("relay" in order.key for order in town.world.sent())
        await case.execute_update(Update.DECIDE_APPROVAL, {"decision": "approve", "operator": "op-super"})
        await eventually(lambda: _told(town, "relayed"))
        assert any("relay" in order.key for order in town.world.sent())


async def test_a_hold_stops_everything_until_it_is_lifted(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        case = await _a_case(town)
        answer = await case.execute_update(Update.PLACE_HOLD, {"reason": "complaint"})
        assert (answer["stage"], answer["blocked_by"], answer["next_at"]) == ("on_hold", "complaint", None)
        left = len(town.world.sent())
        await town.live_until(town.at(20, 12), case, HALF_A_DAY)
        assert len(town.world.sent()) == left
        await case.execute_update(Update.LIFT_HOLD, {"reason": "complaint"})
        await town.live_until(town.at(24, 12), case, HALF_A_DAY)
        # The message of the day on which the hold came, then the next rungs, as many days later as the hold stood.
        assert [town.day(order.requested_at) for order in town.world.sent()[left:]][:2] == [20, 22]


async def test_a_withdrawn_case_ends_at_once(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        case = await _a_case(town)
        await case.signal(Signal.CASE_WITHDRAWN, {"reason": "goodwill"})
        assert (await case.result())["outcome"] == "withdrawn"


async def test_a_cancelled_case_is_wound_up_and_not_left_lying(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        town.operators_say = "approve"
        case = await _a_case(town, (11, 12))
        await case.cancel()
        assert (await case.result())["outcome"] == "withdrawn"
        assert "called back from north-star" in await town.told("L-1")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "the case's input is not usable"),
        ({"loan": "L-1"}, "loan_id: Field required"),
        ({"loan_id": "L-1", "strategie": "fenqile"}, "strategie: Extra inputs are not permitted"),
        ({"loan_id": "L-404"}, "L-404"),
        ({"loan_id": "L-1", "strategy": "nonesuch"}, "nonesuch"),
    ],
)
async def test_a_case_that_cannot_be_opened_fails_and_says_why(tmp_path: Path, given: object, why: str) -> None:
    async with a_town(tmp_path) as town:
        await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.env.client.start_workflow(WORKFLOW_TYPE, given, id="case-bad", task_queue=TASK_QUEUE)
        with pytest.raises(WorkflowFailureError) as failed:
            await case.result()
        cause = failed.value.cause
        while cause.__cause__ is not None:
            cause = cause.__cause__
        assert why in str(cause)
