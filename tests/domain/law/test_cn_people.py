"""Mainland China: who may be contacted at all, and who for money."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.domain.outcome import ANSWERED, NOT_MADE, UNREACHED, Outcome
from arrears.domain.person import Relation
from arrears.domain.verdict import Effect
from tests.domain.law.chinese import effect, finding, hold
from tests.domain.law.situations import called, document, missed_calls, shanghai, situation, to_relative

NOON = shanghai("2026-11-18T12:00")
OUTSIDERS = [Relation.SPOUSE, Relation.EMERGENCY, Relation.CONTACT, Relation.EMPLOYER]
MEANT = ("collect", "remind", "offer", "notice", "reply", "locate", "relay")


def relative(relation: str, purpose: str = "relay", *, loan: dict[str, Any] | None = None, **tie: Any) -> dict[str, Any]:
    """The ordinary contact with a relative, as another relation, for another purpose."""
    found = to_relative()
    found["loans"][0] |= {"ties": [{"person": "P-2", "relation": relation, **tie}], **(loan or {})}
    found["action"]["purpose"] = purpose
    return found


@pytest.mark.parametrize("purpose", MEANT)
@pytest.mark.parametrize("relation", OUTSIDERS)
def test_cn_08_an_outsider_is_asked_for_nothing_but_where_the_debtor_is_or_to_pass_it_on(relation: str, purpose: str) -> None:
    assert (effect("CN-08", relative(relation, purpose)) is None) is (purpose in ("locate", "relay"))


@pytest.mark.parametrize("relation", ["joint", "guarantor", "legal_representative", "executor"])
def test_cn_08_whoever_owes_or_stands_for_the_debtor_may_be_asked(relation: str) -> None:
    assert effect("CN-08", relative(relation, "collect", evidence="doc-1")) is None


@pytest.mark.parametrize("relation", ["attorney", "debt_adviser"])
def test_cn_08_an_adviser_is_written_to_and_not_asked_to_pay(relation: str) -> None:
    assert effect("CN-08", relative(relation, "reply")) is None
    assert effect("CN-08", relative(relation, "collect")) is Effect.DENY


def test_cn_08_the_borrower_may_be_asked_for_whatever_it_is() -> None:
    for purpose in MEANT:
        assert effect("CN-08", situation(action__purpose=purpose)) is None


@pytest.mark.parametrize(
    ("relation", "tie", "allowed"),
    [
        ("guarantor", {}, False),
        ("joint", {}, False),
        ("guarantor", {"evidence": "doc-1"}, True),
        ("guarantor", {"evidence": "doc-1", "liable_up_to": "120.50"}, True),
        ("guarantor", {"evidence": "doc-1", "liable_up_to": "120.49"}, False),
        ("emergency", {}, True),
    ],
)
def test_cn_09_who_is_liable_is_so_by_a_paper_and_as_far_as_it_goes(relation: str, tie: dict[str, Any], allowed: bool) -> None:
    assert (effect("CN-09", relative(relation, "collect", **tie)) is None) is allowed


def test_cn_09_a_guarantor_for_less_may_still_be_sent_a_notice() -> None:
    assert effect("CN-09", relative("guarantor", "notice", evidence="doc-1", liable_up_to="1.00")) is None


def test_cn_10_a_guarantor_is_a_debtor_and_needs_no_lost_contact() -> None:
    asked = relative("guarantor", "collect", evidence="doc-1") | {"history": []}
    assert effect("CN-10", asked) is None
    passing_on = relative("guarantor", "relay", evidence="doc-1") | {"history": []}
    assert effect("CN-10", passing_on) is Effect.DENY


@pytest.mark.parametrize(("reason", "opens"), [("deceased", True), ("incapacity", True), ("hardship", False), ("minor", False)])
def test_cn_10_death_and_incapacity_open_what_lost_contact_opens(reason: str, opens: bool) -> None:
    held = to_relative(holds=[hold(reason)]) | {"history": []}
    assert (effect("CN-10", held) is None) is opens
    of_somebody_else = to_relative(holds=[hold(reason, person="P-2")]) | {"history": []}
    assert effect("CN-10", of_somebody_else) is Effect.DENY


def lost(history: list[dict[str, Any]], **changes: Any) -> bool:
    """Whether contact counts as lost."""
    given = to_relative(**changes) | {"history": history}
    said = {rule: effect(rule, given) for rule in ("CN-10", "CN-11")}
    assert said["CN-10"] is said["CN-11"]
    return said["CN-11"] is None


def test_cn_11_three_failures_on_two_days_are_lost_contact() -> None:
    assert lost(missed_calls())
    assert not lost(missed_calls()[:2])
    assert not lost(missed_calls()[1:])
    assert not lost([])


@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_cn_11_what_the_last_attempt_says(outcome: Outcome | None) -> None:
    """A failure goes on with the row, what never left says nothing, everything else, known or not, breaks it."""
    found = lost([*missed_calls(), called("c4", "2026-11-17T18:00", outcome)])
    assert found is (outcome in UNREACHED or outcome in NOT_MADE or outcome is Outcome.FAILED)


def test_cn_11_an_attempt_that_failed_to_leave_is_no_failure_to_reach() -> None:
    assert not lost([*missed_calls()[:2], called("c3", "2026-11-17T10:00", "failed")])


def test_cn_11_the_row_is_one_of_time_and_not_of_writing() -> None:
    assert not lost([called("c4", "2026-11-17T18:00", "answered_willing"), *missed_calls()])
    assert lost([called("c0", "2026-11-15T18:00", "answered_willing"), *reversed(missed_calls())])


def test_cn_11_of_two_attempts_at_one_instant_the_one_that_may_have_reached_them_counts() -> None:
    same = [called("a", "2026-11-17T10:00", "unknown"), *missed_calls()]
    assert not lost(same)
    assert not lost(list(reversed(same)))


def test_cn_11_the_days_are_the_borrowers() -> None:
    night = [called(f"c{n}", at, "no_answer") for n, at in enumerate(("2026-11-16T23:30", "2026-11-17T00:10", "2026-11-17T00:30"))]
    assert lost(night)
    assert not lost(night, people=[person | {"zone": "Asia/Tokyo"} for person in to_relative()["people"]])


def test_cn_11_without_the_borrowers_zone_there_are_no_days() -> None:
    assert not lost(missed_calls(), people=[to_relative()["people"][0] | {"zone": None}, to_relative()["people"][1]])


@pytest.mark.parametrize(
    ("contact", "reached"),
    [
        ({"channel": "sms", "outcome": "delivered"}, False),
        ({"channel": "sms", "outcome": "opted_out"}, True),
        ({"channel": "sms", "direction": "in"}, True),
        ({"channel": "call", "direction": "in", "outcome": "answered_disputes"}, True),
        ({"channel": "call", "direction": "in", "outcome": "someone_else"}, False),
        ({"channel": "visit", "outcome": "answered"}, True),
        ({"channel": "visit", "outcome": "unknown"}, True),
        ({"channel": "visit", "outcome": "no_answer"}, False),
        ({"channel": "call", "outcome": "answered", "loan": "L-2"}, True),
        ({"channel": "call", "outcome": "answered", "by": "north"}, True),
        ({"channel": "call", "outcome": "answered", "person": "P-2", "contact_point": "m2"}, False),
    ],
)
def test_cn_11_whatever_shows_that_the_borrower_was_reached_begins_the_count_anew(contact: dict[str, Any], reached: bool) -> None:
    since = called("x", "2026-11-17T11:00", None) | contact
    given = to_relative() | {"history": [*missed_calls(), since]}
    given["loans"].append({"loan_id": "L-2", "borrower": "P-1"})
    assert effect("CN-11", given) is (Effect.DENY if reached else None)


@pytest.mark.parametrize(
    ("sign", "reached"),
    [("2026-11-16T09:59:59", False), ("2026-11-16T10:00:00", True), ("2026-11-17T10:00:00", True), ("2026-11-17T20:00:00", True)],
)
def test_cn_11_a_payment_or_promise_begins_the_count_anew(sign: str, reached: bool) -> None:
    assert lost(missed_calls(), loans__last_sign_at=f"{sign}+08:00") is not reached


def test_cn_11_a_payment_on_another_loan_of_theirs_counts_too() -> None:
    given = to_relative()
    given["loans"].append({"loan_id": "L-2", "borrower": "P-1", "last_sign_at": "2026-11-17T20:00:00+08:00"})
    assert effect("CN-11", given) is Effect.DENY


@pytest.mark.parametrize(
    ("points", "opens"),
    [
        ([{"contact_point_id": "m1", "invalid": True}], True),
        ([{"contact_point_id": "m1", "invalid": True}, {"contact_point_id": "e1", "kind": "email"}], True),
        ([{"contact_point_id": "m1", "invalid": True}, {"contact_point_id": "l1", "kind": "landline"}], False),
        ([{"contact_point_id": "e1", "kind": "email"}], False),
        ([], False),
    ],
)
def test_cn_11_contact_is_lost_when_every_number_is_invalid(points: list[dict[str, Any]], opens: bool) -> None:
    given = to_relative() | {"history": []}
    given["people"][0]["contact_points"] = points
    assert (effect("CN-11", given) is None) is opens


OUTCOMES = st.sampled_from([*UNREACHED, *NOT_MADE, *ANSWERED, Outcome.FAILED, Outcome.UNKNOWN, None])
HOURS = st.integers(1, 240)


@given(st.lists(st.tuples(HOURS, OUTCOMES), max_size=10, unique_by=lambda one: one[0]), st.none() | HOURS)
def test_cn_11_lost_contact_is_what_its_words_say(calls: list[tuple[int, Outcome | None]], signed: int | None) -> None:
    history = [called(f"c{ago}", "2026-01-01T00:00", o) | {"at": (NOON - timedelta(hours=ago)).isoformat()} for ago, o in calls]
    sign = (NOON - timedelta(hours=signed)).isoformat() if signed else None
    days: list[Any] = []
    for ago, outcome in sorted(calls):
        if outcome in NOT_MADE or outcome is Outcome.FAILED:
            continue
        if outcome not in UNREACHED or (signed is not None and ago >= signed):
            break
        days.append((NOON - timedelta(hours=ago)).astimezone(ZoneInfo("Asia/Shanghai")).date())
    assert lost(history, loans__last_sign_at=sign) is (len(days) >= 3 and len(set(days)) >= 2)


def test_cn_13_a_refusal_is_final_on_every_number_and_loan() -> None:
    given = to_relative()
    given["people"][1]["refused_at"] = "2026-11-18T12:00:00+08:00"
    found = finding("CN-13", given)
    assert found is not None
    assert (found.effect, found.permanent) == (Effect.DENY, True)
    given["people"][1]["refused_at"] = "2026-11-18T12:00:01+08:00"
    assert effect("CN-13", given) is None


@pytest.mark.parametrize("relation", ["emergency", "contact", "spouse", "guarantor"])
def test_cn_13_whatever_they_are_to_this_loan(relation: str) -> None:
    given = relative(relation)
    given["people"][1]["refused_at"] = "2026-01-01T12:00:00+08:00"
    assert effect("CN-13", given) is Effect.DENY


@pytest.mark.parametrize("direction", ["out", "in"])
def test_cn_13_a_refusal_on_the_telephone_counts_before_anybody_wrote_it_down(direction: str) -> None:
    said = called("k", "2025-01-01T10:00", "relative_refused", person="P-2", contact_point=None, by="north", direction=direction)
    assert effect("CN-13", to_relative() | {"history": [*missed_calls(), said]}) is Effect.DENY


def test_cn_13_a_wish_for_no_contact_is_a_refusal() -> None:
    given = to_relative()
    given["people"][1]["wishes"] = [{"kind": "no_contact", "at": "2026-11-01T12:00:00+08:00"}]
    assert effect("CN-13", given) is Effect.DENY


def test_cn_13_the_borrowers_own_wishes_are_another_rule() -> None:
    assert effect("CN-13", situation(people__refused_at="2026-01-01T12:00:00+08:00")) is None


@pytest.mark.parametrize("purpose", MEANT)
def test_cn_14_nobody_unrelated_is_contacted(purpose: str) -> None:
    assert effect("CN-14", relative("employer", purpose)) is Effect.DENY
    assert effect("CN-14", relative("emergency", purpose)) is None


@pytest.mark.parametrize("rule", ["CN-08", "CN-10", "CN-11", "CN-12", "CN-14"])
def test_cn_14_who_offered_to_pay_may_be_spoken_to_about_it_and_about_nothing_else(rule: str) -> None:
    asked = relative("employer", "collect", volunteered="letter-1") | {"history": []}
    asked["action"]["message"]["class"] = "collect"
    assert effect(rule, asked) is None
    passing_on = relative("employer", "relay", volunteered="letter-1") | {"history": []}
    passing_on["action"]["message"]["class"] = "collect"
    assert (effect(rule, passing_on) is Effect.DENY) is (rule != "CN-08")


@pytest.mark.parametrize(
    ("purpose", "tie", "allowed"),
    [
        ("collect", {}, False),
        ("notice", {}, False),
        ("relay", {}, True),
        ("collect", {"evidence": "co-signed"}, True),
        ("collect", {"volunteered": "letter-1"}, True),
    ],
)
def test_cn_15_a_spouse_owes_only_a_joint_debt(purpose: str, tie: dict[str, Any], allowed: bool) -> None:
    assert (effect("CN-15", relative("spouse", purpose, **tie)) is None) is allowed


def wish(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "at": "2026-11-10T10:00:00+08:00"} | more


@pytest.mark.parametrize(
    ("made", "denies"),
    [
        (wish("no_contact"), True),
        (wish("no_medium", channel="sms"), True),
        (wish("no_medium", channel="call"), False),
        (wish("no_address", contact_point="m1"), True),
        (wish("no_address", contact_point="m9"), False),
        (wish("no_contact", at="2026-11-18T12:00:00+08:00"), True),
        (wish("no_contact", at="2026-11-18T12:00:01+08:00"), False),
        (wish("no_contact", withdrawn_at="2026-11-18T12:00:00+08:00"), False),
        (wish("no_contact", withdrawn_at="2026-11-18T12:00:01+08:00"), True),
    ],
)
def test_cn_16_a_wish_stands_from_when_it_was_said_until_it_is_withdrawn(made: dict[str, Any], denies: bool) -> None:
    assert effect("CN-16", situation(people__wishes=[made])) is (Effect.DENY if denies else None)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-18T10:59:59", None),
        ("2026-11-18T11:00:00", "2026-11-18T13:30"),
        ("2026-11-18T12:00:00", "2026-11-18T13:30"),
        ("2026-11-18T12:30:00", "2026-11-18T13:30"),
        ("2026-11-18T13:30:00", None),
    ],
)
def test_cn_16_hours_that_do_not_suit_are_waited_for(at: str, until: str | None) -> None:
    wishes = [wish("no_hours", hours={"start": "11:00", "end": "12:30"}), wish("no_hours", hours={"start": "12:30", "end": "13:30"})]
    found = finding("CN-16", situation(at=f"{at}+08:00", people__wishes=wishes))
    assert (found.until if found else None) == (shanghai(until) if until else None)


def confirming(**changes: Any) -> dict[str, Any]:
    return document(action__purpose="confirm_opt_out", action__message={"class": "opt_out_confirmation"}, **changes)


def test_cn_16_an_opt_out_is_confirmed_once() -> None:
    wishes = [wish("no_medium", channel="sms")]
    assert effect("CN-16", confirming(people__wishes=wishes)) is Effect.ALLOW
    before = called("s1", "2026-11-10T10:01", "delivered", channel="sms", purpose="confirm_opt_out")
    assert effect("CN-16", confirming(people__wishes=wishes, history=[before])) is Effect.DENY
    of_an_earlier_one = before | {"at": "2026-11-09T10:01:00+08:00"}
    assert effect("CN-16", confirming(people__wishes=wishes, history=[of_an_earlier_one])) is Effect.ALLOW


def test_cn_16_the_confirmation_waits_for_hours_that_suit() -> None:
    wishes = [wish("no_medium", channel="sms"), wish("no_hours", hours={"start": "11:00", "end": "13:00"})]
    found = finding("CN-16", confirming(people__wishes=wishes))
    assert found is not None
    assert (found.effect, found.until) == (Effect.DEFER, shanghai("2026-11-18T13:00"))


def test_cn_16_an_opt_out_that_nobody_wrote_down_yet_counts() -> None:
    said = called("s1", "2026-11-10T10:00", "opted_out", channel="sms")
    assert effect("CN-16", situation(history=[said])) is Effect.DENY
    assert effect("CN-16", situation(action__channel="call", history=[said])) is None
    taken_back = wish("no_medium", channel="sms", withdrawn_at="2026-11-12T10:00:00+08:00")
    assert effect("CN-16", situation(history=[said], people__wishes=[taken_back])) is None


@pytest.mark.parametrize("rule", ["CN-17", "CN-47"])
def test_cn_17_cards_are_collected_from_their_holder_and_guarantors_only(rule: str) -> None:
    there = {"product": "credit_card", "lender_kind": "consumer_finance"}
    assert effect(rule, relative("contact", "collect", loan=there)) is Effect.DENY
    assert effect(rule, relative("contact", "relay", loan=there)) is None
    assert effect(rule, relative("guarantor", "collect", loan=there, evidence="doc-1")) is None
    assert effect(rule, relative("contact", "collect", loan={"product": "consumer_loan", "lender_kind": "bank"})) is None


def test_cn_47_consumer_finance_companies_ask_nobody_else() -> None:
    assert effect("CN-47", relative("employer", "collect", loan={"lender_kind": "consumer_finance"})) is Effect.DENY
    assert effect("CN-47", relative("employer", "collect", loan={"lender_kind": None})) is None


@pytest.mark.parametrize(
    ("basis", "allowed"),
    [(None, False), ("contract", False), ("consent", True), ("named_by_borrower", True), ("legitimate_interest", True)],
)
def test_cn_41_a_relatives_number_is_used_on_a_basis_of_its_own(basis: str | None, allowed: bool) -> None:
    given = to_relative()
    given["people"][1]["contact_points"][0]["legal_basis"] = basis
    assert (effect("CN-41", given) is None) is allowed


def test_cn_41_the_borrowers_number_is_used_under_the_contract() -> None:
    assert effect("CN-41", situation()) is None
    assert effect("CN-41", situation(people__contact_points=[{"contact_point_id": "m1"}])) is Effect.DENY


@pytest.mark.parametrize(
    ("consent", "allowed"),
    [
        ({}, True),
        ({"withdrawn_at": "2026-11-18T12:00:00+08:00"}, False),
        ({"ends_at": "2026-11-18T12:00:00+08:00"}, False),
        ({"channel": "call", "withdrawn_at": "2026-11-18T12:00:00+08:00"}, True),
    ],
)
def test_cn_41_a_consent_that_was_withdrawn_is_none(consent: dict[str, Any], allowed: bool) -> None:
    given = to_relative()
    given["people"][1]["consents"] = [{"consent_id": "k", "kind": "third_party", "given_at": "2026-01-01T10:00:00+08:00"} | consent]
    assert (effect("CN-41", given) is None) is allowed


def test_cn_41_without_an_address_there_is_nothing_to_justify() -> None:
    assert effect("CN-41", situation(action__contact_point=None)) is None


def test_the_instants_of_a_situation_are_compared_and_not_its_texts() -> None:
    given = situation(people__wishes=[wish("no_contact", at=datetime(2026, 11, 18, 3, 59, 59, tzinfo=ZoneInfo("UTC")).isoformat())])
    assert effect("CN-16", given) is Effect.DENY
