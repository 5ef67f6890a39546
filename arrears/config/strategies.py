"""Strategies as files: ``strategies/<name>.yaml``, read, checked and described by a JSON Schema.

StrategyUnknown   no file of that name
StrategyInvalid   a file with problems; each names its line, the field and what to do
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from arrears.config import ladder_checks, marked_yaml, remedies
from arrears.config.marked_yaml import Marked
from arrears.config.messages import MessageLibrary
from arrears.config.settings import PACKAGED
from arrears.domain.strategy import Strategy

STRATEGIES = PACKAGED / "strategies"
"""The strategies that come with Arrears."""


class Problem(BaseModel):
    """Something wrong with a file: where, what, and what to do about it. ``line`` counts from 1."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.problem}; {self.remedy}"


class StrategyUnknown(LookupError):
    """There is no strategy of that name."""


class StrategyInvalid(ValueError):
    """A strategy's file has problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Checked:
    """What a file came to: the strategy unless it could not be read, and all problems by line."""

    strategy: Strategy | None
    problems: tuple[Problem, ...]


def names(directory: Path = STRATEGIES) -> tuple[str, ...]:
    """The names of all strategies in a directory."""
    return tuple(sorted(path.stem for path in directory.glob("*.yaml")))


def load(name: str, directory: Path = STRATEGIES, messages: MessageLibrary | None = None) -> Strategy:
    """The strategy of that name. Raises ``StrategyUnknown`` or ``StrategyInvalid``; with ``messages`` also for a message that is not there."""
    if name not in names(directory):
        raise StrategyUnknown(f"no strategy {name!r}; there are {', '.join(names(directory)) or 'none'}")
    checked = check(directory / f"{name}.yaml", messages)
    if checked.strategy is None or checked.problems:
        raise StrategyInvalid(checked.problems)
    return checked.strategy


def load_all(directory: Path = STRATEGIES, messages: MessageLibrary | None = None) -> dict[str, Strategy]:
    """All strategies by name. Raises ``StrategyInvalid`` with the problems of all files."""
    checked = {name: check(directory / f"{name}.yaml", messages) for name in names(directory)}
    if problems := tuple(p for c in checked.values() for p in c.problems):
        raise StrategyInvalid(problems)
    return {name: c.strategy for name, c in checked.items() if c.strategy is not None}


def check_file(path: Path, messages: MessageLibrary | None = None) -> list[Problem]:
    """Everything wrong with a file, by line; empty if nothing is."""
    return list(check(path, messages).problems)


def check(path: Path, messages: MessageLibrary | None = None) -> Checked:
    """Read and check a file. What the messages of its rungs must offer is checked only with ``messages``."""
    try:
        marked = marked_yaml.read(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as wrong:
        return Checked(None, (_unreadable(path, f"byte {wrong.start} is not UTF-8", "save the file as UTF-8"),))
    except OSError as wrong:
        return Checked(None, (_unreadable(path, wrong.strerror or "cannot be read", "give the path of a readable YAML file"),))
    problems = [Problem(file=str(path), line=f.line, field="", problem=f.problem, remedy=f.remedy) for f in marked.flaws]
    strategy = None
    if marked.value is not None:
        try:
            # Through JSON, because only its strict mode takes text for a time or a name, but neither a text nor a yes for a number.
            strategy = Strategy.model_validate_json(json.dumps(marked.value), strict=True)
        except ValidationError as wrong:
            problems += [p for error in _first_causes(wrong.errors(include_url=False)) for p in _problems(path, marked, error)]
    if strategy is not None:
        doubts = ladder_checks.doubts(strategy, path.stem, messages)
        problems += [_problem(path, marked, d.place, d.problem, d.remedy) for d in doubts]
    return Checked(strategy, tuple(sorted(problems, key=lambda p: p.line)))


def schema() -> dict[str, Any]:
    """The JSON Schema of a strategy file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_local_times(Strategy.model_json_schema())}


def _local_times(part: Any) -> Any:
    """JSON Schema's own format of a time asks for seconds and a zone; a ladder's times have neither."""
    match part:
        case {"format": "time", **rest}:
            return {**rest, "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
        case dict():
            return {key: _local_times(value) for key, value in cast("dict[str, Any]", part).items()}
        case list():
            return [_local_times(item) for item in cast("list[Any]", part)]
        case _:
            return part


def _unreadable(path: Path, problem: str, remedy: str) -> Problem:
    return Problem(file=str(path), line=1, field="", problem=problem, remedy=remedy)


def _problem(path: Path, marked: Marked, place: tuple[str | int, ...], problem: str, remedy: str) -> Problem:
    return Problem(file=str(path), line=marked.line(place), field=_spelled(place), problem=problem, remedy=remedy)


def _first_causes(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Without what only follows from another error: a list whose items are all wrong is not too short besides."""
    return (
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(len(o["loc"]) > len(error["loc"]) and o["loc"][: len(error["loc"])] == error["loc"] for o in errors)
    )


def _problems(path: Path, marked: Marked, error: ErrorDetails) -> Iterator[Problem]:
    """One error of pydantic's as problems of the file."""
    if error["type"] == "inconsistent":
        for place, what in error.get("ctx", {})["flaws"]:
            problem, _, remedy = what.partition("; ")
            yield _problem(path, marked, place, problem, remedy or "name a rung of the same ladder that stands above")
        return
    found = remedies.explain(error, _place(error["loc"]))
    place = found.place
    yield _problem(path, marked, place, found.problem, found.remedy)


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where in the file: pydantic also names the kind of rung it tried, which stands nowhere."""
    return tuple(part for n, part in enumerate(loc) if not (n >= 2 and loc[n - 2] == "ladder" and isinstance(loc[n - 1], int)))


def _spelled(place: tuple[str | int, ...]) -> str:
    """A place as people write it: ``ladder[3].only_if.attitude``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
