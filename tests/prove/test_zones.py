"""Local days and hours, against the standard library's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.prove.model import day_number, instant
from arrears.prove.zones import Zones, country_of, weekday

ZONES = sorted(available_timezones() - {"localtime"})
KNOWN = Zones()


@given(
    seconds=st.integers(0, 70 * 366 * 86_400),
    zone=st.sampled_from(["Asia/Gaza", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", *ZONES]),
)
def test_days_and_seconds_are_those_of_the_zone(seconds: int, zone: str) -> None:
    at = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    local = at.astimezone(ZoneInfo(zone))
    assert KNOWN.local(zone, instant(at)) == (day_number(local.date()), local.hour * 3600 + local.minute * 60 + local.second)


@pytest.mark.parametrize(
    ("zone", "changes"),
    [("America/New_York", "2026-11-01T06:00:00+00:00"), ("Europe/London", "2027-03-28T01:00:00+00:00"), ("Asia/Gaza", "2013-09-26T21:00:00+00:00")],
)  # fmt: skip
def test_the_clock_changes_at_its_very_second(zone: str, changes: str) -> None:
    at = int(datetime.fromisoformat(changes).timestamp())
    for second in (at - 1, at):
        offset = datetime.fromtimestamp(second, ZoneInfo(zone)).utcoffset()
        assert offset is not None
        assert KNOWN.offset(zone, second) == offset.total_seconds()
    assert KNOWN.offset(zone, at - 1) != KNOWN.offset(zone, at)


def test_an_unknown_name_is_no_zone() -> None:
    assert KNOWN.local("Atlantis/Capital", 0) is None
    assert KNOWN.local("../etc/passwd", 0) is None


def test_zones_lie_in_countries() -> None:
    assert country_of("Asia/Shanghai") == "CN"
    assert country_of("America/Chicago") == "US"
    assert country_of("Asia/Calcutta") == "IN"
    assert country_of("UTC") is None
    assert country_of(None) is None


def test_the_day_of_the_week() -> None:
    assert [weekday(day_number(date(2026, 11, day))) for day in (23, 28, 29)] == [0, 5, 6]
