"""What every activity works with, and what they all have in common: business time, refusals that no retry can help, and who gets the last try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from arrears.config.messages import MessageLibrary
from arrears.config.regimes import RegimeLibrary, RegimeProblem
from arrears.config.settings import Settings
from arrears.domain.compliance import Regime
from arrears.gateways.contract import GatewayRetryable
from arrears.gateways.registry import Gateways
from arrears.ledger.contact_facts import Ordered
from arrears.ledger.engine import Ledger
from arrears.ledger.loans import LedgerRefusal


@dataclass(frozen=True)
class Means:
    """The ledger, the ways out of the house, and what the lender configured."""

    ledger: Ledger
    gateways: Gateways
    settings: Settings
    messages: MessageLibrary
    regimes: RegimeLibrary

    def now(self) -> datetime:
        """Business time: what the business clock showed when the server started this attempt of the activity."""
        return self.settings.clock.at(activity.info().started_time)

    def ordered(self) -> Ordered:
        """When the case gave this order, in business time."""
        info = activity.info()
        return Ordered(at=self.settings.clock.at(info.scheduled_time), again=info.attempt > 1)

    def regime(self) -> Regime | None:
        """The law in its newest version; ``None`` if its file cannot be read, which the log explains to whoever keeps it."""
        try:
            return self.regimes.current(self.settings.regime)
        except RegimeProblem as problem:
            activity.logger.error("%s", problem)
            return None


def law(means: Means, regime: Regime | None) -> tuple[str, int]:
    """The name and version under which a verdict is written down."""
    return means.settings.regime, regime.version if regime else 0


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
