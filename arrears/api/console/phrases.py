"""What other rooms say in English, such as why a case waits or a request is refused, found again in the catalogues: ids, dates and amounts stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_FIELD = re.compile(r"%\((\w+)\)s")
_AT_A_FIELD = re.compile(r"([\w.$-]{1,64}): (.+)", re.ASCII | re.DOTALL)
_SEVERAL: Final = "; "
_ENDS: Final = ".。"
_ANYTHING: Final = r"[^;]"
_AT_THE_HEAD: Final = r"[^:;']"  # where the name of a field may stand too
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")
_LIST = re.compile(r"[a-z_]+(?:, [a-z_]+)+")


@dataclass(frozen=True)
class Phrase:
    """A sentence with fields, as a catalogue has it: how to know it in English, and how it is said."""

    known_by: re.Pattern[str]
    said: str
    literal: int


def phrases(singular: Mapping[str, str]) -> tuple[Phrase, ...]:
    """The sentences with fields of a catalogue; those that say most by themselves come first."""
    found = [_phrase(english, said) for english, said in singular.items() if _FIELD.search(english)]
    return tuple(sorted(found, key=lambda phrase: -phrase.literal))


def told(text: str, singular: Mapping[str, str], known: tuple[Phrase, ...]) -> str:
    """A sentence of another room in the words of a catalogue; one that is not in it stays as it is.

    What stands in a sentence, such as a code, is said in the catalogue's words too. Several sentences are parted by ``;``, a field stands before ``:``.
    """
    if (whole := _whole(text, singular, known)) is not None:
        return whole
    at = _AT_A_FIELD.fullmatch(text)
    rest = None if at is None else _whole(at[2], singular, known)
    if rest is None and _SEVERAL in text:
        parts = [told(part, singular, known).rstrip(_ENDS) for part in text.split(_SEVERAL)]
        return (singular.get(_SEVERAL) or _SEVERAL).join(parts)
    if at is not None:
        return f"{_field(at[1], singular)}{singular.get(': ') or ': '}{rest or told(at[2], singular, known)}"
    if _LIST.fullmatch(text):
        return (singular.get(", ") or ", ").join(told(part, singular, known) for part in text.split(", "))
    return _CODE.sub(lambda code: code[0].replace("_", " "), text)


def _whole(text: str, singular: Mapping[str, str], known: tuple[Phrase, ...]) -> str | None:
    """The text if the catalogue has just this: a sentence, one with fields, or a code."""
    if text in singular:
        return singular[text]
    for phrase in known:
        if (match := phrase.known_by.fullmatch(text)) is not None:
            return phrase.said % {name: told(value, singular, known) for name, value in match.groupdict().items()}
    return singular.get(_plain(text)) or singular.get(f"field {_plain(text)}")


def _phrase(english: str, said: str) -> Phrase:
    literals = _FIELD.split(english)[::2]
    return Phrase(re.compile("".join(_pieces(english))), said, sum(map(len, literals)))


def _pieces(english: str) -> Iterator[str]:
    """The text as a pattern: its fields may be anything within one sentence, a name that comes again must be the same."""
    seen: set[str] = set()
    literal = False
    for n, piece in enumerate(_FIELD.split(english)):
        if n % 2 == 0:
            literal = literal or bool(piece)
            yield re.escape(piece)
        elif piece in seen:
            yield f"(?P={piece})"
        else:
            seen.add(piece)
            yield f"(?P<{piece}>{_ANYTHING if literal else _AT_THE_HEAD}+?)"


def _field(name: str, singular: Mapping[str, str]) -> str:
    """A field of a form or a request by what it is called; its last part if it is a path."""
    last = name.rpartition(".")[2]
    return singular.get(f"field {_plain(last)}") or singular.get(_plain(last)) or name


def _plain(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")
