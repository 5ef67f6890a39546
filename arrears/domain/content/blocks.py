"""Required parts: which ones a message needs, and whether it really contains their words, whatever its author says of it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from arrears.domain.content.reading import squeezed, text_of
from arrears.domain.content.words import Block, Words
from arrears.domain.message import Capacity, MessageClass, NoticeKind
from arrears.domain.strategy import Channel


class Required(BaseModel):
    """Blocks that a kind of message must contain, by what rules. What is not given is not asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[str, ...] = ()
    clause: str = Field(min_length=1)
    blocks: frozenset[Block] = Field(min_length=1)
    classes: frozenset[MessageClass] | None = None
    channels: frozenset[Channel] | None = None
    notices: frozenset[NoticeKind] | None = None
    capacity: Capacity | None = None

    def concerns(self, klass: MessageClass, channel: Channel | None, notice: NoticeKind | None, capacity: Capacity) -> bool:
        """Whether a message of this kind needs the blocks; without a channel it may go by any."""
        return (
            (self.classes is None or klass in self.classes)
            and (self.channels is None or channel is None or channel in self.channels)
            and (self.notices is None or notice in self.notices)
            and (self.capacity is None or capacity == self.capacity)
        )


def blocks_in(words: Words, rendered: Iterable[tuple[Block, str]]) -> frozenset[Block]:
    """The blocks of which a rendered wording stands in the message: in its text and, if it has an HTML part, in that too."""
    parts = [squeezed(words.text), *([squeezed(text_of(words.html))] if words.html else [])]
    return frozenset(block for block, said in rendered if squeezed(said) and all(squeezed(said) in part for part in parts))


def missing_blocks(present: Iterable[str] | None, required: Iterable[str]) -> tuple[str, ...]:
    """The required blocks that a message lacks; all of them if nobody knows what it contains."""
    return tuple(sorted(set(required) - set(present or ())))
