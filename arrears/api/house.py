"""What every route works with, and who may speak to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from arrears.api.cases import Cases
from arrears.api.problems import FieldProblem, Problem
from arrears.config.settings import GatewayName, Settings
from arrears.gateways.signing import SignatureRefused, verify_signature
from arrears.ledger.engine import Ledger

LONGEST_MESSAGE_ID = 200


@dataclass(frozen=True)
class House:
    """The ledger, the cases and the settings of this process."""

    ledger: Ledger
    cases: Cases
    settings: Settings

    def now(self) -> datetime:
        """Business time."""
        return self.settings.clock.at(datetime.now(UTC))


def house(request: Request) -> House:
    return request.app.state.house


Here = Annotated[House, Depends(house)]


async def verify_sender(request: Request, here: House, sender: GatewayName) -> str:
    """The id of a message that ``sender`` has signed just now.

    Raises:
        Problem: the sender is not configured here (404), or the signature is refused (401).
    """
    known = here.settings.gateway(sender)
    if known is None:
        remedy = f"{sender} has no signing secret here; set ARREARS_{sender.upper()}_URL and ARREARS_{sender.upper()}_SECRET"
        raise Problem(HTTPStatus.NOT_FOUND, "not_configured", remedy)
    if len(request.headers.get("webhook-id", "")) > LONGEST_MESSAGE_ID:
        detail = f"webhook-id has at most {LONGEST_MESSAGE_ID} characters"
        raise Problem(HTTPStatus.UNAUTHORIZED, "bad_signature", detail, [FieldProblem(field="webhook-id", problem=detail)])
    try:
        return verify_signature(known.believed, request.headers, await request.body())
    except SignatureRefused as refused:
        raise Problem(HTTPStatus.UNAUTHORIZED, "bad_signature", f"sign the request with the secret of {sender}: {refused}") from refused
