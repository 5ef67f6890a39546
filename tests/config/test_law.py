"""The law as files: wrong ones name line, field and remedy; a lender's overlay tightens, and relaxes only what is soft, with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arrears.config.law import Law, RegimeProblem, is_tighter
from arrears.domain.calendar import Window
from arrears.domain.law.kit import DayCap, Hours

REGIME = """
regime: cn
version: 1
title: China
source: a source
applies: {regions: [CN]}
rules:
  CN-01:
    clause: a clause
    force: standard
    confidence: VERIFIED-S
    window: {start: "08:00", end: "22:00"}
  CN-02:
    clause: a clause
    force: standard
    confidence: VERIFIED-S
    soft: true
    most: 3
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "cn.yaml").write_text(REGIME)
    return tmp_path


def overlaid(directory: Path, overlay: str) -> Law:
    path = directory / "acme.overlay"
    path.write_text(overlay)
    return Law(directory, path)


def terms(law: Law, rule: str) -> DayCap | Hours:
    found = law.current()[0].terms[rule]
    assert isinstance(found, DayCap | Hours)
    return found


def test_a_lender_may_tighten_every_rule(directory: Path) -> None:
    law = overlaid(directory, 'overlay: acme\nrules:\n  CN-01: {window: {start: "09:00", end: "20:00"}}\n  CN-02: {most: 1}\n')
    assert law.current()[0].terms["CN-01"].model_dump()["window"] == Window.model_validate({"start": "09:00", "end": "20:00"}).model_dump()
    assert terms(law, "CN-02").model_dump()["most"] == 1


def test_a_rule_that_is_not_soft_cannot_be_relaxed(directory: Path) -> None:
    law = overlaid(directory, 'overlay: acme\nrules:\n  CN-01: {window: {start: "07:00", end: "22:00"}}\n')
    with pytest.raises(RegimeProblem, match=r"acme.overlay:3: rules.CN-01.window: this would relax the rule, which is not soft"):
        law.current()


def test_a_soft_rule_is_relaxed_only_with_a_recorded_reason(directory: Path) -> None:
    with pytest.raises(RegimeProblem, match="add reason, decided_by and decided_on"):
        overlaid(directory, "overlay: acme\nrules:\n  CN-02: {most: 4}\n").current()
    relaxed = overlaid(
        directory,
        "overlay: acme\nrules:\n  CN-02: {most: 4, reason: the borrowers of this product asked for it, decided_by: counsel, decided_on: 2026-11-01}\n",
    ).current()[0]
    assert relaxed.terms["CN-02"].note == "acme: the borrowers of this product asked for it (counsel, 2026-11-01)"


def test_an_overlay_changes_the_hash_that_verdicts_record(directory: Path) -> None:
    plain = Law(directory).current()[0].stamp
    assert overlaid(directory, "overlay: acme\nrules:\n  CN-02: {most: 2}\n").current()[0].stamp.hash != plain.hash


@pytest.mark.parametrize(
    ("overlay", "says"),
    [
        ("overlay: acme\nrules:\n  XX-99: {most: 1}\n", r":3: rules.XX-99: no regime has this rule"),
        ("overlay: acme\nrules:\n  CN-02: {clause: mine}\n", r"rules.CN-02.clause: a lender cannot change this"),
        ("overlay: acme\nrules:\n  CN-02: {most: many}\n", r"rules.CN-02.most: "),
        ("overlay: acme\nrules:\n  CN-02: {least: 1}\n", r"rules.CN-02.least: "),
    ],
)
def test_a_wrong_overlay_names_line_and_field(directory: Path, overlay: str, says: str) -> None:
    with pytest.raises(RegimeProblem, match=says):
        overlaid(directory, overlay).current()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("most: 3", "most: -1", r"cn.yaml:18: rules.CN-02.most: "),
        ("most: 3", "most: 3\n    window: 1", r"cn.yaml:19: rules.CN-02.window: Extra inputs"),
        ("CN-02:", "CN-99:", r"cn.yaml:13: rules.CN-99: Extra inputs"),
        ("confidence: VERIFIED-S\n    window", "confidence: SURE\n    window", r"rules.CN-01.confidence: "),
        ("regime: cn", "regime: uk", r"the file is named 'cn' but its regime 'uk'"),
        ("version: 1", "version: 1\nversion: 2", r"cn.yaml:4"),
    ],
)
def test_a_wrong_regime_names_file_line_and_field(directory: Path, old: str, new: str, says: str) -> None:
    (directory / "cn.yaml").write_text(REGIME.replace(old, new))
    with pytest.raises(RegimeProblem, match=says):
        Law(directory).current()


def test_a_regime_that_was_tightened_counts_from_the_next_contact_on(directory: Path) -> None:
    law = Law(directory)
    assert terms(law, "CN-02").model_dump()["most"] == 3
    file = directory / "cn.yaml"
    file.write_text(REGIME.replace("most: 3", "most: 2"))
    os.utime(file, ns=(1, 1))
    assert terms(law, "CN-02").model_dump()["most"] == 2


def test_a_directory_without_a_regime_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(RegimeProblem, match="there is no regime"):
        Law(tmp_path).current()


@pytest.mark.parametrize(
    ("direction", "old", "new", "expected"),
    [
        ("lower", 3, 3, True),
        ("lower", 3, 4, False),
        ("lower", None, 4, True),
        ("lower", 4, None, False),
        ("higher", 7, 8, True),
        ("higher", 7, 6, False),
        ("subset", {1, 2}, {1}, True),
        ("subset", {1}, {1, 2}, False),
        ("superset", {1}, {1, 2}, True),
        ("superset", {1, 2}, {1}, False),
        ("true", False, True, True),
        ("true", True, False, False),
        ("lower", {"sms": 2, "email": 1}, {"sms": 1, "email": 1}, True),
        ("lower", {"sms": 2, "email": 1}, {"sms": 3, "email": 1}, False),
        ("lower", {"sms": 2, "email": 1}, {"sms": 2}, False),
    ],
)
def test_what_is_tighter(direction: str, old: object, new: object, expected: bool) -> None:
    assert is_tighter(direction, old, new) is expected
