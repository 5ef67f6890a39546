"""India: the RBI's circular on recovery agents of 12 August 2022, and its directions on microfinance of 14 March 2022."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.law.kit import H, outside_hours
from arrears.prove.law.rule import NOT_LIABLE, law
from arrears.prove.sending import Breach, Sending

OPENS, CLOSES = 8 * H, 19 * H
MICROFINANCE_OPENS, MICROFINANCE_CLOSES = 9 * H, 18 * H
_ANY = words.MESSAGES | {"call", "visit"}


@law("IN-01", words.INDIA, by=_ANY)
def hours(s: Sending) -> Breach | None:
    """No recovery before 8 a.m. or from 7 p.m. on. RBI circular of 12 Aug 2022."""
    return outside_hours(s, OPENS, CLOSES, agreed=False)


@law("IN-02", words.INDIA, to=NOT_LIABLE, debtors=True)
def no_intrusion_on_others(s: Sending) -> Breach | None:
    """No intrusion on the privacy of family, referees and friends: they are not contacted. RBI circular of 12 Aug 2022."""
    if s.contact.purpose in words.CONFIRMS:
        return None
    return Breach(f"to a {s.role}", "nobody but the borrower", "somebody else was contacted about the debt")


@law("IN-04", words.INDIA, by=_ANY)
def microfinance_hours(s: Sending) -> Breach | None:
    """Microfinance loans: no recovery before 9 a.m. or from 6 p.m. on. RBI Directions of 14 Mar 2022."""
    if "microfinance" not in s.loan.product.lower().replace("-", "").replace("_", ""):
        return None
    return outside_hours(s, MICROFINANCE_OPENS, MICROFINANCE_CLOSES, agreed=False)
