"""The portfolio's page shows what the ledger holds, in words and figures too, to whoever may see it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect
from sqlmodel import SQLModel

from arrears.api.caller import SESSION_COOKIE
from arrears.domain.events import PromiseJudged, PromiseMade
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Referral, Role
from arrears.domain.verdict import Effect
from arrears.ledger import journal
from arrears.ledger.tables import CaseOutcome, CaseRow, InstalmentRow, PaymentReversalRow, PaymentRow, ReferralRow, VerdictRow
from tests.console.conftest import OPERATORS, PHONE, Console, PageAs, axe, fits
from tests.console.scene import BEGINS, asked, cased, task, unreached

TODAY = date(2026, 11, 23)
OWED = {"L-1": ("100.10", 10), "L-2": ("250.00", 45), "L-3": ("7.35", 50), "L-4": ("999.00", 200)}
"""Open cases: what is overdue, since how many days."""
RULES = [("CN-01", Effect.DEFER)] * 3 + [("CN-16", Effect.DENY)] * 2 + [("AR-02", Effect.NEEDS_APPROVAL)]


def of_case(loan_id: str, **more: Any) -> list[SQLModel]:
    """A loan with a case, changed a little."""
    rows = cased(loan_id)
    for row in rows:
        for name, value in more.items():
            if isinstance(row, CaseRow) and name in CaseRow.model_fields:
                setattr(row, name, value)
            if isinstance(row, InstalmentRow) and name in InstalmentRow.model_fields:
                setattr(row, name, value)
    return rows


def verdict(n: int, rule: str, effect: Effect) -> VerdictRow:
    at = BEGINS - timedelta(days=n)
    return VerdictRow(
        attempt_id=f"L-1.1/v.{n}",
        case_id="L-1.1",
        decided_at=at,
        verdict=effect,
        until=at + timedelta(hours=9) if effect is Effect.DEFER else None,
        rules=[rule],
        observed=[],
        facts_hash="0" * 64,
    )


def paid(payment_id: str, amount: str, days_ago: int) -> PaymentRow:
    at = BEGINS - timedelta(days=days_ago)
    return PaymentRow(
        payment_id=payment_id, loan_id="L-6", amount=Decimal(amount), currency="CNY", received_at=at, source="loan_system", recorded_at=at
    )


async def furnish(console: Console) -> None:
    """Four open cases, three that ended, and all that figures are made of."""
    for loan_id, (amount, days) in OWED.items():
        await console.add(*of_case(loan_id, principal=Decimal(amount), due_on=TODAY - timedelta(days=days)))
    ends = {"L-6": CaseOutcome.CURED, "L-7": CaseOutcome.CURED, "L-8": CaseOutcome.SOLD}
    for n, (loan_id, outcome) in enumerate(ends.items()):
        ended = {"closed_at": BEGINS - timedelta(days=8 * n, hours=1), "opened_at": BEGINS - timedelta(days=30), "outcome": outcome}
        await console.add(*of_case(loan_id, **ended))
    await console.add(
        *(verdict(n, rule, effect) for n, (rule, effect) in enumerate(RULES)),
        *unreached("L-1", "L-1.1"),
        paid("p-1", "60.00", 3),
        paid("p-2", "40.00", 2),
        PaymentReversalRow(payment_id="p-2", reversed_at=BEGINS, reason="returned", source="loan_system", recorded_at=BEGINS),
        task("L-2", BEGINS - timedelta(days=1)),
        ReferralRow(
            id="L-4.1/r",
            case_id="L-4.1",
            loan_id="L-4",
            step="agency.1",
            target=Referral.AGENCY,
            agency="anxin",
            sent_at=BEGINS - timedelta(days=3),
            until=BEGINS + timedelta(days=60),
        ),
    )
    async with console.ledger.session() as session:
        due = TODAY - timedelta(days=2)
        made = [PromiseMade(at=BEGINS - timedelta(days=d), amount=Decimal(5), currency="CNY", due_on=due) for d in (6, 5)]
        judged = PromiseJudged(at=BEGINS - timedelta(days=1), amount=Decimal(5), due_on=due, kept=True)
        await journal.record_events(session, "L-1.1", "L-1", [*made, judged], BEGINS)
    await asked(console.ledger, "L-3", BEGINS - timedelta(hours=5))


def section(page: Page, heading: str) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name=heading, exact=True))


async def words_of(where: Locator) -> str:
    return re.sub(r"\s+", " ", await where.inner_text())


async def bars_of(where: Locator) -> dict[str, str]:
    """The bars of a section: label → what is written at the end."""
    rows = where.locator("ol.bars > li .bar-words")
    found = [[re.sub(r"\s+", " ", text) for text in await row.locator("> span").all_inner_texts()] for row in await rows.all()]
    return dict(found)


async def test_the_figures_are_what_the_ledger_holds(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.SUPERVISOR, "/portfolio")

    total = sum(Decimal(amount) for amount, _ in OWED.values())
    tiles = await words_of(page.locator("dl.tiles"))
    assert f"Open cases {len(OWED)}" in tiles
    assert f"CN¥{total:,.2f}" in tiles
    assert "Cured in the period 2 of 3 cases that ended" in tiles
    assert "Promises kept 100% of 1 that came due" in tiles
    assert "Waiting for a decision 1" in tiles
    assert f"Stopped by the law {len(RULES)} of {len(RULES)} steps judged" in tiles

    assert await bars_of(section(page, "Open cases by days past due")) == {
        "1–30 days": "1",
        "31–60 days": "2",
        "61–90 days": "0",
        "91–180 days": "0",
        "over 180 days": "1",
    }
    amounts = await bars_of(section(page, "Overdue amounts by days past due"))
    assert amounts["31–60 days"] == "CN¥257.35 · 2 cases"
    assert amounts["over 180 days"] == "CN¥999.00 · 1 case"
    rules = await bars_of(section(page, "Rules that stood against a step"))
    assert [(label.split()[0], count) for label, count in rules.items()] == [("CN-01", "3"), ("CN-16", "2"), ("AR-02", "1")]
    assert "No collection activity of any kind between" in next(iter(rules))
    assert (await bars_of(section(page, "Requests for approval")))["4–12 hours"] == "1"
    assert (await bars_of(section(page, "Contacts by channel")))["call"] == "3"
    money = await words_of(section(page, "Promises and payments"))
    assert "Promises made 2 Kept 1 Broken 0 Received, CNY CN¥60.00 in 1 payment" in money
    assert "dedicated collector collector 1 0 0" in await words_of(section(page, "Tasks"))
    assert "anxin 1 1 0 0" in await words_of(section(page, "Agencies"))


async def test_every_chart_says_in_words_what_it_shows_and_has_its_numbers_behind_it(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.RISK_CONTROL, "/portfolio")

    for picture in await page.locator("main svg[role=img]").all():
        assert (await picture.locator("> title").text_content() or "").strip()
    bar = section(page, "Rules that stood against a step").locator("svg.bar title").first
    assert re.search(r"unless they agreed to other hours\.: put off 3$", await bar.text_content() or "")
    columns = page.get_by_role("img", name="How cases ended, week by week")
    await expect(columns.locator("desc")).to_have_text(re.compile("A column for each week"))

    ended = section(page, "How cases ended, week by week")
    await ended.locator("summary").click()
    rows = [re.sub(r"\s+", " ", text).strip() for text in await ended.locator("tbody tr").all_inner_texts()]
    assert rows[-4:] == ["Nov 2, 2026 0 1", "Nov 9, 2026 1 0", "Nov 16, 2026 0 0", "Nov 23, 2026 1 0"]
    kinds = section(page, "What became of cases opened in the period")
    await kinds.locator("summary").click()
    assert "asks 7 2 1 4 28.6%" in await words_of(kinds)


async def test_a_figure_leads_to_the_cases_that_it_counts(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.SUPERVISOR, "/portfolio")

    await section(page, "Open cases by days past due").get_by_role("link", name="31–60 days").click()

    await expect(page).to_have_url(re.compile(r"/cases\?days_from=31&days_to=60$"))
    await expect(page.get_by_role("link", name="L-2", exact=True)).to_be_visible()
    await expect(page.get_by_role("link", name="L-3", exact=True)).to_be_visible()
    assert await page.get_by_role("link", name="L-1", exact=True).count() == 0


async def test_the_period_and_the_strategy_can_be_chosen(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.SUPERVISOR, "/portfolio")

    await page.get_by_label("From").fill("2026-11-23")
    await page.get_by_label("Strategy").select_option("asks")
    await page.get_by_role("button", name="Show").click()

    assert "of 1 case that ended" in await words_of(page.locator("dl.tiles"))
    await expect(page.get_by_label("Strategy")).to_have_value("asks")
    await page.goto("/portfolio?strategy=unheard-of")
    assert "Open cases 0" in await words_of(page.locator("dl.tiles"))
    await expect(page.get_by_text("Nothing is overdue.")).to_be_visible()


@pytest.mark.parametrize("query", ["since=yesterday", "since=2026-12-01&until=2026-11-01", "since=1066-10-14", "until=9999-12-31"])
async def test_days_that_make_no_sense_are_refused_with_a_page_that_says_so(console: Console, page_as: PageAs, query: str) -> None:
    page = await page_as(console, Role.SUPERVISOR)
    answer = await page.goto(f"/portfolio?{query}")
    assert answer is not None
    assert answer.status == 422
    await expect(page.locator("main")).to_contain_text(re.compile("since|until"))


async def test_what_happens_shows_while_the_page_is_open(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.SUPERVISOR, "/portfolio")
    await section(page, "Open cases by days past due").locator("summary").click()

    await console.add(*of_case("L-9", principal=Decimal("1.00"), due_on=TODAY - timedelta(days=100)))

    await expect(page.locator("dl.tiles")).to_contain_text(str(len(OWED) + 1))
    await expect(section(page, "Open cases by days past due").locator("details")).to_have_attribute("open", "")


@pytest.mark.parametrize(("locale", "scheme"), [("en", "light"), ("zh-CN", "dark")])
async def test_nothing_keeps_anybody_out(console: Console, page_as: PageAs, locale: str, scheme: Any) -> None:
    await furnish(console)
    page = await page_as(console, Role.AUDITOR, "/portfolio", locale=locale, scheme=scheme)
    for summary in await page.locator("summary").all():
        await summary.click()
    await axe(page)


async def test_it_is_all_there_in_chinese_and_on_a_telephone(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.SUPERVISOR, "/portfolio", locale="zh-CN", viewport=PHONE)

    await fits(page)
    await expect(page.get_by_role("heading", name="在办案件（按逾期天数）")).to_be_visible()
    assert (await bars_of(section(page, "逾期金额（按逾期天数）")))["31–60 天"] == "¥257.35 · 2 件"
    headings = await page.locator("main").locator("h1, h2, h3, dt, summary, caption, label").all_inner_texts()
    assert not [text for text in headings if re.search("[a-z]{3,}", text)]


async def test_it_can_be_read_without_a_mouse(console: Console, page_as: PageAs) -> None:
    await furnish(console)
    page = await page_as(console, Role.SUPERVISOR, "/portfolio")
    link = section(page, "Open cases by days past due").get_by_role("link", name="1–30 days")

    await page.get_by_label("Until").focus()
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await link.evaluate("element => element === document.activeElement"):
            break
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(re.compile("days_from=1&days_to=30"))


@pytest.mark.parametrize("role", list(Role))
async def test_only_those_see_it_who_may_and_machines_read_the_same_figures(console: Console, role: Role) -> None:
    await furnish(console)
    token = await console.begin(OPERATORS[role][0])
    async with httpx.AsyncClient(base_url=console.url, cookies={SESSION_COOKIE: token}) as http:
        page, told = await http.get("/portfolio"), await http.get("/v1/portfolio")
    if role is Role.COLLECTOR:
        assert (page.status_code, told.status_code) == (403, 403)
        return
    assert page.status_code == 200
    figures = told.json()
    assert {row["bucket"]: row["amount"] for row in figures["overdue"]} == {"1-30": "100.10", "31-60": "257.35", "180+": "999.00"}
    assert figures["promises"] == {"made": 2, "kept": 1, "broken": 0, "kept_rate": 1.0}
    assert [(r["rule"], r["total"]) for r in figures["refusals"]] == [("CN-01", 3), ("CN-16", 2), ("AR-02", 1)]
    assert {c["outcome"]: c["contacts"] for c in figures["contacts"]} == {Outcome.NO_ANSWER: 3}
