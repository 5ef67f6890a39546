"""The inbox, with real cases behind it: requests are decided in two clicks, once; tasks are taken and finished; whoever is late is told."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

from playwright.async_api import Page, expect
from sqlmodel import col, select

from arrears.domain.access import Action
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Role, TaskKind
from arrears.ledger import alerts, approvals
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    AuditRow,
    DeliveryRow,
    DeliveryState,
    ReportedContactRow,
    TaskResult,
    TaskResultRow,
    TaskRow,
    TaskState,
)
from tests.console.conftest import DESK, PATIENCE, PHONE, SECOND_SUPERVISOR, Console, PageAs, axe, fits
from tests.console.scene import BORROWER, RELATIVE, asked, cased, lent, task, unreached

LOAN = "L-1001"
NOTE = "三次电话都无人接听"


async def a_running_request(console: Console, loan_id: str = LOAN) -> str:
    """A case that waits for a supervisor's yes, its workflow running; the request's id. It had been out of reach under an earlier case."""
    earlier = cased(loan_id)
    earlier[-1].closed_at, earlier[-1].outcome = earlier[-1].opened_at + timedelta(days=1), "withdrawn"  # type: ignore[attr-defined]
    await console.add(*earlier, *unreached(loan_id, f"{loan_id}.1"))
    await console.open(loan_id)
    return await the_request(console, loan_id)


async def the_request(console: Console, loan_id: str) -> str:
    async with asyncio.timeout(PATIENCE / 1000):
        while True:
            async with console.ledger.reading() as session:
                found = await approvals.open_approvals(session, console.now(), loan_id)
            if found:
                return found[0].approval_id
            await asyncio.sleep(0.05)


async def the_row(console: Console, approval_id: str) -> ApprovalRow:
    async with console.ledger.reading() as session:
        return await session.get_one(ApprovalRow, approval_id)


def card(page: Page, loan_id: str = LOAN):
    return page.locator("article").filter(has=page.get_by_role("link", name=loan_id, exact=True))


async def test_a_supervisor_approves_with_a_reason_in_two_clicks_and_the_case_goes_on(running_console: Console, page_as: PageAs) -> None:
    approval_id = await a_running_request(running_console)
    page = await page_as(running_console, Role.SUPERVISOR)

    await expect(card(page)).to_contain_text("3 attempts without reaching the borrower")
    await card(page).get_by_label("The evidence is complete").check()
    await card(page).get_by_role("button", name="Approve").click()

    await expect(card(page)).to_contain_text("Approved by you")
    row = await the_row(running_console, approval_id)
    assert (row.state, row.decided_by) == (ApprovalState.APPROVED, "li.na")
    await axe(page)


async def test_a_supervisor_denies_with_a_note_and_the_words_are_sealed(running_console: Console, page_as: PageAs) -> None:
    approval_id = await a_running_request(running_console)
    page = await page_as(running_console, Role.SUPERVISOR, locale="zh-CN")

    await card(page).get_by_label("借款人可以联系上").check()
    await card(page).get_by_role("textbox", name="备注").fill(NOTE)
    await card(page).get_by_role("button", name="拒绝").click()

    await expect(card(page)).to_contain_text(re.compile("您 于 .* 拒绝"))
    row = await the_row(running_console, approval_id)
    assert row.state is ApprovalState.DENIED
    assert row.reason is not None
    assert NOTE.encode() not in row.reason
    async with running_console.ledger.reading() as session:
        assert await approvals.reason(session, row) == f"borrower_can_be_reached: {NOTE}"
        why = (await session.exec(select(AuditRow.reason).where(col(AuditRow.action) == Action.DECIDE_APPROVAL))).all()
    assert why == ["deny:borrower_can_be_reached"]


async def test_of_two_browsers_one_wins_and_the_other_is_told_who_decided_what_and_when(running_console: Console, page_as: PageAs) -> None:
    await a_running_request(running_console)
    first = await page_as(running_console, Role.SUPERVISOR)
    second = await page_as(running_console, SECOND_SUPERVISOR[0])
    # The second one's page hears nothing of it before they decide.
    await second.route("**/inbox/list*", lambda route: route.abort())
    await card(first).get_by_label("The evidence is complete").check()
    await card(second).get_by_label("The borrower needs consideration").check()

    await card(first).get_by_role("button", name="Approve").click()
    await expect(card(first)).to_contain_text("Approved by you")
    await card(second).get_by_role("button", name="Deny").click()

    await expect(card(second).get_by_role("alert")).to_have_text("Somebody else was faster. Your decision was not taken.")
    await expect(card(second)).to_contain_text(re.compile(r"Approved by li\.na on Nov 23, 2026, 10:\d\d"))
    await axe(second)


async def test_a_decision_shows_in_another_browser_without_reload(running_console: Console, page_as: PageAs) -> None:
    await a_running_request(running_console)
    looking = await page_as(running_console, Role.AUDITOR, "/inbox?show=all")
    deciding = await page_as(running_console, Role.SUPERVISOR)
    await expect(card(looking)).to_contain_text("left")
    await looking.evaluate("window.neverLoadedAgain = true")

    await card(deciding).get_by_label("The evidence is complete").check()
    await card(deciding).get_by_role("button", name="Approve").click()

    await expect(card(looking)).to_contain_text("Approved by li.na")
    assert await looking.evaluate("window.neverLoadedAgain")


async def test_with_the_keyboard_alone_a_request_is_found_and_decided(running_console: Console, page_as: PageAs) -> None:
    approval_id = await a_running_request(running_console)
    page = await page_as(running_console, Role.SUPERVISOR)

    async def tab_to(said: str) -> None:
        for _ in range(60):
            await page.keyboard.press("Tab")
            label = await page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText.trim()")
            if label == said:
                shown = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert shown != "none", f"nobody sees that {said} has the focus"
                return
        raise AssertionError(f"{said} is not reached with Tab")

    await tab_to("The evidence is complete")
    await page.keyboard.press("Space")
    await tab_to("Approve")
    await page.keyboard.press("Enter")

    await expect(card(page)).to_contain_text("Approved by you")
    await expect(card(page)).to_be_focused()
    assert (await the_row(running_console, approval_id)).state is ApprovalState.APPROVED


async def test_without_javascript_the_same_form_decides(running_console: Console, page_as: PageAs) -> None:
    await a_running_request(running_console)
    page = await page_as(running_console, Role.SUPERVISOR, javascript=False)
    await card(page).get_by_label("The evidence is complete").check()
    await card(page).get_by_role("button", name="Deny").click()
    await expect(card(page).get_by_role("alert")).to_contain_text("Choose a reason for approving, or one for denying")

    await card(page).get_by_label("The evidence is not complete").check()
    await card(page).get_by_role("button", name="Deny").click()
    await expect(card(page)).to_contain_text("Denied by you")


async def test_a_decision_without_a_reason_is_refused_in_place_and_nothing_typed_is_lost(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    approval_id = await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.SUPERVISOR)
    await card(page).get_by_role("textbox", name="Note").fill(NOTE)
    await card(page).get_by_role("button", name="Approve").click()
    await expect(card(page).get_by_role("alert")).to_contain_text("Choose a reason")
    await expect(card(page).get_by_role("textbox", name="Note")).to_have_value(NOTE)
    await axe(page)

    await card(page).get_by_label("Another reason, in the note").first.check()
    await card(page).get_by_role("textbox", name="Note").fill("")
    await card(page).get_by_role("button", name="Approve").click()
    await expect(card(page).get_by_role("alert")).to_contain_text("Say in the note")
    assert (await the_row(console, approval_id)).state is ApprovalState.OPEN


async def test_while_temporal_is_away_nothing_is_decided_and_the_operator_is_told(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    approval_id = await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.SUPERVISOR)
    await card(page).get_by_label("The evidence is complete").check()
    await card(page).get_by_role("button", name="Approve").click()
    await expect(card(page).get_by_role("alert")).to_contain_text("The case does not answer just now")
    assert (await the_row(console, approval_id)).state is ApprovalState.OPEN


async def test_a_request_that_expires_while_one_looks_can_no_longer_be_decided(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now(), deadline=timedelta(seconds=14))
    page = await page_as(console, Role.SUPERVISOR)
    await expect(card(page).get_by_role("button", name="Approve")).to_be_visible()
    await expect(card(page)).to_contain_text("under a minute left")

    await expect(card(page)).to_contain_text("Nobody decided before", timeout=2 * PATIENCE)
    await expect(card(page).get_by_role("button", name="Approve")).to_have_count(0)
    await expect(page).to_have_title("Inbox · Arrears")
    await axe(page)


async def test_the_most_urgent_request_comes_first_and_its_time_is_said_in_words(console: Console, page_as: PageAs) -> None:
    for loan_id, left in (("L-1001", timedelta(hours=30)), ("L-1002", timedelta(hours=2, minutes=5))):
        await console.add(*cased(loan_id))
        await asked(console.ledger, loan_id, console.now(), deadline=left)
    page = await page_as(console, Role.SUPERVISOR)
    cards = page.locator("#approvals article")
    await expect(cards.nth(0)).to_contain_text(re.compile(r"L-1002.*2 h \d min left", re.DOTALL))
    await expect(cards.nth(1)).to_contain_text(re.compile(r"L-1001.*1 d 5 h left", re.DOTALL))
    await expect(page).to_have_title("(2) Inbox · Arrears")
    await expect(page.locator("#inbox-count")).to_have_text("2")
    await expect(page.locator("#alerts")).to_contain_text("A request is about to expire")


async def test_names_and_words_are_shown_only_for_a_reason_that_is_written_down(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.SUPERVISOR, locale="zh-CN")
    assert RELATIVE not in await page.content()
    assert BORROWER not in await page.content()

    await card(page).get_by_text("查看姓名和措辞").click()
    await card(page).get_by_label("为何查看").fill("核对联系人")
    await card(page).get_by_role("button", name="查看").click()

    shown = card(page).locator("[id^=people]")
    await expect(shown).to_contain_text(RELATIVE)
    await expect(shown.locator("blockquote")).to_contain_text(BORROWER)
    await expect(shown).not_to_contain_text("不一致")
    await axe(page)
    # It stays while the page brings itself up to date.
    await console.add(*cased("L-2002"))
    await asked(console.ledger, "L-2002", console.now())
    await expect(card(page, "L-2002")).to_be_visible()
    await expect(shown).to_contain_text(RELATIVE)
    async with console.ledger.reading() as session:
        notes = (await session.exec(select(AuditRow).order_by(col(AuditRow.id)))).all()
    assert [(n.action, n.person_id, n.reason) for n in notes] == [
        (Action.READ_PERSON, f"P-{LOAN}", "核对联系人"),
        (Action.READ_PERSON, f"R-{LOAN}", "核对联系人"),
        (Action.READ_MESSAGES, None, "核对联系人"),
    ]


async def test_without_javascript_names_and_words_are_a_page_of_their_own(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.RISK_CONTROL, "/inbox?show=all", javascript=False)
    await card(page).get_by_text("Show names and the words").click()
    await card(page).get_by_label("Why do you look?").fill("a question of the relative")
    await card(page).get_by_role("button", name="Show").click()
    await expect(page.get_by_role("main")).to_contain_text(RELATIVE)


async def test_what_was_typed_and_opened_stays_when_the_page_brings_itself_up_to_date(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.SUPERVISOR)
    note = card(page).get_by_role("textbox", name="Note")
    await card(page).get_by_text("rules apply: in plain words").click()
    await card(page).get_by_label("The borrower can be reached").check()
    await note.press_sequentially("half a sen")

    await console.add(*cased("L-2002"))
    await asked(console.ledger, "L-2002", console.now(), deadline=timedelta(hours=1))
    await expect(card(page, "L-2002")).to_be_visible()

    await expect(note).to_be_focused()
    await note.press_sequentially("tence")
    await expect(note).to_have_value("half a sentence")
    await expect(card(page).get_by_label("The borrower can be reached")).to_be_checked()
    await expect(card(page).get_by_text("may be contacted only when the debtor cannot be reached")).to_be_visible()


async def test_another_role_sees_a_request_and_cannot_decide_it(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now(), role=Role.RISK_CONTROL, purpose=None, referral="agency", step="agency.1")
    page = await page_as(console, Role.SUPERVISOR, "/inbox?show=all")
    await expect(card(page)).to_contain_text("Hand the case to an agency")
    await expect(card(page)).to_contain_text("This is for another role.")
    await expect(card(page).get_by_role("button", name="Approve")).to_have_count(0)
    await page.get_by_role("link", name="For my role").click()
    await expect(page.get_by_role("main")).to_contain_text("No request waits for a decision.")
    await axe(page)


async def test_a_collector_takes_a_task_calls_and_finishes_it_and_the_call_counts(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN), task(LOAN, console.now() - timedelta(hours=5)))
    page = await page_as(console, Role.COLLECTOR)
    work = card(page)
    await expect(work).to_contain_text("Follow this case personally")
    await work.get_by_role("button", name="Take it").click()
    await expect(work).to_contain_text("taken by you")
    await axe(page)

    await work.get_by_role("button", name="Finish").click()
    await expect(work.get_by_role("alert")).to_contain_text("Choose what came of it.")
    await work.get_by_label("Nobody was reached").check()
    await work.get_by_role("button", name="Finish").click()
    await expect(work.get_by_role("alert")).to_contain_text("the try counts")
    await work.get_by_label("It is done").check()
    await work.get_by_label("How it went").select_option("answered_willing")
    await work.get_by_role("textbox", name="Note").fill(NOTE)
    await work.get_by_role("button", name="Finish").click()

    await expect(work).to_contain_text("done, said by you")
    async with console.ledger.reading() as session:
        row = (await session.exec(select(TaskRow))).one()
        result = (await session.exec(select(TaskResultRow))).one()
        contact = (await session.exec(select(ReportedContactRow))).one()
    assert (row.state, row.assignee, result.result, contact.outcome) == (
        TaskState.DONE,
        "zhao.lei",
        TaskResult.DONE,
        Outcome.ANSWERED_WILLING,
    )
    assert result.note is not None
    assert NOTE.encode() not in result.note


async def test_a_task_that_somebody_else_has_taken_is_not_offered_again(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN), task(LOAN, console.now(), kind=TaskKind.INVESTIGATION, role=Role.SUPERVISOR))
    first = await page_as(console, Role.SUPERVISOR)
    second = await page_as(console, SECOND_SUPERVISOR[0])
    await second.route("**/inbox/list*", lambda route: route.abort())
    await card(first).get_by_role("button", name="Take it").click()
    await expect(card(first)).to_contain_text("taken by you")

    await card(second).get_by_role("button", name="Take it").click()
    await expect(card(second).get_by_role("alert")).to_have_text("Somebody else has taken this task.")
    await expect(card(second)).to_contain_text("taken by li.na")
    await first.get_by_role("link", name="Mine").click()
    await expect(card(first)).to_contain_text("Find out what is behind this")
    await axe(first)


async def test_alerts_tell_what_else_needs_a_human_and_what_to_do(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now() - timedelta(hours=30), deadline=timedelta(hours=22))
    await console.add(
        DeliveryRow(
            id="msg-1",
            key="opened/L-1001.1",
            kind="case.opened",
            loan_id=LOAN,
            body={},
            state=DeliveryState.DEAD,
            recorded_at=console.now() - timedelta(hours=2),
            tries=12,
        )
    )
    page = await page_as(console, Role.AUDITOR, "/inbox?show=all")
    shown = page.locator("#alerts")
    await expect(shown).to_contain_text("A case does not run")
    await expect(shown).to_contain_text("Events did not arrive at the loan system")
    await expect(shown).to_contain_text("An administrator can have them sent again")
    await axe(page)


async def test_the_inbox_fits_a_phone_in_both_languages_and_both_schemes(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN), task(LOAN, console.now(), role=Role.SUPERVISOR))
    await asked(console.ledger, LOAN, console.now())
    for locale, title, scheme in (("en", "Inbox", "light"), ("zh-CN", "待办", "dark")):
        page = await page_as(console, Role.SUPERVISOR, locale=locale, viewport=PHONE, scheme=scheme)  # type: ignore[arg-type]
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)
        await page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
        await fits(page)
        await axe(page)


async def test_twice_the_size_nothing_is_cut_off(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.SUPERVISOR, viewport={"width": DESK["width"] // 2, "height": DESK["height"] // 2})
    await fits(page)
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    await fits(page)


async def test_alerts_of_an_empty_ledger_are_none(console: Console) -> None:
    async with console.ledger.reading() as session:
        assert await alerts.alerts(session, console.now(), console.now()) == []


async def test_an_inbox_in_which_nothing_waits_says_so(console: Console, page_as: PageAs) -> None:
    await console.add(*lent(LOAN))
    page = await page_as(console, Role.SUPERVISOR)
    await expect(page.get_by_role("main")).to_contain_text("No request waits for a decision.")
    await expect(page.get_by_role("main")).to_contain_text("No task is open.")
    await expect(page.get_by_role("main")).to_contain_text("Nothing else needs a human.")
    await axe(page)


async def test_an_answer_stays_and_nothing_takes_the_focus_while_other_cards_come_and_go(console: Console, page_as: PageAs) -> None:
    await console.add(*cased(LOAN))
    await asked(console.ledger, LOAN, console.now())
    page = await page_as(console, Role.SUPERVISOR)
    await card(page).get_by_text("in plain words").click()
    await card(page).get_by_role("button", name="Approve").click()
    await expect(card(page).get_by_role("alert")).to_be_visible()
    await expect(card(page)).to_be_focused()
    await expect(card(page).get_by_text("may be contacted only when the debtor cannot be reached")).to_be_visible()
    note = card(page).get_by_role("textbox", name="Note")
    await note.focus()

    await console.add(*cased("L-2002"))
    await asked(console.ledger, "L-2002", console.now())
    await expect(card(page, "L-2002")).to_be_visible()
    await expect(note).to_be_focused()
    await expect(card(page).get_by_role("alert")).to_be_visible()
