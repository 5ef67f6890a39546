"""Who calls, and whether they may: one dependency for every route.

A machine shows a token (``Authorization: Bearer arr_…``), a party of the outside world signs its message, an operator's browser carries a session.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import Request
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.house import Here, House, verify_sender
from arrears.api.problems import FieldProblem, Problem
from arrears.config.access import packaged_access
from arrears.config.settings import GatewayName
from arrears.domain.access import Access, Action
from arrears.domain.strategy import Role
from arrears.ledger import access, audit
from arrears.ledger.audit import Actor
from arrears.ledger.tables import ActorKind

SESSION_COOKIE = "arrears_session"
REASON_HEADER = "x-arrears-reason"
SIGNED: dict[GatewayName, frozenset[Action]] = {
    "loan_system": frozenset(
        {
            *(Action.OPEN_CASE, Action.WITHDRAW_CASE, Action.RECORD_PAYMENT, Action.REVERSE_PAYMENT, Action.READ_CASES),
            *(Action.PLACE_HOLD, Action.LIFT_HOLD, Action.RECORD_OBJECTION, Action.RECORD_WISH, Action.RECORD_CONSENT, Action.RECORD_FACT),
        }
    ),
    "agency": frozenset({Action.REPORT_AS_AGENCY}),
}
"""What a party may do that proves who it is by its signature, besides calling back."""

_MESSAGE_ID = "webhook-id"
_SAFE = re.compile(r"[\x20-\x7e]{1,64}")


@dataclass(frozen=True)
class Caller:
    """Who calls, what they may do, and why they say they do it. ``csrf`` is the token that an operator's forms must carry."""

    actor: Actor
    scopes: frozenset[Action]
    request_id: str
    reason: str | None = None
    agency: str | None = None
    csrf: str | None = None

    @property
    def id(self) -> str:
        return self.actor.id

    @property
    def role(self) -> Role | None:
        return self.actor.role

    def may(self, action: Action) -> bool:
        return action in self.scopes

    def note(
        self,
        session: AsyncSession,
        action: Action,
        *,
        loan_id: str | None = None,
        person_id: str | None = None,
        subject: str | None = None,
        allowed: bool = True,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Write down, in this transaction, that they did it and why; see ``audit.note``."""
        audit.note(
            session,
            self.actor,
            action,
            loan_id=loan_id,
            person_id=person_id,
            subject=subject,
            reason=self.reason,
            request_id=self.request_id,
            allowed=allowed,
            details=details,
        )


def allowed(action: Action) -> Callable[..., Awaitable[Caller]]:
    """The dependency of a route: the caller, who may do this.

    Raises ``Problem``: 401 if nobody is known, 403 if they may not (which is written down), 428 if a human does not say why and must.
    """

    async def checked(request: Request, here: Here) -> Caller:
        caller = await identify(request, here)
        if not caller.may(action):
            async with here.ledger.session() as session:
                caller.note(session, action, allowed=False, subject=request.url.path[:200])
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", f"{caller.id} may not {packaged_access().actions[action].says}")
        if caller.actor.kind is ActorKind.OPERATOR and packaged_access().wants_reason(action) and not caller.reason:
            raise _no_reason(action)
        return caller

    return checked


async def identify(request: Request, here: House) -> Caller:
    """Who calls. Raises ``Problem`` (401) if nobody is known."""
    request_id = _request_id(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await _client(here, token, request_id)
    if _MESSAGE_ID in request.headers:
        sender: GatewayName = "agency" if request.url.path.startswith("/v1/agencies/") else "loan_system"
        await verify_sender(request, here, sender)
        return Caller(Actor(ActorKind.GATEWAY, sender), SIGNED[sender], request_id)
    if (cookie := request.cookies.get(SESSION_COOKIE)) is not None:
        return await _operator(here, cookie, request_id, request.headers.get(REASON_HEADER))
    raise Problem(
        HTTPStatus.UNAUTHORIZED, "unauthenticated", "show a token (Authorization: Bearer …), sign the request, or sign in to the console"
    )


async def _client(here: House, token: str, request_id: str) -> Caller:
    async with here.ledger.reading() as session:
        known = await access.client(session, token, datetime.now(UTC))
    if known is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "bad_token", "the token is not known here, or no longer in force; ask for a new one")
    scopes = frozenset(action for action in Action if action in known.scopes)
    return Caller(Actor(ActorKind.CLIENT, known.id), scopes, request_id, agency=known.agency)


async def _operator(here: House, cookie: str, request_id: str, reason: str | None) -> Caller:
    async with here.ledger.reading() as session:
        found = await access.signed_in(session, cookie, datetime.now(UTC))
    if found is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "signed_out", "the session is over; sign in again")
    role = found.operator.role
    table: Access = packaged_access()
    scopes = frozenset(action for action in Action if table.allows(role, action))
    return Caller(Actor(ActorKind.OPERATOR, found.operator.id, role), scopes, request_id, reason=reason or None, csrf=found.csrf)


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if _SAFE.fullmatch(given) else secrets.token_hex(8)


def _no_reason(action: Action) -> Problem:
    said = f"say why you {packaged_access().actions[action].says}, in a few words without personal data"
    return Problem(HTTPStatus.PRECONDITION_REQUIRED, "reason_required", said, [FieldProblem(field=REASON_HEADER, problem=said)])
