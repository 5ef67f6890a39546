"""What happens in a borrower's world: payments, promises, holds, wishes, refusals, reports of agencies, notices, recalls. All of it is rows."""

from __future__ import annotations

import random
from collections.abc import Callable

from arrears.prove import model as raw
from tests.simulation.rows import Rows

HOLDS = (
    "dispute", "dispute", "cease", "attorney", "breathing-space", "mental-health-crisis", "incapacity", "debt-advice", "hardship", "plan",
    "bankruptcy", "deceased", "minor", "complaint", "recall", "payment-order", "suspected-fraud",
)  # fmt: skip


def happen(luck: random.Random, rows: Rows, at: raw.Instant) -> None:
    """One event, known at an instant."""
    loan_id, person_id = luck.choice(tuple(rows.file.loans)), luck.choice(tuple(rows.file.persons))
    luck.choice(_EVENTS)(luck, rows, loan_id, person_id, at)


def _key(rows: Rows, word: str) -> str:
    file = rows.file
    return f"{word}-{len(file.payments) + len(file.holds) + len(file.contacts) + len(file.placements)}"


def _payment(luck: random.Random, rows: Rows, loan_id: str, _: str, at: raw.Instant) -> None:
    heard = at + luck.choice((0, 1)) if luck.random() < 0.9 else None
    worth = raw.amount(luck.choice(("20", "100", "600")))
    rows.file.payments.append(raw.Payment(_key(rows, "pay"), loan_id, worth, at - luck.choice((0, 0, 1, 30)) * raw.HOUR, at, heard))


def _take_back(luck: random.Random, rows: Rows, _: str, __: str, at: raw.Instant) -> None:
    """The bank takes a payment back that stands."""
    payments = rows.file.payments
    standing = [n for n, p in enumerate(payments) if p.reversed_at is None and p.recorded_at <= at]
    if standing:
        n = luck.choice(standing)
        payments[n] = payments[n]._replace(reversed_at=at)


def _hold(luck: random.Random, rows: Rows, loan_id: str, person_id: str, at: raw.Instant) -> None:
    until = at + luck.choice((1, 3)) * raw.DAY if luck.random() < 0.6 else None
    lifted = at + 2 * raw.DAY if until is None and luck.random() < 0.5 else None
    reason = luck.choice(HOLDS)
    placed = at - luck.choice((0, 0, 0, 3, 59)) * raw.DAY
    rows.file.holds.append(
        raw.Hold(
            _key(rows, "hold"),
            loan_id,
            reason,
            placed,
            at,
            until,
            lifted,
            lifted,
            agency=luck.choice((None, "north")) if reason in ("complaint", "recall") else None,
            treatment_ends_on=at // raw.DAY - luck.choice((1, 25, 31))
            if reason == "mental-health-crisis" and luck.random() < 0.7
            else None,
            person_id=luck.choice(("P-0", person_id, None)),
        )
    )


def _wish(luck: random.Random, rows: Rows, _: str, person_id: str, at: raw.Instant) -> None:
    withdrawn = at + luck.choice((1, 1, 4)) * raw.DAY if luck.random() < 0.4 else None
    kind = luck.choice(("no_contact", "no_medium", "no_medium", "no_address", "no_hours"))
    wish = raw.Wish(person_id, kind, at, withdrawn_at=withdrawn)
    match kind:
        case "no_medium":
            wish = wish._replace(channel=luck.choice(("call", "sms", "email", "in_app")))
        case "no_address":
            wish = wish._replace(point_id=_point_of(luck, rows, person_id))
        case "no_hours":
            starts, ends = luck.choice(((12, 18), (0, 24), (17, 22), (8, 9)))
            wish = wish._replace(starts=starts * 3600, ends=min(ends * 3600, 86_399))
        case _:
            pass
    rows.file.wishes.append(wish)


def _point_of(luck: random.Random, rows: Rows, person_id: str) -> str:
    return luck.choice([point_id for point_id, point in rows.file.points.items() if point.person_id == person_id])


def _consent(luck: random.Random, rows: Rows, _: str, person_id: str, at: raw.Instant) -> None:
    kind = luck.choice(("hours", "hours", "more_calls", "more_calls", "third_party", "workplace", "texts", "artificial_voice", "visit"))
    starts, ends = luck.choice(((22, 23), (6, 9))) if kind == "hours" else (None, None)
    withdrawn = at + raw.DAY if luck.random() < 0.3 else None
    channel = luck.choice((None, None, "call", "sms")) if kind in ("hours", "more_calls", "third_party") else None
    consent = raw.Consent(person_id, kind, at, channel, withdrawn_at=withdrawn)
    if starts is not None and ends is not None:
        consent = consent._replace(starts=starts * 3600, ends=ends * 3600)
    rows.file.consents.append(consent)


def _promise(luck: random.Random, rows: Rows, loan_id: str, _: str, at: raw.Instant) -> None:
    rows.file.signs.append(raw.Sign(loan_id, luck.choice(("promise_made", "plan_agreed")), at, at))


def _refusal(_: random.Random, rows: Rows, __: str, person_id: str, at: raw.Instant) -> None:
    ties = rows.file.ties
    for n, tie in enumerate(ties):
        if tie.person_id == person_id and tie.refused_at is None:
            ties[n] = tie._replace(refused_at=at)


def _dead_number(luck: random.Random, rows: Rows, _: str, person_id: str, at: raw.Instant) -> None:
    point_id = _point_of(luck, rows, person_id)
    point = rows.file.points[point_id]
    if point.invalid_since is None:
        rows.file.points[point_id] = point._replace(invalid_since=at)


def _lost(_: random.Random, rows: Rows, __: str, ___: str, at: raw.Instant) -> None:
    lost(rows, at)


def lost(rows: Rows, at: raw.Instant) -> None:
    """All of the borrower's numbers turn out to be dead."""
    for point_id, point in rows.file.points.items():
        if point.person_id == "P-0" and point.kind in ("mobile", "landline") and point.invalid_since is None:
            rows.file.points[point_id] = point._replace(invalid_since=at)


def _employer(luck: random.Random, rows: Rows, _: str, person_id: str, at: raw.Instant) -> None:
    point_id = _point_of(luck, rows, person_id)
    point = rows.file.points[point_id]
    if point.employer_forbids_at is None:
        rows.file.points[point_id] = point._replace(employer_forbids_at=at)


def _close(_: random.Random, rows: Rows, loan_id: str, __: str, at: raw.Instant) -> None:
    case = rows.file.cases[f"{loan_id}.1"]
    if case.closed_at is None:
        rows.file.cases[case.case_id] = case._replace(closed_at=at)


def _reported(luck: random.Random, rows: Rows, loan_id: str, person_id: str, at: raw.Instant) -> None:
    """Somebody calls or writes to us, or an agency says that it called."""
    inbound = luck.random() < 0.6
    channel = luck.choice(("call", "call", "sms", "email"))
    spoken = "answered" if channel == "call" else None
    point_id = _point_of(luck, rows, person_id) if channel != "call" and luck.random() < 0.7 else None
    rows.file.contacts.append(
        raw.Contact(
            _key(rows, "told"),
            luck.choice((loan_id, loan_id, "X-1")) if person_id != "P-0" else loan_id,
            person_id,
            channel,
            at,
            outcome=spoken if inbound else luck.choice(("answered", "no_answer")) if channel == "call" else "delivered",
            known_at=at + luck.choice((0, 1, 20)) * raw.HOUR,
            direction="in" if inbound else "out",
            by=raw.LENDER if inbound else "north",
            reported=True,
            point_id=point_id,
            purpose="collect",
        )
    )


def _feed(_: random.Random, rows: Rows, __: str, ___: str, at: raw.Instant) -> None:
    north = rows.book.agencies["north"]
    rows.book.agencies = {"north": north._replace(feed_at=at)}


def _placed(luck: random.Random, rows: Rows, loan_id: str, _: str, at: raw.Instant) -> None:
    """An agency has the loan, as of a while ago, and may give it back."""
    until = at + luck.choice((1, 5)) * raw.DAY
    recalled = luck.choice((None, at + 2 * raw.DAY))
    rows.file.placements.append(
        raw.Placement(_key(rows, "placed"), loan_id, f"{loan_id}.1", "agency", at, "north", luck.choice((None, until)), recalled)
    )


def _notice(luck: random.Random, rows: Rows, loan_id: str, person_id: str, at: raw.Instant) -> None:
    kind = luck.choice(("agency", "assignment", "validation", "verification", "credit", "default", "visit", "transfer"))
    delivered = luck.choice((at, at + raw.HOUR, at + 3 * raw.DAY, None))
    to = luck.choice(("P-0", person_id))
    rows.file.notices.append(
        raw.Notice(loan_id, to, kind, at, luck.choice((None, "north")), delivered, luck.choice((None, None, at + raw.DAY)))
    )


_EVENTS: tuple[Callable[[random.Random, Rows, str, str, raw.Instant], None], ...] = (
    *(_payment, _payment, _take_back, _hold, _hold, _wish, _wish, _consent, _consent, _promise, _refusal, _dead_number, _lost, _employer),
    *(_close, _reported, _reported, _reported, _feed, _feed, _placed, _notice),
)
