"""A real installation, brought up by `arrears up` on free ports, and commands run against it as a person would run them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from arrears.cli.main import run
from arrears.cli.output import out
from arrears.cli.site import running_in
from arrears.config.settings import PACKAGED
from arrears.sandbox.portfolio import sample
from arrears.workers.server import free_port
from tests.cli.doors import fill

ARREARS = (sys.executable, "-m", "arrears.cli.main")
ANY_PORTS = ("--temporal-port", "0", "--ui-port", "0", "--api-port", "0")


SUED = ("L-1001", "L-1012")
"""Loans, overdue since yesterday, on the ladder ``at-once``."""

AT_ONCE = """
strategy: at-once
version: 1
title: A lawsuit on the first day, so that a request for approval waits whatever the hour
source: made for this test
currency: CNY
window: {start: 00:00, end: 23:59:59}
ladder:
  - {rung: sue, day: 0, at: 00:00, do: refer, to: lawsuit, approval: {role: supervisor}}
"""


def clean_environment(**more: str) -> dict[str, str]:
    """Ours, without what configures another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ARREARS_", "TEMPORAL_"))} | more


def eventually(holds: Callable[[], Any], within: float = 60) -> Any:
    """What ``holds`` answers as soon as it is true."""
    until = time.monotonic() + within
    while not (answer := holds()):
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.1)
    return answer


def processes_of(data_dir: Path) -> set[int]:
    """The ids of all processes that belong to an installation: its own, and its Temporal server."""
    mine = f"ARREARS_DATA_DIR={data_dir}".encode()
    found: set[int] = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = process.joinpath("environ").read_bytes().split(b"\0")
            said = process.joinpath("cmdline").read_bytes()
        except OSError:
            continue
        if mine in told or bytes(data_dir / "temporal.db") in said:
            found.add(int(process.name))
    return found


@dataclass(frozen=True)
class Here:
    """An installation that runs, and how to speak to it."""

    data_dir: Path
    process: subprocess.Popen[str]
    metrics_port: int = 0

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def bring_up(data_dir: Path, **environment: str) -> Here:
    """Start `arrears up` and wait until it runs."""
    log = (data_dir.parent / f"{data_dir.name}.out").open("w")
    process = subprocess.Popen(
        [*ARREARS, "up", "--data-dir", str(data_dir), *ANY_PORTS], stdout=log, stderr=log, text=True, env=clean_environment(**environment)
    )
    eventually(lambda: running_in(data_dir) or process.poll() is not None, within=100)
    assert process.poll() is None, Path(log.name).read_text()
    return Here(data_dir, process)


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command line in this process."""

    def command(*words: str) -> Said:
        capsys.readouterr()
        code = run(words)
        captured = capsys.readouterr()
        return Said(code, captured.out + captured.err)

    return command


@pytest.fixture(scope="session")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger with operators and an agency, to be copied."""
    directory = tmp_path_factory.mktemp("staffed")
    fill(directory)
    return directory / "ledger.db"


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Here]:
    """One installation for all tests of this process, with the sample portfolio in its ledger."""
    data_dir = tmp_path_factory.mktemp("up") / "data"
    strategies = shutil.copytree(PACKAGED / "strategies", data_dir.parent / "strategies")
    (strategies / "at-once.yaml").write_text(AT_ONCE, encoding="utf-8")
    known = {"ARREARS_STRATEGIES_DIR": str(strategies), "ARREARS_METRICS_PORT": str(free_port())}
    portfolio = data_dir.parent / "portfolio.jsonl"
    rows = sample(datetime.now(ZoneInfo("Asia/Shanghai")).date())
    rows = replace(rows, rows=tuple(row.model_copy(update={"strategy": "at-once"}) if row.loan_id in SUED else row for row in rows.rows))
    portfolio.write_text(rows.json_lines(), encoding="utf-8")
    here = replace(bring_up(data_dir, **known), metrics_port=int(known["ARREARS_METRICS_PORT"]))
    try:
        imported = [*ARREARS, "import", str(portfolio), "--data-dir", str(data_dir)]
        subprocess.run(imported, env=clean_environment(**known), check=True, stdout=subprocess.DEVNULL)
        yield here
    finally:
        here.stop()


@pytest.fixture
def on(up: Here) -> tuple[str, str]:
    """The option that names the running installation."""
    return "--data-dir", str(up.data_dir)


@pytest.fixture(autouse=True)
def no_other_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)


@pytest.fixture
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output whose lines do not break where a test looks at them."""
    monkeypatch.setattr(out, "width", 160)
