"""A case told again from the ledger alone: what the pure core makes of everything that is written down about it.

The running case knows better; this is what can be said while it does not answer, and it says which steps of the ladder are behind and which lie ahead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from pydantic import TypeAdapter
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.activities.case import rest_days
from arrears.domain.apply import apply_all
from arrears.domain.calendar import LadderCalendar
from arrears.domain.case import Case
from arrears.domain.case import open_case as begin
from arrears.domain.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalRetracted,
    Event,
    HoldPlaced,
    OpeningFacts,
    Placed,
    Recalled,
    StepDeferred,
    StepTaken,
)
from arrears.domain.loan import Instalment
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Strategy
from arrears.domain.verdict import Effect
from arrears.ledger import loans
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    CaseEventRow,
    CaseRow,
    HoldRow,
    InstalmentRow,
    PaymentRow,
    ReferralRow,
    TaskRow,
    VerdictRow,
)

_Row = TypeVar("_Row", ApprovalRow, AttemptRow, CaseEventRow, HoldRow, ReferralRow, TaskRow, VerdictRow)
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


async def retold(session: AsyncSession, row: CaseRow, strategy: Strategy) -> Case | None:
    """The case as the ledger's rows tell it, by the strategy that it runs by; none if the borrower's zone is not known."""
    borrower = await loans.borrower(session, row.loan_id)
    if borrower.zone is None:
        return None
    case = begin(
        await _facts(session, row, borrower.id),
        strategy,
        LadderCalendar(zone=borrower.zone, rest_days=rest_days(strategy, borrower.zone, row.opened_at)),
    )
    return apply_all(case, sorted(await _events(session, row), key=lambda event: event.at))


async def _facts(session: AsyncSession, row: CaseRow, borrower_id: str) -> OpeningFacts:
    loan = await loans.loan(session, row.loan_id)
    counted = await session.exec(select(PaymentRow).where(col(PaymentRow.payment_id).in_(row.payments_counted)))
    held = await session.exec(select(HoldRow).where(col(HoldRow.case_id) == row.id, col(HoldRow.placed_at) == row.opened_at))
    return OpeningFacts(
        case_id=row.id,
        loan_id=loan.id,
        borrower_id=borrower_id,
        product=loan.product,
        currency=loan.currency,
        instalments=tuple(_unpaid(await loans.instalments(session, loan.id), sum((payment.amount for payment in counted), Decimal(0)))),
        payments_counted=tuple(row.payments_counted),
        opened_at=row.opened_at,
        held_for=next((hold.reason for hold in held), None),
    )


def _unpaid(due: Sequence[InstalmentRow], paid: Decimal) -> Iterator[Instalment]:
    """What was left of each instalment when the case opened."""
    for row in due:
        settled = min(paid, row.amount)
        paid -= settled
        if row.amount > settled:
            yield Instalment(due_on=row.due_on, amount=row.amount - settled)


async def _events(session: AsyncSession, row: CaseRow) -> list[Event]:
    """What the case heard, and what its steps left behind, as events."""
    asked = await _of(session, ApprovalRow, row)
    steps_asked = {approval.step for approval in asked}
    told = [_EVENT.validate_python(event.body) for event in await _of(session, CaseEventRow, row)]
    attempts = {attempt.id: attempt for attempt in await _of(session, AttemptRow, row)}
    heard = {(event.reason, event.at) for event in told if isinstance(event, HoldPlaced)}
    return [
        *told,
        *(event for attempt in attempts.values() for event in _attempt(row.id, attempt)),
        *(
            event
            for verdict in await _of(session, VerdictRow, row)
            if verdict.attempt_id not in attempts
            for event in _verdict(row.id, verdict, steps_asked)
        ),
        *(event for approval in asked for event in _approval(approval)),
        *(_done(task.step, task.opened_at) for task in await _of(session, TaskRow, row)),
        *(event for referral in await _of(session, ReferralRow, row) for event in _referral(referral)),
        *(
            HoldPlaced(at=hold.placed_at, reason=hold.reason, until=hold.lifted_at or hold.until)
            for hold in await _of(session, HoldRow, row)
            if (hold.reason, hold.placed_at) not in heard
        ),
    ]


async def _of(session: AsyncSession, table: type[_Row], row: CaseRow) -> Sequence[_Row]:
    return (await session.exec(select(table).where(col(table.case_id) == row.id).order_by(col(table.id)))).all()


def _attempt(case_id: str, row: AttemptRow) -> Iterator[Event]:
    if row.state is AttemptState.CANCELLED:
        return
    yield StepTaken(
        at=row.settled_at or row.sent_at or row.reserved_at,
        step=row.id.removeprefix(f"{case_id}/"),
        outcome=row.outcome or Outcome.UNKNOWN,
        attempt_id=row.id,
        channel=row.channel,
    )


def _verdict(case_id: str, row: VerdictRow, steps_asked: Collection[str]) -> Iterator[Event]:
    """What put a contact off or ended it before anything left. A step about others for which nobody was asked is over with the last of them."""
    step = row.attempt_id.removeprefix(f"{case_id}/")
    match row.verdict:
        case Effect.DEFER if row.until is not None:
            yield StepDeferred(at=row.decided_at, step=step, until=row.until, rules=tuple(row.rules))
        case Effect.DENY:
            whole = step.partition("/")[0]
            yield StepTaken(at=row.decided_at, step=step if whole in steps_asked else whole, outcome=Outcome.DENIED, rules=tuple(row.rules))
        case _:
            return


def _approval(row: ApprovalRow) -> Iterator[Event]:
    yield ApprovalAsked(at=row.asked_at, approval_id=row.id, step=row.step, remind_at=row.remind_at, deadline=row.deadline)
    match row.state:
        case ApprovalState.APPROVED | ApprovalState.DENIED if row.decided_at is not None and row.decided_by is not None:
            decision = "approve" if row.state is ApprovalState.APPROVED else "deny"
            yield ApprovalDecided(at=row.decided_at, approval_id=row.id, decision=decision, operator=row.decided_by)
        case ApprovalState.VOID if row.void_at is not None:
            yield ApprovalRetracted(at=row.void_at, approval_id=row.id)
        case _:
            return


def _done(step: str, at: datetime) -> StepTaken:
    return StepTaken(at=at, step=step, outcome=Outcome.DONE)


def _referral(row: ReferralRow) -> Iterator[Event]:
    yield _done(row.step, row.sent_at)
    if row.agency is None:
        return
    yield Placed(at=row.sent_at, placement_id=row.id, agency=row.agency, until=row.until or row.sent_at)
    if row.recalled_at is not None:
        yield Recalled(at=row.recalled_at, placement_id=row.id)
