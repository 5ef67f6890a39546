"""United States: how often, at what hours and by what voice. Regulation F (12 CFR 1006), the FDCPA (15 U.S.C. 1692), the TCPA, and Massachusetts."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

from arrears.prove import words
from arrears.prove.debtor import Past, known
from arrears.prove.law.kit import Hours, counts_out, may_be, outside_hours
from arrears.prove.law.rule import law
from arrears.prove.law.us_people import same_debt
from arrears.prove.model import SECOND, Contact, Day, Instant
from arrears.prove.sending import Breach, LocalTime, Sending

WEEK = 7
MOST_OF_ANYBODY, MINUTES_OF_ANYBODY = 6, 5
"""Calls a day, and minutes between two, which nobody exceeds (comment 14(b)(2)(i)-2). What a lender keeps beyond that binds its own calls."""

MINUTE = 60 * SECOND

_CALLS = frozenset({"call"})
_ANSWERING = words.OWED_TO_THEM | {"terminate"}
"""What the person, or the law, asked for counts against nobody."""
_TALKED = words.SPOKEN | words.OPTED_OUT
"""Outcomes after which the call was a conversation with whom it was meant for."""


def _consented(s: Sending, at: Instant, clock: LocalTime, days: int, day: Day | None = None) -> bool:
    """Whether the person had agreed to more calls: for so many days, the day of the consent being the first, and until they were next spoken to."""
    for consent in s.debtor.consents.get(s.contact.person_id, ()):
        if consent.kind != "more_calls" or not s.debtor.stands(consent, at, "call"):
            continue
        given = s.zones.local(clock.zone, consent.given_at)
        if given is None or (clock.day if day is None else day) > given[0] + days - 1:
            continue
        calls = s.debtor.calls[s.contact.person_id]
        if not any(consent.given_at < c.at < at and _same(s, c) and known(c, s.at) and may_be(s, c, _TALKED) for _, c in calls):
            return True
    return False


def _agreed_now(s: Sending, days: int) -> bool:
    """Whether the person had agreed to this very call, whatever day it is for them."""
    return bool(s.clocks) and bool(s.debtor.consents) and all(_consented(s, s.at, clock, days) for clock in s.clocks)


def _same(s: Sending, call: Contact) -> bool:
    """Whether a call was about the same debt, by the same collector."""
    return call.by == s.contact.by and same_debt(s, call)


def _placed(s: Sending) -> int:
    """How many calls this collector placed to this person about this debt: not those that were not connected, nor those that they had agreed to."""
    agreeable, lasts = bool(s.debtor.consents), s.limits.us_01_consent_days

    def counts(day: Day, call: Contact, clock: LocalTime) -> bool:
        if not _same(s, call) or not counts_out(call) or s.outcome(call) in words.NOT_CONNECTED:
            return False
        return not (agreeable and _consented(s, call.at, clock, lasts, day))

    return s.most(s.debtor.calls[s.contact.person_id], WEEK, counts)


@law("US-01", words.US, by=_CALLS)
def seven_calls_in_seven_days(s: Sending) -> Breach | None:
    """At most 7 calls are placed to a person about a debt in 7 consecutive days. 12 CFR 1006.14(b)(2)(i)(A)."""
    if s.role == "attorney":
        return None
    placed, most = _placed(s), s.limits.us_01_most
    if placed < most or _agreed_now(s, s.limits.us_01_consent_days):
        return None
    return Breach(f"{placed} before it", f"{most} in 7 days", "one call too many in 7 days")


@law("US-02", words.US, by=_CALLS)
def a_week_after_a_conversation(s: Sending) -> Breach | None:
    """No call about a debt within 7 days after a conversation about it, whoever began that; the day of the conversation is day 1.

    12 CFR 1006.14(b)(2)(i)(B); comment 14(b)(2)(i)-1.ii (US-03).
    """
    if s.role == "attorney":
        return None
    days = s.limits.us_02_days
    talks = s.most(s.debtor.calls[s.contact.person_id], days, lambda _, call, __: _same(s, call) and may_be(s, call, _TALKED))
    if not talks or _agreed_now(s, s.limits.us_02_consent_days):
        return None
    return Breach("a conversation in these days", f"{days} days", f"it left within {days} days after a conversation")


@law("US-07", words.US, by=_CALLS)
def no_bursts(s: Sending) -> Breach | None:
    """Calls do not come in bursts, over all debts and callers: none within 5 minutes, no seven in a day; our own keep two hours apart, two a day (ours).

    Comment 14(b)(2)(i)-2.
    """
    if s.role == "attorney" or _agreed_now(s, s.limits.us_07_consent_days):
        return None
    own = not s.contact.reported
    most, minutes = (s.limits.us_07_most, s.limits.us_07_gap_minutes) if own else (MOST_OF_ANYBODY, MINUTES_OF_ANYBODY)
    calls = s.debtor.calls[s.contact.person_id]
    today = s.most(calls, 1, lambda _, call, __: counts_out(call) and s.outcome(call) != "failed")
    if today >= most:
        return Breach(f"{today} before it", f"{most} a day", "one call too many on that day")
    for _, call in reversed(calls):
        if s.contact.day_only or s.at - call.at >= minutes * MINUTE:
            break
        if counts_out(call) and not call.day_only and known(call, s.at) and s.outcome(call) != "failed":
            return Breach(
                f"less than {minutes} minutes after the last", f"{minutes} minutes", f"it followed another call within {minutes} minutes"
            )
    return None


@law("US-08", words.US, reported=False)
def all_media_together(s: Sending) -> Breach | None:
    """Few messages of each medium a day, and few contacts by all of them in seven days (ours): all are judged together. 12 CFR 1006.14(a), (b)(1)."""
    if s.contact.purpose in _ANSWERING or s.role == "attorney":
        return None
    medium, own = s.contact.channel, s.limits

    def counts(_: Day, past: Contact, __: LocalTime) -> bool:
        return counts_out(past) and past.purpose not in _ANSWERING and s.outcome(past) != "failed"

    past = list(_everything(s))
    a_day = own.us_08_most_a_day.get(medium)
    if a_day is not None:
        today = s.most(past, 1, lambda day, c, clock: c.channel == medium and counts(day, c, clock))
        if today >= a_day:
            return Breach(f"{today} before it", f"{a_day} a day by {medium}", f"one contact by {medium} too many on that day")
    in_all = s.most(past, WEEK, counts)
    return (
        Breach(f"{in_all} before it", f"{own.us_08_most} in 7 days", "one contact too many in 7 days") if in_all >= own.us_08_most else None
    )


def _everything(s: Sending) -> Iterator[Past]:
    """Everything that passed between the person and us, by whatever medium, the oldest first."""
    person_id, debtor = s.contact.person_id, s.debtor
    return merge(debtor.calls[person_id], debtor.messages[person_id], debtor.visits[person_id], key=lambda dated: dated[1].at)


@law("US-10", words.US)
def convenient_hours(s: Sending) -> Breach | None:
    """From 8 a.m. to 9 p.m. where the person lives and where their number belongs. 12 CFR 1006.6(b)(1)(i)."""
    own = s.limits
    return outside_hours(s, Hours(own.us_10_window, own.us_10_weekdays, own.us_10_channels), s.clocks)


@law("US-70", words.US, by=_CALLS)
def artificial_voices(s: Sending) -> Breach | None:
    """No artificial or prerecorded voice to a mobile without consent. 47 U.S.C. 227(b)(1)(A)(iii)."""
    if s.contact.artificial_voice is None:
        s.cannot("US-70", "not known whether the voice was artificial")
        return None
    if not s.contact.artificial_voice or (s.point is not None and s.point.kind == "landline"):
        return None
    if s.debtor.consent(s.contact.person_id, "artificial_voice", s.at, "call"):
        return None
    return Breach("an artificial voice without consent", "consent", "an artificial voice called a mobile without consent")


@law("US-71", words.US, by=_CALLS | {"sms"})
def a_consent_taken_back(s: Sending) -> Breach | None:
    """Whoever takes back their consent to texts, or to artificial voices, gets no more of them. 47 CFR 64.1200(a)(10)."""
    contact = s.contact
    if contact.channel == "sms":
        kind = "texts"
        if contact.purpose in words.CONFIRMS:
            return None
    elif contact.artificial_voice:
        kind = "artificial_voice"
    else:
        return None
    channels = (None, contact.channel)
    consents = [c for c in s.debtor.consents.get(contact.person_id, ()) if c.kind == kind and c.channel in channels and c.given_at <= s.at]
    back = [c.withdrawn_at for c in consents if c.withdrawn_at is not None and c.withdrawn_at < s.at]
    stops = s.debtor.refusals.get(contact.person_id, ())
    back += [c.at for c in stops if c.channel == contact.channel and known(c, s.at) and s.outcome(c) in words.OPTED_OUT]
    if not back or any(c.given_at > max(back) and s.debtor.stands(c, s.at) for c in consents):
        return None
    return Breach("the consent was withdrawn", "a consent given since", "it left after the consent to it was withdrawn")


@law("US-73", words.US)
def two_calls_in_massachusetts(s: Sending) -> Breach | None:
    """In Massachusetts at most 2 calls or texts in 7 days about a debt, over all callers. 940 CMR 7.04(1)(f)."""
    most, channels = s.limits.us_73_most, s.limits.us_73_channels
    if s.contact.channel not in channels or s.role == "attorney" or "US-MA" not in s.homes:
        return None

    def counts(_: Day, past: Contact, __: LocalTime) -> bool:
        return past.channel in channels and same_debt(s, past) and counts_out(past) and s.outcome(past) not in words.NOT_CONNECTED

    placed = s.most(list(_everything(s)), WEEK, counts)
    if placed < most:
        return None
    return Breach(f"{placed} before it", f"{most} in 7 days", "one call too many in 7 days in Massachusetts")
