"""Business time as a function of real time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from arrears.domain.clock import REAL_TIME, Clock

instants = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (bounds are given without a zone)
NAIVE = datetime.fromisoformat("2026-01-01T00:00:00")
day_lengths = st.floats(0.5, 200_000)


@st.composite
def clocks(draw: st.DrawFn) -> Clock:
    return Clock(real_epoch=draw(instants), business_epoch=draw(instants), day_seconds=draw(day_lengths))


spans = st.timedeltas(timedelta(days=-2), timedelta(days=2))


@given(instants)
def test_real_time_is_the_time_itself(real: datetime) -> None:
    assert REAL_TIME.at(real) == real == REAL_TIME.real_time(real)
    assert REAL_TIME.real_duration(timedelta(days=3)) == timedelta(days=3)


@given(clocks())
def test_at_its_real_epoch_a_clock_shows_its_business_epoch(clock: Clock) -> None:
    assert clock.at(clock.real_epoch) == clock.business_epoch
    assert clock.real_time(clock.business_epoch) == clock.real_epoch


@given(clocks(), spans, spans)
def test_time_never_runs_backwards(clock: Clock, one: timedelta, other: timedelta) -> None:
    earlier, later = sorted((clock.real_epoch + one, clock.real_epoch + other))
    assert clock.at(earlier) <= clock.at(later)


@given(clocks(), st.integers(-20_000, 20_000))
def test_a_business_day_lasts_day_seconds(clock: Clock, days: int) -> None:
    real = clock.real_time(clock.business_epoch + timedelta(days=days)) - clock.real_epoch
    assert abs(real.total_seconds() - days * clock.day_seconds) < 1e-5 + abs(days * clock.day_seconds) * 1e-12


@given(clocks(), spans)
def test_there_and_back_again_loses_no_more_than_a_tick_of_the_clock(clock: Clock, span: timedelta) -> None:
    real = clock.real_epoch + span
    tick = timedelta(microseconds=1 + 86_400 / clock.day_seconds)
    assert abs(clock.real_time(clock.at(real)) - real) <= timedelta(microseconds=1 + clock.day_seconds / 86_400)
    assert abs(clock.at(clock.real_time(clock.at(real))) - clock.at(real)) <= tick


@given(clocks(), spans)
def test_whatever_zone_an_instant_is_written_in_it_is_the_same_instant(clock: Clock, span: timedelta) -> None:
    real = clock.real_epoch + span
    assert clock.at(real) == clock.at(real.astimezone(ZoneInfo("America/New_York"))) == clock.at(real.astimezone(ZoneInfo("Asia/Shanghai")))
    assert clock.at(real.astimezone(ZoneInfo("Europe/London"))).tzinfo is UTC


def test_a_clock_that_starts_in_a_local_zone_keeps_step_across_a_change_of_the_clock() -> None:
    new_york = ZoneInfo("America/New_York")
    before, after = datetime(2026, 3, 7, 12, tzinfo=new_york), datetime(2026, 3, 9, 12, tzinfo=new_york)
    clock = Clock(real_epoch=before, business_epoch=before)
    assert clock.at(after) == after
    assert clock.real_time(after) == after


def test_a_demo_day_of_five_seconds() -> None:
    clock = Clock(real_epoch=datetime(2026, 11, 21, 9, tzinfo=UTC), business_epoch=datetime(2026, 11, 1, tzinfo=UTC), day_seconds=5)
    assert clock.at(datetime(2026, 11, 21, 9, 0, 30, tzinfo=UTC)) == datetime(2026, 11, 7, tzinfo=UTC)
    assert clock.real_duration(timedelta(hours=12)) == timedelta(seconds=2.5)


@pytest.mark.parametrize("day_seconds", [0, -1, float("inf"), float("nan")])
def test_a_day_must_last_some_time(day_seconds: float) -> None:
    with pytest.raises(ValidationError):
        Clock(real_epoch=datetime(2026, 1, 1, tzinfo=UTC), day_seconds=day_seconds)


def test_a_fast_clock_must_say_when_it_started() -> None:
    with pytest.raises(ValidationError, match="real_epoch"):
        Clock(day_seconds=5)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        REAL_TIME.at(NAIVE)
    with pytest.raises(ValidationError):
        Clock(real_epoch=NAIVE, day_seconds=5)


@given(clocks())
def test_a_clock_survives_the_trip_through_a_history(clock: Clock) -> None:
    assert Clock.model_validate_json(clock.model_dump_json()) == clock
