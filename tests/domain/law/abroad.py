"""Ordinary situations in other countries, that every rule there allows, to be changed in one thing at a time; and the rules one at a time."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from arrears.config.law import load_regime
from arrears.config.settings import PACKAGED
from arrears.domain.judge import judge
from arrears.domain.law.rule import RULES
from arrears.domain.regime import Regime
from arrears.domain.situation import Situation
from arrears.domain.verdict import Effect, Finding, Verdict

HASH = "a" * 64
ZONES = {"us": "America/New_York", "uk": "Europe/London", "in": "Asia/Kolkata", "eu": "Europe/Berlin"}
RESIDENCES = {"us": "US-NY", "uk": "GB", "in": "IN", "eu": "DE"}
CURRENCIES = {"us": "USD", "uk": "GBP", "in": "INR", "eu": "EUR"}
POINTS = {"call": "mobile", "sms": "mobile", "email": "email", "in_app": "in_app", "letter": "postal", "visit": "postal"}


def regime(name: str) -> Regime:
    """The packaged law of a place."""
    return load_regime(next((PACKAGED / "regimes").rglob(f"{name}.yaml")))


LAW = {name: regime(name) for name in ZONES}


class Given:
    """A situation being told: ``us().past(...).says("US-01")``. Local times are those of the place."""

    def __init__(self, place: str, channel: str = "call", klass: str = "collect", purpose: str = "collect") -> None:
        self.place, self.zone = place, ZONES[place]
        point: dict[str, Any] = {"contact_point_id": "p1", "kind": POINTS[channel]}
        if POINTS[channel] == "mobile":
            point |= {"country": RESIDENCES[place][:2], "zones": [self.zone]}
        self.document: dict[str, Any] = {
            "at": self.local("2026-11-18T12:00"),
            "regimes": [place],
            "action": {
                "kind": "contact",
                "action_id": "L-1.1/step",
                "case_id": "L-1.1",
                "channel": channel,
                "loan": "L-1",
                "recipient": "P-1",
                "contact_point": "p1",
                "purpose": purpose,
                "message": {"class": klass, "content_hash": HASH},
            },
            "people": [{"person_id": "P-1", "zone": self.zone, "residence": RESIDENCES[place], "contact_points": [point]}],
            "loans": [{"loan_id": "L-1", "borrower": "P-1", "owed": {"amount": "120.50", "currency": CURRENCIES[place]}}],
            "history": [],
        }
        if (place, channel) == ("us", "sms"):
            self.consent("texts", "2026-11-01T10:00")

    def local(self, text: str) -> str:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.zone)).isoformat()

    def at(self, text: str) -> Given:
        self.document["at"] = self.local(text)
        return self

    def action(self, **changes: Any) -> Given:
        self.document["action"] |= changes
        return self

    def message(self, **changes: Any) -> Given:
        self.document["action"]["message"] |= {("class" if name == "klass" else name): value for name, value in changes.items()}
        return self

    def text(self, text: str) -> Given:
        return self.message(text=text, locale="en")

    def person(self, **changes: Any) -> Given:
        self.document["people"][0] |= changes
        return self

    def point(self, **changes: Any) -> Given:
        self.document["people"][0]["contact_points"][0] |= changes
        return self

    def loan(self, **changes: Any) -> Given:
        self.document["loans"][0] |= changes
        return self

    def past(self, at: str, outcome: str | None = None, channel: str = "call", **more: Any) -> Given:
        past = {"contact_id": f"c{len(self.document['history'])}", "at": self.local(at), "channel": channel, "person": "P-1", "loan": "L-1"}
        self.document["history"].append(past | ({"outcome": outcome} if outcome else {}) | more)
        return self

    def consent(self, kind: str, given_at: str, **more: Any) -> Given:
        self.document["people"][0].setdefault("consents", []).append(
            {"consent_id": "K", "kind": kind, "given_at": self.local(given_at)} | more
        )
        return self

    def wish(self, kind: str, **more: Any) -> Given:
        self.document["people"][0].setdefault("wishes", []).append({"kind": kind, "at": self.local("2026-11-10T10:00")} | more)
        return self

    def hold(self, reason: str, placed_at: str = "2026-11-10T10:00", **more: Any) -> Given:
        self.document.setdefault("holds", []).append(
            {"hold_id": "H", "reason": reason, "placed_at": self.local(placed_at), "loan": "L-1"} | more
        )
        return self

    def notice(self, kind: str, sent_at: str, **more: Any) -> Given:
        self.document.setdefault("notices", []).append(
            {"kind": kind, "loan": "L-1", "person": "P-1", "sent_at": self.local(sent_at)} | more
        )
        return self

    def tied(self, relation: str, **more: Any) -> Given:
        """Somebody else stands in the loan's file."""
        self.document["people"].append({"person_id": relation, "zone": self.zone})
        self.loan(ties=[*self.document["loans"][0].get("ties", ()), {"person": relation, "relation": relation} | more])
        return self

    def to(self, relation: str, **more: Any) -> Given:
        """Somebody else is contacted instead of the borrower."""
        self.tied(relation, **more)
        self.document["people"][-1]["contact_points"] = [{**self.document["people"][0]["contact_points"][0], "contact_point_id": "x1"}]
        return self.action(recipient=relation, contact_point="x1")

    def refer(self, to: str, **more: Any) -> Given:
        self.document["action"] = {"kind": "referral", "to": to, "loan": "L-1", "case_id": "L-1.1", "step": "step"} | more
        return self

    @property
    def situation(self) -> Situation:
        return Situation.model_validate(deepcopy(self.document))

    def says(self, rule: str) -> Finding | None:
        """What one rule says, with the packaged numbers."""
        s = self.situation
        return RULES[rule].find(s, LAW[self.place].terms[rule], s.at)

    def effect(self, rule: str) -> Effect | None:
        found = self.says(rule)
        return found.effect if found else None

    def until(self, rule: str) -> str | None:
        """Until when one rule defers, as a local time; nothing if it does not object."""
        found = self.says(rule)
        if found is None:
            return None
        assert found.until is not None, found
        return f"{found.until.astimezone(ZoneInfo(self.zone)):%Y-%m-%dT%H:%M:%S}".removesuffix(":00")

    @property
    def verdict(self) -> Verdict:
        return judge(self.situation, tuple(LAW.values()))


def us(*parts: str, **more: str) -> Given:
    return Given("us", *parts, **more)


def uk(*parts: str, **more: str) -> Given:
    return Given("uk", *parts, **more)


def india(*parts: str, **more: str) -> Given:
    return Given("in", *parts, **more)


def eu(*parts: str, **more: str) -> Given:
    return Given("eu", *parts, **more)
