"""Message templates: ``messages/<locale>/<slug>.txt``, with ``<slug>.html`` beside it where a letter has an HTML part.

A text begins with its front matter, YAML between two lines of ``---``: its class, a subject if it can go by e-mail, what it gives notice of.
A template can name only the facts that its class may tell: one for relatives cannot even name the amount. Files whose names begin with ``_``
are parts that several messages include; some of them are the blocks that the law asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Template, UndefinedError

from arrears.config import wording
from arrears.config.message_templates import (
    FrontMatter,
    MessageProblem,
    MessageTemplates,
    MessageUnknown,
    allowed,
    digest,
    read_message,
)
from arrears.config.settings import PACKAGED
from arrears.config.wording import Use
from arrears.domain.content import Block, Words, blocks_in, debt_facts_before
from arrears.domain.message import Lender, MessageClass, MessageFacts, NoticeKind, Party, PlanLine, ScheduleLine
from arrears.domain.money import Money
from arrears.domain.strategy import Channel, Offer

__all__ = ["FrontMatter", "MessageLibrary", "MessageProblem", "MessageUnknown", "Rendered"]

_SLUG = re.compile(r"[a-z][a-z0-9-]*")
_LONGEST = 100_000

SPECIMEN = MessageFacts(
    lender=Lender(name="Lender", service_line="0", complaint_line="0", pay_url="https://pay.example"),
    recipient_name="Recipient",
    borrower_name="Borrower",
    reference="L-0",
    product="loan",
    today=date(2026, 1, 3),
    owed=Money(amount=Decimal("1234.50"), currency="CNY"),
    due_since=date(2026, 1, 1),
    days_past_due=2,
    schedule=(
        ScheduleLine(
            n=1, due_on=date(2026, 1, 1), principal=Decimal(1200), interest=Decimal(30), fees=Decimal("4.5"), unpaid=Decimal("1234.50")
        ),
    ),
    offers=tuple(Offer),
    plan=(PlanLine(due_on=date(2026, 2, 1), amount=Decimal("617.25")), PlanLine(due_on=date(2026, 3, 1), amount=Decimal("617.25"))),
    agent_name="Agent Specimen",
    party=Party(name="Party", phone="0"),
    decision="granted",
)
"""Every message must read well with these facts before it is used with real ones."""


@dataclass(frozen=True)
class Rendered:
    """A message as its recipient gets it.

    ``content_hash`` is over exactly this text, ``template_hash`` over the template, the same for every recipient and day. ``blocks`` are the required
    parts whose words really stand in it: in the text and in the HTML part, and for the check of the person before anything is said of the debt.
    ``known`` are the facts that it may carry and that are no figures of the debt, ``names`` the people whom it may name: whoever reads it for amounts
    and for words of the debt has to know them.
    """

    text: str
    html: str | None
    subject: str | None
    klass: MessageClass
    locale: str
    content_hash: str
    template_hash: str
    notice: NoticeKind | None = None
    blocks: frozenset[Block] = frozenset()
    known: tuple[str, ...] = field(default=(), repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)

    def by(self, channel: Channel) -> Rendered:
        """What leaves by a channel: only an e-mail has a subject and a layout."""
        if channel is Channel.EMAIL:
            return self
        return replace(self, subject=None, html=None, content_hash=digest("", self.text, ""))

    @property
    def words(self) -> Words:
        """The message as the rules of content read it."""
        return Words(
            text=self.text,
            subject=self.subject or "",
            html=self.html,
            locale=self.locale,
            klass=self.klass,
            blocks=self.blocks,
            known=self.known,
            names=self.names,
        )


class MessageLibrary:
    """The templates of one directory, read when first needed."""

    def __init__(self, directory: Path = PACKAGED / "messages", default_language: str = "zh-CN") -> None:
        self._directory = directory
        self._default = default_language
        self._known: dict[tuple[str, str], MessageTemplates] = {}

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
        return frozenset(path.stem for path in (self._directory / locale).glob("*.txt") if _SLUG.fullmatch(path.stem))

    def path(self, slug: str, locale: str) -> Path:
        """The file of a message's text."""
        return self._directory / locale / f"{slug}.txt"

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
        text, html, subject = _filled(message, facts, f"{locale}/{slug}")
        words = Words(text=text, subject=subject or "", html=html, locale=locale, klass=message.front.klass)
        return Rendered(
            text=text,
            html=html,
            subject=subject,
            klass=message.front.klass,
            locale=locale,
            content_hash=digest(subject or "", text, html or ""),
            template_hash=message.template_hash,
            notice=message.front.notice,
            blocks=_blocks(message, facts, words),
            known=_known(facts),
            names=tuple(name for name in (facts.recipient_name, facts.borrower_name, facts.agent_name) if name),
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

    def _message(self, slug: str, locale: str) -> MessageTemplates:
        if (slug, locale) not in self._known:
            if locale not in self.locales or not _SLUG.fullmatch(slug):
                raise MessageUnknown(f"{locale}/{slug}", f"no such message; there are messages in {', '.join(self.locales)}")
            message = read_message(self.path(slug, locale))
            _filled(message, SPECIMEN, f"{locale}/{slug}")
            self._known[slug, locale] = message
        return self._known[slug, locale]


def _known(facts: MessageFacts) -> tuple[str, ...]:
    """What a text may carry of telephone numbers, web addresses and references."""
    lender, party = facts.lender, facts.party
    return (facts.reference, lender.service_line, lender.complaint_line, lender.pay_url, *((party.phone,) if party else ()))


def _same_tongue(ours: str, wanted: str) -> bool:
    return ours.partition("-")[0] == wanted.partition("-")[0]


def _filled(message: MessageTemplates, facts: MessageFacts, where: str) -> tuple[str, str | None, str | None]:
    """Text, HTML and subject with the facts filled in. What goes wrong is told without a word of what the facts are."""
    names = _names(message.front, facts)
    try:
        text = message.text.render(names).strip()
        html = message.html.render(names).strip() if message.html else None
        subject = " ".join(message.subject.render(names).split()) if message.subject else None
        if len(text) + len(html or "") > _LONGEST:
            raise MessageProblem(where, f"longer than {_LONGEST} characters with these facts")
    except UndefinedError as missing:
        raise MessageProblem(where, f"a fact is missing: {missing.message}") from None
    except MessageProblem:
        raise
    except Exception as wrong:  # whatever an author's template can bring about
        raise MessageProblem(where, f"{type(wrong).__name__} while the facts were filled in; check how the text uses them") from None
    return text, html, subject


def _names(front: FrontMatter, facts: MessageFacts) -> dict[str, Any]:
    """What the template may name. A fact that is not known is not there, so that a text which needs it fails instead of saying nothing."""
    known: dict[str, Any] = {name: value for name, value in facts if value is not None}
    known["service_line"] = facts.lender.service_line
    known["business_name"] = facts.lender.name
    known["pay_by"] = facts.today + timedelta(days=front.pay_within_days)
    known["dispute_by"] = facts.today + timedelta(days=front.dispute_within_days)
    return {name: known[name] for name in allowed(front.klass) if name in known}


def _blocks(message: MessageTemplates, facts: MessageFacts, words: Words) -> frozenset[Block]:
    """The blocks that a written message contains, found by their words."""
    names = _names(message.front, facts)
    said = list(_said(message.parts, names))
    found = blocks_in(words, said)
    checks = [check for block, check in said if block is Block.RIGHT_PARTY_CHECK]
    if Block.RIGHT_PARTY_CHECK in found and not any(_checked_first(words, check, facts) for check in checks):
        return found - {Block.RIGHT_PARTY_CHECK}
    return found


def _said(parts: Iterable[tuple[Block, Template]], names: dict[str, Any]) -> Iterator[tuple[Block, str]]:
    """The words of each block, as far as these facts give any."""
    for block, part in parts:
        try:
            yield block, part.render(names).strip()
        except UndefinedError:
            continue


def _checked_first(words: Words, check: str, facts: MessageFacts) -> bool:
    """Whether nothing is said of the debt before the person is known to be the right one."""
    known = words.model_copy(update={"known": (facts.lender.service_line,), "names": (facts.recipient_name,)})
    return not debt_facts_before(known, check, wording.load().used(Use.OTHERS), (facts.lender.name, facts.reference))
