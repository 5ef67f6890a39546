"""United States: who may be contacted, where, and after which notices. Regulation F (12 CFR 1006) and the FDCPA (15 U.S.C. 1692).

What binds debt collectors only is asked of agencies and of who bought the debt; a lender in its own name is bound by it only where it says so itself.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from arrears.prove import words
from arrears.prove.debtor import known
from arrears.prove.law.house import borrowers_day
from arrears.prove.law.kit import counts_out, per_cent
from arrears.prove.law.others import told_of_the_debt
from arrears.prove.law.rule import law
from arrears.prove.model import DAY, LENDER, Contact, Instant
from arrears.prove.sending import Breach, Sending

VALIDATION_DAYS = 5
_TOLD_NOBODY = frozenset({"no_answer", "busy", "invalid_number", "not_in_service", "bounced"})
_NOBODY_HEARD = _TOLD_NOBODY | {"someone_else", "answered_wrong_party"}


def same_debt(s: Sending, past: Contact) -> bool:
    """Whether a contact was about the same debt; student loans of one account are one debt (US-04)."""
    if past.loan_id == s.loan.loan_id:
        return True
    other = s.debtor.file.loans.get(past.loan_id)
    return other is not None and other.account is not None and other.account == s.loan.account


def _is_bound(s: Sending, binds: Container[str]) -> bool:
    """Whether a rule binds who acts: a debt collector in the sense of the law is an agency, or who bought the debt; others act in their own name."""
    for_others = s.contact.by != LENDER or s.loan.lender_kind == "purchaser"
    return ("third_party" if for_others else "first_party") in binds


def _left(s: Sending) -> Iterator[Contact]:
    """What really passed between this person and us: a message that never reached the network did not."""
    return (c for c in s.touches() if s.outcome(c) != "failed")


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
    if any(mail.point_id == s.point.point_id for mail in s.came_in("email")):
        return None
    return Breach("an e-mail address at work", "not at work", "it left to an e-mail address at work")


@law("US-14", words.US)
def through_the_attorney(s: Sending) -> Breach | None:
    """Whoever has an attorney is spoken to through the attorney, and nobody else is asked about them. 12 CFR 1006.6(b)(2), 1006.10(b)(5)."""
    if s.role == "attorney" or s.role in words.LIABLE:
        return None
    for tie in s.debtor.file.ties:
        aside = tie.steps_aside_at is not None and tie.steps_aside_at <= s.at
        unknown = tie.known_at is not None and tie.known_at >= s.at
        if tie.role == "attorney" and tie.loan_id == s.loan.loan_id and not aside and not unknown:
            return Breach("an attorney represents them", "the attorney only", "it left past the attorney who represents the consumer")
    return None


@law("US-22", words.US)
def others_locate_only(s: Sending) -> Breach | None:
    """Others than the consumer are asked for the consumer's whereabouts, while nobody knows them. 12 CFR 1006.6(d)(1), 15 U.S.C. 1692c(b)."""
    contact = s.contact
    if s.role in words.CONSUMERS or s.role == "attorney" or (contact.reported and contact.purpose is None):
        return None
    agreed = s.debtor.consents.get(s.loan.borrower_id, ())
    if any(c.kind == "third_party" and c.channel is None and s.debtor.stands(c, s.at) for c in agreed):
        return None
    if s.role == "debt_adviser":
        if s.tie is not None and s.tie.evidence is not None:
            return None
    elif contact.purpose == "locate":
        if not _was_reached(s):
            return None
        return Breach(
            "the consumer was reached", "whereabouts unknown", "somebody else was asked where a consumer is who had just been reached"
        )
    return Breach(f"{contact.purpose} to a {s.role}", "locate", "somebody else was contacted for more than the consumer's whereabouts")


def _was_reached(s: Sending) -> bool:
    """Whether the last call with the consumer, of those whose outcome is known, was a conversation; of several at one instant any may have been the last."""
    last: Instant | None = None
    for _, call in reversed(s.debtor.calls[s.loan.borrower_id]):
        outcome = s.outcome(call)
        if not known(call, s.at) or outcome is None or outcome == "failed":
            continue
        if last is not None and call.at != last:
            return False
        if outcome in words.ANSWERED:
            return True
        last = call.at
    return False


@law("US-23", words.US)
def who_counts_as_the_consumer(s: Sending) -> Breach | None:
    """Spouse, representative and executor count as the consumer if it is shown that they are. 12 CFR 1006.6(a)."""
    if s.role not in ("spouse", "legal_representative", "executor") or (s.tie is not None and s.tie.evidence):
        return None
    return Breach(f"no evidence for the {s.role}", "evidence", "nothing shows that this person counts as the consumer")


@law("US-24", words.US, reported=False)
def never_say_that_a_debt_is_owed(s: Sending) -> Breach | None:
    """Who is asked for location information is never told that a debt is owed. 12 CFR 1006.10(b)(2)."""
    if s.contact.purpose != "locate" or s.role in words.CONSUMERS or s.role == "attorney":
        return None
    return told_of_the_debt(s, "US-24")


@law("US-25", words.US)
def others_once(s: Sending) -> Breach | None:
    """Another person is contacted once, unless they ask for more or are believed to know better now. 15 U.S.C. 1692b(3)."""
    if s.role in words.CONSUMERS or s.role in words.ADVOCATES:
        return None
    again = None if s.tie is None else s.tie.may_ask_again_at
    since = again if again is not None and again <= s.at else 0
    mine = (c for c in _left(s) if counts_out(c) and c.loan_id in s.debtor.file.loans and c.at >= since)
    earlier = sum(s.outcome(c) not in _TOLD_NOBODY for c in mine)
    most = s.limits.us_25_most
    return Breach(f"{earlier} before it", str(most), "somebody else was contacted a second time") if earlier >= most else None


@law("US-27", words.US)
def limited_content_is_spoken(s: Sending) -> Breach | None:
    """A message with limited content is a voicemail and nothing else. 12 CFR 1006.2(j)."""
    if s.contact.klass != "limited_content" or s.contact.channel == "call":
        return None
    return Breach(f"by {s.contact.channel}", "a voicemail", "a limited-content message was written")


@law("US-28", words.US, by=frozenset({"email"}), reported=False)
def a_mail_address_that_they_know_of(s: Sending) -> Breach | None:
    """Who collects for others mails to an address that the consumer used, agreed to, or was told of 35 days before. 12 CFR 1006.6(d)(4)."""
    if not _is_bound(s, s.limits.us_28_binds) or s.role not in words.CONSUMERS or s.point is None or "notices" in s.unknown:
        return None
    here = (None, s.point.point_id)
    if any(c.point_id in here for c in s.came_in("email")):
        return None
    if s.point.legal_basis == "consent" or s.debtor.consent(s.contact.person_id, "electronic_notices", s.at, "email"):
        return None
    sent = min((n.sent_at for n in s.told(("agency", "transfer", "assignment"), s.contact.person_id)), default=None)
    days = s.limits.us_28_days
    if sent is not None and s.at > sent + days * DAY:
        return None
    return Breach(
        "not told of the address",
        f"{days} days before",
        "a collector mailed to an address that the consumer was not told of in time",
    )


@law("US-29", words.US, by=frozenset({"sms"}), reported=False)
def a_number_that_is_still_theirs(s: Sending) -> Breach | None:
    """Texts go to a number that the consumer texted from or agreed to, confirmed within 60 days; for a lender in its own name ours. 12 CFR 1006.6(d)(5)."""
    if not _is_bound(s, s.limits.us_29_binds) or s.role not in words.CONSUMERS or s.point is None or "consents" in s.unknown:
        return None
    here = (None, s.point.point_id)
    shown = [c.at for c in s.came_in("sms") if c.point_id in here and s.outcome(c) not in words.OPTED_OUT]
    consents = s.debtor.consents.get(s.contact.person_id, ())
    shown += [c.given_at for c in consents if c.kind == "texts" and s.debtor.stands(c, s.at, "sms")]
    checked = s.point.reassignment_checked_at
    fresh = [*shown, *((checked,) if checked is not None and checked <= s.at else ())]
    days = s.limits.us_29_days
    if shown and s.at - max(fresh) <= days * DAY:
        return None
    return Breach("not confirmed of late", f"{days} days", "a collector texted to a number that may be somebody else's by now")


@law("US-40", words.US, reported=False)
def validation_in_five_days(s: Sending) -> Breach | None:
    """Who collects for others sends the validation information within five days of the first communication. 12 CFR 1006.34(a)(1)."""
    contact = s.contact
    if not _is_bound(s, s.limits.us_40_binds) or s.role not in words.CONSUMERS or contact.notice == "validation" or "notices" in s.unknown:
        return None
    if contact.purpose in words.ASKS_FOR_NOTHING or contact.klass == "limited_content":
        return None
    first = _first_communication(s)
    if first is None or any(n.agency in (None, contact.by) for n in s.told(("validation",), s.loan.borrower_id)):
        return None
    borrower = s.debtor.file.person(s.loan.borrower_id, s.at)
    there = None if borrower is None or borrower.zone is None else s.zones.local(borrower.zone, first.at)
    if borrowers_day(s) <= (first.at // DAY if there is None else there[0]) + VALIDATION_DAYS:
        return None
    return Breach("none sent", f"{VALIDATION_DAYS} days", "it left although the validation information was overdue")


def _first_communication(s: Sending) -> Contact | None:
    said = (c for c in _left(s) if c.by == s.contact.by and same_debt(s, c) and s.outcome(c) not in _NOBODY_HEARD)
    return min((c for c in said if c.klass != "limited_content"), key=lambda c: c.at, default=None)


@law("US-45", words.US)
def disclosures_can_be_kept(s: Sending) -> Breach | None:
    """Required disclosures come in a form that can be kept, to an address that works, electronically with consent. 12 CFR 1006.42."""
    contact = s.contact
    if contact.notice is None or contact.notice not in s.limits.us_45_kinds:
        return None
    wanted = "a form that can be kept"
    if contact.channel in ("call", "visit"):
        return Breach(f"by {contact.channel}", wanted, "a disclosure was made in a form that nobody can keep")
    to_it = (c for c in s.touches() if counts_out(c) and c.channel == contact.channel and c.point_id == contact.point_id)
    if contact.point_id is not None and any(s.outcome(c) in ("bounced", "invalid_number") for c in to_it):
        return Breach("a message came back", wanted, "a disclosure went to an address from which a message had come back")
    if contact.channel == "letter" or (contact.notice == "validation" and _first_communication(s) is None):
        return None
    if s.debtor.consent(contact.person_id, "electronic_notices", s.at, contact.channel):
        return None
    return Breach("no consent to electronic notices", "consent", "a disclosure was made electronically without consent")


@law("US-46", words.US)
def no_threat_on_a_barred_debt(s: Sending) -> Breach | None:
    """No lawsuit is threatened about a debt that is time-barred. 12 CFR 1006.26(b)."""
    ends = s.loan.limitation_ends_on
    if ends is None or s.contact.klass not in words.SUITS or borrowers_day(s) <= ends:
        return None
    return Breach("the limitation has ended", "before it ends", "it spoke of a lawsuit although the time for one was over")


@law("US-62", words.US)
def in_service(s: Sending) -> Breach | None:
    """Who serves in the forces pays 6 % a year at most; more is not collected. 50 U.S.C. 3937."""
    if s.contact.purpose in words.ASKS_FOR_NOTHING:
        return None
    owing = (s.loan.borrower_id, s.contact.person_id) if s.role in ("joint", "guarantor", "spouse") else (s.loan.borrower_id,)
    cost, most = s.loan.annual_cost, s.limits.us_62_most
    if not any("active_duty" in s.circumstances(person_id) for person_id in owing) or (cost is not None and cost <= most):
        return None
    return Breach(
        "a cost above it" if cost is not None else "a cost that is not known",
        per_cent(most),
        f"more than {per_cent(most)} was collected from somebody in service",
    )
