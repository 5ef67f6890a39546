"""The timeline tells what happened, in order, each fact once, with ids instead of names."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from arrears.domain.events import ContactReported, HoldLifted, HoldPlaced, PaymentReceived, PromiseMade, StepTaken
from arrears.domain.outcome import Outcome
from arrears.domain.strategy import Channel, Referral, Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger import cases, journal
from arrears.ledger.engine import Ledger
from arrears.ledger.tables import ReferralRow, TaskRow, VerdictRow
from arrears.ledger.timeline import TimelineEntry, timeline
from arrears.ledger.vault import Field
from tests.ledger.scene import HASH, approval, later, lend, open_case, payment, settled, store
from tests.sealing import keys_of


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
