"""What can be done with a message of somebody else's that is signed rightly: nothing but what it was sent for."""

from __future__ import annotations

import json

import httpx
from sqlmodel import select

from arrears.gateways.signing import signature_headers
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import HoldRow
from tests.api.conftest import LOAN, PAYMENT, Api

HOLD = json.dumps({"reason": "attorney"}).encode()
PLACED = f"/v1/cases/{LOAN}/holds"


def signed(api: Api, body: bytes, message_id: str = "m-1") -> dict[str, str]:
    assert api.settings.loan_system is not None
    return signature_headers(api.settings.loan_system.secret, message_id, body) | {"content-type": "application/json"}


def said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def test_a_message_that_places_a_hold_does_nothing_at_another_address(api: Api, ledger: Ledger):
    headers = signed(api, HOLD)
    assert (await api.http.post(PLACED, content=HOLD, headers=headers)).status_code == 202
    for elsewhere in (
        f"{PLACED}/lift",
        f"/v1/cases/{LOAN}/withdrawal",
        "/v1/cases/L-2/holds",
        f"{PLACED}?x=1",
        f"/v1/cases/{LOAN}/disputes",
    ):
        assert said(await api.http.post(elsewhere, content=HOLD, headers=headers)) == (409, "message_id_used")
    async with ledger.reading() as session:
        assert [(hold.reason, hold.lifted_at) for hold in await session.exec(select(HoldRow))] == [("attorney", None)]


async def test_a_message_that_is_sent_again_is_answered_again(api: Api):
    hold = json.dumps({"reason": "attorney", "at": "2026-11-02T10:00:00+08:00"}).encode()
    told = [await api.http.post(PLACED, content=hold, headers=signed(api, hold)) for _ in range(2)]
    assert [(answer.status_code, answer.json()["new"]) for answer in told] == [(202, True), (202, False)]


async def test_a_request_that_reads_one_case_reads_no_other(api: Api):
    headers = signed(api, b"")
    assert (await api.http.get(f"/v1/cases/{LOAN}", headers=headers)).status_code == 200
    assert (await api.http.get(f"/v1/cases/{LOAN}", headers=headers)).status_code == 200
    for path in ("/v1/cases", f"/v1/cases/{LOAN}/timeline", "/v1/cases/L-2"):
        assert said(await api.http.get(path, headers=headers)) == (409, "message_id_used")
    assert said(await api.http.post(f"/v1/cases/{LOAN}", headers=headers)) == (409, "message_id_used")


async def test_a_message_is_not_another_one_by_how_its_time_is_written(api: Api):
    headers = signed(api, HOLD)
    stamp = headers["webhook-timestamp"]
    assert (await api.http.post(PLACED, content=HOLD, headers=headers)).status_code == 202
    for written in (f"{stamp}.9", f"0{stamp}", f"+{stamp}", f" {stamp}", f"{stamp[:4]}_{stamp[4:]}", f"{stamp}e0", f"{stamp}\u0660"):
        copied = {name.encode(): value.encode() for name, value in (headers | {"webhook-timestamp": written}).items()}
        assert said(await api.http.post(f"{PLACED}/lift", content=HOLD, headers=copied)) in [
            (401, "bad_signature"),
            (409, "message_id_used"),
        ]


async def test_messages_of_one_id_with_contents_of_their_own_are_messages_of_their_own(api: Api):
    """The loan system may give a payment and its reversal the payment's id."""
    paid = json.dumps(PAYMENT).encode()
    taken_back = json.dumps({"reason": "bounced", "reversed_at": "2026-11-03T10:00:00+08:00"}).encode()
    assert (await api.http.post("/v1/payments", content=paid, headers=signed(api, paid, "P-1"))).status_code == 202
    answer = await api.http.post("/v1/payments/P-1/reversal", content=taken_back, headers=signed(api, taken_back, "P-1"))
    assert (answer.status_code, answer.json()["new"]) == (202, True)
