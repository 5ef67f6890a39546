"""Days, local times and windows, on the nights when clocks change too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from time import process_time_ns as time_ns
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from arrears.domain.calendar import ONE_DAY, LadderCalendar, Pause, Window, ZoneName, local_date, local_instant, local_time

ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",  # changes by half an hour
    "America/Sao_Paulo",  # used to change at midnight
    "Africa/Cairo",
    "Asia/Kathmandu",  # 45 minutes off the hour
    "America/St_Johns",
    "Pacific/Apia",  # left out a whole day
)
DAY_LEFT_OUT = date(2011, 12, 30)

zones = st.sampled_from(ZONES)
days = st.dates(date(2000, 1, 1), date(2037, 12, 31))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 (bounds are given without a zone)
NAIVE = datetime.fromisoformat("2026-01-01T00:00:00")
times = st.times().map(lambda t: t.replace(microsecond=0, fold=0))
windows = st.tuples(times, times).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: Window(start=pair[0], end=pair[1]))


def new_york(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo("America/New_York"), fold=fold).astimezone(UTC)  # type: ignore[arg-type, misc]


class TestLocalTimes:
    @given(days, times, zones)
    def test_the_instant_of_a_local_time_falls_on_its_day_unless_the_zone_left_the_day_out(self, day: date, at: time, zone: str) -> None:
        instant = local_instant(day, at, zone)
        assert instant.tzinfo is UTC
        if (zone, day) != ("Pacific/Apia", DAY_LEFT_OUT):
            assert local_date(instant, zone) == day

    @given(days, times, zones)
    def test_the_instant_shows_the_local_time_or_lies_the_skipped_span_later(self, day: date, at: time, zone: str) -> None:
        shown = local_instant(day, at, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert timedelta() <= shown - datetime.combine(day, at) <= ONE_DAY

    @given(days, times, zones)
    @example(date(2026, 11, 1), time(1, 30), "America/New_York")
    def test_a_time_that_happens_twice_is_taken_at_its_first_occurrence(self, day: date, at: time, zone: str) -> None:
        instant = local_instant(day, at, zone)
        second = datetime.combine(day, at.replace(fold=1), tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if local_time(second, zone) == at:
            assert instant <= second

    def test_a_time_in_the_skipped_hour_becomes_the_same_span_after_the_change(self) -> None:
        assert local_instant(date(2026, 3, 8), time(2, 30), "America/New_York") == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
        assert local_time(datetime(2026, 3, 8, 7, 30, tzinfo=UTC), "America/New_York") == time(3, 30)

    def test_midnight_that_is_skipped_is_one_oclock_of_the_same_day(self) -> None:
        instant = local_instant(date(2018, 11, 4), time(0), "America/Sao_Paulo")
        assert (local_date(instant, "America/Sao_Paulo"), local_time(instant, "America/Sao_Paulo")) == (date(2018, 11, 4), time(1))

    @given(instants, zones)
    def test_a_later_instant_never_falls_on_an_earlier_day(self, instant: datetime, zone: str) -> None:
        assert local_date(instant, zone) <= local_date(instant + timedelta(hours=1), zone)

    @pytest.mark.parametrize("ask", [local_date, local_time])
    def test_an_instant_without_a_zone_is_refused(self, ask: object) -> None:
        with pytest.raises(ValueError, match="needs a zone"):
            ask(NAIVE, "Asia/Shanghai")  # type: ignore[operator]

    @pytest.mark.parametrize("name", ["", "Asia", "Asia/Nowhere", "../../etc/passwd", "/etc/localtime", "UTC+8"])
    def test_what_is_no_time_zone_is_refused_with_an_example(self, name: str) -> None:
        with pytest.raises(ValidationError, match="Asia/Shanghai"):
            TypeAdapter(ZoneName).validate_python(name)


class TestWindow:
    def test_it_includes_its_start_and_excludes_its_end(self) -> None:
        law = Window(start=time(8), end=time(22))
        shanghai = "Asia/Shanghai"
        on = date(2026, 11, 3)
        assert not law.contains(local_instant(on, time(7, 59, 59), shanghai), shanghai)
        assert law.contains(local_instant(on, time(8), shanghai), shanghai)
        assert law.contains(local_instant(on, time(21, 59, 59), shanghai), shanghai)
        assert not law.contains(local_instant(on, time(22), shanghai), shanghai)

    @given(windows, instants, zones)
    @example(Window(start=time(1, 30), end=time(2)), new_york(2026, 11, 1, 1, 10, fold=1), "America/New_York")
    @example(Window(start=time(2, 10), end=time(2, 40)), new_york(2026, 3, 8, 1, 50), "America/New_York")
    @example(Window(start=time(9), end=time(20)), datetime(2011, 12, 30, 7, tzinfo=UTC), "Pacific/Apia")
    def test_it_opens_inside_itself_and_never_in_the_past(self, window: Window, instant: datetime, zone: str) -> None:
        opens = window.opens(instant, zone)
        assert opens >= instant
        assert window.contains(opens, zone)

    @given(windows, instants, zones)
    def test_inside_it_is_open_already(self, window: Window, instant: datetime, zone: str) -> None:
        assert (window.opens(instant, zone) == instant) == window.contains(instant, zone)

    @given(windows, instants, zones)
    def test_it_opens_within_two_days(self, window: Window, instant: datetime, zone: str) -> None:
        # A day's wait, an hour for the clock, and the one day that a change can skip.
        assert window.opens(instant, zone) - instant <= timedelta(days=2, hours=2)

    def test_a_window_that_the_night_of_the_change_skips_opens_the_day_after(self) -> None:
        skipped = Window(start=time(2, 10), end=time(2, 40))
        assert skipped.opens(new_york(2026, 3, 8, 1, 50), "America/New_York") == new_york(2026, 3, 9, 2, 10)

    def test_in_the_repeated_hour_it_opens_a_second_time(self) -> None:
        early = Window(start=time(1, 30), end=time(2))
        assert early.opens(new_york(2026, 11, 1, 1, 10, fold=1), "America/New_York") == new_york(2026, 11, 1, 1, 30, fold=1)

    @given(windows, instants, zones)
    def test_it_closes_on_the_same_local_day(self, window: Window, instant: datetime, zone: str) -> None:
        assert local_date(window.closes(instant, zone), zone) == local_date(instant, zone)

    @pytest.mark.parametrize(("start", "end"), [("20:00", "09:00"), ("09:00", "09:00"), ("09:00Z", "20:00"), ("09:00", "20:00+08:00")])
    def test_one_that_ends_before_it_starts_or_names_a_zone_is_refused(self, start: str, end: str) -> None:
        with pytest.raises(ValidationError):
            Window.model_validate({"start": start, "end": end})


ZERO = date(2026, 3, 1)
spans = st.tuples(st.integers(-10, 80), st.integers(0, 23), st.integers(0, 30))


def pause(span: tuple[int, int, int], *, open_ended: bool = False) -> Pause:
    """A pause from some hours after ``ZERO`` for some days."""
    starts, hour, lasts = span
    since = datetime(2026, 3, 1, hour, tzinfo=UTC) + ONE_DAY * starts
    return Pause(reason="hold", since=since, until=None if open_ended else since + ONE_DAY * lasts)


pauses = st.lists(spans.map(pause), max_size=6).map(tuple)
some_open_ended = st.lists(st.tuples(spans, st.booleans()).map(lambda p: pause(p[0], open_ended=p[1])), max_size=4).map(tuple)
calendars = zones.map(lambda zone: LadderCalendar(zone=zone))
ladder_days = st.integers(0, 60)


class TestLadderDays:
    @given(calendars, st.integers(0, 400))
    def test_without_pauses_the_ladder_counts_days(self, calendar: LadderCalendar, n: int) -> None:
        assert calendar.ladder_day(ZERO, (), ZERO + ONE_DAY * n) == n
        assert calendar.date_of(n, ZERO, ()) == ZERO + ONE_DAY * n

    @given(calendars, some_open_ended, st.integers(0, 120))
    def test_the_count_never_goes_back_and_never_skips_a_day(self, calendar: LadderCalendar, pauses: tuple[Pause, ...], n: int) -> None:
        on = ZERO + ONE_DAY * n
        assert calendar.ladder_day(ZERO, pauses, on + ONE_DAY) - calendar.ladder_day(ZERO, pauses, on) in (0, 1)

    @given(calendars, pauses, ladder_days)
    def test_a_ladder_day_falls_on_the_first_date_that_shows_it(
        self, calendar: LadderCalendar, pauses: tuple[Pause, ...], day: int
    ) -> None:
        on = calendar.date_of(day, ZERO, pauses)
        assert on is not None
        assert calendar.ladder_day(ZERO, pauses, on) == day
        assert day == 0 or calendar.ladder_day(ZERO, pauses, on - ONE_DAY) == day - 1

    def test_a_pause_of_a_thousand_years_is_counted_at_once(self) -> None:
        calendar, far = LadderCalendar(zone="Asia/Shanghai"), datetime(2999, 12, 31, tzinfo=UTC)
        long = Pause(reason="hold", since=datetime(2026, 3, 1, 1, tzinfo=UTC), until=far)
        begun = time_ns()
        for day in range(100):
            assert calendar.date_of(day, ZERO, (long,)) == (ZERO if day == 0 else far.date() + ONE_DAY * day)
        # Day by day this took minutes, and a workflow may think for two seconds.
        assert time_ns() - begun < 2e9

    @given(calendars, pauses, spans, ladder_days)
    def test_one_more_pause_never_makes_a_day_come_earlier(
        self, calendar: LadderCalendar, pauses: tuple[Pause, ...], span: tuple[int, int, int], day: int
    ) -> None:
        before, after = calendar.date_of(day, ZERO, pauses), calendar.date_of(day, ZERO, (*pauses, pause(span)))
        assert before is not None
        assert after is not None
        assert before <= after

    @given(calendars, pauses, ladder_days)
    def test_the_order_and_repetition_of_pauses_do_not_matter(self, calendar: LadderCalendar, pauses: tuple[Pause, ...], day: int) -> None:
        assert calendar.date_of(day, ZERO, pauses) == calendar.date_of(day, ZERO, (*reversed(pauses), *pauses))

    @given(calendars, some_open_ended, ladder_days)
    def test_a_day_behind_an_open_ended_pause_has_no_date_and_one_before_it_keeps_its_own(
        self, calendar: LadderCalendar, pauses: tuple[Pause, ...], day: int
    ) -> None:
        on = calendar.date_of(day, ZERO, pauses)
        stands_from = min((calendar.day_of(p.since) for p in pauses if p.until is None), default=date.max)
        settled = tuple(p for p in pauses if p.until is not None)
        expected = calendar.date_of(day, ZERO, settled)
        assert expected is not None
        assert on == (expected if expected <= max(stands_from, ZERO) or day == 0 else None)

    def test_a_hold_of_three_nights_moves_everything_by_three_days(self) -> None:
        calendar = LadderCalendar(zone="Asia/Shanghai")
        hold = Pause(
            reason="dispute", since=datetime(2026, 3, 3, 2, tzinfo=UTC), until=datetime(2026, 3, 6, 9, tzinfo=UTC)
        )  # 10:00 on the 3rd to 17:00 on the 6th in Shanghai
        assert [calendar.date_of(day, ZERO, [hold]) for day in (0, 2, 3, 7)] == [
            date(2026, 3, 1),
            date(2026, 3, 3),
            date(2026, 3, 7),
            date(2026, 3, 11),
        ]

    def test_a_pause_within_one_local_day_costs_nothing_and_overlapping_ones_count_once(self) -> None:
        calendar = LadderCalendar(zone="Asia/Shanghai")
        within = pause((2, 1, 0)).model_copy(update={"until": datetime(2026, 3, 3, 9, tzinfo=UTC)})
        assert calendar.paused_days([within], ZERO, ZERO + ONE_DAY * 10) == 0
        assert calendar.paused_days([pause((2, 1, 3)), pause((3, 1, 3))], ZERO, ZERO + ONE_DAY * 10) == 4

    @given(calendars, instants, spans)
    def test_a_pause_is_in_force_from_its_start_until_just_before_its_end(
        self, calendar: LadderCalendar, now: datetime, span: tuple[int, int, int]
    ) -> None:
        stands = pause(span)
        assert stands.until is not None
        assert stands.in_force(now) == (stands.since <= now < stands.until)

    @given(st.sets(st.dates(date(2026, 9, 20), date(2026, 10, 20))), st.dates(date(2026, 9, 20), date(2026, 10, 20)))
    def test_a_rest_day_gives_way_to_the_first_working_day_after_it(self, rest: set[date], day: date) -> None:
        calendar = LadderCalendar(zone="Asia/Shanghai", rest_days=frozenset(rest))
        found = calendar.open_day(day)
        assert found not in rest
        assert all(day + ONE_DAY * n in rest for n in range((found - day).days))

    @given(days, times, calendars)
    def test_the_calendar_speaks_of_its_own_zone(self, day: date, at: time, calendar: LadderCalendar) -> None:
        assert calendar.instant(day, at) == local_instant(day, at, calendar.zone)
        assert calendar.day_of(calendar.instant(day, at)) == local_date(local_instant(day, at, calendar.zone), calendar.zone)
