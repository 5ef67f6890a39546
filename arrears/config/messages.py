"""Message templates: ``messages/<locale>/<slug>.txt``, with ``<slug>.html`` beside it where a letter has an HTML part.

A text begins with its front matter, YAML between two lines of ``---``: its class, a subject if it can go by e-mail, and within how many days to pay.
A template can name only the facts that its class may tell: one for relatives cannot even name the amount.

    MessageProblem      a template is missing or wrong; names file and line, never a fact
    └── MessageUnknown  no template of that name in that language
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from arrears.config.settings import PACKAGED
from arrears.domain.message import MessageClass, MessageFacts
from arrears.domain.money import Money

_FRONT = re.compile(r"\A---\n(?P<front>.*?)^---\n", re.DOTALL | re.MULTILINE)
_SLUG = re.compile(r"[a-z][a-z0-9-]*")

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


@dataclass(frozen=True)
class Rendered:
    """A message as its recipient gets it.

    ``content_hash`` is over exactly this text, ``template_hash`` over the template, the same for every recipient and day.
    """

    text: str
    html: str | None
    subject: str | None
    klass: MessageClass
    locale: str
    content_hash: str
    template_hash: str


class FrontMatter(BaseModel):
    """What a template says about itself before its text."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    klass: MessageClass = Field(alias="class")
    subject: str | None = Field(default=None, description="a template of one line; needed where the message goes by e-mail")
    pay_within_days: PositiveInt = Field(default=3, description="`pay_by` in the text is so many days after today")


@dataclass(frozen=True)
class _Message:
    front: FrontMatter
    text: Template
    html: Template | None
    subject: Template | None
    names: frozenset[str]
    template_hash: str


class MessageLibrary:
    """The templates of one directory, read when first needed."""

    def __init__(self, directory: Path = PACKAGED / "messages", default_language: str = "zh-CN") -> None:
        self._directory = directory
        self._default = default_language
        self._known: dict[tuple[str, str], _Message] = {}

    @cached_property
    def locales(self) -> tuple[str, ...]:
        """The languages that there are templates in, such as ``en`` and ``zh-CN``."""
        return tuple(sorted(d.name for d in self._directory.iterdir() if d.is_dir()))

    def locale_for(self, language: str | None) -> str:
        """The best of our languages for somebody's: itself, one of the same tongue, else the default."""
        wanted = (language or self._default).replace("_", "-").lower()
        return next(
            (found for fits in (str.__eq__, _same_tongue) for found in self.locales if fits(found.lower(), wanted)),
            self._default,
        )

    def slugs(self, locale: str) -> frozenset[str]:
        """The names of all messages in a language."""
        return frozenset(path.stem for path in (self._directory / locale).glob("*.txt"))

    def about(self, slug: str, locale: str) -> FrontMatter:
        """What a message says about itself. Raises ``MessageProblem``."""
        return self._message(slug, locale).front

    def names(self, slug: str, locale: str) -> frozenset[str]:
        """The facts that a message speaks of. Raises ``MessageProblem``."""
        return self._message(slug, locale).names

    def template_hash(self, slug: str, locale: str) -> str:
        """SHA-256 over a message's template files. Raises ``MessageProblem``."""
        return self._message(slug, locale).template_hash

    def render(self, slug: str, locale: str, facts: MessageFacts) -> Rendered:
        """The message in one of ``locales`` (see ``locale_for``) with the facts filled in. Raises ``MessageProblem``."""
        message = self._message(slug, locale)
        names = _names(message.front, facts)
        try:
            text = message.text.render(names).strip()
            html = message.html.render(names).strip() if message.html else None
            subject = " ".join(message.subject.render(names).split()) if message.subject else None
        except TemplateError as wrong:
            raise MessageProblem(f"{locale}/{slug}", f"a fact is missing: {wrong.message}") from None
        return Rendered(
            text=text,
            html=html,
            subject=subject,
            klass=message.front.klass,
            locale=locale,
            content_hash=_digest(subject or "", text, html or ""),
            template_hash=message.template_hash,
        )

    def problems(self) -> tuple[MessageProblem, ...]:
        """Everything that is wrong with any template, messages that exist in one language only included."""
        found: list[MessageProblem] = []
        everywhere = {slug for locale in self.locales for slug in self.slugs(locale)}
        for locale in self.locales:
            for slug in sorted(everywhere):
                try:
                    self._message(slug, locale)
                except MessageProblem as problem:
                    found.append(problem)
        return tuple(found)

    def _message(self, slug: str, locale: str) -> _Message:
        if (slug, locale) not in self._known:
            self._known[slug, locale] = self._read(slug, locale)
        return self._known[slug, locale]

    def _read(self, slug: str, locale: str) -> _Message:
        path = self._directory / locale / f"{slug}.txt"
        if locale not in self.locales or not _SLUG.fullmatch(slug) or not path.is_file():
            raise MessageUnknown(f"{locale}/{slug}.txt", "no such message; write this file, or name one of the others")
        source = path.read_text(encoding="utf-8")
        front, body = _split(path, source)
        html_path = path.with_suffix(".html")
        html = html_path.read_text(encoding="utf-8") if html_path.is_file() else None
        parts = ((path, body), (path, front.subject or ""), (html_path, html or ""))
        names = frozenset[str]().union(*(_checked(file, part, front.klass) for file, part in parts))
        plain, escaping = _environment(locale, escape=False), _environment(locale, escape=True)
        return _Message(
            front=front,
            text=plain.from_string(body),
            html=escaping.from_string(html) if html is not None else None,
            subject=plain.from_string(front.subject) if front.subject else None,
            names=names,
            template_hash=_digest(source, html or ""),
        )


def _same_tongue(ours: str, wanted: str) -> bool:
    return ours.partition("-")[0] == wanted.partition("-")[0]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _split(path: Path, source: str) -> tuple[FrontMatter, str]:
    """The front matter and the text, which keeps its line numbers."""
    match = _FRONT.match(source)
    if not match:
        raise MessageProblem(f"{path}:1", "no front matter; begin with a line ---, then `class: …`, then a line ---")
    try:
        front = FrontMatter.model_validate(yaml.safe_load(match["front"]))
    except (yaml.YAMLError, ValidationError) as wrong:
        raise MessageProblem(f"{path}:2", f"front matter: {_first_line(wrong)}") from None
    return front, "\n" * match.group().count("\n") + source[match.end() :]


def _first_line(wrong: yaml.YAMLError | ValidationError) -> str:
    if isinstance(wrong, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {e['msg']}" for e in wrong.errors(include_input=False))
    return " ".join(str(wrong).split())


def _checked(path: Path, part: str, klass: MessageClass) -> set[str]:
    """The facts that a part of a template names. It names only what its class may tell, and if it is for relatives says nothing of the debt."""
    try:
        tree = _environment("en", escape=False).parse(part)
    except TemplateSyntaxError as wrong:
        raise MessageProblem(f"{path}:{wrong.lineno}", wrong.message or "not a template") from None
    names = meta.find_undeclared_variables(tree)
    if strange := sorted(names - _allowed(klass)):
        raise MessageProblem(
            _where(path, part, strange[0]),
            f"a message of class {klass} cannot name {strange[0]!r}; it can name {', '.join(sorted(_allowed(klass)))}",
        )
    if klass is MessageClass.LOCATE_ONLY and (word := _DEBT_WORDS.search(part)):
        raise MessageProblem(
            _where(path, part, word.group()), f"a message of class {klass} may say nothing of the debt; leave out {word.group()!r}"
        )
    return names


def _allowed(klass: MessageClass) -> frozenset[str]:
    return _ABOUT_ANYBODY if klass is MessageClass.LOCATE_ONLY else _ABOUT_ANYBODY | _ABOUT_THE_DEBT


def _where(path: Path, part: str, word: str) -> str:
    return f"{path}:{part[: part.find(word)].count(chr(10)) + 1}"


def _names(front: FrontMatter, facts: MessageFacts) -> dict[str, Any]:
    """What the template may name. A fact that is not known is not there, so that a text which needs it fails instead of saying nothing."""
    known: dict[str, Any] = {name: value for name, value in facts if value is not None}
    known["service_line"] = facts.lender.service_line
    known["pay_by"] = facts.today + timedelta(days=front.pay_within_days)
    return {name: known[name] for name in _allowed(front.klass) if name in known}


@cache
def _environment(locale: str, *, escape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=escape, trim_blocks=True, lstrip_blocks=True)
    babel = Locale.parse(locale, sep="-")

    def money(amount: Money | Decimal, currency: str | None = None) -> str:
        if isinstance(amount, Money):
            return format_currency(amount.amount, amount.currency, locale=babel)
        return format_currency(amount, currency or "", locale=babel)

    def day(value: date) -> str:
        return format_date(value, "long", locale=babel)

    environment.filters |= {"money": money, "day": day}
    return environment
