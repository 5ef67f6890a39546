"""People, how they can be reached, and the operators who work the cases."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from arrears.domain.strategy import Line, Role
from arrears.ledger.tables.columns import ID_LENGTH, Row, code, must


class ContactKind(StrEnum):
    """What kind of address a contact point has."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    EMAIL = "email"
    IN_APP = "in_app"


class OperatorRow(Row, table=True):
    """A person who works for the lender. What their role does not allow does not count, whichever way it came."""

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    name: str = Field(max_length=200, repr=False)
    role: Role = Field(sa_type=code(Role))
    active: bool = True


class PersonRow(Row, table=True):
    """A borrower, or somebody a borrower named. ``zone`` is the IANA zone in which their days and hours are judged; without one nobody may contact them.

    ``opted_out_at``: they refused every further contact, by whatever channel and for whatever loan.
    """

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    name: str = Field(max_length=200, repr=False)
    zone: str | None = Field(default=None, max_length=64)
    language: str = Field(max_length=35)
    birth_date: date | None = Field(default=None, repr=False)
    opted_out_at: datetime | None = None


class ContactPointRow(Row, table=True):
    """One address of a person. Numbers are stored in E.164. ``source`` and ``legal_basis`` say how we came by it and why we may use it."""

    __table_args__ = (
        UniqueConstraint("person_id", "kind", "address"),
        # Attempts refer to (id, person_id), so that nobody is contacted on somebody else's number.
        UniqueConstraint("id", "person_id"),
        must("address_given", "length(address) > 0"),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="persons.id", max_length=ID_LENGTH)
    kind: ContactKind = Field(sa_type=code(ContactKind))
    address: str = Field(max_length=320, index=True, repr=False)
    line: Line = Field(sa_type=code(Line))
    source: str = Field(max_length=64)
    legal_basis: str = Field(max_length=64)
    invalid_since: datetime | None = None
    opted_out_at: datetime | None = None
