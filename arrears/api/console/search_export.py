"""Found cases as a file, a line at a time: ids, codes, dates and amounts, nobody's name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from arrears.api.console import sheet
from arrears.ledger.search import FoundCase

Format = Literal["csv", "jsonl"]
FORMATS: Final[dict[Format, str]] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_LINES_AT_ONCE = 500

COLUMNS: Final = (
    "loan_id",
    "case_id",
    "borrower_id",
    "stage",
    "waiting",
    "waits_until",
    "owed",
    "currency",
    "days_past_due",
    "due_since",
    "strategy",
    "strategy_version",
    "holds",
    "agency",
    "owners",
    "opened_at",
    "closed_at",
    "outcome",
)


def lines(format: Format, cases: Iterable[FoundCase]) -> Iterator[str]:
    """The file in pieces of some hundred lines."""
    match format:
        case "csv":
            return _csv(cases)
        case "jsonl":
            return _together(json.dumps(_record(case), ensure_ascii=False) + "\n" for case in cases)


def _csv(cases: Iterable[FoundCase]) -> Iterator[str]:
    def written() -> Iterator[str]:
        yield "\ufeff" + sheet.line(COLUMNS)  # the mark by which spreadsheets know the encoding
        for case in cases:
            yield sheet.line(map(_cell, _record(case).values()))

    return _together(written())


def _record(case: FoundCase) -> dict[str, str | int | list[str] | None]:
    """The case as plain values: amounts as text, instants in RFC 3339."""
    return {name: _plain(getattr(case, name)) for name in COLUMNS}


def _plain(value: object) -> str | int | list[str] | None:
    match value:
        case None | int():
            return value
        case tuple():
            return [str(part) for part in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()  # pyright: ignore
        case _:
            return str(value)


def _cell(value: str | int | list[str] | None) -> str:
    return " ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def _together(pieces: Iterator[str]) -> Iterator[str]:
    some: list[str] = []
    for piece in pieces:
        some.append(piece)
        if len(some) == _LINES_AT_ONCE:
            yield "".join(some)
            some.clear()
    yield "".join(some)
