"""Machines with tokens, for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from arrears.domain.access import Action
from arrears.ledger import access
from arrears.ledger.engine import Ledger


async def token(ledger: Ledger, *scopes: Action, name: str = "machine") -> dict[str, str]:
    """The headers of a machine that was just let in with these scopes."""
    async with ledger.session() as session:
        told = await access.add_client(session, name, name, frozenset(scopes), datetime.now(UTC))
    return {"authorization": f"Bearer {told}"}
