"""Where cases stand and what happened in them, by ids: nobody's name, number or words.

An id of a loan may hold slashes; in an address they may stand as they are or as ``%2F``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter
from sqlmodel import col, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.caller import Caller, allowed
from arrears.api.house import Here
from arrears.api.operations import case_view
from arrears.api.operations.case_view import CaseNow, PaymentNow, booked_payments, payment_now
from arrears.api.operations.telling import known_loan
from arrears.api.paging import MOST, Asking, Cursors, Page, bad_cursor, page
from arrears.config import strategies
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Id
from arrears.domain.money import Amount
from arrears.domain.verdict import Effect
from arrears.ledger import search, timeline, verdicts
from arrears.ledger.search import CursorRefused, Sort, Waiting
from arrears.ledger.stages import Tracks, tracks_of
from arrears.ledger.tables import PaymentReversalRow, PaymentRow
from arrears.ledger.timeline import EntryKind, TimelineEntry
from arrears.ledger.verdicts import VerdictNow

router = APIRouter(prefix="/v1", tags=["cases"])
whole_paths = APIRouter(prefix="/v1", tags=["cases"])
"""Routes that take everything that no other route under the same address took: they come last."""

Reader = Annotated[Caller, Depends(allowed(Action.READ_CASES))]


class CaseFilter(search.Query):
    """Which cases are listed; what is left out does not matter."""

    model_config = ConfigDict(extra="forbid")

    sort: Sort = Sort.OPENED
    limit: int = Field(default=50, ge=1, le=MOST, description="how many items a page has at most")
    cursor: str | None = Field(default=None, max_length=1024, description="the `next` of the page before")


class CaseListed(BaseModel):
    """A case in a list. ``waits_until`` is when the most pressing of what it waits for is over or due; ``zone`` is the borrower's."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    loan_id: str
    case_id: str
    borrower_id: str
    stage: str
    strategy: str
    strategy_version: int
    owed: Amount
    currency: str
    days_past_due: int
    due_since: date | None
    holds: tuple[str, ...]
    agency: str | None
    owners: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    waits_until: AwareDatetime | None
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    outcome: str | None
    zone: str


class CasePage(Page[CaseListed]):
    """Some of the cases that fit. ``total`` are all that do, ``owed`` what is overdue of them together, by currency."""

    total: int
    owed: dict[str, Amount]


class PaymentBooked(PaymentNow):
    """A payment as it is booked. From ``reversed_at`` on it counts no more."""

    loan_id: str
    currency: str
    recorded_at: AwareDatetime


@router.get("/cases")
async def list_cases(asked: Annotated[CaseFilter, Query()], _: Reader, here: Here, request: Request, response: Response) -> CasePage:
    """The cases that fit, the newest first if no other order is asked for."""
    tracks = _tracks(here.settings.strategies_dir)
    async with here.ledger.reading() as session:
        try:
            found = await search.find(session, asked, here.now(), tracks, most=asked.limit, after=asked.cursor)
        except CursorRefused:
            raise bad_cursor() from None
    listed = page(request, response, [CaseListed.model_validate(case) for case in found.cases], found.next)
    return CasePage(items=listed.items, next=listed.next, total=found.total, owed=found.owed)


@router.get("/cases/{loan_id:path}/timeline")
async def read_timeline(
    loan_id: Id,
    _: Reader,
    here: Here,
    asked: Asking,
    kind: Annotated[
        tuple[EntryKind, ...],
        Query(max_length=len(EntryKind), default_factory=tuple, description="only entries of these kinds; of all kinds without one"),
    ],
    since: Annotated[Instant | None, Query(description="only what happened then or later")] = None,
) -> Page[TimelineEntry]:
    """Everything that happened to the loan and its cases, oldest first: also the holds that reach its people, what they wish and agreed to."""
    cursors = Cursors(f"timeline/{loan_id}/{','.join(kind) or None}/{since}", _AFTER_ENTRY)
    after = cursors.read(asked.cursor or None)
    async with here.ledger.reading() as session:
        await known_loan(session, loan_id)
        told = await timeline.timeline(session, loan_id)
    wanted = [entry for entry in told if (not kind or entry.kind in kind) and (since is None or entry.at >= since)]
    placed = list(zip(_positions(wanted), wanted, strict=True))
    rest = placed if after is None else [(at, entry) for at, entry in placed if at > after]
    shown = asked.of(rest, cursors, itemgetter(0))
    return Page(items=[entry for _, entry in shown.items], next=shown.next)


@router.get("/cases/{loan_id:path}/verdicts")
async def list_verdicts(
    loan_id: Id,
    _: Reader,
    here: Here,
    asked: Asking,
    verdict: Annotated[list[Effect] | None, Query(max_length=4, description="only these verdicts")] = None,
) -> Page[VerdictNow]:
    """What the law said of every contact and referral of the loan's cases, in the order in which it was asked."""
    cursors = Cursors(f"verdicts/{loan_id}/{verdict}", _AFTER_ID)
    after = cursors.read(asked.cursor or None) or 0
    async with here.ledger.reading() as session:
        await known_loan(session, loan_id)
        found = await verdicts.verdicts(session, loan_id, after=after, effects=verdict or (), most=asked.limit + 1)
    return asked.of(found, cursors, lambda last: last.verdict_id)


@router.get("/loans/{loan_id:path}/payments")
async def list_payments(
    loan_id: Id,
    _: Reader,
    here: Here,
    asked: Asking,
    state: Annotated[Literal["all", "standing", "reversed"], Query(description="`standing`: only those that count")] = "all",
) -> Page[PaymentBooked]:
    """The loan's payments, in the order in which they were recorded, so that reading on finds every later one."""
    cursors = Cursors(f"payments/{loan_id}/{state}", _AFTER_PAYMENT)
    after = cursors.read(asked.cursor or None)
    async with here.ledger.reading() as session:
        await known_loan(session, loan_id)
        booked = await _payments(session, loan_id, state, after, asked.limit + 1)
    return asked.of(booked, cursors, lambda last: (last.recorded_at, last.payment_id))


@whole_paths.get("/cases/{loan_id:path}")
async def read_case(loan_id: Id, _: Reader, here: Here) -> CaseNow:
    """Where the loan's case stands: what the ledger knows, and what the running case says of itself, if it answers at once."""
    return await case_view.view(here, loan_id)


_AFTER_ENTRY: TypeAdapter[tuple[Instant, int]] = TypeAdapter(tuple[Instant, int])
_AFTER_ID: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0, lt=2**63)])
_AFTER_PAYMENT: TypeAdapter[tuple[Instant, str]] = TypeAdapter(tuple[Instant, Annotated[str, Field(max_length=128)]])


def _positions(entries: list[TimelineEntry]) -> list[tuple[datetime, int]]:
    """Where each entry stands: its instant, and which of the entries of that instant it is."""
    found: list[tuple[datetime, int]] = []
    for entry in entries:
        n = found[-1][1] + 1 if found and found[-1][0] == entry.at else 0
        found.append((entry.at, n))
    return found


async def _payments(session: AsyncSession, loan_id: str, state: str, after: tuple[datetime, str] | None, most: int) -> list[PaymentBooked]:
    asked = booked_payments(loan_id).order_by(col(PaymentRow.recorded_at), col(PaymentRow.payment_id)).limit(most)
    if after is not None:
        asked = asked.where(tuple_(col(PaymentRow.recorded_at), col(PaymentRow.payment_id)) > after)
    match state:
        case "standing":
            asked = asked.where(col(PaymentReversalRow.payment_id).is_(None))
        case "reversed":
            asked = asked.where(col(PaymentReversalRow.payment_id).is_not(None))
        case _:
            pass
    return [
        PaymentBooked(**dict(payment_now(row, gone)), loan_id=row.loan_id, currency=row.currency, recorded_at=row.recorded_at)
        for row, gone in await session.exec(asked)
    ]


@lru_cache(maxsize=8)
def _tracks(directory: Path) -> Mapping[str, Tracks]:
    """The tracks of all strategies, by name, as they were when this process was first asked. Raises ``StrategyInvalid``."""
    return {name: tracks_of(strategy) for name, strategy in strategies.load_all(directory).items()}
