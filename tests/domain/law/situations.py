"""Situations to begin with: ordinary ones that every rule allows, to be changed in one thing at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from arrears.domain.situation import Situation

ORDINARY: dict[str, Any] = {
    "at": "2026-11-18T12:00:00+08:00",
    "regimes": ["cn"],
    "lender_seat": "CN",
    "action": {
        "kind": "contact",
        "action_id": "L-1.1/sms.1",
        "case_id": "L-1.1",
        "channel": "sms",
        "loan": "L-1",
        "recipient": "P-1",
        "contact_point": "m1",
        "message": {"class": "collect", "content_hash": "a" * 64},
    },
    "people": [
        {
            "person_id": "P-1",
            "zone": "Asia/Shanghai",
            "residence": "CN",
            "contact_points": [
                {"contact_point_id": "m1", "kind": "mobile", "country": "CN", "zones": ["Asia/Shanghai"], "legal_basis": "contract"}
            ],
        },
        {
            "person_id": "P-2",
            "zone": "Asia/Shanghai",
            "residence": "CN",
            "contact_points": [
                {"contact_point_id": "m2", "kind": "mobile", "country": "CN", "zones": ["Asia/Shanghai"], "legal_basis": "consent"}
            ],
        },
    ],
    "loans": [
        {
            "loan_id": "L-1",
            "borrower": "P-1",
            "owed": {"amount": "120.50", "currency": "CNY"},
            "days_past_due": 12,
            "ties": [{"person": "P-2", "relation": "emergency"}],
        }
    ],
}
"""A text message at noon to a borrower who owes money."""


def situation(**changes: Any) -> Situation:
    """The ordinary situation with some of its top parts replaced, and fields of the parts by ``part__field``; lists take their first item."""
    return Situation.model_validate(document(**changes))


def document(**changes: Any) -> dict[str, Any]:
    """The same as plain JSON."""
    found = _copied(ORDINARY)
    for path, value in changes.items():
        *parts, last = path.split("__")
        at = found
        for part in parts:
            at = at[part][0] if isinstance(at[part], list) else at[part]
        at[last] = value
    return found


def to_relative(**changes: Any) -> dict[str, Any]:
    """A text to the emergency contact that every rule allows: contact lost, approved by a human, nothing said about the debt."""
    action = ORDINARY["action"] | {
        "recipient": "P-2",
        "contact_point": "m2",
        "purpose": "relay",
        "message": {"class": "locate_only", "content_hash": "b" * 64},
        "approval": "A-1",
    }
    return document(action=action, history=missed_calls(), approvals=[approval()], **changes)


def missed_calls() -> list[dict[str, Any]]:
    """Three calls in a row, on two days, that did not reach the borrower."""
    return [called(f"c{n}", at, "no_answer") for n, at in enumerate(("2026-11-16T10:00", "2026-11-16T15:00", "2026-11-17T10:00"))]


def called(contact_id: str, at: str, outcome: str | None, **more: Any) -> dict[str, Any]:
    """A call to the borrower at a local time in Shanghai."""
    return {
        "contact_id": contact_id,
        "at": f"{at}:00+08:00",
        "channel": "call",
        "person": "P-1",
        "loan": "L-1",
        "contact_point": "m1",
        **({"outcome": outcome} if outcome else {}),
        **more,
    }


def approval(**changes: Any) -> dict[str, Any]:
    """A supervisor's yes to the text for the emergency contact, the evening before."""
    return {
        "approval_id": "A-1",
        "case_id": "L-1.1",
        "state": "approved",
        "role": "supervisor",
        "requested_by": "system",
        "asked_at": "2026-11-17T12:00:00+08:00",
        "decided_by": "op-1",
        "decided_at": "2026-11-17T18:00:00+08:00",
        "purpose": "relay",
        "contents": {"P-2": "b" * 64},
    } | changes


def shanghai(text: str) -> datetime:
    """``2026-11-18T08:00`` in Shanghai."""
    return datetime.fromisoformat(f"{text}+08:00")


def _copied(value: Any) -> Any:
    match value:
        case dict():
            return {key: _copied(of) for key, of in value.items()}
        case list():
            return [_copied(item) for item in value]
        case _:
            return value
