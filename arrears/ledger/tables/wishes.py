"""What people want, agreed to and live with: wishes not to be contacted, consents, circumstances that ask for more care."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlmodel import Field

from arrears.domain.person import Circumstance, ConsentKind, WishKind
from arrears.domain.strategy import Channel
from arrears.ledger.tables.columns import ID_LENGTH, Row, code, must, together

_LOCAL_TIME = 5
EVIDENCE_LENGTH = 200


def _hours(kind: str) -> tuple[CheckConstraint, CheckConstraint]:
    """Local hours, as ``08:00``, with rows of this kind and with no others."""
    return must("names_hours", f"(kind = '{kind}') = (starts IS NOT NULL)"), together("hours", "starts", "ends")


class WishRow(Row, table=True):
    """How a person does not want to be contacted: at all, by a medium, at an address, or in some local hours; it stands until it is withdrawn.

    ``source`` says which way we heard of it, ``recorded_at`` when.
    """

    __tablename__ = "wishes"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        # A wish about an address is its owner's.
        ForeignKeyConstraint(["contact_point_id", "person_id"], ["contact_points.id", "contact_points.person_id"]),
        must("names_medium", "(kind = 'no_medium') = (channel IS NOT NULL)"),
        must("names_address", "(kind = 'no_address') = (contact_point_id IS NOT NULL)"),
        *_hours("no_hours"),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="persons.id", index=True, max_length=ID_LENGTH)
    kind: WishKind = Field(sa_type=code(WishKind))
    channel: Channel | None = Field(default=None, sa_type=code(Channel))
    contact_point_id: int | None = None
    starts: str | None = Field(default=None, max_length=_LOCAL_TIME)
    ends: str | None = Field(default=None, max_length=_LOCAL_TIME)
    at: datetime
    withdrawn_at: datetime | None = None
    source: str = Field(max_length=64)
    recorded_at: datetime


class ConsentRow(Row, table=True):
    """What a person agreed to, by one medium or by all, on what evidence. It counts until it ends or is withdrawn."""

    __table_args__ = (*_hours("hours"), must("ends_after_given", "ends_at IS NULL OR ends_at > given_at"))

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="persons.id", index=True, max_length=ID_LENGTH)
    kind: ConsentKind = Field(sa_type=code(ConsentKind))
    channel: Channel | None = Field(default=None, sa_type=code(Channel))
    starts: str | None = Field(default=None, max_length=_LOCAL_TIME)
    ends: str | None = Field(default=None, max_length=_LOCAL_TIME)
    given_at: datetime
    ends_at: datetime | None = None
    withdrawn_at: datetime | None = None
    evidence: str = Field(max_length=EVIDENCE_LENGTH)
    recorded_at: datetime


class CircumstanceRow(Row, table=True):
    """What makes a person need more care, from when to when, on what evidence."""

    __table_args__ = (must("until_after_since", "until IS NULL OR until > since"),)

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="persons.id", index=True, max_length=ID_LENGTH)
    kind: Circumstance = Field(sa_type=code(Circumstance))
    since: datetime
    until: datetime | None = None
    evidence: str | None = Field(default=None, max_length=EVIDENCE_LENGTH)
    recorded_at: datetime
