"""What the cases of a borrower hear when the borrower opts out: it comes to them as a report, and is no contact that anybody made."""

from __future__ import annotations

from collections.abc import Iterable

from arrears.domain.events import ContactReported
from arrears.domain.outcome import Outcome
from arrears.domain.person import WishKind
from arrears.domain.strategy import Channel
from arrears.ledger.tables import WishRow
from arrears.workflows.contract import Report


def as_report(wish: WishRow) -> Report | None:
    """What a borrower's cases are told of a wish: nothing of one that leaves every medium open. Who wants no contact at all wants no letter either."""
    match wish.kind:
        case WishKind.NO_CONTACT | WishKind.NO_MEDIUM:
            return Report(channel=wish.channel or Channel.LETTER, outcome=Outcome.OPTED_OUT, at=wish.at, party="borrower")
        case WishKind.NO_ADDRESS | WishKind.NO_HOURS:
            return None


def is_no_contact(event: ContactReported, wishes: Iterable[WishRow]) -> bool:
    """Whether a case was told of one of these wishes of its borrower, and not of a contact."""
    told = (as_report(wish) for wish in wishes)
    return any(report is not None and _same(event, report) for report in told)


def _same(event: ContactReported, report: Report) -> bool:
    said = (event.attempt_id, event.channel, event.outcome, event.at, event.party)
    return said == (report.attempt_id, report.channel, report.outcome, report.at, report.party)
