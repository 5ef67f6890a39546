"""Our own rules as the checker reads them, wherever somebody lives."""

from __future__ import annotations

import hashlib

import pytest

from tests.prove.scenes import DIGEST, Scene, later


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_lawful_text_breaks_nothing(scene: Scene) -> None:
    scene.contact("2026-11-23 10:00")
    assert scene.violations() == []
    assert scene.coverage.contacts == 1
    assert scene.coverage.asked["CN-01"] == 1


def test_nothing_leaves_once_the_payment_was_known(scene: Scene) -> None:
    scene.pay("2026-11-23 09:00:00")
    before = scene.contact("2026-11-23 08:59:59")
    after = scene.contact("2026-11-23 09:00:01")
    assert scene.broken(before) == set()
    assert scene.broken(after) == {"AR-01"}


def test_a_payment_that_was_booked_late_is_no_hindsight(scene: Scene) -> None:
    scene.pay("2026-11-20 09:00", recorded="2026-11-23 12:00")
    assert scene.broken(scene.contact("2026-11-23 10:00")) == set()


def test_a_part_payment_leaves_a_debt(scene: Scene) -> None:
    scene.pay("2026-11-20 09:00", "499.99")
    assert scene.broken(scene.contact("2026-11-23 10:00")) == set()


def test_a_payment_counts_until_it_is_known_to_be_taken_back(scene: Scene) -> None:
    scene.pay("2026-11-23 09:00:00")
    scene.take_back("2026-11-24 09:00:00")
    while_it_stood = scene.contact("2026-11-24 08:59:59")
    afterwards = scene.contact("2026-11-24 09:00:01")
    assert scene.broken(while_it_stood) == {"AR-01"}
    assert scene.broken(afterwards) == set()


def test_a_case_need_not_hear_of_a_payment_that_was_taken_back(scene: Scene) -> None:
    scene.pay("2026-11-23 09:00", "100", heard=False)
    scene.take_back("2026-11-24 09:00")
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"AR-05"}
    assert scene.broken(scene.contact("2026-11-24 10:00")) == set()


def test_what_lapsed_by_a_payment_stays_lapsed_when_it_is_taken_back(scene: Scene) -> None:
    scene.lose_contact()
    approved = scene.approve("2026-11-19 09:00")
    scene.pay("2026-11-19 12:00", "100")
    scene.take_back("2026-11-19 13:00")
    assert "AR-02" in scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=approved))


def test_an_instalment_is_overdue_from_the_day_after_it_was_due(scene: Scene) -> None:
    on_the_day = scene.contact("2026-10-01 10:00", case_id="L.1")
    scene.file.cases["L.1"] = scene.file.cases["L.1"]._replace(opened_at=0)
    the_day_after = scene.contact("2026-10-02 08:00")
    assert scene.broken(on_the_day) == {"AR-01"}
    assert scene.broken(the_day_after) == set()


def test_a_reply_may_follow_a_payment(scene: Scene) -> None:
    scene.pay("2026-11-20 09:00")
    assert scene.broken(scene.contact("2026-11-23 10:00", purpose="reply")) == set()


def test_a_relative_is_contacted_with_an_approval_only(scene: Scene) -> None:
    scene.lose_contact()
    without = scene.contact("2026-11-20 10:00", person="S")
    assert scene.broken(without) == {"AR-02"}


def test_an_approved_message_to_a_relative_is_lawful(scene: Scene) -> None:
    scene.lose_contact()
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == set()


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        ({"state": "denied"}, "it is denied"),
        ({"state": "open", "decided_by": None, "decided_at": None}, "nobody decided it"),
        ({"requested_by": "sue"}, "whoever asked for it decided it"),
        ({"decided_by": "rob"}, "it was decided by a risk_control, not by supervisor"),
        ({"decided_by": "nobody"}, "whoever decided it is no operator"),
        ({"purpose": "locate"}, "it is for another purpose"),
        ({"contents": {"S": "0" * 64}}, "it is for another text"),
        ({"contents": {"B": DIGEST}}, "it does not name this person"),
        ({"case_id": "L.2"}, "it is for another case"),
        ({"void_at": 1}, "it had become void"),
        ({"deadline": 1}, "it was decided after its deadline"),
    ],
)
def test_an_approval_of_something_else_is_none(scene: Scene, approval: dict[str, object], why: str) -> None:
    scene.lose_contact()
    scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve(**approval))
    assert [(v.rule, v.observed) for v in scene.violations()] == [("AR-02", why)]


def test_an_approval_lasts_seven_days_to_the_second(scene: Scene) -> None:
    scene.lose_contact()
    scene.approve("2026-11-19 10:00:00")
    assert scene.broken(scene.contact("2026-11-26 09:59:59", person="S", approval_id="A")) == set()
    scene.file.contacts.pop()
    assert scene.broken(scene.contact("2026-11-26 10:00:00", person="S", approval_id="A")) == {"AR-02"}


def test_an_approval_that_was_decided_afterwards_is_none(scene: Scene) -> None:
    scene.lose_contact()
    scene.approve("2026-11-20 10:00:01")
    assert scene.broken(scene.contact("2026-11-20 10:00:00", person="S", approval_id="A")) == {"AR-02"}


def test_a_grant_that_was_taken_back_later_stood_until_then(scene: Scene) -> None:
    scene.lose_contact()
    scene.approve(state="void", void_at=scene.at("2026-11-20 10:00:01"))
    assert scene.broken(scene.contact("2026-11-20 10:00:00", person="S", approval_id="A")) == set()
    scene.file.contacts.pop()
    assert scene.broken(scene.contact("2026-11-20 10:00:02", person="S", approval_id="A")) == {"AR-02"}


def test_a_payment_lets_the_approval_lapse(scene: Scene) -> None:
    scene.lose_contact()
    scene.approve()
    scene.pay("2026-11-19 12:00", "1")
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id="A")) == {"AR-02", "CN-10"}


def test_an_answered_call_lets_the_approval_lapse(scene: Scene) -> None:
    scene.lose_contact()
    scene.approve()
    scene.call("2026-11-19 12:00", "answered_willing")
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id="A")) == {"AR-02", "CN-10"}


def test_a_known_invalid_number_is_not_used(scene: Scene) -> None:
    scene.point("B-mobile", invalid_since=scene.at("2026-11-23 10:00:00"))
    assert scene.broken(scene.contact("2026-11-23 10:00:00")) == set()
    assert scene.broken(scene.contact("2026-11-23 10:00:01")) == {"AR-03"}


def test_the_address_is_the_persons_and_fits_the_channel(scene: Scene) -> None:
    assert scene.broken(scene.contact("2026-11-23 10:00", point_id="S-mobile")) == {"AR-03"}
    assert scene.broken(scene.contact("2026-11-24 10:00", point_id="B-email")) == {"AR-03"}
    assert scene.broken(scene.contact("2026-11-25 10:00", point_id=None)) == {"AR-03"}


def test_a_payment_is_told_to_the_case_first(scene: Scene) -> None:
    scene.pay("2026-11-20 09:00", "1", heard=False)
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"AR-05"}


def test_the_recorded_text_is_the_one_of_the_hash(scene: Scene) -> None:
    assert scene.broken(scene.contact("2026-11-23 10:00", text="Something else.")) == {"AR-06"}
    with_empty_parts = hashlib.sha256(b"\0Please call us back.\0").hexdigest()
    assert scene.broken(scene.contact("2026-11-24 10:00", content_hash=with_empty_parts)) == set()


def test_a_text_that_cannot_be_read_is_said_to_be_unjudged(scene: Scene) -> None:
    assert scene.broken(scene.contact("2026-11-23 10:00", text=None)) == set()
    assert scene.coverage.unjudged["AR-06", "text not readable"] == 1


def test_nothing_leaves_for_a_closed_case(scene: Scene) -> None:
    scene.file.cases["L.1"] = scene.file.cases["L.1"]._replace(closed_at=scene.at("2026-11-23 10:00:00"))
    assert scene.broken(scene.contact("2026-11-23 10:00:00")) == set()
    assert scene.broken(scene.contact("2026-11-23 10:00:01")) == {"AR-08"}
    assert scene.broken(scene.contact("2026-10-02 05:59:59")) >= {"AR-08"}


def test_whatever_left_was_judged_before(scene: Scene) -> None:
    unjudged = scene.contact("2026-11-23 10:00", judged=False)
    assert scene.broken(unjudged) == {"PR-01"}


def test_a_verdict_after_the_contact_is_too_late(scene: Scene) -> None:
    contact = scene.contact("2026-11-23 10:00", judged=False)
    scene.verdict(contact, decided_at=later(contact.at, seconds=1))
    assert [v.observed for v in scene.violations()] == ["judged afterwards"]


def test_a_verdict_is_fresh_for_an_hour(scene: Scene) -> None:
    contact = scene.contact("2026-11-23 10:00", judged=False)
    scene.verdict(contact, decided_at=later(contact.at, hours=-1))
    assert scene.broken(contact) == set()
    scene.file.verdicts.clear()
    scene.verdict(contact, decided_at=later(contact.at, hours=-1, seconds=-1))
    assert scene.broken(contact) == {"PR-05"}


def test_the_last_verdict_before_it_left_counts(scene: Scene) -> None:
    contact = scene.contact("2026-11-23 10:00", judged=False)
    scene.verdict(contact, decided_at=later(contact.at, hours=-2))
    scene.verdict(contact, effect="defer", decided_at=later(contact.at, minutes=-1))
    assert scene.broken(contact) == {"PR-02"}


def test_a_verdict_on_something_else_is_none(scene: Scene) -> None:
    contact = scene.contact("2026-11-23 10:00", judged=False)
    scene.verdict(contact, person_id="S")
    assert scene.broken(contact) == {"PR-03"}


def test_no_contact_without_a_slot(scene: Scene) -> None:
    contact = scene.contact("2026-11-23 10:00", reserved_at=scene.at("2026-11-23 10:00:01"))
    assert scene.broken(contact) == {"PR-04"}
    assert scene.broken(scene.contact("2026-11-24 10:00", reserved_at=None)) == {"PR-04"}


def test_what_has_an_outcome_and_no_instant_of_sending_is_found(scene: Scene) -> None:
    assert scene.broken(scene.contact("2026-11-23 10:00", sent_at=None)) == {"PR-04"}
