"""What the figures rest on, read from the ledger. Every function reads; none adds up money."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Text, and_, func, or_
from sqlalchemy import cast as as_type
from sqlalchemy import select as sql_select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.domain.strategy import Channel, Referral, Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger.figures.counting import OpenCase, Reply, Request
from arrears.ledger.figures.model import Asked, Contacts, Promises
from arrears.ledger.search import money
from arrears.ledger.search.money import Owed
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    CaseEventRow,
    CaseOutcome,
    CaseRow,
    ChainHeadRow,
    Direction,
    LoanRow,
    PaymentReversalRow,
    PaymentRow,
    PersonRow,
    ReferralRow,
    ReferralState,
    ReportedContactRow,
    TaskRow,
    TaskState,
    VerdictRow,
)

_A_DAY_LATER = timedelta(days=1)


async def chain_length(session: AsyncSession) -> int:
    """The number of the chain's last record."""
    return (await _rows(session, _select(ChainHeadRow.seq)))[0][0]


async def strategies(session: AsyncSession) -> tuple[str, ...]:
    """All strategies that any case has used."""
    return tuple(name for (name,) in await _rows(session, _select(CaseRow.strategy).distinct().order_by(col(CaseRow.strategy))))


async def open_cases(session: AsyncSession, asked: Asked) -> list[OpenCase]:
    wanted = (
        _select(CaseRow.loan_id, CaseRow.strategy, LoanRow.currency, PersonRow.zone)
        .join(LoanRow, col(LoanRow.id) == col(CaseRow.loan_id))
        .join(PersonRow, col(PersonRow.id) == col(LoanRow.borrower_id))
        .where(col(CaseRow.closed_at).is_(None), *_of_strategy(asked))
    )
    return [OpenCase(*row) for row in await _rows(session, wanted)]


async def owed(session: AsyncSession, asked: Asked, days: Mapping[str, date]) -> dict[str, Owed]:
    """What is overdue of loans with open cases on the day of each, by loan."""
    return await money.overdue(session, and_(col(CaseRow.closed_at).is_(None), *_of_strategy(asked)), days)


async def ends(session: AsyncSession, asked: Asked) -> list[tuple[datetime, CaseOutcome]]:
    """When cases ended in the period, and how."""
    wanted = _select(CaseRow.closed_at, CaseRow.outcome).where(*_within(CaseRow.closed_at, asked), *_of_strategy(asked))
    return [(at, outcome) for at, outcome in await _rows(session, wanted) if at is not None and outcome is not None]


async def opened(session: AsyncSession, asked: Asked) -> Sequence[tuple[str, CaseOutcome | None, int]]:
    """How many cases of each strategy were opened in the period, by how they ended; none: they run."""
    wanted = (
        _select(CaseRow.strategy, CaseRow.outcome, func.count())
        .where(*_within(CaseRow.opened_at, asked), *_of_strategy(asked))
        .group_by(col(CaseRow.strategy), col(CaseRow.outcome))
    )
    return await _rows(session, wanted)


async def promises(session: AsyncSession, asked: Asked) -> Promises:
    kept = cast("Any", col(CaseEventRow.body)["kept"]).as_boolean()
    wanted = (
        _select(CaseEventRow.kind, kept, func.count())
        .where(col(CaseEventRow.kind).in_(("promise_made", "promise_judged")), *_within(CaseEventRow.at, asked))
        .group_by(col(CaseEventRow.kind), kept)
    )
    found = {
        (kind, bool(was_kept)): count for kind, was_kept, count in await _rows(session, _of_cases(wanted, CaseEventRow.case_id, asked))
    }
    return Promises(
        made=found.get(("promise_made", False), 0),
        kept=found.get(("promise_judged", True), 0),
        broken=found.get(("promise_judged", False), 0),
    )


async def replies(session: AsyncSession, asked: Asked) -> list[Reply]:
    """The payments of the period that stand, each with the last contact about its loan that had left before."""
    contact = (
        _select(func.max(AttemptRow.sent_at))
        .where(col(AttemptRow.loan_id) == col(PaymentRow.loan_id), col(AttemptRow.sent_at) <= col(PaymentRow.received_at), _LEFT)
        .correlate(PaymentRow)
        .scalar_subquery()
    )
    wanted = _select(PaymentRow.amount, PaymentRow.currency, PaymentRow.received_at, contact).where(
        _STANDS, *_within(PaymentRow.received_at, asked)
    )
    if asked.strategy is not None:
        wanted = wanted.where(col(PaymentRow.loan_id).in_(_select(CaseRow.loan_id).where(*_of_strategy(asked))))
    return [Reply(*row) for row in await _rows(session, wanted)]


async def contacts(session: AsyncSession, asked: Asked) -> tuple[Contacts, ...]:
    """Contacts that left, ours and those that others report to have made."""
    ours = _of_cases(
        _select(AttemptRow.channel, AttemptRow.outcome, func.count())
        .where(_LEFT, *_within(AttemptRow.sent_at, asked))
        .group_by(col(AttemptRow.channel), col(AttemptRow.outcome)),
        AttemptRow.case_id,
        asked,
    )
    theirs = (
        _select(ReportedContactRow.channel, ReportedContactRow.outcome, func.count())
        .where(col(ReportedContactRow.direction) == Direction.OUT, *_within(ReportedContactRow.at, asked))
        .group_by(col(ReportedContactRow.channel), col(ReportedContactRow.outcome))
    )
    if asked.strategy is not None:
        theirs = theirs.where(col(ReportedContactRow.loan_id).in_(_select(CaseRow.loan_id).where(*_of_strategy(asked))))
    found = [
        *(Contacts(by="arrears", channel=c, outcome=o, contacts=n) for c, o, n in await _rows(session, ours)),
        *(Contacts(by="others", channel=c, outcome=o, contacts=n) for c, o, n in await _rows(session, theirs)),
    ]
    channels, outcomes = list(Channel), list(Outcome)
    return tuple(sorted(found, key=lambda c: (c.by, channels.index(c.channel), -1 if c.outcome is None else outcomes.index(c.outcome))))


async def verdicts(session: AsyncSession, asked: Asked) -> list[tuple[Effect, list[str], int]]:
    """How many verdicts of the period there are of each effect and list of rules."""
    rules = as_type(VerdictRow.rules, Text)
    wanted = (
        _select(VerdictRow.verdict, rules, func.count())
        .where(*_within(VerdictRow.decided_at, asked))
        .group_by(col(VerdictRow.verdict), rules)
    )
    found = await _rows(session, _of_cases(wanted, VerdictRow.case_id, asked))
    return [(effect, json.loads(text), count) for effect, text, count in found]


async def requests(session: AsyncSession, asked: Asked) -> tuple[list[Request], list[Request]]:
    """The requests for approval that are open, and those that were asked in the period."""
    wanted = _of_cases(
        _select(ApprovalRow.role, ApprovalRow.state, ApprovalRow.asked_at, ApprovalRow.deadline, ApprovalRow.decided_at),
        ApprovalRow.case_id,
        asked,
    )
    still = await _rows(session, wanted.where(col(ApprovalRow.state) == ApprovalState.OPEN))
    of_period = await _rows(session, wanted.where(*_within(ApprovalRow.asked_at, asked)))
    return [Request(*row) for row in still], [Request(*row) for row in of_period]


async def tasks(session: AsyncSession, asked: Asked) -> Sequence[tuple[TaskKind, Role, TaskState, int]]:
    """How many tasks there are of each kind, role and state: those open, and those that ended in the period."""
    ended = _within(TaskRow.done_at, asked)
    wanted = (
        _select(TaskRow.kind, TaskRow.role, TaskRow.state, func.count())
        .where(or_(col(TaskRow.state) == TaskState.OPEN, ended[0] & ended[1]))
        .group_by(col(TaskRow.kind), col(TaskRow.role), col(TaskRow.state))
    )
    return await _rows(session, _of_cases(wanted, TaskRow.case_id, asked))


async def placed_now(session: AsyncSession, asked: Asked, now: datetime) -> dict[str, int]:
    """How many cases each agency has."""
    wanted = (
        _select(ReferralRow.agency, func.count())
        .where(
            col(ReferralRow.target) == Referral.AGENCY,
            col(ReferralRow.state) == ReferralState.SENT,
            or_(col(ReferralRow.until).is_(None), col(ReferralRow.until) > now),
        )
        .group_by(col(ReferralRow.agency))
    )
    return dict(await _rows(session, _of_cases(wanted, ReferralRow.case_id, asked)))


async def placed(session: AsyncSession, asked: Asked, now: datetime) -> Sequence[tuple[str, ReferralState, bool, int]]:
    """What became of the placements of the period: agency, state, whether their term is over, how many."""
    over = col(ReferralRow.until).is_not(None) & (col(ReferralRow.until) <= now)
    wanted = (
        _select(ReferralRow.agency, ReferralRow.state, over, func.count())
        .where(col(ReferralRow.target) == Referral.AGENCY, *_within(ReferralRow.sent_at, asked))
        .group_by(col(ReferralRow.agency), col(ReferralRow.state), over)
    )
    return await _rows(session, _of_cases(wanted, ReferralRow.case_id, asked))


_LEFT = col(AttemptRow.sent_at).is_not(None) & or_(col(AttemptRow.outcome).is_(None), col(AttemptRow.outcome).not_in(NOT_MADE))
_STANDS = col(PaymentRow.payment_id).not_in(sql_select(col(PaymentReversalRow.payment_id)))


def _of_strategy(asked: Asked) -> tuple[Any, ...]:
    return () if asked.strategy is None else (col(CaseRow.strategy) == asked.strategy,)


def _of_cases(wanted: Any, case_id: Any, asked: Asked) -> Any:
    """Only what belongs to cases of the strategy that is asked for."""
    return wanted if asked.strategy is None else wanted.join(CaseRow, col(CaseRow.id) == case_id).where(*_of_strategy(asked))


def _within(column: Any, asked: Asked) -> tuple[Any, Any]:
    return col(column) >= asked.starts, col(column) < asked.ends


def _select(*columns: Any) -> Any:
    return sql_select(*columns)


async def _rows(session: AsyncSession, wanted: Any) -> Sequence[Any]:
    return (await cast("Any", session).exec(wanted)).all()
