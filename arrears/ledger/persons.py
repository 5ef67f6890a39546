"""People as the law sees them: where they live, how they can be reached, what they want, agreed to and live with. By ids, without names or numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.calendar import Window
from arrears.domain.person import Circumstance, Consent, ContactPoint, Person, Wish
from arrears.ledger.tables import CircumstanceRow, ConsentRow, ContactPointRow, PersonRow, RelationRow, WishRow
from arrears.ledger.vault import Field as Secret
from arrears.ledger.vault import Keyring

_T = TypeVar("_T", ContactPointRow, WishRow, ConsentRow, CircumstanceRow)


async def lock(session: AsyncSession, person_ids: Collection[str]) -> dict[str, PersonRow]:
    """These people, about whom nobody writes anything down before this transaction ends. Whoever locks loans too locks them first."""
    found = await session.exec(
        select(PersonRow)
        .where(col(PersonRow.id).in_(person_ids))
        .order_by(col(PersonRow.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in found}


async def persons(session: AsyncSession, rows: Mapping[str, PersonRow], keys: Keyring, now: datetime) -> tuple[Person, ...]:
    """What the law asks about people, in the order of their ids. Who is erased, or only kept, has no addresses."""
    ids = sorted(rows)
    points, wishes, consents, circumstances = (
        _by_person(
            await session.exec(select(ContactPointRow).where(col(ContactPointRow.person_id).in_(ids)).order_by(col(ContactPointRow.id)))
        ),
        _by_person(await session.exec(select(WishRow).where(col(WishRow.person_id).in_(ids)).order_by(col(WishRow.id)))),
        _by_person(await session.exec(select(ConsentRow).where(col(ConsentRow.person_id).in_(ids)).order_by(col(ConsentRow.id)))),
        _by_person(
            await session.exec(select(CircumstanceRow).where(col(CircumstanceRow.person_id).in_(ids)).order_by(col(CircumstanceRow.id)))
        ),
    )
    refusals = await session.exec(select(RelationRow).where(col(RelationRow.person_id).in_(ids), col(RelationRow.refused_at).is_not(None)))
    refused: dict[str, datetime] = {}
    for row in refusals:
        assert row.refused_at is not None
        refused[row.person_id] = min(row.refused_at, refused.get(row.person_id, now))
    return tuple(
        Person(
            person_id=row.id,
            zone=row.zone,
            residence=row.residence,
            birth_date=_birth_date(row, keys),
            contact_points=tuple(map(_point, points[row.id])) if keys.usable(row.id) else (),
            wishes=tuple(_wish(w, now) for w in wishes[row.id]),
            consents=tuple(_consent(c, now) for c in consents[row.id]),
            circumstances=_circumstances(circumstances[row.id], now),
            refused_at=refused.get(row.id),
        )
        for row in (rows[person_id] for person_id in ids)
    )


def _by_person(rows: Iterable[_T]) -> dict[str, list[_T]]:
    sorted_out: dict[str, list[_T]] = defaultdict(list)
    for row in rows:
        sorted_out[row.person_id].append(row)
    return sorted_out


def _birth_date(row: PersonRow, keys: Keyring) -> date | None:
    text = keys.open(row.id, Secret.BIRTH_DATE, row.birth_date)
    return date.fromisoformat(text) if text else None


def _point(row: ContactPointRow) -> ContactPoint:
    home = (row.zone,) if row.zone else ()
    return ContactPoint(
        contact_point_id=str(row.id),
        kind=row.kind.value,
        line=row.line,
        country=row.country,
        zones=(*home, *(row.other_zones or ())),
        place=row.place.value if row.place else None,
        legal_basis=row.legal_basis,
        invalid=row.invalid_since is not None,
        employer_forbids=row.employer_forbids_at is not None,
        reassignment_checked_at=row.reassignment_checked_at,
    )


def _wish(row: WishRow, now: datetime) -> Wish:
    """What is written down stands, even if a clock elsewhere was a moment ahead."""
    return Wish(
        kind=row.kind,
        at=min(row.at, now),
        channel=row.channel,
        contact_point=None if row.contact_point_id is None else str(row.contact_point_id),
        hours=_hours(row.starts, row.ends),
        withdrawn_at=row.withdrawn_at,
    )


def _consent(row: ConsentRow, now: datetime) -> Consent:
    return Consent(
        consent_id=str(row.id),
        kind=row.kind,
        given_at=row.given_at,
        channel=row.channel,
        hours=_hours(row.starts, row.ends),
        ends_at=row.ends_at,
        withdrawn_at=min(row.withdrawn_at, now) if row.withdrawn_at else None,
    )


def _circumstances(rows: Iterable[CircumstanceRow], now: datetime) -> tuple[Circumstance, ...]:
    return tuple(sorted({row.kind for row in rows if row.until is None or now < row.until}))


def _hours(starts: str | None, ends: str | None) -> Window | None:
    return Window(start=time.fromisoformat(starts), end=time.fromisoformat(ends)) if starts and ends else None
