"""`arrears strategy …`: check, draw and describe the ladders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.text import Text

from arrears.cli.ladder_drawing import DrawnLadder, drawing, drawn
from arrears.cli.output import ExitCode, JsonFlag, WrongUsage, out, print_json, refuse
from arrears.config import strategies
from arrears.config.messages import MessageLibrary
from arrears.config.settings import Settings
from arrears.config.strategies import Problem, StrategyInvalid, StrategyUnknown
from arrears.domain.strategy import Strategy

app = typer.Typer(help="Check, draw and describe the ladders.", no_args_is_help=True)

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[FILE]...", exists=True, dir_okay=False, help="Strategy files; all known ones if none is named."),
]


class CheckedFile(BaseModel):
    """What the check of one file found."""

    file: str
    ok: bool
    problems: list[Problem]


class Shown(BaseModel):
    """A strategy as it is written, and laid out by day."""

    strategy: Strategy
    content_hash: str
    ladders: list[DrawnLadder]


@app.command()
def check(files: Files = None, as_json: JsonFlag = False) -> None:
    """Check strategy files: form, references, messages, and rungs that could never be taken. Ends with 1 if there is a problem."""
    settings = Settings()
    messages = _messages(settings)
    found = [
        CheckedFile(file=str(file), ok=not problems, problems=problems)
        for file in files or [settings.strategies_dir / f"{name}.yaml" for name in strategies.names(settings.strategies_dir)]
        for problems in [strategies.check_file(file, messages)]
    ]
    if as_json:
        print_json(found)
    else:
        for checked in found:
            _print_checked(checked)
    if not all(checked.ok for checked in found):
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A strategy's name, or a file ending in .yaml.")], as_json: JsonFlag = False
) -> None:
    """Draw a ladder day by day."""
    strategy = _load(name)
    if as_json:
        print_json(Shown(strategy=strategy, content_hash=strategy.content_hash, ladders=drawn(strategy)))
    else:
        out.print(drawing(strategy))


@app.command()
def schema(as_json: JsonFlag = False) -> None:  # noqa: ARG001 (it is JSON either way)
    """Print the JSON Schema of strategy files, for editors."""
    print_json(strategies.schema())


def _messages(settings: Settings) -> MessageLibrary:
    return MessageLibrary(settings.messages_dir, settings.language)


def _load(name: str) -> Strategy:
    settings = Settings()
    file = Path(name)
    try:
        if file.suffix == ".yaml":
            checked = strategies.check(file, _messages(settings))
            if checked.strategy is None:
                raise StrategyInvalid(checked.problems)
            return checked.strategy
        return strategies.load(name, settings.strategies_dir, _messages(settings))
    except StrategyUnknown as unknown:
        raise WrongUsage(str(unknown.args[0])) from None
    except StrategyInvalid as invalid:
        refuse(str(invalid))


def _print_checked(checked: CheckedFile) -> None:
    if checked.ok:
        out.print(Text.assemble((checked.file, "bold"), ": ", ("ok", "green")), soft_wrap=True)
    for problem in checked.problems:
        where = Text(f"{problem.file}:{problem.line}: ", style="bold")
        field = Text(f"{problem.field}: " if problem.field else "", style="cyan")
        out.print(where + field + Text(problem.problem, style="red"), soft_wrap=True)
        out.print(Text(f"    {problem.remedy}"), soft_wrap=True)
