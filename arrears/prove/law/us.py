"""United States: Regulation F (12 CFR 1006), the FDCPA (15 U.S.C. 1692), the TCPA, and Massachusetts."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.debtor import known, outcome_known
from arrears.prove.law.kit import H, counts_out, may_be, outside_hours
from arrears.prove.law.others import refused, told_of_the_debt
from arrears.prove.law.rule import NOT_LIABLE, OTHERS, law
from arrears.prove.model import SECOND, Contact, Day
from arrears.prove.sending import Breach, Sending

OPENS, CLOSES = 8 * H, 21 * H
CALLS_IN_A_WEEK, CALLS_IN_MASSACHUSETTS, WEEK = 7, 2, 7
SEVEN_IN_A_DAY = 7
TWO_IN_FIVE_MINUTES = 300 * SECOND

_CALLS = frozenset({"call"})
_CONSUMERS = frozenset({"spouse"})
"""The spouse is the consumer too: 12 CFR 1006.6(a)(1)."""


def _consented(s: Sending, at: int, day: Day | None) -> bool:
    """Whether the person had agreed to more calls: for 7 days, the day of the consent being the first, and until they were next spoken to."""
    for consent in s.debtor.consents.get(s.contact.person_id, ()):
        if consent.kind != "more_calls" or not s.debtor.stands(consent, at) or s.zone is None or day is None:
            continue
        given = s.zones.local(s.zone, consent.given_at)
        if given is None or day > given[0] + WEEK - 1:
            continue
        calls = s.debtor.calls[s.contact.person_id]
        if not any(consent.given_at < call.at < at and outcome_known(call, at) in words.ANSWERED for _, call in calls):
            return True
    return False


def _same(s: Sending, call: Contact) -> bool:
    """Whether a call was about the same debt, by the same collector; student loans of one account are one debt (US-04)."""
    if call.by != s.contact.by:
        return False
    if call.loan_id == s.loan.loan_id:
        return True
    other = s.debtor.file.loans.get(call.loan_id)
    return other is not None and other.account is not None and other.account == s.loan.account


def _unlimited(s: Sending) -> bool:
    """Calls to attorneys are not counted; without a zone there is no day to count by."""
    return s.role == "attorney" or s.day is None


def _placed(s: Sending, days: int) -> int:
    """How many calls this collector placed to this person about this debt: not those that were not connected, nor those that they had agreed to."""
    return sum(
        _same(s, call) and counts_out(call) and s.outcome(call) not in words.NOT_CONNECTED and not _consented(s, call.at, day)
        for day, call in s.calls(days)
    )


@law("US-01", words.US, by=_CALLS)
def seven_calls_in_seven_days(s: Sending) -> Breach | None:
    """At most 7 calls are placed to a person about a debt in 7 consecutive days. 12 CFR 1006.14(b)(2)(i)(A)."""
    if _unlimited(s):
        return None
    placed = _placed(s, WEEK)
    if placed < CALLS_IN_A_WEEK or _consented(s, s.at, s.day):
        return None
    return Breach(f"{placed} before it", f"{CALLS_IN_A_WEEK} in 7 days", "one call too many in 7 days")


@law("US-02", words.US, by=_CALLS)
def a_week_after_a_conversation(s: Sending) -> Breach | None:
    """No call about a debt within 7 days after a conversation about it, whoever began that; the day of the conversation is day 1.

    12 CFR 1006.14(b)(2)(i)(B); comment 14(b)(2)(i)-1.ii (US-03).
    """
    if _unlimited(s):
        return None
    for day, call in s.calls(WEEK):
        if _same(s, call) and may_be(s, call, words.ANSWERED) and not _consented(s, s.at, s.day):
            return Breach(f"a conversation {s.today - day} days before", "7 days", "it left within 7 days after a conversation")
    return None


@law("US-07", words.US, by=_CALLS)
def no_bursts(s: Sending) -> Breach | None:
    """Calls do not come in bursts: no two unanswered within 5 minutes, no seven in a day. Comment 14(b)(2)(i)-2."""
    if _unlimited(s) or _consented(s, s.at, s.day):
        return None
    today = [call for _, call in s.calls(1) if call.loan_id == s.loan.loan_id and counts_out(call) and s.outcome(call) != "failed"]
    if len(today) >= SEVEN_IN_A_DAY - 1:
        return Breach(f"{len(today)} before it", f"fewer than {SEVEN_IN_A_DAY} a day", "seven calls or more on one day")
    timed = [] if s.contact.day_only else [call for call in today if not call.day_only]
    if any(s.at - call.at < TWO_IN_FIVE_MINUTES and may_be(s, call, words.RANG) for call in timed):
        return Breach("less than 5 minutes after the last", "5 minutes", "it followed an unanswered call within 5 minutes")
    return None


@law("US-10", words.US, by=words.MESSAGES | _CALLS | {"visit"})
def convenient_hours(s: Sending) -> Breach | None:
    """From 8 a.m. to 9 p.m. where the person lives and where their number belongs. 12 CFR 1006.6(b)(1)(i)."""
    return outside_hours(s, OPENS, CLOSES, everywhere=True)


@law("US-13", words.US)
def not_at_work(s: Sending) -> Breach | None:
    """Nobody is contacted at a workplace whose employer is known to forbid it. 12 CFR 1006.6(b)(3)."""
    forbidden = None if s.point is None else s.point.employer_forbids_at
    if s.point is None or s.point.place != "work" or forbidden is None or forbidden >= s.at:
        return None
    return Breach("the employer forbids it", "not at work", "it left to a workplace where it is forbidden")


@law("US-15", words.US, by=frozenset({"email"}))
def no_work_mail(s: Sending) -> Breach | None:
    """No e-mail to an address that the employer provides, unless the person agreed to it or wrote from it. 12 CFR 1006.22(f)(3)."""
    if s.point is None or s.point.place != "work" or s.debtor.consent(s.contact.person_id, "workplace", s.at, "email"):
        return None
    letters = (mail for _, mail in s.debtor.messages[s.contact.person_id] if known(mail, s.at))
    if any(mail.direction == "in" and mail.point_id == s.point.point_id for mail in letters):
        return None
    return Breach("an e-mail address at work", "not at work", "it left to an e-mail address at work")


@law("US-22", words.US, to=NOT_LIABLE, debtors=True)
def others_locate_only(s: Sending) -> Breach | None:
    """Others than the consumer are asked for the consumer's whereabouts and for nothing else. 12 CFR 1006.6(d)(1), 15 U.S.C. 1692c(b)."""
    if s.role in _CONSUMERS or s.contact.purpose == "locate" or (s.contact.reported and s.contact.purpose is None):
        return None
    if s.debtor.consent(s.loan.borrower_id, "third_party", s.at):
        return None
    return Breach(f"{s.contact.purpose} to a {s.role}", "locate", "somebody else was contacted for more than the consumer's whereabouts")


@law("US-24", words.US, to=OTHERS, reported=False, debtors=True)
def never_say_that_a_debt_is_owed(s: Sending) -> Breach | None:
    """Who is asked for location information is never told that a debt is owed. 12 CFR 1006.10(b)(2)."""
    return None if s.role in _CONSUMERS else told_of_the_debt(s, "US-24")


@law("US-25", words.US, to=NOT_LIABLE, debtors=True)
def others_once(s: Sending) -> Breach | None:
    """Another person is contacted once, unless they ask for more or are believed to know better now. 15 U.S.C. 1692b(3)."""
    if s.role in _CONSUMERS:
        return None
    again = None if s.tie is None else s.tie.may_ask_again_at
    earlier = [past for past in _with(s) if past.loan_id in s.debtor.file.loans and may_be(s, past, words.SPOKEN | {"delivered", "done"})]
    if not earlier or (again is not None and max(past.at for past in earlier) < again < s.at):
        return None
    return Breach(f"{len(earlier)} before it", "1", "somebody else was contacted a second time")


@law("US-16", words.US, to=NOT_LIABLE)
def a_third_persons_no(s: Sending) -> Breach | None:
    """Any person's request not to be contacted by a medium is heeded, not only the consumer's. 12 CFR 1006.14(h)(1)."""
    return Breach("this person had refused", "no contact after a refusal", "it left to somebody who had refused") if refused(s) else None


@law("US-70", words.US, by=_CALLS)
def artificial_voices(s: Sending) -> Breach | None:
    """No artificial or prerecorded voice to a mobile without consent. 47 U.S.C. 227(b)(1)(A)(iii)."""
    if s.contact.artificial_voice is None:
        s.cannot("US-70", "not known whether the voice was artificial")
        return None
    if not s.contact.artificial_voice or (s.point is not None and s.point.kind == "landline"):
        return None
    if s.debtor.consent(s.contact.person_id, "artificial_voice", s.at):
        return None
    return Breach("an artificial voice without consent", "consent", "an artificial voice called a mobile without consent")


@law("US-73", words.US, by=_CALLS)
def two_calls_in_massachusetts(s: Sending) -> Breach | None:
    """In Massachusetts at most 2 calls in 7 days about a debt. 940 CMR 7.04(1)(f)."""
    if _unlimited(s) or "US-MA" not in s.places:
        return None
    placed = _placed(s, WEEK)
    if placed < CALLS_IN_MASSACHUSETTS or _consented(s, s.at, s.day):
        return None
    return Breach(f"{placed} before it", f"{CALLS_IN_MASSACHUSETTS} in 7 days", "one call too many in 7 days in Massachusetts")


def _with(s: Sending) -> list[Contact]:
    """Everything that was said or written to this person so far."""
    person_id = s.contact.person_id
    return [c for _, c in (*s.debtor.calls[person_id], *s.debtor.messages[person_id], *s.debtor.visits[person_id]) if counts_out(c)]
