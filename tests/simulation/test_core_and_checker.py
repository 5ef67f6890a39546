"""The compliance core and the independent checker in the same random worlds: they agree, and nothing unlawful leaves.

Run with ``-s``, or look at the last lines of a run, to see how many contacts and verdicts were tried. ``bench/core_against_checker.py`` does the same with
millions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrears.domain.calendar import Window
from arrears.domain.law import RULES
from arrears.domain.law import house as house_rules
from arrears.domain.regime import Regime
from arrears.prove import model as raw
from tests.simulation.world import REGIMES, Disagreement, Tally, World, changed

CHUNKS, WORLDS_A_CHUNK = 12, 50
MOST_WORLDS = 300

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


@settings(max_examples=60, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
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
        world = World(random.Random(seed), residence=HOMES.get(missing[0][:2]))
        world.play()
        missing = [rule_id for rule_id in missing if rule_id not in world.tally.rules]
        if not missing:
            return
    assert not missing


def window(start: str, end: str) -> Window:
    return Window.model_validate({"start": start, "end": end})


FAULTS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("CN", "CN-01", {"window": window("08:00", "23:00")}),
    ("CN", "CN-07", {"most": {}}),
    ("CN", "CN-13", None),
    ("CN", "CN-24", None),
    ("CN", "CN-27", {"most_percent": Decimal(99)}),
    ("CN", "CN-41", None),
    ("CN", "CN-64", None),
    ("CN", "CN-67", None),
    ("US", "US-02", {"days": 5}),
    ("US", "US-10", {"window": window("07:00", "22:00")}),
    ("US", "US-14", None),
    ("US", "US-16", None),
    ("US", "US-20", None),
    ("US", "US-22", None),
    ("US-MA", "US-73", None),
    ("GB", "UK-01", {"weekdays": frozenset(range(1, 8))}),
    ("GB", "UK-05", None),
    ("IN", "IN-01", {"window": window("08:00", "20:00")}),
    ("DE", "EU-03", None),
    ("DE", "EU-04", {"window": window("08:00", "21:00")}),
)
"""A rule loosened or left out, in a world where it matters."""


@pytest.mark.parametrize(("residence", "rule_id", "change"), FAULTS, ids=[rule_id for _, rule_id, _ in FAULTS])
def test_a_rule_that_the_core_has_lost_is_missed_by_the_checker(residence: str, rule_id: str, change: dict[str, Any] | None) -> None:
    law = changed(REGIMES, {rule_id: change})
    assert any(rule_id in broken(seed, law, residence) for seed in range(MOST_WORLDS))


@pytest.mark.parametrize("rule_id", ["AR-01", "AR-02", "AR-04", "AR-05", "AR-08"])
def test_a_house_rule_that_the_core_has_lost_is_missed_by_the_checker(rule_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(house_rules.HOUSE, rule_id)
    assert any(rule_id in broken(seed, REGIMES, None) for seed in range(MOST_WORLDS))


HANDOVER_FAULTS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("CN", "CN-43", None),
    ("CN", "CN-44", None),
    ("CN", "CN-52", None),
    ("CN", "CN-56", None),
    ("US", "US-46", None),
    ("US", "US-47", {"days": 7}),
    ("US", "US-62", None),
    ("DE", "EU-01", None),
)
"""A rule on handovers loosened or left out, in a world where it matters."""


@pytest.mark.parametrize(("residence", "rule_id", "change"), HANDOVER_FAULTS, ids=[rule_id for _, rule_id, _ in HANDOVER_FAULTS])
def test_a_rule_on_handovers_that_the_core_has_lost_is_missed_by_the_checker(
    residence: str, rule_id: str, change: dict[str, Any] | None
) -> None:
    law = changed(REGIMES, {rule_id: change})
    assert any(rule_id in broken(seed, law, residence, raw.Placement) for seed in range(MOST_WORLDS))


def broken(
    seed: int, law: Sequence[Regime], residence: str | None, kind: type[raw.Contact] | type[raw.Placement] = raw.Contact
) -> set[str]:
    """What the checker says was broken by contacts, or by handovers, that a loosened core let out."""
    world = World(random.Random(50_000 + seed), law, residence)
    world.play()
    found = (one for one in world.disagreements if one.unsound and isinstance(one.proposed, kind))
    return {violation.rule for one in found for violation in one.violations}
