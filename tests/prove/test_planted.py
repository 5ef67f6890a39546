"""Whoever changes a lawful ledger is found: by the law, by another record of the same contacts, and by `arrears prove` as a whole.

Each test changes one thing in a ledger that passes, past everything that guards it, and says who must object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from arrears.cli.main import run
from arrears.ledger.rechain import genesis
from arrears.prove.report import Report
from tests.prove.raw import HASH, RawLedger, approve, contact, verdict
from tests.prove.scenes import at

State = Literal["whole", "broken", "absent"]
Plant = Callable[[RawLedger], object]

SENT = (
    "key,channel,sent_at,count\n"
    "L.1/call-16,voice,2026-11-16T10:00:00+08:00,1\nL.1/call-17,voice,2026-11-17T10:00:00+08:00,1\nL.1/call-18,voice,2026-11-18T10:00:00+08:00,1\n"
    "L.1/sister,sms,2026-11-19T10:00:00+08:00,1\nL.1/text,sms,2026-11-20T10:00:00+08:00,1\n"
)


@pytest.fixture
def ledger(settled: RawLedger) -> RawLedger:
    """Three failed calls on three days, an approved message to the sister, a text to the borrower: all lawful."""
    for day in (16, 17, 18):
        contact(settled, f"L.1/call-{day}", f"2026-11-{day} 10:00", "call")
    approve(settled, "2026-11-19 09:00")
    contact(settled, "L.1/sister", "2026-11-19 10:00", person="B-sister", point=2, approval_id="A")
    contact(settled, "L.1/text", "2026-11-20 10:00")
    chain_anew(settled)
    # A forger's tool asks for no constraint.
    settled.run("PRAGMA ignore_check_constraints = ON")
    settled.run("PRAGMA foreign_keys = OFF")
    return settled


def chain_anew(ledger: RawLedger) -> None:
    """What a forger does who can rewrite everything: a new chain over the rows as they are now."""

    def again(connection: Connection) -> None:
        connection.execute(text("DELETE FROM records"))
        connection.execute(text("DELETE FROM chain_heads"))
        genesis(connection)

    async def rewrite() -> None:
        engine = create_async_engine(ledger.url)
        async with engine.begin() as connection:
            await connection.run_sync(again)
        await engine.dispose()

    asyncio.run(rewrite())


@dataclass(frozen=True)
class Proof:
    """How the command ended, and what it found."""

    code: int
    violations: set[tuple[str, str]]
    disagreements: set[tuple[str, str]]
    chain: State
    head: str | None
    breaks: set[str | None]


def proved(ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str], head: str | None = None) -> Proof:
    sent = tmp_path / "sent.csv"
    sent.write_text(SENT)
    capsys.readouterr()
    code = run(["prove", "--ledger", ledger.url, "--export", str(sent), *(["--head", head] if head else []), "--json"])
    found = Report.model_validate_json(capsys.readouterr().out)
    assert found.chain is not None
    return Proof(
        code,
        {(v.contact, v.rule) for v in found.violations},
        {(f.key, f.what) for check in found.cross_checks for f in check.findings},
        found.chain.state,
        found.chain.head,
        {one.table for one in found.chain.breaks},
    )


def sql(statement: str, *values: object) -> Plant:
    return lambda ledger: ledger.run(statement, *values)


def text_at(when: str) -> Plant:
    return sql("UPDATE attempts SET reserved_at = ?, sent_at = ?, settled_at = ? WHERE id = 'L.1/text'", *[at(when)] * 3)


LAW: dict[str, tuple[Plant, set[tuple[str, str]]]] = {
    "a quiet hour": (text_at("2026-11-20 22:00"), {("L.1/text", "CN-01")}),
    "the last second before the morning": (text_at("2026-11-21 07:59:59"), {("L.1/text", "CN-01")}),
    "a person who opted out of everything": (
        lambda ledger: ledger.add("wishes", id=1, person_id="B", kind="no_contact", at=at("2026-11-20 09:00")),
        {("L.1/text", "CN-16")},
    ),
    "an address that was opted out": (
        lambda ledger: ledger.add("wishes", id=1, person_id="B", kind="no_address", contact_point_id=1, at=at("2026-11-20 09:00")),
        {("L.1/text", "CN-16")},
    ),
    "hours that do not suit": (
        lambda ledger: ledger.add("wishes", id=1, person_id="B", kind="no_hours", starts="09:00", ends="12:00", at=at("2026-11-20 09:00")),
        {("L.1/text", "CN-16")},
    ),
    "a relative who had refused": (sql("UPDATE relations SET refused_at = ?", at("2026-11-19 09:00")), {("L.1/sister", "CN-13")}),
    "a relative without an approval": (
        sql("UPDATE attempts SET approval_id = NULL WHERE id = 'L.1/sister'"),
        {("L.1/sister", "AR-02"), ("L.1/sister", "PR-03")},
    ),
    "an approval by whoever asked for it": (sql("UPDATE approvals SET requested_by = 'sue'"), {("L.1/sister", "AR-02")}),
    "an approval that nobody decided": (
        sql("UPDATE approvals SET decided_by = NULL, decided_at = NULL, state = 'open'"),
        {("L.1/sister", "AR-02")},
    ),
    "an approval that was refused": (sql("UPDATE approvals SET state = 'denied'"), {("L.1/sister", "AR-02")}),
    "an approval by somebody of another role": (sql("UPDATE operators SET role = 'collector'"), {("L.1/sister", "AR-02")}),
    "an approval by nobody we know": (sql("UPDATE approvals SET decided_by = 'ghost'"), {("L.1/sister", "AR-02")}),
    "an approval that had expired": (
        sql("UPDATE approvals SET decided_at = ?, asked_at = ?", at("2026-11-12 09:59"), at("2026-11-12 00:00")),
        {("L.1/sister", "AR-02")},
    ),
    "an approval after its deadline": (sql("UPDATE approvals SET deadline = ?", at("2026-11-19 08:00")), {("L.1/sister", "AR-02")}),
    "an approval of another text": (sql("UPDATE approval_persons SET content_hash = ?", HASH), {("L.1/sister", "AR-02")}),
    "an approval of somebody else": (sql("UPDATE approval_persons SET person_id = 'B'"), {("L.1/sister", "AR-02")}),
    "a relative asked for money": (
        sql("UPDATE attempts SET purpose = 'collect' WHERE id = 'L.1/sister'"),
        {("L.1/sister", "CN-08"), ("L.1/sister", "AR-02")},
    ),
    "a relative told of the debt": (
        sql("UPDATE attempts SET klass = 'collect' WHERE id = 'L.1/sister'"),
        {("L.1/sister", "CN-12")},
    ),
    "a stranger": (sql("DELETE FROM relations"), {("L.1/sister", "CN-14")}),
    "a borrower who was within reach": (
        sql("UPDATE attempts SET outcome = 'answered_delaying' WHERE id = 'L.1/call-18'"),
        {("L.1/sister", "CN-10")},
    ),
    "a verdict that is gone": (sql("DELETE FROM verdicts WHERE attempt_id = 'L.1/text'"), {("L.1/text", "PR-01")}),
    "a verdict that said wait": (
        sql("UPDATE verdicts SET verdict = 'defer' WHERE attempt_id = 'L.1/text'"),
        {("L.1/text", "PR-02")},
    ),
    "a verdict that was forged afterwards": (
        sql("UPDATE verdicts SET decided_at = ? WHERE attempt_id = 'L.1/text'", at("2026-11-20 10:00:01")),
        {("L.1/text", "PR-01")},
    ),
    "a verdict on another case": (sql("UPDATE verdicts SET case_id = 'X.1' WHERE attempt_id = 'L.1/text'"), {("L.1/text", "PR-03")}),
    "a contact without a slot": (
        sql("UPDATE attempts SET reserved_at = ? WHERE id = 'L.1/text'", at("2026-11-20 10:00:01")),
        {("L.1/text", "PR-04")},
    ),
    "a hold": (
        lambda ledger: ledger.add(
            "holds", id=1, case_id="L.1", loan_id="L", reason="deceased", placed_at=at("2026-11-20 09:00"), recorded_at=at("2026-11-20 09:00")
        ),
        {("L.1/text", "AR-04")},
    ),
    "a message too many": (
        lambda ledger: [contact(ledger, f"L.1/more-{n}", f"2026-11-20 1{n}:30") for n in (1, 2)],
        {("L.1/more-2", "CN-07")},
    ),
    "a placement with an agency that is not listed, without a notice": (
        lambda ledger: (
            ledger.add(
                "referrals", id="L.1/agency", case_id="L.1", loan_id="L", step="a", target="agency", agency="swift", state="sent",
                sent_at=at("2026-11-25 10:00"),
            ),
            verdict(ledger, "L.1/agency", "2026-11-25 10:00", person=None),
        ),
        {("L.1/agency", "CN-44"), ("L.1/agency", "CN-45")},
    ),
}  # fmt: skip


def test_the_ledger_without_a_plant_is_clean(ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = proved(ledger, tmp_path, capsys)
    assert (found.code, found.violations, found.disagreements, found.chain) == (0, set(), set(), "whole")
    assert proved(ledger, tmp_path, capsys, found.head).code == 0


@pytest.mark.parametrize("planted", LAW)
def test_the_law_objects_even_if_the_chain_was_made_anew(
    ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str], planted: str
) -> None:
    plant, expected = LAW[planted]
    plant(ledger)
    chain_anew(ledger)
    found = proved(ledger, tmp_path, capsys)
    assert (found.code, found.chain) == (1, "whole")
    assert expected <= found.violations
    assert {contact for contact, _ in found.violations} == {contact for contact, _ in expected}, "nothing else is accused"


@pytest.mark.parametrize("planted", LAW)
def test_the_chain_objects_if_it_was_not(ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str], planted: str) -> None:
    LAW[planted][0](ledger)
    found = proved(ledger, tmp_path, capsys)
    assert (found.code, found.chain) == (1, "broken")
    assert found.breaks - {"chain_heads"}, "it says in which table"


def test_a_published_head_gives_a_chain_that_was_made_anew_away(
    ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = proved(ledger, tmp_path, capsys).head
    ledger.run("UPDATE attempts SET outcome = 'busy' WHERE id = 'L.1/call-17'")
    chain_anew(ledger)
    assert proved(ledger, tmp_path, capsys).code == 0, "lawful, whole, and not what it was"
    found = proved(ledger, tmp_path, capsys, published)
    assert (found.code, found.chain) == (1, "broken")


def test_a_ledger_that_lost_its_chain_is_not_clean(ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published = proved(ledger, tmp_path, capsys).head
    ledger.run("DROP TABLE records")
    assert (proved(ledger, tmp_path, capsys).code, proved(ledger, tmp_path, capsys).chain) == (1, "broken")
    assert proved(ledger, tmp_path, capsys, published).chain == "broken"


RECORDS: dict[str, tuple[Plant, set[tuple[str, str]]]] = {
    "a contact that was taken out of the ledger": (
        lambda ledger: [ledger.run("DELETE FROM attempts WHERE id = 'L.1/text'"), ledger.run("DELETE FROM verdicts WHERE attempt_id = 'L.1/text'")],
        {("L.1/text", "not in the ledger")},
    ),
    "a contact that was made to look cancelled": (
        sql("UPDATE attempts SET state = 'cancelled', outcome = NULL, sent_at = NULL WHERE id = 'L.1/text'"),
        {("L.1/text", "left all the same")},
    ),
    "a contact that was made up": (
        lambda ledger: contact(ledger, "L.1/made-up", "2026-11-19 15:00", klass="collect"),
        {("L.1/made-up", "not sent")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("planted", RECORDS)
def test_what_no_law_can_see_the_providers_record_shows(
    ledger: RawLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str], planted: str
) -> None:
    plant, expected = RECORDS[planted]
    plant(ledger)
    chain_anew(ledger)
    found = proved(ledger, tmp_path, capsys)
    assert (found.code, found.chain) == (1, "whole")
    assert found.disagreements == expected
