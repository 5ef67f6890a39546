"""Holds: why nothing may go out, how far each reaches, when it ends by itself, and what is still permitted while it stands.

A reason that is not listed here holds the loan, until it is lifted, and permits nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from arrears.domain.calendar import ONE_DAY, utc_midnight
from arrears.domain.orders import Purpose
from arrears.domain.person import STANDS_FOR_THE_BORROWER, Relation
from arrears.domain.situation import Hold


class HoldReason(StrEnum):
    """The reasons that the law knows, as codes."""

    DISPUTE = "dispute"
    CEASE = "cease"
    ATTORNEY = "attorney"
    BREATHING_SPACE = "breathing-space"
    MENTAL_HEALTH_CRISIS = "mental-health-crisis"
    INCAPACITY = "incapacity"
    DEBT_ADVICE = "debt-advice"
    HARDSHIP = "hardship"
    PLAN = "plan"
    BANKRUPTCY = "bankruptcy"
    DECEASED = "deceased"
    MINOR = "minor"
    COMPLAINT = "complaint"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """What a kind of hold means. ``lasts`` counts from when it was placed, if nobody said when it ends.

    ``permits`` are the purposes for which the borrower may still be contacted, ``permits_to`` the people who may be contacted in their stead,
    for any purpose but to pass a message on.
    """

    scope: Literal["loan", "person", "agency"]
    permits: frozenset[Purpose] = frozenset()
    permits_to: frozenset[Relation] = frozenset()
    lasts: timedelta | None = None
    ends: str = "when it is lifted"


_ANSWERS = frozenset({Purpose.REPLY, Purpose.VERIFICATION, Purpose.NOTICE})

HOLDS: dict[HoldReason, HoldTerms] = {
    HoldReason.DISPUTE: HoldTerms("loan", permits=_ANSWERS, ends="when the verification or the answer was sent"),
    HoldReason.CEASE: HoldTerms(
        "person", permits=frozenset({Purpose.TERMINATE, Purpose.MAY_REMEDY, Purpose.WILL_REMEDY}), ends="never, unless they withdraw it"
    ),
    HoldReason.ATTORNEY: HoldTerms(
        "person", permits_to=frozenset({Relation.ATTORNEY}), ends="when the attorney withdraws or does not answer in reasonable time"
    ),
    HoldReason.BREATHING_SPACE: HoldTerms(
        "loan",
        permits=_ANSWERS,
        permits_to=frozenset({Relation.DEBT_ADVISER}),
        lasts=60 * ONE_DAY,
        ends="on day 60, or when it is cancelled earlier",
    ),
    HoldReason.MENTAL_HEALTH_CRISIS: HoldTerms(
        "loan", permits=_ANSWERS, permits_to=frozenset({Relation.DEBT_ADVISER}), ends="30 days after the treatment ended"
    ),
    HoldReason.INCAPACITY: HoldTerms("person", permits_to=STANDS_FOR_THE_BORROWER, ends="when the evidence was reviewed"),
    HoldReason.DEBT_ADVICE: HoldTerms(
        "loan",
        permits=frozenset({Purpose.REPLY}),
        permits_to=frozenset({Relation.DEBT_ADVISER}),
        lasts=30 * ONE_DAY,
        ends="after a reasonable period, by default 30 days",
    ),
    HoldReason.HARDSHIP: HoldTerms(
        "loan",
        permits=frozenset({Purpose.REPLY, Purpose.OFFER, Purpose.NOTICE}),
        ends="with the decision on the request, due within 7 working days",
    ),
    HoldReason.PLAN: HoldTerms("loan", permits=frozenset({Purpose.REMIND, Purpose.REPLY}), ends="when the plan is broken, after its grace"),
    HoldReason.BANKRUPTCY: HoldTerms("person", permits_to=frozenset({Relation.ATTORNEY}), ends="with a dismissal; a discharge is for ever"),
    HoldReason.DECEASED: HoldTerms(
        "person", permits_to=frozenset({Relation.EXECUTOR, Relation.SPOUSE}), ends="when a human opens the route to the estate"
    ),
    HoldReason.MINOR: HoldTerms(
        "person", permits_to=frozenset({Relation.LEGAL_REPRESENTATIVE}), ends="when the representative is verified"
    ),
    HoldReason.COMPLAINT: HoldTerms("agency", permits=frozenset({Purpose.REPLY}), ends="when the complaint is closed"),
    HoldReason.RECALL: HoldTerms("agency", ends="when the agency has confirmed the deletion"),
}
"""Every hold of the law, by its reason. A person's own refusals and opt-outs are wishes, which have no end of their own."""

UNLISTED = HoldTerms("loan")
LOOKED_BACK_ON = frozenset({HoldReason.BREATHING_SPACE, HoldReason.MENTAL_HEALTH_CRISIS, HoldReason.DEBT_ADVICE})
"""What the law asks about when it is over, too: a lender may let it last longer, and the time of a moratorium moves the end of limitation (UK-16)."""

_AFTER_TREATMENT = 30 * ONE_DAY


def terms(reason: str) -> HoldTerms:
    """What a hold of this reason means."""
    return HOLDS[HoldReason(reason)] if reason in HOLDS else UNLISTED


def ends_at(hold: Hold) -> datetime | None:
    """When a hold ends, or ended: when it was lifted, and by itself when somebody said, else when the law does; ``None``: when it is lifted."""
    ends = hold.until or _ends_by_law(hold)
    return min((at for at in (ends, hold.lifted_at) if at is not None), default=None)


def _ends_by_law(hold: Hold) -> datetime | None:
    if hold.reason == HoldReason.MENTAL_HEALTH_CRISIS and hold.treatment_ends_on is not None:
        return utc_midnight(hold.treatment_ends_on) + ONE_DAY + _AFTER_TREATMENT
    lasts = terms(hold.reason).lasts
    return None if lasts is None else hold.placed_at + lasts


def in_force(hold: Hold, now: datetime) -> bool:
    """Whether a hold stands at an instant."""
    ends = ends_at(hold)
    return hold.placed_at <= now and (ends is None or now < ends)


def permits(hold: Hold, purpose: Purpose, relation: Relation) -> bool:
    """Whether a contact for this purpose with a person of this relation is permitted while the hold stands."""
    meant = terms(hold.reason)
    if relation is Relation.BORROWER:
        return purpose in meant.permits
    return relation in meant.permits_to and purpose not in (Purpose.LOCATE, Purpose.RELAY)
