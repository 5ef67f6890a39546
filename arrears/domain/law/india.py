"""India: the Reserve Bank's circulars on the agents who recover loans, and on microfinance."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import PositiveInt

from arrears.domain.calendar import ZoneName
from arrears.domain.content import Block, WordList
from arrears.domain.law.kit import DayCap, Hours, deny, outside_hours, over_cap, too_soon, zones_of_phone
from arrears.domain.law.rule import places, rule, tighter, within
from arrears.domain.law.standing import lacking, left, says, strictest, unwished
from arrears.domain.message import MessageClass
from arrears.domain.orders import Purpose
from arrears.domain.person import Names, Region
from arrears.domain.situation import Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Objection

_ANSWERS = frozenset({Purpose.REPLY, Purpose.VERIFICATION, Purpose.CONFIRM_OPT_OUT, Purpose.NOTICE})
_INDIA: frozenset[Region] = frozenset({"IN"})


_MICROFINANCE = "microfinance"


class IndianHours(Hours):
    """Hours of contact in India's one zone."""

    zone: ZoneName


class Decency(DayCap):
    """What calls must open with, words that intimidate, and how often calls are no persistence yet."""

    blocks: Names[Block]
    words: tuple[WordList, ...] = ()
    gap_minutes: PositiveInt = tighter("higher")
    zone: ZoneName


@rule("contact")
def in_01(s: Situation, terms: IndianHours, now: datetime) -> Objection | None:
    """No recovery calls before 8:00 or from 19:00 on, Indian time; microfinance has hours of its own (IN-04).

    RBI circular of 12 August 2022 on recovery agents. That messages keep the hours too is ours; no agreement on other hours is known to the circular.
    """
    return None if _is_microfinance(s) else _hours(s, terms, now)


@rule("contact")
def in_02(s: Situation, terms: Decency, now: datetime) -> Objection | None:
    """No intimidation or humiliation, no intrusion on family, referees and friends, no anonymous and no persistent calls, nothing false.

    RBI circular of 12 August 2022. The numbers, from which on calls are persistent, are ours.
    """
    action = s.contact
    if s.third_party:
        return deny(f"a third party: {s.relation}", "the borrower and who is liable with them", "action.recipient")
    spoken = action.channel is Channel.CALL and (action.message is None or action.message.klass is not MessageClass.LIMITED_CONTENT)
    if spoken and (missing := lacking(s, terms.blocks)):
        return deny(f"an anonymous call, without {', '.join(missing)}", "a caller who says who they are", "action.message.blocks")
    if (said := says(s, terms.words, "no intimidation")) is not None:
        return said
    return strictest((unwished(s, _zones(s, terms.zone), now, _ANSWERS), _persistent(s, terms, now)))


@rule("contact")
def in_04(s: Situation, terms: IndianHours, now: datetime) -> Objection | None:
    """Microfinance loans are recovered from 9:00 until before 18:00 only.

    RBI Directions on microfinance of 14 March 2022. It is microfinance if the product's name says so.
    """
    return _hours(s, terms, now) if _is_microfinance(s) else None


def _hours(s: Situation, terms: IndianHours, now: datetime) -> Objection | None:
    action = s.contact
    if action.channel not in terms.channels:
        return None
    return outside_hours(now, _zones(s, terms.zone), terms, "people.zone")


def _is_microfinance(s: Situation) -> bool:
    return _MICROFINANCE in "".join(char for char in s.loan.product.lower() if char.isalpha())


def _persistent(s: Situation, terms: Decency, now: datetime) -> Objection | None:
    if s.contact.channel is not Channel.CALL:
        return None
    calls = [c for c in left(s.contacts(s.recipient.person_id, channel=Channel.CALL)) if c.at <= now]
    last = max(calls, key=lambda c: c.at, default=None)
    soon = too_soon(last, timedelta(minutes=terms.gap_minutes), now, f"{terms.gap_minutes} minutes between calls")
    return strictest((soon, *(over_cap(calls, terms, zone, now, "calls") for zone in _zones(s, terms.zone))))


def _zones(s: Situation, of_india: str) -> tuple[str, ...]:
    """India's zone for whoever lives or has a number there, and every other in which the recipient may be."""
    at_home = (of_india,) if any(within(place, _INDIA) for place in places(s)) else ()
    return tuple(dict.fromkeys((*at_home, *zones_of_phone(s))))
