"""The geometry of charts: numbers in, lengths in per cent out. Templates draw them as SVG, with words, and with a table of the numbers behind each.

Every series has a pattern besides its colour, so that none has to be told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

SERIES = 8
"""How many series the console's style sheet has patterns for; more share the last one."""

COLUMN_HEIGHT = 160
"""The height of the tallest column, in pixels."""

_FULL = 100.0
_GAP_SHARE = 0.28
_STEPS = (1, 2, 5)
_LINES = 4


@dataclass(frozen=True)
class Series:
    """One kind of thing that a chart tells apart; ``look`` is the number of its pattern."""

    key: str
    says: str
    look: int


@dataclass(frozen=True)
class Piece:
    """A part of a bar: from ``start``, ``length`` long, both in per cent of the chart's width."""

    series: Series
    start: float
    length: float
    value: Decimal


@dataclass(frozen=True)
class Row:
    """What a bar is made of: its words, the value of each series, a note beside its total, and an address that lists what was counted."""

    label: str
    values: Mapping[str, Decimal | int]
    note: str = ""
    href: str | None = None
    code: str | None = None

    @property
    def total(self) -> Decimal:
        return sum((Decimal(value) for value in self.values.values()), Decimal(0))


@dataclass(frozen=True)
class Bar:
    """A row with the pieces that show it."""

    row: Row
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Bars:
    """Bars on one scale, and the series that they tell apart."""

    bars: tuple[Bar, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Block:
    """A part of a column: its place in per cent of the width, and in pixels from the top."""

    series: Series
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """A labelled column; ``middle`` is where its label stands, in per cent. A ``marked`` label stays where the page is narrow."""

    label: str
    middle: float
    marked: bool
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Line:
    """A line to read values by, in pixels from the top."""

    y: float
    value: int


@dataclass(frozen=True)
class Columns:
    """Columns side by side, each of stacked blocks."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    series: tuple[Series, ...]
    height: int = COLUMN_HEIGHT


def series(keys: Iterable[tuple[str, str]]) -> tuple[Series, ...]:
    """A series for each key with its words, in this order."""
    return tuple(Series(key, says, min(look, SERIES - 1)) for look, (key, says) in enumerate(keys))


def bars(rows: Sequence[Row], of: Sequence[Series]) -> Bars:
    """Bars that share a scale: the longest fills the width."""
    longest = max((row.total for row in rows), default=Decimal(0))
    return Bars(tuple(Bar(row, _pieces(row, of, longest)) for row in rows), tuple(of))


def shares(rows: Sequence[Row], of: Sequence[Series]) -> Bars:
    """Bars that each fill the width: the parts of a whole."""
    return Bars(tuple(Bar(row, _pieces(row, of, row.total)) for row in rows), tuple(of))


def _pieces(row: Row, of: Sequence[Series], whole: Decimal) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    start = 0.0
    for one in of:
        value = Decimal(row.values.get(one.key, 0))
        if value > 0:
            length = float(value / whole) * _FULL
            pieces.append(Piece(one, round(start, 3), round(length, 3), value))
            start += length
    return tuple(pieces)


def columns(labels: Sequence[str], values: Sequence[Mapping[str, int]], of: Sequence[Series], marked_every: int = 3) -> Columns:
    """Columns that share a scale, whose top line is a round number. ``values`` are, for each label, how many of each series there are."""
    step = _step(max((sum(v.values()) for v in values), default=0))
    top = max(step, -(-max((sum(v.values()) for v in values), default=0) // step) * step)
    width = _FULL / max(len(labels), 1)
    last = len(labels) - 1
    return Columns(
        columns=tuple(
            Column(
                label=label,
                middle=round((n + 0.5) * width, 3),
                marked=(last - n) % marked_every == 0,
                blocks=tuple(_blocks(value, of, n * width, width, top)),
            )
            for n, (label, value) in enumerate(zip(labels, values, strict=True))
        ),
        lines=tuple(Line(y=_height(top - n, top), value=n) for n in range(0, top + 1, step)),
        series=tuple(of),
    )


def _blocks(value: Mapping[str, int], of: Sequence[Series], x: float, width: float, top: int) -> Iterable[Block]:
    stacked = 0
    gap = width * _GAP_SHARE
    for one in of:
        count = value.get(one.key, 0)
        if count <= 0:
            continue
        stacked += count
        yield Block(one, round(x + gap / 2, 3), round(width - gap, 3), _height(top - stacked, top), _height(count, top))


def _height(value: int, top: int) -> float:
    return round(value / top * COLUMN_HEIGHT, 2)


def _step(highest: int) -> int:
    """The distance of the lines: a round number of which few reach the highest value."""
    scale = 1
    while True:
        for step in _STEPS:
            if highest <= step * scale * _LINES:
                return step * scale
        scale *= 10
