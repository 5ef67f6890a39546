"""More entries than fit into memory, found again by key: they are laid on piles on disk, and one pile at a time is read back."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any
from zlib import crc32

PILES = 256
_HELD = 100_000


class Piles:
    """All entries of a key lie on one pile, in the order in which they were laid there. A pile holds about a 256th of everything."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="arrears-prove-")  # noqa: SIM115 (closed with the object)
        self._waiting: list[list[tuple[Any, ...]]] = [[] for _ in range(PILES)]
        self._places: list[list[int]] = [[] for _ in range(PILES)]
        self._held = 0

    def __enter__(self) -> Piles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def lay(self, key: str, entry: tuple[Any, ...]) -> None:
        """``entry`` holds strings and whole numbers only."""
        self._waiting[crc32(key.encode("utf-8", "surrogatepass")) % PILES].append(entry)
        self._held += 1
        if self._held >= _HELD:
            self._put_away()

    def pile(self, n: int) -> Iterator[tuple[Any, ...]]:
        """The entries of one pile."""
        self._put_away()
        for place in self._places[n]:
            self._file.seek(place)
            yield from marshal.load(self._file)  # noqa: S302 (our own unnamed file)

    def _put_away(self) -> None:
        if not self._held:
            return
        self._file.seek(0, 2)
        for waiting, places in zip(self._waiting, self._places, strict=True):
            if waiting:
                places.append(self._file.tell())
                self._file.write(marshal.dumps(waiting))
                waiting.clear()
        self._held = 0
