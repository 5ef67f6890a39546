"""The inbox: what waits for an operator's decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Response

from arrears.api.console.desk import Desk, at_desk, console_router
from arrears.api.operations import approvals
from arrears.domain.access import Action

router = console_router()
InboxDesk = Annotated[Desk, Depends(at_desk(Action.READ_APPROVALS, Action.READ_TASKS, Action.READ_CASES))]


@router.get("/")
@router.get("/inbox")
async def inbox(desk: InboxDesk) -> Response:
    """What waits, the most urgent first."""
    waiting = await approvals.waiting(desk.here, desk.caller)
    return desk.page("inbox.html", waiting=waiting)


@router.get("/inbox/count")
async def count(desk: InboxDesk) -> Response:
    """The number in the navigation."""
    return desk.fragment("inbox_count.html")
