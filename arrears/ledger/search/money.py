"""What is overdue of many loans at once.

It is what ``ledger.loans.arrears`` says of each of them: payments go to the oldest instalments first, so what is overdue on a day is what was due
before it less all that was paid. Sums are made of whole ten-thousandths, exactly, whichever way the database keeps amounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, func, literal
from sqlalchemy import select as sql_select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import local_date
from arrears.domain.loan import Arrears
from arrears.ledger.tables import CaseRow, InstalmentRow, LoanRow, PaymentReversalRow, PaymentRow, PersonRow

_PLACES = 4
_CENT = Decimal("0.01")


async def arrears(session: AsyncSession, which: ColumnElement[bool], now: datetime) -> dict[str, Arrears]:
    """What is overdue on the borrowers' own days of the loans of these cases, by loan; a loan without instalments is left out.

    ``which`` speaks of ``CaseRow`` only. The day in UTC stands in for that of a borrower whose zone nobody knows.
    """
    paid = (
        _select(col(PaymentRow.loan_id).label("loan_id"), func.sum(_units(col(PaymentRow.amount))).label("paid"))
        .where(col(PaymentRow.payment_id).not_in(_select(col(PaymentReversalRow.payment_id))))
        .group_by(col(PaymentRow.loan_id))
        .subquery()
    )
    amount = _units(col(InstalmentRow.principal)) + _units(col(InstalmentRow.interest)) + _units(col(InstalmentRow.fees))
    due_on = col(InstalmentRow.due_on)
    due = (
        _select(
            col(InstalmentRow.loan_id).label("loan_id"),
            due_on.label("due_on"),
            amount.label("amount"),
            func.sum(amount).over(partition_by=col(InstalmentRow.loan_id), order_by=due_on).label("due_by_then"),
        )
        .where(col(InstalmentRow.loan_id).in_(_select(col(CaseRow.loan_id)).where(which)))
        .subquery()
    )
    so_far = func.coalesce(paid.c.paid, 0)
    today = await _todays(session, now)
    asked = (
        _select(
            due.c.loan_id,
            func.min(case((due.c.due_by_then > so_far, due.c.due_on))),
            func.sum(case((due.c.due_on < today, due.c.amount), else_=0)),
            func.max(so_far),
        )
        .select_from(due)
        .join(LoanRow, col(LoanRow.id) == due.c.loan_id)
        .join(PersonRow, col(PersonRow.id) == col(LoanRow.borrower_id))
        .outerjoin(paid, paid.c.loan_id == due.c.loan_id)
        .group_by(due.c.loan_id)
    )
    return {
        loan_id: Arrears(amount=_amount(max(overdue - settled, 0)), due_since=since)
        for loan_id, since, overdue, settled in await rows(session, asked)
    }


async def rows(session: AsyncSession, asked: Any) -> Sequence[Any]:
    """What a statement answers, as plain tuples."""
    return (await (await session.connection()).execute(asked)).all()


def _select(*columns: Any) -> Any:
    return sql_select(*columns)


async def _todays(session: AsyncSession, now: datetime) -> ColumnElement[date]:
    """The borrower's day of ``now``, as an expression over ``PersonRow``."""
    zones: defaultdict[date, list[str]] = defaultdict(list)
    for (zone,) in await rows(session, _select(col(PersonRow.zone)).where(col(PersonRow.zone).is_not(None)).distinct()):
        zones[local_date(now, zone)].append(zone)
    elsewhere = now.date()
    days = [(col(PersonRow.zone).in_(there), day) for day, there in zones.items() if day != elsewhere]
    return case(*days, else_=elsewhere) if days else literal(elsewhere)


def _amount(units: int | Decimal) -> Decimal:
    """An amount as the ledger's columns give it back."""
    exact = Decimal(units).scaleb(-_PLACES)
    cents = exact.quantize(_CENT)
    return cents if cents == exact else exact.normalize()


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
