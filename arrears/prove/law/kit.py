"""Questions that the law of several places asks with numbers of its own."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from arrears.prove import words
from arrears.prove.limits import Window
from arrears.prove.model import Contact
from arrears.prove.sending import Breach, LocalTime, Sending
from arrears.prove.zones import weekday


def clock(second: int) -> str:
    """A second of the day as people read it."""
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def per_cent(cost: int) -> str:
    """An annual cost as people read it."""
    return f"{cost / 10_000:g} % a year"


def at_home(s: Sending) -> Sequence[LocalTime]:
    """The clock where the person lives, if that is known."""
    return s.clocks[:1] if s.day is not None else ()


class Hours(NamedTuple):
    """Hours of the local day, half-open, on some days of the week, for what leaves by some channels."""

    window: Window
    weekdays: Container[int]
    channels: Container[str]


def outside_hours(s: Sending, hours: Hours, clocks: Sequence[LocalTime], *, agreed: bool = True) -> Breach | None:
    """Whether it left outside the hours of the local day by one of the clocks, or on a weekday that is closed.

    ``agreed``: hours that the person agreed to are hours too, on open days. Without a known zone no hour is known to be allowed. Of a letter that
    somebody else reports the hour says nothing.
    """
    contact, (starts, ends) = s.contact, hours.window
    if contact.channel not in hours.channels or (contact.reported and contact.channel == "letter"):
        return None
    if s.contact.day_only:
        s.cannot("hours", "time of day not known")
        return None
    if not clocks and "zones" in s.unknown:
        s.cannot("hours", "time zone not known")
        return None
    if not clocks:
        return Breach("time zone not known", _hours(starts, ends), "it left although nobody knew what time it was there")
    for _, day, second in clocks:
        if weekday(day) in hours.weekdays and (starts <= second < ends or (agreed and _agreed(s, second))):
            continue
        return Breach(f"{clock(second)} local", _hours(starts, ends), "it left outside the permitted hours")
    return None


def _hours(starts: int, ends: int) -> str:
    return f"{clock(starts)}–{clock(ends)} local"


def _agreed(s: Sending, second: int) -> bool:
    for consent in s.debtor.consents.get(s.contact.person_id, ()):
        if consent.kind != "hours" or consent.starts is None or consent.ends is None:
            continue
        if s.debtor.stands(consent, s.at, s.contact.channel) and within(second, consent.starts, consent.ends):
            return True
    return False


def within(second: int, starts: int, ends: int) -> bool:
    """Whether a second lies in a half-open span of the day, which may reach over midnight."""
    return starts <= second < ends if starts <= ends else second >= starts or second < ends


def may_be(s: Sending, contact: Contact, outcomes: Container[str | None]) -> bool:
    """Whether an earlier contact had, or may have had, one of these outcomes: what is on its way may turn out either way."""
    outcome = s.outcome(contact)
    return outcome in words.UNSURE or outcome in outcomes


def counts_out(contact: Contact) -> bool:
    """Whether a contact was, or may have been, begun by the lender's side."""
    return contact.direction != "in"
