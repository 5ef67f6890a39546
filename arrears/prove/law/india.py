"""India: the RBI's circular on recovery agents of 12 August 2022, and its directions on microfinance of 14 March 2022."""

from __future__ import annotations

from collections.abc import Sequence

from arrears.prove import words
from arrears.prove.debtor import known
from arrears.prove.law.kit import Hours, counts_out, outside_hours
from arrears.prove.law.rule import NOT_LIABLE, law
from arrears.prove.model import SECOND
from arrears.prove.sending import Breach, LocalTime, Sending

ZONE = "Asia/Kolkata"
MINUTE = 60 * SECOND
_CALLS = frozenset({"call"})


def indian_clocks(s: Sending) -> Sequence[LocalTime]:
    """India's one clock for whoever lives or has a number there, and every other by which the person may live."""
    if "IN" not in {place.partition("-")[0] for place in s.homes} or any(clock.zone == ZONE for clock in s.clocks):
        return s.clocks
    there = s.zones.local(ZONE, s.at)
    return s.clocks if there is None else [LocalTime(ZONE, *there), *s.clocks]


def _is_microfinance(s: Sending) -> bool:
    return "microfinance" in "".join(char for char in s.loan.product.lower() if char.isalpha())


@law("IN-01", words.INDIA)
def hours(s: Sending) -> Breach | None:
    """No recovery before 8 a.m. or from 7 p.m. on. RBI circular of 12 Aug 2022."""
    own = s.limits
    hours = Hours(own.in_01_window, own.in_01_weekdays, own.in_01_channels)
    return None if _is_microfinance(s) else outside_hours(s, hours, indian_clocks(s), agreed=False)


@law("IN-02", words.INDIA, to=NOT_LIABLE)
def no_intrusion_on_others(s: Sending) -> Breach | None:
    """No intrusion on the privacy of family, referees and friends: they are not contacted. RBI circular of 12 Aug 2022."""
    return Breach(f"to a {s.role}", "nobody but the borrower", "somebody else was contacted about the debt")


@law("IN-02", words.INDIA, by=_CALLS, reported=False)
def no_persistent_calls(s: Sending) -> Breach | None:
    """Calls are no persistence yet if they are three a day at most, two hours apart (ours). RBI circular of 12 Aug 2022."""
    own, calls = s.limits, s.debtor.calls[s.contact.person_id]
    made = 0
    for clock in indian_clocks(s):
        today = (c for _, c in s.past(calls, 1, clock))
        made = max(made, sum(counts_out(c) and s.outcome(c) != "failed" for c in today))
    if made >= own.in_02_most:
        return Breach(f"{made} before it", f"{own.in_02_most} a day", "one call too many on that day")
    apart = own.in_02_gap_minutes
    earlier = (c for _, c in reversed(calls) if counts_out(c) and known(c, s.at) and s.outcome(c) != "failed")
    last = next(earlier, None)
    if last is None or s.at - last.at >= apart * MINUTE:
        return None
    return Breach(f"less than {apart} minutes after the last", f"{apart} minutes", f"it followed another call within {apart} minutes")


@law("IN-04", words.INDIA)
def microfinance_hours(s: Sending) -> Breach | None:
    """Microfinance loans: no recovery before 9 a.m. or from 6 p.m. on. RBI Directions of 14 Mar 2022."""
    own = s.limits
    hours = Hours(own.in_04_window, own.in_04_weekdays, own.in_04_channels)
    return outside_hours(s, hours, indian_clocks(s), agreed=False) if _is_microfinance(s) else None
