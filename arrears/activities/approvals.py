"""Humans asked for their yes: about whom, on what evidence, and what becomes of the request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from arrears.activities.contact import most_lenient
from arrears.activities.means import Means, law, refusal
from arrears.activities.writing import write
from arrears.domain.compliance import Verdict, decide
from arrears.domain.facts import Facts, Grant, Proposal, Relation
from arrears.domain.orders import ApprovalAnswer, ApprovalOrder, ApprovalRef, DecisionCheck, DecisionOrder, Done, Purpose
from arrears.domain.rules import MONEY_OWED, USABLE_POINT, Effect, Finding
from arrears.domain.strategy import Channel, Line, Slug
from arrears.ledger import approvals, attempts, contact_facts, loans
from arrears.ledger.contact_facts import LoanScene, PersonScene
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.tables import PersonRow, RelationRow

_CLOSEST_FIRST = (Relation.EMERGENCY, Relation.CONTACT, Relation.SPOUSE, Relation.JOINT, Relation.GUARANTOR)


async def request_approval(means: Means, order: ApprovalOrder) -> ApprovalAnswer:
    """Put a step before the operators, unless the rules deny it whatever a human says. Asking again finds the request that stands.

    For relatives, those are named whom an approval would let us contact, the closest first; each is bound to the text that they would get.
    """
    now = means.now()
    try:
        async with means.ledger.exclusive() as session:
            known = await contact_facts.read_grant(session, order.approval_id)
            if known is not None:
                return ApprovalAnswer(approval_id=order.approval_id, asked=True, at=now, people=tuple(sorted(known.contents)))
            scene = await contact_facts.read_loan(session, order.case_id, order.loan_id, now, means.ordered())
            if order.purpose is None or order.channel is None or order.message is None:
                contents, rules = {}, _nothing_owed(session, means, order, scene)
            else:
                contents, rules = await _candidates(session, means, order, scene, order.purpose, order.channel, order.message)
            if rules:
                return ApprovalAnswer(approval_id=order.approval_id, asked=False, at=now, rules=rules)
            people = await approvals.ask(session, order, contents=contents, evidence=_evidence(order, scene), now=now)
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    activity.logger.info("approval %s: asked of %s", order.approval_id, order.role)
    return ApprovalAnswer(approval_id=order.approval_id, asked=True, at=now, people=people)


async def remind_approvers(means: Means, ref: ApprovalRef) -> Done:
    """Note on the request that its operators are reminded, which puts it in front of them."""
    now = means.now()
    try:
        async with means.ledger.exclusive() as session:
            still_open = await approvals.remind(session, ref.approval_id, now)
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    if still_open:
        activity.logger.warning("approval %s still waits for a decision", ref.approval_id)
    return Done(at=now)


async def check_decision(means: Means, order: DecisionOrder) -> DecisionCheck:
    """Whether a decision counts; if it does, it is written down."""
    async with means.ledger.exclusive() as session:
        return await approvals.check_decision(session, order, means.now())


async def retract_approval(means: Means, ref: ApprovalRef) -> Done:
    """Make a request or a grant void."""
    now = means.now()
    try:
        async with means.ledger.exclusive() as session:
            await approvals.retract(session, ref, now)
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    return Done(at=now)


async def _candidates(
    session: AsyncSession, means: Means, order: ApprovalOrder, scene: LoanScene, purpose: Purpose, channel: Channel, message: Slug
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Whom an approval would let us contact, with the hash of the text for each; if nobody, the rules that stand against all of them."""
    contents: dict[str, str] = {}
    against: list[str] = []
    related = await loans.relatives(session, scene.loan.id)
    for _, person in sorted(related, key=_closeness):
        if len(contents) == order.most_people:
            break
        of_person = await contact_facts.read_person(session, scene, person.id, channel, Line.REGISTERED)
        facts, verdict = _if_approved(means, order, scene, of_person, purpose, channel, message)
        if verdict.effect is Effect.DENY or facts.proposal.content_hash is None:
            attempts.judged(session, facts, verdict, law(means, means.regime()), scene.now)
            against.extend(verdict.rules)
        else:
            contents[person.id] = facts.proposal.content_hash
    if not contents and not against:
        against.extend(_denied(session, means, order, scene, USABLE_POINT.rule, "nobody is named for this loan", "a relative or friend"))
    return contents, () if contents else tuple(dict.fromkeys(against))


def _closeness(related: tuple[RelationRow, PersonRow]) -> tuple[int, str]:
    return _CLOSEST_FIRST.index(related[0].role), related[1].id


def _if_approved(
    means: Means, order: ApprovalOrder, scene: LoanScene, person: PersonScene, purpose: Purpose, channel: Channel, message: Slug
) -> tuple[Facts, Verdict]:
    """What the rules would say if a human had approved right now. What stands against it for the moment only, such as the hour, is no reason not to ask."""
    words = write(means, scene, person, message, ())
    proposal = Proposal(
        case_id=order.case_id,
        attempt_id=f"{order.case_id}/{order.step}/{person.person.id}",
        channel=channel,
        purpose=purpose,
        message=message,
        message_class=words.klass if words else None,
        content_hash=words.content_hash if words else None,
    )
    granted = Grant(
        approval_id=order.approval_id,
        case_id=order.case_id,
        step=order.step,
        state="approved",
        role=order.role,
        purpose=purpose,
        contents={person.person.id: words.content_hash if words else ""},
        decided_at=scene.now,
    )
    options = [
        option.model_copy(update={"holds": (), "unheard": ()}) for option in contact_facts.assemble(scene, person, proposal, granted)
    ]
    regime = means.regime()
    facts, verdict = most_lenient([(option, decide(option, regime, scene.now)) for option in options])
    return facts.model_copy(update={"grant": None}), verdict


def _nothing_owed(session: AsyncSession, means: Means, order: ApprovalOrder, scene: LoanScene) -> tuple[str, ...]:
    if scene.owed.amount > 0:
        return ()
    return _denied(session, means, order, scene, MONEY_OWED.rule, f"{scene.owed.amount:f} {scene.owed.currency} overdue", "more than 0")


def _denied(
    session: AsyncSession, means: Means, order: ApprovalOrder, scene: LoanScene, rule: str, observed: str, limit: str
) -> tuple[str, ...]:
    """A request that is no use, before anybody in particular was considered: that too is a verdict."""
    verdict = Verdict(effect=Effect.DENY, findings=(Finding(rule=rule, effect=Effect.DENY, observed=observed, limit=limit),))
    digest = hashlib.sha256(order.model_dump_json().encode()).hexdigest()
    attempts.write_verdict(
        session,
        verdict,
        law(means, means.regime()),
        scene.now,
        attempt_id=f"{order.case_id}/{order.step}",
        case_id=order.case_id,
        facts_hash=digest,
    )
    return verdict.rules


def _evidence(order: ApprovalOrder, scene: LoanScene) -> dict[str, Any]:
    """What the human is shown to decide on: ids, dates, amounts and outcomes, nobody's name or number."""
    arrears = scene.arrears
    return {
        "loan_id": scene.loan.id,
        "owed": f"{arrears.amount:f} {scene.loan.currency}",
        "due_since": arrears.due_since.isoformat() if arrears.due_since else None,
        "days_past_due": (scene.today - arrears.due_since).days if arrears.due_since else 0,
        "payments": len(scene.payments),
        "channel": order.channel,
        "purpose": order.purpose,
        "message": order.message,
        "referral": order.referral,
        "calls": [{"at": call.at.isoformat(), "outcome": call.outcome} for call in _latest(scene.reach.calls)],
        "numbers_valid": list(scene.reach.numbers),
        "last_sign_at": scene.reach.last_sign_at.isoformat() if scene.reach.last_sign_at else None,
    }


def _latest(calls: Iterable[Any]) -> list[Any]:
    return list(calls)[-10:]
