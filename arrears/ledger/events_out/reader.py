"""The reader of the chain: it walks the records behind its cursor and leaves a delivery for every event that they stand for.

Deliveries and the moved cursor are one transaction, so nothing is told twice and nothing is lost when a process dies. Several processes may read:
they take turns by the cursor's lock. When somebody reads for the first time the cursor starts at the chain's head: history is not told.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.events_out import kinds, scene
from arrears.ledger.events_out.turn import Look, Made, instant, micros, tell
from arrears.ledger.tables import (
    ApprovalRow,
    AttemptRow,
    CaseEventRow,
    CaseRow,
    ChainHeadRow,
    CursorRow,
    DeliveryRow,
    HoldRow,
    Op,
    PaymentReversalRow,
    RecordRow,
    ReferralRow,
    ReportedContactRow,
    Row,
    WishRow,
)

_READER = "events"
_SINCE = "events.since"
_HOLDS = "events.holds"
_NUMBERS = "events.numbers"
_SPAN = 5_000
_MOST = 250

_READ: dict[str, type[Any]] = {
    str(table.__tablename__): table
    for table in (CaseRow, CaseEventRow, AttemptRow, ReportedContactRow, ApprovalRow, ReferralRow, HoldRow, PaymentReversalRow, WishRow)
}
_NUMBERED = (CaseEventRow, ReportedContactRow, HoldRow, WishRow)
_R = TypeVar("_R", bound=Row)


@dataclass(frozen=True)
class Read:
    """How far one turn came: the events that it left, and whether the head of the chain was reached."""

    events: int
    at_head: bool


@dataclass(frozen=True)
class _Places:
    """Where the reader stands: the record it has read last, the business time up to which holds have ended, the last event's number, and when it began."""

    record: CursorRow
    holds: CursorRow
    number: CursorRow
    since: datetime


async def behind(session: AsyncSession, now: datetime) -> bool:
    """Whether there is anything to read, or a hold's time has come; also if nobody has read yet. ``now`` is business time."""
    places = {row.reader: row.seq for row in await session.exec(select(CursorRow).where(col(CursorRow.reader).in_([_READER, _HOLDS])))}
    if places.get(_READER, -1) < await _head(session):
        return True
    return bool(await _ended(session, instant(places[_HOLDS]), now, 1))


async def read(session: AsyncSession, now: datetime, tracks: scene.TracksOf) -> Read:
    """Take a turn: read some records and leave what they tell. ``now`` is business time.

    The session is one of ``Ledger.exclusive``: on PostgreSQL whoever comes at the same time waits for the cursor.
    """
    places = await _places(session)
    head = await _head(session)
    if places is None:
        await _begin(session, head, now)
        return Read(0, at_head=True)
    records, reached = await _records(session, places.record.seq, head)
    looks = await _looks(session, records, reached)
    # Two clocks may differ by a moment: what is written down has happened.
    now = max((now, *scene.written_at(look.row for look in looks)))
    if reached == head:
        ended = await _ended(session, instant(places.holds.seq), now)
        looks = _with_ended(looks, ended)
        places.holds.seq = max(places.holds.seq, micros(now))
    told = tell(looks, await scene.known(session, [look.row for look in looks], now, places.since, tracks)) if looks else ()
    count = 0
    for count, made in enumerate(told, 1):
        session.add(_delivery(places.number.seq + count, made))
    places.number.seq += count
    places.record.seq = reached
    session.add_all((places.record, places.holds, places.number))
    return Read(count, at_head=reached == head)


def _delivery(number: int, made: Made) -> DeliveryRow:
    """The event, to be sent at once. Ids rise in the order in which events are told."""
    event, now = made.told.event, datetime.now(UTC)
    message = kinds.message(event, made.at)
    return DeliveryRow(
        id=f"evt_{number:012d}",
        key=made.told.key,
        kind=message.type,
        loan_id=event.loan_id,
        body=message.model_dump(mode="json", exclude_none=True),
        recorded_at=made.at,
        due_at=now,
    )


async def _places(session: AsyncSession) -> _Places | None:
    """Where the reader stands, locked until the transaction ends; ``None`` if nobody has read yet."""
    places = {name: await session.get(CursorRow, name, with_for_update=True) for name in (_READER, _HOLDS, _NUMBERS, _SINCE)}
    record, holds, number, since = places.values()
    if record is None or holds is None or number is None or since is None:
        return None
    return _Places(record, holds, number, instant(since.seq))


async def _begin(session: AsyncSession, head: int, now: datetime) -> None:
    """Start here and now. Whoever begins at the same time begins at the same place."""
    connection = await session.connection()
    for name, seq in ((_READER, head), (_HOLDS, micros(now)), (_NUMBERS, 0), (_SINCE, micros(now))):
        await connection.execute(
            text("INSERT INTO cursors (reader, seq) VALUES (:name, :seq) ON CONFLICT DO NOTHING"), {"name": name, "seq": seq}
        )


async def _head(session: AsyncSession) -> int:
    return (await session.exec(select(ChainHeadRow.seq))).one()


async def _records(session: AsyncSession, after: int, head: int) -> tuple[Sequence[RecordRow], int]:
    """The next records of what tells anything, and up to which record that is all."""
    reached = min(head, after + _SPAN)
    wanted = (
        select(RecordRow)
        .where(col(RecordRow.seq) > after, col(RecordRow.seq) <= reached, col(RecordRow.tbl).in_(_READ))
        .order_by(col(RecordRow.seq))
        .limit(_MOST)
    )
    records = (await session.exec(wanted)).all()
    return records, records[-1].seq if len(records) == _MOST else reached


async def _looks(session: AsyncSession, records: Sequence[RecordRow], reached: int) -> list[Look]:
    """The rows that the records are about, as they stand; one that is gone tells nothing."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    last: dict[tuple[str, str], int] = {}
    for record in records:
        keys[record.tbl].add(record.row_key)
        last[record.tbl, record.row_key] = record.seq
    rows = {(name, key): row for name, wanted in keys.items() for key, row in (await _rows(session, _READ[name], wanted)).items()}
    # A reader who is behind looks at a row for the last time later.
    later = await _written_later(session, keys, reached)
    return [
        Look(record.at, row, last=last[place] == record.seq and place not in later, new=record.op is Op.INSERT)
        for record in records
        if (row := rows.get(place := (record.tbl, record.row_key))) is not None
    ]


async def _rows(session: AsyncSession, table: type[_R], keys: Collection[str]) -> Mapping[str, _R]:
    """The rows of a table by their keys in the chain."""
    key = table.__table__.primary_key.columns[0]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    values = {_value(table, written): written for written in keys}
    found = await session.exec(select(table).where(key.in_(list(values))))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return {values[getattr(row, str(key.name))]: row for row in found}  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _value(table: type[Row], written: str) -> int | str:
    """A primary key as it stands in its row: see ``digest.row_key``."""
    plain = re.sub(r"\\(.)", r"\1", written)
    return int(plain) if table in _NUMBERED else plain


async def _written_later(session: AsyncSession, keys: Mapping[str, Collection[str]], reached: int) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for name, wanted in keys.items():
        later = select(RecordRow.row_key).where(
            col(RecordRow.seq) > reached, col(RecordRow.tbl) == name, col(RecordRow.row_key).in_(wanted)
        )
        found |= {(name, key) for key in await session.exec(later.distinct())}
    return found


def _with_ended(looks: list[Look], ended: Sequence[HoldRow]) -> list[Look]:
    """The looks, and those at holds whose time has come: each before what was written after that time."""
    for hold in ended:
        assert hold.until is not None
        until, look = hold.until, Look(datetime.now(UTC), hold)
        later = (n for n, other in enumerate(looks) if any(at >= until for at in scene.written_at([other.row])))
        looks.insert(next(later, len(looks)), look)
    return looks


async def _ended(session: AsyncSession, after: datetime, now: datetime, most: int | None = None) -> Sequence[HoldRow]:
    """The holds whose time has come between two business instants, without anybody having lifted them."""
    due = select(HoldRow).where(col(HoldRow.until) > after, col(HoldRow.until) <= now, col(HoldRow.lifted_at).is_(None))
    return (await session.exec(due.order_by(col(HoldRow.until), col(HoldRow.id)).limit(most))).all()
