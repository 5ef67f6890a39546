"""One contact at the instant at which it left, with everything that a rule may ask about it. Its methods answer as of that instant."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

from arrears.prove import words
from arrears.prove.debtor import Debtor, Past, known, outcome_known, relied_on
from arrears.prove.findings import Coverage
from arrears.prove.limits import Limits
from arrears.prove.model import Book, Contact, ContactPoint, Day, Instant, Loan, Notice, Person, Tie, Wish
from arrears.prove.zones import Zones, country_of


class Breach(NamedTuple):
    """How a rule was broken: what was seen, what is allowed, and both in a few words.

    ``lawful_from``: by this rule it was only too early, and from that instant on nothing would have stood against it, by what was known. Handovers say so.
    """

    observed: str
    limit: str
    words: str
    lawful_from: Instant | None = None


class LocalTime(NamedTuple):
    """The clock on a wall: a zone, its day, and the second of that day."""

    zone: str
    day: Day
    second: int


class Sending:
    """A contact that left. ``day`` and ``second`` are the person's local day and the second of it; ``None`` if their zone is not known.

    ``standing`` is what the person is to this debt: ``borrower``, ``liable`` (who owes it too), ``joint_spouse`` (shown to owe it as a spouse, where the
    law knows that), ``representative`` of the borrower, ``volunteer`` (who offered to pay and is spoken to about it), or ``third``: anybody else.
    ``clocks`` are the local times in every zone in which the person may be, at home first. ``regimes`` are the laws that protect the person, and those that
    protect the borrower wherever others live; ``homes`` the places of the person alone. ``limits`` are the numbers that counted then.
    """

    __slots__ = (
        "at",
        "book",
        "clocks",
        "contact",
        "coverage",
        "day",
        "debtor",
        "homes",
        "limits",
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
        self.limits: Limits = book.limits.at(contact.at)
        self.person: Person = file.person(contact.person_id, self.at) or Person(contact.person_id)
        self.point: ContactPoint | None = None if contact.point_id is None else file.point(contact.point_id, self.at)
        self.role = debtor.role(loan.loan_id, contact.person_id)
        self.tie: Tie | None = debtor.ties.get((loan.loan_id, contact.person_id))
        self.standing = _standing(self.role, contact.purpose, self.tie)
        self.zone = self.person.zone
        self.clocks = self._clocks()
        at_home = bool(self.clocks) and self.clocks[0].zone == self.zone
        self.day: Day | None = self.clocks[0].day if at_home else None
        self.second = self.clocks[0].second if at_home else 0
        self.places: frozenset[str] = frozenset()
        self.homes: frozenset[str] = frozenset()
        self.regimes: frozenset[str] = frozenset()

    def _clocks(self) -> list[LocalTime]:
        """Where the person may be: at home, and for calls and texts wherever their number may be."""
        home, point = self.zone, self.point
        if point is None or self.contact.channel not in words.BY_PHONE or (point.zone is None and not point.more_zones):
            named = (home,)
        else:
            named = dict.fromkeys((home, point.zone, *point.more_zones))
        clocks: list[LocalTime] = []
        for zone in named:
            if zone is not None and (clock := self.zones.local(zone, self.at)) is not None:
                clocks.append(LocalTime(zone, *clock))
        return clocks

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

    def past(self, past: list[Past], days: int, clock: LocalTime | None = None) -> Iterator[tuple[Day, Contact]]:
        """Those of the contacts so far that lie in the last ``days`` local days, today included, and were known of; the latest first.

        The days are those of the person's home, or of another zone that they may be in; for somebody who has moved, of where they are now.
        """
        if self.day is None and clock is None:
            return
        clock = clock or self.clocks[0]
        if clock.zone != self.zone or self.debtor.file.earlier_homes:
            yield from self._elsewhere(past, days, clock)
            return
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

    def _elsewhere(self, past: list[Past], days: int, clock: LocalTime) -> Iterator[tuple[Day, Contact]]:
        first = clock.day - days + 1
        for _, contact in reversed(past):
            there = self.zones.local(clock.zone, contact.at)
            if there is None or there[0] < first:
                return
            if known(contact, self.at):
                yield there[0], contact

    def most(self, past: list[Past], days: int, counts: Callable[[Day, Contact, LocalTime], bool]) -> int:
        """How many of the contacts so far count, in the last ``days`` local days; by the zone in which these are the most."""
        return max((sum(counts(day, c, clock) for day, c in self.past(past, days, clock)) for clock in self.clocks), default=0)

    def touches(self) -> Iterator[Contact]:
        """Everything that passed between this person and us or our agencies so far and was known of, by whatever medium."""
        person_id = self.contact.person_id
        for past in (self.debtor.calls, self.debtor.messages, self.debtor.visits):
            for _, contact in past[person_id]:
                if known(contact, self.at):
                    yield contact

    def came_in(self, channel: str) -> Iterator[Contact]:
        """What this person wrote to us by a medium so far. It permits something: of what came at that very instant nobody can say that it was not known."""
        for contact in self.debtor.file.contacts:
            if contact.at > self.at:
                return
            theirs = contact.person_id == self.contact.person_id and contact.direction == "in" and contact.channel == channel
            if theirs and relied_on(contact, self.at):
                yield contact

    def calls(self, days: int) -> Iterator[tuple[Day, Contact]]:
        """Calls with this person in the last ``days`` local days, over all loans, by us and by others, in both directions."""
        return self.past(self.debtor.calls[self.contact.person_id], days)

    def outcome(self, contact: Contact) -> str | None:
        """What was known of an earlier contact's outcome; ``None`` while it was on its way."""
        return outcome_known(contact, self.at)

    def wishes(self, kind: str, person_id: str | None = None) -> Iterator[Wish]:
        """The wishes of a kind that stood and were known: of whoever was contacted, or of somebody else."""
        for wish in self.debtor.wishes.get(person_id or self.contact.person_id, ()):
            if wish.kind == kind and wish.at < self.at and (wish.withdrawn_at is None or self.at < wish.withdrawn_at):
                yield wish

    def told(self, kinds: Container[str], person_id: str) -> Iterator[Notice]:
        """The notices of these kinds about the loan that had gone to somebody and had not come back."""
        for notice in self.debtor.notices.get(self.loan.loan_id, ()):
            back = notice.bounced_at
            if notice.kind in kinds and notice.person_id == person_id and notice.sent_at <= self.at and (back is None or self.at <= back):
                yield notice

    def circumstances(self, person_id: str) -> frozenset[str]:
        """What was known to make a person need more care."""
        return frozenset(
            c.kind
            for c in self.debtor.file.circumstances
            if c.person_id == person_id and c.since < self.at and (c.until is None or self.at < c.until)
        )


def _standing(role: str, purpose: str | None, tie: Tie | None) -> str:
    if role == words.BORROWER:
        return "borrower"
    if role in words.LIABLE and purpose != "relay":
        return "liable"
    if role in words.REPRESENTS:
        return "representative"
    if tie is not None and purpose not in words.THROUGH_OTHERS:
        if role == "spouse" and tie.evidence is not None:
            return "joint_spouse"
        if tie.volunteered is not None:
            return "volunteer"
    return "third"


def homes_of(person: Person, point: ContactPoint | None) -> frozenset[str]:
    """Where somebody lives, and where their number belongs, as far as known."""
    named = (_home(person), None if point is None else point.country)
    return frozenset(place for place in named if place is not None)


def _home(person: Person) -> str | None:
    """Where somebody lives: if nobody knows it, in the country of their zone."""
    return person.residence or country_of(person.zone)


def places_of(person: Person, point: ContactPoint | None, loan: Loan) -> frozenset[str]:
    """Countries and subdivisions whose law may protect somebody: their home, the number's country, the lender's seat; else the number's zone."""
    named = {_home(person), None if point is None else point.country, loan.seat}
    named.discard(None)
    if not named and point is not None:
        named = {country_of(point.zone)}
    return frozenset(place for place in named if place is not None)
