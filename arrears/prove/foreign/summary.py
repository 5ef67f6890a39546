"""What a report says of how a foreign log was read: the columns, the words and what they were taken for, and what the log cannot show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from arrears.prove.foreign.entries import OTHER_WORDS
from arrears.prove.foreign.reader import Tally
from arrears.prove.foreign.words import CONTACTS, Kind
from arrears.prove.report import LineRefused, LogRead, WordRead

_MOST_LINES = 1_000
_MOST_WORDS = 200
_A_WORD = re.compile(r"[^\W\d]?[\w .:/+&()'-]{0,39}")
_MUCH_NUMBER = re.compile(r"\d{4}")


def log_read(tally: Tally) -> LogRead:
    """The part of a report about a log."""
    return LogRead(
        lines=tally.lines,
        refused=tally.refused,
        refused_lines=tuple(LineRefused(**problem._asdict()) for problem in tally.problems[:_MOST_LINES]),
        columns=tally.columns,
        words=tuple(_words(tally)),
        notes=tuple(_notes(tally)),
    )


def _words(tally: Tally) -> Iterator[WordRead]:
    read: Counter[tuple[str, str, str]] = Counter()
    for (word, kind), lines in tally.words.items():
        read["event", _shown(word), kind] += lines
    for (column, word), lines in tally.unknown.items():
        read[column, _shown(word), ""] += lines
    for (column, word, kind), lines in read.most_common(_MOST_WORDS):
        yield WordRead(column=column, word=word, taken_for=kind, lines=lines)


def _shown(word: str) -> str:
    """A word as a report may show it; what may be a sentence or a number about somebody is not shown."""
    return word if _A_WORD.fullmatch(word) and not _MUCH_NUMBER.search(word) else OTHER_WORDS


def _notes(tally: Tally) -> Iterator[str]:
    if tally.day_only:
        yield f"{tally.day_only} lines have no time of day: hours and gaps of less than a day were not judged for them"
    if tally.without_outcome:
        yield f"{tally.without_outcome} calls have no outcome: they count as placed, and neither as answered nor as unanswered"
    if not tally.kinds & {Kind.OWED, Kind.SETTLED}:
        yield "no line says what was owed or that a debt was settled: whether anything was still owed was not judged"
    elif not tally.kinds & {Kind.PAYMENT, Kind.SETTLED}:
        yield "no line tells of a payment: contacts after payment cannot be seen"
    if not tally.kinds & {Kind.OPT_OUT, Kind.CEASE, Kind.REFUSAL, Kind.DISPUTE}:
        yield "no line tells of an opt-out, a dispute or a refusal: contacts against somebody's wish cannot be seen, except from outcomes"
    if not tally.kinds & {kind.value for kind in CONTACTS}:
        yield "no line was understood as a contact"
    yield "approvals, verdicts, texts, identities of agencies and the legal basis of addresses are not in a contact log"
