"""Keeps a handful of processes alive: starts them in order, restarts the ones that die, stops them in reverse.

Every child is a process of its own with a log file of its own. None outlives us: a clean stop asks them and then kills, and if we are killed
ourselves the tether takes them along.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

_TETHER = Path(__file__).with_name("tether.py")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
_HEALTHY_AFTER = 20.0
_LOG_BYTES = 16 * 1024 * 1024
_TAIL_LINES = 12

State = Literal["starting", "running", "restarting", "stopped"]


@dataclass(frozen=True)
class ChildPlan:
    """A process to keep: what it runs, its environment (ours, if not given), and how one knows that it is up.

    ``ready`` is asked again and again and answers quickly; seconds are real seconds.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    ready: Callable[[], Awaitable[bool]] | None = None
    start_seconds: float = 60
    stop_seconds: float = 20


@dataclass(frozen=True)
class Notice:
    """Something that became of a child; ``exit_code`` is negative for a signal."""

    child: str
    state: State
    exit_code: int | None = None
    again_in: float | None = None

    def __str__(self) -> str:
        match self:
            case Notice(state="restarting", exit_code=int() as code, again_in=float() as pause):
                how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
                return f"{self.child} {how}; starting it again in {pause:g} s"
            case _:
                return f"{self.child} is {self.state}"


class ChildNotStarted(Exception):
    """A child did not become ready; the message ends with the last lines of its log."""

    def __init__(self, name: str, log: Path, why: str) -> None:
        super().__init__(f"{name} did not start: {why}. Its log is {log}; it ends with:\n{_tail(log)}")
        self.name = name


class _Child:
    def __init__(self, plan: ChildPlan, log: Path) -> None:
        self.plan = plan
        self.log = log
        self.state: State = "stopped"
        self.restarts = 0
        self.process: asyncio.subprocess.Process | None = None
        self.keeper: asyncio.Task[None] | None = None

    async def spawn(self) -> asyncio.subprocess.Process:
        _turn_over(self.log)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_TETHER), str(os.getpid())),
                *self.plan.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.plan.environment,
                start_new_session=True,  # Ctrl-C in the terminal is ours to hand on, in the right order
            )
        return self.process

    def kill(self) -> None:
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def end(self) -> None:
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.plan.stop_seconds)
        except TimeoutError:
            self.kill()
            await process.wait()


class Supervisor:
    """Runs children until it is stopped. Use it as an async context manager; ``heard`` is told whatever becomes of a child."""

    def __init__(self, plans: Sequence[ChildPlan], logs: Path, heard: Callable[[Notice], None] = lambda _: None) -> None:
        self._logs = logs
        self._heard = heard
        self._children = {plan.name: _Child(plan, logs / f"{plan.name}.log") for plan in plans}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the children one after another, each when the one before it is ready. Raises ``ChildNotStarted``, after stopping all."""
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for child in self._children.values():
                await self._start(child)
        except BaseException:
            await self.stop()
            raise

    async def add(self, plan: ChildPlan) -> None:
        """Start one more child. Raises ``ChildNotStarted``."""
        child = self._children[plan.name] = _Child(plan, self._logs / f"{plan.name}.log")
        await self._start(child)

    async def stop(self) -> None:
        """Ask the children to end, the last started first, each with its time to do so; whoever does not is killed."""
        try:
            for child in reversed(self._children.values()):
                await self._end(child)
        finally:
            for child in self._children.values():
                child.kill()

    async def stop_child(self, name: str) -> None:
        """End one child for good."""
        await self._end(self._children[name])

    def kill_now(self) -> None:
        """Kill all children at once: for the person who cannot wait."""
        for child in self._children.values():
            child.kill()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._children)

    def pid(self, name: str) -> int | None:
        """The process id of a child, ``None`` while it is not running."""
        process = self._children[name].process
        return process.pid if process and process.returncode is None else None

    def restarts(self, name: str) -> int:
        """How often a child has been started again."""
        return self._children[name].restarts

    async def _start(self, child: _Child) -> None:
        self._say(child, "starting")
        process = await child.spawn()
        await self._until_ready(child, process)
        child.keeper = asyncio.create_task(self._keep(child, process), name=f"keep {child.plan.name}")
        self._say(child, "running")

    async def _until_ready(self, child: _Child, process: asyncio.subprocess.Process) -> None:
        async def ready() -> None:
            while child.plan.ready and process.returncode is None and not await child.plan.ready():  # noqa: ASYNC110 (a child sets no event of ours)
                await asyncio.sleep(0.1)

        try:
            await asyncio.wait_for(ready(), child.plan.start_seconds)
        except TimeoutError as late:
            raise ChildNotStarted(child.plan.name, child.log, f"it was not ready after {child.plan.start_seconds:g} s") from late
        if process.returncode is not None:
            raise ChildNotStarted(child.plan.name, child.log, f"it ended with code {process.returncode}")

    async def _keep(self, child: _Child, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            began = loop.time()
            code = await process.wait()
            pause = _FIRST_PAUSE if loop.time() - began > _HEALTHY_AFTER else pause
            self._say(child, "restarting", code, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            process = await child.spawn()
            child.restarts += 1
            self._say(child, "running")

    async def _end(self, child: _Child) -> None:
        if child.keeper:
            child.keeper.cancel()
            await asyncio.gather(child.keeper, return_exceptions=True)
        await child.end()
        if child.state != "stopped":
            self._say(child, "stopped")

    def _say(self, child: _Child, state: State, exit_code: int | None = None, again_in: float | None = None) -> None:
        child.state = state
        self._heard(Notice(child.plan.name, state, exit_code, again_in))


def _turn_over(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _tail(log: Path) -> str:
    try:
        with log.open(errors="replace") as lines:
            return "".join(deque(lines, _TAIL_LINES)).rstrip()
    except OSError:
        return "(no log)"
