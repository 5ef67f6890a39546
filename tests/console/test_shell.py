"""What every page has around it: who may see what, the language, the way out, files that are what they say they are."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from arrears.api import console as rooms
from arrears.api.caller import SESSION_COOKIE
from arrears.api.console.assets import assets
from arrears.api.console.desk import local_path
from arrears.api.console.render import environment
from arrears.domain.calendar import zone_of
from arrears.domain.money import Money
from arrears.domain.strategy import Role
from tests.console.conftest import OPERATORS, PHONE, Console, PageAs, axe, fits
from tests.console.scene import cased

STATIC = Path(rooms.__file__).with_name("static")
SEEN = {
    Role.COLLECTOR: ["Inbox", "Cases"],
    Role.SUPERVISOR: ["Inbox", "Cases", "Portfolio", "Proof"],
    Role.RISK_CONTROL: ["Inbox", "Cases", "Portfolio", "Proof"],
    Role.AUDITOR: ["Inbox", "Cases", "Portfolio", "Audit", "Proof"],
    Role.ADMIN: ["Inbox", "Cases", "Portfolio", "Audit", "Proof"],
}


def test_every_file_of_others_is_the_one_that_was_vendored_with_its_licence() -> None:
    manifest = json.loads((STATIC / "vendor" / "manifest.json").read_text(encoding="utf-8"))
    listed = {entry["file"] for entry in manifest} | {entry["licence_file"] for entry in manifest} | {"manifest.json"}
    assert {path.name for path in (STATIC / "vendor").iterdir()} == listed
    for entry in manifest:
        assert hashlib.sha256((STATIC / "vendor" / entry["file"]).read_bytes()).hexdigest() == entry["sha256"], entry["file"]
        assert entry["version"] in entry["file"]


async def test_a_file_is_kept_for_ever_under_its_hash_and_asked_for_again_without_it(console: Console) -> None:
    async with httpx.AsyncClient(base_url=console.url) as http:
        mark = assets()["app.css"].mark
        kept = await http.get(f"/static/app.css?v={mark}")
        assert (kept.status_code, kept.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert kept.headers["content-type"].startswith("text/css")
        plain = await http.get("/static/app.css")
        assert plain.headers["cache-control"] == "no-cache"
        again = await http.get("/static/app.css", headers={"if-none-match": plain.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for wrong in ("/static/../desk.py", "/static/%2e%2e/desk.py", "/static/vendor/manifest.json", "/static/nothing.css"):
            assert (await http.get(wrong)).status_code == 404, wrong


@pytest.mark.parametrize("role", list(Role))
async def test_the_navigation_names_what_the_role_may_see(console: Console, page_as: PageAs, role: Role) -> None:
    page = await page_as(console, role, "/rules")
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    assert [text.strip() for text in await links.all_inner_texts()] == SEEN[role]
    await expect(page.locator(".who")).to_contain_text(OPERATORS[role][1])
    await expect(page.locator(".who")).to_contain_text(role.replace("_", " "))


async def test_whoever_has_not_signed_in_is_sent_to_the_door_and_back_to_the_page_they_wanted(console: Console) -> None:
    async with httpx.AsyncClient(base_url=console.url) as http:
        plain = await http.get("/inbox?show=all")
        assert (plain.status_code, plain.headers["location"]) == (303, "/login?next=%2Finbox%3Fshow%3Dall")
        form = await http.post("/inbox/decision", data={"approval_id": "A", "decision": "approve"})
        assert (form.status_code, form.headers["location"]) == (303, "/login?next=%2F")
        part = await http.get("/inbox/list", headers={"hx-request": "true", "hx-current-url": f"{console.url}/inbox?show=mine"})
        assert part.headers["hx-redirect"] == "/login?next=%2Finbox%3Fshow%3Dmine"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "evil"])
def test_nobody_is_sent_to_another_place(wanted: str) -> None:
    assert local_path(wanted) == "/"


async def test_the_language_is_the_browsers_until_another_is_chosen(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.SUPERVISOR, "/inbox?show=all", locale="en-GB")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
    await page.get_by_role("link", name="简体中文").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("待办")
    assert page.url.endswith("/inbox?show=all")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("待办")


async def test_a_page_that_does_not_exist_or_may_not_be_seen_says_so_in_words(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.ADMIN, "/inbox")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
    page = await page_as(console, Role.COLLECTOR, "/portfolio")
    await expect(page.get_by_role("main")).to_contain_text("your role may not see the portfolio's figures")
    await axe(page)


async def test_a_problem_is_a_page_with_the_ways_on_and_back_to_the_form_that_led_to_it(console: Console) -> None:
    cookies = {SESSION_COOKIE: await console.begin(OPERATORS[Role.AUDITOR][0])}
    async with httpx.AsyncClient(base_url=console.url, cookies=cookies, headers={"accept": "text/html", "accept-language": "en"}) as http:
        nowhere = await http.get("/nowhere")
        assert (nowhere.status_code, 'aria-current="page"' in nowhere.text, "Back to the form" in nowhere.text) == (404, False, False)
        assert "there is no such page" in nowhere.text
        assert 'href="/audit"' in nowhere.text
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', nowhere.text)
        assert csrf is not None
        form = {"csrf": csrf[1], "reason": "call 13800000000"}
        headers = {"referer": f"{console.url}/audit?allowed=refused", "sec-fetch-site": "same-origin"}
        refused = await http.post("/audit/export", data=form, headers=headers)
        assert refused.status_code == 422
        assert "looks like a phone number" in refused.text
        assert '<a href="/audit?allowed=refused">Back to the form</a>' in refused.text
        assert OPERATORS[Role.AUDITOR][1] in refused.text
        elsewhere = await http.post("/audit/export", data=form, headers=headers | {"referer": "https://evil.example/audit"})
        assert "Back to the form" not in elsewhere.text


async def test_an_address_that_nothing_answers_is_a_page_for_a_browser_and_a_problem_for_a_program(console: Console) -> None:
    async with httpx.AsyncClient(base_url=console.url) as http:
        page = await http.get("/nowhere", headers={"accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert 'href="/login"' in page.text
        assert 'href="/audit"' not in page.text
        problem = await http.get("/nowhere")
        assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


async def test_the_rules_are_a_page_to_which_every_rule_id_leads(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.COLLECTOR, "/rules#CN-11", viewport=PHONE)
    await expect(page.locator("#CN-11")).to_be_in_viewport()
    await expect(page.locator("#CN-11")).to_contain_text("three attempts in a row failed")
    await fits(page)
    await axe(page)


async def test_shortcuts_are_off_until_somebody_turns_them_on(console: Console, page_as: PageAs) -> None:
    await console.add(*cased("L-1"))
    page = await page_as(console, Role.SUPERVISOR, "/inbox/keys")
    await axe(page)
    await page.keyboard.press("?")
    box = page.get_by_label("Use shortcuts in this browser")
    await expect(box).not_to_be_checked()
    await box.check()
    await page.goto("/rules")
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Keyboard")


async def test_the_first_tab_stop_leads_past_the_navigation(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.SUPERVISOR)
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_business_time_is_shown_and_goes_on(console: Console, page_as: PageAs) -> None:
    page = await page_as(console, Role.SUPERVISOR)
    await expect(page.locator("[data-clock]")).to_contain_text("Nov 23, 2026, 10:0")


def test_amounts_and_lengths_of_time_are_written_as_each_language_does() -> None:
    english, chinese = environment("en").filters, environment("zh-CN").filters
    paid = Money.model_validate({"amount": "1234.50", "currency": "CNY"})
    assert (english["money"](paid), chinese["money"](paid)) == ("CN¥1,234.50", "¥1,234.50")
    assert (english["span"](2 * 86400 + 4 * 3600 + 59), chinese["span"](2 * 86400 + 4 * 3600)) == ("2 d 4 h", "2 天 4 小时")
    assert (english["span"](59), chinese["span"](61)) == ("under a minute", "1 分钟")
    assert english["words"]("no_answer") == "no answer"


def test_a_countrys_clocks_are_those_of_most_of_its_people() -> None:
    assert [zone_of(place) for place in ("CN", "US-MA", "GB", "IN", "XX")] == [
        "Asia/Shanghai",
        "America/New_York",
        "Europe/London",
        "Asia/Kolkata",
        "UTC",
    ]


def test_templates_hold_no_script_and_no_style_of_their_own() -> None:
    for path in sorted(Path(rooms.__file__).with_name("templates").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        for forbidden in ("<style", "hx-on", "javascript:", "|safe"):
            assert forbidden not in text, f"{path.name} has {forbidden}"
        assert re.findall(r"<[a-z][^>]*\s(?:style|on[a-z]+)=", text) == [], path.name
        assert text.count("<script") == text.count('<script src="{{ asset('), path.name
