"""Names, numbers and texts are shown to whom may read them and says why, each reading is written down, and erased people stay erased."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import select

from arrears.domain.access import Action
from arrears.domain.strategy import Role
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AttemptRow, SubjectKeyRow
from arrears.ledger.vault import Field
from tests.api.conftest import CALL, LOAN, Api, attempted
from tests.api.desk import machine, noted, operator
from tests.sealing import keys_of

NAME, NUMBER, TEXT = "测试", "+8613000000001", "您好, 您有一笔款项已到期"
WHY = "checks the number"


async def said(ledger: Ledger) -> None:
    """A text that was sent to the borrower."""
    await attempted(ledger)
    async with ledger.session() as session:
        row = await session.get_one(AttemptRow, CALL)
        row.text = keys_of("B-1").seal(("B-1", "B-1"), Field.TEXT, TEXT)
        session.add(row)


async def erased(ledger: Ledger) -> None:
    async with ledger.session() as session:
        for key in await session.exec(select(SubjectKeyRow)):
            key.wrapped_key, key.wrapped_by, key.destroyed_at, key.reason = None, None, datetime.now(UTC), "asked for"
            session.add(key)


async def test_who_may_and_says_why_reads_names_and_numbers_and_it_is_written_down(api: Api, ledger: Ledger):
    headers = await operator(ledger, "op-1", Role.COLLECTOR, reason=WHY)
    answer = await api.http.get(f"/v1/cases/{LOAN}/people", headers=headers)
    (shown,) = answer.json()["items"]
    assert (shown["person_id"], shown["role"], shown["name"], shown["erased"]) == ("B-1", "borrower", NAME, False)
    assert [point["address"] for point in shown["contact_points"]] == [NUMBER]
    (note,) = await noted(ledger, Action.READ_PERSON)
    assert (note.actor, note.loan_id, note.person_id, note.reason) == ("op-1", LOAN, "B-1", WHY)


async def test_who_may_reads_what_was_said_and_it_is_written_down(api: Api, ledger: Ledger):
    await said(ledger)
    headers = await operator(ledger, "op-1", Role.AUDITOR, reason=WHY)
    (shown,) = (await api.http.get(f"/v1/cases/{LOAN}/messages", headers=headers)).json()["items"]
    assert (shown["attempt_id"], shown["text"], shown["channel"]) == (CALL, TEXT, "call")
    (note,) = await noted(ledger, Action.READ_MESSAGES)
    assert (note.loan_id, note.person_id, note.reason, note.details) == (LOAN, "B-1", WHY, {"messages": 1})


async def test_nothing_personal_is_read_without_a_reason_or_by_an_admin(api: Api, ledger: Ledger):
    await said(ledger)
    silent = await operator(ledger, "op-1", Role.COLLECTOR, reason=None)
    admin = await operator(ledger, "op-2", Role.ADMIN)
    for path, action in (("people", Action.READ_PERSON), ("messages", Action.READ_MESSAGES)):
        asked = await api.http.get(f"/v1/cases/{LOAN}/{path}", headers=silent)
        refused = await api.http.get(f"/v1/cases/{LOAN}/{path}", headers=admin)
        assert (asked.status_code, refused.status_code) == (428, 403)
        assert not any(secret in answer.text for answer in (asked, refused) for secret in (NAME, NUMBER, TEXT))
        assert [note.allowed for note in await noted(ledger, action)] == [False]


async def test_of_erased_people_only_ids_are_left(api: Api, ledger: Ledger):
    await said(ledger)
    await erased(ledger)
    headers = await operator(ledger, "op-1", Role.COLLECTOR)
    (shown,) = (await api.http.get(f"/v1/cases/{LOAN}/people", headers=headers)).json()["items"]
    assert (shown["erased"], shown["name"], shown["contact_points"][0]["address"]) == (True, None, None)
    (message,) = (await api.http.get(f"/v1/cases/{LOAN}/messages", headers=headers)).json()["items"]
    assert (message["text"], message["content_hash"]) == (None, "0" * 64)


async def test_the_view_of_a_case_names_nobody(api: Api, ledger: Ledger):
    await said(ledger)
    headers = await machine(ledger, "reader", Action.READ_CASES)
    answer = await api.http.get(f"/v1/cases/{LOAN}", headers=headers)
    assert answer.status_code == 200
    assert not any(secret in answer.text for secret in (NAME, NUMBER, NUMBER[3:], TEXT))
    shown = answer.json()
    assert (shown["loan"]["borrower_id"], shown["case"]["case_id"], shown["running"]["state"]) == ("B-1", "L-1.1", "away")
    assert [contact["attempt_id"] for contact in shown["contacts"]] == [CALL]
