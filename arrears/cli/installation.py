"""An installation on one machine: its directory, its ports, and the processes of it that are kept alive.

`arrears up` and `arrears demo` differ only in what they plan here.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

import httpx
from sqlalchemy import func
from sqlmodel import select
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from arrears.cli.output import CommandFailed
from arrears.cli.site import Running, noted
from arrears.config.settings import Settings
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.keys import open_vault
from arrears.ledger.tables import AccountRow
from arrears.workers.connection import connect, register_search_attributes
from arrears.workers.server import ServerPlan, keep_closed_cases, server_child
from arrears.workers.supervisor import ChildPlan, Supervisor
from arrears.workflows.contract import TASK_QUEUE

_PROBE = httpx.Timeout(2)


@dataclass(frozen=True)
class Installation:
    """What runs where. Without a ``server`` the Temporal of the environment is used. ``environment`` is what our own processes get to know."""

    kind: Literal["demo", "up"]
    settings: Settings
    server: ServerPlan | None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def api_url(self) -> str:
        return f"http://{self.settings.api.host}:{self.settings.api.port}"

    def our_environment(self) -> dict[str, str]:
        """The whole environment of a process of ours that makes it a part of this installation."""
        settings = self.settings
        inherited = {name: value for name, value in os.environ.items() if self.server is None or not name.startswith("TEMPORAL_")}
        here = {
            "ARREARS_DATA_DIR": str(settings.data_dir.absolute()),
            "ARREARS_LEDGER_URL": settings.ledger_url,
            "ARREARS_LEDGER_KEY": settings.ledger_key.get_secret_value() if settings.ledger_key else "",
            "ARREARS_LEDGER_OLD_KEYS": ",".join(settings.old_ledger_keys),
            "ARREARS_CLOCK": settings.clock.model_dump_json(),
            "ARREARS_API_HOST": settings.api.host,
            "ARREARS_API_PORT": str(settings.api.port),
            "ARREARS_CALLBACK_BASE": settings.callback_base,
        }
        if self.server:
            # What the environment or a file says of another server must not reach our own.
            here |= {"ARREARS_TEMPORAL_UI": f"{self.server.ui_url}/namespaces/default"}
            here |= {"TEMPORAL_ADDRESS": self.server.address, "TEMPORAL_NAMESPACE": "default", "TEMPORAL_CONFIG_FILE": os.devnull}
        return {**inherited, **here, **self.environment}

    def child(self, command: str, answers_at: str | None = None) -> ChildPlan:
        """One of our own commands as a process to keep; it is up when it answers at a URL, if it has one."""
        return ChildPlan(
            name=command,
            command=(sys.executable, "-m", "arrears.cli.main", command),
            environment=self.our_environment(),
            ready=(lambda: _answers(answers_at)) if answers_at else None,
        )


@contextmanager
def claimed(data_dir: Path) -> Generator[None]:
    """Make the data directory ours alone while the block runs. Raises ``CommandFailed`` if another process has it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise CommandFailed(
                f"another arrears process runs in {data_dir}; stop it, or choose another directory with --data-dir"
            ) from taken
        yield


async def lay_foundations(installation: Installation, supervisor: Supervisor) -> Client:
    """Bring the ledger to its newest version and Temporal up, with our search attributes; a client of it.

    Raises ``ChildNotStarted``, ``TemporalUnreachable``, ``TemporalMissing``, ``KeyProblem``.
    """
    await upgrade(installation.settings.ledger_url, open_vault(installation.settings))
    server = installation.server
    if server:
        await supervisor.add(server_child(server))
    client = await connect(address=server.address if server else None)
    await register_search_attributes(client)
    if server:
        await keep_closed_cases(client)
    return client


async def accounts_in(installation: Installation) -> int:
    """How many operators can sign in to the console."""
    ledger = Ledger(installation.settings.ledger_url)
    try:
        async with ledger.reading() as session:
            return (await session.exec(select(func.count()).select_from(AccountRow))).one()
    finally:
        await ledger.close()


async def add_api(installation: Installation, supervisor: Supervisor) -> None:
    """Start the API and wait until it answers. Raises ``ChildNotStarted``."""
    await supervisor.add(installation.child("api", f"{installation.api_url}/healthz"))


async def add_worker(installation: Installation, supervisor: Supervisor, client: Client) -> None:
    """Start the worker and wait until it asks for work. Raises ``ChildNotStarted``."""
    plan = installation.child("worker")
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=TASK_QUEUE), task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    )

    async def polls() -> bool:
        pid = supervisor.pid(plan.name)
        try:
            queue = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=2))
        except RPCError:
            return False
        return any(poller.identity.startswith(f"{pid}@") for poller in queue.pollers)

    await supervisor.add(ChildPlan(plan.name, plan.command, plan.environment, polls))


@contextmanager
def announced(installation: Installation) -> Generator[None]:
    """Let commands in other terminals find the installation while the block runs."""
    server = installation.server
    note = Running(
        kind=installation.kind,
        pid=os.getpid(),
        embedded_temporal=server.address if server else None,
        ui_url=server.ui_url if server else None,
        api_url=installation.api_url,
        clock=installation.settings.clock,
    )
    with noted(installation.data_dir, note):
        yield


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=_PROBE) as client:
            return (await client.get(url)).is_success
    except httpx.HTTPError:
        return False
