"""Contact logs that Arrears did not write, as a source of the checker. The format is described in ``docs/proof.md``.

log = open_log([path], Reading(zone="Asia/Shanghai"), regimes=("cn",))
result = judge.run(log.source)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from arrears.prove.foreign.columns import Column, ColumnsUnusable
from arrears.prove.foreign.entries import ANY_WORD, Entry, LineProblem, Reading
from arrears.prove.foreign.instants import DateOrder
from arrears.prove.foreign.reader import LogUnreadable, Tally, read_log
from arrears.prove.foreign.source import NOT_SAID, ForeignSource
from arrears.prove.foreign.store import Store
from arrears.prove.foreign.words import Kind

COUNTRY_OF_REGIME: dict[str, str] = {"cn": "CN", "us": "US", "uk": "GB", "in": "IN", "eu": "DE"}
"""A country in which each law holds."""

__all__ = [
    "ANY_WORD",
    "COUNTRY_OF_REGIME",
    "Column",
    "ColumnsUnusable",
    "DateOrder",
    "ForeignLog",
    "ForeignSource",
    "Kind",
    "LineProblem",
    "LogUnreadable",
    "Reading",
    "Tally",
    "open_log",
]


@dataclass(frozen=True)
class ForeignLog:
    """A log that was read: what the checker can judge, and what happened while it was read."""

    source: ForeignSource
    tally: Tally


def open_log(paths: Sequence[Path], reading: Reading, regimes: Iterable[str] = ()) -> ForeignLog:
    """Read all files into one log. Raises ``LogUnreadable``, ``ColumnsUnusable`` and ``OSError``; close the source when done."""
    tally, store = Tally(), Store()
    try:
        store.fill(_entries(paths, reading, tally))
    except BaseException:
        store.close()
        raise
    countries = [COUNTRY_OF_REGIME[regime] for regime in regimes]
    return ForeignLog(ForeignSource(store, [path.name for path in paths], countries, _unknown(tally)), tally)


def _unknown(tally: Tally) -> frozenset[str]:
    """What this log does not say at all. If it tells of one notice or one placement, it is taken to tell of all."""
    kinds = tally.kinds
    told = {"notices"} if Kind.AGENCY_NOTICE in kinds else set[str]()
    told |= {"placements"} if Kind.PLACEMENT in kinds else set[str]()
    untold = set[str]() if tally.outcomes else {"calls"}
    return (NOT_SAID - told) | untold


def _entries(paths: Sequence[Path], reading: Reading, tally: Tally) -> Iterator[Entry]:
    for n, path in enumerate(paths):
        yield from read_log(path, reading, tally, n)
