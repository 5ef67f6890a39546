"""A whole case on the time-skipping server, with everything real: the events alone tell its story, at every hour, and nothing of anybody's person."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from arrears.domain.calendar import local_time
from arrears.ledger import attempts
from arrears.ledger.events_out import outbox, reader
from arrears.ledger.events_out.kinds import read
from arrears.sandbox.faults import Fault
from arrears.sandbox.temperament import never_answers
from arrears.workflows.contract import QUERY_CASE, Update
from tests.acceptance.town import ZONE, Town, a_town, closed, described, eventually, loan_row

_THREE_HOURS = timedelta(hours=3)

STORY = """
day 0 07:00 case.opened fenqile
day 1 12:00 promise.made 1000.00
day 1 12:00 case.stage_changed promised
day 4 00:00 promise.broken 1000.00
day 4 00:00 case.stage_changed contacting
day 5 12:00 case.stage_changed on_hold dispute
day 5 12:00 hold.placed dispute
day 7 12:00 hold.lifted dispute ended
day 7 12:00 case.stage_changed contacting
day 11 11:00 approval.asked supervisor
day 11 11:00 case.stage_changed awaiting_approval
day 11 12:00 approval.decided approve
day 11 12:00 case.stage_changed contacting
day 15 09:30 approval.asked supervisor
day 15 09:30 case.stage_changed awaiting_approval
day 15 12:00 approval.decided approve
day 15 12:00 case.stage_changed contacting
day 15 12:00 case.stage_changed placed north-star
day 15 12:00 case.placed north-star
day 16 12:00 case.recalled north-star
day 16 12:00 case.stage_changed contacting
day 16 12:00 case.stage_changed withdrawn
day 16 12:00 case.closed withdrawn
"""


@pytest.mark.timeout(400)
async def test_the_events_of_a_case_tell_its_story(tmp_path: Path) -> None:
    async with a_town(tmp_path) as town:
        town.operators_say = "approve"
        row = loan_row("L-1001", "fenqile", town.due_on, owed="60000.00")
        loan_id = await town.lend(row, never_answers())
        for kind in ("error", "lost_answer"):
            town.world.fail(Fault(kind=kind, gateway="loan_system"))
        case = await town.open(loan_id)
        await town.live_until(town.at(1, 12), case)
        promise = {"amount": "1000.00", "currency": "CNY", "due_on": str(town.day_zero + timedelta(days=2))}
        await case.execute_update(Update.MAKE_PROMISE, promise)
        await stages_agree(town, case)
        await town.live_until(town.at(5, 12), case)
        await case.execute_update(Update.PLACE_HOLD, {"reason": "dispute", "until": town.at(7, 12).isoformat()})
        await stages_agree(town, case)
        for day in (8, 9, 11, 13, 16):
            await town.live_until(town.at(day, 12), case, _THREE_HOURS)
            await stages_agree(town, case)
        await case.execute_update(Update.WITHDRAW, {"reason": "sold elsewhere"})
        await eventually(lambda: ended(case))
        await everything_is_told(town)
        heard = town.world.record.events(loan_id)
        async with town.ledger.reading() as session:
            made = await attempts.history(session, loan_id)
    story, expected = [line for event in heard if "contact." not in (line := _line(town, event.body))], STORY.strip().splitlines()
    # What one transaction has written is told in the order of its rows.
    assert sorted(story) == sorted(expected)
    assert [line for line in story if "stage" in line] == [line for line in expected if "stage" in line]
    assert [event.message_id for event in heard] == sorted(event.message_id for event in heard)
    assert [event.times for event in heard if event.times > 1] == [2], "the one whose answer was lost came twice"
    contacts = {event.body["data"]["contact_id"] for event in heard if event.kind == "contact.made"}
    assert contacts == {attempt.id for attempt in made if attempt.sent_at}
    known = {event.body["data"]["contact_id"]: event.body["data"].get("outcome") for event in heard if event.kind.startswith("contact.")}
    assert known == {attempt.id: attempt.outcome for attempt in made if attempt.sent_at}
    everything = json.dumps([event.body for event in heard], ensure_ascii=False)
    assert [word for word in _personal(row) if word in everything] == []


def _personal(row: dict[str, Any]) -> list[str]:
    """Every name and address in a portfolio row."""
    people = (row["borrower"], *row["relatives"])
    words = [word for person in people for word in (person["name"], *(point["address"] for point in person["contact_points"]))]
    assert len(words) == 9
    return words


async def ended(case: WorkflowHandle) -> bool:
    return closed(await described(case))


async def everything_is_told(town: Town) -> None:
    """Wait until the loan system has heard of all that the ledger has written down."""

    async def done() -> bool:
        await asyncio.sleep(0.3)
        async with town.ledger.reading() as session:
            unread = await reader.behind(session, town.settings.clock.at(datetime.now(UTC)))
            return not unread and await outbox.next_due(session) is None

    await eventually(done)


async def stages_agree(town: Town, case: WorkflowHandle) -> None:
    """What the loan system believes of the case's stage comes to be what the case says of itself."""

    async def same() -> bool:
        await everything_is_told(town)
        heard = [event.body["data"]["stage"] for event in town.world.record.events() if event.kind == "case.stage_changed"]
        return (heard[-1] if heard else "contacting") == (await case.query(QUERY_CASE))["stage"]

    await eventually(same)


_SAID = ("strategy", "amount", "stage", "hold", "agency", "role", "decision", "outcome", "reason", "because")


def _line(town: Town, body: dict[str, Any]) -> str:
    event = read(body).data
    says = [
        body["type"],
        *(str(body["data"][name]) for name in _SAID if name in body["data"]),
    ]
    return f"day {town.day(event.at)} {local_time(event.at, ZONE):%H:%M} {' '.join(says)}"
