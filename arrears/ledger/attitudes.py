"""How borrowers stand towards their debts, as far as the ledger heard: the same judgement as the running cases', for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.attitude import Attitude, attitude
from arrears.domain.events import ContactReported, Event, PromiseJudged, StepTaken
from arrears.domain.outcome import ANSWERED
from arrears.ledger.tables import AttemptRow, CaseEventRow, CaseRow, LoanRow, PaymentRow

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_KINDS = ("step_taken", "contact_reported", "promise_judged")


async def attitudes(session: AsyncSession, case_ids: Collection[str]) -> dict[str, Attitude]:
    """The attitude of each case's borrower, by the case's id."""
    heard: dict[str, list[Event]] = defaultdict(list)
    rows = await session.exec(
        select(CaseEventRow)
        .where(col(CaseEventRow.case_id).in_(case_ids), col(CaseEventRow.kind).in_(_KINDS))
        .order_by(col(CaseEventRow.at), col(CaseEventRow.id))
    )
    for row in rows:
        heard[row.case_id].append(_EVENT.validate_python(row.body))
    for attempt in await session.exec(
        select(AttemptRow)
        .join(LoanRow, (col(LoanRow.id) == col(AttemptRow.loan_id)) & (col(LoanRow.borrower_id) == col(AttemptRow.person_id)))
        .where(col(AttemptRow.case_id).in_(case_ids), col(AttemptRow.outcome).in_(ANSWERED))
    ):
        assert attempt.outcome is not None
        step = attempt.id.removeprefix(f"{attempt.case_id}/")
        heard[attempt.case_id].append(StepTaken(at=attempt.settled_at or attempt.reserved_at, step=step, outcome=attempt.outcome))
    paid = await session.exec(
        select(CaseRow.id, func.max(col(PaymentRow.received_at)))
        .join(PaymentRow, col(PaymentRow.loan_id) == col(CaseRow.loan_id))
        .where(col(CaseRow.id).in_(case_ids))
        .group_by(col(CaseRow.id))
    )
    last_paid: dict[str, datetime] = dict(paid.all())
    return {case_id: _attitude(heard[case_id], last_paid.get(case_id)) for case_id in case_ids}


def _attitude(events: list[Event], last_paid: datetime | None) -> Attitude:
    answers = sorted((event for event in events if _is_an_answer(event)), key=lambda event: event.at)
    broken = sum(isinstance(event, PromiseJudged) and not event.kept for event in events)
    outcomes = [event.outcome for event in answers if isinstance(event, StepTaken | ContactReported)]
    paid_since = bool(answers) and last_paid is not None and last_paid > answers[-1].at
    return attitude(outcomes, promises_broken=broken, paid_since_last_answer=paid_since)


def _is_an_answer(event: Event) -> bool:
    match event:
        case StepTaken(step=step, outcome=outcome):
            return "/" not in step and outcome in ANSWERED
        case ContactReported(party=party, outcome=outcome):
            return party == "borrower" and outcome in ANSWERED
        case _:
            return False
