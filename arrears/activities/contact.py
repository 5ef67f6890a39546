"""The one path of every contact: reserve, send, settle.

reserve   one transaction: facts, verdict, slot. Whatever forbids the contact was written before it, or comes too late. A retry finds its own slot, and
          is judged anew as long as nothing can have left.
send      under the attempt's id. What may have left before is first asked about at the gateway, never just sent again.
settle    the outcome. A call's activity waits for it without occupying the worker; what nobody can tell counts as made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from arrears.activities.means import Means, is_last_attempt, later, refusal
from arrears.activities.writing import write
from arrears.config.messages import Rendered
from arrears.domain.content import Block
from arrears.domain.message import purpose_of
from arrears.domain.orders import ContactOrder, ContactReport, Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.situation import ContactAction, Message, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Effect, Verdict
from arrears.gateways.contract import Gateway, GatewayFinal, GatewayRetryable, Outgoing, Receipt
from arrears.ledger import attempts, contact_facts, situations
from arrears.ledger.contact_facts import LoanScene, PersonScene
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.tables import AttemptRow, AttemptState, ContactPointRow


@dataclass(frozen=True)
class _Reserved:
    """The slot is ours and nothing has left, though from here on it counts as if it had: this is to be sent."""

    gateway: Gateway
    outgoing: Outgoing


@dataclass(frozen=True)
class _InDoubt:
    """The attempt was handed to the gateway before, and nobody here knows what became of it."""

    gateway: Gateway


async def contact(means: Means, order: ContactOrder) -> ContactReport:
    """Reach one person once, if everything allows it at this moment; see ``ContactReport`` for the answers.

    Raises a retryable ``ApplicationError`` if the gateway has to be asked again later, a final one if the order names what does not exist.
    """
    now = means.now()
    place = await _reserve(means, order, now)
    if isinstance(place, _InDoubt):
        receipt = await _ask(order, place.gateway, now)
        if receipt is not None:
            return await _follow(means, order, receipt, now)
        place = await _reserve(means, order, now, never_taken=True)
    match place:
        case ContactReport():
            return place
        case _Reserved():
            return await _send(means, order, place, now)
        case _InDoubt():
            raise _in_other_hands(order)


async def _reserve(means: Means, order: ContactOrder, now: datetime, *, never_taken: bool = False) -> ContactReport | _Reserved | _InDoubt:
    """Judge the contact and take its slot, in one transaction. ``never_taken``: the gateway has just said that it does not know the attempt."""
    gateway = means.gateways.channel(order.channel)
    try:
        async with means.ledger.exclusive() as session:
            scene = await contact_facts.read_loan(session, order.case_id, order.loan_id, now, means.ordered())
            person = await contact_facts.read_person(session, scene, order.person_id, order.channel, order.line)
            known = await attempts.find(session, order.attempt_id)
            match known:
                case AttemptRow(state=AttemptState.SETTLED):
                    return attempts.report(known, now)
                case AttemptRow(state=AttemptState.SENT) if gateway is None:
                    return (await attempts.settle(session, known.id, Outcome.UNKNOWN, now)).report
                case AttemptRow(state=AttemptState.SENT) if not never_taken and gateway is not None:
                    return _InDoubt(gateway)
                case _:
                    used = known.contact_point_id if known else None
                    return await _judge(session, means, order, scene, person.starting_with(used), gateway)
    except LedgerRefusal as refused:
        raise refusal(refused) from None


async def _judge(
    session: AsyncSession, means: Means, order: ContactOrder, scene: LoanScene, person: PersonScene, gateway: Gateway | None
) -> ContactReport | _Reserved:
    words = write(means, scene, person, order.message, order.channel, order.offers)
    approval = await situations.approval(session, order.approval_id)
    known = await situations.known(session, scene, means.office(), attempt_id=order.attempt_id)
    options = [known.situation(propose(means, order, person, words, point), approval) for point in person.points or (None,)]
    situation, verdict = most_lenient([(option, means.judge(option)) for option in options])
    attempts.judged(session, situation, verdict, means.settings.clock)
    if verdict.effect is not Effect.ALLOW or words is None:
        # A slot whose attempt was handed over stays taken: it may yet turn out to have left.
        await attempts.cancel_reserved(session, order.attempt_id, scene.now)
        return _refusal(order, scene, verdict)
    await attempts.reserve(session, situation, _content(means, order, person, words))
    if gateway is None:
        return (await attempts.settle(session, order.attempt_id, Outcome.NOT_SENT, scene.now)).report
    token = activity.info().task_token if order.channel is Channel.CALL else None
    await attempts.mark_sent(session, order.attempt_id, scene.now, token)
    point = next(p for p in person.points if str(p.id) == situation.contact.contact_point)
    return _Reserved(gateway, _outgoing(means, order, words, situation.contact.purpose, person.address(point), gateway, scene.now))


def propose(means: Means, order: ContactOrder, person: PersonScene, words: Rendered | None, point: ContactPointRow | None) -> ContactAction:
    """The contact as the law sees it. Why a borrower is contacted, the message says; why somebody else is, the order."""
    to_borrower = person.person.id == person.borrower.id
    return ContactAction(
        action_id=order.attempt_id,
        channel=order.channel,
        loan=order.loan_id,
        recipient=person.person.id,
        purpose=purpose_of(words.klass) if words and to_borrower else order.purpose,
        contact_point=str(point.id) if point else None,
        message=_message(order, words) if words else None,
        case_id=order.case_id,
        approval=order.approval_id,
        artificial_voice=order.channel is Channel.CALL and means.settings.artificial_voice,
        verified_person=Block.RIGHT_PARTY_CHECK in words.blocks if words and order.channel is Channel.CALL else None,
    )


def _message(order: ContactOrder, words: Rendered) -> Message:
    return Message.model_validate(
        {
            "class": words.klass,
            "text": words.text,
            "subject": words.subject,
            "html": words.html,
            "names": words.names,
            "known": words.known,
            "content_hash": words.content_hash,
            "template": order.message,
            "locale": words.locale,
            "blocks": words.blocks,
            "notice": words.notice,
        }
    )


def _content(means: Means, order: ContactOrder, person: PersonScene, words: Rendered) -> attempts.Content:
    return attempts.Content(
        text=person.seal_text(words.text),
        content_hash=words.content_hash,
        message=order.message,
        klass=words.klass,
        notice=words.notice,
        locale=words.locale,
        artificial_voice=means.settings.artificial_voice if order.channel is Channel.CALL else None,
    )


def most_lenient(judged: list[tuple[Situation, Verdict]]) -> tuple[Situation, Verdict]:
    """Of several addresses the one that may be used, or may be used soonest; the first one if they are equal."""
    return min(judged, key=lambda j: (j[1].effect.severity, j[1].until.timestamp() if j[1].until else 0.0))


def _refusal(order: ContactOrder, scene: LoanScene, verdict: Verdict) -> ContactReport:
    activity.logger.info("contact %s: %s by %s", order.attempt_id, verdict.effect, ", ".join(verdict.rules))
    if verdict.effect is Effect.DEFER:
        return ContactReport(attempt_id=order.attempt_id, at=scene.now, verdict="defer", until=verdict.until, rules=verdict.rules)
    return ContactReport(attempt_id=order.attempt_id, at=scene.now, verdict="deny", rules=verdict.rules, news=scene.news.events)


def _outgoing(
    means: Means, order: ContactOrder, words: Rendered, purpose: Purpose, address: str, gateway: Gateway, now: datetime
) -> Outgoing:
    return Outgoing(
        key=order.attempt_id,
        channel=order.channel,
        to=address,
        text=words.text,
        subject=words.subject,
        html=words.html,
        language=words.locale,
        purpose=purpose,
        requested_at=now,
        callback_url=means.settings.callback_url(gateway.name),
    )


async def _send(means: Means, order: ContactOrder, place: _Reserved, now: datetime) -> ContactReport:
    try:
        receipt = await place.gateway.send(place.outgoing)
    except GatewayRetryable as error:
        return await _failed_to_send(means, order, error, now)
    except GatewayFinal as error:
        activity.logger.warning("contact %s: %s", order.attempt_id, error)
        return await _settle(means, order, Outcome.FAILED, now)
    return await _follow(means, order, receipt, now)


async def _ask(order: ContactOrder, gateway: Gateway, now: datetime) -> Receipt | None:
    """What became of an attempt that was handed over before; ``None`` if the gateway never took it."""
    try:
        return await gateway.look_up(order.attempt_id)
    except GatewayRetryable as error:
        if not is_last_attempt():
            raise later(error) from None
        activity.logger.warning("contact %s: %s at the last attempt", order.attempt_id, error)
    except GatewayFinal as error:
        activity.logger.warning("contact %s: %s", order.attempt_id, error)
    return Receipt(status="final", outcome=Outcome.UNKNOWN, at=now)


async def _failed_to_send(means: Means, order: ContactOrder, error: GatewayRetryable, now: datetime) -> ContactReport:
    if not error.maybe_sent:
        async with means.ledger.exclusive() as session:
            await attempts.mark_unsent(session, order.attempt_id)
    if not is_last_attempt():
        raise later(error) from None
    activity.logger.warning("contact %s: %s at the last attempt", order.attempt_id, error)
    return await _settle(means, order, Outcome.UNKNOWN if error.maybe_sent else Outcome.FAILED, now)


async def _follow(means: Means, order: ContactOrder, receipt: Receipt, now: datetime) -> ContactReport:
    """What the gateway's word means for the activity: the end of it, or for a call that it waits for the outcome."""
    if receipt.status == "final":
        return await _settle(means, order, receipt.outcome or Outcome.UNKNOWN, receipt.at or now, receipt.gateway_ref)
    if order.channel is not Channel.CALL:
        async with means.ledger.exclusive() as session:
            return attempts.report(await attempts.taken(session, order.attempt_id, receipt.gateway_ref), now)
    if is_last_attempt():
        # Nobody would read what a later callback tells this activity: the callback then goes to the case as a message.
        return await _settle(means, order, Outcome.UNKNOWN, now, receipt.gateway_ref)
    async with means.ledger.exclusive() as session:
        row = await attempts.taken(session, order.attempt_id, receipt.gateway_ref, activity.info().task_token)
    if row.state is not AttemptState.SETTLED:
        activity.raise_complete_async()
    return attempts.report(row, now)


async def _settle(means: Means, order: ContactOrder, outcome: Outcome, at: datetime, gateway_ref: str | None = None) -> ContactReport:
    async with means.ledger.exclusive() as session:
        settled = await attempts.settle(session, order.attempt_id, outcome, at, gateway_ref)
    activity.logger.info("contact %s: %s", order.attempt_id, settled.report.outcome)
    return settled.report


def _in_other_hands(order: ContactOrder) -> ApplicationError:
    """Another run of this very activity, thought dead, has gone on meanwhile: the next attempt finds out what it did."""
    return ApplicationError(f"attempt {order.attempt_id} is in other hands", type="AttemptInOtherHands")
