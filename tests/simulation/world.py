"""A random borrower's world, driven through the real core and the checker side by side.

Every proposal is put to the core. What it allows leaves, with some outcome; what it does not allow is shown to the checker as if it had left. At the end
the checker reads all rows. The two must agree: nothing that left breaks a rule, and whatever the core denied would have broken one.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from arrears.config.law import Law
from arrears.config.settings import PACKAGED
from arrears.domain.content import Block
from arrears.domain.judge import judge
from arrears.domain.regime import Regime
from arrears.domain.situation import Action, ContactAction, ReferralAction, Situation
from arrears.domain.strategy import Referral
from arrears.domain.verdict import Effect, Finding, Verdict
from arrears.prove import findings
from arrears.prove import model as raw
from arrears.prove.judge import Judge
from arrears.prove.limits import Change, Timeline
from arrears.prove.zones import Zones
from tests.simulation import drawn, events, pressing
from tests.simulation.pressing import Wanted
from tests.simulation.tally import Disagreement, Tally

REGIMES: tuple[Regime, ...] = tuple(Law(PACKAGED / "regimes").current())

UNSEEN = {
    "action.message.text": "what else the words say than that there is a debt: the checker holds them against the hash that was judged",
    "action.message.blocks": "which parts a text is made of",
    "loans.sued_for": "a decision to sue is no row of a contact",
}
"""Where the core looks and no row of the ledger lets the checker look, by the source that a finding names."""
HANDOVERS = 0.25
"""How many of all proposals are handovers."""
PRESSED = 0.35
"""How many worlds press against one limit."""

_READ_BY_BOTH = frozenset({"CN-12", "US-24"})

BOUNDARIES = (
    0, 1, 8 * 3600 - 1, 8 * 3600, 9 * 3600, 10 * 3600, 12 * 3600, 15 * 3600, 18 * 3600, 19 * 3600 - 1, 19 * 3600, 20 * 3600 - 1, 20 * 3600,
    21 * 3600 - 1, 21 * 3600, 22 * 3600 - 1, 22 * 3600,
)  # fmt: skip
CALLED = (
    "answered_willing",
    "answered_delaying",
    *("no_answer",) * 4,
    "busy",
    "voicemail",
    "someone_else",
    "invalid_number",
    "unknown",
    "failed",
    None,
)
SENT = ("delivered", "delivered", "delivered", "failed", "unknown", "bounced", "opted_out", None)
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
KINDS = {"call": ("mobile", "landline"), "sms": ("mobile",), "email": ("email",), "in_app": ("in_app",), "visit": ("postal",)}
NOTICES = ("validation", "verification", "agency", "credit", "assignment", None)
TEXTS = ("请回电。", "Please call us back.", "他逾期了 500 元", "She owes 500 USD.")
BLOCKS = frozenset(Block)
HASH = "a" * 64


_PLANS: dict[Any, Any] = {}
ZONES = Zones()
"""What the checker knows of zones, kept from world to world."""


def changed(regimes: Sequence[Regime], changes: dict[str, dict[str, Any] | None]) -> tuple[Regime, ...]:
    """Regimes with other terms of some rules, or without the rule."""
    found: list[Regime] = []
    for regime in regimes:
        terms = {rule_id.replace("-", "_"): terms for rule_id, terms in regime.terms.items()}
        for rule_id, change in changes.items():
            if rule_id in regime.terms:
                name = rule_id.replace("-", "_")
                terms[name] = None if change is None else terms[name].model_copy(update=change)  # pyright: ignore[reportArgumentType]
        parts: dict[str, Any] = dict(regime) | {"rules": regime.rules.model_copy(update=terms)}
        found.append(Regime.model_construct(_fields_set=None, **parts))
    return tuple(found)


class World:
    """One borrower, their loans and the people around them, on some days.

    ``law`` is what the core judges by, ``sees`` what it is shown of a situation, and ``press`` one of ``PRESSING``: the limit that the world presses
    against; by chance if none is named. ``own`` are a lender's numbers, as the checker has read them.
    """

    def __init__(
        self,
        luck: random.Random,
        law: Sequence[Regime] = REGIMES,
        residence: str | None = None,
        *,
        press: str | None = None,
        sees: Callable[[Situation], Situation] | None = None,
        own: tuple[Change, ...] = (),
    ) -> None:
        self.luck, self.law, self.sees, self.tally, self.disagreements = luck, law, sees, Tally(worlds=1), list[Disagreement]()
        self.rows, self.residence, self.zone, self.begin = drawn.world(luck, residence)
        self.rows.book.limits = Timeline(own)
        kind = press or (luck.choice(tuple(pressing.PRESSING)) if luck.random() < PRESSED else None)
        self.pressing = pressing.wanted(kind, luck, self.rows, self.zone, self.begin, self.residence) if kind else {}

    def play(self) -> Tally:
        """Let events and proposals come in a random order of instants, then read everything again."""
        luck, calm = self.luck, bool(self.pressing)
        before = 0
        for now in sorted({self._instant() for _ in range(luck.randint(2, 12) if calm else luck.randint(8, 50))} | self.pressing.keys()):
            if luck.random() < (0.04 if calm else 0.35):
                events.happen(luck, self.rows, max(before, now - luck.choice((0, 1, 60, 600, 4000)) * raw.SECOND))
            self.rows.file.contacts.sort(key=lambda c: c.at)
            if now in self.pressing:
                self.propose(now, self.pressing[now])
            for _ in range(luck.choice((0, 0, 0, 1) if calm else (1, 1, 2, 2, 3))):
                if luck.random() < HANDOVERS:
                    self.hand_over(now)
                else:
                    self.propose(now)
            before = now
        self.read_all()
        self.tally.disagreements = len(self.disagreements)
        return self.tally

    def _instant(self) -> raw.Instant:
        """A boundary second of somebody's day, or any instant."""
        luck = self.luck
        day = self.begin.date() + timedelta(days=luck.randrange(drawn.DAYS))
        if luck.random() < 0.7:
            zone = ZoneInfo(luck.choice((self.zone, self.zone, *[p.zone for p in self.rows.file.points.values() if p.zone])))
            local = datetime.combine(day, datetime.min.time(), zone) + timedelta(seconds=luck.choice(BOUNDARIES))
            return raw.instant(local.astimezone(UTC)) + luck.choice((0, 0, 0, -raw.SECOND, raw.SECOND))
        return raw.instant(self.begin) + luck.randrange(drawn.DAYS * 86_400) * raw.SECOND

    def propose(self, now: raw.Instant, wanted: Wanted | None = None) -> None:
        """Put a contact to the core at an instant, and to the checker as if it had left; any contact if none is wanted."""
        contact, approval = self._contact(now, wanted)
        if approval is not None:
            self.rows.file.approvals[approval.approval_id] = approval
        action = _action(contact)
        at_once = self.luck.random() < 0.5
        verdict = self._judged(now, action, self.law, at_once=at_once)
        self.tally.contacts += 1
        self._count(verdict)
        file = self.rows.file
        file.verdicts.append(
            raw.Verdict(
                contact.contact_id, contact.case_id or "", now, verdict.effect, contact.person_id, contact.approval_id, rules=verdict.rules
            )
        )
        forced = self.rows.forced(contact)
        forced.contacts.sort(key=lambda c: c.at)
        violations = self._objections(forced, contact.contact_id, now)
        self._compare(contact, action, now, verdict, violations)
        if verdict.effect is Effect.ALLOW:
            self.tally.left += 1
            file.contacts.append(contact)
            file.contacts.sort(key=lambda c: c.at)
            if contact.notice is not None:
                delivered = contact.known_at if contact.outcome == "delivered" else None
                bounced = contact.known_at if contact.outcome in ("bounced", "failed", "invalid_number") else None
                file.notices.append(raw.Notice(contact.loan_id, contact.person_id, contact.notice, now, None, delivered, bounced))

    def hand_over(self, now: raw.Instant) -> None:
        """Put a handover to the core at an instant, and to the checker as if it had been made."""
        placement, approval = self._placement(now)
        if approval is not None:
            self.rows.file.approvals[approval.approval_id] = approval
        action = _referral(placement)
        verdict = self._judged(now, action, self.law, at_once=self.luck.random() < 0.5)
        self.tally.handovers += 1
        self._count(verdict)
        self.rows.file.verdicts.append(raw.Verdict(placement.placement_id, placement.case_id, now, verdict.effect, rules=verdict.rules))
        violations = self._objections(self.rows.handed_over(placement), placement.placement_id, now)
        self._compare(placement, action, now, verdict, violations)
        if violations and not _same_wait([self._judged(now, action, self.law, at_once=first) for first in (False, True)], violations):
            self.disagreements.append(Disagreement(placement, verdict, violations))
        if verdict.effect is Effect.ALLOW:
            self.tally.handed_over += 1
            self.rows.file.placements.append(placement)

    def _placement(self, now: raw.Instant) -> tuple[raw.Placement, raw.Approval | None]:
        luck = self.luck
        loan_id = luck.choice(tuple(self.rows.file.loans))
        target = luck.choice(tuple(Referral))
        key = f"{loan_id}.1/step-{self.tally.handovers}"
        weighs = target in (Referral.DEBT_SALE, Referral.LAWSUIT, Referral.DEFAULTER_LIST) and self.tally.handovers % 4 > 0
        approval = (
            self._approval(key, loan_id, {}, None, key, now, "risk_control" if weighs else "supervisor") if luck.random() < 0.85 else None
        )
        agency = luck.choice(("north", "north", "north", "south")) if target is Referral.AGENCY else None
        until = now + 5 * raw.DAY if agency is not None and luck.random() < 0.8 else None
        recalled = now + luck.choice((1, 3)) * raw.DAY if luck.random() < 0.3 else None
        yes = None if approval is None else approval.approval_id
        return raw.Placement(key, loan_id, f"{loan_id}.1", target, now, agency, until, recalled, yes, key), approval

    def _objections(self, file: raw.DebtorFile, about: str, now: raw.Instant) -> tuple[findings.Violation, ...]:
        """What the checker says of one contact or handover that left now, or would have."""
        checker = Judge(replace(self.rows.book, since=now), zones=ZONES, _plans=_PLANS)
        return tuple(v for v in checker.judge(file) if v.contact_id == about and not v.late)

    def _count(self, verdict: Verdict) -> None:
        self.tally.effects[verdict.effect] += 1
        self.tally.rules.update(verdict.rules)

    def _compare(
        self,
        proposed: raw.Contact | raw.Placement,
        action: Action,
        now: raw.Instant,
        verdict: Verdict,
        violations: tuple[findings.Violation, ...],
    ) -> None:
        self.tally.checked.update(v.rule for v in violations)
        if (verdict.effect is Effect.ALLOW) != bool(violations):
            return
        if verdict.effect is Effect.ALLOW:
            self.disagreements.append(Disagreement(proposed, verdict, violations))
        elif _all_unseen(verdict.findings, action):
            self.tally.unseen += 1
        elif self._nothing_against(action, now, self.law):
            self.tally.at_once += 1
        else:
            self.disagreements.append(Disagreement(proposed, verdict, violations))

    def _nothing_against(self, action: Action, now: raw.Instant, law: Sequence[Regime]) -> bool:
        """Whether, of what came at the very instant either first or last, some order leaves nothing against it that a row would show."""
        return any(_all_unseen(self._judged(now, action, law, at_once=first).findings, action) for first in (False, True))

    def _judged(self, now: raw.Instant, action: Action, law: Sequence[Regime], *, at_once: bool) -> Verdict:
        situation = self.rows.known_at(now, action, at_once=at_once)
        return judge(situation if self.sees is None else self.sees(situation), law)

    def _contact(self, now: raw.Instant, wanted: Wanted | None) -> tuple[raw.Contact, raw.Approval | None]:
        luck, file = self.luck, self.rows.file
        loan_id, person_id, channel, purpose, outcome, kind = wanted or self._any_contact()
        points = [p for p in file.points.values() if p.person_id == person_id and p.kind in ((kind,) if kind else KINDS[channel])]
        text = luck.choice(TEXTS) if wanted is None and luck.random() < 0.1 else None
        digest = HASH if text is None else hashlib.sha256(text.encode()).hexdigest()
        contact_id = f"{loan_id}.1/{self.tally.contacts}"
        known = now + luck.choice((5, 90, 4000)) * raw.SECOND + 3
        approval = (
            self._approval(contact_id, loan_id, {person_id: digest}, purpose, "", now)
            if person_id != "P-0" or luck.random() < 0.05
            else None
        )
        contact = raw.Contact(
            contact_id=contact_id,
            loan_id=loan_id,
            person_id=person_id,
            channel=channel,
            at=now,
            outcome=outcome,
            known_at=known if outcome else None,
            case_id=f"{loan_id}.1",
            point_id=luck.choice(points).point_id if points and luck.random() < 0.98 else None,
            purpose=purpose,
            klass=CLASS_OF[purpose]
            if wanted is not None or luck.random() < 0.95
            else luck.choice(("collect", "limited_content", "will_remedy")),
            notice=luck.choice(NOTICES) if purpose == "notice" else None,
            reserved_at=now,
            sent_at=now,
            approval_id=None if approval is None else approval.approval_id,
            content_hash=digest,
            artificial_voice=channel == "call" and wanted is None and luck.random() < 0.15,
            text=text,
        )
        return contact, approval

    def _any_contact(self) -> Wanted:
        luck, file = self.luck, self.rows.file
        loan_id = luck.choice(tuple(file.loans))
        person_id = luck.choice(["P-0", "P-0", "P-0", *[t.person_id for t in file.ties if t.loan_id == loan_id]])
        channel = luck.choice(("call", "call", "call", "sms", "sms", "email", "in_app", "visit"))
        others = ("relay", "relay", "locate", "locate", "collect", "collect", "notice", "reply", "confirm_opt_out", "terminate")
        purpose = luck.choice(("collect", "collect", "collect", *CLASS_OF) if person_id == "P-0" else others)
        outcome = luck.choice(CALLED if channel in ("call", "visit") else SENT)
        if person_id != "P-0" and outcome and outcome.startswith("answered"):
            outcome = luck.choice(("relayed", "relayed", "relative_refused"))
        return Wanted(loan_id, person_id, channel, purpose, outcome)

    def _approval(
        self, key: str, loan_id: str, contents: dict[str, str], purpose: str | None, step: str, now: raw.Instant, role: str = "supervisor"
    ) -> raw.Approval | None:
        """Most often an approval as it should be; else one with a flaw, or none."""
        luck = self.luck
        if luck.random() < 0.1:
            return None
        asked = now - luck.choice((2, 30, 160)) * raw.HOUR - 3
        approval = raw.Approval(
            approval_id=f"A/{key}",
            case_id=f"{loan_id}.1",
            state="approved",
            role=role,
            requested_by="system",
            asked_at=asked,
            deadline=asked + 2 * raw.DAY,
            step=step,
            purpose=purpose,
            decided_by="op-1" if role == "supervisor" else "op-2",
            decided_at=asked + raw.HOUR,
            contents=contents,
        )
        flaws: tuple[dict[str, object], ...] = (
            {"state": "denied"},
            {"requested_by": approval.decided_by},
            {"case_id": "L-9.1"},
            {"purpose": "locate" if purpose != "locate" else "relay", "step": "another"},
            {"contents": {}, "step": "another"},
            {"contents": dict.fromkeys(contents, "b" * 64), "step": "another"},
            {"decided_at": asked - 7 * raw.DAY, "asked_at": asked - 8 * raw.DAY, "deadline": asked},
            {"void_at": now - 1},
        )
        return approval._replace(**luck.choice(flaws)) if luck.random() < 0.15 else approval

    def read_all(self) -> None:
        """What left, read once more as a whole: nothing that came later may make it unlawful by what was known then."""
        file = self.rows.file
        ours: dict[str, raw.Contact | raw.Placement] = {c.contact_id: c for c in file.contacts if not c.reported}
        ours |= {p.placement_id: p for p in file.placements if p.step}
        for violation in Judge(self.rows.book, zones=ZONES, _plans=_PLANS).judge(file):
            if violation.contact_id in ours and not violation.late:
                self.disagreements.append(Disagreement(ours[violation.contact_id], Verdict(effect=Effect.ALLOW), (violation,)))


def _same_wait(verdicts: Sequence[Verdict], violations: tuple[findings.Violation, ...]) -> bool:
    """Whether both say that a handover only has to wait, and until when; or both that waiting does not help.

    ``verdicts`` are those before and after all that came at that very instant. Of several things that did, the checker may take some for known and
    others not; then each of its waits must be that of the same rule in the core.
    """
    waits = [v.lawful_from for v in violations if v.lawful_from is not None]
    if any(_waits_so_long(verdict, waits, len(violations)) for verdict in verdicts):
        return True
    ours = {(f.rule, f.until) for verdict in verdicts for f in verdict.findings}
    mixed = verdicts[0] != verdicts[1]
    return mixed and all((v.rule, None if v.lawful_from is None else raw.moment(v.lawful_from)) in ours for v in violations)


def _waits_so_long(verdict: Verdict, waits: Sequence[raw.Instant], objections: int) -> bool:
    if verdict.effect is not Effect.DEFER:
        return len(waits) < objections
    return len(waits) == objections and verdict.until == raw.moment(max(waits))


def _all_unseen(findings: Sequence[Finding], action: Action) -> bool:
    """Whether nothing stands against an action but what no row shows; everything that is asked of a handover here stands in rows."""
    against = [f for f in findings if f.effect is not Effect.ALLOW]
    if isinstance(action, ReferralAction):
        return not against
    return all(f.source in UNSEEN and f.rule not in _READ_BY_BOTH for f in against)


def _referral(placement: raw.Placement) -> ReferralAction:
    return ReferralAction.model_validate(
        {
            "kind": "referral",
            "action_id": placement.placement_id,
            "to": placement.target,
            "loan": placement.loan_id,
            "agency": placement.agency,
            "case_id": placement.case_id,
            "step": placement.step,
            "approval": placement.approval_id,
        }
    )


def _action(contact: raw.Contact) -> ContactAction:
    message = {
        "class": contact.klass,
        "content_hash": contact.content_hash,
        "notice": contact.notice,
        "text": contact.text,
        "blocks": None if contact.text is None else BLOCKS,
    }
    return ContactAction.model_validate(
        {
            "action_id": contact.contact_id,
            "case_id": contact.case_id,
            "channel": contact.channel,
            "loan": contact.loan_id,
            "recipient": contact.person_id,
            "purpose": contact.purpose,
            "contact_point": contact.point_id,
            "message": message,
            "approval": contact.approval_id,
            "artificial_voice": contact.artificial_voice,
            "staff": 2 if contact.channel == "visit" else None,
        }
    )
