"""A regime: the law of one place, as terms for the rules that a machine checks, and words for those that it does not."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, SerializeAsAny, create_model

from arrears.domain.law import RULES, Terms
from arrears.domain.law.rule import Confidence, Force, places, within
from arrears.domain.person import Names, Region
from arrears.domain.situation import Situation
from arrears.domain.strategy import Slug
from arrears.domain.verdict import RegimeVersion, RuleId


class Scope(BaseModel):
    """To whom a regime applies: by where the recipient or the borrower lives, where the number belongs, or where the lender has its seat.

    The borrower's counts too, because rules on what others may learn protect the borrower wherever the others are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: Names[Region] = Field(min_length=1)
    by_seat: bool = Field(default=True, description="whether it binds lenders seated there wherever the recipient lives")
    products: Names[str] | None = None

    def holds(self, s: Situation) -> bool:
        if self.products is not None and s.loan.product not in self.products:
            return False
        seat = s.lender_seat if self.by_seat else None
        return any(place is not None and within(place, self.regions) for place in (*places(s), s.borrower.home, seat))


class Elsewhere(BaseModel):
    """A rule that no verdict can check: where else it is kept, or why a machine cannot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plain: str
    clause: str
    force: Force
    confidence: Confidence
    status: Literal["by_design", "kept_elsewhere", "human"]
    why: str


def _fields() -> dict[str, Any]:
    return {
        rule.id.replace("-", "_"): (SerializeAsAny[rule.terms] | None, Field(default=None, alias=rule.id))
        for rule in RULES.values()
        if not rule.id.startswith("AR-")
    }


if TYPE_CHECKING:
    _Rules = BaseModel
else:
    _Rules = create_model("_Rules", __config__=ConfigDict(frozen=True, extra="forbid"), **_fields())


class Regime(BaseModel):
    """The law of one place. The newest version always applies, also to cases that run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regime: Slug
    version: PositiveInt
    title: str
    source: str = Field(description="the texts that the rules were taken from")
    applies: Scope
    rules: SerializeAsAny[_Rules]
    elsewhere: dict[RuleId, Elsewhere] = Field(default_factory=dict)

    @cached_property
    def terms(self) -> dict[str, Terms]:
        """The terms of the rules that this regime has, by rule id."""
        return {name.replace("_", "-"): terms for name, terms in self.rules if isinstance(terms, Terms)}

    @cached_property
    def stamp(self) -> RegimeVersion:
        """Name, version and hash, as a verdict records them."""
        body = self.model_dump_json(by_alias=True, exclude={"elsewhere"})
        return RegimeVersion(name=self.regime, version=self.version, hash=hashlib.sha256(body.encode()).hexdigest())
