"""What a ledger would hold of one borrower, and the two ways to look at it: as the core's situation, and as the checker's file.

The rows are the checker's own types: they are the raw facts. What the core is shown is written here once more, by hand, so that neither side reads the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar

from arrears.domain import person as people
from arrears.domain import situation as core
from arrears.domain.calendar import Window, local_date
from arrears.domain.money import Money
from arrears.domain.orders import Purpose
from arrears.domain.outcome import NOT_MADE
from arrears.domain.strategy import Channel, Line, Role
from arrears.prove import model as raw

_P = ParamSpec("_P")
_T = TypeVar("_T")
_EPOCH = date(1970, 1, 1)
_NOT_MADE = frozenset(o.value for o in NOT_MADE)


def kept(of: Callable[_P, _T]) -> Callable[_P, _T]:
    """What is shown of one row in one state is made once, however often a world is looked at."""
    return lru_cache(maxsize=8192)(of)  # pyright: ignore[reportReturnType]


@dataclass
class Rows:
    """Everything that was ever written down, with the instants at which it became known.

    What people said and are is written down before an instant or after it, so that they are the same to all that is proposed at one instant.
    """

    seat: str
    file: raw.DebtorFile
    book: raw.Book = field(default_factory=raw.Book)
    _people_at: tuple[tuple[raw.Instant, raw.Instant], tuple[people.Person, ...]] | None = None

    def known_at(self, now: raw.Instant, action: core.Action, *, at_once: bool = False) -> core.Situation:
        """What a ledger would show the core at an instant of an action; ``at_once``: with what arrives at that very instant."""
        file, seen = self.file, now + at_once
        mine = action.loan
        return core.Situation(
            at=raw.moment(now),
            action=action,
            people=self._people(now, seen),
            loans=tuple(self._loan(loan, now, seen, whole=loan.loan_id == mine) for loan in file.loans.values()),
            history=tuple(_contact(c, _outcome(c, now)) for c in file.contacts if _is_known(c, now, seen) and c.outcome not in _NOT_MADE),
            holds=tuple(_hold(h if _is_lifted(h, now) else h._replace(lifted_at=None)) for h in file.holds if h.known_at < seen),
            approvals=tuple(_approval(a, now, seen) for a in file.approvals.values() if a.approval_id == action.approval),
            agencies=tuple(_agency(a, _is_listed(a, self._today(now))) for a in self.book.agencies.values()),
            notices=tuple(
                _notice(n, _known_by(n.delivered_at, seen), _known_by(n.bounced_at, seen)) for n in file.notices if n.sent_at < seen
            ),
            lender_seat=self.seat,
        )

    def _people(self, now: raw.Instant, seen: raw.Instant) -> tuple[people.Person, ...]:
        if self._people_at is None or self._people_at[0] != (now, seen):
            self._people_at = (now, seen), tuple(self._person(person, now, seen) for person in self.file.persons.values())
        return self._people_at[1]

    def _today(self, now: raw.Instant) -> int:
        """The borrower's day, on which the ledger asks who is listed."""
        zone = self.file.persons[self.file.borrower_id].zone
        return local_date(raw.moment(now), zone or "UTC").toordinal() - _EPOCH.toordinal()

    def forced(self, contact: raw.Contact) -> raw.DebtorFile:
        """The file as it would be if a contact had left whatever the core said."""
        allowed = raw.Verdict(contact.contact_id, contact.case_id or "", contact.at, "allow", contact.person_id, contact.approval_id)
        verdicts = [v for v in self.file.verdicts if v.about != contact.contact_id]
        return replace(self.file, contacts=[*self.file.contacts, contact], verdicts=[*verdicts, allowed])

    def handed_over(self, placement: raw.Placement) -> raw.DebtorFile:
        """The file as it would be if a handover had been made whatever the core said."""
        allowed = raw.Verdict(placement.placement_id, placement.case_id, placement.sent_at, "allow")
        verdicts = [v for v in self.file.verdicts if v.about != placement.placement_id]
        return replace(self.file, placements=[*self.file.placements, placement], verdicts=[*verdicts, allowed])

    def _person(self, person: raw.Person, now: raw.Instant, seen: raw.Instant) -> people.Person:
        file = self.file
        refusals = [t.refused_at for t in file.ties if t.person_id == person.person_id and t.refused_at is not None and t.refused_at < seen]
        return people.Person(
            person_id=person.person_id,
            zone=person.zone,
            residence=person.residence,
            birth_date=None if person.born is None else _EPOCH + timedelta(days=person.born),
            contact_points=tuple(
                _point(p, _by_then(p.invalid_since, seen), _by_then(p.employer_forbids_at, seen))
                for p in file.points.values()
                if p.person_id == person.person_id
            ),
            wishes=tuple(
                _wish(w._replace(withdrawn_at=_known_by(w.withdrawn_at, seen)))
                for w in file.wishes
                if w.person_id == person.person_id and w.at < seen
            ),
            consents=tuple(
                _consent(f"{person.person_id}/{n}", c._replace(withdrawn_at=_known_by(c.withdrawn_at, seen)))
                for n, c in enumerate(file.consents)
                if c.person_id == person.person_id and c.given_at < seen
            ),
            circumstances=tuple(
                people.Circumstance(c.kind)
                for c in file.circumstances
                if c.person_id == person.person_id and c.since < seen and (c.until is None or now < c.until)
            ),
            refused_at=raw.moment(min(refusals)) if refusals else None,
        )

    def _loan(self, loan: raw.Loan, now: raw.Instant, seen: raw.Instant, *, whole: bool) -> core.Loan:
        """The loan that an action is about as a whole; of another one only what counts for this one too."""
        file = self.file
        booked = [p for p in file.payments if p.loan_id == loan.loan_id and p.recorded_at < seen]
        payments = [p for p in booked if p.reversed_at is None or p.reversed_at >= seen]
        signs = [p.received_at for p in booked] + [s.at for s in file.signs if s.loan_id == loan.loan_id and s.known_at < seen]
        placed = [p for p in file.placements if p.loan_id == loan.loan_id and p.target == "agency" and p.sent_at < seen]
        placed = [p for p in placed if (p.recalled_at is None or seen <= p.recalled_at) and (p.until is None or now < p.until)]
        about: dict[str, Any] = {
            "loan_id": loan.loan_id,
            "borrower": loan.borrower_id,
            "product": loan.product,
            "account": loan.account,
            "capacity": "third_party" if loan.lender_kind == "purchaser" else "first_party",
            "lender_kind": loan.lender_kind,
            "last_sign_at": raw.moment(max(signs)) if signs else None,
            "placed_with": [p.agency for p in placed if p.agency],
        }
        if not whole:
            return core.Loan(**about)
        zone = file.persons[loan.borrower_id].zone
        today = local_date(raw.moment(now), zone or "UTC")
        due = sum(i.amount for i in file.instalments if i.loan_id == loan.loan_id and _day(i.due_on) < today)
        owed = _amount(max(0, due - sum(p.amount for p in payments)))
        case = file.cases[f"{loan.loan_id}.1"]
        return core.Loan(
            **about,
            days_past_due=max(0, _overdue_since(file, loan.loan_id, payments, today)),
            owed=Money(amount=owed, currency="CNY") if zone else None,
            annual_cost=None if loan.annual_cost is None else _amount(loan.annual_cost),
            limitation_ends_on=None if loan.limitation_ends_on is None else _day(loan.limitation_ends_on),
            ties=tuple(
                _tie(t, _by_then(t.disclaimed_at, seen), _by_then(t.may_ask_again_at, now + 1), _by_then(t.steps_aside_at, now + 1))
                for t in file.ties
                if t.loan_id == loan.loan_id
            ),
            case_open=case.opened_at <= now and (case.closed_at is None or seen <= case.closed_at),
            unheard_payments=tuple(p.payment_id for p in payments if p.heard_at is None or p.heard_at > now),
            figures=(owed,),
        )


def _overdue_since(file: raw.DebtorFile, loan_id: str, payments: list[raw.Payment], today: date) -> int:
    """Days since the oldest instalment that is not paid in full fell due."""
    left = sum(p.amount for p in payments)
    for instalment in sorted((i for i in file.instalments if i.loan_id == loan_id), key=lambda i: i.due_on):
        left -= instalment.amount
        if left < 0:
            return (today - _day(instalment.due_on)).days
    return 0


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def _amount(value: raw.Amount) -> Decimal:
    return Decimal(value) / 10_000


@kept
def _tie(t: raw.Tie, disclaimed: bool, may_ask_again: bool, steps_aside: bool) -> people.Tie:
    return people.Tie(
        person=t.person_id,
        relation=people.Relation(t.role),
        evidence=t.evidence,
        volunteered=t.volunteered,
        liable_up_to=None if t.liable_up_to is None else _amount(t.liable_up_to),
        estate_value=None if t.estate_value is None else _amount(t.estate_value),
        disclaimed=disclaimed,
        may_ask_again=may_ask_again,
        may_ask_again_at=None if t.may_ask_again_at is None else raw.moment(t.may_ask_again_at),
        steps_aside=steps_aside,
    )


def _is_known(contact: raw.Contact, now: raw.Instant, seen: raw.Instant) -> bool:
    return contact.at <= now and (not contact.reported or contact.known_at is None or contact.known_at < seen)


def _outcome(c: raw.Contact, now: raw.Instant) -> str | None:
    return c.outcome if c.known_at is not None and c.known_at <= now else None


@kept
def _contact(c: raw.Contact, outcome: str | None) -> core.Contact:
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


def _by_then(since: raw.Instant | None, seen: raw.Instant) -> bool:
    return since is not None and since < seen


@kept
def _point(p: raw.ContactPoint, invalid: bool, employer_forbids: bool) -> people.ContactPoint:
    return people.ContactPoint.model_validate(
        {
            "contact_point_id": p.point_id,
            "kind": p.kind,
            "line": Line(p.line),
            "country": p.country,
            "zones": ((p.zone,) if p.zone else ()) + p.more_zones,
            "place": p.place,
            "legal_basis": p.legal_basis,
            "invalid": invalid,
            "employer_forbids": employer_forbids,
            "reassignment_checked_at": None if p.reassignment_checked_at is None else raw.moment(p.reassignment_checked_at),
        }
    )


def _window(starts: int | None, ends: int | None) -> Window | None:
    if starts is None or ends is None:
        return None
    return Window.model_validate({"start": _time(starts), "end": _time(ends)})


def _time(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@kept
def _wish(w: raw.Wish) -> people.Wish:
    return people.Wish(
        kind=people.WishKind(w.kind),
        at=raw.moment(w.at),
        channel=Channel(w.channel) if w.channel else None,
        contact_point=w.point_id,
        hours=_window(w.starts, w.ends),
        withdrawn_at=None if w.withdrawn_at is None else raw.moment(w.withdrawn_at),
    )


@kept
def _consent(consent_id: str, c: raw.Consent) -> people.Consent:
    return people.Consent(
        consent_id=consent_id,
        kind=people.ConsentKind(c.kind),
        given_at=raw.moment(c.given_at),
        channel=Channel(c.channel) if c.channel else None,
        hours=_window(c.starts, c.ends),
        ends_at=None if c.ends_at is None else raw.moment(c.ends_at),
        withdrawn_at=None if c.withdrawn_at is None else raw.moment(c.withdrawn_at),
    )


def _is_lifted(h: raw.Hold, now: raw.Instant) -> bool:
    return h.lift_known_at is not None and h.lift_known_at <= now


@kept
def _hold(h: raw.Hold) -> core.Hold:
    return core.Hold(
        hold_id=h.hold_id,
        reason=h.reason,
        placed_at=raw.moment(h.placed_at),
        until=None if h.until is None else raw.moment(h.until),
        lifted_at=None if h.lifted_at is None else raw.moment(h.lifted_at),
        loan=h.loan_id,
        person=h.person_id,
        agency=h.agency,
        treatment_ends_on=None if h.treatment_ends_on is None else _EPOCH + timedelta(days=h.treatment_ends_on),
    )


def _approval(a: raw.Approval, now: raw.Instant, seen: raw.Instant) -> core.Approval:
    decided = a.decided_at is not None and a.decided_at <= now
    void = a.void_at is not None and a.void_at < seen
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


def _is_listed(a: raw.Agency, today: int) -> bool:
    return a.listed_from is not None and a.listed_from <= today and (a.listed_until is None or today <= a.listed_until)


@kept
def _agency(a: raw.Agency, listed: bool) -> core.Agency:
    def day(number: int | None) -> date | None:
        return None if number is None else _EPOCH + timedelta(days=number)

    return core.Agency.model_validate(
        {
            "agency": a.agency,
            "listed": listed,
            "contract_from": day(a.contract_from),
            "contract_until": day(a.contract_until),
            "reviewed_on": day(a.reviewed_on),
            "closing_review_on": day(a.closing_review_on),
            "sub_agency": a.sub_agency,
            "misconduct_since": day(a.misconduct_since),
            "assessment_id": a.assessment_id,
            "agreed": a.agreed,
            "feed_at": None if a.feed_at is None else raw.moment(a.feed_at),
        }
    )


def _known_by(at: raw.Instant | None, seen: raw.Instant) -> raw.Instant | None:
    return at if at is not None and at < seen else None


@kept
def _notice(n: raw.Notice, delivered: raw.Instant | None, bounced: raw.Instant | None) -> core.Notice:
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
