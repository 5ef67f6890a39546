"""What people asked for: not at all, not by this medium, not at this address, not in these hours. Every law heeds it, under clauses of its own.

Who wants no contact may still get what they are owed: the answer to what they asked themselves, a notice that the law requires, and one confirmation of
their wish (``words.OWED_TO_THEM``). China leaves the confirmation only, America a farewell, and after a refused medium one answer in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arrears.prove import words
from arrears.prove.law.holds import about, in_force
from arrears.prove.law.india import indian_clocks
from arrears.prove.law.kit import at_home, clock, counts_out, within
from arrears.prove.law.others import refused
from arrears.prove.law.rule import NOT_THE_BORROWER, law
from arrears.prove.model import Contact, Instant
from arrears.prove.sending import Breach, LocalTime, Sending

_NONE = "no contact against a person's wish"
_ONCE = "one confirmation of it"
_AFTER_A_STOP = words.CONFIRMS | words.NOTICES | {"reply"}
_OWING = frozenset({"borrower", "joint", "guarantor"})
_WRITTEN = frozenset({"sms", "email", "in_app"})

Refusal = tuple[Instant, Breach]


def _at_all(s: Sending) -> Iterator[Refusal]:
    """That the person wants no contact at all."""
    out = s.person.opted_out_at
    if out is not None and out < s.at:
        yield out, Breach("opted out of all contact", _NONE, "it left although the person wanted no contact at all")
    for wish in s.wishes("no_contact"):
        yield wish.at, Breach("wants no contact", _NONE, "it left although the person wanted no contact at all")


def _by_this_medium(s: Sending) -> Iterator[Refusal]:
    """That the person wants nothing by this medium, also if only their answer said so and no withdrawn wish takes it back."""
    medium = s.contact.channel
    for wish in s.wishes("no_medium"):
        if wish.channel == medium:
            yield wish.at, Breach(f"wants no {medium}", _NONE, "it left by a medium that the person does not want")
    stop = _said_stop(s, medium)
    if stop is not None:
        yield stop.at, Breach(f"opted out of {medium}", _NONE, "it left after the person had opted out")


def _said_stop(s: Sending, medium: str) -> Contact | None:
    person_id = s.contact.person_id
    for past in reversed(s.debtor.refusals.get(person_id, ())):
        if past.channel == medium and s.outcome(past) in words.OPTED_OUT:
            back = (wish.withdrawn_at for wish in s.debtor.wishes.get(person_id, ()))
            return None if any(at is not None and past.at <= at <= s.at for at in back) else past
    return None


def _at_this_address(s: Sending) -> Iterator[Refusal]:
    """That the person wants nothing at this number or address."""
    if s.point is None:
        return
    told = Breach("wants nothing at this address", _NONE, "it left to an address where the person wants nothing")
    out = s.point.opted_out_at
    if out is not None and out < s.at:
        yield out, told._replace(observed="opted out at this address")
    yield from ((wish.at, told) for wish in s.wishes("no_address") if wish.point_id == s.point.point_id)


def _unwanted(s: Sending) -> list[Refusal]:
    return [*_at_all(s), *_by_this_medium(s), *_at_this_address(s)]


def _confirmed_before(s: Sending, refusals: Sequence[Refusal]) -> Breach | None:
    """Whether the wish had been confirmed before."""
    since = max(at for at, _ in refusals)
    if any(counts_out(c) and c.purpose in words.CONFIRMS and c.at >= since for c in s.touches()):
        return Breach("confirmed before", _ONCE, "a wish was confirmed more than once")
    return None


def _against_a_wish(s: Sending) -> Breach | None:
    """What a person who wants no contact gets nevertheless, and is not owed."""
    refusals = _unwanted(s)
    if refusals and s.contact.purpose in words.CONFIRMS:
        return _confirmed_before(s, refusals)
    if s.contact.purpose in words.OWED_TO_THEM:
        return None
    if refusals:
        return refusals[0][1]
    if s.role not in _OWING and refused(s):
        return Breach("this person had refused", _NONE, "it left to somebody who had refused")
    return None


def _unsuitable_hour(s: Sending, clocks: Sequence[LocalTime]) -> Breach | None:
    for wish in s.wishes("no_hours"):
        if wish.starts is None or wish.ends is None or s.contact.day_only:
            continue
        limit = f"not {clock(wish.starts)}–{clock(wish.ends)} local"
        if not clocks and "zones" not in s.unknown:
            return Breach("time zone not known", limit, "it left at an hour that the person may have said does not suit")
        for _, _, second in clocks:
            if within(second, wish.starts, wish.ends):
                return Breach(f"{clock(second)} local", limit, "it left at an hour that the person said does not suit")
    return None


@law("CN-16", words.CN)
def peace_in_china(s: Sending) -> Breach | None:
    """Nobody's private peace is disturbed by calls or messages that they do not want; one confirmation of the wish aside. Civil Code art. 1032, 1033(1)."""
    refusals = _unwanted(s)
    if not refusals:
        return _unsuitable_hour(s, at_home(s))
    if s.contact.purpose in words.CONFIRMS:
        return _confirmed_before(s, refusals) or _unsuitable_hour(s, at_home(s))
    return refusals[0][1]


@law("US-16", words.US)
def medium_in_america(s: Sending) -> Breach | None:
    """Nobody is contacted by a medium, or at an electronic address, that they refused; answers and notices aside. 12 CFR 1006.14(h)(1), 1006.6(e)."""
    if s.contact.purpose in _AFTER_A_STOP:
        return None
    refusals = [*_by_this_medium(s), *(_at_this_address(s) if s.contact.channel in _WRITTEN else ())]
    return refusals[0][1] if refusals else None


@law("US-16", words.US, to=NOT_THE_BORROWER)
def a_third_persons_no(s: Sending) -> Breach | None:
    """Any person's request not to be contacted is heeded, not only the consumer's. 12 CFR 1006.14(h)(1)."""
    if s.role in words.CONSUMERS:
        return None
    if refused(s):
        return Breach("this person had refused", "no contact after a refusal", "it left to somebody who had refused")
    return next((breach for _, breach in _at_all(s)), None)


@law("US-17", words.US)
def after_an_opt_out_in_america(s: Sending) -> Breach | None:
    """After an opt-out: one confirmation, one answer once the person uses the medium again, a notice that the law requires. 12 CFR 1006.14(h)(2)."""
    contact = s.contact
    if contact.purpose not in _AFTER_A_STOP:
        return None
    refusals = [*_by_this_medium(s), *(_at_this_address(s) if contact.channel in _WRITTEN else ())]
    if not refusals:
        return None
    since = max(at for at, _ in refusals)
    if contact.purpose in words.NOTICES:
        needed = "a notice that a law requires"
        return None if contact.notice else Breach("a notice of nothing", needed, "it left by a medium that the person does not want")
    by_it = [c for c in s.touches() if c.channel == contact.channel]
    if contact.purpose == "reply":
        wrote = max((c.at for c in by_it if not counts_out(c) and c.at > since), default=None)
        if wrote is None:
            return Breach("nothing to answer", "an answer to them", "it left by a medium that the person does not want")
        since = wrote
    most = s.limits.us_17_most
    if sum(counts_out(c) and c.purpose == contact.purpose and c.at >= since and s.outcome(c) != "failed" for c in by_it) >= most:
        return Breach(f"one {contact.purpose} too many", str(most), "it left by a medium that the person does not want")
    return None


@law("US-20", words.US)
def ceased_in_america(s: Sending) -> Breach | None:
    """Once the consumer wants no more communication there is none, with nobody about them; a farewell aside. 12 CFR 1006.6(c)."""
    if s.role in words.ADVOCATES or (s.contact.purpose in words.FAREWELLS and s.role in words.CONSUMERS):
        return None
    if s.role in words.CONSUMERS and (breach := next((breach for _, breach in _at_all(s)), None)) is not None:
        return breach
    if s.role not in _OWING and next(s.wishes("no_contact", s.loan.borrower_id), None) is not None:
        return Breach("the consumer wants no contact", _NONE, "it left although the person wanted no contact at all")
    return None


@law("US-21", words.US)
def a_farewell_and_no_more(s: Sending) -> Breach | None:
    """After a request to cease, what is still told is told in a message that says that and no more. 12 CFR 1006.6(c)(2)."""
    contact = s.contact
    if contact.purpose not in words.FAREWELLS or contact.klass in (None, contact.purpose) or s.role not in words.CONSUMERS:
        return None
    people = {contact.person_id} if s.role in _OWING else {contact.person_id, s.loan.borrower_id}
    asked = any(next(s.wishes("no_contact", person_id), None) is not None for person_id in people)
    holds = (h for h in s.debtor.file.holds if h.reason == "cease" and about(h, s.debtor.file) in people)
    if not asked and not any(in_force(h, s.at) for h in holds):
        return None
    return Breach(f"a message of class {contact.klass}", contact.purpose, "it said more than may be said after a request to cease")


@law("US-11", words.US)
def hours_and_places_in_america(s: Sending) -> Breach | None:
    """No contact at a time or place known to be inconvenient to this person. 12 CFR 1006.6(b)(1)."""
    if s.contact.channel not in _WRITTEN and (refusals := list(_at_this_address(s))):
        return refusals[0][1]
    return _unsuitable_hour(s, s.clocks)


@law("UK-01", words.UK)
def requests_in_britain(s: Sending) -> Breach | None:
    """Reasonable requests on when, where and how to be contacted are heeded. CONC 7.9.4R."""
    return _against_a_wish(s) or _unsuitable_hour(s, s.clocks)


@law("IN-02", words.INDIA)
def wishes_in_india(s: Sending) -> Breach | None:
    """No intrusion on privacy and no persistent calling against a person's wish. RBI circular of 12 Aug 2022."""
    return _against_a_wish(s) or _unsuitable_hour(s, indian_clocks(s))


@law("EU-03", words.EU)
def objection_in_europe(s: Sending) -> Breach | None:
    """A person may object to a processing of their data, such as being contacted by a medium. GDPR art. 18, 21."""
    return _against_a_wish(s) or _unsuitable_hour(s, s.clocks)
