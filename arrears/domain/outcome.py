"""What can become of an attempt to reach a person."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The result of a contact, or of any other step."""

    ANSWERED = "answered"
    ANSWERED_WILLING = "answered_willing"
    ANSWERED_DELAYING = "answered_delaying"
    ANSWERED_REFUSING = "answered_refusing"
    ANSWERED_DISPUTES = "answered_disputes"
    ANSWERED_HARDSHIP = "answered_hardship"
    SOMEONE_ELSE = "someone_else"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    INVALID_NUMBER = "invalid_number"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    OPTED_OUT = "opted_out"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RELAYED = "relayed"
    RELATIVE_REFUSED = "relative_refused"
    NOT_SENT = "not_sent"
    DENIED = "denied"
    SKIPPED = "skipped"
    DONE = "done"


ANSWERED = frozenset(
    {
        Outcome.ANSWERED,
        Outcome.ANSWERED_WILLING,
        Outcome.ANSWERED_DELAYING,
        Outcome.ANSWERED_REFUSING,
        Outcome.ANSWERED_DISPUTES,
        Outcome.ANSWERED_HARDSHIP,
    }
)
"""The borrower was spoken to."""

UNREACHED = frozenset({Outcome.SOMEONE_ELSE, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL, Outcome.INVALID_NUMBER})
"""A call was placed and did not reach the borrower."""

NOT_MADE = frozenset({Outcome.NOT_SENT, Outcome.DENIED, Outcome.SKIPPED})
"""Nothing left the house."""

CALL_OUTCOMES = ANSWERED | UNREACHED | {Outcome.FAILED, Outcome.UNKNOWN, Outcome.RELAYED, Outcome.RELATIVE_REFUSED}
"""What a voice gateway may report about a call."""

LOST_AFTER_FAILURES = 3
"""Consecutive failed attempts after which contact with the borrower counts as lost (CN-11)."""
