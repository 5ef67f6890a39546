"""An attempt's way from the reserved slot to its outcome, on both databases."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from sqlmodel import col, select

from arrears.domain.outcome import Outcome
from arrears.domain.person import Relation, WishKind
from arrears.domain.strategy import Channel
from arrears.ledger import attempts
from arrears.ledger.attempts import AttemptUnknown, Settled
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import AttemptRow, ContactPointRow, RelationRow, WishRow
from tests.ledger.scene import HASH, NOW, approval, attempt, later, lend, named, open_case, store

ID = "L-1.1/first-sms.1"


@pytest.fixture
async def reserved(ledger: Ledger) -> Ledger:
    """A ledger in which one attempt is reserved."""
    await lend(ledger)
    await open_case(ledger)
    await store(ledger, attempt())
    return ledger


async def settle(ledger: Ledger, outcome: Outcome, at: datetime = NOW, attempt_id: str = ID) -> Settled:
    async with ledger.exclusive() as session:
        return await attempts.settle(session, attempt_id, outcome, at, "gw-7")


async def mark_sent(ledger: Ledger, token: bytes | None = None) -> bool:
    async with ledger.exclusive() as session:
        return await attempts.mark_sent(session, ID, later(seconds=1), token)


async def row(ledger: Ledger, attempt_id: str = ID) -> AttemptRow:
    async with ledger.reading() as session:
        found = await session.get(AttemptRow, attempt_id)
    assert found is not None
    return found


class TestSending:
    async def test_may_be_begun_by_one_only(self, reserved: Ledger) -> None:
        assert sorted(await asyncio.gather(*(mark_sent(reserved) for _ in range(5)))) == [False] * 4 + [True]

    async def test_keeps_who_waits_for_the_outcome(self, reserved: Ledger) -> None:
        await mark_sent(reserved, b"token")
        found = await row(reserved)
        assert (found.state, found.sent_at, found.task_token) == ("sent", later(seconds=1), b"token")

    async def test_that_surely_failed_leaves_a_reserved_slot(self, reserved: Ledger) -> None:
        await mark_sent(reserved, b"token")
        async with reserved.exclusive() as session:
            await attempts.mark_unsent(session, ID)
        found = await row(reserved)
        assert (found.state, found.sent_at, found.task_token) == ("reserved", None, None)

    async def test_cannot_be_begun_once_the_slot_was_given_up(self, reserved: Ledger) -> None:
        async with reserved.exclusive() as session:
            await attempts.cancel_reserved(session, ID, NOW)
        assert not await mark_sent(reserved)

    async def test_is_not_given_up_once_it_may_have_left(self, reserved: Ledger) -> None:
        await mark_sent(reserved)
        async with reserved.exclusive() as session:
            await attempts.cancel_reserved(session, ID, NOW)
            await attempts.cancel_reserved(session, "L-1.1/never-reserved.1", NOW)
        assert (await row(reserved)).state == "sent"


class TestSettling:
    async def test_hands_out_the_token_once(self, reserved: Ledger) -> None:
        await mark_sent(reserved, b"token")
        first, again = await settle(reserved, Outcome.DELIVERED), await settle(reserved, Outcome.DELIVERED)
        assert (first.changed, first.task_token, again.changed, again.task_token) == (True, b"token", False, None)

    async def test_by_many_at_once_changes_one(self, reserved: Ledger) -> None:
        await mark_sent(reserved, b"token")
        settled = await asyncio.gather(*(settle(reserved, o) for o in (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL)))
        assert [s.task_token for s in settled if s.changed] == [b"token"]
        assert len({s.report.outcome for s in settled}) == 1

    async def test_keeps_the_first_outcome(self, reserved: Ledger) -> None:
        await mark_sent(reserved)
        await settle(reserved, Outcome.NO_ANSWER, later(minutes=1))
        await settle(reserved, Outcome.ANSWERED_WILLING, later(minutes=2))
        found = await row(reserved)
        assert (found.outcome, found.settled_at, found.gateway_ref) == (Outcome.NO_ANSWER, later(minutes=1), "gw-7")

    async def test_lets_unknown_give_way_to_what_is_known(self, reserved: Ledger) -> None:
        await mark_sent(reserved)
        await settle(reserved, Outcome.UNKNOWN)
        assert not (await settle(reserved, Outcome.UNKNOWN)).changed
        assert (await settle(reserved, Outcome.NO_ANSWER)).changed
        assert (await row(reserved)).outcome is Outcome.NO_ANSWER

    @pytest.mark.parametrize(("outcome", "left"), [(Outcome.DELIVERED, True), (Outcome.NOT_SENT, False), (Outcome.FAILED, False)])
    async def test_knows_what_never_left(self, reserved: Ledger, outcome: Outcome, left: bool) -> None:
        await settle(reserved, outcome)
        assert ((await row(reserved)).sent_at is not None) is left

    async def test_of_an_unknown_attempt_is_an_error(self, reserved: Ledger) -> None:
        with pytest.raises(AttemptUnknown, match="there is no attempt L-9"):
            await settle(reserved, Outcome.DELIVERED, attempt_id="L-9.1/first.1")

    async def test_says_whose_case_it_was(self, reserved: Ledger) -> None:
        settled = await settle(reserved, Outcome.DELIVERED)
        assert (settled.case_id, settled.loan_id, settled.channel, settled.to_borrower) == ("L-1.1", "L-1", Channel.SMS, True)


class TestConsequences:
    async def test_an_invalid_number_is_marked_from_then_on(self, reserved: Ledger) -> None:
        await settle(reserved, Outcome.INVALID_NUMBER, later(minutes=1))
        async with reserved.reading() as session:
            number = await session.get(ContactPointRow, 1)
        assert number is not None
        assert number.invalid_since == later(minutes=1)

    async def test_a_relatives_refusal_stands_on_every_loan_that_names_them(self, reserved: Ledger) -> None:
        await lend(reserved, "L-2")
        to_sister = attempt("L-1.1/relatives.1/P-1", person_id="P-1", contact_point_id=2, purpose="relay", approval_id="L-1.1/relatives.1")
        await store(reserved, approval(), named(), to_sister)
        settled = await settle(reserved, Outcome.RELATIVE_REFUSED, attempt_id=to_sister.id)
        assert not settled.to_borrower
        async with reserved.reading() as session:
            sister = [await session.get(RelationRow, (loan_id, "P-1")) for loan_id in ("L-1", "L-2")]
            friend = await session.get(RelationRow, ("L-1", "P-2"))
        assert [(r.role, r.refused_at) for r in sister if r] == [(Relation.EMERGENCY, NOW)] * 2
        assert friend is not None
        assert friend.refused_at is None

    async def test_an_opt_out_is_a_wish_about_the_channel_written_once(self, reserved: Ledger) -> None:
        async with reserved.exclusive() as session:
            await attempts.opt_out(session, "B-1", Channel.EMAIL, NOW, "test", NOW)
            for _ in range(2):
                await attempts.opt_out(session, "P-1", Channel.SMS, NOW, "test", NOW)
        async with reserved.reading() as session:
            wishes = (await session.exec(select(WishRow).order_by(col(WishRow.id)))).all()
        assert [(w.person_id, w.kind, w.channel, w.at) for w in wishes] == [
            ("B-1", WishKind.NO_MEDIUM, Channel.EMAIL, NOW),
            ("P-1", WishKind.NO_MEDIUM, Channel.SMS, NOW),
        ]


async def test_the_history_of_a_loan_is_told_in_order(reserved: Ledger) -> None:
    await store(reserved, attempt("L-1.1/zero.1", reserved_at=later(hours=-1), content_hash=HASH))
    async with reserved.reading() as session:
        assert [a.id for a in await attempts.history(session, "L-1")] == ["L-1.1/zero.1", ID]
