"""A borrower's file for the tests of the law: one loan, overdue, with a sister beside it; the tests say what is different."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from arrears.prove.findings import Coverage, Violation
from arrears.prove.judge import Judge
from arrears.prove.model import (
    Agency,
    Approval,
    Book,
    Case,
    Consent,
    Contact,
    ContactPoint,
    DebtorFile,
    Hold,
    Instalment,
    Loan,
    Operator,
    Payment,
    Person,
    Tie,
    Verdict,
    amount,
    day_number,
    instant,
)

SHANGHAI, NEW_YORK, LONDON, KOLKATA = "Asia/Shanghai", "America/New_York", "Europe/London", "Asia/Kolkata"
TEXT = "Please call us back."
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()
ZONES = {"CN": SHANGHAI, "US": NEW_YORK, "US-MA": NEW_YORK, "GB": LONDON, "IN": KOLKATA, "FR": "Europe/Paris"}


def at(when: str, zone: str = SHANGHAI) -> datetime:
    """A local time such as ``2026-11-23 10:00``, in a zone."""
    return datetime.fromisoformat(when).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@dataclass
class Scene:
    """One borrower's file as it grows. ``residence`` says under whose law it lies; in America everybody agreed to texts."""

    residence: str = "CN"
    file: DebtorFile = field(default_factory=lambda: DebtorFile("B"))
    book: Book = field(default_factory=Book)
    coverage: Coverage = field(default_factory=Coverage)

    def __post_init__(self) -> None:
        self.zone = ZONES[self.residence]
        for person in ("B", "S"):
            self.file.persons[person] = Person(person, self.zone, self.residence)
            for kind in ("mobile", "email", "in_app"):
                point = f"{person}-{kind}"
                self.file.points[point] = ContactPoint(point, person, kind, legal_basis="contract" if person == "B" else "consent")
        self.file.loans["L"] = Loan("L", "B", product="cash-loan")
        self.file.ties.append(Tie("L", "S", "emergency"))
        self.file.instalments.append(Instalment("L", day_number(date(2026, 10, 1)), amount("500")))
        self.file.cases["L.1"] = Case("L.1", "L", instant(at("2026-10-02 06:00", self.zone)))
        if self.residence.startswith("US"):
            for day in ("2026-10-20", "2027-03-01"):
                self.file.consents += [Consent(person, "texts", self.at(f"{day} 10:00")) for person in ("B", "S")]
        self.book = Book(operators={"sue": Operator("sue", "supervisor"), "rob": Operator("rob", "risk_control")})

    def at(self, when: str) -> int:
        return instant(at(when, self.zone))

    def person(self, person: str, **known: Any) -> None:
        self.file.persons[person] = self.file.persons[person]._replace(**known)

    def point(self, point: str, **known: Any) -> None:
        self.file.points[point] = self.file.points[point]._replace(**known)

    def loan(self, **known: Any) -> None:
        self.file.loans["L"] = self.file.loans["L"]._replace(**known)

    def tie(self, **known: Any) -> None:
        self.file.ties[0] = self.file.ties[0]._replace(**known)

    def agency(self, **known: Any) -> None:
        self.book.agencies = {"swift": Agency("swift", **known)}

    def contact(self, when: str, channel: str = "sms", person: str = "B", *, judged: bool = True, **more: Any) -> Contact:
        """A contact that left at a local time, with the verdict and the slot that it needs, unless the test says otherwise."""
        moment = self.at(when)
        key = more.pop("contact_id", f"c{len(self.file.contacts)}")
        kind = {"call": "mobile", "sms": "mobile"}.get(channel, channel)
        given: dict[str, Any] = {
            "outcome": "no_answer" if channel == "call" else "delivered",
            "known_at": moment + 60_000_000,
            "case_id": "L.1",
            "point_id": f"{person}-{kind}",
            "klass": "collect" if person == "B" else "locate_only",
            "purpose": "collect" if person == "B" else "relay",
            "reserved_at": moment,
            "sent_at": moment,
            "content_hash": DIGEST,
            "artificial_voice": False,
            "text": TEXT,
        }
        contact = Contact(key, more.pop("loan_id", "L"), person, channel, moment, **(given | more))
        self.file.contacts.append(contact)
        if judged and not contact.reported:
            self.verdict(contact)
        return contact

    def reported(self, when: str, channel: str = "call", person: str = "B", **more: Any) -> Contact:
        """A contact that others made, known when it was made unless the test says otherwise."""
        moment = self.at(when)
        given: dict[str, Any] = {"reported": True, "known_at": moment, "by": "swift", "purpose": None, "klass": None, "reserved_at": None}
        return self.contact(
            when, channel, person, **(given | {"sent_at": None, "content_hash": None, "text": None, "case_id": None} | more)
        )

    def verdict(self, contact: Contact, **more: Any) -> None:
        given: dict[str, Any] = {"effect": "allow", "person_id": contact.person_id, "approval_id": contact.approval_id}
        moment = more.pop("decided_at", contact.at)
        self.file.verdicts.append(Verdict(contact.contact_id, contact.case_id or "", moment, **(given | more)))

    def call(self, when: str, outcome: str, **more: Any) -> Contact:
        """A call to the borrower with its outcome."""
        return self.contact(when, "call", outcome=outcome, **more)

    def lose_contact(self) -> None:
        """Three failed calls on three days in a row."""
        for day in (16, 17, 18):
            self.call(f"2026-11-{day} 10:00", "no_answer")

    def approve(self, when: str = "2026-11-19 09:00", **more: Any) -> str:
        """A supervisor's yes to a message for the sister."""
        moment = self.at(when)
        given: dict[str, Any] = {
            "state": "approved",
            "role": "supervisor",
            "requested_by": "case",
            "asked_at": moment - 3_600_000_000,
            "deadline": moment + 3_600_000_000,
            "purpose": "relay",
            "decided_by": "sue",
            "decided_at": moment,
            "contents": {"S": DIGEST},
        }
        self.file.approvals["A"] = Approval("A", more.pop("case_id", "L.1"), **(given | more))
        return "A"

    def pay(self, when: str, units: str = "500", recorded: str | None = None, *, heard: bool = True) -> None:
        known = self.at(recorded or when)
        self.file.payments.append(
            Payment(f"p{len(self.file.payments)}", "L", amount(units), self.at(when), known, known if heard else None)
        )

    def take_back(self, when: str) -> None:
        """The last payment is taken back."""
        self.file.payments[-1] = self.file.payments[-1]._replace(reversed_at=self.at(when))

    def hold(self, reason: str, when: str, **more: Any) -> None:
        placed = self.at(when)
        known = more.pop("known_at", placed)
        self.file.holds.append(Hold(f"h{len(self.file.holds)}", more.pop("loan_id", "L"), reason, placed, known, **more))

    def violations(self) -> list[Violation]:
        """What the checker says of the file."""
        self.file.contacts.sort(key=lambda c: (c.at, c.contact_id))
        judge = Judge(self.book)
        found = list(judge.judge(self.file))
        self.coverage = judge.finished()
        return found

    def broken(self, contact: Contact | None = None) -> set[str]:
        """The ids of the rules that were broken, by this contact or by any."""
        return {v.rule for v in self.violations() if contact is None or v.contact_id == contact.contact_id}


def later(moment: int, **span: float) -> int:
    return moment + round(timedelta(**span).total_seconds() * 1_000_000)
