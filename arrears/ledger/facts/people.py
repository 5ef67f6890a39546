"""Facts about people: what they want and agreed to, what they live with, how they can be reached, and what they are to a loan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from arrears.domain.person import Relation
from arrears.ledger import opt_outs, reported
from arrears.ledger.facts.kinds import (
    CircumstanceTold,
    ConsentGiven,
    ConsentWithdrawn,
    NewPerson,
    PersonTold,
    PointTold,
    Refusal,
    RelationTold,
    WishTold,
    WishWithdrawn,
)
from arrears.ledger.facts.writing import FactRefused, Writing
from arrears.ledger.portfolio.addresses import AddressRefused
from arrears.ledger.portfolio.entries import PersonEntry
from arrears.ledger.portfolio.newcomers import admit
from arrears.ledger.tables import CircumstanceRow, ConsentRow, EarlierHomeRow, RelationRow, WishRow
from arrears.ledger.vault import Field, keyring
from arrears.workflows.contract import Signal

_HOURS = "%H:%M"
_OF_A_TIE = ("evidence", "volunteered", "liable_up_to", "estate_value", "disclaimed_at", "may_ask_again_at", "steps_aside_at")


async def wish(w: Writing, told: WishTold) -> bool:
    """Write a wish down, once while it stands. The cases of a borrower who wants no contact, or none by a medium, are told."""
    w.not_ahead("at", told.at)
    await w.person(told.person_id)
    point = await w.point(told.person_id, told)
    row = WishRow(
        person_id=told.person_id,
        kind=told.kind,
        channel=told.channel,
        contact_point_id=point.id if point else None,
        starts=told.hours.start.strftime(_HOURS) if told.hours else None,
        ends=told.hours.end.strftime(_HOURS) if told.hours else None,
        at=told.at,
        source=w.source,
        recorded_at=w.now,
    )
    standing = await w.session.exec(
        select(WishRow).where(col(WishRow.person_id) == told.person_id, col(WishRow.kind) == told.kind, col(WishRow.withdrawn_at).is_(None))
    )
    if any(_same(one, row, ("channel", "contact_point_id", "starts", "ends")) for one in standing):
        return False
    w.add(row)
    await w.session.flush()
    if (report := opt_outs.as_report(row)) is not None:
        for loan_id in await w.loans_of(told.person_id):
            await w.tell(loan_id, Signal.CONTACT_REPORTED, f"wish/{row.id}/{loan_id}", report)
    return True


async def wish_withdrawn(w: Writing, told: WishWithdrawn) -> bool:
    """End the standing wishes that are meant."""
    w.not_ahead("at", told.at)
    await w.person(told.person_id)
    point = await w.point(told.person_id, told)
    standing = await w.session.exec(
        select(WishRow).where(col(WishRow.person_id) == told.person_id, col(WishRow.kind) == told.kind, col(WishRow.withdrawn_at).is_(None))
    )
    meant = [
        row
        for row in standing
        if told.channel in (None, row.channel) and (point is None or row.contact_point_id == point.id) and row.at <= told.at
    ]
    return _withdraw(w, meant, told.at)


def _withdraw(w: Writing, meant: Sequence[WishRow | ConsentRow], at: datetime) -> bool:
    for row in meant:
        row.withdrawn_at = at
        w.add(row)
    return bool(meant)


async def consent(w: Writing, told: ConsentGiven) -> bool:
    """Write a consent down, once for the instant at which it was given."""
    w.not_ahead("given_at", told.given_at)
    await w.person(told.person_id)
    row = ConsentRow(
        person_id=told.person_id,
        kind=told.kind,
        channel=told.channel,
        starts=told.hours.start.strftime(_HOURS) if told.hours else None,
        ends=told.hours.end.strftime(_HOURS) if told.hours else None,
        given_at=told.given_at,
        ends_at=told.ends_at,
        evidence=told.evidence,
        recorded_at=w.now,
    )
    known = await w.session.exec(select(ConsentRow).where(col(ConsentRow.person_id) == told.person_id, col(ConsentRow.kind) == told.kind))
    if any(_same(one, row, ("channel", "starts", "ends", "given_at")) for one in known):
        return False
    return w.add(row)


async def consent_withdrawn(w: Writing, told: ConsentWithdrawn) -> bool:
    """End the consents that are meant; one for all media ends as well if it is taken back for one."""
    w.not_ahead("at", told.at)
    await w.person(told.person_id)
    given = await w.session.exec(
        select(ConsentRow).where(
            col(ConsentRow.person_id) == told.person_id,
            col(ConsentRow.kind) == told.kind,
            col(ConsentRow.withdrawn_at).is_(None),
            col(ConsentRow.given_at) <= told.at,
        )
    )
    meant = [row for row in given if told.channel is None or row.channel in (None, told.channel)]
    return _withdraw(w, meant, told.at)


async def circumstance(w: Writing, told: CircumstanceTold) -> bool:
    """Write a circumstance down, once for its beginning; told again it may get an end."""
    w.not_ahead("since", told.since)
    await w.person(told.person_id)
    known = await w.session.exec(
        select(CircumstanceRow).where(
            col(CircumstanceRow.person_id) == told.person_id,
            col(CircumstanceRow.kind) == told.kind,
            col(CircumstanceRow.since) == told.since,
        )
    )
    row = known.first() or CircumstanceRow(person_id=told.person_id, kind=told.kind, since=told.since, recorded_at=w.now)
    return _complete(w, row, {"until": told.until, "evidence": told.evidence}) or (row.id is None and w.add(row))


async def person(w: Writing, told: PersonTold) -> bool:
    """Complete what is known of a person; a birth date is sealed."""
    row = await w.person(told.person_id)
    before = EarlierHomeRow(person_id=row.id, zone=row.zone, residence=row.residence, until=w.now)
    changed = _complete(w, row, {"residence": told.residence, "zone": told.zone}) and w.add(before)
    if told.birth_date is None:
        return changed
    keys, born = await keyring(w.session, [row.id]), told.birth_date.isoformat()
    if keys.erased(row.id):
        raise FactRefused("person_id", f"{row.id} is erased", "nothing more is written about them")
    if keys.open(row.id, Field.BIRTH_DATE, row.birth_date) == born:
        return changed
    row.birth_date = keys.seal(row.id, Field.BIRTH_DATE, born)
    return w.add(row)


async def contact_point(w: Writing, told: PointTold) -> bool:
    """Complete what is known of a contact point; a number that is valid again may be used again."""
    w.not_ahead("at", told.at)
    await w.person(told.person_id)
    row = await w.point(told.person_id, told)
    assert row is not None
    before = EarlierHomeRow(person_id=row.person_id, contact_point_id=row.id, zone=row.zone, place=row.place, until=w.now)
    changed = _complete(w, row, {"place": told.place, "zone": told.zone}) and w.add(before)
    for name, answer, at in (
        ("invalid_since", None if told.valid is None else not told.valid, told.at),
        ("employer_forbids_at", told.employer_forbids, told.at),
    ):
        if answer is not None and answer != (getattr(row, name) is not None):
            setattr(row, name, at if answer else None)
            changed = w.add(row)
    if told.reassignment_checked and (row.reassignment_checked_at is None or row.reassignment_checked_at < told.at):
        row.reassignment_checked_at = told.at
        changed = w.add(row)
    return changed


async def relation(w: Writing, told: RelationTold) -> bool:
    """Write down, or complete, what a person is to a loan. Somebody new is admitted with what is told of them."""
    loan = await w.loan(told.loan_id)
    if told.person_id == loan.borrower_id:
        raise FactRefused("person_id", "is the borrower of this loan", "name somebody else")
    for name in ("disclaimed_at", "may_ask_again_at", "steps_aside_at"):
        w.not_ahead(name, getattr(told, name))
    if told.new_person is not None:
        await _admitted(w, told.person_id, told.new_person)
    await w.people([loan.borrower_id, told.person_id])
    row = await w.session.get(RelationRow, (told.loan_id, told.person_id))
    if row is None:
        if told.role is None:
            raise FactRefused("role", "is missing", f"say what {told.person_id} is to loan {told.loan_id}")
        row = RelationRow(loan_id=told.loan_id, person_id=told.person_id, role=told.role)
        _complete(w, row, {name: getattr(told, name) for name in _OF_A_TIE})
        return w.add(row)
    if told.role is not None and told.role is not row.role and row.role not in (Relation.CONTACT, Relation.EMERGENCY):
        raise FactRefused("role", f"is {row.role} in the ledger", "somebody cannot become something else; leave the role out")
    return _complete(w, row, {"role": told.role, **{name: getattr(told, name) for name in _OF_A_TIE}})


async def refusal(w: Writing, told: Refusal) -> bool:
    """A contact's no, on every loan that names them. Who is nobody's contact wishes no contact instead."""
    w.not_ahead("at", told.at)
    await w.person(told.person_id)
    named = (await w.session.exec(select(RelationRow).where(col(RelationRow.person_id) == told.person_id))).all()
    if not named:
        raise FactRefused("person_id", f"{told.person_id} is named for no loan", "tell a borrower's refusal as a wish no_contact")
    if all(row.refused_at is not None for row in named):
        return False
    await reported.refused(w.session, told.person_id, told.at)
    return True


async def _admitted(w: Writing, person_id: str, told: NewPerson) -> None:
    entry = PersonEntry(
        id=person_id, name=told.name, zone=told.zone, language=told.language, residence=told.residence, contact_points=told.contact_points
    )
    try:
        await admit(w.session, entry, w.now)
    except AddressRefused as wrong:
        raise FactRefused("new_person.contact_points", wrong.problem, wrong.remedy) from None


def _complete(w: Writing, row: Any, given: dict[str, Any]) -> bool:
    """Set what is given and differs; whether anything did."""
    news = {name: value for name, value in given.items() if value is not None and getattr(row, name) != value}
    for name, value in news.items():
        setattr(row, name, value)
    return w.add(row) if news else False


def _same(one: Any, other: Any, names: tuple[str, ...]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in names)
