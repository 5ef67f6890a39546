"""What was really known when: instants on the rows say when something happened, the ledger's chain says in which order it was written down.

A payment that is recorded with the minute at which it was announced, and written down only after a contact was decided, could not be known to it. So a
borrower in whose file something seems to be broken is judged again, with everything that the chain shows to be written after a decision unknown to it.
A row that the chain does not know, such as one that somebody put there beside the program, stays known from its own instant on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Protocol, runtime_checkable

from arrears.prove.model import Contact, DebtorFile, Instant, Stray

Key = tuple[str, str]
"""A table and the primary key of a row in it, as the chain writes it."""


@dataclass(slots=True)
class Writes:
    """Of some rows: the chain's number of the first and the last record of each kind, by table, key and ``insert`` or ``update``."""

    seqs: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict[tuple[str, str, str], tuple[int, int]])

    def born(self, table: str, key: str) -> int | None:
        """When the row was written first."""
        seqs = self.seqs.get((table, key, "insert"))
        return None if seqs is None else seqs[0]

    def changed(self, table: str, key: str) -> int | None:
        """The earliest that something can have been added to the row: its first change, or its beginning if it was never changed."""
        seqs = self.seqs.get((table, key, "update"))
        return self.born(table, key) if seqs is None else seqs[0]

    def ended(self, table: str, key: str) -> int | None:
        """When the row became what it is now."""
        seqs = self.seqs.get((table, key, "update"))
        return self.born(table, key) if seqs is None else seqs[1]


@runtime_checkable
class Chained(Protocol):
    """A source whose writes are numbered."""

    def files_of(self, borrowers: list[str]) -> Iterator[DebtorFile]: ...

    def writes(self, keys: set[str]) -> Writes | None: ...

    def strays(self) -> Iterator[Stray]: ...


def keys_of(file: DebtorFile) -> Iterator[str]:
    """The keys of the rows whose order decides what was known."""
    yield from (v.row for v in file.verdicts if v.row is not None)
    yield from (p.payment_id for p in file.payments)
    yield from (h.hold_id for h in file.holds)
    yield from (p.point_id for p in file.points.values())
    yield from file.persons
    yield from (h.row for h in file.earlier_homes)
    yield from file.cases
    yield from (f"{_escaped(t.loan_id)},{_escaped(t.person_id)}" for t in file.ties)
    yield from (w.row for w in file.wishes if w.row is not None)
    yield from (s.row for s in file.signs if s.row is not None)
    yield from (_contact_key(c)[1] for c in file.contacts)


def as_written(file: DebtorFile, writes: Writes) -> DebtorFile:
    """The file with everything known no earlier than the chain allows."""
    late = _Late(file, writes)
    return replace(
        file,
        payments=[
            p._replace(
                recorded_at=late.known(p.recorded_at, writes.born("payments", p.payment_id)),
                reversed_at=late.maybe(p.reversed_at, writes.born("payment_reversals", p.payment_id)),
            )
            for p in file.payments
        ],
        holds=[h._replace(known_at=late.known(h.known_at, writes.born("holds", h.hold_id))) for h in file.holds],
        points={
            key: p._replace(
                invalid_since=late.maybe(p.invalid_since, changed := writes.changed("contact_points", key)),
                opted_out_at=late.maybe(p.opted_out_at, changed),
                employer_forbids_at=late.maybe(p.employer_forbids_at, changed),
            )
            for key, p in file.points.items()
        },
        persons={
            key: p._replace(opted_out_at=late.maybe(p.opted_out_at, writes.changed("persons", key))) for key, p in file.persons.items()
        },
        earlier_homes=[h._replace(until=late.after(h.until, writes.born("earlier_homes", h.row))) for h in file.earlier_homes],
        cases={key: c._replace(closed_at=late.maybe(c.closed_at, writes.changed("cases", key))) for key, c in file.cases.items()},
        ties=[
            t._replace(
                refused_at=late.maybe(t.refused_at, writes.changed("relations", key)), known_at=late.born(writes.born("relations", key))
            )
            for t in file.ties
            for key in (f"{_escaped(t.loan_id)},{_escaped(t.person_id)}",)
        ],
        wishes=[w if w.row is None else w._replace(at=late.known(w.at, writes.born("wishes", w.row))) for w in file.wishes],
        signs=[s if s.row is None else s._replace(known_at=late.known(s.known_at, writes.born("case_events", s.row))) for s in file.signs],
        contacts=[c._replace(known_at=late.maybe(c.known_at, writes.ended(*_contact_key(c)))) for c in file.contacts],
    )


class _Late:
    """The decisions of a file in the order in which they were written."""

    def __init__(self, file: DebtorFile, writes: Writes) -> None:
        decided = ((writes.born("verdicts", v.row), v.decided_at) for v in file.verdicts if v.row is not None and v.effect == "allow")
        written = sorted((seq, at) for seq, at in decided if seq is not None)
        self._seqs = [seq for seq, _ in written]
        self._latest = list(accumulate((at for _, at in written), max))

    def known(self, at: Instant, seq: int | None) -> Instant:
        """The earliest at which something written as number ``seq`` can have been known: not before any decision that was written before it."""
        if seq is None:
            return at
        earlier = bisect_left(self._seqs, seq)
        return max(at, self._latest[earlier - 1]) if earlier else at

    def after(self, at: Instant, seq: int | None) -> Instant:
        """The earliest at which something can have been otherwise that was so until number ``seq`` was written: after every decision before it."""
        born = self.born(seq)
        return at if born is None else max(at, born + 1)

    def born(self, seq: int | None) -> Instant | None:
        """When something of no date of its own can have been known first; ``None`` if always."""
        earlier = 0 if seq is None else bisect_left(self._seqs, seq)
        return self._latest[earlier - 1] if earlier else None

    def maybe(self, at: Instant | None, seq: int | None) -> Instant | None:
        return None if at is None else self.known(at, seq)


def _contact_key(contact: Contact) -> Key:
    if not contact.reported:
        return "attempts", contact.contact_id
    table, _, key = contact.contact_id.partition("/")
    return ("case_events" if table == "event" else "reported_contacts"), key


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace(",", "\\,")
