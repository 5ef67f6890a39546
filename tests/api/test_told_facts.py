"""Systems of the lender and agencies tell facts by signed messages; they stand before they are answered."""

from __future__ import annotations

from typing import Any

from sqlmodel import select

from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AgencyRow, HoldRow, ReportedContactRow, WishRow
from tests.api.conftest import LOAN, Api
from tests.api.test_facts import OUTCOME

AT = OUTCOME["at"]
HOLD = {"fact": "hold", "loan_id": LOAN, "reason": "dispute", "at": AT}


async def rows(ledger: Ledger, table: type[Any]) -> list[Any]:
    async with ledger.reading() as session:
        return list((await session.exec(select(table))).all())


async def test_a_hold_stands_once_it_is_answered(api: Api, ledger: Ledger):
    answer = await api.tell("loan_system", "/v1/facts", HOLD)
    assert (answer.status_code, answer.json()["new"]) == (202, True)
    assert [(row.loan_id, row.reason) for row in await rows(ledger, HoldRow)] == [(LOAN, "dispute")]
    again = await api.tell("loan_system", "/v1/facts", HOLD, "m-2")
    assert (again.status_code, again.json()["new"]) == (202, False)


async def test_what_cannot_stand_names_its_field_and_a_remedy(api: Api):
    answer = await api.tell("loan_system", "/v1/facts", HOLD | {"loan_id": "L-404"})
    assert (answer.status_code, answer.json()["code"]) == (422, "fact_refused")
    (error,) = answer.json()["errors"]
    assert error["field"] == "loan_id"
    assert "import" in error["problem"]


async def test_what_is_no_fact_is_refused(api: Api):
    assert (await api.tell("loan_system", "/v1/facts", {"fact": "rumour"})).status_code == 422


async def test_an_agency_tells_what_it_did_and_what_it_heard(api: Api, ledger: Ledger):
    agency = {"fact": "agency", "agency": "north", "listed_from": "2026-01-01"}
    await api.tell("loan_system", "/v1/facts", agency)
    contact = {"key": "c-1", "loan_id": LOAN, "channel": "call", "outcome": "no_answer", "at": AT}
    feed = {"fact": "agency_contacts", "agency": "north", "up_to": AT, "contacts": [contact]}
    assert (await api.tell("agency", "/v1/agencies/north/facts", feed, "m-2")).json()["new"]
    wish = {"fact": "wish", "person_id": "B-1", "kind": "no_medium", "channel": "sms", "at": AT}
    assert (await api.tell("agency", "/v1/agencies/north/facts", wish, "m-3")).status_code == 202
    assert [(row.source, row.key) for row in await rows(ledger, ReportedContactRow)] == [("north", "c-1")]
    assert [(row.kind, row.source) for row in await rows(ledger, WishRow)] == [("no_medium", "north")]
    assert [row.feed_at is not None for row in await rows(ledger, AgencyRow)] == [True]


async def test_an_agency_speaks_for_itself_only(api: Api):
    feed = {"fact": "agency_contacts", "agency": "south", "up_to": AT}
    answer = await api.tell("agency", "/v1/agencies/north/facts", feed)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "agency")
    assert (await api.tell("agency", "/v1/agencies/north/facts", HOLD, "m-2")).status_code == 422
    assert (await api.tell("agency", "/v1/facts", HOLD, "m-3")).status_code == 401


async def test_an_inbound_call_counts_as_a_contact(api: Api, ledger: Ledger):
    fact = {"kind": "inbound", "loan_id": LOAN, "channel": "call", "outcome": "answered_willing", "at": AT}
    await api.tell("voice", "/v1/callbacks/voice", fact)
    (row,) = await rows(ledger, ReportedContactRow)
    assert (row.source, row.direction, row.person_id) == ("lender", "in", "B-1")
