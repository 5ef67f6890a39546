"""How the rules of several regimes make one verdict."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.domain.calendar import Window
from arrears.domain.judge import RegimeNotFound, judge
from arrears.domain.law.kit import DayCap, Hours, RollingCap, outside_hours, over_cap
from arrears.domain.regime import Regime
from arrears.domain.situation import Contact, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Effect
from tests.domain.law.situations import called, shanghai, situation, to_relative

SOURCED = {"clause": "a clause", "force": "law", "confidence": "VERIFIED-P"}


def a_regime(name: str, *regions: str, start: str = "08:00", end: str = "22:00", most: int = 3) -> Regime:
    hours = SOURCED | {"window": {"start": start, "end": end}}
    return Regime.model_validate(
        {
            "regime": name,
            "version": 1,
            "title": name,
            "source": "a source",
            "applies": {"regions": list(regions)},
            "rules": {"CN-01": hours, "CN-02": SOURCED | {"most": most}},
        }
    )


CN = a_regime("cn", "CN")


def test_what_nothing_stands_against_is_allowed() -> None:
    verdict = judge(situation(), [CN])
    assert (verdict.effect, verdict.findings) == (Effect.ALLOW, ())


def test_a_verdict_names_the_regimes_with_version_and_hash() -> None:
    assert judge(situation(), [CN]).regimes == (CN.stamp,)
    assert CN.stamp.hash != a_regime("cn", "CN", most=2).stamp.hash
    assert CN.stamp.hash == a_regime("cn", "CN").stamp.hash


def test_every_rule_that_stands_against_it_is_named_and_the_strictest_wins() -> None:
    given = situation(at="2026-11-18T23:00:00+08:00", loans__owed=None)
    verdict = judge(given, [CN])
    assert verdict.effect is Effect.DENY
    assert verdict.rules == ("AR-01", "CN-01")


def test_a_missing_approval_outranks_a_deferral() -> None:
    given = to_relative(at="2026-11-18T23:00:00+08:00")
    given["action"]["approval"] = None
    verdict = judge(Situation.model_validate(given), [CN])
    assert (verdict.effect, verdict.role, verdict.until) == (Effect.NEEDS_APPROVAL, "supervisor", None)


def test_the_latest_deferral_wins_and_is_judged_again() -> None:
    """Three effective calls today put the fourth off to midnight, which is a quiet hour: it waits for the morning."""
    calls = [called(f"c{n}", f"2026-11-18T{9 + n:02}:00", "answered_willing") for n in range(3)]
    verdict = judge(situation(action__channel="call", history=calls), [CN])
    assert verdict.effect is Effect.DEFER
    assert verdict.rules == ("CN-02",)
    assert verdict.until == shanghai("2026-11-19T08:00")


def test_of_several_regimes_the_strictest_wins() -> None:
    late = situation(at="2026-11-18T21:30:00+08:00", regimes=["cn", "strict"])
    strict = a_regime("strict", "GB", start="09:00", end="21:00")
    assert judge(late, [CN, strict]).until == shanghai("2026-11-19T09:00")


@pytest.mark.parametrize(
    ("changes", "applying"),
    [
        ({}, {"cn"}),
        ({"people__residence": "US-MA"}, {"cn", "us"}),
        ({"people__residence": "US-MA", "lender_seat": "GB"}, {"cn", "us", "uk"}),
        ({"people__residence": None, "lender_seat": None}, {"cn"}),
    ],
    ids=["all at home", "lives abroad", "lender abroad too", "by the number alone"],
)
def test_regimes_apply_by_residence_number_and_seat(changes: dict[str, object], applying: set[str]) -> None:
    regimes = [CN, a_regime("us", "US"), a_regime("uk", "GB")]
    verdict = judge(situation(regimes=None, **changes), regimes)
    assert {r.name for r in verdict.regimes} == applying


def test_where_no_regime_applies_nothing_is_allowed() -> None:
    verdict = judge(situation(regimes=None), [a_regime("us", "US")])
    assert (verdict.effect, verdict.rules) == (Effect.DENY, ("AR-07",))


def test_while_the_law_cannot_be_read_everything_waits_and_what_is_denied_anyhow_stays_denied() -> None:
    given = situation()
    waits = judge(given, None)
    assert (waits.effect, waits.rules, waits.until) == (Effect.DEFER, ("AR-07",), given.at + timedelta(hours=1))
    assert judge(situation(loans__owed=None), None).effect is Effect.DENY


def test_an_unknown_regime_is_named() -> None:
    with pytest.raises(RegimeNotFound, match=r"atlantis.*known ones: cn"):
        judge(situation(regimes=["atlantis"]), [CN])


HOURS = Hours.model_validate(SOURCED | {"window": {"start": "08:00", "end": "21:00"}})
zones = st.sampled_from(
    ["Asia/Shanghai", "America/New_York", "America/Los_Angeles", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe"]
)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(ZoneInfo("UTC")))  # noqa: DTZ001


@given(instants, st.lists(zones, min_size=1, max_size=2))
def test_contact_is_deferred_to_the_first_minute_that_is_inside_in_every_zone(now: datetime, where: list[str]) -> None:
    found = outside_hours(now, where, HOURS, "people.zone")
    opening = found.until if found else now
    assert opening is not None
    assert all(HOURS.window.contains(opening, zone) for zone in where)
    for minutes in range(0, int((opening - now).total_seconds() // 60), 7):
        assert not all(HOURS.window.contains(now + timedelta(minutes=minutes), zone) for zone in where)


def test_zones_whose_hours_never_meet_deny() -> None:
    found = outside_hours(shanghai("2026-11-18T12:00"), ["Asia/Shanghai", "America/New_York"], HOURS, "people.zone")
    assert found is not None
    short = HOURS.model_copy(update={"window": Window.model_validate({"start": "12:00", "end": "13:00"})})
    never = outside_hours(shanghai("2026-11-18T12:00"), ["Asia/Shanghai", "America/New_York"], short, "people.zone")
    assert never is not None
    assert never.effect is Effect.DENY


@given(st.lists(instants, max_size=25), instants, zones, st.integers(1, 8), st.integers(1, 9))
def test_a_cap_defers_to_the_first_day_on_which_one_more_fits(past: list[datetime], now: datetime, zone: str, days: int, most: int) -> None:
    history = [Contact(contact_id=f"c{n}", at=at, channel=Channel.CALL, person="P-1", loan="L-1") for n, at in enumerate(past) if at <= now]
    cap = RollingCap.model_validate(SOURCED | {"most": most, "days": days})

    def within(at: datetime) -> int:
        day = at.astimezone(ZoneInfo(zone)).date()
        return sum(0 <= (day - c.at.astimezone(ZoneInfo(zone)).date()).days < days for c in history)

    found = over_cap(history, cap, zone, now, "calls")
    if found is None:
        assert within(now) < most
    else:
        assert within(now) >= most
        assert found.until is not None
        assert within(found.until) < most
        assert within(found.until - timedelta(seconds=1)) >= most


def test_a_cap_of_none_denies() -> None:
    found = over_cap([], DayCap.model_validate(SOURCED | {"most": 0}), "Asia/Shanghai", shanghai("2026-11-18T12:00"), "calls")
    assert found is not None
    assert found.effect is Effect.DENY


@pytest.mark.parametrize(("zone", "applying"), [("America/New_York", {"us"}), ("Asia/Shanghai", {"cn"}), ("Etc/UTC", set[str]())])
def test_who_lives_nobody_knows_where_lives_where_their_clock_is(zone: str, applying: set[str]) -> None:
    regimes = [CN, a_regime("us", "US")]
    nowhere = {"regimes": None, "lender_seat": None, "people__residence": None, "people__contact_points": [], "action__contact_point": None}
    given = situation(people__zone=zone, **nowhere)
    assert {r.name for r in judge(given, regimes).regimes} == applying
