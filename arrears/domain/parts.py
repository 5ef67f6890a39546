"""A debt in equal parts, as a repayment plan has them."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from arrears.domain.calendar import ONE_DAY
from arrears.domain.loan import Instalment

MOST = 60
Every = Literal["week", "fortnight", "month"]

_CENT = Decimal("0.01")
_DAYS: dict[Every, int] = {"week": 7, "fortnight": 14}


def equal_parts(total: Decimal, parts: int, first: date, every: Every) -> tuple[Instalment, ...]:
    """So many equal parts from ``first`` on, in whole cents; the last one takes what does not divide.

    Raises ``ValueError`` unless there are from 1 to ``MOST`` parts of at least a cent, all of them within the calendar.
    """
    if not 1 <= parts <= MOST or total < parts * _CENT:
        raise ValueError(f"from 1 to {MOST} parts, each of at least a cent")
    part = (total / parts).quantize(_CENT, rounding=ROUND_DOWN)
    amounts = [part] * (parts - 1) + [total - part * (parts - 1)]
    return tuple(Instalment(due_on=_nth(first, every, n), amount=amount) for n, amount in enumerate(amounts))


def _nth(first: date, every: Every, n: int) -> date:
    """The day of the n-th part; a month without that day has it on its last."""
    if every != "month":
        return first + ONE_DAY * _DAYS[every] * n
    months = first.month - 1 + n
    year, month = first.year + months // 12, months % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - ONE_DAY).day
    return date(year, month, min(first.day, last))
