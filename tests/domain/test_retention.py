"""How long personal data are kept, and what becomes of them then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.config.retention import retention_rule
from arrears.domain.retention import CountedFrom, Keeping, Kept, due, goes_with, refusal, terms

RULE = retention_rule()
ENDED = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FIVE_YEARS_ON = datetime(2031, 11, 22, tzinfo=UTC)
"""The first midnight after five full years."""


def kept(**more: Any) -> Kept:
    """A debtor whose case has ended and who owes nothing."""
    given_: dict[str, Any] = {
        "person_id": "B-1",
        "keeping": Keeping.STORE_ONLY,
        "owes": True,
        "happened": {CountedFrom.LAST_ACTIVITY: ENDED},
    }
    return Kept(**(given_ | more))


def test_the_collection_record_is_kept_five_years_in_china() -> None:
    (term,) = terms(kept(), RULE, "CN")
    assert (term.name, term.clause, term.ends) == ("collection-record", "CN-48", FIVE_YEARS_ON)


def test_of_all_classes_that_apply_the_one_that_ends_last_wins() -> None:
    happened = {CountedFrom.LAST_ACTIVITY: ENDED, CountedFrom.LAST_CALL: ENDED, CountedFrom.LAST_HANDOVER: ENDED + timedelta(days=1000)}
    found = terms(kept(happened=happened), RULE, "CN")
    assert [(t.clause, t.ends.year) for t in found] == [("CN-50", 2032), ("CN-51", 2032), ("CN-48", 2031), ("CN-49", 2028)]


def test_an_american_lender_keeps_three_years_and_not_five() -> None:
    (term,) = terms(kept(residence="US-MA"), RULE, "US")
    assert (term.clause, term.ends.date()) == ("US-50", date(2029, 11, 22))


def test_whoever_lives_under_two_laws_is_kept_for_the_longer_one() -> None:
    assert terms(kept(residence="US-CA"), RULE, "CN")[0].clause == "CN-48"
    assert terms(kept(residence="CN"), RULE, "US")[0].clause == "CN-48"


def test_a_term_that_starts_on_a_leap_day_ends_in_march() -> None:
    leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
    (term,) = terms(kept(happened={CountedFrom.LAST_ACTIVITY: leap}), RULE, "CN")
    assert term.ends == datetime(2033, 3, 2, tzinfo=UTC)


def test_an_early_request_is_refused_with_the_day_and_the_clause() -> None:
    refused = refusal(kept(), RULE, "CN", FIVE_YEARS_ON - timedelta(seconds=1))
    assert refused is not None
    assert (refused.possible_from, refused.clause) == (date(2031, 11, 22), "CN-48")
    assert refused.why == "collection-record must be kept until 2031-11-22 (CN-48)"


def test_from_that_day_on_it_is_granted() -> None:
    assert refusal(kept(), RULE, "CN", FIVE_YEARS_ON) is None


def test_nobody_is_erased_while_a_case_is_open() -> None:
    refused = refusal(kept(open_cases=("L-1.1",)), RULE, "CN", FIVE_YEARS_ON)
    assert refused is not None
    assert (refused.why, refused.possible_from) == ("case L-1.1 is open: let it end, or withdraw it", None)


def test_nobody_is_erased_twice() -> None:
    refused = refusal(kept(keeping=Keeping.DELETED), RULE, "CN", FIVE_YEARS_ON)
    assert refused is not None
    assert refused.why == "is erased already"


@pytest.mark.parametrize(
    ("before", "more", "now", "after"),
    [
        (Keeping.ACTIVE, {"open_cases": ("L-1.1",)}, FIVE_YEARS_ON, Keeping.ACTIVE),
        (Keeping.ACTIVE, {"owing": ("L-1",)}, FIVE_YEARS_ON, Keeping.ACTIVE),
        (Keeping.ACTIVE, {}, ENDED, Keeping.STORE_ONLY),
        (Keeping.ACTIVE, {}, FIVE_YEARS_ON, Keeping.DELETED),
        (Keeping.STORE_ONLY, {}, ENDED, Keeping.STORE_ONLY),
        (Keeping.STORE_ONLY, {"owing": ("L-2",)}, FIVE_YEARS_ON, Keeping.ACTIVE),
        (Keeping.STORE_ONLY, {}, FIVE_YEARS_ON, Keeping.DELETED),
        (Keeping.DELETED, {"open_cases": ("L-1.1",)}, ENDED, Keeping.DELETED),
    ],
)
def test_what_the_sweep_makes_of_data(before: Keeping, more: dict[str, Any], now: datetime, after: Keeping) -> None:
    assert due(kept(keeping=before, **more), RULE, "CN", now) is after


@pytest.mark.parametrize(
    ("more", "goes"),
    [
        ({"owes": False, "named_by": ("B-1",)}, True),
        ({"owes": False, "named_by": ()}, True),
        ({"owes": False, "named_by": ("B-1", "B-2")}, False),
        ({"owes": True, "named_by": ("B-1",)}, False),
        ({"owes": False, "named_by": ("B-1",), "keeping": Keeping.DELETED}, False),
    ],
    ids=["named by this debtor only", "named by erased debtors only", "named by another too", "owes a loan", "erased already"],
)
def test_a_relative_goes_with_the_last_debtor_who_named_them(more: dict[str, Any], goes: bool) -> None:
    assert goes_with(kept(person_id="P-1", **more), "B-1") is goes


@given(st.integers(0, 18_000 * 86_400), st.sampled_from(list(CountedFrom)), st.sampled_from(["CN", "US"]))
def test_no_term_ends_before_its_full_years(second: int, anchor: CountedFrom, seat: str) -> None:
    since = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    for term in terms(kept(happened={anchor: since}), RULE, seat):
        years = next(c.years for c in RULE.classes if c.name == term.name)
        assert timedelta(0) < term.ends - since - timedelta(days=365 * years) < timedelta(days=4)
