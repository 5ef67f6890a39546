"""From rows to figures: pure functions, which ask nobody and read no clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median

from arrears.domain.calendar import local_date
from arrears.domain.law import RULES
from arrears.domain.strategy import Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger.figures.model import (
    Asked,
    Bucket,
    Closed,
    Cohort,
    Decided,
    Overdue,
    Placements,
    Received,
    Refusals,
    Tasks,
    Waiting,
    age_of,
    bucket_of,
)
from arrears.ledger.search.money import Owed, amount_of
from arrears.ledger.tables import ApprovalState, CaseOutcome, ReferralState, TaskState

SOON = timedelta(days=7)
"""Within what time a payment counts as one soon after a contact."""

_NOTHING = Owed()
_LAW_UNREADABLE = "AR-07"
_SAYS_UNREADABLE = "While the law cannot be read, everything waits; where no regime applies, nothing is allowed."


@dataclass(frozen=True)
class OpenCase:
    """A case that runs; ``zone`` is its borrower's."""

    loan_id: str
    strategy: str
    currency: str
    zone: str | None


@dataclass(frozen=True)
class Reply:
    """A payment, and the last contact about its loan that had left before."""

    amount: Decimal
    currency: str
    received_at: datetime
    contact_at: datetime | None


@dataclass(frozen=True)
class Request:
    """A request for approval."""

    role: Role
    state: ApprovalState
    asked_at: datetime
    deadline: datetime
    decided_at: datetime | None


def days_of(cases: Iterable[OpenCase], now: datetime) -> dict[str, date]:
    """The borrower's own day, by loan; the day in UTC where nobody knows their zone."""
    today: dict[str | None, date] = {}
    return {case.loan_id: today.setdefault(case.zone, local_date(now, case.zone or "UTC")) for case in cases}


def overdue(cases: Iterable[OpenCase], owed: Mapping[str, Owed], days: Mapping[str, date]) -> tuple[Overdue, ...]:
    """What is overdue of open cases; ``owed`` and the ``days`` on which it is are by loan."""
    sums: Counter[tuple[Bucket, str, str]] = Counter()
    count: Counter[tuple[Bucket, str, str]] = Counter()
    for case in cases:
        units, since = owed.get(case.loan_id, _NOTHING)
        key = (bucket_of((days[case.loan_id] - since).days if since else 0), case.strategy, case.currency)
        sums[key] += units
        count[key] += 1
    order = list(Bucket)
    keys = sorted(count, key=lambda k: (order.index(k[0]), k[1], k[2]))
    return tuple(Overdue(bucket=b, strategy=s, currency=c, cases=count[b, s, c], amount=amount_of(sums[b, s, c])) for b, s, c in keys)


def closed(ends: Iterable[tuple[datetime, CaseOutcome]], asked: Asked) -> tuple[Closed, ...]:
    """Cases that ended, by week and outcome."""
    count = Counter((asked.week_of(at), outcome) for at, outcome in ends)
    order = list(CaseOutcome)
    keys = sorted(count, key=lambda k: (k[0], order.index(k[1])))
    return tuple(Closed(week=week, outcome=outcome, cases=count[week, outcome]) for week, outcome in keys)


def cohorts(opened: Iterable[tuple[str, CaseOutcome | None, int]]) -> tuple[Cohort, ...]:
    """What became of cases, from how many there are of each strategy and outcome; none: they run."""
    by_strategy: defaultdict[str, Counter[CaseOutcome | None]] = defaultdict(Counter)
    for strategy, outcome, cases in opened:
        by_strategy[strategy][outcome] += cases
    return tuple(
        Cohort(
            strategy=strategy,
            opened=(whole := sum(count.values())),
            cured=(cured := count[CaseOutcome.CURED]),
            running=(running := count[None]),
            otherwise=whole - cured - running,
        )
        for strategy, count in sorted(by_strategy.items())
    )


def received(payments: Iterable[Reply]) -> tuple[Received, ...]:
    """Payments of each currency, and which of them came soon after a contact."""
    of: defaultdict[str, list[Reply]] = defaultdict(list)
    for payment in payments:
        of[payment.currency].append(payment)
    return tuple(_received(currency, of[currency]) for currency in sorted(of))


def _received(currency: str, payments: Sequence[Reply]) -> Received:
    soon = [p for p in payments if p.contact_at is not None and p.received_at - p.contact_at <= SOON]
    return Received(
        currency=currency,
        payments=len(payments),
        amount=_sum(payments),
        soon_after_contact=len(soon),
        amount_soon_after_contact=_sum(soon),
    )


def _sum(payments: Iterable[Reply]) -> Decimal:
    return sum((p.amount for p in payments), Decimal(0))


def refusals(verdicts: Iterable[tuple[Effect, Sequence[str], int]]) -> tuple[Refusals, ...]:
    """How often each rule stood against something, the most frequent first; ``verdicts`` are effect, rules and how many there are of them."""
    count: defaultdict[str, Counter[Effect]] = defaultdict(Counter)
    for effect, rules, times in verdicts:
        for rule in rules:
            count[rule][effect] += times
    found = (
        Refusals(
            rule=rule,
            says=says(rule),
            denied=by[Effect.DENY],
            needed_approval=by[Effect.NEEDS_APPROVAL],
            put_off=by[Effect.DEFER],
        )
        for rule, by in count.items()
    )
    return tuple(sorted((one for one in found if one.total), key=lambda one: (-one.total, one.rule)))


def says(rule: str) -> str:
    """A rule in plain words; nothing for one that is not known any more."""
    if rule == _LAW_UNREADABLE:
        return _SAYS_UNREADABLE
    return RULES[rule].plain if rule in RULES else ""


def waiting(requests: Iterable[Request], now: datetime) -> tuple[Waiting, ...]:
    """The requests that can still be decided, by role and by how long they have been waiting."""
    still = [r for r in requests if r.state is ApprovalState.OPEN and now < r.deadline]
    count = Counter((r.role, age_of(now - r.asked_at)) for r in still)
    return tuple(Waiting(role=role, age=age, requests=count[role, age]) for role, age in sorted(count))


def decided(requests: Iterable[Request], now: datetime) -> tuple[Decided, ...]:
    """What became of requests, and how long those that were decided had been waiting. One that is open past its deadline has expired."""
    of: defaultdict[ApprovalState, list[float | None]] = defaultdict(list)
    for request in requests:
        state = request.state
        if state is ApprovalState.OPEN:
            if now < request.deadline:
                continue
            state = ApprovalState.EXPIRED
        of[state].append((request.decided_at - request.asked_at) / timedelta(hours=1) if request.decided_at else None)
    return tuple(_decided(state, of[state]) for state in ApprovalState if state in of)


def _decided(state: ApprovalState, took: Sequence[float | None]) -> Decided:
    hours = [h for h in took if h is not None]
    return Decided(
        state=state,
        requests=len(took),
        median_hours=round(median(hours), 1) if hours else None,
        slowest_hours=round(max(hours), 1) if hours else None,
    )


def tasks(counted: Iterable[tuple[TaskKind, Role, TaskState, int]]) -> tuple[Tasks, ...]:
    """Tasks by kind and role, from how many there are in each state."""
    of: defaultdict[tuple[TaskKind, Role], Counter[TaskState]] = defaultdict(Counter)
    for kind, role, state, count in counted:
        of[kind, role][state] += count
    return tuple(
        Tasks(kind=kind, role=role, open=by[TaskState.OPEN], done=by[TaskState.DONE], cancelled=by[TaskState.CANCELLED])
        for (kind, role), by in sorted(of.items())
    )


def placements(now_there: Mapping[str, int], sent: Iterable[tuple[str, ReferralState, bool, int]]) -> tuple[Placements, ...]:
    """What agencies have, and what became of the period's placements: agency, state, whether the term is over, how many."""
    of: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for agency, state, over, count in sent:
        of[agency]["sent"] += count
        if state is ReferralState.RECALLED:
            of[agency]["recalled"] += count
        elif state is ReferralState.ENDED or over:
            of[agency]["ended"] += count
    return tuple(
        Placements(
            agency=agency,
            has=now_there.get(agency, 0),
            sent=of[agency]["sent"],
            recalled=of[agency]["recalled"],
            ended=of[agency]["ended"],
        )
        for agency in sorted({*now_there, *of})
    )
