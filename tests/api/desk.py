"""Who speaks to the API in tests of what is done at the desk: operators with a session, machines with a token."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import col, select

from arrears.api.caller import SESSION_COOKIE
from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger import access
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AuditRow, OperatorRow

WHY = "the borrower called"


async def operator(ledger: Ledger, operator_id: str, role: Role, reason: str | None = WHY) -> dict[str, str]:
    """The headers of an operator who is signed in, and says why; they are hired if need be."""
    async with ledger.session() as session:
        if await session.get(OperatorRow, operator_id) is None:
            session.add(OperatorRow(id=operator_id, name=operator_id, role=role))
            await session.flush()
        token = await access.begin(session, operator_id, datetime.now(UTC))
        signed_in = await access.signed_in(session, token, datetime.now(UTC))
    assert signed_in is not None
    why = {} if reason is None else {"x-arrears-reason": reason}
    return {"cookie": f"{SESSION_COOKIE}={token}", "x-csrf-token": signed_in.csrf} | why


async def machine(ledger: Ledger, client_id: str, *scopes: Action, agency: str | None = None) -> dict[str, str]:
    """The headers of a machine with these scopes."""
    async with ledger.session() as session:
        token = await access.add_client(session, client_id, client_id, frozenset(scopes), datetime.now(UTC), agency=agency)
    return {"authorization": f"Bearer {token}"}


async def noted(ledger: Ledger, action: Action) -> list[AuditRow]:
    """What the audit record says of an action, in order."""
    async with ledger.reading() as session:
        return list(await session.exec(select(AuditRow).where(col(AuditRow.action) == action).order_by(col(AuditRow.id))))
