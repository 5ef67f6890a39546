"""What must stop contacts stands in the ledger once it is answered, whoever tells it, and while Temporal is away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger import relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AgencyRow, ConsentRow, HoldRow, ReportedContactRow, WishRow
from tests.api.conftest import LOAN, Api
from tests.api.desk import WHY, machine, noted, operator

JUST_NOW = datetime.now(UTC) - timedelta(minutes=1)
TOLD: list[tuple[str, dict[str, Any], type[SQLModel], Action]] = [
    (f"/v1/cases/{LOAN}/holds", {"reason": "attorney"}, HoldRow, Action.PLACE_HOLD),
    (f"/v1/cases/{LOAN}/disputes", {"part": "20.50"}, HoldRow, Action.RECORD_OBJECTION),
    (f"/v1/cases/{LOAN}/complaints", {"agency": "agency-one"}, HoldRow, Action.RECORD_OBJECTION),
    ("/v1/persons/B-1/opt-outs", {"kind": "no_medium", "channel": "sms"}, WishRow, Action.RECORD_WISH),
    ("/v1/persons/B-1/consents", {"kind": "more_calls", "evidence": "recording-1"}, ConsentRow, Action.RECORD_CONSENT),
]


async def waiting(ledger: Ledger) -> list[str]:
    """The messages that wait for Temporal, by their names."""
    async with ledger.reading() as session:
        return [row.name for row in await relays.undelivered(session)]


@pytest.mark.parametrize(("path", "body", "table", "action"), TOLD)
@pytest.mark.parametrize("who", ["operator", "machine"])
async def test_it_is_in_the_ledger_when_it_is_answered_and_who_told_it_is_written_down(
    api: Api, ledger: Ledger, path: str, body: dict[str, Any], table: type[SQLModel], action: Action, who: str
):
    headers = await operator(ledger, "op-1", Role.COLLECTOR) if who == "operator" else await machine(ledger, "loans", action)
    answer = await api.http.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["new"]) == (202, True), answer.text
    async with ledger.reading() as session:
        assert len((await session.exec(select(table))).all()) == 1
    (note,) = await noted(ledger, action)
    assert note.actor == ("op-1" if who == "operator" else "loans")
    assert (note.loan_id or note.person_id) in (LOAN, "B-1")
    assert note.reason == (WHY if who == "operator" else None)


async def test_a_hold_waits_for_the_case_until_temporal_is_back(api: Api, ledger: Ledger):
    headers = await operator(ledger, "op-1", Role.SUPERVISOR)
    await api.http.post(f"/v1/cases/{LOAN}/holds", json={"reason": "hardship"}, headers=headers)
    lifted = await api.http.post(f"/v1/cases/{LOAN}/holds/lift", json={"reason": "hardship"}, headers=headers)
    assert (lifted.status_code, lifted.json()["new"], lifted.json()["told"]) == (202, True, [LOAN])
    assert await waiting(ledger) == ["hold_placed", "hold_lifted"]
    again = await api.http.post(f"/v1/cases/{LOAN}/holds/lift", json={"reason": "hardship"}, headers=headers)
    assert (again.status_code, again.json()["new"]) == (202, False)


async def test_a_dispute_about_a_part_says_which(api: Api, ledger: Ledger):
    headers = await operator(ledger, "op-1", Role.COLLECTOR)
    await api.http.post(f"/v1/cases/{LOAN}/disputes", json={"part": "20.50", "at": JUST_NOW.isoformat()}, headers=headers)
    async with ledger.reading() as session:
        (hold,) = (await session.exec(select(HoldRow))).all()
    assert (hold.reason, hold.details, hold.placed_at) == ("dispute", {"part": "20.50"}, JUST_NOW)


async def test_an_opt_out_and_a_consent_can_be_taken_back(api: Api, ledger: Ledger):
    headers = await operator(ledger, "op-1", Role.COLLECTOR)
    for path, body, taken_back in (
        ("opt-outs", {"kind": "no_medium", "channel": "call"}, {"kind": "no_medium"}),
        ("consents", {"kind": "texts", "evidence": "form-7"}, {"kind": "texts"}),
    ):
        await api.http.post(f"/v1/persons/B-1/{path}", json=body, headers=headers)
        answer = await api.http.post(f"/v1/persons/B-1/{path}/withdrawals", json=taken_back, headers=headers)
        assert (answer.status_code, answer.json()["new"]) == (202, True), answer.text
    async with ledger.reading() as session:
        rows = [*(await session.exec(select(WishRow))).all(), *(await session.exec(select(ConsentRow))).all()]
    assert all(row.withdrawn_at is not None for row in rows)


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("/v1/cases/L-404/holds", {"reason": "attorney"}, 404, "unknown_loan", "loan_id"),
        ("/v1/persons/B-404/opt-outs", {"kind": "no_contact"}, 404, "unknown_person", "person_id"),
        (f"/v1/cases/{LOAN}/holds", {"reason": "张三说"}, 422, "malformed", "reason"),
        (f"/v1/cases/{LOAN}/holds", {"reason": "attorney", "until": "2020-01-01T00:00:00Z"}, 422, "fact_refused", "body"),
        (f"/v1/cases/{LOAN}/holds", {"reason": "attorney", "at": "2999-01-01T00:00:00Z"}, 422, "fact_refused", "at"),
        ("/v1/persons/B-1/opt-outs", {"kind": "no_medium"}, 422, "fact_refused", "body"),
        ("/v1/persons/B-1/opt-outs", {"kind": "no_address", "address": "+8613999999999"}, 422, "fact_refused", "address"),
        ("/v1/persons/B-1/consents", {"kind": "hours", "evidence": "x"}, 422, "fact_refused", "body"),
    ],
)
async def test_what_cannot_stand_is_refused_by_its_field_and_nothing_is_written(
    api: Api, ledger: Ledger, path: str, body: dict[str, Any], status: int, code: str, field: str
):
    headers = await operator(ledger, "op-1", Role.COLLECTOR)
    answer = await api.http.post(path, json=body, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (status, code, field), answer.text
    assert "13999999999" not in answer.text
    async with ledger.reading() as session:
        for table in (HoldRow, WishRow, ConsentRow):
            assert (await session.exec(select(table))).all() == []


async def test_an_agencys_record_is_kept_and_replaced(api: Api, ledger: Ledger):
    headers = await operator(ledger, "op-1", Role.RISK_CONTROL)
    record = {"listed_from": "2026-01-01", "agreed": ["term", "purpose"]}
    first = await api.http.put("/v1/agencies/agency-one", json=record, headers=headers)
    assert (first.status_code, first.json()["new"]) == (202, True)
    assert (await api.http.put("/v1/agencies/agency-one", json=record, headers=headers)).json()["new"] is False
    await api.http.put("/v1/agencies/agency-one", json=record | {"reviewed_on": "2026-06-30"}, headers=headers)
    (shown,) = (await api.http.get("/v1/agencies", headers=headers)).json()["items"]
    assert (shown["agency"], shown["reviewed_on"], shown["agreed"]) == ("agency-one", "2026-06-30", ["purpose", "term"])
    wrong = await api.http.put("/v1/agencies/agency-one", json={"listed_until": "2026-01-01"}, headers=headers)
    assert wrong.status_code == 422
    assert [note.subject for note in await noted(ledger, Action.MANAGE_AGENCY)] == ["agency-one"] * 3


async def test_an_agencys_token_speaks_for_that_agency_only(api: Api, ledger: Ledger):
    async with ledger.session() as session:
        session.add(AgencyRow(id="agency-one", recorded_at=JUST_NOW))
    headers = await machine(ledger, "theirs", Action.REPORT_AS_AGENCY, agency="agency-one")
    contact = {"key": "c-1", "loan_id": LOAN, "channel": "call", "outcome": "no_answer", "at": JUST_NOW.isoformat()}
    told = {"fact": "agency_contacts", "agency": "agency-one", "up_to": JUST_NOW.isoformat(), "contacts": [contact]}
    answer = await api.http.post("/v1/agencies/agency-one/facts", json=told, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"fact": "agency_contacts", "new": True, "told": [LOAN]})
    other = await api.http.post("/v1/agencies/agency-two/facts", json=told, headers=headers)
    assert (other.status_code, other.json()["code"]) == (403, "other_agency")
    async with ledger.reading() as session:
        assert [row.source for row in (await session.exec(select(ReportedContactRow))).all()] == ["agency-one"]
