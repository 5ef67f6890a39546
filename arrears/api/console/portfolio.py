"""The portfolio: a page of figures to look at. Each leads to the cases that it counts, where a search can find them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_skeleton
from fastapi import Depends, Query, Response

from arrears.api.console import charts
from arrears.api.console.charts import Bars, Columns, Row
from arrears.api.console.desk import Desk, at_desk, console_router
from arrears.api.console.render import Words, words
from arrears.api.portfolio_routes import asked_for
from arrears.domain.access import Action
from arrears.domain.outcome import ANSWERED, UNREACHED, Outcome
from arrears.domain.strategy import Channel, Role
from arrears.ledger.figures import Asked, Figures, figures
from arrears.ledger.figures.model import Age, Bucket, Contacts, Overdue, Refusals
from arrears.ledger.tables import CaseOutcome

router = console_router()
_MOST_RULES = 12


@dataclass(frozen=True)
class Key:
    """The few figures at the top. ``overdue`` and ``received`` are by currency."""

    cases: int
    overdue: dict[str, Decimal]
    closed: int
    cured: int
    kept_rate: float | None
    judged: int
    waiting: int
    stopped: int
    verdicts: int
    received: dict[str, Decimal]


@dataclass(frozen=True)
class Shown:
    """The charts of the page. ``amounts`` are by currency."""

    key: Key
    cases: Bars
    amounts: dict[str, Bars]
    weeks: Columns
    cohorts: Bars
    contacts: Bars
    refusals: Bars
    ages: Bars


@router.get("/portfolio")
async def portfolio(
    desk: Annotated[Desk, Depends(at_desk(Action.READ_PORTFOLIO))],
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    strategy: Annotated[str, Query(max_length=48)] = "",
) -> Response:
    """The figures as they are, or were a moment ago. Raises ``Problem`` (422) for dates that are none."""
    asked = asked_for(desk.here, since, until, strategy)
    found = await figures(desk.here.ledger, asked, desk.now)
    say = words(desk.tongue)
    context: dict[str, Any] = {
        "figures": found,
        "asked": asked,
        "shown": show(found, say),
        "address": _address(since=since, until=until, strategy=strategy),
        "search": Searches(asked),
        "bucket_says": partial(bucket_says, say=say),
        "strategies": [(name, name) for name in found.strategies],
    }
    return desk.fragment("portfolio_figures.html", **context) if desk.hx else desk.page("portfolio.html", **context)


@dataclass(frozen=True)
class Searches:
    """Addresses of the search that list what a figure counts."""

    asked: Asked

    def of(self, **filters: str | int | None) -> str:
        given = {"strategy": self.asked.strategy, **filters}
        return "/cases?" + urlencode({name: value for name, value in given.items() if value is not None})

    def of_bucket(self, bucket: Bucket, currency: str | None = None, strategy: str | None = None) -> str:
        first, last = bucket.days
        return self.of(days_from=first, days_to=last, currency=currency, strategy=strategy or self.asked.strategy)

    def of_outcome(self, outcome: CaseOutcome) -> str:
        return self.of(state="closed", stage=outcome, closed_from=self.asked.since.isoformat(), closed_to=self.asked.until.isoformat())

    def of_strategy(self, strategy: str) -> str:
        return self.of(strategy=strategy, state="all", opened_from=self.asked.since.isoformat(), opened_to=self.asked.until.isoformat())

    def of_agency(self, agency: str) -> str:
        return self.of(agency=agency)


def show(found: Figures, say: Words) -> Shown:
    """The charts of the figures, in a language."""
    search = Searches(found.asked)
    currencies = sorted({one.currency for one in found.overdue if one.amount})
    return Shown(
        key=_key(found),
        cases=_buckets(found.overdue, say, search, lambda one: one.cases),
        amounts={c: _buckets([o for o in found.overdue if o.currency == c], say, search, lambda one: one.amount, c) for c in currencies},
        weeks=_weeks(found, say),
        cohorts=_cohorts(found, say, search),
        contacts=_contacts(found.contacts, say),
        refusals=_refusals(found.refusals, say),
        ages=_ages(found, say),
    )


def bucket_says(bucket: Bucket, say: Words) -> str:
    """A bucket in words."""
    match bucket.days:
        case (0, _):
            return say.gettext("nothing overdue now")
        case (first, None):
            return say.gettext("over %(days)s days") % {"days": first - 1}
        case (first, last):
            return say.gettext("%(first)s–%(last)s days") % {"first": first, "last": last}


def _key(found: Figures) -> Key:
    overdue: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in found.overdue:
        overdue[one.currency] += one.amount
    return Key(
        cases=sum(o.cases for o in found.overdue),
        overdue=dict(sorted(overdue.items())),
        closed=sum(c.cases for c in found.closed),
        cured=sum(c.cases for c in found.closed if c.outcome is CaseOutcome.CURED),
        kept_rate=found.promises.kept_rate,
        judged=found.promises.kept + found.promises.broken,
        waiting=sum(w.requests for w in found.waiting),
        stopped=found.stopped,
        verdicts=found.verdicts,
        received={r.currency: r.amount for r in found.received},
    )


def _buckets(
    overdue: Iterable[Overdue], say: Words, search: Searches, value: Callable[[Overdue], Decimal | int], currency: str | None = None
) -> Bars:
    """A bar for each bucket, of which the strategies are the pieces. Of money there is nothing to show where nothing is overdue."""
    of: defaultdict[Bucket, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    cases: Counter[Bucket] = Counter()
    for one in overdue:
        of[one.bucket][one.strategy] += value(one)
        cases[one.bucket] += one.cases
    strategies = sorted({strategy for by in of.values() for strategy in by})
    shown = [b for b in Bucket if b is not Bucket.NONE or (currency is None and b in of)]
    return charts.bars(
        [
            Row(
                bucket_says(bucket, say),
                of[bucket],
                note=say.ngettext("%(num)s case", "%(num)s cases", cases[bucket]) % {"num": cases[bucket]} if currency else "",
                href=search.of_bucket(bucket, currency) if bucket in cases else None,
            )
            for bucket in shown
        ],
        charts.series((strategy, strategy) for strategy in strategies),
    )


def _weeks(found: Figures, say: Words) -> Columns:
    """A column for each week, of which the outcomes are the blocks."""
    of: defaultdict[object, Counter[str]] = defaultdict(Counter)
    for one in found.closed:
        of[one.week][one.outcome] += one.cases
    outcomes = [outcome for outcome in CaseOutcome if any(by[outcome] for by in of.values())]
    locale = Locale.parse(say.tongue, sep="-")
    weeks = found.asked.weeks
    labels = [format_skeleton("MMMd" if say.tongue == "en" else "Md", week, locale=locale) for week in weeks]
    return charts.columns(labels, [of[week] for week in weeks], charts.series((o, say.code(o)) for o in outcomes))


def _cohorts(found: Figures, say: Words, search: Searches) -> Bars:
    return charts.shares(
        [
            Row(c.strategy, {"cured": c.cured, "otherwise": c.otherwise, "running": c.running}, href=search.of_strategy(c.strategy))
            for c in found.cohorts
        ],
        charts.series(
            [("cured", say.code("cured")), ("otherwise", say.gettext("ended otherwise")), ("running", say.gettext("still running"))]
        ),
    )


def _contacts(contacts: Iterable[Contacts], say: Words) -> Bars:
    """A bar for each channel, of what came of the contacts in a few groups; the table behind it has every outcome."""
    of: defaultdict[Channel, Counter[str]] = defaultdict(Counter)
    for one in contacts:
        of[one.channel][_group(one.outcome)] += one.contacts
    groups = [
        ("reached", say.gettext("spoke with the borrower")),
        ("delivered", say.gettext("delivered")),
        ("unreached", say.gettext("not reached")),
        ("other", say.gettext("other outcomes")),
        ("open", say.gettext("not known yet")),
    ]
    present = [(key, said) for key, said in groups if any(by[key] for by in of.values())]
    return charts.bars([Row(say.code(channel), of[channel]) for channel in Channel if channel in of], charts.series(present))


def _group(outcome: Outcome | None) -> str:
    match outcome:
        case None:
            return "open"
        case Outcome.DELIVERED | Outcome.DONE | Outcome.RELAYED:
            return "delivered"
        case _ if outcome in ANSWERED:
            return "reached"
        case _ if outcome in UNREACHED or outcome is Outcome.BOUNCED:
            return "unreached"
        case _:
            return "other"


def _refusals(refusals: Iterable[Refusals], say: Words) -> Bars:
    """The rules that stood against most; the table behind it has all."""
    first = list(refusals)[:_MOST_RULES]
    kinds = [("denied", say.gettext("denied")), ("needed_approval", say.gettext("needed approval")), ("put_off", say.gettext("put off"))]
    rows = [
        Row(say.gettext(r.says), {"denied": r.denied, "needed_approval": r.needed_approval, "put_off": r.put_off}, code=r.rule)
        for r in first
    ]
    return charts.bars(rows, charts.series(kinds))


def _ages(found: Figures, say: Words) -> Bars:
    """A bar for each age of requests that wait, of which the roles that decide are the pieces."""
    of: defaultdict[Age, Counter[str]] = defaultdict(Counter)
    for one in found.waiting:
        of[one.age][one.role] += one.requests
    roles = [role for role in Role if any(by[role] for by in of.values())]
    return charts.bars([Row(age_says(age, say), of[age]) for age in Age], charts.series((role, say.code(role)) for role in roles))


def age_says(age: Age, say: Words) -> str:
    """An age in words."""
    if age is Age.MORE:
        return say.gettext("over 48 hours")
    first, _, last = age.partition("-")
    return say.gettext("%(first)s–%(last)s hours") % {"first": first, "last": last}


def _address(**given: str) -> str:
    """The page's own address, for its live part: with what was asked, so that a page without an end goes on with the days."""
    query = urlencode({name: value for name, value in given.items() if value})
    return "/portfolio" + (f"?{query}" if query else "")
