"""United Kingdom: the FCA's CONC 7 and the Debt Respite Scheme. What the text leaves open, such as hours, is ours."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.law.kit import H, outside_hours
from arrears.prove.law.others import refused
from arrears.prove.law.rule import NOT_LIABLE, law
from arrears.prove.sending import Breach, Sending

OPENS, CLOSES = 8 * H, 21 * H
_SUNDAY = frozenset({6})


@law("UK-01", words.UK, by=words.MESSAGES | {"call", "visit"})
def reasonable_hours(s: Sending) -> Breach | None:
    """No contact at unreasonable times: from 08:00 to 21:00, Monday to Saturday, is ours. CONC 7.9.4R."""
    return outside_hours(s, OPENS, CLOSES, closed=_SUNDAY)


@law("UK-02", words.UK, to=NOT_LIABLE, debtors=True)
def others_do_not_learn(s: Sending) -> Breach | None:
    """Others do not learn of the debt, so none is contacted about it. CONC 7.9."""
    if s.contact.purpose in words.CONFIRMS:
        return None
    why = "somebody who had refused" if refused(s) else f"a {s.role}"
    return Breach(f"to {why}", "nobody but the customer", "somebody else was contacted about the debt")
