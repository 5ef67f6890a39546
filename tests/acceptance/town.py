"""A whole Arrears on the time-skipping server: the real worker, ledger, gateways and API, and the sandbox world outside.

The server has one clock for everybody, so a town runs one case at a time; nobody's wall clock matters, because every case is moved to a morning first.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from arrears.activities import Activities
from arrears.api.app import create_app
from arrears.api.serving import serving
from arrears.config.settings import Settings
from arrears.config.strategies import load_all
from arrears.domain.calendar import Window, local_date, local_instant, local_time
from arrears.domain.clock import REAL_TIME, Clock
from arrears.domain.strategy import Role
from arrears.gateways.registry import Gateways
from arrears.ledger import facts
from arrears.ledger.approvals import open_approvals
from arrears.ledger.engine import Ledger, upgrade
from arrears.ledger.keys import open_vault
from arrears.ledger.portfolio.check import check
from arrears.ledger.portfolio.files import read_json_lines
from arrears.ledger.portfolio.store import write
from arrears.ledger.tables import OperatorRow
from arrears.ledger.timeline import TimelineEntry, timeline
from arrears.sandbox import agencies
from arrears.sandbox.temperament import Resident, Temperament
from arrears.sandbox.world import SandboxWorld
from arrears.workers.connection import register_search_attributes
from arrears.workers.server import TUNING
from arrears.workers.worker import collections_worker
from arrears.workflows.contract import TASK_QUEUE, WORKFLOW_TYPE, Signal, workflow_id

ZONE = "Asia/Shanghai"
OPERATORS = {"op-super": Role.SUPERVISOR, "op-risk": Role.RISK_CONTROL, "op-collect": Role.COLLECTOR}
_PATIENCE = timedelta(seconds=60)
_HOUR = timedelta(hours=1)
_AWAKE = Window(start=time(7), end=time(22))
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d) UTC)?")


def executable(name: str) -> str:
    """A program of this virtual environment, or of the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed: run `make test`, which installs what the tests need"
    return found


def loan_row(
    loan_id: str, strategy: str, due_on: date, *, owed: str = "1200.00", later: dict[date, str] | None = None, **more: object
) -> dict[str, object]:
    """A portfolio row of an invented borrower with every kind of address, and two relatives."""
    n = sum(loan_id.encode()) % 900
    return {
        "loan_id": loan_id,
        "lender": "示例消费金融",
        "product": "cash_loan",
        "currency": "CNY",
        "strategy": strategy,
        "borrower": {
            "id": f"P-{loan_id}",
            "name": "甲样本",
            "zone": ZONE,
            "language": "zh-CN",
            "contact_points": [
                {"kind": "mobile", "address": f"+86130000{n:05d}"},
                {"kind": "mobile", "address": f"+86131000{n:05d}", "line": "reserve"},
                {"kind": "email", "address": f"borrower-{n}@mail.example"},
                {"kind": "in_app", "address": f"app-{n}"},
            ],
        },
        "relatives": [
            {"role": role, "name": name, "zone": ZONE, "contact_points": [{"kind": "mobile", "address": f"+8613{i + 2}000{n:05d}"}]}
            for i, (role, name) in enumerate((("emergency", "乙样本"), ("contact", "丙样本")))
        ],
        "instalments": [{"due_on": str(on), "amount": amount} for on, amount in {due_on: owed, **(later or {})}.items()],
    } | more


@dataclass
class Town:
    """Handles on everything, for one test."""

    env: WorkflowEnvironment
    world: SandboxWorld
    ledger: Ledger
    settings: Settings
    day_zero: date
    """The local day on which the ladder of a loan due the day before shows 0."""
    operators_say: Literal["approve", "deny"] | None = None
    """What operators decide within the hour; by default nobody is at work."""

    @property
    def due_on(self) -> date:
        return self.day_zero - timedelta(days=1)

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        """An instant of a ladder day."""
        return local_instant(self.day_zero + timedelta(days=day), time(hour, minute), ZONE)

    async def lend(self, row: dict[str, object], temperament: Temperament) -> str:
        """Put a loan into the ledger and its borrower into the world; returns the loan's id."""
        checked = check(
            read_json_lines([json.dumps(row, ensure_ascii=False)]),
            {name: s.currency for name, s in load_all(self.settings.strategies_dir).items()},
        )
        assert not checked.refused, checked.refused
        async with self.ledger.session() as session:
            await write(session, checked.accepted, await self.now())
        loan = checked.accepted[0].loan
        lines = [(p.address, "reserve" if p.line == "reserve" else "registered") for p in loan.borrower.contact_points]
        lines += [(p.address, "relative") for r in loan.relatives for p in r.contact_points]
        instalments = [{"due_on": i.due_on, "amount": i.principal + i.interest + i.fees} for i in loan.instalments]
        self.world.settle_in(
            [
                Resident.model_validate(
                    {"loan_id": loan.loan_id, "temperament": temperament, "addresses": dict(lines), "instalments": instalments}
                )
            ]
        )
        return loan.loan_id

    async def open(self, loan_id: str, **more: object) -> WorkflowHandle:
        """Start the case as any client would, with plain JSON."""
        return await self.env.client.start_workflow(
            WORKFLOW_TYPE, {"loan_id": loan_id, **more}, id=workflow_id(loan_id), task_queue=TASK_QUEUE
        )

    async def now(self) -> datetime:
        """Business time."""
        return self.settings.clock.at(await self.env.get_current_time())

    async def live_until(self, instant: datetime, handle: WorkflowHandle | None = None, step: timedelta = _HOUR) -> None:
        """Let time pass step by step, so that borrowers and operators can act when they would, by day; ends early when the case has."""
        # The steps lie on a grid: how long the machine takes for one does not move the next.
        upcoming = now = await self.now()
        while now < instant:
            upcoming += step
            while not _AWAKE.contains(upcoming, ZONE):
                upcoming += step
            upcoming = min(max(upcoming, now), instant)
            await self.env.sleep(self.settings.clock.real_duration(upcoming - now))
            now = await self.now()
            self.world.tick(now)
            await self.world.told()
            await self._decide()
            if handle is not None and closed(await described(handle)):
                return

    async def live_until_told(self, words: str, loan_id: str, step: timedelta = _HOUR) -> None:
        """Let time pass until the case's story has these words."""
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            while words not in await self.told(loan_id):
                await self.live_until(await self.now() + step)

    async def _decide(self) -> None:
        """Let an operator of the right role decide whatever is asked, if any operator is at work."""
        if self.operators_say is None:
            return
        async with self.ledger.reading() as session:
            waiting = await open_approvals(session, await self.now())
        for request in waiting:
            operator = next(name for name, role in OPERATORS.items() if role is request.role)
            decision = {"approval_id": request.approval_id, "decision": self.operators_say, "operator": operator, "reason": "evidence read"}
            await self.env.client.get_workflow_handle(workflow_id(request.loan_id)).signal(Signal.APPROVAL_DECIDED, decision)

    async def story(self, loan_id: str) -> list[TimelineEntry]:
        async with self.ledger.reading() as session:
            return await timeline(session, loan_id)

    def day(self, instant: datetime) -> int:
        return (local_date(instant, ZONE) - self.day_zero).days

    async def told(self, loan_id: str) -> str:
        """The case's story, a line each: ladder day and local time, what happened, how it ended."""
        lines: list[str] = []
        for entry in await self.story(loan_id):
            step = f"{entry.step}: " if entry.step else ""
            rules = f" [{', '.join(entry.rules)}]" if entry.rules else ""
            lines.append(f"day {self.day(entry.at):>3} {local_time(entry.at, ZONE):%H:%M}  {entry.kind:<18} {step}{entry.text}{rules}")
        # What happens within a minute is told in the order of its words: which of two came a moment earlier is chance.
        return _DATE.sub(self._as_ladder_day, "\n".join(sorted(lines))) + "\n"

    def _as_ladder_day(self, found: re.Match[str]) -> str:
        """A date in a text as ladder day, so that the story is the same whenever it is told."""
        if found[2] is None:
            return f"day {(date.fromisoformat(found[1]) - self.day_zero).days}"
        instant = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
        return f"day {self.day(instant)} {local_time(instant, ZONE):%H:%M}"


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until ``check`` says yes; a message takes a moment to be worked off."""
    async with asyncio.timeout(_PATIENCE.total_seconds()):
        while not await check():  # noqa: ASYNC110 (a server of its own has no event for it)
            await asyncio.sleep(0.02)


async def described(handle: WorkflowHandle) -> DescribeWorkflowExecutionResponse:
    """The server's own description: the SDK's cannot read how this server shows an attribute that was unset."""
    execution = WorkflowExecution(workflow_id=handle.id)
    return await handle._client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(namespace="default", execution=execution)
    )


def closed(seen: DescribeWorkflowExecutionResponse) -> bool:
    return seen.workflow_execution_info.status != WorkflowExecutionStatus.RUNNING


@asynccontextmanager
async def a_town(directory: Path, *, answer_seconds: float = 0.05, **settings: object) -> AsyncIterator[Town]:
    """Everything on the time-skipping server; the clock stands at seven in the morning in Shanghai."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=executable("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        now = await env.get_current_time()
        await env.sleep(_next_morning(now) - now)
        async with _everything(env, directory, REAL_TIME, answer_seconds, settings) as town:
            yield town


@asynccontextmanager
async def a_fast_town(directory: Path, *, day_seconds: float, server_args: Sequence[str] = (), **settings: object) -> AsyncIterator[Town]:
    """Everything on the real server, where a day lasts a few seconds; it begins at seven in the morning in Shanghai."""
    tuning = [arg for key, value in TUNING.items() for arg in ("--dynamic-config-value", f"{key}={value}")]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=executable("temporal"),
        dev_server_database_filename=str(directory / "temporal.db"),
        dev_server_extra_args=["--sqlite-pragma", "journal_mode=WAL", *tuning, *server_args],
        data_converter=pydantic_data_converter,
    ) as env:
        now = datetime.now(UTC)
        clock = Clock(real_epoch=now, business_epoch=_next_morning(now), day_seconds=day_seconds)
        async with _everything(env, directory, clock, 0.02, settings) as town:
            yield town


def _next_morning(now: datetime) -> datetime:
    return local_instant(local_date(now, ZONE) + timedelta(days=1), time(7), ZONE)


@asynccontextmanager
async def _everything(
    env: WorkflowEnvironment, directory: Path, clock: Clock, answer_seconds: float, settings: dict[str, object]
) -> AsyncIterator[Town]:
    async with AsyncExitStack() as running:
        await register_search_attributes(env.client)
        world = await running.enter_async_context(SandboxWorld.running(seed=7, directory=directory, answer_seconds=answer_seconds))
        known = {"data_dir": directory, "clock": clock, "call_timeout_seconds": 20, **world.gateway_settings(), **settings}
        configured = Settings.model_validate(known)
        vault = open_vault(configured)
        await upgrade(configured.ledger_url, vault)
        ledger = Ledger(configured.ledger_url, vault)
        running.push_async_callback(ledger.close)
        async with ledger.session() as session:
            session.add_all(OperatorRow(id=name, name=name, role=role) for name, role in OPERATORS.items())

        async def client() -> Client:
            return env.client

        port = await running.enter_async_context(serving(create_app(ledger, client, configured), 0))
        world.callback_base = f"http://127.0.0.1:{port}"
        configured = Settings.model_validate({**known, "callback_base": world.callback_base})
        gateways = await running.enter_async_context(Gateways(configured))
        activities = Activities(ledger, gateways, configured)
        await running.enter_async_context(collections_worker(env.client, activities.all()))
        now = clock.at(await env.get_current_time())
        today = local_date(now, ZONE)
        async with ledger.exclusive() as session:
            for fact in agencies.in_good_standing(agencies.named_in(load_all(configured.strategies_dir).values()), today):
                await facts.record(session, fact, now)
        # Where days are short, this one is nearly over: the ladder begins tomorrow.
        yield Town(env, world, ledger, configured, today if clock == REAL_TIME else today + timedelta(days=1))
