"""Mainland China: GB/T 45251-2025, the guideline of the China Banking Association of 2026, the Personal Information Protection Law, the Civil Code."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.law.holds import about, in_force
from arrears.prove.law.kit import H, counts_out, may_be, outside_hours
from arrears.prove.law.others import contact_is_lost, refused, told_of_the_debt
from arrears.prove.law.rule import DEBTORS, NOT_THE_BORROWER, OTHERS, law
from arrears.prove.model import HOUR
from arrears.prove.sending import Breach, Sending

OPENS, CLOSES = 8 * H, 22 * H
EFFECTIVE_CALLS, UNANSWERED_CALLS = 3, 6
MESSAGES_A_DAY = {"sms": 2, "email": 1, "in_app": 1}
FEED_LASTS = 24 * HOUR
CHILD, GROWN = 14, 18

_NOT_THERE = frozenset({"deceased", "incapacity"})
_CALLS = frozenset({"call"})
_IN_PERSON = frozenset({"visit"})


@law("CN-01", words.CN, by=words.MESSAGES | _CALLS | _IN_PERSON)
def no_nights(s: Sending) -> Breach | None:
    """No collection between 22:00:00 and 07:59:59 of the person's local day, unless they agreed to it. GB/T 45251-2025, 5.3."""
    return outside_hours(s, OPENS, CLOSES)


@law("CN-02", words.CN, by=_CALLS)
def three_effective_calls(s: Sending) -> Breach | None:
    """At most 3 effective calls to one person on a calendar day, over all loans, by the lender and its agencies together. GB/T 45251-2025, 5.3."""
    if s.day is None:
        return None
    effective = sum(counts_out(call) and may_be(s, call, words.SPOKEN) for _, call in s.calls(1))
    if effective < EFFECTIVE_CALLS:
        return None
    return Breach(f"{effective} before it", f"{EFFECTIVE_CALLS} a day", "one effective call too many on that day")


@law("CN-03", words.CN, by=_CALLS)
def agencies_have_told(s: Sending) -> Breach | None:
    """The lender's calls and its agencies' share one counter, so nobody is called while an agency's report is older than a day. GB/T 45251-2025, 5.3."""
    for slug, since in s.debtor.agencies(s.at).items():
        agency = s.book.agencies.get(slug)
        if agency is None:
            s.cannot("CN-03", "not known when the agency reported")
            continue
        if agency.feed_at is not None and agency.feed_at > s.at:
            s.cannot("CN-03", "only the agency's latest report is dated")
        elif s.at - max(since, agency.feed_at or since) > FEED_LASTS:
            return Breach("no report of the agency for a day", "24 hours", "nobody knew how often the agency had called")
    return None


@law("CN-04", words.CN, by=_CALLS)
def six_unanswered_calls(s: Sending) -> Breach | None:
    """At most 6 unanswered calls a day to one number, unless more were agreed. Guideline of the China Banking Association, 2026."""
    if s.contact.point_id is None or s.day is None or s.debtor.consent(s.contact.person_id, "more_calls", s.at, "call"):
        return None
    unanswered = sum(call.point_id == s.contact.point_id and counts_out(call) and may_be(s, call, words.RANG) for _, call in s.calls(1))
    if unanswered < UNANSWERED_CALLS:
        return None
    return Breach(f"{unanswered} before it", f"{UNANSWERED_CALLS} a day and number", "one unanswered call too many on that number")


@law("CN-05", words.CN, by=_IN_PERSON)
def one_visit(s: Sending) -> Breach | None:
    """At most one visit a day. GB/T 45251-2025, 5.3."""
    visits = sum(1 for _ in s.past(s.debtor.visits[s.contact.person_id], 1))
    return Breach(f"{visits} before it", "1 a day", "a second visit on one day") if visits else None


@law("CN-07", words.CN, by=words.MESSAGES)
def few_messages(s: Sending) -> Breach | None:
    """At most 2 text messages, 1 e-mail and 1 message in the app a day to one person. Ours: no text gives a number."""
    if s.day is None or s.contact.purpose in words.CONFIRMS:
        return None
    most = MESSAGES_A_DAY[s.contact.channel]
    sent = sum(
        past.channel == s.contact.channel and counts_out(past) and past.purpose not in words.CONFIRMS
        for _, past in s.past(s.debtor.messages[s.contact.person_id], 1)
    )
    return Breach(f"{sent} before it", f"{most} a day", f"one {s.contact.channel} too many on that day") if sent >= most else None


@law("CN-08", words.CN, to=OTHERS, debtors=True)
def collect_from_debtors(s: Sending) -> Breach | None:
    """Money is asked for from the debtor only, never from contacts. GB/T 45251-2025, 5.3."""
    if s.contact.purpose in words.THROUGH_OTHERS or (s.contact.reported and s.contact.purpose is None):
        return None
    return Breach(f"{s.contact.purpose} from a {s.role}", "locate or relay", "money was asked for from somebody who does not owe it")


@law("CN-09", words.CN, to=frozenset({"liable"}))
def liability_is_shown(s: Sending) -> Breach | None:
    """A guarantor or joint debtor is asked for money only where a paper shows that they are liable. GB/T 45251-2025, 5.3."""
    shown = s.role not in words.LIABLE or (s.tie is not None and s.tie.evidence)
    return None if shown else Breach(f"no evidence for the {s.role}", "evidence of liability", "nothing shows that this person is liable")


@law("CN-10", words.CN, to=OTHERS, debtors=True)
def only_if_lost(s: Sending) -> Breach | None:
    """Contacts are asked only when the debtor cannot be reached, has died or lacks capacity. GB/T 45251-2025, 5.3; CN-11."""
    if "calls" in s.unknown:
        s.cannot("CN-10", "calls with the borrower not known")
        return None
    if any(in_force(h, s.at) and about(h, s.debtor.file) == s.loan.borrower_id for h in s.debtor.file.holds if h.reason in _NOT_THERE):
        return None
    return contact_is_lost(s)


@law("CN-12", words.CN, to=OTHERS, reported=False, debtors=True)
def nothing_about_the_debt(s: Sending) -> Breach | None:
    """Others are asked where the debtor is or to pass a message on, and are told nothing about the debt. GB/T 45251-2025, 5.3."""
    return told_of_the_debt(s, "CN-12")


@law("CN-13", words.CN, to=NOT_THE_BORROWER)
def a_refusal_is_final(s: Sending) -> Breach | None:
    """A contact who refuses is never contacted again, on no number and for no loan. GB/T 45251-2025, 5.3."""
    return Breach("this person had refused", "no contact after a refusal", "it left to somebody who had refused") if refused(s) else None


@law("CN-14", words.CN, to=OTHERS, debtors=True)
def nobody_unrelated(s: Sending) -> Breach | None:
    """Nobody who has nothing to do with the debt is contacted. Guideline of the China Banking Association, 2026."""
    if s.role == "employer":
        return Breach("an employer", "somebody related to the debt", "it left to somebody who has nothing to do with the debt")
    if s.role != words.STRANGER or "ties" in s.unknown:
        return None
    return Breach("not tied to the loan", "somebody whom the borrower named", "it left to somebody who has nothing to do with the loan")


@law("CN-64", words.CN, to=DEBTORS)
def the_representative_of_a_minor(s: Sending) -> Breach | None:
    """For a debtor younger than 18 the legal representative acts. Civil Code art. 18 to 23."""
    return _younger(s, "CN-64", GROWN)


@law("CN-65", words.CN)
def no_children(s: Sending) -> Breach | None:
    """Nobody who is known to be younger than 14 is contacted. Personal Information Protection Law art. 28, 31."""
    return _younger(s, "CN-65", CHILD)


def _younger(s: Sending, rule: str, years: int) -> Breach | None:
    birthday = s.debtor.birthday(s.contact.person_id, years)
    if birthday is None:
        if "births" in s.unknown:
            s.cannot(rule, "birth date not readable")
        return None
    if s.day is None or s.day >= birthday:
        return None
    return Breach(f"younger than {years}", f"{years} years", f"it left to somebody younger than {years}")


@law("CN-69", words.CN)
def assignment_is_told(s: Sending) -> Breach | None:
    """Whoever bought a debt asks for it only after the debtor was told of the assignment. Civil Code art. 546."""
    return untold_assignment(s)


def untold_assignment(s: Sending) -> Breach | None:
    """Whether a purchaser of the debt contacted somebody before the borrower had got the notice of the assignment."""
    if s.loan.lender_kind != "purchaser" or s.contact.purpose in words.NOTICES | words.CONFIRMS:
        return None
    for notice in s.debtor.notices.get(s.loan.loan_id, ()):
        if notice.kind in ("assignment", "transfer") and notice.delivered_at is not None and notice.delivered_at < s.at:
            return None
    return Breach("no notice of the assignment", "a notice delivered before", "a purchaser asked before the borrower knew of the sale")
