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
from arrears.prove.foreign.source import ForeignSource
from arrears.prove.foreign.store import Store
from arrears.prove.foreign.words import Kind

__all__ = [
    "ANY_WORD",
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
    unknown = {"time_of_day"} if tally.day_only else set[str]()
    return ForeignLog(ForeignSource(store, [path.name for path in paths], regimes, unknown), tally)


def _entries(paths: Sequence[Path], reading: Reading, tally: Tally) -> Iterator[Entry]:
    for n, path in enumerate(paths):
        yield from read_log(path, reading, tally, n)
