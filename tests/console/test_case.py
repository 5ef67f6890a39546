"""The page of a case: where it stands and why, also while the case does not answer; what is done there counts once, and what is read is written down."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from playwright.async_api import Locator, Page, expect
from sqlmodel import col, select

from arrears.api.console.case_ladder import described
from arrears.api.console.case_retelling import retold
from arrears.api.console.case_strategies import strategy
from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.domain.verdict import Effect
from arrears.ledger import cases
from arrears.ledger.tables import AuditRow, CaseEventRow, CaseRow, HoldRow, PaymentReversalRow, PaymentRow, VerdictRow, WishRow
from arrears.workflows.contract import QUERY_CASE, CaseView, workflow_id
from tests.console.conftest import OPERATORS, PATIENCE, PHONE, Console, PageAs, axe, fits
from tests.console.scene import BEGINS, BORROWER, asked, cased, lent, task, unreached

LOAN = "L-1001"
R = TypeVar("R", AuditRow, CaseEventRow, HoldRow, PaymentReversalRow, WishRow)


async def a_case(console: Console) -> None:
    """A case out of reach: three calls that nobody answered, an SMS that the law put off, a payment, an open task."""
    await console.add(*cased(LOAN), *unreached(LOAN, f"{LOAN}.1"))
    await console.add(
        VerdictRow(
            attempt_id=f"{LOAN}.1/sms.1",
            case_id=f"{LOAN}.1",
            person_id=f"P-{LOAN}",
            decided_at=BEGINS - timedelta(hours=20),
            verdict=Effect.DEFER,
            until=BEGINS + timedelta(hours=8),
            rules=["CN-01"],
            observed=[{"rule": "CN-01", "effect": "defer", "observed": "22:04", "limit": "from 08:00 to 20:00", "source": "clock"}],
            facts_hash="0" * 64,
            regime="cn",
            regime_version=1,
        ),
        PaymentRow(
            payment_id="pay-1",
            loan_id=LOAN,
            amount=Decimal("200.50"),
            currency="CNY",
            received_at=BEGINS,
            source="loan_system",
            recorded_at=BEGINS,
        ),
        task(LOAN, console.now()),
    )


async def a_running_case(console: Console, loan_id: str = LOAN) -> None:
    await console.add(*lent(loan_id))
    await console.open(loan_id)
    async with console.ledger.reading() as session:
        found = await session.exec(select(CaseRow).where(col(CaseRow.loan_id) == loan_id))
        opened = found.first()
    while opened is None:
        await asyncio.sleep(0.05)
        async with console.ledger.reading() as session:
            opened = (await session.exec(select(CaseRow).where(col(CaseRow.loan_id) == loan_id))).first()


def form(page: Page, name: str) -> Locator:
    return page.locator(f"#doing-{name}")


async def opened(page: Page, name: str) -> None:
    await form(page, name).locator("summary").click()


async def rows(console: Console, table: type[R]) -> list[R]:
    async with console.ledger.reading() as session:
        return list((await session.exec(select(table))).all())


async def test_while_temporal_is_away_the_ledger_tells_the_case_and_says_so(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.SUPERVISOR, f"/cases/{LOAN}")

    await expect(page.get_by_text("The running case does not answer just now.")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(LOAN)
    await expect(page.locator(".owed")).to_contain_text("CN¥1,000.00")
    await expect(page.locator(".owed")).to_contain_text("3 days past due")
    await expect(page.get_by_text("told by the ledger")).to_be_visible()
    await axe(page)


async def test_a_verdict_opens_into_the_rules_that_spoke(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.COLLECTOR, f"/cases/{LOAN}")

    await page.locator("summary", has_text="CN-01").click()

    spoke = page.get_by_role("row").filter(has_text="CN-01")
    await expect(spoke).to_contain_text("22:04")
    await expect(spoke).to_contain_text("from 08:00 to 20:00")
    await expect(spoke.get_by_role("link", name="CN-01")).to_have_attribute("href", "/rules#CN-01")
    await axe(page)


async def test_a_hold_stops_the_case_at_once_and_is_lifted_with_a_reason(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.SUPERVISOR, f"/cases/{LOAN}")

    await opened(page, "hold")
    await form(page, "hold").get_by_label("Because of").select_option("hardship")
    await form(page, "hold").get_by_role("button").click()
    await expect(form(page, "hold")).to_contain_text("nothing leaves that it forbids")
    await expect(page.locator("#livecase h1")).to_contain_text("on hold", timeout=PATIENCE)
    (held,) = await rows(console, HoldRow)
    assert (held.reason, held.lifted_at) == ("hardship", None)

    await opened(page, "lift")
    await expect(form(page, "lift").get_by_label("Hold", exact=True)).to_contain_text("hardship", timeout=PATIENCE)
    await form(page, "lift").get_by_label("Why?").fill("the request was decided")
    await form(page, "lift").get_by_role("button").click()
    await expect(form(page, "lift")).to_contain_text("The hold is lifted.")
    (held,) = await rows(console, HoldRow)
    assert held.lifted_at is not None
    noted = [row for row in await rows(console, AuditRow) if row.action == Action.LIFT_HOLD]
    assert [(row.actor, row.reason, row.loan_id) for row in noted] == [(OPERATORS[Role.SUPERVISOR][0], "the request was decided", LOAN)]


async def test_a_dispute_and_a_wish_are_written_down(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.COLLECTOR, f"/cases/{LOAN}")

    await opened(page, "dispute")
    await form(page, "dispute").get_by_label("Disputed part").fill("120.50")
    await form(page, "dispute").get_by_role("button").click()
    await expect(form(page, "dispute")).to_contain_text("The dispute is written down")
    await opened(page, "opt_out")
    await form(page, "opt_out").get_by_label("They want").select_option(label="not by this way: sms")
    await form(page, "opt_out").get_by_role("button").click()
    await expect(form(page, "opt_out")).to_contain_text("The wish is written down")

    (held,) = await rows(console, HoldRow)
    (wish,) = await rows(console, WishRow)
    assert (held.reason, held.details) == ("dispute", {"part": "120.50"})
    assert (wish.kind, wish.channel, wish.person_id) == ("no_medium", "sms", f"P-{LOAN}")
    await page.reload()
    await page.locator("#story summary").click()
    await expect(page.locator("ol.story")).to_contain_text("held for dispute")
    await expect(page.locator("ol.story")).to_contain_text(f"P-{LOAN} wishes no contact by sms")


async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.COLLECTOR, f"/cases/{LOAN}")

    await opened(page, "dispute")
    await form(page, "dispute").get_by_label("Disputed part").fill("a lot")
    await form(page, "dispute").get_by_role("button").click()

    await expect(form(page, "dispute").locator("#dispute-part")).to_have_attribute("aria-invalid", "true")
    await expect(form(page, "dispute").locator("#dispute-part")).to_have_value("a lot")
    assert await rows(console, HoldRow) == []
    await axe(page)


async def test_a_form_that_is_sent_twice_counts_once(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.SUPERVISOR, f"/cases/{LOAN}")

    statuses = await page.evaluate(
        """async (path) => {
            const form = document.querySelector("#doing-hold form");
            form.elements.held_for.value = "hardship";
            const body = new URLSearchParams(new FormData(form));
            const send = () => fetch(path, {method: "POST", body, headers: {"HX-Request": "true"}}).then((answer) => answer.status);
            const first = await send();
            return [first, await send()];
        }""",
        f"/cases/{LOAN}",
    )

    assert statuses == [200, 200]
    assert len(await rows(console, HoldRow)) == 1


async def test_a_payment_by_hand_and_its_reversal_need_a_second_yes(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.SUPERVISOR, f"/cases/{LOAN}")

    await opened(page, "payment")
    await form(page, "payment").get_by_label("Id of the payment").fill("bank-77")
    await form(page, "payment").get_by_label("Amount").fill("100")
    await form(page, "payment").get_by_role("button").click()
    await expect(form(page, "payment")).to_contain_text("The payment is in the ledger.")
    await expect(page.locator(".owed")).to_contain_text("CN¥900.00", timeout=PATIENCE)

    await opened(page, "reversal")
    await form(page, "reversal").get_by_label("Payment", exact=True).select_option("bank-77")
    await form(page, "reversal").get_by_label("What happened").select_option("booked_in_error")
    await form(page, "reversal").get_by_label("Why?").fill("booked on the wrong loan")
    await form(page, "reversal").get_by_role("button").click()
    assert await rows(console, PaymentReversalRow) == []
    await form(page, "reversal").get_by_label("I am sure").check()
    await form(page, "reversal").get_by_role("button").click()
    await expect(form(page, "reversal")).to_contain_text("The payment counts no more.")
    (taken_back,) = await rows(console, PaymentReversalRow)
    assert taken_back.payment_id == "bank-77"


async def test_names_are_shown_to_whoever_says_why_and_that_is_written_down(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.COLLECTOR, f"/cases/{LOAN}")
    assert BORROWER not in await page.content()

    await page.locator("summary", has_text="People and how to reach them").click()
    await page.locator("#reason-people").fill("call back")
    await page.locator("details", has=page.locator("#reason-people")).get_by_role("button", name="Show").click()

    await expect(page.locator("#opened-people")).to_contain_text(BORROWER)
    await expect(page.locator("#opened-people")).to_contain_text("+861300000")
    noted = [row for row in await rows(console, AuditRow) if row.action == Action.READ_PERSON]
    assert {row.person_id for row in noted} == {f"P-{LOAN}", f"R-{LOAN}"}
    assert {(row.actor, row.reason) for row in noted} == {(OPERATORS[Role.COLLECTOR][0], "call back")}
    await axe(page)


async def test_each_role_sees_the_forms_that_it_may_send(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    offered = {}
    for role in (Role.COLLECTOR, Role.SUPERVISOR, Role.AUDITOR):
        page = await page_as(console, role, f"/cases/{LOAN}")
        offered[role] = {
            (await d.get_attribute("id") or "").removeprefix("doing-")
            for d in await page.locator("[id^=doing-]").all()
            if await d.evaluate("e => e.tagName") == "DETAILS"
        }

    assert offered[Role.COLLECTOR] == {"promise", "dispute", "complaint", "opt_out", "opt_in", "consent", "take_back", "hold"}
    assert offered[Role.SUPERVISOR] >= offered[Role.COLLECTOR] | {"plan", "lift", "payment", "reversal", "withdraw"}
    assert offered[Role.AUDITOR] == set()


async def test_a_form_that_a_role_may_not_send_is_turned_away_and_that_is_written_down(console: Console, page_as: PageAs) -> None:
    await a_case(console)
    page = await page_as(console, Role.COLLECTOR, f"/cases/{LOAN}")
    forged = {"csrf": await page.locator("input[name=csrf]").first.input_value(), "do": "withdraw", "code": "error", "sure": "yes"}

    answer = await page.request.post(f"/cases/{LOAN}", form=forged, headers={"sec-fetch-site": "same-origin"})

    assert answer.status == 403
    (noted,) = (row for row in await rows(console, AuditRow) if row.action == Action.WITHDRAW_CASE)
    assert (noted.actor, noted.allowed, noted.subject) == (OPERATORS[Role.COLLECTOR][0], False, f"/cases/{LOAN}")


async def test_a_loan_that_nobody_knows_is_said_so(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.COLLECTOR, "/cases/L-404")
    await expect(page.locator("main")).to_contain_text("L-404")


@pytest.mark.parametrize(("locale", "viewport"), [("en", None), ("zh-CN", PHONE)])
async def test_the_page_is_accessible_and_fits_in_both_languages(
    console: Console, page_as: PageAs, locale: str, viewport: dict[str, int] | None
) -> None:
    await a_case(console)
    await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.SUPERVISOR, f"/cases/{LOAN}", locale=locale, viewport=viewport)

    for name in ("promise", "plan", "consent", "withdraw"):
        await opened(page, name)
    await axe(page)
    await fits(page)
    if locale == "zh-CN":
        await expect(page.locator("#doings-title")).to_have_text("可以做的事")


async def test_a_running_case_tells_its_ladder_and_takes_a_promise(running_console: Console, page_as: PageAs) -> None:
    console = running_console
    await a_running_case(console)
    page = await page_as(console, Role.SUPERVISOR, f"/cases/{LOAN}")
    await expect(page.get_by_text("told by the running case")).to_be_visible()
    await expect(page.locator("ol.ladder").first).to_contain_text("help-request.1")

    await opened(page, "promise")
    await form(page, "promise").get_by_label("To be paid by").fill(str(date(2026, 11, 27)))
    await form(page, "promise").get_by_role("button").click()

    await expect(form(page, "promise")).to_contain_text("The promise is written down.")
    await expect(page.locator("#livecase")).to_contain_text("by Nov 27, 2026", timeout=PATIENCE)
    made = [row for row in await rows(console, CaseEventRow) if row.kind == "promise_made"]
    assert [row.body["amount"] for row in made] == ["1200.50"]


async def test_the_ledger_tells_a_case_as_the_running_case_tells_itself(running_console: Console, page_as: PageAs) -> None:
    console = running_console
    assert console.temporal is not None
    await a_running_case(console)
    page = await page_as(console, Role.SUPERVISOR, f"/cases/{LOAN}")
    await opened(page, "promise")
    await form(page, "promise").get_by_label("To be paid by").fill("2026-11-27")
    await form(page, "promise").get_by_role("button").click()
    await expect(form(page, "promise")).to_contain_text("The promise is written down.")

    says = await console.temporal.get_workflow_handle(workflow_id(LOAN)).query(QUERY_CASE, result_type=CaseView)
    written = strategy(console.settings, "asks")
    assert written is not None
    async with console.ledger.reading() as session:
        known = await retold(session, await cases.case(session, f"{LOAN}.1"), written)
    assert known is not None
    told = described(known, console.now())

    for field in ("stage", "owed", "days_past_due", "ladder_day", "attitude", "next", "next_at", "blocked_by", "holds"):
        assert getattr(told, field) == getattr(says, field), field
