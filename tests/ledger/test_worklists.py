"""An operator keeps searches under names; nobody else's lists can be seen or touched."""

from __future__ import annotations

import pytest

from arrears.ledger import worklists
from arrears.ledger.engine import Ledger
from arrears.ledger.search import Query
from tests.ledger.scene import NOW, later, people, store

_LATE = Query.model_validate({"days_from": "30", "sort": "days"})


async def names(ledger: Ledger, operator_id: str = "sue") -> list[str]:
    async with ledger.reading() as session:
        return [row.name for row in await worklists.of(session, operator_id)]


@pytest.fixture
async def desk(ledger: Ledger) -> Ledger:
    """Two operators; Sue keeps one list."""
    await store(ledger, *people())
    async with ledger.session() as session:
        await worklists.save(session, "sue", "  thirty   days ", _LATE, NOW)
    return ledger


async def test_a_search_is_kept_and_comes_back_as_it_was(desk: Ledger) -> None:
    async with desk.reading() as session:
        (row,) = await worklists.of(session, "sue")

    assert (row.name, Query.model_validate(row.query)) == ("thirty days", _LATE)
    assert await names(desk, "rob") == []


async def test_saving_under_the_same_name_replaces_the_search(desk: Ledger) -> None:
    async with desk.session() as session:
        await worklists.save(session, "sue", "thirty days", Query(), later(hours=1))

    async with desk.reading() as session:
        (row,) = await worklists.of(session, "sue")
    assert (row.query, row.saved_at) == ({}, later(hours=1))


async def test_a_list_is_renamed_and_deleted(desk: Ledger) -> None:
    async with desk.session() as session:
        (row,) = await worklists.of(session, "sue")
        assert row.id is not None
        await worklists.rename(session, "sue", row.id, "a month")
    assert await names(desk) == ["a month"]

    async with desk.session() as session:
        await worklists.delete(session, "sue", row.id)
    assert await names(desk) == []


async def test_a_name_that_is_taken_is_refused(desk: Ledger) -> None:
    async with desk.session() as session:
        row = await worklists.save(session, "sue", "other", Query(), NOW)
        assert row.id is not None
        with pytest.raises(worklists.NameTaken, match="thirty days"):
            await worklists.rename(session, "sue", row.id, "thirty days")


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
async def test_a_list_needs_a_name(desk: Ledger, name: str) -> None:
    async with desk.session() as session:
        with pytest.raises(worklists.WorkListRefused):
            await worklists.save(session, "sue", name, Query(), NOW)


async def test_somebody_elses_list_is_unknown(desk: Ledger) -> None:
    async with desk.session() as session:
        (row,) = await worklists.of(session, "sue")
        assert row.id is not None
        with pytest.raises(worklists.WorkListUnknown):
            await worklists.delete(session, "rob", row.id)
        with pytest.raises(worklists.WorkListUnknown):
            await worklists.rename(session, "rob", row.id, "mine")
