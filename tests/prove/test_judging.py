"""Judging whole files: against a plain recount by hand, in any order, and what may never change a judgement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.prove.findings import Violation
from arrears.prove.judge import Judge
from arrears.prove.model import Contact, instant, moment
from tests.prove.scenes import Scene

_FROM = instant(datetime(2026, 10, 20, tzinfo=UTC))  # the clocks of New York and London change within these weeks
_MINUTES = st.integers(0, 30 * 24 * 60)
_OUTCOMES = st.sampled_from(["answered_delaying", "no_answer", "busy", "voicemail", "invalid_number", "unknown", "someone_else"])
_CALLS = st.lists(st.tuples(_MINUTES, _OUTCOMES), min_size=1, max_size=40, unique_by=lambda call: call[0])


def calls(residence: str, planned: list[tuple[int, str]]) -> Scene:
    """A file with these calls, each known to have ended within its minute."""
    scene = Scene(residence)
    scene.file.cases["L.1"] = scene.file.cases["L.1"]._replace(opened_at=0)
    for minutes, outcome in planned:
        at = _FROM + minutes * 60_000_000
        scene.file.contacts.append(_call(at, outcome))
    return scene


def _call(at: int, outcome: str) -> Contact:
    return Contact(
        f"c{at}",
        "L",
        "B",
        "call",
        at,
        outcome,
        at + 30_000_000,
        case_id="L.1",
        point_id="B-mobile",
        reserved_at=at,
        sent_at=at,
        reported=True,
    )


def broke(found: list[Violation], rule: str) -> set[int]:
    return {v.at for v in found if v.rule == rule}


def local(at: int, zone: str) -> datetime:
    return moment(at).astimezone(ZoneInfo(zone))


@given(_CALLS)
def test_chinese_caps_and_hours_are_those_of_a_plain_recount(planned: list[tuple[int, str]]) -> None:
    scene = calls("CN", planned)
    found = scene.violations()
    made = [(c.at, c.outcome, local(c.at, scene.zone)) for c in scene.file.contacts]
    night = {at for at, _, here in made if not 8 <= here.hour < 22}
    fourth = {
        at
        for at, _, here in made
        if sum(o in ("answered_delaying", "unknown") for before, o, then in made if before < at and then.date() == here.date()) >= 3
    }
    seventh = {
        at
        for at, _, here in made
        if sum(not o.startswith("answered") for before, o, then in made if before < at and then.date() == here.date()) >= 6
    }
    assert (broke(found, "CN-01"), broke(found, "CN-02"), broke(found, "CN-04")) == (night, fourth, seventh)


@given(_CALLS)
def test_american_caps_and_gaps_are_those_of_a_plain_recount(planned: list[tuple[int, str]]) -> None:
    scene = calls("US", planned)
    found = scene.violations()
    made = [(c.at, c.outcome, local(c.at, scene.zone).date()) for c in scene.file.contacts]
    week = timedelta(days=6)
    eighth = {
        at
        for at, _, day in made
        if sum(o not in ("busy", "invalid_number") for before, o, then in made if before < at and day - week <= then) >= 7
    }
    too_soon = {
        at
        for at, _, day in made
        if any(o in ("answered_delaying", "unknown") for before, o, then in made if before < at and day - week <= then)
    }
    assert (broke(found, "US-01"), broke(found, "US-02")) == (eighth, too_soon)


@given(_CALLS, st.integers(0, 1_000))
def test_judging_a_file_twice_or_in_parts_says_the_same(planned: list[tuple[int, str]], cut: int) -> None:
    scene = calls("US", planned)
    whole = scene.violations()
    judge = Judge(scene.book)
    assert list(judge.judge(scene.file)) == whole == list(judge.judge(scene.file))
    at = scene.file.contacts[cut % len(scene.file.contacts)].at
    scene.file.contacts[:] = [c for c in scene.file.contacts if c.at <= at]
    assert scene.violations() == [v for v in whole if v.at <= at]


@given(_CALLS, _MINUTES)
def test_what_is_learnt_later_changes_no_judgement_on_what_left_before(planned: list[tuple[int, str]], minutes: int) -> None:
    scene = calls("CN", planned)
    before = scene.violations()
    at = _FROM + minutes * 60_000_000
    when = f"{local(at, scene.zone):%Y-%m-%d %H:%M}"
    scene.hold("dispute", "2026-10-01 00:00", known_at=at)
    scene.pay("2026-10-01 00:00", "500", recorded=when)
    scene.point("B-mobile", invalid_since=at)
    after = scene.violations()
    assert [v for v in after if v.at <= at] == [v for v in before if v.at <= at]
    assert {v.rule for v in after if v.at > at} - {v.rule for v in before} <= {"AR-01", "AR-04"}


@pytest.mark.parametrize("residence", ["CN", "US", "US-MA", "GB", "IN", "FR"])
def test_a_violation_tells_no_personal_data(residence: str) -> None:
    scene = Scene(residence)
    scene.person("S", born=20_000)
    scene.contact("2026-11-23 23:00", person="S", text="Anna Example owes 500 EUR, call +86 130 0000 0000", klass="remind")
    told = " ".join(str(v) for v in scene.violations())
    assert told
    assert "Anna" not in told
    assert "500 EUR" not in told
    assert "+86" not in told
    assert "Anna" not in repr(scene.file)


def test_every_rule_says_what_it_is_in_a_sentence() -> None:
    from arrears.prove.law.placements import RULES as ABOUT_PLACEMENTS
    from arrears.prove.law.rule import RULES

    sentences = {rule.id: rule.plain for rule in RULES} | ABOUT_PLACEMENTS
    assert all(sentence.endswith(".") and len(sentence) > 30 for sentence in sentences.values())
