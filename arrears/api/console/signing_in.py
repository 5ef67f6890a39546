"""How operators sign in and out with a password of ours, and choose one."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from arrears.api.caller import Caller, identify, session_cookie
from arrears.api.console.desk import console_router, local_path, tongue_of
from arrears.api.console.render import render, words
from arrears.api.door import refuse_foreign
from arrears.api.house import Here, House
from arrears.api.problems import Problem
from arrears.ledger import access, accounts, audit
from arrears.ledger.accounts import PasswordRefused, SignInRefused
from arrears.ledger.audit import Actor, Passage
from arrears.ledger.tables import ActorKind, OperatorRow

router = console_router()

_LONGEST_NAME, _LONGEST_TYPED, _LONGEST_PATH = 128, 1024, 2000
Name = Annotated[str, Form(max_length=_LONGEST_NAME)]
Typed = Annotated[str, Form(max_length=_LONGEST_TYPED)]
Next = Annotated[str, Form(max_length=_LONGEST_PATH)]


async def _at_the_password_page(request: Request, here: Here) -> Caller:
    return await identify(request, here, choosing_password=True)


SignedInCaller = Annotated[Caller, Depends(_at_the_password_page)]


@router.get("/login")
async def login_page(request: Request, here: Here, next: str = "/") -> Response:
    if await _is_signed_in(request, here):
        return _to(local_path(next))
    return _login(request, here, next)


@router.post("/login")
async def sign_in(
    request: Request,
    here: Here,
    name: Name = "",
    password: Typed = "",
    next: Next = "/",
) -> Response:
    """Raises ``Problem``: 403 if another site had the browser send it, or passwords of ours are switched off."""
    refuse_foreign(request)
    if not here.settings.local_accounts:
        raise Problem(
            HTTPStatus.FORBIDDEN, "no_local_accounts", "passwords are switched off here; sign in with your organisation's account"
        )
    say = words(tongue_of(request, here)).gettext
    try:
        operator_id = await accounts.check_password(here.ledger, name.strip(), password, address_of(request), datetime.now(UTC))
    except SignInRefused as refused:
        if refused.again_at is None:
            return _login(request, here, next, HTTPStatus.UNAUTHORIZED, name=name, problem=say("The name or the password is not right."))
        wait = max(1, math.ceil((refused.again_at - datetime.now(UTC)).total_seconds()))
        problem = say("That was tried too often. Try again in %(seconds)s seconds.") % {"seconds": wait}
        answer = _login(request, here, next, HTTPStatus.TOO_MANY_REQUESTS, name=name, problem=problem)
        answer.headers["retry-after"] = str(wait)
        return answer
    return await let_in(request, here, operator_id, next, how="password")


@router.post("/logout")
async def sign_out(request: Request, here: Here) -> Response:
    """The session is over on the server, whatever the browser keeps."""
    answer = _to("/login")
    cookie = request.cookies.get(session_cookie(here.settings))
    if cookie is not None and await _is_signed_in(request, here):
        caller = await identify(request, here, choosing_password=True)
        async with here.ledger.session() as session:
            await access.end(session, access.digest(cookie), datetime.now(UTC))
            audit.note(session, caller.actor, Passage.SIGNED_OUT, request_id=caller.request_id)
    answer.delete_cookie(session_cookie(here.settings), path="/", secure=here.settings.console_is_https, httponly=True, samesite="lax")
    return answer


@router.get("/password")
async def password_page(request: Request, here: Here, caller: SignedInCaller) -> Response:
    return _password(request, here, caller)


@router.post("/password")
async def choose_password(
    request: Request, here: Here, caller: SignedInCaller, current: Typed = "", new: Typed = "", again: Typed = ""
) -> Response:
    """A new password, a new session, and the end of all others."""
    say = words(tongue_of(request, here)).gettext
    if not here.settings.local_accounts:
        raise Problem(
            HTTPStatus.FORBIDDEN, "no_local_accounts", "passwords are switched off here; sign in with your organisation's account"
        )
    if new != again:
        return _password(request, here, caller, HTTPStatus.UNPROCESSABLE_ENTITY, say("The new password was not typed the same way twice."))
    try:
        await accounts.check_password(here.ledger, caller.id, current, address_of(request), datetime.now(UTC))
        await accounts.set_password(here.ledger, caller.id, new, datetime.now(UTC), by=caller.actor)
    except SignInRefused as refused:
        wrong = say("The present password is not right.") if refused.again_at is None else say("That was tried too often. Try again later.")
        return _password(request, here, caller, HTTPStatus.FORBIDDEN, wrong)
    except PasswordRefused as refused:
        return _password(request, here, caller, HTTPStatus.UNPROCESSABLE_ENTITY, say(str(refused)))
    return await let_in(request, here, caller.id, "/", how="new password")


async def let_in(request: Request, here: House, operator_id: str, wanted: str, *, how: str) -> Response:
    """Begin a session, end the one that the browser had, and go where they wanted to."""
    now = datetime.now(UTC)
    former = request.cookies.get(session_cookie(here.settings))
    async with here.ledger.session() as session:
        operator = await session.get_one(OperatorRow, operator_id)
        if former is not None:
            await access.end(session, access.digest(former), now)
        token = await access.begin(session, operator_id, now)
        found = await access.signed_in(session, token, now)
        who = Actor(ActorKind.OPERATOR, operator.id, operator.role)
        audit.note(session, who, Passage.SIGNED_IN, details={"how": how})
    must_change = found is not None and found.must_change
    answer = _to("/password" if must_change else local_path(wanted))
    answer.set_cookie(session_cookie(here.settings), token, path="/", secure=here.settings.console_is_https, httponly=True, samesite="lax")
    return answer


def login_again(request: Request, here: House, status: HTTPStatus, problem: str) -> Response:
    """The page to sign in on, saying why that did not work."""
    return _login(request, here, "/", status, problem=problem)


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy, what the proxy says, if uvicorn is told to believe it (FORWARDED_ALLOW_IPS)."""
    return request.client.host if request.client else "unknown"


async def _is_signed_in(request: Request, here: House) -> bool:
    cookie = request.cookies.get(session_cookie(here.settings))
    if cookie is None:
        return False
    async with here.ledger.reading() as session:
        return await access.signed_in(session, cookie, datetime.now(UTC)) is not None


def _login(request: Request, here: House, wanted: str, status: int = HTTPStatus.OK, *, name: str = "", problem: str = "") -> HTMLResponse:
    context = {
        "next": local_path(wanted),
        "name": name,
        "problem": problem,
        "local": here.settings.local_accounts,
        "oidc": here.settings.oidc,
    }
    return _page(request, here, "login.html", status, context)


def _password(request: Request, here: House, caller: Caller, status: int = HTTPStatus.OK, problem: str = "") -> HTMLResponse:
    context = {
        "csrf": caller.csrf,
        "operator": caller.id,
        "must_change": caller.must_change,
        "problem": problem,
        "shortest": accounts.SHORTEST_PASSWORD,
    }
    return _page(request, here, "password.html", status, context)


def _page(request: Request, here: House, template: str, status: int, context: dict[str, Any]) -> HTMLResponse:
    return HTMLResponse(
        render(tongue_of(request, here), template, context | {"back": request.url.path}), status, {"cache-control": "no-store"}
    )


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
