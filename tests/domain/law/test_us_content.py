"""The United States: what a message must say and must not; by class alone where the text is not given."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from arrears.domain.verdict import Effect
from tests.domain.law.abroad import us

DENY = Effect.DENY
CLEAN = "Hello, my name is Ann Lee. I would like to confirm where Sam Roe can be reached. Thank you."
VOICEMAIL = "Hello, this is John Miller calling from Northgate Services. Please call me back at 212-555-0147. Thank you."


@pytest.mark.parametrize("channel", ["sms", "email", "in_app"])
def test_us_18_every_electronic_message_has_a_way_out(channel: str) -> None:
    assert us(channel).message(blocks=["identity"]).effect("US-18") is DENY
    assert us(channel).message(blocks=["opt_out"]).effect("US-18") is None
    assert us(channel).text("Please call us.").effect("US-18") is DENY
    assert us(channel).effect("US-18") is None


def test_us_18_letters_and_calls_need_none() -> None:
    assert us("letter").message(blocks=[]).effect("US-18") is None
    assert us().message(blocks=[]).effect("US-18") is None


def test_us_18_an_address_they_opted_out_of_is_not_used() -> None:
    assert us("email").wish("no_address", contact_point="p1").effect("US-18") is DENY
    assert us("email").wish("no_address", contact_point="p2").effect("US-18") is None


@pytest.mark.parametrize(
    "text",
    [
        "Hello, my name is Ann Lee from Northgate Debt Recovery. Where can Sam Roe be reached?",
        "Hello, my name is Ann Lee. Sam Roe owes us $120.50.",
        "Hello, my name is Ann Lee. It is about Sam Roe's past due account.",
    ],
)
def test_us_24_a_location_message_never_says_that_a_debt_is_owed(text: str) -> None:
    asked = us(purpose="locate", klass="locate_only").to("contact")
    assert asked.effect("US-24") is None
    assert asked.text(text).effect("US-24") is DENY
    assert asked.text(CLEAN).effect("US-24") is None


def test_us_24_judges_by_class_where_the_text_is_not_given() -> None:
    assert us(purpose="locate", klass="collect").to("contact").effect("US-24") is DENY


def test_us_27_a_voicemail_says_the_permitted_sentences_only() -> None:
    assert us(klass="limited_content").text(VOICEMAIL).effect("US-27") is None
    assert us(klass="limited_content").text(VOICEMAIL + " It is about your overdue account.").effect("US-27") is DENY
    assert us(klass="limited_content").text(VOICEMAIL.replace("Northgate Services", "Northgate Debt Collectors")).effect("US-27") is DENY
    assert us(klass="limited_content").effect("US-27") is None


@pytest.mark.parametrize("channel", ["sms", "email", "letter"])
def test_us_27_it_is_left_by_voice_only(channel: str) -> None:
    assert us(channel, klass="limited_content").effect("US-27") is DENY


def test_us_30_the_first_communication_says_more_than_later_ones() -> None:
    first = us().loan(capacity="third_party")
    assert first.message(blocks=["from_a_collector"]).effect("US-30") is DENY
    assert first.message(blocks=["mini_miranda"]).effect("US-30") is None
    later = us().loan(capacity="third_party").past("2026-11-01T10:00", "answered")
    assert later.message(blocks=[]).effect("US-30") is DENY
    assert later.message(blocks=["from_a_collector"]).effect("US-30") is None
    assert later.message(blocks=["mini_miranda"]).effect("US-30") is None


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "unknown", None])
def test_us_30_what_may_not_have_been_heard_was_no_first_communication(outcome: str | None) -> None:
    told = us().loan(capacity="third_party").past("2026-11-01T10:00", outcome).message(blocks=["from_a_collector"])
    assert told.effect("US-30") is DENY


def test_us_30_a_message_that_is_no_communication_discloses_nothing() -> None:
    assert us(klass="limited_content").loan(capacity="third_party").message(blocks=[]).effect("US-30") is None
    assert us(klass="locate_only", purpose="locate").loan(capacity="third_party").message(blocks=[]).to("contact").effect("US-30") is None


def test_us_30_binds_an_agency_and_not_a_creditor_in_its_own_name() -> None:
    assert us().message(blocks=[]).effect("US-30") is None
    assert us().action(by="agency-1").message(blocks=[]).effect("US-30") is DENY


def test_us_31_who_calls_says_who_they_are() -> None:
    assert us().message(blocks=[]).effect("US-31") is DENY
    assert us().message(blocks=["caller"]).effect("US-31") is None
    assert us("sms").message(blocks=[]).effect("US-31") is None


@pytest.mark.parametrize("text", ["This is the police department.", "You will be arrested.", "We will tell your employer."])
def test_us_31_nobody_pretends_or_threatens(text: str) -> None:
    assert us("letter").text(text).effect("US-31") is DENY


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("Please pay by December 4, 2026.", DENY),
        ("Please pay by December 12, 2026.", None),
        ("Please pay within 7 days.", DENY),
        ("Final notice.", DENY),
        ("You can reach us any day.", None),
    ],
)
def test_us_43_no_day_lies_before_the_end_of_the_validation_period(text: str, effect: Effect | None) -> None:
    told = us("letter").notice("validation", "2026-11-02T10:00", delivered_at="2026-11-05T15:00:00Z")
    assert told.text(text).effect("US-43") is effect


@pytest.mark.parametrize(("at", "effect"), [("2026-12-05T23:59:59", DENY), ("2026-12-06T00:00:00", None)])
def test_us_41_the_period_lasts_thirty_days_from_receipt(at: str, effect: Effect | None) -> None:
    told = us("letter").notice("validation", "2026-11-02T10:00", delivered_at="2026-11-05T15:00:00Z").text("Final notice.")
    assert told.at(at).effect("US-43") is effect


@pytest.mark.parametrize(
    ("sent", "last_day"),
    [
        ("2026-11-02T10:00", "2026-12-09"),  # Monday: received on Monday the 9th
        ("2026-11-06T10:00", "2026-12-16"),  # Friday, with Veterans Day on Wednesday: received on Monday the 16th
        ("2026-12-24T10:00", "2027-02-03"),  # Thursday, with Christmas and New Year: received on Monday, 4 January
    ],
)
def test_us_41_receipt_is_assumed_after_five_business_days(sent: str, last_day: str) -> None:
    told = us("letter").notice("validation", sent).text("Final notice.")
    assert told.at(f"{last_day}T23:59:59").effect("US-43") is DENY
    day_after = date.fromisoformat(last_day) + timedelta(days=1)
    assert told.at(f"{day_after}T00:00:00").effect("US-43") is None


def test_us_43_there_is_no_period_before_the_validation_information() -> None:
    assert us("letter").text("Final notice.").effect("US-43") is None
