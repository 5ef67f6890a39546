"""Handing a debt on: to an agency, to a credit bureau, to a buyer."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from arrears.prove.model import Circumstance, Consent, Notice, Placement, Verdict, day_number
from tests.prove.scenes import Scene

MATTERS = frozenset({"purpose", "term", "manner", "data_kinds", "safeguards"})


def day(text: str) -> int:
    return day_number(datetime.date.fromisoformat(text))


FIT: dict[str, Any] = {
    "listed_from": day("2026-01-01"),
    "contract_from": day("2026-01-01"),
    "contract_until": day("2026-12-31"),
    "reviewed_on": day("2025-11-23"),
    "agreed": MATTERS,
    "assessment_id": "pia-1",
    "closing_review_on": day("2026-11-22"),
}


@pytest.fixture
def scene() -> Scene:
    scene = Scene("CN")
    scene.agency(**FIT)
    scene.approve(role="risk_control", decided_by="rob")
    told = scene.at("2026-11-20 10:00:00")
    scene.file.notices.append(Notice("L", "B", "agency", told, "swift", delivered_at=told))
    return scene


def place(scene: Scene, when: str = "2026-11-23 10:00", target: str = "agency", *, judged: bool = True, **more: Any) -> set[str]:
    agency, yes = ("swift" if target == "agency" else None), (None if target == "credit_report" else "A")
    scene.file.placements[:] = [
        Placement("R", "L", "L.1", target, scene.at(when), more.pop("agency", agency), **({"approval_id": yes} | more))
    ]
    scene.file.verdicts[:] = [Verdict("R", "L.1", scene.at(when), "allow")] if judged else []
    return scene.broken()


def test_a_lawful_placement_breaks_nothing(scene: Scene) -> None:
    assert place(scene) == set()
    assert scene.coverage.placements == 1


def test_the_borrower_is_told_before(scene: Scene) -> None:
    assert place(scene, "2026-11-20 10:00:00") == {"CN-44"}
    assert place(scene, "2026-11-20 10:00:01") == set()


def test_a_notice_that_came_back_told_nobody(scene: Scene) -> None:
    scene.file.notices[0] = scene.file.notices[0]._replace(bounced_at=scene.at("2026-11-21 10:00"))
    assert place(scene) == {"CN-44"}


@pytest.mark.parametrize(
    ("agency", "rule"),
    [
        ({"listed_from": None}, "CN-45"),
        ({"listed_from": day("2026-11-24")}, "CN-45"),
        ({"listed_until": day("2026-11-22")}, "CN-45"),
        ({"contract_from": None}, "CN-42"),
        ({"contract_until": day("2026-11-22")}, "CN-42"),
        ({"agreed": MATTERS - {"term"}}, "CN-42"),
        ({"sub_agency": True}, "CN-42"),
        ({"reviewed_on": day("2025-11-22")}, "CN-46"),
        ({"reviewed_on": None}, "CN-46"),
        ({"reviewed_on": day("2026-11-24")}, "CN-46"),
        ({"contract_until": day("2026-12-23"), "closing_review_on": None}, "CN-46"),
        ({"contract_until": day("2026-12-23"), "closing_review_on": day("2026-11-24")}, "CN-46"),
        ({"assessment_id": None}, "CN-50"),
        ({"misconduct_since": day("2026-11-23")}, "CN-72"),
    ],
)
def test_only_a_fit_agency_gets_a_case(scene: Scene, agency: dict[str, Any], rule: str) -> None:
    scene.agency(**(FIT | agency))
    assert place(scene) == {rule}


@pytest.mark.parametrize("agency", [{"listed_until": day("2026-11-23")}, {"contract_until": day("2026-11-23")}])
def test_the_last_day_counts(scene: Scene, agency: dict[str, Any]) -> None:
    scene.agency(**(FIT | agency))
    assert place(scene) == set()


def test_an_unknown_agency_is_not_listed(scene: Scene) -> None:
    assert place(scene, agency="other") == {"CN-44", "CN-45"}


def test_nothing_is_placed_that_is_not_owed_held_closed_or_unjudged(scene: Scene) -> None:
    assert place(scene, judged=False) == {"PR-01"}
    scene.hold("dispute", "2026-11-22 10:00")
    assert place(scene) == {"AR-04"}
    scene.file.holds.clear()
    scene.pay("2026-11-22 10:00")
    assert place(scene) == {"AR-01"}
    scene.file.payments.clear()
    scene.file.cases["L.1"] = scene.file.cases["L.1"]._replace(closed_at=scene.at("2026-11-22 10:00"))
    assert place(scene) == {"AR-08"}


def test_a_step_that_needed_a_yes_needs_a_good_one(scene: Scene) -> None:
    assert place(scene, approval_id=None) == {"CN-52"}
    assert place(scene, approval_id="another") == {"AR-02", "CN-52"}
    scene.approve("2026-11-22 10:00")
    assert place(scene) == set()
    scene.approve("2026-11-22 10:00", state="denied")
    assert place(scene) == {"AR-02", "CN-52"}
    scene.approve("2026-11-15 10:00")
    assert place(scene) == {"AR-02"}


def test_bad_credit_information_is_told_before_it_is_reported(scene: Scene) -> None:
    assert place(scene, target="credit_report") == {"CN-56"}
    scene.file.notices.append(Notice("L", "B", "credit", scene.at("2026-11-23 09:59:59")))
    assert place(scene, target="credit_report") == set()


def test_in_america_a_report_waits_fourteen_days() -> None:
    scene = Scene("US")
    scene.file.notices.append(Notice("L", "B", "credit", scene.at("2026-11-09 10:00:01")))
    assert place(scene, target="credit_report") == {"US-47"}
    scene.file.notices[0] = scene.file.notices[0]._replace(sent_at=scene.at("2026-11-09 10:00:00"))
    assert place(scene, target="credit_report") == set()
    scene.file.notices.clear()
    scene.call("2026-11-20 10:00", "answered_delaying", reported=True)
    assert place(scene, target="credit_report") == set()


def test_a_debt_is_sold_with_consent_and_notice(scene: Scene) -> None:
    assert place(scene, target="debt_sale") == {"CN-43", "CN-69"}
    scene.file.consents.append(Consent("B", "transfer", scene.at("2026-11-01 10:00")))
    assert place(scene, target="debt_sale") == {"CN-43", "CN-69"}
    scene.file.notices.append(Notice("L", "B", "transfer", scene.at("2026-11-02 10:00")))
    assert place(scene, target="debt_sale") == {"CN-69"}
    scene.file.notices.append(Notice("L", "B", "transfer", scene.at("2026-11-02 10:00"), delivered_at=scene.at("2026-11-03 10:00")))
    assert place(scene, target="debt_sale") == set()


def test_a_payment_is_heard_before_a_step_is_taken(scene: Scene) -> None:
    scene.pay("2026-11-22 10:00", "100", heard=False)
    assert place(scene) == {"AR-05"}
    scene.take_back("2026-11-22 11:00")
    assert place(scene) == set()


def of_loan(scene: Scene, **more: Any) -> None:
    scene.file.loans["L"] = scene.file.loans["L"]._replace(**more)


def test_a_loan_of_illegal_cost_goes_nowhere(scene: Scene) -> None:
    of_loan(scene, annual_cost=240_000)
    assert place(scene) == set()
    of_loan(scene, annual_cost=240_001)
    assert place(scene) == {"CN-27"}
    assert place(scene, target="lawyer") == {"CN-27"}


@pytest.mark.parametrize(
    ("reason", "product", "target", "rules"),
    [
        ("hardship", "consumer_loan", "agency", {"AR-04", "CN-59"}),
        ("plan", "consumer_loan", "agency", {"AR-04"}),
        ("plan", "credit_card", "agency", {"AR-04", "CN-60"}),
        ("dispute", "credit_card", "lawsuit", {"AR-04", "CN-62"}),
        ("complaint", "consumer_loan", "agency", {"AR-04", "CN-61"}),
        ("complaint", "consumer_loan", "lawsuit", set[str]()),
        ("payment-order", "consumer_loan", "lawsuit", {"CN-70"}),
        ("payment-order", "consumer_loan", "lawyer", set[str]()),
    ],
)
def test_nothing_is_escalated_while_something_is_open(scene: Scene, reason: str, product: str, target: str, rules: set[str]) -> None:
    of_loan(scene, product=product)
    scene.hold(reason, "2026-11-22 10:00")
    assert place(scene, target=target) == rules


def test_a_court_has_had_its_time_after_thirty_five_days(scene: Scene) -> None:
    scene.hold("payment-order", "2026-10-19 10:00:00")
    assert place(scene, "2026-11-23 09:59:59", target="lawsuit") == {"CN-70"}
    assert place(scene, "2026-11-23 10:00:00", target="lawsuit") == set()


def test_a_students_small_loan_is_looked_at_first(scene: Scene) -> None:
    of_loan(scene, lender_kind="small_loan")
    scene.file.circumstances.append(Circumstance("B", "student", scene.at("2026-11-01 10:00")))
    assert place(scene) == set()
    assert place(scene, target="lawyer", approval_id=None) == {"CN-66"}


def test_nobody_sues_when_the_time_is_over_or_nobody_knows(scene: Scene) -> None:
    of_loan(scene, limitation_ends_on=day("2026-11-23"))
    assert place(scene, target="lawsuit") == set()
    of_loan(scene, limitation_ends_on=day("2026-11-22"))
    assert place(scene, target="lawsuit") == {"CN-68"}
    assert place(scene, target="lawyer") == {"CN-68"}
    of_loan(scene, limitation_ends_on=None)
    due = scene.file.instalments[0]
    scene.file.instalments[0] = due._replace(due_on=day("2026-11-23") - 3 * 365)
    assert place(scene, target="lawsuit") == {"CN-68"}
    assert place(scene, target="lawyer") == set()
    scene.file.instalments[0] = due._replace(due_on=day("2026-11-24") - 3 * 365)
    assert place(scene, target="lawsuit") == set()
