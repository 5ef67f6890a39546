"""Steps that hand a debt, or a fact about it, to somebody else: an agency, a credit bureau, a buyer, a court."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from arrears.prove import words
from arrears.prove.debtor import Debtor, known, outcome_known
from arrears.prove.law.holds import standing_holds
from arrears.prove.law.house import granted
from arrears.prove.law.record import last_verdict
from arrears.prove.model import DAY, LENDER, Agency, Book, Coverage, Day, Loan, Notice, Placement
from arrears.prove.sending import Breach
from arrears.prove.zones import Zones

REVIEW_LASTS_DAYS = 365
CREDIT_WAITS_DAYS = 14
MATTERS = frozenset({"purpose", "term", "manner", "data_kinds", "safeguards"})
_CREDIT = frozenset({"credit_report", "overdue_list", "defaulter_list"})

RULES: dict[str, str] = {
    "AR-01": "Nothing is handed over about a debt that is not overdue.",
    "AR-02": "A step for which a human was asked waits for the human's yes.",
    "AR-04": "No step while a hold of the law stands.",
    "AR-08": "No step for a case that has not begun or has ended.",
    "CN-42": "An agency works under a contract in force that settles purpose, term, manner, kinds of data and safeguards, and passes nothing on. "
    "Personal Information Protection Law art. 21.",
    "CN-43": "A debt is sold only with the borrower's separate consent, and a notice. Personal Information Protection Law art. 23.",
    "CN-44": "The borrower is told before an agency begins. Administrative measures on consumer protection art. 41.",
    "CN-45": "Only an agency of the published list gets a case. Guideline of the China Banking Association, 2026.",
    "CN-46": "An agency is reviewed at least once a year. GB/T 45251-2025, 5.4.",
    "CN-56": "The borrower is told before bad credit information is reported. Regulation on credit reporting art. 15.",
    "CN-72": "An agency with a record of violence gets no case. Interim measures on internet lending.",
    "US-47": "A debt is reported to a bureau only after the borrower was spoken to, or 14 days after they were written to. 12 CFR 1006.30(a).",
    "PR-01": "Every step was judged before it was made.",
    "PR-02": "The last verdict before a step allowed it.",
}
"""The rules about placements, in plain words."""


class Step(NamedTuple):
    """A placement at the instant at which it was made. ``today`` is the borrower's local day."""

    placement: Placement
    loan: Loan
    debtor: Debtor
    book: Book
    coverage: Coverage
    zones: Zones
    regimes: frozenset[str]
    today: Day

    def cannot(self, rule: str, why: str) -> None:
        self.coverage.unjudged[rule, why] += 1


def borrowers_today(placement: Placement, loan: Loan, debtor: Debtor, zones: Zones) -> Day:
    """The borrower's local day of a placement; the day in UTC if nobody knows where they are."""
    person = debtor.file.persons.get(loan.borrower_id)
    clock = None if person is None or person.zone is None else zones.local(person.zone, placement.sent_at)
    return placement.sent_at // DAY if clock is None else clock[0]


def breaches(step: Step) -> Iterator[tuple[str, str, Breach]]:
    """Every rule that a placement broke: (rule, regime, how)."""
    for rule, found in _ours(step):
        yield rule, "", found
    placement = step.placement
    if words.CN in step.regimes and placement.target == "agency":
        for rule, found in _agency(step):
            yield rule, words.CN, found
    if placement.target in _CREDIT:
        for rule, regime, found in _credit(step):
            yield rule, regime, found
    if words.CN in step.regimes and placement.target == "debt_sale":
        yield from ((rule, words.CN, found) for rule, found in _sale(step))


def asked(step: Step) -> Iterator[str]:
    """The rules that are asked about a placement, for the coverage figures."""
    yield from ("AR-01", "AR-02", "AR-04", "AR-08", "PR-01", "PR-02")
    if words.CN in step.regimes:
        match step.placement.target:
            case "agency":
                yield from ("CN-42", "CN-44", "CN-45", "CN-46", "CN-72")
            case "debt_sale":
                yield "CN-43"
            case target if target in _CREDIT:
                yield "CN-56"
            case _:
                pass
    if words.US in step.regimes and step.placement.target in _CREDIT:
        yield "US-47"


def _ours(step: Step) -> Iterator[tuple[str, Breach]]:
    placement, debtor, at = step.placement, step.debtor, step.placement.sent_at
    overdue = debtor.overdue(placement.loan_id, step.today, at)
    if overdue is None and "instalments" in step.book.unknown:
        step.cannot("AR-01", "instalments not known")
    elif not overdue:
        yield "AR-01", Breach("0 overdue", "more than 0 overdue", "it was handed over when nothing was overdue")
    if (
        placement.approval_id is not None
        and (why := granted(step.book, debtor, placement.approval_id, placement.case_id, at, placement.step)) is not None
    ):
        yield "AR-02", Breach(why, "an approval of this step", f"its approval does not cover it: {why}")
    for hold, terms in standing_holds(debtor.file, step.loan, at, placement.agency or LENDER):
        if terms.name != "a hold":
            yield "AR-04", Breach(f"held: {hold.reason}", "no hold in force", f"it was handed over while {terms.name} stood ({terms.rule})")
            break
    case = debtor.case(placement.case_id)
    if "cases" in step.book.unknown:
        step.cannot("AR-08", "cases not known")
    elif case is None or case.loan_id != placement.loan_id or case.opened_at > at or (case.closed_at is not None and case.closed_at < at):
        yield "AR-08", Breach("no open case", "an open case", "it was handed over outside the life of its case")
    yield from _judged(step)


def _judged(step: Step) -> Iterator[tuple[str, Breach]]:
    if "verdicts" in step.book.unknown:
        step.cannot("PR-01", "verdicts not known")
        return
    verdict = last_verdict(step.debtor.verdicts.get(step.placement.placement_id), step.placement.sent_at)
    if verdict is None:
        yield "PR-01", Breach("no verdict before it", "a verdict before it left", "it was handed over without having been judged")
    elif verdict.effect != "allow":
        yield "PR-02", Breach(f"verdict: {verdict.effect}", "verdict: allow", "it was handed over against the verdict on it")


def _agency(step: Step) -> Iterator[tuple[str, Breach]]:
    placement = step.placement
    if "notices" in step.book.unknown:
        step.cannot("CN-44", "notices not known")
    elif not any(n.kind == "agency" and n.agency in (None, placement.agency) and arrived(n, placement.sent_at) for n in _notices(step)):
        yield "CN-44", Breach("no notice delivered", "a notice delivered before", "an agency got the case before the borrower was told")
    agency = step.book.agencies.get(placement.agency or "")
    if agency is not None:
        yield from _fit(agency, step.today)
    elif "agencies" in step.book.unknown:
        for rule in ("CN-42", "CN-45", "CN-46", "CN-72"):
            step.cannot(rule, "agencies not known")
    else:
        yield "CN-45", Breach("agency not in the ledger", "a listed agency", "an agency that nobody knows got the case")


def _fit(agency: Agency, today: Day) -> Iterator[tuple[str, Breach]]:
    """What stood against an agency on a day."""
    if agency.listed_from is None or today < agency.listed_from or (agency.listed_until is not None and today > agency.listed_until):
        yield "CN-45", Breach("not listed", "a listed agency", "an agency that was not on the list got the case")
    live = agency.contract_from is not None and agency.contract_from <= today
    if not live or agency.contract_until is None or today > agency.contract_until:
        yield "CN-42", Breach("no contract in force", "a contract in force", "an agency without a contract in force got the case")
    elif missing := MATTERS - agency.agreed:
        yield (
            "CN-42",
            Breach(f"{len(missing)} matters not agreed", "all five", "the contract with the agency leaves out what it must settle"),
        )
    if agency.sub_agency:
        yield "CN-42", Breach("a sub-agency", "none", "an agency that passes cases on got the case")
    if agency.reviewed_on is None or today - agency.reviewed_on > REVIEW_LASTS_DAYS:
        yield (
            "CN-46",
            Breach("no review within a year", f"{REVIEW_LASTS_DAYS} days", "an agency that was not reviewed within a year got the case"),
        )
    if agency.misconduct_since is not None and agency.misconduct_since <= today:
        yield "CN-72", Breach("misconduct on record", "none", "an agency with misconduct on its record got the case")


def _credit(step: Step) -> Iterator[tuple[str, str, Breach]]:
    if "notices" in step.book.unknown:
        step.cannot("CN-56", "notices not known")
        return
    at = step.placement.sent_at
    told = [n for n in _notices(step) if n.kind == "credit" and n.sent_at < at and not (n.bounced_at is not None and n.bounced_at < at)]
    if words.CN in step.regimes and not told:
        yield "CN-56", words.CN, Breach("no notice", "a notice before", "it was reported before the borrower was told")
    if words.US in step.regimes and not _heard_of_it(step):
        yield (
            "US-47",
            words.US,
            Breach("not written to 14 days before", "14 days", "it was reported before the borrower could have heard of the debt"),
        )


def _heard_of_it(step: Step) -> bool:
    """Whether the borrower was spoken to about the debt, or was written to long enough ago without its coming back."""
    at, file = step.placement.sent_at, step.debtor.file
    until = at - CREDIT_WAITS_DAYS * DAY
    for contact in file.contacts:
        if contact.loan_id != step.loan.loan_id or contact.person_id != step.loan.borrower_id or not known(contact, at):
            continue
        outcome = outcome_known(contact, at)
        if contact.channel == words.CALL and outcome in words.ANSWERED:
            return True
        if contact.channel in words.WRITTEN and contact.direction == "out" and outcome == "delivered" and contact.at <= until:
            return True
    return any(
        n.kind in ("credit", "validation", "default") and n.sent_at <= until and not (n.bounced_at is not None and n.bounced_at < at)
        for n in _notices(step)
    )


def _sale(step: Step) -> Iterator[tuple[str, Breach]]:
    if "notices" in step.book.unknown or "consents" in step.book.unknown:
        step.cannot("CN-43", "consents and notices not known")
        return
    at = step.placement.sent_at
    if step.debtor.consent(step.loan.borrower_id, "transfer", at) is None:
        yield "CN-43", Breach("no consent to the transfer", "a separate consent", "the debt was sold without the borrower's consent")
    elif not any(n.kind in ("transfer", "assignment") and n.sent_at < at for n in _notices(step)):
        yield "CN-43", Breach("no notice of the transfer", "a notice before", "the debt was sold before the borrower was told")


def _notices(step: Step) -> list[Notice]:
    return step.debtor.notices.get(step.placement.loan_id, [])


def arrived(notice: Notice, at: int) -> bool:
    """Whether a notice had been delivered, and had not come back, before an instant."""
    return notice.delivered_at is not None and notice.delivered_at < at and not (notice.bounced_at is not None and notice.bounced_at < at)
