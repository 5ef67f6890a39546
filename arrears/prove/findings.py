"""What a proof found: what was broken, and how much was judged at all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from arrears.prove.model import Instant, moment


class Violation(NamedTuple):
    """One rule broken by one contact, or by one placement. ``words`` is a line for a reader, without personal data.

    ``late``: it was lawful by what was known when it left, and what became known later shows that it was not. ``lawful_from``: of a handover, when
    this rule would have let it go, by what was known, if it was only too early.
    """

    rule: str
    contact_id: str
    loan_id: str
    person_id: str | None
    at: Instant
    observed: str
    limit: str
    words: str
    regime: str = ""
    late: bool = False
    lawful_from: Instant | None = None

    @property
    def when(self) -> datetime:
        return moment(self.at)


@dataclass(slots=True)
class Coverage:
    """How much was judged. ``asked`` counts how often each rule was asked, ``unjudged`` what could not be judged: (rule, why) → times.

    ``overtaken`` counts what seemed to break a rule and did not: what it broke it against was written down only after it was decided (see ``written``).
    """

    borrowers: int = 0
    persons: int = 0
    loans: int = 0
    contacts: int = 0
    reported: int = 0
    counted_only: int = 0
    placements: int = 0
    asked: Counter[str] = field(default_factory=Counter[str])
    unjudged: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    regimes: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    overtaken: Counter[str] = field(default_factory=Counter[str])

    def add(self, other: Coverage) -> None:
        """Take another part's figures in."""
        for name in ("borrowers", "persons", "loans", "contacts", "reported", "counted_only", "placements"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.asked.update(other.asked)
        self.unjudged.update(other.unjudged)
        self.regimes.update(other.regimes)
        self.overtaken.update(other.overtaken)


@dataclass(slots=True)
class Result:
    """What was found: the violations in order of borrower and time, at most so many; ``broken`` counts all of them by rule."""

    violations: list[Violation]
    coverage: Coverage
    broken: Counter[str] = field(default_factory=Counter[str])

    @property
    def left_out(self) -> int:
        """How many violations are counted in ``broken`` and not listed."""
        return sum(self.broken.values()) - len(self.violations)
