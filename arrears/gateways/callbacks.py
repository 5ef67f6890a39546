"""Callbacks: from signed bytes to a fact whose sender is known."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from arrears.config.settings import GatewayName
from arrears.gateways.contract import Callback, CallbackBody
from arrears.gateways.signing import verify_signature


def read_callback(gateway: GatewayName, secret: SecretStr, headers: Mapping[str, str], body: bytes) -> Callback:
    """The fact that ``gateway`` reports.

    Raises:
        SignatureRefused: it is not proven to come from this gateway, just now.
        pydantic.ValidationError: the body is not what the contract says; the error names the field.
    """
    callback_id = verify_signature(secret, headers, body)
    fact = CallbackBody.model_validate_json(body)
    return Callback(callback_id=callback_id, gateway=gateway, **fact.model_dump())
