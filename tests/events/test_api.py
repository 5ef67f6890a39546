"""Operators and machines see what the loan system was told, and have it told again; OpenAPI says what may come."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
from sqlmodel import col, select

from arrears.domain.access import Action
from arrears.ledger import access
from arrears.ledger.engine import Ledger
from arrears.ledger.events_out import outbox
from arrears.ledger.events_out.examples import EXAMPLES
from arrears.ledger.events_out.kinds import KINDS
from arrears.ledger.tables import AuditRow, DeliveryState
from tests.api.conftest import Api, api, new_ledger  # noqa: F401
from tests.api.conftest import ledger as api_ledger
from tests.events.test_sending import leave, stored

ledger = api_ledger


async def token(ledger: Ledger, *scopes: Action) -> dict[str, str]:
    async with ledger.session() as session:
        given = await access.add_client(session, f"c-{len(scopes)}", "a test", frozenset(scopes), datetime.now(UTC))
    return {"authorization": f"Bearer {given}"}


async def kill(ledger: Ledger, *event_ids: str) -> None:
    async with ledger.exclusive() as session:
        for event_id in event_ids:
            row = await outbox.event(session, event_id)
            row.state, row.due_at, row.tries, row.last_status, row.last_problem = DeliveryState.DEAD, None, 10, 500, "http_500"
            session.add(row)


async def test_dead_events_are_listed_a_page_at_a_time(api: Api, ledger: Ledger) -> None:  # noqa: F811
    ids = await leave(ledger, *(f"L-{n}" for n in range(5)))
    await kill(ledger, *ids[1:])
    reader = await token(ledger, Action.READ_CASES)
    first = await api.http.get("/v1/events", params={"state": "dead", "limit": 3}, headers=reader)
    assert [item["id"] for item in first.json()["items"]] == ids[1:4]
    following = await api.http.get("/v1/events", params={"state": "dead", "limit": 3, "cursor": first.json()["next"]}, headers=reader)
    assert [item["id"] for item in following.json()["items"]] == ids[4:]
    assert following.json()["next"] is None
    only = await api.http.get("/v1/events", params={"loan_id": "L-2", "kind": "plan.broken"}, headers=reader)
    assert [(item["type"], item["state"], item["last_problem"]) for item in only.json()["items"]] == [("plan.broken", "dead", "http_500")]
    nothing = await api.http.get("/v1/events", params={"kind": "case.closed"}, headers=reader)
    assert nothing.json()["items"] == []


async def test_one_event_is_shown_with_what_is_sent(api: Api, ledger: Ledger) -> None:  # noqa: F811
    (event_id,) = await leave(ledger, "L-1")
    reader = await token(ledger, Action.READ_CASES)
    shown = (await api.http.get(f"/v1/events/{event_id}", headers=reader)).json()
    assert shown["body"] == {
        "type": "plan.broken",
        "timestamp": "2026-11-21T09:00:00Z",
        "data": {"loan_id": "L-1", "at": "2026-11-21T09:00:00Z", "due_on": "2026-11-21"},
    }
    assert "key" not in shown


async def test_an_event_that_is_not_there_is_not_found(api: Api, ledger: Ledger) -> None:  # noqa: F811
    both = await token(ledger, Action.READ_CASES, Action.REPLAY_EVENTS)
    for answer in (
        await api.http.get("/v1/events/evt_000000000099", headers=both),
        await api.http.post("/v1/events/evt_000000000099/replay", headers=both),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_event")
    assert (await api.http.get("/v1/events/hello", headers=both)).status_code == 422


async def test_a_dead_event_is_sent_again_and_who_asked_is_written_down(api: Api, ledger: Ledger) -> None:  # noqa: F811
    (event_id,) = await leave(ledger, "L-1")
    await kill(ledger, event_id)
    sender = await token(ledger, Action.REPLAY_EVENTS)
    answer = await api.http.post(f"/v1/events/{event_id}/replay", headers=sender)
    assert (answer.status_code, answer.json()["state"], answer.json()["tries"]) == (202, "waiting", 0)
    async with ledger.reading() as session:
        (note,) = await session.exec(select(AuditRow).where(col(AuditRow.action) == "events.replay"))
    assert (note.actor, note.loan_id, note.subject, note.allowed) == ("c-1", "L-1", event_id, True)


async def test_many_events_are_sent_again_by_kind_and_time(api: Api, ledger: Ledger) -> None:  # noqa: F811
    ids = await leave(ledger, "L-1", "L-1", "L-2")
    await kill(ledger, *ids)
    sender = await token(ledger, Action.REPLAY_EVENTS)
    later = await api.http.post("/v1/events/replay", json={"since": "2026-11-22T00:00:00Z"}, headers=sender)
    other = await api.http.post("/v1/events/replay", json={"kind": "case.closed"}, headers=sender)
    theirs = await api.http.post("/v1/events/replay", json={"loan_id": "L-1", "kind": "plan.broken"}, headers=sender)
    assert [answer.json()["events"] for answer in (later, other, theirs)] == [0, 0, 2]
    assert [row.state for row in await stored(ledger)] == ["waiting", "waiting", "dead"]
    rest = await api.http.post("/v1/events/replay", json={}, headers=sender)
    assert rest.json() == {"events": 1}


@pytest.mark.parametrize("body", [{"state": "lost"}, {"kind": "case.vanished"}, {"since": "yesterday"}, {"everything": True}])
async def test_a_replay_that_nobody_understands_is_refused(api: Api, ledger: Ledger, body: dict[str, object]) -> None:  # noqa: F811
    answer = await api.http.post("/v1/events/replay", json=body, headers=await token(ledger, Action.REPLAY_EVENTS))
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_forgotten_event_is_gone(api: Api, ledger: Ledger) -> None:  # noqa: F811
    (event_id,) = await leave(ledger, "L-1")
    async with ledger.exclusive() as session:
        row = await outbox.event(session, event_id)
        row.state, row.due_at, row.delivered_at, row.body = DeliveryState.DELIVERED, None, datetime.now(UTC), {}
        session.add(row)
    both = await token(ledger, Action.READ_CASES, Action.REPLAY_EVENTS)
    assert (await api.http.get(f"/v1/events/{event_id}", headers=both)).json()["body"] is None
    answer = await api.http.post(f"/v1/events/{event_id}/replay", headers=both)
    assert (answer.status_code, answer.json()["code"]) == (410, "forgotten")


async def test_who_may_not_is_refused(api: Api, ledger: Ledger) -> None:  # noqa: F811
    (event_id,) = await leave(ledger, "L-1")
    reader = await token(ledger, Action.READ_CASES)
    assert await _statuses(api.http, event_id, reader) == [200, 200, 403, 403]
    assert await _statuses(api.http, event_id, {}) == [401] * 4


async def _statuses(http: httpx.AsyncClient, event_id: str, headers: dict[str, str]) -> list[int]:
    answers = (
        await http.get("/v1/events", headers=headers),
        await http.get(f"/v1/events/{event_id}", headers=headers),
        await http.post(f"/v1/events/{event_id}/replay", headers=headers),
        await http.post("/v1/events/replay", json={}, headers=headers),
    )
    return [answer.status_code for answer in answers]


async def test_openapi_describes_every_kind_as_a_webhook_with_its_example(api: Api) -> None:  # noqa: F811
    document = (await api.http.get("/openapi.json")).json()
    assert set(document["webhooks"]) == set(KINDS)
    for kind, item in document["webhooks"].items():
        body = item["post"]["requestBody"]["content"]["application/json"]
        assert body["examples"][kind]["value"] == EXAMPLES[kind]
        schema = document["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
        assert schema["properties"]["type"]["const"] == kind
    assert "Standard Webhooks" in json.dumps(document["webhooks"]["case.closed"]["post"]["description"])
