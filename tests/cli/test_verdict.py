"""`arrears verdict` and `arrears rules`: the law without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from arrears.cli.main import run
from arrears.cli.verdict import EXAMPLES, situation_schema
from tests.domain.law.situations import called, document

LATE = "2026-11-18T22:00:00+08:00"


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*documents: Any, name: str = "situation.json", options: tuple[str, ...] = ("--json",)) -> tuple[int, str]:
        file = tmp_path / name
        lines = [json.dumps(d) if not isinstance(d, str) else d for d in documents]
        file.write_text("\n".join(lines))
        code = run(["verdict", str(file), *options])
        return code, capsys.readouterr().out

    return ask


def test_an_allowed_situation_ends_with_0(asked: Any) -> None:
    code, said = asked(document())
    assert code == 0
    assert json.loads(said)["verdict"]["effect"] == "allow"


def test_a_situation_that_is_not_allowed_ends_with_1_and_names_the_rules(asked: Any) -> None:
    code, said = asked(document(at=LATE))
    verdict = json.loads(said)["verdict"]
    assert code == 1
    assert verdict["effect"] == "defer"
    assert verdict["until"] == "2026-11-19T00:00:00Z"
    assert [f["rule"] for f in verdict["findings"]] == ["CN-01"]


def test_in_words_it_says_what_was_seen_and_what_is_allowed(asked: Any) -> None:
    code, said = asked(document(at=LATE), options=())
    words = " ".join(said.split())
    assert code == 1
    assert "Not before 2026-11-19 08:00 in Asia/Shanghai" in words
    assert "CN-01 (defer)" in words
    assert "Seen: 2026-11-18 22:00 in Asia/Shanghai; allowed: 08:00–22:00 local" in words


def test_a_batch_is_judged_line_by_line_and_a_wrong_line_costs_no_other(asked: Any) -> None:
    code, said = asked(
        document(), "{not json", document(loans__owed={"amount": "x", "currency": "CNY"}), document(at=LATE), name="all.jsonl"
    )
    first, second, third, fourth = json.loads(said)
    assert code == 2
    assert first["verdict"]["effect"] == "allow"
    assert "this is not JSON" in second["problems"][0]
    assert third["problems"][0].startswith("loans.0.owed.amount: ")
    assert fourth["verdict"]["effect"] == "defer"


def test_a_document_that_names_somebody_unknown_says_whom(asked: Any) -> None:
    code, said = asked(document(action__recipient="P-9"))
    assert code == 2
    assert "action.recipient names person 'P-9', who is not among the people; add them" in json.loads(said)["problems"][0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"at": "2026-11-18T12:00:00"}, "at: has no offset, so that nobody knows which instant is meant; write one, such as"),
        ({"at": "9999-12-31T23:59:59Z"}, "at: must lie between 1900-01-01 and 8999-12-31"),
        ({"action__channel": "fax"}, "action.channel: must be one of call, sms, email, in_app, letter, visit"),
        ({"action__chanel": "sms"}, "action.chanel: there is no such field; did you mean channel? Else take it out"),
        ({"action": {"channel": "sms"}}, "action.kind: is missing; write contact or referral"),
        ({"action": {"kind": "referral", "loan": "L-1"}}, "action.to: is missing; add it"),
        ({"action": []}, "action: must be an object, in braces"),
        ({"people__zone": "Asia/Beijing"}, "people.0.zone: 'Asia/Beijing' is not an IANA time zone"),
        ({"people__residence": "China"}, "people.0.residence: has the wrong form; write a country"),
        ({"people": []}, "people: is empty; give at least one"),
        ({"loans__owed": {"amount": "12,50", "currency": "CNY"}}, "loans.0.owed.amount: must be a valid decimal"),
        ({"regimes": ["fr"]}, "regimes: there is no regime 'fr'; the known ones: cn, eu, in, uk, us"),
        ({"history": [called("c1", "2026-11-18T09:00", "busy", person="P-9")]}, "history: contact c1 names person 'P-9'"),
        ({"loans": [document()["loans"][0]] * 2}, "people, loans: an id stands there twice"),
    ],
)
def test_a_mistake_is_told_once_by_its_field_and_what_to_write_instead(asked: Any, changes: dict[str, Any], said: str) -> None:
    code, found = asked(document(**changes))
    (problem,) = json.loads(found)["problems"]
    assert code == 2
    assert problem.startswith(said)


def test_a_hold_may_be_written_with_underscores(asked: Any) -> None:
    breathing = {"hold_id": "H", "reason": "breathing_space", "placed_at": "2026-11-18T09:00:00+08:00", "loan": "L-1"}
    reply = {"action__purpose": "reply", "action__message": {"class": "reply"}}
    _, said = asked(document(holds=[breathing], regimes=["uk"], **reply))
    assert {f["rule"] for f in json.loads(said)["verdict"]["findings"] if f["effect"] == "allow"} == {"AR-04", "UK-14"}


def test_a_vector_that_is_as_expected_ends_with_0_whatever_the_verdict(asked: Any) -> None:
    expected = {"name": "late", "situation": document(at=LATE), "expect": {"effect": "defer", "rules": ["CN-01"]}}
    assert asked(expected)[0] == 0


def test_a_vector_that_is_not_as_expected_says_where(asked: Any) -> None:
    code, said = asked({"name": "late", "situation": document(at=LATE), "expect": {"effect": "deny", "rules": ["CN-02"]}})
    assert code == 1
    assert json.loads(said)["differs"] == ["effect: expected deny, got defer", "rules: expected CN-02, got CN-01"]


def test_a_regime_can_be_chosen_and_an_unknown_one_is_named(asked: Any) -> None:
    assert asked(document(), options=("--json", "--regime", "cn"))[0] == 0
    code, said = asked(document(), options=("--json", "--regime", "atlantis"))
    assert code == 2
    assert "there is no regime 'atlantis'" in json.loads(said)["problems"][0]


def test_an_overlay_is_tried_before_it_is_put_to_work(asked: Any, tmp_path: Path) -> None:
    overlay = tmp_path / "acme.yaml"
    overlay.write_text('overlay: acme\nrules:\n  CN-01: {window: {start: "13:00", end: "20:00"}}\n')
    code, said = asked(document(), options=("--json", "--overlay", str(overlay)))
    assert code == 1
    assert json.loads(said)["verdict"]["until"] == "2026-11-18T05:00:00Z"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_example_fits_the_schema_and_is_allowed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.validate(json.loads(path.read_text()), situation_schema())
    assert run(["verdict", str(path)]) == 0, capsys.readouterr().out


def test_the_published_schema_is_current() -> None:
    published = json.loads((EXAMPLES.parent / "situation.schema.json").read_text())
    assert published == situation_schema(), "write it again: arrears verdict --schema > arrears/config/situation.schema.json"


def test_rules_lists_every_rule_with_its_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "--json"]) == 0
    rules = json.loads(capsys.readouterr().out)
    assert {"AR-01", "CN-01"} <= {rule["id"] for rule in rules}
    assert all(rule["clause"] and rule["plain"] for rule in rules)


def test_rules_of_an_unknown_regime_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "--regime", "atlantis", "--json"]) == 2
    assert "known ones" in capsys.readouterr().out
