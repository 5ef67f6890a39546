"""A source of which only a span of time is judged. Everything before it is still counted: caps and gaps look back."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from arrears.prove.model import Book, DebtorFile, Instant, Source


@dataclass(frozen=True, slots=True)
class Spanned:
    """A source, judged from ``since`` on and before ``until``."""

    source: Source
    since: Instant | None = None
    until: Instant | None = None

    def book(self) -> Book:
        return replace(self.source.book(), since=self.since, until=self.until)

    def files(self, shard: int = 0, shards: int = 1) -> Iterator[DebtorFile]:
        return self.source.files(shard, shards)

    def close(self) -> None:
        self.source.close()

    @contextmanager
    def shared(self) -> Generator[SpannedOpening]:
        sharing: Any = self.source
        with sharing.shared() as opening:
            yield SpannedOpening(opening, self.since, self.until)


@dataclass(frozen=True, slots=True)
class SpannedOpening:
    """How to open the source again in another process."""

    opening: Any
    since: Instant | None
    until: Instant | None

    def open(self) -> Spanned:
        return Spanned(self.opening.open(), self.since, self.until)
