"""Strategy files: read, checked, and refused with file and line, field and remedy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from jsonschema import Draft202012Validator

from arrears.config import marked_yaml, strategies
from arrears.config.messages import MessageLibrary
from arrears.config.settings import PACKAGED
from arrears.config.strategies import STRATEGIES, Problem, StrategyInvalid, StrategyUnknown, check, check_file, load, load_all
from arrears.domain.strategy import Strategy

Write = Callable[..., Path]
SCHEMA = Draft202012Validator(json.loads((STRATEGIES / "strategy.schema.json").read_text()))

WHOLE = """
strategy: plain
version: 1
title: A plain ladder
source: made for a test
currency: CNY
ladder:
  - rung: call
    day: 0
    do: call
    message: first-call
  - rung: sms
    day: 0
    at: 15:00
    do: sms
    message: overdue-sms
    only_if: {not_reached_by: call}
  - rung: ask-relatives
    day: 5
    do: relatives
    message: relay-request
    approval: {role: supervisor}
  - rung: tell
    day: 6
    do: sms
    message: agency-notice
  - rung: agency
    day: 8
    do: refer
    to: agency
    agency: north-star
    only_if: {made_before: [tell]}
  - rung: look-into-it
    day: 9
    do: task
    task: investigation
end: {day: 30, outcome: written_off}
"""


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes a strategy's file, by default the whole one with some text replaced."""

    def write(*changes: tuple[str, str], text: str = WHOLE) -> Path:
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "plain.yaml"
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    return write


def line_of(path: Path, text: str) -> int:
    """The line of the first occurrence of ``text``."""
    return next(n for n, line in enumerate(path.read_text().splitlines(), start=1) if text in line)


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def test_a_whole_file_has_no_problem(written: Write) -> None:
    assert check_file(written(), MessageLibrary()) == []


def test_what_comes_with_arrears_has_no_problem() -> None:
    messages = MessageLibrary()
    assert {name: check_file(STRATEGIES / f"{name}.yaml", messages) for name in strategies.names()} == {
        "fenqile": [],
        "huabei": [],
        "paipai": [],
    }


def test_the_schema_that_comes_with_arrears_is_current() -> None:
    written = (STRATEGIES / "strategy.schema.json").read_text()
    assert json.loads(written) == strategies.schema(), (
        "write it anew: arrears strategy schema > arrears/config/strategies/strategy.schema.json"
    )


@pytest.mark.parametrize("name", strategies.names())
def test_editors_that_know_the_schema_accept_our_files(name: str) -> None:
    found = marked_yaml.read((STRATEGIES / f"{name}.yaml").read_text())
    assert [e.message for e in SCHEMA.iter_errors(found.value)] == []


def test_editors_that_know_the_schema_refuse_what_the_check_refuses(written: Write) -> None:
    for change in (
        ("day: 0", "day: soon"),
        ("do: call", "do: shout"),
        ("message: first-call", "mesage: first-call"),
        ("at: 15:00", "at: 3 pm"),
    ):
        value = marked_yaml.read(written(change).read_text()).value
        assert list(SCHEMA.iter_errors(value)), change


def test_a_strategy_is_loaded_by_its_name() -> None:
    assert load("fenqile").strategy == "fenqile"
    assert set(load_all()) == {"fenqile", "huabei", "paipai"}


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    for name in ("fenqil", "../strategies/fenqile", "", "fenqile.yaml"):
        with pytest.raises(StrategyUnknown, match="fenqile, huabei, paipai"):
            load(name)


def test_a_file_with_problems_cannot_be_loaded(written: Write) -> None:
    path = written(("day: 5", "day: five"))
    with pytest.raises(StrategyInvalid) as refused:
        load("plain", path.parent)
    assert [p.line for p in refused.value.problems] == [line_of(path, "day: five")]
    with pytest.raises(StrategyInvalid):
        load_all(path.parent)


def test_a_problem_reads_as_file_line_field_what_and_remedy(written: Write) -> None:
    path = written(("message: first-call", "mesage: first-call"))
    unknown = next(p for p in check_file(path) if "unknown" in p.problem)
    assert str(unknown) == f"{path}:10: ladder[0].mesage: unknown key 'mesage'; did you mean message? {unknown.remedy.partition('? ')[2]}"


@pytest.mark.parametrize(
    ("old", "new", "on", "field", "problem", "remedy"),
    [
        # unknown keys
        ("    message: first-call", "    message: first-call\n    colour: red", "colour", "ladder[0].colour", "unknown key", "choose from at, day"),
        ("version: 1", "version: 1\nladders: 1", "ladders", "ladders", "unknown key", "did you mean ladder?"),
        ("not_reached_by: call", "not_reachd_by: call", "reachd", "ladder[1].only_if.not_reachd_by", "unknown key", "did you mean not_reached_by?"),
        ("{role: supervisor}", "{role: supervisor, hours: 3}", "hours", "ladder[2].approval.hours", "unknown key", "deadline_hours"),
        # missing ones
        ("title: A plain ladder\n", "", "strategy:", "title", "'title' is missing", "add `title: …`"),
        ("    message: first-call\n", "", "- rung: call", "ladder[0].message", "'message' is missing", "add `message: …`"),
        ("    approval: {role: supervisor}\n", "", "ask-relatives", "ladder[2].approval", "'approval' is missing", "human's yes"),
        ("    do: call\n", "", "- rung: call", "ladder[0].do", "'do' is missing", "call, email, in_app, refer, relatives, sms, task"),
        # wrong types and values
        ("day: 5", 'day: "5"', 'day: "5"', "ladder[2].day", "wrong type", "whole number, without quotes"),
        ("day: 5", "day: yes", "day: yes", "ladder[2].day", "wrong type", "whole number"),
        ("day: 5", "day: true", "day: true", "ladder[2].day", "true has the wrong type", "whole number"),
        ("day: 5", "day: 2.5", "day: 2.5", "ladder[2].day", "wrong type", "whole number"),
        ("day: 5", "day: -1", "day: -1", "ladder[2].day", "out of range", "greater than or equal to 0"),
        ("day: 5", "day: 99999", "day: 99999", "ladder[2].day", "out of range", "less than or equal to 3650"),
        ("at: 15:00", "at: 3 pm", "at: 3 pm", "ladder[1].at", "wrong type", '"09:30"'),
        ("at: 15:00", "at: 25:00", "at: 25", "ladder[1].at", "wrong type", '"09:30"'),
        ("at: 15:00", "at: 9:30", "at: 9:30", "ladder[1].at", "wrong type", '"09:30"'),
        ("at: 15:00", "at: 15:00Z", "at: 15:00Z", "ladder[1].at", "without a zone", "person's own"),
        ("do: call", "do: shout", "do: shout", "ladder[0].do", "'shout' is nothing that a rung can do", "choose from call"),
        ("{role: supervisor}", "{role: supervisr}", "supervisr", "ladder[2].approval.role", "cannot stand here", "did you mean supervisor?"),
        ("outcome: written_off", "outcome: forgotten", "forgotten", "end.outcome", "cannot stand here", "choose from written_off, sold, judgment"),
        ("- rung: call", "- rung: First Call", "First Call", "ladder[0].rung", "wrong form", "lower-case letters, digits and hyphens"),
        ("currency: CNY", "currency: Yuan", "Yuan", "currency", "wrong form", "such as CNY"),
        ("currency: CNY", "currency:", "currency:", "currency", "nothing has the wrong type", "write a text"),
        ("only_if: {not_reached_by: call}", "only_if:", "only_if:", "ladder[1].only_if", "nothing has the wrong type", "write its keys"),
        ("{not_reached_by: call}", "{attitude: delaying}", "attitude", "ladder[1].only_if.attitude", "wrong type", "write a list"),
        ("{not_reached_by: call}", "{attitude: [lazy]}", "lazy", "ladder[1].only_if.attitude[0]", "cannot stand here", "delaying"),
        ("{not_reached_by: call}", "{lost_contact: maybe}", "maybe", "ladder[1].only_if.lost_contact", "wrong type", "true or false"),
        ("{not_reached_by: call}", "{owed_from: 5 yuan}", "5 yuan", "ladder[1].only_if.owed_from", "wrong type", "500.00"),
        ("{not_reached_by: call}", "{owed_from: 5.12345}", "5.12345", "ladder[1].only_if.owed_from", "5.12345", "4 decimal places"),
        ("    agency: north-star\n", "", "- rung: agency", "ladder[4].agency", "exactly when `to` is agency", "change one of the two"),
        # rules of the format between fields
        ("{role: supervisor}", "{deadline_hours: 4, remind_after_hours: 9}", "remind_after", "ladder[2].approval.remind_after_hours", "before", ""),
        ("    task: investigation", "    task: investigation\n    repeat: {every: 1, until_day: 3}", "until_day", "ladder[5].repeat.until_day", "own day", ""),
        # references and repetitions
        ("- rung: tell", "- rung: call", "    day: 6", "ladder[3].rung", "'call' is defined twice", "its own name"),
        ("not_reached_by: call", "not_reached_by: agency", "not_reached", "ladder[1].only_if.not_reached_by", "no earlier rung", "stands above"),
        ("made_before: [tell]", "made_before: [told]", "told", "ladder[4].only_if.made_before[0]", "'told', which is no rung of this ladder", ""),
        # what nobody means
        ("strategy: plain", "strategy: other", "strategy:", "strategy", "does not match the file's name", "other.yaml"),
        ("at: 15:00", "at: 21:00", "at: 21:00", "ladder[1].at", "outside the lender's hours", "09:00 and 20:00"),
        ("at: 15:00", "at: 19:30\n    spread_minutes: 60", "at: 19:30", "ladder[1].at", "up to 20:29", "09:00 and 20:00"),
        ("at: 15:00", "at: 09:30", "at: 09:30", "ladder[1].at", "before 'call' has surely been tried", "10:00 or later"),
        ("    day: 0\n    at: 15:00", "    day: 1\n    at: 15:00", "not_reached", "ladder[1].only_if.not_reached_by", "on day 1 'call' is not", "same days"),
        ("day: 9", "day: 30", "day: 30", "ladder[5].day", "the ladder ends on day 30", "move `end`"),
        ("    only_if: {made_before: [tell]}\n", "", "- rung: agency", "ladder[4]", "was told", "made_before"),
        ("day: 6", "day: 8", "made_before", "ladder[4].only_if.made_before[0]", "not due before", "earlier rung"),
        ("{not_reached_by: call}", "{owed_from: 9, owed_below: 9}", "owed_below", "ladder[1].only_if.owed_below", "no amount", "raise owed_below"),
        # messages
        ("first-call", "frist-call", "frist-call", "ladder[0].message", "no such message", "first-call"),
        ("message: relay-request", "message: tell-relatives", "tell-relatives", "ladder[2].message", "may learn nothing of the debt", "locate_only"),
        ("do: sms\n    message: overdue-sms", "do: email\n    message: overdue-sms", "overdue-sms", "ladder[1].message", "is written for sms", "channels"),
        ("message: overdue-sms", "message: private-message", "private-message", "ladder[1].message", "is written for in_app", "channels"),
        ("message: overdue-sms", "message: overdue-sms\n    offers: [extension]", "overdue-sms", "ladder[1].message", "never mentions the offers", "offers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_field_and_remedy(
    written: Write, old: str, new: str, on: str, field: str, problem: str, remedy: str
) -> None:
    path = written((old, new))
    problems = [p for p in check_file(path, MessageLibrary()) if p.field == field]
    assert problems, check_file(path, MessageLibrary())
    for found in problems:
        assert found.file == str(path)
        assert problem in found.problem
        assert remedy in found.remedy
        assert found.remedy
        lines = path.read_text().splitlines()
        assert on in "\n".join(lines[found.line - 1 : found.line + 1]), f"line {found.line} is {lines[found.line - 1]!r}"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("strategy: plain\n\tversion: 1\n", 2, "a tab"),
        ("strategy: plain\nversion: 1\nversion: 2\n", 3, "stands twice"),
        ("strategy: plain: 1\n", 1, "not YAML"),
        ("ladder: [\n", 2, "not YAML"),
        ("", 1, "empty"),
        ("- a\n- b\n", 1, "a list has the wrong type"),
        ("just text\n", 1, "wrong type"),
    ],
)
def test_what_is_no_mapping_of_yaml_is_said_on_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text(text)
    found = check_file(path)[0] if "twice" not in problem else next(p for p in check_file(path) if problem in p.problem)
    assert (found.line, problem in found.problem) == (line, True), found
    assert found.remedy


def test_all_problems_of_a_file_are_said_at_once_and_by_line(written: Write) -> None:
    path = written(("version: 1", "version: one"), ("day: 5", "day: five"), ("do: task", "do: nap"), ("day: 6", "day: 6\n    day: 7"))
    problems = check_file(path)
    assert len(problems) == 4
    assert [p.line for p in problems] == sorted(p.line for p in problems)


def test_a_ladder_without_rungs_is_empty_and_one_whose_rungs_are_all_wrong_is_not(written: Write) -> None:
    head = "strategy: plain\nversion: 1\ntitle: T\nsource: S\ncurrency: CNY\n"
    assert only(check_file(written(text=head + "ladder: []\n"))).problem == "'ladder' is empty"
    wrong = head + "ladder: [{rung: a, day: x, do: task, task: counselling}]\n"
    assert only(check_file(written(text=wrong))).field == "ladder[0].day"


def test_a_file_that_is_not_there_or_not_text_is_said(tmp_path: Path) -> None:
    assert "No such file" in only(check_file(tmp_path / "none.yaml")).problem
    latin = tmp_path / "plain.yaml"
    latin.write_bytes(WHOLE.replace("A plain", "Ünser").encode("latin-1"))
    assert "not UTF-8" in only(check_file(latin)).problem


def test_a_file_that_begins_with_a_byte_order_mark_is_read(written: Write) -> None:
    path = written()
    path.write_text("\ufeff" + path.read_text(), encoding="utf-8")
    assert check_file(path) == []


def test_a_rung_in_a_track_may_not_have_the_name_of_another(written: Write) -> None:
    track = """
        tracks:
          - track: fraud
            while_held_for: suspected-fraud
            ladder:
              - rung: call
                day: 0
                do: task
                task: investigation
    """
    found = only(check_file(written(text=WHOLE + dedent(track))))
    assert (found.field, "defined twice" in found.problem) == ("tracks[0].ladder[0].rung", True)


def test_two_tracks_may_not_run_for_the_same_hold(written: Write) -> None:
    track = "  - track: {0}\n    while_held_for: fraud\n    ladder:\n      - {{rung: {0}-task, day: 0, do: task, task: investigation}}\n"
    path = written(text=WHOLE + "tracks:\n" + track.format("one") + track.format("two"))
    assert only(check_file(path)).field == "tracks[1].while_held_for"


def test_the_check_without_messages_looks_at_the_ladder_alone(written: Write) -> None:
    assert check_file(written(("first-call", "a-message-to-be-written"))) == []


def test_a_strategy_read_twice_is_the_same_and_one_changed_word_is_another(written: Write) -> None:
    first = check(written()).strategy
    again = check(written()).strategy
    changed = check(written(("day: 5", "day: 4"))).strategy
    assert first is not None
    assert again is not None
    assert changed is not None
    assert first.content_hash == again.content_hash != changed.content_hash


@pytest.mark.parametrize("name", strategies.names())
def test_a_pinned_strategy_comes_back_from_a_history_unchanged(name: str) -> None:
    strategy = load(name)
    pinned = Strategy.model_validate_json(strategy.model_dump_json())
    assert pinned == strategy
    assert pinned.content_hash == strategy.content_hash


@pytest.mark.parametrize("name", strategies.names())
def test_any_yaml_reader_sees_the_same_keys(name: str) -> None:
    text = (STRATEGIES / f"{name}.yaml").read_text()
    ours = marked_yaml.read(text).value
    assert isinstance(ours, dict)
    assert set(ours) == set(yaml.safe_load(text))


def test_a_letter_that_says_nothing_of_its_ways_still_needs_a_subject_to_go_by_mail(written: Write, tmp_path: Path) -> None:
    shutil.copytree(PACKAGED / "messages" / "en", tmp_path / "texts" / "en")
    (tmp_path / "texts" / "en" / "overdue-sms.txt").write_text("---\nclass: collect\n---\nHello")
    path = written(("do: sms\n    message: overdue-sms", "do: email\n    message: overdue-sms"))
    assert ["no subject" in p.problem for p in check_file(path, MessageLibrary(tmp_path / "texts", "en"))] == [True]
