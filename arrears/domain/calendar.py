"""Days, local times and windows, always in a named zone.

``ZoneInfo`` is used in here only: workflow code may not touch it, and a date without a zone means nothing to a borrower.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, model_validator

ONE_DAY = timedelta(days=1)

_FIRST, _LAST = date(1900, 1, 1), date(8999, 12, 31)


def _countable(day: date) -> date:
    if not _FIRST <= day <= _LAST:
        raise ValueError(f"must lie between {_FIRST} and {_LAST}: no day or instant is counted beyond")
    return day


def _countable_instant(at: datetime) -> datetime:
    _countable(at.date())
    return at


Day = Annotated[date, AfterValidator(_countable)]
"""A date that somebody tells us, far enough from the ends of the calendar that days can be added and zones changed."""

Instant = Annotated[AwareDatetime, AfterValidator(_countable_instant)]
"""An instant that somebody tells us, as far from the ends of the calendar."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ValueError(f"{name!r} is not an IANA time zone such as 'Asia/Shanghai'") from unknown
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone, such as ``Asia/Shanghai``."""


def _without_zone(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a local time is given without a zone: it is the person's own")
    return at


@cache
def _countries() -> dict[str, str]:
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


@cache
def zone_of(country: str) -> str:
    """The zone of a country's clocks; of a large one, the zone in which most of its people live. UTC for a place that is not known.

    ``country`` is an ISO 3166 code, with or without a part of it behind a hyphen.
    """
    wanted = country.partition("-")[0]
    # The table names a country's most populous zone first.
    return next((zone for zone, code in _countries().items() if code == wanted), "UTC")


def country_of(zone: str) -> str | None:
    """The country, by its ISO 3166 code, in which a zone lies; ``None`` for one that lies in none, such as ``UTC``."""
    return _countries().get(zone)


LocalTime = Annotated[time, AfterValidator(_without_zone)]
"""A wall-clock time in whichever zone the person lives."""


def local_date(instant: datetime, zone: str) -> date:
    """The calendar day on which an aware instant falls in a zone."""
    return _in_zone(instant, zone).date()


def local_time(instant: datetime, zone: str) -> time:
    """The wall-clock time that an aware instant has in a zone."""
    return _in_zone(instant, zone).time()


def _in_zone(instant: datetime, zone: str) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")  # Python would take the machine's
    return instant.astimezone(ZoneInfo(zone))


def local_text(instant: datetime, zone: str) -> str:
    """An instant as people of a zone read it: ``2026-11-21 10:00``."""
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def local_instant(day: date, at: time, zone: str) -> datetime:
    """The UTC instant of a wall-clock time on a day in a zone.

    A time that a daylight-saving change skips becomes the same span after the change; one that happens twice is taken at its first occurrence.
    """
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def utc_midnight(day: date) -> datetime:
    """A date as an instant, for places that have no dates: the same in every zone."""
    return datetime.combine(day, time(0), UTC)


class Window(BaseModel):
    """Hours of a local day, half-open: ``start`` is inside, ``end`` is not. It does not cross midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: LocalTime
    end: LocalTime

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if not self.start < self.end:
            raise ValueError("a window must start before it ends, on the same day")
        return self

    def contains(self, instant: datetime, zone: str) -> bool:
        return self.start <= local_time(instant, zone) < self.end

    def opens(self, instant: datetime, zone: str) -> datetime:
        """``instant`` itself if it is inside, else the next opening after it."""
        if self.contains(instant, zone):
            return instant
        day = local_date(instant, zone)
        if local_time(instant, zone) >= self.end:
            day += ONE_DAY
        while True:
            opening = local_instant(day, self.start, zone)
            if opening < instant:
                opening = local_instant(day, self.start.replace(fold=1), zone)
            if self.contains(opening, zone):
                return opening
            # A change of the clock skipped the whole window on that day.
            day += ONE_DAY

    def closes(self, instant: datetime, zone: str) -> datetime:
        """The end of the window on the local day of ``instant``."""
        return local_instant(local_date(instant, zone), self.end, zone)


class Pause(BaseModel):
    """Time during which the ladder's own day count stands still; ``until`` is empty while it is open-ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    since: AwareDatetime
    until: AwareDatetime | None = None

    def in_force(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


class LadderCalendar(BaseModel):
    """The borrower's zone and rest days, resolved when the case opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: ZoneName
    rest_days: frozenset[date] = frozenset()

    def day_of(self, instant: datetime) -> date:
        return local_date(instant, self.zone)

    def instant(self, day: date, at: time) -> datetime:
        return local_instant(day, at, self.zone)

    def open_day(self, day: date) -> date:
        """``day``, or the first day after it that is no rest day."""
        while day in self.rest_days:
            day += ONE_DAY
        return day

    def paused_days(self, pauses: Iterable[Pause], start: date, end: date) -> int:
        """How many of the days in ``[start, end)`` a pause stood at the day's end, so that the ladder did not move on.

        A pause placed and lifted on the same local day costs nothing; overlapping pauses count once.
        """
        return sum((last - first).days for first, last in self._stood(pauses, start, end))

    def ladder_day(self, zero: date, pauses: Iterable[Pause], on: date) -> int:
        """The ladder's own day count on a local day; ``zero`` is the day on which it shows 0."""
        return (on - zero).days - self.paused_days(pauses, zero, on)

    def date_of(self, day: int, zero: date, pauses: Iterable[Pause]) -> date | None:
        """The first local day on which the ladder's count reaches ``day``; ``None`` while an open-ended pause stands before it."""
        pauses = tuple(pauses)
        on = zero + ONE_DAY * day
        # As long as a pause lasts, the count does not move; a pause that begins later does not matter.
        for first, last in self._stood((p for p in pauses if p.until is not None), zero, date.max):
            if first < on:
                on += last - first
        return on if self.ladder_day(zero, pauses, on) >= day else None

    def _stood(self, pauses: Iterable[Pause], start: date, end: date) -> list[tuple[date, date]]:
        """The days in ``[start, end)`` on which the ladder stood still, as spans in order that neither touch nor overlap.

        The second day of a span is the first after it.
        """
        spans = sorted((max(self.day_of(p.since), start), end if p.until is None else min(self.day_of(p.until), end)) for p in pauses)
        stood: list[tuple[date, date]] = []
        for first, last in spans:
            if stood and first <= stood[-1][1]:
                stood[-1] = (stood[-1][0], max(last, stood[-1][1]))
            elif first < last:
                stood.append((first, last))
        return stood
