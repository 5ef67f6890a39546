"""People as the law sees them: what they are to a loan, how they can be reached, and how they want to be, or not. By id, never by name."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from arrears.domain.calendar import Instant, Window, ZoneName, country_of
from arrears.domain.money import Amount
from arrears.domain.strategy import Channel, Line

Region = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
"""A country, or a part of one, by its ISO 3166 code: ``CN``, ``US-MA``."""


_T = TypeVar("_T")


def _in_order(values: frozenset[Any]) -> list[Any]:
    return sorted(values)


Names = Annotated[frozenset[_T], PlainSerializer(_in_order, return_type=list[Any], when_used="json")]
"""A set that is always written in the same order, so that the same facts have the same hash."""


class Fact(BaseModel):
    """Something known. It never changes, and a field that there is not is a mistake."""

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


class Wish(Fact):
    """A request not to be contacted at all, by a medium, at an address, or in some hours of the day; it stands until it is withdrawn."""

    kind: WishKind
    at: Instant
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


class Consent(Fact):
    """What a person agreed to, from when to when, on what evidence. A withdrawn consent is none from then on."""

    consent_id: str
    kind: ConsentKind
    given_at: Instant
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


class ContactPoint(Fact):
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


class Person(Fact):
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


class Tie(Fact):
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
