"""The record itself: whatever left was judged first, took its slot first, and says so."""

from __future__ import annotations

from arrears.prove.law.rule import law
from arrears.prove.model import HOUR, Verdict
from arrears.prove.sending import Breach, Sending

FRESH = HOUR
"""So long a verdict may wait for its contact to leave. In our own record it is the same instant."""


def last_verdict(verdicts: list[Verdict] | None, at: int) -> Verdict | None:
    """The latest verdict that was written by then."""
    best: Verdict | None = None
    for verdict in verdicts or ():
        if verdict.decided_at <= at and (best is None or verdict.decided_at >= best.decided_at):
            best = verdict
    return best


@law("PR-01", reported=False)
def a_verdict_before_it_left(s: Sending) -> Breach | None:
    """Every contact that left was judged before it left."""
    if "verdicts" in s.unknown:
        s.cannot("PR-01", "verdicts not known")
        return None
    verdicts = s.debtor.verdicts.get(s.contact.contact_id)
    if not verdicts:
        return Breach("no verdict", "a verdict before it left", "it left without ever being judged")
    if last_verdict(verdicts, s.at) is None:
        return Breach("judged afterwards", "a verdict before it left", "it was judged only after it had left")
    return None


@law("PR-02", reported=False)
def the_verdict_allowed_it(s: Sending) -> Breach | None:
    """The last verdict before a contact left allowed it."""
    verdict = last_verdict(s.debtor.verdicts.get(s.contact.contact_id), s.at)
    if verdict is None or verdict.effect == "allow":
        return None
    return Breach(f"verdict: {verdict.effect}", "verdict: allow", "it left against the verdict on it")


@law("PR-03", reported=False)
def the_verdict_was_on_this(s: Sending) -> Breach | None:
    """The verdict names the person, the case and the approval of the contact that left."""
    verdict = last_verdict(s.debtor.verdicts.get(s.contact.contact_id), s.at)
    if verdict is None:
        return None
    contact = s.contact
    if verdict.case_id != contact.case_id:
        return Breach("a verdict on another case", "a verdict on this contact", "the verdict is on another case")
    if verdict.person_id is not None and verdict.person_id != contact.person_id:
        return Breach("a verdict on another person", "a verdict on this contact", "the verdict is on another person")
    if verdict.approval_id != contact.approval_id:
        return Breach("a verdict with another approval", "a verdict on this contact", "the verdict rests on another approval")
    return None


@law("PR-05", reported=False)
def the_verdict_was_fresh(s: Sending) -> Breach | None:
    """A contact leaves at the instant at which it was judged, or soon after: not hours later, when everything may be different."""
    verdict = last_verdict(s.debtor.verdicts.get(s.contact.contact_id), s.at)
    if verdict is None or s.at - verdict.decided_at <= FRESH:
        return None
    return Breach("judged more than an hour before", "1 hour", "the verdict was old when it left")


@law("PR-06", reported=False)
def a_key_of_its_own(s: Sending) -> Breach | None:
    """Every contact has a key of its own: what left twice under one key is two contacts, and one of them was never judged."""
    if s.contact.contact_id not in s.debtor.left:
        return None
    return Breach("a second one of this key", "1", "another contact has the same key")


@law("PR-04", reported=False)
def a_slot_before_it_left(s: Sending) -> Breach | None:
    """No contact without a slot reserved before, and none of which nobody wrote down that it left."""
    if "reserves" in s.unknown:
        s.cannot("PR-04", "reserved slots not known")
        return None
    contact = s.contact
    if contact.reserved_at is None or (contact.sent_at is not None and contact.reserved_at > contact.sent_at):
        return Breach("no slot reserved before", "a slot before it left", "it left without a slot reserved for it")
    if contact.sent_at is None:
        return Breach("no instant of sending", "an instant of sending", "it has an outcome, and nobody wrote down when it left")
    return None
