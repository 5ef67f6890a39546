"""Numbers that are no money: account and card numbers, which no message may carry, and numbers at which a call costs extra."""

from __future__ import annotations

import re
from collections.abc import Iterator

from arrears.domain.content.amounts import HIDDEN, blanked, without_dates
from arrears.domain.content.reading import visible
from arrears.domain.content.words import Flaw, Words

_HAN_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_HAN_RUN = re.compile(r"[〇零一二三四五六七八九]{8,}")
_MONEY = re.compile(r"\d{1,3}(?:,\d{2,3})+(?:\.\d+)?|\d+\.\d{1,2}(?!\d)")
_RUN = re.compile(r"(?<![\d+])\d(?:[ \-]?\d){11,}(?!\d)")
_LOOSE_RUN = re.compile(r"(?<!\d)\d(?:[\s\-./_*|]{0,3}\d){12,18}(?!\d)")
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Z0-9])")
_IDENTITY_CARD = re.compile(r"(?<!\d)\d{17}[\dXx](?![\dA-Za-z])")
_SOCIAL_SECURITY = re.compile(r"(?<![\d\-])\d{3}-\d{2}-\d{4}(?![\d\-])")
_DIALLED = re.compile(r"\+?\(?\d(?:[ \-()./]{0,2}\d){3,16}")
_PHONE = re.compile(
    r"\+\d{1,3}(?:[ \-]?\(?\d{1,5}\)?){2,5}(?!\d)"
    r"|(?<!\d)1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}(?!\d)|(?<!\d)[48]00[ \-]?\d{3,4}[ \-]?\d{3,4}(?!\d)|(?<!\d)0\d{2,4}[ \-]\d{3,4}[ \-]?\d{3,4}(?!\d)"
    r"|(?<!\d)(?:9[56]|12|10)\d{3}(?!\d)|(?<!\d)(?:1[ \-])?\(?\d{3}\)?[ \-.]\d{3}[ \-.]\d{4}(?!\d)|(?<!\d)1?[ \-]?8\d{2}[ \-]\d{3}[ \-]\d{4}(?!\d)"
)
_LONGEST_PHONE = 15
_IBAN_REMAINDER = 97
_SHORTEST_IBAN = 15


def account_numbers(words: Words) -> tuple[Flaw, ...]:
    """Every number in a text that can only be of an account, a card or a person: named by its kind and length, never by its digits.

    Telephone numbers, references and addresses that are ``known`` do not count, nor do days, times and amounts.
    """
    return tuple(dict.fromkeys(_account_numbers(words)))


def _account_numbers(words: Words) -> Iterator[Flaw]:
    text = without_dates(blanked(words.whole, words.known))
    text = _HAN_RUN.sub(lambda run: run.group().translate(_HAN_DIGITS), text)
    for match in _IBAN.finditer(text):
        compact = match.group().replace(" ", "")
        if any(_is_iban(compact[:length]) for length in range(_SHORTEST_IBAN, len(compact) + 1)):
            yield _flaw("an IBAN")
    for form, kind in ((_IDENTITY_CARD, "an identity card's number"), (_SOCIAL_SECURITY, "a social security number")):
        if form.search(text):
            yield _flaw(kind)
            text = form.sub(HIDDEN, text)
    for match in _RUN.finditer(text):
        digits = _digits(match.group())
        yield _flaw(
            f"a card number of {len(digits)} digits" if luhn(digits) and 13 <= len(digits) <= 19 else f"a run of {len(digits)} digits"
        )
    rest = _MONEY.sub(HIDDEN, _RUN.sub(HIDDEN, text))
    for match in _LOOSE_RUN.finditer(rest):
        if luhn(digits := _digits(match.group())):
            yield _flaw(f"a card number of {len(digits)} digits")


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others, as on every payment card."""
    doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def without_phones(text: str) -> str:
    """A visible text without anything that has the form of a telephone number."""
    return _PHONE.sub(HIDDEN, text)


def premium_rate(words: Words, prefixes: tuple[str, ...]) -> tuple[Flaw, ...]:
    """The prefixes with which a number in the text begins; calling it would cost extra. A prefix is digits, with ``+`` if it is international."""
    dialled = [("+" if match.group().startswith("+") else "") + _digits(match.group()) for match in _DIALLED.finditer(visible(words.whole))]
    return tuple(
        Flaw(list="premium_rate", entry=prefix, clause="a number that costs extra")
        for prefix in prefixes
        if any(number.startswith(prefix) and len(number) <= _LONGEST_PHONE + 1 for number in dialled)
    )


def _is_iban(text: str) -> bool:
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % _IBAN_REMAINDER == 1


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _flaw(kind: str) -> Flaw:
    return Flaw(list="account_numbers", entry=kind, clause="no account number in a message to anybody")
