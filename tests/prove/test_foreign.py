"""A contact log that others wrote is judged by the same law, as far as it goes; what it does not say is said to be missing, and accuses nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrears.prove import judge
from arrears.prove.findings import Result
from arrears.prove.foreign import Kind, Reading, open_log

HEAD = "debt,person,event,instant,amount,channel,direction,outcome,party,point,agency,purpose\n"


def judged(tmp_path: Path, lines: str, *regimes: str, head: str = HEAD, reading: Reading | None = None, processes: int = 1) -> Result:
    path = tmp_path / "log.csv"
    path.write_text(head + lines, encoding="utf-8")
    log = open_log([path], reading or Reading(zone="Asia/Shanghai"), regimes or ("cn",))
    try:
        return judge.run(log.source, processes=processes)
    finally:
        log.source.close()


def broken(result: Result) -> set[tuple[str, str]]:
    return {(violation.contact_id, violation.rule) for violation in result.violations}


def test_quiet_hours_are_judged_to_the_second(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        "L-1,P-1,sms,2026-11-02 07:59:59\nL-1,P-1,sms,2026-11-02 08:00:00\nL-2,P-2,sms,2026-11-02 21:59:59\nL-2,P-2,sms,2026-11-02 22:00:00\n",
        head="debt,person,event,instant\n",
    )
    assert broken(found) == {("line 2", "CN-01"), ("line 5", "CN-01")}


def test_effective_calls_count_over_all_debts_and_agencies(tmp_path: Path) -> None:
    calls = [f"L-{n},P-1,call,2026-11-02 1{n}:00,,,out,answered,,,{'' if n % 2 else 'V-1'},\n" for n in range(4)]
    assert broken(judged(tmp_path, "".join(calls))) == {("line 5", "CN-02")}


def test_an_inbound_call_is_not_counted(tmp_path: Path) -> None:
    calls = [f"L-1,P-1,call,2026-11-02 1{n}:00,,,{'in' if n == 1 else 'out'},answered,,,,\n" for n in range(4)]
    found = judged(tmp_path, "".join(calls))
    assert broken(found) == set()
    assert found.coverage.counted_only == 1


def test_seven_calls_in_seven_days_and_a_week_after_a_conversation(tmp_path: Path) -> None:
    calls = [f"L-1,P-1,call,2026-11-0{n} 12:00,,,out,no answer,,,,\n" for n in range(1, 8)]
    eighth = "L-1,P-1,call,2026-11-07 15:00,,,out,no answer,,,,\n"
    talk = "L-2,P-2,call,2026-11-01 12:00,,,in,answered,,,,\nL-2,P-2,call,2026-11-07 12:00,,,out,busy,,,,\nL-2,P-2,call,2026-11-08 12:00,,,out,busy,,,,\n"
    found = judged(tmp_path, "".join(calls) + eighth + talk, "us", reading=Reading(zone="America/New_York"))
    assert broken(found) == {("line 9", "US-01"), ("line 11", "US-02")}


def test_a_call_without_an_outcome_accuses_nobody_of_a_conversation(tmp_path: Path) -> None:
    lines = "".join(f"L-1,P-1,call,2026-11-0{n} 12:00,\n" for n in range(1, 6))
    found = judged(tmp_path, lines, "us", "cn", head="debt,person,event,instant,amount\n", reading=Reading(zone="America/New_York"))
    assert broken(found) == set()


def test_contact_after_payment_needs_to_know_what_was_owed(tmp_path: Path) -> None:
    owed = "L-1,P-1,owed,2026-11-01 09:00,500.00\n"
    paid = "L-1,P-1,payment,2026-11-02 09:00,500.00\nL-1,P-1,sms,2026-11-02 10:00,\n"
    head = "debt,person,event,instant,amount\n"
    assert broken(judged(tmp_path, owed + paid, head=head)) == {("line 4", "AR-01")}
    untold = judged(tmp_path, paid, head=head)
    assert broken(untold) == set()
    assert untold.coverage.unjudged["AR-01", "instalments not known"] == 1


def test_a_partial_payment_leaves_something_to_ask_for(tmp_path: Path) -> None:
    lines = "L-1,P-1,owed,2026-11-01 09:00,500.00\nL-1,P-1,payment,2026-11-02 09:00,499.99\nL-1,P-1,sms,2026-11-02 10:00,\n"
    assert broken(judged(tmp_path, lines, head="debt,person,event,instant,amount\n")) == set()


def test_a_line_that_says_settled_is_enough(tmp_path: Path) -> None:
    lines = (
        "L-1,P-1,sms,2026-11-01 10:00\nL-1,P-1,payment,2026-11-01 12:00\nL-1,P-1,settled,2026-11-02 09:00\nL-1,P-1,sms,2026-11-02 10:00\n"
    )
    assert broken(judged(tmp_path, lines, head="debt,person,event,instant\n")) == {("line 5", "AR-01")}


def test_what_a_letter_costs_does_not_make_it_lawful(tmp_path: Path) -> None:
    lines = "L-1,Create Fine,2026-11-01,36.00,\nL-1,Payment,2026-11-02,36.00,\nL-1,Send Fine,2026-11-20,,11.00\n"
    found = judged(tmp_path, lines, "eu", head="case:concept:name,concept:name,time:timestamp,amount,expense\n")
    assert broken(found) == {("line 4", "AR-01")}


def test_a_day_without_hours_is_judged_by_the_day_only(tmp_path: Path) -> None:
    lines = "".join("L-1,P-1,call,2026-11-02,no answer\n" for _ in range(3)) + "L-1,P-1,payment,2026-11-02,\n"
    found = judged(tmp_path, lines, "cn", "us", head="debt,person,event,date,outcome\n")
    assert broken(found) == set()
    assert found.coverage.unjudged["hours", "time of day not known"] == 6


def test_a_payment_and_a_contact_on_one_day_without_hours_accuse_nobody(tmp_path: Path) -> None:
    lines = "L-1,P-1,owed,2026-11-01,500\nL-1,P-1,payment,2026-11-02,500\nL-1,P-1,sms,2026-11-02,\nL-1,P-1,sms,2026-11-03,\n"
    assert broken(judged(tmp_path, lines, head="debt,person,event,date,amount\n")) == {("line 5", "AR-01")}


def test_without_a_zone_hours_are_not_judged(tmp_path: Path) -> None:
    found = judged(tmp_path, "L-1,P-1,sms,2026-11-02T03:00:00Z\n", "us", head="debt,person,event,instant\n", reading=Reading())
    assert broken(found) == set()
    assert found.coverage.unjudged["hours", "time zone not known"] == 1


def test_an_opt_out_holds_for_its_channel_and_a_refusal_for_the_person(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        "L-1,P-1,opt_out,2026-11-01 09:00,,sms,,,,,,\n"
        "L-1,P-1,sms,2026-11-02 10:00,,,,,,,,\n"
        "L-1,P-1,email,2026-11-02 11:00,,,,,,,,\n"
        "L-1,R-1,call,2026-11-02 12:00,,,,refused,friend,,,relay\n"
        "L-2,P-1,sms,2026-11-03 10:00,,,,,,,,\n"
        "L-2,R-1,call,2026-11-03 12:00,,,,no answer,friend,,,relay\n",
    )
    assert ("line 3", "CN-16") in broken(found)
    assert ("line 4", "CN-16") not in broken(found)
    assert ("line 6", "CN-16") in broken(found), "it is the person's wish, on whichever debt"
    assert {("line 7", "CN-13")} <= broken(found)


def test_an_opt_out_that_was_withdrawn_counts_no_more(tmp_path: Path) -> None:
    lines = "L-1,P-1,opt_out,2026-11-01 09:00\nL-1,P-1,opt_in,2026-11-02 09:00\nL-1,P-1,sms,2026-11-02 10:00\n"
    assert broken(judged(tmp_path, lines, head="debt,person,event,instant\n")) == set()


@pytest.mark.parametrize(
    "event", ["dispute", "cease", "attorney", "bankruptcy", "deceased", "breathing space", "hardship", "incapacity", "hold"]
)
def test_nothing_leaves_while_something_holds(tmp_path: Path, event: str) -> None:
    lines = f"L-1,P-1,{event},2026-11-01 09:00\nL-1,P-1,sms,2026-11-02 10:00\n"
    assert broken(judged(tmp_path, lines, head="debt,person,event,instant\n")) == {("line 3", "AR-04")}


def test_an_answered_dispute_holds_no_more(tmp_path: Path) -> None:
    lines = "L-1,P-1,dispute,2026-11-01 09:00\nL-1,P-1,verification sent,2026-11-02 09:00\nL-1,P-1,sms,2026-11-02 10:00\n"
    assert broken(judged(tmp_path, lines, head="debt,person,event,instant\n")) == set()


def test_others_are_contacted_only_when_the_borrower_is_out_of_reach(tmp_path: Path) -> None:
    missed = "".join(f"L-1,P-1,call,2026-11-0{n} 10:00,,,,no answer,borrower,,,\n" for n in (1, 2, 3))
    friend = "L-1,R-1,call,2026-11-04 10:00,,,,relayed,friend,,,relay\n"
    assert broken(judged(tmp_path, missed + friend)) == set()
    answered = "L-1,P-1,call,2026-11-03 11:00,,,,answered,borrower,,,\n"
    assert broken(judged(tmp_path, missed + answered + friend)) == {("line 6", "CN-10")}
    asked_for_money = friend.replace("relay\n", "collect\n")
    assert ("line 5", "CN-08") in broken(judged(tmp_path, missed + asked_for_money))


def test_a_log_that_tells_of_placements_is_held_to_them(tmp_path: Path) -> None:
    lines = (
        "L-1,P-1,agency notice,2026-11-01 09:00,,,,,,,V-1,\n"
        "L-1,P-1,placement,2026-11-02 09:00,,,,,,,V-1,\n"
        "L-1,P-1,call,2026-11-03 10:00,,,,busy,,,V-1,\n"
        "L-2,P-2,placement,2026-11-02 09:00,,,,,,,V-1,\n"
        "L-3,P-3,call,2026-11-03 10:00,,,,busy,,,V-1,\n"
    )
    assert broken(judged(tmp_path, lines)) == {("line 5", "CN-44"), ("line 6", "CN-42")}


def test_the_law_of_several_places_applies_together(tmp_path: Path) -> None:
    found = judged(tmp_path, "L-1,P-1,call,2026-11-02 20:30\n", "cn", "us", "uk", "in", head="debt,person,event,instant\n")
    assert broken(found) == {("line 2", "IN-01")}


def test_a_word_that_the_caller_explains_is_taken_so(tmp_path: Path) -> None:
    reading = Reading(zone="Asia/Shanghai", events={"Touch": Kind.CALL, "*": Kind.NOTHING})
    found = judged(
        tmp_path, "L-1,P-1,Touch,2026-11-02 23:00\nL-1,P-1,Whatever,2026-11-02 23:00\n", head="debt,person,event,instant\n", reading=reading
    )
    assert broken(found) == {("line 2", "CN-01")}


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    lines = "".join(f"L-{n},P-{n},sms,2026-11-02 {n % 24:02}:00,,,,,,,,\n" for n in range(60))
    alone, together = judged(tmp_path, lines), judged(tmp_path, lines, processes=2)
    assert broken(alone) == broken(together)
    assert alone.coverage.reported == together.coverage.reported == 60


def test_ids_that_may_be_names_or_numbers_are_not_repeated(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        "L-1,Zhang San,sms,2026-11-02 23:00\n13812345678901,13812345678,sms,2026-11-02 23:00\n",
        head="debt,person,event,instant\n",
    )
    assert len(found.violations) == 2
    assert "Zhang" not in str(found.violations)
    assert "138123" not in str(found.violations)
