"""United States: how often, at what hours and by what voice. Regulation F (12 CFR 1006), the FDCPA (15 U.S.C. 1692), the TCPA, and Massachusetts."""

from __future__ import annotations

from heapq import merge

from arrears.prove import words
from arrears.prove.debtor import known
from arrears.prove.law.kit import H, counts_out, may_be, outside_hours
from arrears.prove.law.rule import law
from arrears.prove.law.us_people import same_debt
from arrears.prove.model import SECOND, Contact, Day, Instant
from arrears.prove.sending import Breach, LocalTime, Sending

OPENS, CLOSES = 8 * H, 21 * H
CALLS_IN_A_WEEK, CALLS_IN_MASSACHUSETTS, WEEK = 7, 2, 7
SEVEN_IN_A_DAY = 7
FIVE_MINUTES = 300 * SECOND

_CALLS = frozenset({"call"})
_TALKED = words.SPOKEN | words.OPTED_OUT
"""Outcomes after which the call was a conversation with whom it was meant for."""


def _consented(s: Sending, at: Instant, clock: LocalTime, day: Day | None = None) -> bool:
    """Whether the person had agreed to more calls: for 7 days, the day of the consent being the first, and until they were next spoken to."""
    for consent in s.debtor.consents.get(s.contact.person_id, ()):
        if consent.kind != "more_calls" or not s.debtor.stands(consent, at, "call"):
            continue
        given = s.zones.local(clock.zone, consent.given_at)
        if given is None or (clock.day if day is None else day) > given[0] + WEEK - 1:
            continue
        calls = s.debtor.calls[s.contact.person_id]
        if not any(consent.given_at < c.at < at and _same(s, c) and known(c, s.at) and may_be(s, c, _TALKED) for _, c in calls):
            return True
    return False


def _agreed_now(s: Sending) -> bool:
    """Whether the person had agreed to this very call, whatever day it is for them."""
    return bool(s.clocks) and bool(s.debtor.consents) and all(_consented(s, s.at, clock) for clock in s.clocks)


def _same(s: Sending, call: Contact) -> bool:
    """Whether a call was about the same debt, by the same collector."""
    return call.by == s.contact.by and same_debt(s, call)


def _placed(s: Sending) -> int:
    """How many calls this collector placed to this person about this debt: not those that were not connected, nor those that they had agreed to."""
    agreeable = bool(s.debtor.consents)

    def counts(day: Day, call: Contact, clock: LocalTime) -> bool:
        if not _same(s, call) or not counts_out(call) or s.outcome(call) in words.NOT_CONNECTED:
            return False
        return not (agreeable and _consented(s, call.at, clock, day))

    return s.most(s.debtor.calls[s.contact.person_id], WEEK, counts)


@law("US-01", words.US, by=_CALLS)
def seven_calls_in_seven_days(s: Sending) -> Breach | None:
    """At most 7 calls are placed to a person about a debt in 7 consecutive days. 12 CFR 1006.14(b)(2)(i)(A)."""
    if s.role == "attorney":
        return None
    placed = _placed(s)
    if placed < CALLS_IN_A_WEEK or _agreed_now(s):
        return None
    return Breach(f"{placed} before it", f"{CALLS_IN_A_WEEK} in 7 days", "one call too many in 7 days")


@law("US-02", words.US, by=_CALLS)
def a_week_after_a_conversation(s: Sending) -> Breach | None:
    """No call about a debt within 7 days after a conversation about it, whoever began that; the day of the conversation is day 1.

    12 CFR 1006.14(b)(2)(i)(B); comment 14(b)(2)(i)-1.ii (US-03).
    """
    if s.role == "attorney":
        return None
    talks = s.most(s.debtor.calls[s.contact.person_id], WEEK, lambda _, call, __: _same(s, call) and may_be(s, call, _TALKED))
    if not talks or _agreed_now(s):
        return None
    return Breach("a conversation in these days", "7 days", "it left within 7 days after a conversation")


@law("US-07", words.US, by=_CALLS)
def no_bursts(s: Sending) -> Breach | None:
    """Calls do not come in bursts, over all debts and callers: none within 5 minutes, no seven in a day. Comment 14(b)(2)(i)-2."""
    if s.role == "attorney" or _agreed_now(s):
        return None
    calls = s.debtor.calls[s.contact.person_id]
    today = s.most(calls, 1, lambda _, call, __: counts_out(call) and s.outcome(call) != "failed")
    if today >= SEVEN_IN_A_DAY - 1:
        return Breach(f"{today} before it", f"fewer than {SEVEN_IN_A_DAY} a day", "seven calls or more on one day")
    for _, call in reversed(calls):
        if s.contact.day_only or s.at - call.at >= FIVE_MINUTES:
            break
        if counts_out(call) and not call.day_only and known(call, s.at) and s.outcome(call) != "failed":
            return Breach("less than 5 minutes after the last", "5 minutes", "it followed another call within 5 minutes")
    return None


@law("US-10", words.US, by=words.MESSAGES | _CALLS | {"visit"})
def convenient_hours(s: Sending) -> Breach | None:
    """From 8 a.m. to 9 p.m. where the person lives and where their number belongs. 12 CFR 1006.6(b)(1)(i)."""
    return outside_hours(s, OPENS, CLOSES, s.clocks)


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


@law("US-73", words.US, by=_CALLS | {"sms"})
def two_calls_in_massachusetts(s: Sending) -> Breach | None:
    """In Massachusetts at most 2 calls or texts in 7 days about a debt, over all callers. 940 CMR 7.04(1)(f)."""
    if s.role == "attorney" or "US-MA" not in s.homes:
        return None

    def counts(_: Day, past: Contact, __: LocalTime) -> bool:
        return past.channel in words.BY_PHONE and same_debt(s, past) and counts_out(past) and s.outcome(past) not in words.NOT_CONNECTED

    person_id = s.contact.person_id
    past = merge(s.debtor.calls[person_id], s.debtor.messages[person_id], key=lambda dated: dated[1].at)
    placed = s.most(list(past), WEEK, counts)
    if placed < CALLS_IN_MASSACHUSETTS:
        return None
    return Breach(f"{placed} before it", f"{CALLS_IN_MASSACHUSETTS} in 7 days", "one call too many in 7 days in Massachusetts")
