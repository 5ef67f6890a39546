"""What the planner promises under any order of payments, of payments that are taken back, pauses, promises, answers and late wake-ups."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.domain.agenda import ladder_day
from arrears.domain.apply import apply, apply_all
from arrears.domain.case import arrears, entry_day, is_cured, paid, pauses
from arrears.domain.events import Event, HoldLifted, HoldPlaced, PromiseMade
from arrears.domain.loan import Instalment
from arrears.domain.moves import AssignTask, Contact, Refer
from arrears.domain.outcome import ANSWERED, CALL_OUTCOMES, NOT_MADE, Outcome
from arrears.domain.strategy import steps
from tests.domain.simulation import DUE, MORNING, a_case, call, payment, reversal, simulate, sms, strategy

PLAIN = strategy(call(0), sms(0), call(1), call(2), sms(4), call(4), call(7, repeat={"every": 3, "until_day": 25}), call(30))
FULL = strategy(
    call(0),
    sms(0, only_if={"not_reached_by": "call-0"}),
    call(1),
    call(2),
    {
        "rung": "ask-relatives",
        "day": 4,
        "do": "relatives",
        "message": "relay-request",
        "repeat": {"every": 5, "until_day": 20},
        "only_if": {"lost_contact": True},
        "approval": {"on_expiry": "ask_again"},
    },
    {"rung": "legal", "day": 5, "do": "task", "task": "legal_consultation", "only_if": {"attitude": ["delaying", "refusing"]}},
    {
        "rung": "agency",
        "day": 8,
        "do": "refer",
        "to": "agency",
        "agency": "honest-agency",
        "term_days": 10,
        "approval": {"role": "risk_control"},
    },
    call(12),
    call(25),
    end={"day": 40, "outcome": "written_off"},
    quiet_days_after_payment=1,
    quiet_days_after_answer=2,
    tracks=[
        {
            "track": "fraud",
            "while_held_for": "suspected-fraud",
            "ladder": [{"rung": "look", "day": 0, "do": "task", "task": "investigation"}],
        }
    ],
)

instants = st.integers(min_value=0, max_value=50 * 24 * 60).map(lambda minutes: MORNING + timedelta(minutes=minutes))
amounts = st.decimals(min_value="0.01", max_value="700", places=2)


@st.composite
def payments(draw: st.DrawFn) -> Event:
    at = draw(instants)
    back_dated = draw(st.one_of(st.none(), st.just((at - timedelta(days=draw(st.integers(0, 20)))).date())))
    return payment(str(draw(amounts)), at, draw(st.sampled_from([f"pay-{n}" for n in range(6)])), value_date=back_dated)


@st.composite
def other_reports(draw: st.DrawFn) -> Event:
    at = draw(instants)
    reason = draw(st.sampled_from(["dispute", "complaint", "suspected-fraud"]))
    ends = draw(st.one_of(st.none(), st.integers(1, 15)))
    match draw(st.sampled_from(["hold", "lift", "promise", "reversal"])):
        case "hold":
            return HoldPlaced(at=at, reason=reason, until=at + timedelta(days=ends) if ends else None)
        case "lift":
            return HoldLifted(at=at, reason=draw(st.one_of(st.none(), st.just(reason))))
        case "reversal":
            return reversal(at, draw(st.sampled_from([f"pay-{n}" for n in range(6)])))
        case _:
            due = at.date() + timedelta(days=draw(st.integers(1, 12)))
            return PromiseMade(at=at, amount=draw(amounts), currency="CNY", due_on=due)


reports = st.lists(st.one_of(payments(), other_reports()), max_size=12)
lateness = st.lists(st.integers(0, 9 * 24 * 60).map(lambda m: timedelta(minutes=m)), max_size=4)
outcomes = st.lists(st.sampled_from(sorted(CALL_OUTCOMES - {Outcome.RELAYED, Outcome.RELATIVE_REFUSED})), min_size=1, max_size=8)
later_instalments = st.lists(st.integers(1, 40), max_size=3, unique=True).map(
    lambda days: tuple(Instalment(due_on=DUE + timedelta(days=d), amount=Decimal("250.00")) for d in sorted(days))
)


def _in_turn(given: list[Outcome]):
    return lambda case, contact, now: given[len(case.steps) % len(given)] if contact.rung.do == "call" else Outcome.DELIVERED


@given(reports, lateness, outcomes, later_instalments, st.sampled_from([None, True, False]))
@settings(max_examples=150, deadline=None)
def test_no_rung_is_taken_before_its_ladder_day(heard, late, said, later, approve):
    trace = simulate(a_case(FULL, later=later), heard, answer=_in_turn(said), approve=approve, late_wakes=late)
    days = {step.key: step.day for step in steps(FULL.ladder, "L-1")}
    for at, move, case in trace.made:
        if isinstance(move, Contact | AssignTask | Refer) and move.step in days:
            assert ladder_day(case, at) >= days[move.step]


@given(reports, lateness, outcomes, later_instalments)
@settings(max_examples=150, deadline=None)
def test_without_conditions_every_rung_is_taken_once_and_in_order(heard, late, said, later):
    trace = simulate(a_case(PLAIN, later=later), heard, answer=_in_turn(said), late_wakes=late, days=400)
    taken = [move.step for _, move, _ in trace.contacts()]
    ladder = [step.key for step in steps(PLAIN.ladder, "L-1")]
    assert len(taken) == len(set(taken))
    assert taken == ladder[: len(taken)]
    if trace.case.outcome is None and not any(p.in_force(MORNING + timedelta(days=400)) for p in pauses(trace.case)):
        assert taken == ladder


@given(reports, lateness, outcomes, later_instalments, st.sampled_from([None, True, False]))
@settings(max_examples=150, deadline=None)
def test_a_rung_is_passed_over_only_with_a_reason(heard, late, said, later, approve):
    trace = simulate(a_case(FULL, later=later), heard, answer=_in_turn(said), approve=approve, late_wakes=late)
    for note in trace.case.steps.values():
        assert note.outcome is not Outcome.SKIPPED or note.why


@given(reports, lateness, outcomes, later_instalments)
@settings(max_examples=100, deadline=None)
def test_contacts_of_two_ladder_days_never_share_a_day_of_the_borrower(heard, late, said, later):
    trace = simulate(a_case(PLAIN, later=later), heard, answer=_in_turn(said), late_wakes=late)
    days = {step.key: step.day for step in steps(PLAIN.ladder, "L-1")}
    by_date = {}
    for at, move, case in trace.contacts():
        by_date.setdefault(case.calendar.day_of(at), set()).add(days[move.step])
    assert all(len(ladder_days) == 1 for ladder_days in by_date.values())


@given(reports, lateness, outcomes, later_instalments, st.sampled_from([None, True, False]))
@settings(max_examples=150, deadline=None)
def test_nobody_is_contacted_once_nothing_is_overdue(heard, late, said, later, approve):
    trace = simulate(a_case(FULL, later=later), heard, answer=_in_turn(said), approve=approve, late_wakes=late)
    for at, _, case in trace.contacts():
        assert arrears(case, at).amount > 0
        assert not is_cured(case, at)


@given(reports, lateness, outcomes, later_instalments, st.sampled_from([None, True, False]))
@settings(max_examples=150, deadline=None)
def test_relatives_are_contacted_only_under_a_standing_grant_and_lost_contact(heard, late, said, later, approve):
    trace = simulate(a_case(FULL, later=later), heard, answer=_in_turn(said), approve=approve, late_wakes=late)
    for _, move, case in trace.contacts():
        if move.person_id is not None:
            grant = next(r for r in case.requests if r.approval_id == move.approval_id)
            assert grant.state == "approved"
            assert move.person_id in grant.people
            assert case.failures_in_a_row >= 3


@given(reports, lateness, outcomes, later_instalments, st.sampled_from([None, True, False]), st.data())
@settings(max_examples=100, deadline=None)
def test_applying_an_event_again_changes_nothing(heard, late, said, later, approve, data):
    trace = simulate(a_case(FULL, later=later), heard, answer=_in_turn(said), approve=approve, late_wakes=late)
    if trace.events:
        again = data.draw(st.sampled_from(trace.events))
        assert apply(trace.case, again) == trace.case
    case = a_case(FULL, later=later)
    for event in trace.events:
        case = apply(case, event)
        assert apply(case, event) == case


@given(st.lists(payments(), max_size=8), st.randoms())
def test_the_order_of_payments_does_not_matter_nor_do_duplicates(heard, shuffler):
    first = {e.payment.payment_id: e for e in reversed(heard)}
    unique = list(first.values())
    shuffled = unique * 2
    shuffler.shuffle(shuffled)
    one, other = apply_all(a_case(PLAIN), unique), apply_all(a_case(PLAIN), shuffled)
    at = MORNING + timedelta(days=60)
    assert paid(one) == paid(other)
    assert arrears(one, at) == arrears(other, at)


@given(reports, outcomes, later_instalments, st.integers(-5, 45))
@settings(max_examples=100, deadline=None)
def test_an_old_book_never_takes_a_rung_of_the_days_before_it_was_opened(heard, said, later, age):
    opened = MORNING + timedelta(days=age)
    trace = simulate(a_case(PLAIN, later=later, opened_at=opened), heard, answer=_in_turn(said), start=opened)
    days = {step.key: step.day for step in steps(PLAIN.ladder, "L-1")}
    for _, move, case in trace.contacts():
        assert days[move.step] >= entry_day(case)


@given(reports, outcomes, later_instalments, st.lists(instants, max_size=10))
@settings(max_examples=60, deadline=None)
def test_waking_up_for_nothing_changes_nothing(heard, said, later, wakes):
    quiet = simulate(a_case(FULL, later=later), heard, answer=_in_turn(said))
    nervous = simulate(a_case(FULL, later=later), heard, answer=_in_turn(said), extra_wakes=wakes)
    assert [(at, type(move)) for at, move, _ in nervous.made] == [(at, type(move)) for at, move, _ in quiet.made]
    assert nervous.case == quiet.case


def test_the_outcomes_that_answer_and_those_that_send_nothing_are_disjoint():
    assert not ANSWERED & NOT_MADE
