"""How a case begins and ends in the ledger, and how it hears what it is made of."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import holidays
from babel.core import get_global
from temporalio import activity
from temporalio.exceptions import ApplicationError

from arrears.activities.means import Means, refusal
from arrears.config import strategies
from arrears.config.strategies import StrategyInvalid, StrategyUnknown
from arrears.domain.calendar import LadderCalendar, local_date
from arrears.domain.orders import CloseOrder, Done, OpenedCase, OpenOrder, RecordOrder
from arrears.domain.strategy import Strategy
from arrears.ledger import cases, journal, loans
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.tables import LoanRow, PersonRow

_YEAR = timedelta(days=366)
_LONGEST_WITHOUT_END = timedelta(days=730)


async def open_case(means: Means, order: OpenOrder) -> OpenedCase:
    """Open the loan's next case, or find the one that this run has opened already.

    Raises a final ``ApplicationError`` of the type ``LoanUnknown``, ``StrategyUnknown``, ``StrategyInvalid``, ``StrategyUnfit`` or ``ZoneUnknown``.
    """
    now = means.now()
    try:
        async with means.ledger.reading() as session:
            loan = await loans.loan(session, order.loan_id)
            borrower = await loans.borrower(session, order.loan_id)
        zone, strategy = _zone(loan, borrower), _strategy(means, order.strategy or loan.strategy, loan)
        async with means.ledger.exclusive() as session:
            facts = await cases.open_case_row(session, order, strategy, now)
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    calendar = LadderCalendar(zone=zone, rest_days=rest_days(strategy, zone, facts.opened_at))
    return OpenedCase(
        facts=facts,
        strategy=strategy,
        calendar=calendar,
        clock=means.settings.clock,
        call_timeout=timedelta(seconds=means.settings.call_timeout_seconds),
    )


async def record(means: Means, order: RecordOrder) -> Done:
    """Write down what reached the case."""
    now = means.now()
    try:
        async with means.ledger.exclusive() as session:
            await journal.record_events(session, order.case_id, order.loan_id, order.events, now)
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    return Done(at=now)


async def close_case(means: Means, order: CloseOrder) -> Done:
    """Close the case with everything that is still open in it. Closing it again changes nothing."""
    now = means.now()
    try:
        async with means.ledger.exclusive() as session:
            await journal.record_events(session, order.case_id, order.loan_id, order.events, now)
            await cases.close_case_row(session, order.case_id, order.outcome, now)
            row = await cases.case(session, order.case_id)
    except LedgerRefusal as refused:
        raise refusal(refused) from None
    return Done(at=row.closed_at or now)


def rest_days(strategy: Strategy, zone: str, opened_at: datetime) -> frozenset[date]:
    """The public holidays of the zone's country from the opening to the ladder's end, if the strategy puts a rung off for them."""
    if strategy.rest_days == "work":
        return frozenset()
    country = get_global("zone_territories").get(zone)
    first = local_date(opened_at, zone)
    ends = timedelta(days=strategy.end.day) if strategy.end else _LONGEST_WITHOUT_END
    last = first + ends + _YEAR
    try:
        found = holidays.country_holidays(country or "", years=range(first.year, last.year + 1))
    except NotImplementedError:
        activity.logger.warning("no public holidays are known for zone %s: every day is a ladder day", zone)
        return frozenset()
    return frozenset(day for day in found if first <= day <= last)


def _zone(loan: LoanRow, borrower: PersonRow) -> str:
    if borrower.zone is None:
        raise _unusable(
            "ZoneUnknown",
            f"loan {loan.id}: the borrower's time zone is not known; give person {borrower.id} a zone and open the case again",
        )
    return borrower.zone


def _strategy(means: Means, name: str, loan: LoanRow) -> Strategy:
    directory = means.settings.strategies_dir
    file = directory / f"{name}.yaml"
    try:
        strategy = _read(name, directory, file.stat().st_mtime_ns if file.is_file() else 0)
    except (StrategyUnknown, StrategyInvalid) as wrong:
        raise _unusable(type(wrong).__name__, f"loan {loan.id}: {wrong}") from None
    if strategy.currency != loan.currency:
        raise _unusable(
            "StrategyUnfit",
            f"loan {loan.id} is in {loan.currency}, but strategy {name} has its amounts in {strategy.currency}; "
            f"choose or write one in {loan.currency}",
        )
    return strategy


@lru_cache(maxsize=64)
def _read(name: str, directory: Path, changed_at: int) -> Strategy:  # noqa: ARG001 (a file that changed is read again)
    return strategies.load(name, directory)


def _unusable(kind: str, message: str) -> ApplicationError:
    return ApplicationError(message, type=kind, non_retryable=True)
