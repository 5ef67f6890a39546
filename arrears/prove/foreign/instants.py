"""Points in time as strangers write them: RFC 3339, seconds of the epoch, and the common formats of spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

_LAST_YEAR = 2200
_FIRST_YEAR = 1970
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UNITS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}
_TAIL = re.compile(r"(?P<time>.*?)\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?$", re.IGNORECASE)
_NUMBERS = re.compile(r"(?P<a>\d{1,4})(?P<mark>[/.\-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,4})(?:[T ,]+(?P<rest>.+))?", re.DOTALL)
_CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日?(?:[T ]*(?P<rest>.+))?")
_NAMED = (
    re.compile(r"(?P<d>\d{1,2})[ \-](?P<m>[A-Za-z]{3,9})\.?[ \-,]+(?P<y>\d{4}|\d{2})(?:[T ,]+(?P<rest>.+))?"),
    re.compile(r"(?P<m>[A-Za-z]{3,9})\.?[ ](?P<d>\d{1,2}),?[ ](?P<y>\d{4})(?:[T ,]+(?P<rest>.+))?"),
)
_MONTHS = {m: n for n, m in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)}
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})[:时](?P<m>\d{2})分?(?:[:]?(?P<s>\d{2})秒?)?(?:[.,](?P<f>\d{1,9}))?\s*(?P<half>[AP]\.?M\.?)?", re.IGNORECASE
)


class DateOrder(StrEnum):
    """How to read a date such as 03/04/2026: its day first or its month first."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class Instant(NamedTuple):
    """An instant of UTC. ``day_only``: no time of day was given. ``offset``: the offset that was written beside it, ``None`` if none was."""

    at: datetime
    day_only: bool
    offset: timedelta | None


class NotAnInstant(ValueError):
    """A text is no point in time that can be read; ``remedy`` says what helps. Neither repeats the text."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def read_instant(text: str, zone: ZoneInfo | None = None, order: DateOrder | None = None) -> Instant:
    """The instant that ``text`` names. ``zone`` is where clocks without an offset stand; ``order`` reads dates such as 03/04/2026.

    Raises ``NotAnInstant``.
    """
    try:
        read = datetime.fromisoformat(text) if not text.isdigit() else None
    except ValueError:
        read = None
    if read is None:
        return _read_otherwise(text, zone, order)
    return _in_utc(read, zone, day_only=len(text) <= 10 and ":" not in text)


def order_of(texts: Iterable[str]) -> DateOrder | None:
    """How a file writes its dates, as far as one of them can be read in one way only."""
    for text in texts:
        found = _NUMBERS.fullmatch(text.strip())
        if found is None or len(found["a"]) == 4 or len(found["c"]) == 3:
            continue
        first, second = int(found["a"]), int(found["b"])
        if first > 12 >= second:
            return DateOrder.DAY_FIRST
        if second > 12 >= first:
            return DateOrder.MONTH_FIRST
    return None


def _read_otherwise(text: str, zone: ZoneInfo | None, order: DateOrder | None) -> Instant:
    text = text.strip()
    if epoch := _epoch(text):
        return Instant(epoch, False, timedelta(0))
    try:
        if found := _CHINESE.fullmatch(text):
            return _dated(int(found[1]), int(found[2]), int(found[3]), found["rest"], zone)
        if found := _NUMBERS.fullmatch(text):
            return _dated(*_by_numbers(found, order), found["rest"], zone)
        for shape in _NAMED:
            if (found := shape.fullmatch(text)) and (month := _MONTHS.get(found["m"][:3].lower())):
                year = int(found["y"])
                return _dated(year if year > 99 else 2000 + year, month, int(found["d"]), found["rest"], zone)
        if text.isdigit() and len(text) == 8:
            return _dated(int(text[:4]), int(text[4:6]), int(text[6:]), None, zone)
    except NotAnInstant:
        raise
    except ValueError:
        pass
    raise NotAnInstant("is no point in time that is understood", "write it as in 2026-11-21T10:30:00+08:00, or as seconds since 1970")


def _epoch(text: str) -> datetime | None:
    whole, _, part = text.partition(".")
    unit = _EPOCH_UNITS.get(len(whole))
    if unit is None or not whole.isdigit() or (part and not part.isdigit()) or (part and unit != 1):
        return None
    seconds = float(text) if part else int(whole) / unit
    return _EPOCH + timedelta(seconds=seconds)


def _by_numbers(found: re.Match[str], order: DateOrder | None) -> tuple[int, int, int]:
    if len(found["a"]) == 4:
        return int(found["a"]), int(found["b"]), int(found["c"])
    first, second, year = int(found["a"]), int(found["b"]), int(found["c"])
    if len(found["c"]) == 2:
        year += 2000
    elif len(found["c"]) != 4:
        raise ValueError
    if found["mark"] == "." or first > 12:  # only those who write the day first write dates with points
        order = DateOrder.DAY_FIRST
    elif second > 12:
        order = DateOrder.MONTH_FIRST
    match order:
        case DateOrder.DAY_FIRST:
            return year, second, first
        case DateOrder.MONTH_FIRST:
            return year, first, second
        case None:
            raise NotAnInstant(
                "may be read with the day or with the month first", "say which with --dates day-first or --dates month-first"
            )


def _dated(year: int, month: int, day: int, rest: str | None, zone: ZoneInfo | None) -> Instant:
    if rest is None:
        return _in_utc(datetime(year, month, day), zone, day_only=True)  # noqa: DTZ001 (the zone comes with _in_utc)
    split = _TAIL.fullmatch(rest.strip())
    clock = _CLOCK.fullmatch(split["time"].strip()) if split else None
    if split is None or clock is None:
        raise ValueError
    hour, half = int(clock["h"]), (clock["half"] or "").upper()[:1]
    if half:
        hour = hour % 12 + (12 if half == "P" else 0)
    micro = int((clock["f"] or "0")[:6].ljust(6, "0"))
    read = datetime(year, month, day, hour, int(clock["m"]), int(clock["s"] or 0), micro)  # noqa: DTZ001
    written = split["zone"]
    if written and written.upper() in ("Z", "UTC", "GMT"):
        read = read.replace(tzinfo=UTC)
    elif written:
        read = datetime.fromisoformat(read.isoformat() + written[:3] + ":" + written[-2:])
    return _in_utc(read, zone, day_only=False)


def _in_utc(read: datetime, zone: ZoneInfo | None, *, day_only: bool) -> Instant:
    if not _FIRST_YEAR <= read.year < _LAST_YEAR:
        raise NotAnInstant(f"lies outside the years {_FIRST_YEAR} to {_LAST_YEAR - 1}", "correct the year")
    offset = read.utcoffset()
    if offset is not None:
        return Instant(read.astimezone(UTC), day_only, offset)
    if zone is None:
        raise NotAnInstant(
            "has no offset, and no zone is known for it", "say where its clock stands with --zone, such as --zone Asia/Shanghai"
        )
    return Instant(read.replace(tzinfo=zone).astimezone(UTC), day_only, None)
