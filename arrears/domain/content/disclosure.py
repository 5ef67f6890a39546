"""What a text gives away of the debt: for whatever goes to somebody who does not owe it, or is not known to be the one who does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from arrears.domain.content.amounts import HIDDEN, amounts, blanked
from arrears.domain.content.numbers import without_phones
from arrears.domain.content.reading import folded, squeezed, visible
from arrears.domain.content.words import Flaw, WordList, Words, found_in

_LINK = re.compile(
    r"(?i)(?:https?|hxxps?)\s?:\s?//|www\s?\.|(?<![a-z0-9\-])[a-z0-9\-]{2,63}\.(?:com|cn|net|org|io|co|in|uk|example|top|app|link|me|ly)(?![a-z])"
)
_NUMBER = re.compile(r"\d+")
_SHORTEST_SECRET = 2
_UNMISTAKABLE = 6
_HIDDEN = "what nobody but the debtor may learn"


def debt_facts(words: Words, lists: tuple[WordList, ...], secrets: Iterable[str] = ()) -> tuple[Flaw, ...]:
    """Everything in a text that tells somebody else of the debt.

    The words of ``lists``; any amount; any number but telephone numbers and times of day; any web or mail address; and the ``secrets`` in any spelling,
    such as the lender's name, the product and the loan's reference. ``known`` telephone numbers of ``words`` are no numbers, other known facts are.
    """
    return tuple(dict.fromkeys((*found_in(words, lists), *_facts(words, tuple(secrets)))))


def debt_facts_before(words: Words, check: str, lists: tuple[WordList, ...], secrets: Iterable[str] = ()) -> tuple[Flaw, ...]:
    """What a call's script tells of the debt before the person is known to be the right one: up to the end of ``check``.

    ``check`` is the rendered block in which the person is verified; if the script does not contain it, the whole script is judged.
    """
    opening = words.model_copy(update={"text": _up_to(words.text, check), "subject": "", "html": None})
    return debt_facts(opening, lists, secrets)


def _up_to(text: str, part: str) -> str:
    """A text up to the end of a part of it; all of it if the part is not there."""
    said = squeezed(part)
    if not said or said not in squeezed(text):
        return text
    ends = (at for at in range(1, len(text) + 1) if squeezed(text[:at]).endswith(said))
    return text[: next(ends)]


def _facts(words: Words, secrets: tuple[str, ...]) -> Iterator[Flaw]:
    whole = words.whole
    if amounts(words):
        yield _flaw("an amount")
    if _LINK.search(visible(whole)) or "@" in visible(whole):
        yield _flaw("an address on the web or for mail")
    phones = tuple(fact for fact in words.known if re.fullmatch(r"[+\d][\d \-()]*", visible(fact)))
    if _NUMBER.search(without_phones(_without_times(blanked(whole, phones)))):
        yield _flaw("a number that is no telephone number")
    said, latin = squeezed(whole), folded(whole)
    if any(_is_told(secret, said, latin) for secret in secrets):
        yield _flaw("the lender, the product or the reference")


def _is_told(secret: str, said: str, latin: str) -> bool:
    """Whether a text tells a secret. A short Latin one is a word of its own, so that none is found inside another."""
    hidden = squeezed(secret)
    if len(hidden) < _SHORTEST_SECRET:
        return False
    if not hidden.isascii() or len(hidden) >= _UNMISTAKABLE:
        return hidden in said
    return re.search(rf"(?<![a-z0-9]){re.escape(folded(secret))}(?![a-z0-9])", latin) is not None


def _without_times(text: str) -> str:
    """A visible text without times of day; a day is a fact of the debt here."""
    return re.sub(r"(?<![\d:])\d{1,2}:\d{2}(?![\d:])", HIDDEN, text)


def _flaw(entry: str) -> Flaw:
    return Flaw(list="debt_facts", entry=entry, clause=_HIDDEN)
