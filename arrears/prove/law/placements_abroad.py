"""America, the United Kingdom and Europe: what stops a step that hands a debt, or a fact about it, to somebody else. Holds are asked about as everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from arrears.prove import words
from arrears.prove.debtor import outcome_known, relied_on
from arrears.prove.law.kit import per_cent
from arrears.prove.law.step import Step, came_back
from arrears.prove.law.uk import after_a_crisis, moved, still_held
from arrears.prove.model import DAY, Instant, day_number
from arrears.prove.sending import Breach

FORBEARANCE_SINCE = day_number(date(2026, 11, 20))
_BUREAUS = frozenset({"credit_report", "overdue_list"})
_WOULD_DEMAND = frozenset({"agency", "lawyer", "debt_sale", "lawsuit"})
_DID_NOT_ARRIVE = words.NEVER_LEFT | {"failed", "bounced", "invalid_number", "no_answer", "busy", "someone_else"}

RULES: dict[str, str] = {
    "US-46": "A debt that is time-barred, or of which nobody knows that, is not sued for. 12 CFR 1006.26(b).",
    "US-47": "A debt is reported to a bureau only after the borrower was spoken to, or 14 days after they were written to. 12 CFR 1006.30(a).",
    "US-62": "A debt of somebody in service that costs more than 6 % a year goes to nobody who would collect it. 50 U.S.C. 3937.",
    "UK-09": "Nothing is handed over while a plan is made with a debt adviser, for as many days as the lender says. CONC 7.3.11R.",
    "UK-11": "A debt that is statute-barred is not sued for or handed to somebody who would demand it. CONC 7.15.",
    "UK-12": "Nothing is handed over in a breathing space, which lasts for 60 days, or more if the lender says so. Debt Respite Scheme Regulations reg. 26.",
    "UK-13": "Nothing is handed over within 30 days after the treatment of a mental health crisis. Debt Respite Scheme Regulations, part 3.",
    "UK-18": "Nothing is enforced before 14 days after a default notice. Consumer Credit Act 1974, s. 87, 88.",
    "EU-01": "Forbearance is offered before anything is enforced, since 20 November 2026. Directive (EU) 2023/2225, art. 35.",
}


def asked(step: Step) -> Iterator[str]:
    """The rules that are asked about a step."""
    target, sued = step.placement.target, step.placement.target == "lawsuit"
    if words.US in step.regimes:
        yield "US-62"
        if target in _BUREAUS:
            yield "US-47"
        if sued:
            yield "US-46"
    if words.UK in step.regimes:
        yield from ("UK-09", "UK-12", "UK-13")
        if target in _WOULD_DEMAND:
            yield "UK-11"
    if words.UK in step.regimes and sued:
        yield "UK-18"
    if words.EU in step.regimes and sued:
        yield "EU-01"


def breaches(step: Step) -> Iterator[tuple[str, str, Breach]]:
    """What these laws had against a step: (rule, regime, how)."""
    if words.US in step.regimes:
        yield from ((rule, words.US, found) for rule, found in _american(step))
    if words.UK in step.regimes:
        yield from ((rule, words.UK, found) for rule, found in _british(step))
    if words.EU in step.regimes and step.placement.target == "lawsuit" and step.today >= FORBEARANCE_SINCE and not _offered(step):
        yield "EU-01", words.EU, Breach("no forbearance offered", "an offer before", "somebody sued before any forbearance was offered")


def _american(step: Step) -> Iterator[tuple[str, Breach]]:
    target, ends, cost = step.placement.target, step.loan.limitation_ends_on, step.loan.annual_cost
    if target == "lawsuit" and (ends is None or step.today > ends):
        seen = "nobody knows when it ends" if ends is None else "the limitation has ended"
        yield "US-46", Breach(seen, "before it ends", "somebody sued although the time for it was over, or not known")
    if target in _BUREAUS:
        if "notices" in step.book.unknown:
            step.cannot("US-47", "notices not known")
        elif (heard := _heard_of_it(step)) is None or heard > step.placement.sent_at:
            waited = f"{step.limits.us_47_days} days"
            told = "it was reported before the borrower could have heard of the debt"
            yield "US-47", Breach(f"not written to {waited} before", waited, told, heard)
    most = step.limits.us_62_most
    if "active_duty" in step.circumstances and (cost is None or cost > most):
        seen = "a cost that is not known" if cost is None else "a cost above it"
        yield "US-62", Breach(seen, per_cent(most), f"a debt of somebody in service was handed over that costs more than {per_cent(most)}")


def _resting(step: Step) -> Iterator[tuple[str, Breach]]:
    """Where the debt rests for longer than its hold stands."""
    debtor, loan, at, people, own = step.debtor, step.loan, step.placement.sent_at, (step.loan.borrower_id,), step.limits
    for rule, reason, days in (("UK-09", "debt_advice", own.uk_09_days), ("UK-12", "breathing_space", own.uk_12_days)):
        if still_held(debtor, loan, people, at, reason, days):
            yield (
                rule,
                Breach(
                    f"held: {reason}", f"{days} days", f"it was handed over within {days} days, for which the lender lets the debt rest"
                ),
            )
    days = own.uk_13_days
    if after_a_crisis(debtor, loan, people, at, step.today - days):
        told = f"it was handed over within {days} days after the treatment of a crisis"
        yield "UK-13", Breach("a mental health crisis", f"{days} days after it", told)


def _british(step: Step) -> Iterator[tuple[str, Breach]]:
    yield from _resting(step)
    target, ends, at = step.placement.target, step.loan.limitation_ends_on, step.placement.sent_at
    if ends is None:
        if target == "lawsuit":
            yield (
                "UK-11",
                Breach("nobody knows when it ends", "before it ends", "somebody sued although nobody knew whether they still may"),
            )
    elif target in _WOULD_DEMAND and step.today > moved(step.debtor, step.zones, step.loan, ends, at):
        yield (
            "UK-11",
            Breach(
                "the limitation has ended", "before it ends", "a debt that is statute-barred was handed to somebody who would demand it"
            ),
        )
    if target != "lawsuit":
        return
    if "notices" in step.book.unknown:
        step.cannot("UK-18", "notices not known")
        return
    notices = [n for n in step.notices if n.kind == "default" and n.sent_at < at and not came_back(n, at)]
    first = min(notices, key=lambda n: n.sent_at, default=None)
    served = None if first is None else first.delivered_at if first.delivered_at is not None and first.delivered_at < at else first.sent_at
    days, told = step.limits.uk_18_days, "somebody sued before a default notice had run out"
    limit = f"{days} days after a default notice"
    if served is None:
        yield "UK-18", Breach("no default notice", limit, told)
    elif at < (over := served + days * DAY):
        yield "UK-18", Breach("too soon after it", limit, told, over)


def _offered(step: Step) -> bool:
    """Whether an offer to the borrower left, and may have arrived."""
    at = step.placement.sent_at
    return any(
        contact.loan_id == step.loan.loan_id
        and contact.person_id == step.loan.borrower_id
        and contact.direction == "out"
        and contact.at <= at
        and relied_on(contact, at)
        and "offer" in (contact.purpose, contact.klass)
        and outcome_known(contact, at) not in _DID_NOT_ARRIVE
        for contact in step.debtor.file.contacts
    )


def _heard_of_it(step: Step) -> Instant | None:
    """From when on the borrower counted as told of the debt: spoken to about it, or written to so many days before without its coming back."""
    at, written = step.placement.sent_at, list[Instant]()
    for contact in step.debtor.file.contacts:
        if (
            contact.loan_id != step.loan.loan_id
            or contact.person_id != step.loan.borrower_id
            or contact.at > at
            or not relied_on(contact, at)
        ):
            continue
        outcome = outcome_known(contact, at)
        if contact.channel == words.CALL and outcome in words.ANSWERED:
            return contact.at
        if contact.channel in words.WRITTEN and contact.direction == "out" and outcome == "delivered":
            written.append(contact.at)
    written += [
        n.sent_at for n in step.notices if n.kind in ("credit", "validation", "default") and n.sent_at <= at and not came_back(n, at)
    ]
    return min(written) + step.limits.us_47_days * DAY if written else None
