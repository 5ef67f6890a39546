"""India: the RBI's circular on recovery agents of 12 August 2022, and its directions on microfinance of 14 March 2022."""

from __future__ import annotations

from collections.abc import Sequence

from arrears.prove import words
from arrears.prove.law.kit import H, outside_hours
from arrears.prove.law.rule import NOT_LIABLE, law
from arrears.prove.sending import Breach, LocalTime, Sending

OPENS, CLOSES = 8 * H, 19 * H
MICROFINANCE_OPENS, MICROFINANCE_CLOSES = 9 * H, 18 * H
ZONE = "Asia/Kolkata"
_ANY = words.MESSAGES | {"call", "visit"}


def indian_clocks(s: Sending) -> Sequence[LocalTime]:
    """India's one clock for whoever lives or has a number there, and every other by which the person may live."""
    if "IN" not in {place.partition("-")[0] for place in s.homes} or any(clock.zone == ZONE for clock in s.clocks):
        return s.clocks
    there = s.zones.local(ZONE, s.at)
    return s.clocks if there is None else [LocalTime(ZONE, *there), *s.clocks]


def _is_microfinance(s: Sending) -> bool:
    return "microfinance" in "".join(char for char in s.loan.product.lower() if char.isalpha())


@law("IN-01", words.INDIA, by=_ANY)
def hours(s: Sending) -> Breach | None:
    """No recovery before 8 a.m. or from 7 p.m. on. RBI circular of 12 Aug 2022."""
    return None if _is_microfinance(s) else outside_hours(s, OPENS, CLOSES, indian_clocks(s), agreed=False)


@law("IN-02", words.INDIA, to=NOT_LIABLE)
def no_intrusion_on_others(s: Sending) -> Breach | None:
    """No intrusion on the privacy of family, referees and friends: they are not contacted. RBI circular of 12 Aug 2022."""
    return Breach(f"to a {s.role}", "nobody but the borrower", "somebody else was contacted about the debt")


@law("IN-04", words.INDIA, by=_ANY)
def microfinance_hours(s: Sending) -> Breach | None:
    """Microfinance loans: no recovery before 9 a.m. or from 6 p.m. on. RBI Directions of 14 Mar 2022."""
    return outside_hours(s, MICROFINANCE_OPENS, MICROFINANCE_CLOSES, indian_clocks(s), agreed=False) if _is_microfinance(s) else None
