"""Reading a foreign log: files of CSV or JSON lines, row by row, into entries; what cannot be read is reported and left out.

A problem names the file, the line, the field and the remedy. It never repeats what stood there: that may be a person's name or number.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from arrears.prove.foreign import xes
from arrears.prove.foreign.columns import Column, ColumnsUnusable, Layout, lay_out
from arrears.prove.foreign.entries import Entry, EntryMaker, LineProblem, Reading, Rejected
from arrears.prove.foreign.instants import order_of
from arrears.prove.foreign.words import Kind

_SAMPLE = 2_000
_MOST_PROBLEMS = 1_000
_ENOUGH = 10
_MIDNIGHT = re.compile(r"[T ]0?0:00(:00(\.0+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$")
_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_CELL = 16_000_000


class LogUnreadable(ValueError):
    """A file cannot be read as a log at all; the message says what to do."""


class RawRow(NamedTuple):
    """One row as text, with the line that it began on. ``wrong`` says why it is no row."""

    line: int
    cells: Sequence[str]
    wrong: str | None = None


@dataclass(slots=True)
class Tally:
    """What happened while a log was read.

    ``words`` are the event words with what they were taken for, ``unknown`` (column, word) those that said nothing. ``day_only`` counts lines without a
    time of day, ``outcomes`` the contacts with an outcome, ``without_outcome`` the calls that have none.
    """

    lines: int = 0
    refused: int = 0
    problems: list[LineProblem] = field(default_factory=list[LineProblem])
    words: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    columns: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    day_only: int = 0
    outcomes: int = 0
    without_outcome: int = 0

    @property
    def kinds(self) -> frozenset[str]:
        """What kinds of lines there were."""
        return frozenset(kind for _, kind in self.words)

    def refuse(self, problem: LineProblem) -> None:
        self.refused += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)


def read_log(path: Path, reading: Reading, tally: Tally, file: int = 0) -> Iterator[Entry]:
    """The entries of one file; problems and words are counted in ``tally``. Raises ``LogUnreadable`` and ``ColumnsUnusable``."""
    with rows_of(path, reading.encoding) as (header, rows):
        try:
            layout = lay_out(header, reading.columns)
        except ColumnsUnusable as unusable:
            raise ColumnsUnusable(f"{path.name}: {unusable}") from None
        tally.columns[path.name] = {column.value: name for column, name in layout.names.items()}
        sample = list(islice(rows, _SAMPLE))
        times = _times(layout, sample)
        maker = EntryMaker(layout, reading, reading.order or order_of(times), file, header, midnight_is_no_time=_only_days(times))
        yield from _entries(path.name, maker, chain(sample, rows), tally)


@contextmanager
def rows_of(path: Path, encoding: str | None = None) -> Generator[tuple[list[str], Iterator[RawRow]]]:
    """The names of a file's columns and its rows, for as long as the block lasts. Raises ``LogUnreadable``."""
    csv.field_size_limit(_LONGEST_CELL)
    suffix = _suffix(path)
    with _binary(path) as opened:
        match suffix:
            case ".xes":
                header, rows = _xes_rows(path.name, opened)
            case _ if suffix in _JSON_SUFFIXES:
                header, rows = _json_rows(_as_text(opened, encoding))
            case _:
                header, rows = _csv_rows(_as_text(opened, encoding))
        if not header:
            raise LogUnreadable(f"{path.name} is empty")
        yield header, rows


def _entries(name: str, maker: EntryMaker, rows: Iterator[RawRow], tally: Tally) -> Iterator[Entry]:
    for row in rows:
        tally.lines += 1
        if row.wrong is not None:
            tally.refuse(
                LineProblem(name, row.line, "line", row.wrong, "write it as the format demands; the other lines are judged without it")
            )
            continue
        try:
            entry = maker.entry(row.line, row.cells)
        except Rejected as rejected:
            tally.refuse(LineProblem(name, row.line, rejected.field, rejected.problem, rejected.remedy))
            continue
        if entry is not None:
            tally.day_only += entry.day_only
            if entry.kind == Kind.CONTACT and not entry.inbound:
                tally.outcomes += entry.outcome is not None
                tally.without_outcome += entry.outcome is None and entry.channel == Kind.CALL
            yield entry
    tally.words.update(maker.words)
    tally.unknown.update(maker.unknown)


def _times(layout: Layout, sample: Sequence[RawRow]) -> list[str]:
    place = layout.place(Column.AT)
    return [cell for row in sample if row.wrong is None and place < len(row.cells) and (cell := row.cells[place].strip())]


def _only_days(times: Sequence[str]) -> bool:
    """Whether a file's clocks all show midnight: then nobody wrote down a time of day."""
    return len(times) >= _ENOUGH and all(_MIDNIGHT.search(text) for text in times)


def _suffix(path: Path) -> str:
    return next((s.lower() for s in reversed(path.suffixes) if s.lower() != ".gz"), "")


def _binary(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def _as_text(opened: IO[bytes], encoding: str | None) -> IO[str]:
    if encoding is None:
        start = opened.read(1 << 20)
        opened.seek(0)
        encoding = _encoding_of(start)
    return io.TextIOWrapper(opened, encoding=encoding, errors="replace", newline="")


def _encoding_of(start: bytes) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            start[: start.rfind(b"\n") + 1 or len(start)].decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _csv_rows(text: IO[str]) -> tuple[list[str], Iterator[RawRow]]:
    first = text.readline()
    while first and not first.strip():
        first = text.readline()
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(chain([first], text), delimiter=delimiter)
    try:
        header = next(reader, list[str]())
    except csv.Error:
        raise LogUnreadable("the first line does not name the columns") from None
    return header, _each_csv(reader, len(header))


def _each_csv(reader: Any, width: int) -> Iterator[RawRow]:
    line = reader.line_num
    while True:
        begun = line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            line = reader.line_num
            yield RawRow(begun, (), "is not CSV: a quotation mark or a character is out of place")
            continue
        line = reader.line_num
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if len(cells) < width:
            # Spreadsheets leave empty cells at the end out; a row that was cut off lacks a needed cell and is refused for that.
            cells += [""] * (width - len(cells))
        elif len(cells) > width and any(cells[width:]):
            yield RawRow(begun, (), f"has {len(cells)} cells where the first line names {width}")
            continue
        yield RawRow(begun, cells)


def _json_rows(text: IO[str]) -> tuple[list[str], Iterator[RawRow]]:
    """JSON lines as rows of a table. Nested objects are named with a dot."""
    header, rows = _as_table((n, _object(line)) for n, line in enumerate(text, start=1) if line.strip())
    return header, rows


def _xes_rows(name: str, file: IO[bytes]) -> tuple[list[str], Iterator[RawRow]]:
    try:
        header, rows = _as_table(xes.events(file))
    except xes.NotXes as wrong:
        raise LogUnreadable(f"{name} is no event log: {wrong}") from None
    return header, _until_broken(name, rows)


def _until_broken(name: str, rows: Iterator[RawRow]) -> Iterator[RawRow]:
    try:
        yield from rows
    except xes.NotXes as wrong:
        raise LogUnreadable(f"{name} is no event log: {wrong}") from None


def _as_table(
    objects: Iterator[tuple[int, dict[str, str] | str]] | Iterator[tuple[int, dict[str, str]]],
) -> tuple[list[str], Iterator[RawRow]]:
    """Objects as rows of a table; its columns are the fields of the first of them."""
    sample = list(islice(objects, _SAMPLE))
    header = list(dict.fromkeys(name for _, found in sample if isinstance(found, dict) for name in found))
    if sample and not header:
        raise LogUnreadable("no line is a JSON object; JSON lines have one object a line")
    return header, (_row(n, found, header) for n, found in chain(sample, objects))


def _object(line: str) -> dict[str, str] | str:
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except (json.JSONDecodeError, RecursionError):
        return "is not JSON"
    if not isinstance(found, dict):
        return "is not a JSON object"
    return dict(_flat(cast("dict[str, Any]", found)))


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _row(line: int, found: dict[str, str] | str, header: Sequence[str]) -> RawRow:
    if isinstance(found, str):
        return RawRow(line, (), found)
    return RawRow(line, [sys.intern(found.get(name, "")) if len(found.get(name, "")) < 24 else found[name] for name in header])
