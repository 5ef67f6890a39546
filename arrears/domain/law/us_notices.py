"""The United States: validation and dispute, time-barred debts, credit bureaus, bankruptcy, death and military service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from pydantic import PositiveInt

from arrears.domain.calendar import ONE_DAY
from arrears.domain.content import WordList, found_in
from arrears.domain.holds import HoldReason
from arrears.domain.law.house import ASKS_FOR_NOTHING
from arrears.domain.law.kit import defer, deny, standing
from arrears.domain.law.rule import EVERYTHING, Terms, rule, tighter
from arrears.domain.law.standing import business_days_after, day_in, electronic, held, left, told, words_of
from arrears.domain.law.us_calls import same_debt
from arrears.domain.law.us_people import Collector, speaks_to_a_consumer
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.money import Amount
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, Outcome
from arrears.domain.person import Circumstance, ConsentKind, Names, Person, Relation
from arrears.domain.situation import Contact, ContactAction, Situation
from arrears.domain.strategy import Channel, Referral
from arrears.domain.verdict import Objection

_ANSWERS = frozenset({Purpose.REPLY, Purpose.VERIFICATION, Purpose.NOTICE})
_THREATENING = frozenset({MessageClass.MAY_REMEDY, MessageClass.WILL_REMEDY})
_CAME_BACK = frozenset({Outcome.BOUNCED, Outcome.INVALID_NUMBER})
_TOLD_NOBODY = frozenset({Outcome.NO_ANSWER, Outcome.BUSY, Outcome.INVALID_NUMBER, Outcome.BOUNCED, Outcome.SOMEONE_ELSE})
_BUREAUS = (Referral.CREDIT_REPORT, Referral.OVERDUE_LIST)


class WithinDays(Collector):
    """Something is due within so many days."""

    days: PositiveInt


class Disclosures(Terms):
    """Notices that a person must be able to keep."""

    kinds: Names[NoticeKind] = tighter("superset")


class SuitWords(Terms):
    """The words that threaten a lawsuit."""

    words: tuple[WordList, ...] = ()


class Waiting(Terms):
    """So many days to wait."""

    days: PositiveInt = tighter("higher")


class Ceiling(Terms):
    """An interest rate that must not be exceeded, in per cent a year."""

    most: Amount = tighter("lower", ge=Decimal(0))


class Period(Collector):
    """The validation period: so many days from receipt, which is assumed so many business days after sending."""

    days: PositiveInt = tighter("higher", description="days from receipt")
    assumed_business_days: PositiveInt = tighter("higher", description="business days from sending to the assumed receipt")
    words: tuple[WordList, ...] = ()


@rule("contact")
def us_40(s: Situation, terms: WithinDays, now: datetime) -> Objection | None:
    """The validation information goes out with the first communication or within five days of it; if that is missed, nothing else goes out before it.

    12 CFR 1006.34(a)(1); 15 U.S.C. 1692g(a).
    """
    action = s.contact
    notice = action.message.notice if action.message else None
    if not speaks_to_a_consumer(s) or not terms.bind(s) or notice is NoticeKind.VALIDATION or action.purpose in ASKS_FOR_NOTHING:
        return None
    first = first_communication(s, now)
    if first is None or told(s, s.loan.borrower, now, (NoticeKind.VALIDATION,), action.by):
        return None
    limit = f"validation information within {terms.days} days of the first communication"
    due = day_in(first.at, s.borrower.zone) + ONE_DAY * terms.days
    return deny(f"none sent, due on {due}", limit, "notices", (first.contact_id,)) if day_in(now, s.borrower.zone) > due else None


@rule(*EVERYTHING)
def us_42(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A disputed debt is not collected until its verification was sent: only answers, the verification itself and required notices go out.

    12 CFR 1006.38(c), (d)(2); 15 U.S.C. 1692g(b). Any dispute counts, also after the validation period, and for the whole debt (ours).
    """
    if isinstance(s.action, ContactAction) and (s.action.purpose in _ANSWERS or s.relation is Relation.ATTORNEY):
        return None
    verified = told(s, s.loan.borrower, now, (NoticeKind.VERIFICATION,))
    open_ones = [h for h in held(s, now, HoldReason.DISPUTE) if not any(n.sent_at >= h.placed_at for n in verified)]
    return deny("disputed, and no verification sent", "no open dispute", "holds", (h.hold_id for h in open_ones)) if open_ones else None


@rule("contact")
def us_45(s: Situation, terms: Disclosures, now: datetime) -> Objection | None:
    """Required disclosures come in a form that can be kept: never by voice, electronically only with consent, not where one came back.

    12 CFR 1006.42(a)(1), (b). The validation information within the first communication needs no consent.
    """
    action = s.contact
    notice = action.message.notice if action.message else None
    if notice not in terms.kinds:
        return None
    limit = "a form that can be kept and an address that works"
    if action.channel in (Channel.CALL, Channel.VISIT):
        return deny(f"{notice} by {action.channel}", limit, "action.channel")
    past = left(s.contacts(s.recipient.person_id, channel=action.channel))
    bounced = [c.contact_id for c in past if c.contact_point == action.contact_point and c.outcome in _CAME_BACK and c.at <= now]
    if bounced and action.contact_point is not None:
        return deny("a message to this address came back", limit, "history", bounced)
    if not electronic(action.channel) or (notice is NoticeKind.VALIDATION and first_communication(s, now) is None):
        return None
    agreed = standing(s.recipient.consents, ConsentKind.ELECTRONIC_NOTICES, action.channel, now)
    return None if agreed else deny(f"{notice} by {action.channel}", "consent to electronic notices", "people.consents")


@rule("contact", Referral.LAWSUIT)
def us_46(s: Situation, terms: SuitWords, now: datetime) -> Objection | None:
    """A debt that is time-barred is not sued for, and no lawsuit is threatened about it.

    12 CFR 1006.26(b). The limitation date is the state's.
    """
    ends, limit = s.loan.limitation_ends_on, "a debt within its limitation period"
    today = day_in(now, s.borrower.zone)
    barred = ends is not None and today > ends
    if not isinstance(s.action, ContactAction):
        if ends is None:
            return deny("the limitation date is not known", limit, "loans.limitation_ends_on")
        return deny(f"limited since {ends}", limit, "loans.limitation_ends_on", (s.loan.loan_id,), permanent=True) if barred else None
    words = words_of(s)
    threats = [flaw.entry for flaw in found_in(words, terms.words)] if words else []
    if ends is None:
        return (
            deny(
                f"the text speaks of suing ({', '.join(threats)}), and nobody knows the limitation date", limit, "loans.limitation_ends_on"
            )
            if threats
            else None
        )
    by_class = s.action.message is not None and s.action.message.klass in _THREATENING
    if not barred or not (threats or by_class):
        return None
    said = ", ".join(threats) or str(s.action.message.klass if s.action.message else "")
    return deny(f"limited since {ends}, and the message threatens: {said}", limit, "loans.limitation_ends_on", (s.loan.loan_id,))


@rule(*_BUREAUS)
def us_47(s: Situation, terms: Waiting, now: datetime) -> Objection | None:
    """A debt is told to a credit bureau only after the consumer was spoken to, or was written to and some days passed in which nothing came back.

    12 CFR 1006.30(a).
    """
    limit = f"a conversation, or {terms.days} days since a letter or message that did not come back"
    past = [c for c in left(s.contacts(s.loan.borrower, direction=None)) if c.loan == s.loan.loan_id and c.at <= now]
    if any(c.channel is Channel.CALL and c.outcome in ANSWERED for c in past):
        return None
    written = [
        c.at
        for c in past
        if c.direction == "out" and (electronic(c.channel) or c.channel is Channel.LETTER) and c.outcome is Outcome.DELIVERED
    ]
    notices = told(s, s.loan.borrower, now, (NoticeKind.CREDIT, NoticeKind.VALIDATION, NoticeKind.DEFAULT))
    since = min((*written, *(n.sent_at for n in notices)), default=None)
    if since is None:
        return deny("never spoken to nor written to", limit, "history, notices")
    free = since + timedelta(days=terms.days)
    return None if now >= free else defer(f"written to at {since.isoformat()}", limit, "history, notices", free)


@rule(*EVERYTHING)
def us_60(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A bankruptcy stays every act to collect from whoever filed for it; a discharge forbids it for ever. Only counsel is spoken to.

    11 U.S.C. 362(a)(6), 524(a)(2).
    """
    if isinstance(s.action, ContactAction) and s.relation is Relation.ATTORNEY:
        return None
    stays = held(s, now, HoldReason.BANKRUPTCY)
    return deny("bankruptcy", "no bankruptcy, or the attorney", "holds", (h.hold_id for h in stays)) if stays else None


@rule("contact")
def us_61(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """When the borrower has died only the surviving spouse and who represents the estate are spoken to.

    12 CFR 1006.6(a)(1), (4), with comments.
    """
    if s.relation in (Relation.SPOUSE, Relation.EXECUTOR, Relation.ATTORNEY, Relation.JOINT, Relation.GUARANTOR):
        return None
    dead = held(s, now, HoldReason.DECEASED, people=(s.borrower,))
    return deny("the borrower has died", "spouse, executor or administrator", "holds", (h.hold_id for h in dead)) if dead else None


@rule(*EVERYTHING)
def us_62(s: Situation, terms: Ceiling, now: datetime) -> Objection | None:  # noqa: ARG001
    """Who serves in the forces pays at most six per cent a year on a debt from before; more is not collected.

    50 U.S.C. 3937. Whether the debt is from before is not known, so that all of them count (ours).
    """
    if isinstance(s.action, ContactAction) and s.action.purpose in ASKS_FOR_NOTHING:
        return None
    if not any(Circumstance.ACTIVE_DUTY in person.circumstances for person in _owing(s)):
        return None
    cost, limit = s.loan.annual_cost, f"{terms.most:f} % a year"
    if cost is None:
        return deny("on active duty, and the annual cost is not known", limit, "loans.annual_cost")
    return deny(f"on active duty, at {cost:f} % a year", limit, "loans.annual_cost") if cost > terms.most else None


def _owing(s: Situation) -> Iterator[Person]:
    yield s.borrower
    if s.relation in (Relation.JOINT, Relation.GUARANTOR, Relation.SPOUSE):
        yield s.recipient


def communications(s: Situation, now: datetime) -> list[Contact]:
    """What may have conveyed something about the debt to the recipient so far, by whoever acts now: the oldest first."""
    by = s.contact.by
    past = left(s.contacts(s.recipient.person_id, direction=None))
    said = [c for c in past if c.by == by and same_debt(s, c.loan) and c.at <= now and c.outcome not in _TOLD_NOBODY]
    return sorted((c for c in said if c.klass is not MessageClass.LIMITED_CONTENT), key=lambda c: c.at)


def first_communication(s: Situation, now: datetime) -> Contact | None:
    return next(iter(communications(s, now)), None)


def validation_ends(s: Situation, terms: Period, now: datetime) -> date | None:
    """The last day of the validation period; ``None`` while the validation information was not sent, so that it has not begun."""
    notices = told(s, s.loan.borrower, now, (NoticeKind.VALIDATION,), s.contact.by)
    if not notices:
        return None
    last, zone = notices[-1], s.borrower.zone
    if last.delivered_at is not None and last.delivered_at <= now:
        return day_in(last.delivered_at, zone) + ONE_DAY * terms.days
    sent = day_in(last.sent_at, zone)
    received = business_days_after(sent, terms.assumed_business_days, _holidays(sent.year) | _holidays(sent.year + 1))
    return received + ONE_DAY * terms.days


def _holidays(year: int) -> frozenset[date]:
    """The federal holidays of a year (5 U.S.C. 6103), with the weekday on which one that falls on a weekend is kept."""
    fixed = [date(year, month, day) for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
    moved = [day - ONE_DAY if day.isoweekday() == 6 else day + ONE_DAY for day in fixed if day.isoweekday() > 5]
    return frozenset(
        (
            *fixed,
            *moved,
            *(_nth(year, month, weekday, n) for month, weekday, n in ((1, 1, 3), (2, 1, 3), (9, 1, 1), (10, 1, 2), (11, 4, 4))),
            _nth(year, 6, 1, 1) - 7 * ONE_DAY,
        )
    )


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + ONE_DAY * ((weekday - first.isoweekday()) % 7 + 7 * (n - 1))
