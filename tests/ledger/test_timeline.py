"""The timeline tells what happened, in order, each fact once, with ids instead of names."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from arrears.domain.events import (
    ContactReported,
    HoldLifted,
    HoldPlaced,
    MessageIgnored,
    PaymentReceived,
    PlanAgreed,
    PlanBroken,
    PromiseJudged,
    PromiseMade,
    StepDeferred,
    StepTaken,
    Withdrawn,
)
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral, Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger import cases, facts, journal, relays
from arrears.ledger.engine import Ledger
from arrears.ledger.facts import FACT
from arrears.ledger.tables import ReferralRow, TaskRow, VerdictRow
from arrears.ledger.timeline import EntryKind, TimelineEntry, timeline
from arrears.ledger.vault import Field
from arrears.workflows.messages import read
from tests.ledger.scene import HASH, approval, later, lend, open_case, payment, settled, store
from tests.sealing import keys_of, person


async def told(ledger: Ledger, loan_id: str = "L-1") -> list[TimelineEntry]:
    async with ledger.reading() as session:
        return await timeline(session, loan_id)


async def test_a_loan_that_never_had_a_case_has_no_timeline(ledger: Ledger) -> None:
    await lend(ledger)

    assert await told(ledger) == []
    assert await told(ledger, "L-404") == []


async def test_the_whole_story_in_order(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await store(
        ledger,
        settled("L-1.1/first-call.1", Outcome.NO_ANSWER, later(hours=1), channel=Channel.CALL, message="first-call"),
        VerdictRow(
            attempt_id="L-1.1/first-sms.1",
            case_id="L-1.1",
            person_id="B-1",
            decided_at=later(hours=2),
            verdict=Effect.DEFER,
            until=later(hours=13),
            rules=["CN-01"],
            observed=[],
            facts_hash=HASH,
            regime="cn",
            regime_version=1,
        ),
        approval(
            "ask-1",
            asked_at=later(hours=3),
            reminded_at=later(hours=4),
            state="approved",
            decided_by="sue",
            decided_at=later(hours=5),
        ),
        approval("ask-2", asked_at=later(hours=6), state="void", void_at=later(hours=7), why_void="a payment came"),
        TaskRow(
            id="t-1",
            case_id="L-1.1",
            loan_id="L-1",
            step="collector.1",
            kind=TaskKind.DEDICATED_COLLECTOR,
            role=Role.COLLECTOR,
            opened_at=later(hours=8),
            state="cancelled",
            done_at=later(hours=19),
        ),
        ReferralRow(
            id="r-1",
            case_id="L-1.1",
            loan_id="L-1",
            step="agency.1",
            target=Referral.AGENCY,
            agency="first-agency",
            state="recalled",
            sent_at=later(hours=9),
            until=later(days=60),
            recalled_at=later(hours=18),
        ),
    )
    async with ledger.session() as session:
        await journal.record_events(
            session,
            "L-1.1",
            "L-1",
            [
                HoldPlaced(at=later(hours=10), reason="dispute"),
                HoldLifted(at=later(hours=11), reason="dispute"),
                PromiseMade(at=later(hours=12), amount=Decimal(100), currency="CNY", due_on=date(2026, 11, 30)),
                ContactReported(at=later(hours=14), channel=Channel.CALL, outcome=Outcome.ANSWERED_WILLING, party="borrower"),
                StepTaken(at=later(hours=15), step="second-call.1", outcome=Outcome.SKIPPED, why="attitude is willing"),
                PaymentReceived(at=later(hours=17), payment=payment(amount="800", received_at=later(hours=16))),
            ],
            later(hours=17),
        )
        await cases.close_case_row(session, "L-1.1", "cured", later(hours=19))

    story = await told(ledger)

    assert [(e.kind, e.step, e.text) for e in story] == [
        ("case_opened", None, "case opened with strategy gentle, version 3"),
        ("contact", "first-call.1", "call to B-1 (first-call): no answer"),
        ("contact_defer", "first-sms.1", "contact put off until 2026-11-21 22:00 UTC"),
        ("approval_asked", "relatives.1", "approval ask-1 asked of supervisor, to be decided before 2026-11-23 09:00 UTC"),
        ("approval_reminded", "relatives.1", "approval ask-1 brought to mind again"),
        ("approval_decided", "relatives.1", "approval ask-1 given by sue"),
        ("approval_asked", "relatives.1", "approval ask-2 asked of supervisor, to be decided before 2026-11-23 09:00 UTC"),
        ("approval_void", "relatives.1", "approval ask-2 is void: a payment came"),
        ("task_opened", "collector.1", "task for collector: dedicated collector"),
        ("referred", "agency.1", "sent to first-agency until 2027-01-20 09:00 UTC"),
        ("hold_placed", None, "held for dispute"),
        ("hold_lifted", None, "no longer held for dispute"),
        ("promise_made", None, "promised to pay 100 CNY by 2026-11-30"),
        ("contact_reported", None, "call with borrower reported: answered willing"),
        ("step_taken", "second-call.1", "skipped: attitude is willing"),
        ("payment", None, "800.00 CNY received (payment pay-1, by way of case)"),
        ("approval_void", "relatives.1", "approval ask-1 is void: the borrower promised to pay"),
        ("recalled", "agency.1", "called back from first-agency"),
        ("task_cancelled", "collector.1", "task cancelled: dedicated collector"),
        ("case_closed", None, "case closed: cured"),
    ]
    assert [e.at for e in story] == sorted(e.at for e in story)
    assert next(e for e in story if e.kind == "contact_defer").rules == ("CN-01",)
    assert {e.case_id for e in story if e.kind != "payment"} == {"L-1.1"}


async def test_a_step_that_an_attempt_tells_is_not_told_twice(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await store(ledger, settled("L-1.1/first-sms.1", Outcome.DELIVERED, later(hours=1)))
    async with ledger.session() as session:
        step = StepTaken(at=later(hours=1), step="first-sms.1", outcome=Outcome.DELIVERED, attempt_id="L-1.1/first-sms.1")
        await journal.record_events(session, "L-1.1", "L-1", [step], later(hours=1))

    assert [e.kind for e in await told(ledger)] == ["case_opened", "contact"]


async def test_the_story_goes_on_over_a_loans_cases_and_leaves_out_other_loans(ledger: Ledger) -> None:
    await lend(ledger)
    await lend(ledger, "L-2")
    await open_case(ledger)
    await open_case(ledger, "L-2", run_key="run-of-L-2")
    await open_case(ledger, run_key="run-2", now=later(days=1))

    assert [(e.kind, e.case_id) for e in await told(ledger)] == [
        ("case_opened", "L-1.1"),
        ("case_closed", "L-1.1"),
        ("case_opened", "L-1.2"),
    ]


async def test_the_story_names_no_one(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)
    await store(
        ledger, settled("L-1.1/first-sms.1", Outcome.DELIVERED, later(hours=1), text=keys_of("B-1").seal("B-1", Field.TEXT, "王示例，您好"))
    )

    story = "".join(entry.model_dump_json() for entry in await told(ledger))

    assert "示例" not in story
    assert "+86" not in story


async def tell(ledger: Ledger, after: float, fact: str, **said: Any) -> None:
    """A fact as the loan system tells it, so many hours into the scene; the cases hear of it at once."""
    at = later(hours=after)
    when = "given_at" if fact == "consent" else "sent_at" if fact == "notice" else "at"
    body = FACT.validate_json(json.dumps({"fact": fact, when: at.isoformat(), **said}))
    async with ledger.exclusive() as session:
        await facts.record(session, body, at)
        for message in await relays.undelivered(session):
            assert message.id is not None
            case = await cases.open_case(session, message.loan_id)
            assert case is not None
            event = read(message.name, message.body, later(hours=after, minutes=1), None)
            await journal.record_events(session, case.id, message.loan_id, [event], later(hours=after, minutes=1))
            await relays.delivered(session, [message.id], at)


async def a_case(ledger: Ledger) -> None:
    await lend(ledger)
    await open_case(ledger)


async def lines(ledger: Ledger, loan_id: str = "L-1") -> list[tuple[str, str]]:
    """What a timeline says, but for the openings of cases."""
    return [(e.kind, e.text) for e in await told(ledger, loan_id) if e.kind != "case_opened"]


async def test_a_hold_that_the_loan_system_told_is_in_the_story_with_the_case_that_ran(ledger: Ledger) -> None:
    await a_case(ledger)
    await tell(ledger, 1, "hold", loan_id="L-1", reason="dispute", until=later(days=9).isoformat())
    await tell(ledger, 2, "hold", loan_id="L-1", reason="complaint", agency="north")
    await tell(ledger, 3, "hold_lifted", loan_id="L-1", reason="dispute")

    assert await lines(ledger) == [
        ("hold_placed", "held for dispute until 2026-11-30 09:00 UTC"),
        ("hold_placed", "held for complaint; it bars north only"),
        ("hold_lifted", "no longer held for dispute"),
    ]
    assert {e.case_id for e in await told(ledger)} == {"L-1.1"}


async def test_a_hold_before_the_first_case_is_in_the_story_and_belongs_to_none(ledger: Ledger) -> None:
    await lend(ledger)
    await tell(ledger, -2, "hold", loan_id="L-1", reason="dispute")
    await open_case(ledger)
    async with ledger.exclusive() as session:
        await cases.close_case_row(session, "L-1.1", "withdrawn", later(hours=1))
    await tell(ledger, 2, "hold_lifted", loan_id="L-1", reason="dispute")

    story = [(e.kind, e.case_id) for e in await told(ledger)]
    assert story == [("hold_placed", None), ("case_opened", "L-1.1"), ("case_closed", "L-1.1"), ("hold_lifted", "L-1.1")]


async def test_a_hold_that_reaches_the_whole_person_is_told_once_on_each_of_their_loans_and_says_where_it_was_placed(
    ledger: Ledger,
) -> None:
    await a_case(ledger)
    await lend(ledger, "L-2")
    await open_case(ledger, "L-2", run_key="run-of-L-2")
    await tell(ledger, 1, "hold", loan_id="L-2", reason="bankruptcy")
    await tell(ledger, 2, "hold", loan_id="L-2", reason="dispute")
    await tell(ledger, 3, "hold_lifted", loan_id="L-2", reason="bankruptcy")

    reach = "; placed on loan L-2, it reaches every loan of B-1"
    assert await lines(ledger) == [("hold_placed", f"held for bankruptcy{reach}"), ("hold_lifted", f"no longer held for bankruptcy{reach}")]
    assert {e.case_id for e in await told(ledger)} == {"L-1.1"}
    assert await lines(ledger, "L-2") == [
        ("hold_placed", "held for bankruptcy"),
        ("hold_placed", "held for dispute"),
        ("hold_lifted", "no longer held for bankruptcy"),
    ]


async def test_a_hold_with_which_a_loan_was_imported_is_its_own_though_one_of_another_loan_reaches_it_too(ledger: Ledger) -> None:
    await lend(ledger, "L-2")
    await tell(ledger, -1, "hold", loan_id="L-2", reason="bankruptcy")
    await lend(ledger, held_for="bankruptcy")
    await open_case(ledger)

    assert await lines(ledger) == [
        ("hold_placed", "held for bankruptcy; placed on loan L-2, it reaches every loan of B-1"),
        ("hold_placed", "held for bankruptcy"),
    ]


async def test_a_hold_about_somebody_else_says_whom_it_is_about(ledger: Ledger) -> None:
    await a_case(ledger)
    await tell(ledger, 1, "hold", loan_id="L-1", reason="minor", person_id="P-1")

    assert await lines(ledger) == [("hold_placed", "held for minor; it is about P-1")]
    assert (await told(ledger))[-1].person_id == "P-1"


async def test_what_people_wish_and_that_they_took_it_back_is_in_the_story_and_is_no_contact(ledger: Ledger) -> None:
    await a_case(ledger)
    await tell(ledger, 1, "wish", person_id="B-1", kind="no_medium", channel="in_app")
    await tell(ledger, 2, "wish", person_id="B-1", kind="no_contact")
    await tell(ledger, 3, "wish", person_id="B-1", kind="no_address", address="+8613000000001")
    await tell(ledger, 4, "wish", person_id="P-1", kind="no_hours", hours={"start": "08:00", "end": "12:00"})
    await tell(ledger, 5, "wish_withdrawn", person_id="B-1", kind="no_medium", channel="in_app")

    assert await lines(ledger) == [
        ("opt_out_recorded", "B-1 wishes no contact by in-app"),
        ("opt_out_recorded", "B-1 wishes no contact"),
        ("opt_out_recorded", "B-1 wishes no contact at contact point 1"),
        ("opt_out_recorded", "P-1 wishes no contact between 08:00 and 12:00"),
        ("opt_out_withdrawn", "B-1 took a wish back: no contact by in-app"),
    ]
    first, *_, last = (await told(ledger))[1:]
    assert (first.case_id, first.person_id, first.channel, first.outcome) == ("L-1.1", "B-1", "in_app", None)
    assert (last.case_id, last.person_id, last.channel) == ("L-1.1", "B-1", "in_app")
    assert "+86" not in "".join(e.model_dump_json() for e in await told(ledger))


async def test_what_people_agreed_to_and_that_they_took_it_back_is_in_the_story(ledger: Ledger) -> None:
    await a_case(ledger)
    await tell(ledger, 1, "consent", person_id="B-1", kind="more_calls", channel="call", evidence="recording of 王示例")
    await tell(ledger, 2, "consent", person_id="B-1", kind="hours", hours={"start": "18:00", "end": "20:00"}, evidence="e-1")
    await tell(ledger, 3, "consent", person_id="P-1", kind="texts", ends_at=later(days=9).isoformat(), evidence="e-2")
    await tell(ledger, 4, "consent_withdrawn", person_id="B-1", kind="more_calls")

    assert await lines(ledger) == [
        ("consent_given", "B-1 agreed to more calls; only by call"),
        ("consent_given", "B-1 agreed to hours; only between 18:00 and 20:00"),
        ("consent_given", "P-1 agreed to texts; it ends 2026-11-30 09:00 UTC"),
        ("consent_withdrawn", "B-1 took a consent back: more calls; only by call"),
    ]
    assert "示例" not in "".join(e.model_dump_json() for e in await told(ledger))


async def test_wishes_and_consents_of_people_who_have_nothing_to_do_with_the_loan_are_not_in_its_story(ledger: Ledger) -> None:
    await a_case(ledger)
    await store(ledger, *person("X-1", "钱示例", zone="Asia/Shanghai", language="zh-CN"))
    await tell(ledger, 1, "wish", person_id="X-1", kind="no_contact")
    await tell(ledger, 1, "consent", person_id="X-1", kind="texts", evidence="e-1")

    assert await lines(ledger) == []


async def test_a_contact_that_others_had_is_told_once_also_if_nobody_knows_what_became_of_it(ledger: Ledger) -> None:
    await a_case(ledger)
    await tell(ledger, 1, "contact", key="c-1", loan_id="L-1", channel="call", direction="in", outcome="opted_out")
    await tell(ledger, 1, "wish", person_id="B-1", kind="no_medium", channel="call")
    await tell(ledger, 2, "contact", key="c-2", loan_id="L-1", channel="visit", outcome="unknown")
    await tell(ledger, 3, "contact", key="c-3", loan_id="L-1", person_id="P-1", channel="call", outcome="no_answer")
    agency = {"fact": "agency", "agency": "north", "listed_from": "2026-01-01", "contract_from": "2026-01-01", "assessment_id": "a-1"}
    feed = {
        "up_to": later(hours=4).isoformat(),
        "contacts": [{"key": "n-1", "loan_id": "L-1", "channel": "call", "at": later(hours=4).isoformat()}],
    }
    async with ledger.exclusive() as session:
        for body in (agency, {"fact": "agency_contacts", "agency": "north", **feed}):
            await facts.record(session, FACT.validate_json(json.dumps(body)), later(hours=4))

    assert await lines(ledger) == [
        ("contact_reported", "call with borrower reported: opted out"),
        ("opt_out_recorded", "B-1 wishes no contact by call"),
        ("contact_reported", "visit with borrower reported: unknown"),
        ("contact_reported", "call with relative reported: no answer"),
        ("contact_reported", "call with borrower reported: unknown; told by north"),
    ]


async def test_a_refusal_and_a_notice_by_letter_are_in_the_story(ledger: Ledger) -> None:
    await a_case(ledger)
    await tell(ledger, 1, "refusal", person_id="P-1")
    await tell(ledger, 2, "notice", loan_id="L-1", kind="agency", evidence="letter of 王示例")
    sent = later(hours=2).isoformat()
    await tell(ledger, 3, "notice", loan_id="L-1", kind="agency", sent_at=sent, delivered_at=later(hours=3).isoformat())
    await tell(ledger, 4, "notice", loan_id="L-1", kind="default", bounced_at=later(hours=4).isoformat())

    assert await lines(ledger) == [
        ("refusal", "P-1 asked never to be contacted again"),
        ("notice_sent", "notice agency to B-1: sent"),
        ("notice_delivered", "notice agency to B-1: delivered"),
        ("notice_sent", "notice default to B-1: sent"),
        ("notice_returned", "notice default to B-1: came back"),
    ]


async def test_every_event_of_a_case_that_is_told_is_of_a_kind_that_is_listed(ledger: Ledger) -> None:
    await a_case(ledger)
    due = date(2026, 11, 30)
    events = [
        StepTaken(at=later(hours=1), step="first-call.1", outcome=Outcome.SKIPPED),
        StepDeferred(at=later(hours=2), step="second-call.1", until=later(hours=9), rules=("CN-01",)),
        PromiseMade(at=later(hours=3), amount=Decimal(100), currency="CNY", due_on=due),
        PromiseJudged(at=later(hours=4), amount=Decimal(100), due_on=due, kept=False),
        PlanAgreed.model_validate({"at": later(hours=5), "currency": "CNY", "instalments": [{"due_on": due, "amount": "800"}]}),
        PlanBroken(at=later(hours=6), due_on=due),
        ContactReported(at=later(hours=7), channel=Channel.CALL, outcome=Outcome.ANSWERED, party="borrower"),
        MessageIgnored(at=later(hours=8), name="hold_lifted", why="no such hold is in force"),
        Withdrawn(at=later(hours=9), reason="sold elsewhere"),
    ]
    async with ledger.session() as session:
        await journal.record_events(session, "L-1.1", "L-1", events, later(hours=9))

    assert [kind for kind, _ in await lines(ledger)] == [event.kind for event in events]
    assert {event.kind for event in events} <= {*EntryKind}
