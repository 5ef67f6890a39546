"""What loan systems report, one or many at a time, signed or with a token."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from arrears.domain.access import Action
from arrears.ledger import loans, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AuditRow, PaymentRow
from tests.api.callers import token
from tests.api.conftest import LOAN, PAYMENT, Api


@pytest.fixture
async def till(ledger: Ledger) -> dict[str, str]:
    return await token(ledger, Action.RECORD_PAYMENT, Action.OPEN_CASE, name="till")


def payments(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"payments": [PAYMENT | {"payment_id": f"P-{n}"} | change for n, change in enumerate(changes)]}


async def booked(ledger: Ledger) -> list[str]:
    async with ledger.reading() as session:
        return [p.payment_id for p in await loans.payments(session, LOAN)]


async def waiting(ledger: Ledger) -> list[tuple[str, str]]:
    async with ledger.reading() as session:
        return [(row.name, row.key) for row in await relays.undelivered(session, 5000)]


async def test_a_machine_with_a_token_may_report_what_its_scopes_allow(api: Api, ledger: Ledger, till: dict[str, str]):
    assert (await api.http.post("/v1/payments", json=PAYMENT, headers=till)).status_code == 202
    async with ledger.reading() as session:
        row = (await session.exec(select(PaymentRow))).one()
    assert row.source == "client till"
    reader = await token(ledger, Action.READ_CASES, name="reader")
    refused = await api.http.post("/v1/payments", json=PAYMENT, headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_who_reported_it_stands_in_the_audit_record_once(api: Api, ledger: Ledger, till: dict[str, str]):
    for _ in range(2):
        await api.http.post("/v1/payments", json=PAYMENT, headers=till)
    await api.tell("loan_system", "/v1/missed-payments", {"loan_id": LOAN})
    async with ledger.reading() as session:
        rows = (await session.exec(select(AuditRow).order_by(col(AuditRow.id)))).all()
    assert [(r.actor_kind, r.actor, r.action, r.loan_id, r.subject) for r in rows] == [
        ("client", "till", Action.RECORD_PAYMENT, LOAN, "P-1"),
        ("gateway", "loan_system", Action.OPEN_CASE, LOAN, None),
    ]


async def test_each_payment_of_a_batch_counts_by_itself(api: Api, ledger: Ledger):
    batch = payments(
        {}, {"loan_id": "L-404"}, {"amount": "-1"}, {"currency": "USD"}, {"payment_id": "P-0"}, {"payment_id": "P-0", "amount": "9"}, {}
    )
    batch["payments"].append("no payment at all")
    answer = await api.tell("loan_system", "/v1/payments/batch", batch)
    told = answer.json()
    assert (answer.status_code, told["taken"], told["refused"]) == (200, 3, 5)
    assert [(r["status"], (r["problem"] or {}).get("code"), (r["taken"] or {}).get("new")) for r in told["results"]] == [
        (202, None, True),
        (404, "unknown_loan", None),
        (422, "malformed", None),
        (422, "payment_refused", None),
        (202, None, False),
        (409, "payment_conflict", None),
        (202, None, True),
        (422, "malformed", None),
    ]
    assert [r["problem"]["errors"][0]["field"] for r in told["results"] if r["problem"]] == [
        "loan_id",
        "amount",
        "currency",
        "payment_id",
        "body",
    ]
    assert await booked(ledger) == ["P-0", "P-6"]
    assert await waiting(ledger) == [("payment_received", "payment/P-0"), ("payment_received", "payment/P-6")]


async def test_a_thousand_payments_are_taken_at_once_and_no_more(api: Api, ledger: Ledger):
    many = payments(*({"amount": "0.01"} for _ in range(1000)))
    answer = await api.tell("loan_system", "/v1/payments/batch", many)
    assert (answer.status_code, answer.json()["taken"]) == (200, 1000)
    assert len(await booked(ledger)) == len(await waiting(ledger)) == 1000
    again = await api.tell("loan_system", "/v1/payments/batch", many, "m-2")
    assert {r["taken"]["new"] for r in again.json()["results"]} == {False}
    for wrong in ({"payments": [*many["payments"], PAYMENT]}, {"payments": []}, {}, {"payments": {}}):
        refused = await api.tell("loan_system", "/v1/payments/batch", wrong, "m-3")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "payments")


async def test_a_database_that_stumbles_over_many_takes_them_one_by_one(api: Api, ledger: Ledger):
    """Two batches that hold each other's loans make PostgreSQL end one of them."""
    tries: list[int] = []

    def stumble(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO payments"):
            tries.append(1)
            if len(tries) == 3:
                raise OperationalError(statement, None, OSError("deadlock detected"))

    engine = ledger._writing.sync_engine  # pyright: ignore[reportPrivateUsage]
    event.listen(engine, "before_cursor_execute", stumble)
    answer = await api.tell("loan_system", "/v1/payments/batch", payments({}, {}, {}, {}))
    assert (answer.json()["taken"], len(tries)) == (4, 7)
    assert await booked(ledger) == ["P-0", "P-1", "P-2", "P-3"]


async def test_each_missed_payment_of_a_batch_counts_by_itself(api: Api, ledger: Ledger):
    batch = {"missed_payments": [{"loan_id": LOAN}, {"loan_id": "L-404"}, {"loan_id": LOAN, "strategy": "No Name"}]}
    told = (await api.tell("loan_system", "/v1/missed-payments/batch", batch)).json()
    assert [(r["status"], (r["problem"] or {}).get("code")) for r in told["results"]] == [
        (202, None),
        (404, "unknown_loan"),
        (422, "malformed"),
    ]
    again = (await api.tell("loan_system", "/v1/missed-payments/batch", batch)).json()
    assert again["results"][0]["taken"] == {"loan_id": LOAN, "new": False}
    assert [name for name, _ in await waiting(ledger)] == [relays.OPEN]


async def test_a_missed_payment_under_the_same_key_is_one_message(api: Api, ledger: Ledger, till: dict[str, str]):
    for key in ("a", "a", "b"):
        answer = await api.http.post("/v1/missed-payments", json={"loan_id": LOAN}, headers=till | {"idempotency-key": key})
        assert answer.status_code == 202
    assert len(await waiting(ledger)) == 2


async def test_an_id_of_a_message_may_be_long(api: Api, ledger: Ledger):
    for _ in range(2):
        assert (await api.tell("loan_system", "/v1/missed-payments", {"loan_id": LOAN}, "m" * 200)).status_code == 202
    ((_, key),) = await waiting(ledger)
    assert len(key) <= 256


async def test_a_batch_never_repeats_what_was_sent(api: Api):
    answer = await api.tell("loan_system", "/v1/payments/batch", payments({"amount": "张三 13000000001"}, {"张三": 1, "amount": []}))
    assert answer.json()["refused"] == 2
    assert "张三" not in answer.text
    assert "13000000001" not in answer.text
