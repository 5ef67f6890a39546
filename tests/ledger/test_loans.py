"""What is owed and what was paid."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from arrears.ledger import loans
from arrears.ledger.engine import Ledger
from arrears.ledger.loans import LoanUnknown, PaymentConflict, PaymentRefused
from arrears.ledger.vault import Field
from tests.ledger.scene import NOW, NUMBER, later, lend, payment
from tests.sealing import keys_of


async def book(ledger: Ledger, *payments: object, loan_id: str = "L-1") -> list[bool]:
    async with ledger.session() as session:
        return [await loans.record_payment(session, loan_id, p, "loan_system", NOW) for p in payments]  # type: ignore[arg-type]


async def test_a_payment_is_booked_once_however_often_it_is_told(ledger: Ledger) -> None:
    await lend(ledger)

    assert await book(ledger, payment(), payment(), payment()) == [True, False, False]
    assert await book(ledger, payment(received_at=NOW.astimezone(None))) == [False]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"amount": "100.01"}, "another amount"),
        ({"received_at": later(seconds=1)}, "another received_at"),
        ({"value_date": date(2026, 11, 20)}, "another value_date"),
        ({"amount": "5", "value_date": date(2026, 11, 20)}, "another amount and value_date"),
    ],
)
async def test_a_payment_of_a_known_id_with_other_content_is_refused(ledger: Ledger, other: dict[str, object], said: str) -> None:
    await lend(ledger)
    await book(ledger, payment())

    with pytest.raises(PaymentConflict, match=said):
        await book(ledger, payment(**other))


async def test_a_payment_of_another_loan_with_a_known_id_is_refused(ledger: Ledger) -> None:
    await lend(ledger)
    await lend(ledger, "L-2")
    await book(ledger, payment())

    with pytest.raises(PaymentConflict, match="another loan"):
        await book(ledger, payment(), loan_id="L-2")


async def test_a_payment_in_another_currency_is_refused(ledger: Ledger) -> None:
    await lend(ledger)

    with pytest.raises(PaymentRefused, match="is in EUR, but loan L-1 is owed in CNY"):
        await book(ledger, payment(currency="EUR"))


async def test_a_payment_for_an_unknown_loan_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LoanUnknown, match="loan L-404 is not in the ledger"):
        await book(ledger, payment(), loan_id="L-404")


async def test_payments_come_in_the_order_in_which_they_were_received(ledger: Ledger) -> None:
    await lend(ledger)
    await book(
        ledger, payment("b", received_at=later(hours=2)), payment("c", received_at=later(hours=1)), payment("a", received_at=later(hours=1))
    )

    async with ledger.reading() as session:
        assert [p.payment_id for p in await loans.payments(session, "L-1")] == ["a", "c", "b"]


async def test_a_payment_comes_back_as_it_was_told(ledger: Ledger) -> None:
    await lend(ledger)
    told = payment(amount="0.0101", value_date=date(2026, 11, 20), received_at=NOW + timedelta(microseconds=1))
    await book(ledger, told)

    async with ledger.reading() as session:
        assert await loans.payments(session, "L-1") == (told,)


@pytest.mark.parametrize(
    ("paid", "on", "amount", "since"),
    [
        (None, date(2026, 11, 1), "0", date(2026, 11, 1)),
        (None, date(2026, 11, 2), "500", date(2026, 11, 1)),
        (None, date(2026, 12, 2), "800", date(2026, 11, 1)),
        ("499.99", date(2026, 11, 21), "0.01", date(2026, 11, 1)),
        ("500", date(2026, 11, 21), "0", date(2026, 12, 1)),
        ("650", date(2026, 12, 2), "150", date(2026, 12, 1)),
        ("800", date(2026, 12, 2), "0", None),
        ("900", date(2026, 12, 2), "0", None),
    ],
)
async def test_payments_go_to_the_oldest_instalments_first(
    ledger: Ledger, paid: str | None, on: date, amount: str, since: date | None
) -> None:
    await lend(ledger)
    if paid:
        await book(ledger, payment(amount=paid))

    async with ledger.reading() as session:
        arrears = await loans.arrears(session, "L-1", on)
    assert (arrears.amount, arrears.due_since) == (Decimal(amount), since)


async def test_the_borrower_and_the_people_they_named_are_found(ledger: Ledger) -> None:
    await lend(ledger)

    async with ledger.reading() as session:
        assert (await loans.loan(session, "L-1")).strategy == "gentle"
        assert (await loans.borrower(session, "L-1")).id == "B-1"
        assert [(person.id, relation.role) for relation, person in await loans.relatives(session, "L-1")] == [
            ("P-1", "emergency"),
            ("P-2", "contact"),
        ]
        assert [keys_of("B-1").open("B-1", Field.ADDRESS, p.address) for p in await loans.contact_points(session, "B-1")] == [NUMBER]
        assert await loans.contact_points(session, "P-2") == []


async def test_what_is_asked_of_an_unknown_loan_is_refused(ledger: Ledger) -> None:
    async with ledger.session() as session:
        for ask in (loans.loan, loans.lock_loan, loans.borrower):
            with pytest.raises(LoanUnknown, match="L-404"):
                await ask(session, "L-404")
