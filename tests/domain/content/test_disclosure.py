"""What others may not learn, what no text may carry, and what a text must contain."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.config.wording import Use, load
from arrears.domain.content import (
    Block,
    Words,
    account_numbers,
    amounts,
    blocks_in,
    deadlines,
    debt_facts,
    debt_facts_before,
    found_in,
    limited_content,
    missing_blocks,
    premium_rate,
)
from arrears.domain.content.numbers import luhn

BOOK = load()
OTHERS = BOOK.used(Use.OTHERS)
SECRETS = ("示例消费金融", "L-1001", "cash_loan")
RELAY = "王样本您好，冒昧打扰。我们暂时无法联系到李样本，烦请转告其方便时回电 400-000-0000。如您不愿再接到此类联系，请直接告知，我们将不再联系您。谢谢。"
ASK = (
    "Hello Robin, sorry to trouble you. We have not been able to reach Kim. Could you please ask them to call +44 20 7946 0000 before 18:00? "
    "If you would rather not be contacted again, just say so and we will not contact you. Thank you."
)
TODAY = date(2026, 11, 3)


def told(text: str) -> list[str]:
    return [flaw.entry for flaw in debt_facts(Words(text=text), OTHERS, SECRETS)]


class TestWhatOthersMayNotLearn:
    @pytest.mark.parametrize("text", [RELAY, ASK])
    def test_a_message_to_pass_on_tells_nothing(self, text: str) -> None:
        assert told(text) == []

    @pytest.mark.parametrize(
        "addition",
        [
            "他欠我们钱", "有一笔借款", "¥1,234.50", "1234.50元", "一千二百元", "三万块", "关于编号1001", "L-1001", "L 1001",
            "Ｌ－１００１", "尾号6222", "自2026年11月1日起", "已有30天",
            "我们是示例消费金融", "示 例 消 费 金 融", "示例​消费金融", "详见 https://pay.example", "pay.lender.com", "kim@house.example",
            "关于他的信用", "催-收", "债务", "債務", "银行找他",
            "欠kuan", "huankuan", "法院", "about his loan", "a l.o.a.n", "l0an", "he owes us", "overdue", "ＤＥＢＴ", "dеbt", "₹500", "$5",
            "five hundred dollars", "it is a legal matter",
            "the bank", "payment", "cash loan", "CASH_LOAN", "his account", "collection", "settle", "hxxp://x",
        ],
    )  # fmt: skip
    def test_one_word_too_many_is_found(self, addition: str) -> None:
        assert told(f"{RELAY}{addition}。")
        assert told(f"{ASK} {addition}.")

    def test_what_was_told_is_named_without_being_told_again(self) -> None:
        assert "1234" not in " ".join(told("编号 1234 欠 ¥99.00"))

    @pytest.mark.parametrize(
        "phone",
        ["400-000-0000", "13800000000", "+86 138 0000 0000", "020 7946 0000", "(212) 555-0100", "1-800-555-1212", "95588", "010-5555 0000"],
    )
    def test_a_number_to_call_is_no_fact_of_the_debt(self, phone: str) -> None:
        assert told(f"请回电 {phone} 。") == []

    def test_a_person_named_loan_can_be_asked_for(self) -> None:
        words = Words(text="Could you ask Loan Nguyen to call 400-000-0000?", names=("Loan Nguyen",))
        assert debt_facts(words, OTHERS) == ()

    def test_before_the_person_is_verified_a_script_says_nothing(self) -> None:
        check = "您好，请问是王样本本人吗？"
        script = f"{check}\n\n这里是示例消费金融。您的借款已逾期，应还 ¥1,234.50。"
        assert debt_facts_before(Words(text=script), check, OTHERS, SECRETS) == ()
        assert debt_facts_before(Words(text=f"您好，示例消费金融。{script}"), check, OTHERS, SECRETS)
        assert debt_facts_before(Words(text=script), "请问是您吗", OTHERS, SECRETS)
        assert debt_facts_before(Words(text=script), "", OTHERS, SECRETS)


class TestNumbersThatGoIntoNoText:
    @pytest.mark.parametrize(
        "text",
        [
            "6222020200112233445", "6222 0202 0011 2233 445", "6222-0202-0011-2233-445", "4111 1111 1111 1111", "4111.1111.1111.1111",
            "4111_1111_1111_1111", "４１１１１１１１１１１１１１１１",
            "六二二二零二零二零零一一二二三三四四五", "GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819 is it",
            "DE89370400440532013000", "11010519491231002X", "123-45-6789",
            "4111​1111​1111​1111", "①②③④⑤⑥⑦⑧⑨①②③",
        ],
    )  # fmt: skip
    def test_an_account_is_found_however_it_is_written(self, text: str) -> None:
        assert account_numbers(Words(text=f"您的账户{text}。"))

    @pytest.mark.parametrize(
        "text",
        [
            "1  2026年11月1日  ¥1,200.00  ¥30.00  ¥4.50  ¥1,234.50", "2026-11-01 2026-12-01 2027-01-01", "400-000-0000",
            "+86 138 0000 0000", "+8613800000000", "10:00 11:00 12:00",
            "November 1, 2026 November 2, 2026", "1,234,567,890.00", "1 200.00 30.00 4.50 1234.50",
        ],
    )  # fmt: skip
    def test_a_table_and_a_telephone_number_are_none(self, text: str) -> None:
        assert account_numbers(Words(text=text)) == ()

    def test_a_known_reference_is_none(self) -> None:
        assert account_numbers(Words(text="loan 202611010000123456"))
        assert account_numbers(Words(text="loan 202611010000123456", known=("202611010000123456",))) == ()

    def test_it_is_named_by_kind_and_length_only(self) -> None:
        assert [flaw.entry for flaw in account_numbers(Words(text="4111 1111 1111 1111"))] == ["a card number of 16 digits"]

    @given(st.integers(10**11, 10**17))
    def test_luhn_accepts_exactly_one_last_digit(self, number: int) -> None:
        assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1

    @pytest.mark.parametrize("text", ["call 0900 123 4567", "call 09012345678", "+44 900 1234567", "1-900-555-0100", "0871 234 5678"])
    def test_a_number_that_costs_extra_is_found(self, text: str) -> None:
        assert premium_rate(Words(text=text), BOOK.premium_rate)

    @pytest.mark.parametrize("text", ["020 7946 0000", "0800 123 456", "+44 20 7946 0900", "400-000-0000", "in 2009"])
    def test_an_ordinary_number_does_not(self, text: str) -> None:
        assert premium_rate(Words(text=text), BOOK.premium_rate) == ()


class TestParts:
    def test_a_block_is_there_if_its_words_are_not_if_its_author_says_so(self) -> None:
        part = [(Block.OPT_OUT, "To stop, reply STOP.")]
        assert blocks_in(Words(text="Pay. To stop,\n  reply STOP."), part) == {Block.OPT_OUT}
        assert blocks_in(Words(text="Pay."), part) == frozenset()
        assert blocks_in(Words(text="Pay. To stop, reply STOP.", html="<p>Pay.</p>"), part) == frozenset()
        assert blocks_in(Words(text="Pay. To stop, reply STOP.", html="<p>To stop,<br>reply <b>STOP</b>.</p>"), part) == {Block.OPT_OUT}
        assert blocks_in(Words(text="Pay."), [(Block.OPT_OUT, " ")]) == frozenset()

    def test_what_nobody_knows_is_missing(self) -> None:
        assert missing_blocks(None, [Block.OPT_OUT, Block.IDENTITY]) == ("identity", "opt_out")
        assert missing_blocks([Block.OPT_OUT], [Block.OPT_OUT]) == ()


class TestVoicemail:
    @pytest.mark.parametrize(
        "text",
        [
            "This is Robin Smith calling from ABC Inc. It is 4:15 p.m. on Wednesday, September 1. "
            "Please contact me or any of our representatives at 1-800-555-1212 "
            "today "
            "until 6:00 p.m. Eastern time, or any weekday from 8:00 a.m. to 6:00 p.m. Eastern time.",
            "Hello, this is Robin calling from O’Neil & Sons, Inc. Please call me back at +1 (800) 555-1212. Thank you.",
            "Good morning. My name is Robin Q. Smith and I am calling from Example House. Please call me back at 1-800-555-1212.",
            "您好，我是示例公司的张三。现在是9月1日下午4点。请您方便时回电400-000-0000。我们的任何一位同事都可以为您服务。谢谢。",
        ],
    )
    def test_what_the_law_permits_may_be_said(self, text: str) -> None:
        assert BOOK.limited_content
        assert limited_content(text, BOOK.limited_content) == ()

    @pytest.mark.parametrize(
        "text",
        [
            "Hello, this is Robin calling from ABC. Please call me back at 1-800-555-1212. It is important.",
            "This is Robin calling from your bank about your overdue loan. Please call me back at 1-800-555-1212.",
            "This is Robin Smith. I am calling from ABC about a personal business matter. Please call me back at 1-800-555-1212.",
            "This is Robin calling from ABC About Your Debt. Please call me back at 1-800-555-1212.",
            "This is Robin calling from Delta Recovery. Please call me back at 1-800-555-1212.",
            "This is Robin. Please call me back at 1-800-555-1212.",
            "Please call me back at 1-800-555-1212. I am calling from ABC.",
            "This is Robin calling from ABC. Thank you.",
            "This is Robin calling from ABC. Please call me back.",
            "This is Robin calling from ABC for Kim Specimen. Please call me back at 1-800-555-1212.",
            "您好，我是示例公司的张三。您的借款逾期了。请您回电400-000-0000。",
            "Hello. " * 300,
            "",
        ],
    )
    def test_one_word_more_or_less_is_too_much(self, text: str) -> None:
        assert BOOK.limited_content
        assert limited_content(text, BOOK.limited_content)


class TestDeadlines:
    @pytest.mark.parametrize(
        ("text", "days"),
        [
            ("Please pay by November 6, 2026", [6]),
            ("before the 6th of November 2026", [6]),
            ("请于2026年11月6日前还款", [6]),
            ("不晚于2026-11-09", [9]),
            ("within 24 hours", [4]),
            ("within ten days", [13]),
            ("in the next 5 days", [8]),
            ("pay within 2 weeks", [17]),
            ("三天内", [6]),
            ("pay now, immediately", [3]),
            ("请立即还款", [3]),
            ("overdue as of November 3, 2026", []),
            ("截至2026年11月3日，逾期合计", []),
            ("1  November 10, 2026  ¥5.00", []),
            ("it was due on November 1, 2026", []),
            ("3 days overdue", []),
            ("by February 30, 2026", []),
            ("Please pay by November 6", [6]),
            ("until the 9th of November, or else", [9]),
            ("by 11/6/2026", [6]),
            ("before 6/11/26", [6]),
            ("no later than 11/30", [30]),
            ("请于11月6日前还款", [6]),
            ("by Friday", [6]),
            ("by Tuesday at noon", [3]),
            ("pay tomorrow", [4]),
            ("请明天还款", [4]),
            ("call us from Monday to Friday", []),
            ("by November 2026", []),
        ],
    )
    def test_by_when_a_text_asks_for_something(self, text: str, days: list[int]) -> None:
        assert [day.day for day in deadlines(Words(text=text), TODAY)] == days


@pytest.mark.parametrize(
    "piece",
    [
        "1,",
        "1 ",
        "a.b.",
        "one ",
        "￥",
        "9",
        "一",
        "万",
        "欠1",
        "(1)",
        "=",
        "<p>",
        "<!--",
        "1-",
        "o ",
        "https://",
        "within ",
        "2026年",
        "@",
        "​",
        "é",
        "GB29",
        "十万亿",
    ],
)
def test_a_long_text_is_read_in_short_time(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    words = Words(text=text, subject=text, html=text, locale="fr")
    started = time.process_time()
    amounts(words)
    account_numbers(words)
    debt_facts(words, OTHERS, SECRETS)
    found_in(words, BOOK.lists)
    deadlines(words, TODAY)
    premium_rate(words, BOOK.premium_rate)
    assert BOOK.limited_content
    limited_content(text, BOOK.limited_content)
    assert time.process_time() - started < 20
