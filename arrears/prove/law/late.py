"""What was lawful by what was known when it left, and turns out to have been too much once everything is known: an incident, never silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arrears.prove import words
from arrears.prove.debtor import Debtor
from arrears.prove.limits import Timeline
from arrears.prove.model import Contact, Day
from arrears.prove.sending import Breach


def late_breaches(debtor: Debtor, asked: Mapping[str, bool], limits: Timeline) -> Iterator[tuple[Contact, Breach]]:
    """Effective calls beyond the last permitted of a day (CN-02) that nobody could have known to be so when they were made.

    ``asked`` are the ids of the calls that the rule was asked about, with whether it was broken as far as was known.
    """
    for calls in debtor.calls.values():
        effective: dict[Day | None, int] = {}
        for day, call in calls:
            if call.direction == "in" or call.outcome not in words.SPOKEN:
                continue
            effective[day] = effective.get(day, 0) + 1
            most = limits.at(call.at).cn_02_most
            if day is not None and effective[day] > most and asked.get(call.contact_id) is False:
                told = "it was one effective call too many on that day, as was known later"
                yield call, Breach(f"{effective[day] - 1} before it", f"{most} a day", told)
