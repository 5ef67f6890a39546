"""Logs that others wrote: their columns, words, clocks and amounts are understood, and what is not is said without repeating it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from arrears.prove.foreign import ColumnsUnusable, DateOrder, ForeignLog, Kind, LogUnreadable, Reading, open_log
from arrears.prove.foreign.amounts import read_amount
from arrears.prove.foreign.clocks import zone_of_offsets
from arrears.prove.foreign.instants import NotAnInstant, order_of, read_instant
from arrears.prove.foreign.words import event, outcome
from arrears.prove.model import DebtorFile, instant, moment

SHANGHAI = ZoneInfo("Asia/Shanghai")


def log_of(tmp_path: Path, text: str, reading: Reading | None = None, name: str = "log.csv") -> tuple[ForeignLog, list[DebtorFile]]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    log = open_log([path], reading or Reading(zone="Asia/Shanghai"))
    try:
        return log, list(log.source.files())
    finally:
        log.source.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T10:30:00+08:00", "2026-11-21T02:30:00+00:00"),
        ("2026-11-21T02:30:00Z", "2026-11-21T02:30:00+00:00"),
        ("2005-03-23 00:00:00+01:00", "2005-03-22T23:00:00+00:00"),
        ("2011-10-11 13:45:40.276000+02:00", "2011-10-11T11:45:40.276000+00:00"),
        ("2026-11-21 10:30", "2026-11-21T02:30:00+00:00"),
        ("2026/11/21 10:30:05", "2026-11-21T02:30:05+00:00"),
        ("2026年11月21日 10:30", "2026-11-21T02:30:00+00:00"),
        ("21.11.2026 10:30", "2026-11-21T02:30:00+00:00"),
        ("21/11/2026 10:30:00 PM", "2026-11-21T14:30:00+00:00"),
        ("11/21/2026 12:05 AM", "2026-11-20T16:05:00+00:00"),
        ("21-Nov-2026 10:30", "2026-11-21T02:30:00+00:00"),
        ("Nov 21, 2026 10:30", "2026-11-21T02:30:00+00:00"),
        ("1795228200", "2026-11-21T02:30:00+00:00"),
        ("1795228200000", "2026-11-21T02:30:00+00:00"),
        ("1795228200.5", "2026-11-21T02:30:00.500000+00:00"),
    ],
)
def test_instants_are_read_as_people_and_programs_write_them(text: str, expected: str) -> None:
    assert read_instant(text, SHANGHAI).at == datetime.fromisoformat(expected)
    assert not read_instant(text, SHANGHAI).day_only


@pytest.mark.parametrize("text", ["2026-11-21", "20261121", "21.11.2026", "2026/11/21", "2026年11月21日"])
def test_a_date_alone_is_known_to_have_no_time_of_day(text: str) -> None:
    read = read_instant(text, SHANGHAI)
    assert read.day_only
    assert read.at == datetime(2026, 11, 20, 16, tzinfo=UTC)


def test_a_date_that_can_be_read_in_two_ways_is_not_guessed() -> None:
    with pytest.raises(NotAnInstant) as refused:
        read_instant("03/04/2026 10:00", SHANGHAI)
    assert "--dates" in refused.value.remedy
    assert read_instant("03/04/2026 10:00", SHANGHAI, DateOrder.DAY_FIRST).at.month == 4
    assert read_instant("03/04/2026 10:00", SHANGHAI, DateOrder.MONTH_FIRST).at.month == 3


def test_one_clear_date_tells_how_a_file_writes_the_others() -> None:
    assert order_of(["03/04/2026", "03/25/2026"]) is DateOrder.MONTH_FIRST
    assert order_of(["03/04/2026", "25/03/2026 10:00"]) is DateOrder.DAY_FIRST
    assert order_of(["2026-03-04", "03/04/2026"]) is None


def test_a_clock_without_an_offset_needs_a_zone() -> None:
    with pytest.raises(NotAnInstant) as refused:
        read_instant("2026-11-21 10:30")
    assert "--zone" in refused.value.remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.50", "1234.5"),
        ("1.234,50", "1234.5"),
        ("€ 35", "35"),
        ("35.0", "35"),
        ("(12.00)", "-12"),
        ("¥1,234", "1234"),
        ("586.77412", "586.7741"),
    ],
)
def test_amounts_are_read_exactly(text: str, expected: str) -> None:
    assert read_amount(text) == Decimal(expected)


def test_words_are_understood_by_the_table_or_by_what_is_in_them() -> None:
    assert [
        event(word).kind for word in ("Outbound_Call", "SMS sent", "Payment received", "PTP", "Send Fine", "拨打电话") if event(word)
    ] == [
        Kind.CALL,
        Kind.SMS,
        Kind.PAYMENT,
        Kind.PROMISE,
        Kind.LETTER,
        Kind.CALL,
    ]
    inbound = event("Inbound call")
    assert inbound is not None
    assert inbound.inbound
    assert event("Frobnicated") is None
    assert outcome("NO_ANSWER") == "no_answer"


@pytest.mark.parametrize(
    ("word", "became"),
    [
        ("call answered", "answered"),
        ("Outbound call - no answer", "no_answer"),
        ("call_busy", "busy"),
        ("电话 接通", "answered"),
        ("call", None),
    ],
)
def test_an_outcome_beside_a_channel_is_heard(word: str, became: str | None) -> None:
    meaning = event(word)
    assert meaning is not None
    assert (meaning.kind, meaning.outcome) == (Kind.CALL, became)


def test_the_plain_five_columns_are_enough(tmp_path: Path) -> None:
    log, [file] = log_of(
        tmp_path,
        "debt,person,event,instant,amount\n"
        "L-1,P-1,owed,2026-11-01T08:00:00+08:00,500.00\n"
        "L-1,P-1,call,2026-11-02T10:00:00+08:00,\n"
        "L-1,P-1,payment,2026-11-03T10:00:00+08:00,500.00\n",
    )
    assert (log.tally.lines, log.tally.refused) == (3, 0)
    [contact] = file.contacts
    assert (contact.contact_id, contact.channel, contact.loan_id, contact.person_id) == ("line 3", "call", "L-1", "P-1")
    [payment] = file.payments
    assert payment.amount == 5_000_000
    assert [i.amount for i in file.instalments] == [5_000_000]
    assert file.persons["P-1"].zone == "Asia/Shanghai"


def test_a_process_mining_log_is_understood_as_it_is(tmp_path: Path) -> None:
    log, [file] = log_of(
        tmp_path,
        "amount,case:concept:name,concept:name,expense,lifecycle:transition,paymentAmount,time:timestamp,totalPaymentAmount\n"
        "35.0,N1,Create Fine,,complete,,2005-03-23 00:00:00+01:00,0.0\n"
        ",N1,Send Fine,11.0,complete,,2005-07-22 00:00:00+02:00,\n"
        "71.5,N1,Add penalty,,complete,,2005-09-20 00:00:00+02:00,\n"
        ",N1,Payment,,complete,82.5,2005-10-20 00:00:00+02:00,82.5\n"
        ",N1,Insert Fine Notification,,complete,,2005-10-21 00:00:00+02:00,\n"
        + ",N1,Send Fine,,complete,,2005-11-22 00:00:00+01:00,\n"
        * 6,
        Reading(),
    )
    assert log.tally.refused == 0
    assert log.tally.day_only == 10, "all clocks show midnight, so nobody wrote a time of day"
    assert [i.amount for i in file.instalments] == [350_000, 110_000, 365_000], "a penalty that is larger than the debt holds the debt"
    assert sum(p.amount for p in file.payments) == 825_000
    assert [c.channel for c in file.contacts] == ["letter"] * 7
    assert file.persons[file.borrower_id].zone == "Europe/Berlin"


def test_a_dialler_export_is_understood_as_it_is(tmp_path: Path) -> None:
    _, [file] = log_of(
        tmp_path,
        "call_id,account_id,event_at,direction,vendor_id,call_status,timezone,borrower_id\n"
        "C1,ACC1,2026-07-15 15:36:22,OUTBOUND,V-1,NO_ANSWER,Asia/Dubai,BRW1\n"
        "C2,ACC1,2026-07-15 16:36:22,INBOUND,V-1,ANSWERED,Asia/Dubai,BRW1\n",
        Reading(),
    )
    first, second = file.contacts
    assert (first.channel, first.outcome, first.by, first.direction) == ("call", "no_answer", "V-1", "out")
    assert (second.outcome, second.direction) == ("answered", "in")
    assert moment(first.at) == datetime(2026, 7, 15, 11, 36, 22, tzinfo=UTC)
    assert file.persons["BRW1"].zone == "Asia/Dubai"


def test_json_lines_and_compressed_files_are_read(tmp_path: Path) -> None:
    lines = [
        {"loan_no": "L-1", "who": {"id": "P-1"}, "what": "call", "at": "2026-11-02T10:00:00+08:00", "result": "busy"},
        {"loan_no": "L-1", "who": {"id": "P-1"}, "what": "PTPX", "at": "2026-11-02T11:00:00+08:00"},
    ]
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    said = Reading(columns={"debt": "loan_no", "person": "who.id", "event": "what"}, events={"PTPX": Kind.PROMISE})
    log = open_log([path], said)
    [file] = log.source.files()
    log.source.close()
    assert [c.outcome for c in file.contacts] == ["busy"]
    assert [s.kind for s in file.signs] == ["promise"]


XES = """<?xml version="1.0" encoding="UTF-8" ?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <global scope="event"><string key="concept:name" value="name"/></global>
  <trace>
    <string key="concept:name" value="A1"/>
    <event>
      <string key="concept:name" value="Create Fine"/><float key="amount" value="36.0"/>
      <date key="time:timestamp" value="2006-07-24T00:00:00.000+02:00"/>
    </event>
    <event>
      <string key="concept:name" value="Send Fine"><string key="inner" value="ignored"/></string>
      <date key="time:timestamp" value="2006-12-05T00:00:00.000+01:00"/>
    </event>
  </trace>
</log>
"""


@pytest.mark.parametrize("name", ["fines.xes", "fines.xes.gz"])
def test_event_logs_in_xes_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(XES.encode()) if name.endswith(".gz") else XES.encode())
    log = open_log([path], Reading())
    [file] = log.source.files()
    log.source.close()
    assert [c.channel for c in file.contacts] == ["letter"]
    assert [i.amount for i in file.instalments] == [360_000]
    assert set(file.loans) == {"A1"}


@pytest.mark.parametrize("text", ["<log><trace>", '<!DOCTYPE l [<!ENTITY a "b">]><log/>'])
def test_broken_and_hostile_xml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LogUnreadable, match="no event log"):
        log_of(tmp_path, text, name="log.xes")


def test_a_bad_line_is_named_with_its_remedy_and_never_repeated(tmp_path: Path) -> None:
    log, files = log_of(
        tmp_path,
        "debt,person,event,instant,amount,zone\n"
        ",P-1,call,2026-11-02T10:00:00+08:00,,\n"
        "L-1,P-1,call,someday 13812345678,,\n"
        "L-1,P-1,payment,2026-11-02T10:00:00+08:00,Zhang San,\n"
        "L-1,P-1,call,2026-11-02 10:00,,Mars/Base\n"
        'L-1,P-1,call,2026-11-02 10:00,,,"Zhang San"\n'
        "L-1,P-1,call,2026-11-02 11:00,,\n",
    )
    assert [(p.line, p.field) for p in log.tally.problems] == [(2, "debt"), (3, "at"), (4, "amount"), (5, "zone"), (6, "line")]
    assert all(p.remedy for p in log.tally.problems)
    assert "Zhang" not in str(log.tally.problems)
    assert "138" not in str(log.tally.problems)
    assert [c.contact_id for file in files for c in file.contacts] == ["line 7"]


def test_an_unknown_word_is_counted_and_nothing_is_concluded_from_it(tmp_path: Path) -> None:
    log, files = log_of(tmp_path, "debt,person,event,instant\nL-1,P-1,Frobnicated,2026-11-02T10:00:00+08:00\n")
    assert log.tally.unknown == {("event", "Frobnicated"): 1}
    assert files == []


def test_what_happened_is_put_in_order_whatever_the_order_of_the_lines(tmp_path: Path) -> None:
    _, files = log_of(
        tmp_path,
        "debt,person,event,instant\n"
        "L-2,P-2,call,2026-11-05 10:00\nL-1,P-1,call,2026-11-04 10:00\nL-2,P-2,call,2026-11-01 10:00\nL-1,P-1,call,2026-11-02 10:00\n",
    )
    assert [[moment(c.at).day for c in file.contacts] for file in files] == [[2, 4], [1, 5]]


def test_a_persons_contacts_over_somebody_elses_debt_are_in_both_files(tmp_path: Path) -> None:
    _, files = log_of(
        tmp_path,
        "debt,person,event,instant,party,outcome\n"
        "L-1,P-1,call,2026-11-01 10:00,borrower,no answer\n"
        "L-1,R-1,call,2026-11-02 10:00,friend,refused\n"
        "L-2,P-2,call,2026-11-01 10:00,borrower,no answer\n"
        "L-2,R-1,call,2026-11-03 10:00,friend,no answer\n",
    )
    by_borrower = {file.borrower_id: file for file in files}
    assert sorted(c.contact_id for c in by_borrower["P-2"].contacts) == ["line 3", "line 4", "line 5"]
    assert set(by_borrower["P-2"].loans) == {"L-2"}
    [tie] = by_borrower["P-1"].ties
    assert (tie.role, tie.person_id) == ("contact", "R-1")
    assert tie.refused_at == instant(datetime(2026, 11, 2, 2, tzinfo=UTC))


def test_offsets_beside_the_times_tell_the_zone_if_one_fits() -> None:
    winter, summer = instant(datetime(2005, 1, 5, tzinfo=UTC)), instant(datetime(2005, 7, 5, tzinfo=UTC))
    assert zone_of_offsets([(winter, 60), (summer, 120)]) == "Europe/Berlin"
    assert zone_of_offsets([(winter, 120), (summer, 60)]) is None
    assert zone_of_offsets([(winter, 480)]) == "Etc/GMT-8"
    assert zone_of_offsets([(winter, 330)]) == "Asia/Kolkata"
    assert zone_of_offsets([(winter, 0)]) is None, "UTC is what programs write that know no zone"


def test_files_that_are_no_log_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LogUnreadable, match="empty"):
        log_of(tmp_path, "")
    with pytest.raises(ColumnsUnusable, match="--column debt="):
        log_of(tmp_path, "colour,size\nred,3\n")


def test_the_temporary_file_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    log_of(tmp_path, "debt,person,event,instant\nL-1,P-1,call,2026-11-02 10:00\n")
    assert list((tmp_path / "temporary").iterdir()) == []
