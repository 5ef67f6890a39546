"""Mainland China: who gets a loan, or a fact about it, on what conditions, and what stops that."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import NonNegativeInt, PositiveInt

from arrears.domain.calendar import ONE_DAY
from arrears.domain.holds import HoldReason
from arrears.domain.law.cn_facts import ASKS_FOR_MONEY, borrowers_day, outsider
from arrears.domain.law.kit import ask, defer, deny, may_decide, standing
from arrears.domain.law.rule import EVERYTHING, Terms, rule, tighter
from arrears.domain.law.standing import held, told
from arrears.domain.message import NoticeKind
from arrears.domain.orders import Purpose
from arrears.domain.person import ConsentKind, Names
from arrears.domain.situation import LENDER, Agency, ContactAction, ReferralAction, Situation
from arrears.domain.strategy import Referral, Role
from arrears.domain.verdict import Objection

_ALL_REFERRALS = tuple(Referral)
_OF_A_SALE = (NoticeKind.TRANSFER, NoticeKind.ASSIGNMENT)
_TELLS_OF_IT = frozenset({Purpose.NOTICE, Purpose.CONFIRM_OPT_OUT})
PAYMENT_ORDER = "payment-order"
"""The reason of a hold while a court decides on a payment order, and the debtor may object to it."""


def _agency_id(s: Situation) -> str | None:
    """The agency that acts, or would get the loan; nothing if it is the lender who acts."""
    return None if s.actor == LENDER else s.actor or "an agency that is not named"


def _unknown_agency(agency_id: str, limit: str) -> Objection:
    return deny(f"{agency_id} is not known", limit, "agencies", (agency_id,))


class Minimum(Terms):
    """The names of the data that each kind of recipient may be told."""

    fields: dict[Referral, Names[str]] = tighter("subset")


@rule(*_ALL_REFERRALS)
def cn_40(s: Situation, terms: Minimum, now: datetime) -> Objection | None:  # noqa: ARG001
    """Whoever gets a loan, or a fact about it, is told no more than this purpose needs.

    PIPL art. 6: purpose limit, least intrusive way, minimum data.
    """
    if not isinstance(s.action, ReferralAction):
        return None
    allowed = terms.fields.get(s.action.to, frozenset())
    extra = sorted(s.action.fields - allowed)
    return deny(f"would also be told: {', '.join(extra)}", ", ".join(sorted(allowed)) or "nothing", "action.fields") if extra else None


class Contract(Terms):
    """The matters that a contract with an agency settles."""

    matters: Names[str] = tighter("superset")


@rule("contact", Referral.AGENCY)
def cn_42(s: Situation, terms: Contract, now: datetime) -> Objection | None:
    """An agency acts under a contract in force that settles purpose, term, manner, data and safeguards, and passes nothing on.

    PIPL art. 21. What happens at its end, the return or deletion of the data, is asked for by the recall.
    """
    agency_id, limit = _agency_id(s), "a contract in force that settles " + ", ".join(sorted(terms.matters))
    if agency_id is None:
        return None
    agency = s.agency
    if agency is None:
        return _unknown_agency(agency_id, limit)
    wrong = _no_contract(agency, s, now)
    missing = sorted(terms.matters - agency.agreed)
    if wrong is None and missing:
        wrong = f"not agreed: {', '.join(missing)}"
    if wrong is None and agency.sub_agency:
        wrong = "it passes cases on to others"
    return deny(wrong, limit, "agencies", (agency_id,)) if wrong else None


def _no_contract(agency: Agency, s: Situation, now: datetime) -> str | None:
    starts, ends, today = agency.contract_from, agency.contract_until, borrowers_day(s, now)
    if starts is None or ends is None:
        return "the term of its contract is not known"
    return None if starts <= today <= ends else f"its contract runs from {starts} to {ends}"


@rule(Referral.DEBT_SALE)
def cn_43(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """A debt is sold only with the borrower's separate consent, after they were told who gets their data, what for and how to reach them.

    PIPL art. 23: giving data to another independent handler.
    """
    if not standing(s.borrower.consents, ConsentKind.TRANSFER, None, now):
        return deny("no consent to the transfer", "a separate consent", "people.consents")
    notices = [n for n in told(s, s.borrower.person_id, now, _OF_A_SALE) if n.sent_at < now]
    return None if notices else deny("no notice of the transfer", "a notice before it", "notices")


@rule("contact", Referral.AGENCY)
def cn_44(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Before an agency begins, the borrower has been told that it will.

    Measures for consumer protection of banks and insurers, art. 41. Told means delivered: sent is not enough, and what bounced was never told.
    """
    agency_id = _agency_id(s)
    if agency_id is None:
        return None
    notices = told(s, s.borrower.person_id, now, (NoticeKind.AGENCY,), agency_id)
    if any(n.delivered_at is not None and n.delivered_at < now for n in notices):
        return None
    bounced = any(n.kind is NoticeKind.AGENCY and n.loan == s.loan.loan_id and n.bounced_at is not None for n in s.notices)
    observed = "the notice bounced" if bounced else "sent, but not known to be delivered" if notices else "no notice"
    return deny(observed, "a notice of it, delivered before", "notices", (agency_id,))


@rule("contact", Referral.AGENCY)
def cn_45(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Only an agency on the lender's published list gets a case or acts on one.

    CBA 2026, number not seen.
    """
    agency_id, limit = _agency_id(s), "a listed agency"
    if agency_id is None:
        return None
    if s.agency is None:
        return _unknown_agency(agency_id, limit)
    if s.agency.listed:
        return None
    return deny("not listed" if s.agency.listed is False else "not known whether it is listed", limit, "agencies.listed", (agency_id,))


class Reviews(Terms):
    """How old an agency's review may be, and from how many days before the end of its contract the closing review is asked for."""

    days: PositiveInt = tighter("lower")
    closing_days: NonNegativeInt = tighter("higher")


@rule(Referral.AGENCY)
def cn_46(s: Situation, terms: Reviews, now: datetime) -> Objection | None:
    """An agency that was not reviewed within a year, or not again before its contract ends, gets no new case.

    GB/T 45251-2025 (5.4).
    """
    agency_id, limit = _agency_id(s), f"a review within {terms.days} days, and one before the contract ends"
    if agency_id is None:
        return None
    if s.agency is None:
        return _unknown_agency(agency_id, limit)
    today, reviewed = borrowers_day(s, now), s.agency.reviewed_on
    if reviewed is None or reviewed > today or today - reviewed > ONE_DAY * terms.days:
        return deny(f"last reviewed on {reviewed}" if reviewed else "never reviewed", limit, "agencies.reviewed_on", (agency_id,))
    ends, closing = s.agency.contract_until, s.agency.closing_review_on
    soon = ends is not None and ends - today <= ONE_DAY * terms.closing_days
    if soon and (closing is None or closing > today):
        return deny(f"the contract ends on {ends} without a closing review", limit, "agencies.closing_review_on", (agency_id,))
    return None


@rule(Referral.AGENCY)
def cn_50(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Before personal data go to an agency, what that does to the borrower has been assessed.

    PIPL art. 55, 56. The assessment is kept for three years.
    """
    agency_id, limit = _agency_id(s), "an impact assessment"
    if agency_id is None:
        return None
    if s.agency is None:
        return _unknown_agency(agency_id, limit)
    return None if s.agency.assessment_id else deny("no assessment", limit, "agencies.assessment_id", (agency_id,))


class Decided(Terms):
    """Who decides on a step that weighs heavily on the borrower, by where it leads."""

    roles: dict[Referral, Role]


@rule(*_ALL_REFERRALS)
def cn_52(s: Situation, terms: Decided, now: datetime) -> Objection | None:  # noqa: ARG001
    """A step that weighs heavily on the borrower, such as an agency, a sale or a lawsuit, is decided on by a human.

    PIPL art. 24(3): nobody needs to bear a decision made by a machine alone. The verdict and its rules are the explanation.
    """
    if not isinstance(s.action, ReferralAction) or (role := terms.roles.get(s.action.to)) is None:
        return None
    if s.approval is not None and s.approval.state == "approved":
        decided = may_decide(s.approval.role, role)
        return None if decided else ask(f"decided by a {s.approval.role}", f"a decision of {role}", "approvals.role", role)
    return None if s.loan.human_decision else ask("no human decision", "a human decision", "loans.human_decision", role)


@rule(Referral.CREDIT_REPORT, Referral.OVERDUE_LIST, Referral.DEFAULTER_LIST)
def cn_56(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Before bad credit information is reported, the borrower has been told that it will be.

    Regulation on the credit reporting industry, art. 15.
    """
    notices = [n for n in told(s, s.borrower.person_id, now, (NoticeKind.CREDIT,)) if n.sent_at < now]
    return None if notices else deny("the borrower was not told", "a notice before the report", "notices")


class Answering(Terms):
    """Within how many working days a request is answered."""

    working_days: PositiveInt = tighter("lower")


@rule(*_ALL_REFERRALS)
def cn_59(s: Situation, terms: Answering, now: datetime) -> Objection | None:
    """While a request for instalments or relief is open, the case is not escalated.

    Note of a law firm on GB/T 45251-2025: answered within seven working days. That nothing is escalated meanwhile is ours.
    """
    asked = held(s, now, HoldReason.HARDSHIP, people=(s.borrower,))
    limit = f"the answer, due within {terms.working_days} working days"
    return deny("a request for relief is open", limit, "holds", (hold.hold_id for hold in asked)) if asked else None


@rule(*_ALL_REFERRALS)
def cn_60(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """While an individual instalment plan on a card debt is kept, the case is not escalated.

    Measures for the supervision of credit cards of commercial banks, art. 70: plans of up to five years.
    """
    plans = held(s, now, HoldReason.PLAN, people=(s.borrower,))
    return deny("a plan is kept", "no escalation of it", "holds", (hold.hold_id for hold in plans)) if plans else None


@rule("contact", Referral.AGENCY)
def cn_61(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """While a complaint about conduct is open, no agency gets the case or acts on it, and nobody around the borrower is contacted.

    Measures for complaints in banking and insurance: 15 days, up to 30, and 30 more. That these steps pause meanwhile is ours.
    """
    if isinstance(s.action, ContactAction) and s.action.by == LENDER and not outsider(s):
        return None
    complaints = held(s, now, HoldReason.COMPLAINT, people=(s.borrower,))
    return deny("a complaint is open", "its answer", "holds", (hold.hold_id for hold in complaints)) if complaints else None


@rule(*EVERYTHING)
def cn_62(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """While an objection to a card debt is looked into, nobody is asked to pay, and the debt goes nowhere.

    Measures for the supervision of credit cards of commercial banks, art. 69: mark the account and verify.
    """
    if isinstance(s.action, ContactAction) and s.action.purpose not in ASKS_FOR_MONEY:
        return None
    disputes = held(s, now, HoldReason.DISPUTE, people=(s.borrower,))
    return deny("an objection is open", "its verification", "holds", (hold.hold_id for hold in disputes)) if disputes else None


@rule("contact", Referral.DEBT_SALE)
def cn_69(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """Whoever bought a debt asks for it only after the borrower got the notice of the assignment; before a sale it has been delivered.

    Civil Code art. 546: the assignment binds the debtor only after notice.
    """
    if isinstance(s.action, ContactAction) and (s.loan.lender_kind != "purchaser" or s.action.purpose in _TELLS_OF_IT):
        return None
    notices = told(s, s.borrower.person_id, now, _OF_A_SALE)
    if any(n.delivered_at is not None and n.delivered_at < now for n in notices):
        return None
    return deny("not known to be delivered" if notices else "no notice", "a notice of the assignment, delivered before", "notices")


class PaymentOrder(Terms):
    """How long a court takes to accept and to issue a payment order, and a debtor has to pay or to object, in days."""

    days_to_accept: PositiveInt = tighter("higher")
    days_to_issue: PositiveInt = tighter("higher")
    days_to_answer: PositiveInt = tighter("higher")


@rule(Referral.LAWSUIT, Referral.DEFAULTER_LIST)
def cn_70(s: Situation, terms: PaymentOrder, now: datetime) -> Objection | None:
    """While a payment order is asked for, and the debtor may still pay or object, nobody sues and nothing is enforced.

    Civil Procedure Law art. 225 to 228: 5 days to accept, 15 to issue, 15 to pay or object. An objection ends it: the hold is lifted.
    """
    asked = held(s, now, PAYMENT_ORDER, people=(s.borrower,))
    if not asked:
        return None
    first = max(asked, key=lambda hold: hold.placed_at)
    over = first.placed_at + timedelta(days=terms.days_to_accept + terms.days_to_issue + terms.days_to_answer)
    if now >= over:
        return None
    return defer(f"asked for at {first.placed_at.isoformat()}", "the debtor's days to object are over", "holds", over, (first.hold_id,))


@rule("contact", Referral.AGENCY)
def cn_72(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """An agency with violent collection or other misconduct on its record gets no case and acts on none.

    Interim measures for internet loans of commercial banks, number not recalled.
    """
    agency_id, limit = _agency_id(s), "no misconduct on its record"
    if agency_id is None:
        return None
    if s.agency is None:
        return _unknown_agency(agency_id, limit)
    since = s.agency.misconduct_since
    if since is None or since > borrowers_day(s, now):
        return None
    return deny(f"misconduct since {since}", limit, "agencies.misconduct_since", (agency_id,), permanent=True)
