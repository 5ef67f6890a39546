"""What a payment may look like, and what is overdue after payments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from arrears.domain.loan import Instalment, Payment, arrears_on

PAYMENT = {"payment_id": "pay-1", "amount": "10.00", "currency": "CNY", "received_at": "2026-11-02T10:00:00+08:00"}


@pytest.mark.parametrize("payment_id", ["", "x" * 129, "pay\x00", "pay 1", "甲样本"])
def test_a_payments_id_is_a_code_in_which_no_name_can_hide(payment_id: str) -> None:
    with pytest.raises(ValidationError, match="payment_id"):
        Payment.model_validate(PAYMENT | {"payment_id": payment_id})


@pytest.mark.parametrize("payment_id", ["pay-1", "2026/11/02#17", "A" * 128])
def test_loan_systems_ids_are_taken_as_they_are(payment_id: str) -> None:
    assert Payment.model_validate(PAYMENT | {"payment_id": payment_id}).payment_id == payment_id


def test_a_field_that_we_do_not_know_never_costs_a_borrower_their_payment() -> None:
    assert Payment.model_validate(PAYMENT | {"teller": "7"}).amount == Decimal("10.00")


def test_an_instalment_is_overdue_from_the_day_after_it_fell_due() -> None:
    due = [Instalment(due_on=date(2026, 11, 1), amount=Decimal(100))]
    assert arrears_on(date(2026, 11, 1), due, Decimal(0)).amount == 0
    assert arrears_on(date(2026, 11, 2), due, Decimal(0)).amount == 100


instalments = st.lists(
    st.builds(
        Instalment,
        due_on=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
        amount=st.decimals("0.01", "1000", places=2),
    ),
    max_size=8,
)
paid = st.decimals("0", "9000", places=2)


@given(instalments, paid, st.decimals("0", "500", places=2), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_more_money_never_makes_more_overdue_and_never_moves_the_due_date_back(
    due: list[Instalment], one: Decimal, more: Decimal, day: date
) -> None:
    before, after = arrears_on(day, due, one), arrears_on(day, due, one + more)
    assert after.amount <= before.amount
    assert before.due_since is None or after.due_since is None or after.due_since >= before.due_since


@given(instalments, paid)
def test_in_the_end_what_is_overdue_and_what_was_paid_make_the_whole(due: list[Instalment], money: Decimal) -> None:
    whole = sum((i.amount for i in due), Decimal(0))
    assert arrears_on(date.max, due, money).amount == max(whole - money, Decimal(0))
