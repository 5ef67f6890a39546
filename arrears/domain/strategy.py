"""A lender's ladder as data: rungs, the conditions under which they are taken, approvals, tracks and the end.

A strategy says what the lender would do. Whether the law lets a contact leave is decided at the moment of contact, never here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from arrears.domain.attitude import Attitude
from arrears.domain.calendar import LocalTime, Window
from arrears.domain.money import Amount, Currency

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=48)]
LadderDay = Annotated[int, Field(ge=0, le=3650)]

_MIDNIGHT = datetime(2000, 1, 1)  # noqa: DTZ001 (only its time of day is used)
_LAST_MINUTE = timedelta(hours=23, minutes=59)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Channel(StrEnum):
    """How a person can be reached."""

    CALL = "call"
    SMS = "sms"
    EMAIL = "email"
    IN_APP = "in_app"
    LETTER = "letter"
    VISIT = "visit"


class Line(StrEnum):
    """Which of a person's contact points is used: the registered one, or the reserve number they left."""

    REGISTERED = "registered"
    RESERVE = "reserve"


class Role(StrEnum):
    """What an operator is trusted with."""

    COLLECTOR = "collector"
    SUPERVISOR = "supervisor"
    RISK_CONTROL = "risk_control"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Approval(_Part):
    """A human's yes before the rung is taken. Nobody deciding in time never counts as a yes."""

    role: Role = Role.SUPERVISOR
    deadline_hours: PositiveInt = 48
    remind_after_hours: PositiveInt = 24
    on_expiry: Literal["skip", "ask_again"] = "skip"
    most_requests: PositiveInt = 2

    @model_validator(mode="after")
    def _reminds_before_deadline(self) -> Approval:
        if self.remind_after_hours >= self.deadline_hours:
            raise ValueError("remind_after_hours must lie before deadline_hours")
        return self


class Repeat(_Part):
    """The rung again every ``every`` ladder days, up to ``until_day`` and ``most`` times in all."""

    every: PositiveInt
    until_day: LadderDay
    most: PositiveInt = 60


class Condition(_Part):
    """When a rung is taken; all that is given must hold, judged when the rung is due. A rung whose condition fails is passed over."""

    not_reached_by: Slug | None = Field(
        default=None, description="that rung, on the same ladder day, did not reach the borrower or was refused by the law"
    )
    never_answered: bool | None = Field(default=None, description="whether the borrower has never yet answered in this case")
    lost_contact: bool | None = Field(
        default=None, description="whether the last three attempts to reach the borrower failed, or every number is invalid"
    )
    attitude: tuple[Attitude, ...] | None = Field(default=None, description="the borrower's attitude is one of these")
    promises_broken: PositiveInt | None = Field(default=None, description="at least so many promises were broken")
    days_past_due_from: int | None = Field(default=None, ge=0)
    owed_from: Amount | None = Field(default=None, description="at least this much is overdue, in the strategy's currency")
    owed_below: Amount | None = Field(default=None, description="less than this is overdue, in the strategy's currency")
    products: tuple[str, ...] | None = Field(default=None, description="the loan's product is one of these")
    placed: bool | None = Field(default=None, description="whether the case is with an agency")
    plan_broken: bool | None = Field(default=None, description="whether an agreed repayment plan was broken")
    made_before: tuple[Slug, ...] | None = Field(
        default=None,
        description="at least one of these rungs arrived in this case: an answered call, a message that did not bounce, a task or referral that was done",
    )
    not_made_before: tuple[Slug, ...] | None = Field(
        default=None,
        description="none of these rungs was made in this case, an unknown outcome counting as made; a rung that names itself is made once",
    )


class _Rung(_Part):
    rung: Slug
    day: LadderDay
    at: LocalTime = time(10)
    spread_minutes: int = Field(default=0, ge=0, le=600, description="loans are spread over so many minutes after `at`")
    only_if: Condition = Condition()
    repeat: Repeat | None = None

    @model_validator(mode="after")
    def _repeats_forward(self) -> _Rung:
        if self.repeat and self.repeat.until_day < self.day:
            raise ValueError("repeat.until_day lies before the rung's own day")
        return self

    @property
    def days(self) -> tuple[int, ...]:
        """The ladder days on which the rung is due."""
        if self.repeat is None:
            return (self.day,)
        return tuple(range(self.day, self.repeat.until_day + 1, self.repeat.every))[: self.repeat.most]


class Offer(StrEnum):
    """Ways out that a message may offer."""

    INSTALMENTS = "instalments"
    EXTENSION = "extension"
    ADJUSTMENT = "adjustment"
    SETTLEMENT = "settlement"
    COUNSELLING = "counselling"


class ContactRung(_Rung):
    """Speak or write to the borrower."""

    do: Literal["call", "sms", "email", "in_app"]
    message: Slug
    line: Line = Line.REGISTERED
    offers: tuple[Offer, ...] = ()

    @property
    def channel(self) -> Channel:
        return Channel(self.do)


class RelativesRung(_Rung):
    """Ask relatives or friends to pass a message on, or where the borrower can be reached. Never without a human's approval."""

    do: Literal["relatives"]
    channel: Literal["call", "sms"] = "call"
    message: Slug
    purpose: Literal["locate", "relay", "collect"] = "relay"
    most_people: PositiveInt = 2
    approval: Approval


class TaskKind(StrEnum):
    """Work for a human."""

    DEDICATED_COLLECTOR = "dedicated_collector"
    LEGAL_CONSULTATION = "legal_consultation"
    COUNSELLING = "counselling"
    INVESTIGATION = "investigation"
    PRESERVE_EVIDENCE = "preserve_evidence"
    CONFIRM_PLAN = "confirm_plan"


class TaskRung(_Rung):
    """Open a task for a human of a role."""

    do: Literal["task"]
    task: TaskKind
    role: Role = Role.COLLECTOR


class Referral(StrEnum):
    """Institutions to which a case, or a fact about it, can go."""

    AGENCY = "agency"
    OVERDUE_LIST = "overdue_list"
    CREDIT_REPORT = "credit_report"
    LAWYER = "lawyer"
    DEBT_SALE = "debt_sale"
    LAWSUIT = "lawsuit"
    DEFAULTER_LIST = "defaulter_list"


class ReferralRung(_Rung):
    """Hand the case, or a fact about it, to an institution. An agency has it for ``term_days``, then it is recalled."""

    do: Literal["refer"]
    to: Referral
    agency: Slug | None = None
    term_days: PositiveInt = 60
    approval: Approval | None = None

    @model_validator(mode="after")
    def _names_the_agency(self) -> ReferralRung:
        if (self.to is Referral.AGENCY) != (self.agency is not None):
            raise ValueError("`agency` is given exactly when `to` is agency")
        return self


Rung = Annotated[ContactRung | RelativesRung | TaskRung | ReferralRung, Field(discriminator="do")]


class Step(_Part):
    """One occurrence of a rung: the ``n``-th time it is due, counted from 1."""

    rung: Slug
    n: PositiveInt
    day: LadderDay
    at: time

    @property
    def key(self) -> str:
        return f"{self.rung}.{self.n}"


class Track(_Part):
    """A ladder of its own, counted from the day on which a hold with its reason was placed; it runs while that hold is in force."""

    track: Slug
    while_held_for: Slug
    ladder: tuple[Rung, ...] = Field(min_length=1)


class Promises(_Part):
    """How far a promise to pay stops the ladder."""

    longest_days: PositiveInt = 14
    grace_days: int = Field(default=1, ge=0)
    most_broken: PositiveInt = Field(default=2, description="after so many broken promises a new one no longer stops the ladder")


class End(_Part):
    """What becomes of a case that nothing has ended by the given ladder day."""

    day: LadderDay
    outcome: Literal["written_off", "sold", "judgment"]


class Strategy(_Part):
    """A whole ladder with its tracks.

    ``day_zero`` is the number of days past due on which the ladder's own count shows 0: an instalment due on the 1st is one day past due on the 2nd.
    """

    strategy: Slug
    version: PositiveInt
    title: str
    source: str = Field(description="where the lender published this ladder")
    currency: Currency
    day_zero: PositiveInt = 1
    window: Window = Field(default=Window(start=time(9), end=time(20)), description="a rung that is late waits for these local hours")
    rest_days: Literal["work", "skip"] = Field(
        default="work", description="whether public holidays are ladder days like others or put a rung off"
    )
    quiet_days_after_payment: int = Field(default=0, ge=0, description="a partial payment stops the ladder for so many days")
    quiet_days_after_answer: int = Field(default=0, ge=0, description="a willing answer stops the ladder for so many days")
    promises: Promises = Promises()
    ladder: tuple[Rung, ...] = Field(min_length=1)
    tracks: tuple[Track, ...] = ()
    end: End | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Strategy:
        if flaws := list(_inconsistencies(self)):
            all_of_them = "; ".join(what for _, what in flaws)
            raise PydanticCustomError("inconsistent", "{what}", {"what": all_of_them, "flaws": flaws})
        return self

    def rungs(self) -> Iterator[Rung]:
        """All rungs, the ordinary ladder's first."""
        yield from self.ladder
        for track in self.tracks:
            yield from track.ladder

    def rung(self, name: str) -> Rung:
        return next(r for r in self.rungs() if r.rung == name)

    @property
    def canonical(self) -> str:
        """What the strategy says, as JSON. What it leaves open is not in it, so the format can grow."""
        return self.model_dump_json(exclude_defaults=True)

    @property
    def content_hash(self) -> str:
        """SHA-256 over what the strategy says: what a case pins."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


def _inconsistencies(strategy: Strategy) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where the parts contradict each other, and how."""
    ladders = [(("ladder",), strategy.ladder), *((("tracks", n, "ladder"), track.ladder) for n, track in enumerate(strategy.tracks))]
    seen: set[str] = set()
    for where, ladder in ladders:
        own = [r.rung for r in ladder]
        for at, rung in enumerate(ladder):
            if rung.rung in seen:
                yield (*where, at, "rung"), f"rung {rung.rung!r} is defined twice; give each rung its own name, in the tracks too"
            seen.add(rung.rung)
            after = rung.only_if.not_reached_by
            if after is not None and after not in own[:at]:
                yield (
                    (*where, at, "only_if", "not_reached_by"),
                    f"rung {rung.rung!r} names {after!r}, which is no earlier rung of this ladder",
                )
            for field in ("made_before", "not_made_before"):
                for n, other in enumerate(getattr(rung.only_if, field) or ()):
                    if other not in own:
                        yield (*where, at, "only_if", field, n), f"rung {rung.rung!r} names {other!r}, which is no rung of this ladder"


def steps(ladder: tuple[Rung, ...], spread_key: str) -> tuple[Step, ...]:
    """All occurrences of a ladder's rungs in the order in which they fall due.

    ``spread_key`` (the loan's id) places the loan within each rung's spread, always at the same minute.
    """
    found = [
        (day, order, Step(rung=rung.rung, n=n, day=day, at=_spread(rung.at, rung.spread_minutes, f"{spread_key}/{rung.rung}")))
        for order, rung in enumerate(ladder)
        for n, day in enumerate(rung.days, start=1)
    ]
    return tuple(step for _, _, step in sorted(found, key=lambda f: (f[0], f[2].at, f[1])))


def _spread(at: time, minutes: int, key: str) -> time:
    if not minutes:
        return at
    digest = hashlib.sha256(key.encode()).digest()
    offset = timedelta(minutes=int.from_bytes(digest[:4], "big") % minutes)
    start = timedelta(hours=at.hour, minutes=at.minute)
    return (_MIDNIGHT + min(start + offset, _LAST_MINUTE)).time()
