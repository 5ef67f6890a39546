"""More entries than fit into memory, found again by name: they are laid on piles on disk, and one pile at a time is read back."""

from __future__ import annotations

import marshal
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any
from zlib import crc32

PILES = 256
_HELD = 100_000


class Piles:
    """All entries of a name lie on one pile, in the order in which they were laid there. A pile holds about a 256th of everything."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="arrears-prove-")  # noqa: SIM115 (closed with the object)
        self._waiting: list[list[Any]] = [[] for _ in range(PILES)]
        self._places: list[list[int]] = [[] for _ in range(PILES)]
        self._held = 0

    def __enter__(self) -> Piles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def lay(self, name: str, entry: tuple[str | int, ...]) -> None:
        """``entry`` has the same length for all."""
        self._waiting[crc32(name.encode("utf-8", "surrogatepass")) % PILES] += entry
        self._held += 1
        if self._held >= _HELD:
            self._put_away()

    def pile(self, n: int) -> list[Any]:
        """The entries of one pile, one after the other without their brackets: millions of small tuples would take longer than all the rest."""
        self._put_away()
        whole: list[Any] = []
        for place in self._places[n]:
            self._file.seek(place)
            whole += marshal.load(self._file)  # noqa: S302 (our own unnamed file)
        return whole

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
