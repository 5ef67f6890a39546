"""Somebody who moves: what left before is judged by where they were then, what leaves afterwards by where they are."""

from __future__ import annotations

import pytest

from arrears.prove.model import EarlierHome
from tests.prove.scenes import LONDON, NEW_YORK, SHANGHAI, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene("CN")


def moved(scene: Scene, when: str, zone: str, residence: str = "CN", person: str = "B") -> None:
    """From that local time on the ledger knows the person there."""
    before = scene.file.persons[person]
    row = str(len(scene.file.earlier_homes))
    scene.file.earlier_homes.append(EarlierHome(row, person, None, scene.at(when), before.zone, before.residence))
    scene.person(person, zone=zone, residence=residence)


def test_what_was_lawful_stays_lawful(scene: Scene) -> None:
    moved(scene, "2026-11-23 12:00", NEW_YORK)

    assert scene.broken(scene.contact("2026-11-23 11:00")) == set()  # 22:00 in New York
    assert "CN-01" in scene.broken(scene.contact("2026-11-24 11:00"))


def test_what_was_unlawful_stays_so(scene: Scene) -> None:
    moved(scene, "2026-11-23 23:30", LONDON)

    assert scene.broken(scene.contact("2026-11-23 23:00")) == {"CN-01"}  # 15:00 in London
    assert scene.broken(scene.contact("2026-11-24 23:00")) == set()


def test_each_home_counts_for_its_own_time(scene: Scene) -> None:
    moved(scene, "2026-11-23 12:00", NEW_YORK)
    moved(scene, "2026-11-25 12:00", LONDON)

    assert scene.broken(scene.contact("2026-11-23 11:00")) == set()
    assert scene.broken(scene.contact("2026-11-24 22:00")) == set()  # 09:00 in New York
    assert scene.broken(scene.contact("2026-11-25 19:00")) == set()  # 11:00 in London
    assert scene.broken(scene.contact("2026-11-26 11:00")) == {"CN-01"}  # 03:00 in London


def test_the_law_is_that_of_where_they_lived(scene: Scene) -> None:
    moved(scene, "2026-11-23 12:00", SHANGHAI, "US-MA")

    assert scene.broken(scene.contact("2026-11-22 10:00")) == set()  # a Sunday
    assert any(rule.startswith("US-") for rule in scene.broken(scene.contact("2026-11-29 10:00")))


def test_the_days_of_caps_are_those_of_where_they_are_now(scene: Scene) -> None:
    moved(scene, "2026-11-23 12:00", LONDON)
    for hour in (17, 18, 19):
        scene.call(f"2026-11-23 {hour}:00", "answered_delaying")

    # Already the next day in Shanghai, and still the same one in London.
    assert scene.broken(scene.call("2026-11-24 04:00", "no_answer")) == {"CN-02"}


def test_a_number_that_is_told_to_be_elsewhere_was_not_so_before() -> None:
    scene = Scene("US")
    scene.file.earlier_homes.append(EarlierHome("1", "B", "B-mobile", scene.at("2026-11-23 12:00")))
    scene.point("B-mobile", zone="America/Los_Angeles")

    assert scene.broken(scene.contact("2026-11-23 09:00")) == set()
    assert scene.broken(scene.contact("2026-11-24 09:00")) == {"US-10"}  # 06:00 in Los Angeles
