"""Cases that earlier releases began go on under today's code: their recorded histories replay without a difference.

A failure here means that running cases would be stuck after an upgrade. Bring the old commands back behind ``workflow.patched``, as
``docs/developers.md`` describes; a recorded history is never changed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from arrears.workers.worker import workflow_runner
from arrears.workflows.case import CollectionCase
from tests.replay.record import HISTORIES

RECORDED = sorted(HISTORIES.glob("*.json"))


def _text(path: Path) -> str:
    return path.read_text()


def test_histories_are_there() -> None:
    assert RECORDED


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_case_replays(path: Path) -> None:
    replayer = Replayer(workflows=[CollectionCase], workflow_runner=workflow_runner(), data_converter=pydantic_data_converter)
    await replayer.replay_workflow(WorkflowHistory.from_json(f"case-{path.stem}", _text(path)))


async def test_a_changed_order_of_moves_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net holds: a planner that takes another first step does not get past a recorded history."""
    from arrears.domain.moves import Close
    from arrears.workflows import case as workflow_module

    monkeypatch.setattr(workflow_module, "next_move", lambda case, now: Close("withdrawn", "another first step"))
    from temporalio.worker import UnsandboxedWorkflowRunner

    replayer = Replayer(workflows=[CollectionCase], workflow_runner=UnsandboxedWorkflowRunner(), data_converter=pydantic_data_converter)
    with pytest.raises(Exception, match=r"(?i)nondeterminism"):
        await replayer.replay_workflow(WorkflowHistory.from_json("case-other", _text(RECORDED[0])))
