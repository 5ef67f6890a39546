"""A write that carries a key is carried out once, however often it is sent, and answered the same each time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import select

from arrears.domain.access import Action
from arrears.ledger import answers, loans, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AnswerRow, AuditRow
from tests.api.callers import token
from tests.api.conftest import LOAN, PAYMENT, Api

KEY = {"idempotency-key": "7f3c-1"}


@pytest.fixture
async def till(ledger: Ledger) -> dict[str, str]:
    return await token(ledger, Action.RECORD_PAYMENT, Action.OPEN_CASE, name="till")


async def kept(ledger: Ledger) -> list[AnswerRow]:
    async with ledger.reading() as session:
        return list((await session.exec(select(AnswerRow))).all())


async def age(ledger: Ledger, by: timedelta, **changes: Any) -> None:
    """Let the only answer be so much older."""
    async with ledger.session() as session:
        row = (await session.exec(select(AnswerRow))).one()
        row.begun_at -= by
        for name, value in changes.items():
            setattr(row, name, value)
        session.add(row)


async def test_the_same_request_again_gets_the_same_answer_byte_for_byte(api: Api, ledger: Ledger, till: dict[str, str]):
    first = await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    again = await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    assert (first.status_code, again.status_code, again.content) == (202, 202, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert ("idempotent-replay" in first.headers, again.headers["idempotent-replay"]) == (False, "true")
    async with ledger.reading() as session:
        assert len(await loans.payments(session, LOAN)) == 1
        assert len((await session.exec(select(AuditRow))).all()) == 1


async def test_without_a_key_the_request_is_carried_out_again_and_changes_nothing(api: Api, ledger: Ledger, till: dict[str, str]):
    told = [(await api.http.post("/v1/payments", json=PAYMENT, headers=till)).json()["new"] for _ in range(2)]
    assert told == [True, False]
    assert await kept(ledger) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/payments", PAYMENT | {"amount": "1.00"}), ("/v1/payments?x=1", PAYMENT), ("/v1/missed-payments", PAYMENT)],
)
async def test_another_request_under_the_same_key_is_a_conflict(api: Api, till: dict[str, str], path: str, body: dict[str, Any]):
    await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    other = await api.http.post(path, json=body, headers=till | KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_callers_do_not_share_keys(api: Api, ledger: Ledger, till: dict[str, str]):
    await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    other = await token(ledger, Action.RECORD_PAYMENT, name="other")
    answer = await api.http.post("/v1/payments", json=PAYMENT | {"payment_id": "P-2"}, headers=other | KEY)
    assert (answer.status_code, answer.json()["new"]) == (202, True)


async def test_who_may_not_come_in_any_more_is_not_told_what_was_answered(api: Api, till: dict[str, str]):
    await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    answer = await api.http.post("/v1/payments", json=PAYMENT, headers={"authorization": "Bearer arr_none"} | KEY)
    assert answer.status_code == 401


async def test_a_refusal_frees_the_key(api: Api, ledger: Ledger, till: dict[str, str]):
    early = await api.http.post("/v1/payments", json=PAYMENT | {"loan_id": "L-404"}, headers=till | KEY)
    assert (early.status_code, await kept(ledger)) == (404, [])
    later = await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    assert later.status_code == 202


async def test_a_signed_message_may_carry_a_key_too(api: Api, till: dict[str, str]):
    for n in range(2):
        answer = await api.tell("loan_system", "/v1/payments", PAYMENT, f"m-{n}", headers=KEY)
        assert (answer.status_code, answer.json()["new"], answer.headers.get("idempotent-replay")) == (202, True, "true" if n else None)


async def test_of_many_that_send_the_same_at_once_one_is_carried_out(api: Api, ledger: Ledger, till: dict[str, str]):
    sent = [api.http.post("/v1/missed-payments", json={"loan_id": LOAN}, headers=till | KEY) for _ in range(8)]
    done = await asyncio.gather(*sent)
    taken = [a for a in done if a.status_code == 202]
    waiting = [a for a in done if a.status_code != 202]
    assert {a.content for a in taken} == {b'{"loan_id":"L-1","new":true}'}
    assert {(a.json()["code"], a.headers["retry-after"]) for a in waiting} <= {("idempotency_in_progress", "1")}
    async with ledger.reading() as session:
        assert len(await relays.undelivered(session)) == 1


async def test_what_a_process_left_when_it_died_is_taken_over_after_a_while(api: Api, ledger: Ledger, till: dict[str, str]):
    first = await api.http.post("/v1/missed-payments", json={"loan_id": LOAN}, headers=till | KEY)
    await age(ledger, timedelta(0), status=None, body=None)
    early = await api.http.post("/v1/missed-payments", json={"loan_id": LOAN}, headers=till | KEY)
    assert (early.status_code, early.json()["code"]) == (409, "idempotency_in_progress")
    await age(ledger, answers.LEASE)
    later = await api.http.post("/v1/missed-payments", json={"loan_id": LOAN}, headers=till | KEY)
    assert (first.json()["new"], later.status_code, later.json()["new"]) == (True, 202, False)
    async with ledger.reading() as session:
        assert len(await relays.undelivered(session)) == 1


async def test_whoever_was_taken_over_keeps_no_answer(ledger: Ledger):
    now = datetime.now(UTC)
    async with ledger.session() as session:
        slow = await answers.claim(session, "c", "k", "0" * 64, now)
    async with ledger.session() as session:
        quick = await answers.claim(session, "c", "k", "0" * 64, now + answers.LEASE)
    assert isinstance(slow, answers.Claim)
    assert isinstance(quick, answers.Claim)
    for who, text in ((slow, "late"), (quick, "here")):
        async with ledger.session() as session:
            await answers.keep(session, who, answers.Answer(200, text, {}))
    (row,) = await kept(ledger)
    assert row.body == {"text": "here"}


async def test_a_key_is_forgotten_after_two_days(api: Api, ledger: Ledger, till: dict[str, str]):
    await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    await age(ledger, answers.KEPT_FOR)
    answer = await api.http.post("/v1/payments", json=PAYMENT | {"payment_id": "P-2"}, headers=till | KEY)
    assert (answer.status_code, answer.json()["payment_id"]) == (202, "P-2")
    await age(ledger, answers.KEPT_FOR + timedelta(seconds=1))
    async with ledger.session() as session:
        await answers.forget(session, datetime.now(UTC))
    assert await kept(ledger) == []


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "chinesé"])
async def test_a_key_that_is_none_is_refused(api: Api, till: dict[str, str], key: str):
    headers = httpx.Headers(till)
    headers.update(httpx.Headers([(b"idempotency-key", key.encode())]))
    answer = await api.http.post("/v1/payments", json=PAYMENT, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


async def test_the_kept_answer_holds_no_more_than_was_answered(api: Api, ledger: Ledger, till: dict[str, str]):
    await api.http.post("/v1/payments", json=PAYMENT, headers=till | KEY)
    (row,) = await kept(ledger)
    assert (row.status, row.headers, row.body) == (
        202,
        {"content-type": "application/json"},
        {"text": '{"loan_id":"L-1","payment_id":"P-1","new":true}'},
    )
