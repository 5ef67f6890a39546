"""Where cases stand and what happened in them can be read a page at a time, by whoever may."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from arrears.api.app import create_app
from arrears.config.settings import Settings
from arrears.domain.access import Action
from arrears.domain.loan import Payment
from arrears.domain.verdict import Effect
from arrears.ledger import loans
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import CaseRow, LoanRow, PaymentReversalRow, VerdictRow
from arrears.ledger.timeline import EntryKind
from tests.api.callers import token
from tests.api.conftest import CALL, LOAN, NOW, Api, attempted, nowhere
from tests.ops.compose import ROOT

OTHER = "CN/2026/7"
"""An id of a loan that holds slashes."""


@pytest.fixture
async def reader(ledger: Ledger) -> dict[str, str]:
    return await token(ledger, Action.READ_CASES)


async def more_cases(ledger: Ledger, *loans_: str, opened: datetime = NOW) -> None:
    async with ledger.session() as session:
        for n, loan_id in enumerate(loans_):
            session.add(
                LoanRow(id=loan_id, borrower_id="B-1", lender="x", product="cash", currency="CNY", strategy="huabei", imported_at=opened)
            )
            await session.flush()
            session.add(
                CaseRow(
                    id=f"{loan_id}.1",
                    loan_id=loan_id,
                    cycle=1,
                    run_key=f"r/{loan_id}",
                    strategy="huabei",
                    strategy_version=1,
                    strategy_hash="0" * 64,
                    opened_at=opened + timedelta(minutes=n + 1),
                )
            )


async def paid(ledger: Ledger, *payment_ids: str, recorded: datetime = NOW) -> None:
    async with ledger.session() as session:
        for n, payment_id in enumerate(payment_ids):
            payment = Payment(payment_id=payment_id, amount=Decimal("1.50"), currency="CNY", received_at=NOW, value_date=date(2026, 11, 1))
            await loans.record_payment(session, LOAN, payment, "loan_system", recorded + timedelta(seconds=n))


async def read_all(api: Api, reader: dict[str, str], path: str, **params: Any) -> list[list[dict[str, Any]]]:
    """The pages of a list, one after the other, by the links that they give."""
    pages: list[list[dict[str, Any]]] = []
    answer = await api.http.get(path, params=params, headers=reader)
    while True:
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        if (following := answer.links.get("next")) is None:
            assert answer.json()["next"] is None
            return pages
        answer = await api.http.get(following["url"], headers=reader)


async def test_cases_are_listed_newest_first_a_page_at_a_time(api: Api, ledger: Ledger, reader: dict[str, str]):
    await more_cases(ledger, "L-2", "L-3", "L-4", OTHER)
    pages = await read_all(api, reader, "/v1/cases", limit=2)
    assert [[case["loan_id"] for case in page] for page in pages] == [[OTHER, "L-4"], ["L-3", "L-2"], [LOAN]]


async def test_a_case_that_opens_meanwhile_neither_repeats_nor_hides_one(api: Api, ledger: Ledger, reader: dict[str, str]):
    await more_cases(ledger, "L-2", "L-3", "L-4")
    first = (await api.http.get("/v1/cases", params={"limit": 2}, headers=reader)).json()
    await more_cases(ledger, "L-9", opened=NOW + timedelta(days=1))
    second = (await api.http.get("/v1/cases", params={"limit": 2, "cursor": first["next"]}, headers=reader)).json()
    assert [c["loan_id"] for c in first["items"] + second["items"]] == ["L-4", "L-3", "L-2", LOAN]


async def test_cases_are_listed_by_what_they_are(api: Api, ledger: Ledger, reader: dict[str, str]):
    await more_cases(ledger, "L-2")
    one = await api.http.get("/v1/cases", params={"strategy": "fenqile", "stage": "contacting", "owed_from": "100"}, headers=reader)
    assert one.json()["total"] == 1
    assert {name: one.json()["items"][0][name] for name in ("loan_id", "owed", "currency", "stage")} == {
        "loan_id": LOAN,
        "owed": "120.50",
        "currency": "CNY",
        "stage": "contacting",
    }
    assert (await api.http.get("/v1/cases", params={"state": "closed"}, headers=reader)).json()["items"] == []


@pytest.mark.parametrize(
    ("params", "field"),
    [({"stagee": "x"}, "stagee"), ({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"opened_from": "soon"}, "opened_from")],
)
async def test_a_filter_that_is_none_is_refused(api: Api, reader: dict[str, str], params: dict[str, Any], field: str):
    answer = await api.http.get("/v1/cases", params=params, headers=reader)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("list_", ["cases", f"cases/{LOAN}/timeline", f"cases/{LOAN}/verdicts", f"loans/{LOAN}/payments"])
async def test_a_cursor_that_the_list_did_not_give_is_refused(api: Api, reader: dict[str, str], list_: str):
    for made_up in ("x", "W10", "é", "[" * 900, "eyJhIjoxfQ"):
        answer = await api.http.get(f"/v1/{list_}", params={"cursor": made_up}, headers=reader)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), made_up


async def test_the_cursor_of_one_loan_is_none_of_another(api: Api, ledger: Ledger, reader: dict[str, str]):
    await more_cases(ledger, "L-2")
    await paid(ledger, "P-1", "P-2")
    cursor = (await api.http.get(f"/v1/loans/{LOAN}/payments", params={"limit": 1}, headers=reader)).json()["next"]
    answer = await api.http.get("/v1/loans/L-2/payments", params={"limit": 1, "cursor": cursor}, headers=reader)
    assert answer.json()["code"] == "bad_cursor"


async def test_a_loans_payments_are_read_in_the_order_in_which_they_were_recorded(api: Api, ledger: Ledger, reader: dict[str, str]):
    await paid(ledger, "P-3", "P-1", "P-2")
    async with ledger.session() as session:
        session.add(PaymentReversalRow(payment_id="P-1", reversed_at=NOW, reason="bounced", source="loan_system", recorded_at=NOW))
    pages = await read_all(api, reader, f"/v1/loans/{LOAN}/payments", limit=2)
    assert [[p["payment_id"] for p in page] for page in pages] == [["P-3", "P-1"], ["P-2"]]
    assert (pages[0][1]["amount"], pages[0][1]["why_reversed"], pages[0][0]["reversed_at"]) == ("1.50", "bounced", None)
    for state, expected in (("standing", ["P-3", "P-2"]), ("reversed", ["P-1"])):
        (page,) = await read_all(api, reader, f"/v1/loans/{LOAN}/payments", state=state)
        assert [p["payment_id"] for p in page] == expected


async def test_payments_of_one_instant_are_all_read(api: Api, ledger: Ledger, reader: dict[str, str]):
    for payment_id in ("P-2", "P-3", "P-1"):
        await paid(ledger, payment_id)
    pages = await read_all(api, reader, f"/v1/loans/{LOAN}/payments", limit=1)
    assert [p["payment_id"] for page in pages for p in page] == ["P-1", "P-2", "P-3"]


async def test_the_timeline_is_read_a_page_at_a_time(api: Api, ledger: Ledger, reader: dict[str, str]):
    await attempted(ledger)
    await paid(ledger, "P-1", "P-2")
    (whole,) = await read_all(api, reader, f"/v1/cases/{LOAN}/timeline")
    assert sorted(entry["kind"] for entry in whole) == ["case_opened", "contact", "payment", "payment"]
    pages = await read_all(api, reader, f"/v1/cases/{LOAN}/timeline", limit=1)
    assert [entry for page in pages for entry in page] == whole
    (payments,) = await read_all(api, reader, f"/v1/cases/{LOAN}/timeline", kind=["payment"])
    assert [entry["kind"] for entry in payments] == ["payment", "payment"]
    assert await read_all(api, reader, f"/v1/cases/{LOAN}/timeline", since="2030-01-01T00:00:00Z") == [[]]


@pytest.mark.parametrize("kinds", [["nonsense"], ["payment", "nonsense"], ["Payment"], [""]])
async def test_a_kind_that_no_entry_of_a_timeline_has_is_refused(api: Api, reader: dict[str, str], kinds: list[str]):
    answer = await api.http.get(f"/v1/cases/{LOAN}/timeline", params={"kind": kinds}, headers=reader)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"].partition(".")[0]) == (422, "kind")
    assert "'hold_placed'" in error["problem"]


async def test_entries_of_several_kinds_are_read_together(api: Api, ledger: Ledger, reader: dict[str, str]):
    await attempted(ledger)
    await paid(ledger, "P-1")
    pages = await read_all(api, reader, f"/v1/cases/{LOAN}/timeline", kind=["payment", "case_opened"], limit=1)
    assert [entry["kind"] for page in pages for entry in page] == ["case_opened", "payment"]
    (of_every_kind,) = await read_all(api, reader, f"/v1/cases/{LOAN}/timeline", kind=[*EntryKind])
    assert len(of_every_kind) == 3


def test_the_kinds_of_a_timeline_are_listed_where_it_is_described():
    document = create_app(Ledger("sqlite+aiosqlite:///never-opened.db"), nowhere, Settings()).openapi()
    (kind,) = (p for p in document["paths"]["/v1/cases/{loan_id}/timeline"]["get"]["parameters"] if p["name"] == "kind")
    assert (kind["schema"]["type"], kind["schema"]["items"]) == ("array", {"$ref": "#/components/schemas/EntryKind"})
    assert not kind["required"]
    assert "default" not in kind["schema"]
    assert document["components"]["schemas"]["EntryKind"]["enum"] == [*EntryKind]
    page = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
    assert [kind for kind in EntryKind if f"`{kind}`" not in page] == []


async def test_a_hold_that_was_told_over_http_is_read_in_the_timeline(api: Api, ledger: Ledger, reader: dict[str, str]):
    clerk = await token(ledger, Action.PLACE_HOLD, Action.RECORD_OBJECTION, Action.RECORD_WISH, Action.RECORD_CONSENT, name="clerk")
    for path, body in (
        (f"cases/{LOAN}/holds", {"reason": "attorney"}),
        (f"cases/{LOAN}/disputes", {}),
        ("persons/B-1/opt-outs", {"kind": "no_medium", "channel": "sms"}),
        ("persons/B-1/opt-outs/withdrawals", {"kind": "no_medium", "channel": "sms"}),
        ("persons/B-1/consents", {"kind": "more_calls", "evidence": "recording-4711"}),
        ("persons/B-1/consents/withdrawals", {"kind": "more_calls"}),
    ):
        answer = await api.http.post(f"/v1/{path}", json=body, headers=clerk)
        assert (answer.status_code, answer.json()["new"]) == (202, True), answer.text
    wanted = ["hold_placed", "opt_out_recorded", "opt_out_withdrawn", "consent_given", "consent_withdrawn"]
    (read,) = await read_all(api, reader, f"/v1/cases/{LOAN}/timeline", kind=wanted)
    assert sorted(entry["kind"] for entry in read) == sorted(["hold_placed", *wanted])
    assert {entry["case_id"] for entry in read} == {"L-1.1"}


async def test_what_the_law_said_is_read_with_its_rules(api: Api, ledger: Ledger, reader: dict[str, str]):
    async with ledger.session() as session:
        for n, effect in enumerate((Effect.ALLOW, Effect.DENY, Effect.DENY)):
            finding = {"rule": "CN-11", "effect": "deny", "observed": "4 calls today", "limit": "3"}
            session.add(
                VerdictRow(
                    attempt_id=f"{CALL}/{n}",
                    case_id="L-1.1",
                    person_id="B-1",
                    decided_at=NOW,
                    verdict=effect,
                    rules=["CN-11"] if effect is Effect.DENY else [],
                    observed=[finding] if effect is Effect.DENY else [],
                    facts_hash="0" * 64,
                )
            )
    pages = await read_all(api, reader, f"/v1/cases/{LOAN}/verdicts", verdict="deny", limit=1)
    assert [(v["attempt_id"], v["rules"], v["findings"][0]["limit"]) for (v,) in pages] == [
        (f"{CALL}/1", ["CN-11"], "3"),
        (f"{CALL}/2", ["CN-11"], "3"),
    ]


async def test_a_case_is_seen_as_far_as_the_ledger_knows_it_while_temporal_is_away(api: Api, ledger: Ledger, reader: dict[str, str]):
    await paid(ledger, "P-1")
    seen = (await api.http.get(f"/v1/cases/{LOAN}", headers=reader)).json()
    assert (seen["loan"]["owed"], seen["case"]["stage"], seen["running"]["state"]) == ("119.00", "contacting", "away")


async def test_a_loan_whose_id_holds_slashes_is_read_like_any_other(api: Api, ledger: Ledger, reader: dict[str, str]):
    await more_cases(ledger, OTHER)
    for written in (OTHER, OTHER.replace("/", "%2F")):
        assert (await api.http.get(f"/v1/cases/{written}", headers=reader)).json()["loan"]["loan_id"] == OTHER
        assert len((await api.http.get(f"/v1/cases/{written}/timeline", headers=reader)).json()["items"]) == 1


@pytest.mark.parametrize("path", ["cases/L-404", "cases/L-404/timeline", "cases/L-404/verdicts", "loans/L-404/payments"])
async def test_a_loan_that_is_not_there_is_not_found(api: Api, reader: dict[str, str], path: str):
    answer = await api.http.get(f"/v1/{path}", headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_loan")


@pytest.mark.parametrize("path", ["cases", f"cases/{LOAN}", f"cases/{LOAN}/timeline", f"cases/{LOAN}/verdicts", f"loans/{LOAN}/payments"])
async def test_only_who_may_see_cases_does(api: Api, ledger: Ledger, path: str):
    stranger = await token(ledger, Action.RECORD_PAYMENT, name="till")
    assert (await api.http.get(f"/v1/{path}", headers=stranger)).status_code == 403
    assert (await api.http.get(f"/v1/{path}")).status_code == 401


async def test_who_has_the_newest_answer_is_not_sent_it_again(api: Api, ledger: Ledger, reader: dict[str, str]):
    first = await api.http.get(f"/v1/loans/{LOAN}/payments", headers=reader)
    known = {"if-none-match": first.headers["etag"]}
    same = await api.http.get(f"/v1/loans/{LOAN}/payments", headers=reader | known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    await paid(ledger, "P-1")
    changed = await api.http.get(f"/v1/loans/{LOAN}/payments", headers=reader | known)
    assert (changed.status_code, len(changed.json()["items"])) == (200, 1)


async def test_what_is_done_to_a_loan_whose_id_holds_slashes_is_done_to_it(api: Api, ledger: Ledger):
    await more_cases(ledger, OTHER)
    clerk = await token(ledger, Action.PLACE_HOLD, Action.RECORD_WISH, name="clerk")
    held = await api.http.post(f"/v1/cases/{OTHER}/holds", json={"reason": "attorney"}, headers=clerk)
    assert (held.status_code, held.json()["new"]) == (202, True)
