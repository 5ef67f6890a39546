"""One caller can ask for so much and no more, and is told when to come back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from arrears.config.settings import ApiSettings
from arrears.domain.access import Action
from arrears.ledger.engine import Ledger
from arrears.sandbox.world import make_secret
from tests.api.callers import token
from tests.api.conftest import LOAN, OUTCOME, PAYMENT, Api, running_api

FEW = ApiSettings(calls_per_minute=3, signed_calls_per_minute=5, refusals_per_minute=2, body_kilobytes=1, batch_kilobytes=4)


@pytest.fixture
async def narrow(ledger: Ledger) -> AsyncIterator[Api]:
    """An API that lets nobody do much."""
    async with running_api(ledger, api=FEW) as api:
        yield api


@pytest.fixture
async def reader(ledger: Ledger) -> dict[str, str]:
    return await token(ledger, Action.READ_CASES, name="reader")


async def test_a_caller_is_told_what_is_left_and_when_to_come_back(narrow: Api, reader: dict[str, str]):
    answers = [await narrow.http.get("/v1/cases", headers=reader) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert [a.headers["ratelimit"].split(";")[1] for a in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert {a.headers["ratelimit-policy"] for a in answers} == {'"caller";q=3;w=60'}
    refused = answers[-1]
    assert (refused.json()["code"], refused.headers["content-type"]) == ("too_many_calls", "application/problem+json")
    assert 0 < int(refused.headers["retry-after"]) <= 60


async def test_callers_do_not_use_up_each_others_share(narrow: Api, ledger: Ledger, reader: dict[str, str]):
    for _ in range(4):
        await narrow.http.get("/v1/cases", headers=reader)
    other = await token(ledger, Action.READ_CASES, name="other")
    assert (await narrow.http.get("/v1/cases", headers=other)).status_code == 200


async def test_a_signed_loan_system_has_a_share_of_its_own(narrow: Api):
    answers = [await narrow.tell("loan_system", "/v1/missed-payments", {"loan_id": LOAN}, f"m-{n}") for n in range(6)]
    assert [a.status_code for a in answers] == [202] * 5 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"signed";q=5;w=60'


async def test_whoever_guesses_is_told_to_wait(narrow: Api):
    wrong = {"authorization": "Bearer arr_guess"}
    answers = [await narrow.http.get("/v1/cases", headers=wrong) for _ in range(3)]
    assert [a.status_code for a in answers] == [401, 401, 429]
    forged = await narrow.tell("voice", "/v1/callbacks/voice", OUTCOME, secret=make_secret())
    assert (forged.status_code, forged.json()["code"]) == (429, "too_many_calls")


async def test_guesses_from_an_address_keep_nobody_waiting_who_can_prove_who_they_are(narrow: Api, reader: dict[str, str]):
    for _ in range(3):
        await narrow.http.get("/v1/cases", headers={"authorization": "Bearer arr_guess"})
    assert (await narrow.http.get("/v1/cases", headers=reader)).status_code == 200
    assert (await narrow.tell("loan_system", "/v1/payments", PAYMENT)).status_code == 202


async def test_what_a_guess_hits_is_not_told(narrow: Api):
    """A path that is there and one that is not look the same to who is not known."""
    for path in ("/v1/cases", "/v1/nothing"):
        assert (await narrow.http.get(path)).json()["code"] == "unauthenticated"


async def test_a_request_that_says_it_is_too_large_is_not_read(narrow: Api):
    answer = await narrow.http.post("/v1/payments", content=b"{}", headers={"content-length": "1025"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (413, "too_large", 413)
    assert (answer.headers["content-type"], answer.headers["connection"]) == ("application/problem+json", "close")


async def test_a_request_that_never_ends_is_cut_off(narrow: Api):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100

    answer = await narrow.http.post("/v1/payments", content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_batch_may_be_larger(narrow: Api):
    many = {"payments": [PAYMENT | {"payment_id": f"P-{n}"} for n in range(10)]}
    assert 1024 < len(json.dumps(many)) < 4096
    assert (await narrow.tell("loan_system", "/v1/payments/batch", many)).status_code == 200
    assert (await narrow.tell("loan_system", "/v1/payments", many, "m-2")).status_code == 413
    assert (await narrow.tell("loan_system", "/v1/payments/batch", {"payments": [], "x": "x" * 4096}, "m-3")).status_code == 413


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", "application/jsonp"]
)
async def test_only_json_is_read(api: Api, kind: str):
    answer = await api.tell("loan_system", "/v1/payments", PAYMENT, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "not_json")


@pytest.mark.parametrize("kind", ["application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"'])
async def test_json_may_say_its_charset(api: Api, kind: str):
    assert (await api.tell("loan_system", "/v1/payments", PAYMENT, headers={"content-type": kind})).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"amount":' + b"9" * 60_000 + b"}",
        b'{"amount": NaN}',
        b'{"payment_id": "\\ud800", "\\ud800": 1, "amount": "\\u0000"}',
        b"\xff\xfe{}",
        b"null",
        b'"text"',
        b"",
    ],
)
async def test_no_json_brings_the_api_down(api: Api, ledger: Ledger, body: bytes):
    till = await token(ledger, Action.RECORD_PAYMENT, name="till")
    answer = await api.http.post("/v1/payments", content=body, headers=till | {"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in ("malformed", "bad_request")


async def test_an_answer_says_that_it_is_no_page_and_nobodys_to_keep(api: Api, reader: dict[str, str]):
    for answer in (await api.http.get("/v1/cases", headers=reader), await api.http.get("/v1/cases")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_a_method_that_an_address_does_not_know_is_told_the_ones_it_does(api: Api, reader: dict[str, str]):
    answer: httpx.Response = await api.http.delete("/v1/cases", headers=reader)
    assert (answer.status_code, answer.headers["allow"], answer.json()["code"]) == (405, "GET", "method_not_allowed")


async def test_who_is_not_known_is_told_how_to_become_known(api: Api):
    assert (await api.http.get("/v1/cases")).headers["www-authenticate"] == "Bearer"
