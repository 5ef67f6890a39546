"""What is said again: it changes nothing while it stands in the same words, and counts anew once it was judged, replaced or broken."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from arrears.domain.apply import apply, apply_all, contradiction
from arrears.domain.case import Case, paid, pending_promise, plan_in_force, promises_broken
from arrears.domain.events import Event, PlanAgreed, PlanBroken, PromiseJudged, PromiseMade, Withdrawn
from arrears.domain.loan import Instalment
from arrears.domain.moves import Note, Wait
from arrears.domain.planner import next_move
from tests.domain.simulation import DUE, a_case, call, payment, strategy

LADDER = strategy(call(0), call(4), call(20))
WORDS = {"amount": Decimal("50.00"), "currency": "CNY", "due_on": DUE + timedelta(days=10)}


def _at(day: int, hour: int = 10) -> datetime:
    """The instant of an hour in Shanghai, counted in days from the first day past due."""
    return datetime(2026, 11, 2, hour, tzinfo=UTC) + timedelta(days=day, hours=-8)


def promised(day: int) -> PromiseMade:
    return PromiseMade.model_validate({"at": _at(day), **WORDS})


def judged(day: int, *, kept: bool) -> PromiseJudged:
    return PromiseJudged(at=_at(day), amount=Decimal("50.00"), due_on=DUE + timedelta(days=10), kept=kept)


def agreed(day: int, *days: int) -> PlanAgreed:
    parts = tuple(Instalment(due_on=date(2026, 11, 2) + timedelta(days=d), amount=Decimal("500.00")) for d in days)
    return PlanAgreed(at=_at(day), instalments=parts, currency="CNY")


def after(*events: Event) -> Case:
    return apply_all(a_case(LADDER), events)


def test_a_promise_that_stands_in_the_same_words_is_the_same_one() -> None:
    case = after(promised(1))
    assert apply(case, promised(2)) is case


def test_the_words_of_a_promise_that_was_kept_are_another_promise_which_needs_money_of_its_own() -> None:
    case = after(promised(1), payment("50.00", _at(2)), judged(2, kept=True), promised(3))
    pending = pending_promise(case)
    assert pending is not None
    assert [p.kept for p in case.promises] == [True, None]
    assert (pending.made_at, pending.paid_before, paid(case)) == (_at(3), 50, 50)
    waits = next_move(case, _at(3))
    assert isinstance(waits, Wait)
    assert (waits.next, waits.blocked_by) == (f"promise due on {pending.due_on}", "promise")
    more = apply(case, payment("50.00", _at(4), "pay-2"))
    assert next_move(more, _at(4)) == Note(judged(4, kept=True))
    assert [p.kept for p in apply(more, judged(4, kept=True)).promises] == [True, True]


def test_the_words_of_a_promise_that_was_broken_are_another_one() -> None:
    case = after(promised(1), judged(12, kept=False), promised(12).model_copy(update={"at": _at(12, 11)}))
    assert ([p.kept for p in case.promises], promises_broken(case)) == ([False, None], 1)


def test_a_promise_that_is_heard_twice_of_one_instant_counts_once_also_after_it_was_judged() -> None:
    case = after(promised(1), judged(2, kept=True))
    assert apply(case, promised(1)) is case


def test_a_plan_that_stands_with_the_same_instalments_is_the_same_one() -> None:
    case = after(agreed(1, 5, 35))
    assert apply(case, agreed(2, 5, 35)) is case


def test_a_plan_that_another_has_replaced_can_be_agreed_again() -> None:
    case = after(agreed(1, 5, 35), agreed(2, 9), agreed(3, 5, 35))
    plan = plan_in_force(case)
    assert plan is not None
    assert (plan.agreed_at, [part.due_on.day for part in plan.instalments]) == (_at(3), [7, 7])


def test_a_plan_that_broke_can_be_agreed_again() -> None:
    case = after(agreed(1, 30), PlanBroken(at=_at(20), due_on=DUE), agreed(21, 30))
    assert plan_in_force(case) is not None


def test_of_two_plans_of_one_instant_the_first_stands_and_whoever_agreed_the_other_is_told() -> None:
    case = after(agreed(1, 5))
    assert apply(case, agreed(1, 9)) is case
    assert contradiction(case, agreed(1, 9)) == "another plan was agreed in this very moment"
    assert contradiction(case, agreed(1, 5)) is contradiction(case, agreed(2, 9)) is None


@pytest.mark.parametrize(("reason", "said"), [("sold", None), ("goodwill", "the case is withdrawn already: sold")])
def test_a_case_is_withdrawn_for_one_reason(reason: str, said: str | None) -> None:
    case = after(Withdrawn(at=_at(1), reason="sold"))
    again = Withdrawn(at=_at(2), reason=reason)
    assert contradiction(case, again) == said
    assert apply(case, again) is case
    assert contradiction(after(), again) is None
