"""Event logs in XES (IEEE 1849), as process-mining data sets come: each event as a row, its trace's attributes named with ``case:`` before them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any
from xml.parsers import expat

_CHUNK = 1 << 20
_LEAVES = frozenset({"string", "date", "int", "float", "boolean", "id"})


class NotXes(ValueError):
    """A file is no XES that can be read; the message repeats nothing of it."""


class _Events:
    """Collects events while a parser goes through the file."""

    def __init__(self) -> None:
        self.found: list[tuple[int, dict[str, str]]] = []
        self._trace: dict[str, str] = {}
        self._event: dict[str, str] | None = None
        self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._entity

    def feed(self, text: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(text, last)
        except expat.ExpatError:
            raise NotXes("it is not well-formed XML") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        match kind:
            case "trace":
                self._trace = {}
            case "event":
                self._event = {}
            case _ if kind in _LEAVES:
                self._take(attributes.get("key"), attributes.get("value"))
            case _:
                pass
        # What hangs below an attribute tells of that attribute, and not of the event.
        self._depth += kind in _LEAVES

    def _take(self, key: str | None, value: str | None) -> None:
        if key is None or value is None or self._depth:
            return
        if self._event is not None:
            self._event[key] = value
        else:
            self._trace[f"case:{key}"] = value

    def _end(self, name: str) -> None:
        kind = name.rpartition(":")[2]
        self._depth -= kind in _LEAVES
        if kind == "event" and self._event is not None:
            self.found.append((self._parser.CurrentLineNumber, self._trace | self._event))
            self._event = None

    @staticmethod
    def _entity(*_: Any) -> None:
        raise NotXes("it defines entities, which no log needs")


def events(file: IO[bytes]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each event with the line on which it ends. Raises ``NotXes``."""
    reading = _Events()
    while chunk := file.read(_CHUNK):
        reading.feed(chunk)
        yield from reading.found
        reading.found.clear()
    reading.feed(b"", last=True)
    yield from reading.found
