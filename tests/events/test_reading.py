"""What the ledger writes down becomes events: each fact once, in order, and nothing that was before."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from typing import Any

from arrears.domain.events import (
    ContactReported,
    Event,
    HoldLifted,
    HoldPlaced,
    PlanAgreed,
    PlanBroken,
    PromiseJudged,
    PromiseMade,
)
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral
from arrears.ledger import approvals, attempts, cases, facts, journal, loans, relays, work
from arrears.ledger.engine import Ledger
from arrears.ledger.events_out import outbox, reader
from arrears.ledger.events_out.kinds import read
from arrears.ledger.events_out.outbox import Wanted
from arrears.ledger.facts import FACT
from arrears.ledger.tables import ApprovalRow, AttemptState, CaseRow, PaymentReversalRow, ReferralRow
from arrears.workflows.messages import read as heard
from tests.events.listening import read_all, switch_on
from tests.ledger.scene import NOW, approval, attempt, later, lend, open_case, payment, store

DUE = date(2026, 11, 25)
PROMISE = PromiseMade.model_validate({"at": later(minutes=1), "amount": "500.00", "currency": "CNY", "due_on": DUE})


def judged(*, kept: bool, minutes: float = 2) -> PromiseJudged:
    return PromiseJudged.model_validate({"at": later(minutes=minutes), "amount": "500.00", "due_on": DUE, "kept": kept})


async def record(ledger: Ledger, *events: Event) -> None:
    for event in events:
        async with ledger.exclusive() as session:
            await journal.record_events(session, "L-1.1", "L-1", [event], event.at)


async def told(ledger: Ledger) -> list[dict[str, Any]]:
    """All events so far, each readable as its kind."""
    async with ledger.reading() as session:
        rows = await outbox.events(session, Wanted(), most=10_000)
    assert [row.kind for row in rows] == [read(row.body).type for row in rows]
    return [row.body for row in rows]


async def told_kinds(ledger: Ledger) -> list[str]:
    return [_word(body) for body in await told(ledger)]


async def fact(ledger: Ledger, after: float, sort: str, **said: Any) -> None:
    """A fact as the loan system tells it, so many hours into the scene; the cases hear of it at once."""
    at = later(hours=after)
    async with ledger.exclusive() as session:
        await facts.record(session, FACT.validate_json(json.dumps({"fact": sort, "at": at.isoformat(), **said})), at)
        for message in await relays.undelivered(session):
            assert message.id is not None
            case = await cases.open_case(session, message.loan_id)
            assert case is not None
            await journal.record_events(session, case.id, message.loan_id, [heard(message.name, message.body, at, None)], at)
            await relays.delivered(session, [message.id], at)


def _word(body: dict[str, Any]) -> str:
    data = body["data"]
    match body["type"]:
        case "case.stage_changed":
            return f"stage {data['before']} > {data['stage']}"
        case "contact.made" | "contact.outcome_known":
            return f"{body['type']} {data.get('outcome', '?')}"
        case "hold.lifted":
            return f"hold.lifted {data['because']}"
        case kind:
            return kind


async def a_case(ledger: Ledger) -> None:
    """A case that was opened while somebody listens."""
    await lend(ledger)
    await switch_on(ledger)
    await open_case(ledger)


async def test_what_was_before_the_first_reading_is_history(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await record(ledger, PROMISE)
    await switch_on(ledger)
    assert await read_all(ledger) == 0
    await record(ledger, judged(kept=True))
    await read_all(ledger)
    assert await told_kinds(ledger) == ["promise.kept", "stage promised > contacting"]


async def test_a_promise_that_was_kept_and_is_made_again_in_the_same_words_is_told_again(ledger: Ledger) -> None:
    await a_case(ledger)
    await record(ledger, PROMISE, judged(kept=True), PROMISE.model_copy(update={"at": later(minutes=3)}))
    await read_all(ledger)
    of_one = ["promise.made", "stage contacting > promised", "promise.kept", "stage promised > contacting"]
    assert await told_kinds(ledger) == ["case.opened", *of_one, *of_one[:2]]


async def test_a_promise_is_told_with_what_becomes_of_it(ledger: Ledger) -> None:
    await a_case(ledger)
    await record(ledger, PROMISE, judged(kept=False))
    await read_all(ledger)
    assert await told_kinds(ledger) == [
        "case.opened",
        "promise.made",
        "stage contacting > promised",
        "promise.broken",
        "stage promised > contacting",
    ]
    opened, made, *_ = await told(ledger)
    assert opened["data"] == {
        "loan_id": "L-1",
        "case_id": "L-1.1",
        "at": "2026-11-21T09:00:00Z",
        "strategy": "gentle",
        "strategy_version": 3,
    }
    assert made["data"] == {
        "loan_id": "L-1",
        "case_id": "L-1.1",
        "at": "2026-11-21T09:01:00Z",
        "amount": "500.00",
        "currency": "CNY",
        "due_on": "2026-11-25",
    }


async def test_reading_in_between_changes_nothing_of_what_is_told(ledger: Ledger) -> None:
    await a_case(ledger)
    for event in (PROMISE, judged(kept=False)):
        await read_all(ledger)
        await record(ledger, event)
    await read_all(ledger)
    assert [kind for kind in await told_kinds(ledger) if kind.startswith("stage")] == [
        "stage contacting > promised",
        "stage promised > contacting",
    ]


async def test_a_plan_and_a_hold_are_told_with_their_stages(ledger: Ledger) -> None:
    plan = PlanAgreed.model_validate({"at": later(minutes=1), "currency": "CNY", "instalments": [{"due_on": DUE, "amount": "800.00"}]})
    await a_case(ledger)
    await record(
        ledger,
        plan,
        HoldPlaced(at=later(minutes=2), reason="dispute"),
        HoldLifted(at=later(minutes=3), reason="dispute"),
        PlanBroken(at=later(minutes=4), due_on=DUE),
    )
    await read_all(ledger, later(minutes=5))
    assert (await told_kinds(ledger))[1:] == [
        "plan.agreed",
        "stage contacting > on_plan",
        "stage on_plan > on_hold",
        "hold.placed",
        "stage on_hold > on_plan",
        "hold.lifted lifted",
        "plan.broken",
        "stage on_plan > contacting",
    ]


async def test_a_hold_that_ends_by_itself_is_told_when_its_time_comes(ledger: Ledger) -> None:
    await a_case(ledger)
    await record(ledger, HoldPlaced(at=later(minutes=1), reason="illness", until=later(days=3)))
    await read_all(ledger, later(days=1))
    assert (await told_kinds(ledger))[1:] == ["stage contacting > on_hold", "hold.placed"]
    assert await read_all(ledger, later(days=3)) == 2
    assert await read_all(ledger, later(days=4)) == 0
    assert (await told_kinds(ledger))[3:] == ["hold.lifted ended", "stage on_hold > contacting"]
    assert (await told(ledger))[-1]["data"]["at"] == "2026-11-24T09:00:00Z"


async def test_a_track_is_a_stage_under_its_own_name(ledger: Ledger) -> None:
    await a_case(ledger)
    await record(ledger, HoldPlaced(at=later(minutes=1), reason="suspected_fraud"))
    await read_all(ledger, later(minutes=2), lambda _: (("fraud", "suspected_fraud"),))
    assert (await told_kinds(ledger))[1:] == ["stage contacting > fraud", "hold.placed"]


async def test_a_message_is_told_once_it_has_left_and_again_when_its_outcome_is_known(ledger: Ledger) -> None:
    await a_case(ledger)
    await store(ledger, attempt(state=AttemptState.SENT, sent_at=NOW))
    assert await read_all(ledger) == 1
    async with ledger.exclusive() as session:
        await attempts.taken(session, "L-1.1/first-sms.1", "g-1")
    await read_all(ledger)
    async with ledger.exclusive() as session:
        await attempts.settle(session, "L-1.1/first-sms.1", Outcome.DELIVERED, later(minutes=1))
    await read_all(ledger)
    assert (await told_kinds(ledger))[1:] == ["contact.made ?", "contact.outcome_known delivered"]
    assert (await told(ledger))[1]["data"] == {
        "loan_id": "L-1",
        "case_id": "L-1.1",
        "at": "2026-11-21T09:00:00Z",
        "contact_id": "L-1.1/first-sms.1",
        "by": "lender",
        "direction": "out",
        "party": "borrower",
        "channel": "sms",
        "purpose": "collect",
        "step": "first-sms.1",
    }


async def test_a_call_is_told_when_it_has_ended(ledger: Ledger) -> None:
    call = "L-1.1/call.1"
    await a_case(ledger)
    await store(ledger, attempt(call, channel=Channel.CALL, state=AttemptState.SENT, sent_at=NOW, gateway_ref="g-1"))
    await read_all(ledger)
    assert await told_kinds(ledger) == ["case.opened"]
    async with ledger.exclusive() as session:
        await attempts.settle(session, call, Outcome.UNKNOWN, later(minutes=1))
    await read_all(ledger)
    async with ledger.exclusive() as session:
        await attempts.settle(session, call, Outcome.NO_ANSWER, later(minutes=2))
    await read_all(ledger)
    assert (await told_kinds(ledger))[1:] == ["contact.made unknown", "contact.outcome_known no_answer"]


async def test_what_never_left_is_no_contact(ledger: Ledger) -> None:
    await a_case(ledger)
    await store(ledger, attempt())
    for outcome in (Outcome.NOT_SENT, Outcome.FAILED):
        await store(ledger, attempt(f"L-1.1/{outcome}.1", state=AttemptState.SETTLED, outcome=outcome, settled_at=NOW))
    await read_all(ledger)
    async with ledger.exclusive() as session:
        await attempts.cancel_reserved(session, "L-1.1/first-sms.1", NOW)
    await read_all(ledger)
    assert await told_kinds(ledger) == ["case.opened"]


async def test_a_contact_that_others_made_is_told_once_though_ledger_and_case_both_hear_of_it(ledger: Ledger) -> None:
    from arrears.ledger import reported
    from arrears.ledger.reported import Heard
    from arrears.ledger.tables import Direction

    await a_case(ledger)
    async with ledger.exclusive() as session:
        heard = Heard(Channel.CALL, Direction.IN, Outcome.ANSWERED, later(minutes=1))
        await reported.record(session, "lender", "c-1", "L-1", "B-1", heard, later(minutes=1))
    call = ContactReported.model_validate({"at": later(minutes=1), "channel": "call", "outcome": "answered", "party": "borrower"})
    await record(ledger, call, call.model_copy(update={"at": later(minutes=7)}))
    await read_all(ledger)
    assert (await told_kinds(ledger))[1:] == ["contact.made answered", "contact.made answered"]
    first, second = (await told(ledger))[1:]
    assert (first["data"]["direction"], first["data"]["at"]) == ("in", "2026-11-21T09:01:00Z")
    assert second["data"]["at"] == "2026-11-21T09:07:00Z"


async def test_an_approval_is_told_from_asking_to_its_end(ledger: Ledger) -> None:
    await a_case(ledger)
    await store(ledger, approval("ask-1"), approval("ask-2"), approval("ask-3"))
    await read_all(ledger)
    async with ledger.exclusive() as session:
        row = await session.get_one(ApprovalRow, "ask-1")
        row.state, row.decided_by, row.decided_at = "approved", "sue", later(hours=1)
        session.add(row)
        await approvals.expire(session, "ask-2")
    await read_all(ledger, later(hours=49))
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, "L-1.1", "cured", later(hours=50))
    await read_all(ledger, later(hours=51))
    assert [kind for kind in await told_kinds(ledger) if not kind.startswith("stage")] == [
        "case.opened",
        *("approval.asked",) * 3,
        "approval.decided",
        "approval.expired",
        "case.closed",
        "approval.void",
    ]


async def test_a_placement_is_told_once_the_agency_has_the_case(ledger: Ledger) -> None:
    await a_case(ledger)
    row = ReferralRow(
        id="r-1", case_id="L-1.1", loan_id="L-1", step="agency.1", target=Referral.AGENCY, agency="north", sent_at=later(hours=1)
    )
    await store(ledger, row)
    assert await read_all(ledger) == 1
    async with ledger.exclusive() as session:
        await work.taken(session, "r-1", None)
    await read_all(ledger, later(hours=1))
    async with ledger.exclusive() as session:
        await work.recalled(session, "r-1", later(hours=2))
    await read_all(ledger, later(hours=2))
    assert (await told_kinds(ledger))[1:] == [
        "case.placed",
        "stage contacting > placed",
        "case.recalled",
        "stage placed > contacting",
    ]


async def test_a_reversed_payment_is_told(ledger: Ledger) -> None:
    await a_case(ledger)
    async with ledger.exclusive() as session:
        await loans.record_payment(session, "L-1", payment(), "loan_system", NOW)
    reversal = PaymentReversalRow(
        payment_id="pay-1", reversed_at=later(hours=1), reason="returned", source="loan_system", recorded_at=later(hours=1)
    )
    await store(ledger, reversal)
    await read_all(ledger, later(hours=1))
    assert (await told(ledger))[-1]["data"] == {
        "loan_id": "L-1",
        "case_id": "L-1.1",
        "at": "2026-11-21T10:00:00Z",
        "payment_id": "pay-1",
        "amount": "100.00",
        "currency": "CNY",
        "reason": "returned",
    }


async def test_what_is_told_of_a_loan_names_the_case_that_ran_or_the_last_one_before(ledger: Ledger) -> None:
    await lend(ledger)
    await switch_on(ledger)
    await fact(ledger, 1, "hold", loan_id="L-1", reason="dispute")
    await open_case(ledger, now=later(hours=2))
    await fact(ledger, 3, "hold", loan_id="L-1", reason="illness", until=later(hours=7).isoformat())
    await fact(ledger, 3.5, "contact", key="c-1", loan_id="L-1", channel="call", outcome="no_answer")
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, "L-1.1", "withdrawn", later(hours=4))
        await loans.record_payment(session, "L-1", payment(), "loan_system", later(hours=4))
    reversal = PaymentReversalRow(
        payment_id="pay-1", reversed_at=later(hours=1), reason="returned", source="loan_system", recorded_at=later(hours=5)
    )
    await store(ledger, reversal)
    await open_case(ledger, run_key="run-2", now=later(hours=6))
    await fact(ledger, 8, "hold_lifted", loan_id="L-1", reason="dispute")
    await read_all(ledger, later(hours=9))
    found = {(body["type"], body["data"].get("reason")): body["data"].get("case_id") for body in await told(ledger)}
    assert {key: case for key, case in found.items() if key[0].partition(".")[0] in ("hold", "payment", "contact")} == {
        ("hold.placed", "dispute"): None,
        ("hold.placed", "illness"): "L-1.1",
        ("contact.made", None): "L-1.1",
        ("payment.reversed", "returned"): "L-1.1",
        ("hold.lifted", "illness"): "L-1.2",
        ("hold.lifted", "dispute"): "L-1.2",
    }


async def test_an_opt_out_is_told_as_what_it_is_and_not_as_a_contact(ledger: Ledger) -> None:
    await a_case(ledger)
    await fact(ledger, 1, "wish", person_id="B-1", kind="no_medium", channel="sms")
    await fact(ledger, 2, "wish", person_id="B-1", kind="no_contact")
    await fact(ledger, 3, "wish_withdrawn", person_id="B-1", kind="no_medium", channel="sms")
    await read_all(ledger, later(hours=3))
    assert (await told_kinds(ledger))[1:] == ["opt_out.recorded", "opt_out.recorded", "opt_out.withdrawn"]
    no_sms, nothing, back = (body["data"] for body in (await told(ledger))[1:])
    said = {"loan_id": "L-1", "case_id": "L-1.1", "opt_out_id": no_sms["opt_out_id"], "kind": "no_medium", "channel": "sms"}
    assert no_sms == said | {"at": "2026-11-21T10:00:00Z"}
    assert back == said | {"at": "2026-11-21T12:00:00Z"}
    assert (nothing["kind"], "channel" in nothing) == ("no_contact", False)


async def test_an_opt_out_in_a_contact_is_told_beside_that_contact(ledger: Ledger) -> None:
    await a_case(ledger)
    await fact(ledger, 1, "contact", key="c-1", loan_id="L-1", channel="sms", direction="in", outcome="opted_out")
    await fact(ledger, 1, "wish", person_id="B-1", kind="no_medium", channel="sms")
    await record(ledger, ContactReported(at=later(hours=2), channel=Channel.CALL, outcome=Outcome.OPTED_OUT, party="borrower"))
    await read_all(ledger, later(hours=2))
    assert sorted((await told_kinds(ledger))[1:]) == ["contact.made opted_out", "contact.made opted_out", "opt_out.recorded"]
    made = [(body["data"]["channel"], body["data"]["direction"]) for body in await told(ledger) if body["type"] == "contact.made"]
    assert made == [("sms", "in"), ("call", "out")]


async def test_an_opt_out_is_told_of_every_loan_that_it_is_about_and_says_whose_it_is(ledger: Ledger) -> None:
    await a_case(ledger)
    await lend(ledger, "L-2")
    await fact(ledger, 1, "wish", person_id="B-1", kind="no_hours", hours={"start": "08:00", "end": "12:00"})
    await fact(ledger, 2, "wish", person_id="P-1", kind="no_address", address="+8613000000002")
    await read_all(ledger, later(hours=2))
    wished = [body["data"] for body in await told(ledger) if body["type"] == "opt_out.recorded"]
    assert [(w["loan_id"], w.get("case_id"), w.get("person_id")) for w in wished] == [
        ("L-1", "L-1.1", None),
        ("L-2", None, None),
        ("L-1", "L-1.1", "P-1"),
        ("L-2", None, "P-1"),
    ]
    assert wished[0]["hours"] == {"start": "08:00:00", "end": "12:00:00"}
    assert wished[2]["contact_point_id"] == 2
    assert "+86" not in str(wished)


async def test_a_wish_of_before_is_history_and_what_becomes_of_it_is_told(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await fact(ledger, -1, "wish", person_id="B-1", kind="no_contact")
    await switch_on(ledger)
    await fact(ledger, 1, "wish_withdrawn", person_id="B-1", kind="no_contact")
    await read_all(ledger, later(hours=1))
    assert await told_kinds(ledger) == ["opt_out.withdrawn"]


async def test_a_closed_case_tells_its_last_stage_and_its_end_and_what_was_still_open(ledger: Ledger) -> None:
    await a_case(ledger)
    await store(ledger, attempt("L-1.1/call.1", channel=Channel.CALL, state=AttemptState.SENT, sent_at=NOW))
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, "L-1.1", "on_plan_completed", later(hours=1))
    await read_all(ledger, later(hours=1))
    assert await told_kinds(ledger) == [
        "case.opened",
        "contact.made ?",
        "stage contacting > on_plan_completed",
        "plan.completed",
        "case.closed",
    ]


async def test_a_reader_who_is_far_behind_tells_things_in_their_order(ledger: Ledger) -> None:
    await a_case(ledger)
    await record(ledger, PROMISE, judged(kept=True))
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, "L-1.1", "cured", later(hours=1))
    await read_all(ledger, later(hours=1))
    assert await told_kinds(ledger) == [
        "case.opened",
        "promise.made",
        "stage contacting > promised",
        "promise.kept",
        "stage promised > contacting",
        "stage contacting > cured",
        "case.closed",
    ]


async def test_rows_that_are_recorded_anew_tell_nothing_anew(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger, now=NOW - timedelta(days=9))
    await store(
        ledger, approval("ask-1", asked_at=NOW - timedelta(days=8), deadline=NOW - timedelta(days=1), remind_at=NOW - timedelta(days=2))
    )
    await switch_on(ledger)
    await record(ledger, PROMISE, judged(kept=True))
    await read_all(ledger, later(hours=1))
    before = await told_kinds(ledger)
    await touch_everything(ledger)
    assert await read_all(ledger, later(hours=1)) == 0
    assert await told_kinds(ledger) == before


async def touch_everything(ledger: Ledger) -> None:
    """Write rows again as a migration would: changed in a way that tells nothing."""
    async with ledger.exclusive() as session:
        case = await session.get_one(CaseRow, "L-1.1")
        case.payments_counted = ["another"]
        request = await session.get_one(ApprovalRow, "ask-1")
        request.evidence = {"another": 1}
        session.add_all((case, request))


async def test_several_readers_take_turns_and_tell_each_fact_once(ledger: Ledger) -> None:
    await lend(ledger)
    await asyncio.gather(*(switch_on(ledger) for _ in range(4)))
    await open_case(ledger)
    promises = [PROMISE.model_copy(update={"at": later(minutes=n), "due_on": DUE + timedelta(days=n)}) for n in range(12)]

    async def write() -> None:
        for promise in promises:
            await record(ledger, promise)

    async def read_along() -> None:
        for _ in range(12):
            await read_all(ledger)

    await asyncio.gather(write(), *(read_along() for _ in range(4)))
    await read_all(ledger)
    bodies = await told(ledger)
    assert [body["data"]["due_on"] for body in bodies if body["type"] == "promise.made"] == [str(promise.due_on) for promise in promises]
    async with ledger.reading() as session:
        ids = [row.id for row in await outbox.events(session, Wanted())]
    assert ids == [f"evt_{n:012d}" for n in range(1, len(bodies) + 1)]


async def test_a_long_way_behind_is_read_turn_by_turn(ledger: Ledger) -> None:
    await a_case(ledger)
    many = [PROMISE.model_copy(update={"at": later(seconds=n), "due_on": DUE + timedelta(days=n)}) for n in range(600)]
    async with ledger.exclusive() as session:
        await journal.record_events(session, "L-1.1", "L-1", many, NOW)
    async with ledger.exclusive() as session:
        turn = await reader.read(session, later(days=1), lambda _: ())
    assert not turn.at_head
    assert turn.events < 600
    await read_all(ledger, later(days=1))
    made = [body["data"]["due_on"] for body in await told(ledger) if body["type"] == "promise.made"]
    assert made == [str(promise.due_on) for promise in many]


async def test_a_hold_that_has_ended_is_told_before_what_was_done_after_it(ledger: Ledger) -> None:
    await a_case(ledger)
    await record(ledger, HoldPlaced(at=later(minutes=1), reason="illness", until=later(hours=2)))
    await read_all(ledger, later(hours=1))
    await store(
        ledger,
        attempt(
            state=AttemptState.SETTLED,
            outcome=Outcome.DELIVERED,
            reserved_at=later(hours=3),
            sent_at=later(hours=3),
            settled_at=later(hours=3),
        ),
    )
    await record(ledger, PROMISE.model_copy(update={"at": later(hours=4)}))
    await read_all(ledger, later(hours=5))
    assert (await told_kinds(ledger))[3:] == [
        "hold.lifted ended",
        "stage on_hold > contacting",
        "contact.made delivered",
        "promise.made",
        "stage contacting > promised",
    ]
    assert [body["data"]["at"][11:16] for body in (await told(ledger))[3:]] == ["11:00", "11:00", "12:00", "13:00", "13:00"]
