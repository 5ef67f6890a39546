"""The amounts of money that a text names, in the ways in which Chinese, American, British and Indian texts write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from arrears.domain.content.reading import folded, visible
from arrears.domain.content.words import Words

_DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN"})
_ANY: frozenset[str] = frozenset()
_SIGNS: dict[str, frozenset[str]] = {
    "CN¥": frozenset({"CNY"}), "JP¥": frozenset({"JPY"}), "¥": frozenset({"CNY", "JPY"}), "元": frozenset({"CNY", "JPY"}) | _DOLLARS,
    "US$": frozenset({"USD"}), "HK$": frozenset({"HKD"}), "NT$": frozenset({"TWD"}), "CA$": frozenset({"CAD"}), "C$": frozenset({"CAD"}),
    "A$": frozenset({"AUD"}), "AU$": frozenset({"AUD"}), "NZ$": frozenset({"NZD"}), "S$": frozenset({"SGD"}), "MX$": frozenset({"MXN"}),
    "$": _DOLLARS, "£": frozenset({"GBP"}), "€": frozenset({"EUR"}), "₹": frozenset({"INR"}), "₩": frozenset({"KRW"}), "₫": frozenset({"VND"}),
    "฿": frozenset({"THB"}), "₱": frozenset({"PHP"}), "₽": frozenset({"RUB"}), "₪": frozenset({"ILS"}), "₺": frozenset({"TRY"}),
    "R$": frozenset({"BRL"}), "zł": frozenset({"PLN"}),
}  # fmt: skip
_CODES = (
    "CNY|RMB|CNH|USD|GBP|EUR|INR|JPY|HKD|TWD|SGD|KRW|VND|THB|PHP|IDR|MYR|AUD|NZD|CAD|CHF|SEK|NOK|"
    "DKK|PLN|CZK|HUF|RUB|TRY|BRL|MXN|ZAR|AED|SAR|ILS|KES|NGN|PKR|BDT|LKR"
)
_NAMES: dict[str, frozenset[str]] = {
    "人民币": frozenset({"CNY"}), "美元": frozenset({"USD"}), "美金": frozenset({"USD"}), "英镑": frozenset({"GBP"}), "欧元": frozenset({"EUR"}),
    "卢比": frozenset({"INR"}), "日元": frozenset({"JPY"}), "港元": frozenset({"HKD"}), "港币": frozenset({"HKD"}),
    "块钱": frozenset({"CNY"}), "块": frozenset({"CNY"}), "圆": frozenset({"CNY", "JPY"}), "塊": frozenset({"CNY"}), "円": frozenset({"JPY"}),
    "yuan": frozenset({"CNY"}), "renminbi": frozenset({"CNY"}), "dollars": _DOLLARS, "dollar": _DOLLARS, "bucks": _DOLLARS,
    "pounds sterling": frozenset({"GBP"}), "pounds": frozenset({"GBP"}), "pound": frozenset({"GBP"}), "quid": frozenset({"GBP"}),
    "euros": frozenset({"EUR"}), "euro": frozenset({"EUR"}), "rupees": frozenset({"INR"}), "rupee": frozenset({"INR"}),
    "rs.": frozenset({"INR"}), "rs": frozenset({"INR"}), "yen": frozenset({"JPY"}), "kr": frozenset({"SEK", "NOK", "DKK"}),
}  # fmt: skip
_LOWER_CODES = frozenset({"cny", "rmb", "usd", "gbp", "eur", "inr"})
_TIMES = {
    "万": 10_000, "萬": 10_000, "千": 1_000, "百": 100, "亿": 100_000_000, "億": 100_000_000, "k": 1_000, "thousand": 1_000, "lakhs": 100_000,
    "lakh": 100_000, "lac": 100_000, "crores": 10_000_000, "crore": 10_000_000, "million": 1_000_000, "m": 1_000_000, "mn": 1_000_000,
}  # fmt: skip
_NO_MINOR_UNIT = frozenset({"JPY", "KRW", "VND"})
_COMMA_FOR_DECIMALS = frozenset(
    [
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "id",
        "pl",
        "ru",
        "tr",
        "vi",
        "cs",
        "da",
        "nb",
        "nn",
        "no",
        "sv",
        "fi",
        "hu",
        "ro",
        "bg",
        "uk",
        "el",
    ]
)
_SIGNED_BY_SPACE = frozenset(["fr", "pl", "ru", "cs", "nb", "nn", "no", "sv", "fi", "hu", "bg", "uk"])


def _alternatives(marks: Iterable[str]) -> str:
    return "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))


HIDDEN = "\ufffc"
"""Stands where something was that is not to be read: neither a digit nor a space."""

_DIGITS = r"\d[\d.,'’]{0,28}\d|\d"
_SPACED_DIGITS = r"\d{1,3}(?: \d{3}){1,6}(?:[.,]\d{1,4})?|" + _DIGITS
_CODE = rf"(?<![A-Za-z])(?:{_CODES}|{'|'.join(sorted(_LOWER_CODES))})(?![A-Za-z])"
_NAMED_BEFORE = r"人民币|(?<![A-Za-z])(?i:rs\.?|rupees?|rmb)(?![A-Za-z])"
_NAMED_AFTER = (
    rf"(?:{_alternatives(n for n in _NAMES if not n[0].isascii())})|(?i:{_alternatives(n for n in _NAMES if n[0].isascii())})(?![A-Za-z])"
)
_TIMES_AFTER = rf"[余多]?(?:{'|'.join('万萬千百亿億')})[余多]?(?![一二三四五六七八九])|(?i:{_alternatives(t for t in _TIMES if t.isascii())})(?![A-Za-z])"
_SIGN = _alternatives(_SIGNS)
_SIGN_BEFORE = _alternatives(sign for sign in _SIGNS if sign != "元")
_BEFORE = rf"(?P<before>{_SIGN_BEFORE}|{_CODE}|{_NAMED_BEFORE})"
_AFTER = rf"(?P<after>{_SIGN}|{_CODE}|{_NAMED_AFTER})"

_HAN_DIGITS = {
    c: n for n, digits in enumerate(("〇零", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")) for c in digits
}
_HAN_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_HAN_GROUPS = (("亿", 100_000_000), ("万", 10_000))
_HAN = "".join((*_HAN_DIGITS, *_HAN_UNITS, *(group for group, _ in _HAN_GROUPS)))
_HAN_AMOUNT = re.compile(
    rf"(?P<yuan>[{_HAN}]{{1,24}})\s?(?P<unit>元|圆|块钱|块|美元|英镑|卢比|人民币)(?:整|正)?(?:(?P<jiao>[{_HAN}])[角毛])?(?:(?P<fen>[{_HAN}])分)?"
)
_IN_WORDS = re.compile(
    r"(?<![a-z])(?:(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|hundred|thousand|million|lakh|crore|and|a|half|few)[\s-]{1,3}){1,12}"
    r"(?:us |british |indian )?(?:dollars?|pounds?|euros?|rupees?|yuan|bucks|quid|rmb)(?![a-z])"
)
_COINS = r"(?:\s?(?P<jiao>\d)[角毛])?(?:\s?(?P<fen>\d)分)?"
_BARE = re.compile(r"(?<![\d.,:/\-])(?:\d{1,3}(?:,\d{2,3})+(?:\.\d+)?|\d+\.\d{2})(?![\d%]|[.,:/\-]\d| ?%)")
_ASKED = re.compile(
    r"(?:还款额|还款|还|支付|付款|付|转账|欠款|欠|金额|合计|总计|总额|共计|本金|利息|罚息|滞纳金|费用"
    r"|(?<![a-z])(?:owes?|owed|owing|amounts?|balance|total|pay|repay|sum|outstanding))"
    r"(?:\s*(?:of|is|was|due|to|为|是|共|约|:|：|=|额|金额))*\s*(?P<number>\d[\d,]*(?:\.\d+)?)"
    r"(?!\d|[.,:/\-]\d|\s?(?:天|日|年|月|期|号|点|时|个|次|笔|小时|分钟|%|％|days?|weeks?|months?|years?|hours?|instal|times|st\b|nd\b|rd\b|th\b))"
)
_OPEN = re.compile(
    r"(?<![\d.,:/\-])(?P<number>\d[\d,]*(?:\.\d+)?)\s?(?:(?:is |are |was )?(?:still )?"
    r"(?:owed|owing|overdue|past due|outstanding|unpaid|to be paid)(?![a-z])|未还|待还|逾期)"
)
_COMPOSITE = re.compile(r"\d\s?[万萬亿億千百]\s?\d|\d\s?(?:thousand|lakhs?|crores?|million)\s+(?:and\s+)?\d", re.IGNORECASE)
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DATES = re.compile(
    r"\d{4}\s?年\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?[日号])?|\d{1,2}\s?月\s?\d{1,2}\s?[日号]|(?<!\d)\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"
    rf"|(?<![\d.,])\d{{1,2}}[-/]\d{{1,2}}[-/](?:\d{{4}}|\d{{2}})(?!\d)|(?i:(?:{MONTHS})\s\d{{1,2}},?\s\d{{4}}|\d{{1,2}}\s(?:{MONTHS})\s\d{{4}})"
    r"|(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])"
)


@dataclass(frozen=True, slots=True)
class Quoted:
    """An amount as a text names it. ``amount`` is ``None`` if no reader could tell it; no currencies: the text names none."""

    amount: Decimal | None
    currencies: frozenset[str]

    def __str__(self) -> str:
        currency = min(self.currencies) if len(self.currencies) == 1 else ""
        return f"{self.amount:f} {currency}".strip() if self.amount is not None else "an amount that cannot be read"

    def is_one_of(self, figures: Iterable[Decimal], currency: str) -> bool:
        """Whether it is one of the figures in this currency, rounded as the currency is written."""
        if self.amount is None or (self.currencies and currency not in self.currencies):
            return False
        digits = Decimal(1) if currency in _NO_MINOR_UNIT else Decimal("0.01")
        return any(self.amount in (figure, figure.quantize(digits, ROUND_HALF_EVEN)) for figure in figures)


def wrong_amounts(words: Words, figures: Iterable[Decimal], currency: str) -> tuple[Quoted, ...]:
    """The amounts of a text that are none of the figures: every one must be what is overdue, an instalment, or a part of one, at this moment."""
    allowed = tuple(figures)
    return tuple(dict.fromkeys(quoted for quoted in amounts(words) if not quoted.is_one_of(allowed, currency)))


def amounts(words: Words) -> tuple[Quoted, ...]:
    """Every amount that a text names, in the order of how surely it is one: with a currency, in words, by its form, by what stands before it."""
    text = without_dates(blanked(words.whole, words.known))
    return tuple(_amounts(text, words.locale))


def blanked(text: str, known: Iterable[str]) -> str:
    """The visible text without known facts, each replaced by a mark that is no number."""
    seen = visible(text)
    for fact in sorted({visible(fact).strip() for fact in known}, key=len, reverse=True):
        if fact:
            seen = re.sub(rf"(?<![0-9]){re.escape(fact)}(?![0-9])", HIDDEN, seen)
    return seen


def without_dates(text: str) -> str:
    """A visible text without days and times of day."""
    return _DATES.sub(HIDDEN, text)


def _amounts(text: str, locale: str) -> Iterator[Quoted]:
    tongue = re.split(r"[-_]", locale.lower())[0]
    with_currency = _with_currency_form(_SPACED_DIGITS if tongue in _SIGNED_BY_SPACE else _DIGITS)

    def take(match: re.Match[str]) -> str:
        found.append(_with_currency(match, tongue))
        return HIDDEN

    found: list[Quoted] = []
    if _COMPOSITE.search(text):
        yield Quoted(None, _ANY)
    rest = with_currency.sub(take, text)
    yield from found
    rest = folded(rest)
    for match in _HAN_AMOUNT.finditer(rest):
        yield _in_han(match)
    rest = _HAN_AMOUNT.sub(HIDDEN, rest)
    if _IN_WORDS.search(rest):
        yield Quoted(None, _ANY)
    bare = [match.group() for match in _BARE.finditer(rest)]
    rest = _BARE.sub(HIDDEN, rest)
    asked = [match["number"] for form in (_ASKED, _OPEN) for match in form.finditer(rest)]
    for number in (*bare, *asked):
        yield Quoted(_value(number, tongue), _ANY)


@cache
def _with_currency_form(digits: str) -> re.Pattern[str]:
    return re.compile(
        rf"{_BEFORE}\s?(?P<minus>-\s?)?(?P<n1>{digits})\s?(?P<t1>{_TIMES_AFTER})?(?:\s?(?:元|圆|块钱?){_COINS})?"
        rf"|(?<![\d.,'])(?P<n2>{digits})\s?(?P<t2>{_TIMES_AFTER})?\s?{_AFTER}{_COINS.replace('jiao', 'jiao2').replace('fen', 'fen2')}"
    )


def _with_currency(match: re.Match[str], tongue: str) -> Quoted:
    value = _value(match["n1"] or match["n2"], tongue)
    if value is not None:
        times = (match["t1"] or match["t2"] or "").lower()
        if "余" in times or "多" in times:
            return Quoted(None, _currencies(match["before"] or match["after"]))
        value = value * _TIMES.get(times, 1)
        value += Decimal(match["jiao"] or match["jiao2"] or 0) / 10 + Decimal(match["fen"] or match["fen2"] or 0) / 100
        value = -value if match["minus"] else value
    return Quoted(value, _currencies(match["before"] or match["after"]))


def _currencies(mark: str) -> frozenset[str]:
    if mark in _SIGNS:
        return _SIGNS[mark]
    if mark.upper() in _CODES.split("|"):
        return frozenset({"CNY" if mark.upper() in ("RMB", "CNH") else mark.upper()})
    return _NAMES.get(mark.lower().rstrip(".") if mark.lower() != "rs." else "rs", _ANY)


def _value(number: str, tongue: str) -> Decimal | None:
    """What the digits say in a language; ``None`` if they could be read in two ways, or in none."""
    group, point = (".", ",") if tongue in _COMMA_FOR_DECIMALS else (",", ".")
    whole, _, cents = number.replace("’", "'").replace(" ", "'").partition(point)
    pieces = re.split(rf"[{re.escape(group)}']", whole)
    grouped = len(pieces) == 1 or (len(pieces[0]) in (1, 2, 3) and len(pieces[-1]) == 3 and all(len(p) in (2, 3) for p in pieces[1:-1]))
    if not grouped or not all(p.isdecimal() for p in pieces) or (cents and not cents.isdecimal()) or (point in number and not cents):
        return None
    return Decimal("".join(pieces) + (f".{cents}" if cents else ""))


def _in_han(match: re.Match[str]) -> Quoted:
    unit = match["unit"]
    value = han_value(match["yuan"])
    if value is None:
        return Quoted(None, _ANY)
    coins = Decimal(_HAN_DIGITS.get(match["jiao"] or "零", 0)) / 10 + Decimal(_HAN_DIGITS.get(match["fen"] or "零", 0)) / 100
    return Quoted(value + coins, _SIGNS.get(unit) or _NAMES.get(unit, _ANY))


def han_value(numeral: str) -> Decimal | None:
    """What a Chinese numeral says, such as ``一千二百三十四`` or digit by digit ``一二三四``; ``None`` if it says nothing."""
    if len(numeral) > 1 and all(c in _HAN_DIGITS for c in numeral):
        return Decimal("".join(str(_HAN_DIGITS[c]) for c in numeral))
    for group, size in _HAN_GROUPS:
        if group in numeral:
            many, _, rest = numeral.rpartition(group)
            counted, left = han_value(many), han_value(rest) if rest else Decimal(0)
            return None if counted is None or left is None else counted * size + left
    total, digit = 0, None
    for char in numeral:
        if char in _HAN_DIGITS:
            digit = _HAN_DIGITS[char]
        else:
            total += (1 if digit is None else digit) * _HAN_UNITS[char]
            digit = None
    return Decimal(total + (digit or 0)) if numeral else None
