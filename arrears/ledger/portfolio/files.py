"""Portfolio files: CSV with flat columns, or JSON lines. Reading brings both into one shape and remembers where each value stood."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast

Format = Literal["csv", "jsonl"]

Place = tuple[str | int, ...]
"""Where a value stands in a row of the common shape, such as ``("borrower", "contact_points", 0, "address")``."""

_SUFFIXES: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_LOAN = (
    *("loan_id", "lender", "product", "currency", "strategy", "held_for", "country"),
    *("annual_cost", "limitation_ends_on", "lender_kind", "account"),
)
_BORROWER = {
    "borrower_id": "id",
    "name": "name",
    "zone": "zone",
    "language": "language",
    "residence": "residence",
    "birth_date": "birth_date",
    "opted_out_at": "opted_out_at",
}
_POINTS: dict[str, dict[str, str]] = {
    "mobile": {"kind": "mobile"},
    "reserve_mobile": {"kind": "mobile", "line": "reserve"},
    "landline": {"kind": "landline"},
    "email": {"kind": "email"},
    "in_app": {"kind": "in_app"},
}
_OF_EVERY_POINT = ("source", "legal_basis")
_WITH_A_PLACE = ("mobile", "landline", "email")
_PLACE_COLUMNS = tuple(f"{column}_place" for column in _WITH_A_PLACE)
_RELATIVE = ("id", "role", "name", "mobile", "zone", "language", "residence", "birth_date", "evidence", "legal_basis", "refused_at")
_RELATIVE_COLUMN = re.compile(f"relative([1-9])_({'|'.join(_RELATIVE)})")
_KNOWN = (*_LOAN, *_BORROWER, *_POINTS, *_PLACE_COLUMNS, *_OF_EVERY_POINT, "instalments")
REQUIRED_COLUMNS = ("loan_id", "lender", "product", "currency", "strategy", "borrower_id", "name", "language", "instalments")
COLUMNS = (*_KNOWN, *(f"relativeN_{part}" for part in _RELATIVE))
"""The columns of the CSV form; ``N`` counts the relatives from 1 to 9."""

_PLACES: dict[Place, str] = {
    **{(name,): name for name in (*_LOAN, "instalments")},
    **{("borrower", name): column for column, name in _BORROWER.items()},
}


class Unreadable(ValueError):
    """The file as a whole cannot be read; the message says what to do."""


@dataclass(frozen=True)
class RawRow:
    """One row in the common shape. ``columns`` names the column from which a place was filled; JSON has none.

    ``broken`` says why the row has no values at all.
    """

    line: int
    values: dict[str, Any] = attribute(default_factory=dict[str, Any])
    columns: Mapping[Place, str] = attribute(default_factory=dict[Place, str])
    broken: str | None = None

    def field(self, place: Place) -> str:
        """What the author of the file calls a place: its column (with what is wrong in a list in it, counted from 0), or its path."""
        for length in range(len(place), 0, -1):
            column, rest = self.columns.get(place[:length]), place[length:]
            if column is not None:
                return ".".join((column, *map(str, rest))) if rest and isinstance(rest[0], int) else column
        return ".".join(map(str, place)) or "row"


def read(path: Path, format: Format | None = None) -> Iterator[RawRow]:
    """The rows of a file, lazily; the format is told by its name's ending if it is not given. Raises ``Unreadable`` or ``OSError``."""
    form = format or _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise Unreadable(f"{path.name} is neither .csv nor .jsonl; say which format it has")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from read_csv(lines) if form == "csv" else read_json_lines(lines)
    except UnicodeDecodeError as wrong:
        raise Unreadable(f"{path.name} is not in UTF-8; save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')") from wrong


def read_json_lines(lines: Iterable[str]) -> Iterator[RawRow]:
    """One JSON object a line; empty lines are passed over. Numbers are read exactly."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, parse_float=Decimal)
        except json.JSONDecodeError as wrong:
            yield RawRow(line=number, broken=f"not JSON: {wrong.msg} at character {wrong.pos + 1}")
            continue
        if isinstance(values, dict):
            yield RawRow(line=number, values=cast("dict[str, Any]", values))
        else:
            yield RawRow(line=number, broken="not a JSON object")


def read_csv(lines: Iterable[str]) -> Iterator[RawRow]:
    """A header, then one loan a row; empty cells count as not given. Raises ``Unreadable`` if the header does not fit."""
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        _check_header(header)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _csv_row(reader.line_num, header, cells)
    except csv.Error as wrong:
        raise Unreadable(f"line {reader.line_num}: not CSV: {wrong}") from wrong


def _check_header(header: list[str]) -> None:
    if missing := [name for name in REQUIRED_COLUMNS if name not in header]:
        raise Unreadable(f"line 1: the header lacks {', '.join(missing)}")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise Unreadable(f"line 1: the header names {', '.join(twice)} more than once")
    if unknown := [name for name in header if name not in _KNOWN and not _RELATIVE_COLUMN.fullmatch(name)]:
        raise Unreadable(f"line 1: the header names unknown columns: {', '.join(unknown)}; known are {', '.join(COLUMNS)}")


def _csv_row(line: int, header: list[str], cells: list[str]) -> RawRow:
    if len(cells) != len(header):
        return RawRow(
            line=line, broken=f"{len(cells)} cells under {len(header)} columns; put cells with a comma or a quote in double quotes"
        )
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    details = {name: given[name] for name in _OF_EVERY_POINT if name in given}
    points = [name for name in _POINTS if name in given]
    numbers = sorted({found[1] for name in given if (found := _RELATIVE_COLUMN.fullmatch(name))})
    values = {
        **{name: given[name] for name in _LOAN if name in given},
        "borrower": {
            **{into: given[name] for name, into in _BORROWER.items() if name in given},
            "contact_points": [{"address": given[name], **_POINTS[name], **_place_of(given, name), **details} for name in points],
        },
        "relatives": [_relative(given, n) for n in numbers],
    }
    if "instalments" in given:
        values["instalments"] = [_instalment(text) for text in given["instalments"].split(";") if text.strip()]
    return RawRow(line=line, values=values, columns={**_PLACES, **_point_places(points), **_relative_places(numbers)})


def _place_of(given: Mapping[str, str], column: str) -> dict[str, str]:
    place = given.get(f"{column}_place")
    return {} if place is None else {"place": place}


def _relative(given: Mapping[str, str], n: str) -> dict[str, Any]:
    cells = {part: given[f"relative{n}_{part}"] for part in _RELATIVE if f"relative{n}_{part}" in given}
    point = {"kind": "mobile", "address": cells.pop("mobile", None), "legal_basis": cells.pop("legal_basis", None)}
    return {**cells, "contact_points": [point] if point["address"] else []}


def _instalment(text: str) -> dict[str, str]:
    """``2026-11-01:500.00``, or with interest and fees ``2026-11-01:480.00+15.00+5.00``."""
    due_on, _, amounts = text.partition(":")
    parts = zip(("principal", "interest", "fees", "more"), amounts.split("+"), strict=False)
    return {"due_on": due_on.strip(), **{name: amount.strip() for name, amount in parts}}


def _point_places(columns: Iterable[str]) -> dict[Place, str]:
    places: dict[Place, str] = {}
    for i, column in enumerate(columns):
        places["borrower", "contact_points", i] = column
        places["borrower", "contact_points", i, "place"] = f"{column}_place"
    return places


def _relative_places(numbers: Iterable[str]) -> dict[Place, str]:
    places: dict[Place, str] = {}
    for i, n in enumerate(numbers):
        places |= {("relatives", i, part): f"relative{n}_{part}" for part in _RELATIVE}
        places["relatives", i, "contact_points", 0] = f"relative{n}_mobile"
        places["relatives", i, "contact_points", 0, "legal_basis"] = f"relative{n}_legal_basis"
    return places
