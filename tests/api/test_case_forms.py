"""The forms of a case's page, sent as a browser without JavaScript sends them: what each writes down, and what it says where something is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
import pytest
from sqlmodel import select

from arrears.domain.access import Action
from arrears.domain.person import Relation
from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import ConsentRow, ContactPointRow, HoldRow, RelationRow, WishRow
from tests.api.browsers import Browser, operator
from tests.api.conftest import LOAN
from tests.api.desk import noted
from tests.sealing import person, point

PAGE = f"/cases/{LOAN}"
NUMBER, RELATIVES_NUMBER = "+8613000000001", "+8613100000001"
R = TypeVar("R", ConsentRow, ContactPointRow, HoldRow, WishRow)


WRONG: list[tuple[str, dict[str, str], str, str]] = [
    ("promise", {"amount": "a lot", "due_on": "2026-11-27"}, "amount", "This is no amount. Write it like 120.50."),
    ("promise", {"amount": "-5", "due_on": "2026-11-27"}, "amount", "The amount must be more than nothing."),
    ("promise", {"amount": "10.123", "due_on": "2026-11-27"}, "amount", "An amount has two decimals at most."),
    ("promise", {"amount": "nan", "due_on": "2026-11-27"}, "amount", "This is no amount. Write it like 120.50."),
    ("promise", {"amount": "10"}, "due_on", "This is needed."),
    ("plan", {"total": "10", "parts": "61", "first_on": "2026-12-01"}, "parts", "From 1 to 60 parts, each of at least a cent."),
    ("plan", {"total": "10", "parts": "few", "first_on": "2026-12-01"}, "parts", "This is no number."),
    ("hold", {}, "held_for", "This is needed."),
    ("hold", {"held_for": "other"}, "other_reason", "This is needed."),
    ("hold", {"held_for": "hardship", "other_reason": "x"}, "other_reason", "Choose another reason above, or leave this empty."),
    ("hold", {"held_for": "hardship", "until": "2020-01-01"}, "until", "This day is over."),
    ("opt_out", {}, "wish", "This is needed."),
    ("opt_out", {"wish": "no_hours"}, "starts", "This is needed."),
    (
        "opt_out",
        {"wish": "no_contact", "starts": "09:00", "ends": "10:00"},
        "starts",
        "Choose “not in the hours below”, or leave this empty.",
    ),
    ("opt_out", {"wish": "no_address|"}, "address", "This is needed."),
    ("consent", {"kind": "hours", "evidence": "r"}, "starts", "This is needed."),
    (
        "payment",
        {"amount": "5", "payment_id": "a b"},
        "payment_id",
        "Only Latin letters, digits and _ . : / @ - are possible, without spaces.",
    ),
    ("payment", {"amount": "5", "payment_id": "p", "value_date": "2199-01-01"}, "value_date", "This day lies ahead."),
    ("withdraw", {"code": "opened_in_error", "why": "x"}, "sure", "Say that you are sure: this cannot be undone."),
    ("withdraw", {"code": "opened_in_error", "sure": "yes"}, "why", "Say why, in a few words without names and numbers."),
]
"""Forms, what is in them, the field that is wrong, and what is said there."""


@pytest.fixture
async def desk(ledger: Ledger, browser: Browser) -> Browser:
    """A supervisor at the page of a case whose borrower named a relative."""
    async with ledger.session() as session:
        session.add_all(person("R-1", "乙样本", zone="Asia/Shanghai", language="zh-CN"))
        await session.flush()
        session.add(RelationRow(loan_id=LOAN, person_id="R-1", role=Relation.EMERGENCY))
        session.add(point(None, "R-1", RELATIVES_NUMBER))
    await operator(ledger, "ming", Role.SUPERVISOR)
    await browser.get("/login")
    await browser.sign_in("ming")
    await browser.get(PAGE)
    return browser


async def rows(ledger: Ledger, table: type[R]) -> list[R]:
    async with ledger.reading() as session:
        return list(await session.exec(select(table)))


async def done(desk: Browser, form: str, **fields: str) -> str:
    """Send a form; the page that the browser is led to."""
    answer = await desk.send(PAGE, None, do=form, **fields)
    assert answer.status_code == 303, said(answer)
    return (await desk.get(answer.headers["location"].partition("#")[0])).text


async def refused(desk: Browser, form: str, **fields: str) -> httpx.Response:
    answer = await desk.send(PAGE, None, do=form, **fields)
    assert answer.status_code in (409, 422, 428, 503), answer.status_code
    return answer


def said(answer: httpx.Response) -> list[str]:
    """What the page says is wrong."""
    return re.findall(r'<p class="error"[^>]*>([^<]*)', answer.text) + re.findall(r'class="notice bad"[^>]*><p>([^<]*)', answer.text)


async def test_one_number_can_be_opted_out_by_its_id_and_opted_in_again(desk: Browser, ledger: Ledger) -> None:
    theirs = next(point for point in await rows(ledger, ContactPointRow) if point.person_id == "B-1")

    page = await done(desk, "opt_out", person_id="B-1", wish=f"no_address|{theirs.id}")
    (wish,) = await rows(ledger, WishRow)
    assert (wish.person_id, wish.kind, wish.contact_point_id, wish.withdrawn_at) == ("B-1", "no_address", theirs.id, None)
    assert NUMBER not in page
    assert f'value="no_address|{theirs.id}|B-1"' in page, "the wish can be taken back"

    page = await done(desk, "opt_in", wish=f"no_address|{theirs.id}|B-1")
    (wish,) = await rows(ledger, WishRow)
    assert wish.withdrawn_at is not None
    assert "No wish stands." in page
    assert [(row.actor, row.person_id) for row in await noted(ledger, Action.RECORD_WISH)] == [("ming", "B-1"), ("ming", "B-1")]


async def test_one_number_can_be_opted_out_as_the_borrower_says_it(desk: Browser, ledger: Ledger) -> None:
    await done(desk, "opt_out", wish="no_address|", address=NUMBER)
    (wish,) = await rows(ledger, WishRow)
    assert (wish.kind, wish.person_id) == ("no_address", "B-1")


async def test_a_number_that_is_not_theirs_is_refused_at_its_field_and_not_repeated_elsewhere(desk: Browser, ledger: Ledger) -> None:
    answer = await refused(desk, "opt_out", person_id="B-1", wish="no_address|", address=RELATIVES_NUMBER)
    assert said(answer) == ["The ledger has no such number or address of theirs. Write it as it was imported."]
    assert f'value="{RELATIVES_NUMBER}"' in answer.text, "what was typed stays"
    assert await rows(ledger, WishRow) == []


async def test_a_relatives_wish_is_written_down_as_theirs(desk: Browser, ledger: Ledger) -> None:
    await done(desk, "opt_out", person_id="R-1", wish="no_medium|sms")
    (wish,) = await rows(ledger, WishRow)
    assert (wish.person_id, wish.kind, wish.channel) == ("R-1", "no_medium", "sms")


async def test_a_wish_that_stands_already_is_said_so(desk: Browser, ledger: Ledger) -> None:
    await done(desk, "opt_out", wish="no_medium|sms")
    again = await desk.send(PAGE, {"hx-request": "true", "sec-fetch-site": "same-origin"}, do="opt_out", wish="no_medium|sms")
    assert "This wish stood already: nothing was changed." in again.text
    assert len(await rows(ledger, WishRow)) == 1


async def test_a_consent_is_given_until_a_day_and_taken_back(desk: Browser, ledger: Ledger) -> None:
    ends = (datetime.now(UTC) + timedelta(days=9)).date()
    page = await done(desk, "consent", kind="more_calls", channel="call", evidence="recording-4711", ends_on=str(ends))
    (given,) = await rows(ledger, ConsentRow)
    assert (given.kind, given.channel, given.withdrawn_at) == ("more_calls", "call", None)
    assert given.ends_at is not None
    assert given.ends_at > datetime.combine(ends, datetime.min.time(), UTC), "the day itself is within it, where the borrower lives"
    assert 'value="more_calls|call|B-1"' in page

    page = await done(desk, "take_back", consent="more_calls|call|B-1")
    (given,) = await rows(ledger, ConsentRow)
    assert given.withdrawn_at is not None
    assert "No consent counts." in page


async def test_what_is_wrong_is_said_in_plain_words_at_its_field(desk: Browser) -> None:
    page = (await desk.get(PAGE)).text
    for form, fields, field, says in WRONG:
        blank = dict.fromkeys(re.findall(rf'<(?:input|select)[^>]* id="{form}-\w+" name="(\w+)"', page), "")
        blank.pop("sure", None)

        answer = await refused(desk, form, **blank | fields)

        assert said(answer) == [says]
        found = re.search(rf'id="{form}-{field}"[^>]* aria-invalid="true"[^>]* autofocus', answer.text)
        assert found, f"the keyboard stands at the field {field} of {form}"


async def test_a_reason_that_looks_like_personal_data_is_refused_in_the_form(desk: Browser) -> None:
    fields = {"code": "opened_in_error", "other_code": "", "why": "call 13800001111", "sure": "yes"}
    answer = await refused(desk, "withdraw", **fields)
    assert said(answer) == ["This is too long, or looks like a phone number, an identity number or an e-mail address. Say it without."]
    answer = await refused(desk, "people", why="ask 13800001111")
    assert said(answer) == ["This is too long, or looks like a phone number, an identity number or an e-mail address. Say it without."]


async def test_while_the_case_does_not_answer_a_promise_stays_in_the_form_and_can_be_sent_again(desk: Browser) -> None:
    answer = await refused(desk, "promise", amount="50", due_on="2026-11-27", once="a" * 32)
    assert answer.status_code == 503
    assert said(answer) == ["The case does not answer just now, so nothing was done. Send the form again in a moment: it counts once."]
    assert 'value="50"' in answer.text
    assert "a" * 32 in answer.text, "sent again it is the same form"


async def test_a_hold_about_somebody_else_is_lifted_as_theirs(desk: Browser, ledger: Ledger) -> None:
    async with ledger.session() as session:
        session.add(HoldRow(loan_id=LOAN, person_id="R-1", reason="minor", placed_at=datetime.now(UTC), recorded_at=datetime.now(UTC)))
    page = (await desk.get(PAGE)).text
    assert 'value="minor|R-1"' in page

    await done(desk, "lift", hold="minor|R-1", why="they came of age")

    (held,) = await rows(ledger, HoldRow)
    assert held.lifted_at is not None


async def test_a_hold_that_somebody_lifted_meanwhile_is_said_so(desk: Browser) -> None:
    answer = await desk.send(
        PAGE, {"hx-request": "true", "sec-fetch-site": "same-origin"}, do="lift", hold="hardship|B-1", why="it was decided"
    )
    assert "This hold did not stand any more: nothing was changed." in answer.text
