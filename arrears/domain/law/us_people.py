"""The United States: who may be contacted, through whom, by what medium and at which address."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import PositiveInt, field_validator

from arrears.domain.holds import HoldReason
from arrears.domain.law.kit import defer, deny, excepted, standing
from arrears.domain.law.rule import Terms, rule, tighter
from arrears.domain.law.standing import (
    electronic,
    held,
    left,
    points_of,
    principal,
    refused_address,
    refused_for_good,
    refused_medium,
    told,
    wishes,
)
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, Outcome
from arrears.domain.person import ConsentKind, Names, Relation, Wish, WishKind
from arrears.domain.situation import LENDER, Contact, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Objection

CONSUMERS = frozenset(
    {
        Relation.BORROWER,
        Relation.JOINT,
        Relation.GUARANTOR,
        Relation.SPOUSE,
        Relation.LEGAL_REPRESENTATIVE,
        Relation.EXECUTOR,
    }
)
"""Who counts as the consumer (US-23): who owes, their spouse, a minor's parent, a guardian, an executor."""

_AFTER_CEASE = frozenset({Purpose.TERMINATE, Purpose.MAY_REMEDY, Purpose.WILL_REMEDY})
_AFTER_OPT_OUT = frozenset({Purpose.CONFIRM_OPT_OUT, Purpose.REPLY, Purpose.NOTICE})
_SILENT = frozenset({Outcome.NO_ANSWER, Outcome.BUSY, Outcome.INVALID_NUMBER, Outcome.BOUNCED})


class Collector(Terms):
    """A rule that binds those who collect for others, and here those who collect in their own name too, unless the lender decides otherwise."""

    binds: Names[Literal["first_party", "third_party"]] = tighter("superset")

    @field_validator("binds")
    @classmethod
    def _binds_who_the_law_binds(cls, binds: frozenset[str]) -> frozenset[str]:
        if "third_party" not in binds:
            raise ValueError("the rule binds third parties by law; keep third_party")
        return binds

    def bind(self, s: Situation) -> bool:
        """Whether it binds who would act: an agency always collects for another."""
        by = s.contact.by
        return ("third_party" if by != LENDER else s.loan.capacity) in self.binds


class AddressNotice(Collector):
    """After a notice that names the address, and some days in which the person could opt out."""

    days: PositiveInt = tighter("higher")


class FreshNumber(Collector):
    """What is known of a number may be so many days old."""

    days: PositiveInt = tighter("lower")


class Once(Terms):
    """At most so many times ever."""

    most: PositiveInt = tighter("lower")


@rule("contact")
def us_13(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Not at the place of work if the employer is known to forbid it.

    12 CFR 1006.6(b)(3); 15 U.S.C. 1692c(a)(3).
    """
    point = s.point
    if point is None or point.place != "work" or not point.employer_forbids:
        return None
    return deny("the employer forbids it", "a contact point away from work", "people.contact_points", (point.contact_point_id,))


@rule("contact")
def us_14(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Whoever is represented by an attorney is contacted only through the attorney, unless that one steps aside or does not answer in reasonable time.

    12 CFR 1006.6(b)(2).
    """
    if s.relation not in CONSUMERS:
        return None
    known = _attorney(s, now)
    return deny("an attorney represents them", "the attorney only", "holds, loans.ties", known) if known else None


@rule("contact")
def us_15(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """No mail to an address at work, unless the person agreed to it or wrote from it. Public posts are no channel here at all.

    12 CFR 1006.22(f)(3), (4).
    """
    point = s.point
    if s.contact.channel is not Channel.EMAIL or point is None or point.place != "work":
        return None
    wrote = any(c.contact_point == point.contact_point_id for c in _inbound(s, Channel.EMAIL, now))
    if wrote or standing(s.recipient.consents, ConsentKind.WORKPLACE, Channel.EMAIL, now):
        return None
    return deny("a mail address at work", "a private address, or consent", "people.contact_points", (point.contact_point_id,))


@rule("contact")
def us_16(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody is contacted by a medium that they asked not to be contacted by; a person who is not the consumer can refuse all of them.

    12 CFR 1006.14(h)(1). What is still allowed says US-17.
    """
    refused = refused_medium(s, now)
    if refused and s.contact.purpose not in _AFTER_OPT_OUT:
        return deny(f"they asked not to be contacted by {s.contact.channel}", "another medium", "people.wishes", points_of(refused))
    if s.relation in CONSUMERS:
        return None
    if wishes(s.recipient, now, WishKind.NO_CONTACT) or refused_for_good(s, now):
        return deny("they asked not to be contacted", "none", "people.wishes, history", permanent=True)
    return None


@rule("contact")
def us_17(s: Situation, terms: Once, now: datetime) -> Objection | None:
    """After an opt-out still allowed: one confirmation of it, one answer in a medium that the person uses again, and a notice that the law requires.

    12 CFR 1006.14(h)(2)(i)–(iii); 47 CFR 64.1200(a)(12).
    """
    action = s.contact
    if action.purpose not in _AFTER_OPT_OUT or not (refused := _opted_out(s, now)):
        return None
    since = max(wish.at for wish in refused)
    limit = f"{terms.most} confirmation of the opt-out, {terms.most} answer in a medium that they use again, required notices"
    if action.purpose is Purpose.NOTICE:
        if action.message is not None and action.message.notice is not None:
            return excepted(f"the required notice: {action.message.notice}", limit, "action.message")
        return deny("a notice that no law is named for", limit, "action.message")
    if action.purpose is Purpose.REPLY:
        wrote = max((c.at for c in _inbound(s, action.channel, now) if c.at > since), default=None)
        if wrote is None:
            return deny("they have not used the medium again", limit, "history")
        since = wrote
    earlier = [
        c for c in left(s.contacts(s.recipient.person_id, channel=action.channel)) if c.purpose is action.purpose and since <= c.at <= now
    ]
    if len(earlier) >= terms.most:
        return deny(f"{len(earlier)} before", limit, "history", (c.contact_id for c in earlier))
    return excepted(f"{action.purpose} after an opt-out", limit, "people.wishes", points_of(refused))


@rule("contact")
def us_20(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Once the consumer refuses to pay or asks for communication to cease, it ceases, for ever. What may still be told says US-21.

    12 CFR 1006.6(c)(1); 15 U.S.C. 1692c(c).
    """
    if s.contact.purpose in _AFTER_CEASE and s.relation in CONSUMERS:
        return None
    ceased = _ceased(s, now)
    return (
        deny("they asked that communication cease", "only the notices of US-21", "people.wishes, holds", ceased, permanent=True)
        if ceased
        else None
    )


@rule("contact")
def us_21(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """After that only: that efforts end, that a usual remedy may be invoked, that one is intended to be invoked; in a message that says no more.

    12 CFR 1006.6(c)(2)(i)–(iii).
    """
    action = s.contact
    if action.purpose not in _AFTER_CEASE or s.relation not in CONSUMERS or not (ceased := _ceased(s, now)):
        return None
    limit = "a message that says that and no more"
    if action.message is None or action.message.klass.value != action.purpose.value:
        return deny(f"{action.purpose} in another message", limit, "action.message", ceased)
    return excepted(f"{action.purpose} after a request to cease", limit, "people.wishes, holds", ceased)


@rule("contact")
def us_22(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """The debt is no matter for third parties: they may be asked where the consumer is, while nobody knows, and else only if the consumer agreed.

    12 CFR 1006.6(d)(1), (2); 15 U.S.C. 1692c(b).
    """
    if s.relation in CONSUMERS or s.relation is Relation.ATTORNEY:
        return None
    agreed = standing(s.borrower.consents, ConsentKind.THIRD_PARTY, None, now)
    if agreed:
        return excepted("the consumer's own consent", "third parties with it", "people.consents", (c.consent_id for c in agreed))
    if s.relation is Relation.DEBT_ADVISER and s.tie is not None and s.tie.evidence is not None:
        return excepted("an adviser whom the consumer authorised", "third parties with consent", "loans.ties", (s.tie.evidence,))
    if s.contact.purpose is Purpose.LOCATE and s.relation is not Relation.DEBT_ADVISER:
        reached = _reached(s, now)
        return (
            deny("it is known where the consumer is", "location information that is not known", "history", (reached,)) if reached else None
        )
    return deny(f"{s.contact.purpose} with a third party: {s.relation}", "location information only", "action.purpose")


@rule("contact")
def us_23(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Spouse, parent of a minor, guardian and executor count as the consumer, if it is shown that they are.

    12 CFR 1006.6(a)(1)–(5); 15 U.S.C. 1692c(d).
    """
    if s.tie is None or s.relation not in (Relation.SPOUSE, Relation.LEGAL_REPRESENTATIVE, Relation.EXECUTOR):
        return None
    return None if s.tie.evidence else deny(f"no evidence that they are the {s.relation}", "evidence", "loans.ties.evidence")


@rule("contact")
def us_25(s: Situation, terms: Once, now: datetime) -> Objection | None:
    """A third person is asked once, ever; again only if they ask for it, or if their answer is now believed wrong and they know better.

    15 U.S.C. 1692b(3); 12 CFR 1006.10(c). A call that nobody answered told nobody anything.
    """
    if s.relation in CONSUMERS or s.relation in (Relation.ATTORNEY, Relation.DEBT_ADVISER):
        return None
    ours = {loan.loan_id for loan in s.loans if loan.borrower == s.loan.borrower}
    earlier = [c for c in left(s.contacts(s.recipient.person_id)) if c.loan in ours and c.outcome not in _SILENT and c.at <= now]
    if len(earlier) < terms.most:
        return None
    limit = f"{terms.most} contact with a third person"
    since = s.tie.may_ask_again_at if s.tie is not None else None
    asked_again = 0 if since is None else sum(c.at >= since for c in earlier)
    if s.tie is not None and s.tie.may_ask_again and asked_again < terms.most:
        return excepted(f"{len(earlier)} before, and they asked or know better now", limit, "loans.ties.may_ask_again")
    return deny(f"{len(earlier)} before", limit, "history", (c.contact_id for c in earlier), permanent=True)


@rule("contact")
def us_26(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody else is asked about a consumer who is known to have an attorney: the attorney is asked.

    12 CFR 1006.10(b)(5); 15 U.S.C. 1692b(6).
    """
    if s.relation in CONSUMERS or s.relation is Relation.ATTORNEY:
        return None
    known = _attorney(s, now)
    return deny("an attorney represents the consumer", "the attorney only", "holds, loans.ties", known) if known else None


@rule("contact")
def us_28(s: Situation, terms: AddressNotice, now: datetime) -> Objection | None:
    """Who collects for others mails to an address only if the consumer wrote from it, agreed to it, or was told of it long enough ago to opt out.

    12 CFR 1006.6(d)(4); the opt-out period: (ii)(C)(5).
    """
    point = s.point
    if s.contact.channel is not Channel.EMAIL or s.relation not in CONSUMERS or point is None or not terms.bind(s):
        return None
    if any(c.contact_point in (None, point.contact_point_id) for c in _inbound(s, Channel.EMAIL, now)):
        return None
    if point.legal_basis == "consent" or standing(s.recipient.consents, ConsentKind.ELECTRONIC_NOTICES, Channel.EMAIL, now):
        return None
    limit = f"{terms.days} days after the notice that names the address, or the consumer's consent"
    notices = told(s, s.recipient.person_id, now, (NoticeKind.AGENCY, NoticeKind.TRANSFER, NoticeKind.ASSIGNMENT))
    if not notices:
        return deny("no notice of the address and no consent", limit, "notices")
    until = notices[0].sent_at + timedelta(days=terms.days)
    return (
        None
        if now > until
        else defer(f"the notice was sent at {notices[0].sent_at.isoformat()}", limit, "notices", until + timedelta(seconds=1))
    )


@rule("contact")
def us_29(s: Situation, terms: FreshNumber, now: datetime) -> Objection | None:
    """Texts go to a number only if the consumer texted from it or agreed to texts, and that, or a check that it still is theirs, is fresh.

    12 CFR 1006.6(d)(5)(i), (ii).
    """
    point = s.point
    if s.contact.channel is not Channel.SMS or s.relation not in CONSUMERS or point is None or not terms.bind(s):
        return None
    texted = [
        c.at
        for c in _inbound(s, Channel.SMS, now)
        if c.contact_point in (None, point.contact_point_id) and c.outcome is not Outcome.OPTED_OUT
    ]
    agreed = [c.given_at for c in standing(s.recipient.consents, ConsentKind.TEXTS, Channel.SMS, now)]
    limit = f"a text from them or their consent, confirmed in the last {terms.days} days"
    if not texted and not agreed:
        return deny("they neither texted nor agreed to texts", limit, "people.consents")
    checked = [at for at in (point.reassignment_checked_at,) if at is not None and at <= now]
    freshest = max((*texted, *agreed, *checked))
    if now - freshest <= timedelta(days=terms.days):
        return None
    return deny(
        f"last confirmed at {freshest.isoformat()}", limit, "people.contact_points.reassignment_checked_at", (point.contact_point_id,)
    )


def opted_out_of_address(s: Situation, now: datetime) -> tuple[Wish, ...]:
    """The recipient's wishes against an electronic address that would be used."""
    return refused_address(s, now) if electronic(s.contact.channel) else ()


def _opted_out(s: Situation, now: datetime) -> tuple[Wish, ...]:
    return (*refused_medium(s, now), *opted_out_of_address(s, now))


def _attorney(s: Situation, now: datetime) -> tuple[str, ...]:
    """Ids of what shows that the person at stake is represented."""
    person = principal(s)
    by_hold = held(s, now, HoldReason.ATTORNEY, people=(person,))
    ties = s.loan.ties if person.person_id == s.loan.borrower else ()
    return (*(h.hold_id for h in by_hold), *(t.person for t in ties if t.relation is Relation.ATTORNEY and not t.steps_aside))


def _ceased(s: Situation, now: datetime) -> tuple[str, ...]:
    """Ids of what shows that the person at stake, or a recipient who counts as the consumer, asked that communication cease."""
    if s.relation in (Relation.ATTORNEY, Relation.DEBT_ADVISER):
        return ()
    people = {p.person_id: p for p in (principal(s), *((s.recipient,) if s.relation in CONSUMERS else ()))}
    asked = (person for person in people.values() if wishes(person, now, WishKind.NO_CONTACT))
    return (*(h.hold_id for h in held(s, now, HoldReason.CEASE, people=people.values())), *(person.person_id for person in asked))


def _reached(s: Situation, now: datetime) -> str | None:
    """The borrower's last contact, if they were spoken to in it; of several at one instant any may have been the last."""
    past = [c for c in left(s.contacts(s.loan.borrower, channel=Channel.CALL, direction=None)) if c.outcome is not None and c.at <= now]
    last = max((c.at for c in past), default=None)
    return next((c.contact_id for c in past if c.at == last and c.outcome in ANSWERED), None)


def _inbound(s: Situation, channel: Channel, now: datetime) -> list[Contact]:
    return [c for c in s.contacts(s.recipient.person_id, channel=channel, direction="in") if c.at <= now]


def speaks_to_a_consumer(s: Situation) -> bool:
    """Whether the recipient counts as the consumer, and the message is not one that is for nobody in particular."""
    message = s.contact.message
    return s.relation in CONSUMERS and (message is None or message.klass is not MessageClass.LIMITED_CONTENT)
