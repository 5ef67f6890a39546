"""Signing in through the lender's identity provider: OpenID Connect's code flow with PKCE, state and nonce.

The provider says who somebody is. Whether they work here, and in which role, our own table of operators says.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from functools import cache
from http import HTTPStatus
from typing import Any

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc.errors import JoseError

from arrears.api.console.desk import console_router, tongue_of
from arrears.api.console.render import words
from arrears.api.console.signing_in import let_in, login_again
from arrears.api.house import Here, House
from arrears.api.problems import Problem
from arrears.config.settings import OidcSettings
from arrears.ledger import accounts, audit
from arrears.ledger.accounts import AccountUnknown
from arrears.ledger.audit import Actor, Passage
from arrears.ledger.tables import ActorKind

with warnings.catch_warnings(action="ignore", category=AuthlibDeprecationWarning):
    # It would rather have the successor of the HTTP client that is here.
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.starlette_client import StarletteIntegration, StarletteOAuth2App

START, CALLBACK = "/login/oidc", "/login/oidc/callback"
PENDING_COOKIE = "arrears_sign_in"
_PENDING_SECONDS = 600
_ANSWER_SECONDS = 10

router = console_router()
_log = logging.getLogger(__name__)


@router.get(START)
async def start(request: Request, here: Here, next: str = "/") -> Response:
    """Send the browser to the provider; what must come back the same is kept in a signed cookie for ten minutes."""
    settings = _configured(here)
    request.scope["session"] = {"next": next[:2000]}
    try:
        answer: Response = await _provider(settings).authorize_redirect(request, here.settings.console_url + CALLBACK)
        await _check_issuer(settings)
    except (OAuthError, httpx.HTTPError, ValueError, KeyError, RuntimeError) as away:
        return _refuse(request, here, away)
    answer.set_cookie(
        PENDING_COOKIE,
        _pending(settings).dumps(request.session),
        max_age=_PENDING_SECONDS,
        path=START,
        secure=here.settings.console_is_https,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(CALLBACK)
async def callback(request: Request, here: Here) -> Response:
    """Who the provider says they are, if this browser asked for it just now, is let in."""
    settings = _configured(here)
    request.scope["session"] = _asked_before(request, settings)
    wanted = str(request.session.get("next", "/"))
    try:
        await _check_issuer(settings)
        token: dict[str, Any] = await _provider(settings).authorize_access_token(request)
        subject = str(token["userinfo"]["sub"])
    except (OAuthError, JoseError, httpx.HTTPError, ValueError, KeyError, RuntimeError) as refused:
        return _forget(_refuse(request, here, refused))
    try:
        async with here.ledger.session() as session:
            operator = await accounts.arrive(session, settings.issuer, subject)
    except AccountUnknown:
        async with here.ledger.session() as session:
            audit.note(session, Actor(ActorKind.HOUSE, "door"), Passage.SIGN_IN_REFUSED, allowed=False, subject="unknown subject")
        said = words(tongue_of(request, here)).gettext(
            "Your organisation knows you as %(subject)s, but no operator here is linked to that. Ask an administrator to link you."
        )
        return _forget(login_again(request, here, HTTPStatus.FORBIDDEN, said % {"subject": subject}))
    return _forget(await let_in(request, here, operator.id, wanted, how="oidc"))


def _configured(here: House) -> OidcSettings:
    if here.settings.oidc is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not_configured", "no identity provider is set up here; set ARREARS_OIDC_ISSUER and the rest")
    return here.settings.oidc


def _provider(settings: OidcSettings) -> Any:
    return _client(settings.issuer, settings.client_id, settings.client_secret.get_secret_value())


@cache
def _client(issuer: str, client_id: str, secret: str) -> Any:  # its own types say nothing
    """The client of a provider; it keeps what the provider has published about itself."""
    return StarletteOAuth2App(
        StarletteIntegration("provider"),
        "provider",
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid", "code_challenge_method": "S256", "timeout": _ANSWER_SECONDS},
    )


async def _check_issuer(settings: OidcSettings) -> None:
    """Raise ``ValueError`` if the one at the issuer's address says it is another."""
    published = await _provider(settings).load_server_metadata()
    if str(published["issuer"]).rstrip("/") != settings.issuer:
        raise ValueError("the provider calls itself by another name than ARREARS_OIDC_ISSUER")


def _pending(settings: OidcSettings) -> URLSafeTimedSerializer:
    """Signs what a browser keeps between leaving and coming back, with a key that all our processes have."""
    key = hashlib.sha256(b"arrears sign-in" + settings.client_secret.get_secret_value().encode()).digest()
    return URLSafeTimedSerializer(key, salt="arrears.oidc")


def _asked_before(request: Request, settings: OidcSettings) -> dict[str, Any]:
    try:
        return dict(_pending(settings).loads(request.cookies.get(PENDING_COOKIE, ""), max_age=_PENDING_SECONDS))
    except BadSignature:
        return {}


def _refuse(request: Request, here: House, why: Exception) -> Response:
    _log.warning("signing in through the identity provider failed: %s", type(why).__name__)
    away = isinstance(why, httpx.HTTPError)
    say = words(tongue_of(request, here)).gettext
    if away:
        return login_again(
            request, here, HTTPStatus.BAD_GATEWAY, say("Your organisation's sign-in does not answer. Try again in a minute.")
        )
    return login_again(
        request, here, HTTPStatus.UNAUTHORIZED, say("Your organisation's sign-in did not let you in. Start once more from here.")
    )


def _forget(answer: Response) -> Response:
    answer.delete_cookie(PENDING_COOKIE, path=START, httponly=True, samesite="lax")
    return answer
