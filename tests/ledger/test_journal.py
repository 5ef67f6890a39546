"""Facts are written down once, with what follows from them; nothing that a message says can stop the journal."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col, select

from arrears.domain.events import (
    ApprovalExpired,
    ApprovalRetracted,
    ContactReported,
    Event,
    HoldLifted,
    HoldPlaced,
    MessageIgnored,
    PaymentReceived,
    PlanAgreed,
    PromiseMade,
    StepTaken,
    Withdrawn,
)
from arrears.domain.loan import Instalment
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel
from arrears.ledger import approvals, attempts, journal, loans, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.loans import LoanUnknown
from arrears.ledger.tables import ApprovalState, CaseEventRow, ContactPointRow
from tests.ledger.scene import NOW, approval, attempt, later, lend, named, open_case, payment, store


@pytest.fixture
async def running(ledger: Ledger) -> Ledger:
    """A ledger with a loan whose case runs."""
    await lend(ledger)
    await open_case(ledger)
    return ledger


async def record(ledger: Ledger, *events: Event, at: Any = NOW) -> None:
    async with ledger.exclusive() as session:
        await journal.record_events(session, "L-1.1", "L-1", events, at)


async def written(ledger: Ledger) -> list[CaseEventRow]:
    async with ledger.reading() as session:
        return list((await session.exec(select(CaseEventRow).order_by(col(CaseEventRow.id)))).all())


async def holds(ledger: Ledger, at: Any = NOW) -> list[str]:
    async with ledger.reading() as session:
        return [h.reason for h in await journal.standing_holds(session, "L-1", at)]


EVENTS: list[Event] = [
    PromiseMade(at=NOW, amount=Decimal("120.50"), currency="CNY", due_on=date(2026, 11, 25)),
    PlanAgreed(at=NOW, instalments=(Instalment(due_on=date(2026, 12, 24), amount=Decimal(400)),), currency="CNY"),
    ContactReported(at=NOW, channel=Channel.CALL, outcome=Outcome.ANSWERED_WILLING, party="borrower"),
    StepTaken(at=NOW, step="first-sms.1", outcome=Outcome.SKIPPED, why="attitude is willing"),
    Withdrawn(at=NOW, reason="sold elsewhere"),
    MessageIgnored(at=NOW, name="promise_made", why="due_on lies in the past"),
]


async def test_events_are_written_in_order_as_they_were_told(running: Ledger) -> None:
    await record(running, *EVENTS)

    rows = await written(running)
    assert [row.kind for row in rows] == [e.kind for e in EVENTS]
    assert [row.body for row in rows] == [e.model_dump(mode="json") for e in EVENTS]


async def test_events_that_are_told_again_change_nothing(running: Ledger) -> None:
    told: list[Event] = [*EVENTS, PaymentReceived(at=NOW, payment=payment()), HoldPlaced(at=NOW, reason="dispute")]
    await record(running, *told)
    before = await written(running)

    await record(running, *told, *told, at=later(hours=1))

    assert [row.id for row in await written(running)] == [row.id for row in before]


async def test_two_facts_that_differ_in_their_time_only_are_two_facts(running: Ledger) -> None:
    call = ContactReported(at=NOW, channel=Channel.CALL, outcome=Outcome.NO_ANSWER, party="borrower")

    await record(running, call, call.model_copy(update={"at": later(minutes=5)}))

    assert len(await written(running)) == 2


async def test_a_payment_is_booked_for_the_loan(running: Ledger) -> None:
    await record(running, PaymentReceived(at=NOW, payment=payment()))

    async with running.reading() as session:
        assert await loans.payments(session, "L-1") == (payment(),)


async def test_a_payment_that_came_by_two_ways_counts_once(running: Ledger) -> None:
    async with running.session() as session:
        await loans.record_payment(session, "L-1", payment(), "loan_system", NOW)

    await record(running, PaymentReceived(at=later(minutes=1), payment=payment()))
    await record(running, PaymentReceived(at=later(minutes=2), payment=payment()))

    async with running.reading() as session:
        assert len(await loans.payments(session, "L-1")) == 1
    assert [row.kind for row in await written(running)] == ["payment_received"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"amount": "7"}, "booked already with another amount"),
        ({"payment_id": "pay-2", "currency": "EUR"}, "is in EUR"),
    ],
)
async def test_a_payment_that_cannot_be_booked_is_noted_with_the_reason_and_stops_nothing(
    running: Ledger, other: dict[str, Any], why: str
) -> None:
    await record(running, PaymentReceived(at=NOW, payment=payment()))

    event = PaymentReceived(at=NOW, payment=payment(**other))
    await record(running, event, Withdrawn(at=NOW, reason="sold"))
    await record(running, event)

    ignored = [row.body["why"] for row in await written(running) if row.kind == "message_ignored"]
    known_id = other.get("payment_id") is None
    assert [why in said for said in ignored] == ([] if known_id else [True])
    async with running.reading() as session:
        assert await loans.payments(session, "L-1") == (payment(),)


async def test_a_payment_that_contradicts_what_the_loan_system_reported_is_noted(running: Ledger) -> None:
    async with running.session() as session:
        await loans.record_payment(session, "L-1", payment(), "loan_system", NOW)

    await record(running, PaymentReceived(at=NOW, payment=payment(amount="7")))

    heard, ignored = await written(running)
    assert heard.kind == "payment_received"
    assert "booked already with another amount" in ignored.body["why"]


async def test_a_hold_stands_until_its_end(running: Ledger) -> None:
    await record(running, HoldPlaced(at=NOW, reason="dispute", until=later(days=3)))

    assert await holds(running, NOW - timedelta(seconds=1)) == []
    assert await holds(running, NOW) == ["dispute"]
    assert await holds(running, later(days=3)) == []


async def test_lifting_a_hold_lifts_that_one_and_lifting_all_lifts_the_rest(running: Ledger) -> None:
    await record(running, *(HoldPlaced(at=NOW, reason=r) for r in ("dispute", "hardship", "complaint")))

    await record(running, HoldLifted(at=later(hours=1), reason="hardship"))
    assert await holds(running, later(hours=1)) == ["dispute", "complaint"]

    await record(running, HoldLifted(at=later(hours=2)))
    assert await holds(running, later(hours=2)) == []


async def test_a_hold_that_stands_twice_and_is_lifted_in_one_case_is_told_once_to_the_other_cases_of_the_person(running: Ledger) -> None:
    await lend(running, "L-2")
    await open_case(running, "L-2", "run-2")
    await record(running, HoldPlaced(at=NOW, reason="deceased"), HoldPlaced(at=later(hours=1), reason="deceased", until=later(days=9)))

    await record(running, HoldLifted(at=later(hours=2), reason="deceased"))

    assert await holds(running, later(hours=2)) == []
    async with running.reading() as session:
        waiting = await relays.undelivered(session)
    assert [(row.loan_id, row.name, row.body) for row in waiting if row.name == "hold_lifted"] == [
        ("L-2", "hold_lifted", {"reason": "deceased"})
    ]


async def test_a_hold_that_was_never_in_force_is_written_but_does_not_stand(running: Ledger) -> None:
    await record(running, HoldPlaced(at=NOW, reason="dispute", until=NOW))

    assert len(await written(running)) == 1
    assert await holds(running) == []


async def test_a_lifted_hold_does_not_come_back_with_the_loans_next_case(ledger: Ledger) -> None:
    await lend(ledger, held_for="suspected-fraud")
    await open_case(ledger)

    await record(ledger, HoldLifted(at=later(hours=1), reason="suspected-fraud"))

    assert await holds(ledger, later(hours=1)) == []
    assert (await open_case(ledger, run_key="run-2")).held_for is None


async def test_a_hold_from_the_start_stays_for_the_next_case_if_another_was_lifted(ledger: Ledger) -> None:
    await lend(ledger, held_for="suspected-fraud")
    await open_case(ledger)

    await record(ledger, HoldLifted(at=later(hours=1), reason="dispute"))

    assert (await open_case(ledger, run_key="run-2")).held_for == "suspected-fraud"


async def test_a_late_outcome_settles_the_attempt_that_it_names(running: Ledger) -> None:
    await store(running, attempt(channel=Channel.CALL, state="sent", sent_at=NOW))
    late = ContactReported(
        at=later(hours=1), attempt_id="L-1.1/first-sms.1", channel=Channel.CALL, outcome=Outcome.INVALID_NUMBER, party="borrower"
    )

    await record(running, late)

    async with running.reading() as session:
        (row,) = await attempts.history(session, "L-1")
        number = await session.get(ContactPointRow, 1)
    assert (row.state, row.outcome, row.settled_at) == ("settled", Outcome.INVALID_NUMBER, later(hours=1))
    assert number
    assert number.invalid_since == later(hours=1)


async def test_a_relatives_refusal_is_final_on_every_loan_that_names_them(running: Ledger) -> None:
    await lend(running, "L-2")
    await store(
        running,
        approval(state="approved", decided_by="sue", decided_at=NOW),
        named(),
        attempt(
            "L-1.1/relatives.1/P-1",
            person_id="P-1",
            contact_point_id=2,
            purpose="relay",
            approval_id="L-1.1/relatives.1",
            state="sent",
            sent_at=NOW,
        ),
    )

    await record(
        running,
        ContactReported(
            at=later(hours=1),
            attempt_id="L-1.1/relatives.1/P-1",
            channel=Channel.CALL,
            outcome=Outcome.RELATIVE_REFUSED,
            party="relative",
        ),
    )

    async with running.reading() as session:
        refused = {
            (loan, person.id): relation.refused_at for loan in ("L-1", "L-2") for relation, person in await loans.relatives(session, loan)
        }
    at = later(hours=1)
    assert refused == {("L-1", "P-1"): at, ("L-2", "P-1"): at, ("L-1", "P-2"): None, ("L-2", "P-2"): None}


async def test_whatever_a_message_was_called_it_can_be_noted(running: Ledger) -> None:
    odd = MessageIgnored(at=NOW, name="payment\x00\u2028", why="no such signal " * 500)

    await record(running, odd)

    (row,) = await written(running)
    assert row.body == odd.model_dump(mode="json")


@pytest.mark.parametrize(
    "event",
    [
        ContactReported(at=NOW, attempt_id="nothing", channel=Channel.CALL, outcome=Outcome.NO_ANSWER, party="borrower"),
        ApprovalExpired(at=NOW, approval_id="nothing"),
        ApprovalRetracted(at=NOW, approval_id="nothing"),
        HoldLifted(at=NOW, reason="nothing"),
    ],
    ids=lambda event: event.kind,
)
async def test_an_event_about_something_unknown_is_written_and_changes_nothing_else(running: Ledger, event: Event) -> None:
    await record(running, event)

    assert [row.kind for row in await written(running)] == [event.kind]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (ApprovalExpired(at=later(hours=48), approval_id="L-1.1/relatives.1"), ApprovalState.EXPIRED),
        (ApprovalRetracted(at=later(hours=1), approval_id="L-1.1/relatives.1"), ApprovalState.VOID),
    ],
    ids=["expired", "retracted"],
)
async def test_a_request_that_is_over_for_the_case_is_over_for_the_operators(running: Ledger, event: Event, state: ApprovalState) -> None:
    await store(running, approval())

    await record(running, event)

    async with running.reading() as session:
        assert (await approvals.approval(session, "L-1.1/relatives.1")).state is state


async def test_nothing_of_what_was_told_together_is_written_if_the_loan_is_unknown(running: Ledger) -> None:
    with pytest.raises(LoanUnknown):
        async with running.exclusive() as session:
            await journal.record_events(session, "L-1.1", "L-404", EVENTS, NOW)

    assert await written(running) == []
