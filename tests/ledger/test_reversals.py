"""A payment that was taken back counts no more, wherever money is summed; the case that it closed begins anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from arrears.domain.events import MessageIgnored, PaymentReceived, PaymentReversed
from arrears.domain.loan import Instalment, TakenBack
from arrears.ledger import cases, erasure, journal, loans, relays, reversals
from arrears.ledger.contact_facts import read_loan
from arrears.ledger.engine import Ledger
from arrears.ledger.loans import PaymentUnknown, ReversalConflict, Reversed
from arrears.ledger.news import Ordered
from arrears.ledger.timeline import timeline
from arrears.workflows.contract import Reversal, Signal
from tests.ledger.scene import NOW, later, lend, open_case, payment


async def book(ledger: Ledger, *ids: str, amount: str = "500.00", at: datetime = NOW) -> None:
    async with ledger.exclusive() as session:
        for payment_id in ids:
            await loans.record_payment(session, "L-1", payment(payment_id, amount, received_at=at), "loan_system", at)


async def reverse(
    ledger: Ledger, payment_id: str = "pay-1", *, reason: str = "bounced", at: datetime | None = None, **more: Any
) -> Reversed:
    said = Reversal(payment_id=payment_id, reason=reason, reversed_at=at or later(days=1))
    async with ledger.exclusive() as session:
        return await reversals.reverse(session, said, "loan_system", more.pop("now", later(days=1)), **more)


async def left(ledger: Ledger) -> list[tuple[str, str]]:
    async with ledger.reading() as session:
        return [(row.name, row.key) for row in await relays.undelivered(session)]


async def owed(ledger: Ledger) -> Decimal:
    async with ledger.reading() as session:
        return (await loans.arrears(session, "L-1", date(2026, 11, 22))).amount


async def test_a_payment_counts_until_it_is_taken_back(ledger: Ledger) -> None:
    await lend(ledger)
    await book(ledger, "pay-1")
    assert await owed(ledger) == 0
    assert await reverse(ledger) == Reversed("L-1", new=True)
    assert await owed(ledger) == 500
    async with ledger.reading() as session:
        assert await loans.payments(session, "L-1") == ()
        assert await loans.taken_back(session, "L-1") == (TakenBack(payment=payment("pay-1", "500.00"), at=later(days=1)),)
        assert (await loans.known(session, "L-1")).due_since == datetime.fromisoformat("2026-11-01T00:00:00+00:00")


async def test_it_is_taken_back_once_however_often_that_is_told(ledger: Ledger) -> None:
    await lend(ledger)
    await book(ledger, "pay-1")
    assert [(await reverse(ledger, now=later(days=n))).new for n in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize("other", [{"reason": "booked by mistake"}, {"at": later(days=2)}])
async def test_taking_it_back_in_another_way_is_refused(ledger: Ledger, other: dict[str, Any]) -> None:
    await lend(ledger)
    await book(ledger, "pay-1")
    await reverse(ledger)
    with pytest.raises(ReversalConflict, match="payment pay-1 was taken back at another instant or for another reason"):
        await reverse(ledger, **other)


@pytest.mark.parametrize(("payment_id", "loan_id"), [("pay-404", None), ("pay-1", "L-2")])
async def test_a_payment_that_is_not_there_cannot_be_taken_back(ledger: Ledger, payment_id: str, loan_id: str | None) -> None:
    await lend(ledger)
    await book(ledger, "pay-1")
    with pytest.raises(PaymentUnknown, match=f"payment {payment_id} is not in the ledger"):
        await reverse(ledger, payment_id, loan_id=loan_id)


async def test_telling_the_payment_again_does_not_bring_it_back(ledger: Ledger) -> None:
    await lend(ledger)
    await book(ledger, "pay-1")
    await reverse(ledger)
    await book(ledger, "pay-1")
    assert await owed(ledger) == 500


async def test_a_case_that_runs_is_told(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await book(ledger, "pay-1")
    await reverse(ledger)
    await reverse(ledger)
    assert await left(ledger) == [(Signal.PAYMENT_REVERSED, "reversal/pay-1")]


@pytest.mark.parametrize("outcome", ["cured", "settled", "on_plan_completed"])
async def test_a_case_that_was_closed_by_the_payment_is_opened_again(ledger: Ledger, outcome: Any) -> None:
    """The signal comes first: it reaches a case that has closed in the ledger and has not ended yet."""
    await lend(ledger)
    await open_case(ledger)
    await book(ledger, "pay-1")
    await close(ledger, outcome)
    await reverse(ledger)
    assert await left(ledger) == [(Signal.PAYMENT_REVERSED, "reversal/pay-1"), (relays.OPEN, "reopen/pay-1")]


@pytest.mark.parametrize("outcome", ["withdrawn", "sold", "written_off", "deceased_estate"])
async def test_a_case_that_ended_otherwise_stays_closed(ledger: Ledger, outcome: Any) -> None:
    await lend(ledger)
    await open_case(ledger)
    await book(ledger, "pay-1")
    await close(ledger, outcome)
    assert (await reverse(ledger)).new
    assert await left(ledger) == []


async def test_a_loan_without_a_case_gets_none_by_a_reversal(ledger: Ledger) -> None:
    await lend(ledger)
    await book(ledger, "pay-1")
    assert (await reverse(ledger)).new
    assert await left(ledger) == []


async def test_the_next_case_starts_with_what_is_owed_then(ledger: Ledger) -> None:
    await lend(ledger)
    await book(ledger, "pay-1", "pay-2", amount="550.00")
    await reverse(ledger)
    facts = await open_case(ledger, now=later(days=2))
    assert facts.instalments == (Instalment(due_on=date(2026, 12, 1), amount=Decimal(250)),)
    assert facts.settled == (
        Instalment(due_on=date(2026, 11, 1), amount=Decimal(500)),
        Instalment(due_on=date(2026, 12, 1), amount=Decimal(50)),
    )
    assert (facts.payments_counted, [p.payment_id for p in facts.counted]) == (("pay-2",), ["pay-2"])
    assert [(t.payment.payment_id, t.at) for t in facts.taken_back] == [("pay-1", later(days=1))]


async def test_at_the_moment_of_contact_the_money_is_owed_and_the_payment_is_no_news(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await book(ledger, "pay-1", "pay-2", amount="200.00")
    await reverse(ledger)
    async with ledger.exclusive() as session:
        scene = await read_loan(session, "L-1.1", "L-1", later(days=2), Ordered(later(days=2)))
    assert (scene.owed.amount, scene.paid, [line.unpaid for line in scene.schedule]) == (300, 200, [300, 300])
    assert set(scene.news.payments) == {"pay-2"}


async def test_what_a_case_hears_is_booked(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await record(ledger, PaymentReceived(at=NOW, payment=payment("pay-1", "500.00")))
    told = PaymentReversed(at=later(days=1), payment_id="pay-1", reason="bounced", reversed_at=NOW)
    await record(ledger, told, told)
    assert await owed(ledger) == 500
    assert await left(ledger) == []


async def test_what_a_case_hears_and_the_ledger_cannot_book_is_written_down(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await record(ledger, PaymentReversed(at=NOW, payment_id="pay-404", reason="bounced", reversed_at=NOW))
    async with ledger.reading() as session:
        told = [e.text for e in await timeline(session, "L-1") if e.kind == MessageIgnored.model_fields["kind"].default]
    assert told == ["payment_reversed ignored: payment pay-404 is not in the ledger for loan L-1"]


async def test_the_timeline_shows_both(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await book(ledger, "pay-1")
    await reverse(ledger)
    async with ledger.reading() as session:
        told = [(e.at, e.kind, e.text) for e in await timeline(session, "L-1") if e.kind.startswith("payment")]
    assert told == [
        (NOW, "payment", "500.00 CNY received (payment pay-1, by way of loan_system)"),
        (later(days=1), "payment_reversed", "payment pay-1 taken back at 2026-11-22 09:00 UTC: bounced (by way of loan_system)"),
    ]


@pytest.mark.parametrize(("taken", "owing"), [(lambda _: None, ()), (reverse, ("L-1",))])
async def test_a_debt_that_is_owed_again_is_no_debt_to_forget(
    ledger: Ledger, taken: Callable[[Ledger], Any], owing: tuple[str, ...]
) -> None:
    await lend(ledger)
    await book(ledger, "pay-1", amount="800.00")
    if (work := taken(ledger)) is not None:
        await work
    async with ledger.reading() as session:
        assert (await erasure.kept(session, ["B-1"]))["B-1"].owing == owing


async def close(ledger: Ledger, outcome: Any) -> None:
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, "L-1.1", outcome, later(hours=1))


async def record(ledger: Ledger, *events: Any) -> None:
    async with ledger.exclusive() as session:
        await journal.record_events(session, "L-1.1", "L-1", events, later(days=1))
