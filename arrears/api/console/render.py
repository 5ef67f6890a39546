"""The console's pages in the operator's language: templates, words of codes and rules, and how amounts and times are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import Environment, PackageLoader, StrictUndefined

from arrears.api.console.assets import asset
from arrears.api.console.phrases import Phrase, phrases, told
from arrears.domain.law import RULES
from arrears.domain.money import Money

Tongue = Literal["en", "zh-CN"]
TONGUES: Final[Mapping[Tongue, str]] = {"zh-CN": "简体中文", "en": "English"}
"""The console's languages, each under its own name."""

LOCALES = Path(__file__).with_name("locales")
_SAID = "said"  # the catalogue of what other rooms say
_HOUR, _DAY = 3600, 86400
_NO_KEY = re.compile(r"[^\w-]+", re.ASCII)
_MINUTE = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d) UTC\b")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_SUM = re.compile(r"(?<![\w.-])(\d+(?:\.\d+)?) ([A-Z]{3})\b")


@dataclass(frozen=True)
class Words:
    """The texts of one language; what is not translated is said in English."""

    tongue: Tongue
    singular: Mapping[str, str]
    plural: Mapping[str, tuple[str, ...]]
    phrases: tuple[Phrase, ...] = ()

    def gettext(self, message: str) -> str:
        return self.singular.get(message, message)

    def ngettext(self, one: str, many: str, n: int) -> str:
        forms = self.plural.get(one)
        if forms is None:
            return one if n == 1 else many
        return forms[0] if len(forms) == 1 or n == 1 else forms[1]

    def code(self, code: str | None) -> str:
        """A code of the ledger, such as ``no_answer``, in words; what is no code but a sentence is ``told``."""
        if code is None:
            return ""
        plain = code.replace("_", " ").replace("-", " ")
        return self.singular.get(plain) or (self.told(code) if " " in code else plain)

    def told(self, text: str) -> str:
        """What another room says in English, such as why a case waits or what is wrong with a request."""
        return told(text, self.singular, self.phrases)

    def rule(self, rule_id: str) -> str:
        """A rule in plain words; nothing for one that the code does not have."""
        known = RULES.get(rule_id)
        return "" if known is None else self.gettext(known.plain)


@cache
def words(tongue: Tongue) -> Words:
    """The texts of a language, from the catalogues of all rooms."""
    singular: dict[str, str] = {}
    plural: dict[str, tuple[str, ...]] = {}
    with_fields: tuple[Phrase, ...] = ()
    folder = LOCALES / tongue.replace("-", "_")
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=tongue.replace("-", "_"))
        if path.stem == _SAID:
            with_fields = phrases({m.id: m.string for m in catalogue if isinstance(m.id, str) and isinstance(m.string, str) and m.string})
        for message in catalogue:
            match message.id, message.string:
                case (str(one), _), (tuple() | list()) as forms:
                    plural[one] = tuple(forms)
                case str(one), str(said) if one and said:
                    singular[one] = said
                case _:
                    pass
    return Words(tongue, singular, plural, with_fields)


@cache
def environment(tongue: Tongue) -> Environment:
    """The templates of the console in one language. Undefined names are errors; everything that is put in is escaped."""
    env = Environment(
        loader=PackageLoader("arrears.api.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    said = words(tongue)
    env.install_gettext_callables(said.gettext, said.ngettext, newstyle=True)  # type: ignore[attr-defined]  # pyright: ignore
    env.globals.update({"asset": asset, "tongue": tongue, "tongues": TONGUES, "units": _units(said)})  # pyright: ignore[reportCallIssue, reportArgumentType]
    env.filters.update(_filters(Locale.parse(tongue, sep="-"), said))
    return env


def _filters(locale: Locale, said: Words) -> dict[str, Callable[..., str]]:
    """How values are written in a language: see each name's own line."""
    units = _units(said)

    def money(value: Money | Decimal | str, currency: str | None = None) -> str:
        """An amount with its currency: ``¥1,200.50``."""
        if isinstance(value, Money):
            value, currency = value.amount, value.currency
        assert currency is not None, "an amount is written with its currency"
        return format_currency(Decimal(value), currency, locale=locale)

    def number(value: float | Decimal) -> str:
        return format_decimal(value, locale=locale)

    def percent(value: float | Decimal) -> str:
        """A part of one: ``12.5%``."""
        return format_percent(value, format="#,##0.#%", locale=locale)

    def day(value: date, style: str = "medium") -> str:
        """A date: ``Nov 21, 2026``."""
        return format_date(value, style, locale=locale)

    def moment(value: datetime, zone: str | None, style: str = "medium") -> str:
        """An instant as the clocks of a zone show it, to the minute: ``Nov 21, 2026, 14:05``."""
        there = ZoneInfo(zone or "UTC")
        on = format_date(value.astimezone(there).date(), style, locale=locale)
        return f"{on}, {clock(value, zone)}" if said.tongue == "en" else f"{on} {clock(value, zone)}"

    def clock(value: datetime, zone: str | None) -> str:
        """The time of day in a zone: ``14:05``."""
        return format_time(value, "HH:mm", tzinfo=ZoneInfo(zone or "UTC"), locale=locale)

    def sentence(text: str, zone: str | None) -> str:
        """What other rooms say in English, its instants on the clocks of a zone, its days and amounts as they are written here."""
        told = _MINUTE.sub(lambda at: moment(datetime.fromisoformat(f"{at[1]}+00:00"), zone), said.code(text))
        told = _DATE.sub(lambda on: day(date.fromisoformat(on[0])), told)
        return _SUM.sub(lambda of: money(of[1], of[2]), told)

    def weekday(value: datetime, zone: str | None) -> str:
        """The day of the week in a zone: ``Tue``."""
        return format_datetime(value, "EEE", tzinfo=ZoneInfo(zone or "UTC"), locale=locale)

    def key(value: str) -> str:
        """An id as a part of an element's id, which selectors can name."""
        return _NO_KEY.sub("-", value)

    def span(value: float) -> str:
        """So many seconds in its two largest units: ``2 d 4 h``."""
        return _span(value, units)

    return {
        "money": money,
        "number": number,
        "percent": percent,
        "day": day,
        "moment": moment,
        "clock": clock,
        "weekday": weekday,
        "span": span,
        "key": key,
        "words": said.code,
        "said": sentence,
        "text": said.gettext,
        "told": said.told,
        "rule": said.rule,
    }


def _units(said: Words) -> dict[str, str]:
    """How lengths of time are said, for the server and for the clocks that count on in the browser."""
    return {
        "days": said.gettext("%(n)s d"),
        "hours": said.gettext("%(n)s h"),
        "minutes": said.gettext("%(n)s min"),
        "short": said.gettext("under a minute"),
        "left": said.gettext("%(span)s left"),
        "over": said.gettext("over for %(span)s"),
        "ago": said.gettext("%(span)s ago"),
    }


def _span(seconds: float, units: Mapping[str, str]) -> str:
    left = int(abs(seconds))
    parts = ((left // _DAY, units["days"]), (left % _DAY // _HOUR, units["hours"]), (left % _HOUR // 60, units["minutes"]))
    first = next((n for n, (count, _) in enumerate(parts) if count), None)
    if first is None:
        return units["short"]
    return " ".join(text % {"n": count} for count, text in parts[first : first + 2] if count)


def render(tongue: Tongue, template: str, context: Mapping[str, Any]) -> str:
    """The template's text. Raises ``jinja2.UndefinedError`` if it asks for a name that it was not given."""
    return environment(tongue).get_template(template).render(context)
