"""By when a text asks for something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from arrears.domain.content.amounts import MONTHS, han_value
from arrears.domain.content.reading import folded
from arrears.domain.content.words import Words

_ENGLISH = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty"
)
_TENS = "thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMBER = rf"(?P<n>\d{{1,3}}|(?:{_ENGLISH}|{_TENS})(?![a-z]))"
_WITHIN = re.compile(
    rf"(?:within|in|next|have|only)\s+(?:the\s+)?(?:next\s+|only\s+)?{_NUMBER}\s*(?:\(\d+\)\s*)?-?\s*(?:calendar |business |working )?(?P<unit>hour|day|week)s?"
)
_WITHIN_HAN = re.compile(
    r"(?<![月年\d/.\-])(?P<n>\d{1,3}|[一二两三四五六七八九十]{1,3})\s*个?\s*(?:自然|工作)?(?P<unit>小时|天|日|周|星期)\s*(?:之?内|以内|前)"
)
_BY = r"(?:by|before|until|till|no later than|not later than|on or before|prior to|deadline(?: is|:)?|due(?: on)?)\s+(?:the\s+)?(?:\w+day,?\s+)?"
_NUMERIC = r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*[日号]?"
_BY_NUMERIC = re.compile(rf"(?:{_BY}|最迟|不晚于)\s*{_NUMERIC}")
_NUMERIC_BEFORE = re.compile(rf"{_NUMERIC}\s*(?:之?前|以前|为止|截止)")
_BY_ENGLISH = re.compile(
    rf"{_BY}(?:(?P<m1>{MONTHS})\s+(?P<d1>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?(?:,?\s+(?P<y1>\d{{4}}))?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m2>{MONTHS})(?![a-z])(?:,?\s+(?P<y2>\d{{4}}))?)"
)
_BY_SLASHES = re.compile(rf"{_BY}(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})(?:/(?P<y>\d{{4}}|\d{{2}}))?(?![\d/])")
_HAN_BEFORE = re.compile(r"(?<![\d年])(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]\s*(?:之?前|以前|为止|截止)")
_WEEKDAYS: dict[str, int] = {
    name: n for n, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
}
_BY_WEEKDAY = re.compile(rf"(?:{_BY}|this |next )(?P<on>{'|'.join(_WEEKDAYS)})(?![a-z])")
_TOMORROW = re.compile(r"(?<![a-z])tomorrow(?![a-z])|明天|明日")
_AT_ONCE = re.compile(
    r"(?<![a-z])(?:immediately|at once|right now|right away|today|asap|as soon as possible|without delay)(?![a-z])|立即|立刻|马上|即刻|今天内|今日内|当日"
)
_DAYS = {"hour": 0, "day": 1, "week": 7, "小时": 0, "天": 1, "日": 1, "周": 7, "星期": 7}
_HOURS_A_DAY = 24
_IN_ENGLISH: dict[str, int] = {word: n for n, word in enumerate(_ENGLISH.split("|"), start=1)} | {
    word: n for n, word in zip(range(30, 100, 10), _TENS.split("|"), strict=True)
}
_MONTH_NUMBERS: dict[str, int] = {month: n for n, month in enumerate(MONTHS.split("|"), start=1)}


def deadlines(words: Words, today: date) -> tuple[date, ...]:
    """Every day from ``today`` on by which a text asks for something: by or before a date, within days or hours, or at once, which is today."""
    text = folded(words.whole)
    return tuple(sorted({day for day in _days(text, today) if day >= today}))


def _days(text: str, today: date) -> Iterator[date]:
    for match in (*_WITHIN.finditer(text), *_WITHIN_HAN.finditer(text)):
        number = _count(match["n"])
        per = _DAYS[match["unit"]]
        yield today + timedelta(days=number * per if per else number // _HOURS_A_DAY)
    for match in (*_BY_NUMERIC.finditer(text), *_NUMERIC_BEFORE.finditer(text)):
        yield from _date(int(match["y"]), int(match["m"]), int(match["d"]))
    for match in _BY_ENGLISH.finditer(text):
        month = _MONTH_NUMBERS[match["m1"] or match["m2"]]
        yield from _dated(match["y1"] or match["y2"], month, int(match["d1"] or match["d2"]), today)
    for match in _BY_SLASHES.finditer(text):
        # Half of the world writes the month first.
        for month, day in {(match["a"], match["b"]), (match["b"], match["a"])}:
            yield from _dated(match["y"], int(month), int(day), today)
    for match in _HAN_BEFORE.finditer(text):
        yield from _dated(None, int(match["m"]), int(match["d"]), today)
    for match in _BY_WEEKDAY.finditer(text):
        yield today + timedelta(days=(_WEEKDAYS[match["on"]] - today.weekday()) % 7)
    if _TOMORROW.search(text):
        yield today + timedelta(days=1)
    if _AT_ONCE.search(text):
        yield today


def _count(said: str) -> int:
    if said.isdecimal():
        return int(said)
    return _IN_ENGLISH[said] if said in _IN_ENGLISH else int(han_value(said) or 0)


def _dated(year: str | None, month: int, day: int, today: date) -> Iterator[date]:
    """The day that is meant; without its year, the next one of that name."""
    if year is not None:
        yield from _date(int(year) + (2000 if len(year) == 2 else 0), month, day)
        return
    coming = [found for found in (*_date(today.year, month, day), *_date(today.year + 1, month, day)) if found >= today]
    yield from coming[:1]


def _date(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return
