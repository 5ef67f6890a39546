"""The European Union: forbearance, who collects, objections, and careful numbers until a country's own are known."""

from __future__ import annotations

import pytest

from arrears.domain.verdict import Effect
from tests.domain.law.abroad import eu

DENY = Effect.DENY


@pytest.mark.parametrize("channel", ["call", "sms", "email", "in_app", "letter"])
def test_an_ordinary_contact_breaks_no_rule(channel: str) -> None:
    assert eu(channel).verdict.effect is Effect.ALLOW


@pytest.mark.parametrize(("at", "effect"), [("2026-11-19T23:59:59", None), ("2026-11-20T00:00:00", DENY)])
def test_eu_01_forbearance_is_offered_before_a_lawsuit_once_the_directive_applies(at: str, effect: Effect | None) -> None:
    assert eu().refer("lawsuit").at(at).effect("EU-01") is effect


@pytest.mark.parametrize(("outcome", "effect"), [("delivered", None), ("bounced", DENY), ("not_sent", DENY)])
def test_eu_01_an_offer_that_did_not_arrive_is_none(outcome: str, effect: Effect | None) -> None:
    told = eu().refer("lawsuit").at("2026-12-01T12:00").past("2026-11-01T12:00", outcome, "email", purpose="offer")
    assert told.effect("EU-01") is effect


def test_eu_02_who_bought_the_debt_or_services_it_says_so_first() -> None:
    arrived = {"delivered_at": "2026-11-02T12:00:00Z"}
    assert eu().loan(lender_kind="purchaser").effect("EU-02") is DENY
    assert eu().loan(lender_kind="purchaser").notice("assignment", "2026-11-01T12:00", **arrived).effect("EU-02") is None
    assert eu().loan(lender_kind="purchaser").notice("assignment", "2026-11-01T12:00").effect("EU-02") is DENY
    assert eu().loan(lender_kind="purchaser").notice("agency", "2026-11-01T12:00", **arrived).effect("EU-02") is DENY
    assert eu().action(by="north").effect("EU-02") is DENY
    assert eu().action(by="north").notice("agency", "2026-11-01T12:00", agency="north", **arrived).effect("EU-02") is None
    assert eu().effect("EU-02") is None


def test_eu_02_a_notice_that_came_back_told_nobody() -> None:
    told = eu().loan(lender_kind="purchaser").notice("assignment", "2026-11-01T12:00", bounced_at="2026-11-02T12:00:00Z")
    assert told.effect("EU-02") is DENY


@pytest.mark.parametrize(
    "wish", [{"kind": "no_contact"}, {"kind": "no_medium", "channel": "call"}, {"kind": "no_address", "contact_point": "p1"}]
)
def test_eu_03_an_objection_is_heeded(wish: dict[str, str]) -> None:
    assert eu().wish(**wish).effect("EU-03") is DENY
    assert eu(purpose="reply", klass="reply").wish(**wish).effect("EU-03") is None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-18T19:59:59", None),
        ("2026-11-18T20:00:00", "2026-11-19T08:00"),
        ("2026-11-22T12:00:00", "2026-11-23T08:00"),
        ("2026-03-28T20:00:00", "2026-03-30T08:00"),
    ],
)
def test_eu_04_careful_hours_until_a_countrys_own_are_known(at: str, until: str | None) -> None:
    assert eu().at(at).until("EU-04") == until


def test_eu_04_two_calls_a_day_and_no_third_parties() -> None:
    told = eu().past("2026-11-18T08:00", "busy").past("2026-11-18T09:00", "no_answer", by="north")
    assert told.until("EU-04") == "2026-11-19T00:00"
    assert eu(purpose="locate", klass="locate_only").to("spouse").effect("EU-04") is DENY
    assert eu().to("guarantor").effect("EU-04") is None
