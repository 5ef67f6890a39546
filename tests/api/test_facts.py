"""Facts from outside stand in the ledger once they are answered, whether or not Temporal is there."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from arrears.domain.outcome import Outcome
from arrears.domain.person import WishKind
from arrears.domain.strategy import Channel
from arrears.gateways.signing import signature_headers
from arrears.ledger import attempts, loans, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AttemptRow, WishRow
from arrears.sandbox.world import make_secret
from tests.api.conftest import CALL, LOAN, OUTCOME, PAYMENT, Api, attempted


async def waiting(ledger: Ledger) -> list[tuple[str, str]]:
    """The messages for cases that wait, with what identifies them."""
    async with ledger.reading() as session:
        return [(row.name, row.key) for row in await relays.undelivered(session)]


async def test_a_payment_is_in_the_ledger_when_it_is_answered_and_its_case_is_told_later(api: Api, ledger: Ledger):
    answer = await api.tell("loan_system", "/v1/payments", PAYMENT)
    assert (answer.status_code, answer.json()) == (202, {"loan_id": LOAN, "payment_id": "P-1", "new": True})
    async with ledger.reading() as session:
        assert [p.payment_id for p in await loans.payments(session, LOAN)] == ["P-1"]
    assert await waiting(ledger) == [("payment_received", "payment/P-1")]


async def test_a_payment_that_is_told_again_changes_nothing(api: Api, ledger: Ledger):
    await api.tell("loan_system", "/v1/payments", PAYMENT)
    again = await api.tell("loan_system", "/v1/payments", PAYMENT, "m-2")
    assert (again.status_code, again.json()["new"]) == (202, False)
    assert len(await waiting(ledger)) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"loan_id": "L-404"}, 404, "unknown_loan", "loan_id"),
        ({"currency": "USD"}, 422, "payment_refused", "currency"),
        ({"amount": "1e3000"}, 422, "malformed", "amount"),
        ({"amount": "-1"}, 422, "malformed", "amount"),
        ({"amount": None}, 422, "malformed", "amount"),
        ({"received_at": "2026-11-02T10:00:00"}, 422, "malformed", "received_at"),
        ({"payment_id": ""}, 422, "malformed", "payment_id"),
    ],
)
async def test_a_payment_that_cannot_count_is_refused_with_the_field(
    api: Api, ledger: Ledger, changes: dict[str, Any], status: int, code: str, field: str
):
    answer = await api.tell("loan_system", "/v1/payments", PAYMENT | changes)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert [e["field"] for e in problem["errors"]] == [field]
    assert answer.headers["content-type"] == "application/problem+json"
    assert await waiting(ledger) == []


async def test_a_payment_id_with_other_content_is_a_conflict(api: Api):
    await api.tell("loan_system", "/v1/payments", PAYMENT)
    answer = await api.tell("loan_system", "/v1/payments", PAYMENT | {"amount": "1.00"}, "m-2")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_conflict")


async def test_a_missed_payment_waits_as_an_opening(api: Api, ledger: Ledger):
    assert (await api.tell("loan_system", "/v1/missed-payments", {"loan_id": LOAN})).status_code == 202
    assert (await api.tell("loan_system", "/v1/missed-payments", {"loan_id": LOAN})).json() == {"loan_id": LOAN, "new": False}
    assert await waiting(ledger) == [("open", "missed/m-1")]
    unknown = await api.tell("loan_system", "/v1/missed-payments", {"loan_id": "L-404"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_loan")


async def test_an_outcome_settles_the_attempt_and_a_second_telling_changes_nothing(api: Api, ledger: Ledger):
    await attempted(ledger, token=b"token")
    for n, outcome in enumerate(("no_answer", "no_answer", "answered_willing")):
        answer = await api.tell("voice", "/v1/callbacks/voice", OUTCOME | {"outcome": outcome}, f"m-{n}")
        assert answer.status_code == 204
    async with ledger.reading() as session:
        row = await session.get(AttemptRow, CALL)
        assert row is not None
        assert (row.outcome, row.task_token) == (Outcome.NO_ANSWER, None)
    assert await waiting(ledger) == []


async def test_the_outcome_of_a_call_that_nobody_waits_for_any_more_is_told_to_the_case(api: Api, ledger: Ledger):
    await attempted(ledger, token=None)
    await api.tell("voice", "/v1/callbacks/voice", OUTCOME)
    await api.tell("voice", "/v1/callbacks/voice", OUTCOME, "m-2")
    assert await waiting(ledger) == [("contact_reported", f"outcome/{CALL}/no_answer")]


@pytest.mark.parametrize(("outcome", "told"), [("delivered", 0), ("unknown", 0), ("invalid_number", 1), ("failed", 1)])
async def test_a_receipt_wakes_the_case_only_if_it_decides_something(api: Api, ledger: Ledger, outcome: str, told: int):
    await attempted(ledger, "L-1.1/sms.1", Channel.SMS)
    await api.tell("sms", "/v1/callbacks/sms", OUTCOME | {"kind": "delivery", "key": "L-1.1/sms.1", "outcome": outcome})
    assert len(await waiting(ledger)) == told
    async with ledger.reading() as session:
        row = await session.get(AttemptRow, "L-1.1/sms.1")
        assert row is not None
        assert row.outcome == outcome


async def test_who_opts_out_is_not_contacted_on_that_channel_again(api: Api, ledger: Ledger):
    await attempted(ledger, "L-1.1/sms.1", Channel.SMS)
    fact = OUTCOME | {"kind": "delivery", "key": "L-1.1/sms.1", "outcome": "delivered", "opted_out": True}
    await api.tell("sms", "/v1/callbacks/sms", fact)
    async with ledger.reading() as session:
        (wish,) = (await session.exec(select(WishRow))).all()
        assert (wish.kind, wish.channel) == (WishKind.NO_MEDIUM, Channel.SMS)


async def test_a_borrower_who_calls_by_themselves_is_told_to_the_case(api: Api, ledger: Ledger):
    fact = {"kind": "inbound", "loan_id": LOAN, "channel": "call", "outcome": "answered_willing", "at": OUTCOME["at"]}
    assert (await api.tell("voice", "/v1/callbacks/voice", fact)).status_code == 204
    assert (await api.tell("voice", "/v1/callbacks/voice", fact)).status_code == 204
    assert await waiting(ledger) == [("contact_reported", "voice/m-1")]


async def test_an_agency_may_answer_to_a_contact_of_ours(api: Api, ledger: Ledger):
    await attempted(ledger)
    fact = {"kind": "agency", "key": CALL, "channel": "call", "outcome": "answered_refusing", "at": OUTCOME["at"]}
    assert (await api.tell("agency", "/v1/callbacks/agency", fact)).status_code == 204
    assert await waiting(ledger) == [("contact_reported", "agency/m-1")]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "L-1.1/other.1"}, 404, "unknown_key"),
        ({"outcome": "delivered"}, 422, "malformed"),
        ({"kind": "inbound", "loan_id": "L-404", "channel": "call"}, 404, "unknown_loan"),
        ({"kind": "agency", "key": "L-1.1/agency.1", "channel": "call"}, 404, "unknown_key"),
    ],
)
async def test_a_callback_that_cannot_count_is_refused(api: Api, changes: dict[str, Any], status: int, code: str):
    answer = await api.tell("voice", "/v1/callbacks/voice", OUTCOME | changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_gateway_reports_on_its_own_orders_only(api: Api, ledger: Ledger):
    await attempted(ledger)
    await attempted(ledger, "L-1.1/sms.1", Channel.SMS)
    answers = [
        await api.tell("sms", "/v1/callbacks/sms", OUTCOME | {"kind": "delivery", "outcome": "delivered"}),
        await api.tell("voice", "/v1/callbacks/voice", OUTCOME | {"kind": "delivery", "outcome": "failed"}),
        await api.tell("sms", "/v1/callbacks/sms", OUTCOME | {"key": "L-1.1/sms.1"}),
    ]
    assert [(a.status_code, a.json()["errors"][0]["field"]) for a in answers] == [(404, "key"), (422, "kind"), (422, "kind")]
    async with ledger.reading() as session:
        assert {row.outcome for row in await attempts.history(session, LOAN)} == {None}


async def test_a_borrower_who_opts_out_when_calling_by_themselves_is_heard(api: Api, ledger: Ledger):
    fact = {"kind": "inbound", "loan_id": LOAN, "channel": "sms", "outcome": "delivered", "at": OUTCOME["at"], "opted_out": True}
    assert (await api.tell("sms", "/v1/callbacks/sms", fact)).status_code == 204
    somebody = await api.tell("sms", "/v1/callbacks/sms", fact | {"party": "relative"}, "m-2")
    assert (somebody.status_code, somebody.json()["code"]) == (422, "malformed")
    async with ledger.reading() as session:
        (wish,) = (await session.exec(select(WishRow))).all()
        assert (wish.kind, wish.channel) == (WishKind.NO_MEDIUM, Channel.SMS)


@pytest.mark.parametrize("path", ["/v1/payments", "/v1/missed-payments", "/v1/callbacks/voice"])
async def test_nothing_counts_without_the_right_signature(api: Api, ledger: Ledger, path: str):
    await attempted(ledger)
    sender = "voice" if "callbacks" in path else "loan_system"
    body = OUTCOME if "callbacks" in path else PAYMENT
    wrong, none = await api.tell(sender, path, body, secret=make_secret()), await api.http.post(path, json=body)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_signature")
    assert (none.status_code, none.json()["code"]) == (401, "bad_signature" if "callbacks" in path else "unauthenticated")
    assert await waiting(ledger) == []


async def test_a_voice_gateway_cannot_report_a_payment(api: Api):
    secret = api.settings.voice.secret  # type: ignore[union-attr]
    assert (await api.tell("loan_system", "/v1/payments", PAYMENT, secret=secret)).status_code == 401


@pytest.mark.parametrize("gateway", ["bureau", "email"])
async def test_a_gateway_without_a_secret_cannot_report(api: Api, gateway: str):
    answer = await api.http.post(f"/v1/callbacks/{gateway}", json=OUTCOME)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_configured")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"loan_id": ' + b"9" * 5000 + b"}"])
async def test_any_other_body_is_refused_as_a_problem(api: Api, body: bytes):
    secret = api.settings.loan_system.secret  # type: ignore[union-attr]
    try:
        headers = signature_headers(secret, "m-1", body)
    except UnicodeDecodeError:
        headers = {}
    answer = await api.http.post("/v1/payments", content=body, headers=headers | {"content-type": "application/json"})
    assert answer.status_code in (400, 401, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_without_end_is_cut_off(api: Api):
    answer = await api.tell("loan_system", "/v1/payments", PAYMENT | {"note": "x" * 70_000})
    assert answer.status_code == 413


async def test_a_problem_never_repeats_what_was_sent(api: Api):
    answer = await api.tell("loan_system", "/v1/payments", PAYMENT | {"amount": "张三 13000000001"})
    assert answer.status_code == 422
    assert "张三" not in answer.text
    assert "13000000001" not in answer.text


async def test_an_unknown_path_is_a_problem(api: Api):
    answer = await api.http.get("/v2/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_health_and_readiness_say_what_is_there(api: Api):
    assert (await api.http.get("/healthz")).json() == {"status": "ok"}
    answer = await api.http.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ledger": "ok", "temporal": "away"})


async def test_the_api_describes_itself(api: Api):
    spec = (await api.http.get("/openapi.json")).json()
    assert {"/v1/payments", "/v1/missed-payments", "/v1/callbacks/{gateway}", "/healthz", "/readyz"} <= spec["paths"].keys()
