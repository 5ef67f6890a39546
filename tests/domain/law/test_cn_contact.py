"""Mainland China: when and how often, at the boundary second."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.domain.outcome import Outcome
from arrears.domain.verdict import Effect
from tests.domain.law.chinese import CN, NEXT_MORNING, agency, effect, finding
from tests.domain.law.situations import called, document, missed_calls, shanghai, situation, to_relative

CALL: dict[str, Any] = {"action__channel": "call"}
ZONES = st.sampled_from(["Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo"])
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(ZoneInfo("UTC")))  # noqa: DTZ001


@pytest.mark.parametrize("rule", CN.terms)
@pytest.mark.parametrize("ordinary", [document(), document(**CALL), to_relative()], ids=["text", "call", "relative"])
def test_an_ordinary_contact_breaks_no_rule(rule: str, ordinary: dict[str, Any]) -> None:
    assert finding(rule, ordinary) is None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-18T07:59:59", "2026-11-18T08:00"),
        ("2026-11-18T08:00:00", None),
        ("2026-11-18T21:59:59", None),
        ("2026-11-18T22:00:00", NEXT_MORNING),
        ("2026-11-18T23:59:59", NEXT_MORNING),
        ("2026-11-19T00:00:00", NEXT_MORNING),
    ],
)
@pytest.mark.parametrize("channel", ["call", "sms", "email", "in_app", "letter", "visit"])
def test_cn_01_contact_begins_between_eight_and_ten_at_night(at: str, until: str | None, channel: str) -> None:
    found = finding("CN-01", situation(at=f"{at}+08:00", action__channel=channel))
    assert (found.until if found else None) == (shanghai(until) if until else None)


@given(INSTANTS, ZONES)
def test_cn_01_holds_on_every_day_in_every_zone(now: datetime, zone: str) -> None:
    found = finding("CN-01", situation(at=now.isoformat(), people__zone=zone))
    local = now.astimezone(ZoneInfo(zone)).time()
    assert (found is None) == (time(8) <= local < time(22))
    if found:
        assert found.until is not None
        assert found.until.astimezone(ZoneInfo(zone)).time() == time(8)
        assert timedelta(0) < found.until - now <= timedelta(hours=12)


def test_cn_01_the_recipients_zone_counts_and_not_the_borrowers() -> None:
    given = to_relative(at="2026-11-18T09:00:00+08:00")
    given["people"][1]["zone"] = "Asia/Tokyo"
    assert effect("CN-01", given) is None
    given["people"][1]["zone"] = "Europe/London"
    assert effect("CN-01", given) is Effect.DEFER


def agreed(**more: Any) -> dict[str, Any]:
    hours = {"start": "22:00", "end": "23:00"}
    return {"consent_id": "k", "kind": "hours", "given_at": "2026-11-01T10:00:00+08:00", "hours": hours} | more


@pytest.mark.parametrize(
    ("consent", "allowed"),
    [
        (agreed(), True),
        (agreed(channel="sms"), True),
        (agreed(channel="call"), False),
        (agreed(ends_at="2026-11-18T22:30:00+08:00"), False),
        (agreed(ends_at="2026-11-18T22:30:01+08:00"), True),
        (agreed(withdrawn_at="2026-11-18T22:30:00+08:00"), False),
        (agreed(given_at="2026-11-18T22:30:01+08:00"), False),
    ],
)
def test_cn_01_hours_that_they_agreed_to_are_open_while_the_agreement_stands(consent: dict[str, Any], allowed: bool) -> None:
    given = situation(at="2026-11-18T22:30:00+08:00", people__consents=[consent])
    assert (effect("CN-01", given) is None) is allowed


def test_cn_01_an_agreement_of_the_borrowers_does_not_wake_their_relative() -> None:
    given = to_relative(at="2026-11-18T22:30:00+08:00")
    given["people"][0]["consents"] = [agreed()]
    assert effect("CN-01", given) is Effect.DEFER


EFFECTIVE = {o for o in Outcome if o.startswith("answered")} | {Outcome.RELAYED, Outcome.RELATIVE_REFUSED, Outcome.UNKNOWN}


@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_cn_02_what_was_or_may_have_been_a_conversation_counts(outcome: Outcome | None) -> None:
    calls = [called("c1", "2026-11-18T09:00", "answered"), called("c2", "2026-11-18T10:00", "answered")]
    found = finding("CN-02", situation(**CALL, history=[*calls, called("c3", "2026-11-18T11:00", outcome)]))
    assert (found is not None) == (outcome in EFFECTIVE or outcome is None)


@pytest.mark.parametrize(
    ("at", "of_today"), [("2026-11-17T23:59", False), ("2026-11-18T00:00", True), ("2026-11-18T12:00", True), ("2026-11-18T12:01", False)]
)
def test_cn_02_the_calendar_day_is_the_recipients(at: str, of_today: bool) -> None:
    calls = [called("c1", "2026-11-18T09:00", "answered"), called("c2", "2026-11-18T10:00", "answered")]
    found = finding("CN-02", situation(**CALL, history=[*calls, called("c3", at, "answered")]))
    assert (found.until if found else None) == (shanghai("2026-11-19T00:00") if of_today else None)


@given(
    st.lists(st.tuples(INSTANTS, st.sampled_from([*Outcome, None]), st.sampled_from(["lender", "north", "south"])), max_size=9),
    INSTANTS,
    ZONES,
)
def test_cn_02_never_more_than_three_effective_calls_a_local_day(
    past: list[tuple[datetime, Outcome | None, str]], now: datetime, zone: str
) -> None:
    day = now.astimezone(ZoneInfo(zone)).date()
    near = [(now - timedelta(minutes=abs(int((at - now).total_seconds())) % 3000), outcome, by) for at, outcome, by in past]
    history = [called(f"c{n}", "2026-01-01T00:00", o, by=by) | {"at": at.isoformat()} for n, (at, o, by) in enumerate(near)]
    said = finding("CN-02", situation(**CALL, at=now.isoformat(), people__zone=zone, history=history))
    effective = sum(at.astimezone(ZoneInfo(zone)).date() == day and (o is None or o in EFFECTIVE) for at, o, _ in near)
    assert (said is not None) == (effective >= 3)


def test_cn_03_the_count_is_shared_by_all_who_call() -> None:
    mixed = [
        called("c1", "2026-11-18T09:00", "answered"),
        *(called(f"c{n}", f"2026-11-18T1{n}:00", "answered", by="north") for n in range(2)),
    ]
    found = finding("CN-03", situation(**CALL, history=mixed, agencies=[agency()]))
    assert found is not None
    assert (found.until, found.observed) == (shanghai("2026-11-19T00:00"), "3")


def test_cn_03_three_calls_of_the_lenders_own_are_the_business_of_cn_02() -> None:
    alone = [called(f"c{n}", f"2026-11-18T{9 + n:02}:00", "answered") for n in range(3)]
    assert effect("CN-03", situation(**CALL, history=alone)) is None


@pytest.mark.parametrize("channel", ["call", "sms"])
@pytest.mark.parametrize(
    ("feed_at", "fresh"),
    [("2026-11-17T12:00:00+08:00", True), ("2026-11-17T11:59:59+08:00", False), ("2026-11-18T12:30:00+08:00", True), (None, False)],
)
def test_cn_03_while_an_agencys_report_is_stale_nobody_is_contacted(channel: str, feed_at: str | None, fresh: bool) -> None:
    given = situation(action__channel=channel, loans__placed_with=["north"], agencies=[agency(feed_at=feed_at)])
    assert effect("CN-03", given) is (None if fresh else Effect.DENY)


def test_cn_03_an_agency_of_which_nothing_is_known_has_no_fresh_report() -> None:
    assert effect("CN-03", situation(loans__placed_with=["north"])) is Effect.DENY


def test_cn_03_of_two_agencies_that_have_the_loan_each_must_have_reported() -> None:
    fresh, stale = agency(feed_at="2026-11-18T11:00:00+08:00"), agency(agency="south", feed_at="2026-11-16T11:00:00+08:00")
    assert effect("CN-03", situation(loans__placed_with=["south", "north"], agencies=[fresh, stale])) is Effect.DENY
    assert effect("CN-03", situation(loans__placed_with=["north"], agencies=[fresh, stale])) is None


@pytest.mark.parametrize(("at", "asked"), [("2026-11-11T11:59", False), ("2026-11-11T12:00", True), ("2026-11-18T09:00", True)])
def test_cn_03_the_report_is_asked_for_while_the_agency_contacted_them_of_late(at: str, asked: bool) -> None:
    found = effect("CN-03", situation(history=[called("c1", at, "no_answer", by="north")]))
    assert found is (Effect.DENY if asked else None)


def test_cn_03_an_agency_that_has_another_loan_of_theirs_counts() -> None:
    given = document()
    given["loans"].append({"loan_id": "L-2", "borrower": "P-1", "placed_with": ["north"]})
    assert effect("CN-03", given) is Effect.DENY


def unanswered(number: int, **more: Any) -> list[dict[str, Any]]:
    outcomes = ("no_answer", "busy", "voicemail", "someone_else", "invalid_number", "failed")
    return [called(f"n{n}", f"2026-11-18T09:{n:02}", outcomes[n % 6], **more) for n in range(number)]


def test_cn_04_the_seventh_attempt_at_a_number_waits_for_the_next_day() -> None:
    assert effect("CN-04", situation(**CALL, history=unanswered(5))) is None
    found = finding("CN-04", situation(**CALL, history=unanswered(6)))
    assert found is not None
    assert found.until == shanghai("2026-11-19T00:00")


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({"contact_point": "m9"}, False),
        ({"contact_point": None}, True),
        ({"by": "north"}, True),
        ({"direction": "in"}, False),
        ({"channel": "sms"}, False),
    ],
)
def test_cn_04_what_was_dialled_at_this_number_or_at_one_that_nobody_named_counts(more: dict[str, Any], counts: bool) -> None:
    history = [*unanswered(5), called("x", "2026-11-18T11:00", "no_answer", **more)]
    assert (finding("CN-04", situation(**CALL, history=history)) is not None) is counts


def test_cn_04_answered_and_never_made_calls_do_not_count_and_unknown_ones_do() -> None:
    for outcome, counts in (("answered", False), ("not_sent", False), ("unknown", True), (None, True)):
        history = [*unanswered(5), called("x", "2026-11-18T11:00", outcome)]
        assert (finding("CN-04", situation(**CALL, history=history)) is not None) is counts, outcome


def test_cn_04_texts_are_no_call_attempts() -> None:
    assert effect("CN-04", situation(history=unanswered(9))) is None


@pytest.mark.parametrize(("staff", "allowed"), [(None, False), (0, False), (1, False), (2, True), (3, True)])
def test_cn_05_two_people_make_a_visit(staff: int | None, allowed: bool) -> None:
    given = situation(action__channel="visit", action__staff=staff)
    assert (effect("CN-05", given) is None) is allowed


@pytest.mark.parametrize(
    ("at", "outcome", "waits"),
    [("2026-11-18T08:00", "no_answer", True), ("2026-11-18T08:00", "not_sent", False), ("2026-11-17T21:00", "answered", False)],
)
def test_cn_05_one_visit_a_day(at: str, outcome: str, waits: bool) -> None:
    given = situation(action__channel="visit", action__staff=2, history=[called("v1", at, outcome, channel="visit")])
    found = finding("CN-05", given)
    assert (found.until if found else None) == (shanghai("2026-11-19T00:00") if waits else None)


def test_cn_06_is_off_until_counsel_turns_it_on() -> None:
    history = [called("c1", "2026-11-18T10:00", "answered")]
    assert effect("CN-06", situation(**CALL, history=history)) is None


@pytest.mark.parametrize(("at", "free"), [("2026-11-11T23:59", True), ("2026-11-12T00:00", False), ("2026-11-18T10:00", False)])
def test_cn_06_counts_natural_days_by_one_method_about_one_loan(at: str, free: bool) -> None:
    history = [called("c1", at, "no_answer")]
    weekly = {"min_interval_days": {"call": 7}}
    found = finding("CN-06", situation(**CALL, history=history), **weekly)
    assert (found is None) is free
    if found:
        assert found.until == shanghai(f"{at[:8]}{int(at[8:10]) + 7}T00:00")
    assert effect("CN-06", situation(history=history), **weekly) is None
    about_another = document(**CALL, history=[called("c1", at, "no_answer", loan="L-2")])
    about_another["loans"].append({"loan_id": "L-2", "borrower": "P-1"})
    assert effect("CN-06", about_another, **weekly) is None


@pytest.mark.parametrize(("channel", "most"), [("sms", 2), ("email", 1), ("in_app", 1)])
def test_cn_07_few_messages_a_day(channel: str, most: int) -> None:
    sent = [called(f"s{n}", f"2026-11-18T0{8 + n}:00", "delivered", channel=channel) for n in range(most)]
    assert effect("CN-07", situation(action__channel=channel, history=sent[1:])) is None
    found = finding("CN-07", situation(action__channel=channel, history=sent))
    assert found is not None
    assert found.until == shanghai("2026-11-19T00:00")


@pytest.mark.parametrize("channel", ["call", "letter", "visit"])
def test_cn_07_other_media_have_no_cap_of_ours(channel: str) -> None:
    sent = [called(f"s{n}", f"2026-11-18T08:{10 + n}", "delivered", channel=channel) for n in range(9)]
    assert effect("CN-07", situation(action__channel=channel, history=sent)) is None


def test_cn_07_the_confirmation_of_an_opt_out_neither_counts_nor_waits() -> None:
    sent = [called(f"s{n}", f"2026-11-18T08:{10 + n}", "delivered", channel="sms") for n in range(2)]
    confirms = {"action__purpose": "confirm_opt_out", "action__message": {"class": "opt_out_confirmation"}}
    assert effect("CN-07", situation(**confirms, history=sent)) is None
    assert effect("CN-07", situation(history=[sent[0], sent[1] | {"purpose": "confirm_opt_out"}])) is None


def test_cn_28_all_contacts_around_one_debtor_count_together() -> None:
    touches = [called(f"t{n}", f"2026-11-18T08:{10 + n}", "no_answer", person="P-1" if n % 2 else "P-2") for n in range(15)]
    assert effect("CN-28", situation(history=touches[1:])) is None
    found = finding("CN-28", situation(history=touches))
    assert found is not None
    assert found.until == shanghai("2026-11-19T00:00")


def test_cn_28_what_a_relative_gets_about_a_loan_of_their_own_does_not_count() -> None:
    given = document(history=[called(f"t{n}", f"2026-11-18T08:{10 + n}", "no_answer", person="P-2", loan="L-2") for n in range(20)])
    given["loans"].append({"loan_id": "L-2", "borrower": "P-2"})
    assert effect("CN-28", given) is None


@pytest.mark.parametrize(
    ("at", "outcome", "until"),
    [
        ("2026-11-12T00:00", "no_answer", "2026-11-19T00:00"),
        ("2026-11-11T23:59", "relayed", None),
        ("2026-11-18T09:00", None, "2026-11-25T00:00"),
        ("2026-11-18T09:00", "not_sent", None),
    ],
)
def test_cn_28_a_contact_is_asked_once_in_seven_days(at: str, outcome: str | None, until: str | None) -> None:
    before = called("k", at, outcome, person="P-2", contact_point="m2")
    found = finding("CN-28", to_relative() | {"history": [*missed_calls(), before]})
    assert (found.until if found else None) == (shanghai(until) if until else None)
    own_loan = document(history=[before | {"person": "P-1"}])
    assert effect("CN-28", own_loan) is None
