"""The strategies as they stand in their files, read once for each version of a file, and the one that a case runs by."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.config import strategies
from arrears.config.settings import Settings
from arrears.config.strategies import StrategyInvalid, StrategyUnknown
from arrears.domain.strategy import Strategy
from arrears.ledger import pinned
from arrears.ledger.stages import Tracks, tracks_of
from arrears.ledger.tables import CaseRow


def strategy(settings: Settings, name: str) -> Strategy | None:
    """The strategy of that name as its file has it now; none if it has gone or cannot be read."""
    file = settings.strategies_dir / f"{name}.yaml"
    try:
        return _read(name, settings.strategies_dir, file.stat().st_mtime_ns)
    except (OSError, StrategyUnknown, StrategyInvalid):
        return None


async def of_case(session: AsyncSession, settings: Settings, row: CaseRow) -> Strategy | None:
    """The strategy that a case runs by, also if its file has changed since; none if the case opened before the ledger kept strategies and it has."""
    if (kept := await pinned.strategy(session, row.strategy_hash)) is not None:
        return kept
    written = strategy(settings, row.strategy)
    return written if written is not None and written.content_hash == row.strategy_hash else None


def tracks(settings: Settings) -> dict[str, Tracks]:
    """The tracks of every strategy, by the strategy's name."""
    found = ((name, strategy(settings, name)) for name in strategies.names(settings.strategies_dir))
    return {name: tracks_of(known) for name, known in found if known is not None}


@lru_cache(maxsize=64)
def _read(name: str, directory: Path, changed_at: int) -> Strategy:  # noqa: ARG001 (a file that changed is read again)
    return strategies.load(name, directory)
