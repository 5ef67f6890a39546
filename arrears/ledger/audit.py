"""The record of who read or did what; it is chained like everything else, so that nobody takes a line out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger.tables import ActorKind, AuditRow


@dataclass(frozen=True)
class Actor:
    """Somebody known by name: an operator, a client with a token, a party that signs, or the house itself."""

    kind: ActorKind
    id: str
    role: Role | None = None


def note(
    session: AsyncSession,
    actor: Actor,
    action: Action,
    *,
    loan_id: str | None = None,
    person_id: str | None = None,
    subject: str | None = None,
    reason: str | None = None,
    request_id: str | None = None,
    allowed: bool = True,
    details: dict[str, Any] | None = None,
) -> None:
    """Write down, in the transaction that does it, what somebody did. ``subject`` is the id of what it was done to; no argument holds personal data."""
    session.add(
        AuditRow(
            at=datetime.now(UTC),
            actor_kind=actor.kind,
            actor=actor.id,
            role=actor.role,
            action=action,
            allowed=allowed,
            loan_id=loan_id,
            person_id=person_id,
            subject=subject,
            reason=reason,
            request_id=request_id,
            details=details,
        )
    )
