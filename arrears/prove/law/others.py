"""People who owe nothing: when they may be asked anything at all, and how little they may be told. The law of each place draws on this."""

from __future__ import annotations

from collections.abc import Container, Iterator

from arrears.prove import words
from arrears.prove.debtor import known
from arrears.prove.model import Contact, Instant
from arrears.prove.sending import Breach, Sending


def contact_is_lost(s: Sending) -> Breach | None:
    """Nothing if the borrower could not be reached, as far as was known: every number invalid, or the last attempts failed one after another.

    An answer, a payment, a promise or an attempt whose outcome nobody knows begins the count anew; the failures lie on different local days.
    """
    debtor, file = s.debtor, s.debtor.file
    numbers = [p for p in debtor.points_of(s.loan.borrower_id) if p.kind in words.PHONES]
    if numbers and all(p.invalid_since is not None and p.invalid_since <= s.at for p in numbers):
        return None
    signs = (sign.at for sign in file.signs if sign.known_at < s.at)
    reached = max((*_paid(s), *signs, *_heard_from(s)), default=None)
    failures, days = 0, set[int | None]()
    latest: Instant | None = None
    for day, call in reversed(debtor.calls[s.loan.borrower_id]):
        if not _counts(s, call):
            continue
        if s.outcome(call) not in words.MISSED:
            if latest == call.at:  # of two at one instant nobody knows which came last
                return _in_reach(s, 0, 0)
            break
        if reached is not None and call.at <= reached:
            break
        failures += 1
        days.add(day)
        latest = call.at
    days.discard(None)
    wanted, on = _lost_after(s)
    return None if failures >= wanted and len(days) >= on else _in_reach(s, failures, len(days))


def _lost_after(s: Sending) -> tuple[int, int]:
    """After how many failures in a row, on how many days, contact is lost."""
    own = s.limits
    return max(own.cn_10_failures, own.cn_11_failures), max(own.cn_10_on_days, own.cn_11_on_days)


def _in_reach(s: Sending, failures: int, days: int) -> Breach:
    wanted, on = _lost_after(s)
    limit = f"{wanted} failures in a row on {on} days, or every number invalid"
    return Breach(
        f"{failures} failures in a row on {days} days", limit, "somebody else was contacted although the borrower was not out of reach"
    )


def _paid(s: Sending) -> list[Instant]:
    return [p.received_at for p in s.debtor.file.payments if p.recorded_at < s.at]


def _heard_from(s: Sending) -> Iterator[Instant]:
    """When the borrower called or wrote to us, said stop, or was, or may have been, met in person, as far as known."""
    borrower = s.loan.borrower_id
    for met in (s.debtor.calls, s.debtor.messages, s.debtor.visits):
        for _, past in met[borrower]:
            outcome = s.outcome(past)
            from_them = past.direction == "in" and outcome not in words.MISSED
            in_person = past.channel == "visit" and outcome in words.UNSURE
            if known(past, s.at) and (from_them or in_person or outcome in words.ANSWERED or outcome in words.OPTED_OUT):
                yield past.at


def _counts(s: Sending, call: Contact) -> bool:
    """Whether a call to the borrower says anything: one that was never connected for a fault of the gateway does not."""
    if not known(call, s.at) or call.direction == "in":
        return False
    outcome = s.outcome(call)
    return outcome != "failed" and outcome not in words.NEVER_LEFT


def told_of_the_debt(s: Sending, rule: str, silent: Container[str] = words.SILENT_CLASSES) -> Breach | None:
    """Whether the words were of a class that speaks of a debt, or do speak of one."""
    contact, wanted = s.contact, "locate_only"
    if contact.klass is None:
        s.cannot(rule, "class of the message not known")
    elif contact.klass not in silent:
        return Breach(f"a message of class {contact.klass}", wanted, "somebody else got a message that may speak of the debt")
    if contact.text is None:
        s.cannot(rule, "text not readable")
    elif words.DEBT_FACT.search(contact.text) is not None:
        return Breach("a fact of the debt in the text", "none", "the text tells somebody else of the debt")
    return None


def refused(s: Sending) -> bool:
    """Whether this person had said, about whichever loan and on whichever number, that they want no contact."""
    person_id = s.contact.person_id
    at = s.debtor.refused.get(person_id)
    if at is not None and at < s.at:
        return True
    return any(s.outcome(past) in words.REFUSED for past in s.debtor.refusals.get(person_id, ()))
