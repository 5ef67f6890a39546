"""Figures are kept for a while: the longer they took to make, the longer, so that a page many people keep open costs a small part of the time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from arrears.ledger.engine import Ledger
from arrears.ledger.figures.model import Asked, Figures
from arrears.ledger.figures.reading import read

_KEPT_FOR_TIMES = 20
_MOST_KEPT = 64


@dataclass
class _Kept:
    """What was made of one ledger, and until when (by the machine's steady clock) it is good."""

    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    made: dict[Asked, tuple[float, Figures]] = field(default_factory=dict[Asked, tuple[float, Figures]])


_of: WeakKeyDictionary[Ledger, _Kept] = WeakKeyDictionary()


async def figures(ledger: Ledger, asked: Asked, now: datetime) -> Figures:
    """The figures that are asked for: made now, or a moment ago (``at`` says when). ``now`` is business time."""
    kept = _of.setdefault(ledger, _Kept())
    async with kept.making:  # two people who ask the same thing at once are answered by one reading
        good_until, made = kept.made.get(asked, (0.0, None))
        if made is not None and time.monotonic() < good_until:
            return made
        began = time.monotonic()
        async with ledger.reading() as session:
            made = await read(session, asked, now)
        ended = time.monotonic()
        kept.made[asked] = (ended + _KEPT_FOR_TIMES * (ended - began), made)
        for old in [a for a, (until, _) in kept.made.items() if until <= ended or len(kept.made) > _MOST_KEPT][:-1]:
            del kept.made[old]
        return made
