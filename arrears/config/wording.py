"""What messages may and must say: ``content/<name>.yaml``, one file for what several laws share and one for each place.

WordingProblem   a file cannot be read; names file, line and field
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from arrears.config import marked_yaml
from arrears.config.settings import PACKAGED
from arrears.domain.content import Block, LimitedContent, Required, WordList
from arrears.domain.strategy import Slug

CONTENT = PACKAGED / "content"


class WordingProblem(ValueError):
    """A file of words cannot be used."""


class Use(StrEnum):
    """Where the words of a list may not stand."""

    ALWAYS = "always"
    OTHERS = "others"
    NAMES = "names"
    VALIDATION = "validation"
    UNLESS_DECIDED = "unless_decided"


class UsedList(WordList):
    """A word list with the rules that it serves and where it counts: always, in what goes to others than the debtor, and so on."""

    rules: tuple[str, ...] = ()
    use: Use = Use.ALWAYS


class _Voicemail(BaseModel):
    """The grammar as a file has it: ``hints`` is the name of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clause: str
    hints: str
    greetings: tuple[str, ...]
    statements: tuple[str, ...]
    requests: tuple[str, ...]


class Wording(BaseModel):
    """One file: lists of words, what each block must say something of, which blocks a kind of message needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    content: Slug
    title: str
    lists: tuple[UsedList, ...] = ()
    marks: dict[Block, tuple[str, ...]] = Field(default_factory=dict)
    required: tuple[Required, ...] = ()
    limited_content: _Voicemail | None = None
    premium_rate: tuple[str, ...] = ()


@dataclass(frozen=True)
class WordBook:
    """All files together."""

    files: tuple[Wording, ...]
    hash: str

    @cached_property
    def lists(self) -> tuple[UsedList, ...]:
        return tuple(a_list for file in self.files for a_list in file.lists)

    @cached_property
    def required(self) -> tuple[Required, ...]:
        return tuple(required for file in self.files for required in file.required)

    @cached_property
    def premium_rate(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(prefix for file in self.files for prefix in file.premium_rate))

    @cached_property
    def marks(self) -> dict[Block, WordList]:
        """What each block must say something of, so that an empty or a strange part is not taken for it."""
        return {
            block: WordList(name=f"says_{block}", clause=f"what the block {block} is for", entries=entries)
            for file in self.files
            for block, entries in file.marks.items()
        }

    @cached_property
    def limited_content(self) -> LimitedContent | None:
        """The grammar of the limited-content message, if a file has one."""
        for file in self.files:
            if (said := file.limited_content) is not None:
                return LimitedContent(hints=self.named([said.hints])[0], **said.model_dump(exclude={"hints"}))
        return None

    def used(self, *uses: Use) -> tuple[UsedList, ...]:
        """The lists of these uses."""
        return tuple(a_list for a_list in self.lists if a_list.use in uses)

    def of_rule(self, rule: str) -> tuple[UsedList, ...]:
        """The lists that serve a rule."""
        return tuple(a_list for a_list in self.lists if rule in a_list.rules)

    def named(self, names: Iterable[str]) -> tuple[WordList, ...]:
        """Lists by their names. Raises ``WordingProblem`` for one that does not exist."""
        known = {a_list.name: a_list for a_list in self.lists}
        wanted = tuple(names)
        if unknown := [name for name in wanted if name not in known]:
            raise WordingProblem(f"there is no word list {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        return tuple(WordList.model_validate(known[name].model_dump(exclude={"rules", "use"})) for name in wanted)


@cache
def load(directory: Path = CONTENT) -> WordBook:
    """All files of a directory. Raises ``WordingProblem``."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.yaml"))}
    if not texts:
        raise WordingProblem(f"{directory}: there are no word lists; copy those that come with Arrears")
    files = tuple(_read(path, text) for path, text in texts.items())
    seen: dict[str, str] = {}
    for file in files:
        for a_list in file.lists:
            if (first := seen.setdefault(a_list.name, file.content)) != file.content:
                raise WordingProblem(f"{directory}: the list {a_list.name!r} stands in {first}.yaml and in {file.content}.yaml; keep one")
    return WordBook(files=files, hash=hashlib.sha256("\x00".join(texts.values()).encode()).hexdigest())


def _read(path: Path, text: str) -> Wording:
    marked = marked_yaml.read(text)
    for flaw in marked.flaws:
        raise WordingProblem(f"{path}:{flaw.line}: {flaw.problem}; {flaw.remedy}")
    value: Any = marked.value
    try:
        found = Wording.model_validate(value)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the whole file"
        raise WordingProblem(f"{path}:{marked.line(first['loc'])}: {field}: {first['msg']}") from None
    if found.content != path.stem:
        raise WordingProblem(f"{path}:{marked.line(('content',))}: content: the file is named {path.stem!r}; give both the same name")
    return found
