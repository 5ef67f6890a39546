"""`arrears strategy …`: what authors see and what scripts can rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from arrears.cli.ladder_drawing import drawn
from arrears.cli.output import WrongUsage, out
from arrears.cli.strategy import app
from arrears.config.strategies import STRATEGIES, load, names, schema
from arrears.domain.strategy import Strategy

FRAME = str.maketrans("╭╮╰╯│", "     ", "─┬├└")
BROKEN = "strategy: broken\nversion: 1\ntitle: T\nsource: S\ncurrency: CNY\nladder:\n  - rung: call\n    day: zero\n    do: call\n    mesage: first-call\n"

pytestmark = pytest.mark.usefixtures("wide_terminal")


def arrears(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    return path


class TestCheck:
    def test_files_without_problems_end_with_0(self) -> None:
        done = arrears("check", *(str(STRATEGIES / f"{name}.yaml") for name in names()))
        assert done.exit_code == 0
        assert done.stdout.count(": ok") == 3

    def test_without_files_all_known_strategies_are_checked(self) -> None:
        assert arrears("check").stdout.count(": ok") == len(names())

    def test_a_problem_ends_with_1_and_says_line_field_and_remedy(self, broken: Path) -> None:
        done = arrears("check", str(broken), str(STRATEGIES / "paipai.yaml"))
        assert done.exit_code == 1
        lines = done.stdout.splitlines()
        assert f"{broken}:8: ladder[0].day: 'zero' has the wrong type" in lines
        assert "    write a whole number, without quotes" in lines
        assert any(line.startswith(f"{broken}:10: ladder[0].mesage: unknown key 'mesage'") for line in lines)
        assert f"{STRATEGIES / 'paipai.yaml'}: ok" in lines

    def test_scripts_get_one_json_document(self, broken: Path) -> None:
        done = arrears("check", str(broken), "--json")
        assert done.exit_code == 1
        (found,) = json.loads(done.stdout)
        assert (found["file"], found["ok"]) == (str(broken), False)
        assert {(p["line"], p["field"]) for p in found["problems"]} == {
            (7, "ladder[0].message"),
            (8, "ladder[0].day"),
            (10, "ladder[0].mesage"),
        }
        assert all(p["remedy"] for p in found["problems"])

    def test_a_file_that_is_not_there_is_wrong_usage(self) -> None:
        assert arrears("check", "nowhere.yaml").exit_code == 2

    def test_a_lender_with_strategies_of_their_own_checks_those(self, broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ARREARS_STRATEGIES_DIR", str(broken.parent))
        done = arrears("check")
        assert done.exit_code == 1
        assert "fenqile" not in done.stdout


class TestShow:
    @pytest.mark.parametrize("name", names())
    def test_every_ladder_is_drawn_with_every_rung_and_track(self, name: str) -> None:
        done = arrears("show", name)
        assert done.exit_code == 0
        strategy = load(name)
        assert all(rung.rung in done.stdout for rung in strategy.rungs())
        assert all(track.track in done.stdout for track in strategy.tracks)
        assert strategy.title in done.stdout

    @pytest.mark.parametrize("name", names())
    def test_in_a_narrow_terminal_nothing_is_lost(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        wide = arrears("show", name).stdout
        monkeypatch.setattr(out, "width", 80)
        narrow = arrears("show", name).stdout
        assert max(map(len, narrow.splitlines())) <= 80
        assert sorted(narrow.translate(FRAME).split()) == sorted(wide.translate(FRAME).split())

    def test_it_reads_like_the_managers_sentence(self) -> None:
        drawing = " ".join(arrears("show", "fenqile").stdout.split())
        assert "first-call call the borrower: first-call" in drawing
        assert "first-sms SMS to the borrower: overdue-sms only if first-call did not reach the borrower" in drawing
        assert (
            "reserve-number-call call the borrower on the reserve number: reserve-call, 4 times only if the borrower never answered"
            in drawing
        )
        assert "needs supervisor to approve within 48 hours, else it is passed over" in drawing
        assert "hand the case to agency north-star for 60 days only if agency-notice or agency-letter arrived before" in drawing
        assert "day 720: the ladder ends, written off" in drawing

    def test_each_day_is_named_once_and_in_order(self) -> None:
        days = [int(line.split()[0]) for line in arrears("show", "paipai").stdout.splitlines() if line[:5].strip().isdigit()]
        assert days == sorted(set(days))
        assert days == sorted({day for rung in load("paipai").ladder for day in rung.days})

    def test_a_file_can_be_drawn_before_it_is_installed(self) -> None:
        assert arrears("show", str(STRATEGIES / "huabei.yaml")).stdout == arrears("show", "huabei").stdout

    def test_scripts_get_the_strategy_its_hash_and_its_days(self) -> None:
        shown = json.loads(arrears("show", "huabei", "--json").stdout)
        strategy = load("huabei")
        assert Strategy.model_validate(shown["strategy"]) == strategy
        assert shown["content_hash"] == strategy.content_hash
        (ladder,) = shown["ladders"]
        assert len(ladder["steps"]) == sum(len(r.days) for r in strategy.ladder)

    def test_an_unknown_name_is_wrong_usage_and_names_the_known_ones(self) -> None:
        done = arrears("show", "fenqil")
        assert isinstance(done.exception, WrongUsage)
        assert "fenqile, huabei, paipai" in str(done.exception)

    def test_a_file_with_problems_is_not_drawn(self, broken: Path) -> None:
        done = arrears("show", str(broken))
        assert done.exit_code == 1
        assert "ladder[0].day" in str(done.exception)


def test_the_schema_is_printed_for_editors() -> None:
    assert json.loads(arrears("schema").stdout) == json.loads(arrears("schema", "--json").stdout) == schema()


@pytest.mark.parametrize("name", names())
def test_the_drawing_has_every_occurrence_of_every_rung_once(name: str) -> None:
    strategy = load(name)
    found = [(s.rung, s.n, s.day) for ladder in drawn(strategy) for s in ladder.steps]
    assert len(found) == len(set(found))
    assert set(found) == {(r.rung, n, day) for r in strategy.rungs() for n, day in enumerate(r.days, start=1)}
