"""Mainland China: when and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import NonNegativeInt, PositiveInt

from arrears.domain.calendar import ONE_DAY, local_date
from arrears.domain.law.cn_facts import made, outsider
from arrears.domain.law.kit import DayCap, Hours, agreed_hours, defer, deny, outside_hours, over, over_cap, standing, start_of
from arrears.domain.law.rule import Terms, rule, tighter
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, UNREACHED, Outcome
from arrears.domain.person import ConsentKind
from arrears.domain.situation import LENDER, Contact, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Objection

_UNSURE = frozenset({Outcome.UNKNOWN, None})
_EFFECTIVE = ANSWERED | {Outcome.RELAYED, Outcome.RELATIVE_REFUSED} | _UNSURE
_UNANSWERED = UNREACHED | {Outcome.FAILED} | _UNSURE


@rule("contact")
def cn_01(s: Situation, terms: Hours, now: datetime) -> Objection | None:
    """No collection activity of any kind between 22:00 and 8:00 of the recipient's local day, unless they agreed to other hours.

    GB/T 45251-2025 (5.3), number not seen; CBA 2026, number not seen. The start counts; an unknown time zone denies.
    """
    action = s.contact
    if action.channel not in terms.channels:
        return None
    zones = (s.recipient.zone,) if s.recipient.zone else ()
    return outside_hours(now, zones, terms, "people.zone", agreed_hours(s.recipient, action.channel, now))


@rule("contact")
def cn_02(s: Situation, terms: DayCap, now: datetime) -> Objection | None:
    """At most three effective calls that we start to one debtor in a calendar day, voice bots included, over all their loans.

    GB/T 45251-2025 (5.3), number not seen. A call whose outcome is not known counts, and so does everybody who calls for us.
    """
    if s.contact.channel is not Channel.CALL:
        return None
    return over_cap(_effective_calls(s), terms, s.recipient.zone, now, "effective calls")


def _effective_calls(s: Situation) -> Iterator[Contact]:
    return (c for c in s.contacts(s.recipient.person_id, channel=Channel.CALL) if c.outcome in _EFFECTIVE)


class SharedCap(DayCap):
    """A cap that the lender and its agencies share, and how old the report of an agency's contacts may be."""

    feed_hours: PositiveInt = tighter("lower", description="the age up to which an agency's report of its contacts counts as fresh")
    lately_days: NonNegativeInt = tighter("higher", description="for so long after its last contact an agency's report is still asked for")


@rule("contact")
def cn_03(s: Situation, terms: SharedCap, now: datetime) -> Objection | None:
    """The lender and all its agencies share one daily count of effective calls, so nobody is contacted while an agency's report of its own is stale.

    NIFA guideline 2024 (repealed), ascribed to GB/T 45251-2025 as well. Asked of the agency that has a loan of this person's, that contacts them now, or
    that contacted them of late; a report of unknown age is stale.
    """
    limit = f"a report not older than {terms.feed_hours} hours"
    for agency_id in _agencies_about(s, terms, now):
        feed_at = next((a.feed_at for a in s.agencies if a.agency == agency_id), None)
        if feed_at is None:
            return deny(f"nobody knows up to when {agency_id} has reported", limit, "agencies.feed_at", (agency_id,))
        if now - feed_at > timedelta(hours=terms.feed_hours):
            return deny(f"{agency_id} last reported at {feed_at.isoformat()}", limit, "agencies.feed_at", (agency_id,))
    if s.contact.channel is not Channel.CALL or s.recipient.zone is None:
        return None
    reached = over_cap(_effective_calls(s), terms, s.recipient.zone, now, "effective calls of the lender and its agencies together")
    senders = {c.by for c in s.history if reached and c.contact_id in reached.facts}
    return reached if len(senders) > 1 else None


def _agencies_about(s: Situation, terms: SharedCap, now: datetime) -> list[str]:
    """The agencies that may have contacted the recipient without our knowing, each once."""
    person = s.recipient.person_id
    theirs = [loan for loan in s.loans if person == loan.borrower or any(tie.person == person for tie in loan.ties)]
    lately = (c.by for c in s.contacts(person, direction=None) if c.at >= now - ONE_DAY * terms.lately_days)
    placed = (agency for loan in theirs for agency in loan.placed_with)
    return [agency for agency in dict.fromkeys((s.contact.by, *placed, *lately)) if agency != LENDER]


@rule("contact")
def cn_04(s: Situation, terms: DayCap, now: datetime) -> Objection | None:
    """At most six unanswered call attempts a day to the same number, unless the person agreed to more.

    CBA 2026, number not seen ("不宜"). Dialled and not reached counts, whoever dialled; so does a call whose outcome, or whose number, is not known.
    """
    action = s.contact
    if action.channel is not Channel.CALL or action.contact_point is None:
        return None
    if standing(s.recipient.consents, ConsentKind.MORE_CALLS, Channel.CALL, now):
        return None
    person, number = s.recipient.person_id, action.contact_point
    tried = (
        c
        for c in s.contacts(channel=Channel.CALL)
        if c.outcome in _UNANSWERED and (c.contact_point == number or (c.contact_point is None and c.person == person))
    )
    return over_cap(tried, terms, s.recipient.zone, now, "unanswered attempts at one number")


class Visits(DayCap):
    """How many visits a day, and how many people at least make one."""

    staff: PositiveInt = tighter("higher")


@rule("contact")
def cn_05(s: Situation, terms: Visits, now: datetime) -> Objection | None:
    """At most one visit a day, and never by one person alone.

    GB/T 45251-2025 (5.3), number not seen.
    """
    action = s.contact
    if action.channel is not Channel.VISIT:
        return None
    if action.staff is None or action.staff < terms.staff:
        return deny(
            "nobody knows how many come" if action.staff is None else f"{action.staff} come", f"at least {terms.staff}", "action.staff"
        )
    visits = (c for c in s.contacts(s.recipient.person_id, channel=Channel.VISIT) if made(c))
    return over_cap(visits, terms, s.recipient.zone, now, "visits")


class Intervals(Terms):
    """Natural days between two collections of one loan by the same method; a method that is not listed has no interval."""

    min_interval_days: dict[Channel, PositiveInt] = tighter("higher", default_factory=dict)


@rule("contact")
def cn_06(s: Situation, terms: Intervals, now: datetime) -> Objection | None:
    """Between two collections of the same loan by the same method lie some natural days; off until counsel has read the clause.

    Ascribed to GB/T 45251-2025; its scope is unclear, since read literally it contradicts three calls a day (CN-02).
    """
    channel = s.contact.channel
    days = terms.min_interval_days.get(channel)
    if days is None:
        return None
    limit = f"{days} days between two by {channel}"
    zone = s.recipient.zone
    if zone is None:
        return deny("the recipient's time zone is not known", limit, "people.zone")
    before = [c for c in s.contacts(s.recipient.person_id, channel=channel) if made(c) and c.loan == s.loan.loan_id and c.at <= now]
    last = max(before, key=lambda c: c.at, default=None)
    if last is None:
        return None
    free = start_of(local_date(last.at, zone) + ONE_DAY * days, zone)
    return None if now >= free else defer(f"the last one on {local_date(last.at, zone)}", limit, "history", free, (last.contact_id,))


class ChannelCaps(Terms):
    """At most so many in one local day, by channel; a channel that is not listed has no cap here."""

    most: dict[Channel, NonNegativeInt] = tighter("lower")


@rule("contact")
def cn_07(s: Situation, terms: ChannelCaps, now: datetime) -> Objection | None:
    """At most two text messages, one e-mail and one message in the app a day to one person; a confirmation of their own opt-out is not counted.

    No text gives a number; these are ours.
    """
    action = s.contact
    most = terms.most.get(action.channel)
    if most is None or action.purpose is Purpose.CONFIRM_OPT_OUT:
        return None
    sent = (c for c in s.contacts(s.recipient.person_id, channel=action.channel) if made(c) and c.purpose is not Purpose.CONFIRM_OPT_OUT)
    return over(sent, most, 1, s.recipient.zone, now, f"by {action.channel}")


class Touches(DayCap):
    """How often a debtor is touched in a day, by whatever channel, with whomever, over all their loans; and how often somebody who owes nothing."""

    others_most: NonNegativeInt = tighter("lower")
    others_days: PositiveInt = tighter(
        "higher", description="local days in a row, today included, in which a contact is asked so often at most"
    )


@rule("contact")
def cn_28(s: Situation, terms: Touches, now: datetime) -> Objection | None:
    """All contacts about one debtor in a day stay below what could be called pestering, and a contact of theirs is asked once a week at most.

    Law against organised crime, art. 23: repeated organised pestering can itself be its means. Every channel, loan, agency and person around the debtor
    counts. The numbers are ours.
    """
    if outsider(s):
        asked = (c for c in s.contacts(s.recipient.person_id) if made(c))
        objection = over(asked, terms.others_most, terms.others_days, s.recipient.zone, now, "contacts with somebody who owes nothing")
        if objection is not None:
            return objection
    zone = s.borrower.zone or s.recipient.zone
    if zone is None:
        return None  # CN-01 denies
    theirs = {loan.loan_id for loan in s.loans if loan.borrower == s.loan.borrower}
    return over_cap((c for c in s.contacts() if made(c) and c.loan in theirs), terms, zone, now, "contacts about one debtor")
