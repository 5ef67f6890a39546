"""Signing in as a person does it: with the keyboard, in both languages, on a phone, and with a password that somebody else chose."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from arrears.ledger import accounts
from arrears.ledger.audit import Actor
from arrears.ledger.tables import ActorKind
from tests.console.conftest import DESK, PHONE, Console, PageAs, axe, fits

PASSWORD = "a sentence of mine"


async def has_password(console: Console, operator_id: str, *, must_change: bool = False) -> None:
    by = Actor(ActorKind.HOUSE, "test")
    await accounts.set_password(console.ledger, operator_id, PASSWORD, datetime.now(UTC), by=by, must_change=must_change)


@pytest.mark.parametrize(("locale", "viewport", "scheme"), [("en", DESK, "light"), ("zh-CN", PHONE, "light"), ("en", PHONE, "dark")])
async def test_the_page_to_sign_in_can_be_read_by_everybody(
    console: Console, page_as: PageAs, locale: str, viewport: dict[str, int], scheme: str
):
    page = await page_as(console, None, "/login", locale=locale, viewport=viewport, scheme=scheme)
    await expect(page.locator("html")).to_have_attribute("lang", locale)
    await axe(page)
    await fits(page)
    await page.fill("#name", "nobody")
    await page.fill("#password", "certainly wrong")
    await page.press("#password", "Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.locator("#name")).to_have_value("nobody")
    await axe(page)


async def test_an_operator_comes_in_by_keyboard_to_where_they_wanted_and_goes_out_again(console: Console, page_as: PageAs):
    await has_password(console, "li.na")
    page = await page_as(console, None, "/rules")
    assert page.url.endswith("/login?next=%2Frules")
    await page.keyboard.type("li.na")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(console.url + "/rules")
    await page.get_by_role("button", name="Sign out").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(console.url + "/login")
    await page.goto("/rules")
    assert "/login" in page.url


async def test_a_password_that_somebody_else_chose_is_changed_first(console: Console, page_as: PageAs):
    await has_password(console, "li.na", must_change=True)
    page = await page_as(console, None, "/login?next=/rules")
    await page.fill("#name", "li.na")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(console.url + "/password")
    await axe(page)
    await page.goto("/rules")
    assert page.url.endswith("/password")
    await page.fill("#current", PASSWORD)
    await page.fill("#new", "one more sentence")
    await page.fill("#again", "one more sentence")
    await page.press("#again", "Enter")
    await page.wait_for_url(console.url + "/")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def test_without_javascript_one_signs_in_as_well(console: Console, page_as: PageAs):
    await has_password(console, "li.na")
    page = await page_as(console, None, "/login?next=/rules", javascript=False)
    await page.fill("#name", "li.na")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(console.url + "/rules")
