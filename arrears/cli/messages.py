"""`arrears messages …`: check the texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.text import Text

from arrears.cli.output import ExitCode, JsonFlag, WrongUsage, out, print_json, refuse
from arrears.config import message_lint, wording
from arrears.config.message_lint import Finding
from arrears.config.message_templates import MessageProblem
from arrears.config.messages import MessageLibrary
from arrears.config.settings import Settings
from arrears.config.wording import WordingProblem

app = typer.Typer(help="Check the texts of messages.", no_args_is_help=True)

Directory = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]", exists=True, file_okay=False, help="A directory with one directory a language; the one in use if none is named."
    ),
]


class CheckedMessages(BaseModel):
    """What the check of a directory found."""

    directory: str
    languages: list[str]
    messages: int
    ok: bool
    problems: list[Finding]


@app.callback()
def _commands() -> None:
    """Check the texts of messages."""


@app.command()
def check(directory: Directory = None, as_json: JsonFlag = False) -> None:
    """Check every text in every language, as it reads with specimen facts, against the words and parts of all laws. Ends with 1 if there is a problem."""
    settings = Settings()
    checked = _checked(directory or settings.messages_dir, settings.language)
    if as_json:
        print_json(checked)
    else:
        _print(checked)
    if not checked.ok:
        raise typer.Exit(ExitCode.REFUSED)


def _checked(directory: Path, language: str) -> CheckedMessages:
    library = MessageLibrary(directory, language)
    if not library.locales:
        raise WrongUsage(f"{directory}: no directory of a language in it; messages lie in directories such as en and zh-CN")
    try:
        found = message_lint.check(library, wording.load())
    except (MessageProblem, WordingProblem) as problem:
        refuse(str(problem))
    count = sum(len(library.slugs(locale)) for locale in library.locales)
    return CheckedMessages(directory=str(directory), languages=list(library.locales), messages=count, ok=not found, problems=list(found))


def _print(checked: CheckedMessages) -> None:
    for finding in checked.problems:
        where = Text(f"{finding.file}:{finding.line}: ", style="bold")
        out.print(where + Text(finding.problem, style="red"), soft_wrap=True)
        out.print(Text(f"    {finding.remedy}"), soft_wrap=True)
    what = f"{checked.messages} messages in {', '.join(checked.languages)}"
    verdict = ("ok", "green") if checked.ok else (f"{len(checked.problems)} problems", "red")
    out.print(Text.assemble((checked.directory, "bold"), f": {what}: ", verdict), soft_wrap=True)
