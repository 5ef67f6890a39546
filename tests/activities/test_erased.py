"""Nobody is contacted whose data are erased, or only kept because the law wants it."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel
from arrears.ledger.tables import SubjectKeyRow
from arrears.sandbox.world import SandboxWorld
from tests.activities.house import House, about_relatives, at, to_borrower, to_relative

TEN = at(3, 10)


async def forget(house: House, person_id: str, *, only_keep: bool) -> None:
    async with house.ledger.session() as session:
        key = (await session.exec(select(SubjectKeyRow).where(col(SubjectKeyRow.person_id) == person_id))).one()
        if only_keep:
            key.store_only_since = TEN
        else:
            key.wrapped_key, key.wrapped_by, key.destroyed_at, key.reason = None, None, TEN, "test"
        session.add(key)


@pytest.mark.parametrize("only_keep", [False, True], ids=["erased", "only kept"])
@pytest.mark.parametrize("channel", [Channel.CALL, Channel.SMS, Channel.EMAIL, Channel.IN_APP])
async def test_a_borrower_gets_nothing(house: House, world: SandboxWorld, channel: Channel, only_keep: bool) -> None:
    await house.open()
    await forget(house, "P-1", only_keep=only_keep)

    report = await house.contact(to_borrower(channel), TEN)

    assert report.verdict == "deny"
    assert not world.sent()
    assert await house.attempts() == []


async def test_a_relative_is_not_told_of_an_erased_borrower(house: House, world: SandboxWorld) -> None:
    await house.open()
    await house.lose_contact()
    await house.run("request_approval", about_relatives(), at(5, 9))
    await house.approve(about_relatives(), at(5, 10))
    await forget(house, "P-1", only_keep=False)

    report = await house.contact(to_relative(), at(5, 11))

    assert report.verdict == "deny"
    assert not world.sent()


async def test_nobody_is_asked_about_an_erased_relative(house: House) -> None:
    await house.open()
    await house.lose_contact()
    await forget(house, "P-2", only_keep=False)

    answer = await house.run("request_approval", about_relatives(), at(5, 9))

    assert (answer.asked, answer.people) == (False, ())


async def test_what_left_before_keeps_its_outcome(house: House, world: SandboxWorld) -> None:
    await house.open()
    await house.contact(to_borrower(), TEN)
    await forget(house, "P-1", only_keep=False)

    report = await house.contact(to_borrower(), at(3, 11), attempt=2, scheduled=TEN)

    assert report.outcome in (Outcome.DONE, Outcome.DELIVERED)
    assert len(world.sent()) == 1
