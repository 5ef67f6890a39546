"""What an institution may be told of a case, by what it gets the case for: ids, the amount and dates, and nobody's name, number, address or text.

This is what we hand over. What the law of a place allows for a purpose (CN-40) is a rule of its regime, and is judged before anything goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from arrears.domain.strategy import Referral

ENVELOPE = frozenset({"key", "target", "agency", "recalls", "requested_at", "callback_url"})
"""What says where an order goes, and tells nothing of a person or a debt."""

_DEBT = frozenset({"loan_id", "case_id", "owed", "currency", "due_since"})

TOLD: Mapping[Referral, frozenset[str]] = {
    Referral.AGENCY: _DEBT | {"until"},
    Referral.LAWYER: _DEBT,
    Referral.LAWSUIT: _DEBT,
    Referral.DEBT_SALE: _DEBT,
    Referral.OVERDUE_LIST: _DEBT,
    Referral.CREDIT_REPORT: _DEBT,
    Referral.DEFAULTER_LIST: _DEBT,
}
"""The fields of a case that each kind of recipient gets; ``until`` is the end of an agency's term."""


class ToldTooMuch(ValueError):
    """An order for an institution would tell more than its purpose needs. It names the fields and repeats nothing of them."""

    def __init__(self, target: Referral, fields: Iterable[str]) -> None:
        self.fields = tuple(sorted(fields))
        super().__init__(f"an order for {target} may not tell {', '.join(self.fields)}")


def told(target: Referral) -> frozenset[str]:
    """The fields of a case that an order for this recipient tells."""
    return TOLD[target]


def check(target: Referral, fields: Iterable[str]) -> None:
    """Raise ``ToldTooMuch`` if an order with these fields tells more than this recipient may be told."""
    if extra := set(fields) - ENVELOPE - TOLD[target]:
        raise ToldTooMuch(target, extra)
