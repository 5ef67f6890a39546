"""What agencies did on the lender's behalf: they act while they have the case, not before and not after a recall."""

from __future__ import annotations

from arrears.prove.law.rule import law
from arrears.prove.model import LENDER
from arrears.prove.sending import Breach, Sending


@law("CN-42", "cn")
def only_while_it_has_the_case(s: Sending) -> Breach | None:
    """An agency contacts somebody only while it has the case. Personal Information Protection Law art. 21."""
    if "placements" in s.unknown:
        if s.contact.by != LENDER:
            s.cannot("CN-42", "placements not known")
        return None
    if s.contact.by == LENDER or s.debtor.placed_with(s.loan.loan_id, s.contact.by, s.at):
        return None
    return Breach("the agency did not have the case", "while it is placed", "an agency contacted somebody without having the case")
