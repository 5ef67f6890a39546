"""Handing a debt on in America, Britain and Europe: each rule from the last instant at which it objects to the first at which it does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from arrears.prove.model import Circumstance, Notice, Placement, Verdict, amount, day_number, instant, moment
from tests.prove.scenes import Scene, at

LAST = day_number(date(2026, 11, 23))


def place(scene: Scene, when: str = "2026-11-23 10:00", target: str = "lawsuit") -> set[str]:
    scene.file.placements[:] = [Placement("R", "L", "L.1", target, scene.at(when), "swift" if target == "agency" else None)]
    scene.file.verdicts[:] = [v for v in scene.file.verdicts if v.about != "R"] + [Verdict("R", "L.1", scene.at(when), "allow")]
    return {v.rule for v in scene.violations() if v.contact_id == "R"}


def waits(scene: Scene) -> list[str]:
    """From when on each broken rule would have had nothing against it, in the borrower's local time."""
    return [str(moment(v.lawful_from).astimezone(at("2026-11-01 00:00", scene.zone).tzinfo)) for v in scene.violations() if v.lawful_from]


def served(scene: Scene, kind: str, when: str, **more: int) -> None:
    scene.file.notices.append(Notice("L", "B", kind, scene.at(when), **more))


@pytest.fixture
def america() -> Scene:
    scene = Scene("US")
    scene.loan(limitation_ends_on=LAST)
    return scene


@pytest.fixture
def britain() -> Scene:
    scene = Scene("GB")
    scene.loan(limitation_ends_on=LAST)
    served(scene, "default", "2026-11-09 10:00:00")
    return scene


def test_us_46_a_debt_is_sued_for_until_its_last_day_where_the_borrower_is(america: Scene) -> None:
    assert place(america, "2026-11-23 23:59:59") == set()
    assert place(america, "2026-11-24 00:00:00") == {"US-46"}
    assert place(america, "2026-11-24 00:00:00", "agency") == set(), "only a lawsuit is barred"


def test_us_46_a_debt_of_which_nobody_knows_the_last_day_is_not_sued_for(america: Scene) -> None:
    america.loan(limitation_ends_on=None)
    assert place(america) == {"US-46"}
    assert waits(america) == [], "waiting does not help"


@pytest.mark.parametrize(("cost", "broken"), [("6", set[str]()), ("6.0001", {"US-62"}), (None, {"US-62"})])
@pytest.mark.parametrize("target", ["agency", "lawsuit", "debt_sale", "lawyer"])
def test_us_62_a_debt_of_somebody_in_service_costs_six_per_cent_at_most(
    america: Scene, cost: str | None, broken: set[str], target: str
) -> None:
    america.loan(annual_cost=None if cost is None else amount(cost))
    america.file.circumstances.append(Circumstance("B", "active_duty", america.at("2026-11-01 10:00"), america.at("2026-11-23 11:00")))
    assert place(america, target=target) == broken
    assert place(america, "2026-11-23 11:00", target) == set(), "the service is over"


def test_us_62_a_service_that_nobody_knew_of_yet_forbids_nothing(america: Scene) -> None:
    america.file.circumstances.append(Circumstance("B", "active_duty", america.at("2026-11-23 10:00")))
    assert place(america) == set()


def test_us_47_says_from_when_a_report_may_go() -> None:
    scene = Scene("US")
    assert place(scene, target="credit_report") == {"US-47"}
    assert waits(scene) == []
    served(scene, "credit", "2026-11-20 10:00")
    assert place(scene, target="credit_report") == {"US-47"}
    assert [v.lawful_from for v in scene.violations()] == [scene.at("2026-12-04 10:00")]
    assert place(scene, "2026-12-04 10:00", "credit_report") == set()


@pytest.mark.parametrize(("told_at", "broken"), [("2026-11-23 09:59:59", {"US-47"}), ("2026-11-23 10:00:00", set())])
def test_us_47_nobody_can_say_that_a_conversation_told_of_at_that_very_instant_was_not_known(told_at: str, broken: set[str]) -> None:
    scene = Scene("US")
    scene.reported("2026-11-20 12:00", outcome="answered", known_at=scene.at("2026-11-23 10:00:00"))
    assert place(scene, told_at, "credit_report") == broken


@pytest.mark.parametrize("target", ["agency", "lawyer", "debt_sale", "lawsuit"])
def test_uk_11_nobody_gets_a_statute_barred_debt_to_demand_it(britain: Scene, target: str) -> None:
    assert place(britain, "2026-11-23 23:59:59", target) == set()
    assert place(britain, "2026-11-24 00:00:00", target) == {"UK-11"}


def test_uk_11_a_bureau_may_be_told_of_a_statute_barred_debt(britain: Scene) -> None:
    assert place(britain, "2026-11-24 00:00:00", "credit_report") == set()


def test_uk_11_nobody_sues_without_knowing_whether_they_may_but_others_are_told(britain: Scene) -> None:
    britain.loan(limitation_ends_on=None)
    assert place(britain) == {"UK-11"}
    assert place(britain, target="lawyer") == set()


def test_uk_11_the_time_of_a_moratorium_moves_the_last_day(britain: Scene) -> None:
    britain.hold("breathing-space", "2026-11-10 10:00", until=britain.at("2026-11-20 10:00"))
    assert place(britain, "2026-12-03 23:59:59") == set()
    assert place(britain, "2026-12-04 00:00:00") == {"UK-11"}


def test_uk_11_a_moratorium_that_was_lifted_moves_the_last_day_by_as_long_as_it_lasted(britain: Scene) -> None:
    lifted = britain.at("2026-11-13 10:00")
    britain.hold("breathing-space", "2026-11-10 10:00", lifted_at=lifted, lift_known_at=lifted)
    assert place(britain, "2026-11-26 23:59:59") == set()
    assert place(britain, "2026-11-27 00:00:00") == {"UK-11"}


@pytest.mark.parametrize(("when", "broken"), [("2026-11-23 23:59:59", {"UK-13"}), ("2026-11-24 00:00:00", set())])
def test_uk_13_thirty_days_after_the_treatment_are_days_of_the_borrowers_calendar(when: str, broken: set[str]) -> None:
    scene = Scene("GB")
    scene.zone = "America/Los_Angeles"
    scene.file.persons["B"] = scene.file.persons["B"]._replace(zone=scene.zone)
    scene.hold("mental-health-crisis", "2026-09-01 10:00", treatment_ends_on=day_number(date(2026, 10, 24)))
    assert place(scene, when, "credit_report") == broken


def test_uk_18_fourteen_days_pass_after_a_default_notice(britain: Scene) -> None:
    assert place(britain, "2026-11-23 09:59:59") == {"UK-18"}
    assert [v.lawful_from for v in britain.violations()] == [britain.at("2026-11-23 10:00:00")]
    assert place(britain, "2026-11-23 10:00:00") == set()
    assert place(britain, "2026-11-20 10:00", "agency") == set(), "to engage an agency enforces nothing"


def test_uk_18_a_delivery_counts_from_its_own_day_and_a_notice_that_came_back_not_at_all(britain: Scene) -> None:
    britain.file.notices[0] = britain.file.notices[0]._replace(delivered_at=britain.at("2026-11-09 10:00:01"))
    assert place(britain, "2026-11-23 10:00:00") == {"UK-18"}
    britain.file.notices[0] = britain.file.notices[0]._replace(delivered_at=None, bounced_at=britain.at("2026-11-12 10:00"))
    assert place(britain) == {"UK-18"}
    assert waits(britain) == []
    britain.file.notices.clear()
    assert place(britain) == {"UK-18"}


def test_uk_18_a_notice_to_somebody_else_or_of_another_kind_is_none(britain: Scene) -> None:
    britain.file.notices[0] = britain.file.notices[0]._replace(person_id="S")
    assert place(britain) == {"UK-18"}
    britain.file.notices[0] = britain.file.notices[0]._replace(person_id="B", kind="credit")
    assert place(britain) == {"UK-18"}


@pytest.fixture
def europe() -> Scene:
    return Scene("FR")


def test_eu_01_forbearance_is_offered_first_since_20_november_2026(europe: Scene) -> None:
    assert place(europe, "2026-11-19 23:59:59") == set()
    assert place(europe, "2026-11-20 00:00:00") == {"EU-01"}
    assert place(europe, "2026-11-20 00:00:00", "agency") == set()
    assert waits(europe) == []


@pytest.mark.parametrize(
    ("offer", "broken"),
    [
        ({}, set[str]()),
        ({"purpose": "collect", "klass": "offer"}, set[str]()),
        ({"outcome": "unknown"}, set[str]()),
        ({"outcome": "bounced"}, {"EU-01"}),
        ({"outcome": "failed"}, {"EU-01"}),
        ({"purpose": "collect", "klass": "collect"}, {"EU-01"}),
        ({"loan_id": "L-2"}, {"EU-01"}),
    ],
)
def test_eu_01_an_offer_left_for_the_borrower_and_may_have_arrived(europe: Scene, offer: dict[str, Any], broken: set[str]) -> None:
    given: dict[str, Any] = {"purpose": "offer", "klass": "offer"} | offer
    europe.contact("2026-11-21 10:00", "email", **given)
    assert place(europe) == broken
    assert place(europe, "2026-11-21 09:59:59") == {"EU-01"}, "an offer afterwards is none"


def test_eu_01_an_offer_to_somebody_else_is_none(europe: Scene) -> None:
    europe.contact("2026-11-21 10:00", "email", person="S", purpose="offer", klass="offer")
    assert place(europe) == {"EU-01"}
    assert instant(at("2026-11-20 00:00", europe.zone)) < europe.file.placements[0].sent_at
