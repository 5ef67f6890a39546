"""What every command has in common: exit codes, problems as JSON, and errors that say what to do."""

from __future__ import annotations

import json
import subprocess

import pytest

from arrears.sandbox.portfolio import sample
from arrears.workers.server import free_port
from tests.cli.conftest import ARREARS, clean_environment
from tests.sealing import LEDGER_KEY


@pytest.fixture
def ledger(arrears, tmp_path):
    """The option of an installation that has a ledger and nothing else."""
    assert arrears("db", "upgrade", "--data-dir", str(tmp_path)).code == 0
    return "--data-dir", str(tmp_path)


def test_help_names_every_command_and_the_exit_codes(arrears):
    text = arrears("--help").text
    for name in ("demo", "up", "worker", "api", "case", "approvals", "operators", "strategy", "import", "db"):
        assert name in text
    assert "3 Temporal, the ledger or the API cannot be reached" in " ".join(text.split())
    assert "sandbox" not in text


def test_wrong_usage_ends_with_2(arrears):
    assert arrears("case", "open").code == 2
    assert arrears("no-such-command").code == 2


def test_without_temporal_a_command_ends_with_3_and_says_how_to_start_it(arrears, ledger, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    said = arrears("case", "show", "L-1001", *ledger, "--json")
    assert said.code == 3
    assert "arrears up" in said.json["problem"]


def test_without_a_ledger_a_command_ends_with_3_and_says_how_to_make_it(arrears, tmp_path):
    said = arrears("approvals", "list", "--data-dir", str(tmp_path / "nothing"))
    assert said.code == 3
    assert "arrears db upgrade" in said.text


def test_upgrading_the_ledger_again_changes_nothing(arrears, ledger):
    assert arrears("db", "upgrade", *ledger, "--json").json["upgraded"] is True


def test_a_password_in_the_ledgers_url_is_never_shown(arrears, monkeypatch):
    monkeypatch.setenv("ARREARS_LEDGER_URL", f"postgresql+asyncpg://arrears:hush-hush@127.0.0.1:{free_port()}/arrears")
    monkeypatch.setenv("ARREARS_LEDGER_KEY", LEDGER_KEY)
    said = arrears("db", "upgrade")
    assert said.code == 3
    assert "hush-hush" not in said.text


def test_operators_are_added_once(arrears, ledger):
    assert arrears("operators", "add", "op-1", "--name", "A Sample", "--role", "supervisor", *ledger).code == 0
    assert arrears("operators", "add", "op-1", "--name", "A Sample", "--role", "supervisor", *ledger).code == 1
    listed = arrears("operators", "list", *ledger, "--json").json
    assert listed == [{"operator": "op-1", "name": "A Sample", "role": "supervisor", "active": True}]


def test_an_approval_that_does_not_exist_is_refused(arrears, ledger):
    said = arrears("approvals", "approve", "L-1.1/x/a1", "--operator", "op-1", *ledger, "--json")
    assert (said.code, said.json["problem"]) == (1, "approval L-1.1/x/a1 is not in the ledger")
    assert arrears("approvals", "list", *ledger).text.strip().endswith("nothing waits for a decision")


def portfolio(path, *, change=None, size=24):
    from datetime import date

    rows = sample(date(2026, 11, 2), size=size).json_lines().splitlines()
    if change:
        line, field, value = change
        rows[line] = json.dumps(json.loads(rows[line]) | {field: value}, ensure_ascii=False)
    path.write_text("\n".join(rows), encoding="utf-8")
    return str(path)


def test_an_import_writes_every_row_once(arrears, ledger, tmp_path):
    file = portfolio(tmp_path / "p.jsonl")
    first = arrears("import", file, *ledger, "--json").json
    assert (first["rows"], first["known"], first["written"]["loans"]) == (24, 0, 24)
    second = arrears("import", file, *ledger, "--json").json
    assert (second["known"], second["written"]["loans"]) == (24, 0)


def test_a_refused_row_is_shown_with_its_reason_and_nothing_is_imported(arrears, ledger, tmp_path):
    file = portfolio(tmp_path / "p.jsonl", change=(4, "strategy", "gentle"))
    said = arrears("import", file, *ledger, "--json")
    assert said.code == 1
    assert [(p["line"], p["loan_id"], p["field"]) for p in said.json["refused"]] == [(5, "L-1005", "strategy")]
    assert said.json["written"] is None
    assert "1 of 24 rows are refused: nothing was imported" in arrears("import", file, *ledger).text
    assert arrears("import", portfolio(tmp_path / "q.jsonl"), *ledger, "--json").json["written"]["loans"] == 24


def test_an_import_can_be_tried_without_writing(arrears, ledger, tmp_path):
    file = portfolio(tmp_path / "p.jsonl")
    assert arrears("import", file, "--check", *ledger, "--json").json["written"] is None
    assert arrears("import", file, *ledger, "--json").json["written"]["loans"] == 24


def test_a_file_that_is_no_portfolio_is_refused(arrears, ledger, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    said = arrears("import", str(tmp_path / "notes.txt"), *ledger)
    assert said.code == 1
    assert "neither .csv nor .jsonl" in said.text


def test_the_installed_command_ends_cleanly_with_its_exit_code(tmp_path):
    for words, code in (("db", "upgrade"), 0), (("approvals", "approve", "x", "--operator", "y"), 1), (("case",), 2):
        ended = subprocess.run(
            [*ARREARS, *words, *(["--data-dir", str(tmp_path)] if code < 2 else [])], env=clean_environment(), capture_output=True
        )
        assert ended.returncode == code, ended.stderr
