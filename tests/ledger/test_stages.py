"""The ledger names a case's stage as the running case does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from arrears.domain.apply import apply_all
from arrears.domain.calendar import LadderCalendar, Pause
from arrears.domain.case import Case
from arrears.domain.case import open_case as begin
from arrears.domain.events import (
    ApprovalAsked,
    Event,
    HoldLifted,
    HoldPlaced,
    OpeningFacts,
    Placed,
    PlanAgreed,
    PlanBroken,
    PromiseJudged,
    PromiseMade,
    Recalled,
)
from arrears.domain.loan import Instalment
from arrears.domain.strategy import Referral, Track
from arrears.ledger import cases, journal, stages
from arrears.ledger.engine import Ledger
from arrears.ledger.stages import Standing, stage
from arrears.ledger.tables import ReferralRow, ReferralState
from arrears.workflows import view
from tests.ledger.scene import NOW, STRATEGY, approval, later, lend, open_case, store

_DUE = date(2026, 11, 25)
_PROMISE = PromiseMade.model_validate({"at": later(minutes=1), "amount": "500.00", "currency": "CNY", "due_on": _DUE})
_BROKEN = PromiseJudged.model_validate({"at": later(minutes=2), "amount": "500.00", "due_on": _DUE, "kept": False})
_PLAN = PlanAgreed.model_validate({"at": later(minutes=3), "currency": "CNY", "instalments": [{"due_on": _DUE, "amount": "800.00"}]})
_PLAN_BROKEN = PlanBroken(at=later(minutes=4), due_on=_DUE)
_HELD = HoldPlaced(at=later(minutes=5), reason="dispute", until=None)
_LIFTED = HoldLifted(at=later(minutes=6), reason="dispute")
_HELD_A_MINUTE = HoldPlaced(at=later(minutes=5), reason="dispute", until=later(minutes=6))
_ASKED = ApprovalAsked(at=NOW, approval_id="ask-1", step="relatives.1", remind_at=later(hours=24), deadline=later(hours=48))
_PLACED = Placed(at=NOW, placement_id="r-1", agency="first-agency", until=later(days=60))
_BACK = Recalled(at=later(minutes=1), placement_id="r-1")


async def _tell(ledger: Ledger, events: Sequence[Event]) -> None:
    """What the activities write down of such events."""
    for event in events:
        match event:
            case ApprovalAsked():
                await store(ledger, approval(event.approval_id))
            case Placed():
                row = ReferralRow(
                    id=event.placement_id,
                    case_id="L-1.1",
                    loan_id="L-1",
                    step="agency.1",
                    target=Referral.AGENCY,
                    agency=event.agency,
                    sent_at=NOW,
                )
                await store(ledger, row)
            case Recalled():
                async with ledger.session() as session:
                    row = await session.get_one(ReferralRow, event.placement_id)
                    row.state, row.recalled_at = ReferralState.RECALLED, event.at
                    session.add(row)
            case _:
                async with ledger.session() as session:
                    await journal.record_events(session, "L-1.1", "L-1", [event], event.at)


async def _told(ledger: Ledger) -> str:
    async with ledger.reading() as session:
        case = await cases.case(session, "L-1.1")
        return stage(await stages.standing(session, case, later(hours=1)))


@pytest.mark.parametrize(
    ("events", "named"),
    [
        ((), "contacting"),
        ((_PROMISE,), "promised"),
        ((_PROMISE, _PROMISE.model_copy(update={"at": later(minutes=2)}), _BROKEN), "contacting"),
        ((_PROMISE, _BROKEN), "contacting"),
        ((_PROMISE, _BROKEN, _PROMISE.model_copy(update={"at": later(minutes=3)})), "promised"),
        ((_PROMISE, _PLAN), "on_plan"),
        ((_PLAN, _PLAN_BROKEN), "contacting"),
        ((_PLAN, _PLAN_BROKEN, _PLAN.model_copy(update={"at": later(minutes=9)})), "on_plan"),
        ((_ASKED,), "awaiting_approval"),
        ((_PLACED,), "placed"),
        ((_PLACED, _BACK), "contacting"),
        ((_PLACED, _ASKED), "awaiting_approval"),
        ((_PLAN, _HELD), "on_hold"),
        ((_PLAN, _HELD, _LIFTED), "on_plan"),
        ((_HELD_A_MINUTE,), "contacting"),
    ],
)
async def test_the_ledger_and_the_running_case_name_the_same_stage(ledger: Ledger, events: Sequence[Event], named: str) -> None:
    await lend(ledger)
    facts = await open_case(ledger)
    await _tell(ledger, events)
    running = apply_all(begin(facts, STRATEGY, LadderCalendar(zone="Asia/Shanghai")), events)

    assert view.stage(running, later(hours=1)) == await _told(ledger) == named


async def test_a_closed_case_is_told_by_its_outcome(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    async with ledger.session() as session:
        await journal.record_events(session, "L-1.1", "L-1", [_HELD], later(minutes=5))
        await cases.close_case_row(session, "L-1.1", "withdrawn", later(minutes=9))

    assert await _told(ledger) == "withdrawn"


async def test_all_open_cases_are_told_at_once(ledger: Ledger) -> None:
    for n in range(3):
        await lend(ledger, f"L-{n}")
        await open_case(ledger, f"L-{n}", f"run-{n}")
    async with ledger.session() as session:
        await journal.record_events(session, "L-0.1", "L-0", [_PROMISE], later(minutes=1))
        await journal.record_events(session, "L-1.1", "L-1", [_HELD], later(minutes=5))

    async with ledger.reading() as session:
        known = await stages.standings(session, later(hours=1))

    assert {case_id: stage(standing) for case_id, standing in known.items()} == {"L-0.1": "promised", "L-1.1": "on_hold"}


def test_a_track_is_a_stage_of_its_own_and_the_later_track_wins() -> None:
    strategy = STRATEGY.model_copy(update={"tracks": (_track("fraud", "suspected-fraud"), _track("care", "hardship"))})
    running = Case(
        facts=_facts(),
        strategy=strategy,
        calendar=LadderCalendar(zone="Asia/Shanghai"),
        holds=(Pause(reason="hardship", since=NOW - timedelta(days=1)), Pause(reason="suspected-fraud", since=NOW - timedelta(days=2))),
    )
    held = Standing(holds=("suspected-fraud", "hardship"))

    assert view.stage(running, NOW) == stage(held, stages.tracks_of(strategy)) == "care"
    assert stage(held) == "on_hold"


def _track(name: str, reason: str) -> Track:
    return Track(track=name, while_held_for=reason, ladder=(STRATEGY.ladder[0].model_copy(update={"rung": f"{name}-sms"}),))


def _facts() -> OpeningFacts:
    due = (Instalment.model_validate({"due_on": date(2026, 11, 1), "amount": "500.00"}),)
    return OpeningFacts(case_id="L-1.1", loan_id="L-1", borrower_id="B-1", product="x", currency="CNY", instalments=due, opened_at=NOW)
