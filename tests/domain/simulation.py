"""Drives the pure core through time as the workflow would, without any server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from arrears.domain.apply import apply_all, objection
from arrears.domain.calendar import LadderCalendar
from arrears.domain.case import Case, open_case
from arrears.domain.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalRetracted,
    CaseClosed,
    Event,
    OpeningFacts,
    PaymentReceived,
    PaymentReversed,
    Placed,
    Recalled,
    StepTaken,
)
from arrears.domain.loan import Instalment, Payment
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
from arrears.domain.outcome import Outcome
from arrears.domain.planner import next_move
from arrears.domain.strategy import Strategy

ZONE = "Asia/Shanghai"
DUE = date(2026, 11, 1)
MORNING = datetime(2026, 11, 2, 1, tzinfo=UTC)
"""Nine o'clock in Shanghai on the first day past due."""

MOST_MOVES_AT_ONCE = 500

Answer = Callable[[Case, Contact, datetime], Outcome]


@dataclass
class Trace:
    """What a simulated case did: every move with its instant and the case that wanted it."""

    case: Case
    made: list[tuple[datetime, Move, Case]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def contacts(self) -> list[tuple[datetime, Contact, Case]]:
        return [(at, move, case) for at, move, case in self.made if isinstance(move, Contact)]


def strategy(*rungs: dict[str, object], **more: object) -> Strategy:
    return Strategy.model_validate(
        {"strategy": "test", "version": 1, "title": "Test", "source": "made for a test", "currency": "CNY", "ladder": rungs} | more
    )


def call(day: int, **more: object) -> dict[str, object]:
    return {"rung": f"call-{day}", "day": day, "at": "10:00", "do": "call", "message": "overdue-reminder"} | more


def sms(day: int, **more: object) -> dict[str, object]:
    return {"rung": f"sms-{day}", "day": day, "at": "10:30", "do": "sms", "message": "overdue-reminder"} | more


def a_case(
    of: Strategy, *, owed: str = "1000.00", due: date = DUE, opened_at: datetime = MORNING, later: tuple[Instalment, ...] = ()
) -> Case:
    facts = OpeningFacts(
        case_id="L-1.1",
        loan_id="L-1",
        borrower_id="P-1",
        product="cash_loan",
        currency="CNY",
        instalments=(Instalment(due_on=due, amount=Decimal(owed)), *later),
        opened_at=opened_at,
    )
    return open_case(facts, of, LadderCalendar(zone=ZONE))


def payment(amount: str, at: datetime, payment_id: str = "pay-1", **more: object) -> PaymentReceived:
    return PaymentReceived(
        at=at, payment=Payment.model_validate({"payment_id": payment_id, "amount": amount, "currency": "CNY", "received_at": at} | more)
    )


def reversal(at: datetime, payment_id: str = "pay-1") -> PaymentReversed:
    return PaymentReversed(at=at, payment_id=payment_id, reason="bounced", reversed_at=at)


def never_answers(case: Case, contact: Contact, now: datetime) -> Outcome:
    return Outcome.NO_ANSWER if contact.rung.do == "call" else Outcome.DELIVERED


def answers(outcome: Outcome) -> Answer:
    """Every call is answered with ``outcome``."""
    return lambda case, contact, now: outcome if contact.rung.do == "call" else Outcome.DELIVERED


def happen(case: Case, move: Move, now: datetime, answer: Answer, *, approve: bool | None, relatives: Outcome) -> tuple[Event, ...]:
    """What the world makes of a move, at once."""
    case_id = case.facts.case_id
    match move:
        case Contact(rung=rung):
            outcome = relatives if move.person_id else answer(case, move, now)
            return (StepTaken(at=now, step=move.key, outcome=outcome, attempt_id=f"{case_id}/{move.key}"),)
        case AskApproval(step=step, approval_id=approval_id, remind_at=remind_at, deadline=deadline):
            asked = ApprovalAsked(at=now, approval_id=approval_id, step=step, people=("P-2", "P-3"), remind_at=remind_at, deadline=deadline)
            if approve is None:
                return (asked,)
            decision = "approve" if approve else "deny"
            return (asked, ApprovalDecided(at=now, approval_id=approval_id, decision=decision, operator="op-1"))
        case RemindApprovers(approval_id):
            return (ApprovalReminded(at=now, approval_id=approval_id),)
        case RetractApproval(approval_id, _):
            return (ApprovalRetracted(at=now, approval_id=approval_id),)
        case AssignTask(step=step):
            return (StepTaken(at=now, step=step, outcome=Outcome.DONE),)
        case Refer(step=step, rung=rung, until=until):
            taken = StepTaken(at=now, step=step, outcome=Outcome.DONE)
            return (taken,) if until is None else (taken, Placed(at=now, placement_id=step, agency=str(rung.agency), until=until))
        case Recall(placement_id, _, _):
            return (Recalled(at=now, placement_id=placement_id),)
        case Note(event):
            return (event,)
        case Close(outcome, _):
            return (CaseClosed(at=now, outcome=outcome),)
        case _:
            raise AssertionError(f"{move} is no move that can happen")


def simulate(
    case: Case,
    reports: Iterable[Event] = (),
    *,
    answer: Answer = never_answers,
    approve: bool | None = None,
    relatives: Outcome = Outcome.RELATIVE_REFUSED,
    start: datetime = MORNING,
    days: int = 200,
    late_wakes: Iterable[timedelta] = (),
    extra_wakes: Iterable[datetime] = (),
) -> Trace:
    """Run a case until it is finished or ``days`` have passed, hearing each of ``reports`` at its own instant.

    ``late_wakes`` delay the first wake-ups, as a worker that was down would; at ``extra_wakes`` the planner is asked although nothing happened.
    """
    trace, now = Trace(case), start
    heard = sorted(reports, key=lambda e: e.at)
    lateness, extra = list(late_wakes), sorted(extra_wakes)
    moves = 0
    while now < start + timedelta(days=days):
        while heard and heard[0].at <= now:
            event = heard.pop(0)
            if objection(trace.case, event) is None:
                trace.case = apply_all(trace.case, (event,))
                trace.events.append(event)
        move = next_move(trace.case, now)
        if isinstance(move, Finished):
            break
        if isinstance(move, Wait):
            assert move.until is None or move.until > now, f"{move} would never sleep"
            moves = 0
            extra = [at for at in extra if at > now]
            nexts = [event.at for event in heard[:1]] + extra[:1]
            if move.until is not None:
                nexts.append(move.until + (lateness.pop(0) if lateness else timedelta()))
            if not nexts:
                break
            now = min(nexts)
            continue
        moves += 1
        assert moves < MOST_MOVES_AT_ONCE, f"the planner does not come to rest: {move}"
        trace.made.append((now, move, trace.case))
        events = happen(trace.case, move, now, answer, approve=approve, relatives=relatives)
        trace.events.extend(events)
        trace.case = apply_all(trace.case, events)
    return trace
