"""What all tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# The same examples everywhere and every time; a failing one is printed and belongs into the tests as an example.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")

# The tests make so many objects that a tenth of their time went into looking for garbage.
gc.set_threshold(100_000, 50, 50)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, pytest.CallInfo[int], None]:
    """Leave without interpreter shutdown: processes that used the Temporal SDK sometimes abort in it after all has succeeded."""
    result = yield
    if not hasattr(config, "workerinput"):
        code = int(result.get_result() or 0)  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much the simulation of core and checker tried, over all workers."""
    from tests.simulation.tally import Tally

    reports = (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ()))
    tried = [value for report in reports for name, value in report.user_properties if name == "simulation"]
    if tried:
        whole = Tally()
        for figures in tried:
            whole.add(Tally.of_json(figures))
        terminalreporter.section("core and checker")
        terminalreporter.write_line(str(whole))
