"""What is known at the moment of contact: the only things that the rules of law may look at.

All of it is read in one transaction. A fact that is not known is empty, and a rule that needs it denies.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from arrears.domain.calendar import ZoneName
from arrears.domain.message import MessageClass
from arrears.domain.money import Money
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.situation import Relation
from arrears.domain.strategy import Channel, Role

__all__ = ["Facts", "Grant", "Past", "Point", "Proposal", "Reach", "Recipient", "ReferralFacts", "Relation", "StandingHold"]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def digest(self) -> str:
        """SHA-256 over all that is in it: what a verdict was based on, without repeating it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Proposal(_Fact):
    """The contact that somebody wants to make.

    ``content_hash`` is over exactly the text that would leave; it and the class are empty if the text cannot be written.
    """

    case_id: str
    attempt_id: str
    channel: Channel
    purpose: Purpose
    message: str
    message_class: MessageClass | None
    content_hash: str | None


class Recipient(_Fact):
    """Who would be contacted. ``evidence`` names the paper by which a joint debtor or a guarantor is liable."""

    person_id: str
    relation: Relation
    zone: ZoneName | None
    birth_date: date | None = None
    evidence: str | None = None
    refused: bool = False
    opted_out: bool = False


class Point(_Fact):
    """The number, address or account that would be used, by its id."""

    contact_point_id: int
    invalid: bool = False
    opted_out: bool = False


class Past(_Fact):
    """A contact that was made, or may have been: without an outcome it is on its way, or nobody knows."""

    at: AwareDatetime
    channel: Channel
    outcome: Outcome | None
    contact_point_id: int | None = None


class Grant(_Fact):
    """A request for approval as it stands now; ``contents`` are the hashes of the text, by person."""

    approval_id: str
    case_id: str
    step: str
    state: Literal["open", "approved", "denied", "expired", "void"]
    role: Role
    purpose: Purpose | None
    contents: dict[str, str]
    decided_at: AwareDatetime | None


class StandingHold(_Fact):
    """A hold that is in force now."""

    hold_id: str
    reason: str
    until: AwareDatetime | None = None


class Reach(_Fact):
    """How the borrower could be reached so far.

    ``calls`` are the attempts to speak to them and what others report, oldest first; ``numbers`` says of each of their phone numbers whether it is valid,
    ``last_sign_at`` when they last paid, promised or agreed to a plan.
    """

    zone: ZoneName | None
    calls: tuple[Past, ...] = ()
    numbers: tuple[bool, ...] = ()
    last_sign_at: AwareDatetime | None = None


class Facts(_Fact):
    """Everything about one proposed contact. ``owed`` is what is overdue on the borrower's day; ``case_open`` is false once the case has ended.

    ``unheard`` are ids of payments that the ledger holds and the case has not been told of. ``history`` are the recipient's contacts of late, over
    all their loans and all senders, without the proposed one.
    """

    proposal: Proposal
    recipient: Recipient
    point: Point | None
    owed: Money | None
    case_open: bool
    unheard: tuple[str, ...] = ()
    holds: tuple[StandingHold, ...] = ()
    history: tuple[Past, ...] = ()
    reach: Reach
    grant: Grant | None = None

    @property
    def liable(self) -> bool:
        """Whether the debt is the recipient's own, so that one may speak of it."""
        match self.recipient.relation:
            case Relation.BORROWER:
                return True
            case Relation.JOINT | Relation.GUARANTOR:
                return self.proposal.purpose is Purpose.COLLECT
            case _:
                return False


class ReferralFacts(_Fact):
    """Everything about one proposed referral. Holds and payments are those that the case has not been told of."""

    case_id: str
    referral_id: str
    step: str
    owed: Money
    case_open: bool
    unheard_payments: tuple[str, ...] = ()
    unheard_holds: tuple[StandingHold, ...] = ()
    approval_id: str | None = None
    grant: Grant | None = None
