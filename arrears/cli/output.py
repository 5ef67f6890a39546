"""What every command says and how it ends: text for people, one JSON document for scripts, an exit code for both."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, NoReturn, TypeVar

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError
from rich.console import Console

M = TypeVar("M", bound=BaseModel)

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

EXIT_CODES = "Exit codes: 0 done, 1 refused or a problem found, 2 wrong usage, 3 Temporal, the ledger or the API cannot be reached."

_ANYTHING: TypeAdapter[object] = TypeAdapter(object)


class ExitCode(IntEnum):
    """What scripts can rely on."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3


class CommandFailed(Exception):
    """A command ends without having done its work; the message says what to do."""

    exit_code = ExitCode.REFUSED


class WrongUsage(CommandFailed):
    """What was asked for makes no sense as it was given."""

    exit_code = ExitCode.USAGE


class Unreachable(CommandFailed):
    """Something that the command needs does not answer."""

    exit_code = ExitCode.UNREACHABLE


def refuse(why: str) -> NoReturn:
    """End the command: what was asked is not possible, and ``why``."""
    raise CommandFailed(why)


def checked(model: type[M], fields: Mapping[str, object]) -> M:
    """The model with these fields; an unknown field is most likely a typo. Raises ``WrongUsage`` naming the field."""
    if unknown := sorted(set(fields) - set(model.model_fields)):
        raise WrongUsage(f"unknown field {', '.join(unknown)}; there are: {', '.join(model.model_fields)}")
    try:
        return model.model_validate(fields)
    except ValidationError as wrong:
        raise WrongUsage("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors(include_input=False))) from wrong


def print_json(document: object) -> None:
    """Print models, dataclasses, dates and decimals as one JSON document."""
    sys.stdout.write(_ANYTHING.dump_json(document, indent=2, fallback=_plain, serialize_as_any=True).decode() + "\n")


def print_problem(message: str, code: ExitCode, *, as_json: bool) -> None:
    """Say why a command failed, where the one who asked reads it."""
    if as_json:
        sys.stdout.write(json.dumps({"problem": message, "exit_code": int(code)}, ensure_ascii=False) + "\n")
    else:
        err.print(f"[bold red]{code.name.lower()}[/]: ", end="")
        err.print(message, markup=False)


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
