"""What a case costs: history events and billable actions of a quiet ladder, counted in the real history."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHandle

from arrears.ledger.loans import known
from arrears.sandbox.temperament import never_answers
from arrears.workflows.contract import CaseRequest
from arrears.workflows.starting import start_case
from tests.acceptance.town import Town, a_town, loan_row

MOST_EVENTS = 130
MOST_ACTIONS = 24
CONTACTS = {0: 1, 1: 1, 2: 1, 4: 2, 7: 2, 15: 3, 30: 2}
BILLED = {
    "workflow_execution_started_event_attributes": 1,
    "timer_started_event_attributes": 1,
    "activity_task_scheduled_event_attributes": 1,
    "workflow_execution_signaled_event_attributes": 1,
    "workflow_execution_update_accepted_event_attributes": 1,
    "upsert_workflow_search_attributes_event_attributes": 1,
}
"""What Temporal Cloud counts as an action, by the event that shows it; retries of activities come on top."""


def _quiet_ladder() -> dict[str, object]:
    """Twelve contacts in forty days; no borrower can be reached by all of them on one line, so they alternate."""
    does = {"call": "second-call", "sms": "overdue-reminder", "in_app": "overdue-reminder"}
    rungs = [
        {"rung": f"day-{day}-contact-{n}", "day": day, "at": "10:00", "do": channel, "message": message}
        for day, count in CONTACTS.items()
        for n, (channel, message) in zip(range(count), does.items(), strict=False)
    ]
    written_off = {"day": 40, "outcome": "written_off"}
    return {
        "strategy": "quiet",
        "version": 1,
        "title": "Quiet",
        "source": "made for this test",
        "currency": "CNY",
        "ladder": rungs,
        "end": written_off,
    }


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    strategies = tmp_path / "strategies"
    strategies.mkdir()
    (strategies / "quiet.yaml").write_text(json.dumps(_quiet_ladder()))
    async with a_town(tmp_path, strategies_dir=strategies) as town:
        await town.lend(loan_row("L-1", "quiet", town.due_on), never_answers())
        yield town


async def _counted(case: WorkflowHandle) -> tuple[int, int]:
    """Events and billable actions of a history."""
    events = [event async for event in case.fetch_history_events()]
    kinds = Counter(event.WhichOneof("attributes") for event in events)
    retries = sum(
        e.activity_task_started_event_attributes.attempt - 1 for e in events if e.HasField("activity_task_started_event_attributes")
    )
    return len(events), sum(kinds[kind] * price for kind, price in BILLED.items()) + retries


async def test_a_quiet_ladder_of_twelve_contacts_stays_within_its_budget(town: Town) -> None:
    async with town.ledger.reading() as session:
        loan = await known(session, "L-1")
    case = await start_case(town.env.client, CaseRequest(loan_id="L-1"), loan, timedelta(seconds=10))
    await town.live_until(town.at(41, 0), case, timedelta(hours=12))
    assert (await case.result())["contacts"] == sum(CONTACTS.values())
    events, actions = await _counted(case)
    assert events <= MOST_EVENTS, events
    assert actions <= MOST_ACTIONS, actions


async def test_a_case_that_a_foreign_client_opens_when_its_first_rung_is_due_costs_no_more(town: Town) -> None:
    await town.live_until(town.at(0, 10, 5))
    case = await town.open("L-1")
    await town.live_until(town.at(41, 0), case, timedelta(hours=12))
    assert (await case.result())["contacts"] == sum(CONTACTS.values())
    events, actions = await _counted(case)
    assert events <= MOST_EVENTS, events
    assert actions <= MOST_ACTIONS, actions
