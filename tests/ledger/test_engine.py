"""Transactions: all or nothing, one at a time where facts are judged, and no personal data in what they complain of."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError
from sqlmodel import SQLModel, col, func, select

from arrears.ledger import engine, loans
from arrears.ledger.engine import Ledger, LedgerBusy, passes
from arrears.ledger.tables import OperatorRow, PaymentRow
from tests.ledger.databases import WRITE_UNTIL_KILLED
from tests.ledger.scene import NOW, NUMBER, lend, payment, people, point, store


async def test_a_session_that_ends_well_commits(ledger: Ledger) -> None:
    async with ledger.session() as session:
        session.add(OperatorRow(id="sue", name="Sue", role="supervisor"))

    async with ledger.reading() as session:
        assert await session.get(OperatorRow, "sue")


async def test_a_session_that_fails_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError):
        await store(ledger, OperatorRow(id="sue", name="Sue", role="supervisor"), point(1, "nobody", "+8613000000001"))

    async with ledger.reading() as session:
        assert await session.get(OperatorRow, "sue") is None


async def test_a_reading_session_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"):
        async with ledger.reading() as session:
            session.add(OperatorRow(id="sue", name="Sue", role="supervisor"))


async def test_exclusive_transactions_never_judge_the_same_facts(ledger: Ledger, url: str) -> None:
    """Each counts the payments and books one that is named for the count: two that saw the same count would book the same id."""
    await lend(ledger)
    other_process = Ledger(url)

    async def count_and_book(through: Ledger) -> bool:
        async with through.exclusive() as session:
            await loans.lock_loan(session, "L-1")
            count = (await session.exec(select(func.count()).select_from(PaymentRow))).one()
            await asyncio.sleep(0.005)
            return await loans.record_payment(session, "L-1", payment(f"pay-{count}"), "test", NOW)

    booked = await asyncio.gather(*(count_and_book(ledger if n % 2 else other_process) for n in range(12)))

    assert all(booked)
    async with ledger.reading() as session:
        assert {p.payment_id for p in await loans.payments(session, "L-1")} == {f"pay-{n}" for n in range(12)}
    await other_process.close()


async def test_sessions_that_read_before_they_write_wait_for_each_other_and_all_succeed(ledger: Ledger) -> None:
    await lend(ledger)

    async def book(n: int) -> bool:
        async with ledger.session() as session:
            return await loans.record_payment(session, "L-1", payment(f"pay-{n}"), "test", NOW)

    assert all(await asyncio.gather(*(book(n) for n in range(12))))


async def test_the_same_payment_told_at_the_same_time_is_booked_once(ledger: Ledger) -> None:
    await lend(ledger)

    async def book() -> bool:
        async with ledger.session() as session:
            return await loans.record_payment(session, "L-1", payment(), "test", NOW)

    assert sorted(await asyncio.gather(*(book() for _ in range(6)))) == [False] * 5 + [True]


async def test_readers_do_not_wait_for_a_writer_and_see_what_was_committed(ledger: Ledger) -> None:
    await lend(ledger)
    async with ledger.exclusive() as writing:
        await loans.record_payment(writing, "L-1", payment(), "test", NOW)
        async with asyncio.timeout(5), ledger.reading() as session:
            assert await loans.payments(session, "L-1") == ()

    async with ledger.reading() as session:
        assert len(await loans.payments(session, "L-1")) == 1


async def test_a_reading_session_sees_one_moment(ledger: Ledger) -> None:
    await lend(ledger)
    async with ledger.reading() as session:
        await loans.payments(session, "L-1")
        async with ledger.session() as writing:
            await loans.record_payment(writing, "L-1", payment(), "test", NOW)
        assert await loans.payments(session, "L-1") == ()


@pytest.mark.parametrize(
    ("rows", "secret"),
    [
        (lambda: [*people(), point(7, "B-1", NUMBER)], NUMBER),
        (lambda: [OperatorRow(id="x", name="Secret", role="nobody")], "Secret"),
        (lambda: [OperatorRow(id="x", name="Secret", role=None)], "Secret"),
    ],
    ids=["an address twice", "no such role", "no role"],
)
async def test_errors_name_no_values(ledger: Ledger, rows: Callable[[], list[SQLModel]], secret: str) -> None:
    with pytest.raises(StatementError) as failed:
        await store(ledger, *rows())

    assert secret not in "".join(traceback.format_exception(failed.value))
    assert secret not in repr(failed.value)


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("statement", ["SELECT CAST('Secret' AS DATE)", "SELECT CAST('Secret' AS NUMERIC)"])
async def test_errors_about_data_name_no_values(ledger: Ledger, statement: str) -> None:
    with pytest.raises(DBAPIError) as failed:
        await _execute(ledger, statement)

    assert "Secret" not in "".join(traceback.format_exception(failed.value)).replace(statement, "")


async def test_errors_still_say_which_constraint_was_broken(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError, match="contact_points"):
        await store(ledger, *people(), point(7, "B-1", NUMBER))


async def test_rows_do_not_show_personal_data(ledger: Ledger) -> None:
    shown = "".join(repr(row) for row in people())

    assert "B-1" in shown
    assert "王示例" not in shown
    assert "+86" not in shown


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_is_safe_against_power_loss_and_keeps_foreign_keys(ledger: Ledger) -> None:
    async with ledger.session() as session:
        connection = await session.connection()
        found = {p: (await connection.execute(text(f"PRAGMA {p}"))).scalar() for p in ("journal_mode", "foreign_keys", "synchronous")}

    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


async def test_what_was_committed_outlives_a_killed_process(ledger: Ledger, url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITE_UNTIL_KILLED, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    said = [int(await process.stdout.readline()) for _ in range(25)]
    os.kill(process.pid, signal.SIGKILL)
    said += [int(line) for line in (await process.stdout.read()).split()]
    await process.wait()

    async with ledger.session() as session:
        rows = (await session.exec(select(OperatorRow).order_by(col(OperatorRow.id)))).all()
        session.add(OperatorRow(id="after", name="x", role="collector"))
    assert [row.id for row in rows][: len(said)] == [f"op-{n:06}" for n in said]
    assert len(rows) - len(said) in (0, 1)


async def _execute(ledger: Ledger, statement: str) -> None:
    async with ledger.session() as session:
        await (await session.connection()).execute(text(statement))


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sessions_of_a_process_write_in_the_order_in_which_they_came_also_beside_another_process(ledger: Ledger, url: str) -> None:
    await lend(ledger)
    other_process, order = Ledger(url), list[str]()

    async def book(through: Ledger, payment_id: str) -> None:
        async with through.session() as session:
            await loans.record_payment(session, "L-1", payment(payment_id), "test", NOW)
            order.append(payment_id)

    await asyncio.gather(*(book(through, f"{name}-{n:02}") for n in range(12) for name, through in (("a", ledger), ("b", other_process))))

    for name in "ab":
        assert [one for one in order if one.startswith(name)] == [f"{name}-{n:02}" for n in range(12)]
    await other_process.close()


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_whoever_gets_no_turn_to_write_is_told_so_and_the_next_one_does(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WAIT_SECONDS", 0.2)
    other_process = Ledger(url)
    async with ledger.exclusive():
        with pytest.raises(LedgerBusy) as here:
            await store(ledger, OperatorRow(id="sue", name="Sue", role="supervisor"))
        with pytest.raises(OperationalError, match="locked") as there:
            await store(other_process, OperatorRow(id="sue", name="Sue", role="supervisor"))

    assert passes(here.value)
    assert passes(there.value)
    await store(other_process, OperatorRow(id="sue", name="Sue", role="supervisor"))
    await store(ledger, OperatorRow(id="joe", name="Joe", role="supervisor"))
    await other_process.close()


async def test_a_mistake_does_not_pass(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError) as failed:
        await _execute(ledger, "SELECT nothing FROM nowhere")

    assert not passes(failed.value)
