"""The report as one HTML file for people: nothing is loaded from anywhere, it prints on A4, and everything in it is escaped."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from babel.dates import format_datetime
from babel.numbers import format_decimal
from jinja2 import BaseLoader, Environment, StrictUndefined

from arrears.prove.page_words import WORDS
from arrears.prove.report import Report

LANGUAGES = tuple(WORDS)
_TEMPLATE = Path(__file__).with_name("page.html.j2")
_MOST_VIOLATIONS = 2_000


def page(report: Report, language: str = "en") -> str:
    """The page in one of ``LANGUAGES``. Raises ``KeyError`` for another."""
    words = WORDS[language]
    locale = language.replace("-", "_")
    environment = Environment(loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

    def number(value: float) -> str:
        return format_decimal(value, locale=locale)

    def instant(value: datetime) -> str:
        return format_datetime(value, "yyyy-MM-dd HH:mm:ss", locale=locale) + " UTC"

    def say(text: str) -> str:
        return words.phrases.get(text, text)

    environment.filters.update(number=number, instant=instant, say=say)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(r=report, w=words.labels, language=language, most=_MOST_VIOLATIONS)
