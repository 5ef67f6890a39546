"""Loans, what is owed of them, what was paid, and who stands beside the borrower."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from arrears.domain.person import Relation
from arrears.ledger.tables.columns import ID_LENGTH, ExactAmount, Row, amount_check, code, must


class LenderKind(StrEnum):
    """What kind of company owns the debt: some rules bind only some of them."""

    BANK = "bank"
    CONSUMER_FINANCE = "consumer_finance"
    SMALL_LOAN = "small_loan"
    PURCHASER = "purchaser"


class LoanRow(Row, table=True):
    """A loan as the lender's system gave it to us. ``strategy`` names the ladder its cases use; ``held_for`` is a hold that stands from the start.

    ``annual_cost`` is what it costs the borrower in a year, effectively, in per cent; after ``limitation_ends_on`` nobody can sue for it any more.
    Loans with the same ``account`` count as one debt.
    """

    __table_args__ = (
        # Payments refer to (id, currency), so that money of another currency is never counted.
        UniqueConstraint("id", "currency"),
        must("currency_code", "length(currency) = 3 AND currency = upper(currency)"),
        amount_check("annual_cost", ">= 0"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    borrower_id: str = Field(foreign_key="persons.id", index=True, max_length=ID_LENGTH)
    lender: str = Field(max_length=200)
    product: str = Field(max_length=64)
    currency: str = Field(max_length=3)
    strategy: str = Field(max_length=48)
    language: str | None = Field(default=None, max_length=35)
    held_for: str | None = Field(default=None, max_length=120)
    account: str | None = Field(default=None, max_length=64)
    annual_cost: Decimal | None = Field(default=None, sa_type=ExactAmount)
    limitation_ends_on: date | None = None
    lender_kind: LenderKind | None = Field(default=None, sa_type=code(LenderKind))
    imported_at: datetime


class InstalmentRow(Row, table=True):
    """What was unpaid of one instalment when the loan was imported; payments recorded since are counted against it."""

    __table_args__ = (
        UniqueConstraint("loan_id", "due_on"),
        must("n", "n >= 1"),
        amount_check("principal", ">= 0"),
        amount_check("interest", ">= 0"),
        amount_check("fees", ">= 0"),
        must("owed", "CAST(principal AS NUMERIC) + CAST(interest AS NUMERIC) + CAST(fees AS NUMERIC) > 0"),
    )

    loan_id: str = Field(primary_key=True, foreign_key="loans.id", max_length=ID_LENGTH)
    n: int = Field(primary_key=True)
    due_on: date
    principal: Decimal = Field(sa_type=ExactAmount)
    interest: Decimal = Field(default=Decimal(0), sa_type=ExactAmount)
    fees: Decimal = Field(default=Decimal(0), sa_type=ExactAmount)

    @property
    def amount(self) -> Decimal:
        """All that is unpaid of it, in the loan's currency."""
        return self.principal + self.interest + self.fees


class PaymentRow(Row, table=True):
    """Money received for a loan, once for each id of the loan system. ``source`` says which way we heard of it."""

    __table_args__ = (
        ForeignKeyConstraint(["loan_id", "currency"], ["loans.id", "loans.currency"]),
        amount_check("amount", "> 0"),
    )

    payment_id: str = Field(primary_key=True, max_length=ID_LENGTH)
    loan_id: str = Field(index=True, max_length=ID_LENGTH)
    amount: Decimal = Field(sa_type=ExactAmount)
    currency: str = Field(max_length=3)
    received_at: datetime
    value_date: date | None = None
    source: str = Field(max_length=64)
    recorded_at: datetime


class PaymentReversalRow(Row, table=True):
    """A payment that the bank took back, or that was booked by mistake: from ``reversed_at`` on it is as if it had never been made.

    Until then it counted, and what was not done because of it was rightly not done. ``reason`` is a code.
    """

    payment_id: str = Field(primary_key=True, foreign_key="payments.payment_id", max_length=ID_LENGTH)
    reversed_at: datetime
    reason: str = Field(max_length=120)
    source: str = Field(max_length=64)
    recorded_at: datetime


class RelationRow(Row, table=True):
    """A person who is tied to somebody's loan, and as what. ``evidence`` refers to the proof of a guarantee, a joint debt, a marriage or an authority.

    ``refused_at``: they asked not to be contacted; that is final. ``volunteered`` refers to the proof that they offered, unasked, to pay;
    ``liable_up_to`` is the most that the evidence makes them liable for, ``estate_value`` what the estate is worth that they act for or inherit, which an
    heir may have disclaimed. ``may_ask_again_at``: since then they may be asked once more where the debtor is, because they wanted it or what they
    said was wrong. ``steps_aside_at``: since then an attorney no longer stands between us and the debtor.
    """

    __table_args__ = (
        must("not_the_borrower", "role <> 'borrower'"),
        amount_check("liable_up_to", ">= 0"),
        amount_check("estate_value", ">= 0"),
    )

    loan_id: str = Field(primary_key=True, foreign_key="loans.id", max_length=ID_LENGTH)
    person_id: str = Field(primary_key=True, foreign_key="persons.id", index=True, max_length=ID_LENGTH)
    role: Relation = Field(sa_type=code(Relation))
    evidence: str | None = Field(default=None, max_length=200)
    refused_at: datetime | None = None
    volunteered: str | None = Field(default=None, max_length=200)
    liable_up_to: Decimal | None = Field(default=None, sa_type=ExactAmount)
    estate_value: Decimal | None = Field(default=None, sa_type=ExactAmount)
    disclaimed_at: datetime | None = None
    may_ask_again_at: datetime | None = None
    steps_aside_at: datetime | None = None
