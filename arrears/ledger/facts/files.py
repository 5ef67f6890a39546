"""Files of facts, one JSON object a line: all lines are checked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.situation import LENDER
from arrears.ledger.facts.kinds import FACT, Fact
from arrears.ledger.facts.record import record
from arrears.ledger.facts.writing import FactRefused, Recorded

_SCHEMA = "see docs/facts.md, or `arrears facts schema`"


class FactProblem(BaseModel):
    """Why a line is refused. It repeats no name, number or address."""

    model_config = ConfigDict(frozen=True)

    line: int
    fact: str | None
    field: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Line:
    """A line that is a fact by itself."""

    number: int
    fact: Fact


@dataclass(frozen=True)
class Outcome:
    """What became of a file: either everything was written, or ``problems`` say why nothing was."""

    recorded: tuple[Recorded, ...] = ()
    problems: tuple[FactProblem, ...] = ()


class FileRefused(Exception):
    """Lines of the file cannot stand in the ledger: nothing was written."""

    def __init__(self, problems: tuple[FactProblem, ...]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def read(lines: Iterable[str]) -> tuple[list[Line], list[FactProblem]]:
    """The facts of a file, and what is wrong with the lines that are none. Empty lines are passed over."""
    facts: list[Line] = []
    problems: list[FactProblem] = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            facts.append(Line(number, FACT.validate_json(text)))
        except ValidationError as wrong:
            problems.extend(_problems(number, text, wrong))
    return facts, problems


async def write(session: AsyncSession, lines: Iterable[Line], now: datetime, source: str = LENDER) -> tuple[Recorded, ...]:
    """Record the facts in their order, in the caller's exclusive transaction. Raises ``FileRefused`` with all problems: roll back."""
    recorded: list[Recorded] = []
    problems: list[FactProblem] = []
    for line in lines:
        try:
            recorded.append(await record(session, line.fact, now, source))
        except FactRefused as wrong:
            problems.append(
                FactProblem(line=line.number, fact=line.fact.fact, field=wrong.field, problem=wrong.problem, remedy=wrong.remedy)
            )
    if problems:
        raise FileRefused(tuple(problems))
    return tuple(recorded)


def _problems(number: int, text: str, wrong: ValidationError) -> Iterator[FactProblem]:
    kind = _kind(text)
    for error in wrong.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in error["loc"] if part != kind)
        match error["type"]:
            case "json_invalid":
                yield FactProblem(line=number, fact=None, field="line", problem="is no JSON", remedy="write one JSON object on it")
            case "union_tag_invalid" | "union_tag_not_found" | "model_attributes_type":
                yield FactProblem(line=number, fact=kind, field="fact", problem="names no kind of fact", remedy=_SCHEMA)
            case "missing":
                yield FactProblem(line=number, fact=kind, field=place, problem="is missing", remedy=f"give it; {_SCHEMA}")
            case "extra_forbidden":
                yield FactProblem(line=number, fact=kind, field=place, problem="is no field of this fact", remedy=f"remove it; {_SCHEMA}")
            case _:
                problem = error["msg"].removeprefix("Value error, ")
                yield FactProblem(line=number, fact=kind, field=place or "line", problem=problem, remedy=_SCHEMA)


def _kind(text: str) -> str | None:
    try:
        given: Any = json.loads(text)
    except ValueError:
        return None
    kind: object = cast("dict[str, object]", given).get("fact") if isinstance(given, dict) else None
    return kind if isinstance(kind, str) and len(kind) <= 40 else None
