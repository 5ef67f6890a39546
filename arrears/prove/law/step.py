"""A step that hands a debt, or a fact about it, to somebody else, with what the law asks about it."""

from __future__ import annotations

from typing import NamedTuple

from arrears.prove.debtor import Debtor
from arrears.prove.findings import Coverage
from arrears.prove.limits import Limits
from arrears.prove.model import Book, Day, Loan, Notice, Placement
from arrears.prove.zones import Zones


class Step(NamedTuple):
    """A placement at the instant at which it was made. ``today`` is the borrower's local day."""

    placement: Placement
    loan: Loan
    debtor: Debtor
    book: Book
    coverage: Coverage
    zones: Zones
    regimes: frozenset[str]
    today: Day

    def cannot(self, rule: str, why: str) -> None:
        self.coverage.unjudged[rule, why] += 1

    @property
    def limits(self) -> Limits:
        """The numbers that counted then."""
        return self.book.limits.at(self.placement.sent_at)

    @property
    def notices(self) -> list[Notice]:
        """Every notice about the loan to its borrower."""
        return [n for n in self.debtor.notices.get(self.placement.loan_id, ()) if n.person_id == self.loan.borrower_id]

    @property
    def circumstances(self) -> frozenset[str]:
        """What was known then to make the borrower need more care."""
        at = self.placement.sent_at
        return frozenset(
            c.kind
            for c in self.debtor.file.circumstances
            if c.person_id == self.loan.borrower_id and c.since < at and (c.until is None or at < c.until)
        )


def arrived(notice: Notice, at: int) -> bool:
    """Whether a notice had been delivered, and had not come back, before an instant."""
    return notice.delivered_at is not None and notice.delivered_at < at and not came_back(notice, at)


def came_back(notice: Notice, at: int) -> bool:
    """Whether a notice had come back before an instant."""
    return notice.bounced_at is not None and notice.bounced_at < at
