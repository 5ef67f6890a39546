"""Attempts to reach a person, from the reserved slot to the settled outcome, and the verdicts on them.

    (nothing) ──reserve──▶ reserved ──mark_sent──▶ sent ──settle──▶ settled
                             │   ▲                  │
              cancel_reserved    └───mark_unsent────┘

``sent`` means handed to a gateway: it may have left, so it counts. Every function runs in a transaction of the caller's and takes the attempt's row lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.clock import Clock
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.orders import ContactReport
from arrears.domain.outcome import ANSWERED, NOT_MADE, Outcome
from arrears.domain.person import WishKind
from arrears.domain.situation import ContactAction, Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Verdict
from arrears.ledger import lapses, persons, reported
from arrears.ledger.tables import (
    AttemptRow,
    AttemptState,
    CaseRow,
    ContactKind,
    ContactPointRow,
    LoanRow,
    Sealed,
    VerdictRow,
    WishRow,
)

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
    """The text of an attempt as it would leave, sealed, with the SHA-256 of it, the template that it came from, and what kind of text it is.

    ``artificial_voice`` says of a call whether a machine speaks.
    """

    text: Sealed
    content_hash: str
    message: str
    klass: MessageClass
    notice: NoticeKind | None
    locale: str
    artificial_voice: bool | None = None


async def find(session: AsyncSession, attempt_id: str) -> AttemptRow | None:
    """The attempt, locked until the transaction ends."""
    return await session.get(AttemptRow, attempt_id, with_for_update=True, populate_existing=True)


def judged(session: AsyncSession, situation: Situation, verdict: Verdict, clock: Clock) -> None:
    """Write down what the law said of a proposed contact or referral, whose id is then ``attempt_id``."""
    action = situation.action
    write_verdict(
        session,
        verdict,
        clock,
        situation.at,
        attempt_id=action.action_id,
        case_id=action.case_id or "",
        facts_hash=situation.digest,
        action=situation.about,
        person_id=action.recipient if isinstance(action, ContactAction) else None,
        approval_id=situation.approval.approval_id if situation.approval else None,
    )


def write_verdict(
    session: AsyncSession,
    verdict: Verdict,
    clock: Clock,
    now: datetime,
    *,
    attempt_id: str,
    case_id: str,
    facts_hash: str,
    action: str,
    person_id: str | None = None,
    approval_id: str | None = None,
) -> None:
    """Write down a verdict, on a situation or on an order that led to none. ``clock`` is the one that shows ``now``."""
    session.add(
        VerdictRow(
            attempt_id=attempt_id,
            case_id=case_id,
            person_id=person_id,
            decided_at=now,
            action=action,
            verdict=verdict.effect,
            until=verdict.until,
            permanent=verdict.permanent,
            rules=list(verdict.rules),
            observed=[finding.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for finding in verdict.findings],
            facts_hash=facts_hash,
            regimes=[regime.model_dump(mode="json") for regime in verdict.regimes],
            clock=clock.model_dump(mode="json"),
            approval_id=approval_id,
        )
    )


async def reserve(session: AsyncSession, situation: Situation, content: Content) -> AttemptRow:
    """Take the slot of an allowed contact. An attempt that was reserved before keeps its one slot, now counted from the situation's instant."""
    action, now = situation.contact, situation.at
    row = await find(session, action.action_id) or AttemptRow(
        id=action.action_id,
        case_id=action.case_id or "",
        loan_id=action.loan,
        person_id=action.recipient,
        channel=action.channel,
        purpose=action.purpose,
        message=content.message,
        content_hash=content.content_hash,
        locale=content.locale,
        reserved_at=now,
    )
    row.state = AttemptState.RESERVED
    row.contact_point_id = int(action.contact_point) if action.contact_point else None
    row.purpose, row.klass, row.notice, row.artificial_voice = action.purpose, content.klass, content.notice, content.artificial_voice
    row.message, row.content_hash, row.locale, row.text = content.message, content.content_hash, content.locale, content.text
    row.approval_id = situation.approval.approval_id if situation.approval else None
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
    row = await _locked_with_its_person(session, attempt_id)
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
        if outcome in ANSWERED and row.person_id == loan.borrower_id:
            await lapses.borrower_reached(session, loan.borrower_id, "the borrower answered", at, at)
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


async def opt_out(session: AsyncSession, person_id: str, channel: Channel, at: datetime, source: str, now: datetime) -> None:
    """The person wants no more contact by a channel, from now on. Said again it changes nothing."""
    await persons.lock(session, [person_id])
    await _no_more(session, person_id, channel, at, source, now)


async def _no_more(session: AsyncSession, person_id: str, channel: Channel, at: datetime, source: str, now: datetime) -> None:
    standing = await session.exec(
        select(WishRow.id).where(
            col(WishRow.person_id) == person_id,
            col(WishRow.kind) == WishKind.NO_MEDIUM,
            col(WishRow.channel) == channel,
            col(WishRow.withdrawn_at).is_(None),
        )
    )
    if standing.first() is None:
        session.add(WishRow(person_id=person_id, kind=WishKind.NO_MEDIUM, channel=channel, at=at, source=source, recorded_at=now))


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


async def _locked_with_its_person(session: AsyncSession, attempt_id: str) -> AttemptRow:
    """The person first, as everybody does who locks both: what their attempts came to decides whether more may follow."""
    found = await session.exec(select(AttemptRow.person_id).where(col(AttemptRow.id) == attempt_id))
    person_id = found.one_or_none()
    if person_id is not None:
        await persons.lock(session, [person_id])
    return await _existing(session, attempt_id)


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
            await reported.refused(session, row.person_id, at)
        case Outcome.OPTED_OUT:
            await _no_more(session, row.person_id, row.channel, at, "contact", at)
        case _:
            pass
