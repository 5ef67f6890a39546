"""The rules of mainland China one at a time, with the numbers of the packaged regime."""

from __future__ import annotations

from typing import Any

from arrears.config.law import load_regime
from arrears.config.settings import PACKAGED
from arrears.domain.law.rule import RULES, Terms
from arrears.domain.situation import Situation
from arrears.domain.verdict import Effect, Finding

CN = load_regime(next((PACKAGED / "regimes").rglob("cn.yaml")))
NEXT_MORNING = "2026-11-19T08:00"


def finding(rule: str, given: Situation | dict[str, Any], **terms: Any) -> Finding | None:
    """What one rule says to a situation; ``terms`` are numbers of its own other than the packaged ones."""
    s = given if isinstance(given, Situation) else Situation.model_validate(given)
    return RULES[rule].find(s, with_terms(rule, **terms), s.at)


def effect(rule: str, given: Situation | dict[str, Any], **terms: Any) -> Effect | None:
    found = finding(rule, given, **terms)
    return found.effect if found else None


def with_terms(rule: str, **changes: Any) -> Terms:
    of_rule = CN.terms[rule]
    return type(of_rule).model_validate(of_rule.model_dump() | changes) if changes else of_rule


def handed_to(to: str, **changes: Any) -> dict[str, Any]:
    """A referral of the ordinary loan, with an agency, a notice and a human decision that leave nothing to object to."""
    action = {"kind": "referral", "action_id": "L-1.1/refer.1", "case_id": "L-1.1", "step": "refer.1", "to": to, "loan": "L-1"}
    return {
        "at": "2026-11-18T12:00:00+08:00",
        "regimes": ["cn"],
        "action": action | ({"agency": "north"} if to == "agency" else {}),
        "people": [{"person_id": "P-1", "zone": "Asia/Shanghai", "residence": "CN"}],
        "loans": [{"loan_id": "L-1", "borrower": "P-1", "owed": {"amount": "120.50", "currency": "CNY"}, "human_decision": "D-1"}],
        "agencies": [agency()] if to == "agency" else [],
        "notices": [notice("agency", agency="north")],
    } | changes


def agency(**changes: Any) -> dict[str, Any]:
    return {
        "agency": "north",
        "listed": True,
        "contract_from": "2026-01-01",
        "contract_until": "2027-12-31",
        "reviewed_on": "2026-06-01",
        "assessment_id": "PIA-7",
        "agreed": ["purpose", "term", "manner", "data_kinds", "safeguards"],
        "feed_at": "2026-11-18T11:00:00+08:00",
    } | changes


def notice(kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "loan": "L-1",
        "person": "P-1",
        "sent_at": "2026-11-16T10:00:00+08:00",
        "delivered_at": "2026-11-16T10:00:05+08:00",
    } | changes


def hold(reason: str, **changes: Any) -> dict[str, Any]:
    return {"hold_id": "H-1", "reason": reason, "placed_at": "2026-11-17T12:00:00+08:00", "loan": "L-1"} | changes
