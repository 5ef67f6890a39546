"""The inbox: requests for a yes, tasks, and what else needs a human. Decisions and results are given in place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Depends, Form, Response
from pydantic import ValidationError

from arrears.api.console.desk import Desk, at_desk, console_router
from arrears.api.console.inbox_cards import Card, Inbox, Shown, TaskCard, read_card, read_inbox, read_task_card
from arrears.api.console.inbox_words import decision_of, reason_text, trouble
from arrears.api.console.render import words
from arrears.api.operations import approvals, proposed, tasks
from arrears.api.operations.approvals import Answer
from arrears.api.operations.tasks import TaskContact, TaskOutcome
from arrears.api.problems import Problem
from arrears.domain.access import Action
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel
from arrears.ledger.tables import TaskResult

router = console_router()
InboxDesk = Annotated[Desk, Depends(at_desk(Action.READ_APPROVALS, Action.READ_TASKS, Action.READ_CASES))]
_BY_HAND = (
    *(Outcome.ANSWERED_WILLING, Outcome.ANSWERED_DELAYING, Outcome.ANSWERED_REFUSING, Outcome.ANSWERED_DISPUTES, Outcome.ANSWERED_HARDSHIP),
    *(Outcome.ANSWERED, Outcome.SOMEONE_ELSE, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL, Outcome.INVALID_NUMBER),
    *(Outcome.DELIVERED, Outcome.BOUNCED),
)
"""How a contact that an operator made can have gone."""

Text = Annotated[str, Form(max_length=2000)]
Id = Annotated[str, Form(max_length=200)]


@router.get("/")
@router.get("/inbox")
async def inbox(desk: InboxDesk, show: Shown = "role") -> Response:
    """What waits, the most urgent first."""
    return _page(desk, await read_inbox(desk, show))


@router.get("/inbox/list")
async def listed(desk: InboxDesk, show: Shown = "role") -> Response:
    """The same as a part of the page, for when something changed."""
    return desk.fragment("inbox_live.html", inbox=await read_inbox(desk, show), outcomes=_outcomes(desk))


@router.get("/inbox/count")
async def count(desk: InboxDesk) -> Response:
    """The number in the navigation."""
    return desk.fragment("inbox_count.html")


@router.get("/inbox/keys")
async def keys(desk: InboxDesk) -> Response:
    """What can be done with keys alone."""
    return desk.page("inbox_keys.html")


@router.post("/inbox/decision")
async def decide(
    desk: InboxDesk,
    approval_id: Id,
    decision: Annotated[Answer, Form()],
    reason: Id = "",
    note: Text = "",
    show: Annotated[Shown, Form()] = "role",
) -> Response:
    """Approve or deny. Whoever comes second is told who was first."""
    why = reason_text(reason, note)
    if decision_of(reason) != decision or why is None:
        said = desk.gettext("Choose a reason for approving, or one for denying, and then its button.")
        if reason.endswith(":other") and decision_of(reason) == decision:
            said = desk.gettext("Say in the note what the other reason is.")
        return await _approval(desk, approval_id, show, HTTPStatus.UNPROCESSABLE_ENTITY, error=said, chosen=reason, note=note)
    try:
        await desk.with_reason(Action.DECIDE_APPROVAL)
        done = await approvals.decide(desk.here, desk.caller, approval_id, decision, why)
    except Problem as problem:
        return await _approval(desk, approval_id, show, problem.status, error=trouble(desk, problem), chosen=reason, note=note)
    next_move = done.case.next if done.case else None
    return await _approval(desk, approval_id, show, HTTPStatus.OK, next_move=next_move)


@router.post("/inbox/people")
async def people(desk: InboxDesk, approval_id: Id) -> Response:
    """Whom a request names and the words for them, for whoever may read that and says why."""
    card = await read_card(desk, approval_id)
    for action in (Action.READ_PERSON, Action.READ_MESSAGES):
        caller = await desk.with_reason(action, card.request.loan_id)
    known = await proposed.proposed(desk.here, caller, approval_id)
    if desk.hx:
        return desk.fragment("inbox_people.html", card=card, known=known)
    return desk.page("inbox_people_page.html", card=card, known=known)


@router.post("/inbox/take")
async def take(desk: InboxDesk, task_id: Id, show: Annotated[Shown, Form()] = "role") -> Response:
    """Take a task upon oneself."""
    try:
        if not desk.may(Action.WORK_TASK):
            await desk.with_reason(Action.WORK_TASK)
        await tasks.take(desk.here, desk.caller, task_id)
    except Problem as problem:
        return await _task(desk, task_id, show, problem.status, error=trouble(desk, problem))
    return await _task(desk, task_id, show, HTTPStatus.OK)


@router.post("/inbox/finish")
async def finish(
    desk: InboxDesk,
    task_id: Id,
    result: Annotated[TaskResult | Literal[""], Form()] = "",
    outcome: Annotated[Outcome | Literal[""], Form()] = "",
    channel: Annotated[Channel, Form()] = Channel.CALL,
    note: Text = "",
    show: Annotated[Shown, Form()] = "role",
) -> Response:
    """Say what came of a task."""
    if not result:
        said = desk.gettext("Choose what came of it.")
        return await _task(desk, task_id, show, HTTPStatus.UNPROCESSABLE_ENTITY, error=said, note=note)
    try:
        if not desk.may(Action.WORK_TASK):
            await desk.with_reason(Action.WORK_TASK)
        contact = TaskContact(channel=channel, outcome=outcome) if outcome else None
        await tasks.finish(desk.here, desk.caller, task_id, TaskOutcome(result=result, note=note.strip() or None, contact=contact))
    except ValidationError:
        said = desk.gettext("Say how the contact went: whoever was not reached was tried, and the try counts.")
        return await _task(desk, task_id, show, HTTPStatus.UNPROCESSABLE_ENTITY, error=said, note=note, result=result)
    except Problem as problem:
        return await _task(desk, task_id, show, problem.status, error=trouble(desk, problem), note=note, result=result)
    return await _task(desk, task_id, show, HTTPStatus.OK)


def _page(desk: Desk, inbox: Inbox, status: int = HTTPStatus.OK) -> Response:
    return desk.page("inbox.html", status, inbox=inbox, outcomes=_outcomes(desk))


async def _approval(
    desk: Desk,
    approval_id: str,
    show: Shown,
    status: int,
    *,
    error: str = "",
    chosen: str = "",
    note: str = "",
    next_move: str | None = None,
) -> Response:
    """The request's card after a form was sent: in its place, or on the whole page for a browser without JavaScript."""
    card = (await read_card(desk, approval_id)).model_copy(
        update={"error": error, "chosen": chosen, "note": note, "next_move": next_move, "answered": True}
    )
    if desk.hx:
        return desk.fragment("inbox_approval.html", status, card=card, show=show)
    inbox = await read_inbox(desk, show)
    return _page(desk, inbox.model_copy(update={"approvals": _put(card, inbox.approvals)}), status)


async def _task(desk: Desk, task_id: str, show: Shown, status: int, *, error: str = "", note: str = "", result: str = "") -> Response:
    card = (await read_task_card(desk, task_id)).model_copy(update={"error": error, "note": note, "chosen": result, "answered": True})
    if desk.hx:
        return desk.fragment("inbox_task.html", status, card=card, show=show, outcomes=_outcomes(desk))
    inbox = await read_inbox(desk, show)
    return _page(desk, inbox.model_copy(update={"tasks": _put_task(card, inbox.tasks)}), status)


def _outcomes(desk: Desk) -> list[tuple[str, str]]:
    """How a contact that an operator made can have gone, in words."""
    said = words(desk.tongue)
    return [(outcome, said.code(outcome)) for outcome in _BY_HAND]


def _put(card: Card, cards: tuple[Card, ...]) -> tuple[Card, ...]:
    """The cards with this one in its place, or first."""
    return tuple(card if c.id == card.id else c for c in cards) if any(c.id == card.id for c in cards) else (card, *cards)


def _put_task(card: TaskCard, cards: tuple[TaskCard, ...]) -> tuple[TaskCard, ...]:
    return tuple(card if c.id == card.id else c for c in cards) if any(c.id == card.id for c in cards) else (card, *cards)
