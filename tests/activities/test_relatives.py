"""Relatives are asked only when contact is lost, with a human's yes to exactly that, without a word about the debt, and never after a no."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from sqlmodel import select

from arrears.config.settings import PACKAGED, Settings
from arrears.domain.orders import ApprovalRef, DecisionOrder, Purpose
from arrears.domain.outcome import Outcome
from arrears.domain.person import Relation
from arrears.domain.strategy import Channel, Referral, Role
from arrears.ledger import attempts, reported
from arrears.ledger.reported import Heard
from arrears.ledger.tables import ApprovalPersonRow, ApprovalRow, ApprovalState, ContactKind, Direction, RelationRow
from arrears.sandbox.world import SandboxWorld
from tests.activities.conftest import lender
from tests.activities.house import (
    NAME,
    NUMBER,
    RELATIVE_NAME,
    RELATIVE_NUMBER,
    WAITS,
    House,
    about_relatives,
    at,
    loan,
    point,
    settle_in,
    to_relative,
)
from tests.sealing import person

ASKED, DECIDED, TEN = at(5, 9), at(5, 9, 30), at(5, 10)
YES = DecisionOrder(case_id="L-1.1", approval_id="L-1.1/relatives.1/a1", decision="approve", operator="op-1")


async def granted(house: House) -> None:
    """Contact is lost, a supervisor was asked and agreed."""
    await house.open()
    await house.lose_contact()
    answer = await house.run("request_approval", about_relatives(), ASKED)
    assert answer.asked
    assert (await house.run("check_decision", YES, DECIDED)).counts


async def request(house: House) -> ApprovalRow:
    async with house.ledger.reading() as session:
        return (await session.exec(select(ApprovalRow))).one()


class TestAsking:
    async def test_names_whom_an_approval_would_let_us_contact_and_binds_them_to_their_text(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        answer = await house.run("request_approval", about_relatives(), ASKED)
        assert (answer.asked, answer.people, answer.rules) == (True, ("P-2",), ())
        row = await request(house)
        assert (row.state, row.role, row.purpose, row.message) == ("open", Role.SUPERVISOR, Purpose.RELAY, "relay-request")
        async with house.ledger.reading() as session:
            (named,) = list(await session.exec(select(ApprovalPersonRow)))
        assert (named.person_id, len(named.content_hash)) == ("P-2", 64)

    async def test_shows_the_evidence_without_a_name_or_number(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        await house.run("request_approval", about_relatives(), ASKED)
        evidence = (await request(house)).evidence
        assert [c["outcome"] for c in evidence["lost_contact"]] == ["no_answer"] * 3
        assert (evidence["owed"], evidence["days_past_due"]) == ("500.00 CNY", 4)
        assert all(instant.endswith("Z") for instant in (evidence["deadline"], *(c["at"] for c in evidence["lost_contact"])))
        assert not any(private in str(evidence) for private in (NAME, NUMBER, RELATIVE_NAME, RELATIVE_NUMBER))

    async def test_twice_finds_the_request_that_stands(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        first = await house.run("request_approval", about_relatives(), ASKED)
        again = await house.run("request_approval", about_relatives(), ASKED + timedelta(minutes=1), attempt=2)
        assert (first.people, again.people) == (("P-2",), ("P-2",))
        assert (await request(house)).asked_at == ASKED

    async def test_at_night_is_no_reason_not_to_ask(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        assert (await house.run("request_approval", about_relatives(), at(4, 23))).asked

    async def test_names_the_closest_first_and_no_more_than_wanted(self, house: House) -> None:
        await house.add(
            *person("P-3", "A Friend", zone="Asia/Shanghai", language="en"),
            point(6, "P-3", ContactKind.MOBILE, "+8613000009999", legal_basis="named_by_borrower"),
            RelationRow(loan_id="L-1", person_id="P-3", role=Relation.CONTACT),
        )
        await house.open()
        await house.lose_contact()
        answer = await house.run("request_approval", about_relatives(most_people=1), ASKED)
        assert answer.people == ("P-2",)
        other = about_relatives(most_people=5, approval_id="L-1.1/relatives.1/a2")
        assert (await house.run("request_approval", other, ASKED)).people == ("P-2", "P-3")

    async def test_is_no_use_while_contact_is_not_lost(self, house: House) -> None:
        await house.open()
        answer = await house.run("request_approval", about_relatives(), ASKED)
        assert (answer.asked, answer.rules) == (False, ("CN-10", "CN-11"))
        assert await house.verdicts() == [("deny", ("CN-10", "CN-11"))]

    async def test_to_collect_from_them_or_tell_them_of_the_debt_is_denied_whoever_would_approve(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        as_published = about_relatives(purpose=Purpose.COLLECT, message="tell-relatives")
        answer = await house.run("request_approval", as_published, ASKED)
        assert (answer.asked, answer.rules) == (False, ("CN-12", "CN-08"))

    async def test_passes_over_who_refused_or_is_a_child(self, house: House) -> None:
        await house.add(
            *person("P-3", "A Child", zone="Asia/Shanghai", language="en", birth_date=date(2013, 1, 1)),
            point(6, "P-3", ContactKind.MOBILE, "+8613000009999", legal_basis="named_by_borrower"),
            RelationRow(loan_id="L-1", person_id="P-3", role=Relation.CONTACT),
        )
        await house.open()
        await house.lose_contact()
        async with house.ledger.session() as session:
            sister = await session.get(RelationRow, ("L-1", "P-2"))
            assert sister is not None
            sister.refused_at = at(4, 12)
            session.add(sister)
        answer = await house.run("request_approval", about_relatives(), ASKED)
        assert (answer.asked, answer.rules) == (False, ("CN-13", "CN-65"))
        assert await house.verdicts() == [("deny", ("CN-13",)), ("deny", ("CN-65",))]

    async def test_is_no_use_if_the_borrower_named_nobody(self, house: House) -> None:
        await house.add(*person("P-9", "Alone", zone="Asia/Shanghai", language="en"), *loan("L-9", "P-9"))
        await house.open("L-9", run_key="run-9")
        alone = about_relatives(case_id="L-9.1", loan_id="L-9", approval_id="L-9.1/relatives.1/a1")
        answer = await house.run("request_approval", alone, ASKED)
        assert (answer.asked, answer.rules) == (False, ("AR-03",))
        assert await house.verdicts("L-9") == [("deny", ("AR-03",))]

    async def test_about_a_referral_needs_money_owed_and_names_nobody(self, house: House) -> None:
        await house.open()
        sale = about_relatives(purpose=None, channel=None, message=None, most_people=0, referral=Referral.DEBT_SALE)
        assert (await house.run("request_approval", sale, ASKED)).people == ()
        assert (await request(house)).evidence["referral"] == "debt_sale"
        await house.pay("500.00", at(5, 8))
        second = sale.model_copy(update={"approval_id": "L-1.1/sale.1/a2"})
        answer = await house.run("request_approval", second, ASKED)
        assert (answer.asked, answer.rules) == (False, ("AR-01",))


class TestDeciding:
    async def test_counts_for_an_operator_whose_role_allows_it(self, house: House) -> None:
        await granted(house)
        assert (await request(house)).decided_by == "op-1"

    async def test_by_nobody_we_know_does_not_count(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        await house.run("request_approval", about_relatives(), ASKED)
        check = await house.run("check_decision", YES.model_copy(update={"operator": "stranger"}), DECIDED)
        assert not check.counts
        assert "stranger" in check.why

    async def test_reminds_once_and_retracts(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        await house.run("request_approval", about_relatives(), ASKED)
        ref = ApprovalRef(case_id="L-1.1", approval_id="L-1.1/relatives.1/a1", why="a payment arrived")
        await house.run("remind_approvers", ref, at(6, 9))
        await house.run("retract_approval", ref, at(6, 10))
        row = await request(house)
        assert (row.reminded_at, row.state, row.why_void) == (at(6, 9), ApprovalState.VOID, "a payment arrived")


class TestContacting:
    async def test_leaves_with_the_words_that_were_approved_and_nothing_about_the_debt(self, house: House, world: SandboxWorld) -> None:
        await granted(house)
        with suppress(WAITS):
            await house.contact(to_relative(), TEN)
        (order,) = world.sent()
        assert (order.key, order.sent_to, order.whom, order.sends) == ("L-1.1/relatives.1/P-2", RELATIVE_NUMBER, "relative", 1)
        assert not any(word in order.body for word in ("逾期", "欠", "借款", "还款", "500"))
        assert (await house.attempt(order.key)).approval_id == "L-1.1/relatives.1/a1"

    async def test_without_an_approval_nothing_leaves(self, house: House, world: SandboxWorld) -> None:
        await house.open()
        await house.lose_contact()
        report = await house.contact(to_relative(approval_id=None), TEN)
        assert (report.verdict, report.rules) == ("deny", ("AR-02",))
        assert await house.verdicts() == [("needs_approval", ("AR-02",))]
        assert world.sent() == ()

    async def test_after_the_grant_was_retracted_nothing_leaves(self, house: House, world: SandboxWorld) -> None:
        await granted(house)
        ref = ApprovalRef(case_id="L-1.1", approval_id="L-1.1/relatives.1/a1", why="the borrower answered")
        await house.run("retract_approval", ref, DECIDED)
        assert (await house.contact(to_relative(), TEN)).rules == ("AR-02",)
        assert world.sent() == ()

    async def test_for_another_purpose_or_person_the_grant_does_not_count(self, house: House, world: SandboxWorld) -> None:
        await house.add(
            *person("P-3", "A Friend", zone="Asia/Shanghai", language="en"),
            point(6, "P-3", ContactKind.MOBILE, "+8613000009999", legal_basis="named_by_borrower"),
        )
        await granted(house)
        await house.add(RelationRow(loan_id="L-1", person_id="P-3", role=Relation.CONTACT))
        elsewhere = to_relative(purpose=Purpose.LOCATE)
        assert (await house.contact(elsewhere, TEN)).rules == ("AR-02",)
        friend = to_relative(person_id="P-3", attempt_id="L-1.1/relatives.1/P-3")
        assert (await house.contact(friend, TEN)).rules == ("AR-02",)
        assert world.sent() == ()

    async def test_other_words_than_the_approved_ones_do_not_leave(self, settings: Settings, tmp_path: Path, world: SandboxWorld) -> None:
        async with lender(settings) as house:
            await settle_in(house)
            await granted(house)
        messages = tmp_path / "messages"
        shutil.copytree(PACKAGED / "messages", messages)
        text = messages / "zh-CN" / "relay-request.txt"
        text.write_text(text.read_text(encoding="utf-8").replace("冒昧打扰", "打扰了"), encoding="utf-8")
        async with lender(settings.model_copy(update={"messages_dir": messages})) as house:
            assert (await house.contact(to_relative(), TEN)).rules == ("AR-02",)
        assert world.sent() == ()

    async def test_once_the_borrower_has_answered_the_grant_has_lapsed(self, house: House, world: SandboxWorld) -> None:
        await granted(house)
        async with house.ledger.session() as session:
            last = await attempts.find(session, "L-1.1/lost.3")
            assert last is not None
            last.outcome = Outcome.ANSWERED_WILLING
            session.add(last)
        assert (await house.contact(to_relative(), TEN)).rules == ("CN-10", "CN-11")
        assert world.sent() == ()

    async def test_a_payment_ends_lost_contact(self, house: House, world: SandboxWorld) -> None:
        await granted(house)
        await house.pay("10.00", DECIDED)
        report = await house.contact(to_relative(), TEN)
        assert (report.rules, len(report.news)) == (("AR-02", "AR-05", "CN-10", "CN-11"), 1)
        assert world.sent() == ()

    async def test_a_grant_is_void_once_the_borrower_is_reached_and_says_why(self, house: House, world: SandboxWorld) -> None:
        await granted(house)
        await house.add(*loan("L-2"))
        await house.pay("10.00", DECIDED + timedelta(minutes=1), "pay-9", loan_id="L-2")
        row = await request(house)
        assert (row.state, row.why_void, row.void_at) == (ApprovalState.VOID, "a payment arrived", DECIDED + timedelta(minutes=1))
        assert (await house.contact(to_relative(), TEN)).rules == ("AR-02", "CN-10", "CN-11")
        assert world.sent() == ()

    async def test_an_answer_that_an_agency_reports_ends_a_request_that_waits(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        await house.run("request_approval", about_relatives(), ASKED)
        async with house.ledger.exclusive() as session:
            heard = Heard(Channel.CALL, Direction.OUT, Outcome.ANSWERED_WILLING, ASKED + timedelta(minutes=5))
            await reported.record(session, "north", "c-1", "L-1", "P-1", heard, DECIDED)
        assert (await request(house)).why_void == "the borrower answered"
        late = await house.run("check_decision", YES, DECIDED)
        assert (late.counts, late.why) == (False, "approval L-1.1/relatives.1/a1 is void already")

    async def test_a_refusal_is_final_on_every_number_and_loan(self, house: House, world: SandboxWorld) -> None:
        await house.add(
            *loan("L-2"),
            RelationRow(loan_id="L-2", person_id="P-2", role=Relation.CONTACT),
            point(6, "P-2", ContactKind.LANDLINE, "+862100007777", legal_basis="named_by_borrower"),
        )
        await granted(house)
        with suppress(WAITS):
            await house.contact(to_relative(), TEN)
        async with house.ledger.exclusive() as session:
            await attempts.settle(session, "L-1.1/relatives.1/P-2", Outcome.RELATIVE_REFUSED, TEN)
        await house.open("L-2", run_key="run-2")
        again = about_relatives(case_id="L-2.1", loan_id="L-2", approval_id="L-2.1/relatives.1/a1", channel=Channel.SMS)
        answer = await house.run("request_approval", again, TEN)
        assert not answer.asked
        assert "CN-13" in answer.rules

    async def test_two_days_of_silence_are_needed(self, house: House) -> None:
        await house.open()
        await house.lose_contact()
        async with house.ledger.session() as session:
            last = await attempts.find(session, "L-1.1/lost.3")
            assert last is not None
            last.reserved_at = last.sent_at = at(3, 20)
            session.add(last)
        answer = await house.run("request_approval", about_relatives(), ASKED)
        assert answer.rules == ("CN-10", "CN-11")
