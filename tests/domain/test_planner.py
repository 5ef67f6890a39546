"""What the planner promises, example by example."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from arrears.domain.apply import apply, apply_all
from arrears.domain.case import days_past_due
from arrears.domain.events import ApprovalDecided, HoldLifted, HoldPlaced, PlanAgreed, PromiseMade, StepDeferred, StepTaken, Withdrawn
from arrears.domain.loan import Instalment
from arrears.domain.moves import AskApproval, AssignTask, Close, Contact, Recall, RemindApprovers, RetractApproval, Wait
from arrears.domain.outcome import Outcome
from arrears.domain.planner import next_move
from tests.domain.simulation import DUE, MORNING, a_case, answers, call, payment, simulate, sms, strategy

RELATIVES = {
    "rung": "ask-relatives",
    "day": 4,
    "at": "11:00",
    "do": "relatives",
    "message": "relay-request",
    "only_if": {"lost_contact": True},
    "approval": {"role": "supervisor", "deadline_hours": 48, "remind_after_hours": 24},
}
AGENCY = {"rung": "agency", "day": 8, "do": "refer", "to": "agency", "agency": "honest-agency", "term_days": 30}


def _at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    """The instant of an hour in Shanghai on a ladder day."""
    return datetime(2026, 11, 2, hour, minute, tzinfo=UTC) + timedelta(days=day, hours=-8)


def _timeline(trace) -> list[tuple[int, str]]:
    return [((at - _at(0, 0)).days, move.key) for at, move, _ in trace.contacts()]


def test_the_first_rung_is_taken_on_the_first_day_past_due_at_its_local_hour():
    case = a_case(strategy(call(0)))
    assert next_move(case, MORNING) == Wait(_at(0), "call-0", "1000.00 CNY overdue; the ladder goes on")
    assert isinstance(next_move(case, _at(0)), Contact)


def test_an_sms_follows_a_call_only_if_the_call_did_not_reach_the_borrower():
    ladder = strategy(call(0), sms(0, only_if={"not_reached_by": "call-0"}))
    assert _timeline(simulate(a_case(ladder))) == [(0, "call-0.1"), (0, "sms-0.1")]
    willing = simulate(a_case(ladder), answer=answers(Outcome.ANSWERED_WILLING))
    assert _timeline(willing) == [(0, "call-0.1")]
    assert willing.case.steps["sms-0.1"].why == "call-0 reached the borrower, or was not tried"


def test_an_sms_that_depends_on_a_deferred_call_waits_for_it():
    case = a_case(strategy(call(0), sms(0, only_if={"not_reached_by": "call-0"})))
    case = apply(case, StepDeferred(at=_at(0), step="call-0.1", until=_at(1, 8)))
    assert next_move(case, _at(0, 12)).until == _at(1, 8)


def test_a_payment_that_clears_the_arrears_closes_the_case_before_anything_else():
    case = apply(a_case(strategy(call(0))), payment("1000.00", _at(0, 9)))
    assert next_move(case, _at(0)) == Close("cured", "nothing is overdue any more")


def test_a_partial_payment_keeps_the_rungs_where_they_are_while_the_oldest_instalment_is_unpaid():
    trace = simulate(a_case(strategy(call(0), call(4))), [payment("400.00", _at(1))])
    assert _timeline(trace) == [(0, "call-0.1"), (4, "call-4.1")]


def test_a_partial_payment_that_settles_the_oldest_instalment_moves_the_ladder_to_the_next_one():
    later = (Instalment(due_on=DUE + timedelta(days=3), amount=Decimal("500.00")),)
    trace = simulate(a_case(strategy(call(0), call(4), call(6)), later=later), [payment("1000.00", _at(5))])
    assert _timeline(trace) == [(0, "call-0.1"), (4, "call-4.1"), (9, "call-6.1")]


def test_a_hold_stops_the_ladder_and_its_days_do_not_count():
    held = [HoldPlaced(at=_at(1), reason="complaint"), HoldLifted(at=_at(6), reason="complaint")]
    trace = simulate(a_case(strategy(call(0), call(4))), held)
    assert _timeline(trace) == [(0, "call-0.1"), (9, "call-4.1")]
    assert days_past_due(trace.case, _at(9)) == 10


def test_a_hold_without_an_end_waits_for_ever():
    case = apply(a_case(strategy(call(0))), HoldPlaced(at=MORNING, reason="dispute"))
    assert next_move(case, _at(30)) == Wait(None, "nothing planned", "the ladder stands still: dispute", "dispute")


def test_a_promise_stops_the_ladder_until_it_is_broken():
    promise = PromiseMade(at=_at(0, 12), amount=Decimal("1000.00"), currency="CNY", due_on=date(2026, 11, 5))
    trace = simulate(a_case(strategy(call(0), call(2))), [promise])
    assert _timeline(trace) == [(0, "call-0.1"), (7, "call-2.1")]
    assert [p.kept for p in trace.case.promises] == [False]


def test_a_kept_promise_cures_the_case():
    promise = PromiseMade(at=_at(0, 12), amount=Decimal("1000.00"), currency="CNY", due_on=date(2026, 11, 5))
    trace = simulate(a_case(strategy(call(0), call(2))), [promise, payment("1000.00", _at(2))])
    assert trace.case.outcome == "cured"
    assert _timeline(trace) == [(0, "call-0.1")]


def test_a_plan_in_good_standing_stops_everything_and_its_completion_ends_the_case():
    plan = PlanAgreed(
        at=_at(0, 12),
        currency="CNY",
        instalments=(
            Instalment(due_on=date(2026, 11, 10), amount=Decimal(400)),
            Instalment(due_on=date(2026, 12, 10), amount=Decimal(400)),
        ),
    )
    paid = [payment("400", _at(7), "p1"), payment("400", _at(30), "p2")]
    assert simulate(a_case(strategy(call(0), call(4))), [plan, *paid]).case.outcome == "on_plan_completed"
    broken = simulate(a_case(strategy(call(0), call(4))), [plan, paid[0]])
    assert broken.case.plan.broken_at is not None
    assert _timeline(broken)[0] == (0, "call-0.1")
    assert _timeline(broken)[1][1] == "call-4.1"


def test_relatives_are_only_asked_for_when_contact_is_lost():
    ladder = strategy(call(0), call(1), call(2), RELATIVES)
    reached = simulate(a_case(ladder), answer=answers(Outcome.ANSWERED_DELAYING))
    assert reached.case.steps["ask-relatives.1"].why == "contact is not lost"
    assert not any(isinstance(m, AskApproval) for _, m, _ in reached.made)


def test_relatives_are_contacted_one_by_one_after_a_humans_approval():
    trace = simulate(a_case(strategy(call(0), call(1), call(2), RELATIVES)), approve=True)
    assert [key for _, key in _timeline(trace)][3:] == ["ask-relatives.1/P-2", "ask-relatives.1/P-3"]
    assert trace.case.steps["ask-relatives.1"].outcome is Outcome.DONE


def test_no_further_relative_is_contacted_once_the_message_was_passed_on():
    trace = simulate(a_case(strategy(call(0), call(1), call(2), RELATIVES)), approve=True, relatives=Outcome.RELAYED)
    assert [key for _, key in _timeline(trace)][3:] == ["ask-relatives.1/P-2"]
    assert trace.case.steps["ask-relatives.1"].why == "the message was passed on"


def test_a_denied_approval_passes_the_relatives_over():
    trace = simulate(a_case(strategy(call(0), call(1), call(2), RELATIVES)), approve=False)
    assert len(trace.contacts()) == 3
    assert trace.case.steps["ask-relatives.1"].why == "approval was denied"


def test_nobody_deciding_reminds_once_and_then_passes_over():
    trace = simulate(a_case(strategy(call(0), call(1), call(2), RELATIVES, call(9))))
    assert sum(isinstance(m, RemindApprovers) for _, m, _ in trace.made) == 1
    assert trace.case.steps["ask-relatives.1"].why == "nobody decided before the deadline"
    assert _timeline(trace)[-1] == (9, "call-9.1")


def test_the_ladder_goes_on_while_an_approval_is_waited_for():
    trace = simulate(a_case(strategy(call(0), call(1), call(2), RELATIVES, call(5))))
    assert (5, "call-5.1") in _timeline(trace)


def test_an_answer_of_the_borrower_voids_a_granted_approval():
    case = a_case(strategy(call(0), call(1), call(2), RELATIVES))
    trace = simulate(case, days=4)
    ask = next_move(trace.case, _at(4, 11))
    assert isinstance(ask, AskApproval)
    asked = apply_all(
        simulate(trace.case, start=_at(4, 11), days=0).case,
        [
            *_asked(ask),
            ApprovalDecided(at=_at(4, 12), approval_id=ask.approval_id, decision="approve", operator="op-1"),
            payment("1.00", _at(4, 13)),
        ],
    )
    assert next_move(asked, _at(4, 14)) == RetractApproval(ask.approval_id, "a payment arrived")


def test_a_placed_case_leaves_contact_to_the_agency_and_recalls_at_the_end_of_the_term():
    trace = simulate(a_case(strategy(call(0), AGENCY, call(10), call(60))))
    assert trace.case.steps["call-10.1"].why == "contact is left to honest-agency while the case is placed"
    assert [m.why for _, m, _ in trace.made if isinstance(m, Recall)] == ["term ended"]
    assert _timeline(trace)[-1] == (60, "call-60.1")


def test_a_payment_recalls_a_placed_case_before_it_closes():
    trace = simulate(a_case(strategy(call(0), AGENCY)), [payment("1000.00", _at(20))])
    kinds = [type(m) for _, m, _ in trace.made]
    assert kinds[-2:] == [Recall, Close]


def test_suspected_fraud_leaves_the_ordinary_ladder_and_comes_back_to_the_right_rung():
    track = {
        "track": "fraud",
        "while_held_for": "suspected-fraud",
        "ladder": [{"rung": "investigate", "day": 0, "at": "09:00", "do": "task", "task": "investigation", "role": "risk_control"}],
    }
    ladder = strategy(call(0), call(2), call(4), tracks=[track])
    held = [HoldPlaced(at=_at(1, 12), reason="suspected-fraud"), HoldLifted(at=_at(8, 12), reason="suspected-fraud")]
    trace = simulate(a_case(ladder), held)
    assert _timeline(trace) == [(0, "call-0.1"), (9, "call-2.1"), (11, "call-4.1")]
    assert [m.step for _, m, _ in trace.made if isinstance(m, AssignTask)] == ["investigate.1"]


def test_a_worker_that_was_down_for_days_works_off_one_ladder_day_a_day():
    trace = simulate(a_case(strategy(call(0), call(1), call(2), call(5))), late_wakes=[timedelta(days=3)])
    assert _timeline(trace) == [(3, "call-0.1"), (4, "call-1.1"), (5, "call-2.1"), (6, "call-5.1")]


def test_a_late_rung_waits_for_the_lenders_hours():
    case = a_case(strategy(call(0)))
    assert next_move(case, _at(0, 21)) == Wait(_at(1, 9), "call-0", "outside the lender's hours")


def test_an_old_book_starts_at_its_right_rung():
    case = a_case(strategy(call(0), call(4), call(30)), opened_at=MORNING + timedelta(days=10))
    trace = simulate(case, start=MORNING + timedelta(days=10))
    assert _timeline(trace) == [(30, "call-30.1")]


def test_a_case_with_nothing_owed_closes_without_a_contact():
    case = a_case(strategy(call(0))).model_copy(update={"facts": a_case(strategy(call(0))).facts.model_copy(update={"instalments": ()})})
    assert next_move(case, MORNING) == Close("cured", "nothing is overdue")


def test_a_withdrawn_case_closes_its_open_request_first():
    case = a_case(strategy(call(0), call(1), call(2), RELATIVES))
    trace = simulate(case, [Withdrawn(at=_at(4, 12), reason="sold to parent")])
    assert trace.case.outcome == "withdrawn"
    assert [type(m) for _, m, _ in trace.made][-2:] == [RetractApproval, Close]


def test_the_end_of_the_ladder_closes_the_case():
    trace = simulate(a_case(strategy(call(0), end={"day": 40, "outcome": "written_off"})))
    assert trace.case.outcome == "written_off"
    assert trace.case.closed_at == _at(40, 9)


def test_a_debt_that_was_sold_ends_the_case():
    sale = {"rung": "sale", "day": 30, "do": "refer", "to": "debt_sale"}
    assert simulate(a_case(strategy(call(0), sale))).case.outcome == "sold"


def test_public_holidays_put_a_rung_off_when_the_strategy_says_so():
    case = a_case(strategy(call(0), call(1), rest_days="skip"))
    rest = case.calendar.model_copy(update={"rest_days": frozenset({date(2026, 11, 2), date(2026, 11, 3)})})
    trace = simulate(case.model_copy(update={"calendar": rest}))
    assert _timeline(trace) == [(2, "call-0.1"), (3, "call-1.1")]


def test_a_denied_contact_is_settled_with_its_rules_and_the_ladder_goes_on():
    case = apply(a_case(strategy(call(0), call(1))), StepTaken(at=_at(0), step="call-0.1", outcome=Outcome.DENIED, rules=("CN-16",)))
    move = next_move(case, _at(1))
    assert isinstance(move, Contact)
    assert move.step == "call-1.1"


def _asked(ask: AskApproval):
    from arrears.domain.events import ApprovalAsked

    return [
        ApprovalAsked(
            at=_at(4, 11), approval_id=ask.approval_id, step=ask.step, people=("P-2",), remind_at=ask.remind_at, deadline=ask.deadline
        )
    ]


def test_a_step_that_was_due_before_a_payment_was_heard_keeps_the_quiet_days_as_well():
    case = a_case(strategy(call(0), quiet_days_after_payment=2))
    heard_late = apply(case, payment("400.00", _at(0, 10, 1)))
    assert next_move(heard_late, _at(0, 10, 1)).until == _at(2)
    assert isinstance(next_move(heard_late, _at(2)), Contact)
    assert next_move(heard_late, _at(2, 8, 59)).until == _at(2), "the pause has ended, the step's own hour has not come"


def test_a_step_that_was_put_off_into_a_pause_waits_until_the_pause_ends():
    case = apply(a_case(strategy(call(0), quiet_days_after_payment=2)), StepDeferred(at=_at(0), step="call-0.1", until=_at(1, 9)))
    assert next_move(apply(case, payment("400.00", _at(0, 15))), _at(1, 9)).until == _at(2)
