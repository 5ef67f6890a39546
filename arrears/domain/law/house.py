"""Our own rules. They hold under every law, and no file can switch them off."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import PositiveInt

from arrears.domain import holds
from arrears.domain.law.kit import ask, deny, excepted, may_decide
from arrears.domain.law.rule import EVERYTHING, Terms, rule
from arrears.domain.law.standing import concerns
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED
from arrears.domain.person import Relation
from arrears.domain.situation import LENDER, Approval, ContactAction, Hold, Situation
from arrears.domain.strategy import Channel, Role
from arrears.domain.verdict import Objection

ASKS_FOR_NOTHING = frozenset({Purpose.REPLY, Purpose.VERIFICATION, Purpose.CONFIRM_OPT_OUT, Purpose.TERMINATE})
"""Purposes for which a person may be told something even when nothing is overdue any more."""

_WITHOUT_APPROVAL = frozenset({Relation.BORROWER, Relation.ATTORNEY, Relation.DEBT_ADVISER})
_POINT_KINDS = {
    Channel.CALL: ("mobile", "landline"),
    Channel.SMS: ("mobile",),
    Channel.EMAIL: ("email",),
    Channel.IN_APP: ("in_app",),
    Channel.LETTER: ("postal",),
    Channel.VISIT: ("postal",),
}


class ApprovalTerms(Terms):
    """Who may approve, and for how long a grant lasts."""

    role: Role = Role.SUPERVISOR
    lasts_days: PositiveInt = 7


@rule(*EVERYTHING)
def ar_01(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody is contacted about a debt that is not overdue at this very moment, and nothing is handed over for it."""
    if isinstance(s.action, ContactAction) and s.action.purpose in ASKS_FOR_NOTHING:
        return None
    owed = s.loan.owed
    if owed is None:
        return deny("what is owed is not known", "more than 0", "loans.owed")
    return None if owed.amount > 0 else deny(f"{owed.amount:f} {owed.currency} overdue", "more than 0", "loans.owed")


@rule(*EVERYTHING)
def ar_02(s: Situation, terms: ApprovalTerms, now: datetime) -> Objection | None:
    """Nobody but the borrower is contacted, and no step that needs one is taken, without a human's yes.

    The yes is to this person, this purpose and these words; the one who asked cannot give it; it lapses after some days, and with any answer or payment
    of the borrower's since it was asked for.
    """
    action = s.action
    if isinstance(action, ContactAction):
        if s.relation in _WITHOUT_APPROVAL:
            return None
    elif not action.needs_approval and action.approval is None:
        return None
    if s.approval is None:
        return ask("no approval", "an approval", "approvals", terms.role)
    wrong = _not_standing(s, s.approval, terms, now) or _for_something_else(s, s.approval)
    return (
        deny(f"{s.approval.approval_id}: {wrong}", "an approval of exactly this", "approvals", (s.approval.approval_id,)) if wrong else None
    )


def _not_standing(s: Situation, approval: Approval, terms: ApprovalTerms, now: datetime) -> str | None:
    if approval.case_id != s.action.case_id:
        return "it belongs to another case"
    if approval.state != "approved" or approval.decided_at is None or approval.decided_by is None:
        return f"it is {approval.state}"
    if approval.decided_by == approval.requested_by:
        return "who asked for it also granted it"
    if not may_decide(approval.role, terms.role):
        return f"a {approval.role} granted it, and not a {terms.role}"
    ends = approval.expires_at or approval.decided_at + timedelta(days=terms.lasts_days)
    if now >= min(ends, approval.decided_at + timedelta(days=terms.lasts_days)):
        return f"it was granted more than {terms.lasts_days} days ago, or its time is over"
    if now < approval.decided_at:
        return "it was not granted yet"
    if isinstance(s.action, ContactAction) and _reached_since(s, approval.asked_at or approval.decided_at):
        return "the borrower has answered, paid or promised since, so it lapsed"
    return None


def _reached_since(s: Situation, since: datetime) -> bool:
    signed = s.loan.last_sign_at is not None and s.loan.last_sign_at > since
    return signed or any(c.outcome in ANSWERED and c.at > since for c in s.contacts(s.loan.borrower, direction=None))


def _for_something_else(s: Situation, approval: Approval) -> str | None:
    action = s.action
    if not isinstance(action, ContactAction):
        return None if approval.step == action.step else "it is for another step"
    if action.recipient not in approval.contents:
        return "it does not name this person"
    if approval.purpose is not action.purpose:
        return "it is for another purpose"
    if action.message is None or approval.contents[action.recipient] != action.message.content_hash:
        return "it is for another text"
    return None


@rule("contact")
def ar_03(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """There is a valid number, address or account of the recipient's own for this channel."""
    channel, point = s.contact.channel, s.point
    if point is None:
        return deny(f"no contact point for {channel}", "a valid contact point", "people.contact_points")
    if point.kind not in _POINT_KINDS[channel]:
        return deny(f"a {point.kind} for {channel}", " or ".join(_POINT_KINDS[channel]), "people.contact_points", (point.contact_point_id,))
    if point.invalid:
        return deny("the contact point is invalid", "a valid contact point", "people.contact_points", (point.contact_point_id,))
    return None


@rule(*EVERYTHING)
def ar_04(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A hold outranks everything: while one is in force, on the debt, its borrower or the recipient, only what it permits is done.

    Whether a case under a hold of the lender's own, such as a suspicion of fraud, is handed over is for its strategy to say, if the case knows of the hold.
    """
    standing = [hold for hold in s.holds if holds.in_force(hold, now) and _concerns(hold, s)]
    barring = [hold for hold in standing if not _permitted(hold, s)]
    if barring:
        reasons = ", ".join(dict.fromkeys(hold.reason for hold in barring))
        return deny(f"held: {reasons}", "no hold in force", "holds", (hold.hold_id for hold in barring))
    if standing and isinstance(s.action, ContactAction):
        reasons = ", ".join(dict.fromkeys(hold.reason for hold in standing))
        return excepted(f"held: {reasons}", f"{s.action.purpose} to the {s.relation} is permitted", "holds", (h.hold_id for h in standing))
    return None


def _concerns(hold: Hold, s: Situation) -> bool:
    if holds.terms(hold.reason).scope == "agency":
        return hold.loan in (None, s.loan.loan_id) and s.actor not in (None, LENDER) and hold.agency in (None, s.actor)
    return concerns(hold, s, (s.borrower.person_id, s.recipient.person_id))


def _permitted(hold: Hold, s: Situation) -> bool:
    if isinstance(s.action, ContactAction):
        own = s.relation is not Relation.BORROWER and hold.person == s.recipient.person_id
        return holds.permits(hold, s.action.purpose, Relation.BORROWER if own else s.relation)
    return hold.heard and hold.reason not in holds.HOLDS


@rule(*EVERYTHING)
def ar_05(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A payment that the case has not heard of may change its plan: the case hears of it first, and decides anew."""
    unheard = s.loan.unheard_payments
    return deny(f"{len(unheard)} payments not heard of", "none", "loans.unheard_payments", unheard) if unheard else None


@rule("contact")
def ar_06(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """The text can be written from what is known; half a text is never sent."""
    return deny("the message cannot be written", "a message", "action.message") if s.contact.message is None else None


@rule(*EVERYTHING)
def ar_08(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nothing is done for a case that has ended, whoever still believes that it runs."""
    if isinstance(s.action, ContactAction) and s.action.purpose in ASKS_FOR_NOTHING:
        return None
    return None if s.loan.case_open else deny("the case has ended", "an open case", "loans.case_open")


HOUSE: dict[str, Terms] = {
    rule_id: terms(clause="ours", force="ours", confidence="ours")
    for rule_id, terms in {
        "AR-01": Terms,
        "AR-02": ApprovalTerms,
        "AR-03": Terms,
        "AR-04": Terms,
        "AR-05": Terms,
        "AR-06": Terms,
        "AR-08": Terms,
    }.items()
}
"""The house rules with their terms. AR-07, that nothing leaves while the law cannot be read, is said where the law is read."""
