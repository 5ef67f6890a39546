"""The demo from the first process to the final account."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
from rich.text import Text
from temporalio.client import Client

from arrears.cli.demo import operator, stage
from arrears.cli.demo.board import Board
from arrears.cli.demo.drawing import Picture
from arrears.cli.demo.screen import Screen, screen
from arrears.cli.demo.summary import Summary, draw, take_account, take_account_of_events
from arrears.cli.demo.world import World
from arrears.cli.installation import Installation, add_api, add_worker, announced, claimed, lay_foundations
from arrears.cli.opening import open_cases, openings
from arrears.cli.output import Unreachable, err, out, print_json
from arrears.cli.processes import with_api_port
from arrears.cli.site import load_settings
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import open_vault
from arrears.sandbox.process import environment
from arrears.sandbox.world import make_secret
from arrears.workers.server import LOOPBACK, ServerPlan, free_port, port_or_free
from arrears.workers.stopping import Stopped, stop_signals, unless
from arrears.workers.supervisor import Notice, Supervisor

_LOOK_EVERY = 1.0
_DECIDE_EVERY = 0.7
_SHORTEST_LEAD = timedelta(seconds=9)
_WORLD_FALLS_SILENT = 15.0
_CALLS_END_WITHIN = 6.0
_PLAIN_LINES = timedelta(seconds=9)


@dataclass(frozen=True)
class Script:
    """What was asked for. ``day`` is the business date on which the demo begins."""

    data_dir: Path
    day: date
    day_length: timedelta
    days: int
    approving: operator.Approving
    seed: int
    keep: bool
    temporal_port: int
    ui_port: int
    api_port: int | None
    as_json: bool


@dataclass(frozen=True)
class Cast:
    """Everything that runs while the demo does."""

    script: Script
    installation: Installation
    supervisor: Supervisor
    client: Client
    ledger: Ledger
    world: World
    board: Board
    stop: asyncio.Event

    @property
    def now(self) -> datetime:
        return self.installation.settings.clock.at(datetime.now(UTC))

    @property
    def day(self) -> int:
        """Business days since the demo began."""
        return (self.now - self.installation.settings.clock.business_epoch) // timedelta(days=1)


async def play(script: Script) -> bool:
    """Play the demo; whether world and ledger agree at its end. Raises ``CommandFailed``, ``ChildNotStarted``, ``TemporalMissing``."""
    with claimed(script.data_dir):
        stage.fresh(script.data_dir)
        installation = _plan(script)
        sink = _Sink()
        async with Supervisor([], installation.logs, sink) as supervisor:
            with stop_signals(supervisor.kill_now) as stop:
                try:
                    cast = await unless(stop, _set_up(script, installation, supervisor, stop))
                except Stopped:
                    return True
                with announced(cast.installation):
                    return await _run(cast, sink)


def _plan(script: Script) -> Installation:
    """The installation, all of it in the demo's directory whatever the environment says of a real one."""
    ledger = f"sqlite+aiosqlite:///{(script.data_dir / 'ledger.db').absolute()}"
    settings = with_api_port(
        load_settings(data_dir=script.data_dir, ledger_url=ledger, ledger_key=None, ledger_old_keys=None), script.api_port
    )
    here = f"http://{settings.api.host}:{settings.api.port}"
    settings = settings.model_copy(update={"callback_base": here, "console_base": None, "local_accounts": True, "oidc": None})
    server = ServerPlan(script.data_dir / "temporal.db", port_or_free(script.temporal_port), port_or_free(script.ui_port), "NORMAL")
    return Installation(kind="demo", settings=settings, server=server)


async def _set_up(script: Script, installation: Installation, supervisor: Supervisor, stop: asyncio.Event) -> Cast:
    console = err if script.as_json else out
    began = datetime.now(UTC)
    console.print("starting Temporal and the ledger …")
    client = await lay_foundations(installation, supervisor)
    ledger = Ledger(installation.settings.ledger_url, open_vault(installation.settings))
    await operator.hire(ledger)
    residents = await stage.bring_in(installation, ledger, script.day, script.seed)
    console.print("starting the outside world, the API and a worker …")
    http_port, smtp_port = free_port(), free_port()
    own = {"ARREARS_SMTP_USERNAME": "", "ARREARS_SMTP_PASSWORD": "", "ARREARS_CALL_TIMEOUT_SECONDS": str(_CALLS_END_WITHIN)}
    # Its own accounts open the console, at its own address, and it tells nobody outside, whatever the environment says of a real installation.
    own |= {name: "" for name in os.environ if name.startswith(("ARREARS_OIDC_", "ARREARS_EVENTS_"))} | {
        "ARREARS_CONSOLE_BASE": "",
        "ARREARS_LOCAL_ACCOUNTS": "",
    }
    installation = replace(installation, environment=environment(http_port, smtp_port, make_secret()) | own)
    # How fast this machine is just now shows in what was started so far; if it is slower still, there is a second first morning.
    lead = max(_SHORTEST_LEAD, 3 * (datetime.now(UTC) - began))
    while True:
        began = datetime.now(UTC)
        clock = stage.demo_clock(script.day, script.day_length.total_seconds(), began + lead)
        installation = replace(installation, settings=installation.settings.model_copy(update={"clock": clock}))
        await asyncio.gather(
            supervisor.add(stage.sandbox_child(installation, http_port, smtp_port, residents, script.seed)),
            add_api(installation, supervisor),
            add_worker(installation, supervisor, client),
        )
        if datetime.now(UTC) < clock.real_epoch:
            break
        lead = 2 * (datetime.now(UTC) - began)
        for name in ("worker", "api", "sandbox"):
            await supervisor.stop_child(name)
    world = World(f"http://{LOOPBACK}:{http_port}")
    return Cast(script, installation, supervisor, client, ledger, world, Board(), stop)


async def _run(cast: Cast, sink: _Sink) -> bool:
    clock = cast.installation.settings.clock
    with suppress(Stopped):
        await unless(cast.stop, asyncio.sleep((clock.real_epoch - datetime.now(UTC)).total_seconds()))
    picture = Picture(cast.board, stage.ZONE, _about(cast.installation))
    console = err if cast.script.as_json else out
    with screen(picture, console, max(1, round(_PLAIN_LINES / cast.script.day_length))) as watched:
        sink.screen = watched
        if not console.is_terminal:
            console.print(picture.about, soft_wrap=True)
        await _let_run(cast, picture, watched)
        sink.screen = None
    if cast.script.keep and not cast.stop.is_set():
        console.print(f"everything keeps running until Ctrl-C; the console is at {cast.installation.settings.console_url}")
        await cast.stop.wait()
    summary = await _sum_up(cast)
    if cast.script.as_json:
        print_json(summary)
    else:
        draw(summary, out)
    await cast.ledger.close()
    await cast.world.close()
    return summary.agrees


async def _let_run(cast: Cast, picture: Picture, watched: Screen) -> None:
    """Until every case is closed, the days are over, or somebody has seen enough."""
    clock, awaited = cast.installation.settings.clock, cast.board.awaited
    opening = asyncio.create_task(open_cases(cast.client, cast.ledger, clock, await openings(cast.ledger), awaited.add))
    deciding = asyncio.create_task(_decide(cast, watched))
    try:
        while not cast.stop.is_set():
            for ended in await cast.board.refresh(cast.client, cast.now):
                watched.ended(ended)
            picture.now, picture.day = cast.now, cast.day
            watched.show()
            _raise_if_failed(opening, deciding)
            everything_closed = opening.done() and not cast.board.running and not cast.board.awaited
            if everything_closed or (cast.script.days and cast.day >= cast.script.days):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(cast.stop.wait(), _LOOK_EVERY)
    finally:
        opening.cancel()
        deciding.cancel()
        await asyncio.gather(opening, deciding, return_exceptions=True)


async def _decide(cast: Cast, watched: Screen) -> None:
    """Decide what waits for a human, as the script says; whatever another terminal decides first is decided."""
    approving = cast.script.approving
    while approving != "never":
        for request in await operator.waiting(cast.ledger, cast.now):
            if approving == "ask":
                with watched.cleared():
                    answer = await operator.asked(request)
            elif cast.now < request.asked_at + operator.THINKS_FOR:
                continue
            else:
                answer = operator.scripted(request)
            watched.say(await operator.decide(cast.client, request, answer))
        await asyncio.sleep(_DECIDE_EVERY)


async def _sum_up(cast: Cast) -> Summary:
    """Let everything come to rest, then compare what left with what was written down."""
    console = err if cast.script.as_json else out
    console.print("letting the worker finish what it has in hand …")
    day = cast.day
    await cast.supervisor.stop_child("worker")
    try:
        await cast.world.quiet(_WORLD_FALLS_SILENT)
        account = await take_account(cast.ledger, await cast.world.sent(), await cast.world.payments())
        events = await take_account_of_events(cast.ledger, cast.world.events)
    except (httpx.HTTPError, TimeoutError) as gone:
        raise Unreachable(f"the outside world did not come to rest ({type(gone).__name__}): see {cast.installation.logs}") from gone
    board = cast.board
    return Summary(
        days=day,
        cases=len(board.cases) + len(board.failed) + len(board.awaited),
        endings=dict(board.endings),
        failed=tuple(failed.why for failed in board.failed.values()),
        running=len(board.running) + len(board.awaited),
        waiting_for_approval=len(board.waiting_for_humans),
        restarts={name: count for name in cast.supervisor.names if (count := cast.supervisor.restarts(name))},
        account=account,
        events=events,
    )


class _Sink:
    """Where notices about the processes go: to the screen while there is one."""

    def __init__(self) -> None:
        self.screen: Screen | None = None

    def __call__(self, notice: Notice) -> None:
        match notice.state, self.screen:
            case "restarting", None:
                err.print(str(notice), style="yellow")
            case "restarting", Screen() as watched:
                watched.say(str(notice))
            case _:
                pass


def _about(installation: Installation) -> Text:
    server = installation.server
    assert server is not None
    return Text(
        f"console {installation.settings.console_url}   Temporal UI {server.ui_url}   files {installation.data_dir}\n"
        f"sign in as {operator.accounts_line()}\n"
        "in another terminal: arrears approvals list, arrears case show LOAN, arrears case timeline LOAN;  Ctrl-C ends",
        style="dim",
        no_wrap=True,
        overflow="ellipsis",
    )


def _raise_if_failed(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error
