"""The sweep that ends the keeping of personal data: every night, whoever is there to work, over everybody, in counts only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import SQLModel
from temporalio.client import ScheduleOverlapPolicy

from arrears.activities import keeping
from arrears.domain.retention import Keeping, SweepReport
from arrears.ledger.tables import InstalmentRow, LoanRow, PaymentRow
from arrears.ledger.vault import keyring
from arrears.workers.schedules import RETENTION_SWEEP, register_schedules
from arrears.workflows.contract import TASK_QUEUE
from arrears.workflows.retention import RetentionSweep
from tests.acceptance.town import Town, a_fast_town, a_town, eventually
from tests.sealing import LEDGER_KEY, person

LONG_AGO, LATELY = datetime(2015, 3, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


def paid_off(n: int, at: datetime) -> tuple[SQLModel, ...]:
    """A borrower with a loan of which nothing is owed since an instant."""
    fields = {"lender": "Example", "product": "cash", "currency": "CNY", "strategy": "fenqile"}
    paid = {"payment_id": f"p-{n}", "amount": Decimal(100), "currency": "CNY", "source": "test"}
    borrower, key = person(f"B-{n}", "王示例")
    key.created_at = at  # type: ignore[attr-defined]
    return (
        borrower,
        key,
        LoanRow(id=f"L-{n}", borrower_id=f"B-{n}", imported_at=at, **fields),
        InstalmentRow(loan_id=f"L-{n}", n=1, due_on=date(2015, 1, 1), principal=Decimal(100)),
        PaymentRow(loan_id=f"L-{n}", received_at=at, recorded_at=at, **paid),
    )


async def settle_in(town: Town) -> None:
    """Two borrowers whose time has come, one whose data are to be kept."""
    async with town.ledger.session() as session:
        for n, at in enumerate((LONG_AGO, LONG_AGO, LATELY)):
            for row in paid_off(n, at):
                session.add(row)
                await session.flush()


async def states(town: Town) -> list[Keeping]:
    async with town.ledger.reading() as session:
        keys = await keyring(session, ["B-0", "B-1", "B-2"])
    return [keys.keeping(f"B-{n}") for n in range(3)]


@pytest.mark.parametrize("at_once", [1, 200], ids=["one after the other", "all at once"])
async def test_a_sweep_goes_through_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(keeping, "_AT_ONCE", at_once)
    monkeypatch.setattr(keeping, "_MOST", at_once)
    async with a_town(tmp_path, ledger_key=LEDGER_KEY) as town:
        await settle_in(town)
        done = await town.env.client.execute_workflow(RetentionSweep.run, id="sweep", task_queue=TASK_QUEUE)
        assert done == SweepReport(looked_at=3, stored_only=1, erased=2)
        assert await states(town) == [Keeping.DELETED, Keeping.DELETED, Keeping.STORE_ONLY]


async def test_the_sweep_runs_every_night_by_a_schedule_that_is_made_once(tmp_path: Path) -> None:
    async with a_fast_town(tmp_path, day_seconds=60, ledger_key=LEDGER_KEY) as town:
        await settle_in(town)
        for _ in range(2):
            await register_schedules(town.env.client)
        schedule = town.env.client.get_schedule_handle(RETENTION_SWEEP)
        described = await schedule.describe()
        assert described.schedule.policy.overlap is ScheduleOverlapPolicy.SKIP
        nights = {instant.date() for instant in described.info.next_action_times}
        assert len(nights) == len(described.info.next_action_times) > 1
        assert {instant.astimezone(UTC).hour for instant in described.info.next_action_times} == {3}

        await schedule.trigger()

        async def swept() -> bool:
            return await states(town) == [Keeping.DELETED, Keeping.DELETED, Keeping.STORE_ONLY]

        await eventually(swept)


async def test_a_schedule_that_somebody_has_paused_stays_paused(tmp_path: Path) -> None:
    async with a_fast_town(tmp_path, day_seconds=60) as town:
        await register_schedules(town.env.client)
        schedule = town.env.client.get_schedule_handle(RETENTION_SWEEP)
        await schedule.pause(note="audit")
        await register_schedules(town.env.client)
        assert (await schedule.describe()).schedule.state.paused
