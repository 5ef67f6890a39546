"""`arrears verdict`: what the law says to a situation that somebody wrote down. It needs no server, no ledger, no settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from rich.text import Text

from arrears.cli.mistakes import mistakes
from arrears.cli.output import ExitCode, JsonFlag, WrongUsage, out, print_json
from arrears.config.law import Law, RegimeProblem
from arrears.config.settings import PACKAGED
from arrears.domain.calendar import local_text
from arrears.domain.judge import RegimeNotFound, judge
from arrears.domain.law import RULES
from arrears.domain.regime import Regime
from arrears.domain.situation import Situation
from arrears.domain.strategy import Role, Slug
from arrears.domain.verdict import Effect, Finding, Verdict

EXAMPLES = PACKAGED / "situations"
COLOURS = {Effect.ALLOW: "green", Effect.DEFER: "yellow", Effect.NEEDS_APPROVAL: "magenta", Effect.DENY: "red"}


class Expectation(BaseModel):
    """What somebody expects the law to say: the effect, exactly the ``rules`` that stand against the action, and the rest if it is given."""

    model_config = ConfigDict(extra="forbid")

    effect: Effect
    rules: frozenset[str] = frozenset()
    exceptions: frozenset[str] = Field(default=frozenset(), description="rules by whose exception it is allowed, among others")
    until: AwareDatetime | None = None
    role: Role | None = None
    permanent: bool | None = None

    def differs(self, verdict: Verdict) -> tuple[str, ...]:
        """Where a verdict is another than the expected one."""
        excepted = {f.rule for f in verdict.findings if f.effect is Effect.ALLOW}
        pairs: list[tuple[str, object, object]] = [
            ("effect", self.effect, verdict.effect),
            ("rules", sorted(self.rules), sorted(verdict.rules)),
            ("exceptions", sorted(self.exceptions), sorted(self.exceptions & excepted)),
            *((n, w, g) for n, w, g in self._given(verdict) if w is not None),
        ]
        return tuple(f"{name}: expected {_plain(wanted)}, got {_plain(got)}" for name, wanted, got in pairs if wanted != got)

    def _given(self, verdict: Verdict) -> Iterator[tuple[str, object, object]]:
        yield "until", self.until, verdict.until
        yield "role", self.role, verdict.role
        yield "permanent", self.permanent, verdict.permanent


class Vector(BaseModel):
    """A situation with a name and, if it is a test of the law, what is expected."""

    model_config = ConfigDict(extra="forbid")

    name: str
    about: str | None = None
    situation: Situation
    expect: Expectation | None = None


class Judged(BaseModel):
    """What became of one document: its verdict, or what is wrong with it."""

    name: str
    verdict: Verdict | None = None
    words: tuple[str, ...] = ()
    expected: bool = Field(default=False, description="whether the document said what it expects")
    differs: tuple[str, ...] = Field(default=(), description="where the verdict is not what the document expected")
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Document:
    """Something that should be a situation or a vector; ``problem`` if it is not even JSON."""

    name: str
    body: object = None
    problem: str | None = None


Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE]...",
        help="A situation as JSON; several in one array, or one a line (.jsonl). `-` reads standard input.",
        show_default=False,
    ),
]
RegimeNames = Annotated[
    list[str] | None, typer.Option("--regime", help="Judge by this regime, whatever applies by residence, number and lender. Repeatable.")
]
Overlay = Annotated[Path | None, typer.Option(help="A lender's overlay on the regimes.", exists=True, dir_okay=False)]
RegimesDir = Annotated[Path, typer.Option(help="The directory of the regimes.", exists=True, file_okay=False)]
Example = Annotated[str | None, typer.Option(help="Print an example to begin with; `list` names them.")]
Schema = Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a situation.")]


def verdict(
    files: Files = None,
    regime: RegimeNames = None,
    overlay: Overlay = None,
    regimes_dir: RegimesDir = PACKAGED / "regimes",
    example: Example = None,
    schema: Schema = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask the law: what does it say to this contact, or this referral, at this instant?

    Ends with 0 if everything is allowed (or as its document expects), with 1 if not, with 2 if a document is wrong.
    """
    if schema:
        print_json(situation_schema())
    elif example is not None:
        _print_example(example)
    elif not files:
        raise WrongUsage("name a file with a situation, or `-`; `arrears verdict --example cn-sms` prints one to begin with")
    else:
        _judge_all(files, regime, _law(regimes_dir, overlay), as_json)


def situation_schema() -> dict[str, Any]:
    """The JSON Schema of a situation."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Situation.model_json_schema()


def judged(name: str, body: object, regimes: tuple[Regime, ...], names: tuple[Slug, ...] | None = None) -> Judged:
    """The verdict on one document, a situation or a vector; ``names`` are the regimes to judge by instead of its own."""
    try:
        is_vector = isinstance(body, dict) and "situation" in body
        vector = Vector.model_validate(body) if is_vector else Vector(name=name, situation=Situation.model_validate(body))
        situation = vector.situation.model_copy(update={"regimes": names}) if names else vector.situation
        said = judge(situation, regimes)
    except ValidationError as wrong:
        return Judged(name=name, problems=mistakes(wrong))
    except RegimeNotFound as unknown:
        return Judged(name=name, problems=(str(unknown),))
    differs = vector.expect.differs(said) if vector.expect else ()
    return Judged(
        name=vector.name,
        verdict=said,
        words=in_words(said, situation.recipient.zone or "UTC"),
        expected=vector.expect is not None,
        differs=differs,
    )


def in_words(verdict: Verdict, zone: str) -> tuple[str, ...]:
    """A verdict for people: what it says, then each rule that fired with what it saw, what it allows, and where it looked; times are those of a zone."""
    return (_headline(verdict, zone), *(_sentence(finding) for finding in verdict.findings))


def _headline(verdict: Verdict, zone: str) -> str:
    law = ", ".join(f"{r.name} {r.version}" for r in verdict.regimes) or "no regime"
    match verdict.effect:
        case Effect.DEFER if verdict.until is not None:
            return f"Not before {local_text(verdict.until, zone)} in {zone} (by {law})."
        case Effect.NEEDS_APPROVAL:
            return f"Only with the approval of a human{f', {verdict.role}' if verdict.role else ''} (by {law})."
        case Effect.DENY:
            return f"Denied{', for good' if verdict.permanent else ''} (by {law})."
        case _:
            return f"Allowed (by {law})."


def _sentence(finding: Finding) -> str:
    plain = RULES[finding.rule].plain if finding.rule in RULES else ""
    kind = "exception" if finding.effect is Effect.ALLOW else finding.effect.replace("_", " ")
    return f"{finding.rule} ({kind}): {plain} Seen: {finding.observed}; allowed: {finding.limit}; from {finding.source or 'the situation'}."


def _judge_all(files: list[str], names: list[str] | None, regimes: tuple[Regime, ...], as_json: bool) -> None:
    results: list[Judged] = []
    for document in (d for file in files for d in _documents(file)):
        result = (
            Judged(name=document.name, problems=(document.problem,))
            if document.problem
            else judged(document.name, document.body, regimes, tuple(names) if names else None)
        )
        results.append(result)
        if not as_json:
            _print(result)
    if as_json:
        print_json(results[0] if len(results) == 1 else results)
    if any(r.problems for r in results):
        raise typer.Exit(ExitCode.USAGE)
    if not all(_as_wished(r) for r in results):
        raise typer.Exit(ExitCode.REFUSED)


def _as_wished(result: Judged) -> bool:
    """Whether it is what the document expected; allowed, if it did not say."""
    if result.expected:
        return not result.differs
    return result.verdict is not None and result.verdict.effect is Effect.ALLOW


def _documents(file: str) -> Iterator[_Document]:
    """The documents of a file, each with a name that says where it stands."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise WrongUsage(f"{file}: cannot be read ({type(wrong).__name__}); give a file of UTF-8 JSON") from wrong
    if file.endswith(".jsonl"):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield _parsed(f"{file}:{number}", line)
        return
    whole = _parsed(file, text)
    if isinstance(whole.body, list):
        for number, item in enumerate(cast("list[object]", whole.body), 1):
            yield _Document(f"{file}#{number}", item)
    else:
        yield whole


def _parsed(name: str, text: str) -> _Document:
    try:
        return _Document(name, json.loads(text, parse_float=str))
    except json.JSONDecodeError as wrong:
        return _Document(name, problem=f"line {wrong.lineno}, column {wrong.colno}: {wrong.msg}; this is not JSON")


def _print(result: Judged) -> None:
    out.print(Text(result.name, style="bold"))
    for problem in result.problems:
        out.print(Text(f"  {problem}", style="red"))
    if result.verdict is not None:
        headline, *rest = result.words
        out.print(Text(f"  {headline}", style=COLOURS[result.verdict.effect]))
        for line in rest:
            out.print(Text(f"    {line}"))
    for difference in result.differs:
        out.print(Text(f"  not as expected: {difference}", style="bold red"))


def _print_example(name: str) -> None:
    known = sorted(path.stem for path in EXAMPLES.glob("*.json"))
    if name == "list":
        print_json(known)
    elif name in known:
        sys.stdout.write((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    else:
        raise WrongUsage(f"there is no example {name!r}; there are {', '.join(known)}")


def _law(directory: Path, overlay: Path | None) -> tuple[Regime, ...]:
    try:
        return Law(directory, overlay).current()
    except RegimeProblem as wrong:
        raise WrongUsage(str(wrong)) from wrong


def _plain(value: object) -> str:
    return ", ".join(map(str, cast("list[object]", value))) or "none" if isinstance(value, list) else str(value)
