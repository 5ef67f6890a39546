"""Each lender's ladder against what the lender published: the whole story of a case, line by line.

The stories stand in ``timelines/``, written to be read beside the lenders' descriptions. ``REWRITE_TIMELINES=1`` writes them anew after a ladder was
changed on purpose; what changed is then seen in review.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from arrears.sandbox.temperament import Temperament, delays, never_answers, pays_in_parts, pays_on_day, relative_refuses, willing
from tests.acceptance.town import a_town, loan_row

STORIES = Path(__file__).with_name("timelines")


@dataclass(frozen=True)
class Scenario:
    temperament: Temperament
    until_day: int
    operators_say: str | None = "approve"
    step: timedelta = timedelta(hours=1)


SCENARIOS = {
    "never-answers": Scenario(never_answers(), until_day=725, step=timedelta(hours=12)),
    "nobody-decides": Scenario(never_answers(), until_day=45, operators_say=None),
    "pays-on-day-3": Scenario(pays_on_day(4), until_day=6),
    "pays-in-parts": Scenario(pays_in_parts(3, 9, 16), until_day=20),
    "answers-and-keeps-delaying": Scenario(delays(times=1000), until_day=65, step=timedelta(hours=3)),
    "answers-and-is-willing": Scenario(willing(pays_after_days=5), until_day=20),
    "relative-refuses": Scenario(relative_refuses(), until_day=45),
}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("strategy", ["fenqile", "paipai", "huabei"])
async def test_the_ladder_goes_as_its_lender_describes_as_far_as_the_law_allows(tmp_path: Path, strategy: str, name: str) -> None:
    scenario = SCENARIOS[name]
    async with a_town(tmp_path) as town:
        town.operators_say = scenario.operators_say
        loan_id = await town.lend(loan_row("L-1001", strategy, town.due_on, owed="60000.00"), scenario.temperament)
        case = await town.open(loan_id)
        await town.live_until(town.at(scenario.until_day, 12), case, scenario.step)
        told = await town.told(loan_id)
    story = STORIES / strategy / f"{name}.txt"
    if os.environ.get("REWRITE_TIMELINES"):
        story.parent.mkdir(parents=True, exist_ok=True)
        story.write_text(told)
    assert told == story.read_text()
