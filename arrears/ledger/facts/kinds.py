"""The facts that the law asks for, as somebody tells them: one JSON object each, told apart by ``fact``. ``docs/facts.md`` explains them.

People, loans and agencies are named by id. A fact that stands already, told again, changes nothing.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from arrears.domain.calendar import Day, Instant, Window, ZoneName
from arrears.domain.events import Code, Id
from arrears.domain.message import NoticeKind
from arrears.domain.money import Amount
from arrears.domain.outcome import ANSWERED, UNREACHED, Outcome
from arrears.domain.person import Circumstance, ConsentKind, Region, Relation, WishKind
from arrears.domain.strategy import Channel, Slug
from arrears.ledger.portfolio.entries import Language, PointEntry, UnpaidAmount
from arrears.ledger.tables import Direction, LenderKind, Place

Evidence = Annotated[str, Field(min_length=1, max_length=200)]
"""Where the proof is kept, as an id or a path; never the proof itself."""

_HEARD = (
    ANSWERED
    | UNREACHED
    | {Outcome.DELIVERED, Outcome.BOUNCED, Outcome.OPTED_OUT, Outcome.FAILED, Outcome.UNKNOWN}
    | {
        Outcome.RELAYED,
        Outcome.RELATIVE_REFUSED,
    }
)


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AboutAPoint(_Fact):
    """A contact point is named by our id of it, or by the number or address itself."""

    contact_point_id: int | None = Field(default=None, description="the contact point's id in the ledger")
    address: str | None = Field(default=None, max_length=320, repr=False, description="instead of the id: the number (in E.164) or address")

    @property
    def names_a_point(self) -> bool:
        return self.contact_point_id is not None or self.address is not None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if self.contact_point_id is not None and self.address is not None:
            raise ValueError("names a contact point twice; give contact_point_id or address, not both")
        return self


class WishTold(AboutAPoint):
    """A person asked not to be contacted at all, by a medium, at an address, or in some local hours."""

    fact: Literal["wish"]
    person_id: Id
    kind: WishKind
    at: Instant
    channel: Channel | None = None
    hours: Window | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        for kind, name, given in (
            (WishKind.NO_MEDIUM, "channel", self.channel is not None),
            (WishKind.NO_ADDRESS, "contact_point_id or address", self.names_a_point),
            (WishKind.NO_HOURS, "hours", self.hours is not None),
        ):
            if (self.kind is kind) != given:
                raise ValueError(f"a wish {self.kind} needs {name}" if self.kind is kind else f"{name} goes with {kind} only; leave it out")
        return self


class WishWithdrawn(AboutAPoint):
    """A person took a wish back: of this kind, and for this medium or address if one is given."""

    fact: Literal["wish_withdrawn"]
    person_id: Id
    kind: WishKind
    at: Instant
    channel: Channel | None = None


class ConsentGiven(_Fact):
    """A person agreed to something, on evidence; ``hours`` goes with the kind ``hours``."""

    fact: Literal["consent"]
    person_id: Id
    kind: ConsentKind
    given_at: Instant
    ends_at: Instant | None = None
    channel: Channel | None = None
    hours: Window | None = None
    evidence: Evidence

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.kind is ConsentKind.HOURS) != (self.hours is not None):
            raise ValueError("hours are given with the kind hours, and with no other")
        if self.ends_at is not None and self.ends_at <= self.given_at:
            raise ValueError("ends_at must lie after given_at")
        return self


class ConsentWithdrawn(_Fact):
    """A person took a consent back: of this kind, and for this medium if one is given."""

    fact: Literal["consent_withdrawn"]
    person_id: Id
    kind: ConsentKind
    at: Instant
    channel: Channel | None = None


class HoldTold(_Fact):
    """Why nothing, or little, may be done: a dispute, a death, a bankruptcy … (``docs/facts.md``), or any other code.

    ``person_id`` is whom it is about, if not the borrower. It reaches all loans of a person, or one loan, as its reason says.
    """

    fact: Literal["hold"]
    loan_id: Id
    reason: Code
    at: Instant
    until: Instant | None = None
    person_id: Id | None = None
    part: Amount | None = Field(default=None, gt=0, description="the disputed part of the debt")
    treatment_ends_on: Day | None = Field(default=None, description="of a mental-health crisis: the last day of treatment")
    agency: Slug | None = Field(default=None, description="only this agency is barred")

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until is not None and self.until <= self.at:
            raise ValueError("until must lie after at; leave out a hold that never was in force")
        return self


class HoldOver(_Fact):
    """A hold is lifted; without a reason every hold on the loan is."""

    fact: Literal["hold_lifted"]
    loan_id: Id
    at: Instant
    reason: Code | None = None
    person_id: Id | None = None


class CircumstanceTold(_Fact):
    """What makes a person need more care, from when to when."""

    fact: Literal["circumstance"]
    person_id: Id
    kind: Circumstance
    since: Instant
    until: Instant | None = None
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise ValueError("until must lie after since")
        return self


class PersonTold(_Fact):
    """What is known of a person: where they live, when they were born. What is left out stays as it is."""

    fact: Literal["person"]
    person_id: Id
    residence: Region | None = None
    zone: ZoneName | None = None
    birth_date: date | None = Field(default=None, repr=False)


class PointTold(AboutAPoint):
    """What is known of a contact point: whether it is valid, whose it is now, where it rings. What is left out stays as it is."""

    fact: Literal["contact_point"]
    person_id: Id
    at: Instant
    valid: bool | None = None
    reassignment_checked: bool | None = Field(default=None, description="true: at that moment it had surely not gone to somebody else")
    place: Place | None = None
    employer_forbids: bool | None = None
    zone: ZoneName | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.names_a_point:
            raise ValueError("names no contact point; give contact_point_id or address")
        return self


class NewPerson(_Fact):
    """Somebody whom the ledger does not know yet."""

    name: str = Field(min_length=1, max_length=200, repr=False)
    language: Language
    zone: ZoneName | None = None
    residence: Region | None = None
    contact_points: tuple[PointEntry, ...] = Field(default=(), max_length=20)


class RelationTold(_Fact):
    """What a person is to a loan: an attorney, an executor, a guarantor with a paper, a relative who offered to pay …

    Without ``role`` a known relation is completed; a new one needs it. ``new_person`` describes somebody whom the ledger does not know.
    """

    fact: Literal["relation"]
    loan_id: Id
    person_id: Id
    role: Relation | None = None
    new_person: NewPerson | None = None
    evidence: Evidence | None = Field(default=None, description="the paper by which they are liable, or act for the borrower")
    volunteered: Evidence | None = Field(default=None, description="proof that they offered, unasked, to pay")
    liable_up_to: UnpaidAmount | None = None
    estate_value: UnpaidAmount | None = None
    disclaimed_at: Instant | None = None
    may_ask_again_at: Instant | None = None
    steps_aside_at: Instant | None = None

    @model_validator(mode="after")
    def _is_somebody_else(self) -> Self:
        if self.role is Relation.BORROWER:
            raise ValueError("the borrower of a loan is imported with it")
        return self


class Refusal(_Fact):
    """Somebody's relative or friend asked never to be contacted again: final, on every loan that names them."""

    fact: Literal["refusal"]
    person_id: Id
    at: Instant


class AgencyTold(_Fact):
    """An agency as it stands with the lender now: this record replaces the one before."""

    fact: Literal["agency"]
    agency: Slug
    listed_from: Day | None = None
    listed_until: Day | None = None
    contract_from: Day | None = None
    contract_until: Day | None = None
    reviewed_on: Day | None = None
    closing_review_on: Day | None = Field(default=None, description="the review before the contract ends")
    sub_agency: bool = False
    misconduct_since: Day | None = None
    assessment_id: Evidence | None = None
    agreed: frozenset[Literal["purpose", "term", "manner", "data_kinds", "safeguards"]] = frozenset()

    @model_validator(mode="after")
    def _begins(self) -> Self:
        for name in ("listed", "contract"):
            if getattr(self, f"{name}_until") is not None and getattr(self, f"{name}_from") is None:
                raise ValueError(f"{name}_until needs {name}_from")
        return self


class OneContact(AboutAPoint):
    """A contact that did not leave by our gateways. Without ``person_id`` it was with the borrower."""

    key: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] = Field(description="the contact's id at whoever tells it, the same each time")
    loan_id: Id
    person_id: Id | None = None
    channel: Channel
    direction: Direction = Direction.OUT
    outcome: Outcome | None = None
    at: Instant

    @model_validator(mode="after")
    def _can_be_heard(self) -> Self:
        if self.outcome is not None and self.outcome not in _HEARD:
            raise ValueError(f"{self.outcome} is no outcome of a contact; one of {', '.join(sorted(_HEARD))}")
        return self


class AgencyContacts(_Fact):
    """What an agency did, complete up to ``up_to``: it is told at least once a day, also when it did nothing."""

    fact: Literal["agency_contacts"]
    agency: Slug
    up_to: Instant
    contacts: tuple[OneContact, ...] = Field(default=(), max_length=10_000)


class ContactTold(OneContact):
    """A contact of the lender's own that its systems did not make here: a person called or wrote, somebody visited or sent a letter."""

    fact: Literal["contact"]
    direction: Direction = Direction.IN


class NoticeTold(_Fact):
    """What a person was told before a step, by a way that is not one of our attempts. Told again with a delivery or a return, it is completed."""

    fact: Literal["notice"]
    loan_id: Id
    person_id: Id | None = Field(default=None, description="whom, if not the borrower")
    kind: NoticeKind
    agency: Slug | None = None
    sent_at: Instant
    delivered_at: Instant | None = None
    bounced_at: Instant | None = None
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _one_way_or_the_other(self) -> Self:
        if self.delivered_at is not None and self.bounced_at is not None:
            raise ValueError("was delivered or came back, not both")
        if any(at is not None and at < self.sent_at for at in (self.delivered_at, self.bounced_at)):
            raise ValueError("cannot arrive or come back before it was sent")
        return self


class LoanTold(_Fact):
    """What is known of a loan. What is left out stays as it is."""

    fact: Literal["loan"]
    loan_id: Id
    limitation_ends_on: Day | None = None
    annual_cost: UnpaidAmount | None = Field(default=None, description="effective, in per cent")
    lender_kind: LenderKind | None = None
    account: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="loans with the same account count as one debt")


Fact = Annotated[
    WishTold
    | WishWithdrawn
    | ConsentGiven
    | ConsentWithdrawn
    | HoldTold
    | HoldOver
    | CircumstanceTold
    | PersonTold
    | PointTold
    | RelationTold
    | Refusal
    | AgencyTold
    | AgencyContacts
    | ContactTold
    | NoticeTold
    | LoanTold,
    Field(discriminator="fact"),
]

FACT: TypeAdapter[Fact] = TypeAdapter(Fact)


def schema() -> dict[str, Any]:
    """The JSON schema of a fact."""
    return FACT.json_schema() | {"title": "A fact that Arrears can be told", "$schema": "https://json-schema.org/draft/2020-12/schema"}
