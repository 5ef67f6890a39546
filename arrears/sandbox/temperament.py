"""What kind of person a borrower is: what they say when called, and when they pay. Data and pure functions; the same seed, the same life."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from arrears.domain.calendar import ZoneName, local_date, local_instant
from arrears.domain.events import Id
from arrears.domain.loan import Instalment
from arrears.domain.money import Currency
from arrears.domain.outcome import Outcome

Said = Outcome | Literal["unreached"]
"""What comes of a call; ``unreached`` is no answer, busy or voicemail, as luck has it."""

Script = Annotated[tuple[Said, ...], Field(min_length=1)]
"""What comes of the first call, the second, …; the last entry stands for all further calls."""

Whom = Literal["registered", "reserve", "relative"]
"""On which line the world was called."""

_UNREACHED = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL)
_CENT = Decimal("0.01")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pays(_Part):
    """A payment: ``share`` of what is overdue then, ``days`` after the first due date, or after the first call that ended so."""

    days: int = Field(ge=0)
    since: Literal["due", "willing", "relayed"] = "due"
    share: Decimal = Field(default=Decimal(1), gt=0, le=1)
    at: time = time(12, 30)


class Temperament(_Part):
    """A borrower and those around them."""

    name: str
    registered: Script
    reserve: Script = ("unreached",)
    relatives: Script = (Outcome.RELAYED,)
    pays: tuple[Pays, ...] = ()


def pays_on_day(days: int) -> Temperament:
    """Never picks up, and pays everything ``days`` days after the due date (days past due, not ladder days)."""
    return Temperament(name="pays_on_day", registered=("unreached",), pays=(Pays(days=days),))


def pays_in_parts(*days: int) -> Temperament:
    """Answers willingly and pays in equal parts on these days past due, the last of which settles the rest."""
    parts = tuple(Pays(days=day, share=Decimal(1) / (len(days) - n)) for n, day in enumerate(days))
    return Temperament(name="pays_in_parts", registered=(Outcome.ANSWERED_WILLING,), pays=parts)


def never_answers() -> Temperament:
    """Nobody ever picks up and nothing is ever paid; relatives would pass a message on."""
    return Temperament(name="never_answers", registered=("unreached",))


def relative_refuses() -> Temperament:
    """Never picks up, and the relatives want nothing to do with it."""
    return Temperament(name="relative_refuses", registered=("unreached",), relatives=(Outcome.RELATIVE_REFUSED,))


def reached_by_relative(pays_after_days: int = 2) -> Temperament:
    """Never picks up, but pays some days after a relative has passed the message on."""
    pays = Pays(days=pays_after_days, since="relayed")
    return Temperament(name="reached_by_relative", registered=("unreached",), relatives=(Outcome.RELAYED,), pays=(pays,))


def willing(pays_after_days: int = 2) -> Temperament:
    """Picks up, is willing, and pays some days after that."""
    return Temperament(name="willing", registered=(Outcome.ANSWERED_WILLING,), pays=(Pays(days=pays_after_days, since="willing"),))


def delays(times: int = 4, then: Outcome = Outcome.ANSWERED_REFUSING) -> Temperament:
    """Picks up and puts it off so many times; then it is ``then``."""
    return Temperament(name="delays", registered=(Outcome.ANSWERED_DELAYING,) * times + (then,))


def refuses() -> Temperament:
    """Picks up and refuses."""
    return Temperament(name="refuses", registered=(Outcome.ANSWERED_REFUSING,))


def moved_away(reserve: Said = Outcome.SOMEONE_ELSE) -> Temperament:
    """The registered number is no longer theirs: first a stranger answers, then it is out of service; the reserve number is ``reserve``."""
    return Temperament(name="moved_away", registered=(Outcome.SOMEONE_ELSE, Outcome.INVALID_NUMBER), reserve=(reserve,))


def disputes() -> Temperament:
    """Picks up and says that the debt is wrong."""
    return Temperament(name="disputes", registered=(Outcome.ANSWERED_DISPUTES,))


def hardship(first_part_on_day: int = 12) -> Temperament:
    """Picks up, cannot pay, and brings a tenth once."""
    return Temperament(name="hardship", registered=(Outcome.ANSWERED_HARDSHIP,), pays=(Pays(days=first_part_on_day, share=Decimal("0.1")),))


TEMPERAMENTS: Mapping[str, Callable[[], Temperament]] = {
    "pays_on_day": lambda: pays_on_day(4),
    "pays_in_parts": lambda: pays_in_parts(3, 9, 16),
    "never_answers": never_answers,
    "relative_refuses": relative_refuses,
    "reached_by_relative": reached_by_relative,
    "willing": willing,
    "delays": delays,
    "refuses": refuses,
    "moved_away": moved_away,
    "disputes": disputes,
    "hardship": hardship,
}
"""Every temperament by name, with its usual parameters."""


def later(temperament: Temperament, days: int) -> Temperament:
    """The same person, who pays so many days later: for a loan that was overdue before anybody looked."""
    pays = tuple(p.model_copy(update={"days": p.days + days}) if p.since == "due" else p for p in temperament.pays)
    return temperament.model_copy(update={"pays": pays})


class Resident(_Part):
    """A borrower as the world knows them: their loan, their addresses on each line, their temperament.

    An address is whatever a gateway is given: an E.164 number, a mail address, an in-app account. Relatives belong to the loan of the borrower.
    """

    loan_id: Id
    temperament: Temperament
    zone: ZoneName = "Asia/Shanghai"
    currency: Currency = "CNY"
    instalments: tuple[Instalment, ...] = ()
    addresses: Mapping[str, Whom] = Field(default={}, repr=False)


class Spoken(_Part):
    """A call that was made to a resident or their relatives, and what came of it."""

    whom: Whom
    outcome: Outcome
    at: datetime


def luck(seed: int, key: str, sides: int) -> int:
    """A throw of a die that falls the same way each time it is thrown for ``key``."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{key}".encode()).digest()[:8], "big") % sides


def answer(temperament: Temperament, whom: Whom, calls_before: int, seed: int, key: str) -> Outcome:
    """What comes of the next call on a line, ``calls_before`` calls on that line after the first."""
    match whom:
        case "registered":
            script = temperament.registered
        case "reserve":
            script = temperament.reserve
        case "relative":
            script = temperament.relatives
    said = script[min(calls_before, len(script) - 1)]
    return said if isinstance(said, Outcome) else _UNREACHED[luck(seed, key, len(_UNREACHED))]


def payment_instants(resident: Resident, spoken: tuple[Spoken, ...]) -> tuple[datetime | None, ...]:
    """When each payment of the temperament is made, in its order; ``None`` as long as what it waits for has not happened."""
    return tuple(_instant(pays, resident, spoken) for pays in resident.temperament.pays)


def _instant(pays: Pays, resident: Resident, spoken: tuple[Spoken, ...]) -> datetime | None:
    match pays.since:
        case "due":
            start = min((i.due_on for i in resident.instalments), default=None)
        case "willing":
            start = _first(spoken, Outcome.ANSWERED_WILLING, resident.zone)
        case "relayed":
            start = _first(spoken, Outcome.RELAYED, resident.zone)
    return None if start is None else local_instant(start + timedelta(days=pays.days), pays.at, resident.zone)


def _first(spoken: tuple[Spoken, ...], outcome: Outcome, zone: str) -> date | None:
    return min((local_date(s.at, zone) for s in spoken if s.outcome is outcome), default=None)


def part_of(owed: Decimal, share: Decimal) -> Decimal:
    """That share of an amount, to the cent."""
    return owed if share == 1 else (owed * share).quantize(_CENT, ROUND_HALF_UP)
