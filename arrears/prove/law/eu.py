"""European Union: what the directives say for all members. Hours, caps and the rules on third parties are national, and careful ones of ours until known."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.law.cn import untold_assignment
from arrears.prove.law.kit import Hours, counts_out, outside_hours
from arrears.prove.law.rule import NOT_LIABLE, law
from arrears.prove.model import LENDER
from arrears.prove.sending import Breach, Sending

_CALLS = frozenset({"call"})
_TELLING = words.NOTICES | words.CONFIRMS


@law("EU-02", words.EU)
def the_transfer_is_told(s: Sending) -> Breach | None:
    """Whoever bought or services a debt tells the borrower of the transfer before the first collection. Directive (EU) 2021/2167 art. 10."""
    if s.loan.lender_kind == "purchaser":
        return untold_assignment(s, at_once=True)
    by = s.contact.by
    if by == LENDER or s.contact.purpose in _TELLING or "notices" in s.unknown:
        return None
    for notice in s.told(("agency", "transfer", "assignment"), s.loan.borrower_id):
        if notice.agency in (None, by) and notice.delivered_at is not None and notice.delivered_at <= s.at:
            return None
    return Breach("no notice of who collects", "a notice delivered before", "somebody else collected before the borrower knew of it")


@law("EU-04", words.EU)
def careful_hours(s: Sending) -> Breach | None:
    """From 8:00 to 20:00, Monday to Saturday, until a country's own hours are known. Ours."""
    own = s.limits
    return outside_hours(s, Hours(own.eu_04_window, own.eu_04_weekdays, own.eu_04_channels), s.clocks)


@law("EU-04", words.EU, by=_CALLS)
def two_calls_a_day(s: Sending) -> Breach | None:
    """At most two calls to one person a day, until a country's own number is known. Ours."""
    calls = s.most(s.debtor.calls[s.contact.person_id], 1, lambda _, call, __: counts_out(call) and s.outcome(call) != "failed")
    most = s.limits.eu_04_most
    return None if calls < most else Breach(f"{calls} before it", f"{most} a day", "one call too many on that day")


@law("EU-04", words.EU, to=NOT_LIABLE)
def nobody_else(s: Sending) -> Breach | None:
    """Nobody else is contacted, until a country's own rules on others are known. Ours."""
    return Breach(f"to a {s.role}", "nobody but the borrower", "somebody else was contacted about the debt")
