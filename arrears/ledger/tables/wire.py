"""What keeps talk with other machines exact: answers given before, messages heard before, and events that the loan system is told. Not chained."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from arrears.ledger.tables.columns import ID_LENGTH, JSON_VALUE, OPTIONAL_JSON, Row, code, must


class AnswerRow(Row, table=True):
    """The answer that a caller got for an idempotency key, so that the same request again gets the same one. Without a status it is being worked on.

    ``digest`` is the SHA-256 of the request: method, path and body.
    """

    __table_args__ = (must("digest", "length(digest) = 64"),)

    caller: str = Field(primary_key=True, max_length=ID_LENGTH)
    key: str = Field(primary_key=True, max_length=255)
    digest: str = Field(max_length=64)
    begun_at: datetime
    status: int | None = None
    body: dict[str, Any] | None = Field(default=None, sa_type=OPTIONAL_JSON)
    headers: dict[str, Any] | None = Field(default=None, sa_type=OPTIONAL_JSON)


class HeardMessageRow(Row, table=True):
    """The id of a signed message that was taken, so that a copy of it is known for one while its timestamp is still fresh."""

    sender: str = Field(primary_key=True, max_length=48)
    message_id: str = Field(primary_key=True, max_length=256)
    digest: str = Field(max_length=64)
    heard_at: datetime = Field(index=True)


class CursorRow(Row, table=True):
    """Up to which record of the chain somebody has read."""

    reader: str = Field(primary_key=True, max_length=48)
    seq: int = Field(sa_type=BigInteger)


class DeliveryState(StrEnum):
    """An event waits, was delivered, or was tried so often that only a human has it tried again."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class DeliveryRow(Row, table=True):
    """An event for the loan system; ``id`` is the message's id and stays the same however often it is sent. ``key`` is the event's natural key."""

    __tablename__ = "deliveries"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_deliveries_due", "due_at", sqlite_where=text("state = 'waiting'"), postgresql_where=text("state = 'waiting'")),
        must("delivered_with_time", "(state = 'delivered') = (delivered_at IS NOT NULL)"),
        must("waiting_with_time", "(state = 'waiting') = (due_at IS NOT NULL)"),
    )

    id: str = Field(primary_key=True, max_length=64)
    key: str = Field(max_length=256)
    kind: str = Field(max_length=48, index=True)
    loan_id: str = Field(index=True, max_length=ID_LENGTH)
    body: dict[str, Any] = Field(sa_type=JSON_VALUE)
    state: DeliveryState = Field(default=DeliveryState.WAITING, sa_type=code(DeliveryState))
    recorded_at: datetime
    due_at: datetime | None = None
    tries: int = 0
    last_status: int | None = None
    last_problem: str | None = Field(default=None, max_length=120)
    delivered_at: datetime | None = None
