"""Live pages: one look a second for all who listen, told as server-sent events, until the session ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from playwright.async_api import expect

from arrears.api.app import create_app
from arrears.api.console import live
from arrears.api.console.live import Pulse
from arrears.api.serving import serving
from arrears.domain.strategy import Role
from arrears.ledger import access
from arrears.ledger.tables import CaseRow, PaymentRow
from tests.console.conftest import OPERATORS, Console, PageAs, nowhere
from tests.console.scene import asked, cased


@asynccontextmanager
async def listening(console: Console, token: str) -> AsyncIterator[AsyncIterator[str]]:
    async with (
        httpx.AsyncClient(base_url=console.url, cookies={"arrears_session": token}, timeout=20) as http,
        http.stream("GET", "/live") as told,
    ):
        assert told.status_code == 200
        assert told.headers["content-type"].startswith("text/event-stream")
        assert told.headers["cache-control"].startswith("no-store")
        yield told.aiter_lines()


async def the_next(lines: AsyncIterator[str], wanted: str) -> str:
    async for line in lines:
        if line.startswith(wanted):
            return line.removeprefix(wanted).strip()
    raise AssertionError(f"the line ended before {wanted}")


async def test_the_number_is_told_when_it_moved(console: Console) -> None:
    token = await console.begin(OPERATORS[Role.COLLECTOR][0])
    async with listening(console, token) as lines:
        first = int(await the_next(lines, "data:"))
        await console.add(*cased("L-1"))
        assert int(await the_next(lines, "data:")) > first


async def _pays(console: Console, loan_id: str) -> None:
    paid = {"amount": Decimal(1), "currency": "CNY", "received_at": console.now(), "source": "bank", "recorded_at": console.now()}
    await console.add(PaymentRow.model_validate({"payment_id": f"P-{time.monotonic_ns()}", "loan_id": loan_id} | paid))


async def test_what_was_written_is_named_after_the_number_by_table_and_loan(console: Console) -> None:
    await console.add(*cased("L-1"), *cased("L-2"))
    token = await console.begin(OPERATORS[Role.COLLECTOR][0])
    async with listening(console, token) as lines:
        await the_next(lines, "data:")
        await _pays(console, "L-2")
        await the_next(lines, "event: touched")
        assert json.loads(await the_next(lines, "data:")) == ["loan:L-2", "payments"]


async def test_a_removed_row_touches_everything(console: Console) -> None:
    await console.add(*cased("L-1"))
    pulse = Pulse(console.ledger)
    async with pulse.listening():
        seq = await pulse.after(None, 5)
        assert seq is not None
        async with console.ledger.session() as session:
            await session.delete(await session.get_one(CaseRow, "L-1.1"))
        await pulse.after(seq, 5)
        assert pulse.touched(seq) == {"*"}
        assert pulse.touched(seq - 1) == {"*"}


async def test_a_page_asks_for_its_parts_only_when_something_moved_that_they_show(console: Console, page_as: PageAs) -> None:
    await console.add(*cased("L-1"))
    page = await page_as(console, Role.SUPERVISOR)
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url.removeprefix(console.url)))
    await page.wait_for_timeout(1500)
    before = len([url for url in asked_for if url.startswith("/inbox/")])

    await _pays(console, "L-1")
    await page.wait_for_timeout(2500)
    assert len([url for url in asked_for if url.startswith("/inbox/")]) == before

    await asked(console.ledger, "L-1", console.now())
    await expect(page.locator("#approvals article")).to_have_count(1)


async def test_a_line_on_which_nothing_happens_is_kept_open_with_comments(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.2)
    token = await console.begin(OPERATORS[Role.COLLECTOR][0])
    async with listening(console, token) as lines:
        await the_next(lines, "data:")
        assert await the_next(lines, ":") == "still here"


async def test_the_line_ends_with_the_session(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.2)
    token = await console.begin(OPERATORS[Role.COLLECTOR][0])
    async with listening(console, token) as lines:
        await the_next(lines, "data:")
        async with console.ledger.session() as session:
            await access.end(session, access.digest(token), datetime.now(UTC))
        await the_next(lines, "event: signed-out")
        assert [line async for line in lines if line.startswith("data: ")] == []


async def test_nobody_who_is_not_signed_in_hears_anything(console: Console) -> None:
    async with httpx.AsyncClient(base_url=console.url) as http:
        answer = await http.get("/live")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Flive")


async def test_all_who_listen_share_one_look_and_nobody_looks_when_none_listens(console: Console) -> None:
    looks = 0
    reading = console.ledger.reading

    def counted():
        nonlocal looks
        looks += 1
        return reading()

    console.ledger.reading = counted  # type: ignore[method-assign]
    pulse = Pulse(console.ledger)
    async with pulse.listening(), pulse.listening(), pulse.listening():
        assert len({await pulse.after(None, 5) for _ in range(3)}) == 1
        assert looks <= 2
        assert pulse.is_looking
    assert not pulse.is_looking


async def test_a_page_says_that_its_connection_is_interrupted_and_that_it_is_signed_out(
    console: Console, page_as: PageAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.2)
    page = await page_as(console, Role.SUPERVISOR)
    await page.wait_for_timeout(500)
    async with console.ledger.session() as session:
        (cookie,) = [c for c in await page.context.cookies() if c["name"] == "arrears_session"]
        await access.end(session, access.digest(cookie["value"]), datetime.now(UTC))
    await expect(page.locator("#line")).to_have_text("You are signed out. Sign in again.")


async def test_something_that_came_while_the_page_was_loading_is_not_missed(console: Console, page_as: PageAs) -> None:
    await console.add(*cased("L-1"))
    page = await page_as(console, Role.SUPERVISOR)
    await asyncio.sleep(0)
    await asked(console.ledger, "L-1", console.now())
    await expect(page.locator("#approvals article")).to_have_count(1)
    await expect(page.locator("#inbox-count")).to_have_text("1")
    await expect(page).to_have_title("(1) Inbox · Arrears")


async def test_the_server_does_not_wait_for_those_who_listen(console: Console) -> None:
    cookie = {"cookie": f"arrears_session={await console.begin(OPERATORS[Role.COLLECTOR][0])}"}
    async with httpx.AsyncClient(timeout=20) as http:
        async with serving(create_app(console.ledger, nowhere, console.settings), 0) as port:
            told = await http.send(http.build_request("GET", f"http://127.0.0.1:{port}/live", headers=cookie), stream=True)
            await the_next(told.aiter_lines(), "data:")
            began = time.monotonic()
        assert time.monotonic() - began < 4
