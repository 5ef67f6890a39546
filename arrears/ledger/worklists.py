"""Searches that operators keep under names of their own.

WorkListRefused
├── WorkListUnknown    the operator has no such list
└── NameTaken          the operator has another list of that name
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.search import Query
from arrears.ledger.tables import WorkListRow

LONGEST_NAME = 80
MOST_LISTS = 50


class WorkListRefused(Exception):
    """The list cannot be kept like this; the message says why."""


class WorkListUnknown(WorkListRefused):
    """The operator has no such list."""


class NameTaken(WorkListRefused):
    """The operator has another list of that name."""


async def of(session: AsyncSession, operator_id: str) -> Sequence[WorkListRow]:
    """An operator's lists, by name."""
    return (
        await session.exec(select(WorkListRow).where(col(WorkListRow.operator_id) == operator_id).order_by(col(WorkListRow.name)))
    ).all()


async def save(session: AsyncSession, operator_id: str, name: str, query: Query, now: datetime) -> WorkListRow:
    """Keep a search under a name; one that the operator has under it already is replaced. Raises ``WorkListRefused``."""
    wanted = _name(name)
    lists = await of(session, operator_id)
    row = next((kept for kept in lists if kept.name == wanted), None)
    if row is None and len(lists) >= MOST_LISTS:
        raise WorkListRefused(f"more than {MOST_LISTS} lists are not kept; delete one first")
    row = row or WorkListRow(operator_id=operator_id, name=wanted, query={}, saved_at=now)
    row.query, row.saved_at = query.kept(), now
    session.add(row)
    await session.flush()
    return row


async def rename(session: AsyncSession, operator_id: str, list_id: int, name: str) -> WorkListRow:
    """Give a list another name. Raises ``WorkListUnknown``, ``NameTaken``, ``WorkListRefused``."""
    wanted, row = _name(name), await _theirs(session, operator_id, list_id)
    if any(other.name == wanted and other.id != list_id for other in await of(session, operator_id)):
        raise NameTaken(f"you have a list named {wanted} already")
    row.name = wanted
    session.add(row)
    await session.flush()
    return row


async def delete(session: AsyncSession, operator_id: str, list_id: int) -> None:
    """Forget a list. Raises ``WorkListUnknown``."""
    await session.delete(await _theirs(session, operator_id, list_id))
    await session.flush()


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not name or len(name) > LONGEST_NAME:
        raise WorkListRefused(f"a list needs a name of at most {LONGEST_NAME} characters")
    return name


async def _theirs(session: AsyncSession, operator_id: str, list_id: int) -> WorkListRow:
    row = await session.get(WorkListRow, list_id)
    if row is None or row.operator_id != operator_id:
        raise WorkListUnknown("you have no such list")
    return row
