"""A run opens one case; a loan's next case counts on; closing leaves nothing open."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import select

from arrears.domain.strategy import Role, TaskKind
from arrears.ledger import approvals, cases, journal, loans, pinned
from arrears.ledger.cases import CaseUnknown
from arrears.ledger.engine import Ledger
from arrears.ledger.loans import LoanUnknown
from arrears.ledger.tables import ApprovalState, CaseRow, StrategyRow, TaskRow, TaskState
from tests.ledger.scene import NOW, STRATEGY, approval, later, lend, open_case, payment, store


async def close(ledger: Ledger, case_id: str = "L-1.1") -> None:
    async with ledger.session() as session:
        await cases.close_case_row(session, case_id, "cured", later(days=1))


async def stored(ledger: Ledger, case_id: str = "L-1.1") -> CaseRow:
    async with ledger.reading() as session:
        return await cases.case(session, case_id)


async def test_a_case_opens_with_what_is_owed_and_pins_its_strategy(ledger: Ledger) -> None:
    await lend(ledger)

    facts = await open_case(ledger)

    assert (facts.case_id, facts.loan_id, facts.borrower_id, facts.product, facts.currency) == ("L-1.1", "L-1", "B-1", "cash-loan", "CNY")
    assert [(i.due_on, i.amount) for i in facts.instalments] == [(date(2026, 11, 1), Decimal(500)), (date(2026, 12, 1), Decimal(300))]
    assert (facts.opened_at, facts.payments_counted, facts.held_for) == (NOW, (), None)
    row = await stored(ledger)
    assert (row.strategy, row.strategy_version, row.strategy_hash) == ("gentle", 3, STRATEGY.content_hash)


@pytest.mark.parametrize(
    ("paid", "left"),
    [("200", ["300", "300"]), ("500", ["300"]), ("650.50", ["149.50"]), ("800", []), ("1000", [])],
)
async def test_payments_made_before_the_opening_are_counted_already(ledger: Ledger, paid: str, left: list[str]) -> None:
    await lend(ledger)
    async with ledger.session() as session:
        await loans.record_payment(session, "L-1", payment(amount=paid), "loan_system", NOW)

    facts = await open_case(ledger)

    assert [i.amount for i in facts.instalments] == [Decimal(amount) for amount in left]
    assert facts.payments_counted == ("pay-1",)
    assert (await stored(ledger)).payments_counted == ["pay-1"]


async def test_opening_again_in_the_same_run_finds_the_case_and_what_was_paid_since(ledger: Ledger) -> None:
    await lend(ledger)
    first = await open_case(ledger)
    async with ledger.session() as session:
        await loans.record_payment(session, "L-1", payment(amount="500"), "loan_system", NOW)

    again = await open_case(ledger, now=later(minutes=5))

    assert (again.case_id, again.opened_at) == (first.case_id, NOW)
    assert [i.amount for i in again.instalments] == [Decimal(300)]
    assert again.payments_counted == ("pay-1",)


async def test_attempts_to_open_at_the_same_time_open_one_case(ledger: Ledger) -> None:
    await lend(ledger)

    opened = await asyncio.gather(*(open_case(ledger) for _ in range(5)))

    assert {facts.case_id for facts in opened} == {"L-1.1"}


async def test_the_next_run_opens_the_next_case(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await close(ledger)

    facts = await open_case(ledger, run_key="run-2", now=later(days=30))

    assert (facts.case_id, facts.opened_at) == ("L-1.2", later(days=30))


async def test_a_case_that_a_lost_run_left_open_is_closed_as_withdrawn(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)

    facts = await open_case(ledger, run_key="run-2", now=later(days=1))

    assert facts.case_id == "L-1.2"
    left = await stored(ledger)
    assert (left.outcome, left.closed_at) == ("withdrawn", later(days=1))


async def test_two_runs_that_open_at_the_same_time_leave_one_case_open(ledger: Ledger) -> None:
    await lend(ledger)

    await asyncio.gather(*(open_case(ledger, run_key=f"run-{n}") for n in range(4)))

    rows = [await stored(ledger, f"L-1.{n}") for n in range(1, 5)]
    assert sum(row.closed_at is None for row in rows) == 1


async def test_a_loan_that_is_held_from_the_start_holds_its_case(ledger: Ledger) -> None:
    await lend(ledger, held_for="suspected-fraud")

    facts = await open_case(ledger)
    await open_case(ledger)

    assert facts.held_for == "suspected-fraud"
    async with ledger.reading() as session:
        assert [h.reason for h in await journal.standing_holds(session, "L-1", later(days=1))] == ["suspected-fraud"]


async def test_an_unknown_loan_opens_no_case(ledger: Ledger) -> None:
    with pytest.raises(LoanUnknown, match="L-404"):
        await open_case(ledger, "L-404")


async def test_closing_makes_open_requests_void_and_cancels_open_tasks(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    work = {"case_id": "L-1.1", "loan_id": "L-1", "step": "s.1", "kind": TaskKind.COUNSELLING, "role": Role.COLLECTOR, "opened_at": NOW}
    await store(
        ledger,
        approval("open"),
        approval("denied", state="denied", decided_by="sue", decided_at=NOW),
        TaskRow(id="open", **work),
        TaskRow(id="done", **work, state=TaskState.DONE, done_at=NOW),
    )

    await close(ledger)

    async with ledger.reading() as session:
        request, denied = [await approvals.approval(session, id) for id in ("open", "denied")]
        tasks = (await session.exec(select(TaskRow).order_by(TaskRow.id))).all()
        assert await approvals.open_approvals(session, NOW) == []
    assert (request.state, request.why_void, denied.state) == (ApprovalState.VOID, "the case was closed", ApprovalState.DENIED)
    assert [(t.id, t.state, t.done_at) for t in tasks] == [("done", TaskState.DONE, NOW), ("open", TaskState.CANCELLED, later(days=1))]


async def test_closing_again_changes_nothing(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await close(ledger)

    async with ledger.session() as session:
        await cases.close_case_row(session, "L-1.1", "written_off", later(days=9))

    row = await stored(ledger)
    assert (row.outcome, row.closed_at) == ("cured", later(days=1))


async def test_an_unknown_case_cannot_be_closed(ledger: Ledger) -> None:
    with pytest.raises(CaseUnknown, match=r"L-404\.1"):
        await close(ledger, "L-404.1")


async def test_the_open_case_of_a_loan_is_found(ledger: Ledger) -> None:
    await lend(ledger)
    async with ledger.session() as session:
        assert await cases.open_case(session, "L-1") is None
    await open_case(ledger)
    async with ledger.session() as session:
        found = await cases.open_case(session, "L-1")
    assert found
    assert found.id == "L-1.1"


async def test_the_strategy_that_a_case_pins_can_be_read_when_its_file_has_changed(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)

    async with ledger.reading() as session:
        kept = await pinned.strategy(session, STRATEGY.content_hash)

    assert kept == STRATEGY
    assert kept is not None
    assert kept.content_hash == STRATEGY.content_hash


async def test_a_kept_strategy_that_somebody_changed_is_none(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    async with ledger.session() as session:
        row = await session.get_one(StrategyRow, STRATEGY.content_hash)
        row.body = STRATEGY.model_copy(update={"version": 4}).canonical
        session.add(row)

    async with ledger.reading() as session:
        assert await pinned.strategy(session, STRATEGY.content_hash) is None


async def test_cases_that_open_at_once_keep_their_strategy_once(ledger: Ledger) -> None:
    loan_ids = [f"L-{n}" for n in range(1, 5)]
    for loan_id in loan_ids:
        await lend(ledger, loan_id)

    await asyncio.gather(*(open_case(ledger, loan_id, run_key=loan_id) for loan_id in loan_ids))

    async with ledger.reading() as session:
        assert [row.content_hash for row in await session.exec(select(StrategyRow))] == [STRATEGY.content_hash]
