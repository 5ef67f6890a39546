"""How each move is made: the activities that it takes, and the events that come of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from arrears.domain import orders
    from arrears.domain.case import Case
    from arrears.domain.events import (
        ApprovalAsked,
        ApprovalReminded,
        ApprovalRetracted,
        CaseClosed,
        Event,
        Placed,
        Recalled,
        StepDeferred,
        StepTaken,
    )
    from arrears.domain.moves import AskApproval, AssignTask, Close, Contact, Recall, Refer, RemindApprovers, RetractApproval
    from arrears.domain.orders import Activity, Purpose
    from arrears.domain.outcome import Outcome
    from arrears.domain.strategy import Channel, ContactRung, Line, RelativesRung
    from arrears.workflows.policies import LEDGER_RETRIES, LEDGER_TIMEOUT, MISSED_AFTER, SEND_RETRIES, SEND_TIMEOUT

_Answer = TypeVar("_Answer")

Action = Contact | AskApproval | RemindApprovers | RetractApproval | AssignTask | Refer | Recall | Close
"""The moves that need the world."""


async def carry_out(
    case: Case, move: Action, call_timeout: timedelta, unrecorded: tuple[Event, ...], now: Callable[[], datetime]
) -> tuple[Event, ...]:
    """Make ``move`` and say what came of it. ``unrecorded`` events travel to the ledger when the case closes."""
    case_id, loan_id = case.facts.case_id, case.facts.loan_id
    match move:
        case Contact():
            return await _contact(case, move, call_timeout, now)
        case AskApproval():
            return await _ask(case, move)
        case RemindApprovers(approval_id):
            order = orders.ApprovalRef(case_id=case_id, approval_id=approval_id)
            done = await _ledger(Activity.REMIND_APPROVERS, order, orders.Done, "remind the approvers")
            return (ApprovalReminded(at=done.at, approval_id=approval_id),)
        case RetractApproval(approval_id, why):
            order = orders.ApprovalRef(case_id=case_id, approval_id=approval_id, why=why)
            done = await _ledger(Activity.RETRACT_APPROVAL, order, orders.Done, f"retract the request: {why}")
            return (ApprovalRetracted(at=done.at, approval_id=approval_id),)
        case AssignTask(step, rung):
            task = orders.TaskOrder(
                case_id=case_id, loan_id=loan_id, task_id=f"{case_id}/{step}", step=step, task=rung.task, role=rung.role
            )
            return await _send(Activity.ASSIGN_TASK, task, step, f"task for {rung.role}: {rung.task}", now)
        case Refer():
            return await _refer(case, move, now)
        case Recall(placement_id, agency, why):
            recall = orders.RecallOrder(case_id=case_id, loan_id=loan_id, referral_id=placement_id, agency=agency, why=why)
            done = await _ledger(Activity.RECALL, recall, orders.StepReport, f"recall from {agency}: {why}")
            return (Recalled(at=done.at, placement_id=placement_id),)
        case Close(outcome, why):
            close = orders.CloseOrder(case_id=case_id, loan_id=loan_id, outcome=outcome, why=why, events=unrecorded)
            done = await _ledger(Activity.CLOSE_CASE, close, orders.Done, f"close: {outcome}")
            return (CaseClosed(at=done.at, outcome=outcome),)


async def record(case: Case, events: tuple[Event, ...]) -> None:
    """Put facts that reached the case by a message into the ledger."""
    order = orders.RecordOrder(case_id=case.facts.case_id, loan_id=case.facts.loan_id, events=events)
    await _ledger(Activity.RECORD, order, orders.Done, f"record {events[-1].kind.replace('_', ' ')}")


async def check_decision(case: Case, approval_id: str, decision: str, operator: str, reason: str | None) -> orders.DecisionCheck:
    """Ask the ledger whether a decision counts."""
    order = orders.DecisionOrder.model_validate(
        {"case_id": case.facts.case_id, "approval_id": approval_id, "decision": decision, "operator": operator, "reason": reason}
    )
    return await _ledger(Activity.CHECK_DECISION, order, orders.DecisionCheck, f"may {operator} {decision}?")


async def open_case(order: orders.OpenOrder) -> orders.OpenedCase:
    """Ask the ledger what is owed now and fix what the case runs by."""
    return await _ledger(Activity.OPEN_CASE, order, orders.OpenedCase, f"open the case of loan {order.loan_id}")


async def _ledger(activity: Activity, order: object, answer: type[_Answer], summary: str) -> _Answer:
    return await workflow.execute_activity(
        activity,
        order,
        result_type=answer,
        start_to_close_timeout=LEDGER_TIMEOUT,
        heartbeat_timeout=MISSED_AFTER,
        retry_policy=LEDGER_RETRIES,
        summary=summary,
    )


async def _contact(case: Case, move: Contact, call_timeout: timedelta, now: Callable[[], datetime]) -> tuple[Event, ...]:
    order = _contact_order(case, move)
    call = order.channel is Channel.CALL
    who = "relative" if move.person_id else "borrower"
    try:
        report = await workflow.execute_activity(
            Activity.CONTACT,
            order,
            result_type=orders.ContactReport,
            start_to_close_timeout=call_timeout if call else SEND_TIMEOUT,
            heartbeat_timeout=None if call else MISSED_AFTER,
            retry_policy=SEND_RETRIES,
            summary=f"{order.channel.replace('_', '-')} to the {who}: {move.step} ({order.message})",
        )
    except ActivityError:
        # Nobody can say whether it left: it counts as made, and the ledger shows the attempt as it stands.
        return (StepTaken(at=now(), step=move.key, outcome=Outcome.UNKNOWN, attempt_id=order.attempt_id, channel=order.channel),)
    match report.verdict:
        case "defer" if report.until is not None:
            return (*report.news, StepDeferred(at=report.at, step=move.step, until=report.until, rules=report.rules))
        case "deny" if report.news:
            # The ledger knew more than the case: with that applied the planner decides anew what becomes of the step.
            return report.news
        case _:
            outcome = report.outcome or Outcome.DENIED
            taken = StepTaken(
                at=report.at, step=move.key, outcome=outcome, attempt_id=report.attempt_id, channel=order.channel, rules=report.rules
            )
            return (*report.news, taken)


def _contact_order(case: Case, move: Contact) -> orders.ContactOrder:
    rung = move.rung
    return orders.ContactOrder(
        case_id=case.facts.case_id,
        loan_id=case.facts.loan_id,
        attempt_id=f"{case.facts.case_id}/{move.key}",
        step=move.step,
        channel=Channel(rung.channel),
        message=rung.message,
        purpose=Purpose(rung.purpose) if isinstance(rung, RelativesRung) else Purpose.COLLECT,
        line=rung.line if isinstance(rung, ContactRung) else Line.REGISTERED,
        offers=rung.offers if isinstance(rung, ContactRung) else (),
        person_id=move.person_id,
        approval_id=move.approval_id,
    )


async def _ask(case: Case, move: AskApproval) -> tuple[Event, ...]:
    relatives = move.rung if isinstance(move.rung, RelativesRung) else None
    order = orders.ApprovalOrder(
        case_id=case.facts.case_id,
        loan_id=case.facts.loan_id,
        approval_id=move.approval_id,
        step=move.step,
        role=move.terms.role,
        remind_at=move.remind_at,
        deadline=move.deadline,
        purpose=Purpose(relatives.purpose) if relatives else None,
        channel=Channel(relatives.channel) if relatives else None,
        message=relatives.message if relatives else None,
        most_people=relatives.most_people if relatives else 0,
        referral=None if isinstance(move.rung, RelativesRung) else move.rung.to,
    )
    answer = await _ledger(Activity.REQUEST_APPROVAL, order, orders.ApprovalAnswer, f"ask {move.terms.role} to approve {move.step}")
    if not answer.asked:
        return (StepTaken(at=answer.at, step=move.step, outcome=Outcome.DENIED, rules=answer.rules),)
    asked = ApprovalAsked(
        at=answer.at, approval_id=answer.approval_id, step=move.step, people=answer.people, remind_at=move.remind_at, deadline=move.deadline
    )
    return (asked,)


async def _refer(case: Case, move: Refer, now: Callable[[], datetime]) -> tuple[Event, ...]:
    case_id = case.facts.case_id
    order = orders.ReferralOrder(
        case_id=case_id,
        loan_id=case.facts.loan_id,
        referral_id=f"{case_id}/{move.step}",
        step=move.step,
        to=move.rung.to,
        agency=move.rung.agency,
        until=move.until,
        approval_id=move.approval_id,
    )
    target = move.rung.agency or move.rung.to.replace("_", " ")
    events = await _send(Activity.REFER, order, move.step, f"refer to {target}", now)
    made = any(isinstance(e, StepTaken) and e.outcome is Outcome.DONE for e in events)
    if made and move.rung.agency is not None and move.until is not None:
        return (*events, Placed(at=events[-1].at, placement_id=order.referral_id, agency=move.rung.agency, until=move.until))
    return events


async def _send(activity: Activity, order: object, step: str, summary: str, now: Callable[[], datetime]) -> tuple[Event, ...]:
    """A task or a referral: one attempt chain, and a step that has failed for good is settled as failed."""
    try:
        report = await workflow.execute_activity(
            activity,
            order,
            result_type=orders.StepReport,
            start_to_close_timeout=SEND_TIMEOUT,
            heartbeat_timeout=MISSED_AFTER,
            retry_policy=SEND_RETRIES,
            summary=summary,
        )
    except ActivityError:
        return (StepTaken(at=now(), step=step, outcome=Outcome.FAILED),)
    if report.outcome is Outcome.DENIED and report.news:
        return report.news
    return (*report.news, StepTaken(at=report.at, step=step, outcome=report.outcome, rules=report.rules))
