"""Where a case stands: what the ledger knows, and what the running case itself says. By ids, without anybody's name or address.

Names and texts are asked for by themselves (``operations.personal``), by whom may read them, and every such reading is written down.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from arrears.api.cases import TemporalAway
from arrears.api.house import House
from arrears.api.operations.tasks import TaskNow, task_now
from arrears.api.operations.telling import known_loan
from arrears.domain.calendar import local_date
from arrears.domain.events import Event, PlanAgreed, PlanBroken, PromiseJudged, PromiseMade
from arrears.domain.holds import ends_at
from arrears.domain.loan import Instalment
from arrears.domain.money import Amount
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral
from arrears.ledger import approvals, attempts, holds, loans, stages, work
from arrears.ledger.approvals import OpenRequest
from arrears.ledger.tables import (
    AttemptRow,
    AttemptState,
    CaseEventRow,
    CaseOutcome,
    CaseRow,
    LenderKind,
    LoanRow,
    PaymentReversalRow,
    PaymentRow,
    PersonRow,
    ReferralRow,
    ReferralState,
    RelationRow,
)
from arrears.workflows import asking
from arrears.workflows.contract import CaseView

ANSWER_WITHIN = timedelta(seconds=2)
_RECENT = 20
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_WORDS = ("promise_made", "promise_judged", "plan_agreed", "plan_broken")


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class LoanNow(_Shown):
    """The loan and what is overdue of it, on the borrower's day in their ``zone``; in UTC if that is not known.

    ``due_since`` is the day on which the oldest unpaid instalment falls due, also if that lies ahead.
    """

    loan_id: str
    borrower_id: str
    lender: str
    lender_kind: LenderKind | None
    product: str
    currency: str
    strategy: str
    annual_cost: Amount | None
    limitation_ends_on: date | None
    owed: Amount
    due_since: date | None
    days_past_due: int
    zone: str | None


class CaseRun(_Shown):
    """One run of the loan through a ladder. ``stage`` is one word for what it is doing, or how it ended."""

    case_id: str
    strategy: str
    strategy_version: int
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    outcome: CaseOutcome | None
    stage: str


class PaymentNow(_Shown):
    """A payment, and whether the bank took it back."""

    payment_id: str
    amount: Amount
    received_at: AwareDatetime
    value_date: date | None
    source: str
    reversed_at: AwareDatetime | None
    why_reversed: str | None


class HoldNow(_Shown):
    """A hold that stands. ``ends_at``: when it ends by itself, if it does; ``loan_id`` is another one's if it was placed there and reaches the person."""

    hold_id: str
    loan_id: str
    person_id: str
    reason: str
    placed_at: AwareDatetime
    ends_at: AwareDatetime | None
    reaches_the_person: bool
    part: Amount | None
    agency: str | None


class PromiseNow(_Shown):
    """A promise; ``kept`` says what came of it, once that is known."""

    made_at: AwareDatetime
    amount: Amount
    due_on: date
    kept: bool | None = None


class PlanNow(_Shown):
    """The last plan that was agreed."""

    agreed_at: AwareDatetime
    instalments: tuple[Instalment, ...]
    broken_at: AwareDatetime | None = None


class PlacementNow(_Shown):
    """An institution that has, or had, the case or a fact about it."""

    placement_id: str
    target: Referral
    agency: str | None
    state: ReferralState
    sent_at: AwareDatetime
    until: AwareDatetime | None
    recalled_at: AwareDatetime | None


class ContactNow(_Shown):
    """An attempt to reach somebody."""

    attempt_id: str
    at: AwareDatetime
    person_id: str
    channel: Channel
    purpose: Purpose
    message: str
    state: AttemptState
    outcome: Outcome | None
    approval_id: str | None


class RunningNow(_Shown):
    """What the running case says of itself, or why it does not: nobody answers, none runs, it is just starting, or its workflow failed."""

    state: Literal["answers", "away", "none", "starting", "failed"]
    says: CaseView | None = None
    why: str | None = None


class CaseNow(_Shown):
    """Everything about a loan's case that can be shown without naming anybody. ``case`` is the open case, else the last; none if there never was one."""

    loan: LoanNow
    case: CaseRun | None
    earlier: tuple[CaseRun, ...]
    instalments: tuple[Instalment, ...]
    payments: tuple[PaymentNow, ...]
    holds: tuple[HoldNow, ...]
    promises: tuple[PromiseNow, ...]
    plan: PlanNow | None
    approvals: tuple[OpenRequest, ...]
    tasks: tuple[TaskNow, ...]
    placements: tuple[PlacementNow, ...]
    contacts: tuple[ContactNow, ...]
    running: RunningNow


async def view(here: House, loan_id: str) -> CaseNow:
    """Where the loan's case stands. Raises ``Problem`` (404)."""
    running = asyncio.create_task(_running(here, loan_id))
    try:
        async with here.ledger.reading() as session:
            await known_loan(session, loan_id)
            known = await _known(session, loan_id, here.now())
        return known.model_copy(update={"running": await running})
    finally:
        running.cancel()


async def _known(session: AsyncSession, loan_id: str, now: datetime) -> CaseNow:
    loan = await loans.loan(session, loan_id)
    runs = await _runs(session, loan_id, now)
    current = runs[-1] if runs else None
    promises, plan = await _words(session, current.case_id) if current else ((), None)
    due = await loans.instalments(session, loan_id)
    return CaseNow(
        loan=await _loan(session, loan, now),
        case=current,
        earlier=tuple(runs[:-1]),
        instalments=tuple(Instalment(due_on=row.due_on, amount=row.amount) for row in due),
        payments=await _payments(session, loan_id),
        holds=await _holds(session, loan, now),
        promises=promises,
        plan=plan,
        approvals=tuple(await approvals.open_approvals(session, now, loan_id)),
        tasks=tuple(task_now(row, result) for row, result in await work.tasks(session, loan_id=loan_id, still_open=False)),
        placements=await _placements(session, loan_id),
        contacts=await _contacts(session, loan_id),
        running=RunningNow(state="none"),
    )


async def _loan(session: AsyncSession, loan: LoanRow, now: datetime) -> LoanNow:
    borrower = await session.get_one(PersonRow, loan.borrower_id)
    today = local_date(now, borrower.zone or "UTC")
    owed = await loans.arrears(session, loan.id, today)
    overdue = owed.due_since is not None and owed.due_since < today
    return LoanNow(
        loan_id=loan.id,
        borrower_id=loan.borrower_id,
        lender=loan.lender,
        lender_kind=loan.lender_kind,
        product=loan.product,
        currency=loan.currency,
        strategy=loan.strategy,
        annual_cost=loan.annual_cost,
        limitation_ends_on=loan.limitation_ends_on,
        owed=owed.amount,
        due_since=owed.due_since,
        days_past_due=(today - owed.due_since).days if overdue and owed.due_since else 0,
        zone=borrower.zone,
    )


async def _runs(session: AsyncSession, loan_id: str, now: datetime) -> list[CaseRun]:
    rows = (await session.exec(select(CaseRow).where(col(CaseRow.loan_id) == loan_id).order_by(col(CaseRow.cycle)))).all()
    return [
        CaseRun(
            case_id=row.id,
            strategy=row.strategy,
            strategy_version=row.strategy_version,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            outcome=row.outcome,
            stage=stages.stage(await stages.standing(session, row, now)),
        )
        for row in rows
    ]


def booked_payments(loan_id: str) -> Select[PaymentRow, PaymentReversalRow]:
    """The query for a loan's payments, each with its reversal if it was taken back."""
    taken_back = col(PaymentReversalRow.payment_id) == col(PaymentRow.payment_id)
    return (
        select(PaymentRow, PaymentReversalRow).join(PaymentReversalRow, taken_back, isouter=True).where(col(PaymentRow.loan_id) == loan_id)
    )


async def _payments(session: AsyncSession, loan_id: str) -> tuple[PaymentNow, ...]:
    asked = booked_payments(loan_id).order_by(col(PaymentRow.received_at), col(PaymentRow.payment_id))
    return tuple(payment_now(row, taken_back) for row, taken_back in await session.exec(asked))


def payment_now(row: PaymentRow, taken_back: PaymentReversalRow | None) -> PaymentNow:
    """A payment as it is booked, with its reversal."""
    return PaymentNow(
        payment_id=row.payment_id,
        amount=row.amount,
        received_at=row.received_at,
        value_date=row.value_date,
        source=row.source,
        reversed_at=taken_back.reversed_at if taken_back else None,
        why_reversed=taken_back.reason if taken_back else None,
    )


async def _holds(session: AsyncSession, loan: LoanRow, now: datetime) -> tuple[HoldNow, ...]:
    tied = (await session.exec(select(RelationRow.person_id).where(col(RelationRow.loan_id) == loan.id))).all()
    shown: list[HoldNow] = []
    for standing in await holds.concerning(session, loan, {loan.borrower_id, *tied}, now):
        if not standing.stands(now):
            continue
        seen = standing.seen_from(loan.id, now)
        shown.append(
            HoldNow(
                hold_id=standing.hold_id,
                loan_id=standing.row.loan_id,
                person_id=standing.person_id,
                reason=seen.reason,
                placed_at=standing.row.placed_at,
                ends_at=ends_at(seen),
                reaches_the_person=holds.reaches_the_person(seen.reason),
                part=seen.part,
                agency=seen.agency,
            )
        )
    return tuple(shown)


async def _words(session: AsyncSession, case_id: str) -> tuple[tuple[PromiseNow, ...], PlanNow | None]:
    """What was promised and agreed in a case, and what became of it."""
    rows = await session.exec(
        select(CaseEventRow)
        .where(col(CaseEventRow.case_id) == case_id, col(CaseEventRow.kind).in_(_WORDS))
        .order_by(col(CaseEventRow.at), col(CaseEventRow.id))
    )
    promises: list[PromiseNow] = []
    plan: PlanNow | None = None
    for row in rows:
        match _EVENT.validate_python(row.body):
            case PromiseMade(at=at, amount=amount, due_on=due_on):
                if not any(_stands(promise, amount, due_on) for promise in promises):
                    promises.append(PromiseNow(made_at=at, amount=amount, due_on=due_on))
            case PromiseJudged(amount=amount, due_on=due_on, kept=kept):
                promises = [p.model_copy(update={"kept": kept}) if _stands(p, amount, due_on) else p for p in promises]
            case PlanAgreed(at=at, instalments=instalments):
                plan = PlanNow(agreed_at=at, instalments=instalments)
            case PlanBroken(at=at) if plan is not None:
                plan = plan.model_copy(update={"broken_at": at})
            case _:
                pass
    return tuple(promises), plan


def _stands(promise: PromiseNow, amount: Amount, due_on: date) -> bool:
    """Whether it is this promise, and nobody has judged it yet."""
    return (promise.amount, promise.due_on, promise.kept) == (amount, due_on, None)


async def _placements(session: AsyncSession, loan_id: str) -> tuple[PlacementNow, ...]:
    found = await session.exec(
        select(ReferralRow).where(col(ReferralRow.loan_id) == loan_id).order_by(col(ReferralRow.sent_at), col(ReferralRow.id))
    )
    return tuple(
        PlacementNow(
            placement_id=row.id,
            target=row.target,
            agency=row.agency,
            state=row.state,
            sent_at=row.sent_at,
            until=row.until,
            recalled_at=row.recalled_at,
        )
        for row in found
    )


async def _contacts(session: AsyncSession, loan_id: str) -> tuple[ContactNow, ...]:
    """The last attempts, the newest first."""
    rows = (await attempts.history(session, loan_id))[-_RECENT:]
    return tuple(map(contact_now, reversed(rows)))


def contact_now(row: AttemptRow) -> ContactNow:
    """An attempt as it stands."""
    return ContactNow(
        attempt_id=row.id,
        at=row.sent_at or row.reserved_at,
        person_id=row.person_id,
        channel=row.channel,
        purpose=row.purpose,
        message=row.message,
        state=row.state,
        outcome=row.outcome,
        approval_id=row.approval_id,
    )


async def _running(here: House, loan_id: str) -> RunningNow:
    """What the running case says, if it does so quickly."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            says = await asking.view(await here.cases.client(), loan_id, ANSWER_WITHIN, tries=1)
    except asking.NoSuchCase as none:
        return RunningNow(state="none", why=none.why)
    except asking.NotReadyYet as early:
        return RunningNow(state="starting", why=early.why)
    except asking.CaseFailed as failed:
        return RunningNow(state="failed", why=failed.why)
    except (asking.CaseProblem, TemporalAway) as away:
        return RunningNow(state="away", why=str(away))
    except TimeoutError:
        return RunningNow(state="away", why=f"the case did not answer within {ANSWER_WITHIN.total_seconds():.0f} seconds")
    return RunningNow(state="answers", says=says)
