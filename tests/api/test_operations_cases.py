"""What the running case judges: promises, plans, withdrawals and decisions, with a real Temporal, worker, ledger and API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from sqlmodel import select

from arrears.domain.access import Action
from arrears.ledger import approvals, relays
from arrears.ledger.tables import ApprovalRow, ApprovalState, ReportedContactRow
from arrears.sandbox.temperament import never_answers
from arrears.workflows import asking
from arrears.workflows.contract import Decision, Update
from tests.acceptance.town import eventually, loan_row
from tests.api.at_desk import Desk, a_desk, request_of
from tests.api.conftest import running_api
from tests.api.desk import machine, noted

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

WORDS = "她丈夫接的电话, 说她在外地"
"""An operator's own words, which must stand nowhere but sealed in the ledger."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


async def test_a_supervisor_approves_and_their_words_stay_sealed_in_the_ledger(desk: Desk):
    loan_id = await desk.case()
    request = request_of(loan_id)
    answer = await desk.post("sup-1", f"/v1/approvals/{request}/decision", {"decision": "approve", "reason": WORDS})
    told = answer.json()
    assert (answer.status_code, told["decision"], told["decided_by"], told["loan_id"]) == (200, "approve", "sup-1", loan_id), answer.text
    assert told["case"]["approval"] is None
    assert await desk.reason(request) == WORDS
    history = (await desk.handle(loan_id).fetch_history()).to_json()
    assert "decide_approval" in history
    assert WORDS not in history
    assert WORDS.encode("unicode-escape").decode() not in history
    again = await desk.post("sup-1", f"/v1/approvals/{request}/decision", {"decision": "approve", "reason": "again"})
    assert (again.status_code, again.json()["decided_at"]) == (200, told["decided_at"])
    assert await desk.reason(request) == WORDS
    shown = (await desk.get("risk-1", f"/v1/approvals/{request}")).json()
    assert (shown["state"], shown["decided_by"]) == ("approved", "sup-1")


async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told_who(desk: Desk):
    winners: set[str] = set()
    for _ in range(4):
        request = request_of(await desk.case())
        decisions = {"sup-1": "approve", "sup-2": "deny"}
        path = f"/v1/approvals/{request}/decision"
        answers = await asyncio.gather(*(desk.post(who, path, {"decision": said, "reason": who}) for who, said in decisions.items()))
        won = next(who for who, answer in zip(decisions, answers, strict=True) if answer.status_code == 200)
        lost = next(answer for answer in answers if answer.status_code != 200)
        assert (lost.status_code, lost.json()["code"]) == (409, "already_decided"), lost.text
        state = {"approve": "approved", "deny": "denied"}[decisions[won]]
        async with desk.town.ledger.reading() as session:
            row = await approvals.approval(session, request)
        assert (row.decided_by, row.state) == (won, state)
        assert row.decided_at is not None
        assert lost.json()["detail"] == f"{request} was {state} by {won} at {row.decided_at.isoformat()}"
        assert await desk.reason(request) == won
        winners.add(won)
    assert winners <= {"sup-1", "sup-2"}


@pytest.mark.parametrize(("who", "code"), [("risk-1", "wrong_role"), ("col-1", "forbidden"), ("machine", "humans_only")])
async def test_who_may_not_decide_cannot(desk: Desk, who: str, code: str):
    request = request_of(await desk.case())
    if who == "machine" and who not in desk.people:
        desk.people[who] = await machine(desk.town.ledger, "robot", Action.DECIDE_APPROVAL)
    answer = await desk.post(who, f"/v1/approvals/{request}/decision", {"decision": "approve", "reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, code), answer.text
    async with desk.town.ledger.reading() as session:
        assert (await approvals.approval(session, request)).state is ApprovalState.OPEN
    told = [note for note in await noted(desk.town.ledger, Action.DECIDE_APPROVAL) if request in (note.subject or "")]
    assert [note.allowed for note in told] == [False]


async def test_nobody_decides_what_they_asked_for(desk: Desk):
    request = request_of(await desk.case())
    async with desk.town.ledger.session() as session:
        row = await approvals.approval(session, request)
        row.requested_by = "sup-1"
        session.add(row)
    path = f"/v1/approvals/{request}/decision"
    refused = await desk.post("sup-1", path, {"decision": "approve", "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "own_request")
    assert (await desk.post("sup-2", path, {"decision": "approve", "reason": "x"})).status_code == 200


async def test_a_request_that_changed_since_it_was_read_is_not_decided(desk: Desk):
    request = request_of(await desk.case())
    path = f"/v1/approvals/{request}"
    read = (await desk.get("sup-1", path)).headers["etag"]
    stale = await desk.post("sup-1", f"{path}/decision", {"decision": "approve"}, **{"if-match": '"0"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_since")
    assert (await desk.post("sup-1", f"{path}/decision", {"decision": "approve"}, **{"if-match": read})).status_code == 200


async def test_a_request_that_events_have_overtaken_says_so(desk: Desk):
    loan_id = await desk.case()
    due = (desk.today + timedelta(days=3)).isoformat()
    promised = await desk.post("col-1", f"/v1/cases/{loan_id}/promises", {"amount": "600.00", "currency": "CNY", "due_on": due})
    assert (promised.status_code, promised.json()["stage"]) == (200, "promised"), promised.text

    async def void() -> bool:
        return (await desk.get("sup-1", f"/v1/approvals/{request_of(loan_id)}")).json()["state"] == "void"

    await eventually(void)
    late = await desk.post("sup-1", f"/v1/approvals/{request_of(loan_id)}/decision", {"decision": "approve", "reason": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "void")
    assert "promised to pay" in late.json()["detail"]


async def test_a_request_is_not_decided_after_its_deadline(desk: Desk):
    request = request_of(await desk.case())
    async with desk.town.ledger.session() as session:
        row = await session.get_one(ApprovalRow, request)
        row.remind_at, row.deadline = row.asked_at - timedelta(hours=2), row.asked_at - timedelta(hours=1)
        session.add(row)
    late = await desk.post("sup-1", f"/v1/approvals/{request}/decision", {"decision": "approve", "reason": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "expired")
    assert request not in [item["approval_id"] for item in (await desk.get("sup-1", "/v1/approvals?limit=200")).json()["items"]]


async def test_a_decision_whose_answer_was_lost_is_found_and_gets_its_words(desk: Desk):
    loan_id = await desk.case()
    request = request_of(loan_id)
    told = Decision(approval_id=request, decision="deny", operator="sup-1")
    await asking.update(desk.town.env.client, loan_id, Update.DECIDE_APPROVAL, told, f"decide/{request}/sup-1/deny")
    assert await desk.reason(request) is None
    answer = await desk.post("sup-1", f"/v1/approvals/{request}/decision", {"decision": "deny", "reason": WORDS})
    assert (answer.status_code, answer.json()["decision"]) == (200, "deny")
    assert await desk.reason(request) == WORDS


async def test_a_promise_is_judged_by_the_case_and_counts_once(desk: Desk):
    loan_id = await desk.case()
    path = f"/v1/cases/{loan_id}/promises"
    promise = {"amount": "600.00", "currency": "CNY", "due_on": (desk.today + timedelta(days=2)).isoformat()}
    first = await desk.post("col-1", path, promise)
    again = await desk.post("col-1", path, promise | {"amount": "600"})
    assert [first.status_code, again.status_code] == [200, 200], first.text
    shown = (await desk.get("sup-1", f"/v1/cases/{loan_id}")).json()
    assert [(p["amount"], p["kept"]) for p in shown["promises"]] == [("600.00", None)]
    assert (shown["running"]["state"], shown["running"]["says"]["stage"], shown["case"]["stage"]) == ("answers", "promised", "promised")
    for wrong, field_ in (({"due_on": (desk.today - timedelta(days=9)).isoformat()}, "due_on"), ({"currency": "USD"}, "currency")):
        refused = await desk.post("col-1", path, promise | wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "case_refused"), refused.text
        assert refused.json()["errors"][0]["field"] == field_
    notes = [note for note in await noted(desk.town.ledger, Action.MAKE_PROMISE) if note.loan_id == loan_id]
    nothing, refused_ = None, {"came_to_nothing": "case_refused"}
    assert [note.details for note in notes] == [nothing, nothing, nothing, refused_, nothing, refused_]


async def test_a_plan_is_agreed_by_a_supervisor(desk: Desk):
    loan_id = await desk.case()
    parts = [{"due_on": (desk.today + timedelta(days=n)).isoformat(), "amount": "600.00"} for n in (5, 35)]
    assert (await desk.post("col-1", f"/v1/cases/{loan_id}/plans", {"instalments": parts, "currency": "CNY"})).status_code == 403
    agreed = await desk.post("sup-1", f"/v1/cases/{loan_id}/plans", {"instalments": parts, "currency": "CNY"})
    assert (agreed.status_code, agreed.json()["stage"]) == (200, "on_plan"), agreed.text
    plan = (await desk.get("sup-1", f"/v1/cases/{loan_id}")).json()["plan"]
    assert ([part["amount"] for part in plan["instalments"]], plan["broken_at"]) == (["600.00", "600.00"], None)
    wrong = await desk.post("sup-1", f"/v1/cases/{loan_id}/plans", {"instalments": parts[::-1], "currency": "CNY"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "instalments")


async def test_a_case_that_was_taken_back_takes_nothing_more(desk: Desk):
    loan_id = await desk.case()
    taken = await desk.post("sup-1", f"/v1/cases/{loan_id}/withdrawal", {"reason": "sold to another lender"})
    assert taken.status_code == 200, taken.text
    await asyncio.wait_for(desk.handle(loan_id).result(), 30)
    promise = {"amount": "1.00", "currency": "CNY", "due_on": desk.today.isoformat()}
    late = await desk.post("col-1", f"/v1/cases/{loan_id}/promises", promise)
    assert (late.status_code, late.json()["code"]) == (409, "case_closed")
    assert "withdrawn" in late.json()["detail"]
    shown = (await desk.get("sup-1", f"/v1/cases/{loan_id}")).json()
    assert (shown["case"]["outcome"], shown["approvals"], shown["running"]["says"]["outcome"]) == ("withdrawn", [], "withdrawn")


async def test_a_loan_without_a_case_says_so(desk: Desk):
    loan_id = await desk.town.lend(loan_row("L-1999", "at-desk", desk.today - timedelta(days=1)), never_answers())
    promise = {"amount": "1.00", "currency": "CNY", "due_on": desk.today.isoformat()}
    answer = await desk.post("col-1", f"/v1/cases/{loan_id}/promises", promise)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_case")
    assert (await desk.post("col-1", "/v1/cases/L-404/promises", promise)).json()["code"] == "unknown_loan"
    shown = (await desk.get("col-1", f"/v1/cases/{loan_id}")).json()
    assert (shown["case"], shown["running"]["state"], shown["loan"]["owed"]) == (None, "none", "1200.00")


async def test_while_temporal_is_away_the_case_is_not_asked_and_the_answer_says_when_to_come_back(desk: Desk):
    loan_id = await desk.case()
    request = request_of(loan_id)
    promise = {"amount": "600.00", "currency": "CNY", "due_on": (desk.today + timedelta(days=2)).isoformat()}
    async with running_api(desk.town.ledger) as away:
        for path, body in ((f"/v1/cases/{loan_id}/promises", promise), (f"/v1/approvals/{request}/decision", {"decision": "approve"})):
            answer = await away.http.post(path, json=body, headers=desk.people["sup-1"])
            assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "temporal_away", "10"), answer.text
        shown = (await away.http.get(f"/v1/cases/{loan_id}", headers=desk.people["sup-1"])).json()
        assert (shown["running"]["state"], shown["case"]["stage"], shown["promises"]) == ("away", "awaiting_approval", [])
        held = await away.http.post(f"/v1/cases/{loan_id}/holds", json={"reason": "hardship"}, headers=desk.people["sup-1"])
        assert held.status_code == 202
    async with desk.town.ledger.reading() as session:
        assert (await approvals.approval(session, request)).state is ApprovalState.OPEN
        assert [row.name for row in await relays.undelivered(session)] in ([], ["hold_placed"])

    async def heard() -> bool:
        return (await asking.view(desk.town.env.client, loan_id)).holds == ("hardship",)

    await eventually(heard)


async def test_of_two_collectors_one_takes_a_task_and_its_call_counts(desk: Desk):
    loan_id = await desk.case()
    listed = (await desk.get("col-1", f"/v1/tasks?loan_id={loan_id}&role=collector")).json()["items"]
    (task,) = listed
    assert (task["kind"], task["state"], task["assignee"]) == ("dedicated_collector", "open", None)
    path = f"/v1/tasks/{task['task_id']}"
    answers = await asyncio.gather(desk.post("col-1", f"{path}/take"), desk.post("col-2", f"{path}/take"))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    mine, other = ("col-1", "col-2") if answers[0].status_code == 200 else ("col-2", "col-1")
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert (refused.json()["code"], mine in refused.json()["detail"]) == ("task_taken", True)
    assert (await desk.post("sup-1", f"{path}/take")).json()["code"] == "wrong_role"
    result = {"result": "done", "note": WORDS, "contact": {"channel": "call", "outcome": "answered_willing"}}
    assert (await desk.post(other, f"{path}/result", result)).json()["code"] == "task_taken"
    done = await desk.post(mine, f"{path}/result", result)
    assert (done.status_code, done.json()["state"], done.json()["result"], done.json()["noted"]) == (200, "done", "done", True), done.text
    assert WORDS not in done.text
    assert (await desk.post(mine, f"{path}/result", result)).status_code == 200
    assert (await desk.post(mine, f"{path}/result", {"result": "not_needed"})).json()["code"] == "task_over"
    async with desk.town.ledger.reading() as session:
        told = [row for row in (await session.exec(select(ReportedContactRow))).all() if row.loan_id == loan_id]
    assert [(row.key, row.direction, row.outcome) for row in told] == [(f"task/{task['task_id']}", "out", "answered_willing")]

    async def heard() -> bool:
        return (await asking.view(desk.town.env.client, loan_id)).attitude != "unknown"

    await eventually(heard)


async def test_a_task_where_nobody_was_reached_says_how_it_was_tried(desk: Desk):
    loan_id = await desk.case()
    ((task,), path) = (await desk.get("col-1", f"/v1/tasks?loan_id={loan_id}")).json()["items"], "/v1/tasks/{}/result"
    answer = await desk.post("col-1", path.format(task["task_id"]), {"result": "not_reached"})
    assert (answer.status_code, "contact" in answer.json()["detail"]) == (422, True)
    future = (datetime.now().astimezone() + timedelta(days=900)).isoformat()
    tried = {"result": "not_reached", "contact": {"outcome": "no_answer", "at": future}}
    assert (await desk.post("col-1", path.format(task["task_id"]), tried)).json()["code"] == "fact_refused"
    assert (await desk.get("col-1", f"/v1/tasks?loan_id={loan_id}")).json()["items"] == [task]
    quoted = path.format(task["task_id"].replace("/", "%2F"))
    assert (await desk.post("col-1", quoted, {"result": "not_reached", "contact": {"outcome": "no_answer"}})).status_code == 200


async def test_lists_are_read_page_by_page(desk: Desk):
    for _ in range(3):
        await desk.case()
    for path, id_, at in (("/v1/approvals", "approval_id", "deadline"), ("/v1/tasks", "task_id", "opened_at")):
        seen: list[tuple[str, str]] = []
        following = f"{path}?limit=2"
        while following:
            page = (await desk.get("sup-1", following)).json()
            seen += [(item[at], item[id_]) for item in page["items"]]
            following = f"{path}?limit=2&cursor={page['next']}" if page["next"] else ""
        whole = (await desk.get("sup-1", f"{path}?limit=200")).json()["items"]
        assert seen == [(item[at], item[id_]) for item in whole] == sorted(seen)
        assert len(seen) >= 3
    assert (await desk.get("sup-1", "/v1/tasks?cursor=made-up")).json()["code"] == "bad_cursor"


async def test_days_at_the_ends_of_the_calendar_are_refused_and_a_far_one_stalls_nothing(desk: Desk):
    loan_id = await desk.case()
    for path, body in (
        (f"/v1/cases/{loan_id}/plans", {"instalments": [{"due_on": "9999-12-31", "amount": "1.00"}], "currency": "CNY"}),
        (f"/v1/cases/{loan_id}/holds", {"reason": "hardship", "until": "9999-12-31T23:59:59Z"}),
        (f"/v1/cases/{loan_id}/holds", {"reason": "hardship", "at": "0001-01-01T00:00:00Z"}),
    ):
        refused = await desk.post("sup-1", path, body)
        assert (refused.status_code, "must lie between 1900-01-01 and 8999-12-31" in refused.text) == (422, True), refused.text
    held = await desk.post("sup-1", f"/v1/cases/{loan_id}/holds", {"reason": "suspected", "until": "2999-12-31T00:00:00Z"})
    assert held.status_code == 202, held.text

    async def heard() -> bool:
        return (await asking.view(desk.town.env.client, loan_id)).holds == ("suspected",)

    await eventually(heard)
    await desk.post("sup-1", f"/v1/cases/{loan_id}/holds/lift", {"reason": "suspected"})

    async def goes_on() -> bool:
        return (await asking.view(desk.town.env.client, loan_id)).stage == "awaiting_approval"

    await eventually(goes_on)
