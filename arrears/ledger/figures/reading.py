"""All figures of one moment of the ledger."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.verdict import Effect
from arrears.ledger.figures import counting, queries
from arrears.ledger.figures.model import Asked, Figures


async def read(session: AsyncSession, asked: Asked, now: datetime) -> Figures:
    """Read and count. ``now`` is business time: what is open or overdue is so now, the rest lies in the period that is asked for."""
    cases = await queries.open_cases(session, asked)
    days = counting.days_of(cases, now)
    still, of_period = await queries.requests(session, asked)
    verdicts = await queries.verdicts(session, asked)
    return Figures(
        asked=asked,
        at=now,
        seq=await queries.chain_length(session),
        strategies=await queries.strategies(session),
        overdue=counting.overdue(cases, await queries.owed(session, asked, days), days),
        closed=counting.closed(await queries.ends(session, asked), asked),
        cohorts=counting.cohorts(await queries.opened(session, asked)),
        promises=await queries.promises(session, asked),
        received=counting.received(await queries.replies(session, asked)),
        contacts=await queries.contacts(session, asked),
        refusals=counting.refusals(verdicts),
        verdicts=sum(count for _, _, count in verdicts),
        stopped=sum(count for effect, _, count in verdicts if effect is not Effect.ALLOW),
        waiting=counting.waiting(still, now),
        decided=counting.decided(of_period, now),
        tasks=counting.tasks(await queries.tasks(session, asked)),
        placements=counting.placements(await queries.placed_now(session, asked, now), await queries.placed(session, asked, now)),
    )
