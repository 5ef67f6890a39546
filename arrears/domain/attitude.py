"""How the borrower stands towards the debt, judged from what they said and did."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from arrears.domain.outcome import Outcome


class Attitude(StrEnum):
    """The borrower's attitude as far as we know it."""

    UNKNOWN = "unknown"
    WILLING = "willing"
    DELAYING = "delaying"
    REFUSING = "refusing"
    DISPUTING = "disputing"
    STRAINED = "strained"


_SAID = {
    Outcome.ANSWERED_WILLING: Attitude.WILLING,
    Outcome.ANSWERED_DELAYING: Attitude.DELAYING,
    Outcome.ANSWERED_REFUSING: Attitude.REFUSING,
    Outcome.ANSWERED_DISPUTES: Attitude.DISPUTING,
    Outcome.ANSWERED_HARDSHIP: Attitude.STRAINED,
}


def attitude(answers: Sequence[Outcome], *, promises_broken: int, paid_since_last_answer: bool) -> Attitude:
    """The attitude after ``answers``, oldest first.

    The last answer counts, softened or hardened by deeds: money that came since makes a delaying borrower willing, a broken promise makes a
    willing one delaying. Without any answer the attitude is unknown, whatever was paid.
    """
    said = next((_SAID[a] for a in reversed(answers) if a in _SAID), Attitude.UNKNOWN)
    match said:
        case Attitude.DELAYING if paid_since_last_answer:
            return Attitude.WILLING
        case Attitude.WILLING if promises_broken and not paid_since_last_answer:
            return Attitude.DELAYING
        case _:
            return said
