"""The activities as Temporal knows them: each is one function of this package with what it works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity

from arrears.activities import approvals, case, contact, keeping, work
from arrears.activities.means import Means
from arrears.config.law import Law
from arrears.config.messages import MessageLibrary
from arrears.config.settings import Settings
from arrears.domain import orders
from arrears.domain.orders import Activity
from arrears.domain.retention import SweepOrder, SweepReport
from arrears.gateways.registry import Gateways
from arrears.ledger.engine import Ledger


class Activities:
    """All activities over one ledger and one set of gateways. Raises ``RegimeProblem`` if the configured law cannot be read."""

    def __init__(self, ledger: Ledger, gateways: Gateways, settings: Settings) -> None:
        law = Law(settings.regimes_dir, settings.overlay)
        law.current()
        messages = MessageLibrary(settings.messages_dir, settings.language)
        self._means = Means(ledger=ledger, gateways=gateways, settings=settings, messages=messages, law=law)

    def all(self) -> Sequence[Callable[..., Any]]:
        """What a worker registers."""
        return (
            self.open_case,
            self.contact,
            self.request_approval,
            self.remind_approvers,
            self.check_decision,
            self.retract_approval,
            self.assign_task,
            self.refer,
            self.recall,
            self.record,
            self.close_case,
            self.sweep_retention,
        )

    @activity.defn(name=Activity.OPEN_CASE)
    async def open_case(self, order: orders.OpenOrder) -> orders.OpenedCase:
        return await case.open_case(self._means, order)

    @activity.defn(name=Activity.CONTACT)
    async def contact(self, order: orders.ContactOrder) -> orders.ContactReport:
        return await contact.contact(self._means, order)

    @activity.defn(name=Activity.REQUEST_APPROVAL)
    async def request_approval(self, order: orders.ApprovalOrder) -> orders.ApprovalAnswer:
        return await approvals.request_approval(self._means, order)

    @activity.defn(name=Activity.REMIND_APPROVERS)
    async def remind_approvers(self, ref: orders.ApprovalRef) -> orders.Done:
        return await approvals.remind_approvers(self._means, ref)

    @activity.defn(name=Activity.CHECK_DECISION)
    async def check_decision(self, order: orders.DecisionOrder) -> orders.DecisionCheck:
        return await approvals.check_decision(self._means, order)

    @activity.defn(name=Activity.RETRACT_APPROVAL)
    async def retract_approval(self, ref: orders.ApprovalRef) -> orders.Done:
        return await approvals.retract_approval(self._means, ref)

    @activity.defn(name=Activity.ASSIGN_TASK)
    async def assign_task(self, order: orders.TaskOrder) -> orders.StepReport:
        return await work.assign_task(self._means, order)

    @activity.defn(name=Activity.REFER)
    async def refer(self, order: orders.ReferralOrder) -> orders.StepReport:
        return await work.refer(self._means, order)

    @activity.defn(name=Activity.RECALL)
    async def recall(self, order: orders.RecallOrder) -> orders.StepReport:
        return await work.recall(self._means, order)

    @activity.defn(name=Activity.RECORD)
    async def record(self, order: orders.RecordOrder) -> orders.Done:
        return await case.record(self._means, order)

    @activity.defn(name=Activity.CLOSE_CASE)
    async def close_case(self, order: orders.CloseOrder) -> orders.Done:
        return await case.close_case(self._means, order)

    @activity.defn(name=Activity.SWEEP_RETENTION)
    async def sweep_retention(self, order: SweepOrder) -> SweepReport:
        return await keeping.sweep(self._means, order)
