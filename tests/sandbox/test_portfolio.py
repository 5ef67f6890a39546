"""The sample portfolio passes the import's own checks, and shows everything there is."""

from __future__ import annotations

import json
from datetime import date

import phonenumbers
import pytest

from arrears.config.settings import PACKAGED
from arrears.config.strategies import load_all
from arrears.ledger.portfolio.check import check
from arrears.ledger.portfolio.files import read_json_lines
from arrears.sandbox.portfolio import sample
from arrears.sandbox.temperament import TEMPERAMENTS

TODAY = date(2026, 11, 2)


@pytest.mark.parametrize("size", [24, 30, 60])
def test_every_row_passes_the_checks_of_the_import(size: int):
    currencies = {name: strategy.currency for name, strategy in load_all(PACKAGED / "strategies").items()}
    checked = check(read_json_lines(sample(TODAY, size=size).json_lines().splitlines()), currencies)
    assert checked.refused == ()
    assert len(checked.accepted) == size


def test_it_shows_every_strategy_temperament_and_kind_of_loan():
    shown = sample(TODAY)
    assert {row.strategy for row in shown.rows} == {"fenqile", "paipai", "huabei"}
    assert {r.temperament.name for r in shown.residents} == set(TEMPERAMENTS)
    assert {row.borrower.language for row in shown.rows} == {"zh-CN", "en"}
    assert {row.borrower.zone for row in shown.rows} == {"Asia/Shanghai", "America/New_York"}
    assert [row.strategy for row in shown.rows if row.held_for == "suspected-fraud"] == ["fenqile"]
    overdue = [(TODAY - row.instalments[0].due_on).days for row in shown.rows]
    assert min(overdue) < 0
    assert max(overdue) > 14


def test_nobody_pays_before_the_sample_begins():
    shown = sample(TODAY)
    for row, resident in zip(shown.rows, shown.residents, strict=True):
        due = row.instalments[0].due_on
        days = [p.days for p in resident.temperament.pays if p.since == "due"]
        assert all((due - TODAY).days + d > 0 for d in days)


def test_every_address_is_one_persons_and_known_to_the_world():
    shown = sample(TODAY, size=60)
    for row, resident in zip(shown.rows, shown.residents, strict=True):
        assert {p.address for person in row.people for p in person.contact_points} == resident.addresses.keys()
        assert set(resident.addresses.values()) == {"registered", "reserve", "relative"}
    everybody = [address for resident in shown.residents for address in resident.addresses]
    assert len(everybody) == len(set(everybody))


def test_numbers_lie_in_blocks_that_belong_to_nobody():
    for row in sample(TODAY).rows:
        for number in (p.address for person in row.people for p in person.contact_points if p.address.startswith("+")):
            assert number.startswith(("+86130000", "+121255501"))
            assert phonenumbers.is_valid_number(phonenumbers.parse(number))


def test_the_same_seed_gives_the_same_portfolio_and_no_floats():
    assert sample(TODAY, seed=3).json_lines() == sample(TODAY, seed=3).json_lines()
    assert sample(TODAY, seed=3).json_lines() != sample(TODAY, seed=4).json_lines()
    first = json.loads(sample(TODAY).json_lines().splitlines()[0])
    assert isinstance(first["instalments"][0]["principal"], str)
