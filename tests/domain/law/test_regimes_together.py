"""Several laws at once: by residence, by number, by the lender's seat. The strictest wins."""

from __future__ import annotations

import pytest

from arrears.domain.judge import applying, judge
from arrears.domain.regime import Regime
from arrears.domain.situation import Situation
from arrears.domain.verdict import Effect
from tests.domain.law.abroad import LAW, Given, india, regime, uk, us

ALL = (*LAW.values(), regime("cn"))


def names(s: Situation) -> set[str]:
    return {found.regime for found in applying(s, ALL)}


def anywhere(told: Given, seat: str) -> Situation:
    told.document["regimes"] = None
    told.document["lender_seat"] = seat
    return told.situation


@pytest.mark.parametrize(
    ("residence", "country", "seat", "laws"),
    [
        ("US-NY", "US", "US", {"us"}),
        ("US-NY", "GB", "US", {"us", "uk"}),
        ("US-NY", "US", "CN", {"us", "cn"}),
        ("DE", "FR", "IN", {"eu", "in"}),
        ("PR", "US", "US", {"us"}),
        ("GB", "IN", "DE", {"uk", "in", "eu"}),
    ],
)
def test_the_law_of_residence_number_and_seat_applies(residence: str, country: str, seat: str, laws: set[str]) -> None:
    assert names(anywhere(us().person(residence=residence).point(country=country), seat)) == laws


def test_a_chinese_lender_calls_an_american_by_the_stricter_hours() -> None:
    found = judge(anywhere(us().at("2026-11-18T21:30"), "CN"), ALL)
    assert found.effect is not Effect.ALLOW
    assert "US-10" in found.rules
    assert "CN-01" not in found.rules
    assert {stamp.name for stamp in found.regimes} == {"us", "cn"}


def test_an_indian_lenders_customer_in_london_has_the_hours_of_both() -> None:
    told = india().person(residence="GB", zone="Europe/London").point(country="GB", zones=["Europe/London"])
    told.zone = "Europe/London"
    found = judge(anywhere(told.at("2026-11-18T19:30"), "IN"), ALL)
    assert (found.effect, found.rules) == (Effect.DEFER, ("IN-01",))
    assert judge(anywhere(told.at("2026-11-22T12:00"), "IN"), ALL).rules == ("UK-01",)


def test_a_denial_under_one_law_outweighs_a_deferral_under_another() -> None:
    told = uk().person(residence="US-NY").wish("no_contact").at("2026-11-18T23:00")
    found = judge(anywhere(told, "GB"), ALL)
    assert found.effect is Effect.DENY
    assert {"US-20", "UK-01"} <= set(found.rules)


@pytest.mark.parametrize("law", ALL, ids=lambda law: law.regime)
def test_no_rule_stands_in_two_laws_or_in_both_parts_of_one(law: Regime) -> None:
    assert not set(law.terms) & set(law.elsewhere)
    for other in ALL:
        assert other is law or not (set(law.terms) | set(law.elsewhere)) & (set(other.terms) | set(other.elsewhere))


PUBLISHED = {
    "us": [*range(1, 9), *range(10, 19), *range(20, 32), *range(40, 48), 50, 51, 60, 61, 62, 70, 71, 72, 73],
    "uk": range(1, 19),
    "eu": range(1, 5),
    "in": range(1, 6),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_rule_of_the_list_is_checked_or_says_where_else_it_is_kept(name: str) -> None:
    law = LAW[name]
    assert set(law.terms) | set(law.elsewhere) == {f"{name.upper()}-{number:02d}" for number in PUBLISHED[name]}


def test_the_borrowers_law_protects_them_wherever_the_others_live() -> None:
    told = us().to("contact")
    told.document["people"][-1] |= {"residence": "CN", "zone": "Asia/Shanghai"}
    told.document["people"][-1]["contact_points"][0] |= {"country": "CN", "zones": ["Asia/Shanghai"]}
    assert names(anywhere(told, "DE")) == {"us", "cn", "eu"}
    assert "US-22" in judge(anywhere(told, "DE"), ALL).rules
