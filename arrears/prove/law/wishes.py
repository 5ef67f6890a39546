"""What people asked for: not at all, not by this medium, not at this address, not in these hours. Every law heeds it, under clauses of its own."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.law.kit import clock, within
from arrears.prove.law.rule import law
from arrears.prove.sending import Breach, Sending

_NONE = "no contact against a person's wish"


def _unwanted(s: Sending, may: frozenset[str] = words.CONFIRMS | {"reply"}) -> Breach | None:
    """Whether the person, as far as known, wanted no contact, none by this medium or none at this address; what is for ``may`` may leave."""
    contact = s.contact
    if contact.purpose in may:
        return None
    if s.person.opted_out_at is not None and s.person.opted_out_at < s.at:
        return Breach("opted out of all contact", _NONE, "it left although the person wanted no contact at all")
    if next(s.wishes("no_contact"), None) is not None:
        return Breach("wants no contact", _NONE, "it left although the person wanted no contact at all")
    if any(wish.channel == contact.channel for wish in s.wishes("no_medium")):
        return Breach(f"wants no {contact.channel}", _NONE, "it left by a medium that the person does not want")
    if s.point is not None:
        out = s.point.opted_out_at
        if out is not None and out < s.at:
            return Breach("opted out at this address", _NONE, "it left to an address where the person wants nothing")
        if any(wish.point_id == s.point.point_id for wish in s.wishes("no_address")):
            return Breach("wants nothing at this address", _NONE, "it left to an address where the person wants nothing")
    return _said_stop(s)


def _said_stop(s: Sending) -> Breach | None:
    """An opt-out that came back as the outcome of a message and that no withdrawn wish takes back."""
    contact = s.contact
    for past in reversed(s.debtor.refusals.get(contact.person_id, ())):
        if past.channel == contact.channel and s.outcome(past) in words.OPTED_OUT:
            taken_back = any(
                wish.withdrawn_at is not None and past.at <= wish.withdrawn_at < s.at for wish in s.debtor.wishes.get(contact.person_id, ())
            )
            return None if taken_back else Breach(f"opted out of {contact.channel}", _NONE, "it left after the person had opted out")
    return None


def _unsuitable_hour(s: Sending) -> Breach | None:
    for wish in s.wishes("no_hours"):
        if wish.starts is not None and wish.ends is not None and s.day is not None and within(s.second, wish.starts, wish.ends):
            limit = f"not {clock(wish.starts)}–{clock(wish.ends)} local"
            return Breach(f"{clock(s.second)} local", limit, "it left at an hour that the person said does not suit")
    return None


@law("CN-16", words.CN)
def peace_in_china(s: Sending) -> Breach | None:
    """Nobody's private peace is disturbed by calls or messages that they do not want. Civil Code art. 1032, 1033(1)."""
    return _unwanted(s, words.CONFIRMS) or _unsuitable_hour(s)


@law("US-16", words.US)
def medium_in_america(s: Sending) -> Breach | None:
    """A person who asked not to be contacted, or not by a medium, is not; a few notices of the law excepted. 12 CFR 1006.14(h), 1006.6(c)."""
    return _unwanted(s, words.CONFIRMS | words.FAREWELLS | words.NOTICES | {"reply"})


@law("US-11", words.US)
def hours_in_america(s: Sending) -> Breach | None:
    """No contact at a time known to be inconvenient to this person. 12 CFR 1006.6(b)(1)."""
    return _unsuitable_hour(s)


@law("UK-01", words.UK)
def requests_in_britain(s: Sending) -> Breach | None:
    """Reasonable requests on when, where and how to be contacted are heeded. CONC 7.9.4R."""
    return _unwanted(s) or _unsuitable_hour(s)


@law("IN-02", words.INDIA)
def wishes_in_india(s: Sending) -> Breach | None:
    """No intrusion on privacy and no persistent calling against a person's wish. RBI circular of 12 Aug 2022."""
    return _unwanted(s) or _unsuitable_hour(s)


@law("EU-03", words.EU)
def objection_in_europe(s: Sending) -> Breach | None:
    """A person may object to a processing of their data, such as being contacted by a medium. GDPR art. 18, 21."""
    return _unwanted(s) or _unsuitable_hour(s)
