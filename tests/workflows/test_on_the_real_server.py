"""On the real Temporal server, where a day lasts seconds: foreign clients, visibility, long histories, and what stands in its database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from temporalio.client import WorkflowExecutionStatus

from arrears.sandbox.temperament import never_answers
from arrears.workflows.contract import (
    APPROVAL_ID,
    BORROWER_ID,
    CASE_STAGE,
    DUE_SINCE,
    HOLD_REASON,
    LOAN_ID,
    NEXT_MOVE_AT,
    STRATEGY,
    Signal,
    Update,
)
from tests.acceptance.town import Town, a_fast_town, eventually, executable, loan_row


async def _temporal(town: Town, *words: str) -> str:
    """What the `temporal` command answers."""
    address = town.env.client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        executable("temporal"), *words, "--address", address, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_a_case_is_started_signalled_updated_and_queried_with_the_temporal_command_alone(tmp_path: Path) -> None:
    async with a_fast_town(tmp_path, day_seconds=2) as town:
        loan_id = await town.lend(loan_row("L-1001", "fenqile", town.due_on), never_answers())
        start = ("--type", "CollectionCase", "--task-queue", "collections", "--workflow-id", f"case-{loan_id}")
        await _temporal(town, "workflow", "start", *start, "--input", json.dumps({"loan_id": loan_id, "strategy": "fenqile"}))
        this = ("--workflow-id", f"case-{loan_id}")
        await town.live_until_told("first-call.1", loan_id)

        asked = json.loads(await _temporal(town, "workflow", "query", *this, "--name", "case", "--output", "json"))
        assert asked["queryResult"][0]["stage"] == "contacting"

        now = (await town.now()).isoformat()
        part = {"payment_id": "p-1", "amount": "200.00", "currency": "CNY", "received_at": now}
        answer = await _temporal(
            town, "workflow", "update", "execute", *this, "--name", "record_payment", "--input", json.dumps(part), "-o", "json"
        )
        assert json.loads(answer)["result"]["owed"] == "1000.00"

        rest = part | {"payment_id": "p-2", "amount": "1000.00"}
        await _temporal(town, "workflow", "signal", *this, "--name", "payment_received", "--input", json.dumps(rest))
        result = json.loads(await _temporal(town, "workflow", "result", *this, "-o", "json"))
        assert result["result"]["outcome"] == "cured"


async def test_the_search_attributes_tell_where_a_case_stands(tmp_path: Path) -> None:
    async with a_fast_town(tmp_path, day_seconds=1.5) as town:
        loan_id = await town.lend(loan_row("L-1001", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await eventually(lambda: _found(town, "CaseStage = 'contacting' AND LoanId = 'L-1001'"))
        shown = (await case.describe()).typed_search_attributes
        assert shown[LOAN_ID] == loan_id
        assert shown[BORROWER_ID] == "P-L-1001"
        assert shown[STRATEGY] == "fenqile"
        assert town.day(shown[DUE_SINCE]) == -1

        await case.execute_update(Update.PLACE_HOLD, {"reason": "complaint"})
        await eventually(lambda: _found(town, "CaseStage = 'on_hold' AND HoldReason = 'complaint'"))
        await case.execute_update(Update.LIFT_HOLD, {})
        await eventually(lambda: _found(town, "CaseStage = 'awaiting_approval'"))
        shown = (await case.describe()).typed_search_attributes
        assert HOLD_REASON not in shown
        assert shown[APPROVAL_ID] == "L-1001.1/relay-by-relatives.1/a1"
        assert shown[NEXT_MOVE_AT] > await town.now()

        await case.signal(Signal.CASE_WITHDRAWN, {"reason": "goodwill"})
        await case.result()
        shown = (await case.describe()).typed_search_attributes
        assert shown[CASE_STAGE] == "withdrawn"
        assert APPROVAL_ID not in shown
        assert NEXT_MOVE_AT not in shown


async def _found(town: Town, query: str) -> bool:
    return (await town.env.client.count_workflows(query)).count == 1


async def test_a_case_goes_on_as_new_without_losing_a_signal_or_a_rung(tmp_path: Path) -> None:
    """A history of forty events is long here: the case hands itself over again and again, while money keeps coming in."""
    often = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40")
    async with a_fast_town(tmp_path, day_seconds=1, server_args=often) as town:
        loan_id = await town.lend(loan_row("L-1001", "paipai", town.due_on, owed="500.00"), never_answers())
        case = await town.open(loan_id)
        first_run = (await case.describe()).run_id
        for n in range(25):
            payment = {"payment_id": f"p-{n}", "amount": "10.00", "currency": "CNY", "received_at": (await town.now()).isoformat()}
            await case.signal(Signal.PAYMENT_RECEIVED, payment)
            await asyncio.sleep(0.15)
        case = town.env.client.get_workflow_handle(f"case-{loan_id}")
        await eventually(lambda: _owes(case, "250.00"))
        described = await case.describe()
        assert described.run_id != first_run
        assert described.status is WorkflowExecutionStatus.RUNNING
        await case.signal(Signal.PAYMENT_RECEIVED, payment | {"payment_id": "p-last", "amount": "250.00"})
        summary = await case.result()
        assert (summary["outcome"], summary["paid"]) == ("cured", "500.00")
        keys = [order.key for order in town.world.sent()]
        assert len(keys) == len(set(keys))


async def _owes(case, amount: str) -> bool:
    return (await case.query("case"))["owed"] == amount


async def test_timers_and_activities_say_what_they_are_for_and_the_case_shows_its_sheet(tmp_path: Path) -> None:
    async with a_fast_town(tmp_path, day_seconds=2) as town:
        loan_id = await town.lend(loan_row("L-1001", "fenqile", town.due_on), never_answers())
        case = await town.open(loan_id)
        await town.live_until_told("second-call.1", loan_id)
        history = [e async for e in case.fetch_history_events()]
        waits_and_work = [
            e for e in history if e.HasField("timer_started_event_attributes") or e.HasField("activity_task_scheduled_event_attributes")
        ]
        assert waits_and_work
        assert all(e.user_metadata.HasField("summary") for e in waits_and_work)
        sheet = (await case.query("__temporal_workflow_metadata")).current_details
        assert "### Loan L-1001" in sheet
        assert "**Next:**" in sheet
        assert "first-call.1" in sheet


def _everything_stored(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.glob("temporal.db*"))


async def test_nothing_personal_stands_in_temporals_database(tmp_path: Path) -> None:
    """Names, numbers, addresses and what was written to people are searched for in every byte that the server keeps."""
    async with a_fast_town(tmp_path, day_seconds=1) as town:
        town.operators_say = "approve"
        row = loan_row("L-1001", "fenqile", town.due_on)
        loan_id = await town.lend(row, never_answers())
        await town.open(loan_id)
        await town.live_until_told("relayed", loan_id)
        people = [row["borrower"], *row["relatives"]]
        personal = [p["name"] for p in people] + [point["address"] for p in people for point in p["contact_points"]]
        personal += [address.removeprefix("+86") for address in personal if address.startswith("+86")]
    stored = _everything_stored(tmp_path)
    assert b"case-L-1001" in stored
    for word in personal:
        assert word.encode() not in stored
        assert word.encode("utf-16-le") not in stored
