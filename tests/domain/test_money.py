"""Money: exact, in one currency, never a float."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from arrears.domain.money import Amount, Currency, CurrencyMismatch, Money, PositiveAmount

amounts = st.decimals(Decimal(-(10**10)), Decimal(10**10), places=4)
currencies = st.sampled_from(["CNY", "USD", "JPY", "INR"])
AMOUNT: TypeAdapter[Decimal] = TypeAdapter(Amount)


class Bill(BaseModel):
    amount: Amount


def cny(amount: str | Decimal) -> Money:
    return Money(amount=Decimal(amount), currency="CNY")


@given(amounts, amounts)
def test_sums_and_differences_are_exact(one: Decimal, other: Decimal) -> None:
    assert (cny(one) + cny(other)).amount == one + other
    assert cny(one) + cny(other) - cny(other) == cny(one)
    assert cny(one) - cny(one) == Money.zero("CNY")


@given(amounts, amounts)
def test_money_is_ordered_by_its_amount(one: Decimal, other: Decimal) -> None:
    assert (cny(one) < cny(other)) == (one < other)
    assert (cny(one) <= cny(other)) == (one <= other)
    assert (cny(one) > cny(other)) == (one > other)


@given(amounts, currencies, currencies)
def test_two_currencies_never_mix(amount: Decimal, one: str, other: str) -> None:
    a, b = Money(amount=amount, currency=one), Money(amount=amount, currency=other)
    if one == other:
        assert a == b
        return
    assert a != b
    for mix in (lambda: a + b, lambda: a - b, lambda: a < b, lambda: a <= b):
        with pytest.raises(CurrencyMismatch):
            mix()


@given(amounts)
def test_an_amount_survives_json_to_the_last_digit_as_plain_text(amount: Decimal) -> None:
    written = Bill(amount=amount).model_dump_json()
    text = json.loads(written)["amount"]
    assert isinstance(text, str)
    assert "E" not in text.upper()
    assert Decimal(text) == amount
    assert Bill.model_validate_json(written).amount == amount


@given(st.decimals(Decimal(-(10**15)), Decimal(10**15), places=4))
def test_a_json_number_is_read_exactly_or_refused(amount: Decimal) -> None:
    written = format(amount, "f")
    try:
        read = AMOUNT.validate_json(written)
    except ValidationError:
        return
    assert read == amount


@pytest.mark.parametrize("text", ["1234567890123.4567", "99999999999999.99"])
def test_a_json_number_with_more_digits_than_a_float_keeps_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        AMOUNT.validate_json(text)


@pytest.mark.parametrize("wrong", ['"0.00001"', '"NaN"', '"Infinity"', '"twelve"', "true", "null", '""', '"12,50"'])
def test_what_is_no_amount_is_refused_and_nothing_is_rounded(wrong: str) -> None:
    with pytest.raises(ValidationError):
        AMOUNT.validate_json(wrong)


@pytest.mark.parametrize("amount", ["0", "-0.01"])
def test_a_payment_or_instalment_of_nothing_is_refused(amount: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PositiveAmount).validate_python(amount)


def test_a_currency_is_three_letters_in_capitals() -> None:
    currency: TypeAdapter[str] = TypeAdapter(Currency)
    assert currency.validate_python("cny") == "CNY"
    for wrong in ("", "CN", "YUAN", "C1Y", "CNY ", "人民币"):
        with pytest.raises(ValidationError):
            currency.validate_python(wrong)


@given(amounts)
def test_only_nothing_is_false(amount: Decimal) -> None:
    assert bool(cny(amount)) == (amount != 0)


def test_equal_amounts_are_equal_however_they_were_written() -> None:
    assert cny("1.5") == cny("1.5000")
    assert hash(cny("1.5")) == hash(cny("1.5000"))


def test_money_reads_well() -> None:
    assert str(cny("1234567.5")) == "1,234,567.50 CNY"
