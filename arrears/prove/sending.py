"""One contact at the instant at which it left, with everything that a rule may ask about it. Its methods answer as of that instant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from arrears.prove import words
from arrears.prove.debtor import Debtor, Past, known, outcome_known
from arrears.prove.model import Book, Contact, ContactPoint, Coverage, Day, Instant, Loan, Person, Tie, Wish
from arrears.prove.zones import Zones, country_of


class Breach(NamedTuple):
    """How a rule was broken: what was seen, what is allowed, and both in a few words."""

    observed: str
    limit: str
    words: str


class Sending:
    """A contact that left. ``day`` and ``second`` are the person's local day and the second of it; ``None`` if their zone is not known.

    ``standing`` is what the person is to this debt: ``borrower``, ``liable`` (who owes it too), ``representative`` of the borrower, ``volunteer`` (who
    offered to pay and is spoken to about it), or ``third``: anybody else. ``clocks`` are the local times in every zone in which the person may be.
    ``regimes`` are the laws that protect the person, ``debtors_regimes`` those that protect the borrower as well.
    """

    __slots__ = (
        "at",
        "book",
        "clocks",
        "contact",
        "coverage",
        "day",
        "debtor",
        "debtors_regimes",
        "loan",
        "person",
        "places",
        "point",
        "regimes",
        "role",
        "second",
        "standing",
        "tie",
        "unknown",
        "zone",
        "zones",
    )

    def __init__(self, contact: Contact, loan: Loan, debtor: Debtor, book: Book, zones: Zones, coverage: Coverage) -> None:
        file = debtor.file
        self.contact, self.loan, self.debtor, self.book = contact, loan, debtor, book
        self.zones, self.coverage = zones, coverage
        self.at: Instant = contact.at
        self.unknown = book.unknown
        self.person: Person = file.persons.get(contact.person_id) or Person(contact.person_id)
        self.point: ContactPoint | None = None if contact.point_id is None else file.points.get(contact.point_id)
        self.role = debtor.role(loan.loan_id, contact.person_id)
        self.tie: Tie | None = debtor.ties.get((loan.loan_id, contact.person_id))
        self.standing = _standing(self.role, contact.purpose, self.tie)
        self.zone = self.person.zone or (None if self.point is None else self.point.zone)
        self.clocks: list[tuple[Day, int]] = []
        self.day: Day | None = None
        self.second = 0
        for zone in self._zones():
            clock = zones.local(zone, self.at)
            if clock is not None:
                self.clocks.append(clock)
        if self.clocks:
            self.day, self.second = self.clocks[0]
        self.places: frozenset[str] = frozenset()
        self.regimes: frozenset[str] = frozenset()
        self.debtors_regimes: frozenset[str] = frozenset()

    def _zones(self) -> tuple[str, ...]:
        """Where the person may be: at home, and for calls and texts wherever their number may be."""
        home, point = self.zone, self.point
        if home is None:
            return ()
        if point is None or (point.zone is None and not point.more_zones) or self.contact.channel not in words.BY_PHONE:
            return (home,)
        by_number = (point.zone, *point.more_zones) if point.zone else point.more_zones
        return (home, *(zone for zone in by_number if zone != home))

    def cannot(self, rule: str, why: str) -> None:
        """A rule could not be judged for lack of a fact."""
        self.coverage.unjudged[rule, why] += 1

    @property
    def outbound(self) -> bool:
        return self.contact.direction == "out"

    @property
    def today(self) -> Day:
        """The local day; only where the zone is known."""
        assert self.day is not None
        return self.day

    def past(self, past: list[Past], days: int) -> Iterator[tuple[Day, Contact]]:
        """Those of the contacts so far that lie in the last ``days`` local days, today included, and were known of; the latest first."""
        if self.day is None:
            return
        first = self.day - days + 1
        for day, contact in reversed(past):
            if day is None:
                continue
            if day < first:
                return
            if known(contact, self.at):
                yield day, contact

    def calls(self, days: int) -> Iterator[tuple[Day, Contact]]:
        """Calls with this person in the last ``days`` local days, over all loans, by us and by others, in both directions."""
        return self.past(self.debtor.calls[self.contact.person_id], days)

    def outcome(self, contact: Contact) -> str | None:
        """What was known of an earlier contact's outcome; ``None`` while it was on its way."""
        return outcome_known(contact, self.at)

    def wishes(self, kind: str) -> Iterator[Wish]:
        """The person's wishes of a kind that stood and were known."""
        for wish in self.debtor.wishes.get(self.contact.person_id, ()):
            if wish.kind == kind and wish.at < self.at and (wish.withdrawn_at is None or self.at <= wish.withdrawn_at):
                yield wish


def _standing(role: str, purpose: str | None, tie: Tie | None) -> str:
    if role == words.BORROWER:
        return "borrower"
    if role in words.LIABLE and purpose != "relay":
        return "liable"
    if role in words.REPRESENTS:
        return "representative"
    if tie is not None and purpose not in words.THROUGH_OTHERS:
        if role == "spouse" and tie.evidence is not None:
            return "liable"
        if tie.volunteered is not None:
            return "volunteer"
    return "third"


def places_of(person: Person, point: ContactPoint | None, loan: Loan) -> frozenset[str]:
    """Countries and subdivisions whose law may protect somebody: residence, the number's country, the lender's seat; the zone if nothing else is said."""
    named = {person.residence, None if point is None else point.country, loan.seat}
    named.discard(None)
    if not named:
        named = {country_of(person.zone), None if point is None else country_of(point.zone)}
    return frozenset(place for place in named if place is not None)
