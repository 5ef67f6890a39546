"""Mainland China: what may be said, by the class of a message and by its text."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.domain.message import MessageClass
from arrears.domain.verdict import Effect
from tests.domain.law.chinese import agency, effect, finding, handed_to
from tests.domain.law.situations import document, situation, to_relative
from tests.domain.law.test_cn_people import relative

CLEAN = "【示例金融】张女士您好，您的借款已逾期12天，应还120.50元，请于2026年11月25日前还款。咨询4008001234。如不希望收到短信，请回复退订。"
SILENT = "您好，我们想联系张先生，方便的话请转告他给我们回电：4008001234。"
WORDED = ("CN-20", "CN-21", "CN-22", "CN-23", "CN-24", "CN-26", "CN-53", "CN-58", "CN-68", "CN-73")


def saying(text: str, klass: str = "collect", **changes: Any) -> dict[str, Any]:
    return document(action__message={"class": klass, "text": text, "known": ["4008001234"]}, **changes)


def told_to_relative(text: str | None, klass: str = "locate_only") -> dict[str, Any]:
    given = to_relative()
    given["action"]["message"] |= {"class": klass} | ({"text": text} if text else {})
    return given


@pytest.mark.parametrize("rule", WORDED)
def test_a_lawful_text_breaks_no_rule_of_content(rule: str) -> None:
    assert finding(rule, saying(CLEAN)) is None


@pytest.mark.parametrize("klass", MessageClass)
def test_cn_12_only_a_class_that_tells_nothing_goes_to_an_outsider(klass: MessageClass) -> None:
    assert (effect("CN-12", told_to_relative(None, klass)) is None) is (klass is MessageClass.LOCATE_ONLY)
    assert effect("CN-12", situation(action__message={"class": klass})) is None


@pytest.mark.parametrize(
    "text",
    [
        "请转告张先生尽快还款。",
        "请转告张先生，有 120.50 元需要处理。",
        "请转告张先生，有一百二十元的事情。",
        "请转告张先生看一下 https://pay.example/a",
        "我们是某银行的，想联系张先生。",
        "张先生的账单出了点问题，请转告。",
        "Please tell Mr Zhang that his l0an is overdue.",
        "张先生还＊款的事请转告",
        "编号 77120 的事请转告张先生。",
    ],
)
def test_cn_12_the_text_itself_must_tell_nothing(text: str) -> None:
    assert effect("CN-12", told_to_relative(text)) is Effect.DENY


def test_cn_12_a_silent_text_may_go() -> None:
    assert effect("CN-12", told_to_relative(SILENT)) is None


def test_cn_12_a_message_that_cannot_be_written_tells_nobody_what_it_would_say() -> None:
    given = to_relative()
    given["action"]["message"] = None
    assert effect("CN-12", given) is Effect.DENY


def test_cn_12_a_subject_is_read_too() -> None:
    given = told_to_relative(SILENT)
    given["action"]["message"]["subject"] = "逾期提醒"
    assert effect("CN-12", given) is Effect.DENY


def test_cn_12_a_page_in_the_mail_is_read_too() -> None:
    given = told_to_relative(SILENT)
    given["action"]["message"]["html"] = "<p>您好</p><p>请转告他还<b>款</b></p>"
    assert effect("CN-12", given) is Effect.DENY


def test_cn_12_a_name_that_looks_like_a_word_of_debt_is_a_name() -> None:
    given = told_to_relative("Hello, please ask Bill Loan to call us on 400 800 1234.")
    assert effect("CN-12", given) is Effect.DENY
    given["action"]["message"]["names"] = ["Bill Loan"]
    assert effect("CN-12", given) is None


def test_cn_12_a_guarantor_who_is_asked_may_be_told_and_one_who_passes_on_may_not() -> None:
    asked = relative("guarantor", "collect", evidence="E")
    asked["action"]["message"] = {"class": "collect", "text": CLEAN}
    assert effect("CN-12", asked) is None
    asked["action"]["purpose"] = "relay"
    assert effect("CN-12", asked) is Effect.DENY


@pytest.mark.parametrize(
    ("message", "verified", "allowed"),
    [
        ({"class": "collect"}, None, True),
        ({"class": "collect"}, True, True),
        ({"class": "collect"}, False, False),
        ({"class": "collect", "text": CLEAN}, None, False),
        ({"class": "collect", "text": CLEAN}, True, True),
        ({"class": "collect", "text": CLEAN, "blocks": ["caller"]}, None, False),
        ({"class": "collect", "text": CLEAN, "blocks": ["right_party_check"]}, None, True),
        ({"class": "collect", "text": CLEAN, "blocks": ["right_party_check"]}, False, False),
        ({"class": "locate_only", "text": SILENT, "blocks": []}, None, True),
    ],
)
def test_cn_18_a_call_verifies_the_person_first(message: dict[str, Any], verified: bool | None, allowed: bool) -> None:
    given = situation(action__channel="call", action__message=message, action__verified_person=verified)
    assert (effect("CN-18", given) is None) is allowed
    assert effect("CN-18", situation(action__message=message, action__verified_person=verified)) is None


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("CN-20", "这里是公安局，请您配合。"),
        ("CN-20", "法院传票已寄出。"),
        ("CN-21", "不还钱就让你身败名裂。"),
        ("CN-21", "我们会联系你单位领导。"),
        ("CN-22", "您将被列入失信名单。"),
        ("CN-22", "还清后我们可以帮您消除征信记录。"),
        ("CN-23", "您可以先借一笔来还清。"),
        ("CN-23", "需另付上门费。"),
        ("CN-24", "我们将在村口张贴通知。"),
        ("CN-24", "我们将强行进入您的住所。"),
        ("CN-26", "您的信息将发到朋友圈。"),
        ("CN-58", "逾期记录将影响您一生。"),
        ("CN-73", "小心点，我知道你住哪。"),
    ],
)
def test_cn_20_to_cn_73_what_no_message_may_say(rule: str, text: str) -> None:
    assert effect(rule, saying(text)) is Effect.DENY
    assert effect(rule, saying(text, "remind")) is Effect.DENY
    assert effect(rule, situation()) is None


def test_cn_20_no_message_poses_as_an_authority_in_disguise_either() -> None:
    assert effect("CN-20", saying("公 安 机 关 通知您。")) is Effect.DENY


def test_cn_21_a_finding_names_the_words_and_not_the_text() -> None:
    found = finding("CN-21", saying("张女士，你等着。"))
    assert found is not None
    assert "你等着" in found.observed
    assert "张女士" not in found.model_dump_json()


@pytest.mark.parametrize(
    ("text", "loan", "allowed"),
    [
        ("应还120.50元。", {}, True),
        ("应还120.5元。", {}, True),
        ("应还120.51元。", {}, False),
        ("应还一百二十元五角。", {}, True),
        ("应还120.50美元。", {}, False),
        ("本期40.00元，合计120.50元。", {}, False),
        ("本期40.00元，合计120.50元。", {"figures": ["40.00"]}, True),
        ("请您还款。", {"owed": None}, True),
        ("应还120.50元。", {"owed": None}, False),
    ],
)
def test_cn_22_every_amount_is_one_of_the_ledgers(text: str, loan: dict[str, Any], allowed: bool) -> None:
    given = saying(text)
    given["loans"][0] |= loan
    assert (effect("CN-22", given) is None) is allowed


@pytest.mark.parametrize("decided", [True, False])
def test_cn_22_a_lawsuit_is_announced_only_when_it_was_decided_on(decided: bool) -> None:
    for given in (
        saying("我们将依法起诉。", loans__sued_for=decided),
        document(action__message={"class": "will_remedy"}, loans__sued_for=decided),
    ):
        assert (effect("CN-22", given) is None) is decided


def test_cn_23_an_ordinary_instalment_plan_is_no_new_loan() -> None:
    assert effect("CN-23", saying("如一次还清有困难，您可以申请分期还款。", "offer")) is None


@pytest.mark.parametrize(
    ("consent", "allowed"),
    [
        (None, False),
        ({}, True),
        ({"channel": "visit"}, True),
        ({"withdrawn_at": "2026-11-18T11:00:00+08:00"}, False),
        ({"kind": "hours", "hours": {"start": "09:00", "end": "10:00"}}, False),
    ],
)
def test_cn_24_nobody_comes_in_without_consent(consent: dict[str, Any] | None, allowed: bool) -> None:
    given_ = {"consent_id": "k", "kind": "visit", "given_at": "2026-11-01T10:00:00+08:00"} | (consent or {})
    given = situation(action__channel="visit", people__consents=[] if consent is None else [given_])
    assert (effect("CN-24", given) is None) is allowed


@pytest.mark.parametrize(
    ("by", "sender", "allowed"),
    [
        ("lender", None, True),
        ("lender", "private-1", True),
        ("north", None, False),
        ("north", "private-1", False),
        ("north", "line-7", True),
    ],
)
def test_cn_25_an_agency_uses_its_registered_lines(by: str, sender: str | None, allowed: bool) -> None:
    given = situation(action__by=by, action__sender=sender, agencies=[agency(senders=["line-7"])])
    assert (effect("CN-25", given) is None) is allowed


def test_cn_26_the_word_for_public_in_another_sense_is_no_publication() -> None:
    assert effect("CN-26", saying("催收机构名单已在官网公布。", "notice")) is None


@pytest.mark.parametrize(("cost", "allowed"), [(None, True), ("24", True), ("24.0001", False), ("36", False)])
def test_cn_27_a_loan_above_the_ceiling_is_not_collected(cost: str | None, allowed: bool) -> None:
    assert (effect("CN-27", situation(loans__annual_cost=cost)) is None) is allowed
    assert (effect("CN-27", handed_to("agency", loans=[handed_to("agency")["loans"][0] | {"annual_cost": cost}])) is None) is allowed
    assert effect("CN-27", situation(loans__annual_cost=cost, action__purpose="reply", action__message={"class": "reply"})) is None


def letter(product: str, message: dict[str, Any], channel: str = "email") -> Effect | None:
    return effect("CN-29", situation(action__channel=channel, action__message={"class": "collect"} | message, loans__product=product))


ALL_PARTS = ["identity", "complaints", "legal_basis", "rights"]


def test_cn_29_a_cards_letter_has_all_its_parts() -> None:
    for product in ("card", "credit_card"):
        assert letter(product, {"blocks": ALL_PARTS}) is None
        assert letter(product, {"blocks": [*ALL_PARTS, "opt_out"], "text": CLEAN}) is None
        assert letter(product, {}) is None
        for part in ALL_PARTS:
            assert letter(product, {"blocks": [p for p in ALL_PARTS if p != part]}) is Effect.DENY
        assert letter(product, {"blocks": ALL_PARTS, "text": "您的信用卡已逾期，请还款。"}) is Effect.DENY
        assert letter(product, {"text": CLEAN}) is Effect.DENY


def test_cn_29_other_loans_and_other_media_need_them_not() -> None:
    assert letter("consumer_loan", {"blocks": []}) is None
    assert letter("card", {"blocks": []}, "sms") is None
    assert letter("card", {"blocks": [], "class": "remind"}) is None


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("请还款至 6222 0200 0000 0000 007。", False),
        ("身份证号 11010519491231002X 已核实。", False),
        ("您的银行卡号尾号7。", False),
        ("请致电 4008001234 或 021-12345678。", True),
    ],
)
def test_cn_53_no_account_number_stands_in_any_message(text: str, allowed: bool) -> None:
    assert (effect("CN-53", saying(text)) is None) is allowed
    assert (effect("CN-53", told_to_relative(text)) is None) is allowed


def test_cn_53_a_known_reference_is_no_account_number() -> None:
    text = "您的编号 202611180000012345 已登记。"
    assert effect("CN-53", saying(text)) is Effect.DENY
    known = document(action__message={"class": "collect", "text": text, "known": ["202611180000012345"]})
    assert effect("CN-53", known) is None


def test_cn_53_no_sensitive_data_are_handed_over() -> None:
    given = handed_to("agency")
    for field, allowed in (("owed", True), ("bank_account", False), ("id_number", False)):
        given["action"]["fields"] = [field]
        assert (effect("CN-53", given) is None) is allowed


def test_cn_58_a_record_that_lasts_five_years_may_be_told_of() -> None:
    assert effect("CN-58", saying("不良信息自欠款还清之日起保存五年。", "notice")) is None


@pytest.mark.parametrize(("ends", "over"), [("2026-11-18", False), ("2026-11-17", True), (None, False)])
def test_cn_68_after_the_limitation_nobody_threatens_to_sue(ends: str | None, over: bool) -> None:
    expected = Effect.DENY if over else None
    for given in (
        saying("我们将依法起诉。"),
        document(action__message={"class": "will_remedy"}),
        document(action__message={"class": "may_remedy"}),
    ):
        given["loans"][0] |= {"limitation_ends_on": ends, "sued_for": True}
        assert effect("CN-68", given) is expected
    plain = saying(CLEAN)
    plain["loans"][0]["limitation_ends_on"] = ends
    assert effect("CN-68", plain) is None


@pytest.mark.parametrize(
    ("to", "loan", "allowed"),
    [
        ("lawsuit", {"limitation_ends_on": "2026-11-18"}, True),
        ("lawsuit", {"limitation_ends_on": "2026-11-17"}, False),
        ("lawyer", {"limitation_ends_on": "2026-11-17"}, False),
        ("agency", {"limitation_ends_on": "2026-11-17"}, True),
        ("lawsuit", {"days_past_due": 1094}, True),
        ("lawsuit", {"days_past_due": 1095}, False),
        ("lawsuit", {}, False),
        ("lawyer", {}, True),
    ],
)
def test_cn_68_nobody_sues_for_what_is_barred_or_may_be(to: str, loan: dict[str, Any], allowed: bool) -> None:
    given = handed_to(to)
    given["loans"][0] |= loan
    assert (effect("CN-68", given) is None) is allowed


def test_cn_68_the_last_day_is_the_borrowers() -> None:
    given = handed_to("lawsuit", at="2026-11-18T00:30:00+08:00")
    given["loans"][0]["limitation_ends_on"] = "2026-11-17"
    assert effect("CN-68", given) is Effect.DENY
    given["people"][0]["zone"] = "Europe/London"
    assert effect("CN-68", given) is None
