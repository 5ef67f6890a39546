"""Mainland China: the dead, the young, and those who need care."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.domain.verdict import Effect
from tests.domain.law.chinese import effect, finding, handed_to, hold
from tests.domain.law.situations import document, situation, to_relative
from tests.domain.law.test_cn_people import relative


def test_cn_63_nobody_who_has_died_is_contacted() -> None:
    found = finding("CN-63", situation(holds=[hold("deceased")]))
    assert found is not None
    assert (found.effect, found.permanent) == (Effect.DENY, True)


@pytest.mark.parametrize(
    ("placed", "denies"),
    [("2026-11-18T12:00:00+08:00", True), ("2026-11-18T12:00:01+08:00", False)],
)
def test_cn_63_from_the_second_in_which_it_is_known(placed: str, denies: bool) -> None:
    assert (effect("CN-63", situation(holds=[hold("deceased", placed_at=placed)])) is Effect.DENY) is denies


def test_cn_63_a_relative_who_has_died_is_not_contacted_either() -> None:
    assert effect("CN-63", to_relative(holds=[hold("deceased", person="P-2", loan=None)])) is Effect.DENY
    assert effect("CN-63", to_relative(holds=[hold("deceased", person="P-1")])) is None


@pytest.mark.parametrize("to", ["agency", "lawyer", "lawsuit", "debt_sale", "credit_report"])
def test_cn_63_nothing_is_handed_over_for_the_dead(to: str) -> None:
    assert effect("CN-63", handed_to(to, holds=[hold("deceased")])) is Effect.DENY
    assert effect("CN-63", handed_to(to)) is None


@pytest.mark.parametrize(
    ("tie", "purpose", "allowed"),
    [
        ({}, "reply", False),
        ({"evidence": "E"}, "reply", True),
        ({"evidence": "E"}, "collect", False),
        ({"evidence": "E", "estate_value": "120.50"}, "collect", True),
        ({"evidence": "E", "estate_value": "120.49"}, "collect", False),
        ({"evidence": "E", "estate_value": "9000", "disclaimed": True}, "collect", False),
        ({"evidence": "E", "estate_value": "9000", "disclaimed": True}, "reply", True),
    ],
)
def test_cn_63_heirs_pay_at_most_the_estate_if_they_took_it(tie: dict[str, Any], purpose: str, allowed: bool) -> None:
    assert (effect("CN-63", relative("executor", purpose, **tie)) is None) is allowed


@pytest.mark.parametrize(
    ("born", "at", "allowed"),
    [
        ("2008-11-18", "2026-11-18T00:00:00+08:00", True),
        ("2008-11-19", "2026-11-18T23:59:59+08:00", False),
        ("2008-11-18", "2026-11-17T23:59:59+08:00", False),
        ("1980-01-01", "2026-11-18T12:00:00+08:00", True),
        (None, "2026-11-18T12:00:00+08:00", True),
    ],
)
def test_cn_64_a_debtor_comes_of_age_at_midnight_of_their_eighteenth_birthday(born: str | None, at: str, allowed: bool) -> None:
    assert (effect("CN-64", situation(at=at, people__birth_date=born)) is None) is allowed


@given(st.dates(date(2000, 1, 1), date(2014, 12, 31)))
def test_cn_64_and_cn_65_differ_by_the_age_alone(born: date) -> None:
    had = 2026 - born.year - ((born.month, born.day) > (11, 18))
    given = situation(people__birth_date=born.isoformat())
    assert (effect("CN-64", given) is Effect.DENY) is (had < 18)
    assert (effect("CN-65", given) is Effect.DENY) is (had < 14)


def test_cn_64_a_minor_guarantor_is_no_better_off() -> None:
    young = relative("guarantor", "collect", evidence="E")
    young["people"][1]["birth_date"] = "2010-01-01"
    assert effect("CN-64", young) is Effect.DENY
    young["loans"][0]["ties"][0]["relation"] = "contact"
    assert effect("CN-64", young) is None


@pytest.mark.parametrize("reason", ["minor", "incapacity"])
def test_cn_64_who_lacks_capacity_is_not_contacted_and_their_representative_is(reason: str) -> None:
    assert effect("CN-64", situation(holds=[hold(reason)])) is Effect.DENY
    speaking = relative("legal_representative", "collect", evidence="E") | {"holds": [hold(reason)]}
    assert effect("CN-64", speaking) is None
    del speaking["loans"][0]["ties"][0]["evidence"]
    assert effect("CN-64", speaking) is Effect.DENY


@pytest.mark.parametrize(("born", "allowed"), [("2012-11-18", True), ("2012-11-19", False), ("2013-06-01", False), (None, True)])
def test_cn_65_no_child_under_fourteen_is_contacted(born: str | None, allowed: bool) -> None:
    given = to_relative()
    given["people"][1]["birth_date"] = born
    assert (effect("CN-65", given) is None) is allowed


def test_cn_65_the_birthday_is_that_of_the_childs_own_calendar() -> None:
    given = to_relative(at="2026-11-18T08:00:00+08:00")
    given["people"][1] |= {"birth_date": "2012-11-18", "zone": "America/New_York"}
    assert effect("CN-65", given) is Effect.DENY
    given["people"][1]["zone"] = None
    assert effect("CN-65", given) is Effect.DENY


SMALL = {"lender_kind": "small_loan"}


def test_cn_66_a_students_small_loan_waits_for_a_human() -> None:
    given = document(people__circumstances=["student"], loans__lender_kind="small_loan")
    found = finding("CN-66", given)
    assert found is not None
    assert (found.effect, found.role) == (Effect.NEEDS_APPROVAL, "supervisor")
    for otherwise in ({"people__circumstances": []}, {"loans__lender_kind": "bank"}):
        assert effect("CN-66", document(**{"people__circumstances": ["student"], "loans__lender_kind": "small_loan"} | otherwise)) is None


def test_cn_66_nobody_around_the_student_is_contacted() -> None:
    given = relative("contact", "relay", loan=SMALL)
    given["people"][0]["circumstances"] = ["student"]
    assert effect("CN-66", given) is Effect.DENY


def test_cn_66_a_granted_review_lets_it_go_on() -> None:
    given = document(people__circumstances=["student"], loans__lender_kind="small_loan", action__approval="A-1")
    given["approvals"] = [{"approval_id": "A-1", "state": "approved", "role": "supervisor", "requested_by": "system"}]
    assert effect("CN-66", given) is None
    given["approvals"][0]["state"] = "denied"
    assert effect("CN-66", given) is Effect.NEEDS_APPROVAL


@pytest.mark.parametrize("circumstance", ["elderly", "disabled", "vulnerable"])
def test_cn_67_those_who_need_care_are_spoken_to_by_humans_and_written_to_gently(circumstance: str) -> None:
    gentle = {"people__circumstances": [circumstance], "action__message": {"class": "remind"}}
    assert effect("CN-67", situation(**gentle)) is None
    assert effect("CN-67", situation(**gentle, action__artificial_voice=True)) is Effect.DENY
    assert effect("CN-67", situation(people__circumstances=[circumstance], action__message={"class": "collect"})) is Effect.DENY
    assert effect("CN-67", situation(action__artificial_voice=True)) is None


def test_cn_67_a_students_loan_is_no_reason_for_more_care() -> None:
    assert effect("CN-67", situation(people__circumstances=["student"])) is None
