"""What signed messages must prove: who speaks, that it was just now, and that it is no copy."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from sqlmodel import select
from standardwebhooks import Webhook

from arrears.api.app import create_app
from arrears.config.settings import Settings
from arrears.gateways.signing import signature_headers
from arrears.ledger import heard, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AttemptRow, HeardMessageRow
from arrears.sandbox.world import make_secret
from tests.api.conftest import CALL, LOAN, OUTCOME, Api, attempted, nowhere

INBOUND = {"kind": "inbound", "loan_id": LOAN, "channel": "call", "outcome": "answered_willing", "at": OUTCOME["at"]}
VOICE = "/v1/callbacks/voice"


def signed(secret: SecretStr, body: bytes, at: datetime, message_id: str = "m-1") -> dict[str, str]:
    signature = Webhook(secret.get_secret_value()).sign(message_id, at, body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


async def sent(api: Api, headers: dict[str, str], body: dict[str, Any] | bytes = INBOUND) -> tuple[int, str | None]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await api.http.post(VOICE, content=raw, headers=headers | {"content-type": "application/json"})
    return answer.status_code, answer.json()["code"] if answer.content else None


async def waiting(ledger: Ledger) -> int:
    async with ledger.reading() as session:
        return len(await relays.undelivered(session))


def secret_of(api: Api) -> SecretStr:
    assert api.settings.voice is not None
    return api.settings.voice.secret


@pytest.mark.parametrize(("seconds", "status"), [(-240, 204), (240, 204), (-310, 401), (310, 401), (-86400, 401), (86400, 401)])
async def test_a_message_is_believed_for_five_minutes_around_its_time(api: Api, seconds: int, status: int):
    raw = json.dumps(INBOUND).encode()
    headers = signed(secret_of(api), raw, datetime.now(UTC) + timedelta(seconds=seconds))
    assert (await sent(api, headers, raw))[0] == status


async def test_a_forged_message_is_refused(api: Api, ledger: Ledger):
    raw = json.dumps(INBOUND).encode()
    good = signature_headers(secret_of(api), "m-1", raw)
    stamp = good["webhook-timestamp"]
    key = base64.b64decode(secret_of(api).get_secret_value().removeprefix("whsec_"))
    over_the_body_only = "v1," + base64.b64encode(hmac.new(key, raw, hashlib.sha256).digest()).decode()
    forged = [
        {},
        {k: v for k, v in good.items() if k != "webhook-signature"},
        {k: v for k, v in good.items() if k != "webhook-timestamp"},
        good | {"webhook-id": "m-2"},
        good | {"webhook-timestamp": str(int(stamp) + 1)},
        good | {"webhook-timestamp": "nan"},
        good | {"webhook-timestamp": "9" * 400},
        good | {"webhook-timestamp": ""},
        good | {"webhook-signature": "v1,"},
        good | {"webhook-signature": ""},
        good | {"webhook-signature": "v1a," + good["webhook-signature"].removeprefix("v1,")},
        good | {"webhook-signature": over_the_body_only},
        good | {"webhook-signature": "v1,\xff\xfe"},
        good | {"webhook-id": "x" * 300},
        signature_headers(make_secret(), "m-1", raw),
    ]
    for headers in forged:
        raw_headers = {k.encode(): v.encode("latin-1") for k, v in headers.items()} | {b"content-type": b"application/json"}
        answer = await api.http.post(VOICE, content=raw, headers=raw_headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature"), headers
    assert await waiting(ledger) == 0
    assert (await sent(api, good, raw))[0] == 204


async def test_what_one_gateway_signed_does_not_count_at_anothers_address(api: Api):
    raw = json.dumps(INBOUND).encode()
    answer = await api.http.post(
        "/v1/callbacks/sms", content=raw, headers=signature_headers(secret_of(api), "m-1", raw) | {"content-type": "application/json"}
    )
    assert answer.status_code == 401


async def test_a_copy_is_answered_alike_and_done_once(api: Api, ledger: Ledger):
    await attempted(ledger)
    raw = json.dumps(OUTCOME).encode()
    headers = signature_headers(secret_of(api), "m-1", raw)
    assert [await sent(api, headers, raw) for _ in range(3)] == [(204, None)] * 3
    assert await waiting(ledger) == 1
    async with ledger.reading() as session:
        attempt = await session.get_one(AttemptRow, CALL)
    assert attempt.outcome == "no_answer"


async def test_copies_that_come_at_once_are_done_once(api: Api, ledger: Ledger):
    raw = json.dumps(INBOUND).encode()
    headers = signature_headers(secret_of(api), "m-1", raw)
    assert set(await asyncio.gather(*(sent(api, headers, raw) for _ in range(8)))) == {(204, None)}
    assert await waiting(ledger) == 1


async def test_another_message_under_the_same_id_is_refused(api: Api, ledger: Ledger):
    assert await sent(api, signature_headers(secret_of(api), "m-1", json.dumps(INBOUND).encode())) == (204, None)
    other = INBOUND | {"outcome": "answered_refusing"}
    assert await sent(api, signature_headers(secret_of(api), "m-1", json.dumps(other).encode()), other) == (409, "message_id_used")
    assert await waiting(ledger) == 1


async def test_two_gateways_may_use_the_same_id(api: Api, ledger: Ledger):
    assert (await api.tell("voice", VOICE, INBOUND)).status_code == 204
    assert (await api.tell("sms", "/v1/callbacks/sms", INBOUND | {"channel": "sms", "outcome": "delivered"})).status_code == 204
    assert await waiting(ledger) == 2


async def test_a_message_that_could_not_count_may_come_again_when_it_can(api: Api, ledger: Ledger):
    assert (await api.tell("voice", VOICE, OUTCOME)).status_code == 404
    await attempted(ledger)
    assert (await api.tell("voice", VOICE, OUTCOME)).status_code == 204


async def test_copies_are_remembered_longer_than_their_signature_is_fresh_and_then_forgotten(api: Api, ledger: Ledger):
    await api.tell("voice", VOICE, INBOUND)
    async with ledger.reading() as session:
        row = (await session.exec(select(HeardMessageRow))).one()
    assert (row.sender, row.message_id, len(row.digest)) == ("voice", "m-1", 64)
    for after, left in ((timedelta(minutes=11), 1), (timedelta(minutes=16), 0)):
        async with ledger.session() as session:
            await heard.forget(session, datetime.now(UTC) + after)
        async with ledger.reading() as session:
            assert len((await session.exec(select(HeardMessageRow))).all()) == left


async def test_a_gateway_may_sign_with_its_former_secret_until_it_has_changed_over(api: Api, ledger: Ledger):
    former, older, new = make_secret(), make_secret(), make_secret()
    old = f"{former.get_secret_value()}, {older.get_secret_value()}"
    changed = Settings.model_validate({"voice": {"url": "http://gateway.example", "secret": new, "old_secrets": old}})
    app = create_app(ledger, nowhere, changed)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://arrears") as http:
        here = Api(http, changed, api.cases)
        for n, secret in enumerate((new, former, older)):
            assert (await here.tell("voice", VOICE, INBOUND, f"m-{n}", secret)).status_code == 204
        assert (await here.tell("voice", VOICE, INBOUND, "m-9", make_secret())).status_code == 401


def test_old_secrets_are_read_from_the_environment_and_never_shown(monkeypatch: pytest.MonkeyPatch):
    new, former = make_secret().get_secret_value(), make_secret().get_secret_value()
    for name, value in {"IN_APP_URL": "http://gateway.example", "IN_APP_SECRET": new, "IN_APP_OLD_SECRETS": former}.items():
        monkeypatch.setenv(f"ARREARS_{name}", value)
    settings = Settings()
    assert settings.in_app is not None
    assert [secret.get_secret_value() for secret in settings.in_app.believed] == [new, former]
    assert former not in repr(settings)
    monkeypatch.setenv("ARREARS_IN_APP_OLD_SECRETS", f"{former},too-short")
    with pytest.raises(ValidationError, match="openssl rand") as wrong:
        Settings()
    assert former not in str(wrong.value)
