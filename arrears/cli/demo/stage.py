"""The demo's stage: a fresh directory, a clock whose days are short, the outside world, and a portfolio of overdue loans."""

from __future__ import annotations

import shutil
from datetime import date, datetime, time
from pathlib import Path

from arrears.cli.installation import Installation
from arrears.cli.output import WrongUsage, refuse
from arrears.config.strategies import load_all
from arrears.domain.calendar import local_instant
from arrears.domain.clock import Clock
from arrears.ledger import facts
from arrears.ledger.engine import Ledger
from arrears.ledger.portfolio import check, compare, read, write
from arrears.sandbox import agencies
from arrears.sandbox.portfolio import sample
from arrears.sandbox.process import write_residents
from arrears.workers.supervisor import ChildPlan

ZONE = "Asia/Shanghai"
MORNING = time(6)

_MARK = "this-directory-belongs-to-arrears-demo"


def fresh(data_dir: Path) -> None:
    """Make an empty directory, or empty one that an earlier demo has left. Raises ``WrongUsage`` for a directory with anything else in it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        begins = local_instant(today, MORNING, ZONE)
        await write(session, checked.accepted, begins)
        for fact in agencies.in_good_standing(agencies.named_in(load_all(installation.settings.strategies_dir).values()), today):
            await facts.record(session, fact, begins)
    residents = installation.data_dir / "residents.json"
    write_residents(residents, people.residents)
    return residents
