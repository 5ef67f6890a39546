"""Records histories of the present code: run ``python -m tests.replay.record RELEASE`` at a release, and never change what earlier releases left.

Each history is a real case on the time-skipping server. Together they make every kind of move at least once.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from temporalio.client import WorkflowHandle

from arrears.sandbox.temperament import Temperament, delays, never_answers, pays_in_parts, relative_refuses, willing
from arrears.workflows.contract import Signal, Update
from tests.acceptance.town import Town, a_town, loan_row

HISTORIES = Path(__file__).with_name("histories")
_STEP = timedelta(hours=3)

Story = Callable[[Town, WorkflowHandle], Awaitable[None]]


async def _to_the_end(town: Town, case: WorkflowHandle) -> None:
    await town.live_until(town.at(100, 12), case, _STEP)


async def _held_and_promised(town: Town, case: WorkflowHandle) -> None:
    await town.live_until(town.at(1, 12), case, _STEP)
    await case.execute_update(Update.PLACE_HOLD, {"reason": "complaint"})
    await town.live_until(town.at(4, 12), case, _STEP)
    await case.signal(Signal.HOLD_LIFTED, {"reason": "complaint"})
    await case.signal("no_such_signal", {})
    await town.live_until(town.at(6, 12), case, _STEP)
    promise = {"amount": "100.00", "currency": "CNY", "due_on": str((town.at(8, 0)).date())}
    await case.execute_update(Update.MAKE_PROMISE, promise)
    await town.live_until(town.at(14, 12), case, _STEP)
    await case.signal(Signal.CASE_WITHDRAWN, {"reason": "goodwill"})
    await case.result()


async def _promised_again(town: Town, case: WorkflowHandle) -> None:
    """The same words while the promise stands, and once it was kept: up to release 0.1.0 they counted in neither case."""
    await town.live_until(town.at(1, 12), case, _STEP)
    promise = {"amount": "100.00", "currency": "CNY", "due_on": str((town.at(8, 0)).date())}
    await case.execute_update(Update.MAKE_PROMISE, promise)
    await case.execute_update(Update.MAKE_PROMISE, promise)
    paid = {"payment_id": "p-1", "amount": "100.00", "currency": "CNY", "received_at": (await town.now()).isoformat()}
    await case.execute_update(Update.RECORD_PAYMENT, paid)
    await town.live_until(town.at(2, 12), case, _STEP)
    await case.execute_update(Update.MAKE_PROMISE, promise)
    await town.live_until(town.at(12, 12), case, _STEP)
    await case.signal(Signal.CASE_WITHDRAWN, {"reason": "goodwill"})
    await case.result()


async def _suspected_of_fraud(town: Town, case: WorkflowHandle) -> None:
    await town.live_until(town.at(1, 12), case, _STEP)
    await case.signal(Signal.HOLD_PLACED, {"reason": "suspected-fraud"})
    await town.live_until(town.at(5, 12), case, _STEP)
    await case.signal(Signal.HOLD_LIFTED, {"reason": "suspected-fraud"})
    await town.live_until(town.at(9, 12), case, _STEP)
    await case.cancel()
    await case.result()


STORIES: dict[str, tuple[str, Temperament, Story]] = {
    "fenqile-placed-twice": ("fenqile", never_answers(), _to_the_end),
    "fenqile-relative-refuses": ("fenqile", relative_refuses(), _to_the_end),
    "fenqile-held-and-promised": ("fenqile", never_answers(), _held_and_promised),
    "fenqile-promised-again": ("fenqile", never_answers(), _promised_again),
    "fenqile-suspected-of-fraud": ("fenqile", delays(), _suspected_of_fraud),
    "paipai-pays-in-parts": ("paipai", pays_in_parts(3, 9, 16), _to_the_end),
    "huabei-willing": ("huabei", willing(pays_after_days=5), _to_the_end),
    "huabei-keeps-delaying": ("huabei", delays(times=1000), _to_the_end),
}


async def record(release: str) -> None:
    for name, (strategy, temperament, story) in STORIES.items():
        with tempfile.TemporaryDirectory() as directory:
            async with a_town(Path(directory)) as town:
                town.operators_say = "approve"
                loan_id = await town.lend(loan_row("L-1001", strategy, town.due_on), temperament)
                case = await town.open(loan_id)
                await story(town, case)
                history = await case.fetch_history()
        (HISTORIES / f"{release}-{name}.json").write_text(history.to_json() + "\n")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
