"""Our own rules, which hold wherever somebody lives: money is owed, a human agreed, nothing holds, the case is open, the words are the approved ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from arrears.prove import words
from arrears.prove.debtor import Debtor, is_reversed, known
from arrears.prove.law.holds import own_holds, standing_holds
from arrears.prove.law.rule import NOT_THE_BORROWER, law
from arrears.prove.model import DAY, Approval, Book, Instant, moment
from arrears.prove.sending import Breach, Sending

_VALID = 7 * DAY


@law("AR-01")
def money_is_owed(s: Sending) -> Breach | None:
    """Nobody is contacted about a debt that, by the payments known at that moment, was not overdue."""
    if s.contact.purpose in words.ASKS_FOR_NOTHING:
        return None
    borrower = s.debtor.file.person(s.loan.borrower_id, s.at)
    if borrower is not None and borrower.zone is None and "zones" not in s.unknown:
        return Breach("nobody knows what day it is", "more than 0 overdue", "nothing shows that anything was owed")
    today = borrowers_day(s)
    overdue = s.debtor.overdue(s.loan.loan_id, today, s.at)
    if overdue is None:
        if "instalments" in s.unknown:
            s.cannot("AR-01", "instalments not known")
            return None
        return Breach("no instalment known", "more than 0 overdue", "nothing shows that anything was owed")
    if overdue > 0:
        return None
    paid = bool(s.debtor.due(s.loan.loan_id, today))
    return Breach("0 overdue", "more than 0 overdue", "it left after the debt was paid" if paid else "it left before anything was overdue")


def borrowers_day(s: Sending) -> int:
    """The borrower's local day, on which instalments fall due; the day in UTC if nobody knows where they are."""
    if s.standing == "borrower" and s.day is not None:
        return s.day
    borrower = s.debtor.file.person(s.loan.borrower_id, s.at)
    clock = None if borrower is None or borrower.zone is None else s.zones.local(borrower.zone, s.at)
    return s.at // DAY if clock is None else clock[0]


def overdue_now(s: Sending) -> int:
    """The least that may have been overdue, as far as known; nothing if no instalment is known."""
    return s.debtor.least_overdue(s.loan.loan_id, borrowers_day(s), s.at) or 0


@law("AR-02", to=NOT_THE_BORROWER, reported=False)
def a_human_agreed(s: Sending) -> Breach | None:
    """Nobody but the borrower and who speaks for them by profession is contacted without a human's yes to this person, this purpose and these words.

    It was given in time, by somebody who may and who had not asked for it, and it still stood.
    """
    if "approvals" in s.unknown:
        s.cannot("AR-02", "approvals not known")
        return None
    if s.role in words.ADVOCATES:
        return None
    wanted = "an approval of this contact"
    if s.contact.approval_id is None:
        return Breach("no approval", wanted, "it left without anybody's approval")
    approval = s.debtor.file.approvals.get(s.contact.approval_id)
    if approval is None:
        return Breach("approval not in the ledger", wanted, "the approval that it names does not exist")
    wrong = next(_wrong(s, approval), None)
    return None if wrong is None else Breach(wrong, wanted, f"its approval does not cover it: {wrong}")


def _wrong(s: Sending, approval: Approval) -> Iterator[str]:
    yield from _not_granted(s.book, approval, s.at)
    contact = s.contact
    if approval.case_id != contact.case_id:
        yield "it is for another case"
    if approval.purpose != contact.purpose:
        yield "it is for another purpose"
    if contact.person_id not in approval.contents:
        yield "it does not name this person"
    elif approval.contents[contact.person_id] != contact.content_hash:
        yield "it is for another text"
    yield from _lapsed(s, approval.asked_at)


def granted(book: Book, debtor: Debtor, approval_id: str, case_id: str, at: Instant, step: str) -> str | None:
    """Why an approval did not allow a step of a case at an instant; ``None`` if it did."""
    approval = debtor.file.approvals.get(approval_id)
    if approval is None:
        return None if "approvals" in book.unknown else "it is not in the ledger"
    if approval.case_id != case_id:
        return "it is for another case"
    if approval.step != step:
        return "it is for another step"
    return next(_not_granted(book, approval, at), None)


def _not_granted(book: Book, approval: Approval, at: Instant) -> Iterator[str]:
    """Why an approval was none at an instant, whatever it is for."""
    if approval.decided_by is None or approval.decided_at is None:
        yield "nobody decided it"
        return
    if approval.state not in ("approved", "void"):
        yield f"it is {approval.state}"
    if approval.decided_at < approval.asked_at:
        yield "it was decided before it was asked for"
    if approval.decided_at > at:
        yield "it was decided after the contact had left"
    if approval.void_at is not None and approval.void_at < at:
        yield "it had become void"
    if approval.state == "void" and approval.void_at is None:
        yield "it is void"
    if approval.decided_by == approval.requested_by:
        yield "whoever asked for it decided it"
    if approval.role not in words.DECIDERS:
        yield f"a {approval.role} cannot give it"
    if approval.decided_at >= approval.deadline:
        yield "it was decided after its deadline"
    if at >= approval.decided_at + _VALID:
        yield "it is older than 7 days"
    operator = book.operators.get(approval.decided_by)
    if operator is None:
        if "operators" not in book.unknown:
            yield "whoever decided it is no operator"
    elif operator.role != approval.role:
        yield f"it was decided by a {operator.role}, not by {approval.role}"


def _lapsed(s: Sending, asked_at: Instant) -> Iterator[str]:
    """What shows, since the approval was asked for, that the borrower can be reached after all: the evidence that it rests on is gone."""
    debtor, loan_id = s.debtor, s.loan.loan_id
    if any(asked_at < p.received_at and p.recorded_at < s.at for p in debtor.payments(loan_id)):
        yield "a payment came after it was asked for"
    if any(asked_at < sign.at and sign.known_at < s.at for sign in debtor.file.signs if sign.loan_id == loan_id):
        yield "a promise was made after it was asked for"
    for met in (debtor.calls, debtor.visits, debtor.messages):
        for _, contact in reversed(met[s.loan.borrower_id]):
            if contact.at <= asked_at:
                break
            if known(contact, s.at) and s.outcome(contact) in words.ANSWERED:
                yield "the borrower was reached after it was asked for"


@law("AR-03", reported=False)
def a_usable_address(s: Sending) -> Breach | None:
    """It went to an address of this person that fits the channel and was not known to be invalid."""
    if "points" in s.unknown:
        s.cannot("AR-03", "contact points not known")
        return None
    contact, point = s.contact, s.point
    wanted = f"a valid {contact.channel} address of this person"
    if contact.point_id is None:
        return Breach("no contact point", wanted, "it left to no address that the ledger knows")
    if point is None or point.person_id != contact.person_id:
        return Breach("somebody else's contact point", wanted, "it left to an address that is not this person's")
    if point.kind not in words.KINDS_OF_CHANNEL.get(contact.channel, {point.kind}):
        return Breach(f"a {point.kind} contact point", wanted, "the address does not fit the channel")
    if point.invalid_since is not None and point.invalid_since < s.at:
        return Breach("invalid contact point", wanted, "it left to an address that was known to be invalid")
    return None


@law("AR-04")
def nothing_holds(s: Sending) -> Breach | None:
    """A hold outranks everything but what it permits: while it stands and is known, nothing else leaves."""
    if "holds" in s.unknown:
        s.cannot("AR-04", "holds not known")
        return None
    for hold, terms in standing_holds(s.debtor.file, s.loan, s.at, s.contact.by):
        if not terms.permits(s.role, s.contact.purpose):
            return Breach(f"held: {hold.reason}", "no hold in force", f"it left while {terms.name} stood ({terms.rule})")
    if s.standing != "borrower":
        for hold, terms in own_holds(s.debtor.file, s.contact.person_id, s.loan, s.at):
            if not terms.permits(words.BORROWER, s.contact.purpose):
                return Breach(
                    f"held: {hold.reason}", "no hold in force", f"it left to somebody of whom {terms.name} was known ({terms.rule})"
                )
    return None


@law("AR-05", reported=False)
def payments_are_heard(s: Sending) -> Breach | None:
    """A payment that was booked, and was not taken back, is told to the case before it sends anything else."""
    case = s.debtor.case(s.contact.case_id)
    if case is None:
        return None
    for payment in s.debtor.payments(s.loan.loan_id):
        if payment.recorded_at < s.at and not is_reversed(payment, s.at) and (payment.heard_at is None or payment.heard_at > s.at):
            if payment.heard_at is None and "hearing" in s.unknown:
                s.cannot("AR-05", "not known which payments a case heard of")
                return None
            return Breach("a payment not heard of", "none", "the case sent it without having heard of a payment that was booked")
    return None


@law("AR-06", reported=False)
def the_text_is_the_recorded_one(s: Sending) -> Breach | None:
    """What left is the text whose hash was judged and approved."""
    contact = s.contact
    if contact.content_hash is None:
        return Breach("no content hash", "a hash of the text", "nothing says what was sent")
    if contact.text is None:
        s.cannot("AR-06", "text not readable")
        return None
    if contact.content_hash in _hashes(contact.text):
        return None
    if contact.channel == "email":
        s.cannot("AR-06", "subject and layout of an e-mail not kept")
        return None
    return Breach("another text", "the text of the hash", "the recorded text is not the one that was judged")


def _hashes(text: str) -> tuple[str, str]:
    """SHA-256 of a text alone, and of a message whose subject and layout are empty."""
    return hashlib.sha256(text.encode()).hexdigest(), hashlib.sha256(f"\0{text}\0".encode()).hexdigest()


@law("AR-07", reported=False)
def some_law_applies(s: Sending) -> Breach | None:
    """Nothing leaves where nobody knows whose law applies."""
    if s.regimes or "verdicts" in s.unknown:
        return None
    return Breach("no law known", "a law that applies", "it left although nobody knew whose law applies")


@law("AR-08", reported=False)
def the_case_is_open(s: Sending) -> Breach | None:
    """Nothing leaves for a case that has not begun or has ended."""
    if s.contact.purpose in words.ASKS_FOR_NOTHING:
        return None
    if "cases" in s.unknown:
        s.cannot("AR-08", "cases not known")
        return None
    case = s.debtor.case(s.contact.case_id)
    if case is None or case.loan_id != s.loan.loan_id:
        return Breach("no case of this loan", "an open case", "it belongs to no case of its loan")
    if case.opened_at > s.at:
        return Breach("case not open yet", "an open case", "it left before its case was opened")
    if case.closed_at is not None and case.closed_at < s.at:
        return Breach(f"case closed on {moment(case.closed_at):%Y-%m-%d}", "an open case", "it left after its case had ended")
    return None
