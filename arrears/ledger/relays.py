"""Messages for cases that wait in the ledger until Temporal has taken them: written with the fact itself, so that neither stands without the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.tables import RelayRow

OPEN = "open"
"""The name of a message that starts the case; all others are signals' names."""


async def leave(session: AsyncSession, loan_id: str, name: str, key: str, message: BaseModel, now: datetime) -> bool:
    """Leave a message for a loan's case under the fact's natural key; ``False`` if it was left before."""
    known = await session.exec(select(RelayRow.id).where(col(RelayRow.key) == key))
    if known.first() is not None:
        return False
    body = message.model_dump(mode="json", exclude_none=True)
    session.add(RelayRow(loan_id=loan_id, name=name, key=key, body=body, recorded_at=now))
    await session.flush()
    return True


async def undelivered(session: AsyncSession, most: int = 100) -> Sequence[RelayRow]:
    """Messages that nobody has taken yet, in the order in which they were left."""
    found = await session.exec(select(RelayRow).where(col(RelayRow.delivered_at).is_(None)).order_by(col(RelayRow.id)).limit(most))
    return found.all()


async def delivered(session: AsyncSession, ids: Sequence[int], now: datetime) -> None:
    """These were taken."""
    await session.exec(update(RelayRow).where(col(RelayRow.id).in_(ids)).values(delivered_at=now))
