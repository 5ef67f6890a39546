"""Signed requests, in both directions, by the Standard Webhooks scheme: the receiver knows who spoke, and that it was just now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

_TIMESTAMP = re.compile(r"[1-9][0-9]{0,15}")
"""A signature is made over the whole seconds: one message must not be written in several ways, such as with leading zeros or a fraction."""


class SignatureRefused(Exception):
    """The request does not carry a valid and recent signature of the party it claims to come from."""


def signature_headers(secrets: SecretStr | Sequence[SecretStr], message_id: str, body: bytes) -> dict[str, str]:
    """The headers that sign ``body`` (empty for a GET) as message ``message_id`` at this very (real) time, with each of ``secrets``."""
    now = datetime.now(UTC)
    signing = (secrets,) if isinstance(secrets, SecretStr) else secrets
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret.get_secret_value()).sign(message_id, now, body.decode()) for secret in signing),
    }


def verify_signature(secrets: SecretStr | Sequence[SecretStr], headers: Mapping[str, str], body: bytes) -> str:
    """The id of the message, if ``headers`` sign ``body`` with one of ``secrets`` within five minutes of now.

    Raises:
        SignatureRefused: a header is missing or malformed, the time is too far off, or no signature fits.
    """
    if not _TIMESTAMP.fullmatch(next((value for name, value in headers.items() if name.lower() == "webhook-timestamp"), "")):
        raise SignatureRefused("webhook-timestamp is not a whole number of seconds")
    refused = "no secret to compare with"
    for secret in (secrets,) if isinstance(secrets, SecretStr) else secrets:
        try:
            Webhook(secret.get_secret_value()).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as wrong:
            refused = str(wrong) if isinstance(wrong, WebhookVerificationError) else "malformed signature"
        else:
            return next(value for name, value in headers.items() if name.lower() == "webhook-id")
    raise SignatureRefused(refused)
