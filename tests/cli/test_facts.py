"""Facts from a file: all lines are checked first, and what is wrong is said with its line, its field and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import eventually

AGENCY = {"fact": "agency", "agency": "north", "listed_from": "2026-01-01"}
WISH = {"fact": "wish", "person_id": "nobody", "kind": "no_contact", "at": "2026-01-05T09:30:00+08:00"}


@pytest.fixture
def here(arrears, tmp_path: Path) -> tuple[str, str]:
    here = ("--data-dir", str(tmp_path / "data"))
    assert arrears("db", "upgrade", *here).code == 0
    return here


def written(tmp_path: Path, *facts: object) -> str:
    file = tmp_path / "facts.jsonl"
    file.write_text("\n".join(json.dumps(fact) for fact in facts), encoding="utf-8")
    return str(file)


def test_a_file_is_recorded_once(arrears, here, tmp_path):
    file = written(tmp_path, AGENCY)
    news = [arrears("facts", "record", file, *more, *here, "--json").json["new"] for more in (["--check"], [], [])]
    assert news == [1, 1, 0]


def test_one_wrong_line_keeps_everything_out(arrears, here, tmp_path):
    said = arrears("facts", "record", written(tmp_path, AGENCY, WISH, {"fact": "rumour"}), *here, "--json")
    assert said.code == 1
    assert [(p["line"], p["field"]) for p in said.json["refused"]] == [(2, "person_id"), (3, "fact")]
    assert all(p["remedy"] for p in said.json["refused"])
    assert arrears("facts", "record", written(tmp_path, AGENCY), *here, "--json").json["new"] == 1


def test_the_schema_is_printed(arrears):
    assert "AgencyContacts" in arrears("facts", "schema").json["$defs"]


def test_the_situation_of_a_contact_can_be_saved_and_judged(arrears, on, tmp_path):
    arrears("case", "open", "L-1002", *on)
    said = eventually(lambda: (said := arrears("case", "situation", "L-1002", "--channel", "sms", *on)).code == 0 and said)
    file = tmp_path / "situation.json"
    file.write_text(said.text, encoding="utf-8")
    judged = arrears("verdict", str(file), "--json")
    assert judged.json["verdict"]["effect"] in ("allow", "defer", "deny")
    assert "+86" not in said.text
