"""Which zone a person's clock stands in, told from the offsets that were written beside the times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

from arrears.prove.model import Instant, moment

_WITH_SUMMER_TIME: dict[tuple[int, int], tuple[str, ...]] = {
    (60, 120): ("Europe/Berlin",),
    (0, 60): ("Europe/London",),
    (120, 180): ("Europe/Helsinki", "Asia/Jerusalem", "Africa/Cairo"),
    (-300, -240): ("America/New_York", "America/Havana"),
    (-360, -300): ("America/Chicago",),
    (-420, -360): ("America/Denver",),
    (-480, -420): ("America/Los_Angeles",),
    (-540, -480): ("America/Anchorage",),
    (-240, -180): ("America/Halifax", "America/Santiago"),
    (-180, -120): ("America/Sao_Paulo",),
    (600, 660): ("Australia/Sydney",),
    (570, 630): ("Australia/Adelaide",),
    (720, 780): ("Pacific/Auckland",),
}
_HALF_HOURS = {
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    270: "Asia/Kabul",
    210: "Asia/Tehran",
    570: "Australia/Darwin",
}


def zone_of_offsets(seen: Sequence[tuple[Instant, int]]) -> str | None:
    """A zone in which all these clocks (instant, minutes ahead of UTC) are right; ``None`` if none of ours fits.

    Zero alone tells nothing: it is what programs write that do not know where somebody is.
    """
    offsets = sorted({offset for _, offset in seen})
    match offsets:
        case [0] | []:
            return None
        case [only]:
            return _fixed(only)
        case [low, high]:
            return next((zone for zone in _WITH_SUMMER_TIME.get((low, high), ()) if all(_is_right(zone, at, o) for at, o in seen)), None)
        case _:
            return None


def _fixed(offset: int) -> str | None:
    hours, minutes = divmod(offset, 60)
    if minutes:
        return _HALF_HOURS.get(offset)
    return f"Etc/GMT{-hours:+d}" if -12 <= hours <= 14 else None


@lru_cache(maxsize=65_536)
def _is_right(zone: str, at: Instant, offset: int) -> bool:
    there = moment(at).astimezone(ZoneInfo(zone)).utcoffset()
    return there is not None and round(there.total_seconds() / 60) == offset
