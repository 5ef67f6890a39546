"""What can be asked of the cases, and what is answered: ids, codes, dates and amounts, so that a search can stand in an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from arrears.domain.calendar import Day
from arrears.domain.money import Currency
from arrears.ledger.search.money import units_of
from arrears.ledger.tables.columns import ID_LENGTH


class Waiting(StrEnum):
    """What a case waits for; one may wait for several things at once."""

    DECISION = "decision"
    TASK = "task"
    PROMISE = "promise"
    PLAN = "plan"
    AGENCY = "agency"
    HOLD = "hold"
    LADDER = "ladder"


class Sort(StrEnum):
    """The order of an answer. ``urgent``: what waits for a human first, the closest deadline before others; then by days past due."""

    URGENT = "urgent"
    DAYS = "days"
    AMOUNT = "amount"
    OPENED = "opened"


_Text = Annotated[str, Field(max_length=ID_LENGTH, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Days = Annotated[int, Field(ge=0, le=36500)]
_Owed = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)]


class Query(BaseModel):
    """Which cases are wanted; what is left out does not matter.

    ``text`` is the id of a loan, a case or a borrower, in full: names and numbers stand sealed and cannot be searched. ``days`` and ``owed`` are of the
    loan, now. Dates are days of the borrower. ``owner`` is the operator who took an open task, ``nobody`` finds cases whose open tasks nobody took.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: _Text | None = None
    state: Literal["open", "closed", "all"] = "open"
    stage: _Text | None = None
    waiting: Waiting | None = None
    days_from: _Days | None = None
    days_to: _Days | None = None
    owed_from: _Owed | None = None
    owed_to: _Owed | None = None
    currency: Currency | None = None
    strategy: _Text | None = None
    owner: _Text | None = None
    hold: _Text | None = None
    agency: _Text | None = None
    opened_from: Day | None = None
    opened_to: Day | None = None
    closed_from: Day | None = None
    closed_to: Day | None = None
    sort: Sort = Sort.URGENT

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: dict[str, Any]) -> dict[str, Any]:
        """What a form sends for a field that was left empty asks nothing."""
        trimmed = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
        return {name: value for name, value in trimmed.items() if value != ""}

    @model_validator(mode="after")
    def _forward(self) -> Self:
        for name in ("days", "owed", "opened", "closed"):
            first, last = getattr(self, f"{name}_from"), getattr(self, f"{name}_to")
            if first is not None and last is not None and last < first:
                raise ValueError(f"{name}_to lies below {name}_from")
        return self

    @cached_property
    def owed_units(self) -> tuple[int | None, int | None]:
        """The bounds of what is owed, in ten-thousandths."""
        first, last = self.owed_from, self.owed_to
        return None if first is None else units_of(first), None if last is None else units_of(last)

    @cached_property
    def filters(self) -> bool:
        """Whether anything is asked but an order and a state."""
        return bool(self.kept().keys() - {"sort", "state"})

    def kept(self) -> dict[str, str]:
        """What is asked, as an address or a saved list holds it: text only, and nothing that would be so anyway."""
        return {name: str(value) for name, value in self.model_dump(mode="json", exclude_defaults=True).items()}


NOBODY = "nobody"
"""The owner of open tasks that nobody took."""


@dataclass(frozen=True, slots=True)
class FoundCase:
    """A case as lists show it. ``waits_until`` is when the most pressing of what it waits for is over or due; ``zone`` is the borrower's."""

    loan_id: str
    case_id: str
    borrower_id: str
    stage: str
    strategy: str
    strategy_version: int
    owed: Decimal
    currency: str
    days_past_due: int
    due_since: date | None
    holds: tuple[str, ...]
    agency: str | None
    owners: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    waits_until: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None
    zone: str


@dataclass(frozen=True)
class Found:
    """A page of cases. ``total`` are all that fit, ``owed`` what is overdue of them together, by currency; ``next`` asks for the following page."""

    cases: tuple[FoundCase, ...]
    total: int
    owed: dict[str, Decimal]
    next: str | None


class CursorRefused(ValueError):
    """The cursor was not given by this search."""
