"""What a caller shows at the door besides who they are: that a page of ours wrote for them, why they look, and that a case is theirs to see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from arrears.api.door import plain_reason
from arrears.api.problems import Problem
from arrears.domain.access import Action
from arrears.domain.strategy import Referral, Role
from arrears.ledger import access
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AuditRow, CaseRow, LoanRow, ReferralRow, ReferralState
from tests.api.browsers import Browser
from tests.api.browsers import operator as hired
from tests.api.conftest import LOAN, NOW, Api
from tests.api.desk import machine, noted, operator

CONSENT = "/v1/persons/B-1/consents"
PEOPLE = f"/v1/cases/{LOAN}/people"


# ── a browser writes ──


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"x-csrf-token": ""}, "csrf"),
        ({"x-csrf-token": "0" * 64}, "csrf"),
        ({"x-csrf-token": "ü"}, "csrf"),
        ({"sec-fetch-site": "cross-site"}, "csrf"),
        ({"sec-fetch-site": "same-site"}, "csrf"),
        ({"origin": "https://evil.example"}, "csrf"),
        ({"origin": "null"}, "csrf"),
        ({"origin": "http://arrears:81"}, "csrf"),
        ({"origin": "http://arrears"}, "malformed"),
        ({"sec-fetch-site": "same-origin"}, "malformed"),
        ({}, "malformed"),
    ],
)
async def test_a_write_with_a_cookie_counts_only_if_a_page_of_ours_sent_it(api: Api, ledger: Ledger, changes: dict[str, str], code: str):
    wei = await operator(ledger, "wei", Role.SUPERVISOR)
    given = {name.encode(): value.encode("latin-1") for name, value in (wei | changes).items()}
    answer = await api.http.post(CONSENT, json={}, headers=given)
    assert answer.json()["code"] == code
    assert answer.status_code == (403 if code == "csrf" else 422)


async def test_reading_needs_no_token_of_a_form(api: Api, ledger: Ledger):
    wei = await operator(ledger, "wei", Role.SUPERVISOR)
    del wei["x-csrf-token"]
    assert (await api.http.get("/v1/cases", headers=wei | {"sec-fetch-site": "cross-site"})).status_code == 200


async def test_a_token_in_an_address_is_refused_even_if_it_is_right(api: Api, ledger: Ledger):
    reader = await machine(ledger, "reader", Action.READ_CASES)
    token = reader["authorization"].removeprefix("Bearer ")
    for name in ("token", "access_token", "api_key"):
        answer = await api.http.get("/v1/cases", params={name: token})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_in_url")
        assert token not in answer.text


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer arr_" + "a" * 5000, "bearer \u00fc"])
async def test_a_token_that_is_none_is_refused(api: Api, given: str):
    answer = await api.http.get("/v1/cases", headers={b"authorization": given.encode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize("over", ["revoked", "expired"])
async def test_a_token_that_is_over_is_refused(api: Api, ledger: Ledger, over: str):
    reader = await machine(ledger, "reader", Action.READ_CASES)
    assert (await api.http.get("/v1/cases", headers=reader)).status_code == 200
    async with ledger.session() as session:
        row = await session.get_one(access.ClientRow, "reader")
        if over == "revoked":
            await access.revoke(session, "reader", datetime.now(UTC))
        else:
            row.expires_at = datetime.now(UTC)
            session.add(row)
    answer = await api.http.get("/v1/cases", headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")


# ── why ──


async def test_reading_about_people_needs_a_reason_which_is_written_down(api: Api, ledger: Ledger):
    wei = await operator(ledger, "wei", Role.COLLECTOR, reason=None)
    refused = await api.http.get(PEOPLE, headers=wei)
    assert (refused.status_code, refused.json()["code"]) == (428, "reason_required")
    for said, kept in (("they called", "they called"), ("借款人来电", "借款人来电")):
        answer = await api.http.get(PEOPLE, headers={k.encode(): v.encode() for k, v in (wei | {"x-arrears-reason": said}).items()})
        assert answer.status_code == 200
        rows = await noted(ledger, Action.READ_PERSON)
        assert (rows[-1].actor, rows[-1].reason, rows[-1].loan_id) == ("wei", kept, LOAN)


@pytest.mark.parametrize("path", [PEOPLE, f"/v1/cases/{LOAN}/messages"])
async def test_a_machine_needs_no_reason_and_one_that_it_gives_is_written_down(api: Api, ledger: Ledger, path: str):
    action = Action.READ_PERSON if path == PEOPLE else Action.READ_MESSAGES
    archive = await machine(ledger, "archive", action)
    for why in ({}, {"x-arrears-reason": "monthly file"}):
        assert (await api.http.get(path, headers=archive | why)).status_code == 200
    assert [(row.actor, row.reason) for row in await noted(ledger, action)] == [("archive", None), ("archive", "monthly file")]

    unfit = await api.http.get(path, headers=archive | {"x-arrears-reason": "call +86 130 0000 0001"})
    assert (unfit.status_code, unfit.json()["code"]) == (422, "reason_unfit")
    assert "0001" not in unfit.text
    assert len(await noted(ledger, action)) == 2


async def test_a_reason_holds_for_a_while_for_the_same_case_and_session_and_no_longer(api: Api, ledger: Ledger):
    wei = await operator(ledger, "wei", Role.COLLECTOR, reason=None)
    why = {"x-arrears-reason": "they called"}
    assert (await api.http.get(PEOPLE, headers=wei | why)).status_code == 200
    assert (await api.http.get(PEOPLE, headers=wei)).status_code == 200
    assert [row.reason for row in await noted(ledger, Action.READ_PERSON)] == ["they called", "they called"]

    assert (await api.http.get(f"/v1/cases/{LOAN}/messages", headers=wei)).status_code == 428
    assert (await api.http.get("/v1/cases/L-2/people", headers=wei)).status_code == 428
    other = await operator(ledger, "lan", Role.COLLECTOR, reason=None)
    assert (await api.http.get(PEOPLE, headers=other)).status_code == 428
    later = await operator(ledger, "wei", Role.COLLECTOR, reason=None)
    assert (await api.http.get(PEOPLE, headers=later)).status_code == 428


async def test_a_reason_that_was_carried_over_does_not_carry_on(api: Api, ledger: Ledger):
    wei = await operator(ledger, "wei", Role.COLLECTOR, reason=None)
    await api.http.get(PEOPLE, headers=wei | {"x-arrears-reason": "they called"})
    await api.http.get(PEOPLE, headers=wei)
    async with ledger.session() as session:
        first = (await session.exec(select(AuditRow).where(AuditRow.reason == "they called"))).first()
        assert first is not None
        first.at -= timedelta(minutes=16)
        session.add(first)
    assert (await api.http.get(PEOPLE, headers=wei)).status_code == 428


async def test_a_write_never_lives_on_a_reason_from_before(api: Api, ledger: Ledger):
    sue = await operator(ledger, "sue", Role.SUPERVISOR, reason=None)
    path = "/v1/approvals/L-1.1/x/a1/decision"
    body = {"decision": "deny"}
    await api.http.post(path, json=body, headers=sue | {"x-arrears-reason": "seen the file"})
    answer = await api.http.post(path, json=body, headers=sue)
    assert (answer.status_code, answer.json()["code"]) == (428, "reason_required")


@pytest.mark.parametrize(
    "said",
    [
        "called +86 130 0000 0001",
        "13000000001",
        "id 110101199003070000",
        "mail wei@lender.example",
        "１３０００００００１",
        "130-0000-0001",
        "x" * 201,
    ],
)
def test_a_reason_that_looks_like_personal_data_is_refused_and_not_repeated(said: str):
    with pytest.raises(Problem) as refused:
        plain_reason(said)
    assert (refused.value.status, refused.value.code) == (422, "reason_unfit")
    assert said not in refused.value.detail


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("they  called\n at 9", "they called at 9"),
        ("complaint of 2026-11-02, case 12/2026", "complaint of 2026-11-02, case 12/2026"),
        ("wrong amount: 1200.50", "wrong amount: 1200.50"),
        ("  ", None),
        ("\x00\x1b[31mred", "[31mred"),
    ],
)
def test_a_reason_is_kept_as_one_line(said: str, kept: str | None):
    assert plain_reason(said) == kept


# ── whose case ──


@pytest.fixture
async def placed(ledger: Ledger) -> None:
    """Three loans: one placed with the agency north, one with south, one that north had before."""
    async with ledger.session() as session:
        for loan_id, agency, state in (
            ("L-2", "north", ReferralState.SENT),
            ("L-3", "south", ReferralState.SENT),
            ("L-4", "north", ReferralState.RECALLED),
        ):
            session.add(
                LoanRow(id=loan_id, borrower_id="B-1", lender="x", product="cash", currency="CNY", strategy="huabei", imported_at=NOW)
            )
            await session.flush()
            case = {"strategy": "huabei", "strategy_version": 1, "strategy_hash": "0" * 64, "opened_at": NOW, "cycle": 1}
            session.add(CaseRow(id=f"{loan_id}.1", loan_id=loan_id, run_key=f"r/{loan_id}", **case))
            await session.flush()
            recalled = NOW if state is ReferralState.RECALLED else None
            session.add(
                ReferralRow(
                    id=f"{loan_id}.1/place", case_id=f"{loan_id}.1", loan_id=loan_id, step="place", target=Referral.AGENCY, agency=agency,
                    state=state, sent_at=NOW, recalled_at=recalled,
                )
            )  # fmt: skip


@pytest.mark.usefixtures("placed")
async def test_an_agencys_token_sees_the_cases_placed_with_it_and_cannot_guess_others(api: Api, ledger: Ledger):
    north = await machine(ledger, "north-feed", Action.READ_CASES, Action.REPORT_AS_AGENCY, agency="north")
    listed = await api.http.get("/v1/cases", params={"agency": "north"}, headers=north)
    assert [case["loan_id"] for case in listed.json()["items"]] == ["L-2"]
    for path in ("/v1/cases/L-2/timeline", "/v1/cases/L-2/verdicts", "/v1/loans/L-2/payments"):
        assert (await api.http.get(path, headers=north)).status_code == 200, path
    for other in ("L-1", "L-3", "L-4"):
        for path in ("/v1/cases/{}", "/v1/cases/{}/timeline", "/v1/cases/{}/verdicts", "/v1/loans/{}/payments"):
            there, none = [await api.http.get(path.format(loan), headers=north) for loan in (other, "L-404")]
            assert there.status_code == none.status_code == 404
            assert there.text.replace(other, "L-404") == none.text
    for path in (
        "/v1/cases",
        "/v1/cases?agency=south",
        "/v1/cases?agency=north&agency=south",
        "/v1/agencies",
        "/v1/events",
        "/v1/events/e-1",
    ):
        answer = await api.http.get(path, headers=north)
        assert (answer.status_code, answer.json()["code"]) == (403, "other_agency"), path


async def test_an_agencys_token_tells_nothing_in_anothers_name(api: Api, ledger: Ledger):
    north = await machine(ledger, "north-feed", Action.REPORT_AS_AGENCY, agency="north")
    contacts = {"fact": "agency_contacts", "agency": "south", "contacts": [], "up_to": "2026-11-02T02:00:00Z"}
    answer = await api.http.post("/v1/agencies/south/facts", json=contacts, headers=north)
    assert (answer.status_code, answer.json()["code"]) == (403, "other_agency"), answer.text


# ── pages ──


@pytest.mark.parametrize("path", ["/login", "/healthz", "/openapi.json", "/v1/cases", "/nothing", "/static/app.css", "/static/nothing.css"])
async def test_every_answer_says_how_a_browser_keeps_it_to_itself(browser: Browser, path: str):
    answer = await browser.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ("no-store" in answer.headers["cache-control"]) == (path != "/static/app.css")
    assert "strict-transport-security" not in answer.headers


async def test_a_page_with_a_problem_keeps_its_headers(ledger: Ledger, browser: Browser):
    await hired(ledger, "wei", Role.COLLECTOR)
    await browser.sign_in("wei")
    answer = await browser.get("/cases/no-such-loan")
    assert answer.status_code in (403, 404)
    assert answer.headers["cache-control"] == "no-store"
    assert "content-security-policy" in answer.headers
