"""A debt in equal parts: nothing is lost, nothing is added, and a month is a month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.domain.parts import MOST, Every, equal_parts


@given(
    total=st.decimals("1", "99999999", places=2),
    parts=st.integers(1, MOST),
    first=st.dates(date(2000, 1, 1), date(2900, 1, 1)),
    every=st.sampled_from(get_args(Every)),
)
def test_the_parts_come_to_the_total_and_fall_due_one_after_the_other(total: Decimal, parts: int, first: date, every: Every):
    found = equal_parts(total, parts, first, every)
    assert len(found) == parts
    assert sum(part.amount for part in found) == total
    assert {part.amount for part in found[:-1]} <= {found[0].amount}
    assert found[0].due_on == first
    assert all(a.due_on < b.due_on for a, b in pairwise(found))


def test_a_month_without_that_day_has_it_on_its_last():
    days = [part.due_on for part in equal_parts(Decimal("90.00"), 3, date(2027, 12, 31), "month")]
    assert days == [date(2027, 12, 31), date(2028, 1, 31), date(2028, 2, 29)]


def test_the_last_part_takes_what_does_not_divide():
    assert [part.amount for part in equal_parts(Decimal("100.00"), 3, date(2026, 11, 1), "week")] == [
        Decimal("33.33"),
        Decimal("33.33"),
        Decimal("33.34"),
    ]


@pytest.mark.parametrize(("total", "parts"), [("0.02", 3), ("10.00", 0), ("10.00", MOST + 1)])
def test_no_part_is_less_than_a_cent_and_there_are_not_too_many(total: str, parts: int):
    with pytest.raises(ValueError, match="each of at least a cent"):
        equal_parts(Decimal(total), parts, date(2026, 11, 1), "month")
