"""`arrears up` keeps its processes alive, loses nothing and leaves nobody behind."""

from __future__ import annotations

import os
import signal
from datetime import date

import httpx
import pytest

from arrears.cli.site import running_in
from arrears.sandbox.portfolio import sample
from tests.cli.conftest import bring_up, eventually, processes_of

pytestmark = [pytest.mark.timeout(300), pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")]


def test_what_was_running_is_still_there_after_everything_was_killed_and_started_again(arrears, tmp_path):
    data_dir = tmp_path / "data"
    on = "--data-dir", str(data_dir)
    first = bring_up(data_dir)
    (tmp_path / "p.jsonl").write_text(sample(date(2026, 11, 2)).json_lines(), encoding="utf-8")
    assert arrears("import", str(tmp_path / "p.jsonl"), *on).code == 0
    run_id = arrears("case", "open", "L-1001", *on, "--json").json["run_id"]
    eventually(lambda: arrears("case", "show", "L-1001", *on).code == 0)

    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    eventually(lambda: not processes_of(data_dir))

    second = bring_up(data_dir)
    assert arrears("case", "open", "L-1001", *on, "--json").json["run_id"] == run_id
    assert eventually(lambda: (said := arrears("case", "show", "L-1001", *on, "--json")).code == 0 and said.json)["case_id"] == "L-1001.1"
    assert second.stop() == 0
    assert not processes_of(data_dir)
    assert running_in(data_dir) is None


def test_a_second_one_in_the_same_directory_is_refused(arrears, up, on):
    said = arrears("up", *on, "--json")
    assert said.code == 1
    assert "another arrears process runs in" in said.json["problem"]


def test_the_workers_metrics_are_exposed_where_settings_say(up):
    answer = httpx.get(f"http://127.0.0.1:{up.metrics_port}/metrics")
    assert "temporal_worker_task_slots_available" in answer.text
