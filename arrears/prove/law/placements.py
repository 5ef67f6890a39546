"""Steps that hand a debt, or a fact about it, to somebody else: an agency, a credit bureau, a buyer, a court."""

from __future__ import annotations

from collections.abc import Iterator

from arrears.prove import words
from arrears.prove.debtor import Debtor, is_reversed
from arrears.prove.law import placements_abroad, placements_cn
from arrears.prove.law.holds import standing_holds
from arrears.prove.law.house import granted
from arrears.prove.law.record import FRESH, last_verdict
from arrears.prove.law.step import Step
from arrears.prove.model import DAY, LENDER, Day, Loan, Placement
from arrears.prove.sending import Breach
from arrears.prove.zones import Zones

RULES: dict[str, str] = {
    "AR-01": "Nothing is handed over about a debt that is not overdue.",
    "AR-02": "A step for which a human was asked waits for the human's yes.",
    "AR-04": "No step while a hold of the law stands.",
    "AR-05": "No step before its case has heard of every payment that was booked.",
    "AR-08": "No step for a case that has not begun or has ended.",
    "PR-01": "Every step was judged before it was made.",
    "PR-02": "The last verdict before a step allowed it.",
    "PR-03": "The verdict names the case of the step.",
    "PR-05": "A step is made at the instant at which it was judged, or soon after.",
    **placements_cn.RULES,
    **placements_abroad.RULES,
}
"""The rules about placements, in plain words."""


def borrowers_today(placement: Placement, loan: Loan, debtor: Debtor, zones: Zones) -> Day:
    """The borrower's local day of a placement; the day in UTC if nobody knows where they are."""
    person = debtor.file.person(loan.borrower_id, placement.sent_at)
    clock = None if person is None or person.zone is None else zones.local(person.zone, placement.sent_at)
    return placement.sent_at // DAY if clock is None else clock[0]


def breaches(step: Step) -> Iterator[tuple[str, str, Breach]]:
    """Every rule that a placement broke: (rule, regime, how)."""
    for rule, found in _ours(step):
        yield rule, "", found
    if words.CN in step.regimes:
        yield from ((rule, words.CN, found) for rule, found in placements_cn.breaches(step))
    yield from placements_abroad.breaches(step)


def asked(step: Step) -> Iterator[str]:
    """The rules that are asked about a placement, for the coverage figures."""
    yield from ("AR-01", "AR-02", "AR-04", "AR-05", "AR-08", "PR-01", "PR-02", "PR-03", "PR-05")
    if words.CN in step.regimes:
        yield from placements_cn.asked(step.placement.target)
    yield from placements_abroad.asked(step)


def _ours(step: Step) -> Iterator[tuple[str, Breach]]:
    placement, debtor, at = step.placement, step.debtor, step.placement.sent_at
    overdue = debtor.overdue(placement.loan_id, step.today, at)
    borrower = debtor.file.person(step.loan.borrower_id, at)
    if borrower is not None and borrower.zone is None and "zones" not in step.book.unknown:
        yield "AR-01", Breach("nobody knows what day it is", "more than 0 overdue", "nothing shows that anything was overdue")
    elif overdue is None and "instalments" in step.book.unknown:
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
    counting = [p for p in debtor.payments(placement.loan_id) if p.recorded_at < at and not is_reversed(p, at)]
    if "hearing" in step.book.unknown and any(p.heard_at is None for p in counting):
        step.cannot("AR-05", "not known which payments a case heard of")
    elif any(p.heard_at is None or p.heard_at > at for p in counting):
        yield "AR-05", Breach("a payment not heard of", "none", "the case handed it over without having heard of a payment that was booked")
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
        return
    if verdict.effect != "allow":
        yield "PR-02", Breach(f"verdict: {verdict.effect}", "verdict: allow", "it was handed over against the verdict on it")
    if verdict.case_id != step.placement.case_id:
        yield "PR-03", Breach("a verdict on another case", "a verdict on this step", "the verdict is on another case")
    if step.placement.sent_at - verdict.decided_at > FRESH:
        yield "PR-05", Breach("judged more than an hour before", "1 hour", "the verdict was old when it was handed over")
