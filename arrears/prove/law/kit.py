"""Questions that the law of several places asks with numbers of its own."""

from __future__ import annotations

from collections.abc import Container, Sequence

from arrears.prove import words
from arrears.prove.model import Contact
from arrears.prove.sending import Breach, LocalTime, Sending
from arrears.prove.zones import weekday

H = 3600


def clock(second: int) -> str:
    """A second of the day as people read it."""
    return f"{second // H:02}:{second // 60 % 60:02}:{second % 60:02}"


def at_home(s: Sending) -> Sequence[LocalTime]:
    """The clock where the person lives, if that is known."""
    return s.clocks[:1] if s.day is not None else ()


def outside_hours(
    s: Sending, starts: int, ends: int, clocks: Sequence[LocalTime], *, agreed: bool = True, closed: Container[int] = ()
) -> Breach | None:
    """Whether it left outside ``[starts, ends)`` of the local day by one of the clocks, or on a weekday that is closed.

    ``agreed``: hours that the person agreed to are hours too, on open days. Without a known zone no hour is known to be allowed.
    """
    if s.contact.day_only:
        s.cannot("hours", "time of day not known")
        return None
    if not clocks and "zones" in s.unknown:
        s.cannot("hours", "time zone not known")
        return None
    if not clocks:
        return Breach("time zone not known", _hours(starts, ends), "it left although nobody knew what time it was there")
    for _, day, second in clocks:
        if weekday(day) not in closed and (starts <= second < ends or (agreed and _agreed(s, second))):
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
