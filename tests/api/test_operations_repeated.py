"""What is told to a case again: it counts once, or it is another one, or it is refused; the answer is where the case stands now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlmodel import select

from arrears.domain.events import PlanAgreed
from arrears.domain.loan import Payment
from arrears.ledger import relays
from arrears.ledger.tables import AnswerRow, CaseEventRow
from arrears.workflows import asking
from arrears.workflows.contract import Promise, Update
from tests.acceptance.town import eventually
from tests.api.at_desk import Desk, a_desk

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


async def promised(desk: Desk, loan_id: str) -> list[dict[str, Any]]:
    return (await desk.get("sup-1", f"/v1/cases/{loan_id}")).json()["promises"]


async def agreed(desk: Desk, loan_id: str) -> list[int]:
    """The plans of the loan's case as they were written down, each by the days from today to its first instalment."""
    async with desk.town.ledger.reading() as session:
        rows = await session.exec(select(CaseEventRow).where(CaseEventRow.case_id == f"{loan_id}.1", CaseEventRow.kind == "plan_agreed"))
        plans = sorted((PlanAgreed.model_validate(row.body) for row in rows), key=lambda plan: plan.at)
    return [(plan.instalments[0].due_on - desk.today).days for plan in plans]


async def pay(desk: Desk, loan_id: str, amount: str) -> None:
    paid = {"payment_id": f"P-{uuid4()}", "amount": amount, "currency": "CNY", "received_at": await desk.town.now()}
    await asking.update(desk.town.env.client, loan_id, Update.RECORD_PAYMENT, Payment.model_validate(paid))


async def forgotten(desk: Desk, key: str) -> None:
    """As if the process had died before it could keep and give the answer to this key: nothing of it is left but what Temporal has."""
    async with desk.town.ledger.session() as session:
        for row in await session.exec(select(AnswerRow).where(AnswerRow.key == key)):
            await session.delete(row)


async def test_a_plan_that_another_replaced_is_agreed_again_and_the_answer_is_where_the_case_stands(desk: Desk):
    """Also when the first answer never came and nobody can tell whether the second request is the first one sent again."""
    loan_id = await desk.case()
    path = f"/v1/cases/{loan_id}/plans"

    def plan(*days: int) -> dict[str, Any]:
        parts = [{"due_on": (desk.today + timedelta(days=n)).isoformat(), "amount": "400.00"} for n in days]
        return {"instalments": parts, "currency": "CNY"}

    def first_of(days: int) -> str:
        return f"the plan's instalment of {desk.today + timedelta(days=days)}"

    assert (await desk.post("sup-1", path, plan(5, 35))).json()["stage"] == "on_plan"

    async def watched() -> bool:
        return (await asking.view(desk.town.env.client, loan_id)).next == first_of(5)

    await eventually(watched)
    told = [(await desk.post("sup-1", path, plan(*days))).json()["next"] for days in ((9, 39), (9, 39), (5, 35))]
    assert told == [first_of(9), first_of(9), first_of(5)]
    assert await agreed(desk, loan_id) == [5, 9, 5]

    key = {"idempotency-key": "plan-a"}
    mine = plan(7, 37)
    assert (await desk.post("sup-1", path, mine, **key)).json()["next"] == first_of(7)
    assert (await desk.post("sup-1", path, plan(8, 38))).json()["next"] == first_of(8)
    await forgotten(desk, "plan-a")
    late = await desk.post("sup-1", path, mine, **key)
    assert (late.status_code, late.json()["next"]) == (200, first_of(8)), "sent again under its key it counts once"
    assert await agreed(desk, loan_id) == [5, 9, 5, 7, 8]
    anew = await desk.post("sup-1", path, mine, **{"idempotency-key": "plan-b"})
    assert anew.json()["next"] == first_of(7), "under another key it is another one"
    other = await desk.post("sup-2", path, mine, **key)
    assert other.json()["next"] == first_of(7)
    assert await agreed(desk, loan_id) == [5, 9, 5, 7, 8, 7], "what stands so already is not agreed again"


async def test_of_many_plans_that_are_agreed_at_once_each_stands_or_its_sender_is_told_and_many_of_the_same_are_one(desk: Desk):
    loan_id = await desk.case()
    path = f"/v1/cases/{loan_id}/plans"

    async def agree(days: int) -> int | None:
        plan = {"instalments": [{"due_on": (desk.today + timedelta(days=days)).isoformat(), "amount": "600.00"}], "currency": "CNY"}
        answer = await desk.post("sup-1", path, plan)
        assert answer.status_code == 200 or answer.json()["code"] == "case_refused", answer.text
        return days if answer.status_code == 200 else None

    taken = [days for days in await asyncio.gather(*(agree(days) for days in range(5, 13))) if days is not None]
    assert sorted(await agreed(desk, loan_id)) == taken

    async def watched() -> bool:
        return (await asking.view(desk.town.env.client, loan_id)).next.startswith("the plan's instalment of ")

    await eventually(watched)
    stands = (await asking.view(desk.town.env.client, loan_id)).next
    (last,) = [days for days in taken if stands.endswith(f" {desk.today + timedelta(days=days)}")]
    assert await asyncio.gather(*(agree(last) for _ in range(4))) == [last] * 4
    assert sorted(await agreed(desk, loan_id)) == taken


async def test_a_promise_that_was_kept_is_made_again_in_the_same_words(desk: Desk):
    loan_id = await desk.case()
    path = f"/v1/cases/{loan_id}/promises"
    words = {"amount": "50.00", "currency": "CNY", "due_on": (desk.today + timedelta(days=3)).isoformat()}
    first = await desk.post("col-1", path, words, **{"idempotency-key": f"promise-1-{loan_id}"})
    assert first.json()["stage"] == "promised", first.text
    await pay(desk, loan_id, "50.00")

    async def judged() -> bool:
        return [p["kept"] for p in await promised(desk, loan_id)] == [True]

    await eventually(judged)
    await forgotten(desk, f"promise-1-{loan_id}")
    repeated = await desk.post("col-1", path, words, **{"idempotency-key": f"promise-1-{loan_id}"})
    assert (repeated.status_code, repeated.json()["owed"]) == (200, "1150.00"), repeated.text
    assert repeated.json()["stage"] != "promised"
    assert [p["kept"] for p in await promised(desk, loan_id)] == [True], "sent again under its key it counts once"

    again = await desk.post("col-1", path, words, **{"idempotency-key": f"promise-2-{loan_id}"})
    assert (again.status_code, again.json()["stage"]) == (200, "promised"), again.text
    assert [p["kept"] for p in await promised(desk, loan_id)] == [True, None]
    await pay(desk, loan_id, "50.00")

    async def kept() -> bool:
        return [p["kept"] for p in await promised(desk, loan_id)] == [True, True]

    await eventually(kept)


async def test_a_request_whose_answer_was_lost_on_the_way_to_temporal_is_sent_again_and_counts_once(desk: Desk):
    loan_id = await desk.case()
    words = Promise(amount=Decimal("600.00"), currency="CNY", due_on=desk.today + timedelta(days=2))
    await asking.update(desk.town.env.client, loan_id, Update.MAKE_PROMISE, words)
    for headers in ({}, {"idempotency-key": f"late-{loan_id}"}):
        answer = await desk.post("col-1", f"/v1/cases/{loan_id}/promises", words.model_dump(mode="json"), **headers)
        assert (answer.status_code, answer.json()["stage"]) == (200, "promised"), answer.text
    assert [p["amount"] for p in await promised(desk, loan_id)] == ["600.00"]


@pytest.mark.parametrize("key", [{}, {"idempotency-key": "take-it-back"}], ids=["without a key", "under its key"])
async def test_a_withdrawal_sent_again_is_answered_with_the_closed_case_and_another_one_is_refused(desk: Desk, key: dict[str, str]):
    loan_id = await desk.case()
    path, why = f"/v1/cases/{loan_id}/withdrawal", {"reason": "sold to another lender"}
    first = await desk.post("sup-1", path, why, **key)
    assert first.status_code == 200, first.text
    await asyncio.wait_for(desk.handle(loan_id).result(), 30)
    await forgotten(desk, "take-it-back")
    again = await desk.post("sup-1", path, why, **key)
    assert (again.status_code, again.json()["stage"], again.json()["next"]) == (200, "withdrawn", "nothing"), again.text
    for headers in ({}, {"idempotency-key": f"other-{loan_id}"}):
        other = await desk.post("sup-1", path, {"reason": "goodwill"}, **headers)
        assert (other.status_code, other.json()["code"]) == (409, "case_closed"), other.text
    promise = {"amount": "1.00", "currency": "CNY", "due_on": desk.today.isoformat()}
    assert (await desk.post("col-1", f"/v1/cases/{loan_id}/promises", promise)).json()["code"] == "case_closed"


async def test_two_holds_of_one_reason_are_lifted_with_one_word_to_the_case(desk: Desk):
    loan_id = await desk.case()
    for day in (1, 2):
        at = datetime.combine(desk.today - timedelta(days=day), time(), UTC).isoformat()
        assert (await desk.post("sup-1", f"/v1/cases/{loan_id}/holds", {"reason": "suspected", "at": at})).status_code == 202

    async def held() -> bool:
        return (await asking.view(desk.town.env.client, loan_id)).holds == ("suspected", "suspected")

    await eventually(held)
    assert (await desk.post("sup-1", f"/v1/cases/{loan_id}/holds/lift", {"reason": "suspected"})).json()["told"] == [loan_id]

    async def told() -> bool:
        async with desk.town.ledger.reading() as session:
            waiting = await relays.undelivered(session)
        return not waiting and not (await asking.view(desk.town.env.client, loan_id)).holds

    await eventually(told)
    assert (await asking.view(desk.town.env.client, loan_id)).ignored == ()
