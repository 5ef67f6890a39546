"""Mainland China: GB/T 45251-2025, the guideline of the China Banking Association of 2026, the Personal Information Protection Law, the Civil Code."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.debtor import known
from arrears.prove.law.house import borrowers_day
from arrears.prove.law.kit import Hours, at_home, counts_out, may_be, outside_hours, per_cent
from arrears.prove.law.rule import OTHERS, law
from arrears.prove.model import DAY, HOUR, LENDER, Contact
from arrears.prove.sending import Breach, Sending

_CALLS = frozenset({"call"})
_IN_PERSON = frozenset({"visit"})


@law("CN-01", words.CN)
def no_nights(s: Sending) -> Breach | None:
    """No collection between 22:00:00 and 07:59:59 of the person's local day, unless they agreed to it. GB/T 45251-2025, 5.3."""
    own = s.limits
    return outside_hours(s, Hours(own.cn_01_window, own.cn_01_weekdays, own.cn_01_channels), at_home(s))


@law("CN-02", words.CN, by=_CALLS)
def three_effective_calls(s: Sending) -> Breach | None:
    """At most 3 effective calls to one person on a calendar day, over all loans, by the lender and its agencies together. GB/T 45251-2025, 5.3."""
    if s.day is None:
        return None
    effective, most = len(_effective(s)), s.limits.cn_02_most
    return None if effective < most else Breach(f"{effective} before it", f"{most} a day", "one effective call too many on that day")


def _effective(s: Sending) -> list[Contact]:
    """The calls to this person on their day that were, or may have been, conversations."""
    return [call for _, call in s.calls(1) if counts_out(call) and may_be(s, call, words.SPOKEN)]


@law("CN-03", words.CN, reported=False)
def agencies_have_told(s: Sending) -> Breach | None:
    """The lender's contacts and its agencies' share one counter, so nobody is contacted while an agency's report is older than a day.

    Asked are the agencies that have the loan, or another one of the borrower's, and those that were in touch with the person of late. GB/T 45251-2025, 5.3.
    """
    lasts = s.limits.cn_03_feed_hours
    for slug in _agencies_around(s):
        agency = s.book.agencies.get(slug)
        if agency is None and "agencies" in s.unknown:
            s.cannot("CN-03", "not known when the agency reported")
            continue
        if agency is None or agency.feed_at is None:
            return Breach("no report of the agency", f"{lasts} hours", "nobody knew how often the agency had made contact")
        if agency.feed_at > s.at:
            s.cannot("CN-03", "only the agency's latest report is dated")
        elif s.at - agency.feed_at > lasts * HOUR:
            return Breach("no fresh report of the agency", f"{lasts} hours", "nobody knew how often the agency had made contact")
    return _shared_cap(s) if s.contact.channel == words.CALL and s.day is not None else None


def _shared_cap(s: Sending) -> Breach | None:
    """The cap that the lender and its agencies share, where it is a stricter one than that of each (CN-02)."""
    most = s.limits.cn_03_most
    effective = _effective(s) if most < s.limits.cn_02_most else []
    if len(effective) < most or len({call.by for call in effective}) < 2:
        return None
    return Breach(f"{len(effective)} before it", f"{most} a day", "one effective call of the lender and its agencies too many on that day")


def _agencies_around(s: Sending) -> set[str]:
    """The agencies that may have been in touch with the person without our knowing."""
    theirs = s.standing == "borrower"
    named = {slug for loan_id, slug in s.debtor.agencies(s.at) if theirs or loan_id == s.loan.loan_id}
    named.update(c.by for c in s.touches() if c.at >= s.at - s.limits.cn_03_lately_days * DAY)
    named.add(s.contact.by)
    return named - {LENDER}


@law("CN-04", words.CN, by=_CALLS)
def six_unanswered_calls(s: Sending) -> Breach | None:
    """At most 6 unanswered calls a day to one number, unless more were agreed. Guideline of the China Banking Association, 2026."""
    if s.contact.point_id is None or s.day is None or s.debtor.consent(s.contact.person_id, "more_calls", s.at, "call"):
        return None
    number = (s.contact.point_id, None)
    unanswered = sum(call.point_id in number and counts_out(call) and may_be(s, call, words.DIALLED_IN_VAIN) for _, call in s.calls(1))
    most = s.limits.cn_04_most
    if unanswered < most:
        return None
    return Breach(f"{unanswered} before it", f"{most} a day and number", "one unanswered call too many on that number")


@law("CN-05", words.CN, by=_IN_PERSON)
def one_visit(s: Sending) -> Breach | None:
    """At most one visit a day. GB/T 45251-2025, 5.3."""
    visits, most = sum(counts_out(visit) for _, visit in s.past(s.debtor.visits[s.contact.person_id], 1)), s.limits.cn_05_most
    return Breach(f"{visits} before it", f"{most} a day", "one visit too many on that day") if visits >= most else None


@law("CN-06", words.CN)
def an_interval_between_two(s: Sending) -> Breach | None:
    """Between two collections of one loan by one method lie some days; none, unless the lender says how many. Ascribed to GB/T 45251-2025."""
    days = s.limits.cn_06_min_interval_days.get(s.contact.channel)
    if days is None or s.day is None:
        return None
    person_id, channel = s.contact.person_id, s.contact.channel
    met = {words.CALL: s.debtor.calls, "visit": s.debtor.visits}.get(channel, s.debtor.messages)[person_id]
    if any(c.channel == channel and counts_out(c) and c.loan_id == s.loan.loan_id for _, c in s.past(met, days)):
        return Breach("another one within these days", f"{days} days between two", f"it followed another {channel} too soon")
    return None


@law("CN-24", words.CN, by=_IN_PERSON)
def visits_by_consent(s: Sending) -> Breach | None:
    """Nobody enters a home or an office without consent. Guideline of the China Banking Association, 2026."""
    if "consents" in s.unknown:
        s.cannot("CN-24", "consents not known")
        return None
    if s.debtor.consent(s.contact.person_id, "visit", s.at, "visit"):
        return None
    return Breach("no consent to a visit", "consent", "somebody was visited without their consent")


@law("CN-07", words.CN)
def few_messages(s: Sending) -> Breach | None:
    """At most 2 text messages, 1 e-mail and 1 message in the app a day to one person. Ours: no text gives a number."""
    channel, most = s.contact.channel, s.limits.cn_07_most.get(s.contact.channel)
    if s.day is None or most is None or s.contact.purpose in words.CONFIRMS:
        return None
    met = {words.CALL: s.debtor.calls, "visit": s.debtor.visits}.get(channel, s.debtor.messages)[s.contact.person_id]
    sent = sum(past.channel == channel and counts_out(past) and past.purpose not in words.CONFIRMS for _, past in s.past(met, 1))
    return Breach(f"{sent} before it", f"{most} a day", f"one {s.contact.channel} too many on that day") if sent >= most else None


@law("CN-69", words.CN)
def assignment_is_told(s: Sending) -> Breach | None:
    """Whoever bought a debt asks for it only after the debtor was told of the assignment. Civil Code art. 546."""
    return untold_assignment(s)


def untold_assignment(s: Sending, *, at_once: bool = False) -> Breach | None:
    """Whether a purchaser of the debt contacted somebody before the borrower had got the notice of the assignment; ``at_once``: it may come with it."""
    if s.loan.lender_kind != "purchaser" or s.contact.purpose in words.NOTICES | words.CONFIRMS or "notices" in s.unknown:
        return None
    for notice in s.told(("assignment", "transfer"), s.loan.borrower_id):
        if notice.delivered_at is not None and (notice.delivered_at < s.at or (at_once and notice.delivered_at == s.at)):
            return None
    return Breach("no notice of the assignment", "a notice delivered before", "a purchaser asked before the borrower knew of the sale")


@law("CN-27", words.CN)
def no_illegal_cost(s: Sending) -> Breach | None:
    """A loan whose cost lies above the ceiling, 24 % a year (ours), is not collected. Civil Code art. 680; provisions on private lending art. 25."""
    cost, most = s.loan.annual_cost, s.limits.cn_27_most_percent
    if cost is None or cost <= most or s.contact.purpose not in words.DEMANDS:
        return None
    return Breach("a cost above the ceiling", per_cent(most), "a loan was collected whose cost is above the legal ceiling")


@law("CN-28", words.CN)
def no_pestering(s: Sending) -> Breach | None:
    """All contacts about one debtor in a day stay below 15, with whomever (ours). Law against organised crime art. 23."""
    borrower = s.debtor.file.person(s.loan.borrower_id, s.at)
    zone = (borrower and borrower.zone) or s.zone
    today = None if zone is None else s.zones.local(zone, s.at)
    if zone is None or today is None:
        return None
    made = 0
    for past in reversed(s.debtor.about):
        there = s.zones.local(zone, past.at)
        if there is None or there[0] < today[0]:
            break
        made += counts_out(past) and known(past, s.at)
    most = s.limits.cn_28_most
    return Breach(f"{made} before it", f"{most} a day", "one contact too many about one debtor on that day") if made >= most else None


@law("CN-28", words.CN, to=OTHERS)
def others_once_a_week(s: Sending) -> Breach | None:
    """Somebody who owes nothing is contacted once in seven days at most (ours). Law against organised crime art. 23."""
    person_id = s.contact.person_id
    past = (*s.debtor.calls[person_id], *s.debtor.messages[person_id], *s.debtor.visits[person_id])
    if s.day is None:
        return None
    most, days = s.limits.cn_28_others_most, s.limits.cn_28_others_days
    made = sum(counts_out(c) and known(c, s.at) and day is not None and day > s.day - days for day, c in past)
    if made < most:
        return None
    return Breach(f"{made} before it", f"{most} in {days} days", "somebody who owes nothing was contacted too often")


@law("CN-68", words.CN)
def no_threat_when_time_is_over(s: Sending) -> Breach | None:
    """When the time for an action is over, no message threatens one. Civil Code art. 188, 192; ours."""
    ends = s.loan.limitation_ends_on
    if ends is None or s.contact.klass not in words.SUITS or borrowers_day(s) <= ends:
        return None
    return Breach("the limitation has ended", "before it ends", "it spoke of a lawsuit although the time for one was over")
