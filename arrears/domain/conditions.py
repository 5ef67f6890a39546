"""Whether a rung's conditions hold, judged when its step is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from arrears.domain.case import Case, arrears, attitude_of, contact_lost, days_past_due, placement, promises_broken
from arrears.domain.outcome import ANSWERED, NOT_MADE, UNREACHED, Outcome
from arrears.domain.strategy import Condition, ContactRung, RelativesRung, Rung, Step

_DID_NOT_REACH = UNREACHED | {Outcome.FAILED, Outcome.DENIED, Outcome.NOT_SENT}
_ARRIVED = ANSWERED | {Outcome.DELIVERED, Outcome.RELAYED, Outcome.DONE}


def unmet(case: Case, step: Step, rung: Rung, now: datetime) -> str | None:
    """The first reason in words why the step is passed over; ``None`` if it is to be taken."""
    return next(_reasons(case, step, rung, now), None)


def _reasons(case: Case, step: Step, rung: Rung, now: datetime) -> Iterator[str]:
    wanted: Condition = rung.only_if
    placed = placement(case)
    if placed is not None and wanted.placed is None and isinstance(rung, ContactRung | RelativesRung):
        yield f"contact is left to {placed.agency} while the case is placed"
    if wanted.placed is not None and wanted.placed != (placed is not None):
        yield "the case is placed" if placed else "the case is not placed"
    if wanted.not_reached_by is not None and not _not_reached(case, step, wanted.not_reached_by):
        yield f"{wanted.not_reached_by} reached the borrower, or was not tried"
    if wanted.never_answered is not None and wanted.never_answered != (not case.answers):
        yield "the borrower has answered" if case.answers else "the borrower has never answered"
    if wanted.lost_contact is not None and wanted.lost_contact != contact_lost(case):
        yield "contact is lost" if contact_lost(case) else "contact is not lost"
    attitude = attitude_of(case)
    if wanted.attitude is not None and attitude not in wanted.attitude:
        yield f"the borrower's attitude is {attitude}"
    if wanted.promises_broken is not None and promises_broken(case) < wanted.promises_broken:
        yield f"{promises_broken(case)} promises were broken"
    days = days_past_due(case, now)
    if wanted.days_past_due_from is not None and days < wanted.days_past_due_from:
        yield f"{days} days past due"
    if wanted.plan_broken is not None and wanted.plan_broken != (case.plan is not None and case.plan.broken_at is not None):
        yield "no plan was broken" if wanted.plan_broken else "a plan was broken"
    yield from _about_other_rungs(case, wanted)
    yield from _about_the_loan(case, wanted, now)


def _about_other_rungs(case: Case, wanted: Condition) -> Iterator[str]:
    if wanted.made_before is not None and not any(o in _ARRIVED for rung in wanted.made_before for o in _outcomes(case, rung)):
        yield f"{' or '.join(wanted.made_before)} was not made before"
    made = [rung for rung in wanted.not_made_before or () if any(o not in NOT_MADE | {Outcome.FAILED} for o in _outcomes(case, rung))]
    if made:
        yield f"{made[0]} was made before"


def _outcomes(case: Case, rung: str) -> Iterator[Outcome]:
    return (note.outcome for key, note in case.steps.items() if key.partition(".")[0] == rung)


def _about_the_loan(case: Case, wanted: Condition, now: datetime) -> Iterator[str]:
    owed = arrears(case, now).amount
    if wanted.owed_from is not None and owed < wanted.owed_from:
        yield f"less than {wanted.owed_from:.2f} is overdue"
    if wanted.owed_below is not None and owed >= wanted.owed_below:
        yield f"{wanted.owed_below:.2f} or more is overdue"
    if wanted.products is not None and case.facts.product not in wanted.products:
        yield f"the product is {case.facts.product}"


def _not_reached(case: Case, step: Step, rung: str) -> bool:
    """Whether ``rung``'s own step of the same ladder day was made or refused without reaching the borrower."""
    tried = case.strategy.rung(rung)
    if step.day not in tried.days:
        return False
    note = case.steps.get(f"{rung}.{tried.days.index(step.day) + 1}")
    return note is not None and note.outcome in _DID_NOT_REACH
