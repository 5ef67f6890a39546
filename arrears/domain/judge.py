"""May this be done now? A situation and the law in, a verdict out: pure, so that an independent checker can judge again what was judged.

All rules are asked, also after one has refused, so that a verdict names everything that stands against the action. The strictest wins, of all regimes that
apply; of several deferrals the latest, which is judged again at that instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from arrears.domain.law.house import HOUSE
from arrears.domain.law.rule import RULES, Terms
from arrears.domain.regime import Regime
from arrears.domain.situation import Situation
from arrears.domain.verdict import Effect, Finding, Verdict

_MOST_ROUNDS = 50
_UNTIL_MENDED = timedelta(hours=1)


class RegimeNotFound(ValueError):
    """The situation names a regime that there is not."""


def applying(s: Situation, regimes: Sequence[Regime]) -> tuple[Regime, ...]:
    """The regimes by which a situation is judged: those that it names, else all whose scope it is in. Raises ``RegimeNotFound``."""
    if s.regimes is None:
        return tuple(regime for regime in regimes if regime.applies.holds(s))
    known = {regime.regime: regime for regime in regimes}
    for name in s.regimes:
        if name not in known:
            raise RegimeNotFound(f"regimes: there is no regime {name!r}; the known ones: {', '.join(sorted(known))}")
    return tuple(known[name] for name in s.regimes)


def judge(s: Situation, regimes: Sequence[Regime] | None) -> Verdict:
    """The verdict on a situation at its instant, by those of ``regimes`` that apply to it.

    ``None`` means that the law cannot be read: nothing is allowed until it is mended. Where no regime applies nothing is allowed either.
    Raises ``RegimeNotFound``.
    """
    if regimes is None:
        return _unreadable(s)
    law = applying(s, regimes)
    if not law:
        finding = _ours("AR-07", Effect.DENY, "no regime applies to this person, number and lender", "a regime", "people.residence")
        return Verdict(effect=Effect.DENY, findings=(*_findings(HOUSE, s, s.at), finding))
    terms = [HOUSE, *(regime.terms for regime in law)]
    return _verdict(s, terms, law)


def _verdict(s: Situation, law: Sequence[dict[str, Terms]], regimes: Sequence[Regime]) -> Verdict:
    findings = _against(law, s, s.at)
    stamps = tuple(regime.stamp for regime in regimes)
    effect = max((f.effect for f in findings), key=lambda e: e.severity, default=Effect.ALLOW)
    match effect:
        case Effect.DEFER:
            return Verdict(effect=effect, until=_settled(law, s, findings), findings=findings, regimes=stamps)
        case Effect.NEEDS_APPROVAL:
            return Verdict(effect=effect, role=next(f.role for f in findings if f.role), findings=findings, regimes=stamps)
        case _:
            return Verdict(effect=effect, permanent=any(f.permanent for f in findings), findings=findings, regimes=stamps)


def _settled(law: Sequence[dict[str, Terms]], s: Situation, findings: Iterable[Finding]) -> datetime:
    """The latest of all ``until``, put off again while a rule stands against that instant too."""
    until = _latest(findings, s.at)
    for _ in range(_MOST_ROUNDS):
        later = _latest(_against(law, s, until), until)
        if later == until:
            break
        until = later
    return until


def _latest(findings: Iterable[Finding], at_least: datetime) -> datetime:
    return max((f.until for f in findings if f.until is not None), default=at_least)


def _against(law: Iterable[dict[str, Terms]], s: Situation, now: datetime) -> tuple[Finding, ...]:
    return tuple(finding for terms in law for finding in _findings(terms, s, now))


def _findings(terms: dict[str, Terms], s: Situation, now: datetime) -> list[Finding]:
    asked = (RULES[rule_id].find(s, of_rule, now) for rule_id, of_rule in terms.items())
    return [finding for finding in asked if finding is not None]


def _unreadable(s: Situation) -> Verdict:
    """Waits until the law can be read again; what denies anyhow denies."""
    until = s.at + _UNTIL_MENDED
    waits = _ours("AR-07", Effect.DEFER, "the law cannot be read", "a regime that can be read", "regimes", until)
    findings = (*_findings(HOUSE, s, s.at), waits)
    effect = max((f.effect for f in findings), key=lambda e: e.severity)
    role = next((f.role for f in findings if f.role), None) if effect is Effect.NEEDS_APPROVAL else None
    return Verdict(effect=effect, until=until if effect is Effect.DEFER else None, role=role, findings=findings)


def _ours(rule: str, effect: Effect, observed: str, limit: str, source: str, until: datetime | None = None) -> Finding:
    return Finding(rule=rule, effect=effect, observed=observed, limit=limit, source=source, until=until)
