"""Mainland China: consumer loans."""

from __future__ import annotations

from datetime import datetime

from arrears.domain.law.kit import DayCap, Hours, agreed_hours, outside_hours, over_cap
from arrears.domain.law.rule import contact, rule
from arrears.domain.outcome import ANSWERED, Outcome
from arrears.domain.situation import Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Objection

_EFFECTIVE = ANSWERED | {Outcome.RELAYED, Outcome.RELATIVE_REFUSED, Outcome.UNKNOWN, None}


@rule("contact")
def cn_01(s: Situation, terms: Hours, now: datetime) -> Objection | None:
    """No collection activity of any kind between 22:00 and 8:00 of the recipient's local day, unless they agreed to other hours.

    GB/T 45251-2025 (5.3), number not seen; CBA 2026, number not seen.
    """
    action = contact(s)
    if action.channel not in terms.channels:
        return None
    zones = (s.recipient.zone,) if s.recipient.zone else ()
    return outside_hours(now, zones, terms, "people.zone", agreed_hours(s.recipient, action.channel, now))


@rule("contact")
def cn_02(s: Situation, terms: DayCap, now: datetime) -> Objection | None:
    """At most three effective calls that we start to one debtor in a calendar day, voice bots included, over all their loans.

    GB/T 45251-2025 (5.3), number not seen. A call whose outcome is not known counts.
    """
    if contact(s).channel is not Channel.CALL:
        return None
    calls = (c for c in s.contacts(s.recipient.person_id, channel=Channel.CALL) if c.outcome in _EFFECTIVE)
    return over_cap(calls, terms, s.recipient.zone, now, "effective calls")
