"""China's rules as the checker reads them, at the boundary second."""

from __future__ import annotations

import pytest

from arrears.prove.model import Placement, day_number
from tests.prove.scenes import NEW_YORK, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene("CN")


@pytest.mark.parametrize(
    ("when", "broken"),
    [
        ("2026-11-23 07:59:59", {"CN-01"}),
        ("2026-11-23 08:00:00", set()),
        ("2026-11-23 21:59:59", set()),
        ("2026-11-23 22:00:00", {"CN-01"}),
        ("2026-11-23 00:00:00", {"CN-01"}),
    ],
)
def test_no_contact_between_ten_at_night_and_eight_in_the_morning(scene: Scene, when: str, broken: set[str]) -> None:
    assert scene.broken(scene.contact(when)) == broken


def test_the_hour_is_the_contacted_persons(scene: Scene) -> None:
    scene.lose_contact()
    scene.person("S", zone=NEW_YORK)
    evening_in_new_york = scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())  # 21:00 there
    night_in_new_york = scene.contact("2026-11-20 11:00", person="S", approval_id="A")  # 22:00 there
    assert "CN-01" not in scene.broken(evening_in_new_york)
    assert "CN-01" in scene.broken(night_in_new_york)


def test_an_unknown_zone_is_no_permitted_hour(scene: Scene) -> None:
    scene.person("B", zone=None)
    assert scene.broken(scene.contact("2026-11-23 10:00")) == {"AR-01", "CN-01"}


def test_hours_that_the_person_agreed_to_are_permitted(scene: Scene) -> None:
    from arrears.prove.model import Consent

    given, withdrawn = scene.at("2026-11-01 10:00"), scene.at("2026-11-25 10:00")
    scene.file.consents.append(Consent("B", "hours", given, starts=22 * 3600, ends=23 * 3600, withdrawn_at=withdrawn))
    assert scene.broken(scene.contact("2026-11-23 22:59:59")) == set()
    assert scene.broken(scene.contact("2026-11-24 23:00:00")) == {"CN-01"}
    assert scene.broken(scene.contact("2026-11-25 22:30:00")) == {"CN-01"}


def test_three_effective_calls_a_day(scene: Scene) -> None:
    for hour in (9, 10, 11):
        scene.call(f"2026-11-23 {hour:02}:00", "answered_delaying")
    assert scene.broken(scene.call("2026-11-23 21:00", "no_answer")) == {"CN-02"}
    assert scene.broken(scene.call("2026-11-24 08:00", "answered_delaying")) == set()


def test_agency_and_lender_share_the_three_calls(scene: Scene) -> None:
    scene.file.placements.append(Placement("R", "L", "L.1", "agency", scene.at("2026-11-10 10:00"), "swift"))
    scene.agency(feed_at=scene.at("2026-11-23 20:00"))
    scene.call("2026-11-23 09:00", "answered_delaying")
    scene.call("2026-11-23 10:00", "answered_delaying")
    scene.reported("2026-11-23 11:00", outcome="answered_delaying")
    assert scene.broken(scene.call("2026-11-23 12:00", "no_answer")) == {"CN-02"}


def test_what_the_agency_told_later_is_no_hindsight(scene: Scene) -> None:
    for hour in (9, 10):
        scene.call(f"2026-11-23 {hour:02}:00", "answered_delaying")
    scene.reported("2026-11-23 11:00", outcome="answered_delaying", known_at=scene.at("2026-11-23 13:00"), by="lender")
    assert scene.broken(scene.call("2026-11-23 12:00", "no_answer")) == set()


def test_an_agencys_report_that_came_late_is_an_incident(scene: Scene) -> None:
    for hour in (9, 10):
        scene.call(f"2026-11-23 {hour:02}:00", "answered_delaying")
    scene.reported("2026-11-23 11:00", outcome="answered_delaying", known_at=scene.at("2026-11-23 13:00"), by="lender")
    fourth = scene.call("2026-11-23 12:00", "answered_delaying")
    assert [(v.rule, v.contact_id, v.late) for v in scene.violations()] == [("CN-02", fourth.contact_id, True)]


def test_a_call_of_which_nobody_knows_how_it_went_counts_as_effective(scene: Scene) -> None:
    for hour in (9, 10):
        scene.call(f"2026-11-23 {hour:02}:00", "answered_delaying")
    scene.call("2026-11-23 11:00", "unknown")
    assert scene.broken(scene.call("2026-11-23 12:00", "no_answer")) == {"CN-02"}


def test_an_inbound_call_is_not_counted(scene: Scene) -> None:
    for hour in (9, 10):
        scene.call(f"2026-11-23 {hour:02}:00", "answered_delaying")
    scene.reported("2026-11-23 11:00", outcome="answered", direction="in", by="lender")
    assert scene.broken(scene.call("2026-11-23 12:00", "no_answer")) == set()


def test_six_unanswered_calls_a_day_and_number(scene: Scene) -> None:
    for hour in range(9, 15):
        scene.call(f"2026-11-23 {hour:02}:00", "no_answer")
    assert scene.broken(scene.call("2026-11-23 16:00", "no_answer")) == {"CN-04"}
    other = scene.file.points["B-mobile"]._replace(point_id="B-2")
    scene.file.points["B-2"] = other
    assert scene.broken(scene.call("2026-11-23 17:00", "no_answer", point_id="B-2")) == set()


def test_the_calls_of_all_loans_count(scene: Scene) -> None:
    for hour in (9, 10, 11):
        scene.call(f"2026-11-23 {hour:02}:00", "answered_delaying", loan_id="of-somebody-else")
    assert scene.broken(scene.call("2026-11-23 12:00", "no_answer")) == {"CN-02"}


@pytest.mark.parametrize(("channel", "most"), [("sms", 2), ("email", 1), ("in_app", 1)])
def test_few_messages_a_day(scene: Scene, channel: str, most: int) -> None:
    for n in range(most):
        scene.contact(f"2026-11-23 {9 + n:02}:00", channel)
    assert scene.broken(scene.contact("2026-11-23 21:00", channel)) == {"CN-07"}
    assert scene.broken(scene.contact("2026-11-24 08:00", channel)) == set()


def test_nobody_but_the_debtor_is_asked_for_money(scene: Scene) -> None:
    scene.lose_contact()
    collects = scene.contact("2026-11-20 10:00", person="S", purpose="collect", approval_id=scene.approve(purpose="collect"))
    assert scene.broken(collects) == {"CN-08"}


def test_who_offered_to_pay_may_be_asked(scene: Scene) -> None:
    scene.tie(volunteered="letter-1")
    scene.approve(purpose="collect")
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", purpose="collect", klass="collect", approval_id="A")) == set()


def test_a_spouse_is_asked_if_the_debt_is_shown_to_be_joint(scene: Scene) -> None:
    scene.tie(role="spouse")
    scene.approve(purpose="collect")
    asked = scene.contact("2026-11-20 10:00", person="S", purpose="collect", klass="collect", approval_id="A")
    assert scene.broken(asked) == {"CN-08", "CN-10", "CN-12"}
    scene.tie(evidence="both-signed")
    assert scene.broken(asked) == set()


def test_an_employer_has_nothing_to_do_with_the_debt(scene: Scene) -> None:
    scene.lose_contact()
    scene.tie(role="employer")
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == {"CN-14"}


def test_the_borrowers_law_protects_them_from_what_others_learn_elsewhere(scene: Scene) -> None:
    scene.person("S", residence="FR", zone="Europe/Paris")
    scene.approve()
    assert scene.broken(scene.contact("2026-11-20 16:00", person="S", approval_id="A", klass="remind")) == {"CN-10", "CN-12", "EU-04"}
    assert "CN-01" in scene.broken(scene.contact("2026-11-21 06:00", person="S", approval_id="A"))  # 23:00 in Paris


def test_a_guarantor_is_asked_on_paper_only(scene: Scene) -> None:
    scene.tie(role="guarantor")
    without = scene.contact("2026-11-20 10:00", person="S", purpose="collect", approval_id=scene.approve(purpose="collect"))
    assert scene.broken(without) == {"CN-09"}
    scene.tie(evidence="deed-1")
    assert scene.broken(without) == set()


def test_a_relative_is_asked_only_after_three_failures_on_two_days(scene: Scene) -> None:
    scene.call("2026-11-18 10:00", "no_answer")
    scene.call("2026-11-18 14:00", "no_answer")
    scene.call("2026-11-18 18:00", "no_answer")
    one_day_only = scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())
    assert scene.broken(one_day_only) == {"CN-10"}
    scene.call("2026-11-19 10:00", "busy")
    assert scene.broken(one_day_only) == set()


@pytest.mark.parametrize("sign", ["answer", "payment", "promise", "unknown"])
def test_a_sign_of_life_begins_the_count_anew(scene: Scene, sign: str) -> None:
    from arrears.prove.model import Sign

    scene.lose_contact()
    match sign:
        case "answer":
            scene.call("2026-11-18 18:00", "answered_refusing")
        case "payment":
            scene.pay("2026-11-18 18:00", "1")
        case "promise":
            promised = scene.at("2026-11-18 18:00")
            scene.file.signs.append(Sign("L", "promise_made", promised, promised))
        case _:
            scene.call("2026-11-18 18:00", "unknown")
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == {"CN-10"}


@pytest.mark.parametrize(
    ("loan_id", "when", "broken"),
    [("L", "2026-11-20 09:59:59", {"CN-61"}), ("L", "2026-11-20 10:00:00", set()), ("M", "2026-11-20 09:59:59", set())],
)
def test_nobody_around_the_borrower_is_contacted_while_a_complaint_on_the_loan_is_open(
    scene: Scene, loan_id: str, when: str, broken: set[str]
) -> None:
    scene.lose_contact()
    scene.hold("complaint", "2026-11-19 10:00", loan_id=loan_id, until=scene.at("2026-11-20 10:00"), person_id="B")
    assert scene.broken(scene.contact(when, person="S", approval_id=scene.approve())) == broken


def test_a_call_that_the_gateway_never_placed_says_nothing(scene: Scene) -> None:
    scene.lose_contact()
    scene.call("2026-11-18 18:00", "failed")
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == set()


def test_an_outcome_that_came_later_was_no_failure_yet(scene: Scene) -> None:
    scene.call("2026-11-16 10:00", "no_answer")
    scene.call("2026-11-17 10:00", "no_answer")
    scene.call("2026-11-20 09:59:30", "no_answer", known_at=scene.at("2026-11-20 10:00:01"))
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == {"CN-10"}


def test_contact_is_lost_when_every_number_is_invalid(scene: Scene) -> None:
    scene.point("B-mobile", invalid_since=scene.at("2026-11-20 09:00"))
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == set()


def test_others_are_told_nothing_about_the_debt(scene: Scene) -> None:
    scene.lose_contact()
    scene.approve()
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id="A", klass="remind")) == {"CN-12"}
    assert scene.broken(scene.contact("2026-11-21 10:00", person="S", approval_id="A", text="他逾期了 500 元")) >= {"CN-12"}


def test_a_refusal_is_final_on_every_loan_and_number(scene: Scene) -> None:
    from arrears.prove.model import Tie

    scene.lose_contact()
    scene.file.ties.append(Tie("somebody-elses-loan", "S", "contact", refused_at=scene.at("2026-11-20 10:00:00")))
    scene.approve()
    assert scene.broken(scene.contact("2026-11-20 10:00:00", person="S", approval_id="A")) == set()
    assert scene.broken(scene.contact("2026-11-20 10:00:01", person="S", approval_id="A")) == {"CN-13", "CN-28"}


def test_a_refusal_that_was_only_an_outcome_is_final_too(scene: Scene) -> None:
    scene.lose_contact()
    scene.contact("2026-11-19 10:00", "call", person="S", outcome="relative_refused", approval_id=scene.approve())
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id="A")) == {"CN-13", "CN-28"}


def test_somebody_whom_nobody_named_is_not_contacted(scene: Scene) -> None:
    scene.lose_contact()
    scene.file.ties.clear()
    assert scene.broken(scene.contact("2026-11-20 10:00", person="S", approval_id=scene.approve())) == {"CN-14"}


def test_nobody_younger_than_fourteen(scene: Scene) -> None:
    import datetime

    scene.lose_contact()
    scene.person("S", born=day_number(datetime.date(2012, 11, 20)))
    scene.approve()
    assert scene.broken(scene.contact("2026-11-19 21:59:59", person="S", approval_id="A")) == {"CN-65"}
    scene.file.contacts.pop()
    assert scene.broken(scene.contact("2026-11-20 08:00:00", person="S", approval_id="A")) == set()


def test_for_a_debtor_under_eighteen_the_representative_acts(scene: Scene) -> None:
    import datetime

    scene.person("B", born=day_number(datetime.date(2008, 11, 23)))
    assert scene.broken(scene.contact("2026-11-22 10:00")) == {"CN-64"}
    assert scene.broken(scene.contact("2026-11-23 10:00")) == set()


def test_while_the_agency_is_silent_nobody_calls(scene: Scene) -> None:
    scene.file.placements.append(Placement("R", "L", "L.1", "agency", scene.at("2026-11-10 10:00"), "swift"))
    scene.agency(feed_at=scene.at("2026-11-22 10:00:00"))
    assert scene.broken(scene.call("2026-11-23 10:00:00", "no_answer")) == set()
    assert scene.broken(scene.call("2026-11-23 10:00:01", "no_answer")) == {"CN-03"}


def test_one_visit_a_day(scene: Scene) -> None:
    scene.file.placements.append(Placement("R", "L", "L.1", "agency", scene.at("2026-11-10 10:00"), "swift"))
    scene.reported("2026-11-23 10:00", "visit", outcome="answered", point_id=None)
    assert scene.broken(scene.reported("2026-11-23 15:00", "visit", outcome="answered", point_id=None)) == {"CN-05", "CN-24"}


def test_an_agency_acts_only_while_it_has_the_case(scene: Scene) -> None:
    scene.file.placements.append(
        Placement("R", "L", "L.1", "agency", scene.at("2026-11-10 10:00"), "swift", recalled_at=scene.at("2026-11-23 12:00:00"))
    )
    assert scene.broken(scene.reported("2026-11-10 09:59:59", outcome="no_answer")) == {"CN-42"}
    assert scene.broken(scene.reported("2026-11-23 12:00:00", outcome="no_answer")) == set()
    assert scene.broken(scene.reported("2026-11-23 12:00:01", outcome="no_answer")) == {"CN-42"}


def test_a_purchaser_asks_after_the_notice_of_the_assignment(scene: Scene) -> None:
    from arrears.prove.model import Notice

    scene.loan(lender_kind="purchaser")
    contact = scene.contact("2026-11-23 10:00")
    assert scene.broken(contact) == {"CN-69"}
    sent = scene.at("2026-11-20 10:00")
    scene.file.notices.append(Notice("L", "B", "assignment", sent))
    assert scene.broken(contact) == {"CN-69"}
    scene.file.notices[0] = scene.file.notices[0]._replace(delivered_at=sent)
    assert scene.broken(contact) == set()
