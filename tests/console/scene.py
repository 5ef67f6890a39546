"""Loans, people and requests for the console's tests: invented, and as the ledger would have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import SQLModel

from arrears.config.messages import MessageLibrary
from arrears.config.settings import LenderSettings
from arrears.domain.clock import Clock
from arrears.domain.orders import Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.person import Relation
from arrears.domain.strategy import Channel, Line, Role, TaskKind
from arrears.ledger import contact_facts
from arrears.ledger.engine import Ledger
from arrears.ledger.message_facts import message_facts
from arrears.ledger.news import Ordered
from arrears.ledger.situations import Office
from arrears.ledger.tables import (
    ApprovalPersonRow,
    ApprovalRow,
    AttemptRow,
    AttemptState,
    CaseRow,
    InstalmentRow,
    LoanRow,
    RelationRow,
    TaskRow,
)
from tests.sealing import person, point

ZONE = ZoneInfo("Asia/Shanghai")
BEGINS = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)
"""When the consoles of the tests begin: a Monday."""

BORROWER, RELATIVE = "甲样本", "乙样本"

STRATEGIES = {
    "asks": """
strategy: asks
version: 1
title: A ladder that asks at once
source: the tests
currency: CNY
window: {start: 09:00, end: 20:00}
ladder:
  - rung: help-request
    day: 2
    at: 10:00
    do: relatives
    channel: call
    message: friendly-help-request
    purpose: locate
    most_people: 1
    approval: {role: supervisor, deadline_hours: 48, remind_after_hours: 24}
""",
}
"""The ladders of the running cases."""


def MORNING() -> Clock:
    """Business time that begins on that Monday now and goes on at the usual speed."""
    return Clock(real_epoch=datetime.now(UTC), business_epoch=BEGINS)


def lent(loan_id: str, *, strategy: str = "asks", due_on: date = date(2026, 11, 20), owed: str = "1200.50") -> list[SQLModel]:
    """A loan with its borrower and one relative, each with a number."""
    digits = sum(loan_id.encode()) % 9000 + 1000
    borrower, relative = f"P-{loan_id}", f"R-{loan_id}"
    return [
        *person(borrower, BORROWER, residence="CN"),
        *person(relative, RELATIVE, residence="CN"),
        LoanRow(
            id=loan_id,
            borrower_id=borrower,
            lender="示例消费金融",
            product="cash_loan",
            currency="CNY",
            strategy=strategy,
            imported_at=BEGINS - timedelta(days=9),
        ),
        point(None, borrower, f"+861300000{digits}", country="CN"),
        point(None, relative, f"+861310000{digits}", legal_basis="named_by_borrower", country="CN"),
        RelationRow(loan_id=loan_id, person_id=relative, role=Relation.EMERGENCY),
        InstalmentRow(loan_id=loan_id, n=1, due_on=due_on, principal=Decimal(owed)),
    ]


def cased(loan_id: str) -> list[SQLModel]:
    """A loan with an open case of which the ledger knows, and no workflow."""
    case = CaseRow(
        id=f"{loan_id}.1",
        loan_id=loan_id,
        cycle=1,
        run_key=f"run-{loan_id}",
        strategy="asks",
        strategy_version=1,
        strategy_hash="0" * 64,
        opened_at=BEGINS - timedelta(days=2),
    )
    return [*lent(loan_id), case]


def unreached(loan_id: str, case_id: str, days: Sequence[int] = (3, 2, 2)) -> list[SQLModel]:
    """Calls to the borrower that nobody answered, so many days before the tests' Monday."""
    rows: list[SQLModel] = []
    for n, ago in enumerate(days, start=1):
        when = BEGINS - timedelta(days=ago) + timedelta(hours=n)
        rows.append(
            AttemptRow(
                id=f"{case_id}/call.{n}",
                case_id=case_id,
                loan_id=loan_id,
                person_id=f"P-{loan_id}",
                channel=Channel.CALL,
                purpose=Purpose.COLLECT,
                message="first-call",
                content_hash="0" * 64,
                locale="zh-CN",
                state=AttemptState.SETTLED,
                outcome=Outcome.NO_ANSWER,
                reserved_at=when,
                sent_at=when,
                settled_at=when + timedelta(minutes=1),
            )
        )
    return rows


async def asked(
    ledger: Ledger,
    loan_id: str,
    now: datetime,
    *,
    role: Role = Role.SUPERVISOR,
    deadline: timedelta = timedelta(hours=22),
    requested_by: str = "case",
    purpose: Purpose | None = Purpose.LOCATE,
    referral: str | None = None,
    step: str = "help-request.1",
) -> str:
    """Put a request into the ledger, with its evidence and the words that the relative would get; its id."""
    case_id = f"{loan_id}.1"
    approval_id = f"{case_id}/{step}/ask-1"
    message = "friendly-help-request" if purpose else None
    tried = [
        {"attempt": f"{case_id}/call.{n}", "at": at.isoformat(), "day": at.date().isoformat(), "outcome": "no_answer", "by": "lender"}
        for n, at in enumerate((BEGINS - timedelta(days=3), BEGINS - timedelta(days=2), BEGINS - timedelta(days=1, hours=-3)), start=1)
    ]
    evidence: dict[str, Any] = {
        "loan_id": loan_id,
        "owed": "1200.50 CNY",
        "due_since": "2026-11-20",
        "days_past_due": 3,
        "payments": 0,
        "channel": "call" if purpose else None,
        "purpose": purpose,
        "message": message,
        "referral": referral,
        "last_reached_at": None,
        "lost_contact": tried,
        "numbers_valid": [True],
    }
    async with ledger.exclusive() as session:
        session.add(
            ApprovalRow(
                id=approval_id,
                case_id=case_id,
                step=step,
                role=role,
                purpose=purpose,
                message=message,
                evidence=evidence,
                requested_by=requested_by,
                asked_at=now,
                remind_at=now + deadline / 2,
                deadline=now + deadline,
            )
        )
        await session.flush()
        if message is not None:
            scene = await contact_facts.read_loan(session, case_id, loan_id, now, Ordered(at=now))
            relative = await contact_facts.read_person(session, scene, f"R-{loan_id}", Channel.CALL, Line.REGISTERED)
            facts = message_facts(LenderSettings(), Office(seat="CN", capacity="first_party"), scene, relative, ())
            assert facts is not None
            words = MessageLibrary().render(message, "zh-CN", facts)
            session.add(ApprovalPersonRow(approval_id=approval_id, person_id=f"R-{loan_id}", content_hash=words.content_hash))
    return approval_id


def task(loan_id: str, now: datetime, *, kind: TaskKind = TaskKind.DEDICATED_COLLECTOR, role: Role = Role.COLLECTOR, n: int = 1) -> TaskRow:
    """An open task."""
    return TaskRow(
        id=f"{loan_id}.1/{kind}.{n}", case_id=f"{loan_id}.1", loan_id=loan_id, step=f"{kind}.{n}", kind=kind, role=role, opened_at=now
    )
