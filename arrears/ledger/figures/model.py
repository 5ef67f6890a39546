"""The portfolio in figures: what is asked, and what the answer holds. Money stands beside its currency and is never added across currencies."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field, model_validator

from arrears.domain.calendar import ONE_DAY, ZoneName, local_date, local_instant
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Role, TaskKind
from arrears.domain.verdict import RuleId
from arrears.ledger.tables import ApprovalState, CaseOutcome

USUAL_WEEKS = 12
LONGEST = timedelta(days=366 * 5)
FIRST, LAST = date(1970, 1, 1), date(2999, 12, 31)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(_Part):
    """What to count: the days from ``since`` to ``until``, both included, in ``zone``; the cases of one strategy, if one is given."""

    since: date
    until: date
    zone: ZoneName
    strategy: str | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.since < FIRST or self.until > LAST:
            raise ValueError(f"days lie between {FIRST} and {LAST}")
        if self.until < self.since:
            raise ValueError("until lies before since")
        if self.until - self.since > LONGEST:
            raise ValueError(f"more than {LONGEST.days} days at once are not counted")
        return self

    @property
    def starts(self) -> datetime:
        return local_instant(self.since, time(0), self.zone)

    @property
    def ends(self) -> datetime:
        """The first instant that is not counted any more."""
        return local_instant(self.until + ONE_DAY, time(0), self.zone)

    def week_of(self, instant: datetime) -> date:
        """The Monday of the week in which an instant lies."""
        return monday(local_date(instant, self.zone))

    @property
    def weeks(self) -> tuple[date, ...]:
        """The Mondays of all weeks that the period touches."""
        first = monday(self.since)
        return tuple(first + timedelta(weeks=n) for n in range((monday(self.until) - first).days // 7 + 1))


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def usual(now: datetime, zone: str, *, since: date | None = None, until: date | None = None, strategy: str | None = None) -> Asked:
    """What is asked if nothing, or not everything, is said: whole weeks up to today. Raises ``ValueError`` as ``Asked`` does."""
    last = until or local_date(now, zone)
    first = since or monday(last) - timedelta(weeks=USUAL_WEEKS - 1)
    return Asked(since=first, until=last, zone=zone, strategy=strategy)


class Bucket(StrEnum):
    """How many days past due a case is. ``0``: nothing of it is overdue just now."""

    NONE = "0"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    TO_180 = "91-180"
    MORE = "180+"

    @property
    def days(self) -> tuple[int, int | None]:
        """Its first and its last day past due; none if it has no last."""
        return _DAYS[self]


_DAYS: dict[Bucket, tuple[int, int | None]] = {
    Bucket.NONE: (0, 0),
    Bucket.TO_30: (1, 30),
    Bucket.TO_60: (31, 60),
    Bucket.TO_90: (61, 90),
    Bucket.TO_180: (91, 180),
    Bucket.MORE: (181, None),
}


def bucket_of(days_past_due: int) -> Bucket:
    """The bucket of a number of days past due."""
    return next(bucket for bucket, (_, last) in _DAYS.items() if last is None or days_past_due <= last)


class Overdue(_Part):
    """Open cases of one bucket, strategy and currency, and what is overdue of them now."""

    bucket: Bucket
    strategy: str
    currency: str
    cases: int
    amount: Decimal


class Closed(_Part):
    """Cases that ended in a week of the period; ``week`` is its Monday."""

    week: date
    outcome: CaseOutcome
    cases: int


class Cohort(_Part):
    """What has become, up to now, of the cases of a strategy that were opened in the period."""

    strategy: str
    opened: int
    cured: int
    otherwise: int = Field(description="ended in another way")
    running: int

    @computed_field
    @property
    def cure_rate(self) -> float | None:
        return self.cured / self.opened if self.opened else None


class Promises(_Part):
    """Promises to pay that were made in the period, and those that came due in it and were judged."""

    made: int
    kept: int
    broken: int

    @computed_field
    @property
    def kept_rate(self) -> float | None:
        judged = self.kept + self.broken
        return self.kept / judged if judged else None


class Received(_Part):
    """Payments of the period that were not taken back. ``soon_after_contact``: a contact about the loan had left in the week before.

    That a payment follows a contact does not say that it came because of it.
    """

    currency: str
    payments: int
    amount: Decimal
    soon_after_contact: int
    amount_soon_after_contact: Decimal


class Contacts(_Part):
    """Contacts of the period that left the house, or that an agency or a human reports to have made. ``outcome`` is none while nobody knows it."""

    by: Literal["arrears", "others"]
    channel: Channel
    outcome: Outcome | None
    contacts: int


class Refusals(_Part):
    """How often a rule stood against a step in the period, by what the verdict was. A verdict that several rules stand behind counts for each."""

    rule: RuleId
    says: str = Field(description="the rule in plain words")
    denied: int = 0
    needed_approval: int = 0
    put_off: int = 0

    @computed_field
    @property
    def total(self) -> int:
        return self.denied + self.needed_approval + self.put_off


class Age(StrEnum):
    """For how long a request has been waiting, in hours of business time."""

    TO_4 = "0-4"
    TO_12 = "4-12"
    TO_24 = "12-24"
    TO_48 = "24-48"
    MORE = "48+"


_HOURS = {Age.TO_4: 4, Age.TO_12: 12, Age.TO_24: 24, Age.TO_48: 48}


def age_of(waiting: timedelta) -> Age:
    """How old a request is that has been waiting for so long."""
    return next((age for age, hours in _HOURS.items() if waiting < timedelta(hours=hours)), Age.MORE)


class Waiting(_Part):
    """Requests for approval that wait now for a role."""

    role: Role
    age: Age
    requests: int


class Decided(_Part):
    """What became of requests that were asked in the period. ``median_hours`` from the request to the decision, for those that were decided."""

    state: ApprovalState
    requests: int
    median_hours: float | None = None
    slowest_hours: float | None = None


class Tasks(_Part):
    """Tasks of one kind: those open now, and those that ended in the period."""

    kind: TaskKind
    role: Role
    open: int
    done: int
    cancelled: int


class Placements(_Part):
    """What went to an agency: what it has now, and what of the period's placements came back or reached its term."""

    agency: str
    has: int
    sent: int
    recalled: int
    ended: int


class Figures(_Part):
    """Everything that the portfolio's page shows, at one moment of the ledger (``seq`` is its chain's length)."""

    asked: Asked
    at: AwareDatetime
    seq: int
    strategies: tuple[str, ...] = Field(description="all strategies that any case has used")
    overdue: tuple[Overdue, ...]
    closed: tuple[Closed, ...]
    cohorts: tuple[Cohort, ...]
    promises: Promises
    received: tuple[Received, ...]
    contacts: tuple[Contacts, ...]
    refusals: tuple[Refusals, ...]
    verdicts: int = Field(description="all verdicts of the period, also those that allowed")
    stopped: int = Field(description="verdicts of the period that did not allow: put off, sent to a human, or denied")
    waiting: tuple[Waiting, ...]
    decided: tuple[Decided, ...]
    tasks: tuple[Tasks, ...]
    placements: tuple[Placements, ...]
