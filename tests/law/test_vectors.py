"""The law's test vectors: each is one situation, and what the law must say to it."""

from __future__ import annotations

from collections import Counter

import pytest

from arrears.cli.verdict import Vector
from arrears.config.law import Law
from arrears.config.settings import PACKAGED
from arrears.domain.judge import judge
from tests.law.files import vectors

ALL = tuple(vectors())
LAW = Law(PACKAGED / "regimes")


@pytest.mark.parametrize("vector", [pytest.param(vector, id=where) for where, vector in ALL])
def test_the_law_says_to_a_situation_what_its_vector_expects(vector: Vector) -> None:
    assert vector.expect is not None
    verdict = judge(vector.situation, LAW.current())

    assert vector.expect.differs(verdict) == (), (vector.name, verdict.findings)


def test_no_vector_stands_there_twice() -> None:
    told = Counter(vector.situation.digest for _, vector in ALL)
    named = Counter((where.partition("/")[0], vector.about, vector.name) for where, vector in ALL)
    assert {digest for digest, times in told.items() if times > 1} == set()
    assert {name for name, times in named.items() if times > 1} == set()


@pytest.mark.parametrize(
    "about", ["T1", "T2", "T3", "T5", "T6", "T7", "T8", "T10", "T12", "T13", "T14", "T15", "T18", "T19", "T20", "T22", "T23"]
)
def test_every_published_vector_is_among_them(about: str) -> None:
    assert any(vector.about == about for _, vector in ALL)
