"""What is overdue of many loans at once.

It is what ``ledger.loans.arrears`` says of each of them: payments go to the oldest instalments first, so what is overdue on a day is what was due
before it less all that was paid. Sums are made of whole ten-thousandths, exactly, whichever way the database keeps amounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, case, func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.tables import CaseRow, InstalmentRow, PaymentReversalRow, PaymentRow

_PLACES = 4
_CENT = Decimal("0.01")
_LOAN = itemgetter(0)


class Owed(NamedTuple):
    """What is overdue of a loan, in ten-thousandths of its currency, and the due date of its oldest instalment that is overdue and not fully paid."""

    units: int = 0
    since: date | None = None


def amount_of(units: int) -> Decimal:
    """An amount as the ledger's columns give it back."""
    exact = Decimal(units).scaleb(-_PLACES)
    cents = exact.quantize(_CENT)
    return cents if cents == exact else exact.normalize()


def units_of(amount: Decimal) -> int:
    """An amount in ten-thousandths."""
    return int(amount.scaleb(_PLACES))


async def overdue(session: AsyncSession, which: ColumnElement[bool], days: Mapping[str, date]) -> dict[str, Owed]:
    """What is overdue of the loans of these cases, each on the day that is given for it; a loan of which nothing was due by then is left out.

    ``which`` speaks of ``CaseRow`` only.
    """
    if not days:
        return {}
    ours = _select(col(CaseRow.loan_id)).where(which)
    standing = col(PaymentRow.payment_id).not_in(_select(col(PaymentReversalRow.payment_id)))
    sums = _select(col(PaymentRow.loan_id), func.sum(_units(col(PaymentRow.amount)))).where(standing, col(PaymentRow.loan_id).in_(ours))
    paid = {loan_id: int(units) for loan_id, units in await rows(session, sums.group_by(col(PaymentRow.loan_id)))}
    first, last = min(days.values()), max(days.values())
    lines = [*await rows(session, _nothing_paid(ours, first, last)), *await rows(session, _something_paid(ours, last))]
    return {loan_id: _left(due, paid.get(loan_id, 0), days[loan_id]) for loan_id, due in groupby(lines, _LOAN) if loan_id in days}


def _nothing_paid(ours: Any, first: date, last: date) -> Any:
    """The loans on which nothing was ever paid: what was due before ``first``, which is overdue anywhere, in one line, every later day in its own."""
    loan_id, due_on = col(InstalmentRow.loan_id), col(InstalmentRow.due_on)
    own_line = case((due_on >= first, due_on))
    asked = _select(loan_id, func.sum(_AMOUNT), func.min(due_on)).where(due_on < last, loan_id.in_(ours), loan_id.not_in(_PAID_ON))
    return asked.group_by(loan_id, own_line).order_by(loan_id, func.min(due_on))


def _something_paid(ours: Any, last: date) -> Any:
    """The loans on which something was paid: each instalment in its line."""
    loan_id, due_on = col(InstalmentRow.loan_id), col(InstalmentRow.due_on)
    asked = _select(loan_id, _AMOUNT, due_on).where(due_on < last, loan_id.in_(ours), loan_id.in_(_PAID_ON))
    return asked.order_by(loan_id, due_on)


def _left(instalments: Iterable[tuple[str, int, date]], paid: int, day: date) -> Owed:
    """What is left on a day of a loan's instalments, the oldest first, after so much was paid."""
    total, since = -paid, None
    for _, units, due_on in instalments:
        if due_on >= day:
            break
        total += int(units)
        if since is None and total > 0:
            since = due_on
    return Owed(total, since) if since else Owed()


async def rows(session: AsyncSession, asked: Any) -> Sequence[Any]:
    """What a statement answers, as plain tuples."""
    return (await (await session.connection()).execute(asked)).all()


def _select(*columns: Any) -> Any:
    return sql_select(*columns)


class _units(FunctionElement[int]):
    """An exact amount as a whole number of ten-thousandths."""

    type = BigInteger()
    inherit_cache = True


@compiles(_units)
def _numeric(element: _units, compiler: SQLCompiler, **given: Any) -> str:
    return f"CAST(({compiler.process(element.clauses, **given)}) * {10**_PLACES} AS BIGINT)"


@compiles(_units, "sqlite")
def _text(element: _units, compiler: SQLCompiler, **given: Any) -> str:
    """SQLite has every amount as text with four places: without the point it is the number."""
    return f"CAST(REPLACE({compiler.process(element.clauses, **given)}, '.', '') AS INTEGER)"


_AMOUNT: Any = _units(col(InstalmentRow.principal)) + _units(col(InstalmentRow.interest)) + _units(col(InstalmentRow.fees))
_PAID_ON = _select(col(PaymentRow.loan_id))
