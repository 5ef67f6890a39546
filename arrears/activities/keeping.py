"""The keeping of personal data: what the law no longer wants kept is erased."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity

from arrears.activities.means import Means
from arrears.config.retention import retention_rule
from arrears.domain.retention import SweepOrder, SweepReport
from arrears.ledger import access, accounts, answers, erasure, heard
from arrears.ledger.erasure import Policy

_AT_ONCE = 200
_MOST = 5_000
"""How many people one run of the activity looks at; a sweep over more takes several runs."""


async def sweep(means: Means, order: SweepOrder) -> SweepReport:
    """Bring the next people into the state that the retention rule wants. Doing it again changes nothing.

    Every transaction is short: contacts go on meanwhile. The first run of a sweep also removes what the API keeps for a while.
    Raises ``RetentionProblem`` if the rule cannot be read.
    """
    if not order.after:
        async with means.ledger.session() as session:
            for kept in (answers, heard, access, accounts):
                await kept.forget(session, datetime.now(UTC))
    now = means.now()
    policy = Policy(retention_rule(), means.settings.lender_seat)
    done = SweepReport(last=order.after)
    for _ in range(_MOST // _AT_ONCE):
        async with means.ledger.exclusive() as session:
            done = done.and_then(await erasure.sweep(session, done.last or "", _AT_ONCE, policy, now))
        if done.last is None:
            break
    if done.erased:
        await means.ledger.forget()
    activity.logger.info(
        "retention: %d people looked at, %d only kept from now on, %d in use again, %d erased",
        *(done.looked_at, done.stored_only, done.in_use_again, done.erased),
    )
    return done
