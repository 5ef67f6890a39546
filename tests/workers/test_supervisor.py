"""Children are real processes: they are started, killed and looked for in the process table."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from arrears.workers.supervisor import ChildNotStarted, ChildPlan, Notice, Supervisor

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def eventually(holds, within: float = 20) -> None:
    until = asyncio.get_running_loop().time() + within
    while not holds():
        assert asyncio.get_running_loop().time() < until, "it did not come true in time"
        await asyncio.sleep(0.02)


def plan(name: str, logs: Path, command=SLEEPER, **more) -> ChildPlan:
    async def ready() -> bool:
        log = logs / f"{name}.log"
        return log.exists() and "up" in log.read_text()

    return ChildPlan(name=name, command=command, ready=ready, **more)


async def test_children_start_in_order_and_stop_in_reverse(tmp_path):
    heard: list[Notice] = []
    async with Supervisor([plan("first", tmp_path), plan("second", tmp_path)], tmp_path, heard.append) as supervisor:
        pids = [supervisor.pid(name) for name in ("first", "second")]
        assert all(pid and alive(pid) for pid in pids)
    assert [(n.child, n.state) for n in heard] == [
        ("first", "starting"),
        ("first", "running"),
        ("second", "starting"),
        ("second", "running"),
        ("second", "stopped"),
        ("first", "stopped"),
    ]
    assert not any(pid and alive(pid) for pid in pids)


async def test_a_child_that_was_killed_is_started_again(tmp_path):
    heard: list[Notice] = []
    async with Supervisor([plan("worker", tmp_path)], tmp_path, heard.append) as supervisor:
        first = supervisor.pid("worker")
        assert first
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: supervisor.restarts("worker") == 1)
        assert supervisor.pid("worker") not in (None, first)
    assert "worker was killed by SIGKILL; starting it again in 0.25 s" in [str(n) for n in heard]


async def test_a_child_that_keeps_dying_is_started_with_growing_pauses(tmp_path):
    heard: list[Notice] = []
    command = (sys.executable, "-c", "raise SystemExit(7)")
    async with Supervisor([ChildPlan(name="broken", command=command)], tmp_path, heard.append) as supervisor:
        await eventually(lambda: supervisor.restarts("broken") >= 2)
    pauses = [n.again_in for n in heard if n.state == "restarting"]
    assert pauses[:2] == [0.25, 0.5]


async def test_a_child_that_never_becomes_ready_stops_the_start_and_shows_its_log(tmp_path):
    command = (sys.executable, "-c", "print('no such port', flush=True); raise SystemExit(3)")
    supervisor = Supervisor([plan("steady", tmp_path), plan("server", tmp_path, command)], tmp_path)
    with pytest.raises(ChildNotStarted, match=r"(?s)server did not start: it ended with code 3.*no such port"):
        await supervisor.start()
    assert supervisor.pid("steady") is None


async def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path):
    async with Supervisor([plan("stubborn", tmp_path, STUBBORN, stop_seconds=0.2)], tmp_path) as supervisor:
        pid = supervisor.pid("stubborn")
    assert pid
    assert not alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_no_child_outlives_a_supervisor_that_was_killed(tmp_path):
    script = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from arrears.workers.supervisor import ChildPlan, Supervisor

        async def main():
            plans = [ChildPlan(name=n, command={SLEEPER!r}) for n in ("a", "b")]
            async with Supervisor(plans, Path({str(tmp_path)!r})) as supervisor:
                print(supervisor.pid("a"), supervisor.pid("b"), flush=True)
                await asyncio.sleep(600)

        asyncio.run(main())
    """)
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE)
    try:
        assert owner.stdout
        pids = [int(word) for word in (await owner.stdout.readline()).split()]
        assert [pid for pid in pids if alive(pid)] == pids
        assert len(pids) == 2
    finally:
        owner.kill()
        await owner.wait()
    await eventually(lambda: not any(alive(pid) for pid in pids))
