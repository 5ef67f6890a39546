"""What somebody tries who means us no good. Copies, forgeries and foreign forms of callbacks and API calls are in the files of their subjects."""

from __future__ import annotations

import re
import time
from html import unescape

import httpx
import pytest
from fastapi import FastAPI

from arrears.api.app import create_app
from arrears.config.settings import Settings
from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import HoldRow, OperatorRow
from tests.api.browsers import PASSWORD, SAME_ORIGIN, Browser, browsing, operator
from tests.api.conftest import LOAN, NOW, Api, nowhere
from tests.api.desk import machine
from tests.api.desk import operator as signed_in
from tests.sealing import person

INJECTIONS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' OR '1'='1' --",
    "1; DROP TABLE operators; --",
    "{{ 7 * 7 }}${7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "\r\nSet-Cookie: stolen=1",
    "../../../../etc/passwd",
    "%00",
    "\u202egnp.exe",
)
MARK = "<i>mark</i>\"'{{7*7}}"
"""A name that shows itself wherever it is not escaped."""


# ── from another site ──


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}]
)
async def test_another_site_signs_nobody_in_or_out(browser: Browser, ledger: Ledger, headers: dict[str, str]):
    await operator(ledger, "wei", Role.COLLECTOR)
    refused = await browser.sign_in("wei", headers=headers)
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
    await browser.sign_in("wei")
    await browser.get("/rules")
    assert (await browser.send("/logout", headers=headers)).status_code == 403
    assert (await browser.send("/password", headers=headers, current=PASSWORD, new="x" * 20, again="x" * 20)).status_code == 403
    assert (await browser.get("/rules")).status_code == 200


async def test_a_form_without_its_token_does_nothing(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    await browser.sign_in("wei")
    for token in ("", "0" * 64, "\u00fc"):
        browser.csrf = token
        assert (await browser.send("/logout")).status_code == 403
    assert (await browser.get("/rules")).status_code == 200


async def test_a_form_token_of_somebody_else_does_not_count(app: FastAPI, ledger: Ledger):
    for name in ("wei", "lan"):
        await operator(ledger, name, Role.COLLECTOR)
    async with browsing(app) as mine, browsing(app) as theirs:
        await mine.sign_in("wei")
        await theirs.sign_in("lan")
        await mine.get("/rules")
        theirs.csrf = mine.csrf
        assert (await theirs.send("/logout")).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
async def test_an_api_write_that_a_form_could_send_is_refused(api: Api, ledger: Ledger, kind: str):
    wei = await signed_in(ledger, "wei", Role.SUPERVISOR)
    body = '{"reason": "dispute"}'
    answer = await api.http.post(f"/v1/cases/{LOAN}/holds", content=body, headers=wei | {"content-type": kind, "origin": "http://arrears"})
    assert (answer.status_code, answer.json()["code"]) == (415, "not_json")


@pytest.mark.parametrize(
    "wanted",
    [
        *(
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
        ),
        *(
            "http:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            " //evil.example",
            "/%0d%0aset-cookie:x=1\r\nset-cookie: y=1",
            "evil.example",
        ),
    ],
)
async def test_signing_in_leads_to_no_other_place(browser: Browser, ledger: Ledger, wanted: str):
    await operator(ledger, "wei", Role.COLLECTOR)
    first = await browser.sign_in("wei", wanted=wanted)
    again = await browser.get("/login", params={"next": wanted})
    tongue = await browser.get("/language/en", params={"next": wanted})
    for answer in (first, again, tongue):
        place = answer.headers["location"]
        assert answer.status_code == 303
        assert re.fullmatch(r"/(?![/\\\s])\S*|/", place), place
        assert str(httpx.URL("http://arrears/login").join(place)).startswith("http://arrears/")
        assert [name for name, _ in answer.headers.multi_items() if name == "set-cookie" and "y=1" in answer.headers[name]] == []


async def test_a_page_never_believes_the_host_that_a_request_names(ledger: Ledger):
    oidc = {"issuer": "http://localhost:1", "client_id": "a", "client_secret": "b"}
    app = create_app(ledger, nowhere, Settings.model_validate({"oidc": oidc}))
    async with browsing(app) as browser:
        for path in ("/", "/login", "/login/", "/static", "/nothing", "/login/oidc"):
            answer = await browser.get(path, headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
            assert "evil.example" not in answer.text + str(answer.headers)


# ── words that are code ──


@pytest.mark.parametrize("words", INJECTIONS)
async def test_whatever_is_typed_into_the_login_page_comes_back_as_text(browser: Browser, words: str):
    answer = await browser.sign_in(words, "certainly wrong", wanted=words)
    assert answer.status_code in (401, 422)
    assert "49" not in answer.text
    if "<" in words:
        assert words not in answer.text
        assert words in unescape(answer.text)
    assert "stolen" not in str(answer.headers)


@pytest.mark.parametrize("words", INJECTIONS)
async def test_whatever_stands_in_an_address_of_the_api_is_refused_or_found_nowhere(api: Api, ledger: Ledger, words: str):
    reader = await machine(ledger, "reader", *Action)
    for path in (
        "/v1/cases/{}",
        "/v1/cases/{}/timeline",
        "/v1/cases/{}/people",
        "/v1/approvals/{}",
        "/v1/loans/{}/payments",
        "/v1/events/{}",
    ):
        answer = await api.http.get(path.format(httpx.URL(params={"q": words}).query.decode()[2:]), headers=reader)
        assert answer.status_code in (404, 422), (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    for name in ("stage", "strategy", "agency", "cursor", "text", "hold", "owner"):
        answer = await api.http.get("/v1/cases", params={name: words}, headers=reader)
        assert answer.status_code in (200, 400, 422), (name, answer.text)
    async with ledger.reading() as session:
        assert await session.get(OperatorRow, "nobody") is None


async def crawl(browser: Browser, start: str = "/", most: int = 60) -> dict[str, httpx.Response]:
    """Every page that is linked from ``start``, and from there on."""
    seen: dict[str, httpx.Response] = {}
    ahead = [start]
    while ahead and len(seen) < most:
        path = ahead.pop(0)
        if path in seen:
            continue
        answer = seen[path] = await browser.http.get(path)
        for link in re.findall(r'(?:href|hx-get|data-live|src)="(/[^"#]*)', answer.text):
            if not link.startswith(("/static/", "/live", "/language/", "/login", "/v1/")):
                ahead.append(unescape(link))
        if location := answer.headers.get("location"):
            ahead.append(location)
    return seen


@pytest.mark.parametrize("role", list(Role))
async def test_names_that_are_code_are_shown_as_names_on_every_page(browser: Browser, ledger: Ledger, role: Role):
    await operator(ledger, "wei", role)
    async with ledger.session() as session:
        wei = await session.get_one(OperatorRow, "wei")
        wei.name = MARK
        session.add(wei)
        session.add_all(person("B-2", MARK, zone="Asia/Shanghai", language="zh-CN"))
        session.add(HoldRow(loan_id=LOAN, reason="dispute", placed_by=MARK, placed_at=NOW))
    await browser.sign_in("wei")
    pages = await crawl(browser)
    assert len([answer for answer in pages.values() if answer.status_code == 200]) >= 3
    for path, answer in pages.items():
        assert answer.status_code < 500, path
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        assert MARK not in answer.text, path
        assert "<i>mark" not in answer.text, path
        assert "unsafe" not in answer.headers["content-security-policy"], path
        assert re.findall(r"<script(?![^>]*\bsrc=)", answer.text) == [], path
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", re.sub(r">[^<]*<", "><", answer.text)) == [], path
        assert re.findall(
            r'(?:href|src|action|hx-get|hx-post)="(?:https?:)?//(?!127\.0\.0\.1|localhost)', answer.text
        ) == [] or path.startswith("/rules")
    assert any("&lt;i&gt;mark&lt;/i&gt;" in answer.text for answer in pages.values())


# ── too much ──


async def test_a_huge_form_is_refused_before_it_is_read(browser: Browser):
    assert (await browser.sign_in("wei", "x" * 100_000)).status_code == 413
    many = "&".join(f"f{n}=1" for n in range(5_000))
    headers = SAME_ORIGIN | {"content-type": "application/x-www-form-urlencoded"}
    assert (await browser.http.post("/login", content=many, headers=headers)).status_code in (400, 413, 422)


async def test_a_password_as_long_as_a_book_costs_no_more_than_any_other(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    assert (await browser.sign_in("wei", PASSWORD + "x" * 5_000)).status_code == 422
    assert (await browser.sign_in("wei", PASSWORD + "x" * 900)).status_code == 401


@pytest.mark.parametrize("body", [b"{" * 30_000, b"[" * 60_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000, b"9" * 60_000])
async def test_json_that_is_deep_or_long_is_refused(api: Api, ledger: Ledger, body: bytes):
    writer = await machine(ledger, "writer", Action.RECORD_PAYMENT)
    answer = await api.http.post("/v1/payments", content=body, headers=writer | {"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_multipart_form_of_many_parts_is_refused(browser: Browser):
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1\r\n'
    headers = SAME_ORIGIN | {"content-type": "multipart/form-data; boundary=x"}
    answer = await browser.http.post("/login", content=part * 900 + b"--x--\r\n", headers=headers)
    assert 400 <= answer.status_code < 500


# ── guessing ──


async def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password(browser: Browser, ledger: Ledger):
    took: dict[str, float] = {}
    for n in range(4):
        await operator(ledger, f"operator-{n}", Role.COLLECTOR, password=f"a sentence of number {n}")
    await browser.sign_in("warm", "certainly wrong")
    for kind in ("operator", "stranger"):
        for n in range(4):
            began = time.perf_counter()
            assert (await browser.sign_in(f"{kind}-{n}", "certainly wrong")).status_code == 401
            took[kind] = min(took.get(kind, 9), time.perf_counter() - began)
    assert 0.4 < took["operator"] / took["stranger"] < 2.5


async def test_a_session_cannot_be_chosen_by_somebody_else(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    for value in ("", "x", "a" * 43, "'; --", "a" * 4000):
        answer = await browser.get("/rules", headers={"cookie": f"arrears_session={value}"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Frules")
    answer = await browser.sign_in("wei", headers=SAME_ORIGIN | {"cookie": "arrears_session=chosen-by-an-attacker"})
    assert "chosen-by-an-attacker" not in answer.headers["set-cookie"]


async def test_over_https_a_cookie_that_a_neighbouring_host_could_set_does_not_count(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    app = create_app(ledger, nowhere, Settings.model_validate({"console_base": "https://arrears"}))
    async with browsing(app, "https://arrears") as browser:
        await browser.sign_in("wei")
        token = dict(browser.http.cookies)["__Host-arrears_session"]
    async with browsing(app, "https://arrears") as other:
        assert (await other.get("/rules", headers={"cookie": f"arrears_session={token}"})).status_code == 303
        assert (await other.get("/rules", headers={"cookie": f"__Host-arrears_session={token}"})).status_code == 200


async def test_who_leaves_is_out_at_once(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    await browser.sign_in("wei")
    assert (await browser.get("/rules")).status_code == 200
    async with ledger.session() as session:
        row = await session.get_one(OperatorRow, "wei")
        row.active = False
        session.add(row)
    assert (await browser.get("/rules")).status_code == 303


# ── ways round ──


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../desk.py", "/static/..%2fdesk.py", "/static/%2e%2e/desk.py", "/static/....//desk.py", "/static//etc/passwd"),
        *(
            "/static/%2fetc%2fpasswd",
            "/static/..%5cdesk.py",
            "/static/app.css%00.html",
            "/static/",
            "/static",
            "/static/vendor",
            "/static/vendor/manifest.json",
        ),
        *("/templates/login.html", "/.env", "/.git/config", "/locales/zh_CN/door.po", "/docs", "/redoc"),
    ],
)
async def test_only_files_that_are_meant_to_be_are_served(app: FastAPI, path: str):
    started: list[int] = []
    body = bytearray()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            started.append(int(str(message["status"])))
        body.extend(message.get("body", b""))  # type: ignore[arg-type]

    decoded = httpx.URL("http://x" + path).path if "%" in path else path
    scope = {"type": "http", "method": "GET", "path": decoded, "raw_path": path.encode(), "query_string": b"", "headers": [(b"host", b"x")]}
    await app(scope | {"scheme": "http", "server": ("x", 80), "client": ("192.0.2.1", 1), "http_version": "1.1"}, receive, send)  # type: ignore[arg-type]
    assert started == [404]
    assert b"import" not in body


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "FOO"])
async def test_methods_that_are_not_meant_do_nothing(browser: Browser, method: str):
    for path in ("/login", "/logout", "/healthz", "/v1/callbacks/voice"):
        assert (await browser.http.request(method, path)).status_code in (401, 403, 404, 405)


async def test_a_method_cannot_be_smuggled_in(api: Api, ledger: Ledger):
    reader = await machine(ledger, "reader", Action.READ_CASES)
    answer = await api.http.get(f"/v1/cases/{LOAN}/holds", headers=reader | {"x-http-method-override": "POST"}, params={"_method": "POST"})
    assert answer.status_code in (404, 405, 422)


async def test_what_looks_signed_is_judged_by_its_signature_and_not_by_the_cookie_beside_it(api: Api, ledger: Ledger):
    wei = await signed_in(ledger, "wei", Role.SUPERVISOR)
    answer = await api.http.get("/v1/cases", headers=wei | {"webhook-id": "m-1", "webhook-timestamp": "1", "webhook-signature": "v1,x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


async def test_what_looks_like_a_token_is_judged_as_one_and_not_by_the_cookie_beside_it(api: Api, ledger: Ledger):
    wei = await signed_in(ledger, "wei", Role.SUPERVISOR)
    answer = await api.http.get("/v1/cases", headers=wei | {"authorization": "Bearer arr_no"})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")
