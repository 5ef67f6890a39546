"""The portfolio's figures for machines: the same that the console's page shows."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError

from arrears.api.caller import Caller, allowed
from arrears.api.house import Here, House
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.access import Action
from arrears.domain.calendar import zone_of
from arrears.ledger.figures import Asked, Figures, figures, usual

router = APIRouter(prefix="/v1", tags=["portfolio"])

Since = Annotated[
    date | None, Query(description="the first day that is counted; a Monday eleven weeks before the last one's week, if left out")
]
Until = Annotated[date | None, Query(description="the last day that is counted; today, if left out")]
Strategy = Annotated[str | None, Query(max_length=48, description="count only the cases of this strategy")]


@router.get("/portfolio")
async def portfolio(
    _: Annotated[Caller, Depends(allowed(Action.READ_PORTFOLIO))],
    here: Here,
    since: Since = None,
    until: Until = None,
    strategy: Strategy = None,
) -> Figures:
    """What is overdue and waits now, and what happened in a period, on days of the lender's seat.

    Amounts stand beside their currency and are never added across currencies. The figures may be some moments old: `at` and `seq` say of when they are.
    """
    return await figures(here.ledger, _usual(here, since, until, strategy), here.now())


def asked_for(here: House, since: str, until: str, strategy: str) -> Asked:
    """What a form asks for; fields that were left empty ask for the usual. Raises ``Problem`` (422)."""
    return _usual(here, _day(since, "since"), _day(until, "until"), strategy or None)


def _usual(here: House, since: date | None, until: date | None, strategy: str | None) -> Asked:
    try:
        return usual(here.now(), zone_of(here.settings.lender_seat), since=since, until=until, strategy=strategy)
    except (ValidationError, OverflowError) as wrong:
        said = wrong.errors()[0]["msg"].removeprefix("Value error, ") if isinstance(wrong, ValidationError) else "no such days"
        raise _unfit("since", said) from wrong


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _unfit(field, "is no date; write it as in 2026-11-21") from None


def _unfit(field: str, problem: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", f"{field}: {problem}", [FieldProblem(field=field, problem=problem)])
