"""What is kept of the open cases between two searches never says anything else than the ledger does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import HoldLifted, HoldPlaced, PromiseJudged, PromiseMade
from arrears.domain.strategy import Role, TaskKind
from arrears.ledger import cases, journal, loans
from arrears.ledger.engine import Ledger
from arrears.ledger.search import Found, Query, Sort, find
from arrears.ledger.search.board import SESSION_KEY
from arrears.ledger.stages import Tracks
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    HoldRow,
    InstalmentRow,
    LoanRow,
    PaymentReversalRow,
    PersonRow,
    TaskRow,
    TaskState,
)
from tests.ledger.scene import NOW, approval, later, lend, open_case, payment

LOANS = ("L-1", "L-2", "L-3", "L:4/x@y")
QUESTIONS: tuple[dict[str, Any], ...] = (
    *({"sort": sort} for sort in Sort),
    *({"sort": sort, "state": "all"} for sort in (Sort.URGENT, Sort.AMOUNT)),
    {"stage": "promised"},
    {"waiting": "ladder", "owed_from": "400"},
    {"days_from": "21", "currency": "CNY", "strategy": "gentle"},
)
Step = Callable[[AsyncSession, str, int, datetime], Awaitable[object]]


@pytest.fixture
async def portfolio(ledger: Ledger) -> Ledger:
    for n, loan_id in enumerate(LOANS):
        await lend(ledger, loan_id)
        await open_case(ledger, loan_id, f"run-{n}")
    return ledger


async def both(ledger: Ledger, question: dict[str, Any], now: datetime, tracks: dict[str, Tracks] | None = None) -> tuple[Found, Found]:
    """What the search says, and what it says when nothing is kept."""
    query = Query.model_validate(question)
    async with ledger.reading() as session:
        kept = await find(session, query, now, tracks or {})
        session.info.pop(SESSION_KEY)
        return kept, await find(session, query, now, tracks or {})


async def agree(ledger: Ledger, now: datetime) -> None:
    for question in QUESTIONS:
        kept, read = await both(ledger, question, now)
        assert kept == read, question


async def _pays(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    await loans.record_payment(session, loan_id, payment(f"P,{n}\\", "30.25"), "loan_system", now)


async def _takes_back(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    paid = await loans.payments(session, loan_id)
    if paid and await session.get(PaymentReversalRow, paid[0].payment_id) is None:
        await loans.reverse_payment(session, paid[0].payment_id, "bounced", now, "loan_system", now)


async def _promises(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    event = PromiseMade.model_validate(
        {"at": now, "amount": "20.00", "currency": "CNY", "due_on": date(2026, 11, 22) + timedelta(days=n % 4)}
    )
    await journal.record_events(session, await _case(session, loan_id), loan_id, [event], now)


async def _breaks_it(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    event = PromiseJudged.model_validate(
        {"at": now, "amount": "20.00", "due_on": date(2026, 11, 22) + timedelta(days=n % 4), "kept": False}
    )
    await journal.record_events(session, await _case(session, loan_id), loan_id, [event], now)


async def _is_held(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    event = HoldPlaced(at=now, reason="dispute", until=now + timedelta(hours=n % 30 + 1) if n % 2 else None)
    await journal.record_events(session, await _case(session, loan_id), loan_id, [event], now)


async def _is_let_go(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    await journal.record_events(session, await _case(session, loan_id), loan_id, [HoldLifted(at=now, reason="dispute")], now)


async def _is_asked_about(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    session.add(approval(f"ask-{n}", case_id=await _case(session, loan_id)))


async def _is_answered(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    found = await session.exec(select(ApprovalRow).where(col(ApprovalRow.state) == ApprovalState.OPEN))
    for row in found.all()[:1]:
        row.state = ApprovalState.EXPIRED
        session.add(row)


async def _is_worked_on(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    case_id, kind = await _case(session, loan_id), TaskKind.INVESTIGATION
    session.add(TaskRow(id=f"t-{n}", case_id=case_id, loan_id=loan_id, step="x.1", kind=kind, role=Role.COLLECTOR, opened_at=now))


async def _is_done(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    for row in (await session.exec(select(TaskRow).where(col(TaskRow.state) == TaskState.OPEN))).all()[:1]:
        row.state, row.done_at = TaskState.DONE, now
        session.add(row)


async def _moves(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    loan = await session.get_one(LoanRow, loan_id)
    person = await session.get_one(PersonRow, loan.borrower_id)
    person.zone = ("Asia/Shanghai", "America/New_York", "Pacific/Auckland")[n % 3]
    session.add(person)


async def _owes_more(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    due_on, nothing = now.date() + timedelta(days=n % 5 - 2), Decimal(0)
    session.add(InstalmentRow(loan_id=loan_id, n=n + 100, due_on=due_on, principal=Decimal(7), interest=nothing, fees=nothing))


async def _forgets_a_hold(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    for row in (await session.exec(select(HoldRow))).all()[:1]:
        await session.delete(row)


async def _ends(session: AsyncSession, loan_id: str, n: int, now: datetime) -> None:
    if n % 7 == 0:
        await cases.close_case_row(session, await _case(session, loan_id), "withdrawn", now)


async def _case(session: AsyncSession, loan_id: str) -> str:
    return (await cases.latest_case(session, loan_id)).id


STEPS: tuple[Step, ...] = (
    *(_pays, _takes_back, _promises, _breaks_it, _is_held, _is_let_go, _is_asked_about, _is_answered),
    *(_is_worked_on, _is_done, _moves, _owes_more, _forgets_a_hold, _ends),
)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_and_however_time_goes_on_both_say_the_same(portfolio: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    now = later(hours=1)
    await agree(portfolio, now)
    for n in range(28):
        step = STEPS[n % len(STEPS)] if seed == 0 else chance.choice(STEPS)
        async with portfolio.session() as session:
            await step(session, chance.choice(LOANS[:3]) if step is _ends else chance.choice(LOANS), n, now)
        now += chance.choice((timedelta(), timedelta(minutes=20), timedelta(hours=9)))
        await agree(portfolio, now)


async def test_what_one_process_writes_another_sees_in_its_next_search(portfolio: Ledger, url: str) -> None:
    other = Ledger(url)
    before, _ = await both(other, {"sort": "amount"}, later(hours=1))
    async with portfolio.session() as session:
        await _pays(session, "L-2", 1, later(hours=1))

    after, read = await both(other, {"sort": "amount"}, later(hours=1))

    assert after == read != before
    await other.close()


async def test_a_look_at_an_older_moment_shows_that_moment(portfolio: Ledger) -> None:
    query, now = Query(sort=Sort.AMOUNT), later(hours=1)
    async with portfolio.reading() as older:
        first = await find(older, query, now, {})
        async with portfolio.session() as session:
            await _pays(session, "L-2", 1, now)
        newer, _ = await both(portfolio, {"sort": "amount"}, now)

        assert await find(older, query, now, {}) == first != newer


async def test_other_tracks_are_other_stages(portfolio: Ledger) -> None:
    async with portfolio.session() as session:
        await _is_held(session, "L-1", 0, NOW)
    plain, _ = await both(portfolio, {"stage": "on_hold"}, later(hours=1))
    tracked, read = await both(portfolio, {"stage": "quarrel"}, later(hours=1), {"gentle": (("quarrel", "dispute"),)})

    assert [case.loan_id for case in plain.cases] == ["L-1"] == [case.loan_id for case in tracked.cases]
    assert tracked == read


async def test_a_ledger_that_was_put_back_is_read_anew(portfolio: Ledger) -> None:
    """Its records go on from another one than was seen last: what stood in the kept cases may not be true of it."""
    await agree(portfolio, later(hours=1))
    async with portfolio.session() as session:
        await _pays(session, "L-1", 1, NOW)
    async with portfolio.reading() as session:
        board: Any = session.info[SESSION_KEY]
    await agree(portfolio, later(hours=1))
    board._state.hash = "f" * 64
    board._state.seen.clear()
    board._state.orders.clear()

    await agree(portfolio, later(hours=1))


async def test_pages_follow_each_other_while_cases_change(portfolio: Ledger) -> None:
    async with portfolio.reading() as session:
        page = await find(session, Query(sort=Sort.AMOUNT), later(hours=1), {}, most=2)
    async with portfolio.session() as session:
        await _pays(session, page.cases[0].loan_id, 1, NOW)
    async with portfolio.reading() as session:
        rest = await find(session, Query(sort=Sort.AMOUNT), later(hours=1), {}, most=9, after=page.next)

    assert {case.loan_id for case in (*page.cases, *rest.cases)} == set(LOANS)


async def test_many_who_search_at_once_get_the_same(portfolio: Ledger) -> None:
    found = await asyncio.gather(*(both(portfolio, {"sort": "days"}, later(hours=1, seconds=-n)) for n in range(8)))

    assert all(kept.cases == read.cases for kept, read in found)
