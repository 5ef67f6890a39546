"""The demo from its first process to its account, with every one of its processes killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from arrears.cli.site import running_in
from tests.cli.conftest import ANY_PORTS, ARREARS, clean_environment, eventually, processes_of

KILLED = ("worker", "start-dev", "sandbox", "api")


def pid_of(data_dir, name: str) -> int | None:
    for pid in processes_of(data_dir):
        if name in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
            return pid
    return None


@pytest.mark.timeout(400)
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
def test_a_demo_survives_killing_and_its_account_agrees(arrears, tmp_path):
    data_dir = tmp_path / "demo"
    options = ("--data-dir", str(data_dir), "--day-seconds", "2.5", "--days", "14", "--json", *ANY_PORTS)
    demo = subprocess.Popen(
        [*ARREARS, "demo", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    try:
        eventually(lambda: running_in(data_dir) or demo.poll() is not None, within=150)
        on = "--data-dir", str(data_dir)
        eventually(lambda: len(arrears("case", "list", *on, "--json").json) >= 20)
        for name in KILLED:
            os.kill(eventually(lambda name=name: pid_of(data_dir, name)), signal.SIGKILL)
        out, err = demo.communicate()
    finally:
        demo.kill()
    summary = json.loads(out)
    assert demo.returncode == 0, err
    assert summary["cases"] >= 24
    assert summary["restarts"] == {"temporal": 1, "sandbox": 1, "api": 1, "worker": 1}
    account = summary["account"]
    assert account["left"] + len(account["unsure"]) == account["recorded"] > 0
    assert len(account["unsure"]) < account["left"] / 4, "only what was under way when a process died may be in doubt"
    assert [account[fault] for fault in ("lost", "unrecorded", "twice", "payments_unheard")] == [[]] * 4
    events = summary["events"]
    assert events["recorded"] == events["heard"] + events["waiting"] > 0
    assert (events["lost"], events["dead"]) == ([], 0)
    assert summary["endings"].get("cured", 0) > 0
    assert not processes_of(data_dir)
