"""The page of cases: every filter finds what it names, searches are kept as lists and taken away as files; with and without scripts, on a phone too."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlmodel import col, select

from arrears.domain.access import Action
from arrears.domain.strategy import Referral, Role
from arrears.ledger import worklists
from arrears.ledger.search import Query
from arrears.ledger.tables import AuditRow, CaseRow, HoldRow, InstalmentRow, ReferralRow, TaskRow
from tests.console.conftest import OPERATORS, PHONE, Console, PageAs, axe, fits
from tests.console.scene import BEGINS, asked, cased, task

COLLECTOR = OPERATORS[Role.COLLECTOR][0]


async def a_portfolio(console: Console) -> None:
    """Five open cases and a closed one: one waits for a decision, one has a task, one is held, one is with an agency, one is long past due."""
    for loan_id in ("L-ASKS", "L-TASK", "L-HELD", "L-AWAY", "L-LATE", "L-DONE"):
        rows = cased(loan_id)
        for row in rows:
            match row:
                case InstalmentRow() if loan_id == "L-LATE":
                    row.due_on = date(2026, 7, 20)
                case CaseRow() if loan_id == "L-DONE":
                    row.closed_at, row.outcome = BEGINS - timedelta(days=1), "cured"  # type: ignore[assignment]
                case _:
                    pass
        await console.add(*rows)
    await asked(console.ledger, "L-ASKS", console.now())
    open_task = task("L-TASK", console.now())
    assert isinstance(open_task, TaskRow)
    open_task.assignee = COLLECTOR
    held = HoldRow(case_id="L-HELD.1", loan_id="L-HELD", reason="dispute", placed_at=BEGINS - timedelta(days=1))
    placed = ReferralRow(
        id="r-1",
        case_id="L-AWAY.1",
        loan_id="L-AWAY",
        step="agency.1",
        target=Referral.AGENCY,
        agency="agency-one",
        sent_at=BEGINS - timedelta(days=1),
    )
    await console.add(open_task, held, placed)


async def shown(page: Page) -> list[str]:
    """The loans in the table, from above."""
    return [(await row.inner_text()).strip() for row in await page.locator("table.cases tbody th").all()]


async def narrowed(page: Page, to: int) -> list[str]:
    await expect(page.locator("table.cases tbody tr")).to_have_count(to)
    return await shown(page)


async def test_what_is_urgent_stands_first_and_a_row_leads_to_its_case(console: Console, page_as: PageAs) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.COLLECTOR, "/cases")

    assert await shown(page) == ["L-ASKS", "L-TASK", "L-LATE", "L-AWAY", "L-HELD"]
    late = page.locator("tbody tr").filter(has_text="L-LATE")
    await expect(late).to_contain_text("CN¥1,200.50")
    await expect(late).to_contain_text("126")
    await expect(late.get_by_role("link", name="L-LATE")).to_have_attribute("href", "/cases/L-LATE")
    await expect(page.get_by_role("heading", name="5 cases")).to_contain_text("CN¥6,002.50 overdue")


@pytest.mark.parametrize(
    ("label", "choice", "found"),
    [
        ("Waits for", "decision", ["L-ASKS"]),
        ("Waits for", "task", ["L-TASK"]),
        ("Stage", "on_hold", ["L-HELD"]),
        ("Stage", "placed", ["L-AWAY"]),
        ("Owner of an open task", COLLECTOR, ["L-TASK"]),
        ("Cases", "closed", ["L-DONE"]),
        ("With the agency", "agency-one", ["L-AWAY"]),
    ],
)
async def test_a_choice_narrows_the_list_at_once_and_stands_in_the_address(
    console: Console, page_as: PageAs, label: str, choice: str, found: list[str]
) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.SUPERVISOR, "/cases")
    if label == "With the agency":
        await page.get_by_text("More filters").click()

    await page.get_by_label(label, exact=True).select_option(choice)

    assert await narrowed(page, len(found)) == found
    await page.wait_for_url(f"**/cases?*={choice}*")
    await page.reload()
    assert await narrowed(page, len(found)) == found


@pytest.mark.parametrize(
    ("field", "typed", "found"),
    [
        ("text", "L-HELD", ["L-HELD"]),
        ("text", "P-L-AWAY", ["L-AWAY"]),
        ("text", "L-TASK.1", ["L-TASK"]),
        ("days_from", "90", ["L-LATE"]),
        ("owed_from", "1200.51", []),
        ("hold", "dispute", ["L-HELD"]),
    ],
)
async def test_without_scripts_a_search_is_an_ordinary_form(
    console: Console, page_as: PageAs, field: str, typed: str, found: list[str]
) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.COLLECTOR, "/cases", javascript=False)
    if field == "hold":
        await page.get_by_text("More filters").click()

    await page.locator(f"#{field}").fill(typed)
    await page.get_by_role("button", name="Search").click()

    assert await shown(page) == found
    if not found:
        await expect(page.get_by_text("No case fits.")).to_be_visible()


async def test_what_makes_no_sense_is_said_at_its_field(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.COLLECTOR, "/cases?days_from=soon")

    await expect(page.locator("#days_from")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#days-error")).to_contain_text("This is no whole number.")
    await axe(page)


async def test_a_search_is_kept_renamed_and_deleted(console: Console, page_as: PageAs) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.COLLECTOR, "/cases?stage=on_hold")

    await page.get_by_text("Keep as a list").click()
    await page.get_by_label("Name of the list").fill("争议")
    await page.get_by_role("button", name="Keep", exact=True).click()
    await page.goto("/cases")
    await page.get_by_role("link", name="争议").click()
    assert await narrowed(page, 1) == ["L-HELD"]

    await page.get_by_text("change").click()
    await page.get_by_label("Name", exact=True).fill("held")
    await page.get_by_role("button", name="Rename").click()
    await expect(page.get_by_role("link", name="held", exact=True)).to_be_visible()
    await page.get_by_text("change").click()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Searches that you keep appear here.")).to_be_visible()


async def test_a_list_of_one_operator_is_not_anothers(console: Console, page_as: PageAs) -> None:
    async with console.ledger.session() as session:
        kept = await worklists.save(session, COLLECTOR, "mine", Query(), console.now())
    page = await page_as(console, Role.SUPERVISOR, "/cases")

    await expect(page.get_by_text("Searches that you keep appear here.")).to_be_visible()
    answer = await page.evaluate(
        """async ([path, csrf]) => (await fetch(path, {method: "POST", body: new URLSearchParams({csrf, do: "delete"})})).status""",
        [f"/worklists/{kept.id}", await page.locator("[name=csrf]").first.get_attribute("value")],
    )
    assert answer == 404


async def test_a_file_is_taken_away_with_a_reason_that_the_audit_record_keeps(console: Console, page_as: PageAs, tmp_path: Path) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.SUPERVISOR, "/cases?waiting=task")
    await page.locator("summary", has_text="Export").click()
    await page.get_by_label("Why do you need it?").fill("weekly review")

    async with page.expect_download() as download:
        await page.get_by_role("button", name="CSV").click()
    await (await download.value).save_as(tmp_path / "cases.csv")

    (line,) = csv.DictReader((tmp_path / "cases.csv").read_text(encoding="utf-8-sig").splitlines())
    assert (line["loan_id"], line["owed"], line["currency"], line["owners"]) == ("L-TASK", "1200.50", "CNY", COLLECTOR)
    async with console.ledger.reading() as session:
        noted = (await session.exec(select(AuditRow).where(col(AuditRow.action) == Action.EXPORT))).one()
    assert (noted.actor, noted.reason, noted.details) == (
        OPERATORS[Role.SUPERVISOR][0],
        "weekly review",
        {"format": "csv", "cases": 1, "asked": {"waiting": "task"}},
    )


async def test_the_file_can_be_json_lines_and_nothing_in_it_is_a_formula(console: Console, page_as: PageAs, tmp_path: Path) -> None:
    await console.add(*cased("=L-1+1"))
    page = await page_as(console, Role.SUPERVISOR, "/cases")
    taken: dict[str, str] = {}
    for name in ("CSV", "JSON lines"):
        if not await page.get_by_label("Why do you need it?").is_visible():
            await page.locator("summary", has_text="Export").click()
        await page.get_by_label("Why do you need it?").fill("a check")
        async with page.expect_download() as download:
            await page.get_by_role("button", name=name).click()
        path = tmp_path / (await download.value).suggested_filename
        await (await download.value).save_as(path)
        taken[name] = path.read_text(encoding="utf-8-sig")

    assert taken["CSV"].splitlines()[1].startswith("'=L-1+1,")
    assert json.loads(taken["JSON lines"])["loan_id"] == "=L-1+1"


async def test_who_may_not_export_is_not_offered_it(console: Console, page_as: PageAs) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.COLLECTOR, "/cases")

    await expect(page.get_by_text("Keep as a list")).to_be_visible()
    await expect(page.locator("summary", has_text="Export")).to_have_count(0)


async def test_a_search_needs_no_mouse(console: Console, page_as: PageAs) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.COLLECTOR, "/cases")

    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("L-LATE")
    await page.keyboard.press("Enter")
    assert await narrowed(page, 1) == ["L-LATE"]


@pytest.mark.parametrize(("locale", "viewport"), [("en", None), ("zh-CN", PHONE)])
async def test_the_page_is_accessible_and_fits_in_both_languages(
    console: Console, page_as: PageAs, locale: str, viewport: dict[str, int] | None
) -> None:
    await a_portfolio(console)
    page = await page_as(console, Role.SUPERVISOR, "/cases", locale=locale, viewport=viewport)

    await expect(page.get_by_role("heading", level=1)).to_have_text("案件" if locale == "zh-CN" else "Cases")
    await axe(page)
    await fits(page)
    if locale == "zh-CN":
        await expect(page.locator("main")).not_to_contain_text("Waits for")


async def test_an_empty_ledger_says_so(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.COLLECTOR, "/cases")

    await expect(page.get_by_text("No case fits.")).to_be_visible()
    await axe(page)
