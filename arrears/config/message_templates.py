"""Reading and checking one message's templates: what the files say, and that they say no more than their class may.

MessageProblem      a template is missing or wrong; names file and line, never a fact
└── MessageUnknown  no template of that name in that language
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from arrears.config import marked_yaml, wording
from arrears.config.template_language import environment as language
from arrears.config.template_language import strange
from arrears.config.wording import Use
from arrears.domain.content import Block, Words, found_in
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.strategy import Channel

_FRONT = re.compile(r"\A---\n(?P<front>.*?)^---\n", re.DOTALL | re.MULTILINE)
_PART = re.compile(r"_[a-z-]+\.(txt|html)")
_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_LONGEST_FILE = 60_000
_MOST_INCLUDED = 60

_ABOUT_ANYBODY = frozenset({"recipient_name", "borrower_name", "service_line"})
_ABOUT_THE_HOUSE = frozenset({"business_name", "agent_name", "service_line"})
_ABOUT_THE_DEBT = frozenset(
    {"lender", "reference", "product", "today", "owed", "due_since", "days_past_due", "schedule", "offers", "pay_by", "dispute_by", "plan"}
    | {"capacity", "party", "decision", "agent_name"}
)
_SILENT = frozenset({MessageClass.LOCATE_ONLY, MessageClass.LIMITED_CONTENT, MessageClass.OPT_OUT_CONFIRMATION})


class MessageProblem(ValueError):
    """A template is wrong: ``where`` is its file and line."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where, self.problem = where, problem

    @property
    def file(self) -> str:
        return self.where.rpartition(":")[0] if self.where.rpartition(":")[2].isdecimal() else self.where

    @property
    def line(self) -> int:
        """Its line; 1 if only the file is known."""
        last = self.where.rpartition(":")[2]
        return int(last) if last.isdecimal() else 1


class MessageUnknown(MessageProblem):
    """There is no template of that name in that language."""


class FrontMatter(BaseModel):
    """What a template says about itself before its text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    klass: MessageClass = Field(alias="class")
    notice: NoticeKind | None = Field(default=None, description="of a notice, what it tells of, so that the step may follow it")
    subject: str | None = Field(default=None, description="a template of one line; needed where the message goes by e-mail")
    channels: frozenset[Channel] | None = Field(default=None, description="the ways that it is written for; any if it does not say")
    blocks: frozenset[Block] = Field(default=frozenset(), description="the required parts that it contains, which is checked")
    pay_within_days: PositiveInt = Field(default=3, description="`pay_by` in the text is so many days after today")
    dispute_within_days: PositiveInt = Field(default=40, description="`dispute_by` in the text is so many days after today")


@dataclass(frozen=True)
class MessageTemplates:
    """One message in one language. ``names`` are the facts that it speaks of, ``template_hash`` is over all its files.

    ``parts`` are the blocks of its language, whether it contains them or not: one block can be worded in several ways.
    """

    front: FrontMatter
    text: Template
    html: Template | None
    subject: Template | None
    names: frozenset[str]
    template_hash: str
    parts: tuple[tuple[Block, Template], ...] = ()


@dataclass(frozen=True)
class _Source:
    path: Path
    text: str

    def where(self, word: str) -> str:
        """File and line of a word's first occurrence."""
        return f"{self.path}:{self.text[: self.text.find(word)].count(chr(10)) + 1}"


def read_message(path: Path) -> MessageTemplates:
    """The message whose text is ``path``, a file in its language's directory. Raises ``MessageProblem``."""
    if not path.is_file():
        raise MessageUnknown(f"{path.parent.name}/{path.name}", "no such message; write this file, or name one of the others")
    whole = _read(path)
    front, body = _split(path, whole)
    html = _html_of(path)
    own = [_Source(path, body), *([_Source(path, front.subject)] if front.subject else []), *([html] if html else [])]
    _bounded(own, path.parent)
    sources = [*own, *_included(own, path.parent)]
    names = frozenset[str]().union(*(_facts_named(source, front.klass) for source in sources))
    plain, escaping = environment(path.parent, escape=False), environment(path.parent, escape=True)
    return MessageTemplates(
        front=front,
        text=plain.from_string(body),
        html=escaping.from_string(html.text) if html else None,
        subject=plain.from_string(front.subject) if front.subject else None,
        names=names,
        template_hash=digest(whole, *(source.text for source in sources)),
        parts=tuple(_blocks(path.parent, plain)),
    )


def allowed(klass: MessageClass) -> frozenset[str]:
    """The facts that a message of a class can name."""
    match klass:
        case MessageClass.LOCATE_ONLY:
            return _ABOUT_ANYBODY
        case MessageClass.LIMITED_CONTENT:
            return _ABOUT_THE_HOUSE
        case MessageClass.OPT_OUT_CONFIRMATION:
            return frozenset({"recipient_name", "service_line", "lender", "today"})
        case _:
            return _ABOUT_ANYBODY | _ABOUT_THE_DEBT


def digest(*parts: str) -> str:
    """SHA-256 over several texts."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def environment(directory: Path, *, escape: bool) -> ImmutableSandboxedEnvironment:
    """Where a language's templates are rendered. Raises ``MessageProblem``."""
    try:
        return language(directory, escape=escape)
    except ValueError as unknown:
        raise MessageProblem(str(directory), "the directory's name is no language; use a tag such as zh-CN or en") from unknown


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise MessageProblem(f"{path}:1", "the file is not UTF-8; save it as UTF-8") from None
    if len(text) > _LONGEST_FILE:
        raise MessageProblem(f"{path}:1", f"the file is longer than {_LONGEST_FILE} characters; a message is shorter")
    return text


def _blocks(directory: Path, plain: ImmutableSandboxedEnvironment) -> Iterator[tuple[Block, Template]]:
    """The words of each block: ``_opt-out.txt``, and other wordings such as ``_opt-out-others.txt``."""
    stems = {block: block.part.removesuffix(".txt") for block in Block}
    for path in sorted(directory.glob("_*.txt")):
        for block, stem in stems.items():
            if path.stem == stem or path.stem.startswith(f"{stem}-"):
                _parsed(_Source(path, _read(path)))
                yield block, plain.get_template(path.name)


def _split(path: Path, whole: str) -> tuple[FrontMatter, str]:
    """The front matter and the text, which keeps its line numbers."""
    match = _FRONT.match(whole)
    if not match:
        raise MessageProblem(f"{path}:1", "no front matter; begin with a line ---, then `class: …`, then a line ---")
    marked = marked_yaml.read("\n" + match["front"])
    for flaw in marked.flaws:
        raise MessageProblem(f"{path}:{flaw.line}", f"{flaw.problem}; {flaw.remedy}")
    try:
        front = FrontMatter.model_validate(marked.value)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False)[0]
        raise MessageProblem(
            f"{path}:{marked.line(first['loc'])}", f"front matter {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from None
    return front, "\n" * match.group().count("\n") + whole[match.end() :]


def _html_of(path: Path) -> _Source | None:
    html = path.with_suffix(".html")
    return _Source(html, _read(html)) if html.is_file() else None


def _included(sources: Iterable[_Source], directory: Path) -> Iterator[_Source]:
    """The parts that templates include or extend, and what these include."""
    queue, seen = list(sources), set[str]()
    for source in queue:
        tree, _ = _parsed(source)
        for name in meta.find_referenced_templates(tree):
            if name is None or not _PART.fullmatch(name) or not (directory / name).is_file():
                raise MessageProblem(
                    f"{source.path}:1", f"includes {name or 'something computed'!r}; a part is a file _name.txt or _name.html beside it"
                )
            if name not in seen:
                seen.add(name)
                part = _Source(directory / name, _read(directory / name))
                queue.append(part)
                yield part


def _bounded(sources: Iterable[_Source], directory: Path) -> None:
    """Raises ``MessageProblem`` if parts include each other without end, or so often that a short file becomes a long text."""
    count = 0
    queue: list[tuple[_Source, tuple[str, ...]]] = [(source, (source.path.name,)) for source in sources]
    for source, way in queue:
        tree, _ = _parsed(source)
        for name in meta.find_referenced_templates(tree):
            if name is None or not _PART.fullmatch(name) or not (directory / name).is_file():
                continue
            count += 1
            if name in way:
                raise MessageProblem(f"{source.path}:1", f"includes {name!r}, which includes it; one of the two must not")
            if count > _MOST_INCLUDED:
                raise MessageProblem(f"{source.path}:1", f"includes more than {_MOST_INCLUDED} parts, one within the other; write fewer")
            queue.append((_Source(directory / name, _read(directory / name)), (*way, name)))


@lru_cache(maxsize=512)
def _parsed(source: _Source) -> tuple[nodes.Template, frozenset[str]]:
    """A source's syntax tree and the facts that it names; parts are read by many messages. Constants are never computed before it is known what they are."""
    try:
        tree = environment(source.path.parent, escape=False).parse(source.text)
        for line, what in strange(tree):
            raise MessageProblem(f"{source.path}:{line}", what)
        return tree, frozenset(meta.find_undeclared_variables(tree))
    except TemplateSyntaxError as wrong:
        raise MessageProblem(f"{source.path}:{wrong.lineno}", wrong.message or "not a template") from None
    except RecursionError:
        raise MessageProblem(f"{source.path}:1", "nested too deeply") from None


def _facts_named(source: _Source, klass: MessageClass) -> frozenset[str]:
    """The facts that a source names: only what its class may tell; and if anybody may hear it, no word of the debt."""
    _, names = _parsed(source)
    if unknown := sorted(names - allowed(klass)):
        can = ", ".join(sorted(allowed(klass)))
        raise MessageProblem(source.where(unknown[0]), f"a message of class {klass} cannot name {unknown[0]!r}; it can name {can}")
    if klass in _SILENT:
        _says_nothing(source, klass)
    return names


def _says_nothing(source: _Source, klass: MessageClass) -> None:
    lists = wording.load().used(Use.OTHERS)
    said = _TAGS.sub(lambda tag: "\n" * tag.group().count("\n"), source.text)
    for number, line in [*enumerate(said.splitlines(), start=1), (1, said)]:
        for flaw in found_in(Words(text=line), lists):
            where = f"{source.path}:{number}"
            raise MessageProblem(where, f"a message of class {klass} may say nothing of the debt; leave out {flaw.entry!r}")
