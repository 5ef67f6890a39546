"""The words of one message, and the lists of words that they are held against."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from arrears.domain.content.reading import folded, squeezed, text_of, words_of
from arrears.domain.message import MessageClass

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Entry = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]

_ASIAN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_LONGEST_GAP = 6


class Block(StrEnum):
    """A part that the law asks for in some messages. Its words are the file ``_<name>.txt`` of each language."""

    IDENTITY = "identity"
    OPT_OUT = "opt_out"
    COMPLAINTS = "complaints"
    RIGHTS = "rights"
    RIGHT_PARTY_CHECK = "right_party_check"
    CALLER = "caller"
    MINI_MIRANDA = "mini_miranda"
    FROM_A_COLLECTOR = "from_a_collector"
    LEGAL_BASIS = "legal_basis"

    @property
    def part(self) -> str:
        """The file that holds the block's words, in the directory of its language."""
        return f"_{self.value.replace('_', '-')}.txt"


class Words(BaseModel):
    """One message as it would leave.

    ``known`` are the facts written into it that are no figures of the debt, such as telephone numbers, web addresses and the reference: what they
    contain counts as neither an amount nor an account number. ``names`` are the names of people in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(repr=False)
    subject: str = Field(default="", repr=False)
    html: str | None = Field(default=None, repr=False)
    locale: str = "zh-CN"
    klass: MessageClass | None = None
    blocks: frozenset[str] = frozenset()
    known: tuple[str, ...] = Field(default=(), repr=False)
    names: tuple[str, ...] = Field(default=(), repr=False)

    @cached_property
    def whole(self) -> str:
        """All that the message says: subject, text, and what its HTML part tells."""
        return "\n".join(part for part in (self.subject, self.text, text_of(self.html) if self.html else "") if part)


class WordList(BaseModel):
    """Words that mean one thing.

    An entry is a word or several; ``*`` at the end of a Latin word stands for any ending, between Chinese characters for up to six others.
    ``unless`` are wordings that contain an entry and are harmless. ``also_names`` are entries that are people's names too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Slug
    clause: str = Field(min_length=1)
    entries: tuple[Entry, ...] = Field(min_length=1)
    unless: tuple[Entry, ...] = ()
    also_names: tuple[Entry, ...] = ()


class Flaw(BaseModel):
    """What is wrong with a text: which list or check says so, and its own entry; never the words around it, which are somebody's data."""

    model_config = ConfigDict(frozen=True)

    list: str
    entry: str
    clause: str = ""


def found_in(words: Words, lists: tuple[WordList, ...]) -> tuple[Flaw, ...]:
    """Every entry of the lists that the text says, however it is spelled: wide, spaced out, with look-alikes, invisible characters or digits."""
    return tuple(flaw for a_list in lists for flaw in _found(words, a_list))


def says(text: str, a_list: WordList) -> bool:
    """Whether a text says anything of a list."""
    return bool(_found(Words(text=text), a_list))


def _found(words: Words, a_list: WordList) -> list[Flaw]:
    return [
        Flaw(list=a_list.name, entry=entry, clause=a_list.clause)
        for entry in _hits(words.whole, a_list)
        if entry not in a_list.also_names or _hits(_without(words.whole, words.names), a_list.model_copy(update={"entries": (entry,)}))
    ]


def _hits(text: str, a_list: WordList) -> list[str]:
    latin, asian = words_of(text), squeezed(text)
    for wording in a_list.unless:
        latin, asian = (pattern(wording).sub("\n", side) for side in (latin, asian))
    return [entry for entry in a_list.entries if _stands_in(entry, asian if _ASIAN.search(entry) else latin)]


def _stands_in(entry: str, text: str) -> bool:
    """Whether an entry stands in a text; most do not even have their letters there, which is quickly seen."""
    return all(piece in text for piece in _pieces(entry)) and pattern(entry).search(text) is not None


@cache
def _pieces(entry: str) -> tuple[str, ...]:
    if _ASIAN.search(entry):
        return tuple(squeezed(piece) for piece in entry.split("*"))
    return tuple(piece.rstrip("*") for piece in folded(entry).split())


def _without(text: str, names: tuple[str, ...]) -> str:
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " ")
    return text


@cache
def pattern(entry: str) -> re.Pattern[str]:
    """What an entry looks like: in the squeezed text if it is Chinese, else in the words."""
    return _asian(entry) if _ASIAN.search(entry) else _latin(entry)


def _asian(entry: str) -> re.Pattern[str]:
    return re.compile(rf".{{0,{_LONGEST_GAP}}}?".join(re.escape(squeezed(piece)) for piece in entry.split("*")))


def _latin(entry: str) -> re.Pattern[str]:
    pieces = [re.escape(piece.rstrip("*")) + ("[a-z]*" if piece.endswith("*") else "") for piece in folded(entry).split()]
    return re.compile(r"(?<![a-z0-9])" + r"[\W_]+".join(pieces) + r"(?![a-z0-9])")
