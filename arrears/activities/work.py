"""Work given away: tasks to humans, referrals to institutions, and their recall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from arrears.activities.means import Means, is_last_attempt, later, refusal
from arrears.domain.handover import told
from arrears.domain.orders import RecallOrder, ReferralOrder, StepReport, TaskOrder
from arrears.domain.outcome import Outcome
from arrears.domain.situation import ReferralAction
from arrears.domain.strategy import Referral
from arrears.domain.verdict import Effect
from arrears.gateways.contract import Gateway, GatewayFinal, GatewayRetryable, Handover, Receipt
from arrears.ledger import attempts, contact_facts, situations, work
from arrears.ledger.contact_facts import LoanScene
from arrears.ledger.loans import LedgerRefusal


async def assign_task(means: Means, order: TaskOrder) -> StepReport:
    """Open a task for a human, once."""
    now = means.now()
    async with means.ledger.exclusive() as session:
        row = await work.assign(session, order, now)
    return StepReport(at=row.opened_at, outcome=Outcome.DONE)


@dataclass(frozen=True)
class _Ready:
    """Everything allows it: this may be handed over."""

    gateway: Gateway
    handover: Handover


@dataclass(frozen=True)
class _InDoubt:
    """An earlier attempt may have handed it over."""

    gateway: Gateway


async def refer(means: Means, order: ReferralOrder) -> StepReport:
    """Hand a case, or a fact about it, to an institution, once, if money is owed and every human whom it needs has agreed.

    What may have been handed over before is first asked about, so that a payment since cannot make us forget who has the case.
    """
    now = means.now()
    place = await _reserve(means, order, now)
    if isinstance(place, _InDoubt):
        receipt = await _ask(order, place.gateway, now)
        if receipt is not None:
            return await _taken(means, order, receipt, now)
        await _not_taken(means, order)
        place = await _reserve(means, order, now)
    match place:
        case StepReport():
            return place
        case _InDoubt():
            raise ApplicationError(f"referral {order.referral_id} is in other hands", type="ReferralInOtherHands")
        case _Ready():
            return await _hand_over(means, order, place, now)


async def _hand_over(means: Means, order: ReferralOrder, place: _Ready, now: datetime) -> StepReport:
    try:
        receipt = await place.gateway.send(place.handover)
    except GatewayRetryable as error:
        if not error.maybe_sent:
            await _not_taken(means, order)
        if not is_last_attempt():
            raise later(error) from None
        activity.logger.warning("referral %s: %s at the last attempt", order.referral_id, error)
        return StepReport(at=now, outcome=Outcome.UNKNOWN if error.maybe_sent else Outcome.FAILED)
    except GatewayFinal as error:
        activity.logger.warning("referral %s: %s", order.referral_id, error)
        await _not_taken(means, order)
        return StepReport(at=now, outcome=Outcome.FAILED)
    return await _taken(means, order, receipt, now)


async def recall(means: Means, order: RecallOrder) -> StepReport:
    """Tell an institution that it no longer has a case, until it knows."""
    now = means.now()
    async with means.ledger.exclusive() as session:
        row = await work.referral(session, order.referral_id)
    gateway = means.gateways.referral(row.target if row else Referral.AGENCY)
    if gateway is None:
        return await _recalled(means, order, now, Outcome.NOT_SENT)
    try:
        async with means.ledger.exclusive() as session:
            scene = await contact_facts.read_loan(session, order.case_id, order.loan_id, now, means.ordered())
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    handover = _handover(means, scene, gateway, order.referral_id, row.target if row else Referral.AGENCY, order.agency)
    try:
        await gateway.send(handover.model_copy(update={"key": recall_key(order.referral_id), "recalls": order.referral_id}))
    except GatewayRetryable as error:
        raise later(error) from None
    except GatewayFinal as error:
        activity.logger.error("recall of %s: %s; tell agency %s by hand", order.referral_id, error, order.agency)
        return StepReport(at=now, outcome=Outcome.FAILED)
    return await _recalled(means, order, now, Outcome.DONE)


def recall_key(referral_id: str) -> str:
    """The idempotency key under which a referral is recalled."""
    return f"{referral_id}/recall"


async def _reserve(means: Means, order: ReferralOrder, now: datetime) -> StepReport | _Ready | _InDoubt:
    gateway = means.gateways.referral(order.to)
    try:
        async with means.ledger.exclusive() as session:
            scene = await contact_facts.read_loan(session, order.case_id, order.loan_id, now, means.ordered())
            if await work.referral(session, order.referral_id) is not None:
                return _InDoubt(gateway) if gateway else StepReport(at=now, outcome=Outcome.UNKNOWN)
            approval = await situations.approval(session, order.approval_id)
            known = await situations.known(session, scene, means.office(), agency=order.agency)
            situation = known.situation(_propose(order), approval)
            verdict = means.judge(situation)
            attempts.judged(session, situation, verdict, means.settings.clock)
            if verdict.effect is not Effect.ALLOW:
                return StepReport(at=now, outcome=Outcome.DENIED, rules=verdict.rules, news=scene.news.events)
            if gateway is None:
                return StepReport(at=now, outcome=Outcome.NOT_SENT)
            await work.hand_over(session, order, now)
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    handover = _handover(means, scene, gateway, order.referral_id, order.to, order.agency)
    return _Ready(gateway, handover.model_copy(update={"until": order.until}))


def _propose(order: ReferralOrder) -> ReferralAction:
    """The referral as the law sees it. What a ladder wants a human for, it names the approval of."""
    return ReferralAction(
        kind="referral",
        action_id=order.referral_id,
        to=order.to,
        loan=order.loan_id,
        agency=order.agency,
        fields=told(order.to),
        case_id=order.case_id,
        step=order.step,
        approval=order.approval_id,
        needs_approval=order.approval_id is not None,
    )


def _handover(means: Means, scene: LoanScene, gateway: Gateway, key: str, target: Referral, agency: str | None) -> Handover:
    return Handover(
        key=key,
        target=target,
        agency=agency,
        loan_id=scene.loan.id,
        case_id=scene.case.id,
        owed=scene.owed.amount,
        currency=scene.loan.currency,
        due_since=scene.arrears.due_since,
        requested_at=scene.now,
        callback_url=means.settings.callback_url(gateway.name),
    )


async def _ask(order: ReferralOrder, gateway: Gateway, now: datetime) -> Receipt | None:
    """What became of a handover that an earlier attempt may have made; ``None`` if the institution never got it."""
    try:
        return await gateway.look_up(order.referral_id)
    except GatewayRetryable as error:
        if not is_last_attempt():
            raise later(error) from None
        activity.logger.warning("referral %s: %s at the last attempt", order.referral_id, error)
    except GatewayFinal as error:
        activity.logger.warning("referral %s: %s", order.referral_id, error)
    return Receipt(status="final", outcome=Outcome.UNKNOWN, at=now)


async def _taken(means: Means, order: ReferralOrder, receipt: Receipt, now: datetime) -> StepReport:
    """An institution that took the case has it, whatever it says of it later; one that refused it does not."""
    match receipt.outcome:
        case Outcome.FAILED:
            await _not_taken(means, order)
            return StepReport(at=now, outcome=Outcome.FAILED)
        case Outcome.UNKNOWN:
            return StepReport(at=now, outcome=Outcome.UNKNOWN)
        case _:
            async with means.ledger.exclusive() as session:
                await work.taken(session, order.referral_id, receipt.gateway_ref)
            return StepReport(at=now, outcome=Outcome.DONE)


async def _not_taken(means: Means, order: ReferralOrder) -> None:
    async with means.ledger.exclusive() as session:
        await work.not_taken(session, order.referral_id)


async def _recalled(means: Means, order: RecallOrder, now: datetime, outcome: Outcome) -> StepReport:
    async with means.ledger.exclusive() as session:
        await work.recalled(session, order.referral_id, now)
    return StepReport(at=now, outcome=outcome)
