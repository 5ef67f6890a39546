"""The ladder on a case's page: the one that the case runs by, whatever has become of the strategy's file."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from arrears.api.app import create_app
from arrears.config import strategies
from arrears.config.settings import Settings
from arrears.domain.clock import Clock
from arrears.domain.orders import OpenOrder
from arrears.domain.strategy import Role
from arrears.ledger import cases
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import InstalmentRow, LoanRow
from tests.api.browsers import browsing, operator
from tests.api.conftest import nowhere

LADDER = """
strategy: mild
version: 1
title: A ladder of one step
source: the tests
currency: CNY
window: {start: 09:00, end: 20:00}
ladder:
  - {rung: kind-word, day: 3, at: 10:00, do: sms, message: gentle-reminder}
"""
LOAN = "L-7"


NOON = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)
"""In Shanghai, where the borrower lives."""


def settings(directory: Path, now: datetime = NOON) -> Settings:
    """An installation whose business clock shows this instant."""
    return Settings(strategies_dir=directory, clock=Clock(real_epoch=datetime.now(UTC), business_epoch=now))


async def opened(ledger: Ledger, directory: Path, ladder: str = LADDER, now: datetime = NOON) -> None:
    """A loan whose case runs by the ladder."""
    (directory / "mild.yaml").write_text(ladder, encoding="utf-8")
    async with ledger.session() as session:
        session.add(LoanRow(id=LOAN, borrower_id="B-1", lender="x", product="cash", currency="CNY", strategy="mild", imported_at=now))
        await session.flush()
        session.add(InstalmentRow(loan_id=LOAN, n=1, due_on=(now - timedelta(days=1)).date(), principal=Decimal(100)))
    async with ledger.exclusive() as session:
        await cases.open_case_row(session, OpenOrder(loan_id=LOAN, run_key="r-7"), strategies.load("mild", directory), now)


@pytest.mark.parametrize("became", ["changed", "gone"])
async def test_a_case_shows_the_ladder_that_it_began_with(ledger: Ledger, tmp_path: Path, became: str) -> None:
    await opened(ledger, tmp_path)
    if became == "changed":
        (tmp_path / "mild.yaml").write_text(LADDER.replace("kind-word", "stern-word").replace("version: 1", "version: 2"), encoding="utf-8")
    else:
        (tmp_path / "mild.yaml").unlink()
    await operator(ledger, "ming", Role.SUPERVISOR)

    async with browsing(create_app(ledger, nowhere, settings(tmp_path))) as browser:
        await browser.get("/login")
        await browser.sign_in("ming")
        page = (await browser.get(f"/cases/{LOAN}")).text

    assert "kind-word.1" in page
    assert "stern-word" not in page


@pytest.mark.parametrize("hours", [-7, 0, 9], ids=["before the lender's hours", "within them", "after them"])
async def test_a_step_that_time_has_passed_over_lies_behind_though_nobody_has_written_it_down_yet(
    ledger: Ledger, tmp_path: Path, hours: int
) -> None:
    offer = "  - {rung: offer, day: 3, at: 09:00, do: sms, message: counselling-offer, offers: [counselling], only_if: {attitude: [strained]}}\n"
    await opened(ledger, tmp_path, LADDER.replace("day: 3", "day: 20") + offer, NOON - timedelta(days=7))
    await operator(ledger, "ming", Role.SUPERVISOR)

    async with browsing(create_app(ledger, nowhere, settings(tmp_path, NOON + timedelta(hours=hours)))) as browser:
        await browser.get("/login")
        await browser.sign_in("ming")
        page = (await browser.get(f"/cases/{LOAN}")).text

    behind, ahead = page.split('class="step next"')
    assert "offer.1" in behind
    assert "the borrower&#39;s attitude is unknown" in behind
    assert "offer.1" not in ahead
    assert "kind-word.1" in ahead


async def test_no_step_lies_behind_at_a_day_that_is_yet_to_come(ledger: Ledger, tmp_path: Path) -> None:
    late = "".join(
        f"  - {{rung: offer-{day}, day: {day}, at: 09:00, do: sms, message: counselling-offer, offers: [counselling], only_if: {{attitude: [strained]}}}}\n"
        for day in (4, 6, 8)
    )
    await opened(ledger, tmp_path, LADDER.replace("day: 3", "day: 30") + late, NOON - timedelta(days=20))
    await operator(ledger, "ming", Role.SUPERVISOR)
    async with browsing(create_app(ledger, nowhere, settings(tmp_path))) as browser:
        await browser.get("/login")
        await browser.sign_in("ming")
        behind, _ = (await browser.get(f"/cases/{LOAN}")).text.split('class="step next"')

    ladder = behind[behind.index('class="ladder"') :]
    days = [datetime.fromisoformat(at) for at in re.findall(r'<time datetime="([^"]+)"', ladder)]
    assert len(days) == 3
    assert max(days) < NOON + timedelta(minutes=1)


async def test_nothing_lies_ahead_of_a_case_that_is_closed(ledger: Ledger, tmp_path: Path) -> None:
    await opened(ledger, tmp_path)
    await operator(ledger, "ming", Role.SUPERVISOR)
    async with browsing(create_app(ledger, nowhere, settings(tmp_path))) as browser:
        await browser.get("/login")
        await browser.sign_in("ming")
        assert 'class="step next"' in (await browser.get(f"/cases/{LOAN}")).text
        async with ledger.session() as session:
            await cases.close_case_row(session, f"{LOAN}.1", "cured", NOON)

        page = (await browser.get(f"/cases/{LOAN}")).text

    assert "kind-word" not in page
    assert "No step was taken." in page
    assert "There is no open case to withdraw." in page
