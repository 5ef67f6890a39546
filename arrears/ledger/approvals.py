"""Approvals: a human's yes or no, by whom the request allows, before its deadline, never on one's own request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.orders import ApprovalOrder, ApprovalRef, DecisionCheck, DecisionOrder, Purpose
from arrears.domain.strategy import Role
from arrears.ledger.loans import LedgerRefusal
from arrears.ledger.tables import ApprovalPersonRow, ApprovalRow, ApprovalState, CaseRow, LoanRow, OperatorRow, Sealed
from arrears.ledger.vault import Field, keyring

BY_THE_CASE = "case"
"""Who requests an approval that a ladder asks for."""

_MOST_AT_ONCE = 500


class ApprovalUnknown(LedgerRefusal):
    """No such request is in the ledger."""


class OpenRequest(BaseModel):
    """A request that waits for a decision, with the people it names by id and the evidence it rests on."""

    model_config = ConfigDict(frozen=True)

    approval_id: str
    case_id: str
    loan_id: str
    step: str
    role: Role
    purpose: Purpose | None
    message: str | None
    people: tuple[str, ...]
    evidence: dict[str, Any]
    requested_by: str
    asked_at: AwareDatetime
    remind_at: AwareDatetime
    deadline: AwareDatetime
    reminded_at: AwareDatetime | None


async def approval(session: AsyncSession, approval_id: str) -> ApprovalRow:
    """The request. Raises ``ApprovalUnknown``."""
    row = await session.get(ApprovalRow, approval_id)
    if row is None:
        raise ApprovalUnknown(f"approval {approval_id} is not in the ledger")
    return row


async def people(session: AsyncSession, approval_id: str) -> dict[str, str]:
    """The people whom the request names, in the order of their ids, each with the SHA-256 of the only text for them."""
    found = await session.exec(
        select(ApprovalPersonRow).where(col(ApprovalPersonRow.approval_id) == approval_id).order_by(col(ApprovalPersonRow.person_id))
    )
    return {row.person_id: row.content_hash for row in found.all()}


async def ask(
    session: AsyncSession,
    order: ApprovalOrder,
    *,
    contents: Mapping[str, str],
    evidence: Mapping[str, Any],
    now: datetime,
    requested_by: str = BY_THE_CASE,
) -> tuple[str, ...]:
    """Put a request before the operators; the ids of the people it names.

    ``contents`` maps each person to the SHA-256 of the text meant for them. Asking again changes nothing: the answer is what was asked first.
    """
    if await session.get(ApprovalRow, order.approval_id) is None:
        session.add(
            ApprovalRow(
                id=order.approval_id,
                case_id=order.case_id,
                step=order.step,
                role=order.role,
                purpose=order.purpose,
                message=order.message,
                evidence=dict(evidence),
                requested_by=requested_by,
                asked_at=now,
                remind_at=order.remind_at,
                deadline=order.deadline,
            )
        )
        await session.flush()
        session.add_all(
            ApprovalPersonRow(approval_id=order.approval_id, person_id=person, content_hash=content) for person, content in contents.items()
        )
        await session.flush()
    return tuple(await people(session, order.approval_id))


async def remind(session: AsyncSession, approval_id: str, now: datetime) -> bool:
    """Note that the operators were reminded; whether the request is still open. Raises ``ApprovalUnknown``."""
    row = await _locked(session, approval_id)
    if row.state is not ApprovalState.OPEN:
        return False
    row.reminded_at = row.reminded_at or now
    session.add(row)
    return True


async def check_decision(session: AsyncSession, order: DecisionOrder, now: datetime) -> DecisionCheck:
    """Whether a decision counts, and if so, write it down. The same decision by the same operator, sent again, counts again.

    Whatever does not count is answered with the reason, not raised: nobody can retry it into counting.
    """
    row = await _find_locked(session, order.approval_id)
    if row is None:
        return DecisionCheck(counts=False, at=now, why=f"approval {order.approval_id} does not exist")
    decided = ApprovalState.APPROVED if order.decision == "approve" else ApprovalState.DENIED
    if row.state is decided and row.decided_by == order.operator and row.decided_at is not None:
        return DecisionCheck(counts=True, at=row.decided_at)
    if why := _why_not(row, await session.get(OperatorRow, order.operator), order, now):
        return DecisionCheck(counts=False, at=now, why=why)
    row.state, row.decided_by, row.decided_at = decided, order.operator, now
    row.reason = await _sealed_reason(session, row, order.reason)
    session.add(row)
    await session.flush()
    return DecisionCheck(counts=True, at=now)


async def retract(session: AsyncSession, ref: ApprovalRef, now: datetime) -> None:
    """Make a request, or a grant, void: events have overtaken it. One that was denied or expired stays so. Raises ``ApprovalUnknown``."""
    row = await _locked(session, ref.approval_id)
    if row.state in (ApprovalState.OPEN, ApprovalState.APPROVED):
        row.state, row.void_at, row.why_void = ApprovalState.VOID, now, ref.why[:200] or "no longer needed"
        session.add(row)


async def expire(session: AsyncSession, approval_id: str) -> None:
    """Nobody decided in time: an open request is over. Raises ``ApprovalUnknown``."""
    row = await _locked(session, approval_id)
    if row.state is ApprovalState.OPEN:
        row.state = ApprovalState.EXPIRED
        session.add(row)


async def open_approvals(
    session: AsyncSession,
    now: datetime,
    loan_id: str | None = None,
    *,
    role: Role | None = None,
    after: tuple[datetime, str] | None = None,
    most: int | None = None,
) -> list[OpenRequest]:
    """The requests that can still be decided, the most urgent first: those of one loan or role, if it is given; ``after`` a deadline and id."""
    wanted = (
        select(ApprovalRow, CaseRow)
        .join(CaseRow)
        .where(col(ApprovalRow.state) == ApprovalState.OPEN, col(ApprovalRow.deadline) > now)
        .order_by(col(ApprovalRow.deadline), col(ApprovalRow.id))
        .limit(most)
    )
    if loan_id is not None:
        wanted = wanted.where(col(CaseRow.loan_id) == loan_id)
    if role is not None:
        wanted = wanted.where(col(ApprovalRow.role) == role)
    if after is not None:
        wanted = wanted.where(tuple_(col(ApprovalRow.deadline), col(ApprovalRow.id)) > after)
    found = (await session.exec(wanted)).all()
    named = await _named(session, [row.id for row, _ in found])
    return [request(row, case, named[row.id]) for row, case in found]


async def _named(session: AsyncSession, approval_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The people whom each request names, in the order of their ids."""
    named: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for n in range(0, len(approval_ids), _MOST_AT_ONCE):
        asked = select(ApprovalPersonRow).where(col(ApprovalPersonRow.approval_id).in_(approval_ids[n : n + _MOST_AT_ONCE]))
        for row in await session.exec(asked.order_by(col(ApprovalPersonRow.person_id))):
            named[row.approval_id] += (row.person_id,)
    return named


async def reason(session: AsyncSession, row: ApprovalRow) -> str | None:
    """What the operator wrote to their decision, if anything; ``None`` if the borrower is erased."""
    borrower_id = await _borrower_id(session, row)
    return (await keyring(session, {borrower_id})).open(borrower_id, Field.REASON, row.reason)


async def explain(session: AsyncSession, approval_id: str, operator: str, reason: str) -> None:
    """Seal what an operator wrote to a decision of theirs, unless it has its reason already. Raises ``ApprovalUnknown``."""
    row = await _locked(session, approval_id)
    if row.decided_by == operator and row.reason is None:
        row.reason = await _sealed_reason(session, row, reason)
        session.add(row)


async def _sealed_reason(session: AsyncSession, row: ApprovalRow, given: str | None) -> Sealed | None:
    if given is None:
        return None
    borrower_id = await _borrower_id(session, row)
    keys = await keyring(session, {borrower_id})
    return None if keys.erased(borrower_id) else keys.seal(borrower_id, Field.REASON, given)


async def _borrower_id(session: AsyncSession, row: ApprovalRow) -> str:
    found = await session.exec(select(LoanRow.borrower_id).join(CaseRow).where(col(CaseRow.id) == row.case_id))
    return found.one()


def _why_not(row: ApprovalRow, operator: OperatorRow | None, order: DecisionOrder, now: datetime) -> str | None:
    """Why a decision does not count, or nothing if it does."""
    match operator:
        case _ if row.case_id != order.case_id:
            return f"approval {row.id} belongs to another case"
        case None:
            return f"operator {order.operator} does not exist"
        case OperatorRow(active=False):
            return f"operator {operator.id} is not active"
        case _ if operator.role is not row.role:
            return f"operator {operator.id} is {operator.role}, but {row.role} must decide"
        case _ if operator.id == row.requested_by:
            return f"operator {operator.id} requested it and may not decide it"
        case _ if row.state is not ApprovalState.OPEN:
            return f"approval {row.id} is {row.state} already"
        case _ if now >= row.deadline:
            return f"approval {row.id} was to be decided before {row.deadline.isoformat()}"
        case _:
            return None


def request(row: ApprovalRow, case: CaseRow, named: tuple[str, ...]) -> OpenRequest:
    """The request of a row, with the people it names."""
    return OpenRequest(
        approval_id=row.id,
        case_id=row.case_id,
        loan_id=case.loan_id,
        step=row.step,
        role=row.role,
        purpose=row.purpose,
        message=row.message,
        people=named,
        evidence=row.evidence,
        requested_by=row.requested_by,
        asked_at=row.asked_at,
        remind_at=row.remind_at,
        deadline=row.deadline,
        reminded_at=row.reminded_at,
    )


async def _find_locked(session: AsyncSession, approval_id: str) -> ApprovalRow | None:
    found = await session.exec(select(ApprovalRow).where(col(ApprovalRow.id) == approval_id).with_for_update(key_share=True))
    return found.first()


async def _locked(session: AsyncSession, approval_id: str) -> ApprovalRow:
    row = await _find_locked(session, approval_id)
    if row is None:
        raise ApprovalUnknown(f"approval {approval_id} is not in the ledger")
    return row
