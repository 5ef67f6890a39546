"""What goes to an institution is held against the list once more on its way out: a payload with any other field never leaves (CN-40)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from arrears.config.settings import GatewaySettings
from arrears.domain.strategy import Referral
from arrears.gateways.contract import GatewayFinal, Handover
from arrears.gateways.http import HttpGateway
from arrears.gateways.signing import signature_headers
from arrears.sandbox.world import SandboxWorld

AT = datetime(2026, 11, 11, 1, 30, tzinfo=UTC)
NAME = "王示例"


def order(target: Referral = Referral.AGENCY, **more: Any) -> Handover:
    given: dict[str, Any] = {
        "key": "L-1.1/agency.1",
        "target": target,
        "agency": "north-star" if target is Referral.AGENCY else None,
        "loan_id": "L-1",
        "case_id": "L-1.1",
        "owed": Decimal("1200.50"),
        "currency": "CNY",
        "due_since": date(2026, 10, 1),
        "requested_at": AT,
    }
    return Handover(**(given | more))


@pytest.mark.parametrize("field", ["name", "phone", "relatives", "birth_date"])
def test_an_order_with_another_field_cannot_be_made(field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        order(**{field: NAME})
    assert NAME not in str(refused.value)


def test_a_bureau_is_not_told_of_terms() -> None:
    with pytest.raises(ValidationError, match="an order for credit_report may not tell until"):
        order(Referral.CREDIT_REPORT, until=AT)


async def test_what_was_put_into_an_order_later_does_not_leave() -> None:
    """Copies are not validated; what goes over the wire is."""

    class Talkative(Handover):
        name: str = NAME

    async with SandboxWorld.running() as world:
        gateway = HttpGateway("agency", world.gateway_settings()["agency"])
        try:
            for too_much in (
                order().model_copy(update={"target": Referral.LAWYER, "until": AT}),
                Talkative.model_construct(**order().model_dump(), name=NAME),
            ):
                with pytest.raises(GatewayFinal) as refused:
                    await gateway.send(too_much)
                assert refused.value.code == "told_too_much"
                assert refused.value.maybe_sent is False
                assert NAME not in str(refused.value)
            assert not world.sent()
            assert (await gateway.send(order())).status == "accepted"
        finally:
            await gateway.aclose()


async def test_an_institution_refuses_an_order_that_says_more() -> None:
    async with SandboxWorld.running() as world:
        settings: GatewaySettings = world.gateway_settings()["agency"]
        body = order().model_dump_json(exclude_none=True)[:-1] + f',"name":"{NAME}"}}'
        headers = signature_headers(settings.secret, "L-1.1/agency.1", body.encode()) | {"idempotency-key": "L-1.1/agency.1"}
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.post(
                f"{settings.url}/v1/orders", content=body.encode(), headers=headers | {"content-type": "application/json"}
            )
        assert answer.status_code in (400, 422)
        assert NAME not in answer.text
        assert not world.sent()
