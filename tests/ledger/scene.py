"""A small loan for the tests: its borrower, a sister, two operators, and the rows that tests add."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import OpeningFacts
from arrears.domain.loan import Payment
from arrears.domain.orders import OpenOrder, Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.person import Relation
from arrears.domain.strategy import Channel, ContactRung, Role, Strategy
from arrears.ledger import cases
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import (
    ApprovalPersonRow,
    ApprovalRow,
    AttemptRow,
    ContactPointRow,
    InstalmentRow,
    LoanRow,
    OperatorRow,
    PersonRow,
    RelationRow,
)
from tests import sealing
from tests.sealing import person

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HASH = "a" * 64
OTHER_HASH = "b" * 64
NUMBER = "+8613000000001"

STRATEGY = Strategy(
    strategy="gentle",
    version=3,
    title="One message",
    source="made up",
    currency="CNY",
    ladder=(ContactRung(rung="first-sms", day=0, do="sms", message="first-reminder"),),
)


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


async def add(session: AsyncSession, *rows: SQLModel) -> None:
    """Add rows in this order."""
    for row in rows:
        session.add(row)
        await session.flush()
        session.expunge(row)


async def store(ledger: Ledger, *rows: SQLModel) -> None:
    """Add rows in this order, all or none."""
    async with ledger.session() as session:
        await add(session, *rows)


async def lend(ledger: Ledger, loan_id: str = "L-1", *, held_for: str | None = None) -> None:
    """A loan of two instalments of 500 and 300 CNY, the first of them overdue; its borrower, her sister, a friend and two operators."""
    async with ledger.session() as session:
        if await session.get(PersonRow, "B-1") is None:
            await add(session, *people())
        await add(
            session,
            LoanRow(
                id=loan_id,
                borrower_id="B-1",
                lender="Example",
                product="cash-loan",
                currency="CNY",
                strategy="gentle",
                held_for=held_for,
                imported_at=NOW,
            ),
            InstalmentRow(loan_id=loan_id, n=1, due_on=date(2026, 11, 1), principal=Decimal(480), interest=Decimal(15), fees=Decimal(5)),
            InstalmentRow(loan_id=loan_id, n=2, due_on=date(2026, 12, 1), principal=Decimal("300.00")),
            RelationRow(loan_id=loan_id, person_id="P-1", role=Relation.EMERGENCY),
            RelationRow(loan_id=loan_id, person_id="P-2", role=Relation.CONTACT),
        )


def people() -> list[SQLModel]:
    return [
        *person("B-1", "王示例", zone="Asia/Shanghai", language="zh-CN"),
        *person("P-1", "李示例", zone="Asia/Shanghai", language="zh-CN"),
        *person("P-2", "赵示例", zone="Asia/Shanghai", language="zh-CN"),
        point(1, "B-1", NUMBER),
        point(2, "P-1", "+8613000000002"),
        OperatorRow(id="sue", name="Sue", role=Role.SUPERVISOR),
        OperatorRow(id="rob", name="Rob", role=Role.RISK_CONTROL),
        OperatorRow(id="gone", name="Gone", role=Role.SUPERVISOR, active=False),
    ]


def point(id: int, person_id: str, address: str) -> ContactPointRow:
    return sealing.point(id, person_id, address, source="loan_application")


async def open_case(ledger: Ledger, loan_id: str = "L-1", run_key: str = "run-1", now: datetime = NOW) -> OpeningFacts:
    async with ledger.exclusive() as session:
        return await cases.open_case_row(session, OpenOrder(loan_id=loan_id, run_key=run_key), STRATEGY, now)


def payment(payment_id: str = "pay-1", amount: str = "100.00", **more: Any) -> Payment:
    return Payment.model_validate({"payment_id": payment_id, "amount": amount, "currency": "CNY", "received_at": NOW, **more})


def attempt(id: str = "L-1.1/first-sms.1", **more: Any) -> AttemptRow:
    """A text to the borrower, reserved."""
    given: dict[str, Any] = {
        "case_id": "L-1.1",
        "loan_id": "L-1",
        "person_id": "B-1",
        "contact_point_id": 1,
        "channel": Channel.SMS,
        "purpose": Purpose.COLLECT,
        "message": "first-reminder",
        "content_hash": HASH,
        "locale": "zh-CN",
        "reserved_at": NOW,
    }
    return AttemptRow(id=id, **(given | more))


def settled(id: str, outcome: Outcome, at: datetime, **more: Any) -> AttemptRow:
    return attempt(id, state="settled", outcome=outcome, reserved_at=at, sent_at=at, settled_at=at, **more)


def approval(id: str = "L-1.1/relatives.1", **more: Any) -> ApprovalRow:
    """A request to a supervisor about contacting a relative."""
    given: dict[str, Any] = {
        "case_id": "L-1.1",
        "step": "relatives.1",
        "role": Role.SUPERVISOR,
        "purpose": Purpose.RELAY,
        "message": "relay-message",
        "evidence": {"failed_calls": 3},
        "requested_by": "case",
        "asked_at": NOW,
        "remind_at": later(hours=24),
        "deadline": later(hours=48),
    }
    return ApprovalRow(id=id, **(given | more))


def named(approval_id: str = "L-1.1/relatives.1", person_id: str = "P-1", content_hash: str = HASH) -> ApprovalPersonRow:
    return ApprovalPersonRow(approval_id=approval_id, person_id=person_id, content_hash=content_hash)
