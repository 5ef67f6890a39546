"""Facts about loans and who works on them: holds, notices, agencies and their contacts, what a loan costs and until when it can be sued for."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import col, select

from arrears.domain import holds as law
from arrears.domain.outcome import Outcome
from arrears.domain.situation import LENDER
from arrears.ledger import holds, reported
from arrears.ledger.facts.kinds import AgencyContacts, AgencyTold, ContactTold, HoldOver, HoldTold, LoanTold, NoticeTold, OneContact
from arrears.ledger.facts.writing import FactRefused, Writing
from arrears.ledger.holds import Details
from arrears.ledger.reported import Heard
from arrears.ledger.tables import AgencyRow, HoldRow, LoanRow, NoticeRow, RelationRow
from arrears.workflows.contract import Hold, Lift, Report, Signal

_OF_AN_AGENCY = (
    *("listed_from", "listed_until", "contract_from", "contract_until", "reviewed_on", "closing_review_on"),
    *("sub_agency", "misconduct_since", "assessment_id"),
)
_OF_A_LOAN = ("limitation_ends_on", "annual_cost", "lender_kind", "account")


async def hold(w: Writing, told: HoldTold) -> bool:
    """Place a hold, once for its instant; every open case that it reaches is told, so that it stops."""
    w.not_ahead("at", told.at)
    loan = await w.loan(told.loan_id)
    about = told.person_id or loan.borrower_id
    await w.people({loan.borrower_id, about})
    known = await w.session.exec(
        select(HoldRow.id).where(
            col(HoldRow.loan_id) == loan.id,
            col(HoldRow.reason) == told.reason,
            col(HoldRow.placed_at) == told.at,
            col(HoldRow.person_id).is_(None) if about == loan.borrower_id else col(HoldRow.person_id) == about,
        )
    )
    if known.first() is not None:
        return False
    details = Details(part=told.part, treatment_ends_on=told.treatment_ends_on, agency=told.agency)
    row = HoldRow(
        loan_id=loan.id,
        person_id=None if about == loan.borrower_id else about,
        reason=told.reason,
        placed_at=told.at,
        until=told.until,
        details=details.stored(),
        recorded_at=w.now,
    )
    w.add(row)
    await w.session.flush()
    if law.terms(told.reason).scope != "agency" and details.agency is None:
        for loan_id in await _reached(w, loan, about, told.reason):
            await w.tell(loan_id, Signal.HOLD_PLACED, f"hold/{row.id}/{loan_id}", Hold(reason=told.reason, until=told.until))
    return True


async def hold_lifted(w: Writing, told: HoldOver) -> bool:
    """Lift the holds that are meant, on every loan that they reach; the open cases are told."""
    w.not_ahead("at", told.at)
    loan = await w.loan(told.loan_id)
    about = told.person_id or loan.borrower_id
    await w.people({loan.borrower_id, about})
    lifted = await holds.lift(w.session, loan, told.reason, told.at, w.now, person_id=told.person_id)
    # A case lifts all that stand in it for a reason at once, so it hears of each reason once.
    for reason, row_id in {row.reason: row.id for row in lifted}.items():
        for loan_id in await _reached(w, loan, about, reason):
            await w.tell(loan_id, Signal.HOLD_LIFTED, f"lift/{row_id}/{loan_id}", Lift(reason=reason))
    return bool(lifted)


async def notice(w: Writing, told: NoticeTold) -> bool:
    """Write a notice down, once for its instant; told again it may have arrived, or come back."""
    for name in ("sent_at", "delivered_at", "bounced_at"):
        w.not_ahead(name, getattr(told, name))
    loan = await w.loan(told.loan_id)
    person_id = told.person_id or loan.borrower_id
    await w.people({loan.borrower_id, person_id})
    known = await w.session.exec(
        select(NoticeRow).where(
            col(NoticeRow.loan_id) == loan.id,
            col(NoticeRow.person_id) == person_id,
            col(NoticeRow.kind) == told.kind,
            col(NoticeRow.sent_at) == told.sent_at,
        )
    )
    row = known.first()
    if row is None:
        return w.add(
            NoticeRow(
                loan_id=loan.id,
                person_id=person_id,
                kind=told.kind,
                agency=told.agency,
                sent_at=told.sent_at,
                evidence=told.evidence,
                delivered_at=told.delivered_at,
                bounced_at=told.bounced_at,
                recorded_at=w.now,
            )
        )
    changed = False
    for name in ("delivered_at", "bounced_at", "evidence", "agency"):
        value, before = getattr(told, name), getattr(row, name)
        if value is None or value == before:
            continue
        if before is not None or (name.endswith("_at") and (row.delivered_at or row.bounced_at)):
            raise FactRefused(
                name, "contradicts what the ledger has of this notice", "a notice arrives or comes back once; check its sent_at"
            )
        setattr(row, name, value)
        changed = w.add(row)
    return changed


async def agency(w: Writing, told: AgencyTold) -> bool:
    """An agency's record, which replaces the one before; up to when its contacts are known stays."""
    row = await w.session.get(AgencyRow, told.agency, with_for_update=True, populate_existing=True)
    agreed: list[str] = sorted(told.agreed)
    if row is not None and row.agreed == agreed and all(getattr(row, name) == getattr(told, name) for name in _OF_AN_AGENCY):
        return False
    row = row or AgencyRow(id=told.agency, recorded_at=w.now)
    for name in _OF_AN_AGENCY:
        setattr(row, name, getattr(told, name))
    row.agreed, row.recorded_at = agreed, w.now
    return w.add(row)


async def agency_contacts(w: Writing, told: AgencyContacts) -> bool:
    """An agency's contacts, each once, and up to when they are complete."""
    w.not_ahead("up_to", told.up_to)
    loans = {loan_id: await w.loan(loan_id) for loan_id in sorted({c.loan_id for c in told.contacts})}
    people = {c.person_id or loans[c.loan_id].borrower_id for c in told.contacts}
    await w.people(people, "contacts.person_id")
    row = await w.session.get(AgencyRow, told.agency, with_for_update=True, populate_existing=True)
    if row is None:
        raise FactRefused("agency", f"{told.agency} is not registered", "tell what the agency is first: a fact of the kind agency")
    new = False
    for n, one in enumerate(told.contacts):
        if one.at > told.up_to:
            raise FactRefused(f"contacts.{n}.at", "lies after up_to", "tell contacts up to up_to only")
        new = await _contact(w, told.agency, one, loans[one.loan_id]) or new
    if row.feed_at is None or row.feed_at < told.up_to:
        row.feed_at = told.up_to
        new = w.add(row)
    return new


async def contact(w: Writing, told: ContactTold) -> bool:
    """A contact of the lender's own that no gateway of ours made."""
    loan = await w.loan(told.loan_id)
    await w.people({told.person_id or loan.borrower_id})
    return await _contact(w, LENDER, told, loan)


async def loan(w: Writing, told: LoanTold) -> bool:
    """Complete what is known of a loan."""
    row = await w.loan(told.loan_id)
    news = {
        name: getattr(told, name) for name in _OF_A_LOAN if getattr(told, name) is not None and getattr(row, name) != getattr(told, name)
    }
    for name, value in news.items():
        setattr(row, name, value)
    return w.add(row) if news else False


async def _contact(w: Writing, source: str, told: OneContact, loan: LoanRow) -> bool:
    w.not_ahead("at", told.at)
    person_id = told.person_id or loan.borrower_id
    if person_id != loan.borrower_id and await w.session.get(RelationRow, (loan.id, person_id)) is None:
        raise FactRefused("person_id", f"{person_id} is not named for loan {loan.id}", "tell what they are to the loan first")
    point = await w.point(person_id, told)
    heard = Heard(
        channel=told.channel, direction=told.direction, outcome=told.outcome, at=told.at, contact_point_id=point.id if point else None
    )
    new = await reported.record(w.session, source, told.key, loan.id, person_id, heard, w.now)
    if new and told.outcome is not None and told.outcome is not Outcome.UNKNOWN:
        party = "borrower" if person_id == loan.borrower_id else "relative"
        report = Report(channel=told.channel, outcome=told.outcome, at=told.at, party=party)
        await w.tell(loan.id, Signal.CONTACT_REPORTED, f"contact/{source}/{told.key}", report)
    return new


async def _reached(w: Writing, loan: LoanRow, person_id: str, reason: str) -> Iterable[str]:
    """The loans whose cases a hold stops: the loan's own, or all that the person owes."""
    if holds.reaches_the_person(reason):
        return await w.loans_of(person_id)
    return [loan.id] if person_id == loan.borrower_id else []
