"""Who calls, and whether they may: one dependency for every route.

A machine shows a token (``Authorization: Bearer arr_…``), a party of the outside world signs its message, an operator's browser carries a session.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.api.door import REASON_HEADER, SAFE_METHODS, form_is_ours, reason_given, reason_in_header
from arrears.api.house import Here, House, verify_sender
from arrears.api.problems import FieldProblem, Problem
from arrears.config.access import packaged_access
from arrears.config.settings import GatewayName, Settings
from arrears.domain.access import Access, Action
from arrears.domain.strategy import Role
from arrears.ledger import access, audit, heard
from arrears.ledger.audit import Actor
from arrears.ledger.heard import OtherContent
from arrears.ledger.loans import LoanUnknown
from arrears.ledger.tables import ActorKind

SESSION_COOKIE = "arrears_session"
"""The cookie of an operator's session; see ``session_cookie``."""
MUST_CHANGE = "must_change_password"
"""The code of the problem of somebody who must choose a password before anything else."""
REASON_HOLDS_FOR = timedelta(minutes=15)
"""So long a reason to look at a case's personal data holds for the same case and session."""
BACKGROUND_HEADER = "x-arrears-background"
"""A page that looks for news by itself says so: that does not keep a session from going idle."""
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

_READING = frozenset({Action.READ_PERSON, Action.READ_MESSAGES})
_MESSAGE_ID, _MESSAGE_TIME = "webhook-id", "webhook-timestamp"
_TOKENS_IN_URLS = frozenset({"token", "access_token", "api_key", "apikey"})
_LIVE = "/live"
_CASES = "/v1/cases"
_SEEN_EVERY = timedelta(minutes=1)
_SAFE = re.compile(r"[\x20-\x7e]{1,64}")


@dataclass(frozen=True)
class Caller:
    """Who calls, what they may do, and why they say they do it. ``csrf`` is the token that an operator's forms must carry.

    ``sent_as`` marks a request that carries an ``Idempotency-Key``: sent again it has the same one.
    ``reason_held``: the reason was given a while ago. ``signed_in_at``: when an operator's session began. ``must_change``: they may only choose a password.
    """

    actor: Actor
    scopes: frozenset[Action]
    request_id: str
    reason: str | None = None
    agency: str | None = None
    sent_as: str | None = None
    csrf: str | None = None
    reason_held: bool = False
    signed_in_at: datetime | None = None
    must_change: bool = False

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
            details={**(details or {}), "reason_held": True} if self.reason_held else details,
        )


def session_cookie(settings: Settings) -> str:
    """The cookie's name. Over https it has the prefix by which the browser itself sees to it that nobody but this host has set it."""
    return f"__Host-{SESSION_COOKIE}" if settings.console_is_https else SESSION_COOKIE


def allowed(action: Action) -> Callable[..., Awaitable[Caller]]:
    """The dependency of a route: the caller, who may do this.

    Raises ``Problem``: 401 if nobody is known, 403 if they may not (which is written down), 428 if a human does not say why and must.
    """

    async def checked(request: Request, here: Here) -> Caller:
        known: Caller | None = getattr(request.state, "caller", None)
        caller = known or await identify(request, here)
        if not caller.may(action):
            async with here.ledger.session() as session:
                caller.note(session, action, allowed=False, subject=quote(request.url.path)[:200])
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", f"{caller.id} may not {packaged_access().actions[action].says}")
        if caller.agency is not None and action is Action.READ_CASES:
            await _only_its_own(request, here, caller.agency)
        return await with_reason(here, caller, action, _loan_asked_for(request))

    return checked


def _loan_asked_for(request: Request) -> str | None:
    """The loan in the address, if it is one that a ledger could hold; any other the route itself refuses."""
    loan_id: str = request.path_params.get("loan_id", "")
    return loan_id if loan_id and loan_id.isprintable() else None


async def _only_its_own(request: Request, here: House, agency: str) -> None:
    """An agency sees the cases that are placed with it now; any other is answered as if it were not there. Raises ``Problem``: 403, 404."""
    loan_id = _loan_asked_for(request)
    if loan_id is None and (request.url.path != _CASES or request.query_params.getlist("agency") != [agency]):
        said = f"an agency lists its own cases only: GET {_CASES}?agency={agency}"
        raise Problem(HTTPStatus.FORBIDDEN, "other_agency", said, [FieldProblem(field="agency", problem=said)])
    if loan_id is not None:
        async with here.ledger.reading() as session:
            placed = await access.is_placed_with(session, loan_id, agency)
        if not placed:
            unknown = str(LoanUnknown(loan_id))
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_loan", unknown, [FieldProblem(field="loan_id", problem=unknown)])


async def with_reason(here: House, caller: Caller, action: Action, loan_id: str | None) -> Caller:
    """The caller with a reason, if a human needs one for this: the one they give, or the one they gave lately for reading the same case.

    Raises ``Problem`` (428).
    """
    if caller.actor.kind is not ActorKind.OPERATOR or caller.reason or not packaged_access().wants_reason(action):
        return caller
    if action in _READING and loan_id is not None and caller.signed_in_at is not None:
        since = max(caller.signed_in_at, datetime.now(UTC) - REASON_HOLDS_FOR)
        async with here.ledger.reading() as session:
            held = await audit.reason_since(session, caller.id, action, loan_id, since)
        if held is not None:
            return replace(caller, reason=held, reason_held=True)
    raise _no_reason(action)


async def identify(request: Request, here: House, *, choosing_password: bool = False) -> Caller:
    """Who calls. A browser that writes must show that a page of ours had it do so.

    Raises ``Problem``: 401 if nobody is known, 403 if a browser writes for another site, or somebody must choose a password first, 409 for a signed
    message that was sent to another address before.
    """
    if (known := getattr(request.state, "caller", None)) is not None:
        return known  # the edge of /v1 has asked already
    request_id = _request_id(request)
    if _TOKENS_IN_URLS & set(request.query_params):
        said = "a token does not belong into an address, which is written down in many places: replace it, and send it as Authorization: Bearer …"
        raise Problem(HTTPStatus.UNAUTHORIZED, "token_in_url", said)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await _client(request, here, token, request_id)
    if _MESSAGE_ID in request.headers:
        sender: GatewayName = "agency" if request.url.path.startswith("/v1/agencies/") else "loan_system"
        await _only_sent_here(request, here, sender, await verify_sender(request, here, sender))
        return Caller(Actor(ActorKind.GATEWAY, sender), SIGNED[sender], request_id)
    if (cookie := request.cookies.get(session_cookie(here.settings))) is not None:
        caller = await _operator(request, here, cookie, request_id)
        if caller.must_change and not choosing_password:
            raise Problem(HTTPStatus.FORBIDDEN, MUST_CHANGE, "somebody else chose your password: choose your own at /password")
        return caller
    raise Problem(
        HTTPStatus.UNAUTHORIZED, "unauthenticated", "show a token (Authorization: Bearer …), sign the request, or sign in to the console"
    )


async def _only_sent_here(request: Request, here: House, sender: GatewayName, message_id: str) -> None:
    """A signature says what is sent, and not to which address. Raises ``Problem`` (409) for a message that was sent to another address before.

    So whoever gets hold of a message that places a hold cannot have it lift the hold. A copy at the same address is a message that is told again.
    """
    signed = b".".join((request.headers[_MESSAGE_TIME].encode(), await request.body()))
    address = b" ".join((request.method.encode(), request.scope["path"].encode(), request.scope["query_string"]))
    try:
        async with here.ledger.session() as session:
            await heard.first_time(session, heard.request(sender, message_id, signed, address), datetime.now(UTC))
    except OtherContent:
        said = "was that of a message to another address; give each message its own"
        raise Problem(
            HTTPStatus.CONFLICT, "message_id_used", f"{_MESSAGE_ID}: {said}", [FieldProblem(field=_MESSAGE_ID, problem=said)]
        ) from None


async def _client(request: Request, here: House, token: str, request_id: str) -> Caller:
    async with here.ledger.reading() as session:
        known = await access.client(session, token, datetime.now(UTC))
    if known is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "bad_token", "the token is not known here, or no longer in force; ask for a new one")
    scopes = frozenset(action for action in Action if action in known.scopes)
    return Caller(Actor(ActorKind.CLIENT, known.id), scopes, request_id, reason=reason_in_header(request), agency=known.agency)


async def _operator(request: Request, here: House, cookie: str, request_id: str) -> Caller:
    now = datetime.now(UTC)
    async with here.ledger.reading() as session:
        found = await access.signed_in(session, cookie, now)
    if found is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "signed_out", "the session is over; sign in again")
    if request.method not in SAFE_METHODS:
        await form_is_ours(request, found.csrf)
    by_itself = BACKGROUND_HEADER in request.headers or request.url.path == _LIVE
    if now - found.seen_at > _SEEN_EVERY and not by_itself:
        async with here.ledger.session() as session:
            await access.seen(session, found.session_id, now)
    role = found.operator.role
    table: Access = packaged_access()
    return Caller(
        Actor(ActorKind.OPERATOR, found.operator.id, role),
        frozenset(action for action in Action if table.allows(role, action)),
        request_id,
        reason=await reason_given(request),
        csrf=found.csrf,
        signed_in_at=found.began_at,
        must_change=found.must_change,
    )


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if _SAFE.fullmatch(given) else secrets.token_hex(8)


def _no_reason(action: Action) -> Problem:
    said = f"say why you {packaged_access().actions[action].says}, in a few words without personal data"
    return Problem(HTTPStatus.PRECONDITION_REQUIRED, "reason_required", said, [FieldProblem(field=REASON_HEADER, problem=said)])
