"""People, how they can be reached, and the operators who work the cases."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from arrears.domain.strategy import Line, Role
from arrears.ledger.tables.columns import ID_LENGTH, MARK_BYTES, OPTIONAL_JSON, REGION_LENGTH, SEALED, Row, Sealed, code, must, together


class ContactKind(StrEnum):
    """What kind of address a contact point has."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    EMAIL = "email"
    IN_APP = "in_app"


class Place(StrEnum):
    """Where a contact point reaches its person."""

    HOME = "home"
    WORK = "work"


class OperatorRow(Row, table=True):
    """A person who works for the lender. What their role does not allow does not count, whichever way it came."""

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    name: str = Field(max_length=200, repr=False)
    role: Role = Field(sa_type=code(Role))
    active: bool = True


class PersonRow(Row, table=True):
    """A borrower, or somebody a borrower named. ``zone`` is the IANA zone in which their days and hours are judged; without one nobody may contact them.

    ``residence`` is the country or part of one whose law protects them, such as ``CN`` or ``US-MA``.
    ``name`` and ``birth_date`` (an ISO date) are sealed with the person's key.
    """

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    name: Sealed = Field(sa_type=SEALED, repr=False)
    zone: str | None = Field(default=None, max_length=64)
    residence: str | None = Field(default=None, max_length=REGION_LENGTH)
    language: str = Field(max_length=35)
    birth_date: Sealed | None = Field(default=None, sa_type=SEALED, repr=False)


class SubjectKeyRow(Row, table=True):
    """The key that seals a person's data, wrapped by the ledger key whose fingerprint is ``wrapped_by``. Without the key the person is erased.

    ``store_only_since``: the purpose is met, and the data are only kept because the law wants it. ``reason`` says why the key was destroyed, as a
    code or a few words without personal data; ``destroyed_by`` is the operator who had it done, none if it was the sweep.
    """

    __table_args__ = (
        together("wrapped_by", "wrapped_key", "wrapped_by"),
        must("destroyed", "(wrapped_key IS NULL) = (destroyed_at IS NOT NULL)"),
        together("destroyed_with_reason", "destroyed_at", "reason"),
        must("destroyed_by", "destroyed_by IS NULL OR destroyed_at IS NOT NULL"),
    )

    person_id: str = Field(primary_key=True, foreign_key="persons.id", max_length=ID_LENGTH)
    wrapped_key: bytes | None = Field(default=None, sa_type=SEALED, repr=False)
    wrapped_by: str | None = Field(default=None, index=True, max_length=16)
    created_at: datetime
    store_only_since: datetime | None = None
    destroyed_at: datetime | None = None
    destroyed_by: str | None = Field(default=None, foreign_key="operators.id", max_length=ID_LENGTH)
    reason: str | None = Field(default=None, max_length=120)


class ContactPointRow(Row, table=True):
    """One address of a person, sealed with their key. ``source`` and ``legal_basis`` say how we came by it and why we may use it.

    ``address_mark`` tells equal addresses of one person without showing them. Numbers are in E.164.
    ``country`` and ``zone`` are where the number is at home, as far as it tells; ``other_zones`` are more in which its holder may be.
    ``reassignment_checked_at``: until then it surely had not gone to somebody else.
    """

    __table_args__ = (
        UniqueConstraint("person_id", "kind", "address_mark"),
        # Attempts refer to (id, person_id), so that nobody is contacted on somebody else's number.
        UniqueConstraint("id", "person_id"),
        must("address_mark", f"length(address_mark) = {MARK_BYTES}"),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="persons.id", max_length=ID_LENGTH)
    kind: ContactKind = Field(sa_type=code(ContactKind))
    address: Sealed = Field(sa_type=SEALED, repr=False)
    address_mark: bytes = Field(sa_type=SEALED, repr=False)
    line: Line = Field(sa_type=code(Line))
    source: str = Field(max_length=64)
    legal_basis: str = Field(max_length=64)
    country: str | None = Field(default=None, max_length=REGION_LENGTH)
    zone: str | None = Field(default=None, max_length=64)
    other_zones: list[str] | None = Field(default=None, sa_type=OPTIONAL_JSON)
    place: Place | None = Field(default=None, sa_type=code(Place))
    invalid_since: datetime | None = None
    employer_forbids_at: datetime | None = None
    reassignment_checked_at: datetime | None = None


class EarlierHomeRow(Row, table=True):
    """Where a person, or the holder of one of their numbers, was taken to be ``until`` the ledger was told otherwise.

    What was lawful then is proved by it: ``persons`` and ``contact_points`` say only where they are now.
    """

    # A number's earlier home is its owner's.
    __table_args__ = (ForeignKeyConstraint(["contact_point_id", "person_id"], ["contact_points.id", "contact_points.person_id"]),)

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="persons.id", index=True, max_length=ID_LENGTH)
    contact_point_id: int | None = None
    zone: str | None = Field(default=None, max_length=64)
    residence: str | None = Field(default=None, max_length=REGION_LENGTH)
    place: Place | None = Field(default=None, sa_type=code(Place))
    until: datetime
