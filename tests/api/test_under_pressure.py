"""A ledger that is busy keeps nobody's payment, and a backlog reaches each case in the order in which it was left."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from arrears.api.cases import Cases, TemporalAway
from arrears.domain.access import Action
from arrears.domain.clock import REAL_TIME
from arrears.ledger import engine, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import LoanRow
from arrears.workflows.contract import Signal, workflow_id
from tests.api.callers import token
from tests.api.conftest import LOAN, NOW, Api
from tests.ledger.scene import payment

BODY = {"loan_id": LOAN, "payment_id": "P-1", "amount": "20.00", "currency": "CNY", "received_at": "2026-11-20T08:00:00Z"}


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "k-1"}], ids=["without a key", "with a key"])
async def test_a_busy_ledger_asks_for_patience_and_takes_the_same_payment_later(
    api: Api, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    mine = await token(ledger, Action.RECORD_PAYMENT) | headers
    monkeypatch.setattr(engine, "WAIT_SECONDS", 0.1)
    async with ledger.exclusive():
        refused = await api.http.post("/v1/payments", json=BODY, headers=mine)
    taken = await api.http.post("/v1/payments", json=BODY, headers=mine)

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "ledger_busy"
    assert int(refused.headers["retry-after"]) > 0
    assert taken.status_code == HTTPStatus.ACCEPTED
    assert taken.json()["new"] is True


@dataclass
class Slow:
    """A Temporal that takes its time, notes what it was told, and breaks down at one loan if it is asked to."""

    told: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    breaks_at: str | None = None
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self) -> Client:
        return cast(Client, self)

    def get_workflow_handle(self, case: str) -> Any:
        return _Handle(self, case)


@dataclass
class _Handle:
    temporal: Slow
    case: str

    async def signal(self, _: str, body: dict[str, Any], **__: Any) -> None:
        there = self.temporal
        there.at_once += 1
        there.most_at_once = max(there.most_at_once, there.at_once)
        try:
            await asyncio.sleep(0.001 * (hash(body["payment_id"]) % 4))
            if self.case == there.breaks_at:
                raise RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")
            there.told[self.case].append(body["payment_id"])
        finally:
            there.at_once -= 1


async def _backlog(ledger: Ledger, loans: int, of_each: int) -> dict[str, list[str]]:
    """Messages left for loans in turn; what each case is to hear."""
    async with ledger.session() as session:
        terms: dict[str, Any] = {
            "borrower_id": "B-1",
            "lender": "Example",
            "product": "cash",
            "currency": "CNY",
            "strategy": "gentle",
            "imported_at": NOW,
        }
        session.add_all(LoanRow(id=f"X-{n}", **terms) for n in range(loans))
        for k in range(of_each):
            for n in range(loans):
                await relays.leave(session, f"X-{n}", Signal.PAYMENT_RECEIVED, f"payment/{n}.{k}", payment(f"{n}.{k}"), NOW)
    return {workflow_id(f"X-{n}"): [f"{n}.{k}" for k in range(of_each)] for n in range(loans)}


async def test_a_backlog_is_told_to_several_cases_at_once_and_to_each_in_order(ledger: Ledger) -> None:
    expected, temporal = await _backlog(ledger, 12, 10), Slow()

    assert await Cases(ledger, temporal, REAL_TIME).deliver() == 120

    assert temporal.told == expected
    assert 1 < temporal.most_at_once <= 8


async def test_what_was_told_before_temporal_broke_down_is_not_told_again(ledger: Ledger) -> None:
    expected, temporal = await _backlog(ledger, 3, 4), Slow(breaks_at=workflow_id("X-1"))
    cases = Cases(ledger, temporal, REAL_TIME)

    with pytest.raises(TemporalAway):
        await cases.deliver()
    temporal.breaks_at = None
    await cases.deliver()

    assert temporal.told == expected
