"""What is told again in a long case: the server knows an update's id in its own run only, so the case hands the ids on with itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from arrears.domain.loan import Instalment
from arrears.sandbox.temperament import never_answers
from arrears.workflows import asking
from arrears.workflows.contract import CaseView, Plan, Signal, Update
from tests.acceptance.town import Town, a_fast_town, a_town, eventually, loan_row

OFTEN = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40")


def _plan(town: Town, *days: int) -> Plan:
    parts = tuple(Instalment.model_validate({"due_on": town.day_zero + timedelta(days=n), "amount": "600.00"}) for n in days)
    return Plan(instalments=parts, currency="CNY")


async def _run_id(case: WorkflowHandle[Any, Any]) -> str | None:
    return (await case.describe()).run_id


async def test_a_plan_told_again_under_its_id_after_the_case_went_on_as_new_counts_once(tmp_path: Path) -> None:
    async with a_fast_town(tmp_path, day_seconds=20, server_args=OFTEN) as town:
        loan_id = await town.lend(loan_row("L-1001", "paipai", town.due_on), never_answers())
        await town.open(loan_id)
        case = town.env.client.get_workflow_handle(f"case-{loan_id}")
        first, second = _plan(town, 30, 60), _plan(town, 40, 70)

        async def agree(plan: Plan, update_id: str) -> CaseView:
            return await asking.update(town.env.client, loan_id, Update.AGREE_PLAN, plan, update_id)

        await agree(first, "once")
        first_run = await _run_id(case)
        await agree(second, "other")
        for n in range(12):
            await case.signal(Signal.CONTACT_REPORTED, _seen(await town.now() - timedelta(minutes=n)))
            await asyncio.sleep(0.1)

        async def went_on() -> bool:
            return await _run_id(case) != first_run

        await eventually(went_on)
        told = await agree(first, "once")
        assert told.next == f"the plan's instalment of {second.instalments[0].due_on}", "the second one stands, and that is the answer"
        assert (await agree(first, "anew")).next == f"the plan's instalment of {first.instalments[0].due_on}"


def _seen(at: Any) -> dict[str, str]:
    return {"channel": "call", "outcome": "no_answer", "at": at.isoformat(), "party": "borrower"}


async def test_an_update_told_again_under_its_id_is_answered_with_the_case_as_it_stands_also_once_it_has_closed(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        loan_id = await town.lend(loan_row("L-1001", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until(town.at(0, 12), case)
        plan = _plan(town, 30)
        assert (await asking.update(town.env.client, loan_id, Update.AGREE_PLAN, plan, "once")).stage == "on_plan"
        await case.signal(Signal.CASE_WITHDRAWN, {"reason": "goodwill"})
        await case.result()
        told = await asking.update(town.env.client, loan_id, Update.AGREE_PLAN, plan, "once")
        assert (told.stage, told.outcome) == ("withdrawn", "withdrawn")
        with pytest.raises(asking.NoSuchCase):
            await asking.update(town.env.client, loan_id, Update.AGREE_PLAN, plan, "anew")


async def test_a_case_that_is_being_wound_up_is_not_withdrawn_for_another_reason(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        town.operators_say = "approve"
        loan_id = await town.lend(loan_row("L-1001", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until_told("north-star", loan_id)
        first = asyncio.create_task(case.execute_update(Update.WITHDRAW, {"reason": "sold"}))
        second = asyncio.create_task(case.execute_update(Update.WITHDRAW, {"reason": "goodwill"}))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await asyncio.gather(first, second)
        assert "the case is " in str(refused.value.cause)
        assert (await case.result())["outcome"] == "withdrawn"
