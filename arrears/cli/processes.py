"""`arrears up` and the processes that it keeps alive: `arrears worker` and `arrears api`, which can also be run by hand."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import typer
from temporalio.client import Client

from arrears.cli.installation import Installation, accounts_in, add_api, add_worker, announced, claimed, lay_foundations
from arrears.cli.output import CommandFailed, JsonFlag, Unreachable, err, out, print_json
from arrears.cli.site import DataDir, load_settings
from arrears.config.settings import GatewayName, Settings
from arrears.workers.connection import SearchAttributeMismatch, TemporalUnreachable
from arrears.workers.server import DEFAULT_PORT, DEFAULT_UI_PORT, ServerPlan, TemporalMissing, port_or_free
from arrears.workers.stopping import Stopped, stop_signals, unless
from arrears.workers.supervisor import ChildNotStarted, Notice, Supervisor

T = TypeVar("T")

_USUAL_DIR = Path(".arrears")

TemporalPort = Annotated[int, typer.Option(help="The embedded Temporal server's port; a free one if it is taken.")]
UiPort = Annotated[int, typer.Option(help="The Temporal UI's port; a free one if it is taken.")]
ApiPort = Annotated[int | None, typer.Option(help="The API's port; a free one if it is taken. Default: ARREARS_API_PORT, else 8080.")]


@dataclass(frozen=True)
class Where:
    """Where a running installation is found; ``accounts`` is how many operators can sign in to the console."""

    temporal_address: str
    temporal_ui: str | None
    api: str
    console: str
    data_dir: Path
    accounts: int


def up(
    data_dir: DataDir = None,
    temporal_port: TemporalPort = DEFAULT_PORT,
    ui_port: UiPort = DEFAULT_UI_PORT,
    api_port: ApiPort = None,
    as_json: JsonFlag = False,
) -> None:
    """Run everything on this machine, durably and at real speed, until Ctrl-C: Temporal with its UI, the API with the operators' console, and a worker.

    All files lie in one data directory: stop it, start it, nothing is lost. With TEMPORAL_ADDRESS set, that server is used instead of an own one.
    Without a configured gateway nothing is sent, and the attempts say so.
    """
    settings = with_api_port(load_settings(data_dir=data_dir), api_port)
    server = None
    if "TEMPORAL_ADDRESS" not in os.environ:
        server = ServerPlan(settings.data_dir / "temporal.db", port_or_free(temporal_port), port_or_free(ui_port))
    carry_through(_up(Installation(kind="up", settings=settings, server=server), as_json=as_json))


def worker(data_dir: DataDir = None) -> None:
    """Run a worker until SIGTERM or Ctrl-C: it finishes what it has in hand and leaves."""
    from arrears.workers.worker import serve

    log_to_stderr()
    carry_through(serve(load_settings(data_dir=data_dir)))


def api(data_dir: DataDir = None) -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C. While Temporal is away, what it is told waits in the ledger."""
    from arrears.api.serve import serve

    log_to_stderr()
    carry_through(serve(load_settings(data_dir=data_dir)))


def sandbox(
    directory: Annotated[Path, typer.Option(help="Where the world keeps its record.")],
    http_port: Annotated[int, typer.Option()],
    smtp_port: Annotated[int, typer.Option()],
    residents: Annotated[Path | None, typer.Option(help="A file with the people who live there.")] = None,
    seed: Annotated[int, typer.Option()] = 1,
    data_dir: DataDir = None,
) -> None:
    """Run the outside world in a box, until SIGTERM or Ctrl-C. For the demo, never for people."""
    from arrears.sandbox.process import serve

    log_to_stderr()
    settings = load_settings(data_dir=data_dir)
    carry_through(serve(settings, directory=directory, http_port=http_port, smtp_port=smtp_port, residents=residents, seed=seed))


def log_to_stderr() -> None:
    """Let a process of ours say what it does. The supervisor writes it to a file; ids only, by the rule of the house."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("arrears").setLevel(logging.INFO)


def carry_through(work: Coroutine[Any, Any, T]) -> T:
    """Run a long-lived process to its end. Raises ``CommandFailed`` if it cannot start."""
    try:
        return asyncio.run(work)
    except TemporalUnreachable as gone:
        raise Unreachable(str(gone)) from gone
    except (ChildNotStarted, TemporalMissing, SearchAttributeMismatch) as failed:
        raise CommandFailed(str(failed)) from failed


def with_api_port(settings: Settings, port: int | None) -> Settings:
    """The settings with the API on ``port``, or on a free port if it is taken, and with callbacks addressed to it unless the environment says where."""
    api = settings.api.model_copy(update={"port": port_or_free(settings.api.port if port is None else port)})
    changes: dict[str, object] = {"api": api}
    if "ARREARS_CALLBACK_BASE" not in os.environ:
        changes["callback_base"] = f"http://{api.host}:{api.port}"
    return settings.model_copy(update=changes)


async def _up(installation: Installation, *, as_json: bool) -> None:
    with claimed(installation.data_dir):
        async with Supervisor([], installation.logs, tell) as supervisor:
            with stop_signals(supervisor.kill_now) as stop, suppress(Stopped):
                client = await unless(stop, lay_foundations(installation, supervisor))
                await unless(stop, add_api(installation, supervisor))
                await unless(stop, add_worker(installation, supervisor, client))
                accounts = await accounts_in(installation)
                with announced(installation):
                    _say_where(installation, client, accounts, as_json=as_json)
                    await stop.wait()
                    err.print("stopping: the worker finishes what it has in hand")


def tell(notice: Notice) -> None:
    """Say what became of a child, if it is not just as planned."""
    if notice.state == "restarting":
        err.print(str(notice), style="yellow")


def _say_where(installation: Installation, client: Client, accounts: int, *, as_json: bool) -> None:
    where = Where(
        temporal_address=client.service_client.config.target_host,
        temporal_ui=installation.server.ui_url if installation.server else None,
        api=installation.api_url,
        console=installation.settings.console_url,
        data_dir=installation.data_dir,
        accounts=accounts,
    )
    if as_json:
        print_json(where)
        return
    out.print(f"Temporal   {where.temporal_address}" + (f", UI at {where.temporal_ui}" if where.temporal_ui else ""))
    out.print(f"API        {where.api}")
    out.print(f"console    {where.console}")
    out.print(f"files      {where.data_dir}")
    gateways = [name for name in get_args(GatewayName) if installation.settings.gateway(name)]
    out.print(f"gateways   {', '.join(gateways) if gateways else 'none: nothing is sent, and the attempts say so'}")
    if not where.accounts:
        on = f" --data-dir {where.data_dir}" if where.data_dir != _USUAL_DIR else ""
        out.print("nobody can sign in to the console yet; in another terminal:", style="yellow")
        out.print(f'  arrears operators add wei --name "Wei Example" --role supervisor{on}', soft_wrap=True, markup=False)
        out.print(f"  arrears accounts set-password wei{on}", soft_wrap=True, markup=False)
    out.print("running; Ctrl-C stops everything, and nothing is lost")
