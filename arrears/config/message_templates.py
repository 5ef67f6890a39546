"""Reading and checking one message's templates: what the files say, and that they say no more than their class may.

MessageProblem      a template is missing or wrong; names file and line, never a fact
└── MessageUnknown  no template of that name in that language
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError, Undefined, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from arrears.config import marked_yaml
from arrears.domain.message import MessageClass
from arrears.domain.money import Money

_FRONT = re.compile(r"\A---\n(?P<front>.*?)^---\n", re.DOTALL | re.MULTILINE)
_PART = re.compile(r"_[a-z-]+\.(txt|html)")

_ABOUT_ANYBODY = frozenset({"recipient_name", "borrower_name", "service_line"})
_ABOUT_THE_DEBT = frozenset(
    {"lender", "reference", "product", "today", "owed", "due_since", "days_past_due", "schedule", "offers", "pay_by"}
)
_DEBT_WORDS = re.compile(
    r"逾期|欠|债|贷|借款|还款|金额|本金|利息|罚息|催收|征信|账单|起诉"
    r"|\b(overdue|past due|debts?|loans?|owed?|owes|owing|pay|payments?|repay\w*|arrears|collections?|collector"
    r"|lend\w*|credit\w*|instal\w*|amounts?|lawsuit|interest)\b",
    re.IGNORECASE,
)


class MessageProblem(ValueError):
    """A template is wrong: ``where`` is its file and line."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where, self.problem = where, problem


class MessageUnknown(MessageProblem):
    """There is no template of that name in that language."""


class FrontMatter(BaseModel):
    """What a template says about itself before its text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    klass: MessageClass = Field(alias="class")
    subject: str | None = Field(default=None, description="a template of one line; needed where the message goes by e-mail")
    pay_within_days: PositiveInt = Field(default=3, description="`pay_by` in the text is so many days after today")


@dataclass(frozen=True)
class MessageTemplates:
    """One message in one language. ``names`` are the facts that it speaks of, ``template_hash`` is over all its files."""

    front: FrontMatter
    text: Template
    html: Template | None
    subject: Template | None
    names: frozenset[str]
    template_hash: str


@dataclass(frozen=True)
class _Source:
    path: Path
    text: str

    def where(self, word: str) -> str:
        """File and line of a word's first occurrence."""
        return f"{self.path}:{self.text[: self.text.find(word)].count(chr(10)) + 1}"


def read_message(path: Path) -> MessageTemplates:
    """The message whose text is ``path``, a file in its language's directory. Raises ``MessageProblem``."""
    if not path.is_file():
        raise MessageUnknown(f"{path.parent.name}/{path.name}", "no such message; write this file, or name one of the others")
    whole = path.read_text(encoding="utf-8")
    front, body = _split(path, whole)
    html = _html_of(path)
    own = [_Source(path, body), *([_Source(path, front.subject)] if front.subject else []), *([html] if html else [])]
    sources = [*own, *_included(own, path.parent)]
    names = frozenset[str]().union(*(_facts_named(source, front.klass) for source in sources))
    plain, escaping = environment(path.parent, escape=False), environment(path.parent, escape=True)
    return MessageTemplates(
        front=front,
        text=plain.from_string(body),
        html=escaping.from_string(html.text) if html else None,
        subject=plain.from_string(front.subject) if front.subject else None,
        names=names,
        template_hash=digest(whole, *(source.text for source in sources)),
    )


def allowed(klass: MessageClass) -> frozenset[str]:
    """The facts that a message of a class can name."""
    return _ABOUT_ANYBODY if klass is MessageClass.LOCATE_ONLY else _ABOUT_ANYBODY | _ABOUT_THE_DEBT


def digest(*parts: str) -> str:
    """SHA-256 over several texts."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


@cache
def environment(directory: Path, *, escape: bool) -> ImmutableSandboxedEnvironment:
    """Where a language's templates are rendered; the directory is named for the language. Raises ``MessageProblem``."""
    try:
        locale = Locale.parse(directory.name, sep="-")
    except ValueError as unknown:
        raise MessageProblem(str(directory), "the directory's name is no language; use a tag such as zh-CN or en") from unknown
    found = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(directory),
        undefined=StrictUndefined,
        autoescape=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def money(amount: Money | Decimal, currency: str = "") -> str:
        if isinstance(amount, Money):
            return format_currency(amount.amount, amount.currency, locale=locale)
        return format_currency(amount, currency, locale=locale)

    def day(value: date | Undefined) -> str:
        # Babel fails on a missing fact without saying so; as a text it raises what any missing fact raises.
        return format_date(value, "long", locale=locale) if isinstance(value, date) else str(value)

    found.filters |= {"money": money, "day": day}
    return found


def _split(path: Path, whole: str) -> tuple[FrontMatter, str]:
    """The front matter and the text, which keeps its line numbers."""
    match = _FRONT.match(whole)
    if not match:
        raise MessageProblem(f"{path}:1", "no front matter; begin with a line ---, then `class: …`, then a line ---")
    marked = marked_yaml.read("\n" + match["front"])
    for flaw in marked.flaws:
        raise MessageProblem(f"{path}:{flaw.line}", f"{flaw.problem}; {flaw.remedy}")
    try:
        front = FrontMatter.model_validate(marked.value)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False)[0]
        raise MessageProblem(
            f"{path}:{marked.line(first['loc'])}", f"front matter {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from None
    return front, "\n" * match.group().count("\n") + whole[match.end() :]


def _html_of(path: Path) -> _Source | None:
    html = path.with_suffix(".html")
    return _Source(html, html.read_text(encoding="utf-8")) if html.is_file() else None


def _included(sources: Iterable[_Source], directory: Path) -> Iterator[_Source]:
    """The parts that templates include or extend, and what these include."""
    queue, seen = list(sources), set[str]()
    for source in queue:
        tree, _ = _parsed(source)
        for name in meta.find_referenced_templates(tree):
            if name is None or not _PART.fullmatch(name) or not (directory / name).is_file():
                raise MessageProblem(
                    f"{source.path}:1", f"includes {name or 'something computed'!r}; a part is a file _name.txt or _name.html beside it"
                )
            if name not in seen:
                seen.add(name)
                part = _Source(directory / name, (directory / name).read_text(encoding="utf-8"))
                queue.append(part)
                yield part


def _parsed(source: _Source) -> tuple[nodes.Template, set[str]]:
    """A source's syntax tree and the facts that it names."""
    try:
        tree = environment(source.path.parent, escape=False).parse(source.text)
        return tree, meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as wrong:
        raise MessageProblem(f"{source.path}:{wrong.lineno}", wrong.message or "not a template") from None


def _facts_named(source: _Source, klass: MessageClass) -> set[str]:
    """The facts that a source names: only what its class may tell; and if it is for relatives, no word of the debt."""
    _, names = _parsed(source)
    if strange := sorted(names - allowed(klass)):
        can = ", ".join(sorted(allowed(klass)))
        raise MessageProblem(source.where(strange[0]), f"a message of class {klass} cannot name {strange[0]!r}; it can name {can}")
    if klass is MessageClass.LOCATE_ONLY and (word := _DEBT_WORDS.search(source.text)):
        raise MessageProblem(
            source.where(word.group()), f"a message of class {klass} may say nothing of the debt; leave out {word.group()!r}"
        )
    return names
