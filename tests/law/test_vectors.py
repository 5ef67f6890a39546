"""The law's test vectors: each file is one situation, and what the law must say to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrears.cli.verdict import Vector
from arrears.config.law import Law
from arrears.config.settings import PACKAGED
from arrears.domain.judge import judge

VECTORS = Path(__file__).with_name("vectors")
FILES = sorted(VECTORS.glob("**/*.json"))


LAW = Law(PACKAGED / "regimes")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(VECTORS)))
def test_the_law_says_to_a_situation_what_its_vector_expects(path: Path) -> None:
    vector = Vector.model_validate_json(path.read_bytes())

    assert vector.expect is not None
    verdict = judge(vector.situation, LAW.current())

    assert vector.expect.differs(verdict) == (), verdict.findings


@pytest.mark.parametrize(
    "about", ["T1", "T2", "T3", "T5", "T6", "T7", "T8", "T10", "T12", "T13", "T14", "T15", "T18", "T19", "T20", "T22", "T23"]
)
def test_every_published_vector_is_among_them(about: str) -> None:
    assert any(Vector.model_validate_json(path.read_bytes()).about == about for path in FILES)
