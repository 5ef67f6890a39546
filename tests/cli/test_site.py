"""Which installation a command finds, without being told and with."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arrears.cli.installation import Installation, claimed
from arrears.cli.output import CommandFailed, WrongUsage
from arrears.cli.site import DEMO_DIR, Running, find_site, noted
from arrears.config.settings import Settings
from arrears.domain.clock import REAL_TIME, Clock
from arrears.workers.server import ServerPlan

FAST = Clock(real_epoch=datetime(2026, 1, 1, tzinfo=UTC), business_epoch=datetime(2026, 3, 1, tzinfo=UTC), day_seconds=3)


@pytest.fixture(autouse=True)
def empty_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("ARREARS_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)


def note(kind="demo", pid: int | None = None) -> Running:
    return Running(
        kind=kind,
        pid=pid or os.getpid(),
        embedded_temporal="127.0.0.1:17233",
        ui_url="http://127.0.0.1:18233",
        api_url="http://127.0.0.1:18080",
        clock=FAST,
    )


def directory(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_without_anything_running_the_default_directory_is_meant():
    site = find_site(None)
    assert site.running is None
    assert site.settings.ledger_url == "sqlite+aiosqlite:///.arrears/ledger.db"


def test_a_running_demo_is_found_with_its_ledger_and_its_clock():
    with noted(directory(DEMO_DIR), note()):
        site = find_site(None)
    assert site.running == note()
    assert site.settings.clock == FAST
    assert site.settings.ledger_url == f"sqlite+aiosqlite:///{DEMO_DIR}/ledger.db"


def test_what_runs_for_real_comes_before_a_demo():
    with noted(directory(DEMO_DIR), note()), noted(DEMO_DIR.parent, note("up")):
        site = find_site(None)
    assert site.running
    assert site.running.kind == "up"


def test_a_named_directory_comes_before_what_runs(tmp_path):
    with noted(directory(DEMO_DIR), note()):
        site = find_site(tmp_path / "other")
    assert site.running is None
    assert site.settings.data_dir == tmp_path / "other"
    assert site.settings.clock == REAL_TIME


def test_a_ledger_named_by_the_environment_comes_before_what_runs(monkeypatch):
    monkeypatch.setenv("ARREARS_LEDGER_URL", "postgresql+asyncpg://somewhere/arrears")
    with noted(directory(DEMO_DIR), note()):
        site = find_site(None)
    assert site.running is None
    assert site.settings.ledger_url == "postgresql+asyncpg://somewhere/arrears"


def test_the_note_of_a_process_that_is_gone_does_not_count():
    with noted(directory(DEMO_DIR), note(pid=2**22 - 1)):
        assert find_site(None).running is None


def test_a_wrong_setting_is_named_by_its_variable(monkeypatch):
    monkeypatch.setenv("ARREARS_API_PORT", "many")
    with pytest.raises(WrongUsage, match="ARREARS_API_PORT"):
        find_site(None)


def test_a_data_directory_belongs_to_one_process_at_a_time(tmp_path):
    with claimed(tmp_path), pytest.raises(CommandFailed, match="another arrears process"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_processes_of_an_installation_with_its_own_server_ignore_another_servers_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cloud.example:7233")
    monkeypatch.setenv("TEMPORAL_API_KEY", "secret")
    server = ServerPlan(db_file=tmp_path / "t.db", port=17233, ui_port=18233)
    environment = Installation(kind="up", settings=Settings(data_dir=tmp_path), server=server).our_environment()
    assert environment["TEMPORAL_ADDRESS"] == "127.0.0.1:17233"
    assert "TEMPORAL_API_KEY" not in environment


def test_processes_of_an_installation_without_a_server_use_the_environments(tmp_path, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cluster.example:7233")
    environment = Installation(kind="up", settings=Settings(data_dir=tmp_path), server=None).our_environment()
    assert environment["TEMPORAL_ADDRESS"] == "cluster.example:7233"
