"""The United States: how often and at what hours people are called, and with what voice.

Regulation F and the FDCPA bind who collects for others; here they bind a lender that collects in its own name too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import Field, PositiveInt

from arrears.domain.calendar import ONE_DAY, local_date
from arrears.domain.law.kit import (
    DayCap,
    Hours,
    RollingCap,
    agreed_hours,
    defer,
    deny,
    excepted,
    outside_hours,
    over,
    over_cap,
    standing,
    start_of,
    too_soon,
    zones_of_phone,
)
from arrears.domain.law.rule import Terms, rule, tighter
from arrears.domain.law.standing import NOT_CONNECTED, TALKED, left, points_of, refused_address, strictest, unwanted_now
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.person import ConsentKind, Names, Relation
from arrears.domain.situation import Contact, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Effect, Objection

_UNCOUNTED = frozenset({Purpose.REPLY, Purpose.VERIFICATION, Purpose.CONFIRM_OPT_OUT, Purpose.NOTICE, Purpose.TERMINATE})


class CallCap(RollingCap):
    """At most so many calls; those that the person asked for do not count, for some days after they did."""

    consent_days: PositiveInt = tighter("lower", description="local days for which the person's own consent lasts, its day included")


class TalkGap(Terms):
    """So many days between a conversation and the next call, the day of the conversation being day 1."""

    days: PositiveInt = tighter("higher")
    consent_days: PositiveInt = tighter("lower", description="local days for which the person's own consent lasts, its day included")


class BurstGuard(DayCap):
    """Time between two calls, and calls in one day, however many a week allows. No lender can go below five minutes or above six a day."""

    most: PositiveInt = tighter("lower", le=6)
    gap_minutes: int = tighter("higher", ge=5)
    consent_days: PositiveInt = tighter("lower", description="local days for which the person's own consent lasts, its day included")


class Touches(Terms):
    """At most so many messages by one medium in a local day, and contacts by all of them in some days."""

    most_a_day: dict[Channel, PositiveInt] = tighter("lower")
    most: PositiveInt = tighter("lower")
    days: PositiveInt = Field(description="local days in a row, today included")


class PhoneCap(RollingCap):
    """At most so many contacts by telephone."""

    channels: Names[Channel] = tighter("superset")


@rule("contact")
def us_01(s: Situation, terms: CallCap, now: datetime) -> Objection | None:
    """At most seven calls to one person about one debt in seven local days in a row, today included; the eighth waits.

    12 CFR 1006.14(b)(2)(i)(A), (ii); what counts: (b)(3), (b)(4). Calls that found a busy line or a number not in service do not count, nor do those to which
    the person directly consented within seven days; unanswered calls, voicemails and calls whose outcome nobody knows do.
    """
    if not _limited(s):
        return None
    against: list[Objection | None] = []
    for zone in _zones(s):
        calls = (c for c in left(_calls(s)) if c.outcome not in NOT_CONNECTED and not _consented(s, c.at, zone, terms.consent_days))
        against.append(over_cap(calls, terms, zone, now, "calls to this person about this debt"))
    return _unless_consented(s, strictest(against), now, terms.consent_days)


@rule("contact")
def us_02(s: Situation, terms: TalkGap, now: datetime) -> Objection | None:
    """After a telephone conversation about the debt, whoever called whom, the next call is on the eighth day: the day of the talk is day 1.

    12 CFR 1006.14(b)(2)(i)(B); inbound conversations: comment 14(b)(2)(i)-1.ii (US-03).
    """
    if not _limited(s):
        return None
    talks = [c for c in _calls(s, inbound=True) if c.outcome in TALKED and c.at <= now]
    last = max(talks, key=lambda c: c.at, default=None)
    if last is None:
        return None
    limit = f"no call within {terms.days} days of a conversation"
    against: list[Objection | None] = []
    for zone in _zones(s):
        if zone is None:
            against.append(deny("the recipient's time zone is not known", limit, "people.zone"))
        elif now < (free := start_of(local_date(last.at, zone) + ONE_DAY * terms.days, zone)):
            against.append(defer(f"a conversation on {local_date(last.at, zone)}", limit, "history", free, (last.contact_id,)))
    return _unless_consented(s, strictest(against), now, terms.consent_days)


@rule("contact")
def us_07(s: Situation, terms: BurstGuard, now: datetime) -> Objection | None:
    """No bursts of calls, however few a week: some time between two calls to a person, and no more than some a day, over all debts and callers.

    Comment 14(b)(2)(i)-2 to 12 CFR 1006: two unanswered calls within five minutes, or seven on one day, can rebut the presumption of compliance.
    """
    if not _limited(s):
        return None
    calls = [c for c in left(s.contacts(s.recipient.person_id, channel=Channel.CALL)) if c.at <= now]
    last = max(calls, key=lambda c: c.at, default=None)
    soon = too_soon(last, timedelta(minutes=terms.gap_minutes), now, f"{terms.gap_minutes} minutes between calls")
    a_day = (over_cap(calls, terms, zone, now, "calls") for zone in _zones(s))
    return _unless_consented(s, strictest((soon, *a_day)), now, terms.consent_days)


@rule("contact")
def us_08(s: Situation, terms: Touches, now: datetime) -> Objection | None:
    """Messages are capped too, and all media are judged together: so many of each a day, so many contacts of any kind in some days.

    12 CFR 1006.14(a), (b)(1); the numbers are ours. Answers and notices that the person asked for, or the law asks for, do not count against anybody.
    """
    action = s.contact
    if action.purpose in _UNCOUNTED or s.relation is Relation.ATTORNEY:
        return None
    person = s.recipient.person_id
    touches = [c for c in left(s.contacts(person)) if c.purpose not in _UNCOUNTED]
    by_medium = [c for c in touches if c.channel is action.channel]
    against: list[Objection | None] = []
    for zone in _zones(s):
        if (most := terms.most_a_day.get(action.channel)) is not None:
            against.append(over(by_medium, most, 1, zone, now, f"contacts by {action.channel}"))
        against.append(over(touches, terms.most, terms.days, zone, now, "contacts by all media"))
    return strictest(against)


@rule("contact")
def us_10(s: Situation, terms: Hours, now: datetime) -> Objection | None:
    """Contact only from 8:00 until before 21:00, both where the person lives and wherever the number may be, unless they agreed to other hours.

    12 CFR 1006.6(b)(1)(i); 15 U.S.C. 1692c(a)(1). For electronic messages the time of sending counts (US-12).
    """
    action = s.contact
    if action.channel not in terms.channels:
        return None
    return outside_hours(now, zones_of_phone(s), terms, "people.zone, contact_points.zones", agreed_hours(s.recipient, action.channel, now))


@rule("contact")
def us_11(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Not at hours that the person said do not suit them, nor at a place that they said does not.

    12 CFR 1006.6(b)(1), (3); 15 U.S.C. 1692c(a)(1).
    """
    if s.contact.channel in (Channel.CALL, Channel.VISIT, Channel.LETTER) and (refused := refused_address(s, now)):
        return deny("they asked not to be contacted there", "a number or place that suits them", "people.wishes", points_of(refused))
    return unwanted_now(s, zones_of_phone(s), now)


@rule("contact")
def us_70(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """No artificial or recorded voice to a mobile without the person's prior express consent.

    47 U.S.C. 227(b)(1)(A)(iii).
    """
    if not _artificial_call(s) or (s.point is not None and s.point.kind == "landline"):
        return None
    if standing(s.recipient.consents, ConsentKind.ARTIFICIAL_VOICE, Channel.CALL, now):
        return None
    return deny("an artificial voice without consent", "prior express consent", "people.consents")


@rule("contact")
def us_71(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Once a person takes back their consent to texts or to artificial voices, by any reasonable means, there are no more, from that moment on.

    47 CFR 64.1200(a)(10), (12), which leave up to ten business days; ours is at once. One text may confirm it (US-17).
    """
    action, person = s.contact, s.recipient
    if action.channel is Channel.SMS and action.purpose is not Purpose.CONFIRM_OPT_OUT:
        kind = ConsentKind.TEXTS
    elif _artificial_call(s):
        kind = ConsentKind.ARTIFICIAL_VOICE
    else:
        return None
    consents = [c for c in person.consents if c.kind is kind and c.channel in (None, action.channel) and c.given_at <= now]
    said_no = [
        c.at for c in s.contacts(person.person_id, channel=action.channel, direction=None) if c.outcome is Outcome.OPTED_OUT and c.at <= now
    ]
    taken_back = max((*(c.withdrawn_at for c in consents if c.withdrawn_at is not None and c.withdrawn_at <= now), *said_no), default=None)
    if taken_back is None or any(c.given_at > taken_back for c in standing(consents, kind, action.channel, now)):
        return None
    return deny(f"taken back at {taken_back.isoformat()}", "a consent given since", "people.consents")


@rule("contact")
def us_73(s: Situation, terms: PhoneCap, now: datetime) -> Objection | None:
    """A stricter state: in Massachusetts at most two contacts by telephone about a debt in seven days, by the creditor itself too.

    940 CMR 7.04(1)(f).
    """
    if s.contact.channel not in terms.channels or s.relation is Relation.ATTORNEY:
        return None
    person = s.recipient.person_id
    counted = [
        c for c in left(s.contacts(person)) if c.channel in terms.channels and same_debt(s, c.loan) and c.outcome not in NOT_CONNECTED
    ]
    return strictest(over_cap(counted, terms, zone, now, "contacts by telephone about this debt") for zone in _zones(s))


def same_debt(s: Situation, loan_id: str) -> bool:
    """Whether a contact about another loan counts for this one: student loans under one account number are one debt (US-04)."""
    if loan_id == s.loan.loan_id:
        return True
    account = next((loan.account for loan in s.loans if loan.loan_id == loan_id), None)
    return account is not None and account == s.loan.account


def _limited(s: Situation) -> bool:
    return s.contact.channel is Channel.CALL and s.relation is not Relation.ATTORNEY


def _artificial_call(s: Situation) -> bool:
    return s.contact.channel is Channel.CALL and s.contact.artificial_voice


def _calls(s: Situation, *, inbound: bool = False) -> Iterator[Contact]:
    """The calls to the person about the debt by whoever calls now, to any number of theirs; with ``inbound`` those by the person too."""
    direction = None if inbound else "out"
    by = s.contact.by
    calls = s.contacts(s.recipient.person_id, channel=Channel.CALL, direction=direction)
    return (c for c in calls if c.by == by and same_debt(s, c.loan))


def _zones(s: Situation) -> tuple[str | None, ...]:
    """Every zone whose days may be the person's; one unknown if none is known."""
    return tuple(dict.fromkeys(zones_of_phone(s))) or (None,)


def _consented(s: Situation, at: datetime, zone: str | None, days: int) -> bool:
    """Whether the person had directly consented to a call at an instant: within so many days, and no conversation since."""
    if zone is None:
        return False
    given = [c.given_at for c in standing(s.recipient.consents, ConsentKind.MORE_CALLS, Channel.CALL, at)]
    talks = [c.at for c in _calls(s, inbound=True) if c.outcome in TALKED and c.at < at]
    return any(local_date(at, zone) < local_date(when, zone) + ONE_DAY * days and not any(when < talk for talk in talks) for when in given)


def _unless_consented(s: Situation, against: Objection | None, now: datetime, days: int) -> Objection | None:
    if against is None or against.effect is not Effect.DEFER or not all(_consented(s, now, zone, days) for zone in _zones(s)):
        return against
    return excepted(against.observed, "the person's own prior consent", "people.consents")
