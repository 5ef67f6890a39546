"""A source of which only a span of time is judged, by a lender's own numbers too. Everything before it is still counted: caps and gaps look back."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from arrears.prove.limits import Change, Timeline
from arrears.prove.model import Book, DebtorFile, Instant, Source, Stray
from arrears.prove.written import Chained, Writes


@dataclass(frozen=True, slots=True)
class Spanned:
    """A source, judged from ``since`` on and before ``until``, with a lender's ``changes`` of the law's numbers."""

    source: Source
    since: Instant | None = None
    until: Instant | None = None
    changes: tuple[Change, ...] = ()

    def book(self) -> Book:
        return replace(self.source.book(), since=self.since, until=self.until, limits=Timeline(self.changes))

    def files(self, shard: int = 0, shards: int = 1) -> Iterator[DebtorFile]:
        return self.source.files(shard, shards)

    def close(self) -> None:
        self.source.close()

    @contextmanager
    def shared(self) -> Generator[SpannedOpening]:
        sharing: Any = self.source
        with sharing.shared() as opening:
            yield SpannedOpening(opening, self.since, self.until, self.changes)


@dataclass(frozen=True, slots=True)
class SpannedLedger(Spanned):
    """The same of a source whose writes are numbered."""

    def files_of(self, borrowers: list[str]) -> Iterator[DebtorFile]:
        return self._chained.files_of(borrowers)

    def writes(self, keys: set[str]) -> Writes | None:
        return self._chained.writes(keys)

    def strays(self) -> Iterator[Stray]:
        return self._chained.strays()

    @property
    def _chained(self) -> Chained:
        assert isinstance(self.source, Chained)
        return self.source


def spanned(source: Source, since: Instant | None, until: Instant | None, changes: tuple[Change, ...] = ()) -> Spanned:
    """The source from an instant on, before another; ``None`` leaves that side open. ``changes`` are a lender's own numbers."""
    return (SpannedLedger if isinstance(source, Chained) else Spanned)(source, since, until, changes)


@dataclass(frozen=True, slots=True)
class SpannedOpening:
    """How to open the source again in another process."""

    opening: Any
    since: Instant | None
    until: Instant | None
    changes: tuple[Change, ...] = ()

    def open(self) -> Spanned:
        return spanned(self.opening.open(), self.since, self.until, self.changes)
