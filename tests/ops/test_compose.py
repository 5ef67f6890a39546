"""The compose file: complete, locked down, and silent about passwords. No engine is needed to see that."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.testing import WorkflowEnvironment

from arrears.config.settings import Settings
from arrears.workers.server import temporal_binary
from arrears.workers.worker import DRAIN
from tests.ops.compose import COMPOSE_FILE, EXAMPLE, environment, parse, resolved, unescaped
from tests.ops.settings_names import PREFIX, settings_names

REQUIRED = ("LEDGER_DB_PASSWORD", "TEMPORAL_DB_PASSWORD", "ARREARS_LEDGER_KEY", "ARREARS_CALLBACK_BASE")
OURS = ("ledger-upgrade", "worker", "api")
JOBS = ("temporal-schema", "temporal-namespace", "ledger-upgrade")
FIXED_IN_THE_IMAGE = {"ARREARS_DATA_DIR"}
REAL_TIME_ONLY = {name for name in settings_names() if name.startswith("ARREARS_CLOCK")}
SECONDS = {"s": 1, "m": 60}

Services = dict[str, dict[str, Any]]


@pytest.fixture
def example() -> dict[str, str]:
    return environment(EXAMPLE.read_text(encoding="utf-8"))


@pytest.fixture
def services(example: dict[str, str], tmp_path: Path) -> Services:
    return resolved(example, tmp_path)["services"]


def test_the_example_environment_is_all_that_it_needs(services: Services) -> None:
    assert {*OURS, *JOBS, "temporal", "temporal-ui", "temporal-db", "ledger-db"} == set(services)


@pytest.mark.parametrize("missing", REQUIRED)
def test_it_does_not_start_without_what_only_the_operator_can_know(missing: str, example: dict[str, str], tmp_path: Path) -> None:
    del example[missing]
    refused = parse(example, tmp_path)
    assert refused.returncode != 0
    assert f"{missing} is missing a value: set it in .env" in refused.stderr


def test_no_password_is_built_in(tmp_path: Path, example: dict[str, str]) -> None:
    secrets = {"LEDGER_DB_PASSWORD": "ledgersentinel", "TEMPORAL_DB_PASSWORD": "temporalsentinel", "ARREARS_LEDGER_KEY": "keysentinel"}
    services = resolved(example | secrets, tmp_path)["services"]
    found = [
        (service, name, value)
        for service, said in services.items()
        for name, value in said.get("environment", {}).items()
        if value and re.search(r"PASSWORD|PWD|SECRET|LEDGER_URL|LEDGER_KEY", name)
    ]
    assert found
    assert [place for place in found if not any(secret in place[2] for secret in secrets.values())] == []


def test_the_ledgers_password_reaches_only_those_who_need_it(tmp_path: Path, example: dict[str, str]) -> None:
    secrets = {"LEDGER_DB_PASSWORD": "ledgersentinel", "TEMPORAL_DB_PASSWORD": "temporalsentinel", "ARREARS_LEDGER_KEY": "keysentinel"}
    services = resolved(example | secrets, tmp_path)["services"]
    knows = {secret: {name for name, said in services.items() if secret in str(said)} for secret in secrets.values()}
    assert knows["ledgersentinel"] == {*OURS, "ledger-db"}
    assert knows["keysentinel"] == set(OURS)
    assert knows["temporalsentinel"] == {"temporal", "temporal-schema", "temporal-db"}


@pytest.mark.parametrize("service", OURS)
def test_every_setting_can_be_given_in_the_environment_file(service: str, services: Services) -> None:
    given = {name for name in services[service]["environment"] if name.startswith(PREFIX)}
    assert given == set(settings_names()) - FIXED_IN_THE_IMAGE - REAL_TIME_ONLY


def test_the_example_names_nothing_that_nobody_reads() -> None:
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    compose = COMPOSE_FILE.read_text(encoding="utf-8")
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", compose)] == []


def test_our_containers_get_settings_that_are_right(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in services["worker"]["environment"].items():
        if value is not None:
            monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.ledger_url == "postgresql+asyncpg://arrears:change-me-1@ledger-db:5432/arrears"
    assert (settings.api.host, settings.api.port, settings.metrics.port) == ("0.0.0.0", 8080, 9464)
    assert settings.callback_base == "https://arrears.lender.example"
    assert (settings.sms, settings.smtp) == (None, None)


def test_a_gateway_left_empty_is_a_gateway_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_SMS_URL", "")
    monkeypatch.setenv("ARREARS_SMS_SECRET", "")
    assert Settings().sms is None


@pytest.mark.parametrize("service", OURS)
def test_our_containers_have_no_rights_to_speak_of(service: str, services: Services) -> None:
    said = services[service]
    assert said["user"] == "10001:10001"
    assert (said["read_only"], said["cap_drop"], said["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert said["security_opt"] == ["no-new-privileges:true"]


def test_what_must_run_is_started_again_and_watched(services: Services) -> None:
    for name, said in services.items():
        if name in JOBS:
            assert said["restart"].startswith("on-failure"), name
        else:
            assert said["restart"] == "unless-stopped", name
            assert said["healthcheck"]["test"], name


def test_jobs_are_done_before_what_needs_them_starts(services: Services) -> None:
    for name, said in services.items():
        for needed, how in said.get("depends_on", {}).items():
            assert how["condition"] == ("service_completed_successfully" if needed in JOBS else "service_healthy"), (name, needed)


def test_the_worker_has_time_to_finish_what_it_has_in_hand(services: Services) -> None:
    grace = sum(int(n) * SECONDS[unit] for n, unit in re.findall(r"(\d+)([sm])", services["worker"]["stop_grace_period"]))
    assert timedelta(seconds=grace) > DRAIN


def test_only_three_doors_are_open_and_only_to_this_machine(services: Services) -> None:
    ports = {name: [(p["host_ip"], p["target"]) for p in said["ports"]] for name, said in services.items() if said.get("ports")}
    assert ports == {"temporal": [("127.0.0.1", 7233)], "temporal-ui": [("127.0.0.1", 8080)], "api": [("127.0.0.1", 8080)]}


def test_the_databases_are_reached_by_those_who_need_them_only(services: Services) -> None:
    reached = {network: {n for n, said in services.items() if network in said["networks"]} for network in ("ledger", "temporal-data")}
    assert reached["ledger"] == {"ledger-db", *OURS}
    assert reached["temporal-data"] == {"temporal-db", "temporal-schema", "temporal"}


def test_images_are_pinned(services: Services) -> None:
    tags = {said["image"].rpartition(":")[2] for name, said in services.items() if name not in OURS}
    assert all(re.match(r"\d+\.\d+", tag) for tag in tags), tags


async def test_the_namespace_job_sets_the_retention_and_can_be_run_again(services: Services, tmp_path: Path) -> None:
    job = services["temporal-namespace"]
    script = unescaped(job["command"][0])
    path = f"{Path(temporal_binary()).parent}:{os.environ['PATH']}"
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=temporal_binary(), dev_server_log_level="error") as env:
        address = env.client.service_client.config.target_host
        for retention, days in ((job["environment"]["RETENTION"], 90), ("30d", 30)):
            variables = {"PATH": path, "HOME": str(tmp_path), "TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "lender"}
            job_run = await asyncio.create_subprocess_exec(*job["entrypoint"], script, env=variables | {"RETENTION": retention})
            assert await asyncio.wait_for(job_run.wait(), 60) == 0
            found = await env.client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="lender"))
            assert found.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=days)
