"""India: hours in one zone, microfinance, and decency."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.domain.verdict import Effect
from tests.domain.law.abroad import india

DENY = Effect.DENY
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize("channel", ["call", "sms", "email", "in_app", "letter"])
def test_an_ordinary_contact_breaks_no_rule(channel: str) -> None:
    assert india(channel).verdict.effect is Effect.ALLOW


@settings(max_examples=100, deadline=None)
@given(INSTANTS, st.sampled_from([("consumer_loan", "IN-01", time(8), time(19)), ("microfinance", "IN-04", time(9), time(18))]))
def test_in_01_and_in_04_each_kind_of_loan_has_its_hours_of_indian_time(now: datetime, kind: tuple[str, str, time, time]) -> None:
    product, rule, opens, closes = kind
    told = india().loan(product=product)
    told.document["at"] = now.isoformat()
    found = told.says(rule)
    assert (found is None) == (opens <= now.astimezone(ZoneInfo("Asia/Kolkata")).time() < closes)
    assert told.says("IN-04" if rule == "IN-01" else "IN-01") is None
    if found:
        assert found.until is not None
        assert found.until.astimezone(ZoneInfo("Asia/Kolkata")).time() == opens


@pytest.mark.parametrize(
    ("at", "until"),
    [("2026-11-18T18:59:59", None), ("2026-11-18T19:00:00", "2026-11-19T08:00"), ("2026-11-18T07:59:59", "2026-11-18T08:00")],
)
def test_in_01_no_calls_from_seven_in_the_evening_to_eight_in_the_morning(at: str, until: str | None) -> None:
    assert india().at(at).until("IN-01") == until


def test_in_01_the_zone_of_somebody_in_india_is_known() -> None:
    assert india().person(zone=None).point(zones=[]).at("2026-11-18T19:00").until("IN-01") == "2026-11-19T08:00"


def test_in_01_somebody_abroad_is_called_in_their_own_hours() -> None:
    abroad = india().person(residence="GB", zone="Europe/London").point(country="GB", zones=["Europe/London"])
    assert abroad.at("2026-11-18T20:00").effect("IN-01") is None  # 14:30 in London
    assert abroad.at("2026-11-18T12:00").effect("IN-01") is Effect.DEFER  # 6:30 in London
    assert abroad.person(zone=None).point(zones=[]).effect("IN-01") is DENY


@pytest.mark.parametrize("relation", ["spouse", "emergency", "contact", "employer"])
@pytest.mark.parametrize("purpose", ["collect", "locate", "relay"])
def test_in_02_family_referees_and_friends_are_left_in_peace(relation: str, purpose: str) -> None:
    assert india(purpose=purpose, klass="locate_only").to(relation).effect("IN-02") is DENY


def test_in_02_who_owes_too_is_no_third_party() -> None:
    assert india().to("guarantor").effect("IN-02") is None


def test_in_02_calls_are_not_anonymous() -> None:
    assert india().message(blocks=[]).effect("IN-02") is DENY
    assert india().message(blocks=["caller"]).effect("IN-02") is None
    assert india("sms").message(blocks=[]).effect("IN-02") is None


@pytest.mark.parametrize(
    "text", ["We will post your photo on social media.", "Non-bailable warrant issued.", "Your neighbours will hear of it."]
)
def test_in_02_nobody_is_intimidated_or_humiliated(text: str) -> None:
    assert india("sms").text(text).effect("IN-02") is DENY


def test_in_02_three_calls_a_day_two_hours_apart() -> None:
    told = india().at("2026-11-18T18:00").past("2026-11-18T08:00", "no_answer").past("2026-11-18T11:00", "no_answer")
    assert told.effect("IN-02") is None
    assert told.past("2026-11-18T14:00", "busy").until("IN-02") == "2026-11-19T00:00"
    assert india().past("2026-11-18T10:00:01", "busy").until("IN-02") == "2026-11-18T12:00:01"


def test_in_02_a_wish_not_to_be_contacted_is_heeded() -> None:
    assert india().wish("no_contact").effect("IN-02") is DENY
    assert india("letter", purpose="reply", klass="reply").wish("no_contact").effect("IN-02") is None


def test_in_03_the_calls_of_an_agency_count_like_the_lenders() -> None:
    assert india().past("2026-11-18T11:00", "no_answer", by="north").effect("IN-02") is Effect.DEFER


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-18T17:59:59", None),
        ("2026-11-18T18:00:00", "2026-11-19T09:00"),
        ("2026-11-18T08:59:59", "2026-11-18T09:00"),
        ("2026-11-18T09:00:00", None),
    ],
)
def test_in_04_microfinance_is_recovered_between_nine_and_six(at: str, until: str | None) -> None:
    assert india().loan(product="microfinance").at(at).until("IN-04") == until


@pytest.mark.parametrize("product", ["Micro-Finance", "micro finance group loan", "MICROFINANCE"])
def test_in_04_it_is_microfinance_if_its_name_says_so(product: str) -> None:
    assert india().loan(product=product).at("2026-11-18T18:00").until("IN-04") == "2026-11-19T09:00"
    assert india().loan(product=product).at("2026-11-18T22:00").until("IN-01") is None
