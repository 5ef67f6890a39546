"""The planner: what a case wants now. It decides everything that the workflow does, from the case and the instant alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from arrears.domain.agenda import Due, agenda, ladder_of
from arrears.domain.case import (
    Case,
    Request,
    arrears,
    grace_ends,
    is_cured,
    open_request,
    paid,
    pauses,
    pending_promise,
    placement,
    plan_in_force,
    standing_holds,
    track_in_force,
)
from arrears.domain.conditions import unmet
from arrears.domain.events import PAID_ENDINGS, ApprovalExpired, Ending, PlanBroken, PromiseJudged, StepTaken
from arrears.domain.loan import Instalment
from arrears.domain.moves import (
    AskApproval,
    AssignTask,
    Close,
    Contact,
    Finished,
    Move,
    Note,
    Recall,
    Refer,
    RemindApprovers,
    RetractApproval,
    Wait,
)
from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.domain.strategy import Approval, ContactRung, Referral, ReferralRung, RelativesRung, TaskRung


def next_move(case: Case, now: datetime) -> Move:
    """The next move of ``case`` at the business instant ``now``.

    Every move but ``Wait`` and ``Finished`` is due at once and, once its events are applied, is not wanted again; so asking and applying always
    comes to a wait or to the end.
    """
    if case.outcome is not None:
        return Finished()
    ending = _ending(case, now)
    if ending is not None:
        return _wind_up(case, ending)
    return _what_time_made_true(case, now) or _about_approvals(case, now) or _about_placement(case, now) or _about_ladder(case, now)


def begins_anew(case: Case, now: datetime) -> bool:
    """Whether a case that closed because it was paid is owed again: a payment was taken back while it was being closed."""
    heard = len(case.taken_back) > len(case.facts.taken_back)
    if case.outcome not in PAID_ENDINGS or not heard:
        return False
    ending = _ending(case, now)
    return ending is None or ending.outcome not in PAID_ENDINGS


def _ending(case: Case, now: datetime) -> Close | None:
    if case.withdrawn is not None:
        return Close("withdrawn", f"withdrawn: {case.withdrawn}")
    plan = plan_in_force(case)
    if plan is not None and paid(case) - plan.paid_before >= sum(i.amount for i in plan.instalments):
        return Close("on_plan_completed", "every instalment of the plan is paid")
    if is_cured(case, now):
        return Close("cured", "nothing is overdue any more" if case.payments else "nothing is overdue")
    if _sold(case):
        return Close("sold", "the debt was sold")
    end = _ladder_ends(case, now)
    if end is not None and end.at <= now:
        return Close(end.outcome, "the ladder has ended")
    return None


def _sold(case: Case) -> bool:
    sales = {r.rung for r in case.strategy.rungs() if isinstance(r, ReferralRung) and r.to is Referral.DEBT_SALE}
    return any(note.outcome is Outcome.DONE and key.partition(".")[0] in sales for key, note in case.steps.items())


@dataclass(frozen=True)
class _LadderEnd:
    at: datetime
    outcome: Ending


def _ladder_ends(case: Case, now: datetime) -> _LadderEnd | None:
    """When and how the ordinary ladder ends, as far as can be said now."""
    end = case.strategy.end
    if end is None or track_in_force(case, now) is not None:
        return None
    ladder = ladder_of(case, now)
    on = case.calendar.date_of(end.day, ladder.zero, ladder.pauses)
    return None if on is None else _LadderEnd(case.calendar.instant(on, case.strategy.window.start), end.outcome)


def _wind_up(case: Case, ending: Close) -> Move:
    """Before a case closes nothing of it may stay open elsewhere."""
    placed = placement(case)
    if placed is not None and ending.outcome != "sold":
        return Recall(placed.placement_id, placed.agency, ending.outcome)
    standing = _to_retract(case) or next((r for r in case.requests if r.state == "open"), None)
    if standing is not None:
        return RetractApproval(standing.approval_id, standing.void_why or ending.why)
    return ending


def _to_retract(case: Case) -> Request | None:
    return next((r for r in case.requests if r.state == "void" and not r.retracted), None)


def _what_time_made_true(case: Case, now: datetime) -> Move | None:
    promise = pending_promise(case)
    if promise is not None:
        kept = paid(case) - promise.paid_before >= promise.amount
        if kept or now >= grace_ends(case, promise.due_on):
            return Note(PromiseJudged(at=now, amount=promise.amount, due_on=promise.due_on, kept=kept))
    missed = _missed_instalment(case)
    if missed is not None and grace_ends(case, missed.due_on) <= now:
        return Note(PlanBroken(at=now, due_on=missed.due_on))
    return None


def _missed_instalment(case: Case) -> Instalment | None:
    """The instalment at which the plan breaks if nothing more is paid."""
    plan = plan_in_force(case)
    if plan is None:
        return None
    covered = paid(case) - plan.paid_before
    for instalment in plan.instalments:
        covered -= instalment.amount
        if covered < 0:
            return instalment
    return None


def _about_approvals(case: Case, now: datetime) -> Move | None:
    void = _to_retract(case)
    if void is not None:
        return RetractApproval(void.approval_id, void.void_why or "overtaken by events")
    request = open_request(case)
    if request is None:
        return None
    if now >= request.deadline:
        return Note(ApprovalExpired(at=now, approval_id=request.approval_id))
    if now >= request.remind_at and not request.reminded:
        return RemindApprovers(request.approval_id)
    return None


def _about_placement(case: Case, now: datetime) -> Move | None:
    placed = placement(case)
    if placed is not None and now >= placed.until:
        return Recall(placed.placement_id, placed.agency, "term ended")
    return None


@dataclass(frozen=True)
class _Wake:
    at: datetime
    next: str


def _about_ladder(case: Case, now: datetime) -> Move:
    request = open_request(case)
    to_come = [d for d in agenda(case, now) if request is None or d.step.key != request.step]
    if request is not None:
        # One request at a time: what needs another one waits for the answer.
        to_come = [d for d in to_come if _terms(d) is None or _granted(case, d.step.key)]
    due = next((d for d in to_come if d.at is not None and d.at <= now), None)
    if due is None:
        return _wait(case, now, to_come)
    opens = case.strategy.window.opens(now, case.calendar.zone)
    if opens > now:
        return Wait(opens, due.step.rung, "outside the lender's hours")
    return _take(case, now, due)


def _take(case: Case, now: datetime, due: Due) -> Move:
    """The move for a step that is due: passed over if its condition fails, asked for if it needs a human, else made."""
    key, rung = due.step.key, due.rung
    grant = _granted(case, key)
    reached = tuple(k.partition("/")[2] for k in case.steps if k.startswith(f"{key}/"))
    why = unmet(case, due.step, rung, now)
    if reached and (grant is None or why is not None):
        return Note(StepTaken(at=now, step=key, outcome=Outcome.DONE, why=why or "the approval no longer stands"))
    if why is not None:
        return Note(StepTaken(at=now, step=key, outcome=Outcome.SKIPPED, why=why))
    terms = _terms(due)
    if terms is not None and grant is None:
        return _ask(case, now, due, terms)
    match rung:
        case ContactRung():
            return Contact(key, rung)
        case RelativesRung():
            if any(case.steps[f"{key}/{person}"].outcome is Outcome.RELAYED for person in reached):
                return Note(StepTaken(at=now, step=key, outcome=Outcome.DONE, why="the message was passed on"))
            left = [p for p in (grant.people if grant else ()) if p not in reached]
            if not left:
                spoken_to = any(case.steps[f"{key}/{person}"].outcome not in NOT_MADE for person in reached)
                return Note(StepTaken(at=now, step=key, outcome=Outcome.DONE if spoken_to else Outcome.DENIED))
            return Contact(key, rung, person_id=left[0], approval_id=grant.approval_id if grant else None)
        case TaskRung():
            return AssignTask(key, rung)
        case ReferralRung():
            until = now + timedelta(days=rung.term_days) if rung.to is Referral.AGENCY else None
            return Refer(key, rung, until, grant.approval_id if grant else None)


def _ask(case: Case, now: datetime, due: Due, terms: Approval) -> Move:
    assert isinstance(due.rung, RelativesRung | ReferralRung)
    key = due.step.key
    asked = [r for r in case.requests if r.step == key]
    if asked and asked[-1].state == "expired" and terms.on_expiry == "skip":
        return Note(StepTaken(at=now, step=key, outcome=Outcome.SKIPPED, why="nobody decided before the deadline"))
    if len(asked) >= terms.most_requests:
        return Note(
            StepTaken(at=now, step=key, outcome=Outcome.SKIPPED, why=f"asked {len(asked)} times without a grant that could be used")
        )
    return AskApproval(
        step=key,
        rung=due.rung,
        terms=terms,
        approval_id=f"{case.facts.case_id}/{key}/a{len(asked) + 1}",
        remind_at=now + timedelta(hours=terms.remind_after_hours),
        deadline=now + timedelta(hours=terms.deadline_hours),
    )


def _terms(due: Due) -> Approval | None:
    return due.rung.approval if isinstance(due.rung, RelativesRung | ReferralRung) else None


def _granted(case: Case, step: str) -> Request | None:
    return next((r for r in case.requests if r.step == step and r.state == "approved"), None)


def _wait(case: Case, now: datetime, to_come: list[Due]) -> Wait:
    wakes = [_Wake(d.at, d.step.rung) for d in to_come if d.at is not None]
    request, placed, promise, missed = open_request(case), placement(case), pending_promise(case), _missed_instalment(case)
    if request is not None:
        wakes.append(
            _Wake(request.deadline, "deadline of the approval") if request.reminded else _Wake(request.remind_at, "reminder to approvers")
        )
    if placed is not None:
        wakes.append(_Wake(placed.until, f"recall from {placed.agency}"))
    if promise is not None:
        wakes.append(_Wake(grace_ends(case, promise.due_on), f"promise due on {promise.due_on}"))
    if missed is not None:
        wakes.append(_Wake(grace_ends(case, missed.due_on), f"the plan's instalment of {missed.due_on}"))
    if (end := _ladder_ends(case, now)) is not None:
        wakes.append(_Wake(end.at, f"end of the ladder: {end.outcome}"))
    # A timed hold wakes the case when it ends, so that its stage and sheet stay true.
    wakes.extend(_Wake(h.until, f"end of the hold {h.reason}") for h in standing_holds(case, now) if h.until is not None)
    first = min(wakes, key=lambda w: w.at, default=None)
    blocked = ", ".join(sorted({p.reason for p in pauses(case) if p.in_force(now)}))
    return Wait(
        until=first.at if first else None,
        next=first.next if first else "nothing planned",
        why=_why(case, now, request, blocked),
        blocked_by="approval" if request is not None and not blocked else blocked or None,
    )


def _why(case: Case, now: datetime, request: Request | None, blocked: str) -> str:
    placed = placement(case)
    match (request, blocked, placed):
        case (_, reasons, _) if reasons:
            return f"the ladder stands still: {reasons}"
        case (asked, _, _) if asked is not None:
            return f"waiting for a human's decision on {asked.step}"
        case (_, _, where) if where is not None:
            return f"placed with {where.agency}"
        case _:
            owed = arrears(case, now).amount
            return f"{owed:.2f} {case.facts.currency} overdue; the ladder goes on"
