"""Who may come in, and what they did: accounts of operators, their sessions, machine clients, and the record of who read or did what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from arrears.ledger.tables.columns import CODE_LENGTH, ID_LENGTH, JSON_VALUE, OPTIONAL_JSON, Row, code, must

DIGEST_LENGTH = 64


class ActorKind(StrEnum):
    """Who acts: a person who works for the lender, a machine with a token, a party that signs its messages, or Arrears itself."""

    OPERATOR = "operator"
    CLIENT = "client"
    GATEWAY = "gateway"
    HOUSE = "house"


class AccountRow(Row, table=True):
    """How an operator signs in: with a password of ours (its argon2 hash), or as a ``subject`` of the lender's identity provider, or both.

    ``must_change``: the password was given by somebody else.
    """

    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        must("some_way_in", "password_hash IS NOT NULL OR subject IS NOT NULL"),
        must("issuer_with_subject", "(issuer IS NULL) = (subject IS NULL)"),
    )

    operator_id: str = Field(primary_key=True, foreign_key="operators.id", max_length=ID_LENGTH)
    password_hash: str | None = Field(default=None, max_length=255, repr=False)
    must_change: bool = False
    issuer: str | None = Field(default=None, max_length=200)
    subject: str | None = Field(default=None, max_length=200)
    changed_at: datetime


class SessionRow(Row, table=True):
    """A signed-in browser; ``id`` is the SHA-256 of the cookie's token, ``csrf`` the token that its forms carry. Operational: not chained."""

    id: str = Field(primary_key=True, max_length=DIGEST_LENGTH)
    operator_id: str = Field(foreign_key="operators.id", index=True, max_length=ID_LENGTH)
    csrf: str = Field(max_length=DIGEST_LENGTH, repr=False)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class LoginFailureRow(Row, table=True):
    """How often in a row somebody failed to sign in as ``name`` (its SHA-256), and until when nobody may try. Operational: not chained."""

    name: str = Field(primary_key=True, max_length=DIGEST_LENGTH)
    failures: int
    last_at: datetime
    locked_until: datetime | None = None


class ClientRow(Row, table=True):
    """A machine that speaks to the API with a token, of which only the SHA-256 stands here. ``scopes`` are actions of ``domain.access``."""

    __table_args__ = (must("token_digest", f"length(token_digest) = {DIGEST_LENGTH}"),)

    id: str = Field(primary_key=True, max_length=48)
    name: str = Field(max_length=200)
    token_digest: str = Field(unique=True, max_length=DIGEST_LENGTH, repr=False)
    scopes: list[str] = Field(sa_type=JSON_VALUE)
    agency: str | None = Field(default=None, max_length=48)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class AuditRow(Row, table=True):
    """Somebody read personal data, or did something, or was not let: who, what, about whom, when (the machine's clock), and why.

    ``reason`` is a code or a few words without personal data; ``details`` hold ids, codes and amounts only. ``allowed`` is false for what was refused.
    """

    __table_args__ = (Index("ix_audits_loan_at", "loan_id", "at"), Index("ix_audits_actor_at", "actor", "at"))

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    actor_kind: ActorKind = Field(sa_type=code(ActorKind))
    actor: str = Field(max_length=ID_LENGTH)
    role: str | None = Field(default=None, max_length=CODE_LENGTH)
    action: str = Field(max_length=48, index=True)
    allowed: bool = True
    loan_id: str | None = Field(default=None, max_length=ID_LENGTH)
    person_id: str | None = Field(default=None, max_length=ID_LENGTH)
    subject: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=200)
    request_id: str | None = Field(default=None, max_length=64)
    details: dict[str, Any] | None = Field(default=None, sa_type=OPTIONAL_JSON)
