"""The rules of contact, one class a rule: its parameters are the fields, its clause is the docstring, ``judge`` is the rule.

A regime file lists rules by their ``check`` and gives each its id, its clause and its numbers, so that one rule serves the law of several places.
``judge`` answers with a finding if the rule stands against the contact at an instant, else with nothing. It is pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from arrears.domain.calendar import ONE_DAY, Window, local_date, local_instant
from arrears.domain.facts import Facts, Grant, Past, Relation
from arrears.domain.message import MessageClass
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, LOST_AFTER_FAILURES, NOT_MADE, UNREACHED, Outcome
from arrears.domain.strategy import Channel, Role
from arrears.domain.verdict import Effect, Finding, RuleId

_MIDNIGHT = time(0)
_UNTIL_MENDED = timedelta(hours=1)


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: RuleId
    clause: str = ""

    def _deny(self, observed: object, limit: object, facts: Iterable[str] = ()) -> Finding:
        return Finding(rule=self.rule, effect=Effect.DENY, observed=str(observed), limit=str(limit), facts=tuple(facts))

    def _defer(self, observed: object, limit: object, until: datetime) -> Finding:
        return Finding(rule=self.rule, effect=Effect.DEFER, observed=str(observed), limit=str(limit), until=until)


class MoneyOwed(_Rule):
    """Ours: nobody is contacted about a debt that is not overdue at this very moment."""

    check: Literal["money_owed"] = "money_owed"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        if facts.owed is None:
            return self._deny("what is owed is not known", "more than 0")
        return None if facts.owed.amount > 0 else self._deny(f"{facts.owed.amount:f} {facts.owed.currency} overdue", "more than 0")


class HumanApproval(_Rule):
    """Ours: nobody but the borrower is contacted without a human's yes to this person, this purpose and these words, not too long ago."""

    check: Literal["human_approval"] = "human_approval"
    role: Role = Role.SUPERVISOR
    lasts_days: PositiveInt = 7

    def judge(self, facts: Facts, now: datetime) -> Finding | None:
        if facts.recipient.relation is Relation.BORROWER:
            return None
        if facts.grant is None:
            return Finding(rule=self.rule, effect=Effect.NEEDS_APPROVAL, observed="no approval", limit="an approval", role=self.role)
        wrong = self._wrong(facts, now)
        return self._deny(f"{facts.grant.approval_id}: {wrong}", "an approval of this contact") if wrong else None

    def _wrong(self, facts: Facts, now: datetime) -> str | None:
        grant, proposal = facts.grant, facts.proposal
        if grant is None:
            return "missing"
        if (why := not_standing(grant, proposal.case_id, now, self.lasts_days)) is not None:
            return why
        if facts.recipient.person_id not in grant.contents:
            return "it does not name this person"
        if grant.purpose is not proposal.purpose:
            return "it is for another purpose"
        if grant.contents[facts.recipient.person_id] != proposal.content_hash:
            return "it is for another text"
        return None


def not_standing(grant: Grant, case_id: str, now: datetime, lasts_days: int) -> str | None:
    """Why an approval is none, whatever it is for; ``None`` if it stands."""
    if grant.state != "approved" or grant.decided_at is None:
        return f"it is {grant.state}"
    if grant.case_id != case_id:
        return "it is for another case"
    return f"it is older than {lasts_days} days" if now >= grant.decided_at + timedelta(days=lasts_days) else None


class UsablePoint(_Rule):
    """Ours: there is a valid number, address or account of the recipient for this channel."""

    check: Literal["usable_point"] = "usable_point"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        if facts.point is None:
            return self._deny(f"no contact point for {facts.proposal.channel}", "a valid contact point")
        return self._deny("the contact point is invalid", "a valid contact point") if facts.point.invalid else None


class NoHold(_Rule):
    """Ours: a hold outranks everything; while one is in force nothing is sent."""

    check: Literal["no_hold"] = "no_hold"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        reasons = ", ".join(hold.reason for hold in facts.holds)
        return self._deny(f"held: {reasons}", "no hold in force", (hold.hold_id for hold in facts.holds)) if facts.holds else None


class PaymentsHeard(_Rule):
    """Ours: a payment that the case has not heard of may change its plan, so the case hears of it first and then decides anew."""

    check: Literal["payments_heard"] = "payments_heard"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        return self._deny(f"{len(facts.unheard)} payments not heard of", "none", facts.unheard) if facts.unheard else None


class TextWritten(_Rule):
    """Ours: the text can be written from what is known; half a text is never sent."""

    check: Literal["text_written"] = "text_written"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        missing = facts.proposal.content_hash is None
        return self._deny(f"the message {facts.proposal.message} cannot be written", "a text") if missing else None


class CaseOpen(_Rule):
    """Ours: nothing is sent for a case that has ended, whoever still believes that it runs."""

    check: Literal["case_open"] = "case_open"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        return None if facts.case_open else self._deny("the case has ended", "an open case")


class LawUnreadable(_Rule):
    """Ours: while the law's file cannot be read, every contact waits."""

    check: Literal["law_unreadable"] = "law_unreadable"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        return self._defer("the regime cannot be read", "a regime", now + _UNTIL_MENDED)


class QuietHours(_Rule):
    """Contact is made in certain hours of the recipient's local day only, judged by its start; an unknown zone denies."""

    check: Literal["quiet_hours"] = "quiet_hours"
    window: Window
    channels: frozenset[Channel] = frozenset(Channel)

    def judge(self, facts: Facts, now: datetime) -> Finding | None:
        if facts.proposal.channel not in self.channels:
            return None
        zone = facts.recipient.zone
        limit = f"{self.window.start:%H:%M}–{self.window.end:%H:%M} local"
        if zone is None:
            return self._deny("the recipient's time zone is not known", limit)
        opens = self.window.opens(now, zone)
        return None if opens == now else self._defer(f"{now.isoformat()} in {zone}", limit, opens)


class Cap(_Rule):
    """At most so many contacts of a kind in one local day of the recipient, over all loans and all senders. What may have been made counts.

    ``effective``: somebody was spoken to. ``unanswered``: dialled and not reached. ``made``: left the house at all.
    """

    check: Literal["cap"] = "cap"
    channel: Channel
    counts: Literal["effective", "unanswered", "made"]
    per: Literal["person", "contact_point"] = "person"
    most: NonNegativeInt

    def judge(self, facts: Facts, now: datetime) -> Finding | None:
        if facts.proposal.channel is not self.channel:
            return None
        zone = facts.recipient.zone
        limit = f"{self.most} {self.counts} by {self.channel} a day and {self.per}"
        if zone is None:
            return self._deny("the recipient's time zone is not known", limit)
        today = local_date(now, zone)
        count = sum(self._counts(past, facts) and local_date(past.at, zone) == today for past in facts.history)
        return None if count < self.most else self._defer(count, limit, local_instant(today + ONE_DAY, _MIDNIGHT, zone))

    def _counts(self, past: Past, facts: Facts) -> bool:
        if past.channel is not self.channel:
            return False
        if self.per == "contact_point" and (facts.point is None or past.contact_point_id != facts.point.contact_point_id):
            return False
        if past.outcome is None or past.outcome is Outcome.UNKNOWN:
            return True
        match self.counts:
            case "effective":
                return past.outcome in ANSWERED | {Outcome.RELAYED, Outcome.RELATIVE_REFUSED}
            case "unanswered":
                return past.outcome in UNREACHED | {Outcome.FAILED}
            case "made":
                return past.outcome not in NOT_MADE


class CollectFromDebtors(_Rule):
    """Money is asked for from those who owe it, and from nobody else."""

    check: Literal["collect_from_debtors"] = "collect_from_debtors"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        wrong = facts.proposal.purpose is Purpose.COLLECT and not facts.liable
        return self._deny(f"to collect from a {facts.recipient.relation}", "borrower, joint debtor or guarantor") if wrong else None


class LiabilityShown(_Rule):
    """A guarantor or joint debtor is asked for money only where a paper shows that they are liable."""

    check: Literal["liability_shown"] = "liability_shown"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        relation = facts.recipient.relation
        shown = relation is Relation.BORROWER or not facts.liable or facts.recipient.evidence
        return None if shown else self._deny(f"no evidence that the {relation} is liable", "evidence of liability")


class OnlyIfContactIsLost(_Rule):
    """Others may be asked only when the debtor cannot be reached: every number is invalid, or the last attempts failed one after another.

    An answer, a payment or a promise begins the count anew, and so does an attempt of which nobody knows how it went. The failures lie on different local days.
    """

    check: Literal["only_if_contact_is_lost"] = "only_if_contact_is_lost"
    failures: PositiveInt = LOST_AFTER_FAILURES
    on_days: PositiveInt = 1

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        if facts.liable:
            return None
        reach = facts.reach
        if reach.numbers and not any(reach.numbers):
            return None
        failed = [f for f in _failures_in_a_row(reach.calls) if reach.last_sign_at is None or f.at > reach.last_sign_at]
        days: set[date] = {local_date(f.at, reach.zone) for f in failed} if reach.zone else set()
        if len(failed) >= self.failures and len(days) >= self.on_days:
            return None
        limit = f"{self.failures} on {self.on_days} days, or every number invalid"
        return self._deny(f"{len(failed)} failed attempts in a row on {len(days)} days", limit)


def _failures_in_a_row(calls: Iterable[Past]) -> list[Past]:
    """The last calls that did not reach the borrower. One that the gateway never placed says nothing either way."""
    failed: list[Past] = []
    for call in sorted(calls, key=lambda c: c.at, reverse=True):
        if call.outcome is Outcome.FAILED or call.outcome in NOT_MADE:
            continue
        if call.outcome not in UNREACHED:
            break
        failed.append(call)
    return failed


class NothingAboutTheDebt(_Rule):
    """Others are asked to pass a message on, or where the debtor is; they are told nothing about the debt."""

    check: Literal["nothing_about_the_debt"] = "nothing_about_the_debt"
    classes: frozenset[MessageClass] = frozenset({MessageClass.LOCATE_ONLY})

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        klass = facts.proposal.message_class
        silent = facts.liable or klass in self.classes
        return None if silent else self._deny(f"a message of class {klass or 'unknown'}", ", ".join(sorted(self.classes)))


class RefusalIsFinal(_Rule):
    """Who once refused to be contacted about somebody else's loan is never contacted again, on no number and for no loan."""

    check: Literal["refusal_is_final"] = "refusal_is_final"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        refused = facts.recipient.refused and facts.recipient.relation is not Relation.BORROWER
        return self._deny("this person refused", "no contact after a refusal") if refused else None


class OptOut(_Rule):
    """A channel that the recipient does not want is not used; who wants no contact at all gets none."""

    check: Literal["opt_out"] = "opt_out"

    def judge(self, facts: Facts, now: datetime) -> Finding | None:  # noqa: ARG002
        if facts.recipient.opted_out:
            return self._deny("the recipient opted out of all contact", "no opt-out")
        opted_out = facts.point is not None and facts.point.opted_out
        return self._deny(f"the recipient opted out of this {facts.proposal.channel} contact point", "no opt-out") if opted_out else None


class NoMinors(_Rule):
    """Nobody who is known to be younger than this is contacted."""

    check: Literal["no_minors"] = "no_minors"
    younger_than: PositiveInt

    def judge(self, facts: Facts, now: datetime) -> Finding | None:
        born, zone = facts.recipient.birth_date, facts.recipient.zone
        if born is None:
            return None
        limit = f"{self.younger_than} years"
        if zone is None:
            return self._deny("the recipient's time zone is not known", limit)
        today = local_date(now, zone)
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        return self._deny(f"{age} years", limit) if age < self.younger_than else None


Rule = Annotated[
    QuietHours | Cap | CollectFromDebtors | LiabilityShown | OnlyIfContactIsLost | NothingAboutTheDebt | RefusalIsFinal | OptOut | NoMinors,
    Field(discriminator="check"),
]
"""A rule that a regime can list."""

HouseRule = MoneyOwed | HumanApproval | UsablePoint | NoHold | PaymentsHeard | TextWritten | CaseOpen | LawUnreadable

MONEY_OWED = MoneyOwed(rule="AR-01")
HUMAN_APPROVAL = HumanApproval(rule="AR-02")
USABLE_POINT = UsablePoint(rule="AR-03")
NO_HOLD = NoHold(rule="AR-04")
PAYMENTS_HEARD = PaymentsHeard(rule="AR-05")
TEXT_WRITTEN = TextWritten(rule="AR-06")
CASE_OPEN = CaseOpen(rule="AR-08")

HOUSE_RULES: tuple[HouseRule, ...] = (MONEY_OWED, HUMAN_APPROVAL, USABLE_POINT, NO_HOLD, PAYMENTS_HEARD, TEXT_WRITTEN, CASE_OPEN)
"""Our own rules. They hold under every law, and no file can switch them off."""

LAW_UNREADABLE = LawUnreadable(rule="AR-07")
"""Stands in for the rules of a regime that cannot be read."""
