"""A payment that the loan system takes back counts no more, and the case that it had closed is opened again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlmodel import select

from arrears.domain.access import Action
from arrears.ledger import cases, loans, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AuditRow, PaymentReversalRow
from arrears.workflows.contract import Signal
from tests.api.conftest import LOAN, NOW, PAYMENT, Api

REVERSAL = {"loan_id": LOAN, "reason": "bounced", "reversed_at": "2026-11-03T10:00:00+08:00"}
PLACE = "/v1/payments/P-1/reversal"


async def waiting(ledger: Ledger) -> list[tuple[str, dict[str, Any]]]:
    async with ledger.reading() as session:
        return [(row.name, row.body) for row in await relays.undelivered(session)]


async def owed(ledger: Ledger) -> str:
    async with ledger.reading() as session:
        return str((await loans.arrears(session, LOAN, date(2026, 11, 3))).amount)


@pytest.fixture
async def paid(api: Api) -> Api:
    """The API of a ledger in which the loan's only instalment is paid."""
    assert (await api.tell("loan_system", "/v1/payments", PAYMENT)).status_code == 202
    return api


async def test_a_payment_that_is_taken_back_is_owed_again_once_this_is_answered(paid: Api, ledger: Ledger) -> None:
    assert await owed(ledger) == "0"
    answer = await paid.tell("loan_system", PLACE, REVERSAL, "m-2")
    assert (answer.status_code, answer.json()) == (202, {"loan_id": LOAN, "payment_id": "P-1", "new": True})
    assert await owed(ledger) == "120.50"
    told = {"payment_id": "P-1", "reason": "bounced", "reversed_at": "2026-11-03T10:00:00+08:00"}
    assert (await waiting(ledger))[1:] == [(Signal.PAYMENT_REVERSED, told)]


async def test_telling_it_again_changes_nothing(paid: Api, ledger: Ledger) -> None:
    for n in range(3):
        answer = await paid.tell("loan_system", PLACE, {k: v for k, v in REVERSAL.items() if k != "loan_id" or n}, f"m-{n + 2}")
        assert (answer.status_code, answer.json()["new"]) == (202, n == 0)
    async with ledger.reading() as session:
        assert len((await session.exec(select(PaymentReversalRow))).all()) == 1
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == Action.REVERSE_PAYMENT))).all()
    assert [(row.actor, row.loan_id, row.subject) for row in noted] == [("loan_system", LOAN, "P-1")]


async def test_a_case_that_the_payment_had_closed_is_opened_again(paid: Api, ledger: Ledger) -> None:
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, "L-1.1", "cured", NOW)
    await paid.tell("loan_system", PLACE, REVERSAL, "m-2")
    assert [name for name, _ in await waiting(ledger)] == [Signal.PAYMENT_RECEIVED, Signal.PAYMENT_REVERSED, relays.OPEN]


@pytest.mark.parametrize(
    ("place", "body", "status", "code", "field"),
    [
        ("/v1/payments/P-404/reversal", REVERSAL, 404, "unknown_payment", "payment_id"),
        (PLACE, REVERSAL | {"loan_id": "L-2"}, 404, "unknown_payment", "payment_id"),
        (PLACE, REVERSAL | {"reason": "张三 bounced"}, 422, "malformed", "reason"),
        (PLACE, REVERSAL | {"reversed_at": "2026-11-03T10:00:00"}, 422, "malformed", "reversed_at"),
        (PLACE, REVERSAL | {"amount": "1"}, 422, "malformed", "amount"),
    ],
)
async def test_what_cannot_be_taken_back_is_refused(
    paid: Api, ledger: Ledger, place: str, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    answer = await paid.tell("loan_system", place, body, "m-2")
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["field"]) == (status, code, field)
    assert "张三" not in answer.text
    assert await owed(ledger) == "0"


@pytest.mark.parametrize("other", [{"reason": "booked by mistake"}, {"reversed_at": "2026-11-03T10:00:01+08:00"}])
async def test_another_reversal_of_the_same_payment_is_a_conflict(paid: Api, other: dict[str, str]) -> None:
    await paid.tell("loan_system", PLACE, REVERSAL, "m-2")
    answer = await paid.tell("loan_system", PLACE, REVERSAL | other, "m-3")
    assert (answer.status_code, answer.json()["code"]) == (409, "reversal_conflict")


async def test_nobody_takes_a_payment_back_unsigned(paid: Api, ledger: Ledger) -> None:
    assert (await paid.http.post(PLACE, json=REVERSAL)).status_code == 401
    assert await owed(ledger) == "0"
