"""Putting the rows of some borrowers together into their files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from arrears.prove import words
from arrears.prove.contact_rows import ContactReader, Unseal
from arrears.prove.database import Row, as_amount, as_day, as_instant, as_json, as_second
from arrears.prove.model import (
    Approval,
    Case,
    Circumstance,
    Consent,
    Contact,
    ContactPoint,
    DebtorFile,
    EarlierHome,
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
from arrears.prove.numbers import country_of_number
from arrears.prove.shelf import Shelf

T = TypeVar("T")
_HEARD = ("payment_received", "hold_placed", "hold_lifted", "promise_made", "plan_agreed", "contact_reported")


class Filing:
    """Reads the files of some borrowers at once: a handful of statements, whatever their number."""

    def __init__(self, shelf: Shelf, unseal: Unseal | None) -> None:
        self._shelf = shelf
        self._unseal = unseal
        self._contacts = ContactReader(shelf, unseal)

    def files(self, borrowers: list[str]) -> Iterator[DebtorFile]:
        """The files of these borrowers, in this order."""
        loans = {loan.loan_id: loan for loan in self._loans(borrowers)}
        owner = {loan.loan_id: loan.borrower_id for loan in loans.values()}
        files = {borrower: DebtorFile(borrower) for borrower in borrowers}
        for loan in loans.values():
            files[loan.borrower_id].loans[loan.loan_id] = loan
        loan_ids = list(loans)
        case_loans = self._cases(loan_ids, files, owner)
        ours = list(self._contacts.of_loans(loan_ids))
        around = self._people(files, owner, loan_ids, ours)
        self._of_people(files, around)
        self._of_loans(files, owner, loan_ids, case_loans, around)
        _notices_sent(files, owner, ours)
        self._history(files, owner, around, ours)
        self._judgements(files, owner, case_loans, ours)
        for borrower in borrowers:
            file = files[borrower]
            file.contacts.sort(key=_order)
            yield file

    def _loans(self, borrowers: list[str]) -> Iterator[Loan]:
        columns = (
            "id",
            "borrower_id",
            "lender",
            "product",
            "currency",
            "lender_kind",
            "annual_cost",
            "limitation_ends_on",
            "imported_at",
            "account",
        )
        for row in self._shelf.where("loans", "borrower_id", borrowers, *columns):
            cost = None if row[6] is None else as_amount(row[6])
            yield Loan(row[0], row[1], row[2], row[3], row[4], row[5], cost, as_day(row[7]), None, as_instant(row[8]), row[9])

    def _cases(self, loan_ids: list[str], files: dict[str, DebtorFile], owner: dict[str, str]) -> dict[str, str]:
        """Read the cases of these loans; which loan each is of."""
        found: dict[str, str] = {}
        for row in self._shelf.where("cases", "loan_id", loan_ids, "id", "loan_id", "opened_at", "closed_at"):
            case = Case(row[0], row[1], _at(row[2]), as_instant(row[3]))
            files[owner[case.loan_id]].cases[case.case_id] = case
            found[case.case_id] = case.loan_id
        return found

    def _people(
        self, files: dict[str, DebtorFile], owner: dict[str, str], loan_ids: list[str], ours: Iterable[Contact]
    ) -> dict[str, set[str]]:
        """Read the ties; who belongs to which borrowers' files: themselves, the people tied to their loans, and whoever was contacted."""
        around: defaultdict[str, set[str]] = defaultdict(set)
        for borrower in files:
            around[borrower].add(borrower)
        columns = (
            *("loan_id", "person_id", "role", "evidence", "refused_at", "volunteered", "may_ask_again_at", "steps_aside_at"),
            *("liable_up_to", "estate_value", "disclaimed_at"),
        )
        for row in self._shelf.where("relations", "loan_id", loan_ids, "loan_id", "person_id"):
            around[row[1]].add(owner[row[0]])
        for contact in ours:
            around[contact.person_id].add(owner[contact.loan_id])
        for row in self._shelf.where("relations", "person_id", list(around), *columns):
            tie = Tie(
                *row[:4],
                refused_at=as_instant(row[4]),
                volunteered=row[5],
                may_ask_again_at=as_instant(row[6]),
                steps_aside_at=as_instant(row[7]),
                liable_up_to=None if row[8] is None else as_amount(row[8]),
                estate_value=None if row[9] is None else as_amount(row[9]),
                disclaimed_at=as_instant(row[10]),
            )
            for borrower in around[tie.person_id]:
                files[borrower].ties.append(tie)
        return around

    def _of_people(self, files: dict[str, DebtorFile], around: dict[str, set[str]]) -> None:
        ids = list(around)
        for row in self._shelf.where("persons", "id", ids, "id", "zone", "residence", "birth_date", "opted_out_at"):
            person = Person(row[0], row[1], row[2], self._born(row[0], row[3]), as_instant(row[4]))
            for borrower in around[person.person_id]:
                files[borrower].persons[person.person_id] = person
        for point in self._points(ids):
            for borrower in around[point.person_id]:
                files[borrower].points[point.point_id] = point
        self._spread(files, around, self._earlier_homes(ids), lambda file: file.earlier_homes)
        self._spread(files, around, self._wishes(ids), lambda file: file.wishes)
        self._spread(files, around, self._consents(ids), lambda file: file.consents)
        circumstances = self._shelf.where("circumstances", "person_id", ids, "person_id", "kind", "recorded_at", "until")
        self._spread(
            files, around, (Circumstance(r[0], r[1], _at(r[2]), as_instant(r[3])) for r in circumstances), lambda file: file.circumstances
        )

    @staticmethod
    def _spread(
        files: dict[str, DebtorFile], around: dict[str, set[str]], facts: Iterable[Any], to: Callable[[DebtorFile], list[Any]]
    ) -> None:
        for fact in facts:
            for borrower in around[fact.person_id]:
                to(files[borrower]).append(fact)

    def _born(self, person_id: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bytes):
            value = None if self._unseal is None else self._unseal("persons.birth_date", (person_id,), value)
        return as_day(value)

    def _points(self, ids: list[str]) -> Iterator[ContactPoint]:
        columns = (
            *("id", "person_id", "kind", "line", "zone", "address", "place", "legal_basis"),
            *("invalid_since", "opted_out_at", "employer_forbids_at", "reassignment_checked_at", "country", "other_zones"),
        )
        for row in self._shelf.where("contact_points", "person_id", ids, *columns):
            yield ContactPoint(
                str(row[0]),
                row[1],
                row[2],
                row[3],
                row[4],
                row[12] or self._country(row[1], row[2], row[5]),
                row[6],
                row[7],
                invalid_since=as_instant(row[8]),
                opted_out_at=as_instant(row[9]),
                employer_forbids_at=as_instant(row[10]),
                reassignment_checked_at=as_instant(row[11]),
                more_zones=tuple(as_json(row[13]) or ()),
            )

    def _country(self, person_id: str, kind: str, address: Any) -> str | None:
        if kind not in ("mobile", "landline"):
            return None
        if isinstance(address, bytes):
            address = None if self._unseal is None else self._unseal("contact_points.address", (person_id,), address)
        return None if address is None else country_of_number(address)

    def _earlier_homes(self, ids: list[str]) -> Iterator[EarlierHome]:
        columns = ("id", "person_id", "contact_point_id", "until", "zone", "residence", "place")
        for row in self._shelf.where("earlier_homes", "person_id", ids, *columns):
            yield EarlierHome(str(row[0]), row[1], None if row[2] is None else str(row[2]), _at(row[3]), *row[4:])

    def _wishes(self, ids: list[str]) -> Iterator[Wish]:
        columns = ("person_id", "kind", "at", "channel", "contact_point_id", "starts", "ends", "withdrawn_at", "id")
        for row in self._shelf.where("wishes", "person_id", ids, *columns):
            point = None if row[4] is None else str(row[4])
            yield Wish(row[0], row[1], _at(row[2]), row[3], point, as_second(row[5]), as_second(row[6]), as_instant(row[7]), str(row[8]))

    def _consents(self, ids: list[str]) -> Iterator[Consent]:
        columns = ("person_id", "kind", "given_at", "channel", "starts", "ends", "ends_at", "withdrawn_at")
        for row in self._shelf.where("consents", "person_id", ids, *columns):
            yield Consent(row[0], row[1], _at(row[2]), row[3], as_second(row[4]), as_second(row[5]), as_instant(row[6]), as_instant(row[7]))

    def _of_loans(
        self,
        files: dict[str, DebtorFile],
        owner: dict[str, str],
        loan_ids: list[str],
        case_loans: dict[str, str],
        around: dict[str, set[str]],
    ) -> None:
        shelf = self._shelf
        for row in shelf.where("instalments", "loan_id", loan_ids, "loan_id", "due_on", "principal", "interest", "fees"):
            owed = as_amount(row[2]) + as_amount(row[3]) + as_amount(row[4])
            files[owner[row[0]]].instalments.append(Instalment(row[0], day_number_of(row[1]), owed))
        told = self._told(files, owner, case_loans)
        gone = self._reversals(loan_ids)
        for row in shelf.where("payments", "loan_id", loan_ids, "payment_id", "loan_id", "amount", "received_at", "recorded_at"):
            payment = Payment(row[0], row[1], as_amount(row[2]), _at(row[3]), _at(row[4]), told.payments.get(row[0]), gone.get(row[0]))
            files[owner[row[1]]].payments.append(payment)
        self._holds(files, around, told)
        columns = ("loan_id", "person_id", "kind", "sent_at", "agency", "delivered_at", "bounced_at")
        for row in shelf.where("notices", "loan_id", loan_ids, *columns):
            notice = Notice(row[0], row[1], row[2], _at(row[3]), row[4], as_instant(row[5]), as_instant(row[6]))
            files[owner[notice.loan_id]].notices.append(notice)
        columns = ("id", "loan_id", "case_id", "target", "sent_at", "agency", "until", "recalled_at", "approval_id", "step")
        for row in shelf.where("referrals", "case_id", list(case_loans), *columns):
            placement = Placement(
                row[0], row[1], row[2], row[3], _at(row[4]), row[5], as_instant(row[6]), as_instant(row[7]), row[8], row[9]
            )
            if case_loans[placement.case_id] == placement.loan_id:  # one that is not is a stray
                files[owner[placement.loan_id]].placements.append(placement)

    def _reversals(self, loan_ids: list[str]) -> dict[str, Instant]:
        """When it was known of each payment that it had been taken back."""
        if not self._shelf.has("payment_reversals"):
            return {}
        joined = "SELECT p.payment_id, r.recorded_at FROM payments p JOIN payment_reversals r ON r.payment_id = p.payment_id WHERE p.loan_id {ids}"
        return {row[0]: _at(row[1]) for row in self._shelf.read(joined, loan_ids)}

    def _holds(self, files: dict[str, DebtorFile], around: dict[str, set[str]], told: Told) -> None:
        """Read the holds of the borrowers' own loans, and those about the people around them, on whichever loan."""
        names = ("id", "loan_id", "reason", "placed_at", "until", "lifted_at", "details", "recorded_at", "lift_recorded_at", "person_id")
        columns = f"l.borrower_id, {self._shelf.names('holds', names, 'h.')}"
        joined = f"SELECT {columns} FROM loans l JOIN holds h ON h.loan_id = l.id WHERE "  # noqa: S608 (names of ours)
        seen: set[Any] = set()
        keys = ("l.borrower_id", "h.person_id") if self._shelf.has("holds", "person_id") else ("l.borrower_id",)
        for key in keys:
            for row in self._shelf.read(f"{joined}{key} {{ids}}", list(around)):
                if row[1] in seen:
                    continue
                seen.add(row[1])
                hold = _hold(row, told)
                for borrower in around.get(hold.person_id or row[0], set()) | ({row[0]} & files.keys()):
                    files[borrower].holds.append(hold)

    def _told(self, files: dict[str, DebtorFile], owner: dict[str, str], case_loans: dict[str, str]) -> Told:
        """What the cases were told, and when: from their events, from what they began with, and from verdicts that named it to them."""
        told = Told()
        case_ids = list(case_loans)
        kinds = ", ".join(f"'{kind}'" for kind in _HEARD)
        only = f" AND kind IN ({kinds})"
        for row in self._shelf.where("case_events", "case_id", case_ids, "case_id", "kind", "at", "recorded_at", "body", "id", only=only):
            loan_id, at, known = case_loans[row[0]], _at(row[2]), _at(row[3])
            body: dict[str, Any] = as_json(row[4])
            file = files[owner[loan_id]]
            match row[1]:
                case "payment_received":
                    told.payment(body["payment"]["payment_id"], known)
                case "hold_placed" | "hold_lifted":
                    told.holds[loan_id, row[1], body.get("reason"), at] = known
                case "contact_reported":
                    if body.get("attempt_id") is None and body.get("party") == "borrower":
                        file.contacts.append(_told_of_contact(row[5], loan_id, owner[loan_id], body, at, known))
                case kind:
                    file.signs.append(Sign(loan_id, kind, at, known, str(row[5])))
        for row in self._shelf.where("cases", "id", case_ids, "opened_at", "payments_counted"):
            for payment_id in as_json(row[1]) or ():
                told.payment(payment_id, _at(row[0]))
        only = " AND verdict = 'deny' AND CAST(rules AS TEXT) LIKE '%AR-05%'"
        for row in self._shelf.where("verdicts", "case_id", case_ids, "decided_at", "observed", only=only):
            for finding in as_json(row[1]):
                for fact in finding.get("facts", ()):
                    told.payment(fact, _at(row[0]))
        return told

    def _history(self, files: dict[str, DebtorFile], owner: dict[str, str], around: dict[str, set[str]], ours: Iterable[Contact]) -> None:
        """Every contact goes to the file of its loan, and to the files of all others whom its person belongs to, to be counted there."""
        reported = list(self._contacts.reported(list(owner), list(around)))
        elsewhere = self._contacts.of_people(list(around), set(owner))
        for contact in (*ours, *reported, *elsewhere):
            home = owner.get(contact.loan_id)
            if home is not None:
                files[home].contacts.append(contact)
            for borrower in around.get(contact.person_id, ()):
                if borrower != home:
                    files[borrower].contacts.append(contact)

    def _judgements(self, files: dict[str, DebtorFile], owner: dict[str, str], case_loans: dict[str, str], ours: list[Contact]) -> None:
        home = {contact.contact_id: owner[contact.loan_id] for contact in ours}
        for file in files.values():
            home.update((p.placement_id, file.borrower_id) for p in file.placements)
        for verdict in self._contacts.verdicts(list(owner), list(case_loans)):
            if verdict.about in home:
                files[home[verdict.about]].verdicts.append(verdict)
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for contact in ours:
            if contact.approval_id is not None:
                wanted[contact.approval_id].add(owner[contact.loan_id])
        for file in files.values():
            for placement in file.placements:
                if placement.approval_id is not None:
                    wanted[placement.approval_id].add(file.borrower_id)
        for approval in self._approvals(list(wanted)):
            for borrower in wanted[approval.approval_id]:
                files[borrower].approvals[approval.approval_id] = approval

    def _approvals(self, ids: list[str]) -> Iterator[Approval]:
        contents: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in self._shelf.where("approval_persons", "approval_id", ids, "approval_id", "person_id", "content_hash"):
            contents[row[0]][row[1]] = row[2]
        columns = (
            *("id", "case_id", "state", "role", "requested_by", "asked_at", "deadline", "step", "purpose"),
            *("decided_by", "decided_at", "void_at"),
        )
        for row in self._shelf.where("approvals", "id", ids, *columns):
            decided, void = as_instant(row[10]), as_instant(row[11])
            yield Approval(
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                asked_at=_at(row[5]),
                deadline=_at(row[6]),
                step=row[7],
                purpose=row[8],
                decided_by=row[9],
                decided_at=decided,
                void_at=void,
                contents=contents.get(row[0], {}),
            )


class Told:
    """When a loan's cases were told of what."""

    def __init__(self) -> None:
        self.payments: dict[str, Instant] = {}
        self.holds: dict[tuple[str, str, str | None, Instant], Instant] = {}

    def payment(self, payment_id: str, at: Instant) -> None:
        self.payments[payment_id] = min(at, self.payments.get(payment_id, at))


def _hold(row: Row, told: Told) -> Hold:
    borrower, hold_id, loan_id, reason, placed, until, lifted, details, recorded, lift_recorded, person = row
    placed_at, lifted_at = _at(placed), as_instant(lifted)
    more: dict[str, Any] = as_json(details) or {}
    known_at, lift_known_at = as_instant(recorded), as_instant(lift_recorded)
    if known_at is None:
        known_at = told.holds.get((loan_id, "hold_placed", reason, placed_at), placed_at)
    if lift_known_at is None and lifted_at is not None:
        said = (told.holds.get((loan_id, "hold_lifted", name, lifted_at)) for name in (reason, None))
        lift_known_at = next((at for at in said if at is not None), lifted_at)
    return Hold(
        str(hold_id),
        loan_id,
        reason,
        placed_at,
        known_at,
        until=as_instant(until),
        lifted_at=lifted_at,
        lift_known_at=lift_known_at,
        agency=more.get("agency"),
        part=None if more.get("part") is None else as_amount(more["part"]),
        treatment_ends_on=as_day(more.get("treatment_ends_on")),
        person_id=person or borrower,
    )


def _notices_sent(files: dict[str, DebtorFile], owner: dict[str, str], ours: Iterable[Contact]) -> None:
    """Contacts of ours that were the notice itself."""
    for contact in ours:
        if contact.notice is not None:
            delivered = contact.known_at if contact.outcome == "delivered" else None
            bounced = contact.known_at if contact.outcome in words.CAME_BACK else None
            notice = Notice(contact.loan_id, contact.person_id, contact.notice, contact.at, None, delivered, bounced)
            files[owner[contact.loan_id]].notices.append(notice)


def _told_of_contact(event_id: Any, loan_id: str, person_id: str, body: dict[str, Any], at: Instant, known: Instant) -> Contact:
    """A contact with the borrower of which a case was told: nobody said who began it, so it is counted and not judged."""
    return Contact(
        f"event/{event_id}",
        loan_id,
        person_id,
        body["channel"],
        at,
        body["outcome"],
        known,
        direction="unknown",
        reported=True,
        purpose=None,
    )


def _at(value: Any) -> Instant:
    at = as_instant(value)
    assert at is not None
    return at


def day_number_of(value: Any) -> int:
    day = as_day(value)
    assert day is not None
    return day


def _order(contact: Contact) -> tuple[Instant, Instant, str]:
    return contact.at, contact.reserved_at or contact.at, contact.contact_id
