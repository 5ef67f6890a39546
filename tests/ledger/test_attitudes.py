"""How borrowers stand towards their debts, as operators see it beside a request: by what they answered to us and to others, and by what they paid."""

from __future__ import annotations

import pytest
from sqlmodel import SQLModel

from arrears.domain.attitude import Attitude
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel
from arrears.ledger import loans
from arrears.ledger.attitudes import attitudes
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import CaseEventRow
from tests.ledger.scene import later, lend, open_case, payment, settled, store

CASE = "L-1.1"


async def judged(ledger: Ledger, *rows: SQLModel) -> Attitude:
    await lend(ledger)
    await open_case(ledger)
    await store(ledger, *rows)
    async with ledger.reading() as session:
        return (await attitudes(session, {CASE}))[CASE]


def call(step: str, outcome: Outcome, hours: int, **more: object) -> SQLModel:
    return settled(f"{CASE}/{step}", outcome, later(hours=hours), channel=Channel.CALL, **more)


def reported(outcome: Outcome, hours: int, party: str = "borrower") -> CaseEventRow:
    at = later(hours=hours)
    body = {"kind": "contact_reported", "channel": "call", "outcome": outcome, "party": party, "at": at.isoformat()}
    return CaseEventRow(case_id=CASE, event_key=f"report/{hours}", kind="contact_reported", at=at, body=body, recorded_at=at)


async def test_who_never_answered_is_unknown(ledger: Ledger) -> None:
    assert await judged(ledger, call("a.1", Outcome.NO_ANSWER, 1)) is Attitude.UNKNOWN


async def test_what_was_answered_to_our_calls_counts_the_last_answer_most(ledger: Ledger) -> None:
    said = [call("a.1", Outcome.ANSWERED_WILLING, 1), call("b.1", Outcome.ANSWERED_REFUSING, 25), call("c.1", Outcome.NO_ANSWER, 49)]
    assert await judged(ledger, *said) is Attitude.REFUSING


@pytest.mark.parametrize(("hours", "attitude"), [(2, Attitude.DELAYING), (0, Attitude.REFUSING)])
async def test_what_others_report_counts_in_its_order(ledger: Ledger, hours: int, attitude: Attitude) -> None:
    said = [call("a.1", Outcome.ANSWERED_REFUSING, 1), reported(Outcome.ANSWERED_DELAYING, hours)]
    assert await judged(ledger, *said) is attitude


async def test_what_a_relative_says_is_not_the_borrowers(ledger: Ledger) -> None:
    said = [
        call("a.1/P-1", Outcome.ANSWERED_REFUSING, 1, person_id="P-1", contact_point_id=None),
        reported(Outcome.ANSWERED_REFUSING, 2, "relative"),
    ]
    assert await judged(ledger, *said) is Attitude.UNKNOWN


async def test_money_that_came_since_makes_who_delays_willing(ledger: Ledger) -> None:
    assert await judged(ledger, call("a.1", Outcome.ANSWERED_DELAYING, 1)) is Attitude.DELAYING
    async with ledger.exclusive() as session:
        await loans.record_payment(session, "L-1", payment(received_at=later(hours=3)), "api", later(hours=3))
    async with ledger.reading() as session:
        assert (await attitudes(session, {CASE}))[CASE] is Attitude.WILLING
