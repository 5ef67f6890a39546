"""Who may report a fact, and what counts as one."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook

from arrears.domain.outcome import Outcome
from arrears.gateways.contract import CallbackBody
from arrears.gateways.signing import SignatureRefused, signature_headers, verify_signature
from tests.gateways.conftest import SECRET

OTHER = SecretStr("whsec_" + base64.b64encode(b"another secret of gateway tests").decode())
FACT = {"kind": "call_outcome", "key": "L-1.1/call.1", "outcome": "no_answer", "at": "2026-11-02T10:00:41+08:00"}


def body(**changes: object) -> bytes:
    return json.dumps({k: v for k, v in (FACT | changes).items() if v is not None}).encode()


def test_a_signed_message_gives_its_id():
    assert verify_signature(SECRET, signature_headers(SECRET, "cb-1", body()), body()) == "cb-1"


def test_a_fact_is_read_in_utc_and_about_the_borrower_unless_it_says_otherwise():
    told = CallbackBody.model_validate_json(body())
    assert (told.key, told.outcome, told.party, told.opted_out) == ("L-1.1/call.1", Outcome.NO_ANSWER, "borrower", False)
    assert told.at == datetime(2026, 11, 2, 2, 0, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"webhook-signature": None},
        {"webhook-id": "cb-2"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v2,AAAA"},
    ],
)
def test_a_spoiled_signature_is_refused(spoiled: dict[str, str | None]):
    headers = {k: v for k, v in (signature_headers(SECRET, "cb-1", body()) | spoiled).items() if v is not None}
    with pytest.raises(SignatureRefused):
        verify_signature(SECRET, headers, body())


def test_another_partys_secret_is_refused():
    with pytest.raises(SignatureRefused):
        verify_signature(SECRET, signature_headers(OTHER, "cb-1", body()), body())


def test_a_changed_body_is_refused():
    with pytest.raises(SignatureRefused):
        verify_signature(SECRET, signature_headers(SECRET, "cb-1", body()), body(outcome="answered_willing"))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(SignatureRefused):
        verify_signature(SECRET, signature_headers(SECRET, "cb-1", b""), b"\xff\xfe")


def test_an_old_signature_is_refused():
    then = datetime.now(UTC) - timedelta(minutes=6)
    signature = Webhook(SECRET.get_secret_value()).sign("cb-1", then, body().decode())
    headers = {"webhook-id": "cb-1", "webhook-timestamp": str(int(then.timestamp())), "webhook-signature": signature}
    with pytest.raises(SignatureRefused, match="too old"):
        verify_signature(SECRET, headers, body())


@pytest.mark.parametrize(
    "changes",
    [
        {"key": None},
        {"outcome": "delivered"},
        {"outcome": "denied"},
        {"kind": "delivery", "outcome": "answered_willing"},
        {"kind": "inbound", "key": None, "channel": "call"},
        {"kind": "inbound", "loan_id": "L-1"},
        {"at": "2026-11-02T10:00:41"},
        {"kind": "gossip"},
        {
            "kind": "inbound",
            "key": None,
            "loan_id": "L-1",
            "channel": "sms",
            "outcome": "delivered",
            "party": "relative",
            "opted_out": True,
        },
    ],
)
def test_a_fact_that_does_not_say_what_it_must_is_refused(changes: dict[str, object]):
    with pytest.raises(ValidationError):
        CallbackBody.model_validate_json(body(**changes))
