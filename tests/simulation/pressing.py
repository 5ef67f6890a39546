"""Worlds that press against one limit: little else stands against a contact there, and contacts are wanted around the edge again and again.

A world that is drawn at random seldom gets to the fourth call of a day, to the fifteenth contact about one debtor or to the seventh day after a
conversation: something else has stopped it before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from arrears.prove import model as raw
from tests.simulation import drawn, events
from tests.simulation.rows import Rows

_MINUTE = 60 * raw.SECOND
EDGES = (
    "06:59:59",
    "07:00",
    "07:59:59",
    "08:00",
    "18:00",
    "18:59:59",
    "19:00",
    "19:59:59",
    "20:00",
    "20:59:59",
    "21:00",
    "21:59:59",
    "22:00",
)


class Wanted(NamedTuple):
    """A contact that somebody wants to make, and how it would end; ``kind`` is that of the address, if one is meant."""

    loan_id: str
    person_id: str
    channel: str
    purpose: str
    outcome: str | None
    kind: str | None = None


class Scene(NamedTuple):
    """A calm world and the first day of what happens there."""

    luck: random.Random
    rows: Rows
    zone: ZoneInfo
    first: date

    @property
    def loan(self) -> str:
        return self.luck.choice(tuple(self.rows.file.loans))

    def at(self, days: int, clock: str, minutes: float = 0) -> raw.Instant:
        """A local time, so many days and minutes on."""
        local = datetime.combine(self.first + timedelta(days=days), time.fromisoformat(clock), self.zone)
        return raw.instant(local.astimezone(UTC) + timedelta(minutes=minutes))


Timed = tuple[raw.Instant, Wanted]


def wanted(kind: str, luck: random.Random, rows: Rows, zone: str, begin: datetime, residence: str) -> dict[raw.Instant, Wanted]:
    """What is wanted when, in a world that this makes calm first."""
    calm(rows, zone, residence, raw.instant(begin))
    scene = Scene(luck, rows, ZoneInfo(zone), begin.date() + timedelta(days=luck.randrange(1, 4)))
    return dict(PRESSING[kind](scene))


def calm(rows: Rows, zone: str, residence: str, begin: raw.Instant) -> None:
    """Leave nothing in a world that stands against a contact with its borrower by itself."""
    file = rows.file
    rows.seat = residence[:2]
    file.persons["P-0"] = raw.Person("P-0", zone, residence)
    for kind in drawn.KINDS:
        phone = kind in ("mobile", "landline")
        file.points[f"P-0/{kind}"] = raw.ContactPoint(
            f"P-0/{kind}",
            "P-0",
            kind,
            country=residence[:2] if phone else None,
            legal_basis="contract",
            reassignment_checked_at=begin - raw.DAY,
        )
    for loan_id, loan in file.loans.items():
        file.loans[loan_id] = loan._replace(
            product="consumer_loan", lender_kind=None, annual_cost=None, limitation_ends_on=None, seat=rows.seat
        )
        file.instalments.append(raw.Instalment(loan_id, begin // raw.DAY - 40, raw.amount("5000")))
        sent = begin - 45 * raw.DAY
        told = [raw.Notice(loan_id, "P-0", kind, sent, None, sent + raw.DAY) for kind in ("validation", "default", "visit")]
        file.notices[:] = [n for n in file.notices if n.loan_id != loan_id] + told
    agreed = [raw.Consent("P-0", kind, begin - 5 * raw.DAY) for kind in ("texts", "electronic_notices", "visit", "artificial_voice")]
    file.consents[:] = [c for c in file.consents if c.person_id != "P-0"] + agreed
    file.circumstances[:] = [c for c in file.circumstances if c.person_id != "P-0"]
    file.ties[:] = [t._replace(may_ask_again_at=None) for t in file.ties if t.role not in ("attorney", "joint", "guarantor")]
    north = rows.book.agencies["north"]
    rows.book.agencies = {"north": north._replace(feed_at=begin + raw.DAY)}


def _talks(s: Scene) -> Iterator[Timed]:
    """One conversation after the other on one day, over all loans; an agency and the borrower call too."""
    when = s.at(0, "08:00", s.luck.randrange(60))
    for n in range(s.luck.randint(5, 7)):
        when += s.luck.randrange(31, 130) * _MINUTE
        if s.luck.random() < 0.25:
            _reported(s, f"told-{n}", when - _MINUTE, s.luck.choice(("out", "out", "in")))
        yield when, Wanted(s.loan, "P-0", "call", "collect", s.luck.choice(("answered_delaying", "answered_willing", "unknown", None)))


def _reported(s: Scene, key: str, at: raw.Instant, direction: str) -> None:
    by = "north" if direction == "out" else raw.LENDER
    contact = raw.Contact(
        key, s.loan, "P-0", "call", at, "answered", at, direction=direction, by=by, reported=True, point_id="P-0/mobile", purpose="collect"
    )
    s.rows.file.contacts.append(contact)
    s.rows.book.agencies = {"north": s.rows.book.agencies["north"]._replace(feed_at=at)}


def _rings(s: Scene) -> Iterator[Timed]:
    """The same number rings and rings."""
    when, kind = s.at(0, "08:00", s.luck.randrange(30)), s.luck.choice(("mobile", "landline"))
    for _ in range(s.luck.randint(7, 10)):
        yield when, Wanted(s.loan, "P-0", "call", "collect", s.luck.choice(("no_answer", "no_answer", "voicemail", "busy")), kind)
        when += s.luck.randrange(20, 95) * _MINUTE


def _pesters(s: Scene) -> Iterator[Timed]:
    """One debtor is wanted all day long by every way there is."""
    when = s.at(0, "08:00", s.luck.randrange(20))
    ways = (
        [("call", "mobile")] * 6 + [("call", "landline")] * 6 + [("sms", None)] * 2 + [("email", None), ("in_app", None), ("visit", None)]
    )
    s.luck.shuffle(ways)
    for channel, kind in [*ways, ("call", "mobile"), ("call", "landline")]:
        outcome = "no_answer" if channel in ("call", "visit") else "delivered"
        yield when, Wanted(s.loan, "P-0", channel, "collect", outcome, kind)
        when += s.luck.randrange(25, 42) * _MINUTE


def _others(s: Scene) -> Iterator[Timed]:
    """The borrower is lost, and somebody who owes nothing is asked to pass a message on, again after six, seven, eight days."""
    others = [tie for tie in s.rows.file.ties if tie.role in ("emergency", "contact")] or [raw.Tie("L-0", "P-9", "emergency")]
    tie = s.luck.choice(others)
    if tie.person_id not in s.rows.file.persons or tie.loan_id not in s.rows.file.loans:
        s.rows.file.ties.append(raw.Tie("L-0", "P-9", "emergency"))
        tie = s.rows.file.ties[-1]
    borrower = s.rows.file.persons["P-0"]
    s.rows.file.persons[tie.person_id] = borrower._replace(person_id=tie.person_id)
    for kind in ("mobile", "landline"):
        point = s.rows.file.points[f"P-0/{kind}"]
        theirs = point._replace(point_id=f"{tie.person_id}/{kind}", person_id=tie.person_id, legal_basis="consent")
        s.rows.file.points[theirs.point_id] = theirs
    events.lost(s.rows, s.at(0, "08:00"))
    for days in sorted(s.luck.sample(range(9), s.luck.randint(3, 6))):
        for clock in s.luck.sample(("08:00", "10:00", "17:30"), s.luck.randint(1, 2)):
            outcome = s.luck.choice(("relayed", "relayed", "no_answer", "relative_refused"))
            yield s.at(days, clock, s.luck.randrange(20)), Wanted(tie.loan_id, tie.person_id, "call", "relay", outcome)


def _weeks(s: Scene) -> Iterator[Timed]:
    """Unanswered calls on some days in a row, and again when the first of them are a week old."""
    for days in range(10):
        for clock in ("09:00", "15:00"):
            if days < 4 or s.luck.random() < 0.6:
                yield s.at(days, clock, s.luck.randrange(30)), Wanted("L-0", "P-0", "call", "collect", "no_answer")


def _gap(s: Scene) -> Iterator[Timed]:
    """A conversation, and calls around the end of the week after it."""
    if s.luck.random() < 0.4:
        _reported(s, "told-0", s.at(0, "12:00"), s.luck.choice(("in", "out")))
    else:
        yield s.at(0, s.luck.choice(("09:00", "20:00"))), Wanted("L-0", "P-0", "call", "collect", "answered_delaying")
    for days in s.luck.sample(range(1, 9), 4):
        yield s.at(days, s.luck.choice(("08:00", "20:30"))), Wanted("L-0", "P-0", "call", "collect", "no_answer")
    yield s.at(6, "12:30"), Wanted("L-0", "P-0", "call", "collect", "no_answer")


def _agreements(s: Scene) -> Iterator[Timed]:
    """The borrower agrees to something and takes it back; it is relied on a second before, at that very second, and after it."""
    given, over = s.at(0, "09:00"), s.at(2, "11:00")
    kinds = {"visit": ("visit", "11:00"), "hours": ("sms", "22:30"), "texts": ("sms", "11:00"), "workplace": ("call", "11:00")}
    kind = s.luck.choice(tuple(kinds))
    channel, clock = kinds[kind]
    consents = [c for c in s.rows.file.consents if (c.person_id, c.kind) != ("P-0", kind)]
    hours = (22 * 3600, 23 * 3600) if kind == "hours" else (None, None)
    if kind == "hours":
        over = s.at(2, "22:30")
    ends, withdrawn = s.luck.choice(((over, None), (None, over)))
    consents.append(raw.Consent("P-0", kind, given, None, *hours, ends_at=ends, withdrawn_at=withdrawn))
    s.rows.file.consents[:] = consents
    if kind == "workplace":
        s.rows.file.points["P-0/mobile"] = s.rows.file.points["P-0/mobile"]._replace(place="work", employer_forbids_at=given)
    for moment in (s.at(1, clock), over - raw.SECOND, over, over + raw.SECOND, s.at(3, clock), s.at(4, clock)):
        outcome = "no_answer" if channel in ("call", "visit") else "delivered"
        yield moment, Wanted(s.loan, "P-0", channel, "collect", outcome, "mobile" if kind == "workplace" else None)


def _edges(s: Scene) -> Iterator[Timed]:
    """Every way, at every second at which somebody's hours begin or end, on a day of the week each."""
    for n, clock in enumerate(EDGES):
        channel = s.luck.choice(("sms", "email", "in_app", "call"))
        yield s.at(n % 9, clock), Wanted(s.loan, "P-0", channel, "collect", "no_answer" if channel == "call" else "delivered")


def _holds(s: Scene) -> Iterator[Timed]:
    """A hold is placed, and perhaps ends again."""
    loan_id, when, over = s.loan, s.at(0, "11:00"), s.at(2, "11:00")
    until, lifted = s.luck.choice(((over, None), (None, over), (None, None)))
    s.rows.file.holds.append(raw.Hold("hold-p", loan_id, s.luck.choice(events.HOLDS), when, when, until, lifted, lifted, person_id="P-0"))
    if s.luck.random() < 0.5:
        s.rows.file.loans[loan_id] = s.rows.file.loans[loan_id]._replace(product="credit_card")
    yield from _around(s, loan_id, (when, over, s.at(5, "11:00")))


def _stops(s: Scene) -> Iterator[Timed]:
    """A wish, a payment, or the case's end forbids, and perhaps the wish or the payment is taken back."""
    loan_id, when, over = s.loan, s.at(0, "11:00"), s.at(2, "11:00")
    match s.luck.choice(("wish", "payment", "close")):
        case "wish":
            kind = s.luck.choice(("no_contact", "no_medium"))
            channel = None if kind == "no_contact" else s.luck.choice(("call", "sms", "email"))
            s.rows.file.wishes.append(raw.Wish("P-0", kind, when, channel, withdrawn_at=s.luck.choice((None, over))))
        case "payment":
            worth, heard = s.luck.choice((("9000", when), ("9000", None), ("100", over), ("100", None)))
            paid = raw.Payment("pay-p", loan_id, raw.amount(worth), when, when, heard, s.luck.choice((None, over)))
            s.rows.file.payments.append(paid)
        case _:
            s.rows.file.cases[f"{loan_id}.1"] = s.rows.file.cases[f"{loan_id}.1"]._replace(closed_at=when)
    yield from _around(s, loan_id, (when, over, s.at(5, "11:00")))


def _around(s: Scene, loan_id: str, moments: tuple[raw.Instant, ...]) -> Iterator[Timed]:
    """Contacts an hour and a second before what happens, at that very second, and after it."""
    for moment in moments:
        for seconds, channel in zip((-3600, -1, 0, 1, 3600), s.luck.choices(("call", "sms", "email", "in_app"), k=5), strict=True):
            outcome = "no_answer" if channel == "call" else "delivered"
            yield moment + seconds * raw.SECOND, Wanted(loan_id, "P-0", channel, s.luck.choice(("collect", "remind", "reply")), outcome)


PRESSING: dict[str, Callable[[Scene], Iterator[Timed]]] = {
    "talks": _talks,
    "rings": _rings,
    "pesters": _pesters,
    "others": _others,
    "weeks": _weeks,
    "gap": _gap,
    "agreements": _agreements,
    "edges": _edges,
    "holds": _holds,
    "stops": _stops,
}
"""The ways to press."""
