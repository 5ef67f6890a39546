"""A ladder drawn day by day, in words that a collections manager uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import groupby

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from arrears.domain.strategy import Approval, Condition, ContactRung, Line, Referral, ReferralRung, RelativesRung, Rung, Strategy, TaskRung

_COLOURS = {"call": "cyan", "sms": "green", "email": "green", "in_app": "green", "relatives": "red", "task": "yellow", "refer": "magenta"}
_CHANNELS = {"call": "call", "sms": "SMS to", "email": "e-mail to", "in_app": "in-app message to"}
_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 (only its time of day is used)


class DrawnStep(BaseModel):
    """One line of the drawing: the ``n``-th of ``times`` occurrences of a rung, in words."""

    day: int
    at: time
    until: time | None
    rung: str
    n: int
    times: int
    once: bool
    does: str
    only_if: list[str]
    approval: str | None


class DrawnLadder(BaseModel):
    """A ladder's steps in order; ``while_held_for`` is empty for the ordinary one."""

    name: str
    while_held_for: str | None
    steps: list[DrawnStep]


def drawn(strategy: Strategy) -> list[DrawnLadder]:
    """The ladder and the tracks of a strategy, laid out by day."""
    ordinary = DrawnLadder(name="ladder", while_held_for=None, steps=list(_steps(strategy.ladder, strategy.currency)))
    return [
        ordinary,
        *(
            DrawnLadder(name=t.track, while_held_for=t.while_held_for, steps=list(_steps(t.ladder, strategy.currency)))
            for t in strategy.tracks
        ),
    ]


def drawing(strategy: Strategy) -> RenderableType:
    """The whole strategy for a terminal."""
    parts: list[RenderableType] = [_head(strategy)]
    for ladder in drawn(strategy):
        if ladder.while_held_for is not None:
            parts.append(Text(f"\ntrack {ladder.name}: runs instead while the case is held for {ladder.while_held_for}", style="bold"))
        parts.append(_table(ladder, strategy))
    if strategy.end:
        parts.append(Text(f"day {strategy.end.day}: the ladder ends, {strategy.end.outcome.replace('_', ' ')}", style="bold"))
    return Group(*parts)


def _head(strategy: Strategy) -> Panel:
    window, promises = strategy.window, strategy.promises
    lines = [
        strategy.source,
        f"day 0 is day {strategy.day_zero} past due; hours {window.start:%H:%M} to {window.end:%H:%M} of the borrower's day; {strategy.currency}",
        f"quiet for {strategy.quiet_days_after_payment} days after a partial payment, {strategy.quiet_days_after_answer} after a willing answer",
        f"a promise stops the ladder for up to {promises.longest_days} days; after {promises.most_broken} broken ones no more",
        f"version {strategy.version}, {strategy.content_hash[:16]}",
    ]
    return Panel(Text.assemble((strategy.title, "bold"), *(f"\n{line}" for line in lines)))


def _table(ladder: DrawnLadder, strategy: Strategy) -> Table:
    table = Table("day", "", "at", "rung", "what happens", box=None, header_style="bold", padding=(0, 1))
    for day, group in groupby(ladder.steps, key=lambda step: step.day):
        steps = list(group)
        for place, step in enumerate(steps):
            last = place == len(steps) - 1
            mark = "─" if len(steps) == 1 else "┬" if place == 0 else "└" if last else "├"
            again = step.n > 1
            table.add_row(
                Text(str(day) if place == 0 else "", style="bold"),
                Text(mark, style="dim"),
                Text(f"{step.at:%H:%M}" + (f"–{step.until:%H:%M}" if step.until else ""), style="dim" if again else ""),
                Text(step.rung, style="dim" if again else _COLOURS[strategy.rung(step.rung).do]),
                _what(step),
            )
    return table


def _what(step: DrawnStep) -> Text:
    if step.n > 1:
        return Text(f"{'if not yet' if step.once else 'again'} ({step.n} of {step.times})", style="dim")
    what = Text(step.does)
    if step.times > 1:
        what.append(", once, on the first of these days that fits" if step.once else f", {step.times} times", style="bold")
    if step.only_if:
        what.append(f"\nonly if {' and '.join(step.only_if)}", style="italic")
    if step.approval:
        what.append(f"\n{step.approval}", style="red")
    return what


def _steps(ladder: tuple[Rung, ...], currency: str) -> Iterator[DrawnStep]:
    due = [(day, rung.at, order, n, rung) for order, rung in enumerate(ladder) for n, day in enumerate(rung.days, start=1)]
    for day, at, _, n, rung in sorted(due, key=lambda d: d[:3]):
        asks = rung.approval if isinstance(rung, RelativesRung | ReferralRung) else None
        yield DrawnStep(
            day=day,
            at=at,
            until=(_ANY_DAY + timedelta(hours=at.hour, minutes=at.minute + rung.spread_minutes)).time() if rung.spread_minutes else None,
            rung=rung.rung,
            n=n,
            times=len(rung.days),
            once=rung.rung in (rung.only_if.not_made_before or ()),
            does=_does(rung),
            only_if=list(_conditions(rung.only_if, rung.rung, currency)),
            approval=_approval(asks) if asks else None,
        )


def _does(rung: Rung) -> str:
    match rung:
        case ContactRung():
            where = " on the reserve number" if rung.line is Line.RESERVE else ""
            offers = f", offering {_listed(rung.offers, 'and')}" if rung.offers else ""
            return f"{_CHANNELS[rung.do]} the borrower{where}: {rung.message}{offers}"
        case RelativesRung():
            people = "one relative or friend" if rung.most_people == 1 else f"up to {rung.most_people} relatives or friends"
            return f"{_CHANNELS[rung.channel]} {people} to {rung.purpose}: {rung.message}"
        case TaskRung():
            return f"task for a human ({rung.role.replace('_', ' ')}): {rung.task.replace('_', ' ')}"
        case ReferralRung(to=Referral.AGENCY):
            return f"hand the case to agency {rung.agency} for {rung.term_days} days"
        case ReferralRung():
            return f"refer to: {rung.to.replace('_', ' ')}"


def _approval(terms: Approval) -> str:
    late = "it is passed over" if terms.on_expiry == "skip" else f"it is asked again, {terms.most_requests} times in all"
    return f"needs {terms.role.replace('_', ' ')} to approve within {terms.deadline_hours} hours, else {late}"


def _conditions(wanted: Condition, own: str, currency: str) -> Iterator[str]:
    if wanted.not_reached_by is not None:
        yield f"{wanted.not_reached_by} did not reach the borrower"
    if wanted.never_answered is not None:
        yield "the borrower never answered" if wanted.never_answered else "the borrower has answered"
    if wanted.lost_contact is not None:
        yield "contact is lost" if wanted.lost_contact else "contact is not lost"
    if wanted.attitude is not None:
        yield f"the borrower is {_listed(wanted.attitude, 'or')}"
    if wanted.promises_broken is not None:
        yield f"{wanted.promises_broken} or more promises were broken"
    if wanted.plan_broken is not None:
        yield "a plan was broken" if wanted.plan_broken else "no plan was broken"
    if wanted.days_past_due_from is not None:
        yield f"{wanted.days_past_due_from} or more days past due"
    if wanted.owed_from is not None:
        yield f"{wanted.owed_from:,} {currency} or more is overdue"
    if wanted.owed_below is not None:
        yield f"less than {wanted.owed_below:,} {currency} is overdue"
    if wanted.products is not None:
        yield f"the product is {_listed(wanted.products, 'or')}"
    if wanted.placed is not None:
        yield "an agency has the case" if wanted.placed else "no agency has the case"
    if wanted.made_before is not None:
        yield f"{_listed(wanted.made_before, 'or')} arrived before"
    if others := tuple(name for name in wanted.not_made_before or () if name != own):
        yield f"{_listed(others, 'or')} was not made before"


def _listed(words: tuple[str, ...], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
