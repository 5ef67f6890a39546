"""Who is at the door: machine clients by their token, operators by the session that their browser carries. Only digests of both are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.access import Action
from arrears.domain.strategy import Referral
from arrears.ledger.tables import AccountRow, ClientRow, OperatorRow, ReferralRow, ReferralState, SessionRow

TOKEN_PREFIX = "arr_"  # noqa: S105 (what tokens begin with, so that a leaked one is known as ours)
_TOKEN_BYTES = 32
IDLE_FOR = timedelta(minutes=30)
"""A session of which nothing is heard for so long is over."""
KEPT_FOR = timedelta(days=30)
LONGEST_SESSION = timedelta(hours=12)


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class ClientUnknown(Exception):
    """No machine of this id is let in."""


@dataclass(frozen=True)
class SignedIn:
    """An operator whose browser carries a session in force; ``csrf`` is what its forms must carry.

    ``must_change``: they came in with a password that somebody else chose, and may do nothing but choose their own.
    """

    operator: OperatorRow
    session_id: str
    csrf: str
    began_at: datetime
    seen_at: datetime
    must_change: bool


async def add_client(
    session: AsyncSession,
    client_id: str,
    name: str,
    scopes: frozenset[Action],
    now: datetime,
    *,
    agency: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Let a machine in; its token, which nobody can read again later."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(
        ClientRow(
            id=client_id, name=name, token_digest=digest(token), scopes=sorted(scopes), agency=agency, created_at=now, expires_at=expires_at
        )
    )
    await session.flush()
    return token


async def rotate(session: AsyncSession, client_id: str) -> str:
    """Give a machine another token, and take the former one out of force at once. Raises ``ClientUnknown`` if it is not let in any more."""
    row = await session.get(ClientRow, client_id, with_for_update=True)
    if row is None or row.revoked_at is not None:
        raise ClientUnknown(client_id)
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    row.token_digest = digest(token)
    session.add(row)
    return token


async def revoke(session: AsyncSession, client_id: str, now: datetime) -> None:
    """Let a machine in no more. Raises ``ClientUnknown``."""
    row = await session.get(ClientRow, client_id, with_for_update=True)
    if row is None:
        raise ClientUnknown(client_id)
    row.revoked_at = row.revoked_at or now
    session.add(row)


async def clients(session: AsyncSession) -> Sequence[ClientRow]:
    """Every machine that was ever let in."""
    return (await session.exec(select(ClientRow).order_by(col(ClientRow.id)))).all()


async def client(session: AsyncSession, token: str, now: datetime) -> ClientRow | None:
    """The machine whose token it is, if it is in force."""
    row = (await session.exec(select(ClientRow).where(col(ClientRow.token_digest) == digest(token)))).one_or_none()
    in_force = row is not None and row.revoked_at is None and (row.expires_at is None or now < row.expires_at)
    return row if in_force else None


async def is_placed_with(session: AsyncSession, loan_id: str, agency: str) -> bool:
    """Whether the loan is placed with the agency now."""
    placed = select(ReferralRow.id).where(
        col(ReferralRow.loan_id) == loan_id,
        col(ReferralRow.agency) == agency,
        col(ReferralRow.target) == Referral.AGENCY,
        col(ReferralRow.state) == ReferralState.SENT,
    )
    return (await session.exec(placed)).first() is not None


async def begin(session: AsyncSession, operator_id: str, now: datetime) -> str:
    """Sign an operator in; the token for the cookie."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(
        SessionRow(
            id=digest(token),
            operator_id=operator_id,
            csrf=secrets.token_hex(_TOKEN_BYTES),
            created_at=now,
            seen_at=now,
            expires_at=now + LONGEST_SESSION,
        )
    )
    await session.flush()
    return token


async def signed_in(session: AsyncSession, token: str, now: datetime) -> SignedIn | None:
    """Whose session it is, if it is in force and they still work here. All times of sessions are the machine's."""
    row = await session.get(SessionRow, digest(token))
    if row is None or row.ended_at is not None or now >= min(row.expires_at, row.seen_at + IDLE_FOR):
        return None
    operator = await session.get(OperatorRow, row.operator_id)
    if operator is None or not operator.active:
        return None
    account = await session.get(AccountRow, row.operator_id)
    return SignedIn(operator, row.id, row.csrf, row.created_at, row.seen_at, must_change=account is not None and account.must_change)


async def seen(session: AsyncSession, session_id: str, now: datetime) -> None:
    """The browser spoke: its idle time begins anew."""
    row = await session.get(SessionRow, session_id, with_for_update=True)
    if row is not None and row.ended_at is None:
        row.seen_at = now
        session.add(row)


async def end(session: AsyncSession, session_id: str, now: datetime) -> None:
    """Sign out."""
    row = await session.get(SessionRow, session_id, with_for_update=True)
    if row is not None and row.ended_at is None:
        row.ended_at = now
        session.add(row)


async def end_all(session: AsyncSession, operator_id: str, now: datetime) -> int:
    """End every session of an operator; how many there were."""
    open_ones = select(SessionRow).where(col(SessionRow.operator_id) == operator_id, col(SessionRow.ended_at).is_(None)).with_for_update()
    rows = (await session.exec(open_ones)).all()
    for row in rows:
        row.ended_at = now
        session.add(row)
    return len(rows)


async def forget(session: AsyncSession, now: datetime) -> None:
    """Drop sessions that were over a month ago; that somebody had signed in stands in the audit record."""
    await session.exec(delete(SessionRow).where(col(SessionRow.expires_at) < now - KEPT_FOR))
