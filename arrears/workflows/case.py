"""The workflow of one case: a small interpreter of the planner's moves. It holds no business rule of its own.

The core says what to do next; this makes it, applies what happened and asks again. Signals and updates only apply events and wake the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeUpdate
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel, ConfigDict, ValidationError

    from arrears.domain.apply import apply, apply_all, contradiction, objection, promised_before
    from arrears.domain.case import Case, open_case, open_request, paid
    from arrears.domain.clock import REAL_TIME, Clock
    from arrears.domain.events import ApprovalDecided, Event, MessageIgnored, PaymentReversed, StepTaken, Withdrawn
    from arrears.domain.moves import Finished, Move, Note, Wait
    from arrears.domain.orders import OpenOrder
    from arrears.domain.outcome import NOT_MADE
    from arrears.domain.planner import begins_anew, next_move
    from arrears.workflows import carry_out, view
    from arrears.workflows.contract import QUERY_CASE, SEARCH_ATTRIBUTES, WORKFLOW_TYPE, CaseRequest, CaseSummary, CaseView, Signal, Update
    from arrears.workflows.messages import Unreadable, explain, read

_TICK = timedelta(milliseconds=1)
_NAME_SHOWN = 40
_TOLD_KEPT = 50
_PROMISED_ANEW = "same-words-count-anew-once-judged"


def _refused(why: str) -> ApplicationError:
    """The answer to an update that cannot count: sending it again cannot help."""
    return ApplicationError(why, type="Refused", non_retryable=True)


def _update_id() -> str:
    """The id of the update that is being handled."""
    update = workflow.current_update_info()
    assert update is not None
    return update.id


class Carried(BaseModel):
    """What one run of a case hands to the next. ``told``: the ids of the latest updates that counted, which the server knows in their own run only."""

    model_config = ConfigDict(frozen=True)

    case: Case
    clock: Clock
    call_timeout: timedelta
    unrecorded: tuple[Event, ...] = ()
    told: tuple[str, ...] = ()


class CaseInput(CaseRequest):
    """The input as the workflow takes it: a request from outside, or the same with what the run before has carried over.

    ``cycle`` counts the cases that began in this execution because a payment was taken back while the one before was being closed.
    """

    carried: Carried | None = None
    cycle: int = 0


@workflow.defn(name=WORKFLOW_TYPE)
class CollectionCase:
    """One overdue loan, from the missed payment to the case's end."""

    @workflow.init
    def __init__(self, request: Any = None) -> None:
        self._case: Case | None = None
        self._clock = REAL_TIME
        self._call_timeout = timedelta()
        self._unrecorded: tuple[Event, ...] = ()
        self._told: tuple[str, ...] = ()
        self._recording = 0
        self._reached: datetime | None = None
        self._move: Move = Wait(None, "the opening", "the ledger is asked what is owed")
        self._refused: str | None = None
        try:
            self._input = CaseInput.model_validate(request)
        except ValidationError as error:
            self._refused = explain(error)
            return
        if (carried := self._input.carried) is not None:
            self._case, self._clock, self._call_timeout = carried.case, carried.clock, carried.call_timeout
            self._unrecorded, self._told = carried.unrecorded, carried.told

    @workflow.run
    async def run(self, request: Any = None) -> CaseSummary:  # noqa: ARG002 (read in __init__, before any early signal)
        """Work the case until it is closed. ``request`` is a ``CaseRequest`` as plain JSON."""
        if self._refused is not None:
            raise ApplicationError(f"the case's input is not usable: {self._refused}", type="BadInput", non_retryable=True)
        try:
            return await self._work()
        except asyncio.CancelledError:
            # A cancelled case still recalls what it placed and closes what it asked.
            if self._case is None:
                raise
            self._apply(Withdrawn(at=self._now(), reason="cancelled in Temporal"))
            return await self._work()

    async def _work(self) -> CaseSummary:
        if self._case is None:
            await self._open()
        while True:
            now = self._now()
            self._move = next_move(self._opened(), now)
            self._publish(now)
            match self._move:
                case Finished():
                    break
                case Wait(until, next_):
                    await self._hand_over_if_long()
                    await self._wait(until, next_)
                case Note(event):
                    await self._note(event)
                case action:
                    self._apply(*await carry_out.carry_out(self._opened(), action, self._call_timeout, self._unrecorded, self._now))
        await workflow.wait_condition(workflow.all_handlers_finished)
        if begins_anew(self._opened(), self._now()):
            self._continue(self._input.model_copy(update={"carried": None, "cycle": self._input.cycle + 1}))
        return self._summary()

    async def _note(self, event: Event) -> None:
        """What time alone brought about. A step passed over waits for the next occasion to be written down; an expiry or a broken word does not."""
        self._unrecorded = (*self._unrecorded, event)
        self._apply(event)
        if not isinstance(event, StepTaken):
            events, self._unrecorded = self._unrecorded, ()
            await carry_out.record(self._opened(), events)

    async def _open(self) -> None:
        run_key = workflow.info().first_execution_run_id + (f"/{self._input.cycle}" if self._input.cycle else "")
        order = OpenOrder(loan_id=self._input.loan_id, run_key=run_key, strategy=self._input.strategy)
        opened = await carry_out.open_case(order)
        self._clock, self._call_timeout = opened.clock, opened.call_timeout
        self._case = open_case(opened.facts, opened.strategy, opened.calendar)

    async def _wait(self, until: datetime | None, next_: str) -> None:
        """Sleep until a business instant, or until an event has changed the case: one timer, never a poll."""
        before = self._case
        timeout = None if until is None else max(self._clock.real_duration(until - self._now()), _TICK)
        try:
            await workflow.wait_condition(lambda: self._case is not before, timeout=timeout, timeout_summary=f"until {next_}")
        except TimeoutError:
            # The timer has fired, so it is that late, whatever rounding makes of it.
            self._reached = until

    async def _hand_over_if_long(self) -> None:
        if workflow.info().is_continue_as_new_suggested():
            await workflow.wait_condition(workflow.all_handlers_finished)
            carried = Carried(
                case=self._opened(), clock=self._clock, call_timeout=self._call_timeout, unrecorded=self._unrecorded, told=self._told
            )
            self._continue(self._input.model_copy(update={"carried": carried}))

    def _continue(self, following: CaseInput) -> None:
        workflow.continue_as_new(following.model_dump(mode="json", exclude_none=True))

    def _now(self) -> datetime:
        now = self._clock.at(workflow.now())
        return now if self._reached is None else max(now, self._reached)

    def _opened(self) -> Case:
        assert self._case is not None
        return self._case

    def _apply(self, *events: Event) -> None:
        self._case = apply_all(self._opened(), events)

    def _publish(self, now: datetime) -> None:
        """Show the case as it stands; an attribute is written only when what it says has changed."""
        case = self._opened()
        workflow.set_current_details(view.sheet(view.describe(case, self._move, now), case.calendar.zone))
        wanted, shown = view.attributes(case, now), workflow.info().typed_search_attributes
        changes: list[SearchAttributeUpdate[Any]] = []
        for key in SEARCH_ATTRIBUTES:
            value = wanted[key.name]
            if value != shown.get(key):
                changes.append(key.value_unset() if value is None else key.value_set(value))  # pyright: ignore[reportArgumentType]
        if changes:
            workflow.upsert_search_attributes(changes)  # pyright: ignore[reportUnknownMemberType]

    def _summary(self) -> CaseSummary:
        case, now = self._opened(), self._now()
        assert case.outcome is not None
        assert case.closed_at is not None
        shown = view.describe(case, self._move, now)
        return CaseSummary(
            loan_id=case.facts.loan_id,
            case_id=case.facts.case_id,
            outcome=case.outcome,
            closed_at=case.closed_at,
            contacts=sum(n.attempt_id is not None and n.outcome not in NOT_MADE for n in case.steps.values()),
            paid=paid(case),
            owed=shown.owed,
            currency=case.facts.currency,
        )

    async def _understand(self, name: str, payload: object) -> Event:
        """The event that a message stands for, once everything that can refuse it has been asked. Raises ``Unreadable``."""
        await workflow.wait_condition(lambda: self._case is not None)
        request = open_request(self._opened())
        event = read(name, payload, self._now(), request.approval_id if request else None)
        if (why := objection(self._opened(), event)) is not None:
            raise Unreadable(why)
        if isinstance(event, ApprovalDecided):
            check = await carry_out.check_decision(self._opened(), event.approval_id, event.decision, event.operator, event.reason)
            if not check.counts:
                raise Unreadable(check.why or "the decision does not count")
            if (why := objection(self._opened(), event)) is not None:
                raise Unreadable(why)
        return event

    async def _heard(self, name: str, payload: object) -> None:
        """A signal: what cannot count is recorded and ignored, it never stops the case."""
        try:
            event = await self._understand(name, payload)
        except Unreadable as refusal:
            event = MessageIgnored(at=self._now(), name=name, why=str(refusal))
        await self._take(event)

    async def _answered(self, name: str, payload: object) -> CaseView:
        """An update: what cannot count is refused with the reason, what an earlier run has taken in counts no more."""
        update_id = _update_id()
        if update_id in self._told:
            return self._view()
        try:
            event = await self._understand(name, payload)
        except Unreadable as refusal:
            raise _refused(str(refusal)) from None
        if (why := contradiction(self._opened(), event)) is not None:
            raise _refused(why)
        self._told = (*self._told, update_id)[-_TOLD_KEPT:]
        await self._take(event)
        return self._view()

    async def _take(self, event: Event) -> None:
        before = self._opened()
        after = apply(before, event)
        if after is before or (promised_before(before, event) and not workflow.patched(_PROMISED_ANEW)):
            return
        self._case = after
        if isinstance(event, PaymentReversed):
            # The payment that it takes back may be on its way into the ledger, which knows nothing to take back before it is there.
            await workflow.wait_condition(lambda: not self._recording)
        self._recording += 1
        try:
            await carry_out.record(before, (event,))
        finally:
            self._recording -= 1

    def _view(self) -> CaseView:
        now = self._now()
        return view.describe(self._opened(), next_move(self._opened(), now), now)

    def _check(self, name: str, payload: object) -> None:
        """Refuse an update before it is written to the history, as far as that can be said without the ledger."""
        if _update_id() in self._told:
            return
        case = self._case
        request = open_request(case) if case else None
        try:
            event = read(name, payload, self._now(), request.approval_id if request else None)
        except Unreadable as refusal:
            raise _refused(str(refusal)) from None
        if case is not None and (why := objection(case, event) or contradiction(case, event)) is not None:
            raise _refused(why)

    @workflow.query(name=QUERY_CASE, description="Where the case stands, what happens next and why, what blocks it")
    def case(self) -> CaseView:
        if self._case is None:
            raise ApplicationError(self._refused or "the case is still being opened")
        return view.describe(self._case, self._move, self._now())

    @workflow.signal(name=Signal.PAYMENT_RECEIVED, description="Money was received for the loan")
    async def payment_received(self, payload: Any = None) -> None:
        await self._heard(Signal.PAYMENT_RECEIVED, payload)

    @workflow.signal(name=Signal.PAYMENT_REVERSED, description="A payment was taken back, or had been booked by mistake")
    async def payment_reversed(self, payload: Any = None) -> None:
        await self._heard(Signal.PAYMENT_REVERSED, payload)

    @workflow.signal(name=Signal.APPROVAL_DECIDED, description="An operator approved or denied the open request")
    async def approval_decided(self, payload: Any = None) -> None:
        await self._heard(Signal.APPROVAL_DECIDED, payload)

    @workflow.signal(name=Signal.PROMISE_MADE, description="The borrower promised an amount by a day")
    async def promise_made(self, payload: Any = None) -> None:
        await self._heard(Signal.PROMISE_MADE, payload)

    @workflow.signal(name=Signal.PLAN_AGREED, description="A repayment plan was agreed")
    async def plan_agreed(self, payload: Any = None) -> None:
        await self._heard(Signal.PLAN_AGREED, payload)

    @workflow.signal(name=Signal.HOLD_PLACED, description="The case must stand still for a reason")
    async def hold_placed(self, payload: Any = None) -> None:
        await self._heard(Signal.HOLD_PLACED, payload)

    @workflow.signal(name=Signal.HOLD_LIFTED, description="A hold, or every hold, has ended")
    async def hold_lifted(self, payload: Any = None) -> None:
        await self._heard(Signal.HOLD_LIFTED, payload)

    @workflow.signal(name=Signal.CONTACT_REPORTED, description="A contact that others saw, or the late outcome of one of ours")
    async def contact_reported(self, payload: Any = None) -> None:
        await self._heard(Signal.CONTACT_REPORTED, payload)

    @workflow.signal(name=Signal.CASE_WITHDRAWN, description="The lender takes the case back")
    async def case_withdrawn(self, payload: Any = None) -> None:
        await self._heard(Signal.CASE_WITHDRAWN, payload)

    @workflow.signal(dynamic=True)
    async def unknown_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        """A signal of a name that we do not know: most likely a typo, so it must not vanish."""
        await workflow.wait_condition(lambda: self._case is not None)
        shown = "".join(c if c.isascii() and (c.isalpha() or c in "_-") else "?" for c in name[:_NAME_SHOWN])
        await self._take(MessageIgnored(at=self._now(), name=shown, why="no signal of this name is known"))

    @workflow.update(name=Update.RECORD_PAYMENT, description="Money was received for the loan")
    async def record_payment(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.RECORD_PAYMENT, payload)

    @record_payment.validator
    def _record_payment(self, payload: Any = None) -> None:
        self._check(Update.RECORD_PAYMENT, payload)

    @workflow.update(name=Update.REVERSE_PAYMENT, description="A payment is taken back, or was booked by mistake")
    async def reverse_payment(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.REVERSE_PAYMENT, payload)

    @reverse_payment.validator
    def _reverse_payment(self, payload: Any = None) -> None:
        self._check(Update.REVERSE_PAYMENT, payload)

    @workflow.update(name=Update.DECIDE_APPROVAL, description="An operator approves or denies the open request")
    async def decide_approval(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.DECIDE_APPROVAL, payload)

    @decide_approval.validator
    def _decide_approval(self, payload: Any = None) -> None:
        self._check(Update.DECIDE_APPROVAL, payload)

    @workflow.update(name=Update.MAKE_PROMISE, description="The borrower promises an amount by a day")
    async def make_promise(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.MAKE_PROMISE, payload)

    @make_promise.validator
    def _make_promise(self, payload: Any = None) -> None:
        self._check(Update.MAKE_PROMISE, payload)

    @workflow.update(name=Update.AGREE_PLAN, description="A repayment plan is agreed")
    async def agree_plan(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.AGREE_PLAN, payload)

    @agree_plan.validator
    def _agree_plan(self, payload: Any = None) -> None:
        self._check(Update.AGREE_PLAN, payload)

    @workflow.update(name=Update.PLACE_HOLD, description="The case must stand still for a reason")
    async def place_hold(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.PLACE_HOLD, payload)

    @place_hold.validator
    def _place_hold(self, payload: Any = None) -> None:
        self._check(Update.PLACE_HOLD, payload)

    @workflow.update(name=Update.LIFT_HOLD, description="A hold, or every hold, ends")
    async def lift_hold(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.LIFT_HOLD, payload)

    @lift_hold.validator
    def _lift_hold(self, payload: Any = None) -> None:
        self._check(Update.LIFT_HOLD, payload)

    @workflow.update(name=Update.WITHDRAW, description="The lender takes the case back")
    async def withdraw(self, payload: Any = None) -> CaseView:
        return await self._answered(Update.WITHDRAW, payload)

    @withdraw.validator
    def _withdraw(self, payload: Any = None) -> None:
        self._check(Update.WITHDRAW, payload)
