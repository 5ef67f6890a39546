"""Opening many cases: each when its loan is overdue, and no faster than the running ones can bear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlmodel import col, func, select
from temporalio.client import Client

from arrears.cli.output import Unreachable
from arrears.cli.running_case import open_case
from arrears.domain.calendar import local_instant
from arrears.domain.clock import Clock
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import InstalmentRow, LoanRow, PersonRow
from arrears.workflows.contract import CaseRequest

# A flood of starts starves the cases that run: their first tasks wait behind it.
_STARTS_PER_SECOND = 12
_OVERDUE_AT = time(0, 5)
_RETRY_AFTER = 0.5


@dataclass(frozen=True)
class Opening:
    """A case that is to be opened at a business instant: the start of the day on which the loan is overdue for the first time, where the borrower lives."""

    loan_id: str
    at: datetime


async def openings(ledger: Ledger) -> list[Opening]:
    """When each loan of the ledger was or will be overdue for the first time, the newest first: they have rungs on that very day, an old book can wait."""
    first = func.min(InstalmentRow.due_on)
    async with ledger.reading() as session:
        found = await session.exec(
            select(LoanRow.id, PersonRow.zone, first)
            .join(PersonRow, col(PersonRow.id) == col(LoanRow.borrower_id))
            .join(InstalmentRow, col(InstalmentRow.loan_id) == col(LoanRow.id))
            .group_by(col(LoanRow.id), col(PersonRow.zone))
        )
        rows = found.all()
    planned = (Opening(loan_id, local_instant(due_on + timedelta(days=1), _OVERDUE_AT, zone or "UTC")) for loan_id, zone, due_on in rows)
    return sorted(planned, key=lambda o: o.at, reverse=True)


async def open_cases(client: Client, ledger: Ledger, clock: Clock, planned: Sequence[Opening], opened: Callable[[str], None]) -> None:
    """Open every case when its loan is overdue, those that are overdue already at once; ``opened`` is told each loan. A server that goes away is waited for."""
    begun = clock.at(datetime.now(UTC))
    overdue = [o for o in planned if o.at <= begun]
    later = sorted((o for o in planned if o.at > begun), key=lambda o: o.at)
    for opening in (*overdue, *later):
        wait = (clock.real_time(opening.at) - datetime.now(UTC)).total_seconds()
        await asyncio.sleep(max(wait, 1 / _STARTS_PER_SECOND))
        await _open(client, ledger, opening.loan_id)
        opened(opening.loan_id)


async def _open(client: Client, ledger: Ledger, loan_id: str) -> None:
    while True:
        try:
            await open_case(client, ledger, CaseRequest(loan_id=loan_id))
        except Unreachable:
            await asyncio.sleep(_RETRY_AFTER)
        else:
            return
