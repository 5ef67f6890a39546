"""What a strategy's parts mean, whatever file they come from."""

from __future__ import annotations

from datetime import time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from arrears.domain.apply import apply_all
from arrears.domain.case import Case
from arrears.domain.conditions import unmet
from arrears.domain.events import PlanAgreed, PlanBroken, StepTaken
from arrears.domain.loan import Instalment
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Approval, Condition, ContactRung, Referral, ReferralRung, Repeat, Rung, Strategy, steps
from tests.domain.simulation import DUE, MORNING, a_case, call, sms, strategy

RUNG: TypeAdapter[Rung] = TypeAdapter(Rung)

loan_ids = st.from_regex(r"L-[0-9]{1,6}", fullmatch=True)
repeats = st.builds(Repeat, every=st.integers(1, 40), until_day=st.integers(50, 400), most=st.integers(1, 30))


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Rung, ...]:
    def rung(n: int) -> Rung:
        return ContactRung(
            rung=f"rung-{n}",
            day=draw(st.integers(0, 50)),
            at=draw(st.times(time(0), time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0, fold=0))),
            spread_minutes=draw(st.integers(0, 600)),
            repeat=draw(st.none() | repeats),
            do="call",
            message="overdue-reminder",
        )

    return tuple(rung(n) for n in range(draw(st.integers(1, 6))))


class TestSteps:
    @given(ladders(), loan_ids)
    def test_they_stand_in_the_order_in_which_they_fall_due(self, ladder: tuple[Rung, ...], loan: str) -> None:
        found = [(s.day, s.at) for s in steps(ladder, loan)]
        assert found == sorted(found)

    @given(ladders(), loan_ids)
    def test_every_occurrence_of_every_rung_is_there_once_under_its_own_key(self, ladder: tuple[Rung, ...], loan: str) -> None:
        found = steps(ladder, loan)
        assert len({s.key for s in found}) == len(found) == sum(len(r.days) for r in ladder)
        assert {(s.rung, s.day) for s in found} == {(r.rung, day) for r in ladder for day in r.days}

    @given(ladders(), loan_ids)
    def test_a_loan_is_placed_within_the_spread_and_always_at_the_same_minute(self, ladder: tuple[Rung, ...], loan: str) -> None:
        rungs = {r.rung: r for r in ladder}
        for step in steps(ladder, loan):
            rung = rungs[step.rung]
            late = _minutes(step.at) - _minutes(rung.at)
            assert 0 <= late < max(rung.spread_minutes, 1)
        assert steps(ladder, loan) == steps(ladder, loan)

    def test_a_spread_does_spread_the_loans(self) -> None:
        rung = RUNG.validate_python(call(0, spread_minutes=120))
        minutes = [_minutes(steps((rung,), f"L-{n}")[0].at) for n in range(600)]
        assert len(set(minutes)) > 100

    def test_rungs_of_one_minute_keep_the_order_of_the_file(self) -> None:
        rungs = tuple(RUNG.validate_python(call(0, rung=name)) for name in ("zulu", "alpha", "mike"))
        assert [s.rung for s in steps(rungs, "L-1")] == ["zulu", "alpha", "mike"]

    @given(st.integers(0, 60), repeats)
    def test_a_repeated_rung_keeps_its_interval_its_last_day_and_its_cap(self, day: int, repeat: Repeat) -> None:
        if repeat.until_day < day:
            return
        days = RUNG.validate_python(call(day, repeat=repeat)).days
        assert days[0] == day
        assert all(later - earlier == repeat.every for earlier, later in pairwise(days))
        assert days[-1] <= repeat.until_day
        assert len(days) <= repeat.most
        assert len(days) == repeat.most or days[-1] + repeat.every > repeat.until_day


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


class TestForm:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"day": -1},
            {"at": "10:00Z"},
            {"rung": "With Spaces"},
            {"rung": ""},
            {"do": "shout"},
            {"colour": "red"},
            {"spread_minutes": 601},
            {"repeat": {"every": 0, "until_day": 9}},
            {"repeat": {"every": 1, "until_day": 2}, "day": 3},
            {"offers": ["a gift"]},
            {"only_if": {"owed_from": "-"}},
        ],
    )
    def test_a_rung_that_makes_no_sense_is_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            RUNG.validate_python(call(0) | wrong)

    @given(st.integers(1, 100), st.integers(1, 100))
    def test_approvers_are_reminded_before_the_deadline(self, remind: int, deadline: int) -> None:
        try:
            terms = Approval(remind_after_hours=remind, deadline_hours=deadline)
        except ValidationError:
            assert remind >= deadline
        else:
            assert terms.remind_after_hours < terms.deadline_hours

    @pytest.mark.parametrize("to", list(Referral))
    def test_an_agency_is_named_exactly_when_the_case_goes_to_one(self, to: Referral) -> None:
        named, unnamed = ({"rung": "refer", "day": 9, "do": "refer", "to": to, "agency": agency} for agency in ("north-star", None))
        good, bad = (named, unnamed) if to is Referral.AGENCY else (unnamed, named)
        assert isinstance(RUNG.validate_python(good), ReferralRung)
        with pytest.raises(ValidationError, match="agency"):
            RUNG.validate_python(bad)

    def test_all_contradictions_are_found_at_once_with_their_places(self) -> None:
        with pytest.raises(ValidationError) as refused:
            strategy(
                call(0),
                call(0),
                sms(1, only_if={"not_reached_by": "call-9"}),
                sms(2, only_if={"made_before": ["call-0", "gone"], "not_made_before": ["never"]}),
            )
        (error,) = refused.value.errors()
        assert [place for place, _ in error["ctx"]["flaws"]] == [
            ("ladder", 1, "rung"),
            ("ladder", 2, "only_if", "not_reached_by"),
            ("ladder", 3, "only_if", "made_before", 1),
            ("ladder", 3, "only_if", "not_made_before", 0),
        ]

    def test_a_rung_cannot_follow_one_of_another_ladder(self) -> None:
        track = {"track": "fraud", "while_held_for": "fraud", "ladder": [sms(1, only_if={"not_reached_by": "call-0"})]}
        with pytest.raises(ValidationError, match="no earlier rung of this ladder"):
            strategy(call(0), tracks=[track])


class TestHash:
    def test_it_changes_with_what_the_strategy_says(self) -> None:
        assert strategy(call(0)).content_hash != strategy(call(1)).content_hash
        assert strategy(call(0)).content_hash != strategy(call(0), version=2).content_hash

    def test_it_does_not_change_when_a_default_is_spelled_out(self) -> None:
        assert strategy(call(0)).content_hash == strategy(call(0, line="registered", offers=[]), day_zero=1).content_hash

    @given(ladders())
    def test_it_survives_the_trip_through_a_history(self, ladder: tuple[Rung, ...]) -> None:
        pinned = Strategy(strategy="test", version=1, title="T", source="S", currency="CNY", ladder=ladder)
        again = Strategy.model_validate_json(pinned.model_dump_json())
        assert again == pinned
        assert again.content_hash == pinned.content_hash


TOLD = strategy(call(0), sms(1), call(2, only_if={"made_before": ["sms-1", "call-0"]}), call(3, only_if={"not_made_before": ["call-3"]}))


def _why_not(case: Case, rung: str) -> str | None:
    step = next(s for s in steps(case.strategy.ladder, "L-1") if s.rung == rung)
    return unmet(case, step, case.strategy.rung(rung), MORNING + timedelta(days=3))


def _after(*outcomes: tuple[str, Outcome]) -> Case:
    return apply_all(a_case(TOLD), [StepTaken(at=MORNING, step=step, outcome=outcome) for step, outcome in outcomes])


class TestConditionsOnOtherRungs:
    def test_without_the_other_rung_it_is_passed_over(self) -> None:
        assert _why_not(a_case(TOLD), "call-2") == "sms-1 or call-0 was not made before"

    @pytest.mark.parametrize(
        ("step", "outcome", "told"),
        [
            ("sms-1.1", Outcome.DELIVERED, True),
            ("sms-1.1", Outcome.DONE, True),
            ("sms-1.1", Outcome.FAILED, False),
            ("sms-1.1", Outcome.UNKNOWN, False),
            ("sms-1.1", Outcome.NOT_SENT, False),
            ("sms-1.1", Outcome.DENIED, False),
            ("sms-1.1", Outcome.SKIPPED, False),
            ("call-0.1", Outcome.ANSWERED_REFUSING, True),
            ("call-0.1", Outcome.NO_ANSWER, False),
            ("call-0.1", Outcome.SOMEONE_ELSE, False),
        ],
    )
    def test_a_borrower_was_told_only_by_what_arrived(self, step: str, outcome: Outcome, told: bool) -> None:
        assert (_why_not(_after((step, outcome)), "call-2") is None) == told

    @pytest.mark.parametrize(
        ("outcome", "made"),
        [
            (Outcome.NO_ANSWER, True),
            (Outcome.UNKNOWN, True),
            (Outcome.DONE, True),
            (Outcome.DENIED, False),
            (Outcome.NOT_SENT, False),
            (Outcome.SKIPPED, False),
            (Outcome.FAILED, False),
        ],
    )
    def test_a_rung_that_names_itself_is_made_once_an_unknown_outcome_counting(self, outcome: Outcome, made: bool) -> None:
        assert _why_not(_after(("call-3.1", outcome)), "call-3") == ("call-3 was made before" if made else None)

    def test_a_rung_can_wait_for_a_broken_plan(self) -> None:
        case = a_case(strategy(call(0, only_if=Condition(plan_broken=True)), call(1, only_if=Condition(plan_broken=False))))
        assert _why_not(case, "call-0") == "no plan was broken"
        assert _why_not(case, "call-1") is None
        parts = (Instalment.model_validate({"due_on": DUE + timedelta(days=5), "amount": "1000"}),)
        agreed = apply_all(case, [PlanAgreed(at=MORNING, instalments=parts, currency="CNY")])
        assert _why_not(agreed, "call-0") == "no plan was broken"
        broken = apply_all(agreed, [PlanBroken(at=MORNING + timedelta(days=7), due_on=DUE + timedelta(days=5))])
        assert _why_not(broken, "call-0") is None
        assert _why_not(broken, "call-1") == "a plan was broken"
