"""A random borrower's world, driven through the real core and the checker side by side.

Every proposal is put to the core. What it allows leaves, with some outcome; what it does not allow is shown to the checker as if it had left. At the end
the checker reads all rows. The two must agree: nothing that left breaks a rule, and whatever the core denied would have broken one.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from arrears.config.law import Law
from arrears.config.settings import PACKAGED
from arrears.domain.judge import judge
from arrears.domain.situation import ContactAction
from arrears.domain.verdict import Effect, Verdict
from arrears.prove import model as raw
from arrears.prove.judge import Judge
from arrears.prove.zones import Zones
from tests.simulation.rows import Rows

REGIMES = Law(PACKAGED / "regimes").current()

PLACES = {
    "CN": ("Asia/Shanghai", "Asia/Urumqi"),
    "US": ("America/New_York", "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu"),
    "US-MA": ("America/New_York",),
    "GB": ("Europe/London",),
    "IN": ("Asia/Kolkata",),
    "DE": ("Europe/Berlin",),
}
ODD_ZONES = ("Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "Pacific/Apia")
STARTS = ("2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30", "2026-02-12", "2026-12-30")
"""Around the nights on which clocks change in America and Europe, the Spring Festival, the turn of the year."""

BOUNDARIES = (
    0,
    1,
    8 * 3600 - 1,
    8 * 3600,
    9 * 3600,
    12 * 3600,
    18 * 3600,
    19 * 3600 - 1,
    19 * 3600,
    21 * 3600 - 1,
    21 * 3600,
    22 * 3600 - 1,
    22 * 3600,
)
DAYS = 16

HOLDS = (
    "dispute", "cease", "attorney", "breathing-space", "mental-health-crisis", "incapacity", "debt-advice", "hardship", "plan", "bankruptcy",
    "deceased", "minor", "complaint", "recall", "suspected-fraud",
)  # fmt: skip
CALLED = (
    "answered_willing",
    "answered_delaying",
    "no_answer",
    "no_answer",
    "busy",
    "voicemail",
    "someone_else",
    "invalid_number",
    "unknown",
    None,
)
SENT = ("delivered", "delivered", "failed", "unknown", "bounced", None)
CLASS_OF = {
    "collect": "collect",
    "remind": "remind",
    "offer": "offer",
    "notice": "notice",
    "reply": "reply",
    "verification": "verification",
    "confirm_opt_out": "opt_out_confirmation",
    "terminate": "terminate",
    "may_remedy": "may_remedy",
    "will_remedy": "will_remedy",
    "locate": "locate_only",
    "relay": "locate_only",
}
HASH = "a" * 64

ZONES = Zones()
"""What the checker knows of zones, kept from world to world."""

UNSEEN = frozenset({"AR-03", "CN-22"})
"""Rules of the core that look at facts of which the ledger keeps no row that the checker could read: whether an address fits, a decision to sue."""


@dataclass
class Tally:
    """How much was tried."""

    worlds: int = 0
    proposals: int = 0
    left: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.worlds += other.worlds
        self.proposals += other.proposals
        self.left += other.left
        self.effects += other.effects
        self.rules += other.rules
        self.checked += other.checked

    def __str__(self) -> str:
        effects = ", ".join(f"{effect} {n}" for effect, n in sorted(self.effects.items()))
        return (
            f"{self.worlds} worlds: {self.proposals} verdicts ({effects}), {self.left} contacts left; "
            f"{len(self.rules)} rules of the core and {len(self.checked)} of the checker fired"
        )


@dataclass(frozen=True)
class Disagreement:
    """One contact about which the core and the checker do not agree."""

    contact: raw.Contact
    verdict: Verdict
    violations: tuple[raw.Violation, ...]

    def __str__(self) -> str:
        core = [f"{f.rule} {f.effect}: {f.observed} / {f.limit}" for f in self.verdict.findings]
        checker = [f"{v.rule}: {v.observed} / {v.limit}" for v in self.violations]
        return f"{raw.moment(self.contact.at)} {self.contact!r} {self.contact}\n  core {self.verdict.effect}: {core}\n  checker: {checker}"


class World:
    """One borrower with a loan or several, in a place, over some days; every choice is drawn from ``luck``."""

    def __init__(self, luck: random.Random) -> None:
        self.luck, self.tally, self.disagreements = luck, Tally(worlds=1), list[Disagreement]()
        self.residence = luck.choice(tuple(PLACES))
        self.zone = luck.choice(PLACES[self.residence] if luck.random() < 0.85 else ODD_ZONES)
        self.begin = datetime.fromisoformat(luck.choice(STARTS)).replace(tzinfo=UTC)
        self.rows = Rows(seat=luck.choice((self.residence[:2], self.residence[:2], "CN", "US", "GB")), file=raw.DebtorFile("P-0"))
        self.rows.book = raw.Book(
            agencies={"north": raw.Agency("north", feed_at=raw.instant(self.begin) + luck.randrange(3 * DAYS) * raw.DAY // 2)},
            operators={"op-1": raw.Operator("op-1", "supervisor")},
        )
        self._people()
        self._loans()

    def play(self) -> Tally:
        """Let events and proposals come in a random order of instants, then read everything again."""
        for now in sorted({self._instant() for _ in range(self.luck.randint(5, 40))}):
            if self.luck.random() < 0.2:
                self._event(now - self.luck.randint(1, 600) * raw.SECOND - 7)
            self._propose(now)
        self._read_all()
        return self.tally

    def _instant(self) -> raw.Instant:
        """A boundary second of somebody's day, or any instant."""
        day = self.begin.date() + timedelta(days=self.luck.randrange(DAYS))
        if self.luck.random() < 0.6:
            zone = ZoneInfo(self.luck.choice((self.zone, *[p.zone for p in self.rows.file.points.values() if p.zone])))
            local = datetime.combine(day, datetime.min.time(), zone) + timedelta(seconds=self.luck.choice(BOUNDARIES))
            return raw.instant(local.astimezone(UTC)) + self.luck.choice((0, 0, -raw.SECOND, raw.SECOND))
        return raw.instant(self.begin) + self.luck.randrange(DAYS * 86_400) * raw.SECOND

    def _people(self) -> None:
        luck, file = self.luck, self.rows.file
        born = self.begin.date().toordinal() - 719_163 - luck.choice((30 * 365, 18 * 365 + 4, 14 * 365 + 3, 13 * 365))
        file.persons["P-0"] = raw.Person("P-0", self.zone, self.residence, luck.choice((None, None, None, None, born)))
        self._points("P-0")
        if luck.random() < 0.9:
            file.consents.append(raw.Consent("P-0", "texts", raw.instant(self.begin) - luck.choice((5, 55)) * raw.DAY))
        for n in range(luck.randint(0, 2)):
            person_id = f"P-{n + 1}"
            zone = luck.choice((self.zone, self.zone, luck.choice(ODD_ZONES), None))
            file.persons[person_id] = raw.Person(person_id, zone, self.residence, luck.choice((None, None, None, born)))
            self._points(person_id)

    def _points(self, person_id: str) -> None:
        luck, file = self.luck, self.rows.file
        for kind in ("mobile", "landline", "email", "in_app"):
            if kind != "mobile" and luck.random() < 0.4:
                continue
            phone = kind in ("mobile", "landline")
            point = raw.ContactPoint(
                point_id=f"{person_id}/{kind}",
                person_id=person_id,
                kind=kind,
                zone=luck.choice((self.zone, self.zone, self.zone, luck.choice(ODD_ZONES))) if phone else None,
                country=self.residence[:2] if phone else None,
                legal_basis="contract",
                place=luck.choice((None, "home", "home", "work")),
                reassignment_checked_at=raw.instant(self.begin) - luck.choice((1, 30, 61)) * raw.DAY,
            )
            file.points[point.point_id] = point

    def _loans(self) -> None:
        luck, file = self.luck, self.rows.file
        first = raw.day_number(self.begin.date())
        for n in range(luck.choice((1, 1, 2, 3))):
            loan_id = f"L-{n}"
            file.loans[loan_id] = raw.Loan(
                loan_id,
                "P-0",
                "lender",
                product=luck.choice(("consumer_loan", "consumer_loan", "microfinance")),
                currency="CNY",
                seat=self.rows.seat,
            )
            opened = raw.instant(self.begin) - luck.choice((1, 3)) * raw.DAY
            file.cases[f"{loan_id}.1"] = raw.Case(f"{loan_id}.1", loan_id, opened)
            for k in range(luck.randint(1, 2)):
                file.instalments.append(
                    raw.Instalment(loan_id, first - luck.choice((0, 1, 10, 40)) + k * 5, raw.amount(luck.choice(("100", "250.50"))))
                )
            for person_id in file.persons:
                if person_id != "P-0" and luck.random() < 0.8:
                    role = luck.choice(("emergency", "contact", "spouse", "joint", "guarantor", "attorney", "legal_representative"))
                    evidence = "E-1" if luck.random() < 0.8 else None
                    file.ties.append(raw.Tie(loan_id, person_id, role, evidence))
        for notice in ("validation",) if luck.random() < 0.8 else ():
            for loan_id in file.loans:
                sent = raw.instant(self.begin) - 40 * raw.DAY
                file.notices.append(raw.Notice(loan_id, "P-0", notice, sent, delivered_at=sent + raw.DAY))

    def _event(self, at: raw.Instant) -> None:
        luck, file = self.luck, self.rows.file
        loan_id, person_id = luck.choice(tuple(file.loans)), luck.choice(tuple(file.persons))
        n = len(file.payments) + len(file.wishes) + len(file.holds) + len(file.contacts) + len(file.consents) + len(file.signs)
        match luck.randrange(12):
            case 0 | 1:
                heard = at + 1 if luck.random() < 0.9 else None
                worth = raw.amount(luck.choice(("20", "100", "600")))
                file.payments.append(raw.Payment(f"pay-{n}", loan_id, worth, at - luck.choice((0, 1)) * raw.HOUR, at, heard))
            case 2 | 3:
                self._hold(f"h-{n}", loan_id, at)
            case 4:
                self._wish(person_id, at)
            case 5:
                self._consent(person_id, at)
            case 6:
                file.signs.append(raw.Sign(loan_id, "promise_made", at, at))
            case 7:
                self._refusal(person_id, at)
            case 8:
                point_id = luck.choice([p for p in file.points if p.startswith(person_id)])
                file.points[point_id] = file.points[point_id]._replace(invalid_since=at)
            case 9:
                case_id = f"{loan_id}.1"
                file.cases[case_id] = file.cases[case_id]._replace(closed_at=at)
            case 10 | 11:
                self._reported(f"in-{n}", loan_id, at)
            case _:
                raise AssertionError("no such event")

    def _hold(self, hold_id: str, loan_id: str, at: raw.Instant) -> None:
        until = at + self.luck.choice((1, 3)) * raw.DAY if self.luck.random() < 0.6 else None
        lifted = at + 2 * raw.DAY if until is None and self.luck.random() < 0.5 else None
        self.rows.file.holds.append(raw.Hold(hold_id, loan_id, self.luck.choice(HOLDS), at, at, until, lifted, lifted))

    def _wish(self, person_id: str, at: raw.Instant) -> None:
        luck = self.luck
        withdrawn = at + raw.DAY if luck.random() < 0.4 else None
        kind = luck.choice(("no_contact", "no_medium", "no_medium", "no_address", "no_hours"))
        wish = raw.Wish(person_id, kind, at, withdrawn_at=withdrawn)
        match kind:
            case "no_medium":
                wish = wish._replace(channel=luck.choice(("call", "sms", "email", "in_app")))
            case "no_address":
                wish = wish._replace(point_id=luck.choice([p for p in self.rows.file.points if p.startswith(person_id)]))
            case "no_hours":
                wish = wish._replace(starts=12 * 3600, ends=18 * 3600)
            case _:
                pass
        self.rows.file.wishes.append(wish)

    def _consent(self, person_id: str, at: raw.Instant) -> None:
        luck = self.luck
        kind = luck.choice(("hours", "more_calls", "third_party", "workplace"))
        starts, ends = (22 * 3600, 23 * 3600) if kind == "hours" else (None, None)
        withdrawn = at + raw.DAY if luck.random() < 0.3 else None
        self.rows.file.consents.append(raw.Consent(person_id, kind, at, starts=starts, ends=ends, withdrawn_at=withdrawn))

    def _refusal(self, person_id: str, at: raw.Instant) -> None:
        ties = self.rows.file.ties
        for n, tie in enumerate(ties):
            if tie.person_id == person_id and tie.refused_at is None:
                ties[n] = tie._replace(refused_at=at)

    def _reported(self, contact_id: str, loan_id: str, at: raw.Instant) -> None:
        """The borrower calls, or an agency says that it called."""
        inbound = self.luck.random() < 0.5
        self.rows.file.contacts.append(
            raw.Contact(
                contact_id,
                loan_id,
                "P-0",
                "call",
                at,
                outcome="answered" if inbound else self.luck.choice(("answered", "no_answer")),
                known_at=at + self.luck.choice((0, 1)) * raw.HOUR,
                direction="in" if inbound else "out",
                by=raw.LENDER if inbound else "north",
                reported=True,
            )
        )

    def _propose(self, now: raw.Instant) -> None:
        contact = self._contact(now)
        verdict = judge(self.rows.known_at(now, _action(contact)), REGIMES)
        self.tally.proposals += 1
        self.tally.effects[verdict.effect] += 1
        self.tally.rules.update(verdict.rules)
        file = self.rows.file
        file.verdicts.append(
            raw.Verdict(
                contact.contact_id, contact.case_id or "", now, verdict.effect, contact.person_id, contact.approval_id, rules=verdict.rules
            )
        )
        violations = self._objections(self.rows.forced(contact), contact)
        self.tally.checked.update(v.rule for v in violations)
        unseen = verdict.effect is not Effect.ALLOW and set(verdict.rules) <= UNSEEN
        if (verdict.effect is Effect.ALLOW) == bool(violations) and not unseen:
            self.disagreements.append(Disagreement(contact, verdict, violations))
        if verdict.effect is Effect.ALLOW:
            self.tally.left += 1
            file.contacts.append(contact)
            file.contacts.sort(key=lambda c: c.at)

    def _contact(self, now: raw.Instant) -> raw.Contact:
        luck, file = self.luck, self.rows.file
        loan_id = luck.choice(tuple(file.loans))
        person_id = luck.choice(["P-0", "P-0", "P-0", *[t.person_id for t in file.ties if t.loan_id == loan_id]])
        channel = luck.choice(("call", "call", "sms", "sms", "email", "in_app"))
        kinds = {"call": ("mobile", "landline"), "sms": ("mobile",), "email": ("email",), "in_app": ("in_app",)}[channel]
        points = [p for p in file.points.values() if p.person_id == person_id and p.kind in kinds]
        purpose = luck.choice(("collect", "collect", "collect", *CLASS_OF) if person_id == "P-0" else ("relay", "locate", "collect"))
        klass = CLASS_OF[purpose] if luck.random() < 0.95 else "collect"
        contact_id = f"{loan_id}.1/{self.tally.proposals}"
        outcome = luck.choice(CALLED if channel == "call" else SENT)
        if person_id != "P-0" and outcome and outcome.startswith("answered"):
            outcome = luck.choice(("relayed", "relative_refused"))
        known = now + luck.choice((5, 90, 4000)) * raw.SECOND
        return raw.Contact(
            contact_id=contact_id,
            loan_id=loan_id,
            person_id=person_id,
            channel=channel,
            at=now,
            outcome=outcome,
            known_at=known if outcome else None,
            case_id=f"{loan_id}.1",
            point_id=luck.choice(points).point_id if points else None,
            purpose=purpose,
            klass=klass,
            reserved_at=now,
            sent_at=now,
            approval_id=self._approval(contact_id, loan_id, person_id, purpose, now),
            content_hash=HASH,
            artificial_voice=False,
        )

    def _approval(self, contact_id: str, loan_id: str, person_id: str, purpose: str, now: raw.Instant) -> str | None:
        """Most often an approval as it should be, for somebody who is not the borrower; else one with a flaw, or none."""
        luck, file = self.luck, self.rows.file
        if person_id == "P-0" or luck.random() < 0.1:
            return None
        file_id = f"A/{contact_id}"
        asked = now - luck.choice((2, 30, 160)) * raw.HOUR - 3
        approval = raw.Approval(
            approval_id=file_id,
            case_id=f"{loan_id}.1",
            state="approved",
            role="supervisor",
            requested_by="system",
            asked_at=asked,
            deadline=asked + 2 * raw.DAY,
            purpose=purpose,
            decided_by="op-1",
            decided_at=asked + raw.HOUR,
            contents={person_id: HASH},
        )
        flaws: tuple[dict[str, object], ...] = (
            {"state": "denied"},
            {"requested_by": "op-1"},
            {"case_id": "L-9.1"},
            {"purpose": "locate" if purpose != "locate" else "relay"},
            {"contents": {}},
            {"contents": {person_id: "b" * 64}},
            {"decided_at": asked - 7 * raw.DAY, "asked_at": asked - 8 * raw.DAY, "deadline": asked},
            {"void_at": now - 1},
        )
        file.approvals[file_id] = approval._replace(**luck.choice(flaws)) if luck.random() < 0.3 else approval
        return file_id

    def _objections(self, file: raw.DebtorFile, contact: raw.Contact) -> tuple[raw.Violation, ...]:
        file.contacts.sort(key=lambda c: c.at)
        found = Judge(self.rows.book, zones=ZONES).judge(file)
        return tuple(v for v in found if v.contact_id == contact.contact_id and not v.late)

    def _read_all(self) -> None:
        """What left, read once more as a whole: nothing that came later may make it unlawful by what was known then."""
        ours = {c.contact_id: c for c in self.rows.file.contacts if not c.reported}
        for violation in Judge(self.rows.book, zones=ZONES).judge(self.rows.file):
            if violation.contact_id in ours and not violation.late:
                self.disagreements.append(Disagreement(ours[violation.contact_id], Verdict(effect=Effect.ALLOW), (violation,)))


def _action(contact: raw.Contact) -> ContactAction:
    return ContactAction.model_validate(
        {
            "action_id": contact.contact_id,
            "case_id": contact.case_id,
            "channel": contact.channel,
            "loan": contact.loan_id,
            "recipient": contact.person_id,
            "purpose": contact.purpose,
            "contact_point": contact.point_id,
            "message": {"class": contact.klass, "content_hash": contact.content_hash},
            "approval": contact.approval_id,
            "artificial_voice": contact.artificial_voice,
        }
    )
