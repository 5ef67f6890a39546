"""A borrower's world as it stands on its first day: who there is, where they live, what is owed, and what was told and agreed to before."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from arrears.prove import model as raw
from tests.simulation.rows import Rows

PLACES = {
    "CN": ("Asia/Shanghai", "Asia/Urumqi"),
    "US": ("America/New_York", "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu"),
    "US-MA": ("America/New_York",),
    "GB": ("Europe/London",),
    "IN": ("Asia/Kolkata",),
    "DE": ("Europe/Berlin",),
}
ODD_ZONES = ("Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns")
STARTS = ("2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30", "2026-02-12", "2026-12-24", "2026-06-30", "2026-11-20")
"""Around the nights on which clocks change in America and Europe, the Spring Festival, the turn of the year, and a quiet week."""

ROLES = (
    *("emergency", "emergency", "contact", "spouse", "joint", "guarantor", "guarantor", "attorney", "legal_representative"),
    *("executor", "debt_adviser", "employer"),
)
KINDS = ("mobile", "landline", "email", "in_app", "postal")
DAYS = 16
FIT = frozenset({"purpose", "term", "manner", "data_kinds", "safeguards"})


def world(luck: random.Random, residence: str | None = None) -> tuple[Rows, str, str, datetime]:
    """The rows of a world on its first day; with the borrower's residence, one of ``PLACES``, their zone, and that day."""
    residence = residence or luck.choice(tuple(PLACES))
    zone = luck.choice(PLACES[residence] if luck.random() < 0.85 else ODD_ZONES)
    begin = datetime.fromisoformat(luck.choice(STARTS)).replace(tzinfo=UTC)
    rows = Rows(seat=luck.choice((residence[:2], residence[:2], residence[:2], "CN", "US", "GB")), file=raw.DebtorFile("P-0"))
    first = raw.day_number(begin.date())
    rows.book = raw.Book(
        agencies={"north": _agency(luck, first, raw.instant(begin))},
        operators={"op-1": raw.Operator("op-1", "supervisor"), "op-2": raw.Operator("op-2", "risk_control")},
    )
    _people(luck, rows, residence, zone, raw.instant(begin))
    _loans(luck, rows, raw.instant(begin), first)
    for person_id in rows.file.persons:
        _agreed(luck, rows, person_id, raw.instant(begin))
    _told(luck, rows, raw.instant(begin))
    return rows, residence, zone, begin


def _agency(luck: random.Random, first: int, begin: raw.Instant) -> raw.Agency:
    agency = raw.Agency(
        "north", listed_from=first - 300, contract_from=first - 300, contract_until=first + 300, reviewed_on=first - 200, closing_review_on=first - 1,
        assessment_id="pia-1", agreed=FIT, feed_at=begin - raw.HOUR,
    )  # fmt: skip
    flaws: tuple[dict[str, object], ...] = (
        {"listed_until": first + 3},
        {"listed_from": None},
        {"contract_until": first + 4},
        {"contract_until": first + 9, "closing_review_on": None},
        {"reviewed_on": first - 360},
        {"sub_agency": True},
        {"misconduct_since": first + 2},
        {"assessment_id": None},
        {"agreed": FIT - {"term"}},
        {"feed_at": None},
    )
    return agency._replace(**luck.choice(flaws)) if luck.random() < 0.4 else agency


def _people(luck: random.Random, rows: Rows, residence: str, zone: str, begin: raw.Instant) -> None:
    file = rows.file
    today = begin // raw.DAY
    turns = [today + luck.randrange(DAYS) - round(years * 365.2425) for years in (14, 18, 18)]
    file.persons["P-0"] = raw.Person(
        "P-0", zone if luck.random() < 0.95 else None, residence, luck.choice((None, None, None, None, turns[2], turns[1]))
    )
    _points(luck, rows, "P-0", zone, residence)
    for n in range(luck.randint(0, 2)):
        person_id = f"P-{n + 1}"
        home = luck.choice((residence, residence, residence, luck.choice(tuple(PLACES)), None))
        there = luck.choice(
            (zone, luck.choice(PLACES[home or residence]), luck.choice(PLACES[home or residence]), luck.choice(ODD_ZONES), None)
        )
        file.persons[person_id] = raw.Person(person_id, there, home, luck.choice((None, None, None, *turns)))
        _points(luck, rows, person_id, there or zone, home or residence)
    for person_id in file.persons:
        if luck.random() < 0.2:
            kind = luck.choice(("vulnerable", "student", "active_duty", "disabled", "elderly"))
            since = begin + luck.randrange(-3, DAYS) * raw.DAY
            file.circumstances.append(raw.Circumstance(person_id, kind, since, luck.choice((None, since + 4 * raw.DAY))))


def _points(luck: random.Random, rows: Rows, person_id: str, zone: str, residence: str) -> None:
    for kind in KINDS:
        if kind != "mobile" and luck.random() < 0.4:
            continue
        phone = kind in ("mobile", "landline")
        elsewhere = luck.random() < 0.2
        rows.file.points[f"{person_id}/{kind}"] = raw.ContactPoint(
            point_id=f"{person_id}/{kind}",
            person_id=person_id,
            kind=kind,
            zone=luck.choice((zone, zone, None, luck.choice(ODD_ZONES))) if phone else None,
            more_zones=("America/Chicago",) if phone and luck.random() < 0.05 else (),
            country=luck.choice(tuple(PLACES))[:2] if phone and elsewhere else residence[:2] if phone else None,
            legal_basis=luck.choice(
                ("contract",) * 9 + ("consent", None) if person_id == "P-0" else ("consent", "consent", "consent", "contract", None)
            ),
            place=luck.choice((None, "home", "home", "work")),
            reassignment_checked_at=rows.book.agencies["north"].contract_from and luck.choice((None, *_days_before(rows, (1, 30, 61)))),
        )


def _days_before(rows: Rows, days: tuple[int, ...]) -> list[raw.Instant]:
    contract = rows.book.agencies["north"].contract_from or 0
    return [(contract + 300 - n) * raw.DAY for n in days]


def _loans(luck: random.Random, rows: Rows, begin: raw.Instant, first: int) -> None:
    file = rows.file
    account = luck.choice((None, "ACC-1"))
    for n in range(luck.choice((1, 1, 2, 3))):
        loan_id = f"L-{n}"
        file.loans[loan_id] = raw.Loan(
            loan_id,
            "P-0",
            "lender",
            product=luck.choice(("consumer_loan", "consumer_loan", "micro-finance", "credit_card", "student_loan")),
            currency="CNY",
            lender_kind=luck.choice((None, None, "bank", "consumer_finance", "small_loan", "purchaser")),
            annual_cost=luck.choice((None, None, raw.amount("5.5"), raw.amount("24"), raw.amount("36"))),
            limitation_ends_on=luck.choice((None, None, first + 400, first + 400, first + luck.randrange(-2, DAYS))),
            seat=rows.seat,
            account=account,
        )
        opened = begin - luck.choice((1, 3)) * raw.DAY
        file.cases[f"{loan_id}.1"] = raw.Case(f"{loan_id}.1", loan_id, opened)
        for k in range(luck.randint(1, 2)):
            due = first - luck.choice((0, 1, 10, 40, 40)) + k * 5
            file.instalments.append(raw.Instalment(loan_id, due, raw.amount(luck.choice(("100", "250.50")))))
        for person_id in file.persons:
            if person_id != "P-0" and luck.random() < 0.85:
                file.ties.append(_tie(luck, loan_id, person_id, begin))
    for person_id in file.persons:
        if person_id != "P-0" and luck.random() < 0.15:  # somebody else's emergency contact too, who may have refused there
            refused = begin + luck.randrange(DAYS) * raw.DAY if luck.random() < 0.5 else None
            file.ties.append(raw.Tie("X-1", person_id, "emergency", refused_at=refused))


def _tie(luck: random.Random, loan_id: str, person_id: str, begin: raw.Instant) -> raw.Tie:
    role = luck.choice(ROLES)
    tie = raw.Tie(loan_id, person_id, role, "E-1" if luck.random() < 0.8 else None)
    if luck.random() < 0.1:
        tie = tie._replace(volunteered="V-1")
    if luck.random() < 0.15:
        tie = tie._replace(may_ask_again_at=begin + luck.randrange(DAYS) * raw.DAY)
    match role:
        case "executor":
            worth = luck.choice((None, raw.amount("100"), raw.amount("1000")))
            return tie._replace(estate_value=worth, disclaimed_at=luck.choice((None, None, begin + 5 * raw.DAY)))
        case "guarantor":
            return tie._replace(liable_up_to=luck.choice((None, None, raw.amount("200"))))
        case "attorney":
            return tie._replace(steps_aside_at=luck.choice((None, begin + luck.randrange(DAYS) * raw.DAY)))
        case _:
            return tie


def _agreed(luck: random.Random, rows: Rows, person_id: str, begin: raw.Instant) -> None:
    for kind, likely in (("texts", 0.7), ("electronic_notices", 0.5), ("visit", 0.5), ("artificial_voice", 0.3), ("transfer", 0.3)):
        if luck.random() < likely:
            given = begin - luck.choice((5, 50, 58)) * raw.DAY
            ends = luck.choice((None, None, begin + luck.randrange(DAYS) * raw.DAY))
            withdrawn = luck.choice((None, None, None, begin + luck.randrange(DAYS) * raw.DAY + 36_000 * raw.SECOND))
            rows.file.consents.append(raw.Consent(person_id, kind, given, ends_at=ends, withdrawn_at=withdrawn))


def _told(luck: random.Random, rows: Rows, begin: raw.Instant) -> None:
    for loan_id in rows.file.loans:
        for kind, likely in (
            ("validation", 0.8),
            ("agency", 0.7),
            ("assignment", 0.5),
            ("credit", 0.5),
            ("transfer", 0.3),
            ("default", 0.5),
            ("visit", 0.3),
        ):
            if luck.random() > likely:
                continue
            sent = begin + luck.choice((-40, -36, -15, -2, 1, 3)) * raw.DAY
            delivered = luck.choice((sent + raw.DAY, sent + raw.DAY, sent + 10 * raw.DAY, None))
            bounced = luck.choice((None, None, None, sent + 2 * raw.DAY))
            agency = luck.choice((None, "north", "south")) if kind == "agency" else None
            rows.file.notices.append(raw.Notice(loan_id, "P-0", kind, sent, agency, delivered, bounced))
