"""The numbers of the law as the checker has them, and how far a lender may move each: read from the clauses, not from the regimes' files.

    Limits().cn_02_most                the numbers themselves
    KEPT["CN-02", "most"]              how one of them may be moved
    Timeline(changes).at(instant)      the numbers that counted at an instant, with a lender's own

Times of the day are seconds, per cents ten-thousandths, weekdays count from Monday, which is 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple, cast

Tighter = Literal["lower", "higher", "within", "subset", "superset"]
Window = tuple[int, int]
"""A half-open span of the local day, in seconds."""

_H = 3600
_PER_CENT = 10_000
_ANY = frozenset({"call", "sms", "email", "in_app", "visit", "letter"})
_TIMED = _ANY - {"letter"}
_ALL_WEEK = frozenset(range(7))
_NO_SUNDAY = _ALL_WEEK - {6}
_DEBTORS = frozenset({"borrower", "joint", "guarantor", "legal_representative", "executor"})
_GENTLE = frozenset({"remind", "offer", "notice", "reply", "verification", "opt_out_confirmation", "locate_only", "terminate"})
_MATTERS = frozenset({"purpose", "term", "manner", "data_kinds", "safeguards"})


class Kept(NamedTuple):
    """One number: its place in ``Limits``, what the law says, in which direction it tightens, whether a lender may relax it, and its own bounds."""

    name: str
    law: Any
    tighter: Tighter
    soft: bool
    least: int | None
    most: int | None


def _kept(law: Any, tighter: Tighter, *, soft: bool = False, least: int | None = None, most: int | None = None) -> Any:
    return field(default=law, metadata={"tighter": tighter, "soft": soft, "least": least, "most": most})


def _mapping(law: dict[str, int], tighter: Tighter, *, soft: bool = False, least: int) -> Any:
    return field(default_factory=law.copy, metadata={"tighter": tighter, "soft": soft, "least": least, "most": None})


@dataclass(frozen=True, slots=True)
class Limits:
    """Every number that a lender may move and that rows can be held against, named by its rule."""

    cn_01_window: Window = _kept((8 * _H, 22 * _H), "within")  # noqa: RUF009 (a field)
    cn_01_weekdays: Collection[int] = _kept(_ALL_WEEK, "subset")
    cn_01_channels: Collection[str] = _kept(_ANY, "superset")
    cn_02_most: int = _kept(3, "lower", least=0)
    cn_03_most: int = _kept(3, "lower", least=0)
    cn_03_feed_hours: int = _kept(24, "lower", least=1)
    cn_03_lately_days: int = _kept(7, "higher", least=0)
    cn_04_most: int = _kept(6, "lower", least=0)
    cn_05_most: int = _kept(1, "lower", least=0)
    cn_06_min_interval_days: Mapping[str, int] = _mapping({}, "higher", least=1)
    cn_07_most: Mapping[str, int] = _mapping({"sms": 2, "email": 1, "in_app": 1}, "lower", soft=True, least=0)
    cn_08_debtors: Collection[str] = _kept(_DEBTORS, "subset")
    cn_10_failures: int = _kept(3, "higher", least=1)
    cn_10_on_days: int = _kept(2, "higher", least=1)
    cn_11_failures: int = _kept(3, "higher", least=1)
    cn_11_on_days: int = _kept(2, "higher", least=1)
    cn_12_classes: Collection[str] = _kept(frozenset({"locate_only"}), "subset")
    cn_14_unrelated: Collection[str] = _kept(frozenset({"employer"}), "superset")
    cn_17_debtors: Collection[str] = _kept(_DEBTORS, "subset")
    cn_27_most_percent: int = _kept(24 * _PER_CENT, "lower")
    cn_28_most: int = _kept(15, "lower", least=0)
    cn_28_others_most: int = _kept(1, "lower", least=0)
    cn_28_others_days: int = _kept(7, "higher", least=1)
    cn_41_not_for_others: Collection[str] = _kept(frozenset({"contract"}), "superset")
    cn_42_matters: Collection[str] = _kept(_MATTERS, "superset")
    cn_46_days: int = _kept(365, "lower", least=1)
    cn_46_closing_days: int = _kept(30, "higher", least=0)
    cn_47_debtors: Collection[str] = _kept(_DEBTORS, "subset")
    cn_64_adult_at: int = _kept(18, "higher", least=1)
    cn_65_child_until: int = _kept(14, "higher", least=1)
    cn_66_circumstances: Collection[str] = _kept(frozenset({"student"}), "superset")
    cn_67_circumstances: Collection[str] = _kept(frozenset({"elderly", "disabled", "vulnerable"}), "superset")
    cn_67_classes: Collection[str] = _kept(_GENTLE, "subset")
    cn_68_years: int = _kept(3, "lower", least=1)
    cn_70_days_to_accept: int = _kept(5, "higher", least=1)
    cn_70_days_to_issue: int = _kept(15, "higher", least=1)
    cn_70_days_to_answer: int = _kept(15, "higher", least=1)

    us_01_most: int = _kept(7, "lower", least=0)
    us_01_consent_days: int = _kept(7, "lower", least=1)
    us_02_days: int = _kept(7, "higher", least=1)
    us_02_consent_days: int = _kept(7, "lower", least=1)
    us_07_most: int = _kept(2, "lower", soft=True, least=1, most=6)
    us_07_gap_minutes: int = _kept(120, "higher", soft=True, least=5)
    us_07_consent_days: int = _kept(7, "lower", soft=True, least=1)
    us_08_most_a_day: Mapping[str, int] = _mapping(
        {"sms": 2, "email": 1, "in_app": 1, "letter": 1, "visit": 1}, "lower", soft=True, least=1
    )
    us_08_most: int = _kept(15, "lower", soft=True, least=1)
    us_10_window: Window = _kept((8 * _H, 21 * _H), "within")  # noqa: RUF009 (a field)
    us_10_weekdays: Collection[int] = _kept(_ALL_WEEK, "subset")
    us_10_channels: Collection[str] = _kept(_TIMED, "superset")
    us_17_most: int = _kept(1, "lower", least=1)
    us_25_most: int = _kept(1, "lower", least=1)
    us_28_binds: Collection[str] = _kept(frozenset({"third_party"}), "superset")
    us_28_days: int = _kept(35, "higher", least=1)
    us_29_binds: Collection[str] = _kept(frozenset({"first_party", "third_party"}), "superset", soft=True)
    us_29_days: int = _kept(60, "lower", soft=True, least=1)
    us_40_binds: Collection[str] = _kept(frozenset({"third_party"}), "superset")
    us_45_kinds: Collection[str] = _kept(frozenset({"validation", "verification"}), "superset")
    us_47_days: int = _kept(14, "higher", least=1)
    us_62_most: int = _kept(6 * _PER_CENT, "lower", least=0)
    us_73_most: int = _kept(2, "lower", least=0)
    us_73_channels: Collection[str] = _kept(frozenset({"call", "sms"}), "superset")

    uk_01_window: Window = _kept((8 * _H, 21 * _H), "within", soft=True)  # noqa: RUF009 (a field)
    uk_01_weekdays: Collection[int] = _kept(_NO_SUNDAY, "subset", soft=True)
    uk_01_channels: Collection[str] = _kept(_TIMED, "superset", soft=True)
    uk_05_days: int = _kept(3, "higher", least=1)
    uk_05_not_to: Collection[str] = _kept(frozenset({"vulnerable"}), "superset")
    uk_09_days: int = _kept(30, "higher", least=1)
    uk_12_days: int = _kept(60, "higher", least=1)
    uk_13_days: int = _kept(30, "higher", least=1)
    uk_18_days: int = _kept(14, "higher", least=1)

    in_01_window: Window = _kept((8 * _H, 19 * _H), "within")  # noqa: RUF009 (a field)
    in_01_weekdays: Collection[int] = _kept(_ALL_WEEK, "subset")
    in_01_channels: Collection[str] = _kept(_TIMED, "superset")
    in_02_most: int = _kept(3, "lower", soft=True, least=0)
    in_02_gap_minutes: int = _kept(120, "higher", soft=True, least=1)
    in_04_window: Window = _kept((9 * _H, 18 * _H), "within")  # noqa: RUF009 (a field)
    in_04_weekdays: Collection[int] = _kept(_ALL_WEEK, "subset")
    in_04_channels: Collection[str] = _kept(_TIMED, "superset")

    eu_04_window: Window = _kept((8 * _H, 20 * _H), "within", soft=True)  # noqa: RUF009 (a field)
    eu_04_weekdays: Collection[int] = _kept(_NO_SUNDAY, "subset", soft=True)
    eu_04_channels: Collection[str] = _kept(_TIMED, "superset", soft=True)
    eu_04_most: int = _kept(2, "lower", soft=True, least=1)


NOT_IN_ROWS = {
    ("CN-05", "staff"): "how many people make a visit stands in no row",
    ("CN-18", "channels"): "whether a script verifies the person stands in no row",
    ("CN-18", "classes"): "whether a script verifies the person stands in no row",
    ("CN-29", "blocks"): "of which parts a letter is made stands in no row",
    ("CN-29", "channels"): "of which parts a letter is made stands in no row",
    ("CN-29", "classes"): "of which parts a letter is made stands in no row",
    ("CN-40", "fields"): "which data went with a handover stands in no row that a checker may read",
    ("CN-53", "fields"): "which data went with a handover stands in no row that a checker may read",
    ("CN-59", "working_days"): "the hold stands until it is lifted, however many days the answer may take",
    ("US-18", "blocks"): "of which parts a message is made stands in no row",
    ("US-30", "binds"): "of which parts a message is made stands in no row",
    ("US-30", "first"): "of which parts a message is made stands in no row",
    ("US-30", "later"): "of which parts a message is made stands in no row",
    ("US-31", "blocks"): "of which parts a message is made stands in no row",
    ("US-43", "assumed_business_days"): "what the words of a message hurry to is not read by the checker",
    ("US-43", "binds"): "what the words of a message hurry to is not read by the checker",
    ("US-43", "days"): "what the words of a message hurry to is not read by the checker",
}
"""Numbers that a lender may tighten and that no row can be held against, with why."""


def _by_rule() -> Iterator[tuple[tuple[str, str], Kept]]:
    law = Limits()
    for one in fields(Limits):
        how = cast("Mapping[str, Any]", one.metadata)
        rule, number = one.name[:5].upper().replace("_", "-"), one.name[6:]
        yield (rule, number), Kept(one.name, getattr(law, one.name), how["tighter"], how["soft"], how["least"], how["most"])


KEPT: Mapping[tuple[str, str], Kept] = dict(_by_rule())
"""Every number, by its rule and the name that files give it."""


class Change(NamedTuple):
    """A number that is another from an instant on, in microseconds; from the beginning of time, if nobody says when it was decided."""

    name: str
    value: Any
    since: int | None = None


class Timeline:
    """The numbers as they were at each instant."""

    def __init__(self, changes: Collection[Change] = ()) -> None:
        always = {change.name: change.value for change in changes if change.since is None}
        self._first = replace(Limits(), **always)
        self._since: list[int] = []
        self._then: list[Limits] = []
        now = self._first
        dated = [(since, change.name, change.value) for change in changes if (since := change.since) is not None]
        for since, name, value in sorted(dated, key=lambda change: change[0]):
            now = replace(now, **{name: value})
            self._since.append(since)
            self._then.append(now)

    def at(self, at: int) -> Limits:
        """The numbers that counted at an instant."""
        if not self._since:
            return self._first
        passed = bisect_right(self._since, at)
        return self._then[passed - 1] if passed else self._first


THE_LAW = Timeline()
"""The law's own numbers, which always counted."""
