"""Who may decide what, until when; and what a decision that does not count is answered."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from arrears.domain.orders import ApprovalOrder, ApprovalRef, DecisionCheck, DecisionOrder, Purpose
from arrears.domain.strategy import Channel, Role
from arrears.ledger import approvals
from arrears.ledger.approvals import ApprovalUnknown
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import ApprovalRow, ApprovalState, OperatorRow
from tests.ledger.scene import HASH, NOW, OTHER_HASH, later, lend, open_case

ID = "L-1.1/relatives.1/ask.1"
DEADLINE = later(hours=48)


def order(approval_id: str = ID, **more: Any) -> ApprovalOrder:
    given: dict[str, Any] = {
        "case_id": "L-1.1",
        "loan_id": "L-1",
        "approval_id": approval_id,
        "step": "relatives.1",
        "role": Role.SUPERVISOR,
        "remind_at": later(hours=24),
        "deadline": DEADLINE,
        "purpose": Purpose.RELAY,
        "channel": Channel.CALL,
        "message": "relay-message",
        "most_people": 2,
    }
    return ApprovalOrder.model_validate(given | more)


@pytest.fixture
async def asked(ledger: Ledger) -> Ledger:
    """A ledger in which a supervisor was asked about two relatives."""
    await lend(ledger)
    await open_case(ledger)
    await ask(ledger)
    return ledger


async def ask(ledger: Ledger, approval: ApprovalOrder | None = None, **more: Any) -> tuple[str, ...]:
    given: dict[str, Any] = {"contents": {"P-2": OTHER_HASH, "P-1": HASH}, "evidence": {"failed_calls": 3}, "now": NOW}
    async with ledger.session() as session:
        return await approvals.ask(session, approval or order(), **(given | more))


async def decide(ledger: Ledger, decision: str = "approve", operator: str = "sue", at: datetime = NOW, **more: Any) -> DecisionCheck:
    given: dict[str, Any] = {"case_id": "L-1.1", "approval_id": ID, "decision": decision, "operator": operator, "reason": "lost contact"}
    async with ledger.session() as session:
        return await approvals.check_decision(session, DecisionOrder.model_validate(given | more), at)


async def stored(ledger: Ledger) -> ApprovalRow:
    async with ledger.reading() as session:
        return await approvals.approval(session, ID)


async def test_a_request_names_people_each_with_the_text_for_them(asked: Ledger) -> None:
    async with asked.reading() as session:
        (request,) = await approvals.open_approvals(session, NOW)
        assert await approvals.people(session, ID) == {"P-1": HASH, "P-2": OTHER_HASH}

    assert (request.approval_id, request.loan_id, request.role, request.people) == (ID, "L-1", Role.SUPERVISOR, ("P-1", "P-2"))
    assert (request.purpose, request.message, request.evidence) == (Purpose.RELAY, "relay-message", {"failed_calls": 3})


async def test_asking_again_changes_nothing(asked: Ledger) -> None:
    people = await ask(asked, order(role=Role.RISK_CONTROL), contents={"P-1": OTHER_HASH}, evidence={}, now=later(hours=1))

    assert people == ("P-1", "P-2")
    row = await stored(asked)
    assert (row.role, row.evidence, row.asked_at) == (Role.SUPERVISOR, {"failed_calls": 3}, NOW)


async def test_a_request_about_no_person_names_none(asked: Ledger) -> None:
    assert await ask(asked, order("L-1.1/lawsuit.1/ask.1", purpose=None, message=None), contents={}) == ()


@pytest.mark.parametrize(("decision", "state"), [("approve", ApprovalState.APPROVED), ("deny", ApprovalState.DENIED)])
async def test_a_decision_by_whom_the_request_asks_counts(asked: Ledger, decision: str, state: ApprovalState) -> None:
    check = await decide(asked, decision, at=later(hours=2))

    assert check == DecisionCheck(counts=True, at=later(hours=2))
    row = await stored(asked)
    assert (row.state, row.decided_by, row.decided_at) == (state, "sue", later(hours=2))
    async with asked.reading() as session:
        assert await approvals.reason(session, row) == "lost contact"


async def test_the_same_decision_by_the_same_operator_counts_again_as_of_the_first_time(asked: Ledger) -> None:
    await decide(asked, at=later(hours=1))

    assert await decide(asked, at=later(hours=60)) == DecisionCheck(counts=True, at=later(hours=1))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"approval_id": "nothing"}, "approval nothing does not exist"),
        ({"case_id": "L-2.1"}, f"approval {ID} belongs to another case"),
        ({"operator": "nobody"}, "operator nobody does not exist"),
        ({"operator": "gone"}, "operator gone is not active"),
        ({"operator": "rob"}, "operator rob is risk_control, but supervisor must decide"),
        ({"at": DEADLINE}, f"approval {ID} was to be decided before 2026-11-23T09:00:00+00:00"),
    ],
)
async def test_a_decision_does_not_count(asked: Ledger, how: dict[str, Any], why: str) -> None:
    check = await decide(asked, **how)

    assert (check.counts, check.why) == (False, why)
    assert (await stored(asked)).state is ApprovalState.OPEN


@pytest.mark.parametrize("role", [Role.COLLECTOR, Role.AUDITOR, Role.ADMIN, Role.RISK_CONTROL])
async def test_no_other_role_decides_what_a_supervisor_is_asked(asked: Ledger, role: Role) -> None:
    async with asked.session() as session:
        session.add(OperatorRow(id="other", name="Other", role=role))

    assert not (await decide(asked, operator="other")).counts


async def test_nobody_decides_their_own_request(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await ask(ledger, requested_by="sue")

    assert (await decide(ledger)).why == "operator sue requested it and may not decide it"


@pytest.mark.parametrize(("first", "second"), [("approve", "deny"), ("deny", "approve")])
async def test_a_decision_that_was_taken_stands(asked: Ledger, first: str, second: str) -> None:
    await decide(asked, first)

    check = await decide(asked, second)

    assert not check.counts
    assert "already" in (check.why or "")


async def test_of_two_decisions_at_the_same_time_one_counts(asked: Ledger) -> None:
    checks = await asyncio.gather(decide(asked, "approve"), decide(asked, "deny"))

    assert sorted(check.counts for check in checks) == [False, True]


async def test_a_request_that_nobody_decides_expires_and_cannot_be_decided_after(asked: Ledger) -> None:
    async with asked.session() as session:
        await approvals.expire(session, ID)

    assert (await stored(asked)).state is ApprovalState.EXPIRED
    assert (await decide(asked)).why == f"approval {ID} is expired already"


@pytest.mark.parametrize("granted_before", [False, True])
async def test_a_request_or_grant_that_events_overtook_is_void(asked: Ledger, granted_before: bool) -> None:
    if granted_before:
        await decide(asked)
    async with asked.session() as session:
        await approvals.retract(session, ApprovalRef(case_id="L-1.1", approval_id=ID, why="a payment came"), later(hours=3))

    row = await stored(asked)
    assert (row.state, row.why_void, row.void_at) == (ApprovalState.VOID, "a payment came", later(hours=3))
    assert (row.decided_by is not None) == granted_before
    assert not (await decide(asked, "approve", at=later(hours=4))).counts


async def test_a_denial_stays_a_denial(asked: Ledger) -> None:
    await decide(asked, "deny")
    async with asked.session() as session:
        await approvals.retract(session, ApprovalRef(case_id="L-1.1", approval_id=ID, why="a payment came"), NOW)
        await approvals.expire(session, ID)

    assert (await stored(asked)).state is ApprovalState.DENIED


async def test_operators_are_reminded_of_an_open_request_once(asked: Ledger) -> None:
    async with asked.session() as session:
        assert await approvals.remind(session, ID, later(hours=24))
        assert await approvals.remind(session, ID, later(hours=25))
    assert (await stored(asked)).reminded_at == later(hours=24)

    await decide(asked, at=later(hours=26))
    async with asked.session() as session:
        assert not await approvals.remind(session, ID, later(hours=27))


async def test_the_list_of_open_requests_leaves_out_what_cannot_be_decided_any_more(asked: Ledger) -> None:
    await ask(asked, order("urgent", remind_at=later(hours=1), deadline=later(hours=2)))
    async with asked.reading() as session:
        assert [r.approval_id for r in await approvals.open_approvals(session, NOW)] == ["urgent", ID]
        assert [r.approval_id for r in await approvals.open_approvals(session, later(hours=2))] == [ID]
        assert await approvals.open_approvals(session, DEADLINE) == []
        assert await approvals.open_approvals(session, NOW, loan_id="L-2") == []


async def test_what_is_done_to_an_unknown_request_is_refused(ledger: Ledger) -> None:
    async with ledger.session() as session:
        for refused in (
            approvals.approval(session, "nothing"),
            approvals.remind(session, "nothing", NOW),
            approvals.expire(session, "nothing"),
            approvals.retract(session, ApprovalRef(case_id="L-1.1", approval_id="nothing"), NOW),
        ):
            with pytest.raises(ApprovalUnknown, match="approval nothing is not in the ledger"):
                await refused
