"""Mainland China: who may be contacted at all, who for money, and who needs care."""

from __future__ import annotations

from collections.abc import Container

from arrears.prove import words
from arrears.prove.law.holds import about, in_force
from arrears.prove.law.house import overdue_now
from arrears.prove.law.others import contact_is_lost, refused, told_of_the_debt
from arrears.prove.law.rule import DEBTORS, NOT_THE_BORROWER, OTHERS, law
from arrears.prove.sending import Breach, Sending

ADVOCATES = frozenset({"representative"})
_NOT_THERE = frozenset({"deceased", "incapacity"})
_CARDS = frozenset({"credit_card", "card"})


@law("CN-08", words.CN, to=OTHERS | ADVOCATES)
def collect_from_debtors(s: Sending) -> Breach | None:
    """Money is asked for from the debtor only, never from contacts, nor from who advises the debtor. GB/T 45251-2025, 5.3."""
    return _no_debtor(s, s.limits.cn_08_debtors)


@law("CN-17", words.CN, to=OTHERS | ADVOCATES)
def cardholders_only(s: Sending) -> Breach | None:
    """A card debt is collected from the cardholder and their guarantors only. Measures on credit cards art. 68."""
    return _no_debtor(s, s.limits.cn_17_debtors) if s.loan.product in _CARDS else None


@law("CN-47", words.CN, to=OTHERS | ADVOCATES)
def consumer_finance_asks_debtors(s: Sending) -> Breach | None:
    """A consumer-finance company collects from nobody who has nothing to do with the loan. Measures for consumer finance companies, 2024."""
    return _no_debtor(s, s.limits.cn_47_debtors) if s.loan.lender_kind == "consumer_finance" else None


def _no_debtor(s: Sending, debtors: Container[str]) -> Breach | None:
    purpose = s.contact.purpose
    offered = s.tie is not None and s.tie.volunteered is not None
    if s.standing == "representative" and (s.role in debtors or purpose not in words.DEMANDS or offered):
        return None
    if purpose in words.THROUGH_OTHERS or (s.contact.reported and purpose is None):
        return None
    return Breach(f"{s.contact.purpose} from a {s.role}", "locate or relay", "money was asked for from somebody who does not owe it")


@law("CN-09", words.CN, to=frozenset({"liable"}))
def liability_is_shown(s: Sending) -> Breach | None:
    """A guarantor or joint debtor is asked for money only where, and as far as, a paper shows that they are liable. GB/T 45251-2025, 5.3."""
    if s.tie is None or not s.tie.evidence:
        return Breach(f"no evidence for the {s.role}", "evidence of liability", "nothing shows that this person is liable")
    if s.tie.liable_up_to is None or s.contact.purpose not in words.DEMANDS or overdue_now(s) <= s.tie.liable_up_to:
        return None
    return Breach("more than they are liable for", "what the paper says", "a guarantor was asked for more than they are liable for")


@law("CN-10", words.CN, to=OTHERS)
def only_if_lost(s: Sending) -> Breach | None:
    """Contacts are asked only when the debtor cannot be reached, has died or lacks capacity. GB/T 45251-2025, 5.3; CN-11."""
    if "calls" in s.unknown:
        s.cannot("CN-10", "calls with the borrower not known")
        return None
    gone = (h for h in s.debtor.file.holds if h.reason in _NOT_THERE and about(h, s.debtor.file) == s.loan.borrower_id)
    if any(in_force(h, s.at) or in_force(h, s.at + 1) for h in gone):
        return None
    return contact_is_lost(s)


@law("CN-12", words.CN, to=OTHERS, reported=False)
def nothing_about_the_debt(s: Sending) -> Breach | None:
    """Others are asked where the debtor is or to pass a message on, and are told nothing about the debt. GB/T 45251-2025, 5.3."""
    return told_of_the_debt(s, "CN-12", s.limits.cn_12_classes)


@law("CN-13", words.CN, to=NOT_THE_BORROWER)
def a_refusal_is_final(s: Sending) -> Breach | None:
    """A contact who refuses is never contacted again, on no number and for no loan. GB/T 45251-2025, 5.3."""
    no = refused(s) or (s.standing == "third" and _said_no(s))
    return Breach("this person had refused", "no contact after a refusal", "it left to somebody who had refused") if no else None


def _said_no(s: Sending) -> bool:
    """Whether a contact ever said no, by whatever medium or at whatever number: it is a no to all of them, and cannot be taken back."""
    debtor, person_id = s.debtor, s.contact.person_id
    outs = (s.person.opted_out_at, *(p.opted_out_at for p in debtor.file.points.values() if p.person_id == person_id))
    wishes = (wish.at for wish in debtor.wishes.get(person_id, ()) if wish.kind != "no_hours")
    stops = any(s.outcome(past) in words.OPTED_OUT for past in debtor.refusals.get(person_id, ()))
    return stops or any(at is not None and at < s.at for at in (*outs, *wishes))


@law("CN-61", words.CN, to=OTHERS, reported=False)
def no_others_while_a_complaint_is_open(s: Sending) -> Breach | None:
    """While a complaint about conduct is open, nobody around the borrower is contacted (ours). Measures for complaints in banking and insurance."""
    file, loan = s.debtor.file, s.loan
    open_now = any(
        hold.reason == "complaint" and hold.loan_id == loan.loan_id and about(hold, file) == loan.borrower_id and in_force(hold, s.at)
        for hold in file.holds
    )
    return Breach("a complaint is open", "its answer", "somebody else was contacted while a complaint was open") if open_now else None


@law("CN-14", words.CN, to=NOT_THE_BORROWER)
def nobody_unrelated(s: Sending) -> Breach | None:
    """Nobody who has nothing to do with the debt is contacted. Guideline of the China Banking Association, 2026."""
    if s.role in s.limits.cn_14_unrelated and s.standing != "volunteer":
        return Breach(f"a {s.role}", "somebody related to the debt", "it left to somebody who has nothing to do with the debt")
    if s.role != words.STRANGER or s.standing != "third" or "ties" in s.unknown:
        return None
    return Breach("not tied to the loan", "somebody whom the borrower named", "it left to somebody who has nothing to do with the loan")


@law("CN-64", words.CN, to=DEBTORS)
def the_representative_of_a_minor(s: Sending) -> Breach | None:
    """For a debtor younger than 18 the legal representative acts. Civil Code art. 18 to 23."""
    return _younger(s, "CN-64", s.limits.cn_64_adult_at)


@law("CN-65", words.CN)
def no_children(s: Sending) -> Breach | None:
    """Nobody who is known to be younger than 14 is contacted. Personal Information Protection Law art. 28, 31."""
    return _younger(s, "CN-65", s.limits.cn_65_child_until)


def _younger(s: Sending, rule: str, years: int) -> Breach | None:
    birthday = s.debtor.birthday(s.contact.person_id, years)
    if birthday is None:
        if "births" in s.unknown:
            s.cannot(rule, "birth date not readable")
        return None
    if s.day is None or s.day >= birthday:
        return None
    return Breach(f"younger than {years}", f"{years} years", f"it left to somebody younger than {years}")


@law("CN-63", words.CN, to=frozenset({"representative"}))
def the_estate_and_no_more(s: Sending) -> Breach | None:
    """Who acts for an estate is asked, if that is shown, for no more than it is worth, and not after disclaiming it. Civil Code art. 1161."""
    tie = s.tie
    if s.role != "executor" or tie is None:
        return None
    if tie.evidence is None:
        return Breach("no evidence for the executor", "evidence", "nothing shows that this person acts for the estate")
    if s.contact.purpose not in words.DEMANDS:
        return None
    disclaimed = tie.disclaimed_at is not None and tie.disclaimed_at < s.at
    if disclaimed or tie.estate_value is None or overdue_now(s) > tie.estate_value:
        return Breach(
            "disclaimed" if disclaimed else "beyond the estate", "at most the estate", "an heir was asked for more than the estate"
        )
    return None


@law("CN-64", words.CN, to=frozenset({"representative"}))
def a_representative_is_shown(s: Sending) -> Breach | None:
    """A legal representative is contacted on evidence that they are one. Civil Code art. 23."""
    if s.role != "legal_representative" or s.tie is None or s.tie.evidence is not None:
        return None
    return Breach("no evidence for the representative", "evidence", "nothing shows that this person represents the debtor")


@law("CN-66", words.CN)
def students(s: Sending) -> Breach | None:
    """A small loan to a student is looked at by a human first, and nobody around the student is contacted. Notice 2021, 28."""
    meant = s.circumstances(s.loan.borrower_id).intersection(s.limits.cn_66_circumstances)
    if s.loan.lender_kind != "small_loan" or not meant:
        return None
    approval = s.debtor.file.approvals.get(s.contact.approval_id or "")
    seen = (
        approval is not None and approval.decided_at is not None and approval.decided_at <= s.at and approval.state in ("approved", "void")
    )
    if s.standing != "third" and seen:
        return None
    return Breach(f"the borrower is a {min(meant)}", "a human's review", "a student was dunned for a small loan without a human's review")


@law("CN-67", words.CN)
def gentle_with_the_weak(s: Sending) -> Breach | None:
    """The elderly, the disabled and the vulnerable are spoken to by humans and written to gently. GB/T 45251-2025; what gentle means is ours."""
    if not s.circumstances(s.contact.person_id).intersection(s.limits.cn_67_circumstances):
        return None
    if s.contact.artificial_voice:
        return Breach("an artificial voice", "a human", "a machine called somebody who needs special protection")
    if s.contact.klass is None or s.contact.klass in s.limits.cn_67_classes:
        return None
    return Breach(f"a message of class {s.contact.klass}", "a gentle one", "somebody who needs special protection got a harsh message")


@law("CN-41", words.CN)
def a_legal_basis(s: Sending) -> Breach | None:
    """Every number and address is used on a legal basis of its own, and a withdrawn consent is none. PIPL art. 13 to 15."""
    point, contact = s.point, s.contact
    if point is None:
        return None
    if not point.legal_basis:
        return Breach("no legal basis", "a legal basis", "an address was used without a legal basis")
    outsider = s.standing == "third"
    if outsider and point.legal_basis in s.limits.cn_41_not_for_others:
        return Breach(f"{point.legal_basis}, of somebody else's", "a legal basis", "an address was used without a legal basis")
    if point.legal_basis != "consent" or not (outsider or contact.channel == "sms"):
        return None
    kind = "third_party" if outsider else "texts"
    given = [c for c in s.debtor.consents.get(contact.person_id, ()) if c.kind == kind and c.channel in (None, contact.channel)]
    given = [c for c in given if c.given_at < s.at]
    if not given or any(s.debtor.stands(c, s.at, contact.channel) for c in given):
        return None
    return Breach("the consent was withdrawn", "a legal basis", "an address was used after the consent to it was withdrawn")
