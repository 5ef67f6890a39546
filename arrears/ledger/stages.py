"""What a case is doing, in one word, as the ledger can tell it: the same words as the search attribute ``CaseStage``.

One of ``domain.events.Ending`` for a closed case, the name of a strategy's track while its hold stands, else one of ``STAGES``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.strategy import Referral, Strategy
from arrears.ledger.tables import ApprovalRow, ApprovalState, CaseEventRow, CaseRow, HoldRow, ReferralRow, ReferralState

ON_HOLD = "on_hold"
ON_PLAN = "on_plan"
AWAITING_APPROVAL = "awaiting_approval"
PROMISED = "promised"
PLACED = "placed"
CONTACTING = "contacting"
STAGES = (CONTACTING, AWAITING_APPROVAL, PROMISED, ON_PLAN, PLACED, ON_HOLD)
"""The stages that an open case has under every strategy."""

Tracks = Sequence[tuple[str, str]]
"""A strategy's tracks in its order, each with the reason of the hold that puts a case on it."""

_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides a case's stage: how it ended, the reasons of the holds that stand, and what else is under way.

    ``promised_for`` is the day of the earliest promise that was not judged yet.
    """

    outcome: str | None = None
    holds: tuple[str, ...] = ()
    on_plan: bool = False
    approval_open: bool = False
    promised_for: date | None = None
    placed: bool = False


def stage(standing: Standing, tracks: Tracks = ()) -> str:
    """One word for what a case is doing. Without its strategy's tracks a case that is on one shows as ``on_hold``."""
    match standing:
        case Standing(outcome=str() as outcome):
            return outcome
        case Standing(holds=holds) if on := [track for track, reason in tracks if reason in holds]:
            return on[-1]
        case Standing(holds=holds) if holds:
            return ON_HOLD
        case Standing(on_plan=True):
            return ON_PLAN
        case Standing(approval_open=True):
            return AWAITING_APPROVAL
        case Standing(promised_for=date()):
            return PROMISED
        case Standing(placed=True):
            return PLACED
        case _:
            return CONTACTING


def tracks_of(strategy: Strategy) -> Tracks:
    """A strategy's tracks as :func:`stage` wants them."""
    return tuple((track.track, track.while_held_for) for track in strategy.tracks)


async def standing(session: AsyncSession, case: CaseRow, now: datetime) -> Standing:
    """What decides the stage of one case."""
    if case.outcome is not None:
        return Standing(outcome=case.outcome)
    return (await standings(session, now, [case.id])).get(case.id, Standing())


async def standings(session: AsyncSession, now: datetime, case_ids: Collection[str] | None = None) -> dict[str, Standing]:
    """What decides the stages of these open cases, or of all that are open, by case id; one of which there is nothing to say is left out.

    A handful of statements, however many cases there are.
    """
    if case_ids is None:
        return await standings_where(session, now, col(CaseRow.closed_at).is_(None))
    ids, found = list(case_ids), dict[str, Standing]()
    for n in range(0, len(ids), _MOST_AT_ONCE):
        found |= await standings_where(session, now, col(CaseRow.id).in_(ids[n : n + _MOST_AT_ONCE]))
    return found


async def standings_where(session: AsyncSession, now: datetime, which: ColumnElement[bool]) -> dict[str, Standing]:
    """As :func:`standings`, of the cases for which a condition on ``CaseRow`` is true; what they ended with is not among it."""
    found: defaultdict[str, Standing] = defaultdict(Standing)
    for case_id, reason in await _holds(session, now, which):
        held = found[case_id].holds
        found[case_id] = replace(found[case_id], holds=held if reason in held else (*held, reason))
    for case_id in await _with_open_request(session, which):
        found[case_id] = replace(found[case_id], approval_open=True)
    for case_id in await _placed(session, which):
        found[case_id] = replace(found[case_id], placed=True)
    for case_id, words in _by_case(await _words(session, which)):
        found[case_id] = replace(found[case_id], on_plan=_plan_stands(words), promised_for=_promised_for(words))
    return dict(found)


async def _holds(session: AsyncSession, now: datetime, which: ColumnElement[bool]) -> Sequence[tuple[str, str]]:
    """The holds that stop a ladder now, in whichever of the loan's cases they were placed."""
    asked = (
        select(CaseRow.id, HoldRow.reason)
        .join(HoldRow, col(HoldRow.loan_id) == col(CaseRow.loan_id))
        .where(which, col(HoldRow.placed_at) <= now, col(HoldRow.lifted_at).is_(None))
        .where(or_(col(HoldRow.until).is_(None), col(HoldRow.until) > now))
        .order_by(col(HoldRow.placed_at), col(HoldRow.id))
    )
    return (await session.exec(asked)).all()


async def _with_open_request(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[str]:
    asked = select(CaseRow.id).join(ApprovalRow, col(ApprovalRow.case_id) == col(CaseRow.id))
    return (await session.exec(asked.where(which, col(ApprovalRow.state) == ApprovalState.OPEN))).all()


async def _placed(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[str]:
    asked = select(CaseRow.id).join(ReferralRow, col(ReferralRow.case_id) == col(CaseRow.id))
    placed = (col(ReferralRow.target) == Referral.AGENCY, col(ReferralRow.state) == ReferralState.SENT)
    return (await session.exec(asked.where(which, *placed))).all()


_Word = tuple[str, str, str | None, str | None]
"""Whose case it is about, the kind of event, and of a promise the amount and the day."""

WORDS = ("plan_agreed", "plan_broken", "promise_made", "promise_judged")
"""The kinds of events that decide about a case's stage."""
_FIRST, _LAST = "plan", "promisez"
"""Between these lie the keys of such events: a key begins with the kind, and a case's keys are indexed."""


async def _words(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[_Word]:
    """What was promised and agreed and what became of it, in order."""
    body = col(CaseEventRow.body)
    asked = (
        select(CaseEventRow.case_id, CaseEventRow.kind, body["amount"].as_string(), body["due_on"].as_string())
        .join(CaseRow, col(CaseRow.id) == col(CaseEventRow.case_id))
        .where(which, col(CaseEventRow.kind).in_(WORDS))
        .where(col(CaseEventRow.event_key) > _FIRST, col(CaseEventRow.event_key) < _LAST)
        .order_by(col(CaseEventRow.case_id), col(CaseEventRow.at), col(CaseEventRow.id))
    )
    return (await session.exec(asked)).all()


def _by_case(words: Sequence[_Word]) -> Iterator[tuple[str, list[_Word]]]:
    grouped: defaultdict[str, list[_Word]] = defaultdict(list)
    for word in words:
        grouped[word[0]].append(word)
    yield from grouped.items()


def _plan_stands(words: Sequence[_Word]) -> bool:
    """Whether the last word on a plan is that one was agreed."""
    said = [kind for _, kind, *_ in words if kind.startswith("plan")]
    return bool(said) and said[-1] == "plan_agreed"


def _promised_for(words: Sequence[_Word]) -> date | None:
    """The day of the earliest promise that was not judged. Until it is, the same amount for the same day is the same promise."""
    pending: set[tuple[str, str | None]] = set()
    for _, kind, amount, due_on in words:
        if kind == "promise_made" and due_on:
            pending.add((due_on, amount))
        elif kind == "promise_judged" and due_on:
            pending.discard((due_on, amount))
    return min((date.fromisoformat(due_on) for due_on, _ in pending), default=None)
