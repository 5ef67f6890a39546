"""YAML read for people: plain values, and the line on which each one stands.

Scalars are read as YAML 1.2's core schema has them, so that ``10:00`` stays a time and ``no`` a word; decimals stay text, so that money stays exact.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import yaml

Plain: TypeAlias = "str | int | bool | list[Plain] | dict[str, Plain] | None"
"""What a file can say."""

Path = tuple[Hashable, ...]
"""Where a value stands: keys and list positions from the top."""

_WORDS: dict[str, bool | None] = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+")
_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map", "tag:yaml.org,2002:binary"})


@dataclass(frozen=True)
class Flaw:
    """What stops a file from being read: its line (from 1), what is wrong, what to do."""

    line: int
    problem: str
    remedy: str


@dataclass
class Marked:
    """A file's value with the line of every key and item, and what was wrong with it; the value is ``None`` if nothing could be read."""

    value: Plain = None
    lines: dict[Path, int] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def line(self, path: Sequence[Hashable]) -> int:
        """The line of ``path``; of the nearest thing around it if it does not stand in the file."""
        known = tuple(path)
        while known not in self.lines and known:
            known = known[:-1]
        return self.lines.get(known, 1)


class _Loader(yaml.SafeLoader):
    """Leaves every plain scalar as text; ``_scalar`` decides what it means."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own way)


def read(text: str) -> Marked:
    """The one document in ``text``. Never raises: what is wrong is in ``flaws``, several things at once where they can be told apart."""
    found = Marked()
    try:
        found.flaws.extend(_aliases(text))
        node = None if found.flaws else _composed(text)
    except yaml.MarkedYAMLError as wrong:
        found.flaws.append(_syntax(wrong, text))
        return found
    except yaml.reader.ReaderError as wrong:
        line = text.count("\n", 0, wrong.position) + 1
        found.flaws.append(Flaw(line, "a character that YAML does not allow", "remove it, and save the file as UTF-8"))
        return found
    except RecursionError:
        found.flaws.append(Flaw(1, "nested too deeply", "a strategy needs no more than six levels"))
        return found
    if node is not None:
        found.value = _plain(node, (), found)
    elif not found.flaws:
        found.flaws.append(Flaw(1, "the file is empty", "start from one of the strategies that come with Arrears"))
    return found


@lru_cache(maxsize=256)
def _composed(text: str) -> yaml.Node | None:
    """The document's nodes, which nobody changes. The same few files are read again and again, and this is most of the work."""
    return yaml.compose(text, _Loader)


def _aliases(text: str) -> list[Flaw]:
    """References to other places: a reader would have to follow them, and a few lines of them can unfold into gigabytes."""
    if "*" not in text:
        return []
    return [
        Flaw(
            event.start_mark.line + 1 if event.start_mark else 1,
            f"*{event.anchor} refers to another place in the file",
            "write it out in full",
        )
        for event in yaml.parse(text, _Loader)
        if isinstance(event, yaml.AliasEvent)
    ]


def _plain(node: yaml.Node, path: Path, found: Marked) -> Plain:
    line = node.start_mark.line + 1
    found.lines.setdefault(path, line)
    match node:
        case yaml.ScalarNode():
            return _scalar(node, found)
        case yaml.SequenceNode():
            return [_plain(item, (*path, at), found) for at, item in enumerate(node.value)]
        case yaml.MappingNode():
            return _mapping(node, path, found)
        case _:
            found.flaws.append(Flaw(line, f"{node.tag} cannot be read", "use plain values, lists and mappings"))
            return None


def _mapping(node: yaml.MappingNode, path: Path, found: Marked) -> Plain:
    value: dict[str, Plain] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            found.flaws.append(Flaw(line, "a key is a list or a mapping", "a key is one word"))
            continue
        key = str(key_node.value)
        if key in value:
            found.flaws.append(Flaw(line, f"{key!r} stands twice, first on line {found.lines[*path, key]}", "keep one of the two"))
            continue
        found.lines[*path, key] = line
        value[key] = _plain(value_node, (*path, key), found)
    return value


def _scalar(node: yaml.ScalarNode, found: Marked) -> Plain:
    text = str(node.value)
    if node.tag not in _TAGS:
        found.flaws.append(Flaw(node.start_mark.line + 1, f"the tag {node.tag} cannot be read", "write the plain value"))
    if node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def _syntax(wrong: yaml.MarkedYAMLError, text: str) -> Flaw:
    mark = wrong.problem_mark or wrong.context_mark
    number = (mark.line if mark else 0) + 1
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    problem = f"not YAML: {wrong.problem or wrong.context}"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Flaw(number, "a tab indents this line", "indent with spaces, two for each level")
    if "mapping values are not allowed" in problem:
        return Flaw(number, problem, "put a text that contains a colon and a space in quotes; check that the line is not indented too far")
    if "found another document" in problem:
        return Flaw(number, "a second document starts here", "one strategy a file: remove the line ---")
    return Flaw(number, problem, f"check the indentation and quotes on this line and above{_near(wrong)}")


def _near(wrong: yaml.MarkedYAMLError) -> str:
    mark = wrong.context_mark
    return f" ({wrong.context}, line {mark.line + 1})" if mark and wrong.context else ""
