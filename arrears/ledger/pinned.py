"""The strategies that cases run by, as they stood when the cases opened: a file may change, a case keeps the ladder that it began with."""

from __future__ import annotations

import hashlib

from pydantic import ValidationError
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.strategy import Strategy
from arrears.ledger.tables import StrategyRow


async def keep(session: AsyncSession, strategy: Strategy) -> None:
    """Keep a strategy under its content hash, once; many cases that open at the same time do not wait for each other."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {"content_hash": strategy.content_hash, "body": strategy.canonical}
    await session.exec(insert(StrategyRow).values(row).on_conflict_do_nothing())


async def strategy(session: AsyncSession, content_hash: str) -> Strategy | None:
    """The strategy of that hash; none if it was not kept, is not what it was, or cannot be read any more."""
    row = await session.get(StrategyRow, content_hash)
    if row is None or hashlib.sha256(row.body.encode()).hexdigest() != content_hash:
        return None
    try:
        return Strategy.model_validate_json(row.body)
    except ValidationError:
        return None
