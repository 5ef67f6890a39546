"""What a ledger would hold of one borrower, and the two ways to look at it: as the core's situation, and as the checker's file.

The rows are the checker's own types: they are the raw facts. What the core is shown is written here once more, by hand, so that neither side reads the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from arrears.domain import situation as core
from arrears.domain.calendar import Window, local_date
from arrears.domain.money import Money
from arrears.domain.orders import Purpose
from arrears.domain.outcome import NOT_MADE
from arrears.domain.strategy import Channel, Line, Role
from arrears.prove import model as raw

_EPOCH = date(1970, 1, 1)


@dataclass
class Rows:
    """Everything that was ever written down, with the instants at which it became known."""

    seat: str
    file: raw.DebtorFile
    book: raw.Book = field(default_factory=raw.Book)

    def known_at(self, now: raw.Instant, action: core.ContactAction) -> core.Situation:
        """What a ledger would show the core at an instant of an action."""
        file = self.file
        return core.Situation(
            at=raw.moment(now),
            action=action,
            people=tuple(self._person(person, now) for person in file.persons.values()),
            loans=tuple(self._loan(loan, now) for loan in file.loans.values()),
            history=tuple(_contact(c, now) for c in file.contacts if _is_known(c, now) and c.outcome not in {o.value for o in NOT_MADE}),
            holds=tuple(_hold(h) for h in file.holds if h.known_at < now and not (h.lift_known_at is not None and h.lift_known_at <= now)),
            approvals=tuple(_approval(a, now) for a in file.approvals.values() if a.asked_at < now),
            agencies=tuple(_agency(a, now) for a in self.book.agencies.values()),
            notices=tuple(_notice(n, now) for n in file.notices if n.sent_at < now),
            lender_seat=self.seat,
        )

    def forced(self, contact: raw.Contact) -> raw.DebtorFile:
        """The file as it would be if a contact had left whatever the core said."""
        allowed = raw.Verdict(contact.contact_id, contact.case_id or "", contact.at, "allow", contact.person_id, contact.approval_id)
        verdicts = [v for v in self.file.verdicts if v.about != contact.contact_id]
        return replace(self.file, contacts=[*self.file.contacts, contact], verdicts=[*verdicts, allowed])

    def _person(self, person: raw.Person, now: raw.Instant) -> core.Person:
        file = self.file
        refusals = [t.refused_at for t in file.ties if t.person_id == person.person_id and t.refused_at is not None and t.refused_at < now]
        return core.Person(
            person_id=person.person_id,
            zone=person.zone,
            residence=person.residence,
            birth_date=None if person.born is None else _EPOCH + timedelta(days=person.born),
            contact_points=tuple(_point(p, now) for p in file.points.values() if p.person_id == person.person_id),
            wishes=tuple(_wish(w) for w in file.wishes if w.person_id == person.person_id and w.at < now),
            consents=tuple(
                _consent(f"{person.person_id}/{n}", c)
                for n, c in enumerate(file.consents)
                if c.person_id == person.person_id and c.given_at < now
            ),
            refused_at=raw.moment(min(refusals)) if refusals else None,
        )

    def _loan(self, loan: raw.Loan, now: raw.Instant) -> core.Loan:
        file = self.file
        borrower = file.persons[loan.borrower_id]
        today = local_date(raw.moment(now), borrower.zone or "UTC")
        payments = [p for p in file.payments if p.loan_id == loan.loan_id and p.recorded_at < now]
        due = sum(i.amount for i in file.instalments if i.loan_id == loan.loan_id and _EPOCH + timedelta(days=i.due_on) < today)
        owed = max(0, due - sum(p.amount for p in payments))
        signs = [p.received_at for p in payments] + [s.at for s in file.signs if s.loan_id == loan.loan_id and s.known_at < now]
        case = file.cases.get(f"{loan.loan_id}.1")
        placed = [p for p in file.placements if p.loan_id == loan.loan_id and p.target == "agency" and p.sent_at <= now]
        placed = [p for p in placed if (p.recalled_at is None or now <= p.recalled_at) and (p.until is None or now <= p.until)]
        return core.Loan(
            loan_id=loan.loan_id,
            borrower=loan.borrower_id,
            owed=Money(amount=Decimal(owed) / 10_000, currency="CNY"),
            product=loan.product,
            ties=tuple(
                core.Tie(
                    person=t.person_id,
                    relation=core.Relation(t.role),
                    evidence=t.evidence,
                    volunteered=t.volunteered,
                    may_ask_again=t.may_ask_again_at is not None and t.may_ask_again_at < now,
                )
                for t in file.ties
                if t.loan_id == loan.loan_id
            ),
            case_open=case is not None and case.opened_at <= now and (case.closed_at is None or now <= case.closed_at),
            unheard_payments=tuple(p.payment_id for p in payments if p.heard_at is None or p.heard_at > now),
            last_sign_at=raw.moment(max(signs)) if signs else None,
            placed_with=placed[-1].agency if placed else None,
        )


def _is_known(contact: raw.Contact, now: raw.Instant) -> bool:
    return contact.known_at is None or contact.known_at <= now if contact.reported else contact.at <= now


def _contact(c: raw.Contact, now: raw.Instant) -> core.Contact:
    outcome = c.outcome if c.known_at is not None and c.known_at <= now else None
    return core.Contact.model_validate(
        {
            "contact_id": c.contact_id,
            "at": raw.moment(c.at),
            "channel": c.channel,
            "person": c.person_id,
            "loan": c.loan_id,
            "direction": c.direction,
            "by": c.by,
            "contact_point": c.point_id,
            "outcome": outcome,
            "purpose": c.purpose,
            "class": c.klass,
        }
    )


def _point(p: raw.ContactPoint, now: raw.Instant) -> core.ContactPoint:
    return core.ContactPoint.model_validate(
        {
            "contact_point_id": p.point_id,
            "kind": p.kind,
            "line": Line(p.line),
            "country": p.country,
            "zones": (p.zone,) if p.zone else (),
            "place": p.place,
            "legal_basis": p.legal_basis,
            "invalid": p.invalid_since is not None and p.invalid_since < now,
            "employer_forbids": p.employer_forbids_at is not None and p.employer_forbids_at < now,
            "reassignment_checked_at": None if p.reassignment_checked_at is None else raw.moment(p.reassignment_checked_at),
        }
    )


def _window(starts: int | None, ends: int | None) -> Window | None:
    if starts is None or ends is None:
        return None
    return Window.model_validate({"start": _time(starts), "end": _time(ends)})


def _time(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _wish(w: raw.Wish) -> core.Wish:
    return core.Wish(
        kind=core.WishKind(w.kind),
        at=raw.moment(w.at),
        channel=Channel(w.channel) if w.channel else None,
        contact_point=w.point_id,
        hours=_window(w.starts, w.ends),
        withdrawn_at=None if w.withdrawn_at is None else raw.moment(w.withdrawn_at),
    )


def _consent(consent_id: str, c: raw.Consent) -> core.Consent:
    return core.Consent(
        consent_id=consent_id,
        kind=core.ConsentKind(c.kind),
        given_at=raw.moment(c.given_at),
        channel=Channel(c.channel) if c.channel else None,
        hours=_window(c.starts, c.ends),
        ends_at=None if c.ends_at is None else raw.moment(c.ends_at),
        withdrawn_at=None if c.withdrawn_at is None else raw.moment(c.withdrawn_at),
    )


def _hold(h: raw.Hold) -> core.Hold:
    return core.Hold(
        hold_id=h.hold_id,
        reason=h.reason,
        placed_at=raw.moment(h.placed_at),
        until=None if h.until is None else raw.moment(h.until),
        loan=h.loan_id,
        agency=h.agency,
        treatment_ends_on=None if h.treatment_ends_on is None else _EPOCH + timedelta(days=h.treatment_ends_on),
    )


def _approval(a: raw.Approval, now: raw.Instant) -> core.Approval:
    decided = a.decided_at is not None and a.decided_at <= now
    void = a.void_at is not None and a.void_at < now
    return core.Approval.model_validate(
        {
            "approval_id": a.approval_id,
            "case_id": a.case_id,
            "step": a.step,
            "state": "void" if void else a.state if decided else "open",
            "role": Role(a.role),
            "requested_by": a.requested_by,
            "asked_at": raw.moment(a.asked_at),
            "decided_by": a.decided_by if decided else None,
            "decided_at": raw.moment(a.decided_at) if decided and a.decided_at is not None else None,
            "purpose": Purpose(a.purpose) if a.purpose else None,
            "contents": dict(a.contents),
        }
    )


def _agency(a: raw.Agency, now: raw.Instant) -> core.Agency:
    today = now // raw.DAY

    def day(number: int | None) -> date | None:
        return None if number is None else _EPOCH + timedelta(days=number)

    listed = a.listed_from is not None and a.listed_from <= today and (a.listed_until is None or today <= a.listed_until)
    return core.Agency.model_validate(
        {
            "agency": a.agency,
            "listed": listed,
            "contract_from": day(a.contract_from),
            "contract_until": day(a.contract_until),
            "reviewed_on": day(a.reviewed_on),
            "sub_agency": a.sub_agency,
            "misconduct_since": day(a.misconduct_since),
            "assessment_id": a.assessment_id,
            "agreed": a.agreed,
            "feed_at": None if a.feed_at is None else raw.moment(a.feed_at),
        }
    )


def _notice(n: raw.Notice, now: raw.Instant) -> core.Notice:
    def by_now(at: raw.Instant | None) -> raw.Instant | None:
        return at if at is not None and at < now else None

    delivered, bounced = by_now(n.delivered_at), by_now(n.bounced_at)
    return core.Notice.model_validate(
        {
            "kind": n.kind,
            "loan": n.loan_id,
            "person": n.person_id,
            "agency": n.agency,
            "sent_at": raw.moment(n.sent_at),
            "delivered_at": None if delivered is None else raw.moment(delivered),
            "bounced_at": None if bounced is None else raw.moment(bounced),
        }
    )
