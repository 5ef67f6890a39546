"""How long personal data are kept: as long as the longest rule that applies says, and not a day longer.

    active ◀──new purpose──▶ store_only ──term over──▶ deleted
            ──purpose met──▶

Purpose: a case is open, or money is owed that somebody still means to collect. When it is met, the data are only kept, for as long as a law wants them;
then the person's key is destroyed. A term ends at the first midnight (UTC) after the full years, so that it has ended wherever the person lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PositiveInt

from arrears.domain.law.rule import within
from arrears.domain.person import Region
from arrears.domain.strategy import Slug

FINAL = frozenset({"sold", "written_off", "deceased_estate", "settled"})
"""Endings of a case after which nobody means to collect what is left of the debt."""


class Keeping(StrEnum):
    """What may be done with a person's data (CN-54). ``store_only``: nothing but keep them, because the law still wants that."""

    ACTIVE = "active"
    STORE_ONLY = "store_only"
    DELETED = "deleted"


class CountedFrom(StrEnum):
    """What a term of keeping is counted from."""

    LAST_ACTIVITY = "last_activity"
    LAST_CALL = "last_call"
    LAST_HANDOVER = "last_handover"


class RetentionClass(BaseModel):
    """Records of one kind and how many years they must be kept, where: in ``regions`` the person lives or the lender is seated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Slug
    title: str
    years: PositiveInt
    counted_from: CountedFrom
    regions: frozenset[Region] = Field(min_length=1)
    clause: str = Field(description="the rule that wants it, by its id")
    source: str


class RetentionRule(BaseModel):
    """All classes; of those that apply to a person the longest wins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: PositiveInt
    classes: tuple[RetentionClass, ...] = Field(min_length=1)


class Kept(BaseModel):
    """What is known of a person as far as the keeping of their data goes; no class applies that is counted from what never happened.

    ``open_cases`` are the open cases of the loans that they owe or are named for, ``owing`` the loans on which money is owed that somebody still means
    to collect. ``named_by`` are the debtors who named them and are not erased themselves.
    """

    model_config = ConfigDict(frozen=True)

    person_id: str
    keeping: Keeping
    residence: Region | None = None
    open_cases: tuple[str, ...] = ()
    owing: tuple[str, ...] = ()
    owes: bool = Field(default=False, description="whether they are a borrower themselves")
    named_by: tuple[str, ...] = ()
    happened: Mapping[CountedFrom, AwareDatetime] = Field(default_factory=dict[CountedFrom, AwareDatetime])

    @property
    def has_purpose(self) -> bool:
        """Whether the data still serve what they were taken for."""
        return bool(self.open_cases or self.owing)


class Term(BaseModel):
    """A class that applies to a person, and the instant from which it no longer does."""

    model_config = ConfigDict(frozen=True)

    name: Slug
    clause: str
    ends: AwareDatetime


class Refusal(BaseModel):
    """Why a person cannot be erased now, and if waiting helps, from when on they can."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    why: str
    clause: str | None = None
    possible_from: date | None = None


def terms(kept: Kept, rule: RetentionRule, seat: Region) -> tuple[Term, ...]:
    """Every class that applies to the person, the one that ends last first."""
    places = [place for place in (kept.residence, seat) if place is not None]
    found = [
        Term(name=c.name, clause=c.clause, ends=_after_years(kept.happened[c.counted_from], c.years))
        for c in rule.classes
        if c.counted_from in kept.happened and any(within(place, c.regions) for place in places)
    ]
    return tuple(sorted(found, key=lambda term: (-term.ends.timestamp(), term.clause)))


def refusal(kept: Kept, rule: RetentionRule, seat: Region, now: datetime) -> Refusal | None:
    """Why a person cannot be erased now, if so. Money that is still owed is no reason: whoever erases a debtor gives up the claim on them."""
    if kept.keeping is Keeping.DELETED:
        return Refusal(person_id=kept.person_id, why="is erased already")
    if kept.open_cases:
        return Refusal(person_id=kept.person_id, why=f"case {', '.join(kept.open_cases)} is open: let it end, or withdraw it")
    longest = next(iter(terms(kept, rule, seat)), None)
    if longest is None or longest.ends <= now:
        return None
    return Refusal(
        person_id=kept.person_id,
        why=f"{longest.name} must be kept until {longest.ends.date()} ({longest.clause})",
        clause=longest.clause,
        possible_from=longest.ends.date(),
    )


def goes_with(kept: Kept, debtor_id: str) -> bool:
    """Whether the data of somebody whom an erased debtor named are erased with the debtor's: nobody else's debt needs them."""
    return not kept.owes and set(kept.named_by) <= {debtor_id} and kept.keeping is not Keeping.DELETED


def due(kept: Kept, rule: RetentionRule, seat: Region, now: datetime) -> Keeping:
    """What the sweep makes of a person's data now."""
    if kept.keeping is Keeping.DELETED:
        return Keeping.DELETED
    if kept.has_purpose:
        return Keeping.ACTIVE
    return Keeping.STORE_ONLY if refusal(kept, rule, seat, now) else Keeping.DELETED


def _after_years(start: datetime, years: int) -> datetime:
    """The first midnight (UTC) after so many full years."""
    day = start.astimezone(UTC).date()
    try:
        then = day.replace(year=day.year + years)
    except ValueError:  # 29 February
        then = date(day.year + years, 3, 1)
    return datetime.combine(then + timedelta(days=1), time(), UTC)


class SweepOrder(BaseModel):
    """Look at the next people after the one of this id; at the first ones if it is empty."""

    model_config = ConfigDict(frozen=True)

    after: str = ""


class SweepReport(BaseModel):
    """How many people were looked at and what became of their data. ``last`` is whom to go on after, none if everybody was looked at."""

    model_config = ConfigDict(frozen=True)

    looked_at: int = 0
    stored_only: int = 0
    in_use_again: int = 0
    erased: int = 0
    last: str | None = None

    def and_then(self, later: SweepReport) -> SweepReport:
        """Both together."""
        return SweepReport(
            looked_at=self.looked_at + later.looked_at,
            stored_only=self.stored_only + later.stored_only,
            in_use_again=self.in_use_again + later.in_use_again,
            erased=self.erased + later.erased,
            last=later.last,
        )
