"""What gateways report: outcomes of calls, receipts of messages, and contacts that nobody asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.house import Here, verify_sender
from arrears.api.loan_system import refused
from arrears.api.problems import FieldProblem, Problem
from arrears.config.settings import GatewayName
from arrears.domain.outcome import Outcome
from arrears.domain.situation import LENDER
from arrears.domain.strategy import Channel
from arrears.gateways.contract import CHANNEL_GATEWAY, CallbackBody
from arrears.ledger import attempts, heard, loans, relays, reported
from arrears.ledger.attempts import Settled
from arrears.ledger.heard import Message, OtherContent
from arrears.ledger.reported import Heard
from arrears.ledger.tables import AttemptRow, Direction, ReferralRow
from arrears.workflows.contract import Report, Signal

_DECISIVE_RECEIPTS = frozenset({Outcome.INVALID_NUMBER, Outcome.FAILED})
"""Receipts of messages that a case is woken for; the others stay in the ledger."""

_DIRECTIONS = {"inbound": Direction.IN, "agency": Direction.OUT}

router = APIRouter(prefix="/v1/callbacks", tags=["gateways"])


async def signed_by_the_gateway(gateway: GatewayName, request: Request, here: Here) -> Message:
    """The message, whose signature is right. Raises ``Problem``."""
    return heard.message(gateway, await verify_sender(request, here, gateway), await request.body())


SignedMessage = Annotated[Message, Depends(signed_by_the_gateway)]


@router.post("/{gateway}", status_code=HTTPStatus.NO_CONTENT)
async def callback(gateway: GatewayName, fact: CallbackBody, message: SignedMessage, here: Here) -> None:
    """A fact, told at least once. It is in the ledger when this is answered; telling it again changes nothing.

    A copy of a message is answered as the message was, and nothing else happens; another message under its id is refused (409).
    """
    try:
        match fact.kind:
            case "call_outcome" | "delivery":
                await _of_our_attempt(here, gateway, fact, message)
            case "inbound" | "agency":
                await _by_itself(here, gateway, fact, message)
    except OtherContent:
        raise _wrong(
            HTTPStatus.CONFLICT, "message_id_used", "webhook-id", "was that of another message; give each message its own"
        ) from None


async def _of_our_attempt(here: Here, gateway: GatewayName, fact: CallbackBody, message: Message) -> None:
    """Settle the attempt. Who waits for a call's outcome gets it; a case whose step is over is told only what changes something for it."""
    now = here.now()
    async with here.ledger.session() as session:
        if not await heard.first_time(session, message, datetime.now(UTC)):
            return
        attempt = await session.get(AttemptRow, fact.key or "")
        if attempt is None or CHANNEL_GATEWAY[attempt.channel] != gateway:
            raise _wrong(HTTPStatus.NOT_FOUND, "unknown_key", "key", f"{gateway} was given no order under this key")
        if (fact.kind == "call_outcome") != (attempt.channel is Channel.CALL):
            raise _wrong(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "kind", "call_outcome is for calls, delivery for messages")
        settled = await attempts.settle(session, attempt.id, fact.outcome, fact.at, fact.gateway_ref)
        if fact.opted_out:
            await attempts.opt_out(session, attempt.person_id, attempt.channel, fact.at, f"gateway {gateway}", now)
        if settled.changed and settled.task_token is None and (fact.kind == "call_outcome" or fact.outcome in _DECISIVE_RECEIPTS):
            await relays.leave(session, settled.loan_id, Signal.CONTACT_REPORTED, _key(settled), _late(settled, fact), now)
    if settled.changed and settled.task_token is not None:
        here.cases.complete(settled.task_token, settled.report)
    here.cases.ring()


async def _by_itself(here: Here, gateway: GatewayName, fact: CallbackBody, message: Message) -> None:
    """A contact that is none of our attempts: it counts like ours, the case is told, the ledger notes an opt-out."""
    assert fact.channel is not None
    now, key = here.now(), f"{gateway}/{message.id}"
    async with here.ledger.session() as session:
        if not await heard.first_time(session, message, datetime.now(UTC)):
            return
        attempt = await session.get(AttemptRow, fact.key) if fact.key else None
        loan_id = fact.loan_id or await _loan_of(session, attempt, fact.key or "")
        try:
            await loans.loan(session, loan_id)
        except loans.LoanUnknown as unknown:
            raise refused(HTTPStatus.NOT_FOUND, "unknown_loan", "loan_id", unknown) from None
        if attempt is not None and attempt.loan_id != loan_id:
            raise _wrong(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "key", "is of another loan than loan_id")
        person_id = await _person_of(session, attempt, loan_id, fact)
        if person_id is not None:
            contact = Heard(channel=fact.channel, direction=_DIRECTIONS[fact.kind], outcome=fact.outcome, at=fact.at)
            source = await _who_acted(session, loan_id, fact)
            await reported.record(session, source, key, loan_id, person_id, contact, now)
        if fact.opted_out and person_id is not None:
            await attempts.opt_out(session, person_id, fact.channel, fact.at, f"gateway {gateway}", now)
        report = Report(channel=fact.channel, outcome=fact.outcome, at=fact.at, party=fact.party)
        await relays.leave(session, loan_id, Signal.CONTACT_REPORTED, key, report, now)
    here.cases.ring()


async def _person_of(session: AsyncSession, attempt: AttemptRow | None, loan_id: str, fact: CallbackBody) -> str | None:
    """Whom a contact was with, as far as we know them."""
    if attempt is not None:
        return attempt.person_id
    return (await loans.borrower(session, loan_id)).id if fact.party == "borrower" else None


async def _who_acted(session: AsyncSession, loan_id: str, fact: CallbackBody) -> str:
    """The agency that has the loan, if one reports what it did."""
    if fact.kind != "agency":
        return LENDER
    return await reported.agency_of(session, loan_id, fact.key) or "agency"


async def _loan_of(session: AsyncSession, attempt: AttemptRow | None, key: str) -> str:
    """The loan of an attempt or a referral. Raises ``Problem``."""
    row = attempt or await session.get(ReferralRow, key)
    if row is None:
        raise _wrong(HTTPStatus.NOT_FOUND, "unknown_key", "key", "names no contact and no referral of ours; give the loan_id instead")
    return row.loan_id


def _wrong(status: HTTPStatus, code: str, field: str, problem: str) -> Problem:
    return Problem(status, code, f"{field}: {problem}", [FieldProblem(field=field, problem=problem)])


def _late(settled: Settled, fact: CallbackBody) -> Report:
    return Report(
        attempt_id=settled.attempt_id,
        channel=settled.channel,
        outcome=settled.report.outcome or fact.outcome,
        at=fact.at,
        party=fact.party if settled.to_borrower else "relative",
    )


def _key(settled: Settled) -> str:
    return f"outcome/{settled.attempt_id}/{settled.report.outcome}"
