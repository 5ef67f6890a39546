"""What a rule of law is: one function named by its id, and its terms, which a regime's file fills with numbers.

    @rule("contact")
    def cn_02(s: Situation, terms: Cap, now: datetime) -> Objection | None:
        \"""The rule in plain words. The clause.\"""

The rule looks at nothing but the situation, its terms and the instant; it objects, or it does not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

from arrears.domain.person import Names, Region
from arrears.domain.situation import Situation
from arrears.domain.strategy import Referral
from arrears.domain.verdict import Finding, Objection, RuleId

About = Literal["contact"] | Referral
"""What an action can be: a contact, or a referral by where it goes."""

EVERYTHING: tuple[About, ...] = ("contact", *Referral)

Force = Literal["law", "standard", "self_regulation", "presumption", "ours"]
Confidence = Literal["VERIFIED-P", "VERIFIED-P/S", "VERIFIED-S", "FROM MEMORY", "UNCLEAR", "ours"]


class Where(BaseModel):
    """To which situations within its regime a rule applies; what is not given is not asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    products: Names[str] | None = None
    residences: Names[Region] | None = Field(default=None, description="of the recipient, or the region of their number")
    capacity: Literal["first_party", "third_party"] | None = None
    lender_kinds: Names[str] | None = None

    def holds(self, s: Situation) -> bool:
        return (
            (self.products is None or s.loan.product in self.products)
            and (self.capacity is None or s.loan.capacity == self.capacity)
            and (self.lender_kinds is None or s.loan.lender_kind in self.lender_kinds)
            and (self.residences is None or any(within(place, self.residences) for place in places(s)))
        )


def places(s: Situation) -> tuple[Region, ...]:
    """Where the recipient lives and where their number belongs, as far as known."""
    known = (s.recipient.home, s.point.country if s.point else None)
    return tuple(place for place in known if place is not None)


def within(place: Region, regions: frozenset[Region]) -> bool:
    """Whether a region is one of several, or lies in one."""
    return place in regions or place.partition("-")[0] in regions


class Terms(BaseModel):
    """What a regime's file says of a rule: clause, force, how sure the source is; a rule's own numbers are added by its own terms.

    A rule is ``soft`` if the lender may relax it, with a recorded reason. A field marked ``tighter`` says in which direction it tightens:
    ``lower``, ``higher``, ``subset``, ``superset``, ``within`` (a window) or ``true``; one that is not marked cannot be changed by a lender.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clause: str = Field(min_length=1)
    force: Force
    confidence: Confidence
    soft: bool = False
    where: Where = Where()
    note: str | None = Field(default=None, description="what a reader should know, such as that a number is ours")


def tighter(direction: Literal["lower", "higher", "subset", "superset", "within", "true"], **given: Any) -> Any:
    """A number of a rule that a lender may tighten."""
    return Field(json_schema_extra={"tighter": direction}, **given)


T = TypeVar("T", bound=Terms)
Check = Callable[[Situation, T, datetime], Objection | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the code knows it: its id, its plain words, the actions that it is about, the shape of its terms, and how it judges."""

    id: str
    plain: str
    about: frozenset[str]
    terms: type[Terms]
    judge: Callable[[Situation, Any, datetime], Objection | None]

    def find(self, s: Situation, terms: Terms, now: datetime) -> Finding | None:
        """The rule's objection as a finding; nothing if it is about other actions, other places, or has no objection."""
        if s.about not in self.about or not terms.where.holds(s):
            return None
        objection = self.judge(s, terms, now)
        return None if objection is None else found(self.id, objection)


def found(rule_id: RuleId, objection: Objection) -> Finding:
    """An objection with the rule's id on it."""
    return Finding(
        rule=rule_id,
        effect=objection.effect,
        observed=objection.observed,
        limit=objection.limit,
        source=objection.source,
        facts=objection.facts,
        until=objection.until,
        role=objection.role,
        permanent=objection.permanent,
    )


RULES: dict[str, Rule] = {}
"""Every rule of every regime that a machine checks, by its id, as the modules of this room define them."""


def rule(*about: About) -> Callable[[Check[T]], Check[T]]:
    """Make a function a rule: ``cn_02`` is CN-02. Its terms are the type of its second parameter."""

    def define(judge: Check[T]) -> Check[T]:
        rule_id = judge.__name__.upper().replace("_", "-", 1)  # pyright: ignore[reportFunctionMemberAccess]
        if rule_id[-1].isalpha():
            rule_id = rule_id[:-1] + rule_id[-1].lower()
        plain = (inspect.getdoc(judge) or "").split("\n\n")[0].replace("\n", " ")
        terms = list(get_type_hints(judge).values())[1]
        assert rule_id not in RULES, f"{rule_id} is defined twice"
        RULES[rule_id] = Rule(id=rule_id, plain=plain, about=frozenset(about), terms=terms, judge=judge)
        return judge

    return define
