"""Loans: what is owed, what was paid, who the borrower is and who stands beside them.

LedgerRefusal
├── LoanUnknown        no such loan
├── PaymentUnknown     no such payment
├── PaymentRefused     the payment cannot be booked on that loan
│   └── PaymentConflict    a payment of that id is booked with other content
└── ReversalConflict   the payment is taken back already, in another way
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import utc_midnight
from arrears.domain.loan import Arrears, Instalment, KnownLoan, Payment, TakenBack, arrears_on
from arrears.ledger import lapses
from arrears.ledger.tables import ContactPointRow, InstalmentRow, LoanRow, PaymentReversalRow, PaymentRow, PersonRow, RelationRow


class LedgerRefusal(Exception):
    """The ledger does not take what it was given; trying again cannot help. The message names ids only."""


class LoanUnknown(LedgerRefusal):
    """No such loan is in the ledger."""

    def __init__(self, loan_id: str) -> None:
        super().__init__(f"loan {loan_id} is not in the ledger; import it first")
        self.loan_id = loan_id


class PaymentUnknown(LedgerRefusal):
    """No such payment is in the ledger, or it is another loan's."""


class PaymentRefused(LedgerRefusal):
    """The payment cannot be booked on that loan."""


class PaymentConflict(PaymentRefused):
    """A payment of that id is booked already, with other content."""


class ReversalConflict(LedgerRefusal):
    """The payment is taken back already, for another reason or at another instant."""


class Reversed(NamedTuple):
    """Whose payment was taken back; ``new`` is false if it was before."""

    loan_id: str
    new: bool


async def loan(session: AsyncSession, loan_id: str) -> LoanRow:
    """The loan. Raises ``LoanUnknown``."""
    row = await session.get(LoanRow, loan_id)
    if row is None:
        raise LoanUnknown(loan_id)
    return row


async def lock_loan(session: AsyncSession, loan_id: str) -> LoanRow:
    """The loan, whose money and cases nobody else changes before this transaction ends. Raises ``LoanUnknown``."""
    found = await session.exec(select(LoanRow).where(col(LoanRow.id) == loan_id).with_for_update(key_share=True))
    row = found.first()
    if row is None:
        raise LoanUnknown(loan_id)
    return row


async def borrower(session: AsyncSession, loan_id: str) -> PersonRow:
    """The person who owes. Raises ``LoanUnknown``."""
    found = await session.exec(select(PersonRow).join(LoanRow).where(col(LoanRow.id) == loan_id))
    row = found.first()
    if row is None:
        raise LoanUnknown(loan_id)
    return row


async def relatives(session: AsyncSession, loan_id: str) -> list[tuple[RelationRow, PersonRow]]:
    """The people whom the borrower named for this loan, in the order of their ids; also those who refused."""
    found = await session.exec(
        select(RelationRow, PersonRow)
        .join(PersonRow, col(PersonRow.id) == col(RelationRow.person_id))
        .where(col(RelationRow.loan_id) == loan_id)
        .order_by(col(RelationRow.person_id))
    )
    return list(found.all())


async def contact_points(session: AsyncSession, person_id: str) -> list[ContactPointRow]:
    """All addresses of a person, also those that are invalid or opted out, in the order in which they were given."""
    found = await session.exec(select(ContactPointRow).where(col(ContactPointRow.person_id) == person_id).order_by(col(ContactPointRow.id)))
    return list(found.all())


async def instalments(session: AsyncSession, loan_id: str) -> list[InstalmentRow]:
    """What was unpaid of each instalment when the loan was imported, oldest first."""
    found = await session.exec(select(InstalmentRow).where(col(InstalmentRow.loan_id) == loan_id).order_by(col(InstalmentRow.due_on)))
    return list(found.all())


async def payments(session: AsyncSession, loan_id: str) -> tuple[Payment, ...]:
    """Every payment recorded for the loan that was not taken back, in the order in which they were received."""
    gone = select(PaymentReversalRow.payment_id).where(col(PaymentReversalRow.payment_id) == col(PaymentRow.payment_id))
    found = await session.exec(
        select(PaymentRow)
        .where(col(PaymentRow.loan_id) == loan_id, ~gone.exists())
        .order_by(col(PaymentRow.received_at), col(PaymentRow.payment_id))
    )
    return tuple(_payment(row) for row in found.all())


async def taken_back(session: AsyncSession, loan_id: str) -> tuple[TakenBack, ...]:
    """The loan's payments that count no more, each with the instant at which that was recorded, oldest first."""
    found = await session.exec(
        select(PaymentRow, PaymentReversalRow)
        .join(PaymentReversalRow, col(PaymentReversalRow.payment_id) == col(PaymentRow.payment_id))
        .where(col(PaymentRow.loan_id) == loan_id)
        .order_by(col(PaymentReversalRow.recorded_at), col(PaymentRow.payment_id))
    )
    return tuple(TakenBack(payment=_payment(paid), at=reversal.recorded_at) for paid, reversal in found)


async def arrears(session: AsyncSession, loan_id: str, on: date) -> Arrears:
    """What is overdue on a day after all payments that count went to the oldest instalments first, in the loan's currency."""
    due = [Instalment(due_on=row.due_on, amount=row.amount) for row in await instalments(session, loan_id)]
    return arrears_on(on, due, sum((p.amount for p in await payments(session, loan_id)), Decimal(0)))


async def known(session: AsyncSession, loan_id: str) -> KnownLoan:
    """The loan as its case will find it. Raises ``LoanUnknown``."""
    row = await loan(session, loan_id)
    since = (await arrears(session, loan_id, date.max)).due_since
    due_since = utc_midnight(since) if since else None
    return KnownLoan(loan_id=loan_id, borrower_id=row.borrower_id, strategy=row.strategy, due_since=due_since)


async def record_payment(session: AsyncSession, loan_id: str, payment: Payment, source: str, now: datetime) -> bool:
    """Book a payment, once for its id; whether it was new.

    Raises ``LoanUnknown``; ``PaymentConflict`` if the id is booked with other content; ``PaymentRefused`` if the currency is not the loan's.
    """
    loan = await lock_loan(session, loan_id)
    currency = loan.currency
    if payment.currency != currency:
        raise PaymentRefused(f"payment {payment.payment_id} is in {payment.currency}, but loan {loan_id} is owed in {currency}")
    row = await session.get(PaymentRow, payment.payment_id)
    if row is None:
        session.add(_row(loan_id, payment, source, now))
        await lapses.borrower_reached(session, loan.borrower_id, "a payment arrived", payment.received_at, now)
        await session.flush()
        return True
    booked = _payment(row)
    fields = ["loan"] if row.loan_id != loan_id else [f for f in Payment.model_fields if getattr(booked, f) != getattr(payment, f)]
    if fields:
        raise PaymentConflict(
            f"payment {payment.payment_id} is booked already with another {' and '.join(fields)}; a new payment needs a new id"
        )
    return False


async def reverse_payment(
    session: AsyncSession, payment_id: str, reason: str, reversed_at: datetime, source: str, now: datetime, *, loan_id: str | None = None
) -> Reversed:
    """Book that a payment was taken back, once for its id; from then on it counts no more. The loan's cases are not told.

    Raises ``PaymentUnknown``, also if the payment is not of ``loan_id``; ``ReversalConflict`` if it was taken back otherwise.
    """
    paid = await session.get(PaymentRow, payment_id)
    if paid is None or loan_id not in (None, paid.loan_id):
        raise PaymentUnknown(f"payment {payment_id} is not in the ledger" + (f" for loan {loan_id}" if loan_id else ""))
    await lock_loan(session, paid.loan_id)
    row = await session.get(PaymentReversalRow, payment_id)
    if row is None:
        session.add(PaymentReversalRow(payment_id=payment_id, reversed_at=reversed_at, reason=reason, source=source, recorded_at=now))
        await session.flush()
    elif (row.reason, row.reversed_at) != (reason, reversed_at):
        raise ReversalConflict(f"payment {payment_id} was taken back at another instant or for another reason; that cannot be changed")
    return Reversed(paid.loan_id, new=row is None)


def _payment(row: PaymentRow) -> Payment:
    return Payment(
        payment_id=row.payment_id, amount=row.amount, currency=row.currency, received_at=row.received_at, value_date=row.value_date
    )


def _row(loan_id: str, payment: Payment, source: str, now: datetime) -> PaymentRow:
    return PaymentRow(
        payment_id=payment.payment_id,
        loan_id=loan_id,
        amount=payment.amount,
        currency=payment.currency,
        received_at=payment.received_at,
        value_date=payment.value_date,
        source=source,
        recorded_at=now,
    )
