"""The rows of contacts: our attempts that may have left, what others reported, and the verdicts on ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from arrears.prove import words
from arrears.prove.database import Row, as_instant, as_json
from arrears.prove.model import LENDER, Contact, Verdict
from arrears.prove.shelf import Shelf

Unseal = Callable[[str, tuple[str, ...], bytes], str | None]

_COLUMNS = (
    *("id", "loan_id", "person_id", "channel", "sent_at", "outcome", "settled_at", "case_id", "contact_point_id", "purpose", "klass"),
    *("notice", "reserved_at", "approval_id", "content_hash", "artificial_voice"),
)
_NOT_OUT = words.NEVER_LEFT | {"failed", "unknown"}
MAY_HAVE_LEFT = "(sent_at IS NOT NULL OR (state = 'settled' AND outcome NOT IN ({never})))".format(
    never=", ".join(f"'{outcome}'" for outcome in sorted(_NOT_OUT))
)
"""Of an attempt, as a condition: that it left, or may have left."""


class ContactReader:
    """Reads contacts and verdicts of some loans and people."""

    def __init__(self, shelf: Shelf, unseal: Unseal | None) -> None:
        self._shelf = shelf
        self._unseal = unseal
        self._regimes: dict[tuple[Any, ...], tuple[tuple[str, str, str], ...]] = {}

    def of_loans(self, loan_ids: list[str]) -> Iterator[Contact]:
        """Our own contacts about these loans, with their text."""
        borrowers = {row[0]: row[1] for row in self._shelf.where("loans", "id", loan_ids, "id", "borrower_id")} if self._unseal else {}
        for row in self._shelf.where("attempts", "loan_id", loan_ids, *_COLUMNS, "text", only=f" AND {MAY_HAVE_LEFT}"):
            text = row[16]
            if isinstance(text, bytes):
                text = self._opened(text, row[2], borrowers.get(row[1]))
            yield _ours(row, text)

    def of_people(self, person_ids: list[str], but: set[str]) -> Iterator[Contact]:
        """Our own contacts with these people about other loans, without their text: they are only counted."""
        for row in self._shelf.where("attempts", "person_id", person_ids, *_COLUMNS, only=f" AND {MAY_HAVE_LEFT}"):
            if row[1] not in but:
                yield _ours(row, None)

    def reported(self, loan_ids: list[str], person_ids: list[str]) -> Iterator[Contact]:
        """What others reported about these loans, or of these people."""
        columns = (
            *("id", "loan_id", "person_id", "channel", "at", "outcome", "recorded_at", "direction", "source", "contact_point_id"),
            *("purpose", "klass"),
        )
        seen: set[Any] = set()
        for key, ids in (("loan_id", loan_ids), ("person_id", person_ids)):
            for row in self._shelf.where("reported_contacts", key, ids, *columns):
                if row[0] not in seen:
                    seen.add(row[0])
                    yield _reported(row)

    def verdicts(self, loan_ids: list[str], case_ids: list[str]) -> Iterator[Verdict]:
        """Every verdict on an attempt about these loans, and on a step of these cases that gave something away."""
        names = (
            "attempt_id",
            "case_id",
            "decided_at",
            "verdict",
            "person_id",
            "approval_id",
            "regimes",
            "regime",
            "regime_version",
            "rules",
            "id",
        )
        columns = self._shelf.names("verdicts", names, "v.")
        on_attempts = f"SELECT {columns} FROM attempts a JOIN verdicts v ON v.attempt_id = a.id WHERE a.loan_id {{ids}}"  # noqa: S608 (ours)
        on_steps = f"SELECT {columns} FROM referrals r JOIN verdicts v ON v.attempt_id = r.id WHERE r.case_id {{ids}}"  # noqa: S608 (ours)
        yield from map(self._verdict, self._shelf.read(on_attempts, loan_ids))
        yield from map(self._verdict, self._shelf.read(on_steps, case_ids))

    def _verdict(self, row: Row) -> Verdict:
        law = (row[6] if isinstance(row[6], str) else str(row[6]), row[7], row[8])
        regimes = self._regimes.get(law)
        if regimes is None:
            regimes = self._regimes[law] = _regimes(row[6], row[7], row[8])
        rules = () if row[9] in ("[]", [], None) else tuple(as_json(row[9]))
        at = as_instant(row[2])
        assert at is not None
        return Verdict(row[0], row[1], at, row[3], row[4], row[5], regimes, rules, str(row[10]))

    def _opened(self, text: bytes, person_id: str, borrower_id: str | None) -> str | None:
        if self._unseal is None:
            return None
        owners = tuple(dict.fromkeys((person_id, borrower_id or person_id)))
        return self._unseal("attempts.text", owners, text)


def _regimes(several: Any, name: str | None, version: Any) -> tuple[tuple[str, str, str], ...]:
    if several is not None:
        return tuple((str(r.get("name")), str(r.get("version")), str(r.get("hash", ""))) for r in as_json(several))
    return () if name is None else ((name, str(version), ""),)


def _ours(row: Row, text: str | None) -> Contact:
    sent, settled = as_instant(row[4]), as_instant(row[6])
    at = sent if sent is not None else settled
    reserved = as_instant(row[12])
    return Contact(
        row[0],
        row[1],
        row[2],
        row[3],
        at if at is not None else reserved or 0,
        row[5],
        settled,
        "out",
        LENDER,
        False,
        row[7],
        None if row[8] is None else str(row[8]),
        row[9],
        row[10],
        row[11],
        reserved,
        sent,
        row[13],
        row[14],
        None if row[15] is None else bool(row[15]),
        text,
    )


def _reported(row: Row) -> Contact:
    at = as_instant(row[4])
    assert at is not None
    return Contact(
        f"reported/{row[0]}",
        row[1],
        row[2],
        row[3],
        at,
        row[5],
        as_instant(row[6]),
        row[7],
        row[8],
        True,
        point_id=None if row[9] is None else str(row[9]),
        purpose=row[10],
        klass=row[11],
    )
