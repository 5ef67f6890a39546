"""Mainland China: to whom a debt goes, on what conditions, and what stops that."""

from __future__ import annotations

from collections.abc import Iterator

from arrears.prove.law.holds import about, in_force
from arrears.prove.law.kit import per_cent
from arrears.prove.law.step import Step, arrived, came_back
from arrears.prove.limits import Limits
from arrears.prove.model import DAY, Agency, Day, Hold
from arrears.prove.sending import Breach

CARDS = frozenset({"credit_card", "card"})
_RISKY = frozenset({"debt_sale", "lawsuit", "defaulter_list"})
_WEIGHTY = _RISKY | {"agency"}

RULES: dict[str, str] = {
    "CN-27": "A loan whose cost lies above the ceiling, 24 % a year (ours), goes to nobody who would collect it. Civil Code art. 680.",
    "CN-42": "An agency works under a contract in force that settles purpose, term, manner, kinds of data and safeguards, and passes nothing on. "
    "Personal Information Protection Law art. 21.",
    "CN-43": "A debt is sold only with the borrower's separate consent, and a notice. Personal Information Protection Law art. 23.",
    "CN-44": "The borrower is told before an agency begins. Administrative measures on consumer protection art. 41.",
    "CN-45": "Only an agency of the published list gets a case. Guideline of the China Banking Association, 2026.",
    "CN-46": "An agency is reviewed at least once a year, and again in the last 30 days of its contract (ours). GB/T 45251-2025, 5.4.",
    "CN-50": "What goes to an agency was assessed for what it does to the borrower. Personal Information Protection Law art. 55, 56.",
    "CN-52": "An agency, a sale, a lawsuit and a list of defaulters are decided on by a human. Personal Information Protection Law art. 24(3).",
    "CN-56": "The borrower is told before bad credit information is reported. Regulation on credit reporting art. 15.",
    "CN-59": "Nothing is escalated while a request for relief is open (ours). GB/T 45251-2025.",
    "CN-60": "Nothing is escalated while a plan on a card debt is kept. Measures on credit cards art. 70.",
    "CN-61": "No agency gets a case while a complaint about conduct is open (ours). Measures for complaints in banking and insurance.",
    "CN-62": "A card debt that is objected to goes nowhere. Measures on credit cards art. 69.",
    "CN-66": "A small loan to a student is looked at by a human first. Notice 2021, 28.",
    "CN-68": "Nobody sues when the time for an action is over, or when nobody knows that of an old debt. Civil Code art. 188, 192.",
    "CN-69": "The notice of an assignment is delivered before a debt is sold (ours). Civil Code art. 546.",
    "CN-70": "Nobody sues while a court decides on a payment order. Civil Procedure Law art. 225 to 228.",
    "CN-72": "An agency with a record of violence gets no case. Interim measures on internet lending.",
}


def asked(target: str) -> Iterator[str]:
    """The rules that are asked about a step of this kind."""
    yield from ("CN-27", "CN-59", "CN-60", "CN-62", "CN-66")
    if target in _WEIGHTY:
        yield "CN-52"
    match target:
        case "agency":
            yield from ("CN-42", "CN-44", "CN-45", "CN-46", "CN-50", "CN-61", "CN-72")
        case "debt_sale":
            yield from ("CN-43", "CN-69")
        case "lawsuit":
            yield from ("CN-68", "CN-70")
        case "lawyer":
            yield "CN-68"
        case "defaulter_list":
            yield from ("CN-56", "CN-70")
        case "credit_report" | "overdue_list":
            yield "CN-56"
        case _:
            pass


def breaches(step: Step) -> Iterator[tuple[str, Breach]]:
    """What the law of mainland China had against a step."""
    yield from _debt(step)
    yield from _held(step)
    yield from _decided(step)
    match step.placement.target:
        case "agency":
            yield from _agency(step)
        case "debt_sale":
            yield from _sale(step)
        case "lawsuit" | "lawyer":
            yield from _limitation(step)
        case "credit_report" | "overdue_list" | "defaulter_list":
            yield from _credit(step)
        case _:
            pass


def _debt(step: Step) -> Iterator[tuple[str, Breach]]:
    cost, most = step.loan.annual_cost, step.limits.cn_27_most_percent
    if cost is not None and cost > most:
        yield "CN-27", Breach("a cost above the ceiling", per_cent(most), "a loan whose cost is above the legal ceiling was handed over")


def _held(step: Step) -> Iterator[tuple[str, Breach]]:
    card, target = step.loan.product in CARDS, step.placement.target
    standing = {hold.reason.replace("_", "-"): hold for hold in _holds(step)}
    if "hardship" in standing:
        yield "CN-59", Breach("a request for relief is open", "its answer", "it was handed over before a request for relief was answered")
    if card and "plan" in standing:
        yield "CN-60", Breach("a plan is kept", "no escalation", "a card debt was handed over while its plan was kept")
    if card and "dispute" in standing:
        yield "CN-62", Breach("an objection is open", "its verification", "a card debt was handed over while it was objected to")
    if target == "agency" and "complaint" in standing:
        yield "CN-61", Breach("a complaint is open", "its answer", "an agency got the case while a complaint was open")
    orders = [hold.placed_at for hold in _holds(step) if hold.reason == "payment-order"]
    own = step.limits
    days = own.cn_70_days_to_accept + own.cn_70_days_to_issue + own.cn_70_days_to_answer
    if target in ("lawsuit", "defaulter_list") and orders and step.placement.sent_at < (over := max(orders) + days * DAY):
        told = "somebody sued while a court decided on a payment order"
        yield "CN-70", Breach("a payment order is asked for", f"{days} days", told, over)


def _holds(step: Step) -> Iterator[Hold]:
    """The holds of the loan that are about its borrower, whoever acts."""
    file = step.debtor.file
    return (
        hold
        for hold in file.holds
        if hold.loan_id == step.loan.loan_id and about(hold, file) == step.loan.borrower_id and in_force(hold, step.placement.sent_at)
    )


def _decided(step: Step) -> Iterator[tuple[str, Breach]]:
    """Where a human has to look first. Whether their yes was a good one is asked by AR-02."""
    placement = step.placement
    approval = step.debtor.file.approvals.get(placement.approval_id or "")
    if approval is None and "approvals" in step.book.unknown:
        step.cannot("CN-52", "approvals not known")
        return
    seen = approval is not None and approval.decided_at is not None and approval.decided_at <= placement.sent_at
    if approval is not None and seen and approval.state in ("approved", "void"):
        if placement.target in _RISKY and approval.role != "risk_control":
            yield "CN-52", Breach(f"decided by a {approval.role}", "a decision of risk control", "somebody decided on it who may not")
        return
    if placement.target in _WEIGHTY:
        yield "CN-52", Breach("no human decision", "a human decision", "a step that weighs heavily was taken without a human's decision")
    if step.loan.lender_kind == "small_loan" and (meant := step.circumstances.intersection(step.limits.cn_66_circumstances)):
        told = "a student's small loan was handed over without a human's review"
        yield "CN-66", Breach(f"the borrower is a {min(meant)}", "a human's review", told)


def _limitation(step: Step) -> Iterator[tuple[str, Breach]]:
    ends = step.loan.limitation_ends_on
    if ends is not None:
        if step.today > ends:
            yield "CN-68", Breach("the limitation has ended", "before it ends", "somebody sued although the time for it was over")
        return
    oldest = step.debtor.unpaid_since(step.placement.loan_id, step.placement.sent_at)
    if step.placement.target == "lawsuit" and oldest is not None and step.today - oldest >= step.limits.cn_68_years * 365:
        yield (
            "CN-68",
            Breach("nobody knows when it ends", "before it ends", "an old debt was sued for although nobody knew whether it still can be"),
        )


def _agency(step: Step) -> Iterator[tuple[str, Breach]]:
    placement = step.placement
    if "notices" in step.book.unknown:
        step.cannot("CN-44", "notices not known")
    elif not any(n.kind == "agency" and n.agency in (None, placement.agency) and arrived(n, placement.sent_at) for n in step.notices):
        yield "CN-44", Breach("no notice delivered", "a notice delivered before", "an agency got the case before the borrower was told")
    agency = step.book.agencies.get(placement.agency or "")
    if agency is not None:
        yield from _fit(agency, step.today, step.limits)
    elif "agencies" in step.book.unknown:
        for rule in ("CN-42", "CN-45", "CN-46", "CN-50", "CN-72"):
            step.cannot(rule, "agencies not known")
    else:
        yield "CN-45", Breach("agency not in the ledger", "a listed agency", "an agency that nobody knows got the case")


def _fit(agency: Agency, today: Day, own: Limits) -> Iterator[tuple[str, Breach]]:
    """What stood against an agency on a day."""
    if agency.listed_from is None or today < agency.listed_from or (agency.listed_until is not None and today > agency.listed_until):
        yield "CN-45", Breach("not listed", "a listed agency", "an agency that was not on the list got the case")
    live = agency.contract_from is not None and agency.contract_from <= today
    if not live or agency.contract_until is None or today > agency.contract_until:
        yield "CN-42", Breach("no contract in force", "a contract in force", "an agency without a contract in force got the case")
    elif missing := frozenset(own.cn_42_matters) - agency.agreed:
        told = "the contract with the agency leaves out what it must settle"
        yield "CN-42", Breach(f"{len(missing)} matters not agreed", f"all {len(own.cn_42_matters)}", told)
    if agency.sub_agency:
        yield "CN-42", Breach("a sub-agency", "none", "an agency that passes cases on got the case")
    yield from _reviewed(agency, today, own)
    if not agency.assessment_id:
        yield "CN-50", Breach("no assessment", "an impact assessment", "an agency got the case before anybody assessed what that does")
    if agency.misconduct_since is not None and agency.misconduct_since <= today:
        yield "CN-72", Breach("misconduct on record", "none", "an agency with misconduct on its record got the case")


def _reviewed(agency: Agency, today: Day, own: Limits) -> Iterator[tuple[str, Breach]]:
    """The yearly review, and the one before the contract ends. The ledger keeps the latest of each."""
    reviewed, ends, closing = agency.reviewed_on, agency.contract_until, agency.closing_review_on
    if reviewed is None or reviewed > today or today - reviewed > own.cn_46_days:
        told = "an agency that was not reviewed of late got the case"
        yield "CN-46", Breach("no fresh review", f"{own.cn_46_days} days", told)
    elif ends is not None and ends - today <= own.cn_46_closing_days and (closing is None or closing > today):
        limit = f"one in the last {own.cn_46_closing_days} days"
        yield "CN-46", Breach("no closing review", limit, "an agency whose contract was about to end got the case without a closing review")


def _credit(step: Step) -> Iterator[tuple[str, Breach]]:
    at = step.placement.sent_at
    if "notices" in step.book.unknown:
        step.cannot("CN-56", "notices not known")
    elif not any(n.kind == "credit" and n.sent_at < at and not came_back(n, at) for n in step.notices):
        yield "CN-56", Breach("no notice", "a notice before", "it was reported before the borrower was told")


def _sale(step: Step) -> Iterator[tuple[str, Breach]]:
    if "notices" in step.book.unknown or "consents" in step.book.unknown:
        step.cannot("CN-43", "consents and notices not known")
        return
    at = step.placement.sent_at
    if step.debtor.consent(step.loan.borrower_id, "transfer", at) is None:
        yield "CN-43", Breach("no consent to the transfer", "a separate consent", "the debt was sold without the borrower's consent")
    elif not any(n.kind in ("transfer", "assignment") and n.sent_at < at for n in step.notices):
        yield "CN-43", Breach("no notice of the transfer", "a notice before", "the debt was sold before the borrower was told")
    if not any(n.kind in ("transfer", "assignment") and arrived(n, at) for n in step.notices):
        yield (
            "CN-69",
            Breach("no notice delivered", "a notice delivered before", "the debt was sold before the borrower had the notice of it"),
        )
