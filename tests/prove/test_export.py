"""What a provider says it sent against the ledger: everything that left is in it exactly once, and nothing else left."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arrears.domain.outcome import Outcome
from arrears.prove.export import compare
from arrears.prove.foreign import LogUnreadable
from arrears.prove.report import CrossCheck
from arrears.sandbox.record import Order, Record
from tests.prove.raw import RawLedger, contact

HEAD = "key,channel,sent_at,count\n"
TEXT = "L.1/text,sms,2026-11-20T10:00:00+08:00,1\n"
CALL = "L.1/call,voice,2026-11-21T10:00:00+08:00,1\n"


@pytest.fixture
def ledger(settled: RawLedger) -> RawLedger:
    contact(settled, "L.1/text", "2026-11-20 10:00")
    contact(settled, "L.1/call", "2026-11-21 10:00", "call")
    return settled


def compared(ledger: RawLedger, tmp_path: Path, text: str, name: str = "sent.csv") -> CrossCheck:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return compare(ledger.url, path)


def found(check: CrossCheck) -> set[tuple[str, str]]:
    return {(finding.what, finding.key) for finding in check.findings}


def test_both_agree(ledger: RawLedger, tmp_path: Path) -> None:
    check = compared(ledger, tmp_path, HEAD + TEXT + CALL)
    assert (check.compared, found(check), check.notes) == (2, set(), ())


def test_json_lines_are_read_too(ledger: RawLedger, tmp_path: Path) -> None:
    lines = [{"key": "L.1/text", "channel": "sms", "sent_at": "2026-11-20T02:00:00Z"}, {"key": "L.1/call", "channel": "call", "count": 1}]
    assert found(compared(ledger, tmp_path, "\n".join(json.dumps(line) for line in lines), "sent.jsonl")) == set()


def test_what_left_and_is_not_in_the_ledger_is_found(ledger: RawLedger, tmp_path: Path) -> None:
    ledger.run("DELETE FROM attempts WHERE id = 'L.1/text'")
    assert found(compared(ledger, tmp_path, HEAD + TEXT + CALL)) == {("not in the ledger", "L.1/text")}


def test_what_left_twice_is_found(ledger: RawLedger, tmp_path: Path) -> None:
    assert found(compared(ledger, tmp_path, HEAD + TEXT.replace(",1\n", ",2\n") + CALL)) == {("left more than once", "L.1/text")}
    assert found(compared(ledger, tmp_path, HEAD + TEXT + TEXT + CALL)) == {("left more than once", "L.1/text")}


def test_what_the_provider_never_sent_is_found(ledger: RawLedger, tmp_path: Path) -> None:
    other = "L.1/other,sms,2026-11-20T10:00:00+08:00,0\n"
    assert found(compared(ledger, tmp_path, HEAD + other + CALL)) == {("not sent", "L.1/text")}


def test_an_export_of_one_channel_says_nothing_of_the_others(ledger: RawLedger, tmp_path: Path) -> None:
    assert found(compared(ledger, tmp_path, HEAD + TEXT)) == set()


def test_an_export_of_some_days_says_nothing_of_the_others(ledger: RawLedger, tmp_path: Path) -> None:
    contact(ledger, "L.1/before", "2026-11-10 10:00")
    assert found(compared(ledger, tmp_path, HEAD + TEXT + CALL)) == set()


def test_a_cancelled_attempt_that_left_all_the_same_is_found(ledger: RawLedger, tmp_path: Path) -> None:
    ledger.run("UPDATE attempts SET state = 'cancelled', outcome = NULL, sent_at = NULL WHERE id = 'L.1/text'")
    assert found(compared(ledger, tmp_path, HEAD + TEXT + CALL)) == {("left all the same", "L.1/text")}


def test_a_referral_and_its_recall_are_known(ledger: RawLedger, tmp_path: Path) -> None:
    ledger.add("referrals", id="L.1/agency.1", case_id="L.1", loan_id="L", step="agency", target="lawyer", state="sent")
    lines = "L.1/agency.1,legal,2026-11-22T10:00:00Z,1\nL.1/agency.1/recall,legal,2026-11-23T10:00:00Z,1\n"
    assert found(compared(ledger, tmp_path, HEAD + TEXT + CALL + lines)) == set()


def test_a_line_that_cannot_be_read_is_named(ledger: RawLedger, tmp_path: Path) -> None:
    check = compared(ledger, tmp_path, HEAD + TEXT + CALL + ",sms,2026-11-20T10:00:00Z,1\nL.1/x,sms,someday,1\n")
    assert "2 lines" in check.notes[0]
    assert "line 4" in check.notes[0]


def test_the_sandboxs_record_is_an_export(ledger: RawLedger, tmp_path: Path) -> None:
    record = Record(tmp_path / "world.db")
    at = datetime(2026, 11, 20, 2, tzinfo=UTC)
    for key, gateway in (("L.1/text", "sms"), ("L.1/call", "voice"), ("L.1/secret", "sms")):
        record.add_order(
            Order.model_validate(
                {
                    "key": key, "gateway": gateway, "loan_id": "L", "whom": None, "sent_to": None, "requested_at": at, "outcome": Outcome.DELIVERED,
                    "ended_at": at, "ends_at": 0.0, "gateway_ref": "r", "body": "{}",
                }
            )
        )  # fmt: skip
    record.close()
    check = compare(ledger.url, tmp_path / "world.db")
    assert (check.compared, found(check)) == (3, {("not in the ledger", "L.1/secret")})


def test_another_file_is_refused(ledger: RawLedger, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE x (y)").connection.commit()
    with pytest.raises(LogUnreadable, match="sandbox"):
        compare(ledger.url, tmp_path / "other.db")
    with pytest.raises(LogUnreadable, match="column key"):
        compared(ledger, tmp_path, "name,colour\na,red\n")
