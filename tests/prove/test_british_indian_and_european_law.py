"""The rules of the United Kingdom, India and the European Union as the checker reads them."""

from __future__ import annotations

import pytest

from arrears.prove.model import Notice
from tests.prove.scenes import Scene


@pytest.mark.parametrize(
    ("when", "broken"),
    [
        ("2026-11-23 07:59:59", {"UK-01"}),
        ("2026-11-23 08:00:00", set()),
        ("2026-11-28 20:59:59", set()),  # a Saturday
        ("2026-11-28 21:00:00", {"UK-01"}),
        ("2026-11-29 12:00:00", {"UK-01"}),  # a Sunday
    ],
)
def test_reasonable_hours_in_britain(when: str, broken: set[str]) -> None:
    scene = Scene("GB")
    assert scene.broken(scene.contact(when)) == broken


def test_nobody_else_learns_of_it_in_britain_or_india() -> None:
    for residence, rule in (("GB", "UK-02"), ("IN", "IN-02")):
        scene = Scene(residence)
        assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == {rule}


@pytest.mark.parametrize(
    ("when", "broken"),
    [
        ("2026-11-23 07:59:59", {"IN-01"}),
        ("2026-11-23 08:00:00", set()),
        ("2026-11-23 18:59:59", set()),
        ("2026-11-23 19:00:00", {"IN-01"}),
    ],
)
def test_from_eight_to_seven_in_india(when: str, broken: set[str]) -> None:
    scene = Scene("IN")
    assert scene.broken(scene.contact(when)) == broken


@pytest.mark.parametrize(
    ("when", "broken"),
    [
        ("2026-11-23 08:59:59", {"IN-04"}),
        ("2026-11-23 09:00:00", set()),
        ("2026-11-23 17:59:59", set()),
        ("2026-11-23 18:00:00", {"IN-04"}),
    ],
)
def test_microfinance_has_shorter_hours(when: str, broken: set[str]) -> None:
    scene = Scene("IN")
    scene.loan(product="microfinance-loan")
    assert scene.broken(scene.contact(when)) == broken


def test_a_transfer_is_told_first_in_europe() -> None:
    scene = Scene("FR")
    scene.loan(lender_kind="purchaser")
    contact = scene.contact("2026-11-23 10:00")
    assert scene.broken(contact) == {"EU-02"}
    sent = scene.at("2026-11-01 10:00")
    scene.file.notices.append(Notice("L", "B", "transfer", sent, delivered_at=sent))
    assert scene.broken(contact) == set()


def test_nothing_leaves_where_nobody_knows_whose_law_applies() -> None:
    scene = Scene("FR")
    scene.person("B", residence="BR", zone="America/Sao_Paulo")
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"AR-07"}
    assert scene.coverage.unjudged["all", "not known whose law applies"] == 1
