"""Humans asked for their yes: about whom, on what evidence, and what becomes of the request."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from arrears.activities.contact import most_lenient, propose
from arrears.activities.means import Means, refusal
from arrears.activities.writing import write
from arrears.domain.calendar import local_date
from arrears.domain.orders import ApprovalAnswer, ApprovalOrder, ApprovalRef, ContactOrder, DecisionCheck, DecisionOrder, Done, Purpose
from arrears.domain.outcome import ANSWERED
from arrears.domain.person import Person, Relation
from arrears.domain.situation import Approval, Situation
from arrears.domain.strategy import Channel, Line, Slug
from arrears.domain.verdict import Effect, Finding, Verdict
from arrears.ledger import approvals, attempts, contact_facts, situations
from arrears.ledger.contact_facts import LoanScene, PersonScene
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.situations import Known
from arrears.ledger.tables import RelationRow

_CLOSEST_FIRST = (Relation.EMERGENCY, Relation.CONTACT, Relation.SPOUSE, Relation.JOINT, Relation.GUARANTOR)
"""Whom a ladder's step for relatives may mean, in the order in which they are thought of."""

_MOST_EVIDENCE = 20
_SOMEBODY_ELSE = "somebody-else"
"""Who would approve, before anybody has."""


async def request_approval(means: Means, order: ApprovalOrder) -> ApprovalAnswer:
    """Put a step before the operators, unless the rules deny it whatever a human says. Asking again finds the request that stands.

    For relatives, those are named whom an approval would let us contact, the closest first; each is bound to the text that they would get.
    """
    now = means.now()
    try:
        async with means.ledger.exclusive() as session:
            scene = await contact_facts.read_loan(session, order.case_id, order.loan_id, now, means.ordered())
            standing = await situations.approval(session, order.approval_id)
            if standing is not None:
                return ApprovalAnswer(approval_id=order.approval_id, asked=True, at=now, people=tuple(sorted(standing.contents)))
            known = await situations.known(session, scene, means.office())
            if order.purpose is None or order.channel is None or order.message is None:
                contents, rules = {}, _nothing_owed(session, means, order, scene)
            else:
                contents, rules = await _candidates(session, means, order, scene, known, order.purpose, order.channel, order.message)
            if rules:
                return ApprovalAnswer(approval_id=order.approval_id, asked=False, at=now, rules=rules)
            people = await approvals.ask(session, order, contents=contents, evidence=_evidence(order, scene, known), now=now)
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
    session: AsyncSession,
    means: Means,
    order: ApprovalOrder,
    scene: LoanScene,
    known: Known,
    purpose: Purpose,
    channel: Channel,
    message: Slug,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Whom an approval would let us contact, with the hash of the text for each; if nobody, the rules that stand against all of them."""
    contents: dict[str, str] = {}
    against: list[str] = []
    for tie in sorted((tie for tie in scene.ties if tie.role in _CLOSEST_FIRST), key=_closeness):
        if len(contents) == order.most_people:
            break
        person = await contact_facts.read_person(session, scene, tie.person_id, channel, Line.REGISTERED)
        wanted = ContactOrder(
            case_id=order.case_id,
            loan_id=order.loan_id,
            attempt_id=f"{order.case_id}/{order.step}/{tie.person_id}",
            step=order.step,
            channel=channel,
            message=message,
            purpose=purpose,
            person_id=tie.person_id,
            approval_id=order.approval_id,
        )
        situation, verdict, content_hash = _if_approved(means, order, scene, known, person, wanted)
        if verdict.effect is Effect.DENY or content_hash is None:
            _write_down(session, means, order, situation, verdict, tie.person_id)
            against.extend(verdict.rules)
        else:
            contents[tie.person_id] = content_hash
    if not contents and not against:
        against.extend(_denied(session, means, order, scene, "AR-03", "nobody is named for this loan", "a relative or friend"))
    return contents, () if contents else tuple(dict.fromkeys(against))


def _closeness(tie: RelationRow) -> tuple[int, str]:
    return _CLOSEST_FIRST.index(tie.role), tie.person_id


def _if_approved(
    means: Means, order: ApprovalOrder, scene: LoanScene, known: Known, person: PersonScene, wanted: ContactOrder
) -> tuple[Situation, Verdict, str | None]:
    """What the law would say if a human had approved right now, with the hash of the text that they would approve.

    What stands against it for the moment only, such as the hour or a hold, is no reason not to ask.
    """
    words = write(means, scene, person, wanted.message, wanted.channel)
    granted = Approval(
        approval_id=order.approval_id,
        state="approved",
        role=order.role,
        requested_by=approvals.BY_THE_CASE,
        case_id=order.case_id,
        step=order.step,
        asked_at=scene.now,
        decided_by=_SOMEBODY_ELSE,
        decided_at=scene.now,
        purpose=order.purpose,
        contents={person.person.id: words.content_hash if words else ""},
    )
    freed = known.without_passing_obstacles()
    options = [freed.situation(propose(means, wanted, person, words, point), granted) for point in person.points or (None,)]
    situation, verdict = most_lenient([(option, means.judge(option)) for option in options])
    return situation, verdict, words.content_hash if words else None


def _write_down(session: AsyncSession, means: Means, order: ApprovalOrder, situation: Situation, verdict: Verdict, person_id: str) -> None:
    """That somebody cannot be contacted whatever a human says: there is no approval to refer to."""
    attempts.write_verdict(
        session,
        verdict,
        means.settings.clock,
        situation.at,
        attempt_id=situation.action.action_id,
        case_id=order.case_id,
        facts_hash=situation.digest,
        action=situation.about,
        person_id=person_id,
    )


def _nothing_owed(session: AsyncSession, means: Means, order: ApprovalOrder, scene: LoanScene) -> tuple[str, ...]:
    if scene.owed.amount > 0:
        return ()
    return _denied(session, means, order, scene, "AR-01", f"{scene.owed.amount:f} {scene.owed.currency} overdue", "more than 0")


def _denied(
    session: AsyncSession, means: Means, order: ApprovalOrder, scene: LoanScene, rule: str, observed: str, limit: str
) -> tuple[str, ...]:
    """A request that is no use, before anybody in particular was considered: that too is a verdict."""
    verdict = Verdict(effect=Effect.DENY, findings=(Finding(rule=rule, effect=Effect.DENY, observed=observed, limit=limit),))
    attempts.write_verdict(
        session,
        verdict,
        means.settings.clock,
        scene.now,
        attempt_id=f"{order.case_id}/{order.step}",
        case_id=order.case_id,
        facts_hash=hashlib.sha256(order.model_dump_json().encode()).hexdigest(),
        action=order.referral or "contact",
    )
    return verdict.rules


def _evidence(order: ApprovalOrder, scene: LoanScene, known: Known) -> dict[str, Any]:
    """What the human is shown to decide on: ids, dates, amounts and outcomes, nobody's name or number.

    ``lost_contact`` are the attempts to speak to the borrower since they were last reached, with the borrower's local day of each.
    """
    arrears = scene.arrears
    borrower = next(p for p in known.people if p.person_id == scene.borrower.id)
    last_reached = _last_reached(known, borrower)
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
        "deadline": _instant(order.deadline),
        "last_reached_at": _instant(last_reached) if last_reached else None,
        "lost_contact": _lost_contact(known, borrower, last_reached),
        "numbers_valid": [not point.invalid for point in borrower.contact_points if point.kind in ("mobile", "landline")],
    }


def _instant(at: datetime) -> str:
    """As every other instant stands in an answer."""
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _last_reached(known: Known, borrower: Person) -> datetime | None:
    """When the borrower last spoke to anybody, paid, promised or agreed to a plan, for whatever loan."""
    signs = [loan.last_sign_at for loan in known.loans if loan.last_sign_at is not None]
    met = [c.at for c in known.history if c.person == borrower.person_id and (c.outcome in ANSWERED or c.direction == "in")]
    return max((*signs, *met), default=None)


def _lost_contact(known: Known, borrower: Person, since: datetime | None) -> list[dict[str, Any]]:
    zone = borrower.zone or "UTC"
    calls = [
        c
        for c in known.history
        if c.person == borrower.person_id and c.channel is Channel.CALL and c.direction == "out" and (since is None or c.at > since)
    ]
    return [
        {"attempt": c.contact_id, "at": _instant(c.at), "day": local_date(c.at, zone).isoformat(), "outcome": c.outcome, "by": c.by}
        for c in calls[-_MOST_EVIDENCE:]
    ]
