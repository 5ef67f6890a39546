"""The three ladders, sentence by sentence as their lenders describe them, run through the pure core."""

from __future__ import annotations

from datetime import time, timedelta
from itertools import pairwise

import pytest

from arrears.config.strategies import load
from arrears.domain.attitude import Attitude
from arrears.domain.case import contact_lost
from arrears.domain.events import HoldLifted, HoldPlaced
from arrears.domain.moves import AskApproval, AssignTask, Contact, Refer
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import (
    ContactRung,
    Line,
    Offer,
    Referral,
    ReferralRung,
    RelativesRung,
    Role,
    Rung,
    Strategy,
    TaskKind,
    TaskRung,
)
from tests.domain.simulation import MORNING, ZONE, Trace, a_case, answers, simulate

FENQILE, PAIPAI, HUABEI = load("fenqile"), load("paipai"), load("huabei")
ALL = (FENQILE, PAIPAI, HUABEI)


def on_day(strategy: Strategy, day: int) -> list[tuple[str, str]]:
    """What the ordinary ladder has on a day: what is done, and the message, task or institution."""
    due = sorted((r for r in strategy.ladder if day in r.days), key=lambda r: r.at)
    return [(r.do, _what(r)) for r in due]


def _what(rung: Rung) -> str:
    match rung:
        case TaskRung():
            return rung.task
        case ReferralRung():
            return rung.to
        case _:
            return rung.message


def lived(
    strategy: Strategy, answer: Outcome | None = None, *, owed: str = "3000.00", days: int = 800, approve: bool | None = None
) -> Trace:
    """The life of a case whose borrower answers every call alike, or none."""
    case = a_case(strategy, owed=owed)
    if answer is None:
        return simulate(case, days=days, approve=approve)
    return simulate(case, days=days, approve=approve, answer=answers(answer))


def took(trace: Trace) -> list[str]:
    """The rungs for which something left the house or a human was asked, in order."""
    made = [move for _, move, _ in trace.made if isinstance(move, Contact | AssignTask | Refer | AskApproval)]
    keys = [m.key if isinstance(m, Contact) else m.step for m in made]
    return [key.partition("/")[0].partition(".")[0] for key in keys]


class TestFenqile:
    def test_day_0_is_a_call_and_an_sms_if_it_does_not_reach_the_borrower(self) -> None:
        assert on_day(FENQILE, 0) == [("call", "first-call"), ("sms", "overdue-sms")]
        assert FENQILE.rung("first-sms").only_if.not_reached_by == "first-call"
        assert took(lived(FENQILE, days=1)) == ["first-call", "first-sms"]
        assert took(lived(FENQILE, Outcome.ANSWERED_DELAYING, days=1)) == ["first-call"]

    def test_nothing_happens_on_days_1_and_3(self) -> None:
        assert on_day(FENQILE, 1) == on_day(FENQILE, 3) == []

    def test_day_2_is_a_call_a_letter_a_private_message_and_then_the_overdue_list(self) -> None:
        assert on_day(FENQILE, 2) == [
            ("call", "second-call"),
            ("email", "formal-letter"),
            ("in_app", "private-message"),
            ("refer", "overdue_list"),
        ]

    def test_the_loan_enters_the_overdue_list_only_after_the_borrower_was_told(self) -> None:
        told = FENQILE.rung("overdue-list").only_if.made_before
        assert told == ("letter-with-schedule", "private-message")
        unheard = simulate(a_case(FENQILE), answer=lambda *_: Outcome.FAILED, days=4)
        assert "overdue-list" not in took(unheard)

    def test_no_third_party_is_touched_before_day_4(self) -> None:
        assert min(r.day for r in FENQILE.ladder if isinstance(r, RelativesRung)) >= 4

    def test_from_day_4_a_dedicated_collector_calls_more_often(self) -> None:
        assert ("task", TaskKind.DEDICATED_COLLECTOR) in on_day(FENQILE, 4)
        calls = {day: sum(do == "call" for do, _ in on_day(FENQILE, day)) for day in (0, 2, 4, 5, 6, 7)}
        assert min(calls[day] for day in (4, 5, 6, 7)) > max(calls[0], calls[2])

    def test_a_borrower_who_never_answered_is_called_on_the_reserve_number_and_then_through_relatives(self) -> None:
        reserve = FENQILE.rung("reserve-number-call")
        assert isinstance(reserve, ContactRung)
        assert (reserve.line, reserve.only_if.never_answered) == (Line.RESERVE, True)
        life = took(lived(FENQILE, approve=True, days=9))
        assert life.index("reserve-number-call") < life.index("relay-by-relatives")
        assert not {"reserve-number-call", "relay-by-relatives"} & set(
            took(lived(FENQILE, Outcome.ANSWERED_DELAYING, approve=True, days=9))
        )

    def test_relatives_only_pass_a_message_on_and_only_with_lost_contact_and_a_humans_approval(self) -> None:
        rung = FENQILE.rung("relay-by-relatives")
        assert isinstance(rung, RelativesRung)
        assert (rung.purpose, rung.only_if.lost_contact, rung.approval.role) == ("relay", True, Role.SUPERVISOR)
        asked = next(case for _, move, case in lived(FENQILE, days=9).made if isinstance(move, AskApproval))
        assert contact_lost(asked)
        assert not any(isinstance(move, Contact) and move.person_id for _, move, _ in lived(FENQILE, days=9).made)

    def test_evident_delaying_opens_a_legal_consultation_once(self) -> None:
        assert took(lived(FENQILE, Outcome.ANSWERED_DELAYING)).count("legal-consultation") == 1
        assert "legal-consultation" not in took(lived(FENQILE, Outcome.ANSWERED_HARDSHIP))

    def test_a_borrower_under_strain_is_offered_counselling_once(self) -> None:
        life = took(lived(FENQILE, Outcome.ANSWERED_HARDSHIP))
        assert (life.count("counselling"), life.count("counselling-offer")) == (1, 1)
        assert "counselling" not in took(lived(FENQILE, Outcome.ANSWERED_DELAYING))

    def test_after_a_week_an_agency_gets_the_case_once_the_borrower_was_told(self) -> None:
        rung = FENQILE.rung("agency")
        assert isinstance(rung, ReferralRung)
        assert rung.day > 7
        assert rung.approval is not None
        life = took(lived(FENQILE, approve=True))
        assert life.index("agency-notice") < life.index("agency")
        assert "agency" not in took(simulate(a_case(FENQILE), answer=lambda *_: Outcome.FAILED, days=40))

    def test_an_agency_has_a_term_and_is_followed_by_another_one(self) -> None:
        placements = [
            move for _, move, _ in lived(FENQILE, approve=True).made if isinstance(move, Refer) and move.rung.to is Referral.AGENCY
        ]
        assert [p.rung.agency for p in placements] == ["north-star", "harbour"]
        assert all(p.until is not None for p in placements)

    def test_while_an_agency_has_the_case_the_lender_does_not_call(self) -> None:
        placed = [move for at, move, _ in lived(FENQILE, approve=True).contacts() if timedelta(days=11) < at - MORNING < timedelta(days=69)]
        assert placed == []

    def test_beyond_come_a_lawyers_letter_late_fees_in_writing_and_a_credit_report(self) -> None:
        life = took(lived(FENQILE))
        assert life.index("late-fee-statement") < life.index("credit-report")
        assert "lawyers-letter" in life

    def test_a_sale_is_rare_told_before_and_approved(self) -> None:
        assert "debt-sale" not in took(lived(FENQILE, owed="3000.00", approve=True))
        assert took(lived(FENQILE, owed="8000.00", approve=True))[-3:] == ["sale-notice", "debt-sale", "debt-sale"]
        assert lived(FENQILE, owed="8000.00", approve=True).case.outcome == "sold"
        assert lived(FENQILE, owed="8000.00").case.outcome == "written_off"

    def test_a_lawsuit_is_for_a_large_and_old_debt_and_leads_to_the_judgment_defaulter_list(self) -> None:
        rung = FENQILE.rung("lawsuit")
        assert isinstance(rung, ReferralRung)
        assert rung.only_if.days_past_due_from == 180
        life = took(lived(FENQILE, owed="60000.00", approve=True))
        assert life.index("lawsuit") < life.index("defaulter-list")
        assert not {"lawsuit", "defaulter-list"} & set(took(lived(FENQILE, owed="3000.00", approve=True)))

    def test_a_suspected_fraud_leaves_the_ladder_for_a_human_without_contact_or_offers(self) -> None:
        suspected = HoldPlaced(at=MORNING + timedelta(days=3), reason="suspected-fraud")
        trace = simulate(a_case(FENQILE), [suspected], days=100)
        after = [move for at, move, _ in trace.made if at >= suspected.at]
        assert [m.rung.task for m in after if isinstance(m, AssignTask)] == [TaskKind.PRESERVE_EVIDENCE, TaskKind.INVESTIGATION]
        assert not any(isinstance(m, Contact | Refer | AskApproval) for m in after)

    def test_cleared_it_goes_back_to_the_ladder_where_it_stood(self) -> None:
        suspected = HoldPlaced(at=MORNING + timedelta(days=3), reason="suspected-fraud")
        cleared = HoldLifted(at=MORNING + timedelta(days=30), reason="suspected-fraud")
        trace = simulate(a_case(FENQILE), [suspected, cleared], days=35)
        after = [key for key in took(trace) if key not in ("preserve-evidence", "investigation")]
        assert after[: len(took(lived(FENQILE, days=5)))] == took(lived(FENQILE, days=5))

    def test_confirmed_it_goes_to_the_law(self) -> None:
        events = [
            HoldPlaced(at=MORNING + timedelta(days=3), reason="suspected-fraud"),
            HoldPlaced(at=MORNING + timedelta(days=9), reason="confirmed-fraud"),
        ]
        life = took(simulate(a_case(FENQILE), events, days=40, approve=True))
        assert life[-3:] == ["fraud-legal-consultation", "fraud-lawsuit", "fraud-lawsuit"]


class TestPaipai:
    def test_first_contact_is_an_sms_and_a_call_with_ways_to_repay(self) -> None:
        assert on_day(PAIPAI, 0) == [("sms", "overdue-sms"), ("call", "service-call")]

    def test_sms_come_at_regular_intervals(self) -> None:
        days = PAIPAI.rung("regular-sms").days
        assert len({later - earlier for earlier, later in pairwise(days)}) == 1
        assert len(days) > 5

    def test_collection_calls_also_offer_instalments(self) -> None:
        rung = PAIPAI.rung("collection-call")
        assert isinstance(rung, ContactRung)
        assert Offer.INSTALMENTS in rung.offers
        assert len(rung.days) > 3

    def test_an_email_about_the_consequences_goes_to_whoever_is_not_willing(self) -> None:
        assert "consequences-letter" in took(lived(PAIPAI))
        assert "consequences-letter" not in took(lived(PAIPAI, Outcome.ANSWERED_WILLING))

    def test_telling_relatives_of_the_debt_stands_in_the_ladder_as_published_and_would_need_approval(self) -> None:
        rung = PAIPAI.rung("tell-relatives")
        assert isinstance(rung, RelativesRung)
        assert (rung.purpose, rung.message, rung.approval.role) == ("collect", "tell-relatives", Role.SUPERVISOR)
        assert rung.day >= 30

    def test_what_the_law_leaves_comes_after_it_and_asks_to_pass_a_message_on(self) -> None:
        told, relay = PAIPAI.rung("tell-relatives"), PAIPAI.rung("relay-by-relatives")
        assert isinstance(relay, RelativesRung)
        assert relay.day > told.day
        assert (relay.purpose, relay.only_if.lost_contact) == ("relay", True)

    def test_the_borrower_is_told_their_rights_and_can_have_an_extension_or_instalments(self) -> None:
        assert ("in_app", "your-rights") in on_day(PAIPAI, 1)
        rung = PAIPAI.rung("ways-out")
        assert isinstance(rung, ContactRung)
        assert rung.offers == (Offer.INSTALMENTS, Offer.EXTENSION)
        life = took(lived(PAIPAI, Outcome.ANSWERED_HARDSHIP))
        assert (life.count("ways-out"), life.count("confirm-plan")) == (1, 1)


class TestHuabei:
    def test_the_first_days_are_gentle_messages_and_one_call(self) -> None:
        assert [on_day(HUABEI, day) for day in (0, 1, 3)] == [
            [("in_app", "gentle-reminder")],
            [("sms", "gentle-reminder")],
            [("call", "gentle-call")],
        ]

    def test_daily_life_is_not_disturbed(self) -> None:
        assert (HUABEI.window.start, HUABEI.window.end) == (time(10), time(19))
        assert HUABEI.quiet_days_after_answer > 0

    def test_contact_becomes_more_frequent_step_by_step(self) -> None:
        at = [when for when, _, _ in lived(HUABEI, days=60).contacts()]
        by_fortnight = [sum(timedelta(days=14 * n) <= when - MORNING < timedelta(days=14 * (n + 1)) for when in at) for n in range(1, 4)]
        assert by_fortnight == sorted(by_fortnight)
        assert by_fortnight[0] < by_fortnight[-1]

    def test_calls_offer_instalments_an_adjustment_and_an_extension(self) -> None:
        for name in ("call-now-and-then", "call-more-often"):
            rung = HUABEI.rung(name)
            assert isinstance(rung, ContactRung)
            assert rung.offers == (Offer.INSTALMENTS, Offer.ADJUSTMENT, Offer.EXTENSION)

    def test_customer_service_confirms_a_plan_with_a_willing_borrower(self) -> None:
        assert took(lived(HUABEI, Outcome.ANSWERED_WILLING)).count("confirm-plan") == 1

    def test_the_family_is_never_considered_before_day_30(self) -> None:
        for rung in HUABEI.ladder:
            if isinstance(rung, RelativesRung):
                assert rung.day >= 30
                assert rung.only_if.days_past_due_from == 30

    def test_the_family_is_proposed_for_repeated_delay_or_refusal_only(self) -> None:
        assert HUABEI.rung("family-by-attitude").only_if.attitude == (Attitude.DELAYING, Attitude.REFUSING)
        for answer, proposed in (
            (Outcome.ANSWERED_DELAYING, True),
            (Outcome.ANSWERED_REFUSING, True),
            (Outcome.ANSWERED_WILLING, False),
            (Outcome.ANSWERED_HARDSHIP, False),
        ):
            assert ("family-by-attitude" in took(lived(HUABEI, answer))) == proposed, answer

    def test_risk_control_must_approve_and_the_message_is_a_request_to_help(self) -> None:
        for name in ("family-by-attitude", "family-when-lost"):
            rung = HUABEI.rung(name)
            assert isinstance(rung, RelativesRung)
            assert (rung.approval.role, rung.approval.on_expiry) == (Role.RISK_CONTROL, "skip")
            assert (rung.purpose, rung.message) == ("relay", "friendly-help-request")

    def test_what_the_law_leaves_is_the_same_request_once_contact_is_lost(self) -> None:
        assert "family-when-lost" in took(lived(HUABEI))
        assert "family-when-lost" not in took(lived(HUABEI, Outcome.ANSWERED_DELAYING))

    def test_throughout_there_is_auto_debit_plain_rights_and_debt_advice_for_hardship(self) -> None:
        life = took(lived(HUABEI, Outcome.ANSWERED_HARDSHIP))
        assert {"repay-by-debit", "borrowers-rights", "debt-advice", "counselling"} <= set(life)
        assert life.count("debt-advice") == 1


@pytest.mark.parametrize("strategy", ALL, ids=lambda s: s.strategy)
@pytest.mark.parametrize("answer", [None, Outcome.ANSWERED_WILLING, Outcome.ANSWERED_REFUSING, Outcome.ANSWERED_DISPUTES])
def test_every_ladder_comes_to_its_end(strategy: Strategy, answer: Outcome | None) -> None:
    assert strategy.end is not None
    assert lived(strategy, answer).case.outcome == strategy.end.outcome


@pytest.mark.parametrize("strategy", ALL, ids=lambda s: s.strategy)
def test_no_ladder_contacts_anybody_outside_its_hours(strategy: Strategy) -> None:
    for at, _, _ in lived(strategy, approve=True).contacts():
        assert strategy.window.contains(at, ZONE)


@pytest.mark.parametrize("strategy", ALL, ids=lambda s: s.strategy)
def test_no_ladder_sends_a_borrower_more_than_three_calls_or_two_messages_of_a_kind_a_day(strategy: Strategy) -> None:
    for day in range(730):
        kinds = [do for do, _ in on_day(strategy, day)]
        assert kinds.count("call") <= 3
        assert max(kinds.count(kind) for kind in ("sms", "email", "in_app")) <= 2


@pytest.mark.parametrize("strategy", ALL, ids=lambda s: s.strategy)
def test_every_rung_for_relatives_needs_a_human_and_none_counts_silence_as_a_yes(strategy: Strategy) -> None:
    relatives = [r for r in strategy.ladder if isinstance(r, RelativesRung)]
    assert relatives
    assert not any(isinstance(move, Contact) and move.person_id for _, move, _ in lived(strategy, approve=None).made)
