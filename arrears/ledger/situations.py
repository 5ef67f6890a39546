"""The situation of a proposed action: everything that the ledger knows of it, read in the transaction that will act on the verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from arrears.domain.message import Capacity, figures
from arrears.domain.orders import Purpose
from arrears.domain.person import Person, Region, Tie
from arrears.domain.situation import LENDER, Action, Agency, Approval, Contact, ContactAction, Hold, Loan, Message, Notice, Situation
from arrears.domain.strategy import Channel, Line, Referral
from arrears.ledger import cases, history, persons
from arrears.ledger.contact_facts import LoanScene, read_loan, read_person
from arrears.ledger.news import Ordered
from arrears.ledger.tables import (
    AgencyRow,
    ApprovalPersonRow,
    ApprovalRow,
    ApprovalState,
    CaseEventRow,
    CaseRow,
    LenderKind,
    LoanRow,
    PaymentRow,
    ReferralRow,
    ReferralState,
    RelationRow,
)

_SIGNS = ("promise_made", "plan_agreed")


@dataclass(frozen=True)
class Office:
    """What is true of the lender itself: where it is seated, and whether it collects in its own name."""

    seat: Region | None = None
    capacity: Capacity = "first_party"


@dataclass(frozen=True)
class Known:
    """Everything around a proposed action that is the same whatever exactly is proposed."""

    at: datetime
    people: tuple[Person, ...]
    loans: tuple[Loan, ...]
    history: tuple[Contact, ...]
    holds: tuple[Hold, ...]
    notices: tuple[Notice, ...]
    agencies: tuple[Agency, ...]
    seat: Region | None

    def without_passing_obstacles(self) -> Known:
        """The same without the holds and unheard payments of the moment: for asking what could be allowed, never for what is."""
        loan, *others = self.loans
        return replace(self, holds=(), loans=(loan.model_copy(update={"unheard_payments": ()}), *others))

    def situation(self, action: Action, approval: Approval | None = None) -> Situation:
        """The situation of one proposed action, with the approval that it relies on. Raises ``ValidationError`` if it names what is not there."""
        loan, *others = self.loans
        if approval is not None and approval.state == "approved":
            loan = loan.model_copy(update={"human_decision": approval.approval_id})
        return Situation(
            at=self.at,
            action=action,
            people=self.people,
            loans=(loan, *others),
            history=self.history,
            holds=self.holds,
            approvals=() if approval is None else (approval,),
            agencies=self.agencies,
            notices=self.notices,
            lender_seat=self.seat,
        )


async def known(session: AsyncSession, scene: LoanScene, office: Office, *, attempt_id: str = "", agency: str | None = None) -> Known:
    """What is known around an action on a loan: everybody tied to it, all that was said to them, what holds it, and who else works on it.

    ``attempt_id`` is the contact that is proposed, which is no part of its own history; ``agency`` is who would get the case.
    """
    others = await session.exec(
        select(LoanRow).where(col(LoanRow.borrower_id) == scene.borrower.id, col(LoanRow.id) != scene.loan.id).order_by(col(LoanRow.id))
    )
    rows = (scene.loan, *others)
    signs = await _last_signs(session, [row.id for row in rows])
    placements = await _placements(session, [row.id for row in rows], scene.now)
    placed_with: defaultdict[str, list[str]] = defaultdict(list)
    for row in placements:
        if row.agency is not None:
            placed_with[row.loan_id].append(row.agency)
    contacts = await history.contacts(session, list(scene.people), scene.now, without=attempt_id)
    agencies = {agency, *(row.agency for row in placements), *(c.by for c in contacts)} - {None, LENDER}
    return Known(
        at=scene.now,
        people=await persons.persons(session, scene.people, scene.keys, scene.now),
        loans=(
            await _loan(session, scene, office, placed_with[scene.loan.id], signs.get(scene.loan.id)),
            *(_other(row, office, placed_with[row.id], signs.get(row.id)) for row in rows[1:]),
        ),
        history=contacts,
        holds=_holds(scene),
        notices=await history.notices(session, [row.id for row in rows]),
        agencies=await _agencies(session, {a for a in agencies if a}, scene.today),
        seat=office.seat,
    )


async def situation_of(
    session: AsyncSession,
    loan_id: str,
    now: datetime,
    office: Office,
    *,
    channel: Channel,
    person_id: str | None = None,
    purpose: Purpose = Purpose.COLLECT,
    approval_id: str | None = None,
    message: Message | None = None,
) -> Situation:
    """What a contact for a loan's latest case would be judged on right now, by the first address that fits; for looking at, not for acting on.

    It holds ids, dates, amounts and codes, and of personal data the dates of birth and zones only, because the law asks for them.
    Raises ``LoanUnknown``, ``CaseUnknown``, ``PersonUnknown``.
    """
    case = await cases.latest_case(session, loan_id)
    scene = await read_loan(session, case.id, loan_id, now, Ordered(at=now))
    person = await read_person(session, scene, person_id, channel, Line.REGISTERED)
    around = await known(session, scene, office)
    action = ContactAction(
        action_id=f"{case.id}/proposed",
        channel=channel,
        loan=loan_id,
        recipient=person.person.id,
        purpose=purpose,
        contact_point=str(person.points[0].id) if person.points else None,
        message=message,
        case_id=case.id,
        approval=approval_id,
    )
    return around.situation(action, await approval(session, approval_id))


async def approval(session: AsyncSession, approval_id: str | None) -> Approval | None:
    """The request for approval of this id as it stands now, if there is one; nobody decides or retracts it before this transaction ends."""
    if approval_id is None:
        return None
    row = await session.get(ApprovalRow, approval_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None:
        return None
    people = await session.exec(select(ApprovalPersonRow).where(col(ApprovalPersonRow.approval_id) == approval_id))
    return Approval(
        approval_id=row.id,
        state=row.state.value,
        role=row.role,
        requested_by=row.requested_by,
        case_id=row.case_id,
        step=row.step,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        purpose=row.purpose,
        contents={p.person_id: p.content_hash for p in sorted(people, key=lambda p: p.person_id)},
    )


async def _last_signs(session: AsyncSession, loan_ids: Collection[str]) -> dict[str, datetime]:
    """When the borrower last paid, promised or agreed to a plan, by loan."""
    promised = await session.exec(
        select(CaseRow.loan_id, CaseEventRow.at)
        .join(CaseRow, col(CaseRow.id) == col(CaseEventRow.case_id))
        .where(col(CaseRow.loan_id).in_(loan_ids), col(CaseEventRow.kind).in_(_SIGNS))
    )
    paid = await session.exec(select(PaymentRow.loan_id, PaymentRow.received_at).where(col(PaymentRow.loan_id).in_(loan_ids)))
    latest: dict[str, datetime] = {}
    for loan_id, at in (*promised, *paid):
        latest[loan_id] = max(at, latest.get(loan_id, at))
    return latest


async def _loan(session: AsyncSession, scene: LoanScene, office: Office, placed_with: Sequence[str], last_sign_at: datetime | None) -> Loan:
    row, due_since = scene.loan, scene.arrears.due_since
    return Loan(
        loan_id=row.id,
        borrower=row.borrower_id,
        owed=scene.owed if scene.borrower.zone else None,
        days_past_due=max((scene.today - due_since).days, 0) if due_since else 0,
        product=row.product,
        account=row.account,
        capacity=capacity(row, office),
        lender_kind=row.lender_kind.value if row.lender_kind else None,
        annual_cost=row.annual_cost,
        limitation_ends_on=row.limitation_ends_on,
        ties=tuple(_tie(tie, scene.now) for tie in scene.ties),
        case_open=scene.case.closed_at is None,
        unheard_payments=tuple(scene.news.payments),
        last_sign_at=last_sign_at,
        figures=figures(scene.owed.amount, scene.schedule),
        placed_with=tuple(placed_with),
        sued_for=any(a.evidence.get("referral") == Referral.LAWSUIT for a in await _decisions(session, scene.case.id)),
    )


def _other(row: LoanRow, office: Office, placed_with: Sequence[str], last_sign_at: datetime | None) -> Loan:
    """Another loan of the borrower's: what was said about it counts, what is owed of it is not the matter."""
    return Loan(
        loan_id=row.id,
        borrower=row.borrower_id,
        product=row.product,
        account=row.account,
        capacity=capacity(row, office),
        lender_kind=row.lender_kind.value if row.lender_kind else None,
        last_sign_at=last_sign_at,
        placed_with=tuple(placed_with),
    )


def capacity(row: LoanRow, office: Office) -> Capacity:
    """In whose name a loan is collected: who bought it collects for themselves, and is a third party to the borrower all the same."""
    return "third_party" if row.lender_kind is LenderKind.PURCHASER else office.capacity


def _tie(row: RelationRow, now: datetime) -> Tie:
    return Tie(
        person=row.person_id,
        relation=row.role,
        evidence=row.evidence,
        volunteered=row.volunteered,
        liable_up_to=row.liable_up_to,
        estate_value=row.estate_value,
        disclaimed=row.disclaimed_at is not None,
        steps_aside=row.steps_aside_at is not None and row.steps_aside_at <= now,
        may_ask_again=row.may_ask_again_at is not None and row.may_ask_again_at <= now,
        may_ask_again_at=row.may_ask_again_at,
    )


def _holds(scene: LoanScene) -> tuple[Hold, ...]:
    return tuple(hold.seen_from(scene.loan.id, scene.now, heard=hold.hold_id not in scene.news.holds) for hold in scene.holds)


async def _decisions(session: AsyncSession, case_id: str) -> list[ApprovalRow]:
    """What humans have agreed to in a case."""
    found = await session.exec(
        select(ApprovalRow).where(col(ApprovalRow.case_id) == case_id, col(ApprovalRow.state) == ApprovalState.APPROVED)
    )
    return list(found)


async def _placements(session: AsyncSession, loan_ids: Collection[str], now: datetime) -> list[ReferralRow]:
    """The placements with agencies that stand now."""
    found = await session.exec(
        select(ReferralRow)
        .where(
            col(ReferralRow.loan_id).in_(loan_ids), col(ReferralRow.target) == Referral.AGENCY, col(ReferralRow.state) == ReferralState.SENT
        )
        .order_by(col(ReferralRow.sent_at), col(ReferralRow.id))
    )
    return [row for row in found if row.until is None or now < row.until]


async def _agencies(session: AsyncSession, names: Collection[str], today: date) -> tuple[Agency, ...]:
    """The agencies of these names as they stand with the lender today; one that is not registered is left out."""
    found = await session.exec(select(AgencyRow).where(col(AgencyRow.id).in_(names)).order_by(col(AgencyRow.id)).with_for_update(read=True))
    return tuple(
        Agency(
            agency=row.id,
            listed=None
            if row.listed_from is None
            else row.listed_from <= today and (row.listed_until is None or today <= row.listed_until),
            contract_from=row.contract_from,
            contract_until=row.contract_until,
            reviewed_on=row.reviewed_on,
            closing_review_on=row.closing_review_on,
            sub_agency=row.sub_agency,
            misconduct_since=row.misconduct_since,
            assessment_id=row.assessment_id,
            agreed=frozenset(row.agreed),  # pyright: ignore[reportArgumentType]
            feed_at=row.feed_at,
        )
        for row in found
    )
