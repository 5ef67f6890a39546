"""Every write of the ledger is chained, once, in the transaction that made it; what would write past the chain is refused."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col, delete, select

from arrears.ledger import chain, loans
from arrears.ledger.digest import GENESIS, record_hash, row_digest, row_key
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import METADATA, ChainHeadRow, OperatorRow, PersonRow, RecordRow, RelayRow
from arrears.prove.chain import UNCHAINED
from tests.chain_scene import VECTORS, columns, furnish, stored, verified
from tests.ledger.databases import WRITE_UNTIL_KILLED
from tests.ledger.scene import NOW, NUMBER, attempt, lend, open_case, payment, store


async def records(ledger: Ledger) -> Sequence[RecordRow]:
    async with ledger.reading() as session:
        return (await session.exec(select(RecordRow).order_by(col(RecordRow.seq)))).all()


async def told(ledger: Ledger) -> list[tuple[str, str, str]]:
    return [(record.tbl, record.row_key, record.op.value) for record in await records(ledger)]


def operator(id: str = "ann", **more: Any) -> OperatorRow:
    return OperatorRow(**({"id": id, "name": "Ann", "role": "collector"} | more))


async def fail(ledger: Ledger) -> None:
    async with ledger.session() as session:
        session.add(operator())
        await session.flush()
        raise ZeroDivisionError


@pytest.mark.parametrize("vector", VECTORS["rows"], ids=lambda v: v["why"])
def test_a_row_has_one_digest_whatever_the_database(vector: dict[str, Any]) -> None:
    assert row_digest(*columns(vector["row"])) == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda v: v["key"])
def test_keys_cannot_be_taken_for_each_other(vector: dict[str, Any]) -> None:
    assert row_key(vector["values"]) == vector["key"]


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda v: v["op"])
def test_a_record_hash_is_over_all_of_the_record(vector: dict[str, Any]) -> None:
    fields = [stored(vector[name]) for name in ("seq", "at", "tbl", "row_key", "op", "row_digest", "previous")]
    assert record_hash(*fields) == vector["hash"]


def test_what_has_no_exact_text_is_not_chained() -> None:
    with pytest.raises(TypeError, match="float"):
        row_digest(["x"], [0.5])


def test_the_writer_and_the_checker_leave_out_the_same_tables() -> None:
    assert chain.OPERATIONAL == UNCHAINED
    assert chain.OPERATIONAL - {"alembic_version"} < set(METADATA.tables)


async def test_a_new_ledger_has_a_chain_without_records(ledger: Ledger, url: str) -> None:
    async with ledger.reading() as session:
        head = (await session.exec(select(ChainHeadRow))).one()

    assert (head.seq, head.hash) == (0, GENESIS)
    assert (await verified(url)).state == "whole"


async def test_rows_that_are_inserted_changed_and_deleted_are_each_recorded(ledger: Ledger, url: str) -> None:
    await store(ledger, operator())
    async with ledger.session() as session:
        row = await session.get_one(OperatorRow, "ann")
        row.active = False
    async with ledger.session() as session:
        await session.delete(await session.get_one(OperatorRow, "ann"))

    assert await told(ledger) == [("operators", "ann", "insert"), ("operators", "ann", "update"), ("operators", "ann", "delete")]
    assert (await verified(url)).state == "whole"


async def test_each_record_names_the_one_before_and_the_head_the_last(ledger: Ledger) -> None:
    await furnish(ledger)

    chained = await records(ledger)
    assert [record.seq for record in chained] == list(range(1, len(chained) + 1))
    assert [record.previous for record in chained] == [GENESIS, *(record.hash for record in chained[:-1])]
    async with ledger.reading() as session:
        head = (await session.exec(select(ChainHeadRow))).one()
    assert (head.seq, head.hash) == (chained[-1].seq, chained[-1].hash)


async def test_a_row_touched_several_times_in_a_transaction_is_recorded_once_as_it_is_at_the_end(ledger: Ledger, url: str) -> None:
    async with ledger.session() as session:
        row = operator()
        session.add(row)
        await session.flush()
        row.active = False
        await session.flush()
        row.name = "Anna"

    assert await told(ledger) == [("operators", "ann", "insert")]
    assert (await verified(url)).state == "whole"


async def test_a_row_that_did_not_outlive_its_transaction_is_not_recorded(ledger: Ledger) -> None:
    async with ledger.session() as session:
        row = operator()
        session.add(row)
        await session.flush()
        await session.delete(row)

    assert await told(ledger) == []


async def test_a_row_that_is_replaced_under_its_key_is_recorded_as_changed(ledger: Ledger, url: str) -> None:
    await store(ledger, operator())
    async with ledger.session() as session:
        await session.delete(await session.get_one(OperatorRow, "ann"))
        await session.flush()
        session.add(operator(name="Another Ann"))

    assert await told(ledger) == [("operators", "ann", "insert"), ("operators", "ann", "update")]
    assert (await verified(url)).state == "whole"


async def test_an_object_that_is_only_looked_at_is_not_recorded(ledger: Ledger) -> None:
    await store(ledger, operator())
    async with ledger.session() as session:
        row = await session.get_one(OperatorRow, "ann")
        row.name = "Ann"
        session.add(row)

    assert len(await records(ledger)) == 1


async def test_rows_with_keys_of_several_columns_and_generated_keys_are_recorded(ledger: Ledger) -> None:
    await lend(ledger)

    assert {("instalments", "L-1,1", "insert"), ("relations", "L-1,P-1", "insert"), ("contact_points", "1", "insert")} <= set(
        await told(ledger)
    )


async def test_nothing_is_appended_when_a_transaction_fails(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError):
        await store(ledger, operator(), attempt())
    with pytest.raises(ZeroDivisionError):
        await fail(ledger)

    assert await told(ledger) == []


async def test_what_a_savepoint_took_back_is_not_recorded(ledger: Ledger, url: str) -> None:
    async with ledger.session() as session:
        session.add(operator("kept"))
        await session.flush()
        savepoint = await session.begin_nested()
        session.add(operator("dropped"))
        await session.flush()
        await savepoint.rollback()
        async with session.begin_nested():
            session.add(operator("also"))

    assert await told(ledger) == [("operators", "kept", "insert"), ("operators", "also", "insert")]
    assert (await verified(url)).state == "whole"


async def test_an_outbox_is_not_chained(ledger: Ledger) -> None:
    await lend(ledger)
    before = len(await records(ledger))
    async with ledger.session() as session:
        session.add(RelayRow(loan_id="L-1", name="open", key="k", body={}, recorded_at=NOW))
    async with ledger.session() as session:
        await session.exec(update(RelayRow).values(delivered_at=NOW))

    assert len(await records(ledger)) == before


STATEMENTS = {
    "an update": lambda: update(OperatorRow).values(active=False),
    "a delete": lambda: delete(OperatorRow),
    "an insert": lambda: insert(OperatorRow).values(id="x", name="x", role="admin", active=True),
    "a plain text": lambda: text('DELETE FROM "operators"'),
    "an insert in a query": lambda: text("WITH x AS (SELECT 1) INSERT INTO operators SELECT 'x', 'x', 'admin', TRUE FROM x"),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
async def test_statements_that_would_write_past_the_chain_are_refused(ledger: Ledger, statement: Any) -> None:
    await store(ledger, operator())
    with pytest.raises(chain.Unchained, match="operators is chained"):
        async with ledger.session() as session:
            await session.execute(statement())
    with pytest.raises(chain.Unchained, match="operators is chained"):
        async with ledger.session() as session:
            await (await session.connection()).execute(statement())

    async with ledger.reading() as session:
        assert (await session.exec(select(OperatorRow.active))).all() == [True]


async def test_bulk_operations_of_the_session_are_refused(ledger: Ledger) -> None:
    with pytest.raises(chain.Unchained, match="operators is chained"):
        async with ledger.session() as session:
            await session.run_sync(lambda s: s.bulk_save_objects([operator()]))


async def test_a_statement_is_refused_even_after_a_flush(ledger: Ledger) -> None:
    async with ledger.session() as session:
        session.add(operator())
        await session.flush()
        with pytest.raises(chain.Unchained):
            await session.execute(update(OperatorRow).values(active=False))


async def test_a_primary_key_never_changes(ledger: Ledger) -> None:
    await store(ledger, operator())
    async with ledger.session() as session:
        row = await session.get_one(OperatorRow, "ann")
        row.id = "anna"
        with pytest.raises(chain.ChainBroken, match="primary key"):
            await session.flush()
        session.expunge(row)


async def test_a_ledger_without_a_head_takes_no_writes(ledger: Ledger, url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM chain_heads"))
    await engine.dispose()

    with pytest.raises(chain.ChainBroken, match="lost its head"):
        await store(ledger, operator())


async def test_many_writers_at_once_make_one_chain(ledger: Ledger, url: str) -> None:
    """Two processes' worth of connections; some transactions fail, some touch the same rows in opposite order of their tables."""
    await lend(ledger)
    await open_case(ledger)
    other = Ledger(url)

    async def write(n: int) -> None:
        async with (ledger if n % 2 else other).exclusive() as session:
            if n % 3:
                session.add(operator(f"op-{n}"))
                await session.flush()
            await loans.record_payment(session, "L-1", payment(f"pay-{n}"), "test", NOW)
            person = await session.get_one(PersonRow, "B-1", with_for_update=True)
            person.language = f"x-{n}"
            if n % 5 == 0:
                raise ZeroDivisionError

    done = await asyncio.gather(*(write(n) for n in range(60)), return_exceptions=True)

    assert sum(isinstance(one, ZeroDivisionError) for one in done) == 12
    assert sum(one is None for one in done) == 48
    found = await verified(url)
    assert found.breaks == ()
    assert sum(tbl == "payments" for tbl, _, _ in await told(ledger)) == 48
    await other.close()


async def test_a_process_killed_while_it_writes_leaves_a_whole_chain(ledger: Ledger, url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITE_UNTIL_KILLED, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    for _ in range(25):
        await process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()

    await store(ledger, operator("after"))
    found = await verified(url)
    assert found.breaks == ()
    assert found.rows == found.records > 25


async def test_what_goes_wrong_with_the_chain_is_an_error_of_the_database_without_values(ledger: Ledger, url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE records"))
    await engine.dispose()

    with pytest.raises(DBAPIError, match="records") as failed:
        await store(ledger, operator(name=NUMBER))

    assert NUMBER not in "".join(traceback.format_exception(failed.value))
