"""A borrower's life in any order, at a real lender: the ledger in a file, the activity of every contact, and the checker on the ledger's rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.conftest import migrated_sqlite
from tests.simulation.lender import Lender
from tests.simulation.machine import machine_of
from tests.simulation.tally import Tally

__all__ = ["migrated_sqlite"]

LIVES, STEPS = 10, 18


@pytest.fixture
def lender(tmp_path: Path, migrated_sqlite: Path) -> Generator[Lender]:
    shutil.copy(migrated_sqlite, tmp_path / "ledger.db")
    lender = Lender(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    yield lender
    lender.close()


@pytest.mark.timeout(400)
def test_nothing_unlawful_leaves_a_real_lender_and_every_refusal_has_its_reason(
    lender: Lender, record_property: Callable[[str, object], None]
) -> None:
    tally = Tally()
    lives = settings(
        max_examples=LIVES, stateful_step_count=STEPS, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
    )
    run_state_machine_as_test(machine_of(lender, tally), settings=lives)
    record_property("simulation", tally.as_json())
    assert tally.left > LIVES / 3, "hardly anything left, so that hardly anything was tried"
    assert lender.all_violations() == []
