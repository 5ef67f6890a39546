"""What the law says to a proposed action, and every rule that had something to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from arrears.domain.strategy import Role

RuleId = Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{2}[a-z]?$")]


class Effect(StrEnum):
    """What a rule, or all rules together, say; later ones are stricter."""

    ALLOW = "allow"
    DEFER = "defer"
    NEEDS_APPROVAL = "needs_approval"
    DENY = "deny"

    @property
    def severity(self) -> int:
        return _SEVERITY[self]


_SEVERITY = {effect: n for n, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class Objection:
    """What one rule says: what it saw, where, and what it allows. ``facts`` are the ids of what it saw.

    One with the effect ``allow`` objects to nothing: it names the exception by which the action is allowed nevertheless.
    """

    effect: Effect
    observed: str
    limit: str
    source: str
    facts: tuple[str, ...] = ()
    until: datetime | None = None
    role: Role | None = None
    permanent: bool = False


class Finding(BaseModel):
    """A rule that fired, with what it observed, what it allows, and the place in the situation where it looked.

    ``facts`` are the ids of what it saw. The effect ``allow`` marks an exception that was used, which stands against nothing.
    """

    model_config = ConfigDict(frozen=True)

    rule: RuleId
    effect: Effect
    observed: str
    limit: str
    source: str = ""
    facts: tuple[str, ...] = ()
    until: AwareDatetime | None = None
    role: Role | None = None
    permanent: bool = False


class RegimeVersion(BaseModel):
    """Which law spoke: a regime's name, version, and the SHA-256 over its rules and numbers, a lender's overlay included."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    hash: str


class Verdict(BaseModel):
    """The answer to one proposed action, with every rule that fired.

    ``until`` is given with ``defer``: the first instant at which nothing that is known now stands against it. ``role`` is given with
    ``needs_approval``: who may grant it. ``permanent``: a denial that no waiting and no human of the lender can change.
    """

    model_config = ConfigDict(frozen=True)

    effect: Effect
    until: AwareDatetime | None = None
    role: Role | None = None
    permanent: bool = False
    findings: tuple[Finding, ...] = ()
    regimes: tuple[RegimeVersion, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that stand against the action, each once, in order."""
        return tuple(dict.fromkeys(f.rule for f in self.findings if f.effect is not Effect.ALLOW))
