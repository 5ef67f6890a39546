"""YAML read for people: plain values, their lines, and what is wrong with them."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.config.marked_yaml import Marked, read


def reading(text: str) -> Marked:
    return read(dedent(text).lstrip("\n"))


def test_a_time_stays_a_time_and_a_word_stays_a_word() -> None:
    found = reading("""
        at: 10:00
        answer: no
        on: true
        day: 007
        amount: 12.50
        nothing: ~
        quoted: "5"
        date: 2026-11-01
    """)
    assert not found.flaws
    assert found.value == {
        "at": "10:00",
        "answer": "no",
        "on": True,
        "day": 7,
        "amount": "12.50",
        "nothing": None,
        "quoted": "5",
        "date": "2026-11-01",
    }


def test_every_key_and_item_has_its_line() -> None:
    found = reading("""
        # a comment
        title: one

        ladder:
          - rung: a
            day: 0
          - {rung: b,
             day: 1}
    """)
    assert [found.line(p) for p in (("title",), ("ladder",), ("ladder", 0), ("ladder", 0, "day"), ("ladder", 1, "day"))] == [2, 4, 5, 6, 8]


def test_what_does_not_stand_in_the_file_has_the_line_of_what_is_around_it() -> None:
    found = reading("""
        ladder:
          - rung: a
    """)
    assert found.line(("ladder", 0, "message")) == 2
    assert found.line(("strategy",)) == 1


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb:\n\tc: 2\n", 3, "tab"),
        ("a: 1\na: 2\n", 2, "'a' stands twice, first on line 1"),
        ("a: b: c\n", 1, "mapping values are not allowed"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ('a: "open\nb: 1\n', 3, "not YAML"),
        ("a: &x 1\nb: *x\n", 2, "refers to another place"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("", 1, "empty"),
        ("# only a comment\n", 1, "empty"),
        ("a: !!python/object:os.system x\n", 1, "cannot be read"),
        ("? [a, b]\n: 1\n", 1, "a key is a list"),
        ("a: 1\nb: \x07\n", 2, "a character that YAML does not allow"),
        ("a: @x\n", 1, "not YAML"),
    ],
)
def test_what_is_wrong_has_its_line_and_a_remedy(text: str, line: int, said: str) -> None:
    flaws = read(text).flaws
    assert [(f.line, said in f.problem) for f in flaws] == [(line, True)]
    assert flaws[0].remedy


def test_several_doubled_keys_are_all_reported() -> None:
    assert [f.line for f in read("a: 1\na: 2\nb: 1\nb: 2\n").flaws] == [2, 4]


def test_a_file_that_unfolds_into_gigabytes_is_not_unfolded() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert read(bomb).value is None


def test_a_file_nested_without_end_is_refused() -> None:
    assert "nested" in read("[" * 600 + "]" * 600).flaws[0].problem


@given(st.text(max_size=60))
def test_no_text_at_all_makes_it_fail(text: str) -> None:
    found = read(text)
    assert found.flaws or found.value is not None or text.strip()
