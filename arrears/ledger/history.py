"""Every contact that people had, over all loans and senders: our attempts, what agencies and others report, and what a case was told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.events import ContactReported
from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.domain.situation import LENDER, Contact, Notice
from arrears.ledger.tables import AttemptRow, AttemptState, CaseEventRow, CaseRow, LoanRow, NoticeRow, ReportedContactRow

_CAME_BACK = frozenset({Outcome.BOUNCED, Outcome.FAILED, Outcome.INVALID_NUMBER})


async def contacts(session: AsyncSession, person_ids: Collection[str], now: datetime, without: str = "") -> tuple[Contact, ...]:
    """The contacts that these people had, oldest first, without the attempt ``without``. Whatever stands in the ledger has happened by ``now``.

    A contact that an agency reported and that a case was told of too is one contact.
    """
    attempts = [row for row in await _attempts(session, person_ids) if row.id != without and row.outcome not in NOT_MADE]
    reported = (await session.exec(select(ReportedContactRow).where(col(ReportedContactRow.person_id).in_(person_ids)))).all()
    known = {(row.loan_id, row.channel, row.at) for row in reported}
    told = [c for c in await _told(session, person_ids) if (c.loan, c.channel, c.at) not in known]
    found = (*map(_of_attempt, attempts), *map(_of_report, reported), *told)
    # Two clocks may differ by a moment: nothing that is known lies in the future.
    return tuple(sorted((c.model_copy(update={"at": min(c.at, now)}) for c in found), key=lambda c: (c.at, c.contact_id)))


async def notices(session: AsyncSession, loan_ids: Collection[str]) -> tuple[Notice, ...]:
    """What people were told of these loans before certain steps, oldest first: by attempts that are notices, and by other ways."""
    attempts = await session.exec(
        select(AttemptRow).where(
            col(AttemptRow.loan_id).in_(loan_ids),
            col(AttemptRow.notice).is_not(None),
            col(AttemptRow.state).in_([AttemptState.SENT, AttemptState.SETTLED]),
        )
    )
    others = await session.exec(select(NoticeRow).where(col(NoticeRow.loan_id).in_(loan_ids)))
    found = (*_as_notices(attempts), *map(_of_notice, others))
    return tuple(sorted(found, key=lambda n: (n.sent_at, n.loan, n.person, n.kind)))


async def _attempts(session: AsyncSession, person_ids: Collection[str]) -> list[AttemptRow]:
    found = await session.exec(
        select(AttemptRow).where(col(AttemptRow.person_id).in_(person_ids), col(AttemptRow.state) != AttemptState.CANCELLED)
    )
    return list(found)


async def _told(session: AsyncSession, person_ids: Collection[str]) -> list[Contact]:
    """Contact with a borrower that a case was told of, and that is none of our attempts."""
    rows = await session.exec(
        select(CaseEventRow, LoanRow)
        .join(CaseRow, col(CaseRow.id) == col(CaseEventRow.case_id))
        .join(LoanRow, col(LoanRow.id) == col(CaseRow.loan_id))
        .where(col(LoanRow.borrower_id).in_(person_ids), col(CaseEventRow.kind) == "contact_reported")
    )
    reports = [(row, loan, ContactReported.model_validate(row.body)) for row, loan in rows]
    return [
        Contact(
            contact_id=f"event-{row.id}",
            at=report.at,
            channel=report.channel,
            person=loan.borrower_id,
            loan=loan.id,
            outcome=report.outcome,
        )
        for row, loan, report in reports
        if report.party == "borrower" and report.attempt_id is None
    ]


def _of_attempt(row: AttemptRow) -> Contact:
    return Contact(
        contact_id=row.id,
        at=row.sent_at or row.reserved_at,
        channel=row.channel,
        person=row.person_id,
        loan=row.loan_id,
        contact_point=None if row.contact_point_id is None else str(row.contact_point_id),
        outcome=row.outcome,
        purpose=row.purpose,
    ).model_copy(update={"klass": row.klass})


def _of_report(row: ReportedContactRow) -> Contact:
    return Contact(
        contact_id=f"{row.source}/{row.key}",
        at=row.at,
        channel=row.channel,
        person=row.person_id,
        loan=row.loan_id,
        direction=row.direction.value,
        by=LENDER if row.source == LENDER else row.source,
        contact_point=None if row.contact_point_id is None else str(row.contact_point_id),
        outcome=row.outcome,
    )


def _as_notices(attempts: Iterable[AttemptRow]) -> Iterator[Notice]:
    for row in attempts:
        if row.notice is None or row.outcome in NOT_MADE:
            continue
        yield Notice(
            kind=row.notice,
            loan=row.loan_id,
            person=row.person_id,
            sent_at=row.sent_at or row.reserved_at,
            delivered_at=row.settled_at if row.outcome is Outcome.DELIVERED else None,
            bounced_at=row.settled_at if row.outcome in _CAME_BACK else None,
        )


def _of_notice(row: NoticeRow) -> Notice:
    return Notice(
        kind=row.kind,
        loan=row.loan_id,
        person=row.person_id,
        sent_at=row.sent_at,
        agency=row.agency,
        delivered_at=row.delivered_at,
        bounced_at=row.bounced_at,
    )
