"""The gateways' side of the HTTP contract, and the levers by which the world is watched and made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from arrears.config.settings import GatewayName
from arrears.gateways.contract import REFERRAL_GATEWAY, CallbackBody, Handover, Outgoing
from arrears.gateways.signing import SignatureRefused, verify_signature
from arrears.sandbox.faults import Fault, FaultKind
from arrears.sandbox.record import HeardEvent, LoanPayment, Order, Report, receipt
from arrears.sandbox.temperament import Resident

if TYPE_CHECKING:
    from arrears.sandbox.world import SandboxWorld

LOAN_SYSTEM: GatewayName = "loan_system"
EVENTS_PATH = "/v1/events"
"""Where the loan system takes events."""

_BEFORE: tuple[FaultKind, ...] = ("timeout", "error", "rate_limited", "refused", "garbage")
_REFERRALS = frozenset(REFERRAL_GATEWAY.values())


def create_app(world: SandboxWorld) -> FastAPI:
    """The HTTP side of a world: ``/<gateway>/v1/orders`` and ``/loan_system/v1/events`` for Arrears, ``/control/…`` for whoever plays with it."""
    app = FastAPI(title="Arrears sandbox world", docs_url=None, redoc_url=None)
    _gateway_routes(app, world)
    _event_routes(app, world)
    _record_routes(app, world)
    _lever_routes(app, world)
    return app


def _gateway_routes(app: FastAPI, world: SandboxWorld) -> None:
    @app.post("/{gateway}/v1/orders")
    async def take(gateway: GatewayName, request: Request) -> Response:
        body = await request.body()
        try:
            key = verify_signature(world.secrets[gateway], request.headers, body)
        except SignatureRefused as refused:
            return problem(401, "bad_signature", str(refused))
        if (failed := await _fail(world.faults.strike(gateway, _BEFORE, key))) is not None:
            return failed
        try:
            order = read_order(gateway, body)
        except ValidationError as wrong:
            return problem(422, "bad_order", "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors()))
        if not key == order.key == request.headers.get("idempotency-key"):
            return problem(422, "key_mismatch", "the body's key, Idempotency-Key and webhook-id must be one")
        to = order.to if isinstance(order, Outgoing) else order.agency
        taken = world.take(gateway, order, to)
        if (taken.gateway, taken.sent_to) != (gateway, to):
            return problem(422, "key_reused", "this key was used for another recipient")
        if world.faults.strike(gateway, ("lost_answer",), key):
            return cut()
        return JSONResponse(receipt(taken).model_dump(mode="json", exclude_none=True), 202)

    @app.get("/{gateway}/v1/orders/{key:path}")
    async def look_up(gateway: GatewayName, key: str, request: Request) -> Response:
        try:
            verify_signature(world.secrets[gateway], request.headers, b"")
        except SignatureRefused as refused:
            return problem(401, "bad_signature", str(refused))
        if (failed := await _fail(world.faults.strike(gateway, (*_BEFORE, "lost_answer"), key, "look_up"))) is not None:
            return failed
        known = world.look_up(key)
        if known is None:
            return problem(404, "unknown_key", "no order was taken under this key")
        return JSONResponse(known.model_dump(mode="json", exclude_none=True))


def _event_routes(app: FastAPI, world: SandboxWorld) -> None:
    @app.post(f"/{LOAN_SYSTEM}{EVENTS_PATH}")
    async def hear(request: Request) -> Response:
        """What a loan system does with an event: check the signature, note it once for its id, answer."""
        body = await request.body()
        try:
            message_id = verify_signature(world.secrets[LOAN_SYSTEM], request.headers, body)
        except SignatureRefused as refused:
            return problem(401, "bad_signature", str(refused))
        if (failed := await _fail(world.faults.strike(LOAN_SYSTEM, _BEFORE, message_id))) is not None:
            return failed
        try:
            told = _Event.model_validate_json(body)
        except ValidationError:
            return problem(422, "bad_event", "an event has type, timestamp and data with the loan_id")
        world.record.hear(message_id, told.type, told.data.loan_id, body.decode())
        if world.faults.strike(LOAN_SYSTEM, ("lost_answer",), message_id):
            # Of a success only the status is read, so a cut answer would be one.
            return problem(502, "lost", "a proxy has lost the answer")
        return Response(status_code=204)


def read_order(gateway: GatewayName, body: bytes) -> Outgoing | Handover:
    """The order in a request to a gateway. Raises ``pydantic.ValidationError``."""
    return Handover.model_validate_json(body) if gateway in _REFERRALS else Outgoing.model_validate_json(body)


def _record_routes(app: FastAPI, world: SandboxWorld) -> None:
    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/control/sent")
    async def sent(loan_id: str | None = None) -> tuple[Order, ...]:
        return world.sent(loan_id)

    @app.get("/control/payments")
    async def payments(loan_id: str | None = None) -> tuple[LoanPayment, ...]:
        return world.record.payments(loan_id)

    @app.get("/control/reports")
    async def reports() -> tuple[Report, ...]:
        return world.record.reports()

    @app.get("/control/events")
    async def events(loan_id: str | None = None) -> tuple[HeardEvent, ...]:
        return world.record.events(loan_id)

    @app.get("/control/residents")
    async def residents() -> tuple[Resident, ...]:
        return world.residents()


class _Instant(BaseModel):
    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime


class _AboutALoan(BaseModel):
    loan_id: str


class _Event(BaseModel):
    type: str
    timestamp: AwareDatetime
    data: _AboutALoan


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")

    gateway: GatewayName
    message_id: str
    fact: CallbackBody


def _lever_routes(app: FastAPI, world: SandboxWorld) -> None:
    @app.post("/control/residents")
    async def settle_in(residents: list[Resident]) -> dict[str, int]:
        world.settle_in(residents)
        return {"residents": len(world.residents())}

    @app.post("/control/tick")
    async def tick(instant: _Instant) -> tuple[LoanPayment, ...]:
        return world.tick(instant.now)

    @app.post("/control/payments")
    async def pay(paid: LoanPayment) -> dict[str, bool]:
        return {"new": world.pay(paid.loan_id, paid.payment)}

    @app.post("/control/missed-payments/{loan_id}", status_code=202)
    async def miss(loan_id: str) -> None:
        world.miss(loan_id)

    @app.post("/control/reports", status_code=202)
    async def report(told: _Told) -> None:
        world.report(told.gateway, told.fact, told.message_id)

    @app.get("/control/faults")
    async def faults() -> tuple[Fault, ...]:
        return world.faults.waiting

    @app.post("/control/faults", status_code=201)
    async def fail(fault: Fault) -> Fault:
        world.fail(fault)
        return fault

    @app.delete("/control/faults", status_code=204)
    async def clear() -> None:
        world.faults.clear()


async def _fail(fault: Fault | None) -> Response | None:
    match fault:
        case None:
            return None
        case Fault(kind="timeout"):
            await asyncio.sleep(fault.seconds)
            return problem(504, "too_slow", "the gateway took too long")
        case Fault(kind="rate_limited"):
            return problem(429, "too_many", "slow down", {"retry-after": str(int(fault.seconds))})
        case Fault(kind="refused"):
            return problem(422, "refused", "the gateway does not take this")
        case Fault(kind="garbage"):
            return Response("<html>it works!</html>", media_type="text/html")
        case Fault(kind="lost_answer"):
            return cut()
        case _:
            return problem(500, "broken", "the gateway is broken")


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An RFC 9457 problem with the contract's machine-readable code."""
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, headers, "application/problem+json")


def cut() -> Response:
    """An answer of which the connection is cut before it is whole."""

    async def part() -> AsyncIterator[bytes]:
        yield b'{"status": '

    return StreamingResponse(part(), 202, {"content-length": "1000"}, "application/json")
