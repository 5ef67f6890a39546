"""The case commands against a running installation without gateways. Nothing here depends on the hour at which it is run."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from arrears.sandbox.portfolio import Sample, sample
from tests.cli.conftest import eventually


def opened(arrears, on, loan_id: str) -> dict:
    assert arrears("case", "open", loan_id, *on, "--json").code == 0
    return eventually(lambda: (said := arrears("case", "show", loan_id, *on, "--json")).code == 0 and said.json)


def test_an_opened_case_says_where_it_stands_and_what_comes_next(arrears, on):
    view = opened(arrears, on, "L-1003")
    assert view["loan_id"] == "L-1003"
    assert view["case_id"] == "L-1003.1"
    assert view["days_past_due"] >= 1
    assert view["next"]
    assert "L-1003.1" in arrears("case", "show", "L-1003", *on).text


def test_opening_a_case_twice_joins_the_one_that_runs(arrears, on):
    first = arrears("case", "open", "L-1002", *on, "--json").json
    assert arrears("case", "open", "L-1002", *on, "--json").json == first


def test_a_loan_that_was_never_imported_is_refused_with_the_remedy(arrears, on):
    said = arrears("case", "open", "L-404", *on, "--json")
    assert said.code == 1
    assert said.json == {"problem": "loan L-404 is not in the ledger; import it first", "exit_code": 1}


def test_a_case_that_does_not_run_is_refused_with_the_remedy(arrears, on):
    said = arrears("case", "show", "L-1030", *on)
    assert said.code == 1
    assert "arrears case open L-1030" in said.text


def test_a_partial_payment_is_in_the_ledger_and_in_the_case(arrears, on):
    before = opened(arrears, on, "L-1004")
    after = arrears("case", "pay", "L-1004", "100", "cny", "--id", "PAY-1", *on, "--json").json
    assert float(after["owed"]) == float(before["owed"]) - 100
    again = arrears("case", "pay", "L-1004", "100", "cny", "--id", "PAY-1", "--received-at", "2026-01-01T10:00:00", *on)
    assert (again.code, "PAY-1" in again.text) == (1, True)
    timeline = arrears("case", "timeline", "L-1004", *on, "--json").json
    assert [e["text"] for e in timeline if e["kind"] == "payment"] == ["100.00 CNY received (payment PAY-1, by way of cli)"]


def test_paying_everything_overdue_cures_the_case(arrears, on):
    owed = opened(arrears, on, "L-1006")["owed"]
    arrears("case", "pay", "L-1006", owed, "CNY", *on)
    closed = eventually(lambda: (view := arrears("case", "show", "L-1006", *on, "--json").json)["outcome"] and view)
    assert closed["outcome"] == "cured"
    assert "L-1006" not in [c["loan_id"] for c in arrears("case", "list", *on, "--json").json]


def test_a_payment_without_a_running_case_stands_in_the_ledger(arrears, on):
    said = arrears("case", "pay", "L-1029", "5", "CNY", *on)
    assert said.code == 0
    assert "stands in the ledger; no case of loan L-1029 is running" in said.text


def test_a_payment_that_is_taken_back_is_owed_again(arrears, on):
    owed = opened(arrears, on, "L-1020")["owed"]
    arrears("case", "pay", "L-1020", "100", "CNY", "--id", "PAY-5", *on)
    for at in ("2026-11-01T10:00:00", "2026-11-01T10:00:00"):
        after = arrears("case", "reverse", "L-1020", "PAY-5", "--reason", "bounced", "--reversed-at", at, *on, "--json").json
        assert float(after["owed"]) == float(owed)
    other = arrears("case", "reverse", "L-1020", "PAY-5", "--reason", "mistake", *on)
    assert (other.code, "taken back at another instant" in other.text) == (1, True)
    unknown = arrears("case", "reverse", "L-1003", "PAY-5", "--reason", "bounced", *on)
    assert (unknown.code, "payment PAY-5 is not in the ledger for loan L-1003" in unknown.text) == (1, True)


def test_a_signal_is_left_and_counts(arrears, on):
    opened(arrears, on, "L-1007")
    assert arrears("case", "signal", "L-1007", "hold_placed", '{"reason": "complaint"}', *on).code == 0
    held = eventually(lambda: (view := arrears("case", "show", "L-1007", *on, "--json").json)["holds"] and view)
    assert (held["stage"], held["holds"]) == ("on_hold", ["complaint"])
    found = eventually(lambda: [c for c in arrears("case", "list", "--stage", "on_hold", *on, "--json").json if c["loan_id"] == "L-1007"])
    assert found[0]["held_for"] == "complaint"


def test_a_signal_is_checked_before_it_is_left(arrears, on):
    opened(arrears, on, "L-1008")
    for words, why in {
        ("hold_plcaed", "{}"): "no signal is called 'hold_plcaed'",
        ("hold_placed", "{"): "no JSON object",
        ("hold_placed", '{"reson": "complaint"}'): "unknown field reson",
        ("promise_made", '{"amount": "-1", "currency": "CNY", "due_on": "2026-01-01"}'): "amount",
    }.items():
        said = arrears("case", "signal", "L-1008", *words, *on, "--json")
        assert said.code == 2
        assert why in said.json["problem"]


def test_a_withdrawn_case_is_closed(arrears, on):
    opened(arrears, on, "L-1010")
    assert arrears("case", "withdraw", "L-1010", "--reason", "sold elsewhere", *on).code == 0
    closed = eventually(lambda: (view := arrears("case", "show", "L-1010", *on, "--json").json)["outcome"] and view)
    assert closed["outcome"] == "withdrawn"
    again = arrears("case", "withdraw", "L-1010", "--reason", "sold elsewhere", *on)
    assert again.code == 1


def test_an_old_book_starts_at_its_own_rung_and_fires_none_of_the_earlier_ones(arrears, on):
    view = opened(arrears, on, "L-1013")
    assert view["days_past_due"] >= 20
    earlier = [c for c in view["contacts"] if c["step"].startswith("first-call")]
    assert not [c for c in earlier if c["outcome"] not in ("skipped",)]


def test_an_import_can_open_the_cases_of_what_is_overdue(arrears, on, tmp_path):
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    rows = sample(today).rows
    overdue, later = (rows[n].model_copy(update={"loan_id": f"L-200{n}"}) for n in (1, 4))
    assert min(i.due_on for i in later.instalments) > today
    (tmp_path / "p.jsonl").write_text(Sample((overdue, later), ()).json_lines(), encoding="utf-8")
    said = arrears("import", str(tmp_path / "p.jsonl"), "--open", *on, "--json").json
    assert (said["written"]["loans"], said["opened"]) == (2, 1)
    assert eventually(lambda: arrears("case", "show", "L-2001", *on).code == 0)
    assert arrears("case", "show", "L-2004", *on).code == 1


def test_cases_are_listed_by_days_past_due(arrears, on):
    opened(arrears, on, "L-1013")
    opened(arrears, on, "L-1016")
    old = eventually(lambda: [c["loan_id"] for c in arrears("case", "list", "--days-past-due-from", "15", *on, "--json").json])
    assert old == ["L-1013"]
