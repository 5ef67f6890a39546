"""Forbidden words: found however they are spelled, named by the list's own entry, and never where nobody said them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.config.wording import Use, load
from arrears.domain.content import WordList, Words, found_in
from arrears.domain.content.reading import folded, squeezed, text_of, visible, words_of

LIST = WordList(
    name="debt",
    clause="a clause",
    entries=("逾期", "欠", "永久*记录", "overdue", "collect*", "past due", "loan*", "还kuan"),
    unless=("欠缺", "overdue library book"),
    also_names=("loan*",),
)
BOOK = load()
INVISIBLE = ["​", "‍", "⁠", "\ufeff", "\u00ad", "͏", "️", "\u2066", "\U000e0041"]
ALIKE = {"o": "оοᴏ𝐨ⓞｏ", "v": "ѵν𝓿ｖ", "e": "еεéｅ", "r": "г𝗿ｒ", "d": "ԁ𝚍ｄ", "u": "υս𝘂ｕ"}


def entries(text: str, **more: tuple[str, ...]) -> list[str]:
    return [flaw.entry for flaw in found_in(Words(text=text, **more), (LIST,))]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("您已逾期", "逾期"),
        ("您已逾 期", "逾期"),
        ("您已逾。期", "逾期"),
        ("逾-期", "逾期"),
        ("逾\n期", "逾期"),
        ("逾​期", "逾期"),
        ("永久留下记录", "永久*记录"),
        ("请还Kuan", "还kuan"),
        ("OVERDUE", "overdue"),
        ("ｏｖｅｒｄｕｅ", "overdue"),
        ("𝓸𝓿𝓮𝓻𝓭𝓾𝓮", "overdue"),
        ("o v e r d u e", "overdue"),
        ("o.v.e.r.d.u.e", "overdue"),
        ("o-v-e-r-d-u-e!", "overdue"),
        ("0verdue", "overdue"),
        ("оvеrduе", "overdue"),
        ("övérdüe", "overdue"),
        ("over\u00addue", "overdue"),
        ("it is 逾期overdue了", "overdue"),
        ("past-due", "past due"),
        ("past   due", "past due"),
        ("past\ndue", "past due"),
        ("collection", "collect*"),
        ("debt_collector", "collect*"),
        ("a l0an", "loan*"),
    ],
)
def test_a_word_is_found_however_it_is_spelled(text: str, entry: str) -> None:
    assert entry in entries(text)


@pytest.mark.parametrize(
    "text",
    ["欠缺", "an overdue library book", "recollect", "overdues", "pastdue", "passed due", "永远不会留下任何公开的记录", "逾越", "期逾", ""],
)
def test_a_word_is_not_found_where_nobody_said_it(text: str) -> None:
    assert entries(text) == []


@given(
    at=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(INVISIBLE)), max_size=6),
    alike=st.lists(st.integers(0, 3), min_size=7, max_size=7),
    upper=st.booleans(),
)
def test_look_alikes_and_invisible_characters_hide_nothing(at: list[tuple[int, str]], alike: list[int], upper: bool) -> None:
    letters = [(letter + ALIKE[letter])[choice % (1 + len(ALIKE[letter]))] for letter, choice in zip("overdue", alike, strict=True)]
    for place, char in at:
        letters[place] += char
    text = "".join(letters)
    assert entries(text.upper() if upper and text.isascii() else text) == ["overdue"]


@given(st.lists(st.sampled_from([*INVISIBLE, " ", "。", "-", "*", "·", "\n", "　", "_"]), max_size=8))
def test_nothing_between_chinese_characters_hides_a_word(between: list[str]) -> None:
    assert "逾期" in entries(f"您已逾{''.join(between)}期")


def test_traditional_characters_are_read_as_simplified_ones() -> None:
    assert found_in(Words(text="您的債務與貸款"), (WordList(name="d", clause="c", entries=("债", "贷款")),))


def test_a_name_that_is_also_a_word_is_no_word_but_the_word_beside_it_is() -> None:
    assert entries("Dear Loan Nguyen", names=("Loan Nguyen",)) == []
    assert entries("Dear Loan Nguyen, your loan", names=("Loan Nguyen",)) == ["loan*"]
    assert entries("Dear Overdue Nguyen", names=("Overdue Nguyen",)) == ["overdue"]


def test_what_is_found_names_the_entry_and_nothing_around_it() -> None:
    flaw = found_in(Words(text="Wang Example of 1 Secret Street is overdue"), (LIST,))[0]
    assert flaw.model_dump() == {"list": "debt", "entry": "overdue", "clause": "a clause"}


def test_the_words_of_a_message_do_not_show_in_its_repr() -> None:
    assert "secret" not in repr(Words(text="secret", subject="secret", html="secret", known=("secret",), names=("secret",)))


def test_subject_and_html_are_read_with_their_comments_and_descriptions() -> None:
    words = Words(text="", subject="x", html='<p>over<b>due</b></p><img alt="逾期"><!-- past due -->')
    assert [flaw.entry for flaw in found_in(words, (LIST,))] == ["逾期", "overdue", "past due"]


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for read in (visible, folded, words_of, squeezed, text_of):
        assert isinstance(read(text), str)
    found_in(Words(text=text, html=text), BOOK.lists)


@given(st.text(max_size=100))
def test_reading_twice_is_reading_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("您的案件已移交公安机关处理", "CN-20"),
        ("请查收法院传票", "CN-20"),
        ("再不还款后果自负", "CN-21"),
        ("我们会通知您的家人和单位", "CN-21"),
        ("您将被列入失信名单，限制高消费", "CN-22"),
        ("您将被列入黑名單", "CN-22"),
        ("可以帮您删除征信上的逾期", "CN-22"),
        ("我们将向法院提起诉讼", "CN-22"),
        ("您可以向亲友先借一笔", "CN-23"),
        ("可通过信用卡取现还款", "CN-23"),
        ("另收催收费200元", "CN-23"),
        ("名单将在小区公告栏张贴", "CN-24"),
        ("您的银行卡号是", "CN-53"),
        ("将在征信中留下永久记录", "CN-58"),
        ("不良信息伴随您一生", "CN-58"),
        ("this will stay on your permanent record", "CN-58"),
        ("小心点，我知道你住哪", "CN-73"),
        ("you will be arrested", "US-31"),
        ("a warrant has been issued", "US-31"),
        ("we will garnish your wages", "US-46"),
        ("pay immediately, this is your final notice", "US-43"),
        ("you missed a delivery", "UK-03"),
        ("您有一个包裹待取", "UK-03"),
        ("take out another loan to pay", "UK-08"),
        ("the police and the cyber cell will come", "IN-02"),
    ],
)
def test_the_lists_that_come_with_arrears_find_what_the_rules_forbid(text: str, rule: str) -> None:
    assert found_in(Words(text=text), BOOK.of_rule(rule))


def test_every_list_says_what_law_it_serves() -> None:
    assert all(a_list.rules and a_list.clause for a_list in BOOK.lists)


def test_every_entry_is_found_in_a_text_that_consists_of_it() -> None:
    for a_list in BOOK.lists:
        lonely = a_list.model_copy(update={"also_names": (), "unless": ()})
        assert [e for e in a_list.entries if e not in {f.entry for f in found_in(Words(text=e.replace("*", "")), (lonely,))}] == [], (
            a_list.name
        )


def test_the_uses_cover_all_lists() -> None:
    assert sorted(a.name for a in BOOK.used(*Use)) == sorted(a.name for a in BOOK.lists)
