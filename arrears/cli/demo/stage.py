"""The demo's stage: a fresh directory, a clock whose days are short, the processes, and cases opened as their loans fall overdue."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlmodel import col, func, select
from temporalio.client import Client

from arrears.cli.demo.board import Board
from arrears.cli.installation import Installation
from arrears.cli.output import Unreachable, WrongUsage, refuse
from arrears.cli.running_case import open_case
from arrears.config.strategies import load_all
from arrears.domain.calendar import local_instant
from arrears.domain.clock import Clock
from arrears.ledger.engine import Ledger
from arrears.ledger.portfolio import check, compare, read, write
from arrears.ledger.tables import InstalmentRow, LoanRow, PersonRow
from arrears.sandbox.portfolio import sample
from arrears.sandbox.process import write_residents
from arrears.workers.supervisor import ChildPlan
from arrears.workflows.contract import CaseRequest

ZONE = "Asia/Shanghai"
MORNING = time(6)

_MARK = "this-directory-belongs-to-arrears-demo"
_STARTS_PER_SECOND = 12
_OVERDUE_AT = time(0, 5)
_RETRY_AFTER = 0.5


@dataclass(frozen=True)
class Opening:
    """A case that is to be opened at a business instant."""

    loan_id: str
    at: datetime


def fresh(data_dir: Path) -> None:
    """Make an empty directory, or empty one that an earlier demo has left. Raises ``WrongUsage`` for a directory with anything else in it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    mark = data_dir / _MARK
    there = [path for path in data_dir.iterdir() if path.name != "lock"]
    if there and not mark.exists():
        raise WrongUsage(f"{data_dir} holds files that no demo has left there; name an empty directory with --data-dir")
    for path in there:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    mark.touch()


def demo_clock(day: date, day_seconds: float, begins: datetime) -> Clock:
    """A clock that shows the morning of ``day`` when ``begins`` comes."""
    return Clock(real_epoch=begins, business_epoch=local_instant(day, MORNING, ZONE), day_seconds=day_seconds)


def sandbox_child(installation: Installation, http_port: int, smtp_port: int, residents: Path, seed: int) -> ChildPlan:
    """The outside world as a process to keep."""
    plan = installation.child("sandbox", f"http://127.0.0.1:{http_port}/healthz")
    arguments = (
        "--directory",
        str((installation.data_dir / "world").absolute()),
        "--http-port",
        str(http_port),
        "--smtp-port",
        str(smtp_port),
    )
    more = ("--residents", str(residents.absolute()), "--seed", str(seed))
    return ChildPlan(plan.name, (*plan.command, *arguments, *more), plan.environment, plan.ready)


async def bring_in(installation: Installation, ledger: Ledger, today: date, seed: int) -> Path:
    """Import the sample portfolio as `arrears import` would; a file with the people behind it. Raises ``CommandFailed`` if a row is refused."""
    people = sample(today, seed=seed)
    file = installation.data_dir / "portfolio.jsonl"
    file.write_text(people.json_lines(), encoding="utf-8")
    currencies = {name: strategy.currency for name, strategy in load_all(installation.settings.strategies_dir).items()}
    async with ledger.exclusive() as session:
        checked = await compare(session, check(read(file), currencies))
        if checked.refused:
            problem = checked.refused[0]
            refuse(f"the sample portfolio is refused at line {problem.line}: {problem.field} {problem.problem}")
        await write(session, checked.accepted, local_instant(today, MORNING, ZONE))
    residents = installation.data_dir / "residents.json"
    write_residents(residents, people.residents)
    return residents


async def openings(ledger: Ledger) -> list[Opening]:
    """When each loan of the ledger is overdue for the first time: the start of the day after its first unpaid instalment, where the borrower lives."""
    first = func.min(InstalmentRow.due_on)
    async with ledger.reading() as session:
        found = await session.exec(
            select(LoanRow.id, PersonRow.zone, first)
            .join(PersonRow, col(PersonRow.id) == col(LoanRow.borrower_id))
            .join(InstalmentRow, col(InstalmentRow.loan_id) == col(LoanRow.id))
            .group_by(col(LoanRow.id), col(PersonRow.zone))
        )
        rows = found.all()
    # The newly overdue first: their first day has rungs, while an old book takes up its ladder wherever it is.
    return sorted(
        (Opening(loan_id, local_instant(due_on + timedelta(days=1), _OVERDUE_AT, zone or ZONE)) for loan_id, zone, due_on in rows),
        key=lambda o: o.at,
        reverse=True,
    )


async def open_cases(client: Client, ledger: Ledger, clock: Clock, planned: Sequence[Opening], board: Board) -> None:
    """Open every case when its loan is overdue, those that are overdue already at a pace that leaves the running ones their share."""
    begun = clock.at(datetime.now(UTC))
    overdue = [o for o in planned if o.at <= begun]
    later = sorted((o for o in planned if o.at > begun), key=lambda o: o.at)
    for opening in (*overdue, *later):
        wait = (clock.real_time(opening.at) - datetime.now(UTC)).total_seconds()
        await asyncio.sleep(max(wait, 1 / _STARTS_PER_SECOND))
        await _open(client, ledger, opening.loan_id)
        board.awaited.add(opening.loan_id)


async def _open(client: Client, ledger: Ledger, loan_id: str) -> None:
    while True:
        try:
            await open_case(client, ledger, CaseRequest(loan_id=loan_id))
        except Unreachable:
            await asyncio.sleep(_RETRY_AFTER)  # the server was killed; it comes back
        else:
            return
