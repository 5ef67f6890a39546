"""How a case begins and ends in the ledger."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from arrears.config import strategies
from arrears.config.settings import PACKAGED, Settings
from arrears.domain.clock import Clock
from arrears.domain.events import ApprovalExpired, HoldPlaced, PaymentReceived, PromiseMade
from arrears.domain.loan import Payment
from arrears.domain.orders import CloseOrder, OpenOrder, RecordOrder
from arrears.ledger import approvals, cases, journal, loans
from arrears.ledger.tables import PersonRow
from arrears.sandbox.world import SandboxWorld
from tests.activities.conftest import lender
from tests.activities.house import House, about_relatives, at, settle_in, to_borrower

NINE = at(2, 9)


async def refused(house: House, order: OpenOrder) -> ApplicationError:
    with pytest.raises(ApplicationError) as refused:
        await house.run("open_case", order, NINE)
    assert refused.value.non_retryable
    return refused.value


class TestOpening:
    async def test_pins_the_loans_own_strategy_its_zone_and_the_clock(self, house: House) -> None:
        opened = await house.open()
        assert opened.strategy == strategies.load("fenqile")
        assert (opened.facts.case_id, opened.facts.borrower_id, opened.facts.opened_at) == ("L-1.1", "P-1", NINE)
        assert (opened.calendar.zone, opened.calendar.rest_days) == ("Asia/Shanghai", frozenset())
        assert opened.clock == house.settings.clock
        assert opened.call_timeout == timedelta(seconds=house.settings.call_timeout_seconds)

    async def test_takes_the_ordered_strategy_before_the_loans_own(self, house: House) -> None:
        opened = await house.run("open_case", OpenOrder(loan_id="L-1", run_key="run-1", strategy="huabei"), NINE)
        assert opened.strategy.strategy == "huabei"

    async def test_twice_by_the_same_run_opens_one_case(self, house: House) -> None:
        first, again = await house.open(), await house.open(now=at(2, 10))
        assert (first.facts.case_id, again.facts.case_id, again.facts.opened_at) == ("L-1.1", "L-1.1", NINE)

    async def test_with_nothing_owed_leaves_no_instalments(self, house: House) -> None:
        await house.pay("1000.00", at(1, 12))
        opened = await house.open()
        assert (opened.facts.instalments, opened.facts.payments_counted) == ((), ("pay-1",))

    async def test_of_an_unknown_loan_is_refused_with_a_remedy(self, house: House) -> None:
        error = await refused(house, OpenOrder(loan_id="L-404", run_key="run-1"))
        assert error.type == "LoanUnknown"
        assert error.message == "loan L-404 is not in the ledger; import it first"

    async def test_by_an_unknown_strategy_is_refused_with_those_there_are(self, house: House) -> None:
        error = await refused(house, OpenOrder(loan_id="L-1", run_key="run-1", strategy="harsh"))
        assert error.type == "StrategyUnknown"
        assert "fenqile, huabei, paipai" in error.message

    async def test_by_a_strategy_in_another_currency_is_refused(self, house: House, settings: Settings, tmp_path: Path) -> None:
        abroad = tmp_path / "strategies"
        shutil.copytree(PACKAGED / "strategies", abroad)
        file = abroad / "fenqile.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("currency: CNY", "currency: EUR"), encoding="utf-8")
        async with lender(settings.model_copy(update={"strategies_dir": abroad})) as elsewhere:
            error = await refused(elsewhere, OpenOrder(loan_id="L-1", run_key="run-1"))
        assert error.type == "StrategyUnfit"

    async def test_of_a_borrower_without_a_zone_is_refused(self, house: House) -> None:
        async with house.ledger.session() as session:
            person = await session.get(PersonRow, "P-1")
            assert person is not None
            person.zone = None
            session.add(person)
        assert (await refused(house, OpenOrder(loan_id="L-1", run_key="run-1"))).type == "ZoneUnknown"


class TestRestDays:
    """Public holidays of the borrower's country, only where the strategy puts rungs off for them."""

    @pytest.fixture
    def resting(self, settings: Settings, tmp_path: Path) -> Settings:
        directory = tmp_path / "strategies"
        shutil.copytree(PACKAGED / "strategies", directory)
        file = directory / "fenqile.yaml"
        text = file.read_text(encoding="utf-8").replace("\nladder:\n", "\nrest_days: skip\n\nladder:\n", 1)
        file.write_text(text, encoding="utf-8")
        return settings.model_copy(update={"strategies_dir": directory})

    async def test_are_those_of_china_for_a_borrower_in_shanghai(self, resting: Settings, world: SandboxWorld) -> None:
        async with lender(resting) as house:
            await settle_in(house)
            days = (await house.open()).calendar.rest_days
        assert {date(2027, 1, 1), date(2027, 2, 6), date(2027, 10, 1)} <= days
        assert date(2026, 12, 25) not in days
        assert min(days) > NINE.date()

    async def test_are_those_of_britain_for_a_borrower_in_london(self, resting: Settings, world: SandboxWorld) -> None:
        async with lender(resting) as house:
            await settle_in(house)
            async with house.ledger.session() as session:
                person = await session.get(PersonRow, "P-1")
                assert person is not None
                person.zone = "Europe/London"
                session.add(person)
            assert date(2026, 12, 25) in (await house.open()).calendar.rest_days

    async def test_are_none_where_no_country_is_known(self, resting: Settings, world: SandboxWorld) -> None:
        async with lender(resting) as house:
            await settle_in(house)
            async with house.ledger.session() as session:
                person = await session.get(PersonRow, "P-1")
                assert person is not None
                person.zone = "Etc/GMT+3"
                session.add(person)
            assert (await house.open()).calendar.rest_days == frozenset()


class TestRecording:
    async def test_books_a_payment_and_places_a_hold_once(self, house: House) -> None:
        await house.open()
        paid = Payment.model_validate({"payment_id": "p-1", "amount": "10", "currency": "CNY", "received_at": at(3, 9)})
        events = (PaymentReceived(at=at(3, 9), payment=paid), HoldPlaced(at=at(3, 9), reason="dispute"))
        order = RecordOrder(case_id="L-1.1", loan_id="L-1", events=events)
        await house.run("record", order, at(3, 9))
        done = await house.run("record", order, at(3, 10), attempt=2)
        assert done.at == at(3, 10)
        async with house.ledger.reading() as session:
            assert [p.payment_id for p in await loans.payments(session, "L-1")] == ["p-1"]
            assert [h.reason for h in await journal.standing_holds(session, "L-1", at(3, 11))] == ["dispute"]

    async def test_a_promise_counts_as_a_sign_of_life(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        promise: dict[str, Any] = {"at": at(4, 20), "amount": "100", "currency": "CNY", "due_on": date(2026, 11, 9)}
        await house.run("record", RecordOrder(case_id="L-1.1", loan_id="L-1", events=(PromiseMade.model_validate(promise),)), at(4, 20))
        assert (await house.run("request_approval", about_relatives(), at(5, 9))).rules == ("CN-10", "CN-11")

    async def test_an_expired_request_is_written_down(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        await house.run("request_approval", about_relatives(), at(5, 9))
        expired = ApprovalExpired(at=at(7, 9), approval_id="L-1.1/relatives.1/a1")
        await house.run("record", RecordOrder(case_id="L-1.1", loan_id="L-1", events=(expired,)), at(7, 9))
        async with house.ledger.reading() as session:
            assert (await approvals.approval(session, "L-1.1/relatives.1/a1")).state == "expired"


class TestClosing:
    async def test_closes_the_case_once(self, house: House) -> None:
        await house.open()
        order = CloseOrder(case_id="L-1.1", loan_id="L-1", outcome="cured", why="nothing is overdue any more")
        first = await house.run("close_case", order, at(5, 9))
        again = await house.run("close_case", order, at(5, 10), attempt=2)
        assert (first.at, again.at) == (at(5, 9), at(5, 9))
        async with house.ledger.reading() as session:
            assert (await cases.case(session, "L-1.1")).outcome == "cured"

    async def test_carries_what_time_alone_brought_about(self, house: House) -> None:
        await house.open()
        placed = HoldPlaced(at=at(4, 9), reason="dispute")
        order = CloseOrder(case_id="L-1.1", loan_id="L-1", outcome="withdrawn", why="withdrawn", events=(placed,))
        await house.run("close_case", order, at(5, 9))
        async with house.ledger.reading() as session:
            assert [h.reason for h in await journal.standing_holds(session, "L-1", at(5, 9))] == ["dispute"]

    async def test_a_case_that_was_closed_contacts_nobody_any_more(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.open(run_key="a later run", now=at(2, 10))
        report = await house.contact(to_borrower(), at(3, 10))
        assert (report.verdict, report.rules) == ("deny", ("AR-08",))
        assert world.sent() == ()

    async def test_a_fast_clock_dates_everything_in_business_time(self, settings: Settings, world: SandboxWorld) -> None:
        fast = Clock(real_epoch=at(1, 0), business_epoch=at(1, 0), day_seconds=24)
        async with lender(settings.model_copy(update={"clock": fast})) as house:
            await settle_in(house)
            opened = await house.open(now=at(1, 0) + timedelta(seconds=33))
            assert opened.facts.opened_at == NINE
            order = CloseOrder(case_id="L-1.1", loan_id="L-1", outcome="cured", why="paid")
            assert (await house.run("close_case", order, at(1, 0) + timedelta(seconds=57))).at == at(3, 9)
