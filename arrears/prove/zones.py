"""Local days and hours of instants, a million at a time: the changes of a zone's clock are looked up once a year, not once a contact."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from arrears.prove.model import SECOND, Day, Instant

_DAY_SECONDS = 86_400
_YEAR_SECONDS = 366 * _DAY_SECONDS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_OLD_NAMES = {
    "Asia/Calcutta": "IN",
    "Asia/Chongqing": "CN",
    "Asia/Harbin": "CN",
    "Asia/Kashgar": "CN",
    "PRC": "CN",
    "GB": "GB",
    "US/Alaska": "US",
    "US/Central": "US",
    "US/Eastern": "US",
    "US/Hawaii": "US",
    "US/Mountain": "US",
    "US/Pacific": "US",
}
"""Names that the list of zones by country does not carry any more and that people still write."""


class Zones:
    """The offsets of all zones that were asked for. An unknown name is no zone at all."""

    def __init__(self) -> None:
        self._years: dict[tuple[str, int], tuple[list[int], list[int]] | None] = {}

    def offset(self, zone: str, second: int) -> int | None:
        """How many seconds local time is ahead of UTC at a second since 1970; ``None`` if there is no such zone."""
        key = (zone, second // _YEAR_SECONDS)
        try:
            year = self._years[key]
        except KeyError:
            year = self._years[key] = _changes(zone, key[1])
        if year is None:
            return None
        changes, offsets = year
        return offsets[0] if not changes else offsets[bisect_right(changes, second)]

    def local(self, zone: str, at: Instant) -> tuple[Day, int] | None:
        """The local day of an instant and the second of that day by the clock on the wall; ``None`` if there is no such zone."""
        second = at // SECOND
        offset = self.offset(zone, second)
        return None if offset is None else divmod(second + offset, _DAY_SECONDS)


def _changes(zone: str, year: int) -> tuple[list[int], list[int]] | None:
    """The seconds in a span of 366 days at which the clock changes, and the offsets before, between and after them."""
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    first, last = year * _YEAR_SECONDS, (year + 1) * _YEAR_SECONDS
    changes: list[int] = []
    offsets = [_offset(info, first)]
    for day in range(first, last, _DAY_SECONDS):
        after = _offset(info, day + _DAY_SECONDS)
        if after != offsets[-1]:
            changes.append(_when(info, day, day + _DAY_SECONDS))
            offsets.append(after)
    return changes, offsets


def _when(info: ZoneInfo, before: int, after: int) -> int:
    """The first second of the new offset, somewhere in ``(before, after]``."""
    old = _offset(info, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(info, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(info: ZoneInfo, second: int) -> int:
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(info).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


@cache
def _countries() -> dict[str, str]:
    known = dict(_OLD_NAMES)
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            known[zone] = country
    return known


def country_of(zone: str | None) -> str | None:
    """The country (ISO 3166) in which a zone lies, if it lies in one."""
    return None if zone is None else _countries().get(zone)


def weekday(day: Day) -> int:
    """0 is Monday, 6 is Sunday."""
    return (day + 3) % 7
