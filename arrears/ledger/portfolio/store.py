"""Writing a checked portfolio: what the ledger has already stays, what contradicts it is refused, the rest is written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.person import WishKind
from arrears.ledger.portfolio.addresses import whereabouts
from arrears.ledger.portfolio.check import PERSON_FIELDS, Accepted, Checked, Complaint
from arrears.ledger.portfolio.entries import LoanEntry, PersonEntry, PointEntry
from arrears.ledger.portfolio.files import Place
from arrears.ledger.tables import ContactKind, ContactPointRow, InstalmentRow, LoanRow, PersonRow, RelationRow, Row, SubjectKeyRow, WishRow
from arrears.ledger.vault import Field, Keyring, keyring, of_session, use_again

_CHUNK = 500
_LOAN_FIELDS = ("lender", "product", "currency", "strategy", "language")
_MORE_OF_A_LOAN = ("annual_cost", "limitation_ends_on", "lender_kind", "account")
_POINT_FIELDS = ("line", "source", "legal_basis")
_T = TypeVar("_T")
_PointKey = tuple[str, ContactKind, bytes]


class Written(BaseModel):
    """How much an import wrote."""

    model_config = ConfigDict(frozen=True)

    loans: int = 0
    people: int = 0
    contact_points: int = 0
    instalments: int = 0


class _Unpaid(NamedTuple):
    """What is unpaid of one instalment, comparable."""

    due_on: date
    principal: Decimal
    interest: Decimal
    fees: Decimal


@dataclass
class _Stored:
    """What the ledger has of the loans and people in a file. ``left_alone`` are the people and the addresses that want no contact."""

    loans: dict[str, LoanRow] = field(default_factory=dict[str, LoanRow])
    instalments: dict[str, set[_Unpaid]] = field(default_factory=dict[str, set[_Unpaid]])
    relations: dict[tuple[str, str], RelationRow] = field(default_factory=dict[tuple[str, str], RelationRow])
    people: dict[str, PersonRow] = field(default_factory=dict[str, PersonRow])
    points: dict[_PointKey, ContactPointRow] = field(default_factory=dict[_PointKey, ContactPointRow])
    left_alone: set[str | int] = field(default_factory=set[str | int])
    keys: Keyring = field(default_factory=lambda: Keyring({}))


async def compare(session: AsyncSession, checked: Checked) -> Checked:
    """Sort the accepted rows by what the ledger has: rows that it has already are ``known``, rows that contradict it are refused.

    A row is known if everything in it stands in the ledger; what else the ledger knows of the loan (payments, refusals, further addresses) does not
    matter.
    """
    stored = await _read(session, [a.loan for a in checked.accepted])
    accepted: list[Accepted] = []
    known: list[Accepted] = []
    refused = list(checked.refused)
    for one in checked.accepted:
        if complaints := list(_contradictions(one.loan, stored)):
            refused.extend(complaint.on(one.row) for complaint in complaints)
        elif one.loan.loan_id in stored.loans:
            known.append(one)
        else:
            accepted.append(one)
    refused.sort(key=lambda problem: problem.line)
    return Checked(accepted=tuple(accepted), refused=tuple(refused), known=(*checked.known, *known))


async def write(
    session: AsyncSession, accepted: Sequence[Accepted], now: datetime, on_rows: Callable[[int], None] | None = None
) -> Written:
    """Write rows that were compared in this same transaction. ``on_rows`` is told how many rows were written since it was told last."""
    stored = await _read(session, [a.loan for a in accepted])
    people, points, keys = set(stored.people), set(stored.points), stored.keys
    written = Written()
    for chunk in _chunks([a.loan for a in accepted]):
        new_people = {p.id: p for loan in chunk for p in loan.people if p.id not in people}
        new_keys, wrapped = of_session(session).fresh(new_people)
        keys = keys.and_more(new_keys)
        new_points = {key: point for loan in chunk for person in loan.people for key, point in _points(person, keys) if key not in points}
        people.update(new_people)
        points.update(new_points)
        for table, rows in (
            (PersonRow, [person_row(p, keys) for p in new_people.values()]),
            (SubjectKeyRow, [{"person_id": p, "created_at": now, **vars(key)} for p, key in wrapped.items()]),
            (ContactPointRow, [point_row(key, point, keys) for key, point in new_points.items()]),
            (LoanRow, [_loan_row(loan, now) for loan in chunk]),
            (InstalmentRow, [row for loan in chunk for row in _instalment_rows(loan)]),
            (RelationRow, [row for loan in chunk for row in _relation_rows(loan)]),
        ):
            await _add(session, table, rows)
        await _add(session, WishRow, await _wishes(session, new_people.values(), new_points, now))
        await use_again(session, [p.id for loan in chunk for p in loan.people if p.id not in new_people])
        written = Written(
            loans=written.loans + len(chunk),
            people=written.people + len(new_people),
            contact_points=written.contact_points + len(new_points),
            instalments=written.instalments + sum(len(loan.instalments) for loan in chunk),
        )
        if on_rows:
            on_rows(len(chunk))
    return written


async def _add(session: AsyncSession, table: type[Row], rows: Sequence[dict[str, Any]]) -> None:
    session.add_all([table(**row) for row in rows])
    await session.flush()


async def _read(session: AsyncSession, loans: Sequence[LoanEntry]) -> _Stored:
    stored = _Stored()
    for ids in _chunks([loan.loan_id for loan in loans]):
        stored.loans |= {row.id: row for row in await session.exec(select(LoanRow).where(col(LoanRow.id).in_(ids)))}
    for ids in _chunks(list(stored.loans)):
        for row in await session.exec(select(InstalmentRow).where(col(InstalmentRow.loan_id).in_(ids))):
            stored.instalments.setdefault(row.loan_id, set()).add(_Unpaid(row.due_on, row.principal, row.interest, row.fees))
        for row in await session.exec(select(RelationRow).where(col(RelationRow.loan_id).in_(ids))):
            stored.relations[row.loan_id, row.person_id] = row
    everybody = list({person.id for loan in loans for person in loan.people})
    stored.keys = await keyring(session, everybody)
    for ids in _chunks(everybody):
        stored.people |= {row.id: row for row in await session.exec(select(PersonRow).where(col(PersonRow.id).in_(ids)))}
        for row in await session.exec(select(ContactPointRow).where(col(ContactPointRow.person_id).in_(ids))):
            stored.points[row.person_id, row.kind, row.address_mark] = row
        wishes = select(WishRow).where(col(WishRow.person_id).in_(ids), col(WishRow.withdrawn_at).is_(None))
        for row in await session.exec(wishes):
            match row.kind:
                case WishKind.NO_CONTACT:
                    stored.left_alone.add(row.person_id)
                case WishKind.NO_ADDRESS if row.contact_point_id is not None:
                    stored.left_alone.add(row.contact_point_id)
                case _:
                    pass
    return stored


def _contradictions(loan: LoanEntry, stored: _Stored) -> Iterator[Complaint]:
    """Where a row says something else than the ledger."""
    known = stored.loans.get(loan.loan_id)
    if known is not None:
        yield from (_differs((name,)) for name in _LOAN_FIELDS if getattr(loan, name) != getattr(known, name))
        yield from (_differs((name,)) for name in _MORE_OF_A_LOAN if getattr(loan, name) not in (None, getattr(known, name)))
        if loan.borrower.id != known.borrower_id:
            yield _differs(("borrower", "id"))
        # A hold that was lifted since the import is no contradiction: the row says how the loan started.
        if known.held_for not in (None, loan.held_for):
            yield _differs(("held_for",))
        if {_Unpaid(i.due_on, i.principal, i.interest, i.fees) for i in loan.instalments} != stored.instalments.get(loan.loan_id):
            yield _differs(("instalments",))
        for i, relative in enumerate(loan.relatives):
            relation = stored.relations.get((loan.loan_id, relative.id))
            if relation is None or (relation.role, relation.evidence) != (relative.role, relative.evidence):
                yield _differs(("relatives", i))
            elif _is_news(relative.refused_at, relation.refused_at):
                yield _differs(("relatives", i, "refused_at"))
    for i, person in enumerate(loan.people):
        place: Place = ("borrower",) if i == 0 else ("relatives", i - 1)
        yield from _person_contradictions(person, place, stored, complete=known is not None)


def _person_contradictions(person: PersonEntry, place: Place, stored: _Stored, *, complete: bool) -> Iterator[Complaint]:
    row = stored.people.get(person.id)
    if row is None:
        return
    if stored.keys.erased(row.id):
        yield Complaint((*place, "id"), "is erased", "leave the row out, or if the person is a customer again, give them a new id")
        return
    known = _described(row, stored.keys)
    yield from (_differs((*place, name)) for name in PERSON_FIELDS if getattr(person, name) != known[name])
    if person.residence not in (None, row.residence):
        yield _differs((*place, "residence"))
    if person.opted_out_at is not None and row.id not in stored.left_alone:
        yield _differs((*place, "opted_out_at"))
    for i, (key, point) in enumerate(_points(person, stored.keys)):
        has = stored.points.get(key)
        if (has is None and complete) or (has is not None and _point_differs(point, has, stored)):
            yield _differs((*place, "contact_points", i))


def _point_differs(point: PointEntry, has: ContactPointRow, stored: _Stored) -> bool:
    if any(getattr(point, name) != getattr(has, name) for name in _POINT_FIELDS):
        return True
    if point.place not in (None, has.place):
        return True
    unwanted = point.opted_out_at is not None and has.id not in stored.left_alone
    return unwanted or _is_news(point.invalid_since, has.invalid_since)


def _is_news(told: datetime | None, known: datetime | None) -> bool:
    """Whether a refusal that the row tells is not in the ledger; one that only the ledger knows came after the file was made."""
    return told is not None and known is None


def _differs(place: Place) -> Complaint:
    return Complaint(place, "differs from what the ledger has", "an import adds loans and changes none: correct the row, or leave it out")


def _points(person: PersonEntry, keys: Keyring) -> Iterator[tuple[_PointKey, PointEntry]]:
    for point in person.contact_points:
        yield (person.id, point.kind, keys.mark(person.id, point.address)), point


def _described(row: PersonRow, keys: Keyring) -> dict[str, Any]:
    """What the ledger says of a person, in the clear."""
    birth_date = keys.open(row.id, Field.BIRTH_DATE, row.birth_date)
    opened = {"name": keys.open(row.id, Field.NAME, row.name), "birth_date": date.fromisoformat(birth_date) if birth_date else None}
    return {name: opened[name] if name in opened else getattr(row, name) for name in PERSON_FIELDS}


def _chunks(things: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(things), _CHUNK):
        yield things[start : start + _CHUNK]


def person_row(person: PersonEntry, keys: Keyring) -> dict[str, Any]:
    described = {name: getattr(person, name) for name in PERSON_FIELDS}
    sealed = {
        "name": keys.seal(person.id, Field.NAME, person.name),
        "birth_date": keys.seal(person.id, Field.BIRTH_DATE, person.birth_date.isoformat()) if person.birth_date else None,
    }
    return {"id": person.id, **described, **sealed, "residence": person.residence}


async def _wishes(
    session: AsyncSession, people: Iterable[PersonEntry], points: Mapping[_PointKey, PointEntry], now: datetime
) -> list[dict[str, Any]]:
    """The refusals that a file tells of: of people, and of addresses, which are found by their marks."""
    said = {"source": "import", "recorded_at": now}
    wishes: list[dict[str, Any]] = [
        {"person_id": p.id, "kind": WishKind.NO_CONTACT, "at": p.opted_out_at, **said} for p in people if p.opted_out_at is not None
    ]
    unwanted = {key: point.opted_out_at for key, point in points.items() if point.opted_out_at is not None}
    if not unwanted:
        return wishes
    for row in await session.exec(select(ContactPointRow).where(col(ContactPointRow.address_mark).in_([mark for _, _, mark in unwanted]))):
        at = unwanted.get((row.person_id, row.kind, row.address_mark))
        if at is not None:
            wishes.append({"person_id": row.person_id, "kind": WishKind.NO_ADDRESS, "contact_point_id": row.id, "at": at, **said})
    return wishes


def point_row(key: _PointKey, point: PointEntry, keys: Keyring) -> dict[str, Any]:
    person_id, _, mark = key
    known = whereabouts(point.kind, point.address)
    return {
        "person_id": person_id,
        **point.model_dump(exclude={"opted_out_at"}),
        "address": keys.seal(person_id, Field.ADDRESS, point.address),
        "address_mark": mark,
        "country": known.country,
        "zone": known.zones[0] if known.zones else None,
        "other_zones": list(known.zones[1:]) or None,
    }


def _loan_row(loan: LoanEntry, now: datetime) -> dict[str, Any]:
    own = {name: getattr(loan, name) for name in (*_LOAN_FIELDS, *_MORE_OF_A_LOAN)}
    return {"id": loan.loan_id, "borrower_id": loan.borrower.id, **own, "held_for": loan.held_for, "imported_at": now}


def _instalment_rows(loan: LoanEntry) -> Iterator[dict[str, Any]]:
    for n, instalment in enumerate(sorted(loan.instalments, key=lambda i: i.due_on), start=1):
        yield {"loan_id": loan.loan_id, "n": n, **instalment.model_dump()}


def _relation_rows(loan: LoanEntry) -> Iterator[dict[str, Any]]:
    for relative in loan.relatives:
        own = {"role": relative.role, "evidence": relative.evidence, "refused_at": relative.refused_at}
        yield {"loan_id": loan.loan_id, "person_id": relative.id, **own}
