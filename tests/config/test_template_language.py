"""The language of templates can write messages and do nothing else, whoever writes them."""

from __future__ import annotations

import time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.config.message_lint import specimens
from arrears.config.messages import MessageLibrary, MessageProblem
from arrears.domain.content import Block
from arrears.domain.message import ScheduleLine

FACTS = specimens()[0]
HEAD = "---\nclass: remind\n---\n"


def rendered(tmp_path: Path, text: str, head: str = HEAD, **parts: str) -> str:
    directory = tmp_path / "en"
    directory.mkdir(exist_ok=True)
    (directory / "m.txt").write_text(head + text, encoding="utf-8")
    for name, part in parts.items():
        (directory / f"_{name}.txt").write_text(part, encoding="utf-8")
    return MessageLibrary(tmp_path, "en").render("m", "en", FACTS).text


@pytest.mark.parametrize(
    "attack",
    [
        "{{ lender.__class__ }}",
        "{{ lender.__class__.__mro__[1].__subclasses__() }}",
        "{{ lender['__class__'] }}{{ lender.model_dump }}",
        "{{ owed.model_dump_json() }}",
        "{{ lender.model_fields }}",
        "{{ lender.model_config }}",
        "{{ lender.copy }}",
        "{{ ''.join }}",
        "{{ self }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ config }}",
        "{{ request }}",
        "{{ range(10) }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ joiner }}{{ namespace }}{{ dict }}",
        "{{ recipient_name | attr('__class__') }}",
        "{{ recipient_name | map('upper') | list }}",
        "{{ schedule | sum(attribute='unpaid') }}",
        "{{ '{{ 7*7 }}' | safe }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ 'x' | indent(1000000000) }}",
        "{{ recipient_name ~ recipient_name }}",
        "{{ recipient_name + recipient_name }}",
        "{{ -days_past_due }}",
        "{{ recipient_name[:1] }}",
        "{{ recipient_name | replace('a', 'b') }}",
        "{{ [1, 2, 3] }}",
        "{% for x in range(1000000000) %}{% endfor %}",
        "{% for c in recipient_name %}{{ c }}{% endfor %}",
        "{% for x in schedule %}{% for y in schedule %}{% endfor %}{% endfor %}",
        "{% for x in schedule recursive %}{{ loop(schedule) }}{% endfor %}",
        "{% for x in [1] * 1000000 %}x{% endfor %}",
        "{% set x = recipient_name %}{{ x }}",
        "{% set x %}{{ recipient_name }}{% endset %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% import 'm.txt' as m %}",
        "{% from 'm.txt' import x %}",
        "{% include '/etc/passwd' %}",
        "{% include '../../settings.py' %}",
        "{% include ['_a.txt', '_b.txt'] %}",
        "{% include 'm.txt' %}",
        "{% extends 'm.txt' %}",
        "{% with x = 1 %}{{ x }}{% endwith %}",
        "{% filter upper %}x{% endfilter %}",
        "{% call f() %}{% endcall %}",
        "{% autoescape false %}{{ recipient_name }}{% endautoescape %}",
        "{% do 1 %}",
        "{% break %}",
        "{{ ((((((((" * 2000,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
        "x" * 70_000,
    ],
)  # fmt: skip
def test_an_attack_is_refused_at_once_and_by_name(tmp_path: Path, attack: str) -> None:
    started = time.process_time()
    with pytest.raises(MessageProblem) as refused:
        rendered(tmp_path, attack)
    assert time.process_time() - started < 10
    assert "m.txt:" in str(refused.value) or "en/m" in str(refused.value)
    assert FACTS.recipient_name not in str(refused.value)


def test_a_part_that_includes_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MessageProblem, match="which includes it"):
        rendered(tmp_path, '{% include "_a.txt" %}', a='{% include "_b.txt" %}', b='{% include "_a.txt" %}')


def test_parts_cannot_multiply(tmp_path: Path) -> None:
    names = "abcdefghijklmnop"
    parts = {one: f'{{% include "_{two}.txt" %}}' * 2 for one, two in pairwise(names)}
    with pytest.raises(MessageProblem, match="more than 60 parts"):
        rendered(tmp_path, '{% include "_a.txt" %}', **parts, p="x")


def test_a_text_that_grows_without_bound_with_its_facts_is_refused(tmp_path: Path) -> None:
    lines = tuple(
        ScheduleLine(n=n, due_on=FACTS.today, principal=Decimal(1), interest=Decimal(0), fees=Decimal(0), unpaid=Decimal(1))
        for n in range(5000)
    )
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "m.txt").write_text(HEAD + "{% for line in schedule %}" + "x" * 100 + "{% endfor %}")
    with pytest.raises(MessageProblem, match="longer than"):
        MessageLibrary(tmp_path, "en").render("m", "en", FACTS.model_copy(update={"schedule": lines}))


@given(name=st.sampled_from(["agent_name", "due_since", "party", "decision"]))
def test_a_fact_that_is_missing_stops_the_message(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("t")
    (directory / "en").mkdir()
    (directory / "en" / "m.txt").write_text(
        HEAD + "Hello {% if decision == 'x' %}{% endif %}{{ agent_name }}{{ due_since | day }}{{ party.name }}"
    )
    with pytest.raises(MessageProblem, match=f"'{name}' is undefined"):
        MessageLibrary(directory, "en").render("m", "en", FACTS.model_copy(update={name: None}))


@pytest.mark.parametrize(("days", "said"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (21, "21 days"), (101, "101 days")])
def test_english_has_a_singular(days: int, said: str) -> None:
    text = MessageLibrary().render("overdue-sms", "en", FACTS.model_copy(update={"days_past_due": days})).text
    assert f" {said} overdue" in text


@pytest.mark.parametrize(
    ("locale", "days", "said"),
    [("pl", 1, "dzień"), ("pl", 2, "dni"), ("ru", 21, "день"), ("ru", 22, "дня"), ("ru", 25, "дней"), ("zh-CN", 1, "天")],
)
def test_other_languages_have_their_own_forms(tmp_path: Path, locale: str, days: int, said: str) -> None:
    forms = {"pl": 'one="dzień", few="dni", other="dni"', "ru": 'one="день", few="дня", many="дней", other="дня"', "zh-CN": 'other="天"'}[
        locale
    ]
    (tmp_path / locale).mkdir()
    (tmp_path / locale / "m.txt").write_text(f"{HEAD}{{{{ days_past_due | plural({forms}) }}}}", encoding="utf-8")
    facts = FACTS.model_copy(update={"days_past_due": days})
    assert MessageLibrary(tmp_path, locale).render("m", locale, facts).text == said


class TestBlocks:
    """A block is in a message if its words are, in the text and in the HTML part."""

    OUT = "To stop, reply STOP."

    def blocks(self, tmp_path: Path, text: str, html: str | None = None, **parts: str) -> frozenset[Block]:
        directory = tmp_path / "en"
        directory.mkdir()
        (directory / "m.txt").write_text("---\nclass: remind\nblocks: [opt_out]\n---\n" + text, encoding="utf-8")
        if html is not None:
            (directory / "m.html").write_text(html, encoding="utf-8")
        for name, part in parts.items():
            (directory / f"_{name.replace('_', '-')}.txt").write_text(part, encoding="utf-8")
        return MessageLibrary(tmp_path, "en").render("m", "en", FACTS).blocks

    def test_by_including_it(self, tmp_path: Path) -> None:
        assert Block.OPT_OUT in self.blocks(tmp_path, 'Hello\n{% include "_opt-out.txt" %}', opt_out=self.OUT)

    def test_by_writing_its_words_out(self, tmp_path: Path) -> None:
        assert Block.OPT_OUT in self.blocks(tmp_path, "Hello. To stop, reply STOP.", opt_out=self.OUT)

    def test_in_another_wording(self, tmp_path: Path) -> None:
        assert Block.OPT_OUT in self.blocks(tmp_path, '{% include "_opt-out-short.txt" %}', opt_out=self.OUT, opt_out_short="Say STOP.")

    def test_not_by_claiming_it(self, tmp_path: Path) -> None:
        assert self.blocks(tmp_path, "Hello", opt_out=self.OUT) == frozenset()

    def test_not_in_a_branch_that_is_not_taken(self, tmp_path: Path) -> None:
        text = '{% if capacity == "third_party" %}{% include "_opt-out.txt" %}{% endif %}Hello'
        assert self.blocks(tmp_path, text, opt_out=self.OUT) == frozenset()

    def test_not_in_the_text_alone_if_there_is_an_html_part(self, tmp_path: Path) -> None:
        assert self.blocks(tmp_path, '{% include "_opt-out.txt" %}', html="<p>Hello</p>", opt_out=self.OUT) == frozenset()

    def test_a_check_of_the_person_after_the_debt_was_named_is_none(self, tmp_path: Path) -> None:
        late = "You owe {{ owed | money }}.\n{% include '_right-party-check.txt' %}"
        assert self.blocks(tmp_path, late, right_party_check="Am I speaking with {{ recipient_name }}?") == frozenset()
        (tmp_path / "en" / "m.txt").write_text(HEAD + "{% include '_right-party-check.txt' %}\nYou owe {{ owed | money }}.")
        assert MessageLibrary(tmp_path, "en").render("m", "en", FACTS).blocks == {Block.RIGHT_PARTY_CHECK}

    def test_a_collectors_disclosure_is_there_only_if_somebody_collects_for_the_creditor(self) -> None:
        ours, theirs = (
            MessageLibrary().render("overdue-sms", "en", FACTS.model_copy(update={"capacity": c})) for c in ("first_party", "third_party")
        )
        assert theirs.blocks - ours.blocks == {Block.MINI_MIRANDA, Block.FROM_A_COLLECTOR}
