"""What the rules of mainland China ask of a situation: who owes, who stands outside, and what day it is for the borrower."""

from __future__ import annotations

from datetime import date, datetime

from arrears.domain.holds import HoldReason
from arrears.domain.law.standing import day_in, held
from arrears.domain.orders import Purpose
from arrears.domain.outcome import NOT_MADE
from arrears.domain.person import Relation
from arrears.domain.situation import Contact, Situation

ASKS_FOR_MONEY = frozenset({Purpose.COLLECT, Purpose.REMIND, Purpose.OFFER})
THROUGH_OTHERS = frozenset({Purpose.LOCATE, Purpose.RELAY})
"""The two things that a contact may be asked for: where the borrower is, and to pass a message on."""


def owes(s: Situation) -> bool:
    """Whether the recipient is asked for a debt of their own: the borrower, who is liable with them, and a spouse whom a paper makes liable."""
    if s.liable:
        return True
    joint_spouse = s.relation is Relation.SPOUSE and s.tie is not None and s.tie.evidence is not None
    return joint_spouse and s.contact.purpose not in THROUGH_OTHERS


def outsider(s: Situation) -> bool:
    """Whether the recipient owes nothing, stands for nobody who does, and has not offered to pay what this contact is about."""
    return s.third_party and not owes(s) and not volunteered(s)


def volunteered(s: Situation) -> bool:
    """Whether the recipient offered, unasked, to pay for the borrower, and is contacted about that."""
    return s.tie is not None and s.tie.volunteered is not None and s.contact.purpose not in THROUGH_OTHERS


def dead_or_incapable(s: Situation, now: datetime) -> bool:
    """Whether the borrower has died, or was found without full capacity."""
    return bool(held(s, now, HoldReason.DECEASED, HoldReason.INCAPACITY, people=(s.borrower,)))


def borrowers_day(s: Situation, now: datetime) -> date:
    """The borrower's local day; the day in UTC if nobody knows where they are."""
    return day_in(now, s.borrower.zone)


def made(past: Contact) -> bool:
    """Whether a contact left, or may have left, the house."""
    return past.outcome not in NOT_MADE
