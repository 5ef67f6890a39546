"""`docs/rules.md` is made from the code, the regime files and the tests, so that it cannot drift. `REWRITE_PAGES=1` writes it again."""

from __future__ import annotations

import os
import re
from collections import defaultdict

import pytest

from arrears.cli.rules import listed, page
from arrears.config.law import Law
from tests.law.files import vectors as all_vectors
from tests.ops.compose import ROOT

PAGE = ROOT / "docs" / "rules.md"
LAW_TESTS = ROOT / "tests" / "domain" / "law"
_NAMED = re.compile(r"^(?:async )?def test_([a-z]{2})_(\d{2}[a-z]?)_", re.MULTILINE)


def where_tested() -> dict[str, str]:
    """For each rule the file of its own tests, and in how many vectors it stands against something or is the exception used."""
    files: dict[str, str] = {}
    for file in sorted(LAW_TESTS.glob("test_*.py")):
        for place, number in _NAMED.findall(file.read_text(encoding="utf-8")):
            files.setdefault(f"{place.upper()}-{number}", file.name)
    vectors: defaultdict[str, int] = defaultdict(int)
    for _, vector in all_vectors():
        for rule in (vector.expect.rules | vector.expect.exceptions) if vector.expect else ():
            vectors[rule] += 1
    cells: dict[str, list[str]] = defaultdict(list)
    for rule, name in files.items():
        cells[rule].append(f"[{name}](../tests/domain/law/{name})")
    for rule, number in vectors.items():
        cells[rule].append(f"{number} vectors" if number > 1 else "1 vector")
    return {rule: ", ".join(found) for rule, found in cells.items()}


def test_the_page_of_rules_is_what_code_files_and_tests_say() -> None:
    now = page(Law().current(), where_tested())
    if os.environ.get("REWRITE_PAGES"):
        PAGE.write_text(now, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == now, "write it again: REWRITE_PAGES=1 python -m pytest tests/ops/test_rules_page.py"


@pytest.mark.parametrize("rule", [rule.id for rule in listed(Law().current()) if rule.status.startswith("checked")])
def test_every_rule_that_is_checked_has_a_test_of_its_own(rule: str) -> None:
    assert rule in where_tested() or rule == "AR-07"
