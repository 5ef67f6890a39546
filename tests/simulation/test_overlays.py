"""A lender's own numbers, read by the core and by the checker with a reader each: they mean the same to both, in random worlds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from arrears.config.law import overlaid
from arrears.prove.overlay import read
from tests.simulation.tally import Disagreement, Tally
from tests.simulation.world import REGIMES, World

WORLDS = 3
DECIDED = "reason: our customers asked us for it, decided_by: counsel, decided_on: 2020-01-01"

TIGHTER = """
overlay: strict
rules:
  CN-01: {window: {start: "09:00", end: "20:00"}, weekdays: [1, 2, 3, 4, 5, 6]}
  CN-02: {most: 1}
  CN-04: {most: 2}
  CN-06: {min_interval_days: {sms: 2}}
  CN-07: {most: {sms: 1, email: 1, in_app: 1, call: 4}}
  CN-11: {failures: 4}
  CN-27: {most_percent: "18"}
  CN-28: {most: 6, others_days: 10}
  CN-67: {circumstances: [elderly, disabled, vulnerable, student]}
  CN-70: {days_to_answer: 30}
  US-01: {most: 4}
  US-02: {days: 9}
  US-07: {gap_minutes: 180}
  US-08: {most: 9}
  US-10: {window: {start: "09:00", end: "20:00"}}
  US-47: {days: 21}
  US-62: {most: "4"}
  US-73: {most: 1}
  UK-01: {weekdays: [1, 2, 3, 4, 5]}
  UK-09: {days: 40}
  UK-12: {days: 90}
  UK-13: {days: 45}
  UK-18: {days: 28}
  IN-01: {window: {start: "09:00", end: "18:00"}}
  EU-04: {most: 1}
"""
RELAXED = f"""
overlay: lenient
rules:
  CN-07: {{most: {{sms: 4, email: 2, in_app: 2}}, {DECIDED}}}
  US-07: {{most: 6, gap_minutes: 5, {DECIDED}}}
  US-08: {{most: 40, most_a_day: {{sms: 5, email: 5, in_app: 5, letter: 5, visit: 5}}, {DECIDED}}}
  US-29: {{binds: [third_party], {DECIDED}}}
  UK-01: {{window: {{start: "07:00", end: "22:00"}}, weekdays: [1, 2, 3, 4, 5, 6, 7], {DECIDED}}}
  IN-02: {{most: 9, gap_minutes: 10, {DECIDED}}}
  EU-04: {{most: 4, window: {{start: "07:00", end: "21:00"}}, {DECIDED}}}
"""


@pytest.mark.parametrize("residence", ["CN", "US", "US-MA", "GB", "IN", "DE"])
@pytest.mark.parametrize("text", [TIGHTER, RELAXED], ids=["tighter", "relaxed"])
def test_core_and_checker_agree_on_a_lenders_own_numbers(tmp_path: Path, text: str, residence: str) -> None:
    file = tmp_path / "overlay.yaml"
    file.write_text(text)
    law, own = overlaid(REGIMES, file), read(file)
    assert {point.effect for point in own.points} == {"tightened" if text is TIGHTER else "relaxed"}
    tally, found = Tally(), list[Disagreement]()
    for seed in range(WORLDS):
        world = World(random.Random(seed), law, residence, own=own.changes)
        tally.add(world.play())
        found += world.disagreements
    assert not found, "\n".join(map(str, found[:5]))
    assert tally.verdicts > 10 * WORLDS
