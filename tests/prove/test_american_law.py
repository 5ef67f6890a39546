"""The rules of the United States as the checker reads them."""

from __future__ import annotations

import pytest

from arrears.prove.model import Consent
from tests.prove.scenes import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene("US")


@pytest.mark.parametrize(
    ("when", "broken"),
    [
        ("2026-11-23 07:59:59", {"US-10"}),
        ("2026-11-23 08:00:00", set()),
        ("2026-11-23 20:59:59", set()),
        ("2026-11-23 21:00:00", {"US-10"}),
        ("2026-11-01 07:59:59", {"US-10"}),  # the clocks went back in this night
        ("2026-11-01 08:00:00", set()),
        ("2027-03-14 07:59:59", {"US-10"}),  # and forward in this one
        ("2027-03-14 08:00:00", set()),
    ],
)
def test_from_eight_to_nine(scene: Scene, when: str, broken: set[str]) -> None:
    assert scene.broken(scene.contact(when)) == broken


def test_the_hour_is_right_where_the_number_belongs_too(scene: Scene) -> None:
    scene.point("B-mobile", zone="America/Los_Angeles")
    assert scene.broken(scene.contact("2026-11-23 10:59:59")) == {"US-10"}  # 07:59:59 in Los Angeles
    assert scene.broken(scene.contact("2026-11-23 11:00:00")) == set()
    assert scene.broken(scene.contact("2026-11-24 21:30:00")) == {"US-10"}  # evening in New York


def test_seven_calls_in_seven_days(scene: Scene) -> None:
    for day in range(16, 23):
        scene.call(f"2026-11-{day} 10:00", "voicemail")
    assert scene.broken(scene.call("2026-11-22 12:00", "no_answer")) == {"US-01"}
    assert scene.broken(scene.call("2026-11-23 10:00", "no_answer")) == {"US-01"}


def test_the_seventh_day_back_still_counts_and_the_eighth_does_not(scene: Scene) -> None:
    for day in range(16, 23):
        scene.call(f"2026-11-{day} 10:00", "voicemail")
    assert scene.broken(scene.call("2026-11-23 10:00", "no_answer")) == set()


def test_busy_and_dead_numbers_are_not_counted(scene: Scene) -> None:
    for day in range(16, 23):
        scene.call(f"2026-11-{day} 10:00", "busy" if day % 2 else "invalid_number")
    assert scene.broken(scene.call("2026-11-22 12:00", "no_answer")) == set()


def test_another_debt_has_its_own_seven(scene: Scene) -> None:
    for day in range(16, 23):
        scene.call(f"2026-11-{day} 10:00", "voicemail", loan_id="another")
    assert scene.broken(scene.call("2026-11-22 12:00", "no_answer")) == set()


def test_calls_that_the_person_agreed_to_are_not_counted(scene: Scene) -> None:
    for day in range(16, 23):
        scene.call(f"2026-11-{day} 10:00", "voicemail")
    eighth = scene.call("2026-11-22 12:00", "no_answer")
    scene.file.consents.append(Consent("B", "more_calls", scene.at("2026-11-16 09:00")))
    assert scene.broken(eighth) == set()
    scene.file.consents[-1] = scene.file.consents[-1]._replace(withdrawn_at=scene.at("2026-11-16 09:30"))
    assert scene.broken(eighth) == {"US-01"}


@pytest.mark.parametrize("direction", ["out", "in"])
def test_seven_days_of_peace_after_a_conversation(scene: Scene, direction: str) -> None:
    if direction == "out":
        scene.call("2026-11-16 10:00", "answered_delaying")
    else:
        scene.reported("2026-11-16 10:00", outcome="answered", direction="in", by="lender")
    assert scene.broken(scene.call("2026-11-22 20:59:59", "no_answer")) == {"US-02"}
    assert scene.broken(scene.call("2026-11-23 08:00:00", "no_answer")) == set()


def test_a_text_may_follow_a_conversation(scene: Scene) -> None:
    scene.call("2026-11-16 10:00", "answered_delaying")
    assert scene.broken(scene.contact("2026-11-17 10:00")) == set()


def test_nobody_calls_in_bursts(scene: Scene) -> None:
    scene.reported("2026-11-16 10:00:00", outcome="no_answer", by="lender")
    assert scene.broken(scene.reported("2026-11-16 10:04:59", outcome="busy", by="lender")) == {"US-07"}
    assert scene.broken(scene.reported("2026-11-16 10:10:00", outcome="busy", by="lender")) == set()


def test_nobody_calls_seven_times_on_one_day_even_if_the_line_is_busy(scene: Scene) -> None:
    for hour in range(9, 15):
        assert scene.broken(scene.reported(f"2026-11-16 {hour:02}:00", outcome="busy", by="lender")) == set()
    assert scene.broken(scene.reported("2026-11-16 15:00", outcome="busy", by="lender")) == {"US-07"}


def test_our_own_calls_keep_two_hours_apart_and_are_two_a_day(scene: Scene) -> None:
    scene.call("2026-11-16 10:00:00", "busy")
    assert scene.broken(scene.call("2026-11-16 12:00:00", "busy")) == set()
    assert scene.broken(scene.call("2026-11-16 18:00:00", "busy")) == {"US-07"}
    assert scene.broken(scene.call("2026-11-17 10:00:00", "busy")) == set()
    assert scene.broken(scene.call("2026-11-17 11:59:59", "busy")) == {"US-07"}


def test_messages_of_each_medium_are_few_a_day_and_contacts_few_a_week(scene: Scene) -> None:
    scene.contact("2026-11-16 10:00", "email")
    assert scene.broken(scene.contact("2026-11-16 11:00", "email", purpose="reply", klass="reply")) == set()
    assert scene.broken(scene.contact("2026-11-16 12:00", "email")) == {"US-08"}
    for day in (17, 18, 19, 20):
        for channel in ("email", "in_app", "sms"):
            scene.contact(f"2026-11-{day} 10:00", channel)
    assert scene.broken(scene.contact("2026-11-21 10:00", "email")) == set()
    assert scene.broken(scene.contact("2026-11-21 11:00", "in_app")) == {"US-08"}


def test_texts_of_a_lender_in_its_own_name_need_a_consent_too(scene: Scene) -> None:
    scene.file.consents.clear()
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"US-29"}


def test_two_calls_in_massachusetts() -> None:
    scene = Scene("US-MA")
    scene.call("2026-11-16 10:00", "no_answer")
    assert scene.broken(scene.call("2026-11-17 10:00", "no_answer")) == set()
    assert scene.broken(scene.call("2026-11-22 10:00", "no_answer")) == {"US-73"}
    assert scene.broken(scene.call("2026-11-24 10:00", "no_answer")) == set()


def test_not_at_a_workplace_that_forbids_it(scene: Scene) -> None:
    scene.point("B-mobile", place="work", employer_forbids_at=scene.at("2026-11-23 10:00:00"))
    assert scene.broken(scene.contact("2026-11-23 10:00:00")) == set()
    assert scene.broken(scene.contact("2026-11-23 10:00:01")) == {"US-13"}


def test_no_mail_to_work(scene: Scene) -> None:
    scene.point("B-email", place="work")
    contact = scene.contact("2026-11-23 10:00", "email")
    assert scene.broken(contact) == {"US-15"}
    scene.file.consents.append(Consent("B", "workplace", scene.at("2026-11-01 10:00"), channel="email"))
    assert scene.broken(contact) == set()


def test_others_are_asked_once_and_for_the_whereabouts_only(scene: Scene) -> None:
    scene.approve(purpose="locate")
    once = scene.contact("2026-11-20 10:00", person="S", purpose="locate", approval_id="A")
    assert scene.broken(once) == set()
    twice = scene.contact("2026-11-21 10:00", person="S", purpose="locate", approval_id="A")
    assert scene.broken(twice) == {"US-25"}
    scene.tie(may_ask_again_at=scene.at("2026-11-20 18:00"))
    assert scene.broken(twice) == set()
    scene.approve(purpose="relay")
    assert "US-22" in scene.broken(scene.contact("2026-11-22 10:00", person="S", purpose="relay", approval_id="A"))


def test_a_spouse_is_the_consumer_too(scene: Scene) -> None:
    scene.tie(role="spouse")
    shown = scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())
    assert scene.broken(shown) == {"US-23"}
    scene.tie(evidence="register-1")
    assert scene.broken(shown) == set()


def test_an_artificial_voice_needs_consent(scene: Scene) -> None:
    robot = scene.call("2026-11-23 10:00", "no_answer", artificial_voice=True)
    assert scene.broken(robot) == {"US-70"}
    scene.file.consents.append(Consent("B", "artificial_voice", scene.at("2026-11-01 10:00")))
    assert scene.broken(robot) == set()
    scene.file.consents[-1] = scene.file.consents[-1]._replace(withdrawn_at=scene.at("2026-11-23 09:59:59"))
    assert scene.broken(robot) == {"US-70", "US-71"}


def test_the_law_of_two_places_holds_at_once(scene: Scene) -> None:
    scene.loan(seat="CN")
    for hour in (9, 10):
        scene.contact(f"2026-11-23 {hour:02}:00")
    assert scene.broken(scene.contact("2026-11-23 11:00")) == {"CN-07", "US-08"}
    assert scene.broken(scene.contact("2026-11-24 21:30")) == {"US-10"}
