"""A payment that is taken back: as if it had never been made, but nothing that was skipped meanwhile is caught up with in a rush."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.domain.agenda import ladder_day
from arrears.domain.apply import apply, apply_all, objection
from arrears.domain.case import Case, arrears, days_past_due, entry_day, is_cured, open_case, paid
from arrears.domain.events import (
    ApprovalAsked,
    CaseClosed,
    OpeningFacts,
    PlanAgreed,
    PlanBroken,
    PromiseJudged,
    PromiseMade,
    StepTaken,
    Withdrawn,
)
from arrears.domain.loan import Instalment, Payment, TakenBack, times_covered
from arrears.domain.moves import Note, RetractApproval, Wait
from arrears.domain.outcome import Outcome
from arrears.domain.planner import begins_anew, next_move
from tests.domain.simulation import DUE, MORNING, a_case, call, payment, reversal, simulate, sms, strategy

LADDER = strategy(call(0), sms(0), call(1), call(2), sms(4), call(4), call(7, repeat={"every": 3, "until_day": 25}), call(30))
DECEMBER = (Instalment(due_on=date(2026, 12, 1), amount=Decimal("500.00")),)


def _at(day: int, hour: int = 10) -> datetime:
    """The instant of an hour in Shanghai, counted in days from the first day past due."""
    return datetime(2026, 11, 2, hour, tzinfo=UTC) + timedelta(days=day, hours=-8)


def _when(trace) -> dict[str, datetime]:
    return {move.step: at for at, move, _ in trace.contacts()}


def test_a_payment_that_is_taken_back_is_owed_again():
    case = apply_all(a_case(LADDER), [payment("400.00", _at(1)), reversal(_at(2))])
    assert (paid(case), arrears(case, _at(2)).amount, days_past_due(case, _at(2))) == (0, 1000, 3)


def test_a_payment_that_is_told_again_after_it_was_taken_back_does_not_count():
    case = apply_all(a_case(LADDER), [payment("400.00", _at(1)), reversal(_at(2)), payment("400.00", _at(3))])
    assert paid(case) == 0


def test_a_payment_is_taken_back_once():
    once = apply_all(a_case(LADDER), [payment("400.00", _at(1)), payment("100.00", _at(1), "pay-2"), reversal(_at(2))])
    assert apply(once, reversal(_at(3))) == once
    assert objection(once, reversal(_at(3))) is None
    assert paid(once) == 100


def test_a_payment_that_nobody_heard_of_cannot_be_taken_back():
    case = a_case(LADDER)
    assert objection(case, reversal(_at(1))) == "payment_id: no payment pay-1 that could be taken back is known to this case"
    assert apply(case, reversal(_at(1))) == case


def test_what_was_done_about_the_payment_stays_done():
    """The days of quiet that it brought, the request that it made void, the failures that it forgave."""
    case = a_case(strategy(call(0), call(4), quiet_days_after_payment=3))
    case = apply_all(case, [StepTaken(at=_at(0), step=f"lost-{n}", outcome=Outcome.NO_ANSWER) for n in range(3)])
    asked = ApprovalAsked(at=_at(1), approval_id="a", step="relatives", people=("P-2",), remind_at=_at(2), deadline=_at(3))
    case = apply_all(case, [asked, payment("400.00", _at(2)), reversal(_at(2, 12))])
    assert next_move(case, _at(2, 12)) == RetractApproval("a", "a payment arrived")
    assert (case.failures_in_a_row, case.requests[0].state) == (0, "void")
    assert [(p.reason, p.until) for p in case.quiet] == [("payment", _at(5, 0))]


def test_the_ladder_goes_on_where_it_stood_when_the_payment_came():
    """The payment settled November on the ladder's day 39; it was taken back eleven days later."""
    case = apply(a_case(LADDER, later=DECEMBER), payment("1000.00", _at(39)))
    assert ladder_day(case, _at(50)) == 20
    case = apply(case, reversal(_at(50)))
    assert (ladder_day(case, _at(50)), days_past_due(case, _at(50))) == (39, 51)
    assert ladder_day(case, _at(51)) == 40


def test_nothing_that_was_skipped_is_caught_up_with_in_a_rush():
    """November was paid on its ladder's day 32 and is owed again on day 45: what is left of the ladder keeps its distances."""
    ladder = strategy(call(0), call(10), call(31), call(33), call(35), call(36), call(50))
    trace = simulate(a_case(ladder, later=DECEMBER), [payment("1000.00", _at(32)), reversal(_at(45))])
    steps = {move.step.partition(".")[0]: (at - _at(0, 0)).days for at, move, _ in trace.contacts()}
    assert steps == {"call-0": 0, "call-10": 10, "call-31": 31, "call-33": 46, "call-35": 48, "call-36": 49, "call-50": 63}


def test_a_pending_promise_is_counted_as_if_the_payment_had_never_been_there():
    promise = PromiseMade(at=_at(2), amount=Decimal(300), currency="CNY", due_on=DUE + timedelta(days=10))
    case = apply_all(a_case(LADDER), [payment("100.00", _at(1)), payment("50.00", _at(1), "pay-2"), promise, reversal(_at(3))])
    assert case.promises[0].paid_before == 50
    kept = apply(case, payment("300.00", _at(4), "pay-3"))
    assert next_move(kept, _at(4)) == Note(PromiseJudged(at=_at(4), amount=Decimal(300), due_on=DUE + timedelta(days=10), kept=True))


def test_money_that_came_for_a_promise_and_was_taken_back_keeps_it_no_more():
    promise = PromiseMade(at=_at(2), amount=Decimal(300), currency="CNY", due_on=DUE + timedelta(days=10))
    case = apply_all(a_case(LADDER), [promise, payment("300.00", _at(3)), reversal(_at(4))])
    assert case.promises[0].paid_before == 0
    move = next_move(case, _at(4))
    assert isinstance(move, Wait)
    assert move.next == f"promise due on {promise.due_on}"


def test_a_promise_that_was_judged_kept_stays_kept():
    due = DUE + timedelta(days=10)
    promise = PromiseMade(at=_at(2), amount=Decimal(300), currency="CNY", due_on=due)
    judged = PromiseJudged(at=_at(3), amount=Decimal(300), due_on=due, kept=True)
    case = apply_all(a_case(LADDER), [promise, payment("300.00", _at(3)), judged, reversal(_at(4))])
    assert (case.promises[0].kept, case.promises[0].paid_before) == (True, 0)


def test_a_plan_that_was_paid_with_it_may_be_paid_again_within_the_days_of_grace():
    parts = tuple(Instalment(due_on=DUE + timedelta(days=n), amount=Decimal(500)) for n in (5, 35))
    case = apply_all(
        a_case(LADDER), [PlanAgreed(at=_at(1), instalments=parts, currency="CNY"), payment("500.00", _at(4)), reversal(_at(20))]
    )
    assert next_move(case, _at(20)).until == _at(21 + case.strategy.promises.grace_days, 0)
    late = _at(21 + case.strategy.promises.grace_days, 0)
    assert next_move(case, late) == Note(PlanBroken(at=late, due_on=parts[0].due_on))
    assert isinstance(next_move(apply(case, payment("500.00", _at(20, 12), "pay-2")), late), Wait)


def test_a_payment_from_before_the_opening_can_be_taken_back_too():
    """November was paid in the case before; in this one it is owed again, and the ladder counts it from where it stood then."""
    november = Payment(payment_id="old", amount=Decimal(1000), currency="CNY", received_at=_at(19))
    facts = OpeningFacts(
        case_id="L-1.2",
        loan_id="L-1",
        borrower_id="P-1",
        product="cash_loan",
        currency="CNY",
        instalments=DECEMBER,
        payments_counted=("old",),
        counted=(november,),
        settled=(Instalment(due_on=DUE, amount=Decimal("1000.00")),),
        opened_at=_at(34),
    )
    before = open_case(facts, LADDER, a_case(LADDER).calendar)
    assert (ladder_day(before, _at(40)), entry_day(before)) == (10, 4)
    case = apply(before, reversal(_at(40), "old"))
    assert (arrears(case, _at(40)).amount, days_past_due(case, _at(40))) == (1500, 41)
    assert (ladder_day(case, _at(40)), entry_day(case)) == (19, 19)


def test_a_case_that_opens_after_the_reversal_does_not_count_the_days_on_which_it_was_paid():
    gone = TakenBack(payment=Payment(payment_id="p", amount=Decimal(1000), currency="CNY", received_at=_at(19)), at=_at(40))
    opened = a_case(LADDER, opened_at=_at(40))
    case = open_case(opened.facts.model_copy(update={"taken_back": (gone,)}), LADDER, opened.calendar)
    assert (days_past_due(case, _at(40)), ladder_day(case, _at(40)), entry_day(case)) == (41, 19, 19)


@pytest.mark.parametrize("outcome", ["cured", "on_plan_completed"])
def test_a_case_that_closes_as_paid_begins_anew_when_the_payment_is_taken_back_meanwhile(outcome):
    case = apply_all(a_case(LADDER), [payment("1000.00", _at(1)), reversal(_at(1, 11)), CaseClosed(at=_at(1, 12), outcome=outcome)])
    assert begins_anew(case, _at(1, 12))
    assert objection(apply(case, payment("1000.00", _at(1, 12), "pay-2")), reversal(_at(1, 13), "pay-2")) is None
    assert not begins_anew(apply(case, payment("1000.00", _at(1, 12), "pay-2")), _at(1, 12))


def test_a_case_that_was_withdrawn_does_not_begin_anew():
    events = [
        payment("1000.00", _at(1)),
        Withdrawn(at=_at(1), reason="goodwill"),
        reversal(_at(1)),
        CaseClosed(at=_at(1), outcome="withdrawn"),
    ]
    assert not begins_anew(apply_all(a_case(LADDER), events), _at(2))


def test_a_case_that_is_paid_otherwise_stays_closed():
    events = [payment("1000.00", _at(1)), payment("1000.00", _at(1), "pay-2"), reversal(_at(1)), CaseClosed(at=_at(1), outcome="cured")]
    case = apply_all(a_case(LADDER), events)
    assert is_cured(case, _at(2))
    assert not begins_anew(case, _at(2))


def test_the_times_in_which_a_debt_was_covered_end_when_money_is_taken_back():
    def paid_at(day: int, amount: int) -> Payment:
        return Payment(payment_id=f"p{day}", amount=Decimal(amount), currency="CNY", received_at=_at(day))

    gone = [
        TakenBack(payment=paid_at(2, 60), at=_at(5)),
        TakenBack(payment=paid_at(7, 60), at=_at(9)),
        TakenBack(payment=paid_at(20, 90), at=_at(8)),
    ]
    assert times_covered(Decimal(100), [paid_at(3, 40)], gone) == ((_at(3), _at(5)), (_at(7), _at(9)))


spans = st.integers(0, 60 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
laters = st.lists(st.integers(1, 40), max_size=3, unique=True).map(
    lambda days: tuple(Instalment(due_on=DUE + timedelta(days=d), amount=Decimal("250.00")) for d in sorted(days))
)


@given(st.lists(st.tuples(spans, spans, st.decimals("0.01", "900", places=2)), min_size=1, max_size=4), laters)
@settings(max_examples=150, deadline=None)
def test_nobody_is_contacted_earlier_because_a_payment_was_taken_back(stood, later):
    """Every contact of a case whose payments were all taken back comes at its time without them, or later."""
    events = []
    for n, (paid_after, lasted, amount) in enumerate(stood):
        events += [payment(str(amount), MORNING + paid_after, f"pay-{n}"), reversal(MORNING + paid_after + lasted, f"pay-{n}")]
    unpaid = _when(simulate(a_case(LADDER, later=later), days=300))
    for step, at in _when(simulate(a_case(LADDER, later=later), events, days=300)).items():
        assert at >= unpaid[step]


@given(spans, st.decimals("0.01", "2000", places=2), laters, spans)
@settings(max_examples=150, deadline=None)
def test_taking_a_payment_back_at_once_is_as_if_it_had_never_been_made(paid_after, amount, later, looked_after):
    at, look = MORNING + paid_after, MORNING + paid_after + looked_after
    without: Case = a_case(LADDER, later=later)
    case = apply_all(without, [payment(str(amount), at), reversal(at)])
    assert (arrears(case, look), is_cured(case, look), ladder_day(case, look), entry_day(case)) == (
        arrears(without, look),
        is_cured(without, look),
        ladder_day(without, look),
        entry_day(without),
    )
    assert isinstance(next_move(case, at), type(next_move(without, at)))
