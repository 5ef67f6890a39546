"""Required parts: whether a message really contains the words of a block, whatever its author says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from arrears.domain.content.reading import squeezed, text_of
from arrears.domain.content.words import Block, Words


def blocks_in(words: Words, rendered: Mapping[Block, str]) -> frozenset[Block]:
    """The blocks whose rendered words stand in the message: in its text and, if it has an HTML part, in that too."""
    parts = [squeezed(words.text), *([squeezed(text_of(words.html))] if words.html else [])]
    return frozenset(block for block, said in rendered.items() if squeezed(said) and all(squeezed(said) in part for part in parts))


def missing_blocks(present: Iterable[str] | None, required: Iterable[str]) -> tuple[str, ...]:
    """The required blocks that a message lacks; all of them if nobody knows what it contains."""
    return tuple(sorted(set(required) - set(present or ())))
