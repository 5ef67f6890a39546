"""Amounts: every one that a reader would see, in whatever way it is written, and no day, number or reference taken for one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import format_currency, get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from arrears.domain.content import Words, amounts, wrong_amounts
from arrears.domain.content.amounts import han_value

LOCALES = [
    "zh_CN",
    "zh_TW",
    "en",
    "en_US",
    "en_GB",
    "en_IN",
    "en_AU",
    "en_CA",
    "en_HK",
    "en_SG",
    "de",
    "fr",
    "es",
    "it",
    "nl",
    "pt_BR",
    "sv",
    "pl",
]
CURRENCIES = ["CNY", "USD", "GBP", "EUR", "INR", "JPY", "HKD", "AUD", "CAD", "SGD", "CHF", "SEK", "KRW"]
BEFORE = ["", "您应还", "Please pay ", "owed: ", "(", "第1期  2026年11月1日  ", "1  November 1, 2026  ", "L-1001 3 days "]
AFTER = ["", "。", ".", ", by November 6, 2026", "，请于2026年11月6日前还款", ")", " to be paid", "\n2  2026-12-01"]


def said(text: str, locale: str = "en", **more: tuple[str, ...]) -> list[str]:
    return [str(quoted) for quoted in amounts(Words(text=text, locale=locale, **more))]


@given(
    cents=st.integers(min_value=0, max_value=10**11),
    currency=st.sampled_from(CURRENCIES),
    locale=st.sampled_from(LOCALES),
    before=st.sampled_from(BEFORE),
    after=st.sampled_from(AFTER),
)
def test_whatever_babel_writes_is_read_back_and_nothing_else(cents: int, currency: str, locale: str, before: str, after: str) -> None:
    digits = get_currency_precision(currency)
    amount = Decimal(cents).scaleb(-digits)
    text = before + format_currency(amount, currency, locale=locale) + after
    found = amounts(Words(text=text, locale=locale))
    assert [quoted.amount for quoted in found] == [amount], text
    assert all(not quoted.currencies or currency in quoted.currencies for quoted in found)
    assert wrong_amounts(Words(text=text, locale=locale), [amount], currency) == ()


@given(
    cents=st.integers(min_value=1, max_value=10**9),
    other=st.integers(min_value=1, max_value=10**9),
    locale=st.sampled_from(["zh_CN", "en", "en_IN"]),
)
def test_another_amount_is_wrong_however_close_it_is(cents: int, other: int, locale: str) -> None:
    quoted, owed = Decimal(cents) / 100, Decimal(other) / 100
    words = Words(text=f"x {format_currency(quoted, 'CNY', locale=locale)} y", locale=locale)
    assert bool(wrong_amounts(words, [owed], "CNY")) == (quoted != owed)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("¥1,234.50", "1234.50"),
        ("￥１，２３４．５０", "1234.50"),
        ("1234.50元", "1234.50"),
        ("1234元5角", "1234.50"),
        ("¥1234元整", "1234"),
        ("人民币1,234.50元", "1234.50"),
        ("RMB1234.50", "1234.50"),
        ("cny 1234.50", "1234.50"),
        ("1234.50 yuan", "1234.50"),
        ("1.2万元", "12000"),
        ("一千二百三十四元五角", "1234.50"),
        ("壹仟贰佰叁拾肆元伍角整", "1234.50"),
        ("壹仟貳佰參拾肆圓", "1234"),
        ("三万块", "30000"),
        ("$1,234.50", "1234.50"),
        ("US$ 1,234.50", "1234.50"),
        ("$1.5k", "1500"),
        ("1,234.50 dollars", "1234.50"),
        ("£12", "12"),
        ("12 quid", "12"),
        ("₹1,23,456.00", "123456"),
        ("Rs. 1,23,456", "123456"),
        ("Rs 1.5 lakh", "150000"),
        ("INR 2 crore", "20000000"),
        ("您欠500", "500"),
        ("应还金额为500", "500"),
        ("请还款500", "500"),
        ("he owes 500", "500"),
        ("500 is overdue", "500"),
        ("a total of 500 remains", "500"),
        ("1,234 remains open", "1234"),
        ("1234.50 remains open", "1234.50"),
        ("$1​234", "1234"),
        ("¥\u202d1,234.50\u202c", "1234.50"),
        ("١٢٣٤ USD", "1234"),
        ("①②③ USD", "123"),
        ("-¥5", "5"),
        ("¥-5", "-5"),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_people_write_it(text: str, amount: str) -> None:
    assert [quoted.amount for quoted in amounts(Words(text=text, locale="en"))] == [Decimal(amount)]


@pytest.mark.parametrize(
    "text",
    [
        "三天", "3 days overdue", "已逾期 3 天", "第 2 期", "请于2026年11月6日前还款", "pay by November 6, 2026", "6 November 2026", "2026-11-06", "10:00",
        "11/06/2026",
        "call 400-000-0000", "+86 130 0000 0000", "(555) 555-0100", "loan L-1001", "pay within 3 days", "24%", "24.00% a year",
        "还款10次", "千万要注意", "12 instalments",
        "pay 2 instalments", "百分之三", "二维码", "1. first 2. second",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_none(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "one thousand dollars", "twelve hundred pounds", "a few hundred rupees", "1万2千元", "1 lakh 1,234.50", "1千余元", "¥1,234.50.00", "¥1.2.3", "$12,34",
        "$1,2345.00", "数万元",
    ],
)  # fmt: skip
def test_what_looks_like_an_amount_and_cannot_be_read_is_wrong(text: str) -> None:
    assert wrong_amounts(Words(text=text, locale="en"), [Decimal("1234.50"), Decimal(1000), Decimal(12000)], "CNY")


def test_an_amount_in_another_currency_is_wrong() -> None:
    assert wrong_amounts(Words(text="$500.00", locale="en"), [Decimal(500)], "CNY")
    assert not wrong_amounts(Words(text="¥500.00", locale="en"), [Decimal(500)], "CNY")
    assert not wrong_amounts(Words(text="$500.00", locale="en"), [Decimal(500)], "USD")


def test_an_amount_is_compared_as_its_currency_is_written() -> None:
    assert not wrong_amounts(Words(text="¥1,234.50"), [Decimal("1234.5000")], "CNY")
    assert not wrong_amounts(Words(text="¥1,234.50"), [Decimal("1234.5040")], "CNY")
    assert not wrong_amounts(Words(text="¥1,234"), [Decimal("1234.50")], "JPY")
    assert wrong_amounts(Words(text="¥1,234"), [Decimal("1234.50")], "CNY")
    assert wrong_amounts(Words(text="¥1,235"), [Decimal("1234.50")], "CNY")


def test_known_facts_are_no_amounts() -> None:
    assert said("call 9555.00", known=("9555.00",)) == []
    assert said("ref 1,234", known=("1,234",)) == []
    assert said("¥19555.00", known=("9555.00",)) == ["19555.00"]


def test_the_subject_and_the_html_part_are_read_too() -> None:
    words = Words(text="Hello", subject="¥1.00 open", html="<p>¥2<b>.00</b></p><!-- ¥3.00 --><img alt='¥4.00'>", locale="en")
    assert {str(q.amount) for q in amounts(words)} >= {"1.00", "3.00", "4.00"}
    assert "2.00" in {str(q.amount) for q in amounts(words)}


@given(st.integers(min_value=0, max_value=10**12))
def test_chinese_numerals_are_read_back(number: int) -> None:
    assert han_value(_in_han(number)) == number


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for locale in ("zh-CN", "en", "fr"):
        amounts(Words(text=text, locale=locale))


def _in_han(number: int) -> str:
    """A number as a Chinese reader writes it."""
    digits, units = "零一二三四五六七八九", ("", "十", "百", "千")
    if number == 0:
        return "零"
    said, zero = "", False
    for group, name in ((number // 10**8, "亿"), (number // 10**4 % 10**4, "万"), (number % 10**4, "")):
        if group >= 10**4:
            said += _in_han(group) + name
            continue
        part = ""
        for place in (3, 2, 1, 0):
            digit = group // 10**place % 10
            if digit:
                part += ("零" if zero and (part or said) else "") + digits[digit] + units[place]
            zero = not digit and bool(part or said) if digit == 0 else False
        said += part + (name if part else "")
    return said
