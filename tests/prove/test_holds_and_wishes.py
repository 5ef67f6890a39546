"""What holds, what people asked for, and what may be said to them nevertheless."""

from __future__ import annotations

import datetime

import pytest

from arrears.prove.model import Contact, Loan, Tie, Wish, day_number
from tests.prove.scenes import Scene

ALL_HOLDS = (
    *("dispute", "cease", "attorney", "breathing-space", "mental-health-crisis", "incapacity", "debt-advice", "hardship", "plan"),
    *("bankruptcy", "deceased", "minor", "suspected_fraud"),
)
OVER_ALL_LOANS = ("cease", "attorney", "incapacity", "bankruptcy", "deceased", "minor")


@pytest.fixture
def scene() -> Scene:
    return Scene("US")


@pytest.mark.parametrize("reason", ALL_HOLDS)
def test_nothing_asks_for_money_while_it_is_held(scene: Scene, reason: str) -> None:
    scene.hold(reason, "2026-11-23 10:00:00", lifted_at=scene.at("2026-11-24 10:00:00"))
    at_that_very_moment = scene.contact("2026-11-23 10:00:00")
    held = scene.contact("2026-11-23 10:00:01")
    lifted = scene.contact("2026-11-24 10:00:00")
    assert scene.broken(at_that_very_moment) == set()
    assert scene.broken(held) == {"AR-04"}
    assert scene.broken(lifted) == set()


@pytest.mark.parametrize("reason", ALL_HOLDS)
def test_a_hold_of_the_person_holds_all_their_loans(scene: Scene, reason: str) -> None:
    scene.file.loans["another"] = Loan("another", "B")
    scene.hold(reason, "2026-11-20 10:00", loan_id="another")
    assert scene.broken(scene.contact("2026-11-23 10:00")) == ({"AR-04"} if reason in OVER_ALL_LOANS else set())


@pytest.mark.parametrize(
    ("reason", "purpose"),
    [
        ("dispute", "verification"),
        ("dispute", "reply"),
        ("cease", "will_remedy"),
        ("cease", "terminate"),
        ("breathing-space", "reply"),
        ("breathing-space", "notice"),
        ("hardship", "offer"),
        ("plan", "remind"),
    ],
)
def test_what_a_hold_permits_may_leave(scene: Scene, reason: str, purpose: str) -> None:
    scene.hold(reason, "2026-11-20 10:00")
    assert scene.broken(scene.contact("2026-11-23 10:00", purpose=purpose, klass=purpose)) == set()


def test_a_known_attorney_is_spoken_to_and_nobody_else(scene: Scene) -> None:
    scene.hold("attorney", "2026-11-20 10:00")
    scene.file.ties[0] = Tie("L", "S", "attorney", "mandate-1")
    assert scene.broken(scene.contact("2026-11-23 10:00", person="S", purpose="collect")) == set()
    assert scene.broken(scene.contact("2026-11-24 10:00", purpose="collect")) == {"AR-04", "US-14"}


def test_a_hold_that_was_told_of_later_is_no_hindsight(scene: Scene) -> None:
    scene.hold("dispute", "2026-11-20 10:00", known_at=scene.at("2026-11-23 12:00"))
    assert scene.broken(scene.contact("2026-11-23 10:00")) == set()
    assert scene.broken(scene.contact("2026-11-23 13:00")) == {"AR-04"}


def test_a_lifting_that_nobody_had_told_of_lifts_nothing_yet(scene: Scene) -> None:
    scene.hold(
        "dispute", "2026-11-20 10:00", lifted_at=scene.at("2026-11-23 09:00"), lift_known_at=scene.at("2026-11-23 12:00")
    )  # fmt: skip
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"AR-04"}
    assert scene.broken(scene.contact("2026-11-23 13:00")) == set()


def test_breathing_space_ends_on_day_sixty() -> None:
    scene = Scene("GB")
    scene.hold("breathing_space", "2026-11-02 10:00:00")
    assert scene.broken(scene.contact("2027-01-01 09:59:59")) == {"AR-04"}
    assert scene.broken(scene.contact("2027-01-01 10:00:00")) == set()


def test_a_crisis_moratorium_lasts_thirty_days_beyond_the_treatment() -> None:
    scene = Scene("GB")
    scene.hold("mental_health_crisis", "2026-11-02 10:00", treatment_ends_on=day_number(datetime.date(2026, 11, 10)))
    assert scene.broken(scene.contact("2026-12-10 20:00")) == {"AR-04"}
    assert scene.broken(scene.contact("2026-12-11 08:00")) == set()


def test_a_complaint_about_an_agency_holds_that_agency_only(scene: Scene) -> None:
    scene.hold("complaint", "2026-11-20 10:00", agency="swift")
    agencys: Contact = scene.reported("2026-11-23 10:00", "sms", outcome="delivered")
    assert scene.broken(agencys) == {"AR-04"}
    assert scene.broken(scene.contact("2026-11-23 11:00")) == set()


def test_the_dead_are_not_contacted_whatever_they_were_to_the_loan(scene: Scene) -> None:
    scene.tie(role="guarantor", evidence="deed-1")
    scene.hold("deceased", "2026-11-20 10:00", person_id="S")
    scene.approve("2026-11-22 10:00", purpose="collect")
    assert scene.broken(scene.contact("2026-11-23 10:00", person="S", purpose="collect", approval_id="A")) == {"AR-04"}
    assert scene.broken(scene.contact("2026-11-23 11:00")) == set()


WHOSE = {"CN": "CN-16", "US": "US-16", "GB": "UK-01", "IN": "IN-02", "FR": "EU-03"}


@pytest.mark.parametrize(("residence", "rule"), WHOSE.items())
def test_wishes_are_heeded_everywhere(residence: str, rule: str) -> None:
    scene = Scene(residence)
    said, taken_back = scene.at("2026-11-23 10:00:00"), scene.at("2026-11-24 10:00:00")
    wishes = (
        Wish("B", "no_contact", said, withdrawn_at=taken_back),
        Wish("B", "no_medium", said, channel="sms", withdrawn_at=taken_back),
        Wish("B", "no_address", said, point_id="B-mobile", withdrawn_at=taken_back),
    )
    before, after = scene.contact("2026-11-23 10:00:00"), scene.contact("2026-11-23 10:00:01")
    withdrawn = scene.contact("2026-11-24 10:00:01")
    for wish in wishes:
        scene.file.wishes = [wish]
        assert scene.broken(before) == set()
        assert scene.broken(after) == {"US-20" if rule == "US-16" and wish.kind == "no_contact" else rule}
        assert scene.broken(withdrawn) == set()


def test_another_medium_is_not_meant(scene: Scene) -> None:
    scene.file.wishes = [Wish("B", "no_medium", scene.at("2026-11-20 10:00"), channel="sms")]
    assert scene.broken(scene.contact("2026-11-23 10:00", "email")) == set()


def test_hours_that_do_not_suit_reach_over_midnight(scene: Scene) -> None:
    scene.file.wishes = [Wish("B", "no_hours", scene.at("2026-11-20 10:00"), starts=20 * 3600, ends=9 * 3600)]
    assert scene.broken(scene.contact("2026-11-23 20:00:00")) == {"US-11"}
    assert scene.broken(scene.contact("2026-11-23 08:59:59")) == {"US-11"}
    assert scene.broken(scene.contact("2026-11-23 09:00:00")) == set()


def test_a_stop_that_came_back_as_an_outcome_is_heeded(scene: Scene) -> None:
    scene.contact("2026-11-20 10:00", outcome="opted_out")
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"US-16", "US-71"}
    assert scene.broken(scene.contact("2026-11-23 11:00", purpose="confirm_opt_out")) == set()
    assert scene.broken(scene.contact("2026-11-23 12:00", purpose="confirm_opt_out")) == {"US-17"}


def test_the_old_columns_of_opting_out_are_heeded(scene: Scene) -> None:
    scene.point("B-mobile", opted_out_at=scene.at("2026-11-20 10:00"))
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"US-16"}
    scene.point("B-mobile", opted_out_at=None)
    scene.person("B", opted_out_at=scene.at("2026-11-20 10:00"))
    assert scene.broken(scene.contact("2026-11-24 10:00", "email")) == {"US-20"}
