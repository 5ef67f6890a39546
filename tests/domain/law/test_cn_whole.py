"""Mainland China: no rule of the law is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrears.config.law import RegimeProblem, overlaid
from arrears.domain.law.rule import RULES
from tests.domain.law.chinese import CN
from tests.law.files import vectors

NUMBERS = (*range(1, 19), *range(20, 31), *range(40, 74))
"""The numbers of the law's rules, in three groups: who and when, content and conduct, data and people and agencies."""


def test_every_rule_is_either_checked_or_said_to_be_kept_elsewhere() -> None:
    wanted = {f"CN-{number:02}" for number in NUMBERS}
    assert CN.terms.keys() | CN.elsewhere.keys() == wanted
    assert not CN.terms.keys() & CN.elsewhere.keys()


def test_every_rule_in_the_code_has_its_terms() -> None:
    assert {rule for rule in RULES if rule.startswith("CN-")} == CN.terms.keys()


def test_every_rule_says_in_one_paragraph_what_it_means_and_then_its_clause() -> None:
    for rule in CN.terms:
        plain = RULES[rule].plain
        assert plain.endswith("."), rule
        assert "art." not in plain, rule


def test_every_rule_stands_against_something_in_a_vector_and_keeps_silent_in_one_about_it() -> None:
    found = [vector for _, vector in vectors("cn")]
    standing = {rule for v in found if v.expect for rule in v.expect.rules}
    assert CN.terms.keys() - standing == {"CN-06"}, "CN-06 is off, so that no vector meets it"
    about = {rule for rule in CN.terms if any(v.expect and rule not in v.expect.rules for v in found)}
    assert about == CN.terms.keys()


def test_a_lender_can_turn_on_the_interval_that_is_off_and_tighten_what_is_on(tmp_path: Path) -> None:
    overlay = tmp_path / "acme.yaml"
    overlay.write_text("overlay: acme\nrules:\n  CN-06: {min_interval_days: {visit: 7}}\n  CN-28: {others_days: 14}\n")
    (changed,) = overlaid((CN,), overlay)
    assert changed.terms["CN-06"].model_dump()["min_interval_days"] == {"visit": 7}
    assert changed.stamp.hash != CN.stamp.hash


@pytest.mark.parametrize(
    "relaxed",
    [
        "CN-02: {most: 4}",
        "CN-11: {failures: 2}",
        "CN-12: {classes: [locate_only, remind]}",
        "CN-46: {days: 400}",
        "CN-65: {child_until: 13}",
    ],
)
def test_no_lender_can_relax_what_is_not_soft(relaxed: str, tmp_path: Path) -> None:
    overlay = tmp_path / "acme.yaml"
    overlay.write_text(f"overlay: acme\nrules:\n  {relaxed}\n")
    with pytest.raises(RegimeProblem, match="not soft"):
        overlaid((CN,), overlay)
