"""A town whose time hardly moves, with cases that wait for the desk and operators who speak to its API."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import WorkflowHandle

from arrears.config.settings import PACKAGED
from arrears.domain.calendar import local_date
from arrears.domain.loan import KnownLoan
from arrears.domain.strategy import Role
from arrears.ledger import approvals, loans
from arrears.sandbox.temperament import never_answers
from arrears.workflows import asking
from arrears.workflows.contract import CaseRequest, workflow_id
from tests.acceptance.town import ZONE, Town, a_fast_town, eventually, loan_row
from tests.api.described import as_described
from tests.api.desk import operator

_AT_DESK = """
strategy: at-desk
version: 1
title: Work for the desk on the first day, whatever the hour
source: made for this test
currency: CNY
window: {start: 00:00, end: 23:59:59}
ladder:
  - {rung: look, day: 0, at: 00:00, do: task, task: dedicated_collector, role: collector}
  - {rung: sue, day: 0, at: 00:00, do: refer, to: lawsuit, approval: {role: supervisor}}
"""
_ROLES = {
    "sup-1": Role.SUPERVISOR,
    "sup-2": Role.SUPERVISOR,
    "col-1": Role.COLLECTOR,
    "col-2": Role.COLLECTOR,
    "risk-1": Role.RISK_CONTROL,
}


@dataclass
class Desk:
    """A town whose time hardly moves, and the operators who speak to its API."""

    town: Town
    http: httpx.AsyncClient
    people: dict[str, dict[str, str]]
    today: date
    _numbers: count[int] = field(default_factory=lambda: count(2001))

    async def case(self) -> str:
        """A loan whose case waits for a supervisor and for a collector."""
        loan_id = await self.town.lend(loan_row(f"L-{next(self._numbers)}", "at-desk", self.today - timedelta(days=1)), never_answers())
        await asking.start(self.town.env.client, CaseRequest(loan_id=loan_id), await self._known(loan_id))
        await eventually(lambda: self._asked(loan_id))
        return loan_id

    async def post(self, who: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.people[who] | headers)

    async def get(self, who: str, path: str) -> httpx.Response:
        return await self.http.get(path, headers=self.people[who])

    def handle(self, loan_id: str) -> WorkflowHandle[Any, Any]:
        return self.town.env.client.get_workflow_handle(workflow_id(loan_id))

    async def reason(self, approval_id: str) -> str | None:
        async with self.town.ledger.reading() as session:
            return await approvals.reason(session, await approvals.approval(session, approval_id))

    async def _known(self, loan_id: str) -> KnownLoan:
        async with self.town.ledger.reading() as session:
            return await loans.known(session, loan_id)

    async def _asked(self, loan_id: str) -> bool:
        return bool((await self.get("sup-1", f"/v1/approvals?loan_id={loan_id}")).json()["items"])


@asynccontextmanager
async def a_desk(directory: Path) -> AsyncGenerator[Desk]:
    """A desk whose town keeps its files in this directory."""
    strategies = shutil.copytree(PACKAGED / "strategies", directory / "strategies")
    (strategies / "at-desk.yaml").write_text(_AT_DESK, encoding="utf-8")
    async with a_fast_town(directory, day_seconds=7200, strategies_dir=strategies) as town:
        people = {name: await operator(town.ledger, name, role) for name, role in _ROLES.items()}
        assert town.world.callback_base is not None
        described = {"response": [as_described]}
        async with httpx.AsyncClient(base_url=town.world.callback_base, timeout=30, event_hooks=described) as http:
            yield Desk(town, http, people, local_date(await town.now(), ZONE))


def request_of(loan_id: str) -> str:
    return f"{loan_id}.1/sue.1/a1"
