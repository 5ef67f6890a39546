"""Our own rules, which no file can switch off; judged alone, without any law."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from arrears.domain.holds import HOLDS, HoldReason, ends_at, in_force
from arrears.domain.law.house import HOUSE
from arrears.domain.law.rule import RULES
from arrears.domain.situation import Hold, Situation
from arrears.domain.verdict import Effect, Finding
from tests.domain.law.situations import approval, called, document, shanghai, situation, to_relative


def finding(rule: str, given: Situation | dict[str, Any]) -> Finding | None:
    s = given if isinstance(given, Situation) else Situation.model_validate(given)
    return RULES[rule].find(s, HOUSE[rule], s.at)


def effect(rule: str, given: Situation | dict[str, Any]) -> Effect | None:
    found = finding(rule, given)
    return found.effect if found else None


@pytest.mark.parametrize("rule", HOUSE)
@pytest.mark.parametrize("ordinary", [document(), to_relative()], ids=["borrower", "relative"])
def test_an_ordinary_contact_breaks_no_house_rule(rule: str, ordinary: dict[str, Any]) -> None:
    assert finding(rule, ordinary) is None


@pytest.mark.parametrize("amount", ["0", "-3.20"])
def test_ar_01_nobody_is_contacted_when_nothing_is_overdue(amount: str) -> None:
    assert effect("AR-01", situation(loans__owed={"amount": amount, "currency": "CNY"})) is Effect.DENY


def test_ar_01_an_unknown_balance_denies() -> None:
    assert effect("AR-01", situation(loans__owed=None)) is Effect.DENY


def test_ar_01_an_answer_to_a_question_may_be_given_when_nothing_is_owed() -> None:
    assert effect("AR-01", situation(loans__owed=None, action__purpose="reply", action__message={"class": "reply"})) is None


def test_ar_02_a_relative_is_contacted_only_with_an_approval() -> None:
    given = to_relative()
    given["action"]["approval"] = None
    found = finding("AR-02", given)
    assert found is not None
    assert (found.effect, found.role) == (Effect.NEEDS_APPROVAL, "supervisor")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "denied"}, "denied"),
        ({"state": "open", "decided_by": None, "decided_at": None}, "open"),
        ({"requested_by": "op-1"}, "who asked"),
        ({"case_id": "L-9.1"}, "another case"),
        ({"purpose": "locate"}, "another purpose"),
        ({"contents": {"P-9": "b" * 64}}, "does not name this person"),
        ({"contents": {"P-2": "c" * 64}}, "another text"),
        ({"decided_at": "2026-11-11T12:00:00+08:00", "asked_at": "2026-11-11T11:00:00+08:00"}, "more than 7 days"),
        ({"expires_at": "2026-11-18T12:00:00+08:00"}, "time is over"),
        ({"decided_at": "2026-11-18T12:00:01+08:00"}, "not granted yet"),
    ],
)
def test_ar_02_an_approval_is_of_exactly_this_contact(changes: dict[str, Any], why: str) -> None:
    given = to_relative()
    given["approvals"] = [approval(**changes)]
    found = finding("AR-02", given)
    assert found is not None
    assert found.effect is Effect.DENY
    assert why in found.observed


def test_ar_02_an_answer_of_the_borrower_since_it_was_asked_for_ends_an_approval() -> None:
    given = to_relative()
    given["history"].append(called("c9", "2026-11-17T13:00", "answered_delaying"))
    assert effect("AR-02", given) is Effect.DENY


def test_ar_02_a_payment_since_it_was_asked_for_ends_an_approval() -> None:
    given = to_relative(loans__last_sign_at="2026-11-17T13:00:00+08:00")
    assert effect("AR-02", given) is Effect.DENY


def test_ar_02_the_borrowers_attorney_is_spoken_to_without_an_approval() -> None:
    given = to_relative(loans__ties=[{"person": "P-2", "relation": "attorney", "evidence": "E-1"}])
    given["action"]["approval"] = None
    assert effect("AR-02", given) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"action__contact_point": None},
        {"people__contact_points": [{"contact_point_id": "m1", "invalid": True}]},
        {"people__contact_points": [{"contact_point_id": "m1", "kind": "landline"}]},
    ],
    ids=["none", "invalid", "of another kind"],
)
def test_ar_03_a_contact_needs_a_usable_address(changes: dict[str, Any]) -> None:
    assert effect("AR-03", situation(**changes)) is Effect.DENY


def hold(reason: str, **more: Any) -> dict[str, Any]:
    return {"hold_id": "H-1", "reason": reason, "placed_at": "2026-11-17T12:00:00+08:00", "loan": "L-1", **more}


_OF_THE_BORROWER = [reason for reason, terms in HOLDS.items() if terms.scope != "agency"]


@pytest.mark.parametrize("reason", [*_OF_THE_BORROWER, "suspected-fraud", "some-reason-of-the-lender"])
def test_ar_04_a_hold_stops_collection(reason: str) -> None:
    found = finding("AR-04", situation(holds=[hold(reason)]))
    assert found is not None
    assert (found.effect, found.facts) == (Effect.DENY, ("H-1",))


@pytest.mark.parametrize("reason", _OF_THE_BORROWER)
def test_ar_04_a_hold_permits_what_its_terms_say(reason: HoldReason) -> None:
    for purpose in ("collect", "remind", "offer", "notice", "reply", "verification", "terminate", "may_remedy", "will_remedy"):
        expected = Effect.ALLOW if purpose in HOLDS[reason].permits else Effect.DENY
        assert effect("AR-04", situation(holds=[hold(reason)], action__purpose=purpose)) is expected, purpose


def test_ar_04_a_hold_on_the_person_reaches_all_their_loans() -> None:
    other = {"loan_id": "L-2", "borrower": "P-1", "owed": {"amount": "5", "currency": "CNY"}}
    loans = [document()["loans"][0], other]
    assert effect("AR-04", situation(loans=loans, holds=[hold("deceased", loan="L-2")])) is Effect.DENY
    assert effect("AR-04", situation(loans=loans, holds=[hold("dispute", loan="L-2")])) is None


def test_ar_04_a_complaint_about_an_agency_stops_that_agency_only() -> None:
    complaint = hold("complaint", agency="north")
    assert effect("AR-04", situation(holds=[complaint])) is None
    assert effect("AR-04", situation(holds=[complaint], action__by="north")) is Effect.DENY
    assert effect("AR-04", situation(holds=[complaint], action__by="south")) is None


def test_ar_04_the_executor_may_be_contacted_about_the_estate() -> None:
    given = to_relative(loans__ties=[{"person": "P-2", "relation": "executor", "evidence": "E-1"}], holds=[hold("deceased")])
    given["action"]["purpose"] = "collect"
    assert effect("AR-04", given) is Effect.ALLOW


def test_ar_04_a_hold_is_over_at_the_second_it_ends() -> None:
    ending = hold("hardship", until="2026-11-18T12:00:00+08:00")
    assert effect("AR-04", situation(holds=[ending])) is None
    assert effect("AR-04", situation(holds=[ending], at="2026-11-18T11:59:59+08:00")) is Effect.DENY


def test_a_breathing_space_lasts_sixty_days_if_nobody_says_when_it_ends() -> None:
    placed = shanghai("2026-11-17T12:00")
    space = Hold(hold_id="H-1", reason=HoldReason.BREATHING_SPACE, placed_at=placed)
    assert in_force(space, placed + timedelta(days=60, seconds=-1))
    assert not in_force(space, placed + timedelta(days=60))


def test_a_mental_health_crisis_holds_until_thirty_days_after_the_treatment() -> None:
    placed = shanghai("2026-11-17T12:00")
    crisis = Hold(hold_id="H-1", reason=HoldReason.MENTAL_HEALTH_CRISIS, placed_at=placed)
    assert ends_at(crisis) is None
    ended = crisis.model_copy(update={"treatment_ends_on": shanghai("2026-12-01T00:00").date()})
    assert in_force(ended, shanghai("2026-12-31T00:00"))
    assert not in_force(ended, shanghai("2027-01-02T00:00"))


def referral(to: str, **more: Any) -> dict[str, Any]:
    return {"kind": "referral", "to": to, "loan": "L-1", "case_id": "L-1.1", "step": "refer.1", **more}


def test_ar_04_a_case_under_a_hold_of_the_law_is_not_handed_over() -> None:
    assert effect("AR-04", situation(action=referral("agency", agency="north"), holds=[hold("dispute")])) is Effect.DENY


def test_ar_04_a_case_held_for_fraud_is_handed_over_as_its_strategy_says_if_it_knows_of_the_hold() -> None:
    assert effect("AR-04", situation(action=referral("lawyer"), holds=[hold("confirmed-fraud")])) is None
    assert effect("AR-04", situation(action=referral("lawyer"), holds=[hold("confirmed-fraud", heard=False)])) is Effect.DENY


def test_ar_02_a_referral_that_needs_an_approval_has_one_of_its_own_step() -> None:
    grant = approval(step="refer.1", purpose=None, contents={})
    lawsuit = referral("lawsuit", needs_approval=True)
    assert effect("AR-02", situation(action=lawsuit)) is Effect.NEEDS_APPROVAL
    assert effect("AR-02", situation(action=lawsuit | {"approval": "A-1"}, approvals=[grant])) is None
    assert effect("AR-02", situation(action=lawsuit | {"approval": "A-1"}, approvals=[grant | {"step": "refer.2"}])) is Effect.DENY


def test_ar_05_a_payment_that_the_case_has_not_heard_of_is_heard_first() -> None:
    found = finding("AR-05", situation(loans__unheard_payments=["pay-1"]))
    assert found is not None
    assert (found.effect, found.facts) == (Effect.DENY, ("pay-1",))


def test_ar_06_half_a_text_is_never_sent() -> None:
    assert effect("AR-06", situation(action__message=None)) is Effect.DENY


def test_ar_08_nothing_is_done_for_a_case_that_has_ended() -> None:
    assert effect("AR-08", situation(loans__case_open=False)) is Effect.DENY
