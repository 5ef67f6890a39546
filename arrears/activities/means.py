"""What every activity works with, and what they all have in common: business time, refusals that no retry can help, and who gets the last try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from arrears.config.law import Law, RegimeProblem
from arrears.config.messages import MessageLibrary
from arrears.config.settings import Settings
from arrears.domain.judge import judge
from arrears.domain.regime import Regime
from arrears.domain.situation import Situation
from arrears.domain.verdict import Verdict
from arrears.gateways.contract import GatewayRetryable
from arrears.gateways.registry import Gateways
from arrears.ledger.engine import Ledger
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.news import Ordered
from arrears.ledger.situations import Office


@dataclass(frozen=True)
class Means:
    """The ledger, the ways out of the house, and what the lender configured."""

    ledger: Ledger
    gateways: Gateways
    settings: Settings
    messages: MessageLibrary
    law: Law

    def now(self) -> datetime:
        """Business time: what the business clock showed when the server started this attempt of the activity."""
        return self.settings.clock.at(activity.info().started_time)

    def ordered(self) -> Ordered:
        """When the case gave this order, in business time."""
        info = activity.info()
        return Ordered(at=self.settings.clock.at(info.scheduled_time), again=info.attempt > 1)

    def regimes(self) -> Sequence[Regime] | None:
        """The law in its newest version; ``None`` if it cannot be read, which the log explains to whoever keeps it."""
        try:
            return self.law.current()
        except RegimeProblem as problem:
            activity.logger.error("%s", problem)
            return None

    def judge(self, situation: Situation) -> Verdict:
        """What the law says to a situation."""
        return judge(situation, self.regimes())

    def office(self) -> Office:
        """What is true of the lender itself."""
        return Office(seat=self.settings.lender_seat, capacity=self.settings.lender_capacity)


def is_last_attempt() -> bool:
    """Whether the server will not try this activity again."""
    info = activity.info()
    most = info.retry_policy.maximum_attempts if info.retry_policy else 0
    return 0 < most <= info.attempt


def refusal(error: LedgerRefusal) -> ApplicationError:
    """The end of an activity for good: the message says what is wrong and what to do, with ids only."""
    return ApplicationError(str(error), type=type(error).__name__, non_retryable=True)


def later(error: GatewayRetryable) -> ApplicationError:
    """What makes the server try again, not before the gateway wants it."""
    return ApplicationError(str(error), type=type(error).__name__, next_retry_delay=error.retry_after or None)
