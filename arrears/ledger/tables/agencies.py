"""What others do with a debt, or are told of it: agencies, their contacts, and the notices that come before certain steps."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from arrears.domain.message import NoticeKind
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel
from arrears.ledger.tables.columns import ID_LENGTH, JSON_VALUE, Row, code, must
from arrears.ledger.tables.wishes import EVIDENCE_LENGTH

SLUG_LENGTH = 48


class Direction(StrEnum):
    """Who began a contact: we or an agency (``out``), or the person (``in``)."""

    OUT = "out"
    IN = "in"


class AgencyRow(Row, table=True):
    """An agency as it stands with the lender: on its list, under contract, reviewed. ``agreed`` are the matters that the contract settles.

    ``closing_review_on`` is the review before the contract ends; ``feed_at`` says up to when we know of its contacts.
    """

    __tablename__ = "agencies"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        must("listed_until", "listed_until IS NULL OR listed_from IS NOT NULL"),
        must("contract_until", "contract_until IS NULL OR contract_from IS NOT NULL"),
    )

    id: str = Field(primary_key=True, max_length=SLUG_LENGTH)
    listed_from: date | None = None
    listed_until: date | None = None
    contract_from: date | None = None
    contract_until: date | None = None
    reviewed_on: date | None = None
    closing_review_on: date | None = None
    sub_agency: bool = False
    misconduct_since: date | None = None
    assessment_id: str | None = Field(default=None, max_length=EVIDENCE_LENGTH)
    agreed: list[str] = Field(default_factory=list, sa_type=JSON_VALUE)
    feed_at: datetime | None = None
    recorded_at: datetime


class NoticeRow(Row, table=True):
    """What a person was told of a loan by a way that is not one of our attempts, such as a letter: those say themselves what notice they are.

    ``agency`` is whom it tells of, if it tells of one.
    """

    __table_args__ = (
        UniqueConstraint("loan_id", "person_id", "kind", "sent_at"),
        must("delivered_or_bounced", "delivered_at IS NULL OR bounced_at IS NULL"),
        must("delivered_after_sent", "delivered_at IS NULL OR delivered_at >= sent_at"),
        must("bounced_after_sent", "bounced_at IS NULL OR bounced_at >= sent_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    loan_id: str = Field(foreign_key="loans.id", index=True, max_length=ID_LENGTH)
    person_id: str = Field(foreign_key="persons.id", max_length=ID_LENGTH)
    kind: NoticeKind = Field(sa_type=code(NoticeKind))
    agency: str | None = Field(default=None, max_length=SLUG_LENGTH)
    sent_at: datetime
    delivered_at: datetime | None = None
    bounced_at: datetime | None = None
    attempt_id: str | None = Field(default=None, foreign_key="attempts.id", max_length=200)
    evidence: str | None = Field(default=None, max_length=EVIDENCE_LENGTH)
    recorded_at: datetime


class ReportedContactRow(Row, table=True):
    """A contact that did not leave by our own gateways: an agency's, one by hand, or one that the person began.

    ``source`` is the agency, or ``lender``; ``key`` is the contact's id there, so that it counts once however often it is told.
    """

    __table_args__ = (
        UniqueConstraint("source", "key"),
        ForeignKeyConstraint(["contact_point_id", "person_id"], ["contact_points.id", "contact_points.person_id"]),
        Index("ix_reported_contacts_person_at", "person_id", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(max_length=SLUG_LENGTH)
    key: str = Field(max_length=200)
    loan_id: str = Field(foreign_key="loans.id", index=True, max_length=ID_LENGTH)
    person_id: str = Field(foreign_key="persons.id", max_length=ID_LENGTH)
    channel: Channel = Field(sa_type=code(Channel))
    direction: Direction = Field(sa_type=code(Direction))
    outcome: Outcome | None = Field(default=None, sa_type=code(Outcome))
    contact_point_id: int | None = None
    at: datetime
    recorded_at: datetime
