"""The loan as a case sees it: what was due when, and what is still owed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from arrears.domain.calendar import Day, Instant
from arrears.domain.money import Amount, Currency, Money, PositiveAmount


class Instalment(BaseModel):
    """What is still unpaid of one instalment; it is overdue from the day after ``due_on``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    due_on: Day
    amount: PositiveAmount


PaymentId = Annotated[str, Field(pattern=r"^[!-~]{1,128}$")]
"""The loan system's own id of a payment: visible ASCII characters, so that no name can hide in it."""


class Payment(BaseModel):
    """Money received for a loan. ``value_date`` is the day from which it counts for the borrower; the local day of receipt if absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    payment_id: PaymentId
    amount: PositiveAmount
    currency: Currency
    received_at: Instant
    value_date: Day | None = None

    @property
    def money(self) -> Money:
        return Money(amount=self.amount, currency=self.currency)


class TakenBack(BaseModel):
    """A payment that counts no more since ``at``, when it was known that the bank had taken it back or that it had been booked by mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment: Payment
    at: AwareDatetime


class KnownLoan(BaseModel):
    """What can be said of a loan before its case is open, by ids only. ``due_since`` is the date on which it fell due, as midnight in UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loan_id: str
    borrower_id: str
    strategy: str
    due_since: AwareDatetime | None


class Arrears(BaseModel):
    """What is overdue on one day: the sum, and since when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Amount
    due_since: date | None


def times_covered(owed: Decimal, payments: Iterable[Payment], taken_back: Iterable[TakenBack]) -> tuple[tuple[datetime, datetime], ...]:
    """The times during which the money that had been received came to ``owed`` and that ended when a payment was taken back, oldest first."""
    changes = [(p.received_at, p.amount) for p in payments]
    for gone in taken_back:
        if gone.payment.received_at < gone.at:
            changes += [(gone.payment.received_at, gone.payment.amount), (gone.at, -gone.payment.amount)]
    covered: list[tuple[datetime, datetime]] = []
    received, since = Decimal(0), None
    for at, amount in sorted(changes):
        received += amount
        if received >= owed:
            since = since or at
        elif since is not None:
            covered.append((since, at))
            since = None
    return tuple(covered)


def arrears_on(day: date, instalments: Iterable[Instalment], paid: Decimal) -> Arrears:
    """What is overdue on ``day`` after ``paid`` went to the oldest instalments first.

    ``due_since`` is the due date of the oldest instalment that is not fully paid, also if it is not overdue yet; ``None`` if all are paid.
    """
    amount, since = Decimal(0), None
    for instalment in sorted(instalments, key=lambda i: i.due_on):
        settled = min(paid, instalment.amount)
        paid -= settled
        unpaid = instalment.amount - settled
        if unpaid > 0:
            since = since or instalment.due_on
            if instalment.due_on < day:
                amount += unpaid
    return Arrears(amount=amount, due_since=since)
