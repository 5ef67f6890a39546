"""Signing in through an identity provider that really runs: its discovery, its keys, its tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from oidc_provider_mock import run_server_in_thread
from sqlmodel import select

from arrears.api.app import create_app
from arrears.api.serving import serving
from arrears.config.settings import Settings
from arrears.domain.strategy import Role
from arrears.ledger import accounts
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AccountRow, OperatorRow, SessionRow
from arrears.workers.server import free_port
from tests.api.browsers import Browser, browsing, operator
from tests.api.conftest import nowhere
from tests.api.test_signing_in import door

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib", "ignore::DeprecationWarning:oidc_provider_mock")
SUBJECT = "wei@lender.example"


@pytest.fixture(scope="module")
def issuer() -> Generator[str]:
    with run_server_in_thread(require_nonce=True) as provider:
        yield f"http://localhost:{provider.server_port}"


def configured(issuer: str, **more: object) -> Settings:
    oidc = {"issuer": issuer, "client_id": "arrears", "client_secret": "known to both"}
    return Settings.model_validate({"oidc": oidc, "console_base": "http://arrears"} | more)


@pytest.fixture
async def browser(ledger: Ledger, issuer: str) -> AsyncIterator[Browser]:
    async with browsing(create_app(ledger, nowhere, configured(issuer))) as browser:
        yield browser


async def linked(ledger: Ledger, issuer: str, operator_id: str = "wei", subject: str = SUBJECT) -> None:
    await operator(ledger, operator_id, Role.SUPERVISOR, password=None)
    async with ledger.session() as session:
        await accounts.link(session, operator_id, issuer, subject, datetime.now(UTC))


async def at_the_provider(url: str, subject: str) -> str:
    """Sign in there as ``subject``; where the provider sends the browser then."""
    async with httpx.AsyncClient() as outside:
        answer = await outside.post(url, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def left_for_the_provider(browser: Browser, wanted: str = "/") -> str:
    answer = await browser.get("/login/oidc", params={"next": wanted})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def test_whom_the_provider_knows_and_we_know_is_let_in_with_the_role_that_we_gave(browser: Browser, ledger: Ledger, issuer: str):
    await linked(ledger, issuer)
    back = await at_the_provider(await left_for_the_provider(browser, "/rules"), SUBJECT)
    assert back.startswith("http://arrears/login/oidc/callback?")
    answer = await browser.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/rules")
    assert "wei example" in (await browser.get("/rules")).text.lower()
    assert (await door(ledger))[-1] == ("signed_in", "wei", True)


async def test_the_provider_is_asked_with_state_nonce_and_pkce(browser: Browser, issuer: str):
    url = await left_for_the_provider(browser)
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(issuer)
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == (["code"], ["S256"], ["openid"])
    assert asked["redirect_uri"] == ["http://arrears/login/oidc/callback"]
    assert all(len(asked[name][0]) >= 20 for name in ("state", "nonce", "code_challenge"))


async def test_a_subject_that_nobody_is_linked_to_is_told_so_and_not_let_in(browser: Browser, ledger: Ledger):
    back = await at_the_provider(await left_for_the_provider(browser), "<b>stranger</b>")
    answer = await browser.get(back)
    assert answer.status_code == 403
    assert "knows you as &lt;b&gt;stranger&lt;/b&gt;, but no operator here is linked" in answer.text
    assert "arrears_session" not in dict(browser.http.cookies)
    assert await door(ledger) == [("sign_in_refused", "door", False)]


async def test_an_operator_who_left_is_not_let_in(browser: Browser, ledger: Ledger, issuer: str):
    await linked(ledger, issuer)
    async with ledger.session() as session:
        row = await session.get_one(OperatorRow, "wei")
        row.active = False
        session.add(row)
    answer = await browser.get(await at_the_provider(await left_for_the_provider(browser), SUBJECT))
    assert answer.status_code == 403


async def no_session(ledger: Ledger) -> bool:
    async with ledger.reading() as session:
        return (await session.exec(select(SessionRow))).first() is None


async def test_an_answer_that_another_browser_asked_for_is_refused(browser: Browser, ledger: Ledger, issuer: str):
    await linked(ledger, issuer)
    back = await at_the_provider(await left_for_the_provider(browser), SUBJECT)
    browser.http.cookies.clear()
    assert (await browser.get(back)).status_code == 401
    await left_for_the_provider(browser)
    assert (await browser.get(back)).status_code == 401
    assert await no_session(ledger)


async def test_an_answer_counts_once(browser: Browser, ledger: Ledger, issuer: str):
    await linked(ledger, issuer)
    back = await at_the_provider(await left_for_the_provider(browser), SUBJECT)
    pending = dict(browser.http.cookies)["arrears_sign_in"]
    assert (await browser.get(back)).status_code == 303
    browser.http.cookies.clear()
    assert (await browser.get(back, headers={"cookie": f"arrears_sign_in={pending}"})).status_code == 401


@pytest.mark.parametrize("query", ["error=access_denied&state=x", "code=x&state=x", "code=x", "", "state=" + "x" * 3000])
async def test_an_answer_that_is_none_is_refused(browser: Browser, ledger: Ledger, query: str):
    await left_for_the_provider(browser)
    assert (await browser.get(f"/login/oidc/callback?{query}")).status_code == 401
    assert await no_session(ledger)


async def test_a_code_of_somebody_else_does_not_count_without_what_this_browser_kept(browser: Browser, ledger: Ledger, issuer: str):
    await linked(ledger, issuer)
    theirs = await at_the_provider(await left_for_the_provider(browser), SUBJECT)
    mine = parse_qs(urlsplit(await left_for_the_provider(browser)).query)["state"][0]
    mixed = f"/login/oidc/callback?code={parse_qs(urlsplit(theirs).query)['code'][0]}&state={mine}"
    assert (await browser.get(mixed)).status_code == 401
    assert await no_session(ledger)


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_nobody_is_sent_to_another_place_afterwards(browser: Browser, ledger: Ledger, issuer: str, wanted: str):
    await linked(ledger, issuer)
    answer = await browser.get(await at_the_provider(await left_for_the_provider(browser, wanted), SUBJECT))
    assert answer.headers["location"] == "/"


async def test_a_provider_that_calls_itself_by_another_name_is_not_believed(ledger: Ledger, issuer: str):
    impostor = FastAPI()

    @impostor.get("/.well-known/openid-configuration")
    def published() -> dict[str, str]:
        places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        return {"issuer": issuer} | {name: issuer + path for name, path in places.items()}

    async with serving(impostor, 0) as port, browsing(create_app(ledger, nowhere, configured(f"http://127.0.0.1:{port}"))) as browser:
        answer = await browser.get("/login/oidc")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_a_provider_that_does_not_answer_is_said_to_be_away(ledger: Ledger):
    async with browsing(create_app(ledger, nowhere, configured(f"http://localhost:{free_port()}"))) as browser:
        answer = await browser.get("/login/oidc")
    assert answer.status_code == 502
    assert "does not answer" in answer.text


async def test_without_a_provider_there_is_no_such_page(ledger: Ledger):
    async with browsing(create_app(ledger, nowhere, Settings())) as browser:
        assert (await browser.get("/login/oidc")).status_code == 404
        assert (await browser.get("/login/oidc/callback")).status_code == 404
        assert "/login/oidc" not in (await browser.get("/login")).text


async def test_a_password_that_somebody_else_chose_is_dropped_when_its_owner_comes_in_by_the_provider(
    browser: Browser, ledger: Ledger, issuer: str
):
    await operator(ledger, "wei", Role.SUPERVISOR, must_change=True)
    async with ledger.session() as session:
        await accounts.link(session, "wei", issuer, SUBJECT, datetime.now(UTC))
    answer = await browser.get(await at_the_provider(await left_for_the_provider(browser), SUBJECT))
    assert answer.headers["location"] == "/"
    async with ledger.reading() as session:
        account = await session.get_one(AccountRow, "wei")
    assert (account.password_hash, account.must_change) == (None, False)


async def test_one_subject_is_one_operator(ledger: Ledger, issuer: str):
    await linked(ledger, issuer)
    with pytest.raises(ValueError, match="wei already"):
        await linked(ledger, issuer, "lan")
