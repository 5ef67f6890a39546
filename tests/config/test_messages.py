"""Messages: complete in every language, honest about what their class may tell, and never the carrier of anybody's trick."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.config.messages import MessageLibrary, MessageProblem, MessageUnknown
from arrears.config.strategies import load_all
from arrears.domain.message import Lender, MessageClass, MessageFacts, NoticeKind, Party, PlanLine, ScheduleLine
from arrears.domain.money import Money
from arrears.domain.strategy import ContactRung, Offer, RelativesRung

LIBRARY = MessageLibrary()
FACTS = MessageFacts(
    lender=Lender(name="示例消费金融", service_line="400-000-0000", complaint_line="400-000-0001", pay_url="https://pay.lender.example"),
    recipient_name="王样本",
    borrower_name="李样本",
    reference="L-1001",
    product="cash_loan",
    today=date(2026, 11, 3),
    owed=Money(amount=Decimal("1234.50"), currency="CNY"),
    due_since=date(2026, 11, 1),
    days_past_due=2,
    schedule=(
        ScheduleLine(
            n=1, due_on=date(2026, 11, 1), principal=Decimal(1200), interest=Decimal(30), fees=Decimal("4.50"), unpaid=Decimal("1234.50")
        ),
        ScheduleLine(n=2, due_on=date(2026, 12, 1), principal=Decimal(1200), interest=Decimal(20), fees=Decimal(0), unpaid=Decimal(1220)),
    ),
    offers=(Offer.INSTALMENTS, Offer.EXTENSION),
    plan=(PlanLine(due_on=date(2026, 12, 1), amount=Decimal("617.25")),),
    agent_name="张样本",
    party=Party(name="示例资产管理", phone="400-000-0002"),
    decision="declined",
)
SLUGS = sorted(LIBRARY.slugs("en"))
NAMED = sorted({r.message for s in load_all().values() for r in s.rungs() if isinstance(r, ContactRung | RelativesRung)})
EVERY = [(slug, locale) for slug in SLUGS for locale in LIBRARY.locales]


def library(tmp_path: Path, text: str, html: str | None = None, **parts: str) -> MessageLibrary:
    """A library with one English message ``m``, and parts such as ``_rest_txt``."""
    directory = tmp_path / "en"
    directory.mkdir()
    (directory / "m.txt").write_text(text, encoding="utf-8")
    if html is not None:
        (directory / "m.html").write_text(html, encoding="utf-8")
    for name, part in parts.items():
        (directory / name.replace("_txt", ".txt").replace("_html", ".html")).write_text(part, encoding="utf-8")
    return MessageLibrary(tmp_path, "en")


def problem(tmp_path: Path, text: str, html: str | None = None, **parts: str) -> str:
    with pytest.raises(MessageProblem) as found:
        library(tmp_path, text, html, **parts).about("m", "en")
    return str(found.value).removeprefix(str(tmp_path))


class TestWhatComesWithArrears:
    def test_nothing_is_wrong_with_any_message(self) -> None:
        assert LIBRARY.problems() == ()

    def test_chinese_and_english_have_the_same_messages(self) -> None:
        assert LIBRARY.locales == ("en", "zh-CN")
        assert LIBRARY.slugs("en") == LIBRARY.slugs("zh-CN") >= set(NAMED)

    def test_there_is_a_message_of_every_class_and_for_every_notice(self) -> None:
        about = [LIBRARY.about(slug, "en") for slug in LIBRARY.slugs("en")]
        assert {a.klass for a in about} == set(MessageClass)
        assert {a.notice for a in about if a.notice} == set(NoticeKind)

    @pytest.mark.parametrize("slug", SLUGS)
    def test_a_message_says_the_same_of_itself_in_every_language(self, slug: str) -> None:
        about = [LIBRARY.about(slug, locale) for locale in LIBRARY.locales]
        assert len({a.model_copy(update={"subject": str(a.subject is None)}).model_dump_json() for a in about}) == 1

    @pytest.mark.parametrize(("slug", "locale"), EVERY)
    def test_every_message_can_be_written(self, slug: str, locale: str) -> None:
        message = LIBRARY.render(slug, locale, FACTS)
        assert FACTS.recipient_name in message.text or message.klass in (MessageClass.LIMITED_CONTENT, MessageClass.OPT_OUT_CONFIRMATION)
        assert "{{" not in message.text
        assert "None" not in message.text

    @pytest.mark.parametrize(("slug", "locale"), EVERY)
    def test_every_message_says_where_to_call_or_pay(self, slug: str, locale: str) -> None:
        text = LIBRARY.render(slug, locale, FACTS).text
        assert FACTS.lender.service_line in text or FACTS.lender.pay_url in text

    @pytest.mark.parametrize(("slug", "locale"), [(s, at) for s, at in EVERY if LIBRARY.about(s, at).klass is MessageClass.COLLECT])
    def test_whoever_asks_a_borrower_for_money_says_how_to_complain(self, slug: str, locale: str) -> None:
        assert FACTS.lender.complaint_line in LIBRARY.render(slug, locale, FACTS).text

    @pytest.mark.parametrize("locale", LIBRARY.locales)
    @pytest.mark.parametrize("strategy", load_all().values(), ids=lambda s: s.strategy)
    def test_a_call_verifies_the_person_before_it_says_anything_of_the_debt(self, strategy: object, locale: str) -> None:
        for rung in strategy.rungs():  # type: ignore[attr-defined]
            if isinstance(rung, ContactRung) and rung.do == "call":
                first, _, rest = LIBRARY.render(rung.message, locale, FACTS).text.partition("\n")
                assert FACTS.recipient_name in first
                assert "1,234.50" not in first
                assert "1,234.50" in rest

    @pytest.mark.parametrize("locale", LIBRARY.locales)
    @pytest.mark.parametrize("slug", ["formal-letter", "agency-letter", "late-fee-statement", "consequences-letter"])
    def test_a_letter_has_a_subject_and_a_table_of_all_instalments(self, slug: str, locale: str) -> None:
        letter = LIBRARY.render(slug, locale, FACTS)
        assert letter.subject
        assert "L-1001" in letter.subject
        assert letter.html
        for part in (letter.text, letter.html):
            for amount in ("1,200.00", "30.00", "4.50", "1,234.50", "1,220.00"):
                assert amount in part
        assert letter.html.count("<tr>") == 2 + len(FACTS.schedule)
        assert f'lang="{locale}"' in letter.html

    @pytest.mark.parametrize("locale", LIBRARY.locales)
    @pytest.mark.parametrize("slug", ["relay-request", "friendly-help-request"])
    def test_what_relatives_may_hear_does_not_change_with_the_debt(self, slug: str, locale: str) -> None:
        other = FACTS.model_copy(
            update={
                "owed": Money(amount=Decimal(9), currency="USD"),
                "days_past_due": 99,
                "today": date(2027, 1, 1),
                "schedule": (),
                "offers": (),
            }
        )
        message = LIBRARY.render(slug, locale, FACTS)
        assert message == LIBRARY.render(slug, locale, other)
        assert message.klass is MessageClass.LOCATE_ONLY
        assert FACTS.lender.name not in message.text

    @pytest.mark.parametrize(
        ("locale", "day", "amount"), [("zh-CN", "2026年11月6日", "¥1,234.50"), ("en", "November 6, 2026", "CN¥1,234.50")]
    )
    def test_days_and_amounts_read_as_people_write_them(self, locale: str, day: str, amount: str) -> None:
        text = LIBRARY.render("overdue-sms", locale, FACTS).text
        assert day in text
        assert amount in text

    @pytest.mark.parametrize(("currency", "shown"), [("USD", "$1,234.50"), ("JPY", "¥1,234"), ("INR", "₹1,234.50")])
    def test_each_currency_is_written_with_its_own_sign_and_digits(self, currency: str, shown: str) -> None:
        facts = FACTS.model_copy(update={"owed": Money(amount=Decimal("1234.50"), currency=currency)})
        assert shown in LIBRARY.render("overdue-sms", "en", facts).text

    def test_the_deadline_is_counted_from_the_recipients_day(self) -> None:
        within = LIBRARY.about("formal-letter", "en").pay_within_days
        assert within == 5
        later = FACTS.model_copy(update={"today": FACTS.today + timedelta(days=10)})
        assert "November 18, 2026" in LIBRARY.render("formal-letter", "en", later).text

    @pytest.mark.parametrize("offers", [(), (Offer.EXTENSION,), (Offer.EXTENSION, Offer.INSTALMENTS), tuple(Offer)])
    @pytest.mark.parametrize("locale", LIBRARY.locales)
    def test_offers_are_listed_whatever_their_number_and_order(self, locale: str, offers: tuple[Offer, ...]) -> None:
        text = LIBRARY.render("collection-call", locale, FACTS.model_copy(update={"offers": offers})).text
        assert text.count({"zh-CN": "、", "en": ", "}[locale]) >= max(len(offers) - 1, 0)
        assert ("一次还清有困难" in text or "If you cannot pay at once" in text) == bool(offers)


class TestLanguages:
    @pytest.mark.parametrize(
        ("language", "ours"),
        [
            ("zh-CN", "zh-CN"),
            ("zh_cn", "zh-CN"),
            ("zh", "zh-CN"),
            ("zh-Hant-TW", "zh-CN"),
            ("en", "en"),
            ("en-GB", "en"),
            ("EN_us", "en"),
            ("de", "zh-CN"),
            ("", "zh-CN"),
            (None, "zh-CN"),
        ],
    )
    def test_somebody_is_written_to_in_their_own_or_the_default_language(self, language: str | None, ours: str) -> None:
        assert LIBRARY.locale_for(language) == ours

    def test_the_default_is_the_lenders_choice(self) -> None:
        assert MessageLibrary(default_language="en").locale_for("de") == "en"

    @pytest.mark.parametrize(
        ("slug", "locale"), [("no-such", "en"), ("overdue-sms", "fr"), ("../en/overdue-sms", "en"), ("_letter", "en"), ("", "en")]
    )
    def test_what_is_not_there_is_said(self, slug: str, locale: str) -> None:
        with pytest.raises(MessageUnknown, match="no such message"):
            LIBRARY.render(slug, locale, FACTS)


class TestHashes:
    def test_the_content_is_hashed_as_it_is_sent_and_the_template_as_it_is_written(self) -> None:
        one = LIBRARY.render("relay-request", "zh-CN", FACTS)
        other = LIBRARY.render("relay-request", "zh-CN", FACTS.model_copy(update={"recipient_name": "赵样本"}))
        english = LIBRARY.render("relay-request", "en", FACTS)
        assert one.content_hash != other.content_hash
        assert one.template_hash == other.template_hash == LIBRARY.template_hash("relay-request", "zh-CN")
        assert english.template_hash != one.template_hash

    def test_a_changed_part_changes_the_hash_of_whatever_includes_it(self, tmp_path: Path) -> None:
        def hashed(part: str, at: str) -> str:
            (tmp_path / at).mkdir()
            text = "---\nclass: remind\n---\nHello {% include '_rest.txt' %}"
            return library(tmp_path / at, text, _rest_txt=part).template_hash("m", "en")

        assert hashed("one", "a") != hashed("two", "b")


class TestWhatAnAuthorGetsWrong:
    @pytest.mark.parametrize(
        ("text", "where", "said"),
        [
            ("Hello", ":1", "no front matter"),
            ("---\nclass: shout\n---\nHello", ":2", "'remind', 'collect'"),
            ("---\nclass: remind\ncolour: red\n---\nHello", ":3", "colour"),
            ("---\nclass: remind\nclass: remind\n---\nHello", ":3", "stands twice"),
            ("---\nsubject: x\n---\nHello", ":2", "class"),
            ("---\nclass: remind\nsubject: a: b\n---\nHello", ":3", "quotes"),
            ("---\nclass: remind\n---\nHello\n{{ recipient_name", ":5", "unexpected end of template"),
            ("---\nclass: remind\n---\nHello\n\n{{ recipient }}", ":6", "cannot name 'recipient'"),
            ("---\nclass: remind\nsubject: '{{ nobody }}'\n---\nHello", "", "cannot name 'nobody'"),
            ("---\nclass: locate_only\n---\n{{ recipient_name }},\ntell them of {{ owed | money }}", ":5", "cannot name 'owed'"),
            ("---\nclass: locate_only\n---\nIt is about a loan.", ":4", "leave out 'loan*'"),
            ("---\nclass: locate_only\n---\n他逾期了", ":4", "leave out '逾期'"),
            ("---\nclass: remind\n---\n{% include 'other.txt' %}", "", "includes 'other.txt'"),
            ("---\nclass: remind\n---\n{% include recipient_name %}", "", "something computed"),
            ("---\nclass: remind\n---\n{{ offers | money }}", "", "while the facts were filled in"),
            ("---\nclass: remind\n---\n{{ owed.sum }}", ":4", "no fact has an attribute 'sum'"),
            ("---\nclass: remind\n---\n{{ today | shout }}", ":4", "No filter named 'shout'"),
        ],
    )  # fmt: skip
    def test_it_is_said_with_file_and_line(self, tmp_path: Path, text: str, where: str, said: str) -> None:
        found = problem(tmp_path, text)
        assert said in found
        assert where in found.replace("/en/m.txt", "", 1)[:3] if where else "m" in found

    def test_the_html_part_is_checked_like_the_text(self, tmp_path: Path) -> None:
        found = problem(tmp_path, "---\nclass: remind\n---\nHello", html="<p>\n{{ nobody }}</p>")
        assert found.startswith("/en/m.html:2: ")

    def test_a_part_cannot_smuggle_in_what_the_class_may_not_tell(self, tmp_path: Path) -> None:
        relatives = "---\nclass: locate_only\n---\n{% include '_rest.txt' %}"
        assert "cannot name 'owed'" in problem(tmp_path, relatives, _rest_txt="{{ owed | money }}")

    def test_a_message_in_one_language_only_is_a_problem(self, tmp_path: Path) -> None:
        for locale, slugs in (("en", ("a", "b")), ("zh-CN", ("a",))):
            (tmp_path / locale).mkdir()
            for slug in slugs:
                (tmp_path / locale / f"{slug}.txt").write_text("---\nclass: remind\n---\nHello")
        assert [str(p) for p in MessageLibrary(tmp_path).problems()] == [
            "zh-CN/b.txt: no such message; write this file, or name one of the others"
        ]


class TestWhatNobodyCanDo:
    """Names and other facts are data: whatever they contain, they stay what they are."""

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=40))
    def test_a_name_is_written_as_it_is(self, name: str) -> None:
        assert name.strip() in LIBRARY.render("overdue-sms", "en", FACTS.model_copy(update={"recipient_name": name})).text

    def test_a_name_is_no_template(self) -> None:
        facts = FACTS.model_copy(update={"recipient_name": "{{ lender.__class__.__mro__ }}"})
        assert "{{ lender.__class__.__mro__ }}" in LIBRARY.render("overdue-sms", "en", facts).text

    def test_a_name_is_no_markup_in_a_letter(self) -> None:
        html = LIBRARY.render("formal-letter", "en", FACTS.model_copy(update={"recipient_name": "<script>alert(1)</script>"})).html
        assert html
        assert "<script>" not in html

    def test_a_reference_cannot_add_a_header_to_a_mail(self) -> None:
        subject = LIBRARY.render("formal-letter", "en", FACTS.model_copy(update={"reference": "L-1\r\nBcc: all@example"})).subject
        assert subject
        assert "\n" not in subject
        assert "\r" not in subject

    def test_a_template_reaches_nothing_but_the_facts(self, tmp_path: Path) -> None:
        escape = "---\nclass: remind\n---\n{{ owed.__class__.__base__.__subclasses__() }}"
        assert "m" in problem(tmp_path, escape)

    def test_a_missing_fact_is_an_error_without_any_of_the_others(self) -> None:
        with pytest.raises(MessageProblem, match="'due_since' is undefined") as refused:
            LIBRARY.render("first-call", "zh-CN", FACTS.model_copy(update={"due_since": None}))
        assert FACTS.recipient_name not in str(refused.value)
        assert "1234" not in str(refused.value)

    @pytest.mark.parametrize(("slug", "locale"), EVERY)
    def test_a_debt_that_was_just_paid_is_written_about_without_the_missing_day_or_not_at_all(self, slug: str, locale: str) -> None:
        paid = FACTS.model_copy(update={"owed": Money.zero("CNY"), "due_since": None, "days_past_due": 0, "schedule": (), "offers": ()})
        if "due_since" in LIBRARY.names(slug, locale):
            with pytest.raises(MessageProblem, match="due_since"):
                LIBRARY.render(slug, locale, paid)
        else:
            assert LIBRARY.render(slug, locale, paid).text
