"""The record of who did what, as an auditor reads it; and what the latest proof says, made by the real command."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from arrears.api import proof
from arrears.api.caller import SESSION_COOKIE
from arrears.cli.main import run
from arrears.domain.strategy import Role
from arrears.ledger import accounts, audit
from arrears.ledger.audit import Actor
from arrears.ledger.tables import ActorKind, AuditRow, ChainHeadRow
from tests.console.conftest import OPERATORS, PHONE, Console, PageAs, axe, fits
from tests.console.scene import cased, unreached
from tests.sealing import LEDGER_KEY

LOAN = "L-1001"


def line(actor: str, action: str, **more: object) -> AuditRow:
    given = {"at": datetime.now(UTC), "actor_kind": ActorKind.OPERATOR, "role": Role.SUPERVISOR, "actor": actor, "action": action}
    return AuditRow.model_validate(given | more)


async def furnish(console: Console, lines: int = 0) -> None:
    """A case, and a few lines of the record besides those that the console writes itself."""
    await console.add(
        *cased(LOAN),
        line("li.na", "approvals.decide", loan_id=LOAN, subject=f"{LOAN}.1/help-request.1/a1", reason="calls checked"),
        line("zhao.lei", "persons.read", loan_id=LOAN, person_id=f"P-{LOAN}", reason="asked for a call back", role=Role.COLLECTOR),
        line("old.hand", "holds.lift", loan_id="L-2", at=datetime.now(UTC) - timedelta(days=40)),
        *(line("li.na", "tasks.work", subject=f"task-{n}") for n in range(lines)),
    )


async def trail(page: Page) -> list[str]:
    """The lines that are shown, without the time."""
    rows = await page.locator("table.trail tbody tr").all()
    return [re.sub(r"\s+", " ", " | ".join((await row.locator("td").all_inner_texts())[1:])) for row in rows]


def prove(console: Console, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    """Run the command over the console's ledger, as whoever runs the installation does."""
    monkeypatch.setenv("ARREARS_LEDGER_KEY", LEDGER_KEY)
    return run(["prove", "--data-dir", str(console.settings.data_dir), "--processes", "1", *more])


async def test_the_record_shows_who_did_what_and_who_was_not_let(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    await page_as(console, Role.COLLECTOR, "/portfolio")
    page = await page_as(console, Role.AUDITOR, "/audit")

    shown = await trail(page)
    assert shown[0] == "zhao.lei collector | refused see the portfolio's figures portfolio.read | | /portfolio | "
    assert f"li.na supervisor | approve or deny approvals.decide | {LOAN} | {LOAN}.1/help-request.1/a1 | calls checked" in shown
    assert f"zhao.lei collector | see names, numbers and addresses persons.read | {LOAN} | P-{LOAN} | asked for a call back" in shown


async def test_a_real_sign_in_stands_in_the_record(console: Console, page_as: PageAs) -> None:
    await accounts.set_password(console.ledger, "chen.jing", "seven quiet teapots", datetime.now(UTC), by=Actor(ActorKind.HOUSE, "test"))
    page = await page_as(console, None, "/login?next=/audit")
    await page.get_by_label("Operator id").fill("chen.jing")
    for tried in ("seven loud teapots", "seven quiet teapots"):
        await page.get_by_label("Password").fill(tried)
        await page.get_by_role("button", name="Sign in").click()

    await expect(page).to_have_url(re.compile("/audit$"))
    first, second = (await trail(page))[:2]
    assert first.startswith("chen.jing auditor | signed in")
    assert second.startswith("chen.jing auditor | refused sign in refused")


async def test_it_can_be_filtered_by_who_what_whom_when_and_how_it_ended(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    await page_as(console, Role.COLLECTOR, "/audit")
    page = await page_as(console, Role.AUDITOR, "/audit")

    async def shown(**query: str) -> list[str]:
        await page.goto("/audit?" + "&".join(f"{name}={value}" for name, value in query.items()))
        return [row.split(" ")[0] for row in await trail(page)]

    await page.get_by_label("Result").select_option("refused")
    await page.get_by_role("button", name="Show", exact=True).click()
    assert [row.split(" | ")[1] for row in await trail(page)] == ["refused see who did what audit.read"]
    assert await shown(actor="li.na") == ["li.na"]
    assert await shown(action="persons.read") == ["zhao.lei"]
    assert await shown(loan_id=LOAN) == ["zhao.lei", "li.na"]
    assert await shown(until=f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}") == ["old.hand"]
    assert "old.hand" not in await shown(since=f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}")
    assert await shown(loan_id="L-404") == []
    await expect(page.get_by_text("Nothing in the record fits.")).to_be_visible()


async def test_long_records_come_in_pages_that_neither_repeat_nor_skip(console: Console, page_as: PageAs) -> None:
    await furnish(console, lines=120)
    page = await page_as(console, Role.AUDITOR, "/audit?action=tasks.work")
    seen = await trail(page)

    await console.add(line("li.na", "tasks.work", subject="meanwhile"))
    while await page.get_by_role("link", name="Next page").count():
        await page.get_by_role("link", name="Next page").click()
        seen += await trail(page)

    assert [found[0] for row in seen if (found := re.findall(r"task-\d+", row))] == [f"task-{n}" for n in reversed(range(120))]
    await page.get_by_role("link", name="Back to the first page").click()
    assert "meanwhile" in (await trail(page))[0]


async def test_it_is_taken_away_as_a_file_with_a_reason_and_that_stands_in_it(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    await console.add(line("li.na", "holds.place", reason="=HYPERLINK(1)"))
    page = await page_as(console, Role.AUDITOR, "/audit?actor=li.na")
    await page.get_by_text("Take this list away as a file").click()
    await page.get_by_label("Why").fill("quarterly review")

    async with page.expect_download() as started:
        await page.get_by_role("button", name="Save as CSV").click()

    download = await started.value
    rows = list(csv.DictReader(io.StringIO(await asyncio.to_thread(Path(await download.path()).read_text))))
    assert [row["action"] for row in rows] == ["holds.place", "approvals.decide"]
    assert rows[0]["reason"] == "'=HYPERLINK(1)"
    await page.goto("/audit")
    assert (await trail(page))[0] == "chen.jing auditor | take a list away as a file lists.export | | audit | quarterly review"


async def test_nobody_takes_it_away_without_a_reason_or_the_right(console: Console) -> None:
    for role, reason, status in ((Role.AUDITOR, "", 428), (Role.ADMIN, "x y z", 403), (Role.SUPERVISOR, "x y z", 403)):
        token = await console.begin(OPERATORS[role][0])
        async with httpx.AsyncClient(base_url=console.url, cookies={SESSION_COOKIE: token}) as http:
            csrf = re.search('name="csrf" value="([0-9a-f]+)"', (await http.get("/")).text)
            assert csrf is not None
            answer = await http.post("/audit/export", data={"csrf": csrf[1], "reason": reason}, headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code == status, role


async def test_filters_that_make_no_sense_are_refused(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.AUDITOR, "/audit")
    for query in ("since=soon", "since=2026-12-01&until=2026-11-01", "allowed=perhaps", "until=9999-12-31", "cursor=made-up"):
        answer = await page.goto(f"/audit?{query}")
        assert answer is not None
        assert answer.status == 422, query


async def test_machines_read_the_same_record_a_page_at_a_time(console: Console) -> None:
    await furnish(console, lines=5)
    token = await console.begin(OPERATORS[Role.ADMIN][0])
    async with httpx.AsyncClient(base_url=console.url, cookies={SESSION_COOKIE: token}) as http:
        first = (await http.get("/v1/audit", params={"action": "tasks.work", "limit": 3})).json()
        second = (await http.get("/v1/audit", params={"action": "tasks.work", "limit": 3, "cursor": first["next"]})).json()
        other_list = await http.get("/v1/audit", params={"action": "holds.lift", "cursor": first["next"]})
    assert [one["subject"] for one in (*first["items"], *second["items"])] == [f"task-{n}" for n in (4, 3, 2, 1, 0)]
    assert second["next"] is None
    assert other_list.status_code == 422


async def test_without_a_proof_the_page_says_how_to_make_one(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.AUDITOR, "/audit")
    await page.get_by_role("link", name="What the latest proof says").click()

    await expect(page.get_by_text("No proof was made here yet.")).to_be_visible()
    answer = await page.goto("/proof/page")
    assert answer is not None
    assert answer.status == 404


async def test_the_command_leaves_its_proof_where_the_console_shows_it(
    console: Console, page_as: PageAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(console)
    assert await asyncio.to_thread(prove, console, monkeypatch) == 0
    async with console.ledger.reading() as session:
        head = await session.get_one(ChainHeadRow, 1)
    await console.add(line("li.na", "tasks.read"), line("li.na", "tasks.read"))

    page = await page_as(console, Role.SUPERVISOR, "/proof")

    await expect(page.locator("#result")).to_have_text("nothing was found")
    facts = re.sub(r"\s+", " ", await page.locator("dl.facts").inner_text())
    assert "Rules broken 0" in facts
    assert f"The record whole {head.seq} records" in facts
    assert "Since then 2 records were written that no proof has seen yet." in facts
    await expect(page.locator(".chain-head")).to_have_text(re.compile(f"^{head.seq + 2}:[0-9a-f]{{64}}$"))

    await page.get_by_label("A head that was published").fill(f"{head.seq}:{head.hash}")
    await page.get_by_role("button", name="Compare").click()
    await expect(page.get_by_role("status").filter(has_text="It stands in the record, just so.")).to_be_visible()
    await axe(page)
    await page.goto(f"/proof?head={head.seq}:{'0' * 64}")
    await expect(page.get_by_role("alert")).to_contain_text("another hash at this number")
    await page.goto(f"/proof?head={head.seq + 999}:{head.hash}")
    await expect(page.get_by_role("alert")).to_contain_text("no such number")
    answer = await page.goto("/proof?head=5")
    assert answer is not None
    assert answer.status == 422

    printed = await page.goto("/proof/page")
    assert printed is not None
    assert printed.status == 200
    assert "style-src 'unsafe-inline'" in printed.headers["content-security-policy"]
    await expect(page.locator("body")).to_contain_text(str(head.seq))


async def test_what_a_proof_found_is_shown_and_read_by_machines(console: Console, page_as: PageAs, monkeypatch: pytest.MonkeyPatch) -> None:
    await furnish(console)
    await console.add(*unreached(LOAN, f"{LOAN}.1"))  # calls that nobody ever judged
    assert await asyncio.to_thread(prove, console, monkeypatch) == 1

    page = await page_as(console, Role.AUDITOR, "/proof", locale="zh-CN")
    await expect(page.locator("#result")).to_have_text("发现问题")
    await expect(page.get_by_role("link", name="PR-01").first).to_be_visible()
    token = await console.begin(OPERATORS[Role.AUDITOR][0])
    async with httpx.AsyncClient(base_url=console.url, cookies={SESSION_COOKIE: token}) as http:
        told = (await http.get("/v1/proof")).json()
    assert told["latest"]["clean"] is False
    assert {v["rule"] for v in told["latest"]["violations"]} >= {"PR-01"}
    assert told["records_since"] == 0


async def test_a_proof_of_something_else_is_not_shown(console: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "calls.csv"
    log.write_text("debtor,loan,channel,at,outcome\nD-1,L-1,call,2026-11-02T10:00:00+08:00,no_answer\n")
    assert await asyncio.to_thread(prove, console, monkeypatch, "--log", str(log), "--zone", "Asia/Shanghai", "--regime", "cn") in (0, 1)
    assert proof.last_proof(console.settings.data_dir) is None


async def test_a_report_that_cannot_be_read_is_said_to_be_so(console: Console, page_as: PageAs) -> None:
    proof.leave(console.settings.data_dir, json.dumps({"format": "of tomorrow"}), {})
    page = await page_as(console, Role.AUDITOR)
    answer = await page.goto("/proof")
    assert answer is not None
    assert answer.status == 503
    await expect(page.locator("main")).to_contain_text("make it anew")


@pytest.mark.parametrize(("role", "record", "says"), [(Role.COLLECTOR, 403, 403), (Role.SUPERVISOR, 403, 200), (Role.ADMIN, 200, 200)])
async def test_the_record_and_the_proof_are_for_those_who_may(console: Console, role: Role, record: int, says: int) -> None:
    token = await console.begin(OPERATORS[role][0])
    async with httpx.AsyncClient(base_url=console.url, cookies={SESSION_COOKIE: token}) as http:
        assert [(await http.get(path)).status_code for path in ("/audit", "/v1/audit")] == [record] * 2
        assert [(await http.get(path)).status_code for path in ("/proof", "/v1/proof")] == [says] * 2


@pytest.mark.parametrize("path", ["/audit", "/proof"])
async def test_nothing_keeps_anybody_out_and_it_fits_a_telephone(console: Console, page_as: PageAs, path: str) -> None:
    await furnish(console, lines=3)
    page = await page_as(console, Role.AUDITOR, path)
    await axe(page)
    page = await page_as(console, Role.AUDITOR, path, locale="zh-CN", viewport=PHONE, scheme="dark")
    await axe(page)
    await fits(page)
    headings = await page.locator("main").locator("h1, h2, th, label, summary, .lead").all_inner_texts()
    assert headings
    assert not [text for text in headings if re.search("[a-z]{5,}", text)]


async def test_the_record_can_be_read_with_the_keyboard_alone(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.AUDITOR, "/audit")

    await page.get_by_label("Loan").focus()
    await page.keyboard.type(LOAN)
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(re.compile(f"loan_id={LOAN}"))
    assert {row.split(" ")[0] for row in await trail(page)} == {"li.na", "zhao.lei"}
    assert audit.Passage.SIGNED_IN not in " ".join(await trail(page))
