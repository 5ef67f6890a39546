"""Which holds the law is shown of a loan: those that stand, and of those that are over the ones that it looks back on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from arrears.config.law import Law
from arrears.config.settings import PACKAGED
from arrears.domain.judge import judge
from arrears.domain.situation import Situation
from arrears.domain.strategy import Channel
from arrears.ledger import holds, loans, situations
from arrears.ledger.engine import Ledger
from arrears.ledger.situations import Office
from arrears.ledger.tables import HoldRow, LoanRow, PersonRow
from tests.ledger.scene import NOW, later, lend, open_case, store

LONGER = """
overlay: patient
rules:
  UK-12: {days: 90}
"""


@pytest.fixture
async def britain(ledger: Ledger) -> Ledger:
    """A ledger with a loan whose case runs, of a borrower in London."""
    await lend(ledger)
    await open_case(ledger)
    async with ledger.session() as session:
        borrower = await session.get_one(PersonRow, "B-1")
        borrower.zone, borrower.residence = "Europe/London", "GB"
        session.add(borrower)
    return ledger


def held(reason: str, since: datetime, until: datetime | None = None, lifted_at: datetime | None = None) -> HoldRow:
    return HoldRow(loan_id="L-1", reason=reason, placed_at=since, until=until, lifted_at=lifted_at, recorded_at=since)


async def situation(ledger: Ledger, at: datetime = NOW) -> Situation:
    async with ledger.exclusive() as session:
        return await situations.situation_of(session, "L-1", at, Office(seat="GB"), channel=Channel.SMS)


def against(shown: Situation, overlay: Path | None = None) -> set[str]:
    """The rules that stand against a text."""
    return set(judge(shown, Law(PACKAGED / "regimes", overlay).current()).rules)


@pytest.mark.parametrize("reason", ["breathing-space", "mental-health-crisis", "debt-advice"])
async def test_what_the_law_looks_back_on_is_shown_when_it_is_over(britain: Ledger, reason: str) -> None:
    await store(britain, held(reason, later(days=-9), lifted_at=later(days=-7)), held(reason, later(days=-6), until=later(days=-5)))
    shown = await situation(britain)
    assert [(hold.lifted_at, hold.until) for hold in shown.holds] == [(later(days=-7), None), (None, later(days=-5))]
    assert "AR-04" not in against(shown)
    async with britain.reading() as session:
        loan = await loans.loan(session, "L-1")
        assert [hold.stands(NOW) for hold in await holds.concerning(session, loan, {"B-1"}, NOW)] == [False, False]


async def test_any_other_hold_that_is_over_is_nobodys_business(britain: Ledger) -> None:
    await store(britain, held("hardship", later(days=-9), lifted_at=later(days=-7)), held("dispute", later(days=-6), until=later(days=-5)))
    assert (await situation(britain)).holds == ()


async def test_a_case_does_not_hear_of_a_moratorium_that_is_over(britain: Ledger) -> None:
    await store(britain, held("breathing-space", later(days=-9), lifted_at=later(days=-7)))
    async with britain.exclusive() as session:
        scene = await situations.read_loan(session, "L-1.1", "L-1", NOW, situations.Ordered(at=NOW))
    assert len(scene.holds) == 1
    assert not scene.news.holds


async def test_the_time_of_a_moratorium_that_was_lifted_moves_the_end_of_limitation(britain: Ledger) -> None:
    async with britain.session() as session:
        loan = await session.get_one(LoanRow, "L-1")
        loan.limitation_ends_on = date(2026, 11, 20)
        session.add(loan)
    await store(britain, held("breathing-space", later(days=-9), lifted_at=later(days=-7)))
    assert "UK-11" not in against(await situation(britain, later(days=1))), "two days later than it was"
    assert "UK-11" in against(await situation(britain, later(days=2)))


async def test_a_lenders_own_longer_breathing_space_counts(britain: Ledger, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(LONGER, encoding="utf-8")
    await store(britain, held("breathing-space", NOW - timedelta(days=61)))
    assert "UK-12" not in against(await situation(britain))
    assert "UK-12" in against(await situation(britain), tmp_path / "own.yaml")
