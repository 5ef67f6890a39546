"""The documentation as data: its code blocks, the commands in them, its links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.ops.compose import ROOT

PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_SHELLS = frozenset({"sh", "bash", "console", "shell"})
_INLINE = re.compile(r"`(arrears [^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the word after it, and its text."""

    page: Path
    language: str
    label: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command line of a page, split as a shell would."""

    page: Path
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page.name}: {shlex.join(self.words)}"


def blocks(page: Path) -> Iterator[Block]:
    for info, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        language, _, label = info.strip().partition(" ")
        yield Block(page, language, label.strip(), text)


def commands(program: str) -> list[Command]:
    """Every command line of a shell block that calls ``program``, on all pages; what it is piped into is left out."""
    return [
        Command(block.page, words)
        for page in PAGES
        for block in blocks(page)
        if block.language in _SHELLS
        for words in _command_lines(block.text)
        if words[0].rpartition("/")[2] == program
    ]


def mentioned(program_and_subcommands: re.Pattern[str] = _INLINE) -> list[Command]:
    """Every call of `arrears` in running text: often with placeholders, so only its subcommands mean anything."""
    return [
        Command(page, tuple(said.split())) for page in PAGES for said in program_and_subcommands.findall(page.read_text(encoding="utf-8"))
    ]


def links(page: Path) -> list[str]:
    return _LINK.findall(page.read_text(encoding="utf-8"))


def _command_lines(text: str) -> Iterator[tuple[str, ...]]:
    for line in text.replace("\\\n", " ").splitlines():
        said = line.strip().removeprefix("$ ")
        if not said or said.startswith("#"):
            continue
        words = shlex.split(said, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words[:5] == ["docker", "compose", "exec", "worker", "arrears"]:
            words = words[4:]
        for stop in ("|", ">", "&&", "<"):
            if stop in words:
                words = words[: words.index(stop)]
        if words:
            yield tuple(words)
