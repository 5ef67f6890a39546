"""Attempts to reach a person, from the reserved slot to the settled outcome, and the verdicts on them.

    (nothing) ──reserve──▶ reserved ──mark_sent──▶ sent ──settle──▶ settled
                             │   ▲                  │
              cancel_reserved    └───mark_unsent────┘

``sent`` means handed to a gateway: it may have left, so it counts. Every function runs in a transaction of the caller's and takes the attempt's row lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.compliance import Verdict
from arrears.domain.facts import Facts
from arrears.domain.orders import ContactReport
from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.domain.strategy import Channel
from arrears.ledger.tables import AttemptRow, AttemptState, CaseRow, ContactKind, ContactPointRow, LoanRow, RelationRow, Sealed, VerdictRow

CHANNEL_KINDS: dict[Channel, tuple[ContactKind, ...]] = {
    Channel.CALL: (ContactKind.MOBILE, ContactKind.LANDLINE),
    Channel.SMS: (ContactKind.MOBILE,),
    Channel.EMAIL: (ContactKind.EMAIL,),
    Channel.IN_APP: (ContactKind.IN_APP,),
    Channel.LETTER: (),
    Channel.VISIT: (),
}
"""Which addresses a channel can use, the better ones first. Letters and visits are others' to make, and to report."""


_NEVER_LEFT = NOT_MADE | {Outcome.FAILED}


class AttemptUnknown(LookupError):
    """There is no attempt of this id."""

    def __init__(self, attempt_id: str) -> None:
        super().__init__(f"there is no attempt {attempt_id}")
        self.attempt_id = attempt_id


class Settled(BaseModel):
    """What an outcome changed. ``report`` completes the activity that waits under ``task_token``; without a token nobody waits any more.

    ``changed`` is false if the outcome was known before: nobody needs to be told.
    """

    model_config = ConfigDict(frozen=True)

    attempt_id: str
    case_id: str
    loan_id: str
    channel: Channel
    to_borrower: bool
    changed: bool
    task_token: bytes | None
    report: ContactReport


@dataclass(frozen=True)
class Content:
    """The text of an attempt as it would leave, sealed, with the SHA-256 of it."""

    text: Sealed
    content_hash: str
    locale: str
    approval_id: str | None


async def find(session: AsyncSession, attempt_id: str) -> AttemptRow | None:
    """The attempt, locked until the transaction ends."""
    return (await session.exec(select(AttemptRow).where(col(AttemptRow.id) == attempt_id).with_for_update())).one_or_none()


def judged(session: AsyncSession, facts: Facts, verdict: Verdict, law: tuple[str, int], now: datetime) -> None:
    """Write down what the law, a regime by its name and version, said of a proposed contact."""
    write_verdict(
        session,
        verdict,
        law,
        now,
        attempt_id=facts.proposal.attempt_id,
        case_id=facts.proposal.case_id,
        facts_hash=facts.digest,
        person_id=facts.recipient.person_id,
        approval_id=facts.grant.approval_id if facts.grant else None,
    )


def write_verdict(
    session: AsyncSession,
    verdict: Verdict,
    law: tuple[str, int],
    now: datetime,
    *,
    attempt_id: str,
    case_id: str,
    facts_hash: str,
    person_id: str | None = None,
    approval_id: str | None = None,
) -> None:
    """Write down a verdict, on a contact or on a referral, whose id is then ``attempt_id``."""
    regime, version = law
    session.add(
        VerdictRow(
            attempt_id=attempt_id,
            case_id=case_id,
            person_id=person_id,
            decided_at=now,
            verdict=verdict.effect,
            until=verdict.until,
            rules=list(verdict.rules),
            observed=[finding.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for finding in verdict.findings],
            facts_hash=facts_hash,
            regime=regime,
            regime_version=version,
            approval_id=approval_id,
        )
    )


async def reserve(session: AsyncSession, facts: Facts, content: Content, loan_id: str, now: datetime) -> AttemptRow:
    """Take the slot of an allowed contact. An attempt that was reserved before keeps its one slot, now counted from ``now``."""
    proposal = facts.proposal
    row = await find(session, proposal.attempt_id) or AttemptRow(
        id=proposal.attempt_id,
        case_id=proposal.case_id,
        loan_id=loan_id,
        person_id=facts.recipient.person_id,
        channel=proposal.channel,
        purpose=proposal.purpose,
        message=proposal.message,
        content_hash=content.content_hash,
        locale=content.locale,
        reserved_at=now,
    )
    row.state = AttemptState.RESERVED
    row.contact_point_id = facts.point.contact_point_id if facts.point else None
    row.message, row.content_hash, row.locale, row.text = proposal.message, content.content_hash, content.locale, content.text
    row.approval_id = content.approval_id
    row.reserved_at, row.sent_at, row.settled_at, row.task_token = now, None, None, None
    session.add(row)
    return row


async def cancel_reserved(session: AsyncSession, attempt_id: str, now: datetime) -> None:
    """Give up the slot of an attempt that was reserved and surely has not left, if there is one."""
    row = await find(session, attempt_id)
    if row is not None and row.state is AttemptState.RESERVED:
        row.state, row.settled_at = AttemptState.CANCELLED, now
        session.add(row)


async def mark_sent(session: AsyncSession, attempt_id: str, now: datetime, task_token: bytes | None = None) -> bool:
    """From here on the attempt may have left; whether it is the caller's to hand over, which it is for one caller only.

    ``task_token`` names the activity that will wait for the outcome.
    """
    row = await _existing(session, attempt_id)
    if row.state is not AttemptState.RESERVED:
        return False
    row.state, row.sent_at, row.task_token = AttemptState.SENT, now, task_token
    session.add(row)
    return True


async def mark_unsent(session: AsyncSession, attempt_id: str) -> None:
    """The gateway surely did not take it: the slot is reserved only."""
    row = await _existing(session, attempt_id)
    if row.state is AttemptState.SENT:
        row.state, row.sent_at, row.task_token = AttemptState.RESERVED, None, None
        session.add(row)


async def taken(session: AsyncSession, attempt_id: str, gateway_ref: str | None, task_token: bytes | None = None) -> AttemptRow:
    """The gateway has taken the attempt under a reference of its own. If its outcome is still to come, ``task_token`` names who waits for it."""
    row = await _existing(session, attempt_id)
    row.gateway_ref = gateway_ref or row.gateway_ref
    if row.state is AttemptState.SENT:
        row.task_token = task_token
    session.add(row)
    return row


async def settle(session: AsyncSession, attempt_id: str, outcome: Outcome, at: datetime, gateway_ref: str | None = None) -> Settled:
    """Write down what became of an attempt, whoever says so first: the first outcome stands, only ``unknown`` gives way to a better one.

    What follows for the person is written too: an invalid number is not used again, and a relative's refusal is final on all their loans.

    Raises:
        AttemptUnknown: there is no such attempt.
    """
    row = await _existing(session, attempt_id)
    loan = (await session.exec(select(LoanRow).where(col(LoanRow.id) == row.loan_id))).one()
    changed = row.outcome is None or (row.outcome is Outcome.UNKNOWN and outcome is not Outcome.UNKNOWN)
    task_token = row.task_token
    if changed:
        row.state, row.outcome, row.settled_at, row.task_token = AttemptState.SETTLED, outcome, at, None
        row.gateway_ref = gateway_ref or row.gateway_ref
        if outcome not in _NEVER_LEFT:
            row.sent_at = row.sent_at or at
        session.add(row)
        await _consequences(session, row, at)
    return Settled(
        attempt_id=row.id,
        case_id=row.case_id,
        loan_id=row.loan_id,
        channel=row.channel,
        to_borrower=row.person_id == loan.borrower_id,
        changed=changed,
        task_token=task_token,
        report=report(row, at),
    )


async def opt_out(session: AsyncSession, person_id: str, channel: Channel, at: datetime) -> None:
    """The person wants no more contact by a channel: none of its addresses of theirs is used again."""
    for point in await _points(session, person_id, CHANNEL_KINDS[channel]):
        point.opted_out_at = point.opted_out_at or at
        session.add(point)


def report(row: AttemptRow, at: datetime) -> ContactReport:
    """What a case is told of an attempt that left, or was to leave: a message that a gateway has taken is ``done`` until its receipt says more."""
    return ContactReport(attempt_id=row.id, at=at, verdict="allow", outcome=row.outcome or Outcome.DONE)


async def history(session: AsyncSession, loan_id: str) -> list[AttemptRow]:
    """All attempts made for a loan, oldest first."""
    found = await session.exec(select(AttemptRow).where(col(AttemptRow.loan_id) == loan_id).order_by(col(AttemptRow.reserved_at)))
    return list(found)


async def verdicts(session: AsyncSession, loan_id: str) -> list[VerdictRow]:
    """All verdicts on contacts for a loan, also on those that never left, oldest first."""
    found = await session.exec(
        select(VerdictRow)
        .join(CaseRow, col(CaseRow.id) == col(VerdictRow.case_id))
        .where(col(CaseRow.loan_id) == loan_id)
        .order_by(col(VerdictRow.id))
    )
    return list(found)


async def _existing(session: AsyncSession, attempt_id: str) -> AttemptRow:
    row = await find(session, attempt_id)
    if row is None:
        raise AttemptUnknown(attempt_id)
    return row


async def _consequences(session: AsyncSession, row: AttemptRow, at: datetime) -> None:
    match row.outcome:
        case Outcome.INVALID_NUMBER if row.contact_point_id is not None:
            point = (await session.exec(select(ContactPointRow).where(col(ContactPointRow.id) == row.contact_point_id))).one()
            point.invalid_since = point.invalid_since or at
            session.add(point)
        case Outcome.RELATIVE_REFUSED:
            for relation in await session.exec(select(RelationRow).where(col(RelationRow.person_id) == row.person_id)):
                relation.refused_at = relation.refused_at or at
                session.add(relation)
        case _:
            pass


async def _points(session: AsyncSession, person_id: str, kinds: Iterable[ContactKind]) -> list[ContactPointRow]:
    found = await session.exec(
        select(ContactPointRow).where(col(ContactPointRow.person_id) == person_id, col(ContactPointRow.kind).in_(list(kinds)))
    )
    return list(found)
