"""What holds a debt, a person or an agency, for how long, and what is permitted meanwhile: read from the table of holds in the law."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from arrears.prove import words
from arrears.prove.model import DAY, LENDER, DebtorFile, Hold, Instant, Loan


@dataclass(frozen=True, slots=True)
class HoldLaw:
    """``reach``: ``loan``, ``person`` (all loans of the borrower) or ``agency`` (only what the agency does). ``days``: how long it lasts by law.

    While it stands the borrower may be contacted for ``purposes``, and people of ``roles`` in their place.
    """

    name: str
    rule: str
    reach: str = "loan"
    purposes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    days: int | None = None

    def permits(self, role: str, purpose: str | None) -> bool:
        if role == words.BORROWER:
            return purpose in self.purposes
        return role in self.roles and purpose not in words.THROUGH_OTHERS


_REPLY = frozenset({"reply"})
_REQUIRED = words.ANSWERS | words.NOTICES
"""Answers to what the debtor asked, and contact that other rules require: reg. 11(2) of the Debt Respite Scheme."""
_ADVISER = frozenset({"debt_adviser"})

HOLDS: dict[str, HoldLaw] = {
    "dispute": HoldLaw("a dispute", "US-42, UK-10, CN-62", purposes=_REQUIRED),
    "cease": HoldLaw("a request to cease", "US-20, US-21", "person", purposes=words.FAREWELLS),
    "attorney": HoldLaw("representation by an attorney", "US-14, US-26", "person", roles=frozenset({"attorney"})),
    "breathing_space": HoldLaw("breathing space", "UK-12, UK-14", purposes=_REQUIRED, roles=_ADVISER, days=60),
    "mental_health_crisis": HoldLaw("a mental-health crisis moratorium", "UK-13, UK-14", purposes=_REQUIRED, roles=_ADVISER),
    "incapacity": HoldLaw("incapacity", "UK-07, CN-64", "person", roles=words.REPRESENTS),
    "debt_advice": HoldLaw("debt advice", "UK-09", purposes=_REPLY, roles=_ADVISER, days=30),
    "hardship": HoldLaw("a hardship request", "CN-59", purposes=_REPLY | {"offer"} | words.NOTICES),
    "plan": HoldLaw("a plan in good standing", "CN-60", purposes=_REPLY | {"remind"}),
    "bankruptcy": HoldLaw("bankruptcy", "US-60", "person", roles=frozenset({"attorney"})),
    "deceased": HoldLaw("the borrower's death", "CN-63, US-61", "person", roles=frozenset({"executor", "spouse"})),
    "minor": HoldLaw("doubt about the borrower's age", "CN-64", "person", roles=frozenset({"legal_representative"})),
    "complaint": HoldLaw("a complaint about an agency", "CN-61", "agency", purposes=_REPLY),
    "recall": HoldLaw("a recall from an agency", "CN-42", "agency"),
}
UNLISTED = HoldLaw("a hold", "ours")
_CRISIS = HOLDS["mental_health_crisis"]
_AFTER_TREATMENT = 31 * DAY
"""The 30 days begin when the last day of the treatment is over."""


def law_of(reason: str) -> HoldLaw:
    """What a hold of this reason means; one of a reason that the law does not know permits nothing."""
    return HOLDS.get(reason.replace("-", "_"), UNLISTED)


def in_force(hold: Hold, at: Instant) -> bool:
    """Whether a hold stood at an instant, and was known to: placed and told of before, neither over nor, as far as known, lifted."""
    if hold.known_at >= at or hold.placed_at >= at:
        return False
    ends = ends_at(hold)
    if ends is not None and at >= ends:
        return False
    lifted = hold.lift_known_at if hold.lift_known_at is not None else hold.lifted_at
    return lifted is None or at < lifted


def ends_at(hold: Hold) -> Instant | None:
    """When a hold ends by itself: when somebody said, else when the law does."""
    if hold.until is not None:
        return hold.until
    if hold.treatment_ends_on is not None and law_of(hold.reason) is _CRISIS:
        return hold.treatment_ends_on * DAY + _AFTER_TREATMENT
    days = law_of(hold.reason).days
    return None if days is None else hold.placed_at + days * DAY


def about(hold: Hold, file: DebtorFile) -> str | None:
    """The person whom a hold is about: whom it names, else the borrower of its loan."""
    if hold.person_id is not None:
        return hold.person_id
    loan = file.loans.get(hold.loan_id)
    return None if loan is None else loan.borrower_id


def standing_holds(file: DebtorFile, loan: Loan, at: Instant, by: str) -> Iterator[tuple[Hold, HoldLaw]]:
    """The holds that a step for a loan met: those of the loan, those of its borrower on whichever loan, and of an agency's only its own."""
    for hold in file.holds:
        terms = law_of(hold.reason)
        if terms.reach == "agency":
            if hold.loan_id != loan.loan_id or by == LENDER or hold.agency not in (None, by):
                continue
        elif about(hold, file) != loan.borrower_id or (hold.loan_id != loan.loan_id and terms.reach != "person"):
            continue
        if in_force(hold, at):
            yield hold, terms


def own_holds(file: DebtorFile, person_id: str, loan: Loan, at: Instant) -> Iterator[tuple[Hold, HoldLaw]]:
    """The holds that are about somebody beside the borrower: on this loan, or on all that concerns them."""
    for hold in file.holds:
        terms = law_of(hold.reason)
        if terms.reach == "agency" or (terms.reach == "loan" and hold.loan_id != loan.loan_id):
            continue
        if about(hold, file) == person_id and in_force(hold, at):
            yield hold, terms
