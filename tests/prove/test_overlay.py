"""A lender's own numbers: the checker reads them itself, judges by what they tighten or rightly relax, and refuses and reports the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from arrears.cli.main import run
from arrears.config.law import Law
from arrears.config.settings import PACKAGED
from arrears.domain.calendar import Window
from arrears.domain.law import Terms
from arrears.prove.findings import Coverage, Result
from arrears.prove.limits import KEPT, NOT_IN_ROWS, Timeline
from arrears.prove.model import Circumstance, Notice, Placement, Verdict, day_number, instant
from arrears.prove.overlay import Overlay, OverlayUnreadable, read
from arrears.prove.report import Report, Subject, own_numbers, report
from tests.prove.raw import RawLedger, contact
from tests.prove.scenes import Scene, at

REASON = "reason: our customers asked us for it, decided_by: counsel, decided_on: 2026-11-10"


def overlay(tmp_path: Path, *rules: str) -> Overlay:
    """An overlay of such lines of rules."""
    return read(written(tmp_path, *rules))


def written(tmp_path: Path, *rules: str) -> Path:
    file = tmp_path / "acme.yaml"
    file.write_text("overlay: acme\nrules:\n" + "".join(f"  {rule}\n" for rule in rules))
    return file


def effects(found: Overlay) -> dict[str, str]:
    return {f"{p.rule}.{p.number}" if p.number else p.rule: p.effect for p in found.points}


def judged_by(scene: Scene, tmp_path: Path, *rules: str) -> Scene:
    found = overlay(tmp_path, *rules)
    assert set(effects(found).values()) <= {"tightened", "relaxed"}, found.points
    scene.book.limits = Timeline(found.changes)
    return scene


def _files() -> dict[tuple[str, str], tuple[Any, str, bool]]:
    """What the regimes' files have: each number that a lender may move, with its direction, and whether it may be relaxed."""
    found: dict[tuple[str, str], tuple[Any, str, bool]] = {}
    for regime in Law(PACKAGED / "regimes").current():
        for rule, terms in regime.terms.items():
            for number, field in type(terms).model_fields.items():
                extra = cast("dict[str, Any] | None", field.json_schema_extra)
                if extra is not None and "tighter" in extra:
                    found[rule, number] = getattr(terms, number), extra["tighter"], terms.soft
    return found


def _as_kept(number: str, value: Any) -> Any:
    match value:
        case Window():
            return tuple(at.hour * 3600 + at.minute * 60 for at in (value.start, value.end))
        case frozenset():
            days = cast("frozenset[int]", value)
            return frozenset(day - 1 for day in days) if number == "weekdays" else frozenset(map(str, days))
        case dict():
            return {str(part): limit for part, limit in cast("dict[Any, int]", value).items()}
        case int():
            return value
        case _:
            return int(value * 10_000)


def test_every_number_that_a_lender_may_move_is_the_checkers_too() -> None:
    files = _files()
    assert set(KEPT) | set(NOT_IN_ROWS) == set(files)
    assert not set(KEPT) & set(NOT_IN_ROWS)
    for (rule, number), kept in KEPT.items():
        value, tighter, soft = files[rule, number]
        assert (kept.law, kept.tighter, kept.soft) == (_as_kept(number, value), tighter, soft), f"{rule}.{number}"
    assert Terms.model_fields.keys().isdisjoint(number for _, number in KEPT)


def test_a_file_is_told_number_by_number(tmp_path: Path) -> None:
    found = overlay(
        tmp_path,
        "CN-02: {most: 1}",
        "CN-03: {most: 3}",
        'CN-01: {window: {start: "09:00", end: "23:00"}}',
        "CN-05: {most: 2, staff: 3}",
        f"CN-07: {{most: {{sms: 3, email: 1, in_app: 1}}, {REASON}}}",
        "EU-04: {most: 3, reason: our customers asked us for it, decided_by: counsel}",
        "UK-01: {weekdays: [1, 2, 3, 4, 5]}",
        f"US-07: {{most: 7, {REASON}}}",
        "US-28: {binds: [first_party]}",
        "CN-13: {most: 1}",
        "CN-99: {most: 1}",
        "CN-04: {clause: none, most: soon}",
    )
    assert (found.name, found.file, len(found.hash)) == ("acme", "acme.yaml", 64)
    assert effects(found) == {
        "CN-02.most": "tightened",
        "CN-03.most": "unchanged",
        "CN-01.window": "refused",
        "CN-05.most": "refused",
        "CN-05.staff": "not_judged",
        "CN-07.most": "relaxed",
        "EU-04.most": "refused",
        "UK-01.weekdays": "tightened",
        "US-07.most": "refused",
        "US-28.binds": "refused",
        "CN-13": "refused",
        "CN-99": "refused",
        "CN-04.clause": "refused",
        "CN-04.most": "refused",
    }
    assert {change.name for change in found.changes} == {"cn_02_most", "cn_07_most", "uk_01_weekdays"}
    assert all(point.why for point in found.points if point.effect in ("refused", "not_judged"))


@pytest.mark.parametrize(
    "text",
    ["", "- 1", "overlay: acme", "overlay: acme\nrules: {}\nmore: 1", "rules: {", "overlay: a\nrules: {CN-02: {most: 1, most: 2}}",
     "overlay: &a acme\nrules: {CN-02: {most: *a}}"],
)  # fmt: skip
def test_what_is_no_overlay_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    file = tmp_path / "none.yaml"
    file.write_text(text)
    with pytest.raises(OverlayUnreadable, match=r"none\.yaml"):
        read(file)


def _calls(scene: Scene, *whens: str, outcome: str = "no_answer", **more: Any) -> None:
    for when in whens:
        scene.call(when, outcome, **more)


def _texts(scene: Scene, *whens: str, channel: str = "sms") -> None:
    for when in whens:
        scene.contact(when, channel)


def _handed_over(scene: Scene, when: str) -> None:
    scene.file.placements.append(Placement("R", "L", "L.1", "lawyer", scene.at(when), None))
    scene.file.verdicts.append(Verdict("R", "L.1", scene.at(when), "allow"))


Plant = Callable[[Scene], object]

TIGHTENED: tuple[tuple[str, str, str, Plant], ...] = (
    ("CN", 'CN-01: {window: {start: "09:00", end: "20:00"}}', "CN-01", lambda s: _texts(s, "2026-11-23 20:00")),
    ("CN", "CN-01: {weekdays: [1, 2, 3, 4, 5, 6]}", "CN-01", lambda s: _texts(s, "2026-11-22 10:00")),
    ("CN", "CN-02: {most: 1}", "CN-02", lambda s: _calls(s, "2026-11-23 10:00", "2026-11-23 11:00", outcome="answered")),
    ("CN", "CN-04: {most: 1}", "CN-04", lambda s: _calls(s, "2026-11-23 10:00", "2026-11-23 11:00")),
    ("CN", "CN-06: {min_interval_days: {sms: 2}}", "CN-06", lambda s: _texts(s, "2026-11-23 10:00", "2026-11-24 10:00")),
    ("CN", "CN-07: {most: {sms: 1, email: 1, in_app: 1}}", "CN-07", lambda s: _texts(s, "2026-11-23 10:00", "2026-11-23 11:00")),
    ("CN", "CN-07: {most: {sms: 2, email: 1, in_app: 1, call: 1}}", "CN-07", lambda s: _calls(s, "2026-11-23 10:00", "2026-11-23 11:00")),
    ("CN", "CN-28: {most: 1}", "CN-28", lambda s: _texts(s, "2026-11-23 10:00", "2026-11-23 11:00")),
    ("CN", 'CN-27: {most_percent: "12"}', "CN-27", lambda s: (s.loan(annual_cost=150_000), _texts(s, "2026-11-23 10:00"))),
    ("CN", "CN-64: {adult_at: 20}", "CN-64", lambda s: (s.person("B", born=day_number(date(2007, 6, 1))), _texts(s, "2026-11-23 10:00"))),
    (
        "CN",
        "CN-67: {classes: [reply]}",
        "CN-67",
        lambda s: (
            s.file.circumstances.append(Circumstance("B", "elderly", s.at("2026-11-01 10:00"))),
            s.contact("2026-11-23 10:00", klass="remind"),
        ),
    ),
    ("US", "US-01: {most: 2}", "US-01", lambda s: _calls(s, "2026-11-20 10:00", "2026-11-21 10:00", "2026-11-22 10:00")),
    ("US", "US-02: {days: 9}", "US-02", lambda s: (_calls(s, "2026-11-10 10:00", outcome="answered"), _calls(s, "2026-11-18 10:00"))),
    ("US", "US-07: {gap_minutes: 180}", "US-07", lambda s: _calls(s, "2026-11-23 10:00", "2026-11-23 12:59:59")),
    ("US", "US-08: {most: 1}", "US-08", lambda s: _texts(s, "2026-11-23 10:00", "2026-11-24 10:00")),
    ("US", 'US-10: {window: {start: "10:00", end: "21:00"}}', "US-10", lambda s: _texts(s, "2026-11-23 09:59:59")),
    ("US-MA", "US-73: {most: 1}", "US-73", lambda s: _texts(s, "2026-11-22 10:00", "2026-11-23 10:00")),
    ("GB", "UK-01: {weekdays: [1, 2, 3, 4, 5]}", "UK-01", lambda s: _texts(s, "2026-11-21 10:00")),
    ("GB", "UK-12: {days: 90}", "UK-12", lambda s: (s.hold("breathing-space", "2026-09-10 10:00"), _texts(s, "2026-11-23 10:00"))),
    ("GB", "UK-09: {days: 45}", "UK-09", lambda s: (s.hold("debt-advice", "2026-10-20 10:00"), _texts(s, "2026-11-23 10:00"))),
    ("GB", "UK-12: {days: 91}", "UK-12", lambda s: (s.hold("breathing-space", "2026-09-10 10:00"), _handed_over(s, "2026-11-23 10:00"))),
    ("IN", "IN-02: {gap_minutes: 240}", "IN-02", lambda s: _calls(s, "2026-11-23 10:00", "2026-11-23 13:00")),
    ("FR", "EU-04: {most: 1}", "EU-04", lambda s: _calls(s, "2026-11-23 10:00", "2026-11-23 13:00")),
)  # fmt: skip
"""Where somebody lives, what the lender tightens, and what breaks that and nothing of the law."""


@pytest.mark.parametrize(("residence", "line", "rule", "plant"), TIGHTENED, ids=[f"{t[0]} {t[1]}" for t in TIGHTENED])
def test_rows_that_break_only_what_the_lender_tightened_are_found(
    tmp_path: Path, residence: str, line: str, rule: str, plant: Plant
) -> None:
    scene = Scene(residence)
    plant(scene)
    assert scene.broken() == set(), "the law alone has nothing against it"
    assert judged_by(scene, tmp_path, line).broken() == {rule}


def test_a_relaxation_excuses_what_came_after_it_was_decided_and_nothing_before(tmp_path: Path) -> None:
    scene = judged_by(Scene("CN"), tmp_path, f"CN-07: {{most: {{sms: 3, email: 1, in_app: 1}}, {REASON}}}")
    _texts(scene, "2026-11-09 10:00", "2026-11-09 11:00", "2026-11-09 12:00", "2026-11-10 10:00", "2026-11-10 11:00", "2026-11-10 12:00")
    assert [v.contact_id for v in scene.violations()] == ["c2"]


def test_a_tightening_with_a_date_binds_from_the_next_day_on(tmp_path: Path) -> None:
    scene = judged_by(Scene("CN"), tmp_path, "CN-02: {most: 1, decided_on: 2026-11-10}")
    for day in (9, 10, 12):
        _calls(scene, f"2026-11-{day:02} 10:00", f"2026-11-{day:02} 11:00", outcome="answered")
    assert [v.contact_id for v in scene.violations()] == ["c5"]


def test_lost_contact_and_handovers_are_judged_by_the_lenders_numbers_too(tmp_path: Path) -> None:
    scene = Scene("CN")
    scene.lose_contact()
    scene.contact("2026-11-19 10:00", person="S", approval_id=scene.approve())
    assert scene.broken() == set()
    assert judged_by(scene, tmp_path, "CN-11: {failures: 4}").broken() == {"CN-10"}
    british = Scene("GB")
    british.loan(limitation_ends_on=30_000)
    british.file.notices.append(Notice("L", "B", "default", british.at("2026-11-01 10:00")))
    british.file.placements.append(Placement("R", "L", "L.1", "lawsuit", british.at("2026-11-23 10:00")))
    british.file.verdicts.append(Verdict("R", "L.1", british.at("2026-11-23 10:00"), "allow"))
    assert british.broken() == set()
    found = judged_by(british, tmp_path, "UK-18: {days: 28}").violations()
    assert [(v.rule, v.lawful_from) for v in found] == [("UK-18", british.at("2026-11-29 10:00"))]


def test_a_call_that_turns_out_to_be_one_too_many_of_the_lenders_own_is_told_later(tmp_path: Path) -> None:
    scene = judged_by(Scene("CN"), tmp_path, "CN-02: {most: 1}")
    scene.reported("2026-11-23 09:00", outcome="answered", by="lender", known_at=scene.at("2026-11-24 09:00"))
    _calls(scene, "2026-11-23 10:00", outcome="answered")
    assert [(v.rule, v.late) for v in scene.violations()] == [("CN-02", True)]


def test_the_command_judges_by_an_overlay_and_reports_it(
    settled: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    contact(settled, "L.1/evening", "2026-11-20 20:30")
    file = written(tmp_path, 'CN-01: {window: {start: "09:00", end: "20:00"}}', "CN-02: {most: 9}")
    capsys.readouterr()
    assert run(["prove", "--ledger", settled.url, "--overlay", str(file), "--json"]) == 1
    found = Report.model_validate_json(capsys.readouterr().out)
    assert {v.rule for v in found.violations} == {"CN-01"}
    assert found.overlay is not None
    assert [(n.rule, n.effect, n.law, n.own) for n in found.overlay.numbers] == [
        ("CN-01", "tightened", "start 08:00, end 22:00", "start 09:00, end 20:00"),
        ("CN-02", "refused", "3", "9"),
    ]
    for name, value in (("LEDGER_URL", settled.url), ("DATA_DIR", str(tmp_path)), ("OVERLAY", str(file))):
        monkeypatch.setenv(f"ARREARS_{name}", value)
    assert run(["prove"]) == 1, "an installation's own overlay counts for its own ledger"
    shown = capsys.readouterr().out
    assert "violations: 1" in shown
    assert "refused: CN-02.most: 3 → 9; it would relax a rule that is not soft" in shown
    file.write_text("nothing of the kind")
    assert run(["prove"]) == 2


def test_a_refused_relaxation_alone_makes_a_proof_not_clean(tmp_path: Path) -> None:
    def clean(line: str) -> bool:
        subject = Subject(kind="ledger", name="ledger")
        return report(subject, Result([], Coverage()), 0, overlay=own_numbers(overlay(tmp_path, line))).clean

    assert clean("CN-02: {most: 1}")
    assert not clean("CN-02: {most: 9}")


def test_days_begin_first_and_end_last_somewhere_in_the_world(tmp_path: Path) -> None:
    found = overlay(tmp_path, "CN-02: {most: 1, decided_on: 2026-11-10}", f"EU-04: {{most: 3, {REASON}}}")
    assert date(2026, 11, 10) == found.points[0].decided_on
    assert [point.since for point in found.points] == [instant(at("2026-11-11 12:00", "UTC")), instant(at("2026-11-09 10:00", "UTC"))]
