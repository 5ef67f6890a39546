"""A row of a portfolio: one loan with its borrower, the people whom the borrower named, and what is unpaid.

A field's description says how to write it; a refused row is told that.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from arrears.domain.calendar import Day, ZoneName
from arrears.domain.events import Code
from arrears.domain.money import Amount, Currency
from arrears.domain.person import Region
from arrears.domain.strategy import Line, Slug
from arrears.ledger.tables import ContactKind, LenderKind
from arrears.ledger.tables import Place as ContactPlace

ShortId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$", max_length=40)]
"""An id from the lender's systems. It is short because the ids of cases and contacts are made from it."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")]

_INSTANT = "an instant such as 2026-10-01T09:30:00+08:00"

UnpaidAmount = Annotated[Amount, Field(ge=0, le=10**10)]
"""So bounded that the sum of a loan's instalments is an amount too."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _no_control_characters(cls, value: Any) -> Any:
        if isinstance(value, str) and any(unicodedata.category(c) == "Cc" for c in value):
            raise ValueError("holds a control character, such as a line break")
        return value


class PointEntry(_Part):
    """One address of a person. Once checked, a number is in E.164 and the legal basis is given."""

    kind: ContactKind = Field(description="one of mobile, landline, email, in_app")
    address: str = Field(
        min_length=1,
        max_length=320,
        repr=False,
        description="a phone number such as +8613000000001 (or as dialled at home, if the row has a country), an email address, or the in-app account",
    )
    line: Line = Field(default=Line.REGISTERED, description="registered, or reserve for the reserve number that the borrower left")
    source: str = Field(default="loan_application", min_length=1, max_length=64, description="where the address comes from, as a code")
    legal_basis: str | None = Field(default=None, min_length=1, max_length=64, description="why it may be used, as a code")
    place: ContactPlace | None = Field(default=None, description="home or work, if it is known where it rings")
    opted_out_at: AwareDatetime | None = Field(default=None, description=_INSTANT)
    invalid_since: AwareDatetime | None = Field(default=None, description=_INSTANT)


class PersonEntry(_Part):
    """A borrower. Once checked, the zone is given. ``opted_out_at``: since then they want no contact at all."""

    id: ShortId = Field(description="an id of at most 40 letters, digits and - _ . :")
    name: str = Field(min_length=1, max_length=200, repr=False, description="the person's name")
    zone: ZoneName | None = Field(default=None, description="the person's IANA time zone, such as Asia/Shanghai")
    language: Language = Field(description="the language to write in, such as zh-CN or en")
    residence: Region | None = Field(default=None, description="where the person lives, as an ISO 3166 code such as CN or US-MA")
    birth_date: date | None = Field(default=None, repr=False, description="a date such as 1990-12-31")
    opted_out_at: AwareDatetime | None = Field(default=None, description=_INSTANT)
    contact_points: tuple[PointEntry, ...] = Field(default=(), max_length=20, description="a list of contact points")


class RelativeEntry(PersonEntry):
    """A person whom the borrower named. ``refused_at``: they asked not to be contacted, which is final."""

    role: Literal["contact", "emergency", "guarantor", "joint", "spouse"] = Field(
        description="one of contact, emergency, guarantor, joint, spouse"
    )
    evidence: str | None = Field(default=None, max_length=200, description="where the proof of a guarantee or a joint debt is kept")
    refused_at: AwareDatetime | None = Field(default=None, description=_INSTANT)


class InstalmentEntry(_Part):
    """What is unpaid of one instalment. ``amount`` may stand for ``principal`` if the parts are not known."""

    due_on: Day = Field(description="a date such as 2026-12-31")
    principal: UnpaidAmount = Field(
        validation_alias=AliasChoices("principal", "amount"), description="an amount such as 480.00, with at most 4 decimals"
    )
    interest: UnpaidAmount = Field(default=Decimal(0), description="an amount such as 15.00, with at most 4 decimals")
    fees: UnpaidAmount = Field(default=Decimal(0), description="an amount such as 5.00, with at most 4 decimals")

    @model_validator(mode="after")
    def _something_is_unpaid(self) -> InstalmentEntry:
        if not self.principal + self.interest + self.fees:
            raise ValueError("nothing is unpaid of it; leave it out")
        return self


class LoanEntry(_Part):
    """One row of a portfolio."""

    loan_id: ShortId = Field(description="an id of at most 40 letters, digits and - _ . :")
    lender: str = Field(min_length=1, max_length=200, description="the lender's name")
    product: str = Field(min_length=1, max_length=64, description="the product's name")
    currency: Currency = Field(description="an ISO 4217 code such as CNY")
    strategy: Slug = Field(description="the name of a strategy")
    language: Language | None = Field(default=None, description="the language of this loan's messages, if it is not the borrower's")
    held_for: Code | None = Field(
        default=None, description="the reason of a hold that stands from the start, as a code such as suspected-fraud"
    )
    annual_cost: UnpaidAmount | None = Field(
        default=None, description="what the loan costs in a year, effectively, in per cent, such as 23.5"
    )
    limitation_ends_on: date | None = Field(default=None, description="the last day on which it can be sued for, such as 2029-11-01")
    lender_kind: LenderKind | None = Field(default=None, description="one of bank, consumer_finance, small_loan, purchaser")
    account: str | None = Field(default=None, min_length=1, max_length=64, description="the account that it shares with other loans")
    country: str | None = Field(
        default=None, pattern=r"^[A-Z]{2}$", description="the country of numbers without +, as an ISO 3166 code such as CN"
    )
    borrower: PersonEntry = Field(description="the borrower, with id, name and language")
    relatives: tuple[RelativeEntry, ...] = Field(
        default=(), max_length=20, description="a list of people, each with role, name and language"
    )
    instalments: tuple[InstalmentEntry, ...] = Field(
        min_length=1, max_length=600, description="a list of unpaid instalments; in CSV as 2026-11-01:500.00;2026-12-01:480.00+15.00+5.00"
    )

    @model_validator(mode="before")
    @classmethod
    def _relatives_inherit(cls, given: Any) -> Any:
        """A relative without an id gets the borrower's, numbered; one without a language gets the borrower's."""
        match given:
            case {"borrower": {"id": str() as borrower_id, **rest}, "relatives": [*_]}:
                row = cast("dict[str, Any]", given)
                language = cast("dict[str, Any]", rest).get("language")
                relatives = [_inherit(r, f"{borrower_id}.r{n}", language) for n, r in enumerate(row["relatives"], start=1)]
                return {**row, "relatives": relatives}
            case _:
                return given

    @property
    def people(self) -> tuple[PersonEntry, ...]:
        """Everybody in the row, the borrower first."""
        return (self.borrower, *self.relatives)


def _inherit(relative: Any, person_id: str, language: Any) -> Any:
    if not isinstance(relative, dict):
        return relative
    given = cast("dict[str, Any]", relative)
    return {**given, "id": given.get("id") or person_id, "language": given.get("language") or language}
