"""Every row of a portfolio is checked before anything is written; what is wrong is said with its line, its field and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from arrears.ledger.portfolio.addresses import AddressRefused, canonical, zones
from arrears.ledger.portfolio.entries import InstalmentEntry, LoanEntry, PersonEntry, PointEntry, RelativeEntry
from arrears.ledger.portfolio.files import Place, RawRow
from arrears.ledger.tables import ContactKind


class RowProblem(BaseModel):
    """Why a row is refused. It repeats no name, number or address."""

    model_config = ConfigDict(frozen=True)

    line: int
    loan_id: str | None
    field: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Accepted:
    """A row that may be written, as it stood in the file and as it was understood."""

    row: RawRow
    loan: LoanEntry


@dataclass(frozen=True)
class Checked:
    """All rows of a file: those that may be written, those that the ledger has already, and why the others may not be written."""

    accepted: tuple[Accepted, ...]
    refused: tuple[RowProblem, ...]
    known: tuple[Accepted, ...] = ()

    @property
    def refused_lines(self) -> int:
        """How many rows are refused; one row may have several problems."""
        return len({problem.line for problem in self.refused})


@dataclass(frozen=True)
class Complaint:
    """A problem before it has a line: where in the row, what, and what to do."""

    place: Place
    problem: str
    remedy: str

    def on(self, row: RawRow) -> RowProblem:
        loan_id = row.values.get("loan_id")
        return RowProblem(
            line=row.line,
            loan_id=loan_id if isinstance(loan_id, str) else None,
            field=row.field(self.place),
            problem=self.problem,
            remedy=self.remedy,
        )


_Person = TypeVar("_Person", bound=PersonEntry)
_REMEDIES: dict[str | int, str] = {
    name: f"{field.description}"
    for model in (PointEntry, InstalmentEntry, LoanEntry, RelativeEntry, PersonEntry)
    for name, field in model.model_fields.items()
}
_REMEDIES["amount"] = _REMEDIES["principal"]

PERSON_FIELDS = ("name", "zone", "language", "birth_date")
"""What describes a person, and must be the same wherever they are named."""


def check(rows: Iterable[RawRow], currencies: Mapping[str, str], on_row: Callable[[], None] | None = None) -> Checked:
    """Check the rows by themselves and against each other; ``currencies`` names the strategies that exist, each with its currency.

    ``on_row`` is called after each row. Raises what reading the rows raises.
    """
    accepted: list[Accepted] = []
    refused: list[RowProblem] = []
    seen = _Seen()
    for row in rows:
        loan, complaints = _parse(row)
        if loan is not None:
            loan, complaints = _settle(loan)
            complaints = [*complaints, *_strategy(loan, currencies), *seen.contradictions(loan)]
            if not complaints:
                seen.add(row.line, loan)
                accepted.append(Accepted(row=row, loan=loan))
        refused.extend(complaint.on(row) for complaint in complaints)
        if on_row:
            on_row()
    return Checked(accepted=tuple(accepted), refused=tuple(refused))


def _parse(row: RawRow) -> tuple[LoanEntry | None, list[Complaint]]:
    if row.broken is not None:
        return None, [Complaint((), row.broken, "correct the line; see docs/import.md")]
    try:
        return LoanEntry.model_validate(row.values), []
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        inside = {error["loc"][:length] for error in errors for length in range(len(error["loc"]))}
        # A list whose items are wrong is reported as too short as well: the items say enough.
        return None, [_from_pydantic(error) for error in errors if error["loc"] not in inside]


def _from_pydantic(error: ErrorDetails) -> Complaint:
    remedy = next((_REMEDIES[part] for part in reversed(error["loc"]) if part in _REMEDIES), "the row as docs/import.md says")
    match error["type"]:
        case "missing":
            return Complaint(error["loc"], "is missing", f"give {remedy}")
        case "extra_forbidden":
            return Complaint(error["loc"], "is no field of a portfolio", "remove it; docs/import.md lists the fields")
        case "value_error" if error["loc"][-1:] == ("zone",):
            # What stands there is not repeated: columns that slipped would show names.
            return Complaint(error["loc"], "is not an IANA time zone", f"give {remedy}")
        case _:
            return Complaint(error["loc"], error["msg"].removeprefix("Value error, "), f"give {remedy}")


def _settle(loan: LoanEntry) -> tuple[LoanEntry, list[Complaint]]:
    """The row with numbers in E.164, and zones and legal bases given, as far as they can be told."""
    complaints: list[Complaint] = []
    borrower = _settled(loan.borrower, ("borrower",), "contract", loan.country, complaints)
    relatives = tuple(
        _settled(person, ("relatives", i), "named_by_borrower", loan.country, complaints) for i, person in enumerate(loan.relatives)
    )
    return loan.model_copy(update={"borrower": borrower, "relatives": relatives}), complaints


def _settled(person: _Person, place: Place, legal_basis: str, country: str | None, complaints: list[Complaint]) -> _Person:
    points: list[PointEntry] = []
    for i, point in enumerate(person.contact_points):
        at = (*place, "contact_points", i)
        try:
            address = canonical(point, country)
        except AddressRefused as refused:
            complaints.append(Complaint((*at, "address"), refused.problem, refused.remedy))
            continue
        if any((p.kind, p.address) == (point.kind, address) for p in points):
            complaints.append(Complaint((*at, "address"), "is given twice for this person", "give it once"))
        points.append(point.model_copy(update={"address": address, "legal_basis": point.legal_basis or legal_basis}))
    zone = person.zone
    if zone is None:
        told = zones(points)
        zone = told.pop() if len(told) == 1 else None
        if zone is None and len(points) == len(person.contact_points):
            complaints.append(Complaint((*place, "zone"), "is not given, and no phone number tells it", f"give {_REMEDIES['zone']}"))
    return person.model_copy(update={"contact_points": tuple(points), "zone": zone})


def _strategy(loan: LoanEntry, currencies: Mapping[str, str]) -> Iterator[Complaint]:
    currency = currencies.get(loan.strategy)
    if currency is None:
        yield Complaint(("strategy",), f"there is no strategy {loan.strategy}", f"name one of {', '.join(sorted(currencies))}")
    elif currency != loan.currency:
        yield Complaint(("currency",), f"strategy {loan.strategy} is made for {currency}", f"name a strategy for {loan.currency}")


class _Seen:
    """What earlier rows of the file have said."""

    def __init__(self) -> None:
        self._loans: dict[str, int] = {}
        self._people: dict[str, tuple[int, PersonEntry]] = {}
        self._points: dict[tuple[str, ContactKind, str], tuple[int, PointEntry]] = {}

    def add(self, line: int, loan: LoanEntry) -> None:
        self._loans[loan.loan_id] = line
        for person in loan.people:
            self._people.setdefault(person.id, (line, person))
            for point in person.contact_points:
                self._points.setdefault((person.id, point.kind, point.address), (line, point))

    def contradictions(self, loan: LoanEntry) -> Iterator[Complaint]:
        """Where a row says something else than the rows before it, or than itself."""
        if before := self._loans.get(loan.loan_id):
            yield Complaint(("loan_id",), f"is on line {before} already", "list a loan once")
        for dates in (i for i, instalment in enumerate(loan.instalments) if instalment.due_on in {o.due_on for o in loan.instalments[:i]}):
            yield Complaint(("instalments", dates, "due_on"), "is the due date of another instalment too", "add them up to one")
        for i, person in enumerate(loan.people):
            place: Place = ("borrower",) if i == 0 else ("relatives", i - 1)
            if person.id in {p.id for p in loan.people[:i]}:
                yield Complaint((*place, "id"), "is somebody else's in this row", "give each person an id of their own")
            elif person.id in self._people:
                yield from self._of_person(person, place)

    def _of_person(self, person: PersonEntry, place: Place) -> Iterator[Complaint]:
        line, before = self._people[person.id]
        for name in (*PERSON_FIELDS, "residence", "opted_out_at"):
            if getattr(person, name) != getattr(before, name):
                yield Complaint(
                    (*place, name), f"differs from line {line} for the same person", "make them agree, or give another person another id"
                )
        for i, point in enumerate(person.contact_points):
            known = self._points.get((person.id, point.kind, point.address))
            if known and known[1] != point:
                remedy = "give the same line, source and legal basis"
                yield Complaint((*place, "contact_points", i), f"differs from line {known[0]} for the same person", remedy)
