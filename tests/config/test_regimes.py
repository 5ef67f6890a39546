"""The law as a file: read in its newest version, refused with line and field while it is wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from arrears.config.regimes import RegimeLibrary, RegimeProblem, RegimeUnknown
from arrears.config.settings import PACKAGED


@pytest.fixture
def regimes(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGED / "regimes", tmp_path / "regimes")
    return tmp_path / "regimes"


def rewritten(regimes: Path, old: str, new: str) -> RegimeLibrary:
    """A library that has read the file and whose file was changed since."""
    library = RegimeLibrary(regimes)
    library.current("cn")
    file = regimes / "cn.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    return library


def test_china_has_a_rule_for_each_clause_that_is_enforced() -> None:
    regime = RegimeLibrary().current("cn")
    assert {r.rule for r in regime.rules} == {
        "CN-01", "CN-02", "CN-04", "CN-07", "CN-08", "CN-09", "CN-10", "CN-12", "CN-13", "CN-16", "CN-65"
    }  # fmt: skip
    assert all(rule.clause for rule in regime.rules)


def test_a_changed_file_applies_from_the_next_look_on(regimes: Path) -> None:
    assert rewritten(regimes, "version: 1", "version: 2").current("cn").version == 2


def test_an_unchanged_file_is_read_once(regimes: Path) -> None:
    library = RegimeLibrary(regimes)
    assert library.current("cn") is library.current("cn")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('end: "22:00"', 'end: "07:00"', "rules.0.window", "a window must start before it ends"),
        ("most: 3", "most: three", "rules.1.most", "valid integer"),
        ("check: opt_out", "check: opt_in", "rules.11", "opt_in"),
        ("rule: CN-16", "rule: CN-13", "the whole file", "CN-13 is listed twice"),
        ("version: 1", "version: 1\nversoin: 2", "versoin", "Extra inputs"),
        ("regime: cn", "regime: us", "regime", "give both the same name"),
        ("rules:", "rules: [", "", "not YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_field(regimes: Path, old: str, new: str, line: str, said: str) -> None:
    with pytest.raises(RegimeProblem) as problem:
        rewritten(regimes, old, new).current("cn")
    assert f"{regimes / 'cn.yaml'}:" in str(problem.value)
    assert line in str(problem.value)
    assert said in str(problem.value)


def test_the_line_is_the_one_of_the_mistake(regimes: Path) -> None:
    library = rewritten(regimes, "younger_than: 14", "younger_than: 0")
    last = len((regimes / "cn.yaml").read_text(encoding="utf-8").splitlines())
    with pytest.raises(RegimeProblem, match=rf"cn\.yaml:{last}: rules\.12\.younger_than: "):
        library.current("cn")


def test_an_unknown_regime_is_answered_with_those_there_are() -> None:
    with pytest.raises(RegimeUnknown, match="no regime 'xx'; the known ones: cn"):
        RegimeLibrary().current("xx")
