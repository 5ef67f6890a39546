"""The record of who read or did what; it is chained like everything else, so that nobody takes a line out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger.tables import ActorKind, AuditRow


class Passage(StrEnum):
    """What happens at the door; it stands in the record beside the actions of ``domain.access``."""

    SIGNED_IN = "door.signed_in"
    SIGN_IN_REFUSED = "door.sign_in_refused"
    SIGNED_OUT = "door.signed_out"
    PASSWORD_CHANGED = "door.password_changed"  # noqa: S105 (what happened, no password)


@dataclass(frozen=True)
class Actor:
    """Somebody known by name: an operator, a client with a token, a party that signs, or the house itself."""

    kind: ActorKind
    id: str
    role: Role | None = None


def note(
    session: AsyncSession,
    actor: Actor,
    action: Action | Passage,
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


async def reason_since(session: AsyncSession, actor: str, action: Action, loan_id: str, since: datetime) -> str | None:
    """The latest reason that somebody gave since then for doing this with this loan. One that was carried over from before does not count."""
    given = select(AuditRow).where(
        col(AuditRow.actor) == actor,
        col(AuditRow.at) >= since,
        col(AuditRow.action) == action.value,
        col(AuditRow.loan_id) == loan_id,
        col(AuditRow.allowed).is_(True),
        col(AuditRow.reason).is_not(None),
    )
    rows = (await session.exec(given.order_by(col(AuditRow.id).desc()))).all()
    return next((row.reason for row in rows if not (row.details or {}).get("reason_held")), None)
