"""Personal data of a case: who the people are and how they can be reached, and what was sent or said. Every reading is written down, with its reason."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.caller import Caller
from arrears.api.house import House
from arrears.api.operations.case_view import ContactNow, contact_now
from arrears.api.operations.telling import known_loan
from arrears.domain.access import Action
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.person import Circumstance, ConsentKind, Relation, WishKind
from arrears.domain.strategy import Channel, Line
from arrears.ledger import attempts, loans
from arrears.ledger.tables import (
    CircumstanceRow,
    ConsentRow,
    ContactKind,
    ContactPointRow,
    PersonRow,
    Place,
    RelationRow,
    WishRow,
)
from arrears.ledger.vault import Field as Secret
from arrears.ledger.vault import Keyring, keyring


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class PointNow(_Shown):
    """A contact point; ``address`` is none if its person is erased."""

    contact_point_id: int
    kind: ContactKind
    line: Line
    address: str | None = Field(repr=False)
    place: Place | None
    zone: str | None
    source: str
    legal_basis: str
    invalid_since: AwareDatetime | None
    employer_forbids_at: AwareDatetime | None


class WishNow(_Shown):
    """How somebody does not want to be contacted, as it stands."""

    kind: WishKind
    channel: Channel | None
    contact_point_id: int | None
    starts: str | None
    ends: str | None
    at: AwareDatetime


class ConsentNow(_Shown):
    """What somebody agreed to, as it counts."""

    kind: ConsentKind
    channel: Channel | None
    starts: str | None
    ends: str | None
    given_at: AwareDatetime
    ends_at: AwareDatetime | None
    evidence: str


class PersonNow(_Shown):
    """Somebody of a loan. Of who is erased, only the id and what is no personal data is left."""

    person_id: str
    role: Relation
    erased: bool
    name: str | None = Field(repr=False)
    language: str
    zone: str | None
    residence: str | None
    refused_at: AwareDatetime | None
    contact_points: tuple[PointNow, ...]
    wishes: tuple[WishNow, ...]
    consents: tuple[ConsentNow, ...]
    circumstances: tuple[Circumstance, ...]


class MessageNow(ContactNow):
    """What was sent or said to somebody. ``text`` is none if nothing was written, or if they or the borrower are erased."""

    klass: MessageClass | None
    notice: NoticeKind | None
    locale: str
    content_hash: str
    text: str | None = Field(repr=False)


async def people(here: House, caller: Caller, loan_id: str) -> list[PersonNow]:
    """The borrower, and then everybody who is tied to the loan, by their ids. Raises ``Problem`` (404)."""
    now = here.now()
    async with here.ledger.session() as session:
        await known_loan(session, loan_id)
        tied = await loans.relatives(session, loan_id)
        borrower = await loans.borrower(session, loan_id)
        keys = await keyring(session, {borrower.id, *(row.id for _, row in tied)})
        shown = [await _person(session, borrower, None, keys, now)]
        shown += [await _person(session, row, relation, keys, now) for relation, row in tied]
        for person in shown:
            caller.note(session, Action.READ_PERSON, loan_id=loan_id, person_id=person.person_id)
    return shown


async def messages(here: House, caller: Caller, loan_id: str) -> list[MessageNow]:
    """All that was sent or said for a loan, the newest first. Raises ``Problem`` (404)."""
    async with here.ledger.session() as session:
        await known_loan(session, loan_id)
        borrower_id = (await loans.loan(session, loan_id)).borrower_id
        rows = await attempts.history(session, loan_id)
        keys = await keyring(session, {borrower_id, *(row.person_id for row in rows)})
        caller.note(session, Action.READ_MESSAGES, loan_id=loan_id, person_id=borrower_id, details={"messages": len(rows)})
        return [
            MessageNow(
                **dict(contact_now(row)),
                klass=row.klass,
                notice=row.notice,
                locale=row.locale,
                content_hash=row.content_hash,
                text=keys.open((row.person_id, borrower_id), Secret.TEXT, row.text),
            )
            for row in reversed(rows)
        ]


async def _person(session: AsyncSession, row: PersonRow, relation: RelationRow | None, keys: Keyring, now: datetime) -> PersonNow:
    return PersonNow(
        person_id=row.id,
        role=relation.role if relation else Relation.BORROWER,
        erased=keys.erased(row.id),
        name=keys.open(row.id, Secret.NAME, row.name),
        language=row.language,
        zone=row.zone,
        residence=row.residence,
        refused_at=relation.refused_at if relation else None,
        contact_points=tuple(_point(point, keys) for point in await loans.contact_points(session, row.id)),
        wishes=await standing_wishes(session, row.id),
        consents=await standing_consents(session, row.id, now),
        circumstances=await _circumstances(session, row.id, now),
    )


def _point(row: ContactPointRow, keys: Keyring) -> PointNow:
    assert row.id is not None
    return PointNow(
        contact_point_id=row.id,
        kind=row.kind,
        line=row.line,
        address=keys.open(row.person_id, Secret.ADDRESS, row.address),
        place=row.place,
        zone=row.zone,
        source=row.source,
        legal_basis=row.legal_basis,
        invalid_since=row.invalid_since,
        employer_forbids_at=row.employer_forbids_at,
    )


async def standing_wishes(session: AsyncSession, person_id: str) -> tuple[WishNow, ...]:
    """How somebody does not want to be contacted, in the order in which they said so."""
    standing = select(WishRow).where(col(WishRow.person_id) == person_id, col(WishRow.withdrawn_at).is_(None)).order_by(col(WishRow.id))
    return tuple(
        WishNow(kind=row.kind, channel=row.channel, contact_point_id=row.contact_point_id, starts=row.starts, ends=row.ends, at=row.at)
        for row in await session.exec(standing)
    )


async def standing_consents(session: AsyncSession, person_id: str, now: datetime) -> tuple[ConsentNow, ...]:
    """What somebody agreed to and did not take back, as far as it lasts."""
    given = (
        select(ConsentRow)
        .where(col(ConsentRow.person_id) == person_id, col(ConsentRow.withdrawn_at).is_(None))
        .order_by(col(ConsentRow.id))
    )
    return tuple(
        ConsentNow(
            kind=row.kind,
            channel=row.channel,
            starts=row.starts,
            ends=row.ends,
            given_at=row.given_at,
            ends_at=row.ends_at,
            evidence=row.evidence,
        )
        for row in await session.exec(given)
        if row.ends_at is None or now < row.ends_at
    )


async def _circumstances(session: AsyncSession, person_id: str, now: datetime) -> tuple[Circumstance, ...]:
    known = await session.exec(select(CircumstanceRow).where(col(CircumstanceRow.person_id) == person_id))
    return tuple(sorted({row.kind for row in known if row.until is None or now < row.until}))
