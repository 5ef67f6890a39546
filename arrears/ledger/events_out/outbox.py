"""The deliveries: who sends which next, what became of it, and sending again. All times are the machine's.

    waiting ──claim──▶ (leased) ──▶ delivered
       ▲                  │
       ├──── later ───────┤
       └──── replay ──── dead

Of one loan only the oldest waiting event is sent: the later ones wait until it is delivered or dead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.tables import DeliveryRow, DeliveryState

KEPT_FOR = timedelta(days=30)
"""For so long what an event said can be read, and sent again; then only its key stays, so that it is never told anew."""

_FORGOTTEN_AT_ONCE = 1_000


class EventUnknown(LedgerRefusal):
    """There is no such event."""


class EventForgotten(LedgerRefusal):
    """The event was delivered so long ago that what it said is not kept any more."""


class Wanted(BaseModel):
    """Which events are meant: all that fulfil everything that is given. ``since`` and ``until`` are about when the ledger wrote them down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: DeliveryState | None = None
    kind: str | None = None
    loan_id: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


async def claim(session: AsyncSession, now: datetime, lease: timedelta, most: int) -> list[DeliveryRow]:
    """Take the events that are to be sent now, the oldest first; nobody else takes them before the lease is over, so that one dies with its sender at most.

    Each take counts as a try. The session is one of ``Ledger.exclusive``.
    """
    earlier = aliased(DeliveryRow)
    ahead = select(earlier.id).where(
        col(earlier.loan_id) == col(DeliveryRow.loan_id),
        col(earlier.state) == DeliveryState.WAITING,
        col(earlier.id) < col(DeliveryRow.id),
    )
    due = (
        select(DeliveryRow)
        .where(col(DeliveryRow.state) == DeliveryState.WAITING, col(DeliveryRow.due_at) <= now, ~ahead.exists())
        .order_by(col(DeliveryRow.due_at), col(DeliveryRow.id))
        .limit(most)
        .with_for_update(skip_locked=True, of=DeliveryRow)
    )
    taken = list(await session.exec(due))
    for row in taken:
        row.due_at, row.tries = now + lease, row.tries + 1
        session.add(row)
    return taken


async def next_due(session: AsyncSession) -> datetime | None:
    """When something is to be sent next, if anything waits."""
    return (await session.exec(select(func.min(DeliveryRow.due_at)).where(col(DeliveryRow.state) == DeliveryState.WAITING))).one()


async def delivered(session: AsyncSession, taken: DeliveryRow, now: datetime, status: int) -> None:
    """The loan system has it."""
    row = await _still_ours(session, taken)
    if row is not None:
        row.state, row.delivered_at, row.due_at, row.last_status, row.last_problem = DeliveryState.DELIVERED, now, None, status, None
        session.add(row)


async def failed(session: AsyncSession, taken: DeliveryRow, again_at: datetime | None, status: int | None, problem: str) -> None:
    """The loan system did not take it: it is sent again then, or never, unless somebody asks for that. ``problem`` is a code."""
    row = await _still_ours(session, taken)
    if row is not None:
        row.state = DeliveryState.DEAD if again_at is None else DeliveryState.WAITING
        row.due_at, row.last_status, row.last_problem = again_at, status, problem
        session.add(row)


async def event(session: AsyncSession, event_id: str) -> DeliveryRow:
    """The event. Raises ``EventUnknown``."""
    row = await session.get(DeliveryRow, event_id)
    if row is None:
        raise EventUnknown(f"there is no event {event_id}")
    return row


async def events(
    session: AsyncSession, wanted: Wanted, after: str | None = None, most: int = 100, *, newest: bool = False
) -> Sequence[DeliveryRow]:
    """Events in the order in which they are told, those after the one with the id ``after``: the first ones, or the newest."""
    asked = select(DeliveryRow).where(*_meant(wanted)).limit(most)
    if after is not None:
        asked = asked.where(col(DeliveryRow.id) > after)
    if newest:
        return tuple(reversed((await session.exec(asked.order_by(col(DeliveryRow.id).desc()))).all()))
    return (await session.exec(asked.order_by(col(DeliveryRow.id)))).all()


async def count(session: AsyncSession, wanted: Wanted) -> int:
    """How many events there are of that sort."""
    return (await session.exec(select(func.count()).select_from(DeliveryRow).where(*_meant(wanted)))).one()


async def replay(session: AsyncSession, event_id: str, now: datetime) -> DeliveryRow:
    """Have an event sent again under its old id, from the first try on. Raises ``EventUnknown`` or ``EventForgotten``."""
    row = await session.get(DeliveryRow, event_id, with_for_update=True)
    if row is None:
        raise EventUnknown(f"there is no event {event_id}")
    if not row.body:
        raise EventForgotten(f"event {event_id} was delivered more than {KEPT_FOR.days} days ago; what it said is not kept any more")
    _again(row, now)
    session.add(row)
    return row


async def replay_all(session: AsyncSession, wanted: Wanted, now: datetime) -> int:
    """Have all events of a sort sent again, as far as what they said is kept; how many."""
    rows = [row for row in await session.exec(select(DeliveryRow).where(*_meant(wanted)).with_for_update()) if row.body]
    for row in rows:
        _again(row, now)
        session.add(row)
    return len(rows)


async def forget(session: AsyncSession, now: datetime) -> int:
    """Remove what events said that were delivered long ago; of how many. To be called again until it is none."""
    old = (
        select(DeliveryRow.id)
        .where(
            col(DeliveryRow.state) == DeliveryState.DELIVERED,
            col(DeliveryRow.delivered_at) < now - KEPT_FOR,
            col(DeliveryRow.last_status).is_not(None),
        )
        .limit(_FORGOTTEN_AT_ONCE)
    )
    ids = list(await session.exec(old))
    if ids:
        # What was forgotten has no status any more, so that it is not found again.
        await session.exec(update(DeliveryRow).where(col(DeliveryRow.id).in_(ids)).values(body={}, last_status=None))
    return len(ids)


def _again(row: DeliveryRow, now: datetime) -> None:
    row.state, row.due_at, row.delivered_at, row.tries = DeliveryState.WAITING, now, None, 0


async def _still_ours(session: AsyncSession, taken: DeliveryRow) -> DeliveryRow | None:
    """The event, if nobody took it or had it sent again after us."""
    row = await session.get(DeliveryRow, taken.id, with_for_update=True)
    ours = row is not None and (row.state, row.due_at, row.tries) == (DeliveryState.WAITING, taken.due_at, taken.tries)
    return row if ours else None


def _meant(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.state is not None:
        yield col(DeliveryRow.state) == wanted.state
    if wanted.kind is not None:
        yield col(DeliveryRow.kind) == wanted.kind
    if wanted.loan_id is not None:
        yield col(DeliveryRow.loan_id) == wanted.loan_id
    if wanted.since is not None:
        yield col(DeliveryRow.recorded_at) >= wanted.since
    if wanted.until is not None:
        yield col(DeliveryRow.recorded_at) < wanted.until
