"""Tasks go to humans once, referrals to institutions once, and both stop where money or the law says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select
from temporalio.exceptions import ApplicationError

from arrears.activities.work import recall_key
from arrears.config.settings import Settings
from arrears.domain.orders import DecisionOrder, RecallOrder, ReferralOrder, TaskOrder
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Referral, Role, TaskKind
from arrears.ledger.tables import HoldRow, OperatorRow, ReferralRow, TaskRow
from arrears.sandbox.faults import Fault
from arrears.sandbox.world import SandboxWorld
from tests.activities.conftest import lender
from tests.activities.house import House, about_relatives, at, decided, prepare_referrals, settle_in

NINE = at(10, 9)
LATER = NINE + timedelta(minutes=2)


def to_agency(**changes: Any) -> ReferralOrder:
    order = ReferralOrder(
        case_id="L-1.1",
        loan_id="L-1",
        referral_id="L-1.1/agency.1",
        step="agency.1",
        to=Referral.AGENCY,
        agency="north",
        until=at(10, 9) + timedelta(days=60),
    )
    return order.model_copy(update=changes)


@pytest.fixture
async def house(house: House) -> House:
    """A lender that may refer."""
    await prepare_referrals(house)
    return house


async def agreed(house: House) -> ReferralOrder:
    """A placement that a human has agreed to, in an open case."""
    await house.open()
    return await decided(house, to_agency())


RECALL = RecallOrder(case_id="L-1.1", loan_id="L-1", referral_id="L-1.1/agency.1", agency="north", why="cured")


async def referrals(house: House) -> list[ReferralRow]:
    async with house.ledger.reading() as session:
        return list(await session.exec(select(ReferralRow)))


def sends(world: SandboxWorld) -> list[tuple[str, int]]:
    return [(order.key, order.sends) for order in world.sent()]


async def test_a_task_is_opened_once(house: House) -> None:
    await house.open()
    order = TaskOrder(
        case_id="L-1.1",
        loan_id="L-1",
        task_id="L-1.1/collector.1",
        step="collector.1",
        task=TaskKind.DEDICATED_COLLECTOR,
        role=Role.COLLECTOR,
    )
    first = await house.run("assign_task", order, NINE)
    again = await house.run("assign_task", order, LATER, attempt=2)
    assert (first.outcome, first.at, again.at) == (Outcome.DONE, NINE, NINE)
    async with house.ledger.reading() as session:
        (task,) = list(await session.exec(select(TaskRow)))
    assert (task.kind, task.role, task.state) == (TaskKind.DEDICATED_COLLECTOR, Role.COLLECTOR, "open")


class TestReferring:
    @pytest.mark.parametrize("to", [r for r in Referral if r is not Referral.AGENCY])
    async def test_every_institution_is_reached_through_its_gateway(self, house: House, world: SandboxWorld, to: Referral) -> None:
        await house.open()
        report = await house.run("refer", await decided(house, to_agency(to=to, agency=None, until=None)), NINE)
        assert (report.outcome, report.at) == (Outcome.DONE, NINE)
        assert sends(world) == [("L-1.1/agency.1", 1)]
        assert [(r.target, r.gateway_ref is not None) for r in await referrals(house)] == [(to, True)]

    async def test_an_agency_gets_what_it_needs_and_nobodys_name(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        await house.run("refer", order, NINE)
        (order,) = world.sent()
        assert order.gateway == "agency"
        assert '"owed":"500.00"' in order.body
        assert "张三" not in order.body
        assert [v[0] for v in await house.verdicts()] == ["allow"]

    async def test_is_not_made_when_nothing_is_owed_and_the_case_hears_why(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        await house.pay("500.00", at(9, 9))
        report = await house.run("refer", order, NINE)
        assert (report.outcome, report.rules) == (Outcome.DENIED, ("AR-01", "AR-05"))
        assert [e.kind for e in report.news] == ["payment_received"]
        assert sends(world) == []
        assert await house.verdicts() == [("deny", ("AR-01", "AR-05"))]

    async def test_news_is_told_once(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        await house.add(HoldRow(case_id="L-1.1", loan_id="L-1", reason="suspected-fraud", placed_at=at(9, 9)))
        first = await house.run("refer", order, NINE)
        assert (first.outcome, first.rules, len(first.news)) == (Outcome.DENIED, ("AR-04",), 1)
        assert (await house.run("refer", order, LATER)).outcome is Outcome.DONE

    async def test_needs_the_approval_that_its_rung_asked_for(self, house: House, world: SandboxWorld) -> None:
        await house.add(OperatorRow(id="risk", name="Risk", role=Role.RISK_CONTROL))
        await house.open()
        ask = about_relatives(
            NINE,
            approval_id="L-1.1/agency.1/a1",
            step="agency.1",
            purpose=None,
            channel=None,
            message=None,
            role=Role.RISK_CONTROL,
            referral=Referral.AGENCY,
        )
        await house.run("request_approval", ask, NINE)
        order = to_agency(approval_id="L-1.1/agency.1/a1")
        assert (await house.run("refer", order, NINE)).rules == ("AR-02", "CN-52")
        yes = DecisionOrder(case_id="L-1.1", approval_id=ask.approval_id, decision="approve", operator="risk")
        assert (await house.run("check_decision", yes, NINE)).counts
        other_step = order.model_copy(update={"step": "sale.1", "referral_id": "L-1.1/sale.1"})
        assert (await house.run("refer", other_step, NINE)).rules == ("AR-02",)
        assert (await house.run("refer", order, NINE)).outcome is Outcome.DONE

    async def test_without_a_gateway_nothing_is_sent(self, settings: Settings) -> None:
        async with lender(settings.model_copy(update={"agency": None})) as house:
            await settle_in(house)
            await prepare_referrals(house)
            order = await agreed(house)
            assert (await house.run("refer", order, NINE)).outcome is Outcome.NOT_SENT
            assert await referrals(house) == []

    async def test_a_lost_answer_is_asked_for_even_if_money_came_meanwhile(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        world.fail(Fault(kind="lost_answer"))
        with pytest.raises(ApplicationError):
            await house.run("refer", order, NINE)
        await house.pay("500.00", NINE + timedelta(seconds=5))
        report = await house.run("refer", order, LATER, attempt=2, scheduled=NINE)
        assert report.outcome is Outcome.DONE
        assert sends(world) == [("L-1.1/agency.1", 1)]

    async def test_what_surely_did_not_leave_is_judged_anew(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        world.fail(Fault(kind="rate_limited"))
        with pytest.raises(ApplicationError):
            await house.run("refer", order, NINE)
        await house.pay("500.00", NINE + timedelta(seconds=5))
        report = await house.run("refer", order, LATER, attempt=2, scheduled=NINE)
        assert (report.outcome, sends(world), await referrals(house)) == (Outcome.DENIED, [], [])

    async def test_at_the_last_attempt_what_may_have_left_is_unknown_and_kept(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        world.fail(Fault(kind="error", times=None))
        assert (await house.run("refer", order, NINE, attempt=10)).outcome is Outcome.UNKNOWN
        assert len(await referrals(house)) == 1

    async def test_an_institution_that_refuses_does_not_have_it(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        world.fail(Fault(kind="refused"))
        assert (await house.run("refer", order, NINE)).outcome is Outcome.FAILED
        assert await referrals(house) == []


class TestRecalling:
    async def test_tells_the_agency_once_under_a_key_of_its_own(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        await house.run("refer", order, NINE)
        assert (await house.run("recall", RECALL, LATER)).outcome is Outcome.DONE
        await house.run("recall", RECALL, LATER + timedelta(minutes=1), attempt=2)
        assert sends(world) == [("L-1.1/agency.1", 1), (recall_key("L-1.1/agency.1"), 1)]
        (row,) = await referrals(house)
        assert (row.state, row.recalled_at) == ("recalled", LATER)

    async def test_goes_on_until_the_agency_knows(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        await house.run("refer", order, NINE)
        world.fail(Fault(kind="error"))
        with pytest.raises(ApplicationError) as failed:
            await house.run("recall", RECALL, LATER)
        assert not failed.value.non_retryable
        assert (await house.run("recall", RECALL, LATER, attempt=2)).outcome is Outcome.DONE

    async def test_works_when_nothing_is_owed_any_more(self, house: House, world: SandboxWorld) -> None:
        order = await agreed(house)
        await house.run("refer", order, NINE)
        await house.pay("500.00", NINE + timedelta(minutes=1))
        assert (await house.run("recall", RECALL, LATER)).outcome is Outcome.DONE
