"""A payment that is taken back is owed again, whatever the case is doing and however it is told; a case that it had closed begins anew."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import httpx
import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from arrears.gateways.signing import signature_headers
from arrears.ledger import reversals
from arrears.sandbox.temperament import never_answers
from arrears.workflows.contract import Reversal, Signal, Update
from tests.acceptance.town import Town, a_town, eventually, loan_row

HALF_A_DAY = timedelta(hours=12)


async def _pay(town: Town, case: WorkflowHandle, amount: str, payment_id: str = "pay-1") -> None:
    paid = {"payment_id": payment_id, "amount": amount, "currency": "CNY", "received_at": (await town.now()).isoformat()}
    await case.execute_update(Update.RECORD_PAYMENT, paid)


async def _by_signal(town: Town, case: WorkflowHandle, reversal: dict[str, str]) -> None:
    await case.signal(Signal.PAYMENT_REVERSED, reversal)


async def _by_update(town: Town, case: WorkflowHandle, reversal: dict[str, str]) -> None:
    answer = await case.execute_update(Update.REVERSE_PAYMENT, reversal)
    assert Decimal(answer["owed"]) == Decimal("1200.00")


async def _by_the_loan_system(town: Town, case: WorkflowHandle, reversal: dict[str, str]) -> None:
    payment_id = reversal["payment_id"]
    body = json.dumps({k: v for k, v in reversal.items() if k != "payment_id"}).encode()
    known = town.settings.gateway("loan_system")
    assert known is not None
    headers = signature_headers(known.secret, f"reversal-{payment_id}", body) | {"content-type": "application/json"}
    async with httpx.AsyncClient(base_url=town.world.callback_base or "") as http:
        answer = await http.post(f"/v1/payments/{payment_id}/reversal", content=body, headers=headers)
    assert answer.status_code == 202, answer.text


async def _cases_opened(town: Town, count: int) -> bool:
    return (await town.told("L-1")).count("case opened") == count


async def _reversal(town: Town, payment_id: str = "pay-1") -> dict[str, str]:
    return {"payment_id": payment_id, "reason": "bounced", "reversed_at": (await town.now()).isoformat()}


@pytest.mark.parametrize("told", [_by_signal, _by_update, _by_the_loan_system])
async def test_a_payment_that_is_taken_back_is_owed_again_and_brings_no_rung_early(
    tmp_path: Path, told: Callable[[Town, WorkflowHandle, dict[str, str]], Awaitable[None]]
) -> None:
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until(town.at(1, 12), case, HALF_A_DAY)
        await _pay(town, case, "200.00")
        reversal = await _reversal(town)
        for _ in range(2):
            await told(town, case, reversal)

        async def owed_again() -> bool:
            return (await case.query("case"))["owed"] == "1200.00"

        await eventually(owed_again)
        await town.live_until(town.at(5, 12), case, HALF_A_DAY)
        assert [town.day(order.requested_at) for order in town.world.sent()] == [0, 0, 4, 4, 4, 4]
        story = await town.told(loan_id)
        assert story.count("payment_reversed") == 1
        assert "payment pay-1 taken back at day 1 12:00: bounced" in story


async def test_a_case_that_the_payment_had_closed_is_opened_again_and_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Paid on day 2, taken back on day 12: the ladder of the next case stands at day 2, so its steps come ten days later, each in its turn."""
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until(town.at(2, 12), case, HALF_A_DAY)
        await _pay(town, case, "1200.00")
        await town.live_until_told("case closed: cured", loan_id, HALF_A_DAY)
        left = len(town.world.sent())
        await town.live_until(town.at(12, 12), step=HALF_A_DAY)
        assert len(town.world.sent()) == left
        # The API of this town has the machine's clock, which stands still while the town's days pass.
        async with town.ledger.exclusive() as session:
            await reversals.reverse(session, Reversal.model_validate(await _reversal(town)), "loan_system", await town.now())
        again = town.env.client.get_workflow_handle(case.id)

        await eventually(partial(_cases_opened, town, 2))
        view = await again.query("case")
        assert (view["owed"], view["days_past_due"], view["ladder_day"]) == ("1200.00", 13, 2)
        await town.live_until(town.at(14, 12), again, HALF_A_DAY)
        assert [town.day(order.requested_at) - 10 for order in town.world.sent()[left:]] == [2, 2, 3, 3, 4]
        steps = {entry.step or "" for entry in await town.story(loan_id) if entry.kind == "contact" and entry.case_id == "L-1.2"}
        assert {step.partition(".")[0] for step in steps} == {"second-call", "letter-with-schedule", "private-message", "morning-call"}


async def test_a_payment_taken_back_while_its_case_is_being_closed_begins_the_next_one(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until(town.at(1, 12), case, HALF_A_DAY)
        now = (await town.now()).isoformat()
        async with town.ledger.exclusive():  # nothing can be written down, so the case cannot end
            await case.signal(Signal.PAYMENT_RECEIVED, {"payment_id": "pay-1", "amount": "1200.00", "currency": "CNY", "received_at": now})

            async def paid() -> bool:
                return (await case.query("case"))["next"] == "close as cured"

            await eventually(paid)
            await _by_signal(town, case, await _reversal(town))

        again = town.env.client.get_workflow_handle(case.id)

        await eventually(partial(_cases_opened, town, 2))
        assert (await again.query("case"))["owed"] == "1200.00"
        story = await town.told(loan_id)
        assert [story.count(words) for words in ("case opened", "case closed: cured", "payment_reversed")] == [2, 1, 1]


async def test_what_cannot_be_taken_back_is_recorded_and_ignored_or_refused(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        why = "payment_id: no payment pay-404 that could be taken back is known to this case"
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await case.execute_update(Update.REVERSE_PAYMENT, await _reversal(town, "pay-404"))
        assert why in str(refused.value.cause)
        await case.signal(Signal.PAYMENT_REVERSED, await _reversal(town, "pay-404"))
        await case.signal(Signal.PAYMENT_REVERSED, {"payment_id": "pay-1"})
        view = await case.query("case")
        assert view["ignored"] == [f"payment_reversed: {why}", "payment_reversed: reason: Field required"]
        assert view["owed"] == "1200.00"
