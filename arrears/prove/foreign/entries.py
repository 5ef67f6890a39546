"""One row of a foreign log as an entry: what happened, to which debt, with whom, when."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

from arrears.prove.foreign import words
from arrears.prove.foreign.amounts import read_amount
from arrears.prove.foreign.columns import Column, Layout
from arrears.prove.foreign.instants import DateOrder, Instant, NotAnInstant, read_instant
from arrears.prove.foreign.words import CHANNELS, CONTACTS, Kind, Meaning
from arrears.prove.model import DAY, SECOND, amount, instant

ANY_WORD = "*"
OTHER_WORDS = "…"
"""Stands for all words after the first so many: a column of free text has no vocabulary."""
_MOST_WORDS = 2_000
_ID = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9_.:#/\-]{0,63}")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_COUNTRIES = {
    "china": "CN", "prc": "CN", "中国": "CN", "usa": "US", "united states": "US", "united kingdom": "GB", "uk": "GB", "england": "GB", "india": "IN",
}  # fmt: skip
_CLOCK_SIDE = re.compile(r"\d{1,2}([:.]\d{2}){0,2}(\.\d+)?\s*([AaPp]\.?[Mm]\.?)?")
_OF_CALLS = re.compile(r"\b(call|calls|called|dial|dialed|dialled|voice|ivr)\b")
_FAILED_PAYMENT = frozenset(
    {"failed", "declined", "rejected", "reversed", "bounced", "cancelled", "canceled", "pending", "error", "scheduled", "失败"}
)
_NO_AMOUNT = frozenset({"nan", "null", "none", "nil", "n/a", "-"})
_UTC = ZoneInfo("UTC")
_MINUTE = timedelta(minutes=1)
_PLAIN: dict[Kind, str] = {kind: kind.value for kind in Kind}
_STORED = _PLAIN | dict.fromkeys(CONTACTS, Kind.CONTACT.value)
_HAVE_A_CHANNEL = CONTACTS | {Kind.OPT_OUT, Kind.OPT_IN}
_STEPS = {"start": 1, "started": 1, "complete": 2, "completed": 2, "": 0}


@dataclass(frozen=True)
class Reading:
    """How to read a log: our column → the file's own, event word → kind (``*``: whatever no table holds), and where clocks without an offset stand."""

    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    events: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    zone: str | None = None
    order: DateOrder | None = None
    encoding: str | None = None


class LineProblem(NamedTuple):
    """A line that could not be read. Nothing of what stood there is repeated."""

    file: str
    line: int
    field: str
    problem: str
    remedy: str


class Rejected(Exception):
    """A row says too little, or something that cannot be understood."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.field, self.problem, self.remedy = field, problem, remedy


class Entry(NamedTuple):
    """One line that says something. ``at`` is an instant of the model; of a line without a time of day it is the day's first. ``known`` is when it
    surely was known: the end of that day. ``offset`` is in minutes. ``step`` is 1 for the start of an activity, 2 for its end, else 0."""

    file: int
    line: int
    debt: str
    person: str
    at: int
    known: int
    day_only: bool
    offset: int | None
    kind: str
    channel: str | None
    inbound: bool
    outcome: str | None
    party: str | None
    point: str | None
    zone: str | None
    country: str | None
    agency: str | None
    purpose: str | None
    klass: str | None
    amount: int | None
    total_paid: int | None
    fee: int | None
    word: str
    step: int


class EntryMaker:
    """Makes the entries of one file, and remembers what each word was taken for."""

    def __init__(
        self,
        layout: Layout,
        reading: Reading,
        order: DateOrder | None,
        file: int,
        header: Sequence[str],
        *,
        midnight_is_no_time: bool = False,
    ) -> None:
        self.words: Counter[tuple[str, str]] = Counter()
        self.unknown: Counter[tuple[str, str]] = Counter()
        self._reading = reading
        self._order = order
        self._midnight_is_no_time = midnight_is_no_time
        self._file = file
        self._place = {column.value: layout.place(column) for column in Column}
        self._has_event = Column.EVENT in layout.places
        self._events = {words.plain(word): kind for word, kind in reading.events.items()}
        self._otherwise = self._events.pop("", None) or reading.events.get(ANY_WORD) or (None if self._has_event else _default(layout))
        self._channel = Kind.CALL if any(_OF_CALLS.search(words.plain(name)) for name in header) and not self._has_event else None
        self._in_utc = "utc" in words.plain(layout.names[Column.AT]).split()
        self._zone = ZoneInfo(reading.zone) if reading.zone else None
        self._zones: dict[str, ZoneInfo | None] = {}

    def entry(self, line: int, row: Sequence[str]) -> Entry | None:
        """The row's entry; ``None`` if it says nothing that concerns the law. Raises ``Rejected``."""
        cells = [cell.strip() for cell in row]
        cells.append("")  # what a column that the file has not holds: its place is -1
        place = self._place
        debt = opaque(cells[place["debt"]], longest_number=12)
        if not debt:
            raise Rejected("debt", "is empty", "every line names the debt that it is about")
        word = cells[place["event"]]
        meaning = self._meaning(word)
        if meaning is None or meaning.kind is Kind.NOTHING:
            return None
        kind, said = meaning.kind, cells[place["outcome"]]
        step = _STEPS.get(cells[place["lifecycle"]].lower(), -1)
        if step < 0 or (kind is Kind.PAYMENT and said and words.plain(said) in _FAILED_PAYMENT):
            return None
        zone = self._zone_of(cells[place["zone"]])
        at, known, day_only, offset = self._instant(cells[place["at"]], cells[place["time"]], zone)
        inbound = words.inbound(cells[place["direction"]])
        return Entry(
            file=self._file,
            line=line,
            debt=debt,
            person=opaque(cells[place["person"]]) or f"debtor of {debt}",
            at=at,
            known=known,
            day_only=day_only,
            offset=offset,
            kind=_STORED[kind],
            channel=self._channel_of(cells[place["channel"]], kind),
            inbound=meaning.inbound if inbound is None else inbound,
            outcome=self._known("outcome", said, words.outcome) or meaning.outcome,
            party=self._known("party", cells[place["party"]], words.party),
            point=_hidden(cells[place["point"]]) if cells[place["point"]] else None,
            zone=zone.key if zone else None,
            country=self._known("country", cells[place["country"]], _country),
            agency=cells[place["agency"]] or None,
            purpose=cells[place["purpose"]] or None,
            klass=cells[place["class"]] or None,
            amount=self._money(cells, kind),
            total_paid=self._number("total_paid", cells[place["total_paid"]]) if kind is Kind.PAYMENT else None,
            fee=self._number("fee", cells[place["fee"]]),
            word=word,
            step=step,
        )

    def _meaning(self, word: str) -> Meaning | None:
        said = words.plain(word)
        if said in self._events:
            found: Meaning | None = Meaning(self._events[said])
        else:
            found = (words.event(word) if word else None) or (Meaning(self._otherwise) if self._otherwise else None)
        if found is None:
            self._unknown("event", word)
        else:
            self.words[word if len(self.words) < _MOST_WORDS else OTHER_WORDS, _PLAIN[found.kind]] += 1
        return found

    def _unknown(self, column: str, word: str) -> None:
        self.unknown[column, word if len(self.unknown) < _MOST_WORDS else OTHER_WORDS] += 1

    def _channel_of(self, named: str, kind: Kind) -> str | None:
        if kind not in _HAVE_A_CHANNEL:
            return None
        found = words.channel(named) if named else None
        if named and found is None:
            self._unknown("channel", named)
        if found is None:
            found = kind if kind in CHANNELS else self._channel if kind is Kind.CONTACT else None
        return None if found is None else _PLAIN[found]

    def _known(self, column: str, named: str, read: Callable[[str], str | None]) -> str | None:
        if not named:
            return None
        found = read(named)
        if found is None:
            self._unknown(column, named)
        return found

    def _zone_of(self, name: str) -> ZoneInfo | None:
        if not name:
            return self._zone
        if name not in self._zones:
            try:
                self._zones[name] = ZoneInfo(name)
            except (ValueError, OSError, LookupError):
                self._zones[name] = None
        found = self._zones[name]
        if found is None:
            raise Rejected("zone", "is no IANA time zone", "name it as in Asia/Shanghai or America/New_York")
        return found

    def _instant(self, text: str, clock: str, zone: ZoneInfo | None) -> tuple[int, int, bool, int | None]:
        if not text:
            raise Rejected("at", "is empty", "every line says when it happened")
        if clock and ":" not in text and _CLOCK_SIDE.fullmatch(clock):
            text = f"{text} {clock if ':' in clock else clock + ':00'}"
        try:
            read = read_instant(text, _UTC if self._in_utc else zone, self._order)
        except NotAnInstant as wrong:
            raise Rejected("at", wrong.problem, wrong.remedy) from None
        at = instant(read.at)
        day_only = read.day_only or (self._midnight_is_no_time and _is_midnight(read, zone))
        offset = None if read.offset is None else read.offset // _MINUTE
        return at, at + DAY - SECOND if day_only else at, day_only, offset

    def _money(self, cells: Sequence[str], kind: Kind) -> int | None:
        if kind is not Kind.PAYMENT:
            return self._number("amount", cells[self._place["amount"]])
        paid = self._number("paid", cells[self._place["paid"]])
        return self._number("amount", cells[self._place["amount"]]) if paid is None else paid

    def _number(self, column: str, text: str) -> int | None:
        if not text or text.lower() in _NO_AMOUNT:
            return None
        try:
            return amount(read_amount(text))
        except ValueError:
            raise Rejected(column, "is no amount of money", "write it as in 1234.50") from None


@lru_cache(maxsize=65_536)
def opaque(name: str, longest_number: int = 8) -> str:
    """An id as a report may show it: one that may be a name, an address or a telephone or account number is replaced by a digest of it."""
    if not name or (_ID.fullmatch(name) and not (name.isdigit() and len(name) > longest_number)):
        return name
    return f"id-{_hidden(name)}"


def _hidden(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=1024)
def _country(named: str) -> str | None:
    code = _COUNTRIES.get(named.lower(), named.upper())
    return code if _REGION.fullmatch(code) else None


def _is_midnight(read: Instant, zone: ZoneInfo | None) -> bool:
    offset = read.offset if read.offset is not None else read.at.astimezone(zone).utcoffset()
    there = read.at + (offset or timedelta(0))
    return there.hour == there.minute == there.second == 0


def _default(layout: Layout) -> Kind | None:
    """What the lines of a file without events are: payments, if it has what was paid and nothing about how somebody was reached; else contacts."""
    about_contacts = {Column.CHANNEL, Column.OUTCOME, Column.DIRECTION, Column.POINT} & set(layout.places)
    name = words.plain(layout.names[Column.AT])
    if re.search(r"\b(pay|payment|paid|trans|transaction)\b|还款", name) or (Column.PAID in layout.places and not about_contacts):
        return Kind.PAYMENT
    return Kind.CONTACT
