"""`arrears demo`: sets the stage, lets the cases run, and gives an account at the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from arrears.cli.output import ExitCode, JsonFlag
from arrears.cli.processes import ApiPort, TemporalPort, UiPort, carry_through
from arrears.cli.site import DEMO_DIR
from arrears.domain.calendar import local_date
from arrears.workers.server import DEFAULT_PORT, DEFAULT_UI_PORT


def demo(
    data_dir: Annotated[Path, typer.Option(help="Emptied first if an earlier demo left it; refused if it holds anything else.")] = DEMO_DIR,
    day_seconds: Annotated[float, typer.Option(min=0.5, max=86_400, help="How many real seconds a day lasts.")] = 3,
    days: Annotated[int, typer.Option(min=0, help="End after so many business days; 0 waits until every case is closed.")] = 60,
    approve: Annotated[
        Literal["auto", "ask", "never"],
        typer.Option(help="Who decides requests: a scripted operator, you, or nobody but `arrears approvals …`."),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Another seed, other luck on the telephone.")] = 1,
    keep: Annotated[bool, typer.Option(help="Keep everything running at the end, to look around, until Ctrl-C.")] = False,
    temporal_port: TemporalPort = DEFAULT_PORT,
    ui_port: UiPort = DEFAULT_UI_PORT,
    api_port: ApiPort = None,
    as_json: JsonFlag = False,
) -> None:
    """Watch it work: Temporal, a worker, the API with the operators' console, an outside world in a box and overdue loans, with days that last seconds.

    To decide in the console yourself, let nobody else do it and take longer days: `--approve never --day-seconds 60`.
    It ends by itself with a summary that compares what the world says left with what the ledger says, or at Ctrl-C. Exit code 1 if they differ.
    """
    # What the other commands, and our own processes, need not wait for.
    from arrears.cli.demo.play import Script, play
    from arrears.cli.demo.stage import ZONE

    script = Script(
        data_dir=data_dir,
        day=local_date(datetime.now(UTC), ZONE),
        day_length=timedelta(seconds=day_seconds),
        days=days,
        approving=approve,
        seed=seed,
        keep=keep,
        temporal_port=temporal_port,
        ui_port=ui_port,
        api_port=api_port,
        as_json=as_json,
    )
    if not carry_through(play(script)):
        raise typer.Exit(ExitCode.REFUSED)
