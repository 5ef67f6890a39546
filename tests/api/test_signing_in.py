"""Signing in with a password: who gets in, what the browser is given, and how often somebody may try."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlmodel import col, select

from arrears.api.app import create_app
from arrears.config.settings import Settings
from arrears.domain.strategy import Role
from arrears.ledger import access, accounts
from arrears.ledger.accounts import FREE_TRIES, LONGEST_WAIT, AccountUnknown, PasswordRefused, SignInRefused, check_password, set_password
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AccountRow, AuditRow, LoginFailureRow, OperatorRow, SessionRow
from tests.api.browsers import HOUSE, PASSWORD, SAME_ORIGIN, Browser, browsing, operator
from tests.api.conftest import nowhere

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


async def door(ledger: Ledger) -> list[tuple[str, str, bool]]:
    """What the record says of the door."""
    async with ledger.reading() as session:
        rows = await session.exec(select(AuditRow).where(col(AuditRow.action).like("door.%")).order_by(col(AuditRow.id)))
        return [(row.action.removeprefix("door."), row.actor, row.allowed) for row in rows]


async def sessions(ledger: Ledger) -> list[SessionRow]:
    async with ledger.reading() as session:
        return list(await session.exec(select(SessionRow).order_by(col(SessionRow.created_at))))


# ── passwords ──


@pytest.mark.parametrize(
    "weak",
    [
        "short",
        "elevenchars",
        "password1234",
        "PASSWORD1234",
        "aaaaaaaaaaaaaaa",
        "wei and the seven",
        "Example of mine!",
        "all in arrears now",
        "x" * 257,
    ],
)
async def test_a_password_that_is_easily_guessed_is_refused(ledger: Ledger, weak: str):
    await operator(ledger, "wei1", Role.COLLECTOR, password=None)
    await operator(ledger, "wei and", Role.COLLECTOR, password=None)
    with pytest.raises(PasswordRefused) as refused:
        await set_password(ledger, "wei and", weak, NOW, by=HOUSE)
    assert weak not in str(refused.value)


@pytest.mark.parametrize("good", ["only lower case", "密码是一句只有我知道的话吧", "x1x2x3x4x5y6", "  spaces count  "])
async def test_a_long_password_is_taken_whatever_it_is_made_of(ledger: Ledger, good: str):
    await operator(ledger, "wei", Role.COLLECTOR, password=good)
    assert await check_password(ledger, "wei", good, HERE, NOW) == "wei"


async def test_the_same_password_counts_however_a_keyboard_composed_it(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR, password="caf\u00e9 crème brûlée")
    assert await check_password(ledger, "wei", "cafe\u0301 crème brûlée", HERE, NOW) == "wei"


async def test_nobody_has_a_password_who_does_not_work_here(ledger: Ledger):
    with pytest.raises(AccountUnknown, match="operators add"):
        await set_password(ledger, "nobody", PASSWORD, NOW, by=HOUSE)


async def test_a_hash_of_weaker_parameters_is_renewed_when_its_owner_signs_in(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    async with ledger.session() as session:
        account = await session.get_one(AccountRow, "wei")
        account.password_hash = weak
        session.add(account)
    await check_password(ledger, "wei", PASSWORD, HERE, NOW)
    async with ledger.reading() as session:
        account = await session.get_one(AccountRow, "wei")
    assert account.password_hash is not None
    assert "m=19456,t=2,p=1" in account.password_hash
    assert await check_password(ledger, "wei", PASSWORD, HERE, NOW) == "wei"


# ── how often ──


async def fail(ledger: Ledger, times: int, name: str = "wei", address: str = HERE, at: datetime = NOW) -> SignInRefused:
    for _ in range(times):
        with pytest.raises(SignInRefused) as refused:
            await check_password(ledger, name, "certainly wrong", address, at)
    return refused.value


@pytest.mark.parametrize("name", ["wei", "nobody"])
async def test_after_some_failures_one_waits_longer_and_longer_and_never_for_good(ledger: Ledger, name: str):
    await operator(ledger, "wei", Role.COLLECTOR)
    at, waits = NOW, list[timedelta]()
    assert (await fail(ledger, FREE_TRIES, name)).again_at is None
    for n in range(9):
        refused = await fail(ledger, 1, name, f"192.0.2.{n}", at)
        assert refused.again_at is not None
        waits.append(refused.again_at - at)
        at = refused.again_at
        assert (await fail(ledger, 1, name, f"192.0.2.{n}", at)).again_at is None
    assert waits[:3] == [timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


async def test_the_right_password_does_not_count_while_one_must_wait_and_counts_afterwards(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    await fail(ledger, FREE_TRIES)
    with pytest.raises(SignInRefused) as refused:
        await check_password(ledger, "wei", PASSWORD, ELSEWHERE, NOW)
    assert refused.value.again_at is not None
    assert await check_password(ledger, "wei", PASSWORD, ELSEWHERE, refused.value.again_at) == "wei"
    assert (await fail(ledger, FREE_TRIES - 1)).again_at is None


async def test_waiting_is_for_one_name_and_not_for_the_others(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    await operator(ledger, "lan", Role.COLLECTOR)
    await fail(ledger, FREE_TRIES)
    assert await check_password(ledger, "lan", PASSWORD, HERE, NOW) == "lan"


async def test_an_address_that_tries_many_names_waits(ledger: Ledger):
    for n in range(accounts.FREE_TRIES_FROM_AN_ADDRESS):
        await fail(ledger, 1, f"name-{n}")
    assert (await fail(ledger, 1, "another")).again_at is not None
    assert (await fail(ledger, 1, "another", ELSEWHERE)).again_at is None


async def test_nothing_that_was_typed_is_kept(ledger: Ledger):
    await fail(ledger, 1, "my secret by mistake")
    async with ledger.reading() as session:
        kept = [*(await session.exec(select(LoginFailureRow))), *(await session.exec(select(AuditRow)))]
    assert "secret" not in str([row.model_dump() for row in kept])


async def test_many_tries_at_once_are_as_many_as_one_after_the_other(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    tries = [check_password(ledger, "wei", f"wrong number {n}", HERE, NOW) for n in range(12)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(a, SignInRefused) and a.again_at is None for a in answers) == FREE_TRIES


# ── sessions ──


async def test_who_signs_in_gets_a_session_and_goes_where_they_wanted(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    answer = await browser.sign_in("wei", wanted="/rules?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/rules?x=1")
    said = answer.headers["set-cookie"].lower()
    assert said.startswith("arrears_session=")
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in said.split(";")}
    assert not {"secure", "domain", "max-age", "expires"} & {part.strip().partition("=")[0] for part in said.split(";")}
    assert (await browser.get("/rules")).status_code == 200
    assert await door(ledger) == [("password_changed", "test", True), ("signed_in", "wei", True)]


async def test_over_https_the_cookie_is_bound_to_host_and_https(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    app = create_app(ledger, nowhere, Settings.model_validate({"console_base": "https://arrears"}))
    async with browsing(app, "https://arrears") as browser:
        answer = await browser.sign_in("wei")
        said = answer.headers["set-cookie"].lower()
        assert said.startswith("__host-arrears_session=")
        assert "secure" in {part.strip() for part in said.split(";")}
        assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
        assert (await browser.get("/rules")).status_code == 200


@pytest.mark.parametrize(
    ("name", "password"), [("wei", "certainly wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("lan", PASSWORD), ("", "")]
)
async def test_whoever_is_not_let_in_gets_the_same_answer(browser: Browser, ledger: Ledger, name: str, password: str):
    await operator(ledger, "wei", Role.COLLECTOR)
    await operator(ledger, "lan", Role.COLLECTOR, password=None)
    gone = await operator(ledger, "gone", Role.COLLECTOR)
    async with ledger.session() as session:
        row = await session.get_one(OperatorRow, gone)
        row.active = False
        session.add(row)
    answer = await browser.sign_in(name, password)
    assert answer.status_code == 401
    assert "The name or the password is not right." in answer.text
    assert "set-cookie" not in answer.headers
    assert password not in answer.text or not password


async def test_too_many_tries_are_answered_with_how_long_to_wait(browser: Browser, ledger: Ledger):
    for _ in range(FREE_TRIES):
        await browser.sign_in("wei", "certainly wrong")
    answer = await browser.sign_in("wei")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 15


async def test_a_session_is_new_at_every_sign_in_and_the_one_before_is_over(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    browser.http.cookies.set("arrears_session", "given-by-an-attacker", domain="arrears.local")
    await browser.sign_in("wei")
    first = dict(browser.http.cookies)["arrears_session"]
    await browser.sign_in("wei")
    second = dict(browser.http.cookies)["arrears_session"]
    assert len({first, second, "given-by-an-attacker"}) == 3
    one, other = await sessions(ledger)
    assert (one.id, one.ended_at is None, other.ended_at) == (access.digest(first), False, None)


async def test_signing_out_ends_the_session_on_the_server(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    await browser.sign_in("wei")
    kept = dict(browser.http.cookies)["arrears_session"]
    await browser.get("/rules")
    answer = await browser.send("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "arrears_session" not in dict(browser.http.cookies)
    again = await browser.get("/rules", headers={"cookie": f"arrears_session={kept}"})
    assert (again.status_code, again.headers["location"]) == (303, "/login?next=%2Frules")
    assert (await door(ledger))[-1] == ("signed_out", "wei", True)


async def test_a_session_is_over_when_nothing_is_heard_for_half_an_hour_or_after_half_a_day(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    async with ledger.session() as session:
        token = await access.begin(session, "wei", NOW)
    at = NOW
    while at < NOW + timedelta(hours=12) - timedelta(minutes=29):
        at += timedelta(minutes=29)
        async with ledger.session() as session:
            found = await access.signed_in(session, token, at)
            assert found is not None
            await access.seen(session, found.session_id, at)
    async with ledger.reading() as session:
        assert await access.signed_in(session, token, NOW + timedelta(hours=12)) is None
        assert await access.signed_in(session, token, at + timedelta(minutes=30)) is None


async def moved_back(ledger: Ledger, by: timedelta) -> SessionRow:
    async with ledger.session() as session:
        row = (await session.exec(select(SessionRow))).one()
        row.seen_at -= by
        session.add(row)
    return row


async def test_an_operator_who_works_stays_in_and_a_page_that_only_refreshes_itself_does_not_count(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    await browser.sign_in("wei")
    before = (await moved_back(ledger, timedelta(minutes=20))).seen_at
    assert (await browser.get("/rules", headers={"x-arrears-background": "1"})).status_code == 200
    assert (await sessions(ledger))[0].seen_at == before
    assert (await browser.get("/rules")).status_code == 200
    assert (await sessions(ledger))[0].seen_at > before
    await moved_back(ledger, timedelta(minutes=31))
    assert (await browser.get("/rules")).status_code == 303


# ── choosing a password ──


async def test_a_password_that_somebody_else_chose_opens_nothing_but_the_page_to_choose_another(browser: Browser, ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR, must_change=True)
    assert (await browser.sign_in("wei")).headers["location"] == "/password"
    refused = await browser.http.get("/v1/cases/L-1")
    assert (refused.status_code, refused.json()["code"]) == (403, "must_change_password")
    assert (await browser.get("/rules")).headers["location"] == "/password"
    page = await browser.get("/password")
    assert "Somebody else chose your password" in page.text
    before = dict(browser.http.cookies)["arrears_session"]
    answer = await browser.send("/password", current=PASSWORD, new="one more sentence", again="one more sentence")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert dict(browser.http.cookies)["arrears_session"] != before
    assert (await browser.get("/rules")).status_code == 200
    assert [row.ended_at is None for row in await sessions(ledger)] == [False, True]


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"current": "certainly wrong", "new": "one more sentence", "again": "one more sentence"}, 403, "present password is not right"),
        ({"current": PASSWORD, "new": "one more sentence", "again": "another sentence"}, 422, "not typed the same way twice"),
        ({"current": PASSWORD, "new": "short", "again": "short"}, 422, "at least 12"),
        ({"current": PASSWORD, "new": PASSWORD, "again": PASSWORD}, 422, "have already"),
    ],
)
async def test_a_password_is_not_changed_without_a_good_reason_to(
    browser: Browser, ledger: Ledger, typed: dict[str, str], status: int, said: str
):
    await operator(ledger, "wei", Role.COLLECTOR)
    await browser.sign_in("wei")
    await browser.get("/password")
    answer = await browser.send("/password", **typed)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert await check_password(ledger, "wei", PASSWORD, ELSEWHERE, datetime.now(UTC)) == "wei"


async def test_passwords_can_be_switched_off(ledger: Ledger):
    await operator(ledger, "wei", Role.COLLECTOR)
    async with browsing(create_app(ledger, nowhere, Settings(local_accounts=False))) as browser:
        page = await browser.get("/login")
        assert 'type="password"' not in page.text
        assert (await browser.sign_in("wei")).status_code == 403


async def test_the_page_speaks_chinese_to_a_browser_that_does(browser: Browser):
    page = await browser.get("/login", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert "<h1>登录</h1>" in page.text
    answer = await browser.sign_in("wei", "certainly wrong", headers=SAME_ORIGIN | {"accept-language": "zh-CN"})
    assert "编号或密码不正确。" in answer.text
