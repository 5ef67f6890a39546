"""The United Kingdom: the FCA's Consumer Credit sourcebook, and breathing space in England and Wales."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pydantic import PositiveInt

from arrears.domain.calendar import ONE_DAY
from arrears.domain.content import WordList, premium_rate
from arrears.domain.holds import HoldReason, ends_at
from arrears.domain.law.house import ASKS_FOR_NOTHING
from arrears.domain.law.kit import Hours, agreed_hours, defer, deny, excepted, outside_hours, standing, stands, zones_of_phone
from arrears.domain.law.rule import EVERYTHING, Terms, rule, tighter
from arrears.domain.law.standing import concerns, day_in, held, says, strictest, told, unwished, words_of
from arrears.domain.message import NoticeKind
from arrears.domain.orders import Purpose
from arrears.domain.person import STANDS_FOR_THE_BORROWER, Circumstance, ConsentKind, Names, Relation
from arrears.domain.situation import LENDER, ContactAction, Hold, Situation
from arrears.domain.strategy import Channel, Referral
from arrears.domain.verdict import Objection

_ANSWERS = frozenset({Purpose.REPLY, Purpose.VERIFICATION, Purpose.NOTICE})
_HANDED_OVER = (Referral.AGENCY, Referral.LAWYER, Referral.DEBT_SALE)
_MORATORIA = frozenset({HoldReason.BREATHING_SPACE, HoldReason.MENTAL_HEALTH_CRISIS})


class ListedWords(Terms):
    """Words that a message must not say."""

    words: tuple[WordList, ...] = ()


class CallBack(ListedWords):
    """The same, and numbers at which a call costs extra."""

    prefixes: tuple[str, ...] = ()


class Visits(Terms):
    """When a visit may be made: so many days after it was announced, and not to these people."""

    days: PositiveInt = tighter("higher")
    not_to: Names[Circumstance] = tighter("superset")


class Lasting(Terms):
    """For so many days."""

    days: PositiveInt = tighter("higher")


@rule("contact")
def uk_01(s: Situation, terms: Hours, now: datetime) -> Objection | None:
    """No contact at unreasonable times, and what the customer reasonably asks about when, where and how is heeded.

    CONC 7.9 (7.9.4R from memory). The hours, Monday to Saturday, are ours; the customer can agree to others.
    """
    action, zones = s.contact, zones_of_phone(s)
    asked = unwished(s, zones, now, _ANSWERS | {Purpose.CONFIRM_OPT_OUT})
    if action.channel not in terms.channels:
        return asked
    return strictest((asked, outside_hours(now, zones, terms, "people.zone", agreed_hours(s.recipient, action.channel, now))))


@rule("contact")
def uk_02(s: Situation, terms: ListedWords, now: datetime) -> Objection | None:  # noqa: ARG001
    """Third parties do not learn of the debt, so that they are not contacted about it; and nobody is embarrassed in public.

    CONC 7.9, number not shown. Who represents the customer, an attorney and a debt adviser are no third parties; a friend stays one (ours).
    """
    if s.third_party:
        return deny(f"a third party: {s.relation}", "the customer, or who speaks for them", "action.recipient")
    return says(s, terms.words, "nothing that embarrasses, pretends or goes to whoever lives there")


@rule("contact")
def uk_03(s: Situation, terms: CallBack, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody is made to call a number that costs extra, or tricked into calling by news of a missed delivery or a prize.

    CONC 7.9.2R, 7.9.3G, 7.9.
    """
    words = words_of(s)
    costly = premium_rate(words, terms.prefixes) if words else ()
    if costly:
        return deny(
            f"a number that begins with {', '.join(f.entry for f in costly)}", "a number that costs no extra", "action.message.text"
        )
    return says(s, terms.words, "no trick to make somebody call")


@rule("contact")
def uk_04(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Payment is demanded of the right person, never of everybody who has the name or the address.

    CONC 7.9.10R, 7.9.11G.
    """
    action = s.contact
    if action.verified_person is not False or action.purpose is Purpose.LOCATE:
        return None
    return deny("the person is not verified", "the right person", "action.verified_person")


@rule("contact")
def uk_05(s: Situation, terms: Visits, now: datetime) -> Objection | None:
    """A visit is announced in adequate time, with its purpose, or agreed on; nobody known to be vulnerable is visited.

    CONC 7.9.12R–7.9.13G and what follows. How many days are adequate is ours.
    """
    if s.contact.channel is not Channel.VISIT:
        return None
    if burdened := terms.not_to & set(s.recipient.circumstances):
        return deny(", ".join(sorted(burdened)), "no visit to a vulnerable customer", "people.circumstances")
    if standing(s.recipient.consents, ConsentKind.VISIT, Channel.VISIT, now):
        return None
    limit = f"announced {terms.days} days before, or agreed on"
    notices = told(s, s.recipient.person_id, now, (NoticeKind.VISIT,))
    if not notices:
        return deny("not announced", limit, "notices")
    free = (notices[-1].delivered_at or notices[-1].sent_at) + timedelta(days=terms.days)
    return None if now >= free else defer(f"announced at {notices[-1].sent_at.isoformat()}", limit, "notices", free)


@rule(*EVERYTHING)
def uk_07(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Recovery is suspended once it is known, or should be, that the customer lacks the mental capacity to decide; who acts for them is spoken to.

    CONC 7.10.1R; 7.10.3G.
    """
    holds = held(s, now, HoldReason.INCAPACITY)
    if not holds:
        return None
    if isinstance(s.action, ContactAction) and s.relation in STANDS_FOR_THE_BORROWER:
        shown = s.tie is not None and s.tie.evidence is not None
        return (
            None
            if shown
            else deny(f"nothing shows that the {s.relation} acts for them", "evidence of their authority", "loans.ties.evidence")
        )
    return deny("mental capacity in doubt", "whoever acts for them", "holds", (h.hold_id for h in holds))


@rule("contact")
def uk_08(s: Situation, terms: ListedWords, now: datetime) -> Objection | None:  # noqa: ARG001
    """No pressure to pay in one sum or a few, too fast, or by borrowing anew or selling a home.

    CONC 7.3 (7.3.4R; 7.3.10R from memory).
    """
    return says(s, terms.words, "no pressure to pay too much at once or with borrowed money")


@rule(*EVERYTHING)
def uk_09(s: Situation, terms: Lasting, now: datetime) -> Objection | None:
    """While the customer works out a plan with a debt adviser, pursuit is suspended for a reasonable period; adviser and questions are answered.

    CONC 7.3.11R; 30 days: 7.3.12G, from memory.
    """
    if _answers(s):
        return None
    holds = _standing(s, now, HoldReason.DEBT_ADVICE, timedelta(days=terms.days))
    return deny("working on a plan with a debt adviser", f"{terms.days} days", "holds", (h.hold_id for h in holds)) if holds else None


@rule(*EVERYTHING)
def uk_10(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A disputed debt is looked into, and not pursued without evidence that it is owed.

    CONC 7.14, numbers from memory.
    """
    if _answers(s):
        return None
    holds = held(s, now, HoldReason.DISPUTE)
    return deny("disputed", "an answer to the dispute first", "holds", (h.hold_id for h in holds)) if holds else None


@rule("contact", *_HANDED_OVER, Referral.LAWSUIT)
def uk_11(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A debt that is statute-barred is not demanded, sued for, or handed to somebody who would.

    CONC 7.15; Limitation Act 1980, s. 5. Stricter than the text, which knows exceptions for regular contact (ours).
    """
    ends, limit = s.loan.limitation_ends_on, "a debt that is not statute-barred"
    if isinstance(s.action, ContactAction):
        if ends is None or s.action.purpose in ASKS_FOR_NOTHING | {Purpose.NOTICE}:
            return None
    elif ends is None:
        return deny("the limitation date is not known", limit, "loans.limitation_ends_on") if s.about == Referral.LAWSUIT else None
    if day_in(now, s.borrower.zone) <= _extended(s, ends, now):
        return None
    return deny(f"statute-barred since {ends}", limit, "loans.limitation_ends_on", (s.loan.loan_id,))


@rule(*EVERYTHING)
def uk_12(s: Situation, terms: Lasting, now: datetime) -> Objection | None:
    """In a breathing space the debtor is not contacted to enforce the debt, and nothing is done to enforce it: 60 days, or until it is cancelled.

    Debt Respite Scheme Regulations 2020 (SI 2020/1311), reg. 7, 11, 26, 27. What is still allowed says UK-14.
    """
    holds = _standing(s, now, HoldReason.BREATHING_SPACE, timedelta(days=terms.days))
    if not holds or _allowed_in_moratorium(s):
        return None
    return deny("a breathing space", f"{terms.days} days without enforcement", "holds", (h.hold_id for h in holds))


@rule(*EVERYTHING)
def uk_13(s: Situation, terms: Lasting, now: datetime) -> Objection | None:
    """The same while somebody is treated in a mental health crisis, and for 30 days after.

    Debt Respite Scheme Regulations 2020, part 3.
    """
    if _allowed_in_moratorium(s):
        return None
    holds = [
        h
        for h in s.holds
        if h.reason == HoldReason.MENTAL_HEALTH_CRISIS
        and concerns(h, s, (s.borrower.person_id, s.recipient.person_id))
        and stands(h.placed_at, h.until, now)
        and stands(h.placed_at, h.lifted_at, now)
        and not _treated_long_ago(h, s, now, terms.days)
    ]
    return deny("a mental health crisis", f"treatment and {terms.days} days more", "holds", (h.hold_id for h in holds)) if holds else None


@rule("contact")
def uk_14(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """In a moratorium still allowed: through the debt adviser, an answer to what the debtor asks, a notice that the law requires, other debts.

    Debt Respite Scheme Regulations 2020, reg. 11(2).
    """
    holds = held(s, now, *_MORATORIA)
    if not holds or not _allowed_in_moratorium(s):
        return None
    return excepted(f"{s.contact.purpose} to the {s.relation} in a moratorium", "reg. 11(2)", "holds", (h.hold_id for h in holds))


@rule("contact", Referral.AGENCY)
def uk_15(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Agencies stop too as soon as a moratorium begins, and none is engaged while it lasts.

    Debt Respite Scheme Regulations 2020, reg. 12.
    """
    by_us = isinstance(s.action, ContactAction) and s.action.by == LENDER
    if by_us or _allowed_in_moratorium(s):
        return None
    holds = held(s, now, *_MORATORIA)
    return deny("an agency in a moratorium", "no agency", "holds", (h.hold_id for h in holds)) if holds else None


@rule("contact", *_HANDED_OVER, Referral.LAWSUIT)
def uk_16(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """The time of a moratorium does not count towards limitation: the last day moves by as long as it lasted.

    Debt Respite Scheme Regulations 2020, reg. 8, 9.
    """
    ends = s.loan.limitation_ends_on
    if ends is None or not ends < day_in(now, s.borrower.zone) <= (extended := _extended(s, ends, now)):
        return None
    return excepted(f"limitation moved from {ends} to {extended}", "the length of the moratorium", "loans.limitation_ends_on")


@rule("contact")
def uk_17(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """When the debtor has died, in a moratorium or not, only who represents the estate, and who owes in their own person, is contacted.

    Debt Respite Scheme Regulations 2020, reg. 21; outside a moratorium ours.
    """
    if s.relation in STANDS_FOR_THE_BORROWER or s.relation in (Relation.JOINT, Relation.GUARANTOR):
        return None
    dead = held(s, now, HoldReason.DECEASED, people=(s.borrower,))
    return deny("the debtor has died", "the executor or administrator", "holds", (h.hold_id for h in dead)) if dead else None


@rule(Referral.LAWSUIT)
def uk_18(s: Situation, terms: Lasting, now: datetime) -> Objection | None:
    """Nothing is enforced before a default notice was served and its 14 days have passed.

    Consumer Credit Act 1974, s. 87, 88.
    """
    limit = f"{terms.days} days after a default notice"
    notices = told(s, s.loan.borrower, now, (NoticeKind.DEFAULT,))
    if not notices:
        return deny("no default notice", limit, "notices")
    free = (notices[0].delivered_at or notices[0].sent_at) + timedelta(days=terms.days)
    return None if now >= free else defer(f"served at {notices[0].sent_at.isoformat()}", limit, "notices", free)


def _answers(s: Situation) -> bool:
    """Whether it is an answer, or goes to who advises the customer or acts for them."""
    if not isinstance(s.action, ContactAction):
        return False
    return s.action.purpose in _ANSWERS or s.relation in (Relation.DEBT_ADVISER, Relation.ATTORNEY)


def _allowed_in_moratorium(s: Situation) -> bool:
    if not isinstance(s.action, ContactAction):
        return False
    return s.action.purpose in _ANSWERS or (s.relation is Relation.DEBT_ADVISER and s.action.purpose not in (Purpose.LOCATE, Purpose.RELAY))


def _standing(s: Situation, now: datetime, reason: HoldReason, lasts: timedelta) -> list[Hold]:
    """The holds of a reason that stand: until somebody ended them, else as long as the law says."""
    people = (s.borrower.person_id, s.recipient.person_id)
    return [
        h
        for h in s.holds
        if h.reason == reason
        and concerns(h, s, people)
        and stands(h.placed_at, h.until or h.placed_at + lasts, now)
        and stands(h.placed_at, h.lifted_at, now)
    ]


def _treated_long_ago(hold: Hold, s: Situation, now: datetime, days: int) -> bool:
    ended = hold.treatment_ends_on
    return ended is not None and day_in(now, s.borrower.zone) > ended + ONE_DAY * days


def _extended(s: Situation, ends: date, now: datetime) -> date:
    """The last day of limitation with the time of all moratoria that had begun by then."""
    zone = s.borrower.zone
    for hold in sorted((h for h in s.holds if h.reason in _MORATORIA and h.placed_at <= now), key=lambda h: h.placed_at):
        if concerns(hold, s, (s.borrower.person_id,)) and day_in(hold.placed_at, zone) <= ends:
            until = min(ends_at(hold) or now, now)
            ends += ONE_DAY * max((day_in(until, zone) - day_in(hold.placed_at, zone)).days, 0)
    return ends
