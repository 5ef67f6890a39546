"""Requests of a shape that nobody would send by mistake: they are refused with what is wrong, and nothing fails."""

from __future__ import annotations

import base64
import csv
import io
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlmodel import col, select

from arrears.api import limits
from arrears.api.console import sheet
from arrears.api.console.live import MOST_AT_ONCE, Pulse
from arrears.api.door import plain_reason
from arrears.api.problems import Problem
from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AgencyRow, AuditRow
from tests.api.browsers import Browser, operator
from tests.api.conftest import LOAN, NOW, PAYMENT, Api
from tests.api.desk import machine

EDGES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
FIRST_AND_LAST_DAY = ("0001-01-01", "9999-12-31")


@pytest.fixture
async def anything(ledger: Ledger) -> dict[str, str]:
    """The headers of a machine that may do whatever a machine may."""
    return await machine(ledger, "anything", *Action)


@pytest.fixture
async def wei(browser: Browser, ledger: Ledger) -> Browser:
    """A supervisor at a browser."""
    await operator(ledger, "wei", Role.SUPERVISOR)
    await browser.sign_in("wei")
    await browser.get("/rules")
    return browser


# ── the ends of the calendar ──


async def test_days_at_the_ends_of_the_calendar_are_refused_in_a_search(api: Api, wei: Browser, anything: dict[str, str]):
    for field, day in product(("opened_from", "opened_to", "closed_from", "closed_to"), FIRST_AND_LAST_DAY):
        answer = await api.http.get("/v1/cases", params={field: day}, headers=anything)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        assert (await wei.get("/cases", params={field: day})).status_code == 422


async def test_instants_at_the_ends_of_the_calendar_are_refused_in_a_list(api: Api, anything: dict[str, str]):
    for path, instant in product(("/v1/events", f"/v1/cases/{LOAN}/timeline"), EDGES):
        answer = await api.http.get(path, params={"since": instant}, headers=anything)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "since")


async def test_instants_at_the_ends_of_the_calendar_are_refused_in_a_replay(api: Api, anything: dict[str, str]):
    for field, instant in product(("since", "until"), EDGES):
        answer = await api.http.post("/v1/events/replay", json={field: instant}, headers=anything)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_days_at_the_ends_of_the_calendar_are_refused_in_the_forms_of_a_case(wei: Browser):
    forms = (
        ("until", {"do": "hold", "held_for": "bankruptcy"}),
        ("ends_on", {"do": "consent", "kind": "more_calls", "evidence": "e-1"}),
        ("due_on", {"do": "promise", "amount": "1"}),
        ("first_on", {"do": "plan", "total": "10", "parts": "2", "every": "month"}),
    )
    for (field, form), day in product(forms, FIRST_AND_LAST_DAY):
        assert (await wei.send(f"/cases/{LOAN}", None, **form, **{field: day})).status_code == 422, (field, day)


# ── cursors that no list gave ──


def cursor(*told: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("path", "of"),
    [
        ("/v1/approvals", "approvals/None/None"),
        ("/v1/tasks", "tasks/None/None"),
        (f"/v1/loans/{LOAN}/payments", f"payments/{LOAN}/all"),
        (f"/v1/cases/{LOAN}/timeline", f"timeline/{LOAN}/None/None"),
    ],
)
async def test_a_cursor_that_stands_at_the_end_of_the_calendar_is_refused(api: Api, anything: dict[str, str], path: str, of: str):
    for instant, beside in product(EDGES, ("x", 1)):
        answer = await api.http.get(path, params={"cursor": cursor(of, [instant, beside])}, headers=anything)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


async def test_a_cursor_of_cases_that_somebody_made_up_is_refused(api: Api, anything: dict[str, str]):
    keys: tuple[Any, ...] = ([], [1], ["x"], [10**400], [None, None], [EDGES[0], 1, "x"], {"a": 1}, [[[]]], [1e308, "x"], "\ud800")
    for sort, key in product(("opened", "urgent", "days", "amount"), keys):
        answer = await api.http.get("/v1/cases", params={"sort": sort, "cursor": cursor(sort, key)}, headers=anything)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), (sort, key)


# ── addresses that are none ──


async def test_a_page_of_an_origin_that_is_no_address_signs_nobody_in(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    for origin in ("http://[", "http://[::1", "//[x]y"):
        answer = await browser.sign_in("wei", headers={"origin": origin})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_what_is_no_address_leads_to_the_first_page(browser: Browser):
    for wanted in ("//[", "http://[::1", "//[evil.example]:x/"):
        assert (await browser.get("/login", params={"next": wanted})).status_code == 200
        answer = await browser.get("/language/en", params={"next": wanted})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_part_of_a_page_at_no_address_leads_to_the_door(browser: Browser):
    answer = await browser.get("/inbox/list", headers={"hx-request": "true", "hx-current-url": "http://[::1"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/login?next=")


# ── numbers and kinds ──


async def test_a_work_list_of_no_number_that_a_list_could_have_is_refused(wei: Browser):
    for number in ("9" * 30, "0", "-1", "x", "1e3"):
        assert (await wei.send(f"/worklists/{number}", do="delete")).status_code == 422


async def test_a_kind_of_fact_that_is_not_known_is_refused_and_not_repeated(api: Api, anything: dict[str, str]):
    for path in ("/v1/facts", "/v1/agencies/agency-one/facts"):
        answer = await api.http.post(path, json={"fact": "call Ann Example, +8613000000001"}, headers=anything)
        assert answer.status_code == 422
        assert "Ann" not in answer.text
        assert "13000000001" not in answer.text


# ── what a spreadsheet or a reader makes of words ──


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x"])
def test_a_cell_that_a_spreadsheet_would_compute_is_text(cell: str):
    assert list(csv.reader(io.StringIO(sheet.line(["a", cell]), newline=""))) == [["a", f"'{cell}"]]


@pytest.mark.parametrize("between", [" ", "-", ".", "_", "·", "\u2010", "\u2014", "\u2212", " - "])
def test_a_number_to_call_is_no_reason_however_it_is_written(between: str):
    with pytest.raises(Problem, match="looks like a phone number"):
        plain_reason(f"they call from 138{between}0013{between}8000")


async def test_an_operation_that_there_is_none_of_is_told_so_whatever_its_key_was_used_for(api: Api, anything: dict[str, str]):
    once = anything | {"idempotency-key": "k-1"}
    assert (await api.http.post("/v1/payments", json=PAYMENT, headers=once)).status_code == 202
    for method, path, status in (("PUT", "/v1/payments", 405), ("DELETE", "/v1/payments", 405), ("POST", "/v1/nothing", 404)):
        assert (await api.http.request(method, path, json=PAYMENT, headers=once)).status_code == status
    assert (await api.http.post("/v1/payments/batch", json=PAYMENT, headers=once)).json()["code"] == "idempotency_conflict"


# ── too slow, too many ──


async def test_a_body_that_drips_is_not_waited_for_without_end():
    dripped = 0

    async def receive() -> dict[str, Any]:
        nonlocal dripped
        dripped += 1
        await limits.asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(Problem) as refused:
        await limits.read_body(receive, None, 1024, within=timedelta(seconds=0.2))
    assert (refused.value.status, refused.value.code, refused.value.headers) == (408, "too_slow", {"Connection": "close"})
    assert 1 < dripped <= 11


async def test_a_session_listens_for_news_on_so_many_pages_and_no_more(ledger: Ledger):
    pulse = Pulse(ledger)
    async with AsyncExitStack() as open_pages:
        rooms = [await open_pages.enter_async_context(pulse.listening("wei")) for _ in range(MOST_AT_ONCE + 2)]
        assert rooms == [True] * MOST_AT_ONCE + [False] * 2
        assert await open_pages.enter_async_context(pulse.listening("lan"))
        assert pulse.is_looking
    assert not pulse.is_looking
    async with pulse.listening("wei") as room:
        assert room


# ── what a refusal and an answer give away ──


async def test_whoever_takes_the_record_away_without_being_allowed_to_read_it_is_written_down(wei: Browser, ledger: Ledger):
    assert (await wei.send("/audit/export", reason="a look")).status_code == 403
    async with ledger.reading() as session:
        rows = (await session.exec(select(AuditRow).where(col(AuditRow.allowed).is_(False)))).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [("wei", Action.READ_AUDIT, "/audit/export")]


async def test_an_agency_that_tells_of_a_person_does_not_learn_which_loans_they_have(api: Api, ledger: Ledger):
    async with ledger.session() as session:
        session.add(AgencyRow(id="agency-one", recorded_at=NOW))
    theirs = await machine(ledger, "theirs", Action.REPORT_AS_AGENCY, agency="agency-one")
    wish = {"fact": "wish", "person_id": "B-1", "kind": "no_contact", "at": NOW.isoformat()}
    answer = await api.http.post("/v1/agencies/agency-one/facts", json=wish, headers=theirs)
    assert (answer.status_code, answer.json()) == (202, {"fact": "wish", "new": True, "told": []})
    lender = await machine(ledger, "lender", Action.REPORT_AS_AGENCY)
    answer = await api.http.post("/v1/agencies/agency-one/facts", json=wish | {"kind": "no_medium", "channel": "sms"}, headers=lender)
    assert answer.json()["told"] == [LOAN]


async def test_a_foreign_form_that_came_from_no_address_is_turned_away_as_any_other(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.SUPERVISOR)
    await browser.get("/login")
    await browser.sign_in("wei")
    answer = await browser.send("/worklists/0", {"referer": "http://[::1"}, do="rename")
    assert answer.status_code == 403
