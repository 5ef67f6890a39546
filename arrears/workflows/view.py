"""What people see of a case: its view as data, its sheet as Markdown, and what visibility can search by."""

from __future__ import annotations

from datetime import datetime

from arrears.domain.agenda import ladder_day
from arrears.domain.calendar import local_date, local_text, utc_midnight
from arrears.domain.case import (
    Case,
    arrears,
    attitude_of,
    days_past_due,
    grace_ends,
    open_request,
    pending_promise,
    placement,
    plan_in_force,
    standing_holds,
    track_in_force,
)
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
from arrears.workflows import contract
from arrears.workflows.contract import CaseView, OpenApproval, RecentContact

_RECENT = 12


def stage(case: Case, now: datetime) -> str:
    """One word for what the case is doing: the value of the search attribute ``CaseStage``."""
    if case.outcome is not None:
        return case.outcome
    track = track_in_force(case, now)
    if track is not None:
        return track[0].track
    if standing_holds(case, now):
        return "on_hold"
    if plan_in_force(case) is not None:
        return "on_plan"
    if open_request(case) is not None:
        return "awaiting_approval"
    if pending_promise(case) is not None:
        return "promised"
    return "placed" if placement(case) is not None else contract.STAGE_CONTACTING


def stage_ends(case: Case, now: datetime) -> datetime | None:
    """When the case leaves its stage by itself; ``None`` while it is climbing its ladder or waits for somebody without a date."""
    match stage(case, now):
        case "on_hold":
            ends = [h.until for h in standing_holds(case, now)]
            return None if None in ends else max((e for e in ends if e is not None), default=None)
        case "awaiting_approval":
            request = open_request(case)
            return request.deadline if request else None
        case "promised":
            promise = pending_promise(case)
            return grace_ends(case, promise.due_on) if promise else None
        case "placed":
            placed = placement(case)
            return placed.until if placed else None
        case _:
            return None


def describe(case: Case, move: Move, now: datetime) -> CaseView:
    """The case at ``now``, with ``move`` as what happens next."""
    owed = arrears(case, now)
    request, placed = open_request(case), placement(case)
    next_, next_at, why, blocked = _next(move, now)
    made = sorted(case.steps.items(), key=lambda item: item[1].at)[-_RECENT:]
    return CaseView(
        case_id=case.facts.case_id,
        loan_id=case.facts.loan_id,
        borrower_id=case.facts.borrower_id,
        strategy=f"{case.strategy.strategy} v{case.strategy.version}",
        stage=stage(case, now),
        outcome=case.outcome,
        owed=owed.amount,
        currency=case.facts.currency,
        due_since=owed.due_since,
        days_past_due=days_past_due(case, now),
        ladder_day=ladder_day(case, now),
        attitude=attitude_of(case),
        next=next_,
        next_at=next_at,
        why=why,
        blocked_by=blocked,
        approval=OpenApproval(approval_id=request.approval_id, step=request.step, people=request.people, deadline=request.deadline)
        if request
        else None,
        agency=placed.agency if placed else None,
        holds=tuple(h.reason for h in standing_holds(case, now)),
        contacts=tuple(
            RecentContact(step=step, at=n.at, outcome=n.outcome, channel=n.channel, rules=n.rules, why=n.why) for step, n in made
        ),
        ignored=tuple(f"{m.name}: {m.why}" for m in case.ignored),
    )


def _next(move: Move, now: datetime) -> tuple[str, datetime | None, str, str | None]:
    match move:
        case Wait(until, next_, why, blocked):
            return next_, until, why, blocked
        case Contact(step, rung, person):
            return f"{rung.do} {step}", now, "a relative, as approved" if person else "the step is due", None
        case AskApproval(step):
            return f"ask approval for {step}", now, "the law and the strategy want a human's yes first", None
        case RemindApprovers(approval):
            return f"remind approvers of {approval}", now, "nobody has decided yet", None
        case RetractApproval(approval, why):
            return f"retract {approval}", now, why, None
        case AssignTask(step, rung):
            return f"task {rung.task}", now, f"step {step} is due", None
        case Refer(step, rung):
            return f"refer to {rung.agency or rung.to}", now, f"step {step} is due", None
        case Recall(_, agency, why):
            return f"recall from {agency}", now, why, None
        case Close(outcome, why):
            return f"close as {outcome}", now, why, None
        case Note(event):
            return event.kind.replace("_", " "), now, "time has come", None
        case Finished():
            return "nothing", None, "the case is closed", None


def sheet(view: CaseView, zone: str) -> str:
    """The case as a page of Markdown for the Temporal UI: what happens next and why, who must act, what happened."""
    at = local_text(view.next_at, zone) if view.next_at else "no date"
    lines = [
        f"### Loan {view.loan_id} · {view.stage.replace('_', ' ')}",
        f"**{view.owed:.2f} {view.currency}** overdue · {view.days_past_due} days past due · ladder day {view.ladder_day} of "
        f"{view.strategy} · attitude {view.attitude}",
        "",
        f"**Next:** {view.next} ({at}) because {view.why}",
    ]
    if view.approval:
        lines.append(f"**Must act:** a human decides on `{view.approval.approval_id}` before {local_text(view.approval.deadline, zone)}")
    if view.holds:
        lines.append(f"**On hold:** {', '.join(view.holds)}")
    if view.agency:
        lines.append(f"**Placed with:** {view.agency}")
    lines += ["", *(f"- {_line(contact, zone)}" for contact in reversed(view.contacts))]
    lines += [f"- ignored: {said}" for said in view.ignored]
    return "\n".join(lines)


def _line(contact: RecentContact, zone: str) -> str:
    because = ", ".join(contact.rules) or contact.why
    return f"{local_date(contact.at, zone)} · {contact.step} · **{contact.outcome.replace('_', ' ')}**" + (
        f" ({because})" if because else ""
    )


def attributes(case: Case, now: datetime) -> dict[str, str | datetime | None]:
    """What each search attribute should say now; ``None`` for one that should be unset."""
    request, placed, holds = open_request(case), placement(case), standing_holds(case, now)
    since = arrears(case, now).due_since
    return {
        contract.CASE_STAGE.name: stage(case, now),
        contract.LOAN_ID.name: case.facts.loan_id,
        contract.BORROWER_ID.name: case.facts.borrower_id,
        contract.STRATEGY.name: case.strategy.strategy,
        contract.HOLD_REASON.name: holds[-1].reason if holds else None,
        contract.APPROVAL_ID.name: request.approval_id if request else None,
        contract.AGENCY.name: placed.agency if placed else None,
        contract.DUE_SINCE.name: utc_midnight(since) if since else None,
        contract.NEXT_MOVE_AT.name: stage_ends(case, now),
    }
