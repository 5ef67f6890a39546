"""Mainland China: who gets a loan, or a fact about it, on what conditions, and what stops that."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.domain.strategy import Referral
from arrears.domain.verdict import Effect
from tests.domain.law.chinese import CN, agency, effect, finding, handed_to, hold, notice
from tests.domain.law.situations import document, shanghai, situation, to_relative

OF_AGENCIES = ["CN-42", "CN-44", "CN-45", "CN-46", "CN-50", "CN-72"]


def to_agency(**changes: Any) -> dict[str, Any]:
    """A placement with the ordinary agency, changed in some fields of the agency; ``None`` takes one away."""
    return handed_to("agency", agencies=[{name: value for name, value in agency(**changes).items() if value is not None}])


def by_agency(**changes: Any) -> dict[str, Any]:
    """A text that the agency sends."""
    return (
        document(action__by="north", action__sender="line-7", agencies=[agency(senders=["line-7"])], notices=[notice("agency")]) | changes
    )


@pytest.mark.parametrize("rule", CN.terms)
def test_an_orderly_placement_breaks_no_rule(rule: str) -> None:
    assert finding(rule, handed_to("agency")) is None
    assert finding(rule, by_agency()) is None


@pytest.mark.parametrize("to", Referral)
def test_cn_40_nobody_is_told_more_than_their_purpose_needs(to: str) -> None:
    given = handed_to(to)
    assert effect("CN-40", given) is None
    given["action"]["fields"] = ["loan_id", "case_id", "owed", "currency", "due_since", "until"]
    assert effect("CN-40", given) is None
    given["action"]["fields"] = ["loan_id", "address_book"]
    found = finding("CN-40", given)
    assert found is not None
    assert (found.effect, found.observed) == (Effect.DENY, "would also be told: address_book")


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"contract_from": "2026-11-18"}, True),
        ({"contract_from": "2026-11-19"}, False),
        ({"contract_until": "2026-11-18"}, True),
        ({"contract_until": "2026-11-17"}, False),
        ({"contract_from": None}, False),
        ({"contract_until": None}, False),
        ({"sub_agency": True}, False),
        ({"agreed": ["purpose", "term", "manner", "data_kinds"]}, False),
        ({"agreed": []}, False),
    ],
)
def test_cn_42_an_agency_acts_under_a_contract_in_force_that_settles_everything(changes: dict[str, Any], allowed: bool) -> None:
    assert (effect("CN-42", to_agency(**changes)) is None) is allowed


@pytest.mark.parametrize("rule", OF_AGENCIES)
def test_cn_42_of_an_unknown_agency_nothing_is_in_order(rule: str) -> None:
    given = handed_to("agency", agencies=[])
    given["action"]["agency"] = "south"
    assert effect(rule, given) is Effect.DENY
    del given["action"]["agency"]
    assert effect(rule, given) is Effect.DENY


@pytest.mark.parametrize("rule", ["CN-42", "CN-44", "CN-45", "CN-72"])
def test_cn_42_what_holds_for_a_placement_holds_for_what_the_agency_does(rule: str) -> None:
    assert effect(rule, by_agency(agencies=[], notices=[])) is Effect.DENY
    assert effect(rule, situation()) is None


CONSENT = {"consent_id": "k", "kind": "transfer", "given_at": "2026-11-01T10:00:00+08:00"}


def sale(consents: list[dict[str, Any]], notices: list[dict[str, Any]]) -> dict[str, Any]:
    given = handed_to("debt_sale", notices=notices)
    given["people"][0]["consents"] = consents
    return given


@pytest.mark.parametrize(
    ("consents", "notices", "allowed"),
    [
        ([CONSENT], [notice("transfer")], True),
        ([CONSENT], [notice("assignment")], True),
        ([], [notice("transfer")], False),
        ([CONSENT], [], False),
        ([CONSENT], [notice("agency")], False),
        ([CONSENT], [notice("transfer", loan="L-2")], False),
        ([CONSENT], [notice("transfer", bounced_at="2026-11-16T11:00:00+08:00")], False),
        ([CONSENT], [notice("transfer", sent_at="2026-11-18T12:00:00+08:00", delivered_at=None)], False),
        ([CONSENT | {"withdrawn_at": "2026-11-18T12:00:00+08:00"}], [notice("transfer")], False),
        ([CONSENT | {"kind": "texts"}], [notice("transfer")], False),
    ],
)
def test_cn_43_a_debt_is_sold_with_a_separate_consent_and_a_notice(
    consents: list[dict[str, Any]], notices: list[dict[str, Any]], allowed: bool
) -> None:
    assert (effect("CN-43", sale(consents, notices)) is None) is allowed


@pytest.mark.parametrize(
    ("notices", "allowed"),
    [
        ([notice("agency", agency="north")], True),
        ([notice("agency")], True),
        ([], False),
        ([notice("agency", agency="south")], False),
        ([notice("credit")], False),
        ([notice("agency", person="P-2")], False),
        ([notice("agency", loan="L-2")], False),
        ([notice("agency", delivered_at=None)], False),
        ([notice("agency", delivered_at="2026-11-18T12:00:00+08:00")], False),
        ([notice("agency", delivered_at="2026-11-18T11:59:59+08:00")], True),
        ([notice("agency", delivered_at=None, bounced_at="2026-11-16T10:01:00+08:00")], False),
        ([notice("agency", bounced_at="2026-11-16T10:01:00+08:00")], False),
        ([notice("agency", delivered_at=None, bounced_at="2026-11-16T10:01:00+08:00"), notice("agency")], True),
    ],
)
def test_cn_44_the_borrower_has_been_told_before_an_agency_begins(notices: list[dict[str, Any]], allowed: bool) -> None:
    assert (effect("CN-44", handed_to("agency", notices=notices)) is None) is allowed
    assert (effect("CN-44", by_agency(notices=notices)) is None) is allowed


@pytest.mark.parametrize(("listed", "allowed"), [(True, True), (False, False), (None, False)])
def test_cn_45_only_a_listed_agency_acts(listed: bool | None, allowed: bool) -> None:
    assert (effect("CN-45", to_agency(listed=listed)) is None) is allowed


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"reviewed_on": "2025-11-18"}, True),
        ({"reviewed_on": "2025-11-17"}, False),
        ({"reviewed_on": None}, False),
        ({"reviewed_on": "2026-11-19"}, False),
        ({"contract_until": "2026-12-19"}, True),
        ({"contract_until": "2026-12-18"}, False),
        ({"contract_until": "2026-12-18", "closing_review_on": "2026-11-18"}, True),
        ({"contract_until": "2026-12-18", "closing_review_on": "2026-11-19"}, False),
    ],
)
def test_cn_46_an_agency_is_reviewed_every_year_and_before_its_contract_ends(changes: dict[str, Any], allowed: bool) -> None:
    assert (effect("CN-46", to_agency(**changes)) is None) is allowed


def test_cn_50_what_a_placement_does_to_the_borrower_was_assessed() -> None:
    assert effect("CN-50", to_agency(assessment_id=None)) is Effect.DENY


@pytest.mark.parametrize(
    ("to", "role"),
    [
        ("agency", "supervisor"),
        ("debt_sale", "risk_control"),
        ("lawsuit", "risk_control"),
        ("defaulter_list", "risk_control"),
        ("lawyer", None),
        ("credit_report", None),
        ("overdue_list", None),
    ],
)
def test_cn_52_a_heavy_step_is_decided_on_by_a_human(to: str, role: str | None) -> None:
    given = handed_to(to)
    assert effect("CN-52", given) is None
    del given["loans"][0]["human_decision"]
    found = finding("CN-52", given)
    assert (found.role if found else None) == role
    given["action"]["approval"] = "A-1"
    given["approvals"] = [{"approval_id": "A-1", "state": "approved", "role": "risk_control", "requested_by": "system"}]
    assert effect("CN-52", given) is None


@pytest.mark.parametrize("to", ["credit_report", "overdue_list", "defaulter_list"])
@pytest.mark.parametrize(
    ("notices", "allowed"),
    [
        ([notice("credit")], True),
        ([notice("credit", delivered_at=None)], True),
        ([notice("credit", delivered_at=None, sent_at="2026-11-18T11:59:59+08:00")], True),
        ([notice("credit", delivered_at=None, sent_at="2026-11-18T12:00:00+08:00")], False),
        ([notice("credit", bounced_at="2026-11-16T11:00:00+08:00")], False),
        ([notice("agency")], False),
        ([], False),
    ],
)
def test_cn_56_the_borrower_is_told_before_anything_is_reported(to: str, notices: list[dict[str, Any]], allowed: bool) -> None:
    assert (effect("CN-56", handed_to(to, notices=notices)) is None) is allowed


@pytest.mark.parametrize("to", Referral)
def test_cn_59_an_open_request_for_relief_stops_every_escalation(to: str) -> None:
    assert effect("CN-59", handed_to(to, holds=[hold("hardship")])) is Effect.DENY
    assert effect("CN-59", handed_to(to, holds=[hold("hardship", until="2026-11-18T12:00:00+08:00")])) is None
    assert effect("CN-59", handed_to(to, holds=[hold("some-other-reason")])) is None


def on_a(product: str, given: dict[str, Any]) -> dict[str, Any]:
    given["loans"][0]["product"] = product
    return given


@pytest.mark.parametrize(("product", "stops"), [("card", True), ("credit_card", True), ("consumer_loan", False)])
def test_cn_60_a_card_plan_that_is_kept_is_not_escalated(product: str, stops: bool) -> None:
    given = on_a(product, handed_to("agency", holds=[hold("plan")]))
    assert effect("CN-60", given) is (Effect.DENY if stops else None)


@pytest.mark.parametrize(
    ("given", "stops"),
    [
        (handed_to("agency"), True),
        (handed_to("lawyer"), False),
        (by_agency(), True),
        (document(), False),
        (to_relative(), True),
    ],
    ids=["a placement", "a lawyer", "the agency's text", "the lender's text", "a relative"],
)
def test_cn_61_while_a_complaint_is_open_agencies_and_relatives_are_left_out(given: dict[str, Any], stops: bool) -> None:
    held = given | {"holds": [hold("complaint", agency="south")]}
    assert effect("CN-61", held) is (Effect.DENY if stops else None)
    assert effect("CN-61", given) is None


@pytest.mark.parametrize(
    ("purpose", "product", "stops"),
    [
        ("collect", "card", True),
        ("remind", "card", True),
        ("verification", "card", False),
        ("reply", "card", False),
        ("collect", "loan", False),
    ],
)
def test_cn_62_a_disputed_card_debt_is_verified_and_not_asked_for(purpose: str, product: str, stops: bool) -> None:
    given = on_a(product, document(action__purpose=purpose, holds=[hold("dispute")]))
    assert effect("CN-62", given) is (Effect.DENY if stops else None)
    assert effect("CN-62", on_a("card", handed_to("agency", holds=[hold("dispute")]))) is Effect.DENY


@pytest.mark.parametrize(
    ("purpose", "kind", "notices", "allowed"),
    [
        ("collect", "purchaser", [], False),
        ("collect", "purchaser", [notice("assignment")], True),
        ("collect", "purchaser", [notice("transfer")], True),
        ("collect", "purchaser", [notice("assignment", delivered_at=None)], False),
        ("collect", "purchaser", [notice("assignment", delivered_at="2026-11-18T12:00:00+08:00")], False),
        ("reply", "purchaser", [], False),
        ("notice", "purchaser", [], True),
        ("collect", "bank", [], True),
        ("collect", None, [], True),
    ],
)
def test_cn_69_a_buyer_asks_after_the_notice_of_the_assignment(
    purpose: str, kind: str | None, notices: list[dict[str, Any]], allowed: bool
) -> None:
    given = situation(action__purpose=purpose, loans__lender_kind=kind, notices=notices)
    assert (effect("CN-69", given) is None) is allowed


def test_cn_69_a_debt_is_handed_to_its_buyer_when_the_notice_has_arrived() -> None:
    assert effect("CN-69", sale([CONSENT], [notice("transfer")])) is None
    assert effect("CN-69", sale([CONSENT], [notice("transfer", delivered_at=None)])) is Effect.DENY


@pytest.mark.parametrize("to", ["lawsuit", "defaulter_list"])
@pytest.mark.parametrize(
    ("placed", "waits"), [("2026-10-14T12:00:00+08:00", False), ("2026-10-14T12:00:01+08:00", True), ("2026-11-17T12:00:00+08:00", True)]
)
def test_cn_70_nobody_sues_while_a_payment_order_may_be_objected_to(to: str, placed: str, waits: bool) -> None:
    found = finding("CN-70", handed_to(to, holds=[hold("payment-order", placed_at=placed)]))
    assert (found.effect if found else None) is (Effect.DEFER if waits else None)


def test_cn_70_the_days_are_counted_from_when_it_was_asked_for() -> None:
    found = finding("CN-70", handed_to("lawsuit", holds=[hold("payment-order", placed_at="2026-11-17T12:00:00+08:00")]))
    assert found is not None
    assert found.until == shanghai("2026-12-22T12:00")


@pytest.mark.parametrize(("since", "allowed"), [(None, True), ("2026-11-19", True), ("2026-11-18", False), ("2020-01-01", False)])
def test_cn_72_an_agency_with_misconduct_on_its_record_gets_no_case(since: str | None, allowed: bool) -> None:
    assert (effect("CN-72", to_agency(misconduct_since=since)) is None) is allowed
    found = finding("CN-72", by_agency(agencies=[agency(misconduct_since=since)]))
    assert (found is None) is allowed
    if found:
        assert found.permanent
