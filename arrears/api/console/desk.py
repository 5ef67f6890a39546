"""Where an operator sits: who they are, in which language they read, and how a page is answered.

    router = console_router()

    @router.get("/audit")
    async def audit(desk: Annotated[Desk, Depends(at_desk(Action.READ_AUDIT))]) -> Response:
        return desk.page("audit.html", rows=...)

Whoever has not signed in is sent to ``/login?next=…``; a ``Problem`` becomes a page, or a notice on the page if htmx asked.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from babel import negotiate_locale
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from sqlmodel import select
from starlette.exceptions import HTTPException

from arrears.api.caller import MUST_CHANGE, Caller, identify, with_reason
from arrears.api.console.render import TONGUES, Tongue, render, words
from arrears.api.door import address_parts
from arrears.api.house import Here, House, house
from arrears.api.problems import Problem, failed, malformed
from arrears.config.access import packaged_access
from arrears.config.law import Law
from arrears.domain.access import Action
from arrears.domain.calendar import zone_of
from arrears.domain.strategy import Role
from arrears.ledger.alerts import InboxCount, inbox_count
from arrears.ledger.tables import ActorKind, ChainHeadRow, OperatorRow

TONGUE_COOKIE = "arrears_language"
_SEE_OTHER = HTTPStatus.SEE_OTHER
_log = logging.getLogger(__name__)


class SignInFirst(Exception):
    """Nobody is signed in at this browser."""


@dataclass(frozen=True)
class Desk:
    """An operator at their browser. ``now`` is business time; ``hx``: htmx asks, and a part of a page is enough."""

    here: House
    caller: Caller
    name: str
    tongue: Tongue
    now: datetime
    waiting: InboxCount
    seq: int
    request: Request

    @property
    def operator_id(self) -> str:
        return self.caller.id

    @property
    def role(self) -> Role:
        assert self.caller.role is not None, "only operators sit at a desk"
        return self.caller.role

    @property
    def hx(self) -> bool:
        return asked_by_htmx(self.request)

    def may(self, action: Action | str) -> bool:
        return self.caller.may(Action(action))

    @property
    def law(self) -> Law:
        """The rules in force here."""
        return _law(self.here.settings.regimes_dir, self.here.settings.overlay)

    def gettext(self, message: str) -> str:
        """A text of the console in the operator's language."""
        return words(self.tongue).gettext(message)

    async def with_reason(self, action: Action, loan_id: str | None = None) -> Caller:
        """The caller with the reason that the action wants: the form's field ``reason``, or one given lately. Raises ``Problem`` (403, 428)."""
        if not self.may(action):
            raise await self.turned_away(action)
        return await with_reason(self.here, self.caller, action, loan_id)

    async def turned_away(self, action: Action) -> Problem:
        """The problem of an operator who may not do this; that they tried is written down."""
        async with self.here.ledger.session() as session:
            self.caller.note(session, action, allowed=False, subject=quote(self.request.url.path)[:200])
        return Problem(HTTPStatus.FORBIDDEN, "forbidden", f"your role may not {packaged_access().actions[action].says}")

    @property
    def back(self) -> str:
        """The page that is open, as it can be asked for again."""
        return _asked_for(self.request)

    def page(self, template: str, status: int = HTTPStatus.OK, **context: Any) -> HTMLResponse:
        """A whole page, from a template that extends ``base.html``. The template also sees ``desk``, ``now`` and ``zone`` (of the lender's seat)."""
        return HTMLResponse(self._render(template, context), status)

    def fragment(self, template: str, status: int = HTTPStatus.OK, **context: Any) -> HTMLResponse:
        """A part of a page, that htmx puts in the place of an older one."""
        return HTMLResponse(self._render(template, context), status, {"vary": "hx-request"})

    def go(self, path: str) -> Response:
        """After a form of a browser without JavaScript: show that page, so that a reload sends nothing again."""
        return RedirectResponse(path, _SEE_OTHER)

    def _render(self, template: str, context: dict[str, Any]) -> str:
        clock = self.here.settings.clock
        shared = {
            "desk": self,
            "now": self.now,
            "zone": zone_of(self.here.settings.lender_seat),
            "clock_speed": 86400 / clock.day_seconds,
            "path": self.request.url.path,
        }
        return render(self.tongue, template, shared | context)


@cache
def _law(directory: Path, overlay: Path | None) -> Law:
    return Law(directory, overlay)


class ConsoleRoute(APIRoute):
    """A route whose errors are answered for people."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        plain = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await plain(request)
            except SignInFirst:
                return _to_the_door(request)
            except RequestValidationError as misshapen:
                return await tell(request, malformed(misshapen))
            except Problem as problem:
                return _choose_a_password(request) if problem.code == MUST_CHANGE else await tell(request, problem)
            except HTTPException:
                raise  # a form that cannot be read is no failure of ours
            except Exception as error:
                _log.error("a page failed: %s", type(error).__name__, exc_info=error)
                return await tell(request, failed())

        return answered


def console_router() -> APIRouter:
    """A router for pages: nothing of it shows in the API's description."""
    return APIRouter(route_class=ConsoleRoute, include_in_schema=False)


def at_desk(*actions: Action) -> Callable[..., Awaitable[Desk]]:
    """The dependency of a page: the operator who may do at least one of these actions; anybody who is signed in, if none is named.

    Raises ``SignInFirst``, or ``Problem`` (403), which is written down.
    """

    async def seated(request: Request, here: Here) -> Desk:
        desk = await _sit_down(request, here)
        if actions and not any(map(desk.may, actions)):
            raise await desk.turned_away(actions[0])
        return desk

    return seated


AnyDesk = Annotated[Desk, Depends(at_desk())]


async def _sit_down(request: Request, here: House) -> Desk:
    try:
        caller = await identify(request, here)
    except Problem as unknown:
        if unknown.status is HTTPStatus.UNAUTHORIZED:
            raise SignInFirst from unknown
        raise
    if caller.actor.kind is not ActorKind.OPERATOR or caller.role is None:
        raise SignInFirst
    now = here.now()
    async with here.ledger.reading() as session:
        operator = await session.get_one(OperatorRow, caller.id)
        waiting = await inbox_count(session, caller.role, now)
        seq = (await session.exec(select(ChainHeadRow.seq))).one()
    return Desk(here, caller, operator.name, tongue_of(request, here), now, waiting, seq, request)


def tongue_of(request: Request, here: House) -> Tongue:
    """The language of a browser: the one chosen, else the first that it asks for and we have, else the lender's."""
    offered: dict[str, Tongue] = {tongue.lower(): tongue for tongue in TONGUES}
    if (chosen := request.cookies.get(TONGUE_COOKIE, "").lower()) in offered:
        return offered[chosen]
    asked = [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    found = negotiate_locale([*asked, here.settings.language], list(TONGUES), sep="-", aliases={"zh": "zh-CN"})
    return offered.get((found or "en").lower(), "en")


def asked_by_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def local_path(wanted: str) -> str:
    """Where a browser may be sent afterwards: a path of this console, and no other place."""
    parts = address_parts(wanted)
    safe = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if safe and "\\" not in wanted else "/"


def _asked_for(request: Request) -> str:
    """The address of the page that the browser shows: of a form, or a part that htmx asks for, the page around it is not known, so it is the inbox."""
    if request.method != "GET" or asked_by_htmx(request):
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _to_the_door(request: Request) -> Response:
    if not asked_by_htmx(request):
        return _send(request, f"/login?next={quote(_asked_for(request), safe='')}")
    page = address_parts(request.headers.get("hx-current-url", "/"))
    back = quote(page.path + (f"?{page.query}" if page.query else ""), safe="")
    return _send(request, f"/login?next={back}")


def _send(request: Request, path: str) -> Response:
    """Have the browser open another page."""
    return Response(headers={"hx-redirect": path}) if asked_by_htmx(request) else RedirectResponse(path, _SEE_OTHER)


def _choose_a_password(request: Request) -> Response:
    return Response(headers={"hx-redirect": "/password"}) if asked_by_htmx(request) else RedirectResponse("/password", _SEE_OTHER)


async def tell(request: Request, problem: Problem) -> Response:
    """A problem as a page of its own, with the ways on of whoever is signed in; for htmx, as a notice at the top of the page that is open."""
    tongue = tongue_of(request, house(request))
    context = {"problem": problem, "path": request.url.path, "form": _came_from(request)}
    if asked_by_htmx(request):
        headers = {"hx-retarget": "#notice", "hx-reswap": "innerHTML"} | problem.headers
        return HTMLResponse(render(tongue, "problem_notice.html", context), problem.status, headers)
    desk = await _whoever_sits(request)
    if desk is None:
        context |= {"desk": None, "back": _asked_for(request)}
        return HTMLResponse(render(tongue, "problem.html", context), problem.status, problem.headers)
    answer = desk.page("problem.html", problem.status, problem=problem, form=context["form"])
    answer.headers.update(problem.headers)
    return answer


async def _whoever_sits(request: Request) -> Desk | None:
    """The operator to whom a problem is told, if it can be said who it is: what has gone wrong may be just that.

    Who they are is asked as if they only looked: what was wrong with a form is not to be found a second time.
    """
    looking = Request({**request.scope, "method": "GET"}, request.receive)
    try:
        return replace(await _sit_down(looking, house(request)), request=request)
    except Exception:
        return None


def _came_from(request: Request) -> str | None:
    """The page of this console that a form was sent from, to go back to it."""
    if request.method == "GET":
        return None
    page = address_parts(request.headers.get("referer", ""))
    back = local_path(page.path + (f"?{page.query}" if page.query else ""))
    return back if page.netloc == request.url.netloc and back != request.url.path else None
