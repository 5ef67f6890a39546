"""The United States: how often, at what hours and with what voice people are called, at the boundary second and over changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.config.law import is_tighter
from arrears.domain.verdict import Effect
from tests.domain.law.abroad import LAW, us

ZONES = st.sampled_from(
    ["America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "America/Phoenix", "America/Puerto_Rico", "Pacific/Guam"]
)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
COUNTING = ["no_answer", "voicemail", "someone_else"]
NOT_COUNTING = ["busy", "invalid_number", "not_sent", "denied", "skipped", "failed"]


@pytest.mark.parametrize("channel", ["call", "sms", "email", "in_app", "letter"])
def test_an_ordinary_contact_breaks_no_rule(channel: str) -> None:
    assert us(channel).verdict.effect is Effect.ALLOW


@pytest.mark.parametrize("days", [[12, 13, 14, 15, 16, 17, 18], [12] * 7, [12, 12, 12, 18, 18, 18, 18]])
def test_us_01_the_eighth_call_in_seven_days_waits_until_the_first_day_drops_out(days: list[int]) -> None:
    told = us().at("2026-11-18T15:00")
    for at, day in enumerate(days):
        told.past(f"2026-11-{day}T09:{at:02d}", "no_answer")
    assert told.until("US-01") == "2026-11-19T00:00"


@pytest.mark.parametrize("outcome", [*COUNTING, "answered", "unknown", None])
def test_us_01_whatever_may_have_rung_counts(outcome: str | None) -> None:
    told = us()
    for day in range(12, 19):
        told.past(f"2026-11-{day}T09:00", outcome)
    assert told.effect("US-01") is Effect.DEFER


@pytest.mark.parametrize("outcome", NOT_COUNTING)
def test_us_01_what_did_not_ring_does_not_count(outcome: str) -> None:
    told = us()
    for day in range(12, 19):
        told.past(f"2026-11-{day}T09:00", outcome)
    assert told.effect("US-01") is None


@pytest.mark.parametrize("more", [{"person": "emergency"}, {"loan": "L-2"}, {"by": "agency-1"}, {"direction": "in"}, {"channel": "sms"}])
def test_us_01_counts_for_each_collector_person_and_debt(more: dict[str, str]) -> None:
    told = us().tied("emergency")
    for day in range(12, 19):
        told.past(f"2026-11-{day}T09:00", "no_answer", **({"channel": "call"} | more))
    assert told.effect("US-01") is None


def test_us_01_counts_over_all_numbers_of_a_person() -> None:
    told = us()
    for day in range(12, 19):
        told.past(f"2026-11-{day}T09:00", "no_answer", contact_point=f"n{day}")
    assert told.effect("US-01") is Effect.DEFER


def test_us_01_calls_to_the_attorney_do_not_count_and_are_not_counted() -> None:
    told = us().to("attorney")
    for day in range(12, 19):
        told.past(f"2026-11-{day}T09:00", "no_answer", person="attorney")
    assert told.effect("US-01") is None


@pytest.mark.parametrize(("given_on", "called_on", "covered"), [(11, 18, False), (12, 12, True), (18, 18, True)])
def test_us_01_direct_consent_lasts_seven_days_with_its_own(given_on: int, called_on: int, covered: bool) -> None:
    told = us().consent("more_calls", f"2026-11-{given_on}T08:30")
    for minute in range(7):
        told.past(f"2026-11-{called_on}T08:0{minute}", "no_answer")
    assert told.effect("US-01") is (Effect.ALLOW if covered else Effect.DEFER)


def test_us_01_a_withdrawn_consent_is_none() -> None:
    told = us().consent("more_calls", "2026-11-18T08:30", withdrawn_at="2026-11-18T11:59:59-05:00")
    for minute in range(7):
        told.past(f"2026-11-18T08:0{minute}", "no_answer")
    assert told.effect("US-01") is Effect.DEFER


def test_us_01_calls_under_consent_do_not_count_when_it_is_over() -> None:
    told = us().consent("more_calls", "2026-11-11T08:30")
    for day in range(11, 18):
        told.past(f"2026-11-{day}T09:00", "no_answer")
    assert told.effect("US-01") is None


@pytest.mark.parametrize("night", ["2026-11-01", "2026-03-08"], ids=["clocks go back", "clocks go forward"])
def test_us_01_days_are_calendar_days_over_a_change_of_the_clock(night: str) -> None:
    first = date.fromisoformat(night) - timedelta(days=3)
    told = us().at(f"{first + timedelta(days=6)}T20:00")
    for n in range(7):
        told.past(f"{first + timedelta(days=n)}T08:00", "no_answer")
    assert told.until("US-01") == f"{first + timedelta(days=7)}T00:00"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10 * 1440), st.sampled_from([*COUNTING, *NOT_COUNTING])), max_size=14), INSTANTS, ZONES)
def test_us_01_agrees_with_a_plain_recount(calls: list[tuple[int, str]], now: datetime, zone: str) -> None:
    told = us().person(zone=zone).point(zones=[zone])
    told.document["at"] = now.isoformat()
    days: list[date] = []
    for minutes, outcome in calls:
        at = now - timedelta(minutes=minutes)
        told.past("2026-11-18T12:00", outcome)
        told.document["history"][-1]["at"] = at.isoformat()
        if outcome in COUNTING:
            days.append(at.astimezone(ZoneInfo(zone)).date())
    today = free = now.astimezone(ZoneInfo(zone)).date()
    while sum(free - timedelta(days=6) <= day <= free for day in days) >= 7:
        free += timedelta(days=1)
    found = told.says("US-01")
    assert (found is None) == (free == today)
    if found:
        assert found.until is not None
        assert found.until.astimezone(ZoneInfo(zone)).date() == free


@pytest.mark.parametrize(("at", "until"), [("2026-11-24T23:59:59", "2026-11-25T00:00"), ("2026-11-25T00:00:00", None)])
@pytest.mark.parametrize("more", [{}, {"direction": "in"}])
def test_us_02_the_day_of_a_conversation_is_day_one_and_day_eight_is_free(at: str, until: str | None, more: dict[str, str]) -> None:
    assert us().past("2026-11-18T00:00:01", "answered", **more).at(at).until("US-02") == until


@pytest.mark.parametrize("outcome", ["answered_refusing", "answered_disputes", "relayed", "opted_out", "unknown", None])
def test_us_02_whatever_was_or_may_have_been_a_conversation_counts(outcome: str | None) -> None:
    assert us().past("2026-11-17T10:00", outcome).effect("US-02") is Effect.DEFER


@pytest.mark.parametrize("outcome", ["no_answer", "voicemail", "busy", "someone_else", "invalid_number"])
def test_us_02_what_was_no_conversation_with_the_person_does_not(outcome: str) -> None:
    assert us().past("2026-11-17T10:00", outcome).effect("US-02") is None


@pytest.mark.parametrize("more", [{"loan": "L-2"}, {"by": "agency-1"}, {"person": "emergency"}])
def test_us_02_a_conversation_about_another_debt_or_with_others_starts_no_gap(more: dict[str, str]) -> None:
    assert us().tied("emergency").past("2026-11-17T10:00", "answered", **more).effect("US-02") is None


def test_us_03_a_conversation_that_they_began_starts_the_gap_and_their_calls_do_not_count_to_seven() -> None:
    told = us()
    for day in range(12, 19):
        told.past(f"2026-11-{day}T09:00", "answered", direction="in")
    assert told.effect("US-01") is None
    assert told.until("US-02") == "2026-11-25T00:00"


def test_us_04_student_loans_under_one_account_number_are_one_debt() -> None:
    told = us().loan(account="S-1")
    told.document["loans"].append({"loan_id": "L-2", "borrower": "P-1", "account": "S-1"})
    assert told.past("2026-11-17T10:00", "answered", loan="L-2").effect("US-02") is Effect.DEFER


def test_us_05_consent_ends_with_the_conversation_that_follows_it() -> None:
    told = us().consent("more_calls", "2026-11-16T10:10").past("2026-11-16T10:00", "answered")
    assert told.effect("US-02") is Effect.ALLOW
    assert told.past("2026-11-17T10:00", "answered").effect("US-02") is Effect.DEFER


def test_us_06_seven_voicemails_are_seven_calls() -> None:
    told = us()
    for day in range(12, 19):
        told.past(f"2026-11-{day}T09:00", "voicemail")
    assert told.effect("US-01") is Effect.DEFER


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "invalid_number", None])
def test_us_07_two_hours_lie_between_two_calls_whatever_came_of_the_first(outcome: str | None) -> None:
    assert us().past("2026-11-18T10:00:01", outcome).until("US-07") == "2026-11-18T12:00:01"
    assert us().past("2026-11-18T10:00:00", outcome).effect("US-07") is None


def test_us_07_counts_over_all_debts_and_callers() -> None:
    told = us().past("2026-11-18T08:00", "busy", loan="L-2").past("2026-11-18T09:00", "no_answer", by="agency-1")
    assert told.until("US-07") == "2026-11-19T00:00"


def test_us_07_a_call_that_never_left_disturbed_nobody() -> None:
    assert us().past("2026-11-18T11:59", "failed").effect("US-07") is None


@pytest.mark.parametrize("numbers", [{"gap_minutes": 4}, {"most": 7}, {"most": 0}])
def test_us_07_nobody_can_go_below_five_minutes_or_above_six_calls(numbers: dict[str, int]) -> None:
    terms = LAW["us"].terms["US-07"]
    assert terms.soft
    with pytest.raises(ValueError, match=r"gap_minutes|most"):
        type(terms).model_validate(terms.model_dump() | numbers)


@pytest.mark.parametrize(("channel", "most"), [("sms", 2), ("email", 1), ("in_app", 1), ("letter", 1)])
def test_us_08_each_medium_has_its_number_a_day(channel: str, most: int) -> None:
    told = us(channel)
    for n in range(most):
        assert told.effect("US-08") is None
        told.past(f"2026-11-18T08:0{n}", "delivered", channel)
    assert told.until("US-08") == "2026-11-19T00:00"


def test_us_08_all_media_are_judged_together() -> None:
    told = us()
    for n in range(15):
        told.past(f"2026-11-{12 + n % 6}T09:{n:02d}", "delivered", ["sms", "email", "in_app", "call"][n % 4])
    assert told.until("US-08") == "2026-11-19T00:00"


def test_us_08_answers_are_not_capped() -> None:
    told = us("sms", klass="reply", purpose="reply")
    for n in range(5):
        told.past(f"2026-11-18T08:0{n}", "delivered", "sms")
    assert told.effect("US-08") is None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-18T07:59:59", "2026-11-18T08:00"),
        ("2026-11-18T08:00:00", None),
        ("2026-11-18T20:59:59", None),
        ("2026-11-18T21:00:00", "2026-11-19T08:00"),
        ("2026-10-31T21:00:00", "2026-11-01T08:00"),
        ("2026-03-08T01:59:59", "2026-03-08T08:00"),
        ("2026-03-08T03:00:00", "2026-03-08T08:00"),
    ],
)
def test_us_10_contact_begins_between_eight_and_nine_at_night(at: str, until: str | None) -> None:
    assert us().at(at).until("US-10") == until


@settings(max_examples=200, deadline=None)
@given(INSTANTS, ZONES, ZONES)
def test_us_10_home_and_number_both_lie_inside(now: datetime, home: str, number: str) -> None:
    told = us().person(zone=home).point(zones=[number])
    told.document["at"] = now.isoformat()

    def inside(at: datetime) -> bool:
        return all(time(8) <= at.astimezone(ZoneInfo(zone)).time() < time(21) for zone in (home, number))

    found = told.says("US-10")
    assert (found is None) == inside(now)
    if found and found.until:
        assert inside(found.until)
        step = now
        while step < found.until:
            assert not inside(step)
            step += timedelta(minutes=15)


def test_us_10_a_number_that_may_be_anywhere_must_be_inside_everywhere() -> None:
    told = us().point(zones=["America/New_York", "America/Chicago", "Pacific/Honolulu"]).at("2026-11-18T12:00")
    assert told.until("US-10") == "2026-11-18T13:00"


def test_us_10_without_any_zone_nobody_is_called() -> None:
    assert us().person(zone=None).point(zones=[]).effect("US-10") is Effect.DENY


def test_us_10_the_numbers_zone_does_not_matter_for_a_mail() -> None:
    assert us("email").at("2026-11-18T08:30").effect("US-10") is None


def test_us_11_hours_that_do_not_suit_are_left_at_their_end() -> None:
    told = us().wish("no_hours", hours={"start": "12:00", "end": "13:30"}).wish("no_hours", hours={"start": "13:30", "end": "17:00"})
    assert told.until("US-11") == "2026-11-18T17:00"
    assert told.at("2026-11-18T17:00").effect("US-11") is None
    assert told.at("2026-11-18T11:59:59").effect("US-11") is None


def test_us_11_an_hour_that_comes_twice_is_left_after_the_second() -> None:
    told = us().wish("no_hours", hours={"start": "00:30", "end": "01:30"})
    told.document["people"][0]["wishes"][0]["at"] = "2026-01-01T00:00:00Z"
    told.document["at"] = "2026-11-01T06:10:00+00:00"  # 1:10 for the second time
    found = told.says("US-11")
    assert found is not None
    assert found.until == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_us_11_whoever_wants_no_hour_at_all_is_not_called() -> None:
    told = (
        us().wish("no_hours", hours={"start": "00:00", "end": "12:00"}).wish("no_hours", hours={"start": "12:00", "end": "23:59:59.999999"})
    )
    assert told.at("2026-11-18T12:00").effect("US-11") in (Effect.DENY, Effect.DEFER)


@pytest.mark.parametrize("channel", ["call", "letter", "visit"])
def test_us_11_a_place_that_does_not_suit_is_left_alone(channel: str) -> None:
    assert us(channel).wish("no_address", contact_point="p1").effect("US-11") is Effect.DENY
    assert us(channel).wish("no_address", contact_point="p9").effect("US-11") is None


@pytest.mark.parametrize(
    ("consented", "kind", "effect"),
    [(False, "mobile", Effect.DENY), (True, "mobile", None), (False, "landline", None)],
)
def test_us_70_an_artificial_voice_to_a_mobile_needs_consent(consented: bool, kind: str, effect: Effect | None) -> None:
    told = us().action(artificial_voice=True).point(kind=kind)
    if consented:
        told.consent("artificial_voice", "2026-10-01T10:00")
    assert told.effect("US-70") is effect


def test_us_70_a_human_voice_needs_none() -> None:
    assert us().effect("US-70") is None


def test_us_70_consent_to_texts_is_no_consent_to_voices() -> None:
    assert us().action(artificial_voice=True).consent("texts", "2026-10-01T10:00").effect("US-70") is Effect.DENY


def test_us_71_a_stop_counts_from_the_second_it_came() -> None:
    told = us("sms").past("2026-11-18T12:00:00", "opted_out", "sms", direction="in")
    assert told.effect("US-71") is Effect.DENY
    assert told.at("2026-11-18T11:59:59").effect("US-71") is None


def test_us_71_one_text_may_confirm_it_and_a_new_consent_ends_it() -> None:
    stopped = us("sms", klass="opt_out_confirmation", purpose="confirm_opt_out").past(
        "2026-11-18T11:00", "opted_out", "sms", direction="in"
    )
    assert stopped.effect("US-71") is None
    again = us("sms").past("2026-11-18T10:00", "opted_out", "sms", direction="in").consent("texts", "2026-11-18T11:00")
    assert again.effect("US-71") is None


@pytest.mark.parametrize(
    ("residence", "country", "effect"), [("US-MA", "US", Effect.DEFER), ("US-NY", "US-MA", Effect.DEFER), ("US-NY", "US", None)]
)
def test_us_73_massachusetts_allows_two_calls_or_texts_in_seven_days(residence: str, country: str, effect: Effect | None) -> None:
    told = us().person(residence=residence).point(country=country)
    assert told.past("2026-11-12T10:00", "no_answer").effect("US-73") is None
    assert told.past("2026-11-15T10:00", "delivered", "sms").effect("US-73") is effect


def test_us_73_the_third_waits_for_the_eighth_day() -> None:
    told = us().person(residence="US-MA").past("2026-11-12T10:00", "no_answer").past("2026-11-15T10:00", "no_answer")
    assert told.until("US-73") == "2026-11-19T00:00"


def test_a_lender_can_tighten_the_numbers_of_calls() -> None:
    fields = type(LAW["us"].terms["US-01"]).model_fields
    extra = fields["most"].json_schema_extra
    assert isinstance(extra, dict)
    assert is_tighter(str(extra["tighter"]), 7, 5)
    assert not is_tighter(str(extra["tighter"]), 7, 8)
