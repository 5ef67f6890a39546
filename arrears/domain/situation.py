"""A situation: one proposed action, and all that is known at that instant. The rules of law look at nothing else.

It is one JSON document. The ledger assembles it at the moment of contact, ``arrears verdict`` reads it from a file, and the test vectors of the law
are such files. Who and what is meant is said by id, never by name. A fact that is not known is left out, and a rule that needs it denies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from arrears.domain.calendar import Window, ZoneName, country_of
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.money import Amount, Money
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, Outcome
from arrears.domain.strategy import Channel, Line, Referral, Role, Slug

Region = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
"""A country, or a part of one, by its ISO 3166 code: ``CN``, ``US-MA``."""

LENDER = "lender"
"""Who acts, if it is not an agency."""


_T = TypeVar("_T")


def _in_order(values: frozenset[Any]) -> list[Any]:
    return sorted(values)


Names = Annotated[frozenset[_T], PlainSerializer(_in_order, return_type=list[Any], when_used="json")]
"""A set that is always written in the same order, so that the same facts have the same hash."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Relation(StrEnum):
    """What a person is to the loan."""

    BORROWER = "borrower"
    JOINT = "joint"
    GUARANTOR = "guarantor"
    SPOUSE = "spouse"
    EMERGENCY = "emergency"
    CONTACT = "contact"
    LEGAL_REPRESENTATIVE = "legal_representative"
    EXECUTOR = "executor"
    ATTORNEY = "attorney"
    DEBT_ADVISER = "debt_adviser"
    EMPLOYER = "employer"


STANDS_FOR_THE_BORROWER = frozenset({Relation.LEGAL_REPRESENTATIVE, Relation.EXECUTOR, Relation.ATTORNEY, Relation.DEBT_ADVISER})
"""Who acts in the borrower's place, and so may be spoken to about the debt."""


class WishKind(StrEnum):
    """How a person asked not to be contacted."""

    NO_CONTACT = "no_contact"
    NO_MEDIUM = "no_medium"
    NO_ADDRESS = "no_address"
    NO_HOURS = "no_hours"


class Wish(_Fact):
    """A request not to be contacted at all, by a medium, at an address, or in some hours of the day; it stands until it is withdrawn."""

    kind: WishKind
    at: AwareDatetime
    channel: Channel | None = Field(default=None, description="the medium, with no_medium")
    contact_point: str | None = Field(default=None, description="the address, with no_address")
    hours: Window | None = Field(default=None, description="local hours that do not suit, with no_hours")
    withdrawn_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Wish:
        match self.kind:
            case WishKind.NO_MEDIUM if self.channel is None:
                raise ValueError("a wish no_medium names its channel")
            case WishKind.NO_ADDRESS if self.contact_point is None:
                raise ValueError("a wish no_address names its contact_point")
            case WishKind.NO_HOURS if self.hours is None:
                raise ValueError("a wish no_hours names its hours")
            case _:
                return self


class ConsentKind(StrEnum):
    """What a person agreed to."""

    HOURS = "hours"
    ARTIFICIAL_VOICE = "artificial_voice"
    MORE_CALLS = "more_calls"
    ELECTRONIC_NOTICES = "electronic_notices"
    TRANSFER = "transfer"
    TEXTS = "texts"
    THIRD_PARTY = "third_party"
    WORKPLACE = "workplace"
    VISIT = "visit"


class Consent(_Fact):
    """What a person agreed to, from when to when, on what evidence. A withdrawn consent is none from then on."""

    consent_id: str
    kind: ConsentKind
    given_at: AwareDatetime
    channel: Channel | None = Field(default=None, description="for this medium only")
    hours: Window | None = Field(default=None, description="the local hours agreed on, with hours")
    ends_at: AwareDatetime | None = None
    withdrawn_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _names_the_hours(self) -> Consent:
        if self.kind is ConsentKind.HOURS and self.hours is None:
            raise ValueError("a consent to hours names them")
        return self


class Circumstance(StrEnum):
    """What makes a person need more care."""

    VULNERABLE = "vulnerable"
    ELDERLY = "elderly"
    DISABLED = "disabled"
    STUDENT = "student"
    ACTIVE_DUTY = "active_duty"


class ContactPoint(_Fact):
    """One address of a person, by an id of ours. ``zones`` are all in which its holder may be, as far as the number tells."""

    contact_point_id: str
    kind: Literal["mobile", "landline", "email", "in_app", "postal"] = "mobile"
    line: Line = Line.REGISTERED
    country: Region | None = None
    zones: tuple[ZoneName, ...] = ()
    place: Literal["home", "work"] | None = None
    legal_basis: str | None = Field(
        default=None, description="why it may be used, such as contract or consent; while nobody knows, Chinese law (CN-41) denies"
    )
    invalid: bool = False
    employer_forbids: bool = False
    reassignment_checked_at: AwareDatetime | None = None


class Person(_Fact):
    """A person whom the action concerns. ``zone`` is where their days and hours are judged, ``residence`` whose law protects them."""

    person_id: str
    zone: ZoneName | None = None
    residence: Region | None = None
    birth_date: date | None = None
    contact_points: tuple[ContactPoint, ...] = ()
    wishes: tuple[Wish, ...] = ()
    consents: tuple[Consent, ...] = ()
    circumstances: tuple[Circumstance, ...] = ()
    refused_at: AwareDatetime | None = Field(
        default=None, description="when they, as somebody else's contact, asked never to be contacted again; for any loan, on any number"
    )

    @property
    def home(self) -> Region | None:
        """Where they live: their residence if it is known, else the country of their zone."""
        return self.residence or (country_of(self.zone) if self.zone else None)


class Tie(_Fact):
    """What a person other than the borrower is to a loan, and by what evidence."""

    person: str
    relation: Relation
    evidence: str | None = Field(default=None, description="the paper by which they are liable, or act for the borrower")
    volunteered: str | None = Field(default=None, description="evidence that they offered, unasked, to pay")
    liable_up_to: Amount | None = Field(default=None, description="the most for which the evidence makes them liable; without it for all")
    estate_value: Amount | None = Field(default=None, description="what an executor's or heir's estate is worth")
    disclaimed: bool = Field(default=False, description="an heir who disclaimed the estate")
    may_ask_again: bool = Field(
        default=False, description="they asked for it, or what they said is now believed wrong and they know better"
    )
    may_ask_again_at: AwareDatetime | None = Field(
        default=None, description="since when they may; asking after that uses it up. Without it, whatever was asked before does not count"
    )
    steps_aside: bool = Field(
        default=False, description="an attorney who withdrew, agreed to direct contact, or did not answer in reasonable time"
    )


class Loan(_Fact):
    """A loan as it stands at this instant. ``owed`` is what is overdue; without it nobody knows."""

    loan_id: str
    borrower: str
    owed: Money | None = None
    days_past_due: int | None = None
    product: str = "consumer_loan"
    account: str | None = Field(default=None, description="the account number that it shares with other loans: they count as one debt")
    capacity: Literal["first_party", "third_party"] = Field(
        default="first_party", description="whether the creditor collects in its own name"
    )
    lender_kind: Literal["bank", "consumer_finance", "small_loan", "purchaser"] | None = None
    annual_cost: Amount | None = Field(default=None, description="effective, in per cent")
    limitation_ends_on: date | None = Field(default=None, description="the last day on which it can be sued for")
    ties: tuple[Tie, ...] = ()
    case_open: bool = True
    unheard_payments: tuple[str, ...] = Field(
        default=(), description="payments that are booked, but unknown to the case that proposes the action"
    )
    last_sign_at: AwareDatetime | None = Field(default=None, description="when the borrower last paid, promised or agreed to a plan")
    figures: tuple[Amount, ...] = Field(default=(), description="every amount that a text may name: overdue, instalments, their parts")
    placed_with: str | None = Field(default=None, description="the agency that has the case now")
    sued_for: bool = Field(default=False, description="a lawsuit was decided on by a human")
    human_decision: str | None = Field(
        default=None, description="id of the human decision behind a step that weighs heavily on the borrower"
    )


class Contact(_Fact):
    """A contact that was made, or may have been: without an outcome it is on its way, or nobody knows."""

    contact_id: str
    at: AwareDatetime
    channel: Channel
    person: str
    loan: str
    direction: Literal["out", "in"] = "out"
    by: str = Field(default=LENDER, description="the lender, or the id of the agency")
    contact_point: str | None = None
    outcome: Outcome | None = None
    purpose: Purpose = Purpose.COLLECT
    klass: MessageClass | None = Field(default=None, alias="class")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def spoken(self) -> bool:
        """Whether there was a conversation with the person meant, or may have been."""
        return self.channel is Channel.CALL and (self.outcome in ANSWERED or self.outcome in (None, Outcome.UNKNOWN))


class Notice(_Fact):
    """What a person was told before a step that the law allows only after it."""

    kind: NoticeKind
    loan: str
    person: str
    sent_at: AwareDatetime
    agency: str | None = None
    delivered_at: AwareDatetime | None = None
    bounced_at: AwareDatetime | None = None


class Hold(_Fact):
    """Why nothing may go out, or little. ``reason`` is a kind of ``domain.holds`` or any other code; without a loan it stands on all of the person's."""

    hold_id: str
    reason: str
    placed_at: AwareDatetime
    until: AwareDatetime | None = None
    loan: str | None = None
    person: str | None = None
    agency: str | None = Field(default=None, description="only this agency is barred")
    part: Amount | None = Field(default=None, description="the disputed part of the debt")
    treatment_ends_on: date | None = None
    heard: bool = Field(default=True, description="whether the case that proposes the action knows of it")


class Approval(_Fact):
    """A human's decision on a request; ``contents`` are the hashes of the text, by person."""

    approval_id: str
    state: Literal["open", "approved", "denied", "expired", "void"]
    role: Role
    requested_by: str
    case_id: str | None = None
    step: str | None = None
    asked_at: AwareDatetime | None = None
    decided_by: str | None = None
    decided_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    purpose: Purpose | None = None
    contents: dict[str, str] = Field(default_factory=dict)


class Agency(_Fact):
    """An agency as it stands with the lender. ``agreed`` are the matters that the contract settles."""

    agency: Slug
    listed: bool | None = None
    contract_from: date | None = None
    contract_until: date | None = None
    reviewed_on: date | None = None
    closing_review_on: date | None = Field(default=None, description="the review before the contract ends")
    sub_agency: bool = Field(default=False, description="it passes cases on to others")
    misconduct_since: date | None = None
    assessment_id: str | None = Field(default=None, description="the assessment of what the transfer does to personal data")
    agreed: Names[Literal["purpose", "term", "manner", "data_kinds", "safeguards"]] = frozenset()
    feed_at: AwareDatetime | None = Field(default=None, description="up to when we know of its contacts")
    senders: Names[str] = Field(default=frozenset(), description="ids of the numbers and accounts that the lender registered for it")


class Message(_Fact):
    """The words of a contact. Without ``text`` only its class is judged; ``blocks`` are the required parts that it contains, by name."""

    klass: MessageClass = Field(alias="class")
    text: str | None = Field(default=None, repr=False)
    subject: str | None = Field(default=None, repr=False)
    content_hash: str | None = None
    template: str | None = None
    locale: str = "zh-CN"
    html: str | None = Field(default=None, repr=False, description="the part of a mail that is shown as a page; judged like the text")
    names: tuple[str, ...] = Field(default=(), repr=False, description="names of people in the text, which may look like words of debt")
    known: tuple[str, ...] = Field(
        default=(), repr=False, description="telephone numbers, web addresses and references in the text, which are no figures of the debt"
    )
    blocks: Names[str] | None = None
    notice: NoticeKind | None = None

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ContactAction(_Fact):
    """Somebody wants to reach a person. ``message`` is left out if its text cannot be written."""

    kind: Literal["contact"] = "contact"
    action_id: str = "action"
    channel: Channel
    loan: str
    recipient: str
    purpose: Purpose = Purpose.COLLECT
    contact_point: str | None = None
    message: Message | None = None
    by: str = LENDER
    case_id: str | None = None
    approval: str | None = None
    artificial_voice: bool = False
    sender: str | None = Field(default=None, description="id of the number or account from which it goes out; asked for if an agency acts")
    staff: int | None = Field(default=None, description="how many come, with a visit")
    verified_person: bool | None = Field(
        default=None, description="whether the person was verified before the debt is spoken of; a script does it"
    )


class ReferralAction(_Fact):
    """A loan, or a fact about it, is to go to somebody else: an agency, a bureau, a lawyer, a buyer, a court."""

    kind: Literal["referral"]
    action_id: str = "action"
    to: Referral
    loan: str
    agency: Slug | None = None
    fields: Names[str] = Field(default=frozenset(), description="names of the data that would be told")
    case_id: str | None = None
    step: str | None = None
    approval: str | None = None
    needs_approval: bool = False


Action = Annotated[ContactAction | ReferralAction, Field(discriminator="kind")]


class Situation(_Fact):
    """One action at one instant with everything known about it; ``regimes`` names the law, else those apply whose scope it is in.

    ``history`` are the contacts of all people in it, over all their loans, by us and by agencies, made or received.
    """

    at: AwareDatetime
    action: Action
    people: tuple[Person, ...] = Field(min_length=1)
    loans: tuple[Loan, ...] = Field(min_length=1)
    history: tuple[Contact, ...] = ()
    holds: tuple[Hold, ...] = ()
    approvals: tuple[Approval, ...] = ()
    agencies: tuple[Agency, ...] = ()
    notices: tuple[Notice, ...] = ()
    lender_seat: Region | None = None
    regimes: tuple[Slug, ...] | None = None

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Situation:
        people, loans = {p.person_id for p in self.people}, {loan.loan_id for loan in self.loans}
        for where, person in self._people_named():
            if person not in people:
                raise ValueError(f"{where} names person {person!r}, who is not among the people; add them")
        for where, loan in self._loans_named():
            if loan not in loans:
                raise ValueError(f"{where} names loan {loan!r}, which is not among the loans; add it")
        action = self.action
        if isinstance(action, ContactAction):
            points = {p.contact_point_id for p in self.recipient.contact_points}
            if action.contact_point is not None and action.contact_point not in points:
                raise ValueError(f"action.contact_point {action.contact_point!r} is none of the recipient's; add it, or leave it out")
            if self.recipient.person_id != self.loan.borrower and self.tie is None:
                raise ValueError(f"action.recipient {action.recipient!r} is not tied to the loan; add a tie that says what they are to it")
        return self

    def _people_named(self) -> Iterator[tuple[str, str]]:
        if isinstance(self.action, ContactAction):
            yield "action.recipient", self.action.recipient
        for loan in self.loans:
            yield f"loan {loan.loan_id}: borrower", loan.borrower
            yield from ((f"loan {loan.loan_id}: a tie", tie.person) for tie in loan.ties)
        yield from ((f"hold {hold.hold_id}", hold.person) for hold in self.holds if hold.person is not None)

    def _loans_named(self) -> Iterator[tuple[str, str]]:
        yield "action.loan", self.action.loan
        yield from ((f"hold {hold.hold_id}", hold.loan) for hold in self.holds if hold.loan is not None)

    @property
    def digest(self) -> str:
        """SHA-256 over all that is in it: what a verdict was based on, without repeating it."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    @property
    def about(self) -> str:
        """What kind of action it is: ``contact``, or to whom the referral goes."""
        return "contact" if isinstance(self.action, ContactAction) else self.action.to

    @cached_property
    def loan(self) -> Loan:
        """The loan that the action is about."""
        return next(loan for loan in self.loans if loan.loan_id == self.action.loan)

    @cached_property
    def borrower(self) -> Person:
        return self.person(self.loan.borrower)

    @cached_property
    def recipient(self) -> Person:
        """Whom the action reaches: the contact's recipient, else the borrower."""
        return self.person(self.action.recipient) if isinstance(self.action, ContactAction) else self.borrower

    @cached_property
    def tie(self) -> Tie | None:
        """What the recipient is to the loan; nothing if they are its borrower."""
        return next((tie for tie in self.loan.ties if tie.person == self.recipient.person_id), None)

    @cached_property
    def relation(self) -> Relation:
        return Relation.BORROWER if self.recipient.person_id == self.loan.borrower or self.tie is None else self.tie.relation

    @cached_property
    def point(self) -> ContactPoint | None:
        """The address that would be used."""
        chosen = self.action.contact_point if isinstance(self.action, ContactAction) else None
        return next((p for p in self.recipient.contact_points if p.contact_point_id == chosen), None)

    @cached_property
    def approval(self) -> Approval | None:
        """The approval that the action relies on."""
        return next((a for a in self.approvals if a.approval_id == self.action.approval), None)

    @cached_property
    def agency(self) -> Agency | None:
        """The agency that acts, or that would get the case."""
        named = self.action.by if isinstance(self.action, ContactAction) else self.action.agency
        return next((a for a in self.agencies if a.agency == named), None)

    @property
    def liable(self) -> bool:
        """Whether one may speak of the debt to the recipient as their own."""
        match self.relation:
            case Relation.BORROWER:
                return True
            case Relation.JOINT | Relation.GUARANTOR:
                return isinstance(self.action, ContactAction) and self.action.purpose is not Purpose.RELAY
            case _:
                return False

    @property
    def third_party(self) -> bool:
        """Whether the recipient neither owes nor stands for who does: nothing may be told to them."""
        return not self.liable and self.relation not in STANDS_FOR_THE_BORROWER

    def person(self, person_id: str) -> Person:
        return next(p for p in self.people if p.person_id == person_id)

    def contacts(
        self, person_id: str | None = None, *, channel: Channel | None = None, direction: Literal["out", "in"] | None = "out"
    ) -> Iterator[Contact]:
        """The contacts with a person, over all loans and senders, as far as they had begun by now."""
        for past in self.history:
            if (person_id is None or past.person == person_id) and channel in (None, past.channel) and direction in (None, past.direction):
                yield past
