"""One borrower's file, indexed for the questions that the law asks, each answered as it would have been answered at an instant.

Something is known at an instant if it was known before it: of two things at the very same instant nobody can say which came first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import TypeVar

from arrears.prove import words
from arrears.prove.model import (
    Amount,
    Case,
    Consent,
    Contact,
    ContactPoint,
    Day,
    DebtorFile,
    Instant,
    Notice,
    Payment,
    Placement,
    Tie,
    Verdict,
    Wish,
    day_number,
)

T = TypeVar("T")

_NOES = words.REFUSED | words.OPTED_OUT
_EPOCH_DAY = date(1970, 1, 1).toordinal()

Past = tuple[Day | None, Contact]
"""A contact with the local day on which it was, in its person's zone."""


class Debtor:
    """What is known of one borrower, their loans and the people around them. The lists of contacts grow as they are judged."""

    def __init__(self, file: DebtorFile) -> None:
        self.file = file
        self.ties: dict[tuple[str, str], Tie] = {}
        self.refused: dict[str, Instant] = {}
        for tie in file.ties:
            self.ties[tie.loan_id, tie.person_id] = tie
            if tie.refused_at is not None:
                self.refused[tie.person_id] = min(tie.refused_at, self.refused.get(tie.person_id, tie.refused_at))
        self._due: dict[str, tuple[list[Day], list[Amount]]] = {}
        self._payments = _by(file.payments, lambda p: p.loan_id)
        self.wishes: dict[str, list[Wish]] = _by(file.wishes, lambda w: w.person_id)
        self.consents: dict[str, list[Consent]] = _by(file.consents, lambda c: c.person_id)
        self.notices: dict[str, list[Notice]] = _by(file.notices, lambda n: n.loan_id)
        self.placements: dict[str, list[Placement]] = _by(file.placements, lambda p: p.loan_id)
        self.verdicts: dict[str, list[Verdict]] = _by(file.verdicts, lambda v: v.about)
        self.calls: defaultdict[str, list[Past]] = defaultdict(list)
        self.messages: defaultdict[str, list[Past]] = defaultdict(list)
        self.visits: defaultdict[str, list[Past]] = defaultdict(list)
        self.about: list[Contact] = []
        self.left: set[str] = set()
        self.refusals: defaultdict[str, list[Contact]] = defaultdict(list)
        self._birthdays: dict[tuple[str, int], Day] = {}

    def due(self, loan_id: str, today: Day) -> Amount | None:
        """What had fallen due before ``today``, payments aside; ``None`` if no instalment of the loan is known."""
        if loan_id not in self._due:
            days: list[Day] = []
            sums: list[Amount] = []
            for instalment in sorted((i for i in self.file.instalments if i.loan_id == loan_id), key=lambda i: i.due_on):
                days.append(instalment.due_on)
                sums.append(instalment.amount + (sums[-1] if sums else 0))
            self._due[loan_id] = days, sums
        days, sums = self._due[loan_id]
        if not days:
            return None
        n = bisect_left(days, today)
        return sums[n - 1] if n else 0

    def payments(self, loan_id: str) -> list[Payment]:
        return self._payments.get(loan_id, [])

    def overdue(self, loan_id: str, today: Day, at: Instant) -> Amount | None:
        """The most that may have been overdue on a day after all payments that counted: the oldest instalments are paid first, so sums are enough."""
        return self._left(loan_id, today, lambda p: p.recorded_at < at and not is_reversed(p, at))

    def least_overdue(self, loan_id: str, today: Day, at: Instant) -> Amount | None:
        """The least that may have been overdue on a day: what was recorded at the very instant was perhaps known, what was taken back then perhaps not."""
        return self._left(loan_id, today, lambda p: p.recorded_at <= at and (p.reversed_at is None or at <= p.reversed_at))

    def unpaid_since(self, loan_id: str, at: Instant) -> Day | None:
        """The due day of the oldest instalment that was unpaid by what counted at an instant; ``None`` if all were paid."""
        paid = sum(p.amount for p in self.payments(loan_id) if p.recorded_at < at and not is_reversed(p, at))
        for instalment in sorted((i for i in self.file.instalments if i.loan_id == loan_id), key=lambda i: i.due_on):
            paid -= instalment.amount
            if paid < 0:
                return instalment.due_on
        return None

    def _left(self, loan_id: str, today: Day, counts: Callable[[Payment], bool]) -> Amount | None:
        due = self.due(loan_id, today)
        return None if due is None else max(0, due - sum(p.amount for p in self.payments(loan_id) if counts(p)))

    def role(self, loan_id: str, person_id: str) -> str:
        """What a person is to a loan."""
        loan = self.file.loans.get(loan_id)
        if loan is not None and loan.borrower_id == person_id:
            return words.BORROWER
        tie = self.ties.get((loan_id, person_id))
        return words.STRANGER if tie is None else tie.role

    def points_of(self, person_id: str) -> list[ContactPoint]:
        return [p for p in self.file.points.values() if p.person_id == person_id]

    def birthday(self, person_id: str, years: int) -> Day | None:
        """The day on which a person became so many years old."""
        person = self.file.persons.get(person_id)
        if person is None or person.born is None:
            return None
        key = person_id, years
        if key not in self._birthdays:
            born = date.fromordinal(person.born + _EPOCH_DAY)
            try:
                grown = born.replace(year=born.year + years)
            except ValueError:  # born on 29 February: one more day in a common year
                grown = date(born.year + years, 3, 1)
            self._birthdays[key] = day_number(grown)
        return self._birthdays[key]

    def consent(self, person_id: str, kind: str, at: Instant, channel: str | None = None) -> Consent | None:
        """A consent of this kind that stood at an instant."""
        return next((c for c in self.consents.get(person_id, ()) if c.kind == kind and self.stands(c, at, channel)), None)

    @staticmethod
    def stands(consent: Consent, at: Instant, channel: str | None = None) -> bool:
        """Whether a consent had been given, for this channel if it names one, and was neither over nor withdrawn."""
        return (
            consent.given_at <= at
            and (consent.ends_at is None or at < consent.ends_at)
            and (consent.withdrawn_at is None or at <= consent.withdrawn_at)
            and (consent.channel is None or channel is None or consent.channel == channel)
        )

    def case(self, case_id: str | None) -> Case | None:
        return None if case_id is None else self.file.cases.get(case_id)

    def placed_with(self, loan_id: str, agency: str, at: Instant) -> bool:
        """Whether an agency had a loan at an instant."""
        return any(p.agency == agency and _placed(p, at) for p in self.placements.get(loan_id, ()))

    def agencies(self, at: Instant) -> Iterator[tuple[str, str]]:
        """The borrower's loans that an agency had at an instant, and the agency."""
        for placement in self.file.placements:
            at_an_end = at in (placement.sent_at, placement.recalled_at, placement.until)
            if placement.agency is not None and _placed(placement, at) and not at_an_end:
                yield placement.loan_id, placement.agency

    def remember(self, contact: Contact, day: Day | None) -> None:
        """A contact that later ones are counted with, and that may have ended in somebody's no."""
        if contact.loan_id in self.file.loans:
            self.about.append(contact)
            self.left.add(contact.contact_id)
        if contact.outcome in _NOES:
            self.refusals[contact.person_id].append(contact)
        match contact.channel:
            case words.CALL:
                self.calls[contact.person_id].append((day, contact))
            case "visit":
                self.visits[contact.person_id].append((day, contact))
            case _:
                self.messages[contact.person_id].append((day, contact))


def is_reversed(payment: Payment, at: Instant) -> bool:
    """Whether it was, or may have been, known by an instant that a payment had been taken back."""
    return payment.reversed_at is not None and payment.reversed_at <= at


def _placed(placement: Placement, at: Instant) -> bool:
    return (
        placement.target == "agency"
        and placement.sent_at <= at
        and (placement.recalled_at is None or at <= placement.recalled_at)
        and (placement.until is None or at <= placement.until)
    )


def outcome_known(contact: Contact, at: Instant) -> str | None:
    """The outcome as it was known at an instant: ``None`` while it was on its way."""
    return contact.outcome if contact.known_at is not None and contact.known_at <= at else None


def known(contact: Contact, at: Instant) -> bool:
    """Whether a contact was known of before an instant. What we sent we know; what others report we know when they do."""
    return not contact.reported or contact.known_at is None or contact.known_at < at


def relied_on(contact: Contact, at: Instant) -> bool:
    """Whether a contact that permits something may have been known of: of what came at that very instant nobody can say that it was not."""
    return known(contact, at + 1)


def _by(facts: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return groups
