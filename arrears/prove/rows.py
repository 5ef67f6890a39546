"""A ledger as the checker reads it: raw rows, a few hundred borrowers at a time, at one moment of the ledger.

``open`` takes ``unseal``, which opens sealed personal data: ``unseal("attempts.text", ("P-1", "P-2"), b"…")`` gives the text, or nothing if it cannot be
opened. Without it, rules that need a text or a birth date say that they could not judge. It must be picklable if several processes are to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from arrears.prove.contact_rows import MAY_HAVE_LEFT
from arrears.prove.database import Database, Row, Unreadable, as_day, as_instant, as_json, connect
from arrears.prove.filing import Filing
from arrears.prove.model import Agency, Book, DebtorFile, Operator, Stray
from arrears.prove.shelf import Shelf
from arrears.prove.written import Writes

Unseal = Callable[[str, tuple[str, ...], bytes], str | None]

BORROWERS_AT_ONCE = 256
_EARLIEST = ("loans", "persons", "attempts")

__all__ = ["Ledger", "Unreadable", "Unseal", "open"]


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open the same ledger again, at the same moment, in another process."""

    url: str
    unseal: Unseal | None
    moment: str = ""

    def open(self) -> Ledger:
        return Ledger(self)


class Ledger:
    """An open ledger: a source of files. Close it."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.database: Database = connect(opening.url, opening.moment)
        self._shelf = Shelf(self.database)
        if missing := [table for table in _EARLIEST if not self._shelf.has(table)]:
            self.database.close()
            raise Unreadable(f"it is no ledger, or an empty one: there is no table {missing[0]}")
        self._book: Book | None = None

    def book(self) -> Book:
        """What is true for all files."""
        if self._book is None:
            self._book = Book(
                agencies={agency.agency: agency for agency in self._agencies()},
                operators={row[0]: Operator(row[0], row[1], bool(row[2])) for row in self._shelf.all("operators", "id", "role", "active")},
                unknown=self._unknown(),
            )
        return self._book

    def files(self, shard: int = 0, shards: int = 1) -> Iterator[DebtorFile]:
        """The files of every ``shards``-th few hundred borrowers, in the order of their ids."""
        filing = Filing(self._shelf, self.opening.unseal)
        for n, borrowers in enumerate(self._borrowers()):
            if n % shards == shard:
                yield from filing.files(borrowers)

    def files_of(self, borrowers: list[str]) -> Iterator[DebtorFile]:
        """The files of these borrowers."""
        filing = Filing(self._shelf, self.opening.unseal)
        for first in range(0, len(borrowers), BORROWERS_AT_ONCE):
            yield from filing.files(borrowers[first : first + BORROWERS_AT_ONCE])

    def writes(self, keys: set[str]) -> Writes | None:
        """In which order these rows were written, by the ledger's chain; nothing if it has none.

        The rows of the chain's first transaction were there before it, or came all at once: their order says nothing, and so they are left out.
        """
        if not self._shelf.has("records"):
            return None
        sql = (
            "SELECT tbl, row_key, op, min(seq), max(seq) FROM records "
            "WHERE NOT EXISTS (SELECT 1 FROM records AS first WHERE first.seq = 1 AND first.at = records.at) AND row_key {ids} "
            "GROUP BY tbl, row_key, op"
        )
        return Writes({(row[0], row[1], row[2]): (row[3], row[4]) for row in self._shelf.read(sql, sorted(keys))})

    def strays(self) -> Iterator[Stray]:
        """What left and belongs to no loan of this ledger, or not to the loan of its case: no borrower's file holds it."""
        of_no_loan = "NOT EXISTS (SELECT 1 FROM loans l WHERE l.id = {table}.loan_id)"
        of_no_case = "NOT EXISTS (SELECT 1 FROM cases c JOIN loans l ON l.id = c.loan_id WHERE c.id = referrals.case_id AND c.loan_id = referrals.loan_id)"
        wanted = (
            ("attempts", "id", "sent_at", f"{of_no_loan} AND {MAY_HAVE_LEFT}"),
            ("reported_contacts", "id", "at", of_no_loan),
            ("referrals", "id", "sent_at", of_no_case),
        )
        for table, key, at, condition in wanted:
            if self._shelf.has(table):
                sql = f"SELECT {key}, loan_id, {at} FROM {table} WHERE {condition.format(table=table)}"  # noqa: S608 (names of ours)
                prefix = "reported/" if table == "reported_contacts" else ""
                for row in self.database.read(sql):
                    yield Stray(f"{prefix}{row[0]}", row[1], as_instant(row[2]) or 0)

    @contextmanager
    def shared(self) -> Generator[Opening]:
        """How others open the ledger as it is now; it does not change while the context lasts."""
        with self.database.shared() as moment:
            yield replace(self.opening, moment=moment)

    def close(self) -> None:
        self.database.close()

    def _borrowers(self) -> Iterator[list[str]]:
        last = ""
        sql = f"SELECT DISTINCT borrower_id FROM loans WHERE borrower_id {{after}} ORDER BY borrower_id LIMIT {BORROWERS_AT_ONCE}"  # noqa: S608 (a number of ours)
        while ids := [row[0] for row in self.database.read(sql, last)]:
            yield ids
            last = ids[-1]

    def _unknown(self) -> frozenset[str]:
        unknown = {
            word
            for word, table in (("agencies", "agencies"), ("notices", "notices"), ("consents", "consents"))
            if not self._shelf.has(table)
        }
        if self.opening.unseal is None and self._shelf.has("subject_keys"):
            unknown |= {"births", "texts"}
        return frozenset(unknown)

    def _agencies(self) -> Iterator[Agency]:
        days = ("listed_from", "listed_until", "contract_from", "contract_until", "reviewed_on", "closing_review_on")
        rows = self._shelf.all("agencies", "id", *days, "sub_agency", "misconduct_since", "assessment_id", "agreed", "feed_at")
        for row in rows:
            yield _agency(row)


def _agency(row: Row) -> Agency:
    agreed: list[str] = as_json(row[10]) or []
    return Agency(
        row[0],
        listed_from=as_day(row[1]),
        listed_until=as_day(row[2]),
        contract_from=as_day(row[3]),
        contract_until=as_day(row[4]),
        reviewed_on=as_day(row[5]),
        closing_review_on=as_day(row[6]),
        sub_agency=bool(row[7]),
        misconduct_since=as_day(row[8]),
        assessment_id=row[9],
        agreed=frozenset(agreed),
        feed_at=as_instant(row[11]),
    )


def open(url: str, unseal: Unseal | None = None) -> Ledger:
    """Open a ledger for reading, at this moment of it. Raises ``Unreadable``."""
    return Opening(url, unseal).open()
