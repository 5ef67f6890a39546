"""`arrears messages check`: what writers of texts see and what scripts can rely on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from arrears.cli.messages import app
from arrears.cli.output import WrongUsage
from arrears.config.settings import PACKAGED

pytestmark = pytest.mark.usefixtures("wide_terminal")


def arrears(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def threatening(tmp_path: Path) -> Path:
    (tmp_path / "en").mkdir()
    for file in (PACKAGED / "messages" / "en").glob("[_o]*"):
        shutil.copy(file, tmp_path / "en")
    with (tmp_path / "en" / "overdue-sms.txt").open("a", encoding="utf-8") as text:
        text.write("The police will come.\n")
    return tmp_path


def test_the_texts_in_use_have_no_problem() -> None:
    done = arrears("check")
    assert done.exit_code == 0
    assert done.stdout.rstrip().endswith("messages in en, zh-CN: ok")


def test_a_problem_ends_with_1_and_says_file_line_and_remedy(threatening: Path) -> None:
    done = arrears("check", str(threatening))
    assert done.exit_code == 1
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith(f"{threatening / 'en' / 'overdue-sms.txt'}:8: says 'police'")
    assert second == "    leave it out, or say it otherwise"


def test_a_script_gets_one_document(threatening: Path) -> None:
    done = arrears("check", str(threatening), "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (document["ok"], document["languages"]) == (False, ["en"])
    assert {p["line"] for p in document["problems"]} == {8}
    assert set(document["problems"][0]) == {"file", "line", "problem", "remedy"}


def test_a_directory_without_languages_is_wrong_usage(tmp_path: Path) -> None:
    assert isinstance(arrears("check", str(tmp_path)).exception, WrongUsage)
