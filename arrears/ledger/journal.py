"""The journal of the cases: facts are written down once, with what follows from them, and told again as a timeline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import (
    ApprovalExpired,
    ApprovalRetracted,
    ContactReported,
    Event,
    HoldLifted,
    HoldPlaced,
    MessageIgnored,
    PaymentReceived,
    PaymentReversed,
    PlanAgreed,
    PromiseMade,
    Withdrawn,
)
from arrears.domain.orders import ApprovalRef
from arrears.domain.outcome import ANSWERED
from arrears.ledger import approvals, attempts, cases, holds, lapses, loans, persons, relays
from arrears.ledger.tables import ApprovalRow, CaseEventRow, HoldRow
from arrears.workflows.contract import Lift, Signal


async def record_events(session: AsyncSession, case_id: str, loan_id: str, events: Iterable[Event], now: datetime) -> None:
    """Write down what happened in a case, once however often it is told, with what follows: payments, holds, outcomes of attempts.

    A payment that cannot be booked never stops a case: that it was not booked, and why, is written down beside it. Raises ``LoanUnknown``.
    """
    loan = await loans.lock_loan(session, loan_id)
    await persons.lock(session, [loan.borrower_id])
    for event in events:
        if await _write(session, case_id, event, now):
            await _follow(session, case_id, loan_id, event, now)
    await session.flush()


async def standing_holds(session: AsyncSession, loan_id: str, now: datetime) -> list[HoldRow]:
    """The holds that stop a loan's ladder now, oldest first."""
    found = await session.exec(
        select(HoldRow)
        .where(
            col(HoldRow.loan_id) == loan_id,
            col(HoldRow.placed_at) <= now,
            col(HoldRow.lifted_at).is_(None),
            or_(col(HoldRow.until).is_(None), col(HoldRow.until) > now),
        )
        .order_by(col(HoldRow.placed_at), col(HoldRow.id))
    )
    return list(found.all())


async def withdrawn_for(session: AsyncSession, case_id: str) -> str | None:
    """The reason for which a case was withdrawn, if it was."""
    found = await session.exec(select(CaseEventRow).where(col(CaseEventRow.case_id) == case_id, col(CaseEventRow.kind) == "withdrawn"))
    said = found.first()
    return None if said is None else Withdrawn.model_validate(said.body).reason


def _key(event: Event) -> str:
    """The fact's natural key. A payment and a request have ids; everything else is told by all that it says."""
    match event:
        case PaymentReceived():
            return _digest(event.kind, event.payment.payment_id)
        case PaymentReversed():
            return _digest(event.kind, event.payment_id)
        case ApprovalExpired() | ApprovalRetracted():
            return _digest(event.kind, event.approval_id)
        case _:
            return _digest(event.kind, event.model_dump_json())


def _digest(kind: str, content: str) -> str:
    return f"{kind}/{hashlib.sha256(content.encode()).hexdigest()}"


async def _write(session: AsyncSession, case_id: str, event: Event, now: datetime) -> bool:
    """Write the event down; whether it was new."""
    key = _key(event)
    known = await session.exec(select(CaseEventRow.id).where(col(CaseEventRow.case_id) == case_id, col(CaseEventRow.event_key) == key))
    if known.first() is not None:
        return False
    body = event.model_dump(mode="json")
    session.add(CaseEventRow(case_id=case_id, event_key=key, kind=event.kind, at=event.at, body=body, recorded_at=now))
    await session.flush()
    return True


async def _follow(session: AsyncSession, case_id: str, loan_id: str, event: Event, now: datetime) -> None:
    match event:
        case PaymentReceived():
            try:
                await loans.record_payment(session, loan_id, event.payment, "case", now)
            except loans.PaymentRefused as refused:
                await _write(session, case_id, MessageIgnored(at=event.at, name="payment_received", why=str(refused)), now)
        case PaymentReversed(payment_id=payment_id):
            try:
                await loans.reverse_payment(session, payment_id, event.reason, event.reversed_at, "case", now, loan_id=loan_id)
            except (loans.PaymentUnknown, loans.ReversalConflict) as refused:
                await _write(session, case_id, MessageIgnored(at=event.at, name="payment_reversed", why=str(refused)), now)
        case HoldPlaced():
            await _place_hold(session, case_id, loan_id, event, now)
        case HoldLifted():
            await _lift_holds(session, loan_id, event, now)
        case ContactReported(attempt_id=str() as attempt_id) if await attempts.find(session, attempt_id):
            await attempts.settle(session, attempt_id, event.outcome, event.at)
        case PromiseMade():
            await _borrower_reached(session, loan_id, "the borrower promised to pay", event.at, now)
        case PlanAgreed():
            await _borrower_reached(session, loan_id, "a repayment plan was agreed", event.at, now)
        case ContactReported(party="borrower", outcome=outcome) if outcome in ANSWERED:
            await _borrower_reached(session, loan_id, "the borrower answered", event.at, now)
        case ApprovalExpired() if await session.get(ApprovalRow, event.approval_id):
            await approvals.expire(session, event.approval_id)
        case ApprovalRetracted() if await session.get(ApprovalRow, event.approval_id):
            await approvals.retract(session, ApprovalRef(case_id=case_id, approval_id=event.approval_id), event.at)
        case _:
            pass


async def _borrower_reached(session: AsyncSession, loan_id: str, why: str, at: datetime, now: datetime) -> None:
    loan = await loans.loan(session, loan_id)
    await lapses.borrower_reached(session, loan.borrower_id, why, at, now)


async def _place_hold(session: AsyncSession, case_id: str, loan_id: str, event: HoldPlaced, now: datetime) -> None:
    """A hold that the ledger has already, because whoever placed it told the ledger first, is the same one."""
    found = await session.exec(
        select(HoldRow).where(
            col(HoldRow.loan_id) == loan_id,
            col(HoldRow.reason) == event.reason,
            col(HoldRow.placed_at) <= event.at,
            col(HoldRow.lifted_at).is_(None),
            col(HoldRow.person_id).is_(None),
            col(HoldRow.until).is_(None) if event.until is None else col(HoldRow.until) == event.until,
        )
    )
    never_in_force = event.until is not None and event.until <= event.at
    if found.first() is None and not never_in_force:
        session.add(HoldRow(case_id=case_id, loan_id=loan_id, reason=event.reason, placed_at=event.at, until=event.until, recorded_at=now))


async def _lift_holds(session: AsyncSession, loan_id: str, event: HoldLifted, now: datetime) -> None:
    """What reached the whole person is over for the cases of their other loans too: they are told of each reason once."""
    loan = await loans.loan(session, loan_id)
    lifted = await holds.lift(session, loan, event.reason, event.at, now)
    for reason, row_id in {row.reason: row.id for row in lifted}.items():
        for other in await holds.loans_reached(session, loan, reason):
            if other != loan_id and await cases.open_case(session, other) is not None:
                await relays.leave(session, other, Signal.HOLD_LIFTED, f"lift/{row_id}/{other}", Lift(reason=reason), now)
