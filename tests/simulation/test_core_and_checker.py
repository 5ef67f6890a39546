"""The compliance core and the independent checker in the same random worlds: they agree, and nothing unlawful leaves.

Run with ``-s``, or look at the last lines of a run, to see how many contacts and verdicts were tried. ``bench/core_against_checker.py`` does the same with
millions.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrears.domain.law import RULES
from arrears.domain.law import house as house_rules
from tests.simulation.faults import FAULTS, Fault, worlds_until_found
from tests.simulation.tally import Disagreement, Tally
from tests.simulation.world import REGIMES, World

CHUNKS, WORLDS_A_CHUNK = 6, 40
MOST_WORLDS = 200
"""In so many worlds a fault is found, or the test fails; nearly all are found within ten."""

WORDS = "it looks at words, which the tests of the content try; here words are few"
NO_AGENCY_ASKS = "what an agency does is reported, and not asked for"
NEVER_HERE = {
    "AR-06": "every message here can be written",
    "CN-06": "it is off until counsel has read the clause",
    "CN-18": WORDS,
    "CN-20": WORDS,
    "CN-21": WORDS,
    "CN-23": WORDS,
    "CN-25": NO_AGENCY_ASKS,
    "CN-26": WORDS,
    "CN-42": NO_AGENCY_ASKS,
    "CN-44": NO_AGENCY_ASKS,
    "CN-45": NO_AGENCY_ASKS,
    "CN-53": WORDS,
    "CN-58": WORDS,
    "CN-72": NO_AGENCY_ASKS,
    "CN-73": WORDS,
    "UK-03": WORDS,
    "UK-04": "a script verifies the person, and says so to nobody here",
    "UK-08": WORDS,
    "UK-14": "it allows what a moratorium does not forbid, and objects to nothing",
    "UK-15": NO_AGENCY_ASKS,
    "UK-16": "it says that a moratorium moved a day, and objects to nothing",
    "US-30": WORDS,
    "US-31": WORDS,
    "US-43": WORDS,
}
"""Rules on contacts that no random world makes fire, and why."""


HOMES = {"CN": "CN", "US": "US-MA", "UK": "GB", "IN": "IN", "EU": "DE"}
"""Where somebody lives for whom the rules of a regime are made, by the first letters of these."""


def said(found: list[Disagreement]) -> str:
    return "\n".join(map(str, found[:5]))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_core_and_checker_agree_and_nothing_unlawful_leaves(chunk: int, record_property: Callable[[str, object], None]) -> None:
    tally, found = Tally(), list[Disagreement]()
    for seed in range(chunk * WORLDS_A_CHUNK, (chunk + 1) * WORLDS_A_CHUNK):
        world = World(random.Random(seed))
        tally.add(world.play())
        found += world.disagreements
    record_property("simulation", tally.as_json())
    assert not found, said(found)
    assert tally.left > WORLDS_A_CHUNK, "hardly anything left, so that hardly anything was tried"


@settings(max_examples=30, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_whatever_chance_says_they_agree(luck: random.Random) -> None:
    world = World(luck)
    world.play()
    assert not world.disagreements, said(world.disagreements)


def test_every_rule_on_contacts_is_tried() -> None:
    """So that the worlds cannot agree by trying nothing: each rule of the core objects somewhere, but for those that are named above."""
    active = {rule_id for regime in REGIMES for rule_id in regime.terms if "contact" in RULES[rule_id].about} | set(house_rules.HOUSE)
    missing = sorted(active - set(NEVER_HERE))
    for seed in range(10_000, 12_000):
        world = World(random.Random(seed), residence=HOMES.get(missing[0][:2]), press="holds" if seed % 4 and seed > 10_060 else None)
        world.play()
        missing = [rule_id for rule_id in missing if rule_id not in world.tally.rules]
        if not missing:
            return
    assert not missing


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name.replace(" ", "-") for fault in FAULTS])
def test_whatever_the_core_has_lost_is_missed_by_the_checker(fault: Fault) -> None:
    assert worlds_until_found(fault, MOST_WORLDS) is not None
