"""A small lender for the tests: a real ledger with two people, the activities over it, and a way to run one as the server would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import SQLModel, col, select
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.testing import ActivityEnvironment

from arrears.activities import Activities
from arrears.config.settings import Settings
from arrears.domain.loan import Payment
from arrears.domain.message import NoticeKind
from arrears.domain.orders import ApprovalOrder, ContactOrder, ContactReport, OpenedCase, OpenOrder, Purpose, ReferralOrder
from arrears.domain.outcome import Outcome
from arrears.domain.person import ConsentKind, Relation
from arrears.domain.strategy import Channel, Line, Role
from arrears.gateways.registry import Gateways
from arrears.ledger import attempts, loans
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import (
    AgencyRow,
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    ConsentRow,
    ContactKind,
    ContactPointRow,
    InstalmentRow,
    LoanRow,
    NoticeRow,
    OperatorRow,
    RelationRow,
    VerdictRow,
)
from tests import sealing
from tests.sealing import person

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAME, NUMBER = "张三", "+8613000001234"
RELATIVE_NAME, RELATIVE_NUMBER = "李四", "+8613000005678"
WAITS = activity._CompleteAsyncError  # pyright: ignore[reportPrivateUsage]
"""What ends an activity's function while its outcome is still to come."""


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant of November 2026 in Shanghai; the loan's first instalment fell due on the 1st."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=SHANGHAI)


@dataclass
class House:
    """The lender. ``run`` executes an activity like the server: at a business instant, as the n-th attempt."""

    ledger: Ledger
    settings: Settings
    gateways: Gateways
    activities: Activities

    async def run(
        self,
        name: str,
        order: Any,
        now: datetime,
        *,
        attempt: int = 1,
        most: int = 10,
        scheduled: datetime | None = None,
        token: bytes = b"token",
    ) -> Any:
        environment = ActivityEnvironment()
        environment.info = replace(
            ActivityEnvironment.default_info(),
            started_time=now,
            scheduled_time=scheduled or now,
            attempt=attempt,
            task_token=token,
            retry_policy=RetryPolicy(maximum_attempts=most),
        )
        return await environment.run(getattr(self.activities, name), order)

    async def contact(self, order: ContactOrder, now: datetime, **how: Any) -> ContactReport:
        return await self.run("contact", order, now, **how)

    async def open(self, loan_id: str = "L-1", now: datetime = at(2, 9), run_key: str = "run-1") -> OpenedCase:
        return await self.run("open_case", OpenOrder(loan_id=loan_id, run_key=run_key), now)

    async def add(self, *rows: SQLModel) -> None:
        async with self.ledger.session() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def pay(self, amount: str, now: datetime, payment_id: str = "pay-1", loan_id: str = "L-1") -> None:
        """A payment that the loan system reports: it stands in the ledger, the case has not heard of it."""
        paid = Payment(payment_id=payment_id, amount=Decimal(amount), currency="CNY", received_at=now)
        async with self.ledger.session() as session:
            await loans.record_payment(session, loan_id, paid, "api", now)

    async def attempt(self, attempt_id: str) -> AttemptRow:
        async with self.ledger.reading() as session:
            return (await session.exec(select(AttemptRow).where(col(AttemptRow.id) == attempt_id))).one()

    async def attempts(self, loan_id: str = "L-1") -> list[AttemptRow]:
        async with self.ledger.reading() as session:
            return await attempts.history(session, loan_id)

    async def verdicts(self, loan_id: str = "L-1") -> list[tuple[str, tuple[str, ...]]]:
        async with self.ledger.reading() as session:
            return [(v.verdict.value, tuple(v.rules)) for v in await attempts.verdicts(session, loan_id)]

    async def verdict_rows(self, loan_id: str = "L-1") -> list[VerdictRow]:
        async with self.ledger.reading() as session:
            return await attempts.verdicts(session, loan_id)

    async def lose_contact(self, case_id: str = "L-1.1", loan_id: str = "L-1") -> None:
        """Three calls on two days that nobody answered."""
        await self.add(
            *(
                AttemptRow(
                    id=f"{case_id}/lost.{n}",
                    case_id=case_id,
                    loan_id=loan_id,
                    person_id="P-1",
                    contact_point_id=1,
                    channel=Channel.CALL,
                    purpose=Purpose.COLLECT,
                    message="first-call",
                    content_hash="0" * 64,
                    locale="zh-CN",
                    state="settled",
                    outcome=Outcome.NO_ANSWER,
                    reserved_at=when,
                    sent_at=when,
                    settled_at=when,
                )
                for n, when in enumerate((at(3, 10), at(3, 15), at(4, 10)), start=1)
            )
        )

    async def approve(self, order: ApprovalOrder, now: datetime) -> None:
        """A human's yes to a request that was asked."""
        async with self.ledger.session() as session:
            row = (await session.exec(select(ApprovalRow).where(col(ApprovalRow.id) == order.approval_id))).one()
            row.state, row.decided_by, row.decided_at = "approved", "op-1", now  # pyright: ignore[reportAttributeAccessIssue]
            session.add(row)


async def prepare_referrals(house: House) -> None:
    """Everything that the law asks for before a case leaves the house, but for a human's yes: a listed agency, notices, a consent to a sale."""
    sent, arrived = at(2, 10), at(2, 11)
    await house.add(
        AgencyRow(
            id="north",
            listed_from=date(2026, 1, 1),
            contract_from=date(2026, 1, 1),
            contract_until=date(2027, 12, 31),
            reviewed_on=date(2026, 10, 1),
            assessment_id="assessment-1",
            agreed=["purpose", "term", "manner", "data_kinds", "safeguards"],
            feed_at=at(10, 8),
            recorded_at=sent,
        ),
        *(
            NoticeRow(
                loan_id="L-1", person_id="P-1", kind=kind, sent_at=sent, delivered_at=arrived, evidence="letter-1", recorded_at=arrived
            )
            for kind in (NoticeKind.AGENCY, NoticeKind.CREDIT, NoticeKind.ASSIGNMENT)
        ),
        ConsentRow(person_id="P-1", kind=ConsentKind.TRANSFER, given_at=sent, evidence="form-1", recorded_at=sent),
    )


async def decided(house: House, order: ReferralOrder) -> ReferralOrder:
    """The order with a human's yes to its step."""
    approval_id = f"{order.referral_id}/a1"
    await house.add(
        ApprovalRow(
            id=approval_id,
            case_id=order.case_id,
            step=order.step,
            role=Role.RISK_CONTROL,
            evidence={},
            requested_by="case",
            asked_at=at(9, 9),
            remind_at=at(10, 9),
            deadline=at(11, 9),
            state=ApprovalState.APPROVED,
            decided_by="op-2",
            decided_at=at(9, 10),
        )
    )
    return order.model_copy(update={"approval_id": approval_id})


async def settle_in(house: House) -> None:
    """A borrower with a mobile, a reserve number, an address and an account; a sister; two operators; a loan of two instalments."""
    await house.add(
        OperatorRow(id="op-1", name="Supervisor", role=Role.SUPERVISOR),
        OperatorRow(id="op-2", name="Risk control", role=Role.RISK_CONTROL),
        *person("P-1", NAME, zone="Asia/Shanghai", language="zh-CN"),
        *person("P-2", RELATIVE_NAME, zone="Asia/Shanghai", language="zh-CN"),
        point(1, "P-1", ContactKind.MOBILE, NUMBER),
        point(2, "P-1", ContactKind.MOBILE, "+8613000004321", Line.RESERVE),
        point(3, "P-1", ContactKind.EMAIL, "zhang.san@borrower.example"),
        point(4, "P-1", ContactKind.IN_APP, "account-1"),
        point(5, "P-2", ContactKind.MOBILE, RELATIVE_NUMBER, legal_basis="named_by_borrower"),
        *loan("L-1"),
        RelationRow(loan_id="L-1", person_id="P-2", role=Relation.EMERGENCY),
    )


def point(
    n: int, person_id: str, kind: ContactKind, address: str, line: Line = Line.REGISTERED, legal_basis: str = "contract"
) -> ContactPointRow:
    return sealing.point(n, person_id, address, kind, line, legal_basis=legal_basis)


def loan(loan_id: str, borrower_id: str = "P-1", strategy: str = "fenqile") -> tuple[SQLModel, ...]:
    return (
        LoanRow(
            id=loan_id,
            borrower_id=borrower_id,
            lender="Example Consumer Finance",
            product="instalment",
            currency="CNY",
            strategy=strategy,
            imported_at=at(1, 0),
        ),
        InstalmentRow(loan_id=loan_id, n=1, due_on=date(2026, 11, 1), principal=Decimal("480.00"), interest=Decimal("20.00")),
        InstalmentRow(loan_id=loan_id, n=2, due_on=date(2026, 12, 1), principal=Decimal("500.00")),
    )


def to_borrower(channel: Channel = Channel.SMS, step: str = "first.1", **changes: Any) -> ContactOrder:
    message = {Channel.CALL: "first-call", Channel.SMS: "overdue-sms", Channel.EMAIL: "formal-letter", Channel.IN_APP: "private-message"}
    order = ContactOrder(case_id="L-1.1", loan_id="L-1", attempt_id=f"L-1.1/{step}", step=step, channel=channel, message=message[channel])
    return order.model_copy(update=changes)


def to_relative(**changes: Any) -> ContactOrder:
    order = ContactOrder(
        case_id="L-1.1",
        loan_id="L-1",
        attempt_id="L-1.1/relatives.1/P-2",
        step="relatives.1",
        channel=Channel.CALL,
        message="relay-request",
        purpose=Purpose.RELAY,
        person_id="P-2",
        approval_id="L-1.1/relatives.1/a1",
    )
    return order.model_copy(update=changes)


def about_relatives(now: datetime = at(5, 9), **changes: Any) -> ApprovalOrder:
    order = ApprovalOrder(
        case_id="L-1.1",
        loan_id="L-1",
        approval_id="L-1.1/relatives.1/a1",
        step="relatives.1",
        role=Role.SUPERVISOR,
        remind_at=now + timedelta(hours=24),
        deadline=now + timedelta(hours=48),
        purpose=Purpose.RELAY,
        channel=Channel.CALL,
        message="relay-request",
        most_people=2,
    )
    return order.model_copy(update=changes)
