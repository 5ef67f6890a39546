"""What the documentation says is so: its commands are commands, its JSON is what the models take, its settings are the settings."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
from pydantic import BaseModel

from arrears.api.loan_system import MissedTaken, PaymentTaken
from arrears.api.problems import ProblemBody
from arrears.api.reversals import PaymentReversal
from arrears.cli.main import app
from arrears.cli.rules import listed
from arrears.config.law import Law
from arrears.config.settings import GatewayName
from arrears.domain.events import Ending
from arrears.domain.loan import Payment
from arrears.domain.strategy import Role
from arrears.gateways.contract import CallbackBody, MissedPayment, PaymentReport
from arrears.ledger.facts import FACT, schema
from arrears.workers.server import temporal_binary
from arrears.workflows import contract
from arrears.workflows.contract import (
    CaseRequest,
    CaseSummary,
    CaseView,
    Decision,
    Hold,
    Lift,
    Plan,
    Promise,
    Report,
    Reversal,
    Signal,
    Update,
    Withdrawal,
)
from tests.ops.compose import EXAMPLE, ROOT, environment, resolved
from tests.ops.pages import PAGES, Block, Command, blocks, commands, links, mentioned
from tests.ops.settings_names import default_text, settings_names

MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        CaseRequest,
        CaseView,
        CaseSummary,
        MissedPayment,
        MissedTaken,
        PaymentReport,
        PaymentReversal,
        PaymentTaken,
        ProblemBody,
        CallbackBody,
    )
}
MESSAGES: dict[str, type[BaseModel]] = {
    Signal.PAYMENT_RECEIVED: Payment,
    Signal.PAYMENT_REVERSED: Reversal,
    Signal.APPROVAL_DECIDED: Decision,
    Signal.PROMISE_MADE: Promise,
    Signal.PLAN_AGREED: Plan,
    Signal.HOLD_PLACED: Hold,
    Signal.HOLD_LIFTED: Lift,
    Signal.CONTACT_REPORTED: Report,
    Signal.CASE_WITHDRAWN: Withdrawal,
    Update.RECORD_PAYMENT: Payment,
    Update.REVERSE_PAYMENT: Reversal,
    Update.DECIDE_APPROVAL: Decision,
    Update.MAKE_PROMISE: Promise,
    Update.AGREE_PLAN: Plan,
    Update.PLACE_HOLD: Hold,
    Update.LIFT_HOLD: Lift,
    Update.WITHDRAW: Withdrawal,
}
ANSWERS = (CaseView, CaseSummary)
INTEGRATORS = ROOT / "docs" / "integrators.md"
OPERATORS = ROOT / "docs" / "operators.md"
FACTS = ROOT / "docs" / "facts.md"
RUNNING = ROOT / "docs" / "running.md"

ALL_BLOCKS = [block for page in PAGES for block in blocks(page)]
OURS = commands("arrears")
TEMPORAL = commands("temporal")


def names_of(kind: type) -> set[str]:
    return {value for name, value in vars(kind).items() if name.isupper()}


def option(command: Command, *spellings: str) -> str | None:
    return next((word for before, word in zip(command.words, command.words[1:], strict=False) if before in spellings), None)


def several(text: str) -> list[Any]:
    """The JSON values of a text, one after the other."""
    found, rest = [], text.strip()
    while rest:
        value, end = json.JSONDecoder().raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


def models_fields(model: type[BaseModel], body: dict[str, Any]) -> None:
    """The body is read without complaint, and every field in it is one that the model knows."""
    model.model_validate_json(json.dumps(body))
    assert set(body) <= set(model.model_fields)


@pytest.mark.parametrize("command", OURS, ids=str)
def test_a_command_of_ours_can_be_given_as_it_stands(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for word in command.words:
        if re.fullmatch(r"[\w.-]+\.(csv|jsonl|ndjson|yaml|json)", word):
            (tmp_path / word).touch()
    monkeypatch.chdir(tmp_path)
    current, rest = typer.main.get_command(app), list(command.words[1:])
    while hasattr(current, "commands"):
        assert rest, f"{command} lacks a subcommand"
        assert rest[0] in current.commands, f"{rest[0]} is no subcommand; there are: {', '.join(current.commands)}"
        current = current.commands[rest.pop(0)]
    current.make_context(current.name or "", rest)


@pytest.mark.parametrize("command", mentioned(), ids=str)
def test_a_command_of_ours_that_is_mentioned_exists(command: Command) -> None:
    current: Any = typer.main.get_command(app)
    for word in command.words[1:]:
        if not hasattr(current, "commands") or not re.fullmatch(r"[a-z-]+", word):
            break
        assert word in current.commands, f"{word} is no subcommand; there are: {', '.join(current.commands)}"
        current = current.commands[word]


@pytest.mark.parametrize("command", TEMPORAL, ids=str)
def test_a_temporal_command_has_only_flags_that_there_are(command: Command) -> None:
    asked = _temporal_help(command.words[1:])
    assert asked.returncode == 0, asked.stderr
    assert "Usage:" in asked.stdout


@cache
def _temporal_help(words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [temporal_binary(), *words, "--help"], capture_output=True, text=True, timeout=30, env={"PATH": os.environ["PATH"]}
    )


@pytest.mark.parametrize("command", [c for c in TEMPORAL if option(c, "--input", "-i")], ids=str)
def test_what_a_temporal_command_sends_is_understood(command: Command) -> None:
    body = json.loads(option(command, "--input", "-i") or "")
    match command.words[1:3]:
        case ("workflow", "start"):
            models_fields(CaseRequest, body)
            assert option(command, "--type") == contract.WORKFLOW_TYPE
            assert option(command, "--task-queue") == contract.TASK_QUEUE
            assert option(command, "--workflow-id") == contract.workflow_id(body["loan_id"])
        case ("workflow", "signal"):
            name = option(command, "--name") or ""
            assert name in names_of(Signal)
            models_fields(MESSAGES[name], body)
        case ("workflow", "update"):
            name = option(command, "--name") or ""
            assert name in names_of(Update)
            models_fields(MESSAGES[name], body)
        case other:
            raise AssertionError(f"nothing is known of {other}")


def test_every_signal_and_update_has_an_example() -> None:
    shown = {option(command, "--name") for command in TEMPORAL if command.page == INTEGRATORS}
    assert names_of(Signal) | names_of(Update) <= shown


@pytest.mark.parametrize("block", [b for b in ALL_BLOCKS if b.language == "json"], ids=lambda b: f"{b.page.name}-{b.label or 'json'}")
def test_json_is_what_it_says_it_is(block: Block) -> None:
    if not block.label:
        assert several(block.text)
        return
    body = json.loads(block.text)
    if block.label == "Fact":
        FACT.validate_json(block.text)
        return
    model = MODELS[block.label]
    models_fields(model, body)
    if model in ANSWERS:
        assert set(body) == set(model.model_fields)


@pytest.mark.parametrize("block", [b for b in ALL_BLOCKS if b.label == "override"], ids=lambda b: b.page.name)
def test_an_override_fits_the_compose_file(block: Block, tmp_path: Path) -> None:
    override = tmp_path / "docker-compose.override.yml"
    override.write_text(block.text, encoding="utf-8")
    services = resolved(environment(EXAMPLE.read_text(encoding="utf-8")), tmp_path, override)["services"]
    mounted = [volume["target"] for name in ("worker", "api") for volume in services[name].get("volumes", [])]
    assert mounted == ["/etc/arrears/strategies"] * 2


def test_every_search_attribute_is_explained() -> None:
    text = INTEGRATORS.read_text(encoding="utf-8")
    assert [key.name for key in contract.SEARCH_ATTRIBUTES if f"`{key.name}`" not in text] == []


def test_every_setting_is_explained_with_its_default() -> None:
    gateways = [name.upper() for name in get_args(GatewayName) if name != "email"]
    explained: dict[str, str] = {}
    for names, default in re.findall(r"^\|\s*(`ARREARS_[^|]+)\|([^|]*)\|", RUNNING.read_text(encoding="utf-8"), re.MULTILINE):
        for name, gateway in product(re.findall(r"`(ARREARS_[A-Z_<>]+)`", names), gateways):
            explained[name.replace("<GATEWAY>", gateway)] = default.strip().strip("`")
    settings = settings_names()
    assert set(explained) == set(settings)
    assert {name: said for name, said in explained.items() if said != (default_text(settings[name]) or "")} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    inside = [link.partition("#")[0] for link in links(page) if not re.match(r"https?:|mailto:|#", link)]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_our_own_rules_are_explained_to_operators_and_the_law_s_that_they_name_exist() -> None:
    rules = {rule.id for rule in listed(Law().current())}
    explained = set(re.findall(r"^\| ([A-Z]{2}-\d{2}[a-z]?) \|", OPERATORS.read_text(encoding="utf-8"), re.MULTILINE))
    assert {rule for rule in rules if rule.startswith("AR-")} <= explained <= rules


def test_every_kind_of_fact_is_explained() -> None:
    kinds = {
        definition["properties"]["fact"]["const"] for definition in schema()["$defs"].values() if "fact" in definition.get("properties", {})
    }
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in FACTS.read_text(encoding="utf-8")] == []


def test_every_role_and_ending_is_named_to_operators() -> None:
    text = OPERATORS.read_text(encoding="utf-8")
    assert [name for name in (*Role, *get_args(Ending)) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`((?:arrears|tests|docs|bench|deploy)/[\w./-]+)`", page.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
