"""The fields of a case's forms: read as what they must be, or refused at the field in words for whoever filled it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.problems import FieldProblem, Problem
from arrears.domain.calendar import ONE_DAY, Day, Window, local_date, local_instant
from arrears.ledger.tables import LoanRow

_B = TypeVar("_B", bound=BaseModel)
_CENT = Decimal("0.01")
_DAY: TypeAdapter[date] = TypeAdapter(Day)


def say(message: str) -> str:
    """Marks a text that is translated where it is shown."""
    return message


@dataclass(frozen=True)
class Sent:
    """A form as it came, with what it is about. Empty fields are not there; days are the borrower's, in ``zone``."""

    here: House
    caller: Caller
    loan: LoanRow
    zone: str
    fields: Mapping[str, str]

    def get(self, name: str) -> str | None:
        return self.fields.get(name)

    def needed(self, name: str) -> str:
        """Raises ``Problem`` (422)."""
        value = self.fields.get(name)
        if value is None:
            raise at(name, say("This is needed."))
        return value

    def amount(self, name: str) -> Decimal:
        """Raises ``Problem`` (422) for what is no amount of the loan's money."""
        try:
            given = Decimal(self.needed(name))
            exact = given.quantize(_CENT)
        except (InvalidOperation, ValueError):
            given = exact = Decimal("nan")
        if not given.is_finite():
            raise at(name, say("This is no amount. Write it like 120.50."))
        if exact <= 0:
            raise at(name, say("The amount must be more than nothing."))
        if exact != given:
            raise at(name, say("An amount has two decimals at most."))
        return exact

    def number(self, name: str) -> int:
        try:
            return int(self.needed(name))
        except ValueError:
            raise at(name, say("This is no number.")) from None

    def day(self, name: str) -> date | None:
        given = self.get(name)
        try:
            return None if given is None else _DAY.validate_python(date.fromisoformat(given))
        except ValueError:
            raise at(name, say("This is no date.")) from None

    def end_of_day(self, name: str) -> datetime | None:
        """The end of the day that a field names. Raises ``Problem`` (422) if it is over."""
        day = self.day(name)
        if day is None:
            return None
        if day < self.today:
            raise at(name, say("This day is over."))
        return local_instant(day + ONE_DAY, time(0), self.zone)

    @property
    def today(self) -> date:
        return local_date(self.here.now(), self.zone)

    @property
    def hours(self) -> Window | None:
        """From ``starts`` to ``ends``; none if neither is given."""
        starts, ends = self.get("starts"), self.get("ends")
        if starts is None and ends is None:
            return None
        try:
            return Window.model_validate({"start": starts, "end": ends})
        except ValidationError:
            raise at("starts", say("The hours must start before they end, on the same day.")) from None


def at(field: str, problem: str) -> Problem:
    """What is wrong with a field."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", problem, [FieldProblem(field=field, problem=problem)])


def body(of: type[_B], /, **fields: object) -> _B:
    """The body of an operation, what is none left out. Raises ``Problem`` (422) that names the fields."""
    try:
        return of.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        told = [FieldProblem(field=".".join(map(str, error["loc"])), problem=_plainly(error)) for error in errors]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", " ".join(f.problem for f in told), told) from None


def _plainly(error: ErrorDetails) -> str:
    """What the shape of a field wants, without the words of a program."""
    match error["type"]:
        case "string_pattern_mismatch" if error["loc"][-1:] == ("payment_id",):
            return say("Only Latin letters, digits and _ . : / @ - are possible, without spaces.")
        case "string_pattern_mismatch":
            return say("Only Latin letters, digits, spaces and _ . : / @ - are possible; no names, no numbers to call.")
        case "string_too_long":
            return say("This is too long.")
        case kind if kind.startswith("decimal"):
            return say("This is no amount. Write it like 120.50.")
        case kind if kind.startswith("date"):
            return say("This is no date.")
        case _:
            return error["msg"].removeprefix("Value error, ")
