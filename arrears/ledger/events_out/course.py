"""The course of a case: which stage it was in at any instant, read off the rows that the ledger keeps of it.

Every fact that decides a stage stands with its times, so what was so at an earlier instant can be said at any later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from pydantic import TypeAdapter

from arrears.domain.events import Event, HoldLifted, HoldPlaced, PlanAgreed, PlanBroken, PromiseJudged, PromiseMade
from arrears.ledger.stages import Standing, Tracks, stage
from arrears.ledger.tables import ApprovalRow, ApprovalState, CaseEventRow, CaseRow, HoldRow, ReferralRow

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
DECISIVE = ("hold_placed", "hold_lifted", "promise_made", "promise_judged", "plan_agreed", "plan_broken")
"""The kinds of a case's events that decide its stage."""


@dataclass(frozen=True)
class Span:
    """Something that was so from an instant until another, or still is; ``what`` names it."""

    since: datetime
    until: datetime | None = None
    what: str = ""

    def covers(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Course:
    """Everything that ever decided a case's stage."""

    case: CaseRow
    holds: tuple[Span, ...]
    plans: tuple[Span, ...]
    requests: tuple[Span, ...]
    promises: tuple[Span, ...]
    placements: tuple[Span, ...]
    tracks: Tracks = ()

    def stage_at(self, at: datetime) -> str:
        """The case's stage at an instant since its opening."""
        if self.case.closed_at is not None and self.case.closed_at <= at:
            return stage(Standing(outcome=self.case.outcome))
        standing = Standing(
            holds=tuple(hold.what for hold in _covering(self.holds, at)),
            on_plan=any(_covering(self.plans, at)),
            approval_open=any(_covering(self.requests, at)),
            promised_for=min((date.fromisoformat(promise.what) for promise in _covering(self.promises, at)), default=None),
            placed=any(_covering(self.placements, at)),
        )
        return stage(standing, self.tracks)

    def hold_at(self, at: datetime) -> str | None:
        """The reason of the latest hold that stood at an instant."""
        return next((hold.what for hold in reversed(list(_covering(self.holds, at)))), None)

    def agency_at(self, at: datetime) -> str | None:
        """Who had the case at an instant."""
        return next((placed.what for placed in _covering(self.placements, at)), None)

    def turns(self, after: datetime, up_to: datetime) -> Iterator[datetime]:
        """The instants at which the stage may have changed, in order: after the first, up to and with the second."""
        spans = (*self.holds, *self.plans, *self.requests, *self.promises, *self.placements)
        ends = {span.until for span in spans} | {span.since for span in spans} | {self.case.opened_at, self.case.closed_at}
        yield from sorted(end for end in ends if end is not None and after < end <= up_to)


def course(
    case: CaseRow,
    events: Sequence[CaseEventRow],
    holds: Iterable[HoldRow],
    approvals: Iterable[ApprovalRow],
    referrals: Iterable[ReferralRow],
    tracks: Tracks = (),
) -> Course:
    """The course of a case from its rows; ``events`` are in the order in which they were written, ``holds`` those that were placed in it."""
    told = [EVENT.validate_python(row.body) for row in events if row.kind in DECISIVE]
    # Only the hold that a loan was imported with stands without having been told to the case.
    imported = [Span(h.placed_at, what=h.reason) for h in holds if h.placed_at == case.opened_at and h.recorded_at is None]
    return Course(
        case=case,
        holds=tuple(_holds(imported, told)),
        plans=tuple(_plans(told)),
        requests=tuple(Span(row.asked_at, _answered_at(row)) for row in approvals),
        promises=tuple(_promises(told)),
        placements=tuple(
            Span(row.sent_at, _earliest(row.recalled_at, row.until), row.agency) for row in referrals if row.agency and row.gateway_ref
        ),
        tracks=tracks,
    )


def _covering(spans: Iterable[Span], at: datetime) -> Iterator[Span]:
    return (span for span in spans if span.covers(at))


def _holds(imported: list[Span], told: Iterable[Event]) -> list[Span]:
    """Holds as the case heard of them; a lift ends all that stand for its reason, or all."""
    holds = imported
    for event in told:
        match event:
            case HoldPlaced():
                holds.append(Span(event.at, event.until, event.reason))
            case HoldLifted():
                holds = [replace(h, until=event.at) if h.covers(event.at) and event.reason in (None, h.what) else h for h in holds]
            case _:
                pass
    return holds


def _plans(told: Sequence[Event]) -> Iterator[Span]:
    """Each plan until it broke or another was agreed."""
    since: datetime | None = None
    for event in told:
        match event:
            case PlanAgreed() | PlanBroken():
                if since is not None:
                    yield Span(since, event.at)
                since = event.at if isinstance(event, PlanAgreed) else None
            case _:
                pass
    if since is not None:
        yield Span(since)


def _promises(told: Sequence[Event]) -> Iterator[Span]:
    """Each promise until it was judged; until then the same amount for the same day is the same promise."""
    pending: dict[tuple[Decimal, date], datetime] = {}
    for event in sorted(told, key=lambda event: event.at):  # what became of a promise may be written down before it is
        match event:
            case PromiseMade(at=at, amount=amount, due_on=due_on):
                pending.setdefault((amount, due_on), at)
            case PromiseJudged(at=at, amount=amount, due_on=due_on) if (since := pending.pop((amount, due_on), None)) is not None:
                yield Span(since, at, due_on.isoformat())
            case _:
                pass
    for (_, due_on), since in pending.items():
        yield Span(since, what=due_on.isoformat())


def _answered_at(row: ApprovalRow) -> datetime | None:
    """When a request was open no more."""
    expired = row.deadline if row.state is ApprovalState.EXPIRED else None
    return _earliest(row.decided_at, row.void_at, expired)


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)
