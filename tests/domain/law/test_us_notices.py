"""The United States: validation and dispute, time-barred debts, credit bureaus, bankruptcy, death and military service."""

from __future__ import annotations

import pytest

from arrears.domain.verdict import Effect
from tests.domain.law.abroad import Given, us

DENY = Effect.DENY


@pytest.mark.parametrize(("at", "effect"), [("2026-11-15T23:59:59", None), ("2026-11-16T00:00:00", DENY)])
def test_us_40_five_days_after_the_first_communication_the_information_is_out(at: str, effect: Effect | None) -> None:
    told = us("letter").loan(capacity="third_party").past("2026-11-10T10:00", "answered").at(at)
    assert told.effect("US-40") is effect
    assert told.notice("validation", "2026-11-12T10:00").effect("US-40") is None


def test_us_40_information_that_came_back_was_not_sent() -> None:
    told = us("letter").loan(capacity="third_party").past("2026-11-10T10:00", "answered")
    assert told.notice("validation", "2026-11-12T10:00", bounced_at="2026-11-13T10:00:00Z").effect("US-40") is DENY


def test_us_40_each_collector_sends_its_own() -> None:
    told = us("letter").action(by="agency-1").past("2026-11-10T10:00", "answered", by="agency-1")
    assert told.notice("validation", "2026-11-12T10:00", agency="agency-2").effect("US-40") is DENY
    assert told.notice("validation", "2026-11-12T10:00", agency="agency-1").effect("US-40") is None


@pytest.mark.parametrize(
    "past", [{"outcome": "no_answer"}, {"outcome": "voicemail", "class": "limited_content"}, {"outcome": "bounced", "channel": "email"}]
)
def test_us_40_what_told_nothing_was_no_communication(past: dict[str, str]) -> None:
    told = us("letter").loan(capacity="third_party")
    assert told.past("2026-11-01T10:00", **past).effect("US-40") is None


def test_us_40_the_information_itself_and_answers_still_go_out() -> None:
    late = {"capacity": "third_party"}
    assert (
        us("letter", klass="notice", purpose="notice")
        .message(notice="validation")
        .loan(**late)
        .past("2026-11-01T10:00", "answered")
        .effect("US-40")
        is None
    )
    assert us("letter", klass="reply", purpose="reply").loan(**late).past("2026-11-01T10:00", "answered").effect("US-40") is None


@pytest.mark.parametrize("purpose", ["collect", "remind", "offer", "will_remedy"])
def test_us_42_a_disputed_debt_is_not_collected(purpose: str) -> None:
    assert us("letter", purpose=purpose).hold("dispute").effect("US-42") is DENY


@pytest.mark.parametrize("purpose", ["reply", "verification", "notice"])
def test_us_42_it_is_answered(purpose: str) -> None:
    assert us("letter", purpose=purpose).hold("dispute").effect("US-42") is None


@pytest.mark.parametrize(("sent", "effect"), [("2026-11-10T09:59:59", DENY), ("2026-11-10T10:00:00", None)])
def test_us_42_a_verification_sent_since_ends_it(sent: str, effect: Effect | None) -> None:
    assert us("letter").hold("dispute").notice("verification", sent).effect("US-42") is effect


@pytest.mark.parametrize("to", ["agency", "lawsuit", "credit_report", "debt_sale"])
def test_us_42_it_is_handed_to_nobody(to: str) -> None:
    assert us().refer(to).hold("dispute").effect("US-42") is DENY
    assert us().refer(to).effect("US-42") is None


def test_us_42_a_dispute_about_another_loan_holds_nothing_here() -> None:
    told = us()
    told.document["loans"].append({"loan_id": "L-2", "borrower": "P-1"})
    assert told.hold("dispute", loan="L-2").effect("US-42") is None


def validation(channel: str) -> Given:
    return us(channel, klass="notice", purpose="notice").message(notice="validation")


def test_us_45_electronic_disclosures_need_consent_after_the_first_communication() -> None:
    assert validation("email").effect("US-45") is None
    spoken = validation("email").past("2026-11-15T10:00", "answered")
    assert spoken.effect("US-45") is DENY
    assert spoken.consent("electronic_notices", "2026-11-15T10:05").effect("US-45") is None
    assert validation("letter").past("2026-11-15T10:00", "answered").effect("US-45") is None


def test_us_45_a_voice_cannot_be_kept() -> None:
    assert validation("call").effect("US-45") is DENY


def test_us_45_what_came_back_is_sent_another_way() -> None:
    told = validation("email").past("2026-11-15T10:00", "bounced", "email", contact_point="p1")
    assert told.effect("US-45") is DENY
    assert validation("letter").past("2026-11-15T10:00", "bounced", "email", contact_point="p1").effect("US-45") is None


def test_us_45_other_messages_are_no_disclosures() -> None:
    assert us("email").past("2026-11-15T10:00", "answered").effect("US-45") is None


@pytest.mark.parametrize(("ends", "effect"), [("2026-11-17", DENY), ("2026-11-18", None), (None, DENY)])
def test_us_46_no_lawsuit_after_limitation_or_without_its_date(ends: str | None, effect: Effect | None) -> None:
    assert us().refer("lawsuit").loan(limitation_ends_on=ends).effect("US-46") is effect


def test_us_46_no_threat_of_one() -> None:
    threat = "We may take you to court."
    assert us("letter").loan(limitation_ends_on="2026-11-17").text(threat).effect("US-46") is DENY
    assert us("letter").loan(limitation_ends_on="2026-11-18").text(threat).effect("US-46") is None
    assert us("letter").text(threat).effect("US-46") is DENY
    assert us("letter").effect("US-46") is None
    assert us("letter", klass="will_remedy", purpose="will_remedy").loan(limitation_ends_on="2026-11-17").effect("US-46") is DENY
    assert us("letter").loan(limitation_ends_on="2026-11-17").text("Please call us.").effect("US-46") is None


def test_us_46_the_last_day_is_the_borrowers_local_one() -> None:
    assert us().refer("lawsuit").loan(limitation_ends_on="2026-11-17").at("2026-11-17T23:59:59").effect("US-46") is None


@pytest.mark.parametrize(("sent", "until"), [("2026-11-04T12:00:00", None), ("2026-11-04T12:00:01", "2026-11-18T12:00:01")])
@pytest.mark.parametrize("to", ["credit_report", "overdue_list"])
def test_us_47_fourteen_days_pass_before_a_bureau_is_told(to: str, sent: str, until: str | None) -> None:
    assert us().refer(to).notice("credit", sent).until("US-47") == until
    assert us().refer(to).past(sent, "delivered", "letter").until("US-47") == until


def test_us_47_who_was_spoken_to_needs_no_waiting_and_who_was_not_reached_is_not_reported() -> None:
    assert us().refer("credit_report").past("2026-11-18T11:00", "answered").effect("US-47") is None
    assert us().refer("credit_report").past("2026-10-01T11:00", "bounced", "email").effect("US-47") is DENY
    assert us().refer("credit_report").past("2026-10-01T11:00", "answered", loan="L-2").effect("US-47") is DENY


def test_us_60_bankruptcy_stays_everything_but_counsel() -> None:
    assert us().hold("bankruptcy", person="P-1").effect("US-60") is DENY
    assert us("letter", purpose="reply").hold("bankruptcy", person="P-1").effect("US-60") is DENY
    assert us().refer("agency", agency="north").hold("bankruptcy", person="P-1").effect("US-60") is DENY
    assert us().hold("bankruptcy", person="P-1").to("attorney").effect("US-60") is None
    assert us().to("guarantor").hold("bankruptcy", person="guarantor").effect("US-60") is DENY


def test_us_60_reaches_all_loans_of_the_one_who_filed() -> None:
    told = us()
    told.document["loans"].append({"loan_id": "L-2", "borrower": "P-1"})
    assert told.hold("bankruptcy", loan="L-2", person="P-1").effect("US-60") is DENY


@pytest.mark.parametrize(
    ("relation", "effect"), [("spouse", None), ("executor", None), ("attorney", None), ("contact", DENY), ("legal_representative", DENY)]
)
def test_us_61_after_a_death_spouse_and_estate_are_spoken_to(relation: str, effect: Effect | None) -> None:
    assert us().hold("deceased", person="P-1").effect("US-61") is DENY
    assert us().hold("deceased", person="P-1").to(relation).effect("US-61") is effect


@pytest.mark.parametrize(("cost", "effect"), [("6", None), ("6.01", DENY), (None, DENY)])
def test_us_62_six_per_cent_on_active_duty(cost: str | None, effect: Effect | None) -> None:
    told = us().loan(annual_cost=cost)
    assert told.effect("US-62") is None
    assert told.person(circumstances=["active_duty"]).effect("US-62") is effect


def test_us_62_a_question_is_answered_all_the_same() -> None:
    assert us("letter", purpose="reply").person(circumstances=["active_duty"]).effect("US-62") is None
