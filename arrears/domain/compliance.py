"""May this contact leave now? Facts and an instant in, a verdict out: pure, so that an independent checker can judge again what was judged.

All rules are asked, also after one has refused, so that a verdict names everything that stands against the contact. The strictest wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from arrears.domain.facts import Facts, ReferralFacts
from arrears.domain.rules import (
    CASE_OPEN,
    HOUSE_RULES,
    HUMAN_APPROVAL,
    LAW_UNREADABLE,
    MONEY_OWED,
    NO_HOLD,
    PAYMENTS_HEARD,
    HouseRule,
    Rule,
    not_standing,
)
from arrears.domain.strategy import Slug
from arrears.domain.verdict import Effect, Finding, Verdict

_MOST_ROUNDS = 10


class Regime(BaseModel):
    """The law of one place as rules with their numbers. The newest version always applies, also to cases that run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regime: Slug
    version: PositiveInt
    title: str
    source: str = Field(description="the texts that the rules were taken from")
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_rule_once(self) -> Regime:
        seen: set[tuple[str, ...]] = set()
        for rule in self.rules:
            key = (rule.rule, str(getattr(rule, "channel", "")))
            if key in seen:
                raise ValueError(f"rule {rule.rule} is listed twice; list it once, or once a channel")
            seen.add(key)
        return self


def decide(facts: Facts, regime: Regime | None, now: datetime) -> Verdict:
    """The verdict on a contact that would begin at ``now``. While the regime cannot be read, nothing is allowed."""
    rules = (*HOUSE_RULES, *(regime.rules if regime else (LAW_UNREADABLE,)))
    findings = _findings(rules, facts, now)
    effect = max((f.effect for f in findings), key=lambda e: e.severity, default=Effect.ALLOW)
    match effect:
        case Effect.DEFER:
            return Verdict(effect=effect, until=_settled(rules, facts, findings, now), findings=findings)
        case Effect.NEEDS_APPROVAL:
            return Verdict(effect=effect, role=next(f.role for f in findings if f.role), findings=findings)
        case _:
            return Verdict(effect=effect, findings=findings)


def decide_referral(facts: ReferralFacts, now: datetime) -> Verdict:
    """The verdict on handing a case to an institution: the case is open, money is owed, every human whom it needs has
    agreed, and the case knows what we know.

    A hold that the case knows of does not stand against it: whether a held case is referred is for its strategy to say.
    """
    findings = tuple(_against_referral(facts, now))
    return Verdict(effect=Effect.DENY if findings else Effect.ALLOW, findings=findings)


def _against_referral(facts: ReferralFacts, now: datetime) -> Iterator[Finding]:
    if facts.owed.amount <= 0:
        yield _refused(MONEY_OWED, f"{facts.owed.amount:f} {facts.owed.currency} overdue", "more than 0")
    if facts.approval_id is not None and (why := _no_grant(facts, now)) is not None:
        yield _refused(HUMAN_APPROVAL, f"{facts.approval_id}: {why}", "an approval of this step")
    if not facts.case_open:
        yield _refused(CASE_OPEN, "the case has ended", "an open case")
    if facts.unheard_holds:
        reasons = ", ".join(hold.reason for hold in facts.unheard_holds)
        yield _refused(
            NO_HOLD, f"held: {reasons}", "no hold that the case has not heard of", (hold.hold_id for hold in facts.unheard_holds)
        )
    if facts.unheard_payments:
        yield _refused(PAYMENTS_HEARD, f"{len(facts.unheard_payments)} payments not heard of", "none", facts.unheard_payments)


def _no_grant(facts: ReferralFacts, now: datetime) -> str | None:
    if facts.grant is None:
        return "there is none"
    if facts.grant.step != facts.step:
        return "it is for another step"
    return not_standing(facts.grant, facts.case_id, now, HUMAN_APPROVAL.lasts_days)


def _refused(rule: HouseRule, observed: str, limit: str, facts: Iterable[str] = ()) -> Finding:
    return Finding(rule=rule.rule, effect=Effect.DENY, observed=observed, limit=limit, facts=tuple(facts))


def _findings(rules: Iterable[Rule | HouseRule], facts: Facts, now: datetime) -> tuple[Finding, ...]:
    return tuple(found for rule in rules if (found := rule.judge(facts, now)) is not None)


def _settled(rules: tuple[Rule | HouseRule, ...], facts: Facts, findings: tuple[Finding, ...], now: datetime) -> datetime:
    """The latest of all ``until``, put off again while a rule stands against that instant too."""
    until = _latest(findings, now)
    for _ in range(_MOST_ROUNDS):
        # What waits for a file to be mended says nothing about that instant.
        later = _latest(_findings((rule for rule in rules if rule is not LAW_UNREADABLE), facts, until), until)
        if later == until:
            break
        until = later
    return until


def _latest(findings: Iterable[Finding], at_least: datetime) -> datetime:
    return max((f.until for f in findings if f.until is not None), default=at_least)
