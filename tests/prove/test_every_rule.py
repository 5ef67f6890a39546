"""No rule of the core is silently left out of the proof: the checker asks it, or the documentation says why not."""

from __future__ import annotations

import re
from pathlib import Path

from arrears.config.law import Law
from arrears.config.settings import PACKAGED
from arrears.domain.law.house import HOUSE
from arrears.prove.report import plain_words

PAGE = Path(__file__).parents[2] / "docs" / "proof.md"


def explained() -> set[str]:
    section = PAGE.read_text(encoding="utf-8").partition("### What is not proved, and why")[2].partition("**What no record can prove:**")[0]
    return {rule for row in re.findall(r"^\| ([A-Z].*?) \|", section, re.M) for rule in re.findall(r"[A-Z]{2}-\d\d", row)}


def test_every_rule_of_the_core_is_asked_again_or_the_documentation_says_why_not() -> None:
    core = set(HOUSE) | {rule for regime in Law(PACKAGED / "regimes").current() for rule in regime.terms}
    assert explained()
    assert core - set(plain_words()) - explained() == set()
    assert explained() <= core, "what is explained exists"
