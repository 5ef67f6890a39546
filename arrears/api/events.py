"""The events that the loan system is told: which wait, which nobody could deliver, and having them sent again. Also their description for OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from arrears.api.caller import Caller, allowed
from arrears.api.house import Here
from arrears.api.paging import Asking, Cursors, Page
from arrears.api.problems import FieldProblem, Problem, ProblemBody
from arrears.domain.access import Action
from arrears.domain.calendar import Instant
from arrears.domain.events import Id
from arrears.ledger.events_out import outbox
from arrears.ledger.events_out.examples import EXAMPLES
from arrears.ledger.events_out.kinds import KINDS, MESSAGES, Message
from arrears.ledger.events_out.outbox import EventForgotten, EventUnknown, Wanted
from arrears.ledger.tables import DeliveryRow, DeliveryState

router = APIRouter(prefix="/v1/events", tags=["events"])
Reader = Annotated[Caller, Depends(allowed(Action.READ_CASES))]
Sender = Annotated[Caller, Depends(allowed(Action.REPLAY_EVENTS))]
EventId = Annotated[str, Path(pattern=r"^evt_[0-9]{1,20}$", examples=["evt_000000000042"])]
_A_KIND = f"^({'|'.join(map(re.escape, sorted(KINDS)))})$"
Kind = Annotated[str | None, Query(pattern=_A_KIND, examples=["case.closed"])]

_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": ProblemBody, "description": "there is no such event"}}
_FORGOTTEN: dict[int | str, dict[str, Any]] = {410: {"model": ProblemBody, "description": "what the event said is not kept any more"}}
_POSITION: TypeAdapter[str] = TypeAdapter(str)


class EventNow(BaseModel):
    """How far an event has come. ``tries`` counts how often it was sent, ``due_at`` is when it is sent next; ``last_problem`` is a code."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    loan_id: Id
    state: DeliveryState
    recorded_at: AwareDatetime
    due_at: AwareDatetime | None
    tries: int
    last_status: int | None
    last_problem: str | None
    delivered_at: AwareDatetime | None

    @classmethod
    def of(cls, row: DeliveryRow) -> EventNow:
        return cls(type=row.kind, **row.model_dump(include=set(cls.model_fields) - {"type"}))


class EventWhole(EventNow):
    """An event with what is sent; nothing if it was delivered more than 30 days ago."""

    body: dict[str, Any] | None


class Replay(BaseModel):
    """Which events are to be sent again: all that fulfil everything that is given. ``since`` and ``until`` are about when the ledger wrote them down."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"state": "dead", "kind": "case.closed", "since": "2026-11-01T00:00:00Z"}]},
    )

    state: DeliveryState = DeliveryState.DEAD
    kind: str | None = Field(default=None, pattern=_A_KIND)
    loan_id: Id | None = None
    since: Instant | None = None
    until: Instant | None = None


class Replayed(BaseModel):
    """How many events are sent again."""

    events: int


@router.get("", operation_id="list_events")
async def events(
    asked: Asking,
    _: Reader,
    here: Here,
    state: Annotated[DeliveryState | None, Query(description="`dead`: nobody tries any more, unless it is replayed")] = None,
    kind: Kind = None,
    loan_id: Annotated[Id | None, Query(examples=["L-1001"])] = None,
    since: Annotated[Instant | None, Query(description="written down then or later")] = None,
) -> Page[EventNow]:
    """Events in the order in which they are told."""
    cursors = Cursors(f"events/{state}/{kind}/{loan_id}/{since}", _POSITION)
    after = cursors.read(asked.cursor)
    wanted = Wanted(state=state, kind=kind, loan_id=loan_id, since=since)
    async with here.ledger.reading() as session:
        found = await outbox.events(session, wanted, after, asked.limit + 1)
    return asked.of([EventNow.of(row) for row in found], cursors, lambda last: last.id)


@router.get("/{event_id}", operation_id="read_event", responses=_UNKNOWN)
async def event(event_id: EventId, _: Reader, here: Here) -> EventWhole:
    """One event, with what is sent."""
    try:
        async with here.ledger.reading() as session:
            row = await outbox.event(session, event_id)
    except EventUnknown as unknown:
        raise _refused(HTTPStatus.NOT_FOUND, "unknown_event", unknown) from None
    return EventWhole(**EventNow.of(row).model_dump(), body=row.body or None)


@router.post("/replay", operation_id="replay_events", status_code=HTTPStatus.ACCEPTED)
async def replay_all(body: Replay, caller: Sender, here: Here) -> Replayed:
    """Have events sent again under their old ids, the oldest of each loan first; all dead ones, if nothing else is said."""
    async with here.ledger.exclusive() as session:
        count = await outbox.replay_all(session, Wanted(**body.model_dump()), datetime.now(UTC))
        caller.note(session, Action.REPLAY_EVENTS, loan_id=body.loan_id, details={"events": count, "state": body.state, "kind": body.kind})
    return Replayed(events=count)


@router.post("/{event_id}/replay", operation_id="replay_event", status_code=HTTPStatus.ACCEPTED, responses=_UNKNOWN | _FORGOTTEN)
async def replay(event_id: EventId, caller: Sender, here: Here) -> EventNow:
    """Have an event sent again under its old id, from the first try on, whether it is dead or was delivered."""
    try:
        async with here.ledger.exclusive() as session:
            row = await outbox.replay(session, event_id, datetime.now(UTC))
            caller.note(session, Action.REPLAY_EVENTS, loan_id=row.loan_id, subject=row.id)
    except EventUnknown as unknown:
        raise _refused(HTTPStatus.NOT_FOUND, "unknown_event", unknown) from None
    except EventForgotten as forgotten:
        raise _refused(HTTPStatus.GONE, "forgotten", forgotten) from None
    return EventNow.of(row)


def describe_webhooks(app: FastAPI) -> None:
    """Describe every kind of event in the app's OpenAPI document, as a webhook with an example."""
    for kind, model in MESSAGES.items():
        app.webhooks.add_api_route(
            kind,
            _receiver(model),
            methods=["POST"],
            status_code=HTTPStatus.NO_CONTENT,
            operation_id=f"hear_{kind.replace('.', '_')}",
            summary=kind,
            description=f"{model.__doc__}\n\nSigned by the Standard Webhooks scheme; answer with 2xx once you have it.",
            tags=["webhooks"],
            openapi_extra={"requestBody": {"content": {"application/json": {"examples": {kind: {"value": EXAMPLES[kind]}}}}}},
        )


def _receiver(model: type[Message]) -> Callable[..., Awaitable[None]]:
    async def hear(message: Message) -> None: ...

    hear.__annotations__["message"] = model
    return hear


def _refused(status: HTTPStatus, code: str, why: Exception) -> Problem:
    return Problem(status, code, str(why), [FieldProblem(field="event_id", problem=str(why))])
