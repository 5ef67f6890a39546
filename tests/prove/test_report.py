"""The report: one stable document, the same in the terminal and on a page that is safe to open and to print."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from arrears.cli.proof_view import show
from arrears.prove.findings import Coverage, Result, Violation
from arrears.prove.page import LANGUAGES, page
from arrears.prove.page_words import WORDS
from arrears.prove.report import (
    SCHEMA_FILE,
    Break,
    Chain,
    CrossCheck,
    Disagreement,
    LineRefused,
    LogRead,
    Report,
    Subject,
    WordRead,
    listed,
    plain_words,
    report,
    schema_text,
)

HOSTILE = "<script>alert('x')</script>"


def full() -> Report:
    """A report with something in every part of it, some of it hostile."""
    coverage = Coverage(borrowers=1, persons=2, loans=1, contacts=3, reported=1, placements=1)
    coverage.asked.update({"CN-01": 4, "AR-01": 4})
    coverage.unjudged["CN-65", "birth date not readable"] = 4
    coverage.regimes["cn", "2", "a" * 64] = 3
    at = 1_795_000_000_000_000
    violations = [
        Violation(
            "CN-01", HOSTILE, "L-1", "P-1", at, "23:00:00 local", "08:00:00–22:00:00 local", "it left outside the permitted hours", "cn"
        )
    ]
    return report(
        Subject(kind="log", name=HOSTILE),
        Result(violations, coverage, Counter({"CN-01": 2})),
        1.234,
        chain=Chain(
            state="broken",
            records=12,
            head="12:abc",
            published="11:def",
            breaks=(Break(seq=3, table="attempts", row=HOSTILE, what="changed"),),
        ),
        cross_checks=[
            CrossCheck(kind="export", source="sent.csv", compared=3, findings=(Disagreement(what="missing", key=HOSTILE, words="?"),))
        ],
        log=LogRead(
            lines=5,
            refused=1,
            refused_lines=(LineRefused(file="log.csv", line=2, field="at", problem="is empty", remedy="say when"),),
            columns={"log.csv": {"debt": "loan"}},
            words=(WordRead(column="event", word=HOSTILE, taken_for="", lines=1),),
            notes=("a note",),
        ),
    )


def clean() -> Report:
    return report(Subject(kind="ledger", name="sqlite:///ledger.db"), Result([], Coverage(contacts=1)), 0.1)


def test_the_schema_that_is_committed_is_the_current_one() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_a_report_survives_its_json() -> None:
    found = full()
    assert Report.model_validate_json(found.model_dump_json()) == found


def test_every_field_of_the_schema_is_closed() -> None:
    schema = json.loads(schema_text())
    assert all(part["additionalProperties"] is False for part in [schema, *schema["$defs"].values()] if part.get("type") == "object")


def test_a_report_is_clean_only_if_nothing_at_all_was_found() -> None:
    whole = Chain(state="whole", records=1, head="1:a")
    assert clean().clean
    subject, nothing = Subject(kind="ledger", name="x"), Result([], Coverage())
    assert report(subject, nothing, 0, chain=whole).clean
    assert not report(subject, nothing, 0, chain=whole.model_copy(update={"state": "broken"})).clean
    disagree = CrossCheck(kind="export", source="x", compared=1, findings=(Disagreement(what="missing", key="k", words="w"),))
    assert not report(subject, nothing, 0, cross_checks=[disagree]).clean
    assert not full().clean


def test_violations_that_are_not_listed_are_counted() -> None:
    assert (len(full().violations), full().violations_left_out, full().violated) == (1, 1, 2)
    assert listed((Disagreement(what="a", key=str(n), words="b") for n in range(5)), 2)[1] == 3


def test_every_rule_has_plain_words() -> None:
    found = plain_words()
    assert len(found) > 50
    assert all(found.values())
    assert all(rule.plain for rule in full().figures.rules)


@pytest.mark.parametrize("made", [full, clean])
def test_the_terminal_shows_a_line_for_each_violation_or_none(made: object) -> None:
    shown = io.StringIO()
    found = full() if made is full else clean()
    show(found, Console(file=shown, width=160, highlight=False))
    text = shown.getvalue()
    if found.clean:
        assert "violations: none" in text
        assert "nothing found" in text
    else:
        assert "CN-01" in text
        assert "record 3" in text
        assert "… and 1 more" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("made", [full, clean])
def test_the_page_stands_alone_and_escapes_everything(language: str, made: object) -> None:
    html = page(full() if made is full else clean(), language)
    assert "<script" not in html
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(?!#)""", html), "nothing is loaded from anywhere"
    assert "@page { size: A4" in html
    assert f'<html lang="{language}">' in html


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.headers_without_scope = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if re.fullmatch(r"h\d", tag):
            self.headings.append(tag)
        self.headers_without_scope += tag == "th" and "scope" not in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_well_formed_and_its_tables_can_be_read_aloud(language: str) -> None:
    tags = _Tags()
    tags.feed(page(full(), language))
    assert tags.open == []
    assert tags.headings[0] == "h1"
    assert set(tags.headings[1:]) == {"h2"}
    assert tags.headers_without_scope == 0


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ink", ["ink", "soft", "good", "bad"])
@pytest.mark.parametrize("paper", ["#ffffff", "goodback", "badback"])
def test_the_colours_of_the_page_are_readable(ink: str, paper: str) -> None:
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", page(clean())))
    one, other = sorted((_luminance(colours[ink]), _luminance(colours.get(paper, paper))))
    assert (other + 0.05) / (one + 0.05) >= 4.5, "WCAG AA"


def test_the_languages_have_the_same_words() -> None:
    assert len({frozenset(words.labels) for words in WORDS.values()}) == 1


def test_the_template_is_in_the_package() -> None:
    assert Path(SCHEMA_FILE).with_name("page.html.j2").is_file()
