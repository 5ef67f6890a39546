"""The United Kingdom: CONC 7, breathing space, limitation and default notices."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.domain.verdict import Effect
from tests.domain.law.abroad import uk

DENY = Effect.DENY
ALLOW = Effect.ALLOW
LONDON = ZoneInfo("Europe/London")
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize("channel", ["call", "sms", "email", "in_app", "letter"])
def test_an_ordinary_contact_breaks_no_rule(channel: str) -> None:
    assert uk(channel).verdict.effect is ALLOW


@settings(max_examples=200, deadline=None)
@given(INSTANTS)
def test_uk_01_monday_to_saturday_between_eight_and_nine_at_night(now: datetime) -> None:
    told = uk()
    told.document["at"] = now.isoformat()

    def inside(at: datetime) -> bool:
        local = at.astimezone(LONDON)
        return time(8) <= local.time() < time(21) and local.isoweekday() <= 6

    found = told.says("UK-01")
    assert (found is None) == inside(now)
    if found:
        assert found.until is not None
        assert found.until.astimezone(LONDON).time() == time(8)
        assert inside(found.until)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-21T20:59:59", None),
        ("2026-11-21T21:00:00", "2026-11-23T08:00"),
        ("2026-03-28T21:00:00", "2026-03-30T08:00"),
        ("2026-10-24T23:00:00", "2026-10-26T08:00"),
    ],
)
def test_uk_01_saturday_night_waits_for_monday_also_when_the_clocks_change(at: str, until: str | None) -> None:
    assert uk().at(at).until("UK-01") == until


@pytest.mark.parametrize(
    ("wish", "effect"),
    [
        ({"kind": "no_medium", "channel": "call"}, DENY),
        ({"kind": "no_medium", "channel": "sms"}, None),
        ({"kind": "no_address", "contact_point": "p1"}, DENY),
        ({"kind": "no_contact"}, DENY),
        ({"kind": "no_hours", "hours": {"start": "11:00", "end": "13:00"}}, Effect.DEFER),
    ],
)
def test_uk_01_what_the_customer_asks_about_when_where_and_how_is_heeded(wish: dict[str, Any], effect: Effect | None) -> None:
    assert uk().wish(**wish).effect("UK-01") is effect


def test_uk_01_agreed_hours_are_open_too() -> None:
    told = uk().at("2026-11-18T22:00").consent("hours", "2026-11-01T10:00", hours={"start": "21:00", "end": "22:30"})
    assert told.effect("UK-01") is None
    assert told.at("2026-11-18T22:30").until("UK-01") == "2026-11-19T08:00"


@pytest.mark.parametrize("relation", ["spouse", "emergency", "contact", "employer"])
def test_uk_02_third_parties_learn_nothing(relation: str) -> None:
    assert uk().to(relation).effect("UK-02") is DENY
    assert uk(purpose="locate", klass="locate_only").to(relation).effect("UK-02") is DENY
    assert uk().to(relation).consent("third_party", "2026-11-01T10:00").effect("UK-02") is DENY


@pytest.mark.parametrize("relation", ["joint", "guarantor", "debt_adviser", "attorney", "legal_representative", "executor"])
def test_uk_02_who_owes_or_speaks_for_them_is_none(relation: str) -> None:
    assert uk().to(relation).effect("UK-02") is None


def test_uk_02_nobody_is_embarrassed() -> None:
    assert uk("letter").text("We will name and shame you.").effect("UK-02") is DENY


@pytest.mark.parametrize("number", ["0871 496 0123", "09012 345678", "+44 871 496 0123", "118 500"])
def test_uk_03_no_number_that_costs_extra(number: str) -> None:
    assert uk("sms").text(f"Please call us on {number}.").effect("UK-03") is DENY


@pytest.mark.parametrize("number", ["020 7946 0123", "0800 496 0123", "+44 20 7946 0123"])
def test_uk_03_ordinary_numbers_are_fine(number: str) -> None:
    assert uk("sms").text(f"Please call us on {number}.").effect("UK-03") is None


def test_uk_03_no_trick_to_make_somebody_call() -> None:
    assert uk("sms").text("We could not deliver your parcel. Please call us.").effect("UK-03") is DENY


def test_uk_04_the_person_is_the_right_one() -> None:
    assert uk().action(verified_person=False).effect("UK-04") is DENY
    assert uk().action(verified_person=True).effect("UK-04") is None


@pytest.mark.parametrize(("sent", "until"), [("2026-11-15T12:00:00", None), ("2026-11-15T12:00:01", "2026-11-18T12:00:01")])
def test_uk_05_a_visit_is_announced_in_time(sent: str, until: str | None) -> None:
    assert uk("visit").effect("UK-05") is DENY
    assert uk("visit").notice("visit", sent).until("UK-05") == until


def test_uk_05_nobody_vulnerable_is_visited_even_if_they_agreed() -> None:
    assert uk("visit").consent("visit", "2026-11-17T12:00").effect("UK-05") is None
    assert uk("visit").consent("visit", "2026-11-17T12:00").person(circumstances=["vulnerable"]).effect("UK-05") is DENY
    assert uk().person(circumstances=["vulnerable"]).effect("UK-05") is None


def test_uk_07_incapacity_suspends_recovery() -> None:
    assert uk().hold("incapacity", person="P-1").effect("UK-07") is DENY
    assert uk().refer("agency", agency="north").hold("incapacity", person="P-1").effect("UK-07") is DENY
    assert uk().hold("incapacity", person="P-1").to("legal_representative", evidence="doc-1").effect("UK-07") is None
    assert uk().hold("incapacity", person="P-1").to("legal_representative").effect("UK-07") is DENY
    assert uk().hold("incapacity", person="P-1").to("spouse").effect("UK-07") is DENY


@pytest.mark.parametrize(
    ("text", "effect"),
    [("Sell your home and pay.", DENY), ("You could take out a new loan.", DENY), ("Tell us what you can afford.", None)],
)
def test_uk_08_no_pressure_to_pay_too_much_or_with_borrowed_money(text: str, effect: Effect | None) -> None:
    assert uk("letter").text(text).effect("UK-08") is effect


@pytest.mark.parametrize(
    ("placed", "until", "effect"),
    [
        ("2026-10-19T13:00:01", None, DENY),  # thirty days of 24 hours: the clocks went back in between
        ("2026-10-19T13:00:00", None, None),
        ("2026-11-10T12:00:00", "2026-11-18T12:00:00Z", None),
        ("2026-09-10T12:00:00", "2026-11-18T12:00:01Z", DENY),
    ],
)
def test_uk_09_debt_advice_suspends_pursuit_for_thirty_days_or_until_somebody_says(
    placed: str, until: str | None, effect: Effect | None
) -> None:
    assert uk().hold("debt-advice", placed, until=until).effect("UK-09") is effect


def test_uk_09_questions_and_the_adviser_are_answered() -> None:
    assert uk("letter", klass="reply", purpose="reply").hold("debt-advice").effect("UK-09") is None
    assert uk().hold("debt-advice").to("debt_adviser").effect("UK-09") is None


def test_uk_10_a_disputed_debt_is_not_pursued() -> None:
    assert uk().hold("dispute").effect("UK-10") is DENY
    assert uk().refer("lawsuit").hold("dispute").effect("UK-10") is DENY
    assert uk("letter", purpose="verification").hold("dispute").effect("UK-10") is None


@pytest.mark.parametrize(("ends", "effect"), [("2026-11-17", DENY), ("2026-11-18", None), (None, None)])
def test_uk_11_no_demand_after_limitation(ends: str | None, effect: Effect | None) -> None:
    assert uk().loan(limitation_ends_on=ends).effect("UK-11") is effect
    assert uk("letter", purpose="reply").loan(limitation_ends_on=ends).effect("UK-11") is None


@pytest.mark.parametrize(("to", "effect"), [("lawsuit", DENY), ("agency", None), ("debt_sale", None)])
def test_uk_11_only_a_lawsuit_needs_the_date(to: str, effect: Effect | None) -> None:
    assert uk().refer(to).effect("UK-11") is effect
    assert uk().refer(to).loan(limitation_ends_on="2026-11-17").effect("UK-11") is DENY


@pytest.mark.parametrize(("now", "effect"), [("2026-11-17T23:59:59", DENY), ("2026-11-18T00:00:00", None)])
def test_uk_12_a_breathing_space_lasts_sixty_days(now: str, effect: Effect | None) -> None:
    assert uk().hold("breathing-space", "2026-09-19T01:00:00").at(now).effect("UK-12") is effect


def test_uk_12_bars_contact_and_enforcement_for_the_listed_debts() -> None:
    assert uk("letter").hold("breathing-space").effect("UK-12") is DENY
    assert uk().refer("lawsuit").hold("breathing-space").effect("UK-12") is DENY
    told = uk()
    told.document["loans"].append({"loan_id": "L-2", "borrower": "P-1"})
    assert told.hold("breathing-space", loan="L-2").effect("UK-12") is None


@pytest.mark.parametrize(("ended", "effect"), [("2026-10-18", None), ("2026-10-19", DENY), (None, DENY)])
def test_uk_13_a_crisis_holds_for_thirty_days_after_the_treatment(ended: str | None, effect: Effect | None) -> None:
    assert uk().hold("mental-health-crisis", "2026-03-01T10:00", treatment_ends_on=ended).effect("UK-13") is effect


@pytest.mark.parametrize("reason", ["breathing-space", "mental-health-crisis"])
def test_uk_14_names_what_is_still_allowed(reason: str) -> None:
    for purpose in ("reply", "verification", "notice"):
        assert uk("letter", purpose=purpose).hold(reason).effect("UK-14") is ALLOW
    assert uk().hold(reason).to("debt_adviser").effect("UK-14") is ALLOW
    assert uk().hold(reason).effect("UK-14") is None
    assert uk("letter", purpose="reply").effect("UK-14") is None


def test_uk_15_agencies_stop_and_none_is_engaged() -> None:
    assert uk().action(by="north").hold("breathing-space").effect("UK-15") is DENY
    assert uk().refer("agency", agency="north").hold("breathing-space").effect("UK-15") is DENY
    assert uk().hold("breathing-space").effect("UK-15") is None
    assert uk("letter", purpose="reply").action(by="north").hold("breathing-space").effect("UK-15") is None


@pytest.mark.parametrize(
    ("now", "exception", "barred"), [("2026-08-30T12:00", ALLOW, None), ("2026-08-31T12:00", None, DENY), ("2026-07-01T12:00", None, None)]
)
def test_uk_16_the_time_of_a_moratorium_is_added_to_limitation(now: str, exception: Effect | None, barred: Effect | None) -> None:
    told = uk().loan(limitation_ends_on="2026-07-01").at(now).hold("breathing-space", "2026-05-01T12:00", until="2026-06-30T11:00:00Z")
    assert told.effect("UK-16") is exception
    assert told.effect("UK-11") is barred


@pytest.mark.parametrize(("now", "barred"), [("2026-07-03T23:59", None), ("2026-07-04T00:00", DENY)])
def test_uk_16_a_moratorium_that_was_lifted_moves_limitation_by_the_days_that_it_lasted(now: str, barred: Effect | None) -> None:
    told = uk().loan(limitation_ends_on="2026-07-01").at(now)
    told.hold("breathing-space", "2026-05-01T12:00", lifted_at="2026-05-03T11:00:00Z")
    assert told.effect("UK-11") is barred


@pytest.mark.parametrize(("reason", "rule"), [("breathing-space", "UK-12"), ("mental-health-crisis", "UK-13"), ("debt-advice", "UK-09")])
@pytest.mark.parametrize(("lifted_at", "effect"), [("2026-11-18T12:00:00Z", None), ("2026-11-18T12:00:01Z", DENY)])
def test_what_was_lifted_holds_nothing_any_more(reason: str, rule: str, lifted_at: str, effect: Effect | None) -> None:
    assert uk().at("2026-11-18T12:00:00").hold(reason, "2026-11-10T10:00", lifted_at=lifted_at).effect(rule) is effect


def test_uk_16_a_moratorium_after_limitation_revives_nothing() -> None:
    told = uk("letter").loan(limitation_ends_on="2026-04-30").hold("breathing-space", "2026-05-01T12:00", until="2026-06-30T11:00:00Z")
    assert told.effect("UK-11") is DENY


def test_uk_17_after_a_death_the_estate_is_spoken_to() -> None:
    assert uk().hold("deceased", person="P-1").effect("UK-17") is DENY
    assert uk().hold("deceased", person="P-1").to("executor").effect("UK-17") is None
    assert uk().hold("deceased", person="P-1").to("joint").effect("UK-17") is None
    assert uk().hold("deceased", person="P-1").to("spouse").effect("UK-17") is DENY


@pytest.mark.parametrize(("served", "until"), [("2026-11-04T12:00:00", None), ("2026-11-04T12:00:01", "2026-11-18T12:00:01")])
def test_uk_18_fourteen_days_pass_after_a_default_notice(served: str, until: str | None) -> None:
    assert uk().refer("lawsuit").effect("UK-18") is DENY
    assert uk().refer("lawsuit").notice("default", served).until("UK-18") == until
    assert uk().refer("lawsuit").notice("default", "2026-10-01T12:00", bounced_at="2026-10-02T12:00:00Z").effect("UK-18") is DENY
