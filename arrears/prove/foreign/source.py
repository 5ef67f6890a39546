"""A foreign log as a source of the checker: each borrower's lines become the facts that the law asks about, and nothing is made up for what is missing.

What a log does not say is left unknown. Two things are concluded: somebody who is named beside a debt without a role owes it, and money that came in
before any amount of debt is known pays an unknown part of it, so that only a line that says so settles such a debt.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from arrears.prove.foreign.clocks import zone_of_offsets
from arrears.prove.foreign.entries import Entry
from arrears.prove.foreign.store import Store
from arrears.prove.foreign.words import HOLDS, SIGN_OF_OUTCOME, Kind
from arrears.prove.model import (
    DAY,
    LENDER,
    SECOND,
    Amount,
    Book,
    Contact,
    ContactPoint,
    DebtorFile,
    Hold,
    Instalment,
    Instant,
    Loan,
    Notice,
    Payment,
    Person,
    Placement,
    Sign,
    Tie,
    Wish,
)

REASONS: dict[Kind, str] = {Kind.BREATHING_SPACE: "breathing-space", Kind.HOLD: "unspecified"}
NOT_RECORDED = "not_recorded"
"""The outcome of a call of which the log tells none: it counts as placed, and neither as answered nor as unanswered."""
_ONE_ZONE = {"CN": "Asia/Shanghai", "IN": "Asia/Kolkata", "GB": "Europe/London"}
_POINT_KINDS = {"call": "mobile", "sms": "mobile", "email": "email", "in_app": "in_app", "letter": "postal", "visit": "postal"}
NOT_SAID = frozenset(
    {
        "agencies",
        "approvals",
        "births",
        "cases",
        "consents",
        "hearing",
        "instalments",
        "notices",
        "operators",
        "placements",
        "points",
        "reserves",
        "texts",
        "verdicts",
        "zones",
    }
)
"""Facts that a contact log does not have as a rule, by the checker's names for them."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open a stored log again in another process."""

    path: Path
    names: tuple[str, ...]
    countries: tuple[str, ...]
    unknown: frozenset[str]

    def open(self) -> ForeignSource:
        return ForeignSource(Store(self.path), self.names, self.countries, self.unknown)


class ForeignSource:
    """A stored log. ``countries`` are those whose law protects everybody in it; ``names`` are the files, for the ids of contacts."""

    def __init__(self, store: Store, names: Iterable[str], countries: Iterable[str] = (), unknown: Iterable[str] = NOT_SAID) -> None:
        self._store = store
        self._names = tuple(names)
        self._unknown = frozenset(unknown)
        self.countries = tuple(countries)

    def book(self) -> Book:
        return Book(unknown=self._unknown, places=frozenset(self.countries))

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def shared(self) -> Generator[Opening]:
        yield Opening(self._store.path, self._names, self.countries, self._unknown)

    def files(self, shard: int = 0, shards: int = 1) -> Iterator[DebtorFile]:
        for borrower, entries in self._store.groups(shard, shards):
            yield _FileBuilder(self, borrower, entries).build()

    def elsewhere(self, borrower: str, people: Iterable[str]) -> Iterator[tuple[str, Entry]]:
        return self._store.elsewhere(borrower, people)

    def contact_id(self, entry: Entry) -> str:
        """A line by which a reader finds the contact again."""
        return f"line {entry.line}" if len(self._names) == 1 else f"{self._names[entry.file]}:{entry.line}"


class _FileBuilder:
    """Turns one borrower's entries, oldest first, into their file."""

    def __init__(self, source: ForeignSource, borrower: str, entries: list[Entry]) -> None:
        self._source = source
        self._borrower = borrower
        self._entries = entries
        self._file = DebtorFile(borrower_id=borrower)
        self._debts: dict[str, _Debt] = {}
        self._open_steps: set[tuple[str, str]] = set()

    def build(self) -> DebtorFile:
        file = self._file
        people = dict.fromkeys([self._borrower, *(e.person for e in self._entries)])
        own = self._zones(self._entries)
        for person in people:
            self._settle(person, own.get(person) or own.get(self._borrower))
        for entry in self._entries:
            self._loan(entry)
            self._take(entry)
        others = list(self._source.elsewhere(self._borrower, people))
        for _, entry in others:
            self._counted(entry)
        if others:
            file.contacts.sort(key=lambda c: c.at)
        for debt in self._debts.values():
            file.instalments += debt.instalments()
            file.payments += debt.payments
        return file

    def _zones(self, entries: Iterable[Entry]) -> dict[str, str]:
        """Where each person's clock stands: as a line says, as their country has one zone only, or as the offsets beside the times tell."""
        said: dict[str, str] = {}
        offsets: dict[str, list[tuple[Instant, int]]] = {}
        for entry in entries:
            if entry.zone is not None:
                said[entry.person] = entry.zone
            elif entry.offset is not None:
                offsets.setdefault(entry.person, []).append((entry.at, entry.offset))
        for person, seen in offsets.items():
            if person not in said and (zone := zone_of_offsets(seen)):
                said[person] = zone
        return said

    def _settle(self, person: str, zone: str | None) -> None:
        country = next((e.country for e in reversed(self._entries) if e.person == person and e.country), None)
        laws = self._source.countries
        likely = country or (laws[0] if len(laws) == 1 else "")
        residence = country or (laws[0] if laws else None)
        self._file.persons[person] = Person(person, zone=zone or _ONE_ZONE.get(likely), residence=residence)

    def _loan(self, entry: Entry) -> None:
        if entry.debt in self._debts:
            return
        self._debts[entry.debt] = _Debt(entry.debt, entry.at)
        self._file.loans[entry.debt] = Loan(entry.debt, self._borrower)
        for person, role in dict.fromkeys((e.person, e.party) for e in self._entries if e.debt == entry.debt):
            if person != self._borrower:
                # A second debtor without a role of their own: the log lists them as owing, which is all the evidence that there is.
                self._file.ties.append(Tie(entry.debt, person, "joint" if role in (None, "borrower") else role or "", evidence="log"))

    def _take(self, entry: Entry) -> None:
        debt = self._debts[entry.debt]
        if entry.fee and entry.kind != Kind.PAYMENT:
            debt.costs(entry, entry.fee)
        match entry.kind:
            case Kind.CONTACT:
                self._contact(entry, self._borrower)
            case Kind.PAYMENT:
                debt.paid(entry, self._source.contact_id(entry))
            case Kind.SETTLED:
                debt.settled(entry, self._source.contact_id(entry))
            case Kind.OWED:
                debt.owes(entry)
            case Kind.FEE:
                debt.charged(entry)
            case _:
                self._sign(entry, Kind(entry.kind), entry.known)

    def _contact(self, entry: Entry, borrower: str) -> None:
        key = (entry.debt, entry.word)
        if entry.step == 2 and key in self._open_steps:
            self._open_steps.discard(key)
            return
        if entry.step == 1:
            self._open_steps.add(key)
        third = entry.person != borrower and entry.party not in (None, "borrower", "joint", "guarantor")
        self._file.contacts.append(
            Contact(
                contact_id=self._source.contact_id(entry),
                loan_id=entry.debt,
                person_id=entry.person,
                channel=entry.channel or Kind.CONTACT.value,
                at=entry.at,
                outcome=entry.outcome or (NOT_RECORDED if entry.channel == Kind.CALL else "delivered"),
                known_at=entry.at,
                direction="in" if entry.inbound else "out",
                by=entry.agency or LENDER,
                reported=True,
                point_id=self._point(entry),
                purpose=entry.purpose or (None if third else "collect"),
                klass=entry.klass,
                sent_at=entry.at,
                day_only=bool(entry.day_only),
            )
        )
        sign = SIGN_OF_OUTCOME.get(entry.outcome or "")
        if sign is not None:
            self._sign(entry, sign, entry.known)

    def _counted(self, entry: Entry) -> None:
        """What happened to one of these people over somebody else's debt: counted, and a refusal is final there too."""
        if entry.kind == Kind.CONTACT:
            self._contact(entry, self._borrower)
        elif entry.kind in (Kind.OPT_OUT, Kind.REFUSAL, Kind.CEASE):
            self._sign(entry, Kind(entry.kind), entry.known)

    def _point(self, entry: Entry) -> str | None:
        if entry.point is None:
            return None
        points = self._file.points
        if entry.point not in points:
            kind = _POINT_KINDS.get(entry.channel or "", "mobile")
            points[entry.point] = ContactPoint(entry.point, entry.person, kind, zone=entry.zone)
        return entry.point

    def _sign(self, entry: Entry, kind: Kind, known: Instant) -> None:
        file = self._file
        match kind:
            case Kind.OPT_OUT | Kind.REFUSAL if self._is_third(entry):
                self._refuses(entry, known)
            case Kind.OPT_OUT | Kind.REFUSAL:
                medium = entry.channel if kind is Kind.OPT_OUT else None
                file.wishes.append(Wish(entry.person, "no_medium" if medium else "no_contact", known, channel=medium))
            case Kind.OPT_IN:
                file.wishes[:] = [_withdrawn(w, entry.at) if w.person_id == entry.person and _same(w, entry) else w for w in file.wishes]
            case Kind.PROMISE:
                file.signs.append(Sign(entry.debt, "promise", entry.at, known))
            case Kind.DISPUTE_ANSWERED:
                self._lift(entry, lambda hold: hold.reason == Kind.DISPUTE)
            case Kind.HOLD_LIFTED:
                self._lift(entry, lambda _: True)
            case Kind.AGENCY_NOTICE:
                file.notices.append(Notice(entry.debt, entry.person, "agency", entry.at, agency=entry.agency, delivered_at=entry.at))
            case Kind.PLACEMENT:
                file.placements.append(
                    Placement(self._source.contact_id(entry), entry.debt, "", "agency", entry.at, agency=entry.agency or "unnamed")
                )
            case Kind.RECALL:
                file.placements[:] = [
                    p._replace(recalled_at=entry.known) if p.loan_id == entry.debt and p.recalled_at is None else p for p in file.placements
                ]
            case Kind.CEASE:
                self._hold(entry, "cease", known)
            case _ if kind in HOLDS:
                self._hold(entry, REASONS.get(kind, kind.value), known)
            case _:
                pass

    def _is_third(self, entry: Entry) -> bool:
        return entry.person != self._borrower and entry.party not in (None, "borrower")

    def _refuses(self, entry: Entry, known: Instant) -> None:
        self._file.ties[:] = [t._replace(refused_at=t.refused_at or known) if t.person_id == entry.person else t for t in self._file.ties]

    def _hold(self, entry: Entry, reason: str, known: Instant) -> None:
        hold_id = f"{self._source.contact_id(entry)} {reason}"
        self._file.holds.append(Hold(hold_id, entry.debt, reason, placed_at=known, known_at=known, agency=entry.agency))

    def _lift(self, entry: Entry, which: Callable[[Hold], bool]) -> None:
        self._file.holds[:] = [
            h._replace(lifted_at=entry.at, lift_known_at=entry.at) if h.loan_id == entry.debt and h.lifted_at is None and which(h) else h
            for h in self._file.holds
        ]


class _Debt:
    """What is owed of one debt and what came in, as the lines tell it. ``principal`` is without fees."""

    def __init__(self, debt: str, first: Instant) -> None:
        self.debt = debt
        self.payments: list[Payment] = []
        self._first = first
        self._grown: list[tuple[Instant, Amount]] = []
        self._principal: Amount = 0
        self._came: Amount = 0
        self._told = False

    def owes(self, entry: Entry) -> None:
        """The debt, without fees, is this much now."""
        if entry.amount is not None:
            self._told = True
            self._grows(entry.at - 2 * DAY, entry.amount - self._principal)
            self._principal = entry.amount

    def charged(self, entry: Entry) -> None:
        """A penalty. One that is larger than the debt is the debt with the penalty in it: that is how some systems write it."""
        if entry.amount is None:
            return
        added = entry.amount - self._principal if 0 < self._principal < entry.amount else entry.amount
        self._grows(entry.at - 2 * DAY, added)
        self._principal += added

    def costs(self, entry: Entry, by: Amount) -> None:
        """What this step cost is owed after it: a letter's own price does not make the letter lawful."""
        self._grows(entry.at + DAY, by)

    def _grows(self, due: Instant, by: Amount) -> None:
        if by:
            self._grown.append((due, by))

    def paid(self, entry: Entry, name: str) -> None:
        if entry.amount is not None:
            came = entry.amount
        elif entry.total_paid is not None:
            came = entry.total_paid - self._came
        else:
            came = 0
        self._came += came
        self.payments.append(Payment(name, self.debt, came, entry.at, entry.known))

    def settled(self, entry: Entry, name: str) -> None:
        """Nothing is owed any more, whatever had come in before."""
        if not self._told:
            # How much it was nobody says; that it was all is what counts.
            self._told, self._grown, self._came, self.payments = True, [(self._first, 1)], 0, []
        rest = max(sum(by for _, by in self._grown) - self._came, 0)
        self._came += rest
        self.payments.append(Payment(name, self.debt, rest, entry.at, entry.known))

    def instalments(self) -> list[Instalment]:
        """What fell due when; nothing if no line says how much was owed. The first of it was due before the first line: it is a collection log."""
        if not self._told:
            return []
        grown = sorted(self._grown)
        dues = [min(grown[0][0], self._first - 2 * DAY), *(due for due, _ in grown[1:])] if grown else []
        return [Instalment(self.debt, due // DAY, by) for due, (_, by) in zip(dues, grown, strict=True)]


def _withdrawn(wish: Wish, at: Instant) -> Wish:
    return wish._replace(withdrawn_at=wish.withdrawn_at or at - SECOND)


def _same(wish: Wish, entry: Entry) -> bool:
    return entry.channel is None or wish.channel in (None, entry.channel)
