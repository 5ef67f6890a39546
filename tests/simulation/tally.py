"""How much a simulation tried, and what core and checker did not agree on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from arrears.domain.verdict import Effect, Verdict
from arrears.prove import findings
from arrears.prove import model as raw

_SUMS = ("worlds", "contacts", "handovers", "left", "handed_over", "unseen", "at_once", "disagreements")


@dataclass
class Tally:
    """How much was tried: ``contacts`` were wanted, ``left`` of them were allowed and left.

    ``unseen`` and ``at_once`` are what the core refused and the checker could not object to: by what no row shows, and because of something that came at
    that very instant.
    """

    worlds: int = 0
    contacts: int = 0
    handovers: int = 0
    left: int = 0
    handed_over: int = 0
    unseen: int = 0
    at_once: int = 0
    disagreements: int = 0
    effects: Counter[str] = field(default_factory=Counter[str])
    rules: Counter[str] = field(default_factory=Counter[str])
    checked: Counter[str] = field(default_factory=Counter[str])

    def add(self, other: Tally) -> None:
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.effects += other.effects
        self.rules += other.rules
        self.checked += other.checked

    def as_json(self) -> str:
        return json.dumps(vars(self))

    @classmethod
    def of_json(cls, text: str) -> Tally:
        tally = cls()
        figures: dict[str, Any] = json.loads(text)
        for name, figure in figures.items():
            setattr(tally, name, Counter[str](cast(dict[str, int], figure)) if isinstance(figure, dict) else figure)
        return tally

    @property
    def verdicts(self) -> int:
        return self.contacts + self.handovers

    def __str__(self) -> str:
        effects = ", ".join(f"{effect} {n:,}" for effect, n in sorted(self.effects.items()))
        return (
            f"{self.worlds:,} worlds: {self.verdicts:,} verdicts ({effects}) on {self.contacts:,} contacts wanted, of which {self.left:,} left, and "
            f"{self.handovers:,} handovers, of which {self.handed_over:,} were made; {len(self.rules)} rules of the core and {len(self.checked)} of the "
            f"checker fired; {self.disagreements:,} disagreements; refused by what no row shows {self.unseen:,}, "
            f"for what came at the very instant {self.at_once:,}"
        )

    def by_rule(self) -> str:
        """How often each rule objected, in the core and in the checker, a line each."""
        ids = sorted(self.rules.keys() | self.checked.keys())
        return "\n".join([f"{'rule':8} {'core':>9} {'checker':>9}", *(f"{i:8} {self.rules[i]:>9,} {self.checked[i]:>9,}" for i in ids)])


@dataclass(frozen=True)
class Disagreement:
    """One proposal about which the core and the checker do not agree. ``unsound``: the core let out what the checker calls unlawful."""

    proposed: raw.Contact | raw.Placement
    verdict: Verdict
    violations: tuple[findings.Violation, ...]

    @property
    def unsound(self) -> bool:
        return self.verdict.effect is Effect.ALLOW

    def __str__(self) -> str:
        core = [f"{f.rule} {f.effect}: {f.observed} / {f.limit}" for f in self.verdict.findings]
        checker = [f"{v.rule}: {v.observed} / {v.limit}" for v in self.violations]
        at = self.proposed.at if isinstance(self.proposed, raw.Contact) else self.proposed.sent_at
        said = f"core: {self.verdict.effect} {core}\n  checker: {checker or 'nothing'}"
        return f"{raw.moment(at):%Y-%m-%d %H:%M:%S} {self.proposed[:]}\n  {said}"
