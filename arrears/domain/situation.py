"""A situation: one proposed action, and all that is known at that instant. The rules of law look at nothing else.

It is one JSON document. The ledger assembles it at the moment of contact, ``arrears verdict`` reads it from a file, and the test vectors of the law
are such files. Who and what is meant is said by id, never by name. A fact that is not known is left out, and a rule that needs it denies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from arrears.domain.calendar import Day, Instant
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.money import Amount, Money
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, Outcome
from arrears.domain.person import (
    STANDS_FOR_THE_BORROWER,
    ContactPoint,
    Fact,
    Names,
    Person,
    Region,
    Relation,
    Tie,
)
from arrears.domain.strategy import Channel, Referral, Role, Slug

LENDER = "lender"
"""Who acts, if it is not an agency."""


class Loan(Fact):
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
    placed_with: tuple[str, ...] = Field(default=(), description="the agencies that have the case now; one, if all is as it should be")
    sued_for: bool = Field(default=False, description="a lawsuit was decided on by a human")
    human_decision: str | None = Field(
        default=None, description="id of the human decision behind a step that weighs heavily on the borrower"
    )


class Contact(Fact):
    """A contact that was made, or may have been: without an outcome it is on its way, or nobody knows."""

    contact_id: str
    at: Instant
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


class Notice(Fact):
    """What a person was told before a step that the law allows only after it."""

    kind: NoticeKind
    loan: str
    person: str
    sent_at: Instant
    agency: str | None = None
    delivered_at: Instant | None = None
    bounced_at: AwareDatetime | None = None


def _hyphenated(reason: str) -> str:
    return reason.replace("_", "-")


class Hold(Fact):
    """Why nothing may go out, or little. ``reason`` is a kind of ``domain.holds`` or any other code; without a loan it stands on all of the person's."""

    hold_id: str
    reason: Annotated[str, AfterValidator(_hyphenated)] = Field(
        description="dispute, breathing-space or another kind of the table of holds, or any other code"
    )
    placed_at: Instant
    until: AwareDatetime | None = None
    lifted_at: AwareDatetime | None = Field(default=None, description="when somebody lifted it, whatever its end would have been")
    loan: str | None = None
    person: str | None = None
    agency: str | None = Field(default=None, description="only this agency is barred")
    part: Amount | None = Field(default=None, description="the disputed part of the debt")
    treatment_ends_on: Day | None = None
    heard: bool = Field(default=True, description="whether the case that proposes the action knows of it")


class Approval(Fact):
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


class Agency(Fact):
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


class Message(Fact):
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


class ContactAction(Fact):
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


class ReferralAction(Fact):
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


class Situation(Fact):
    """One action at one instant with everything known about it; ``regimes`` names the law, else those apply whose scope it is in.

    ``history`` are the contacts of all people in it, over all their loans, by us and by agencies, made or received.
    """

    at: Instant
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
        if len(people) < len(self.people) or len(loans) < len(self.loans):
            raise ValueError("people, loans: an id stands there twice; tell each person and each loan once")
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
        yield from ((f"history: contact {past.contact_id}", past.person) for past in self.history)

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

    @property
    def contact(self) -> ContactAction:
        """The action, which is a contact: for whoever knows that it is."""
        assert isinstance(self.action, ContactAction)
        return self.action

    @property
    def actor(self) -> str | None:
        """Who makes the contact, ``lender`` or an agency, or the agency that would get the loan."""
        return self.action.by if isinstance(self.action, ContactAction) else self.action.agency

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
        return next((a for a in self.agencies if a.agency == self.actor), None)

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
