"""European Union: what the directives say for all members. Hours, caps and the rules on third parties are national."""

from __future__ import annotations

from arrears.prove import words
from arrears.prove.law.cn import untold_assignment
from arrears.prove.law.rule import law
from arrears.prove.sending import Breach, Sending


@law("EU-02", words.EU)
def the_transfer_is_told(s: Sending) -> Breach | None:
    """Whoever bought or services a debt tells the borrower of the transfer before the first collection. Directive (EU) 2021/2167 art. 10."""
    return untold_assignment(s)
