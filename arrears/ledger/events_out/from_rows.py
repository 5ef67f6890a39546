"""Which events a row of the ledger stands for: pure functions from rows, as they stand now, to events with natural keys.

A row is looked at for every record of it. What it was born with it tells at once; what became of it later, only when it is looked at for its
``last`` record, so that a reader who is behind tells things in the order in which they happened. Each is told once for its key, however often the row
is written, and by whom.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from arrears.domain import events as core
from arrears.domain.calendar import Window
from arrears.domain.money import Currency
from arrears.domain.outcome import NOT_MADE, Outcome
from arrears.domain.strategy import Channel
from arrears.ledger import opt_outs
from arrears.ledger.events_out import kinds
from arrears.ledger.events_out.course import EVENT
from arrears.ledger.events_out.kinds import Event
from arrears.ledger.tables import (
    ApprovalRow,
    ApprovalState,
    AttemptRow,
    AttemptState,
    CaseEventRow,
    CaseOutcome,
    CaseRow,
    Direction,
    HoldRow,
    PaymentReversalRow,
    PaymentRow,
    ReferralRow,
    ReportedContactRow,
    WishRow,
)

CaseAt = Callable[[datetime], str | None]
"""The case of a loan that ran at an instant, else its last one before."""

_NEVER_LEFT = NOT_MADE | {Outcome.FAILED}


@dataclass(frozen=True)
class Told:
    """An event and its natural key, under which it is told once."""

    key: str
    event: Event


@dataclass(frozen=True)
class About:
    """What an event needs to know beside its row."""

    loan_id: str
    borrower_id: str
    currency: Currency


def of_opening(row: CaseRow, about: About) -> Iterator[Told]:
    """A case that was opened."""
    yield Told(
        f"case/{row.id}/opened",
        kinds.CaseOpened(
            loan_id=about.loan_id, case_id=row.id, at=row.opened_at, strategy=row.strategy, strategy_version=row.strategy_version
        ),
    )


def of_end(row: CaseRow, about: About) -> Iterator[Told]:
    """The end of a case, and of the plan that it ended with."""
    if row.closed_at is None or row.outcome is None:
        return
    if row.outcome is CaseOutcome.ON_PLAN_COMPLETED:
        yield Told(f"case/{row.id}/plan_completed", kinds.PlanCompleted(loan_id=about.loan_id, case_id=row.id, at=row.closed_at))
    closed = kinds.CaseClosed(loan_id=about.loan_id, case_id=row.id, at=row.closed_at, outcome=row.outcome.value)
    yield Told(f"case/{row.id}/closed", closed)


def of_event(row: CaseEventRow, about: About, told: Collection[str], wishes: Collection[WishRow]) -> Iterator[Told]:
    """A promise, a plan, or a contact that others saw, unless the ledger was told of that contact by itself, or it is one of the borrower's wishes."""
    event = EVENT.validate_python(row.body)
    key = f"case/{row.case_id}/{row.event_key}"
    if isinstance(event, core.ContactReported):
        if opt_outs.is_no_contact(event, wishes):
            return
        key = f"{_seen(about.loan_id, event)}case"
        if any(other.startswith(_seen(about.loan_id, event)) for other in told):
            return
    if (made := _of_event(event, about, row.case_id, key)) is not None:
        yield Told(key, made)


def _of_event(event: core.Event, about: About, case_id: str, key: str) -> Event | None:
    match event:
        case core.PromiseMade():
            return kinds.PromiseMade(
                loan_id=about.loan_id, case_id=case_id, at=event.at, amount=event.amount, currency=event.currency, due_on=event.due_on
            )
        case core.PromiseJudged():
            judged = kinds.PromiseKept if event.kept else kinds.PromiseBroken
            return judged(
                loan_id=about.loan_id, case_id=case_id, at=event.at, amount=event.amount, currency=about.currency, due_on=event.due_on
            )
        case core.PlanAgreed():
            return kinds.PlanAgreed(
                loan_id=about.loan_id, case_id=case_id, at=event.at, instalments=event.instalments, currency=event.currency
            )
        case core.PlanBroken():
            return kinds.PlanBroken(loan_id=about.loan_id, case_id=case_id, at=event.at, due_on=event.due_on)
        case core.ContactReported(attempt_id=None):
            return kinds.ContactMade(
                loan_id=about.loan_id,
                case_id=case_id,
                at=event.at,
                contact_id=key,
                party="borrower" if event.party == "borrower" else "other",
                channel=event.channel,
                outcome=event.outcome,
            )
        case _:
            return None


def of_reported(row: ReportedContactRow, about: About, case_at: CaseAt, told: Collection[str]) -> Iterator[Told]:
    """A contact that did not leave by our gateways, unless its case has told of it already."""
    seen = _seen(row.loan_id, row)
    if f"{seen}case" in told:
        return
    made = kinds.ContactMade(
        loan_id=row.loan_id,
        case_id=case_at(row.recorded_at),
        at=row.at,
        contact_id=f"{row.source}/{row.key}",
        by=row.source,
        direction="in" if row.direction is Direction.IN else "out",
        party="borrower" if row.person_id == about.borrower_id else "other",
        channel=row.channel,
        outcome=row.outcome,
    )
    yield Told(f"{seen}{sha256(made.contact_id.encode()).hexdigest()[:16]}", made)


def _seen(loan_id: str, contact: core.ContactReported | ReportedContactRow) -> str:
    """How the key of a contact begins that several may have seen."""
    return f"contact/{loan_id}/{contact.channel}/{contact.at.astimezone(UTC).isoformat()}/"


def of_attempt(row: AttemptRow, about: About, told: Collection[str], *, over: bool = False) -> Iterator[Told]:
    """One of our contacts, once something has left, and what becomes of it if that shows later. ``over``: its case is, so nothing more is waited for."""
    made, known = f"contact/{row.id}/made/", f"contact/{row.id}/known/"
    step = row.id.removeprefix(f"{row.case_id}/")
    if not any(key.startswith(made) for key in told):
        if _has_left(row, over=over):
            event = kinds.ContactMade(
                loan_id=row.loan_id,
                case_id=row.case_id,
                at=row.sent_at or row.reserved_at,
                contact_id=row.id,
                party="borrower" if row.person_id == about.borrower_id else "other",
                channel=row.channel,
                purpose=row.purpose,
                step=step,
                outcome=row.outcome,
            )
            yield Told(f"{made}{row.outcome or ''}", event)
        return
    outcome = Outcome.NOT_SENT if row.state is AttemptState.CANCELLED else row.outcome
    if outcome is not None and not {f"{made}{outcome}", f"{known}{outcome}"} & set(told):
        at = row.settled_at or row.sent_at or row.reserved_at
        later = kinds.ContactOutcomeKnown(
            loan_id=row.loan_id, case_id=row.case_id, at=at, contact_id=row.id, channel=row.channel, step=step, outcome=outcome
        )
        yield Told(f"{known}{outcome}", later)


def _has_left(row: AttemptRow, *, over: bool) -> bool:
    """A message has left once a gateway has it; of a call there is something to tell when it has ended."""
    match row.state:
        case AttemptState.SETTLED:
            return row.outcome not in _NEVER_LEFT
        case AttemptState.SENT:
            return over or (row.channel is not Channel.CALL and row.gateway_ref is not None)
        case _:
            return False


def of_approval(row: ApprovalRow, about: About, *, last: bool) -> Iterator[Told]:
    """A request, and what became of it."""

    def told(what: str, event: Callable[..., Event], at: datetime, **more: object) -> Told:
        return Told(
            f"approval/{row.id}/{what}",
            event(loan_id=about.loan_id, case_id=row.case_id, at=at, approval_id=row.id, step=row.step, **more),
        )

    yield told("asked", kinds.ApprovalAsked, row.asked_at, role=row.role, purpose=row.purpose, deadline=row.deadline)
    if not last:
        return
    if row.decided_at is not None:
        # A grant that was made void had been given; a denial is never made void.
        decision = "deny" if row.state is ApprovalState.DENIED else "approve"
        yield told("decided", kinds.ApprovalDecided, row.decided_at, decision=decision)
    if row.state is ApprovalState.EXPIRED:
        yield told("expired", kinds.ApprovalExpired, row.deadline)
    if row.void_at is not None:
        yield told("void", kinds.ApprovalVoid, row.void_at)


def of_referral(row: ReferralRow, about: About, *, last: bool) -> Iterator[Told]:
    """A placement with an agency, from when the agency has said that it has the case, and its recall."""
    if row.agency is None or row.gateway_ref is None:
        return
    placed = kinds.CasePlaced(
        loan_id=about.loan_id, case_id=row.case_id, at=row.sent_at, placement_id=row.id, agency=row.agency, until=row.until
    )
    yield Told(f"placement/{row.id}/placed", placed)
    if last and row.recalled_at is not None:
        recalled = kinds.CaseRecalled(
            loan_id=about.loan_id, case_id=row.case_id, at=row.recalled_at, placement_id=row.id, agency=row.agency
        )
        yield Told(f"placement/{row.id}/recalled", recalled)


def of_hold(row: HoldRow, now: datetime, case_at: CaseAt, *, last: bool) -> Iterator[Told]:
    """A hold, and its end, if that has come by ``now``."""
    placed = kinds.HoldPlaced(
        loan_id=row.loan_id,
        case_id=row.case_id or case_at(row.recorded_at or row.placed_at),
        at=row.placed_at,
        hold_id=str(row.id),
        reason=row.reason,
        until=row.until,
        person_id=row.person_id,
    )
    yield Told(f"hold/{row.id}/placed", placed)
    ended = row.until if row.until is not None and row.until <= now else None
    if last and (at := row.lifted_at or ended) is not None:
        lifted = kinds.HoldLifted(
            loan_id=row.loan_id,
            case_id=row.case_id or case_at(row.lift_recorded_at or at),
            at=at,
            hold_id=str(row.id),
            reason=row.reason,
            because="lifted" if row.lifted_at else "ended",
        )
        yield Told(f"hold/{row.id}/lifted", lifted)


def of_wish(row: WishRow, about: About, case_at: CaseAt, *, last: bool) -> Iterator[Told]:
    """What somebody tied to a loan wishes, and that they took it back."""
    key, opt_out_id = f"wish/{row.id}/{about.loan_id}", str(row.id)
    who = None if row.person_id == about.borrower_id else row.person_id
    recorded = kinds.OptOutRecorded(
        loan_id=about.loan_id,
        case_id=case_at(row.recorded_at),
        at=row.at,
        opt_out_id=opt_out_id,
        kind=row.kind,
        channel=row.channel,
        contact_point_id=row.contact_point_id,
        hours=Window.model_validate({"start": row.starts, "end": row.ends}) if row.starts else None,
        person_id=who,
    )
    yield Told(f"{key}/recorded", recorded)
    if last and row.withdrawn_at is not None:
        back = kinds.OptOutTakenBack(
            loan_id=about.loan_id,
            case_id=case_at(max(row.withdrawn_at, row.recorded_at)),
            at=row.withdrawn_at,
            opt_out_id=opt_out_id,
            kind=row.kind,
            channel=row.channel,
            person_id=who,
        )
        yield Told(f"{key}/withdrawn", back)


def of_reversal(row: PaymentReversalRow, payment: PaymentRow, case_at: CaseAt) -> Iterator[Told]:
    """A payment that was taken back."""
    reversed_ = kinds.PaymentReversed(
        loan_id=payment.loan_id,
        case_id=case_at(row.recorded_at),
        at=row.reversed_at,
        payment_id=row.payment_id,
        amount=payment.amount,
        currency=payment.currency,
        reason=row.reason,
    )
    yield Told(f"payment/{row.payment_id}/reversed", reversed_)
