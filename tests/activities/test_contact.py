"""A contact leaves when everything allows it at that very moment, and every refusal is written down."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from arrears.config.settings import Settings
from arrears.domain.clock import Clock
from arrears.domain.events import Event, HoldPlaced, PaymentReceived
from arrears.domain.loan import Payment
from arrears.domain.orders import RecordOrder
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Line
from arrears.ledger import attempts
from arrears.ledger.tables import ContactKind, HoldRow, PersonRow
from arrears.ledger.vault import Field
from arrears.sandbox.faults import Fault
from arrears.sandbox.world import SandboxWorld
from tests.activities.conftest import lender
from tests.activities.house import NAME, NUMBER, WAITS, House, at, loan, point, settle_in, to_borrower
from tests.sealing import keys_of, person

TEN = at(3, 10)
LATER = TEN + timedelta(minutes=2)


def left(world: SandboxWorld) -> list[str]:
    return [order.key for order in world.sent()]


async def told(house: House, *events: Event, now: datetime = at(2, 12)) -> None:
    """The case has heard of these and has them recorded."""
    await house.run("record", RecordOrder(case_id="L-1.1", loan_id="L-1", events=events), now)


@pytest.mark.parametrize("channel", [Channel.CALL, Channel.SMS, Channel.EMAIL, Channel.IN_APP])
async def test_an_overdue_borrower_is_reached_on_every_channel(house: House, world: SandboxWorld, channel: Channel) -> None:
    await house.open()
    with suppress(WAITS):
        report = await house.contact(to_borrower(channel), TEN)
        assert (report.verdict, report.outcome, report.at) == ("allow", Outcome.DONE, TEN)
    (order,) = world.sent()
    assert (order.key, order.sends, order.whom, order.requested_at) == ("L-1.1/first.1", 1, "registered", TEN)
    row = await house.attempt("L-1.1/first.1")
    assert (row.state, row.sent_at, row.gateway_ref is not None) == ("sent", TEN, True)
    assert await house.verdicts() == [("allow", ())]


async def test_the_text_is_written_from_the_ledger_at_that_moment_and_kept(house: House, world: SandboxWorld) -> None:
    await house.open()
    paid = PaymentReceived(at=at(2, 12), payment=Payment(payment_id="p", amount=Decimal("120.50"), currency="CNY", received_at=at(2, 12)))
    await told(house, paid)
    await house.contact(to_borrower(), TEN)
    row = await house.attempt("L-1.1/first.1")
    text = keys_of("P-1").open("P-1", Field.TEXT, row.text)
    assert text is not None
    assert NAME in text
    assert "379.50" in text
    assert json.loads(world.sent()[0].body)["text"] == text
    assert row.locale == "zh-CN"


async def test_only_an_email_has_a_subject(house: House, world: SandboxWorld) -> None:
    """Of other channels the recorded text is all that left, so that its hash can be proved by it."""
    await house.open()

    await house.contact(to_borrower(message="opt-out-confirmation"), TEN)

    row = await house.attempt("L-1.1/first.1")
    text = keys_of("P-1").open("P-1", Field.TEXT, row.text)
    (sent,) = world.sent()
    assert json.loads(sent.body).get("subject") is None
    assert row.content_hash == hashlib.sha256(f"\0{text}\0".encode()).hexdigest()


async def test_a_report_holds_ids_and_codes_only(house: House, world: SandboxWorld) -> None:
    await house.open()
    report = await house.contact(to_borrower(), TEN)
    assert NAME not in report.model_dump_json()
    assert NUMBER not in report.model_dump_json()


async def test_without_a_gateway_nothing_is_sent_and_the_attempt_says_so(settings: Settings) -> None:
    async with lender(settings.model_copy(update={"sms": None})) as house:
        await settle_in(house)
        await house.open()
        report = await house.contact(to_borrower(), TEN)
        assert (report.verdict, report.outcome) == ("allow", Outcome.NOT_SENT)
        assert (await house.attempt("L-1.1/first.1")).outcome is Outcome.NOT_SENT


class TestTheHour:
    async def test_at_night_a_contact_waits_for_the_morning_of_the_recipients_zone(self, house: House, world: SandboxWorld) -> None:
        await house.add(
            *person("P-9", "Somebody", zone="Australia/Sydney", language="en"),
            point(9, "P-9", ContactKind.MOBILE, "+61491570156"),
            *loan("L-9", "P-9"),
        )
        await house.open("L-9", run_key="run-9")
        order = to_borrower(case_id="L-9.1", loan_id="L-9", attempt_id="L-9.1/first.1")
        report = await house.contact(order, at(3, 20))
        assert (report.verdict, report.rules) == ("defer", ("CN-01",))
        assert report.until == datetime(2026, 11, 3, 21, tzinfo=UTC)
        assert await house.verdicts("L-9") == [("defer", ("CN-01",))]
        assert await house.attempts("L-9") == []
        assert left(world) == []

    async def test_what_waited_is_sent_once_in_the_morning(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        report = await house.contact(to_borrower(), at(3, 22))
        assert report.until == at(4, 8)
        await house.contact(to_borrower(), at(4, 8))
        assert left(world) == ["L-1.1/first.1"]
        assert await house.verdicts() == [("defer", ("CN-01",)), ("allow", ())]

    async def test_a_retry_after_ten_at_night_does_not_send(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        world.fail(Fault(kind="rate_limited", seconds=60))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), at(3, 21, 59, 30))
        report = await house.contact(to_borrower(), at(3, 22, 0, 30), attempt=2, scheduled=at(3, 21, 59, 30))
        assert (report.verdict, report.until) == ("defer", at(4, 8))
        assert (await house.attempt("L-1.1/first.1")).state == "cancelled"
        await house.contact(to_borrower(), at(4, 8))
        assert [(o.key, o.sends) for o in world.sent()] == [("L-1.1/first.1", 1)]

    async def test_business_time_is_the_servers_time_on_the_business_clock(self, settings: Settings, world: SandboxWorld) -> None:
        fast = Clock(real_epoch=datetime(2026, 1, 1, tzinfo=UTC), business_epoch=at(3, 0), day_seconds=24)
        async with lender(settings.model_copy(update={"clock": fast})) as house:
            await settle_in(house)
            await house.open(now=fast.real_time(at(2, 9)))
            report = await house.contact(to_borrower(), datetime(2026, 1, 1, 0, 0, 22, tzinfo=UTC))
            assert (report.verdict, report.at, report.until) == ("defer", at(3, 22), at(4, 8))


class TestAPayment:
    async def test_that_settles_the_debt_stops_the_contact_and_is_told(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.pay("500.00", at(3, 9))
        report = await house.contact(to_borrower(), TEN)
        assert (report.verdict, report.rules) == ("deny", ("AR-01", "AR-05", "CN-22"))
        assert [e.payment.payment_id for e in report.news if isinstance(e, PaymentReceived)] == ["pay-1"]
        assert left(world) == []
        assert await house.verdicts() == [("deny", ("AR-01", "AR-05", "CN-22"))]

    async def test_between_reserving_and_a_retry_stops_the_send(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        world.fail(Fault(kind="rate_limited"))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), TEN)
        await house.pay("500.00", TEN + timedelta(seconds=5))
        report = await house.contact(to_borrower(), LATER, attempt=2, scheduled=TEN)
        assert report.verdict == "deny"
        assert left(world) == []
        assert (await house.attempt("L-1.1/first.1")).state == "cancelled"

    async def test_after_an_unclear_failure_stops_the_send_and_the_slot_stays_taken(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        world.fail(Fault(kind="error"))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), TEN)
        await house.pay("500.00", TEN + timedelta(seconds=5))
        report = await house.contact(to_borrower(), LATER, attempt=2, scheduled=TEN)
        assert report.verdict == "deny"
        assert left(world) == []
        assert (await house.attempt("L-1.1/first.1")).state == "sent"

    async def test_after_the_message_left_does_not_deny_that_it_left(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        world.fail(Fault(kind="lost_answer"))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), TEN)
        await house.pay("500.00", TEN + timedelta(seconds=5))
        report = await house.contact(to_borrower(), LATER, attempt=2, scheduled=TEN)
        assert report.verdict == "allow"
        assert left(world) == ["L-1.1/first.1"]

    async def test_in_part_is_heard_by_the_case_before_the_contact_is_made(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.pay("100.00", at(3, 9))
        first = await house.contact(to_borrower(), TEN)
        assert (first.verdict, first.rules, len(first.news)) == ("deny", ("AR-05",), 1)
        second = await house.contact(to_borrower(), LATER)
        assert second.verdict == "allow"
        assert left(world) == ["L-1.1/first.1"]

    async def test_news_is_told_again_if_the_answer_may_have_been_lost(self, house: House) -> None:
        await house.open()
        await house.pay("100.00", at(3, 9))
        first = await house.contact(to_borrower(), TEN)
        again = await house.contact(to_borrower(), LATER, attempt=2, scheduled=TEN)
        assert first.news
        assert [e.kind for e in again.news] == ["payment_received"]

    async def test_that_the_case_knows_is_no_news(self, house: House, world: SandboxWorld) -> None:
        await house.pay("50.00", at(1, 9), "before-opening")
        await house.open()
        paid = Payment(payment_id="pay-1", amount=Decimal("100.00"), currency="CNY", received_at=at(2, 12))
        await told(house, PaymentReceived(at=at(2, 12), payment=paid))
        report = await house.contact(to_borrower(), TEN)
        assert (report.verdict, report.news) == ("allow", ())

    async def test_in_part_that_the_case_hears_of_while_a_contact_is_retried_makes_it_plan_anew(
        self, house: House, world: SandboxWorld
    ) -> None:
        await house.open()
        world.fail(Fault(kind="rate_limited"))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), TEN)
        meanwhile = TEN + timedelta(seconds=5)
        paid = Payment(payment_id="pay-1", amount=Decimal("100.00"), currency="CNY", received_at=meanwhile)
        await told(house, PaymentReceived(at=meanwhile, payment=paid), now=meanwhile)
        report = await house.contact(to_borrower(), LATER, attempt=2, scheduled=TEN)
        assert (report.verdict, report.rules, len(report.news)) == ("deny", ("AR-05",), 1)
        assert (await house.contact(to_borrower(), LATER)).verdict == "allow"


class TestAHold:
    async def test_that_is_placed_while_a_contact_is_retried_leaves_the_step_to_be_planned_anew(
        self, house: House, world: SandboxWorld
    ) -> None:
        await house.open()
        world.fail(Fault(kind="rate_limited"))
        with pytest.raises(ApplicationError):
            await house.contact(to_borrower(), TEN)
        meanwhile = TEN + timedelta(seconds=5)
        await told(house, HoldPlaced(at=meanwhile, reason="dispute"), now=meanwhile)
        report = await house.contact(to_borrower(), LATER, attempt=2, scheduled=TEN)
        assert (report.verdict, report.rules) == ("deny", ("AR-04",))
        assert report.news == (HoldPlaced(at=meanwhile, reason="dispute"),)
        assert left(world) == []

    async def test_in_force_stops_the_contact_and_is_told_once(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.add(HoldRow(case_id="L-1.1", loan_id="L-1", reason="dispute", placed_at=at(3, 9)))
        first = await house.contact(to_borrower(), TEN)
        assert (first.verdict, first.rules) == ("deny", ("AR-04",))
        assert first.news == (HoldPlaced(at=at(3, 9), reason="dispute"),)
        second = await house.contact(to_borrower(), LATER)
        assert (second.verdict, second.news) == ("deny", ())
        assert left(world) == []

    async def test_that_has_ended_or_was_lifted_stops_nothing(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.add(
            HoldRow(case_id="L-1.1", loan_id="L-1", reason="dispute", placed_at=at(2, 9), until=TEN),
            HoldRow(case_id="L-1.1", loan_id="L-1", reason="hardship", placed_at=at(2, 9), lifted_at=at(3, 9)),
        )
        assert (await house.contact(to_borrower(), TEN)).verdict == "allow"

    async def test_that_stood_at_the_opening_is_no_news(self, house: House) -> None:
        await house.add(*person("P-9", "Somebody", zone="Asia/Shanghai", language="en"), point(9, "P-9", ContactKind.MOBILE, "+861"))
        held = loan("L-9", "P-9")
        held[0].held_for = "suspected-fraud"  # type: ignore[attr-defined]
        await house.add(*held)
        await house.open("L-9", run_key="run-9")
        report = await house.contact(to_borrower(case_id="L-9.1", loan_id="L-9", attempt_id="L-9.1/first.1"), TEN)
        assert (report.verdict, report.rules, report.news) == ("deny", ("AR-04",), ())


class TestTheAddress:
    async def test_the_reserve_line_is_used_only_when_it_is_asked_for(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.contact(to_borrower(), TEN)
        await house.contact(to_borrower(step="reserve.1", line=Line.RESERVE), TEN)
        assert [o.sent_to for o in world.sent()] == [NUMBER, "+8613000004321"]

    async def test_an_invalid_number_is_not_used_again_and_another_one_is(self, house: House, world: SandboxWorld) -> None:
        await house.add(point(6, "P-1", ContactKind.MOBILE, "+8613000007777"))
        await house.open()
        await house.contact(to_borrower(), TEN)
        async with house.ledger.session() as session:
            await attempts.settle(session, "L-1.1/first.1", Outcome.INVALID_NUMBER, TEN)
        await house.contact(to_borrower(step="second.1"), LATER)
        assert [o.sent_to for o in world.sent()] == [NUMBER, "+8613000007777"]

    async def test_without_a_valid_one_nothing_is_sent(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.contact(to_borrower(), TEN)
        async with house.ledger.session() as session:
            await attempts.settle(session, "L-1.1/first.1", Outcome.INVALID_NUMBER, TEN)
        report = await house.contact(to_borrower(step="second.1"), LATER)
        assert (report.verdict, report.rules) == ("deny", ("AR-03",))

    async def test_a_number_that_was_dialled_too_often_rests_while_another_may_be_called(self, house: House, world: SandboxWorld) -> None:
        await house.add(point(6, "P-1", ContactKind.LANDLINE, "+862100007777"))
        await house.open()
        for n in range(7):
            order = to_borrower(Channel.CALL, step=f"call.{n}")
            with suppress(WAITS):
                await house.contact(order, TEN + timedelta(minutes=n))
            async with house.ledger.session() as session:
                await attempts.settle(session, order.attempt_id, Outcome.NO_ANSWER, TEN)
        assert [o.sent_to for o in world.sent()] == [NUMBER] * 6 + ["+862100007777"]

    async def test_an_opt_out_closes_the_channel(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        async with house.ledger.session() as session:
            await attempts.opt_out(session, "P-1", Channel.EMAIL, at(3, 9), "test", at(3, 9))
        report = await house.contact(to_borrower(Channel.EMAIL), TEN)
        assert (report.verdict, report.rules) == ("deny", ("CN-16",))
        assert (await house.contact(to_borrower(), TEN)).verdict == "allow"


class TestTheLaw:
    async def test_it_applies_in_its_newest_version_to_cases_that_run(
        self, settings: Settings, tmp_path: Path, world: SandboxWorld
    ) -> None:
        regimes = tmp_path / "regimes"
        shutil.copytree(settings.regimes_dir, regimes)
        async with lender(settings.model_copy(update={"regimes_dir": regimes})) as house:
            await settle_in(house)
            await house.open()
            assert (await house.contact(to_borrower(), at(3, 20))).verdict == "allow"
            law = (regimes / "cn.yaml").read_text(encoding="utf-8")
            (regimes / "cn.yaml").write_text(
                law.replace("version: 2", "version: 3").replace('end: "22:00"', 'end: "19:00"'), encoding="utf-8"
            )
            assert (await house.contact(to_borrower(step="second.1"), at(3, 20))).verdict == "defer"
            spoke = [[(r["name"], r["version"]) for r in v.regimes or ()] for v in await house.verdict_rows()]
            assert spoke == [[("cn", 2)], [("cn", 3)]]

    async def test_while_it_cannot_be_read_every_contact_waits(self, settings: Settings, tmp_path: Path, world: SandboxWorld) -> None:
        regimes = tmp_path / "regimes"
        shutil.copytree(settings.regimes_dir, regimes)
        async with lender(settings.model_copy(update={"regimes_dir": regimes})) as house:
            await settle_in(house)
            await house.open()
            (regimes / "cn.yaml").write_text("regime: cn\nversion: two\n", encoding="utf-8")
            report = await house.contact(to_borrower(), TEN)
            assert (report.verdict, report.rules, report.until) == ("defer", ("AR-07",), TEN + timedelta(hours=1))
            assert left(world) == []

    async def test_a_message_that_cannot_be_written_is_not_sent(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        report = await house.contact(to_borrower(message="no-such-message"), TEN)
        assert (report.verdict, report.rules) == ("deny", ("AR-06",))

    async def test_an_unknown_zone_denies(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        async with house.ledger.session() as session:
            person = await session.get(PersonRow, "P-1")
            assert person is not None
            person.zone = None
            session.add(person)
        report = await house.contact(to_borrower(), TEN)
        assert report.verdict == "deny"
        assert "CN-01" in report.rules


async def test_caps_count_all_loans_of_a_person(house: House, world: SandboxWorld) -> None:
    await house.add(*loan("L-2"))
    await house.open()
    await house.open("L-2", run_key="run-2")
    on_first = [await house.contact(to_borrower(step=f"s.{n}"), TEN) for n in range(2)]
    on_second = await house.contact(to_borrower(case_id="L-2.1", loan_id="L-2", attempt_id="L-2.1/s.1"), TEN)
    assert [r.verdict for r in on_first] == ["allow", "allow"]
    assert (on_second.verdict, on_second.rules, on_second.until) == ("defer", ("CN-07",), at(4, 8))


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (to_borrower(loan_id="L-404"), "LoanUnknown"),
        (to_borrower(case_id="L-1.9"), "CaseUnknown"),
        (to_borrower(person_id="P-404"), "PersonUnknown"),
    ],
)
async def test_an_order_that_names_what_does_not_exist_is_refused_for_good(house: House, order: object, kind: str) -> None:
    await house.open()
    with pytest.raises(ApplicationError) as refused:
        await house.run("contact", order, TEN)
    assert (refused.value.type, refused.value.non_retryable) == (kind, True)
