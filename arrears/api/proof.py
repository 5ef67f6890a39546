"""What `arrears prove` found last. The command leaves its report in the data directory; whoever serves it reads that file and judges nothing itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

LANGUAGES = ("en", "zh-CN")
_FOLDER = "proof"
_REPORT = "report.json"
_FORMAT = "arrears-proof/1"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ProvedSubject(_Part):
    """What was judged, and from when to when."""

    kind: Literal["ledger", "log"]
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class ProvedViolation(_Part):
    """One rule broken by one contact or one placement."""

    rule: str
    contact: str
    loan: str
    at: AwareDatetime
    words: str
    late: bool


class ProvedNot(_Part):
    """What could not be judged, and for want of what."""

    rule: str
    why: str
    times: int


class ProvedFigures(_Part):
    """How much was judged."""

    loans: int
    persons: int
    contacts: int
    reported: int
    placements: int
    not_judged: tuple[ProvedNot, ...] = ()


class ProvedBreak(_Part):
    """A place where the chain was broken."""

    seq: int | None = None
    table: str | None = None
    what: str


class ProvedChain(_Part):
    """The chain as it was read: ``head`` is ``SEQ:HASH`` of its last record."""

    state: Literal["whole", "broken", "absent"]
    records: int
    head: str | None
    breaks: tuple[ProvedBreak, ...] = ()


class LastProof(_Part):
    """The latest report of `arrears prove` over this ledger; ``clean``: no rule was broken, the chain is whole, and no other record disagrees."""

    format: Literal["arrears-proof/1"] = _FORMAT
    clean: bool
    subject: ProvedSubject
    proved_at: AwareDatetime
    seconds: float
    violations: tuple[ProvedViolation, ...]
    violations_left_out: int = 0
    figures: ProvedFigures
    chain: ProvedChain | None = None

    @property
    def violated(self) -> int:
        """How many violations there are, listed or not."""
        return len(self.violations) + self.violations_left_out

    @property
    def seq(self) -> int | None:
        """The number of the last record that the proof has seen."""
        head = self.chain.head if self.chain else None
        return int(head.partition(":")[0]) if head else None


class ProofUnreadable(Exception):
    """There is a report, and it cannot be read."""


def last_proof(data_dir: Path) -> LastProof | None:
    """The latest report, ``None`` if there is none. Raises ``ProofUnreadable``."""
    try:
        return LastProof.model_validate_json((data_dir / _FOLDER / _REPORT).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as wrong:
        raise ProofUnreadable(f"the report in {data_dir / _FOLDER} cannot be read; make it anew with `arrears prove`") from wrong


def printed(data_dir: Path, language: str) -> bytes | None:
    """The printable page of the latest proof in a language, if there is one."""
    try:
        return (data_dir / _FOLDER / _page(language)).read_bytes() if language in LANGUAGES else None
    except FileNotFoundError:
        return None


def leave(data_dir: Path, report: str, pages: dict[str, str]) -> None:
    """Put a report and its printable pages, by language, where ``last_proof`` finds them; each file is whole at every moment. Raises ``OSError``."""
    folder = data_dir / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in {**{_page(language): page for language, page in pages.items()}, _REPORT: report}.items():
        fresh = folder / f"{name}.{os.getpid()}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(folder / name)


def _page(language: str) -> str:
    return f"page.{language}.html"
