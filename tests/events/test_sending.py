"""Events reach the loan system: signed, in order for each loan, again until they are taken, and never twice at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import Response
from pydantic import SecretStr

from arrears.config.settings import EventsSettings
from arrears.ledger.engine import Ledger
from arrears.ledger.events_out import kinds, outbox
from arrears.ledger.events_out.outbox import EventForgotten, Wanted
from arrears.ledger.tables import DeliveryRow, DeliveryState
from arrears.sandbox.world import make_secret
from tests.events.listening import QUICK, LoanSystem, a_loan_system, telling, told
from tests.ledger.scene import NOW


async def leave(ledger: Ledger, *loan_ids: str) -> list[str]:
    """Leave an event for each of these loans, in this order; their ids."""
    now = datetime.now(UTC)
    async with ledger.session() as session:
        start = await outbox.count(session, Wanted())
        rows = [_delivery(start + n, loan_id, now) for n, loan_id in enumerate(loan_ids, 1)]
        session.add_all(rows)
    return [row.id for row in rows]


def _delivery(n: int, loan_id: str, due_at: datetime) -> DeliveryRow:
    event = kinds.PlanBroken(loan_id=loan_id, at=NOW, due_on=NOW.date())
    body = kinds.message(event, NOW).model_dump(mode="json", exclude_none=True)
    return DeliveryRow(id=f"evt_{n:012d}", key=f"k{n}", kind="plan.broken", loan_id=loan_id, body=body, recorded_at=NOW, due_at=due_at)


async def stored(ledger: Ledger, wanted: Wanted | None = None) -> Sequence[DeliveryRow]:
    async with ledger.reading() as session:
        return await outbox.events(session, wanted or Wanted(), most=10_000)


async def until_nothing_waits(ledger: Ledger) -> None:
    async with asyncio.timeout(20):
        while await stored(ledger, Wanted(state=DeliveryState.WAITING)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def by_loan(system: LoanSystem) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for message_id, body in system.heard:
        found[body["data"]["loan_id"]].append(message_id)
    return dict(found)


async def test_an_event_arrives_signed_with_its_id_and_counts_as_delivered(ledger: Ledger) -> None:
    async with a_loan_system() as system:
        (event_id,) = await leave(ledger, "L-1")
        async with told(ledger, system):
            await until_nothing_waits(ledger)
    assert system.heard == [(event_id, {"type": "plan.broken", "timestamp": "2026-11-21T09:00:00Z", "data": {**_data("L-1")}})]
    (row,) = await stored(ledger)
    assert (row.state, row.tries, row.last_status, row.last_problem) == ("delivered", 1, 204, None)


def _data(loan_id: str) -> dict[str, Any]:
    return {"loan_id": loan_id, "at": "2026-11-21T09:00:00Z", "due_on": "2026-11-21"}


async def test_events_of_a_loan_arrive_in_order_and_those_of_others_meanwhile(ledger: Ledger) -> None:
    ids = await leave(ledger, *("L-1", "L-2", "L-1", "L-3", "L-1", "L-2") * 5)
    async with a_loan_system() as system, told(ledger, system):
        await until_nothing_waits(ledger)
    assert by_loan(system) == {
        "L-1": [i for n, i in enumerate(ids) if n % 6 in (0, 2, 4)],
        "L-2": [i for n, i in enumerate(ids) if n % 6 in (1, 5)],
        "L-3": [i for n, i in enumerate(ids) if n % 6 == 3],
    }


async def test_a_loan_whose_event_is_refused_waits_and_the_others_do_not(ledger: Ledger) -> None:
    first, second, other = await leave(ledger, "L-1", "L-1", "L-2")
    async with a_loan_system() as system:
        refusals = iter([500, 500])
        system.answer = lambda message_id, _: Response(status_code=next(refusals, 204) if message_id == first else 204)
        async with told(ledger, system, pauses=(timedelta(milliseconds=300),) * 3, jitter=0):
            await until_nothing_waits(ledger)
    assert system.ids() == [other, first, second]
    assert [row.tries for row in await stored(ledger)] == [3, 1, 1]


async def test_a_slow_answer_for_one_loan_holds_up_no_other(ledger: Ledger) -> None:
    slow, *others = await leave(ledger, "slow", *(f"L-{n}" for n in range(20)))
    async with a_loan_system() as system:
        system.answer = lambda message_id, _: 1.5 if message_id == slow else Response(status_code=200)
        async with told(ledger, system):
            await system.has_heard(20, within=1.2)
            assert sorted(system.ids()) == sorted(others)
            await until_nothing_waits(ledger)


async def test_no_more_than_so_many_are_sent_at_once(ledger: Ledger) -> None:
    await leave(ledger, *(f"L-{n}" for n in range(30)))
    async with a_loan_system() as system:
        system.answer = lambda *_: 0.05
        async with told(ledger, system, at_once=4):
            await until_nothing_waits(ledger)
    assert system.most_together == 4
    assert len(system.heard) == 30


async def test_what_nobody_takes_dies_and_lets_the_next_one_pass(ledger: Ledger) -> None:
    dead, following = await leave(ledger, "L-1", "L-1")
    async with a_loan_system() as system:
        system.answer = lambda message_id, _: Response(status_code=500 if message_id == dead else 204)
        async with told(ledger, system):
            await until_nothing_waits(ledger)
        assert [message_id for message_id, _ in system.asked] == [dead] * 4 + [following]
    row, _ = await stored(ledger)
    assert (row.state, row.tries, row.last_status, row.last_problem, row.due_at) == ("dead", 4, 500, "http_500", None)


async def test_gone_is_final_at_once(ledger: Ledger) -> None:
    await leave(ledger, "L-1")
    async with a_loan_system() as system:
        system.answer = lambda *_: Response(status_code=410)
        async with told(ledger, system):
            await until_nothing_waits(ledger)
    (row,) = await stored(ledger)
    assert (row.state, row.tries, row.last_problem) == ("dead", 1, "http_410")


@pytest.mark.parametrize("status", [301, 302, 400, 404, 429, 503])
async def test_whatever_is_no_success_is_tried_again(ledger: Ledger, status: int) -> None:
    await leave(ledger, "L-1")
    async with a_loan_system() as system:
        answers = iter([Response(status_code=status, headers={"location": system.url})])
        system.answer = lambda *_: next(answers, Response(status_code=202))
        async with told(ledger, system):
            await until_nothing_waits(ledger)
    (row,) = await stored(ledger)
    assert (row.state, row.tries) == ("delivered", 2)


async def test_the_loan_system_says_how_long_it_wants_to_be_left_alone(ledger: Ledger) -> None:
    await leave(ledger, "L-1")
    async with a_loan_system() as system:
        system.answer = lambda *_: Response(status_code=429, headers={"retry-after": "120"})
        async with told(ledger, system):
            await system.was_asked(1)
            before = datetime.now(UTC)
            await leave(ledger, "L-2")
            await asyncio.sleep(0.3)
            assert len(system.asked) == 1
    row, other = await stored(ledger)
    assert row.due_at is not None
    assert 110 < (row.due_at - before).total_seconds() < 121
    assert (other.state, other.tries) == ("waiting", 0)


async def test_a_loan_system_that_is_away_or_never_answers_is_a_failure_with_a_code(ledger: Ledger) -> None:
    await leave(ledger, "L-1")
    async with a_loan_system() as system:
        system.answer = lambda *_: 1.0
        quick = EventsSettings(url=system.url, secret=system.secret, connect_seconds=0.1, answer_seconds=0.1)
        teller = telling(ledger, system, pauses=())
        teller._to, teller._whole = quick, timedelta(seconds=0.3)
        running = asyncio.create_task(teller.run())
        await until_nothing_waits(ledger)
        teller.stop()
        await running
    await leave(ledger, "L-2")
    async with told(ledger, system, pauses=()):
        await until_nothing_waits(ledger)
    assert [(row.state, row.last_status, row.last_problem) for row in await stored(ledger)] == [
        ("dead", None, "read_timeout"),
        ("dead", None, "connect_error"),
    ]


async def test_while_the_secret_changes_either_one_verifies(ledger: Ledger) -> None:
    old, new = make_secret(), make_secret()
    for secret, loan_id in ((old, "L-1"), (new, "L-2")):
        await leave(ledger, loan_id)
        async with a_loan_system(secret) as system:
            teller = telling(ledger, system)
            teller._to = EventsSettings(url=system.url, secret=new, old_secrets=SecretStr(old.get_secret_value()))
            running = asyncio.create_task(teller.run())
            await system.has_heard(1)
            teller.stop()
            await running
    assert [row.state for row in await stored(ledger)] == ["delivered", "delivered"]


async def test_a_replayed_event_comes_again_under_its_id(ledger: Ledger) -> None:
    first, second = await leave(ledger, "L-1", "L-2")
    async with a_loan_system() as system:
        system.answer = lambda message_id, _: Response(status_code=410 if message_id == second else 200)
        async with told(ledger, system):
            await until_nothing_waits(ledger)
            system.answer = lambda *_: Response(status_code=200)
            async with ledger.exclusive() as session:
                assert await outbox.replay_all(session, Wanted(state=DeliveryState.DEAD), datetime.now(UTC)) == 1
                await outbox.replay(session, first, datetime.now(UTC))
            await until_nothing_waits(ledger)
    assert sorted(system.ids()) == [first, first, second]
    assert [(row.state, row.tries) for row in await stored(ledger)] == [("delivered", 1)] * 2


async def test_a_delivered_event_is_forgotten_after_thirty_days_and_never_told_anew(ledger: Ledger) -> None:
    old, recent, dead = await leave(ledger, "L-1", "L-2", "L-3")
    now = datetime.now(UTC)
    async with ledger.exclusive() as session:
        for event_id, days in ((old, 31), (recent, 29)):
            row = await outbox.event(session, event_id)
            row.state, row.delivered_at, row.due_at, row.last_status = DeliveryState.DELIVERED, now - timedelta(days=days), None, 200
            session.add(row)
        row = await outbox.event(session, dead)
        row.state, row.due_at = DeliveryState.DEAD, None
        session.add(row)
    async with ledger.exclusive() as session:
        assert await outbox.forget(session, now) == 1
        assert await outbox.forget(session, now) == 0
    assert [bool(row.body) for row in await stored(ledger)] == [False, True, True]
    async with ledger.exclusive() as session:
        with pytest.raises(EventForgotten):
            await outbox.replay(session, old, now)
        assert await outbox.replay_all(session, Wanted(state=DeliveryState.DELIVERED), now) == 1


async def test_two_processes_share_the_work_and_never_send_the_same(ledger: Ledger) -> None:
    ids = await leave(ledger, *(f"L-{n % 7}" for n in range(60)))
    async with a_loan_system() as system:
        system.answer = lambda *_: 0.01
        async with told(ledger, system), told(ledger, system):
            await until_nothing_waits(ledger)
    assert sorted(system.ids()) == ids
    assert all(told_ids == sorted(told_ids) for told_ids in by_loan(system).values())
    assert system.most_together > 4, "both were at work"


async def test_who_was_too_slow_to_say_what_became_of_it_changes_nothing_any_more(ledger: Ledger) -> None:
    (event_id,) = await leave(ledger, "L-1")
    now = datetime.now(UTC)
    async with ledger.exclusive() as session:
        (slow,) = await outbox.claim(session, now, timedelta(seconds=5), 10)
    async with ledger.exclusive() as session:
        assert await outbox.claim(session, now + timedelta(seconds=4), timedelta(seconds=5), 10) == []
    async with ledger.exclusive() as session:
        (taker,) = await outbox.claim(session, now + timedelta(seconds=6), timedelta(seconds=5), 10)
    async with ledger.exclusive() as session:
        await outbox.failed(session, slow, None, 500, "http_500")
    async with ledger.exclusive() as session:
        await outbox.delivered(session, taker, now, 200)
    (row,) = await stored(ledger)
    assert (row.id, row.state, row.tries) == (event_id, "delivered", 2)


def test_the_real_rhythm_leaves_a_sender_time_to_say_what_became_of_it() -> None:
    assert QUICK.lease_beyond_answer >= timedelta(seconds=30)
