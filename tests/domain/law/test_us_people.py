"""The United States: who may be contacted, through whom, by what medium and at which address."""

from __future__ import annotations

import pytest

from arrears.domain.verdict import Effect
from tests.domain.law.abroad import LAW, us

DENY = Effect.DENY
ALLOW = Effect.ALLOW
CONSUMERS = ["joint", "guarantor", "spouse", "legal_representative", "executor"]
OTHERS = ["emergency", "contact", "employer", "debt_adviser"]


@pytest.mark.parametrize(
    ("place", "forbids", "effect"), [("work", True, DENY), ("work", False, None), ("home", True, None), (None, True, None)]
)
def test_us_13_nobody_is_called_at_work_against_the_employers_wish(place: str | None, forbids: bool, effect: Effect | None) -> None:
    assert us().point(place=place, employer_forbids=forbids).effect("US-13") is effect


def test_us_14_the_attorney_is_contacted_instead() -> None:
    held = {"person": "P-1"}
    assert us().hold("attorney", **held).effect("US-14") is DENY
    assert us().hold("attorney", **held).to("attorney").effect("US-14") is None
    assert us().tied("attorney").effect("US-14") is DENY
    assert us().tied("attorney", steps_aside=True).effect("US-14") is None


@pytest.mark.parametrize(
    ("relation", "effect"), [("spouse", DENY), ("executor", DENY), ("joint", None), ("guarantor", None), ("contact", None)]
)
def test_us_14_protects_those_who_count_as_the_represented_consumer(relation: str, effect: Effect | None) -> None:
    assert us().hold("attorney", person="P-1").to(relation).effect("US-14") is effect


def test_us_14_a_guarantor_can_have_an_attorney_of_their_own() -> None:
    assert us().to("guarantor").hold("attorney", person="guarantor").effect("US-14") is DENY


def test_us_14_a_hold_that_was_lifted_binds_nobody() -> None:
    assert us().hold("attorney", person="P-1", until="2026-11-18T17:00:00Z").effect("US-14") is None


def test_us_15_mail_to_work_needs_consent_or_a_mail_from_there() -> None:
    assert us("email").point(place="work").effect("US-15") is DENY
    assert (
        us("email").point(place="work").past("2026-11-01T10:00", None, "email", direction="in", contact_point="p1").effect("US-15") is None
    )
    assert (
        us("email").point(place="work").past("2026-11-01T10:00", None, "email", direction="in", contact_point="p2").effect("US-15") is DENY
    )
    assert us().point(place="work").effect("US-15") is None


def test_us_16_a_refused_medium_is_not_used_until_that_is_withdrawn() -> None:
    assert us("sms").wish("no_medium", channel="sms").effect("US-16") is DENY
    assert us("email").wish("no_medium", channel="sms").effect("US-16") is None
    assert us("sms").wish("no_medium", channel="sms", withdrawn_at="2026-11-18T16:59:59Z").effect("US-16") is None
    assert us("sms").wish("no_medium", channel="sms", withdrawn_at="2026-11-18T17:00:01Z").effect("US-16") is DENY


@pytest.mark.parametrize("way", ["wish", "refused_at"])
def test_us_16_a_third_person_can_refuse_everything(way: str) -> None:
    told = us(purpose="locate", klass="locate_only").to("contact")
    if way == "wish":
        told.document["people"][-1]["wishes"] = [{"kind": "no_contact", "at": "2026-11-10T10:00:00Z"}]
    else:
        told.document["people"][-1]["refused_at"] = "2026-11-10T10:00:00Z"
    found = told.says("US-16")
    assert found is not None
    assert (found.effect, found.permanent) == (DENY, True)


def test_us_16_a_stop_that_only_the_history_tells_of_counts_until_a_wish_is_withdrawn() -> None:
    stopped = us("email").past("2026-11-10T11:00", "opted_out", "email", direction="in")
    assert stopped.effect("US-16") is DENY
    assert stopped.wish("no_medium", channel="email", withdrawn_at="2026-11-15T10:00:00Z").effect("US-16") is None
    assert us("sms").past("2026-11-10T11:00", "opted_out", "email", direction="in").effect("US-16") is None


def test_us_16_a_relatives_no_in_a_call_is_theirs_on_every_loan() -> None:
    told = us(purpose="locate", klass="locate_only").to("contact")
    assert told.past("2026-01-10T11:00", "relative_refused", person="contact", loan="L-9").effect("US-16") is DENY
    owing = us().past("2026-01-10T11:00", "relative_refused", loan="L-9")
    assert owing.effect("US-16") is None


def test_us_17_counts_what_was_sent_since_the_opt_out() -> None:
    told = us("sms", klass="opt_out_confirmation", purpose="confirm_opt_out").wish("no_medium", channel="sms")
    told.past("2026-11-09T10:00", "delivered", "sms", purpose="confirm_opt_out")  # of an earlier opt-out
    told.past("2026-11-10T10:01", "not_sent", "sms", purpose="confirm_opt_out")
    assert told.effect("US-17") is ALLOW
    assert told.effect("US-16") is None
    assert told.past("2026-11-10T10:02", "unknown", "sms", purpose="confirm_opt_out").effect("US-17") is DENY


def test_us_17_an_opt_out_of_an_address_may_be_confirmed_too() -> None:
    told = us("email", klass="opt_out_confirmation", purpose="confirm_opt_out").wish("no_address", contact_point="p1")
    assert told.effect("US-17") is ALLOW
    assert told.effect("US-18") is None


def test_us_17_each_new_message_of_theirs_allows_one_answer() -> None:
    told = us("sms", klass="reply", purpose="reply").wish("no_medium", channel="sms")
    assert told.effect("US-17") is DENY
    assert told.past("2026-11-11T10:00", None, "sms", direction="in").effect("US-17") is ALLOW
    assert told.past("2026-11-11T11:00", "delivered", "sms", purpose="reply").effect("US-17") is DENY
    assert told.past("2026-11-12T10:00", None, "sms", direction="in").effect("US-17") is ALLOW


def test_us_17_without_an_opt_out_has_nothing_to_except() -> None:
    assert us("sms", klass="reply", purpose="reply").effect("US-17") is None


def test_us_17_a_notice_without_a_kind_is_no_required_one() -> None:
    assert us("letter", klass="notice", purpose="notice").wish("no_medium", channel="letter").effect("US-17") is DENY


@pytest.mark.parametrize("purpose", ["terminate", "may_remedy", "will_remedy"])
def test_us_20_and_us_21_leave_three_notices_after_a_request_to_cease(purpose: str) -> None:
    assert us("letter", klass=purpose, purpose=purpose).wish("no_contact").effect("US-20") is None
    assert us("letter", klass=purpose, purpose=purpose).wish("no_contact").effect("US-21") is ALLOW
    assert us("letter", klass="collect", purpose=purpose).wish("no_contact").effect("US-21") is DENY
    assert us("letter", klass=purpose, purpose=purpose).effect("US-21") is None


@pytest.mark.parametrize("purpose", ["collect", "remind", "offer", "notice", "reply", "confirm_opt_out"])
def test_us_20_everything_else_ceases_for_ever(purpose: str) -> None:
    found = us("letter", purpose=purpose).hold("cease", person="P-1").says("US-20")
    assert found is not None
    assert (found.effect, found.permanent) == (DENY, True)


def test_us_20_binds_contact_with_whoever_counts_as_the_same_consumer() -> None:
    assert us().wish("no_contact").to("spouse").effect("US-20") is DENY
    assert us().wish("no_contact").to("guarantor").effect("US-20") is None
    assert us().wish("no_contact").to("attorney").effect("US-20") is None
    assert us(purpose="locate", klass="locate_only").wish("no_contact").to("contact").effect("US-20") is DENY


def test_us_20_a_withdrawn_request_is_none() -> None:
    assert us().wish("no_contact", withdrawn_at="2026-11-15T10:00:00Z").effect("US-20") is None


@pytest.mark.parametrize("relation", OTHERS)
def test_us_22_third_parties_are_told_nothing(relation: str) -> None:
    assert us().to(relation).effect("US-22") is DENY
    assert us(purpose="relay", klass="locate_only").to(relation).effect("US-22") is DENY
    assert us().to(relation).consent("third_party", "2026-11-01T10:00").effect("US-22") is ALLOW


@pytest.mark.parametrize("relation", [*CONSUMERS, "attorney"])
def test_us_22_and_us_23_who_counts_as_the_consumer_is_no_third_party(relation: str) -> None:
    assert us().to(relation).effect("US-22") is None


@pytest.mark.parametrize(
    ("outcomes", "effect"), [([], None), (["answered"], DENY), (["answered", "no_answer"], None), (["no_answer", "answered"], DENY)]
)
def test_us_22_where_somebody_is_can_be_asked_only_while_nobody_reaches_them(outcomes: list[str], effect: Effect | None) -> None:
    told = us(purpose="locate", klass="locate_only").to("contact")
    for day, outcome in enumerate(outcomes, start=10):
        told.past(f"2026-11-{day}T10:00", outcome)
    assert told.effect("US-22") is effect


@pytest.mark.parametrize("outcomes", [("answered", "someone_else"), ("someone_else", "answered")])
def test_us_22_of_two_calls_at_one_instant_either_may_have_been_the_last(outcomes: tuple[str, str]) -> None:
    told = us(purpose="locate", klass="locate_only").to("contact")
    for outcome in outcomes:
        told.past("2026-11-10T10:00", outcome)
    assert told.effect("US-22") is DENY


def test_us_22_an_authorised_adviser_may_be_spoken_to() -> None:
    assert us().to("debt_adviser", evidence="doc-1").effect("US-22") is ALLOW


@pytest.mark.parametrize("relation", ["spouse", "legal_representative", "executor"])
def test_us_23_who_stands_for_the_consumer_shows_it(relation: str) -> None:
    assert us().to(relation).effect("US-23") is DENY
    assert us().to(relation, evidence="doc-1").effect("US-23") is None


@pytest.mark.parametrize(
    ("outcome", "effect"), [("answered", DENY), ("voicemail", DENY), ("relayed", DENY), (None, DENY), ("no_answer", None), ("busy", None)]
)
def test_us_25_a_third_person_is_asked_once(outcome: str | None, effect: Effect | None) -> None:
    told = us(purpose="locate", klass="locate_only").to("contact")
    assert told.past("2025-01-10T10:00", outcome, person="contact", purpose="locate").effect("US-25") is effect


def test_us_25_counts_over_all_loans_of_the_borrower() -> None:
    told = us(purpose="locate", klass="locate_only").to("contact")
    told.document["loans"] += [{"loan_id": "L-2", "borrower": "P-1"}, {"loan_id": "L-3", "borrower": "contact"}]
    assert told.past("2026-01-10T10:00", "answered", person="contact", loan="L-3").effect("US-25") is None
    assert told.past("2026-01-11T10:00", "answered", person="contact", loan="L-2").effect("US-25") is DENY


def test_us_25_they_may_be_asked_again_if_they_know_better() -> None:
    told = us(purpose="locate", klass="locate_only").to("contact", may_ask_again=True)
    assert told.past("2026-01-10T10:00", "answered", person="contact").effect("US-25") is ALLOW


def test_us_26_others_are_not_asked_about_somebody_with_an_attorney() -> None:
    asked = us(purpose="locate", klass="locate_only").to("contact")
    assert asked.effect("US-26") is None
    assert asked.hold("attorney", person="P-1").effect("US-26") is DENY


@pytest.mark.parametrize(("sent", "until"), [("2026-09-25T12:00", "2026-10-30T12:00:01"), ("2026-09-25T11:59:59", None)])
def test_us_28_thirty_five_days_after_the_notice_have_passed(sent: str, until: str | None) -> None:
    assert us("email").at("2026-10-30T12:00").loan(capacity="third_party").notice("transfer", sent).until("US-28") == until


def test_us_28_a_notice_that_came_back_is_none_and_consent_needs_none() -> None:
    told = us("email").loan(capacity="third_party").notice("transfer", "2026-09-01T10:00", bounced_at="2026-09-02T10:00:00Z")
    assert told.effect("US-28") is DENY
    assert us("email").loan(capacity="third_party").point(legal_basis="consent").effect("US-28") is None
    assert us("email").loan(capacity="third_party").past("2026-09-01T10:00", None, "email", direction="in").effect("US-28") is None


def test_us_28_binds_an_agency_and_not_a_creditor_in_its_own_name() -> None:
    assert us("email").effect("US-28") is None
    assert us("email").action(by="agency-1").effect("US-28") is DENY


@pytest.mark.parametrize(("given_at", "effect"), [("2026-08-31T12:00:00", None), ("2026-08-31T11:59:59", DENY)])
def test_us_29_a_number_was_confirmed_in_the_last_sixty_days(given_at: str, effect: Effect | None) -> None:
    told = us("sms").at("2026-10-30T12:00").person(consents=[]).consent("texts", given_at)
    assert told.effect("US-29") is effect
    assert told.point(reassignment_checked_at="2026-10-01T10:00:00Z").effect("US-29") is None


def test_us_29_a_check_alone_is_no_consent() -> None:
    assert us("sms").person(consents=[]).point(reassignment_checked_at="2026-11-01T10:00:00Z").effect("US-29") is DENY


def test_us_29_a_stop_is_no_text_to_rely_on() -> None:
    assert us("sms").person(consents=[]).past("2026-11-01T10:00", "opted_out", "sms", direction="in").effect("US-29") is DENY


def test_whom_a_rule_binds_by_law_it_binds_in_every_overlay() -> None:
    for rule in ("US-28", "US-29", "US-30", "US-40", "US-43"):
        terms = LAW["us"].terms[rule]
        with pytest.raises(ValueError, match="third_party"):
            type(terms).model_validate(terms.model_dump() | {"binds": ["first_party"]})
